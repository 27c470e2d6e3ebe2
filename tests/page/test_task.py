"""The tab of a task instance: its fax, its attempts, and what to do next."""

from __future__ import annotations

import pytest

ATTEMPT = {"key": "airflow-1", "account": "0123", "run": 1, "began_at": 1795000000.0, "document_id": None,
           "job_id": "4710", "is_not_sent": False}  # fmt: skip
ENDED = {"vendor": "interfax", "job_id": "4710", "outcome": "retryable", "cause": "busy", "code": 3931}


def test_a_task_without_a_fax_has_none(ask, database):
    whose = database.put(key="return_value", raw={"a": 1})

    assert ask("task", **whose)["fax"] is None


def test_a_task_that_does_not_exist_has_none(ask, database):
    whose = database.put()

    assert ask("task", **{**whose, "task_id": "no such"})["fax"] is None


def test_each_mapped_task_has_its_own(ask, database):
    whose = [database.put(run_id="run", map_index=index, label=f"clinic-{index}") for index in range(2)]

    assert [ask("task", **each)["fax"]["label"] for each in whose] == ["clinic-0", "clinic-1"]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "Nothing. The receiving machine confirmed it."),
        ({"outcome": "pending", "state": "deferred"}, "Nothing. The task waits"),
        ({"outcome": "pending", "state": "failed"}, "Clear the task: it finds its fax"),
        ({"outcome": "pending", "state": "up_for_retry"}, "The next run of the task finds this fax"),
        ({"outcome": "pending", "cause": "out_of_credit", "state": "deferred"}, "Top the account up"),
        ({"outcome": "pending", "job_id": None, "waits_for": "credentials"}, "Correct the key or password"),
        ({"outcome": "retryable", "cause": "busy", "state": "up_for_retry"}, "Airflow runs the task again"),
        ({"outcome": "retryable", "cause": "busy", "state": "failed", "pages_sent": 0}, "Clear the task to make one"),
        ({"outcome": "retryable", "cause": "transmission", "pages_sent": 1}, "resend_partial"),
        ({"outcome": "fatal", "cause": "human_answered"}, "Sending it again as it is will fail again"),
        ({"outcome": "fatal", "cause": "invalid_number", "job_id": None}, "Correct what is wrong"),
        ({"outcome": "unknown"}, "Look it up there before anything is sent again"),
        ({"outcome": "fatal", "cause": "a word of tomorrow"}, "Look each one up"),
    ],
)
def test_it_says_what_to_do_next(ask, database, told, says):
    whose = database.put(**{"state": "success", **told})

    assert says in ask("task", **whose)["fax"]["next_step"]


def test_the_attempts_of_earlier_runs_are_told(ask, database):
    pytest.importorskip("airflow.models.task_state_store", reason="Airflow has a task state store from 3.3 on")
    whose = database.put(job_id="4711")
    database.note_attempts(
        whose, [{**ATTEMPT, "status": ENDED}, {**ATTEMPT, "run": 2, "job_id": "4711", "status": None}]
    )

    attempts = ask("task", **whose)["attempts"]

    assert [(each["run"], each["job_id"], each["outcome"], each["cause_in_words"]) for each in attempts] == [
        (1, "4710", "retryable", "The line was busy"),
        (2, "4711", None, None),
    ]
    assert attempts[0]["at"].startswith("2026-11-")


@pytest.mark.parametrize("broken", [[{"run": 1}], [{**ATTEMPT, "status": {"outcome": "no"}}], [None]])
def test_a_journal_that_cannot_be_read_is_none(ask, database, broken):
    pytest.importorskip("airflow.models.task_state_store", reason="Airflow has a task state store from 3.3 on")
    whose = database.put()
    database.note_attempts(whose, broken)

    found = ask("task", **whose)

    assert (found["attempts"], found["fax"]["label"]) == (None, "clinic-3")
