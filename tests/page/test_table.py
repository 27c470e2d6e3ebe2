"""The table: what it tells of a fax, how it is filtered, searched and turned, and its CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

HOUR = timedelta(hours=1)


def labels(found):
    return [fax["label"] for fax in found["faxes"]]


def test_a_fax_is_told_with_its_task_and_its_cause_in_words(ask, database):
    whose = database.put(
        map_index=3, state="failed", outcome="retryable", cause="busy", code=3931, pages_sent=0, attempts=3, cost="0.10"
    )

    found = ask("faxes")

    (fax,) = found["faxes"]
    assert found["total"] == 1
    assert {name: fax[name] for name in whose} == whose
    assert (fax["outcome"], fax["cause"], fax["cause_in_words"], fax["code"]) == (
        "retryable", "busy", "The line was busy", 3931,
    )  # fmt: skip
    assert (fax["label"], fax["number"], fax["vendor"], fax["conn_id"], fax["job_id"]) == (
        "clinic-3", "+*******0100", "interfax", "clinic_fax", "4711",
    )  # fmt: skip
    assert (fax["pages"], fax["pages_sent"], fax["attempts"], fax["cost"], fax["try_number"]) == (2, 0, 3, "0.10", 1)
    assert fax["state"] == "failed"
    assert "Clear the task" in fax["next_step"]


def test_an_airflow_without_a_fax_has_an_empty_table(ask, database):
    assert ask("faxes") == {"faxes": [], "total": 0}


def test_the_newest_comes_first_and_pages_neither_repeat_nor_leave_out(ask, database):
    for number in range(7):
        # Two of one moment, too.
        database.put(label=str(number), ago=timedelta(minutes=number // 2))

    pages = [ask("faxes", limit=3, offset=offset) for offset in (0, 3, 6)]

    assert {page["total"] for page in pages} == {7}
    turned = [label for page in pages for label in labels(page)]
    assert sorted(turned) == list("0123456")
    assert {*turned[:2]} == {"0", "1"}
    assert turned[-1] == "6"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, "abcd"),
        ({"outcome": "fatal"}, "b"),
        ({"outcome": ["fatal", "unknown"]}, "bc"),
        ({"cause": "human_answered"}, "b"),
        ({"dag": "billing"}, "d"),
        ({"conn_id": "other_fax"}, "c"),
        ({"outcome": "success", "dag": "billing"}, "d"),
        ({"outcome": "success", "cause": "busy"}, ""),
        ({"period": "1d"}, "ab"),
        ({"period": "30d"}, "abcde"),
        ({"period": "all"}, "abcdef"),
        ({"search": "4712"}, "b"),
        ({"search": "471"}, ""),
        ({"search": "C"}, "c"),
        ({"search": "100%"}, ""),
        ({"search": "_"}, ""),
        ({"search": "' OR 1=1 --"}, ""),
    ],
)
def test_filters_and_search(ask, database, filters, found):
    database.put(label="a")
    database.put(label="b", job_id="4712", outcome="fatal", cause="human_answered", ago=2 * HOUR)
    database.put(label="c", job_id="4713", outcome="unknown", conn_id="other_fax", ago=48 * HOUR)
    database.put(label="d", job_id="4714", dag_id="billing", ago=50 * HOUR)
    database.put(label="e", job_id="4715", ago=20 * 24 * HOUR)
    database.put(label="f", job_id="4716", ago=400 * 24 * HOUR)

    answer = ask("faxes", **filters)

    assert sorted(labels(answer)) == list(found)
    assert answer["total"] == len(found)


@pytest.mark.parametrize(
    "filters", [{"outcome": "delivered"}, {"period": "8d"}, {"limit": 501}, {"offset": -1}, {"search": "x" * 251}]
)
def test_what_cannot_be_asked_for_is_refused(visit, database, filters):
    assert visit().get("/faxes/data/faxes", params=filters).status_code == 422


def test_a_sensor_that_waited_tells_the_end_of_a_fax_for_which_its_task_did_not_wait(ask, database):
    whose = database.put(run_id="run", outcome="pending", pages_sent=None)
    before = ask("faxes")
    database.put(
        run_id="run", task_id="wait", label=None, number=None, pages=None, sent_at=None, is_of_sensor=True,
        outcome="retryable", cause="busy",
    )  # fmt: skip

    after = ask("faxes")

    assert [fax["outcome"] for fax in before["faxes"]] == ["pending"]
    (fax,) = after["faxes"]
    assert (fax["outcome"], fax["cause"], fax["task_id"], after["total"]) == ("retryable", "busy", "wait", 1)
    assert (fax["label"], fax["number"], fax["pages"]) == ("clinic-3", "+*******0100", 2)
    assert fax["sent_at"] is not None
    assert whose["task_id"] == "send"


def test_an_xcom_of_another_task_is_no_fax(ask, database):
    database.put(key="submitted", label="not the key")
    database.put(raw={"vendor": "interfax", "outcome": "delivered"})
    database.put(raw={"outcome": "success"})
    database.put(raw=["success"])
    database.put(raw="text")
    database.put(label="the only one")

    assert labels(ask("faxes")) == ["the only one"]


def test_a_number_that_is_not_masked_is_not_shown(visit, ask, database):
    database.put(number="+12025550100")

    (fax,) = ask("faxes")["faxes"]

    assert fax["number"] is None
    assert "2025550100" not in visit().get("/faxes/data/faxes.csv").text


def test_the_csv_has_the_faxes_that_the_filters_leave(visit, database):
    database.put(label="first", outcome="fatal", cause="canceled", ago=HOUR)
    database.put(label="second", ago=2 * HOUR)
    database.put(label="third", outcome="fatal", cause="no_route", ago=3 * HOUR)

    answer = visit().get("/faxes/data/faxes.csv", params={"outcome": "fatal"})

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["label"], row["cause_in_words"]) for row in rows] == [
        ("first", "Canceled"),
        ("third", "The vendor does not call there"),
    ]
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="faxes.csv"' in answer.headers["content-disposition"]


@pytest.mark.parametrize("label", ['=HYPERLINK("x")', "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_the_csv_is_a_formula(visit, database, label):
    database.put(label=label, message=label, conn_id=label)

    (row,) = csv.DictReader(io.StringIO(visit().get("/faxes/data/faxes.csv").text, newline=""))

    assert row["label"] == row["message"] == row["conn_id"] == f"'{label}"
    assert row["number"] == "'+*******0100"


def test_a_csv_of_many_pieces_is_whole(visit, database):
    for number in range(1203):
        database.put(run_id="run", map_index=number, label=str(number))

    rows = list(csv.DictReader(io.StringIO(visit().get("/faxes/data/faxes.csv").text)))

    assert sorted(int(row["label"]) for row in rows) == list(range(1203))
