"""Tasks with many faxes: how far each batch is, what of it needs a person, and who sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page.test_foreign_values import ANYTHING, plain

from airflow_provider_faxto.receipts.record import BATCH

COUNTS = {"pending": 0, "success": 290, "retryable": 6, "fatal": 3, "unknown": 1}
RECORD = {
    "vendor": "interfax",
    "conn_id": "clinic_fax",
    "total": 300,
    "counts": COUNTS,
    "causes": {"busy": 6, "number_not_operational": 3},
    "unsent": 0,
    "sent_at": "2026-11-27T08:00:00+00:00",
    "seen_final_at": "2026-11-27T08:30:00+00:00",
    "stopped": None,
    "path": "file:///results/batches/clinic_letters/send/0123.jsonl",
}
WAITING = {"counts": {"pending": 298, "fatal": 2}, "seen_final_at": None, "path": None}
DAY = timedelta(days=1)


@pytest.fixture
def put(database):
    """Give a function that lets a task have told of a batch."""

    def put(*, raw=..., counts=COUNTS, state="success", ago=timedelta(minutes=5), dag_id="clinic_letters", **told):
        value = {**RECORD, "counts": counts, **told} if raw is ... else raw
        return database.put(key=BATCH, raw=value, state=state, ago=ago, dag_id=dag_id)

    return put


def attention(ask):
    return {group["kind"]: group["count"] for group in ask("now")["attention"]}


def test_an_airflow_without_a_batch_shows_none(ask, database):
    database.put()

    found = ask("now")

    assert (found["batches"], found["batches_in_all"]) == ([], 0)


def test_a_batch_is_told_with_its_counts_and_causes_in_words(ask, put):
    whose = put()

    (batch,) = ask("now")["batches"]

    assert {name: batch[name] for name in whose} == whose
    assert (batch["total"], batch["counts"], batch["conn_id"]) == (300, COUNTS, "clinic_fax")
    assert batch["causes"] == [
        {"cause": "busy", "words": "The line was busy", "faxes": 6},
        {"cause": "number_not_operational", "words": "The number is not in service", "faxes": 3},
    ]


def test_the_newest_come_first_within_the_period_dag_and_connection(ask, put):
    put(conn_id="old", ago=8 * DAY)
    put(conn_id="second", ago=2 * DAY)
    put(conn_id="first", dag_id="billing")

    def shown(**asked):
        return [batch["conn_id"] for batch in ask("now", **asked)["batches"]]

    assert shown() == ["first", "second"]
    assert shown(period="all") == ["first", "second", "old"]
    assert shown(dag="billing") == ["first"]
    assert shown(conn_id="second") == ["second"]


def test_few_are_shown_of_many_and_all_are_counted(ask, put):
    for _ in range(23):
        put()

    found = ask("now")

    assert (len(found["batches"]), found["batches_in_all"]) == (20, 23)
    assert attention(ask) == {"unknown": 23, "fatal": 69}


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ({}, {"unknown": 1, "fatal": 3}),
        ({"ago": 2 * DAY}, {"unknown": 1}),
        ({"counts": {"success": 300}}, {}),
        ({"counts": {"success": 294, "retryable": 6}, "state": "up_for_retry"}, {}),
        ({**WAITING, "state": "deferred"}, {"fatal": 2}),
        ({**WAITING, "state": "failed"}, {"lost": 298, "fatal": 2}),
        ({"counts": {"retryable": 9}, "unsent": 8, "stopped": "FaxAccountStoppedError"}, {"credentials": 8}),
        ({"counts": {"retryable": 9}, "unsent": 8, "stopped": "FaxAwaitingCreditError"}, {"credit": 8}),
        ({"counts": {"retryable": 9}, "unsent": 8, "stopped": "FaxThrottledError"}, {}),
    ],
)
def test_faxes_of_a_batch_count_among_what_needs_a_person(ask, put, told, counted):
    put(**told)

    assert attention(ask) == counted


def test_single_faxes_and_batches_stand_together(ask, database, put):
    database.put(label="it", outcome="unknown", state="failed", conn_id="other_fax")
    whose = put(counts={"success": 1, "unknown": 4})

    (group,) = ask("now")["attention"]

    assert (group["count"], group["single"], group["conn_ids"]) == (5, 1, ["clinic_fax", "other_fax"])
    assert [fax["label"] for fax in group["faxes"]] == ["it"]
    assert [(batch["run_id"], batch["faxes"], batch["total"]) for batch in group["batches"]] == [
        (whose["run_id"], 4, 5)
    ]


def test_those_under_way_are_waited_for_with_the_others_of_the_connection(ask, database, put):
    database.put(outcome="pending", state="deferred")
    put(**WAITING, state="deferred", ago=timedelta(hours=3))
    put(**WAITING, state="running", conn_id="other_fax")
    put(**WAITING, state="failed", conn_id="left_alone")

    waiting = ask("now")["waiting"]

    assert [(row["conn_id"], row["faxes"]) for row in waiting] == [("clinic_fax", 299), ("other_fax", 298)]
    assert waiting[0]["oldest"].startswith((database.now - timedelta(hours=3)).isoformat()[:16])


def test_the_account_of_a_batch_is_looked_at(ask, put):
    put(conn_id="no_such_connection")

    assert [account["conn_id"] for account in ask("accounts")] == ["no_such_connection"]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"counts": {"success": 300}}, "Nothing. All were delivered."),
        ({**WAITING, "state": "deferred"}, "Nothing. The task waits"),
        ({**WAITING, "state": "failed"}, "it finds them at the vendor, and sends none twice"),
        ({**WAITING, "state": "up_for_retry"}, "The next run of the task finds these faxes"),
        ({"counts": {"retryable": 6}, "state": "up_for_retry"}, "Nothing yet. Airflow runs the task again"),
        ({"counts": {"retryable": 6}, "state": "failed"}, "Clear the task to send those that failed for now."),
        ({"counts": {"unknown": 1, "retryable": 6}, "state": "up_for_retry"}, "name its label in resend"),
        ({"counts": {"fatal": 1}, "state": "failed"}, "Correct the numbers or documents"),
        ({"counts": {"retryable": 1}, "stopped": "FaxThrottledError"}, "FaxThrottledError ended the sending early"),
    ],
)
def test_the_tab_tells_the_batch_and_what_to_do_next(ask, put, told, says):
    whose = put(**told)

    found = ask("task", **whose)

    assert found["fax"] is None
    assert says in found["batch"]["next_step"]
    assert found["batch"]["path"] == told.get("path", RECORD["path"])


# Rights


def test_nobody_sees_a_batch_of_a_dag_that_airflow_would_not_show_to_them(visit, put):
    put(conn_id="seen_connection", counts={"unknown": 7})
    secret = put(dag_id="billing", conn_id="secret_connection", path="secret-path", counts={"unknown": 98765})

    paths = ("now", "now?dag=billing", "accounts", "figures")
    answers = [visit("reader").get(f"/faxes/data/{path}") for path in paths]
    tabs = [visit(name).get("/faxes/data/task", params=secret) for name in ("reader", "stranger", None)]

    told = "".join(answer.text for answer in [*answers, *tabs])
    assert "seen_connection" in told
    assert not [word for word in ("billing", "secret_connection", "secret-path", "98765", "98772") if word in told]
    assert [tab.status_code for tab in tabs][:2] == [403, 403]
    assert tabs[2].status_code in {401, 403}
    assert visit("stranger").get("/faxes/data/now").status_code == 403


# What somebody else has pushed under that key

NEARLY = st.fixed_dictionaries(
    {},
    optional={
        **{name: ANYTHING | st.just(value) for name, value in RECORD.items()},
        "counts": ANYTHING | st.dictionaries(st.sampled_from(list(COUNTS)) | st.text(max_size=5), ANYTHING, max_size=4),
        "causes": ANYTHING | st.dictionaries(st.sampled_from(["busy", "<b>"]), ANYTHING, max_size=2),
    },
)


@given(values=st.lists(ANYTHING | NEARLY, min_size=1, max_size=4))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_foreign_values_break_nothing(visit, database, put, values):
    database.clear()
    put(conn_id="the good one")
    whose = [put(raw=plain(value)) for value in values]

    answers = {path: visit().get(f"/faxes/data/{path}") for path in ("now", "accounts", "faxes", "figures")}
    tabs = [visit().get("/faxes/data/task", params=each) for each in whose]

    assert {answer.status_code for answer in [*answers.values(), *tabs]} == {200}
    shown = answers["now"].json()["batches"]
    assert "the good one" in {batch["conn_id"] for batch in shown}
    for batch in shown:
        assert sum(batch["counts"].values()) == batch["total"]
        assert batch["counts"].keys() == COUNTS.keys()
        assert {cause["cause"] for cause in batch["causes"]} <= {"busy", "number_not_operational"}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"counts": {"success": 10**400, "fatal": -1, "unknown": True, "pending": "5"}}, {"total": 0}),
        ({"counts": {"success": 2}, "total": 10**9}, {"total": 2}),
        ({"stopped": "<script>alert(1)</script>"}, {"stopped": None}),
        ({"causes": {"clinic 7": 3}}, {"causes": []}),
        ({"unsent": 10**6}, {"unsent": COUNTS["retryable"]}),
    ],
)
def test_what_no_batch_of_ours_tells_is_not_shown(ask, put, told, shown):
    put(**told)

    (batch,) = ask("now")["batches"]

    assert {name: batch[name] for name in shown} == shown
