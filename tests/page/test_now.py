"""What needs a person, and for how many faxes is waited."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxAuthenticationError
from airflow_provider_faxto.hooks.fax import FaxHook

HOUR = timedelta(hours=1)


def attention(ask, **filters):
    return {group["kind"]: group for group in ask("now", **filters)["attention"]}


def test_where_all_is_well_nothing_needs_a_person(ask, database):
    database.put()
    database.put(outcome="retryable", cause="busy", state="up_for_retry")
    database.put(outcome="pending", state="deferred")

    assert ask("now")["attention"] == []


@pytest.mark.parametrize(
    ("kind", "told", "says"),
    [
        ("unknown", {"outcome": "unknown", "state": "failed"}, "Look each one up"),
        ("unknown", {"outcome": "unknown", "job_id": None, "ago": 72 * HOUR}, "Look each one up"),
        ("credentials", {"outcome": "pending", "job_id": None, "waits_for": "credentials", "state": "up_for_retry"},
         "Correct the key or password"),
        ("credit", {"outcome": "pending", "job_id": None, "waits_for": "credit", "state": "up_for_retry"}, "Top the"),
        ("credit", {"outcome": "pending", "cause": "out_of_credit", "state": "deferred"}, "Top the"),
        ("credit", {"outcome": "fatal", "cause": "out_of_credit", "state": "failed"}, "Top the"),
        ("lost", {"outcome": "pending", "state": "failed"}, "Clear the task"),
        ("fatal", {"outcome": "fatal", "cause": "human_answered", "state": "failed"}, "Correct the number"),
        ("fatal", {"outcome": "fatal", "cause": "invalid_document", "job_id": None, "state": "failed"}, "the document"),
    ],
)  # fmt: skip
def test_what_a_person_has_to_see_to_is_told_with_what_to_do(ask, database, kind, told, says):
    database.put(label="it", **told)

    found = attention(ask)

    assert list(found) == [kind]
    assert says in found[kind]["advice"]
    assert (found[kind]["count"], [fax["label"] for fax in found[kind]["faxes"]]) == (1, ["it"])
    assert found[kind]["conn_ids"] == ["clinic_fax"]


@pytest.mark.parametrize("waits_for", ["credentials", "credit"])
def test_a_task_that_somebody_has_marked_as_a_success_waits_for_nobody(ask, database, waits_for):
    database.put(outcome="pending", job_id=None, waits_for=waits_for, state="success")

    assert attention(ask) == {}


def test_what_failed_for_good_the_day_before_yesterday_is_no_news(ask, database):
    database.put(outcome="fatal", cause="human_answered", ago=49 * HOUR)

    assert attention(ask) == {}


def test_the_most_urgent_comes_first_and_few_are_shown(ask, database):
    for number in range(8):
        database.put(label=str(number), outcome="fatal", cause="canceled", ago=timedelta(minutes=number))
    database.put(outcome="unknown", ago=5 * HOUR)

    found = attention(ask)

    assert list(found) == ["unknown", "fatal"]
    assert found["fatal"]["count"] == 8
    assert [fax["label"] for fax in found["fatal"]["faxes"]] == list("01234")


def test_faxes_under_way_are_counted_by_connection(ask, database):
    for _ in range(2):
        database.put(outcome="pending", state="deferred", ago=HOUR)
    database.put(outcome="pending", state="running", conn_id="other_fax", vendor="faxto", ago=2 * HOUR)
    # Neither has a fax under way: one has not sent, one is not waited for.
    database.put(outcome="pending", state="up_for_retry", job_id=None, waits_for="credit")
    database.put(outcome="pending", state="failed")

    waiting = ask("now")["waiting"]

    assert [(row["conn_id"], row["vendor"], row["faxes"]) for row in waiting] == [
        ("clinic_fax", "interfax", 2),
        ("other_fax", "faxto", 1),
    ]
    assert waiting[1]["oldest"].startswith((database.now - 2 * HOUR).isoformat()[:16])


def test_a_fax_for_which_another_task_waits_is_waited_for_as_long_as_the_run_goes_on(ask, database):
    database.put(outcome="pending", state="success", run_state="running", conn_id="waited")
    database.put(outcome="pending", state="success", run_state="success", conn_id="forgotten")

    assert [row["conn_id"] for row in ask("now")["waiting"]] == ["waited"]


def test_what_this_machine_knows_of_an_account_is_told(ask, database, fax_connections, fax_job):
    FaxHook.for_connection("interfax_default").get_status(fax_job("interfax", "+999-9999-0"))
    database.put(outcome="pending", state="deferred", conn_id="interfax_default")
    database.put(outcome="pending", state="deferred", conn_id="faxto_default", vendor="faxto")
    database.put(outcome="pending", state="deferred", conn_id="no such/connection")

    known = {account["conn_id"]: account for account in ask("accounts")}

    interfax = known["interfax_default"]
    assert interfax["requests_per_minute"] == 600
    assert 0 <= interfax["requests_left"] <= 600
    assert interfax["stopped_until"] is None
    # Nobody has asked with it from here.
    assert known["faxto_default"]["requests_left"] is None
    assert known["no such/connection"]["requests_left"] is None


def test_a_stopped_account_is_told(ask, database, fax_connections, monkeypatch):
    mistyped = {**fax_connections.connection("interfax"), "password": "mistyped"}
    monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps(mistyped))
    with pytest.raises((FaxAuthenticationError, FaxAccountStoppedError)):
        FaxHook.for_connection("interfax_default").get_balance()
    database.put(conn_id="interfax_default")

    (account,) = ask("accounts")

    assert account["stopped_until"] > database.now.isoformat()
