"""The figures: outcomes, causes, delivery time and cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

DAY = timedelta(days=1)


@pytest.fixture
def noon(database):
    """Let it be noon, so that an hour ago is the same day."""
    database.now = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - DAY
    return database.now


def test_outcomes_are_counted_by_day(ask, database, noon):
    for outcome in ("success", "success", "retryable", "unknown"):
        database.put(outcome=outcome)
    database.put(outcome="fatal", ago=2 * DAY)

    assert ask("figures")["outcomes"] == [
        {"at": f"{noon - 2 * DAY:%Y-%m-%d}", "fatal": 1},
        {"at": f"{noon:%Y-%m-%d}", "success": 2, "retryable": 1, "unknown": 1},
    ]


def test_a_day_is_told_by_hours(ask, database):
    database.put(ago=timedelta(hours=3))

    found = ask("figures", period="1d")

    assert found["by"] == "hour"
    assert [row["at"] for row in found["outcomes"]] == [(database.now - timedelta(hours=3)).isoformat()[:13]]


def test_causes_are_counted_the_most_frequent_first(ask, database):
    database.put(outcome="fatal", cause="human_answered")
    for _ in range(2):
        database.put(outcome="retryable", cause="busy")
    database.put(outcome="success", cause=None)

    assert [(row["cause"], row["words"], row["faxes"]) for row in ask("figures")["causes"]] == [
        ("busy", "The line was busy", 2),
        ("human_answered", "A person answered", 1),
    ]


def test_the_delivery_time_is_that_of_delivered_faxes(ask, database, noon):
    for seconds in range(1, 101):
        database.put(about_seconds=seconds)
    database.put(outcome="retryable", about_seconds=5000)

    assert ask("figures")["delivery"] == [{"at": f"{noon:%Y-%m-%d}", "median": 50, "p95": 95}]


def test_cost_is_added_up_by_connection_to_the_last_digit(ask, database, noon):
    for cost in ("0.10", "0.20", "0.10", None, "free", "NaN"):
        database.put(cost=cost)
    database.put(cost="7.5", conn_id="other_fax")

    found = ask("figures")

    assert found["total_cost"] == {"clinic_fax": "0.40", "other_fax": "7.5"}
    assert found["cost"] == [{"at": f"{noon:%Y-%m-%d}", "of": {"clinic_fax": "0.40", "other_fax": "7.5"}}]


def test_what_may_be_chosen_is_what_there_is(ask, database):
    database.put(conn_id="b_fax")
    database.put(dag_id="billing", conn_id="a_fax")

    found = ask("figures")["choices"]

    assert (found["dag_id"], found["conn_id"]) == (["billing", "clinic_letters"], ["a_fax", "b_fax"])
    assert found["cause"]["busy"] == "The line was busy"


def test_figures_follow_the_filters(ask, database):
    database.put(outcome="fatal", cause="canceled")
    database.put(dag_id="billing")

    found = ask("figures", dag="billing")

    assert [row["success"] for row in found["outcomes"]] == [1]
    assert found["causes"] == []


def test_a_fax_that_its_task_and_a_sensor_tell_of_is_counted_once(ask, database):
    database.put(run_id="run", outcome="pending")
    database.put(run_id="run", task_id="wait", is_of_sensor=True)

    (row,) = ask("figures")["outcomes"]

    assert {name: count for name, count in row.items() if name != "at"} == {"success": 1}
