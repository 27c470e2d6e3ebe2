"""The journal of a task instance; and that a run which Airflow has given up sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.exceptions import FaxNotSentError
from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.reconcile import EarlierRuns, NotedSend
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.sending.run_state import STORED_AS, SendJournal, is_superseded

IS_AIRFLOW_2 = version("apache-airflow").startswith("2.")
ACCOUNT = "0123456789abcdef"
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
OTHER_KEY = "airflow-0123456789abcdef01234567-fedcba9876543210"


class Store:
    """Airflow's task state store, as a worker sees it."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.refuses_to_write = False
        self.refuses_to_read = False

    def get(self, key: str) -> Any:
        if self.refuses_to_read:
            raise RuntimeError("500 of a private host")
        return self.notes.get(key)

    def set(self, key: str, value: Any) -> None:
        if self.refuses_to_write:
            raise RuntimeError("404 of a private host")
        # Stored as JSON, so nothing that is changed later may be shared.
        self.notes[key] = {**value, "sends": [dict(send) for send in value["sends"]]}


def journal(store: Store | None, run: int, **dag_run: Any) -> SendJournal:
    # A task with so many retries left that its runs are Airflow's own retries, all but the first.
    context: Any = {"ti": SimpleNamespace(try_number=run, max_tries=9, task=SimpleNamespace(retries=9))}
    if dag_run:
        context["dag_run"] = SimpleNamespace(**dag_run)
    if store is not None:
        context["task_state_store"] = store
    return SendJournal(context)


def status(job_id: str = "7", outcome: FaxOutcome = FaxOutcome.RETRYABLE, **of: Any) -> FaxStatus:
    return FaxStatus(vendor="interfax", job_id=job_id, outcome=outcome, **of)


def run(store: Store, number: int, *, sends: bool = False, job_id: str | None = None, key: str = KEY) -> EarlierRuns:
    """Do what a run of the task does, and return what it knew when it began."""
    mine = journal(store, number)
    known = mine.begin()
    if sends:
        mine.note_send(key, ACCOUNT, None)
    if job_id is not None:
        mine.note_job(status(job_id, FaxOutcome.PENDING))
    return known


def runs_and_sends(known: EarlierRuns) -> tuple[int, int, list[str | None]]:
    return known.runs, known.unnoted_runs, [send.job_id for send in known.sends]


def test_a_first_run_has_no_run_before_it() -> None:
    assert run(Store(), 1) == EarlierRuns()
    assert journal(None, 1).begin() == EarlierRuns()
    # Some releases count from 0 until the first run has begun.
    assert runs_and_sends(journal(None, 0).begin()) == (0, 0, [])


@pytest.mark.parametrize("number", [2, 3, 7])
def test_without_notes_each_earlier_run_counts_as_one_that_may_have_sent(number: int) -> None:
    expected = EarlierRuns(user_initiated=False, runs=number - 1, unnoted_runs=number - 1)
    assert journal(None, number).begin() == expected
    assert run(Store(), number) == expected


def test_a_run_that_began_no_send_leaves_no_gap() -> None:
    store = Store()
    run(store, 1)
    assert runs_and_sends(run(store, 2)) == (1, 0, [])


def test_a_send_is_noted_before_it_is_made_with_all_that_finds_it_again(fake_time: Any) -> None:
    store = Store()
    mine = journal(store, 1)
    mine.begin()
    mine.note_send(KEY, ACCOUNT, "4711")

    [send] = run(store, 2).sends
    assert send == NotedSend(key=KEY, account=ACCOUNT, run=1, began_at=fake_time.now(), document_id="4711")
    assert not send.has_ended


def test_the_job_of_each_send_is_known() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    assert runs_and_sends(run(store, 2)) == (1, 0, ["7"])
    run(store, 3, sends=True, job_id="8")
    assert runs_and_sends(run(store, 4)) == (3, 0, ["7", "8"])


def test_the_job_of_an_older_send_is_not_taken_for_that_of_the_last() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    run(store, 2, sends=True)
    run(store, 3, job_id="7")
    assert runs_and_sends(run(store, 4)) == (3, 0, ["7", None])


def test_a_job_under_another_key_is_not_taken_for_that_of_the_last_send() -> None:
    store = Store()
    run(store, 1, sends=True)
    mine = journal(store, 2)
    mine.begin()
    mine.note_job(status("7", reference=OTHER_KEY))
    assert runs_and_sends(run(store, 3)) == (2, 0, [None])


def test_a_job_that_is_adopted_is_noted_for_the_send_that_made_it() -> None:
    store = Store()
    run(store, 1, sends=True)
    run(store, 2, job_id="7")
    assert runs_and_sends(run(store, 3)) == (2, 0, ["7"])


@pytest.mark.parametrize("outcome", [FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE, FaxOutcome.FATAL])
def test_the_final_status_of_a_job_is_noted_whole(outcome: FaxOutcome) -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    end = status("7", outcome, cause=FaxCause.BUSY, code=6017, pages_sent=0)
    journal(store, 1).note_final(end)

    [send] = run(store, 2).sends
    assert (send.status, send.has_ended) == (end, True)


@pytest.mark.parametrize("outcome", [FaxOutcome.PENDING, FaxOutcome.UNKNOWN])
def test_what_may_still_change_is_not_noted_as_the_end(outcome: FaxOutcome) -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    journal(store, 1).note_final(status("7", outcome))
    journal(store, 1).note_final(status("8", FaxOutcome.SUCCESS))

    [send] = run(store, 2).sends
    assert not send.has_ended


def test_a_send_that_is_proven_not_to_have_arrived_has_ended() -> None:
    store = Store()
    mine = journal(store, 1)
    mine.begin()
    mine.note_send(KEY, ACCOUNT, None)
    mine.note_not_sent()

    [send] = run(store, 2).sends
    assert (send.is_not_sent, send.has_ended, send.job_id) == (True, True, None)


def test_a_run_that_sent_nothing_says_nothing_of_an_earlier_ones_send() -> None:
    store = Store()
    run(store, 1, sends=True)
    mine = journal(store, 2)
    mine.begin()
    mine.note_not_sent()

    [send] = run(store, 3).sends
    assert not send.has_ended


def test_a_run_that_left_no_note_counts_as_one_that_may_have_sent_for_good() -> None:
    store = Store()
    run(store, 1)
    # The second run was lost before it could note anything.
    assert runs_and_sends(run(store, 3)) == (2, 1, [])
    assert runs_and_sends(run(store, 4)) == (3, 1, [])


@pytest.mark.parametrize(
    ("run_number", "max_tries", "user_initiated", "first_run"),
    [(1, 2, True, 1), (2, 2, False, 1), (4, 5, True, 4), (5, 5, False, 4)],
)
def test_the_first_run_and_the_first_after_a_clear_are_a_users_word(
    *, run_number: int, max_tries: int, user_initiated: bool, first_run: int
) -> None:
    ti = SimpleNamespace(try_number=run_number, max_tries=max_tries, task=SimpleNamespace(retries=2))
    context: Any = {"ti": ti}
    known = SendJournal(context).begin()
    assert (known.user_initiated, known.first_run) == (user_initiated, first_run)


def test_no_run_can_have_sent_before_its_dag_run_could_begin() -> None:
    at = datetime(2026, 11, 27, tzinfo=UTC)
    dates = {"run_after": at, "data_interval_end": at, "logical_date": None, "start_date": at + timedelta(hours=3)}
    known = journal(None, 2, **dates).begin()
    assert (known.began_at, known.cleared_at) == (at.timestamp(), at.timestamp() + 3 * 3600)


def test_a_run_that_goes_on_after_a_deferral_is_no_second_run() -> None:
    store = Store()
    run(store, 1)
    run(store, 2)
    assert runs_and_sends(journal(store, 2).begin(is_resumed=True)) == (1, 0, [])
    assert runs_and_sends(journal(None, 2).begin(is_resumed=True)) == (1, 1, [])


def test_notes_that_are_lost_are_no_proof_of_anything() -> None:
    store = Store()
    run(store, 1, sends=True)
    store.notes.clear()
    assert runs_and_sends(run(store, 2)) == (1, 1, [])
    assert runs_and_sends(run(store, 3)) == (2, 1, [])


def test_notes_that_cannot_be_read_are_no_proof_of_anything() -> None:
    store = Store()
    run(store, 1, sends=True)
    run(store, 2, sends=True)
    store.refuses_to_read = True
    assert runs_and_sends(run(store, 3)) == (2, 2, [])
    store.refuses_to_read = False
    # The third run could not know of the sends and has written over them; they still count.
    assert runs_and_sends(run(store, 4)) == (3, 2, [])


VALID = {"version": 2, "runs": 1, "unnoted_runs": 0, "sends": []}


@pytest.mark.parametrize(
    "value",
    [
        {"fax_key": KEY, "try_number": 1},
        "text",
        7,
        [],
        {},
        {**VALID, "version": 3},
        {**VALID, "sends": [{"key": KEY}]},
        {**VALID, "sends": [{"key": KEY, "account": None, "run": 1, "status": {"vendor": "interfax"}}]},
        {**VALID, "runs": None},
    ],
)
def test_notes_that_are_none_of_ours_are_no_proof_of_anything(value: Any) -> None:
    store = Store()
    store.notes[STORED_AS] = value
    assert runs_and_sends(run(store, 2)) == (1, 1, [])


def test_notes_of_the_release_before_are_kept_without_their_account() -> None:
    store = Store()
    send = {"fax_key": KEY, "account": "interfax interfax_default", "run": 1, "job_id": "7"}
    store.notes[STORED_AS] = {"runs": 1, "unnoted_runs": 0, "sends": [send]}

    known = run(store, 2)
    assert runs_and_sends(known) == (1, 0, ["7"])
    assert known.sends[0] == NotedSend(key=KEY, account=None, run=1, job_id="7")


def test_a_number_that_runs_twice_looks_before_it_sends() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    assert runs_and_sends(run(store, 1)) == (1, 1, ["7"])


def test_a_run_is_superseded_once_the_store_shows_a_newer_one_or_nothing() -> None:
    store = Store()
    run(store, 1)
    ti = SimpleNamespace(try_number=1, max_tries=9, task=SimpleNamespace(retries=9))
    context: Any = {"ti": ti, "task_state_store": store}
    assert not is_superseded(context, "submitted")
    run(store, 2)
    assert is_superseded(context, "submitted")
    # As Airflow 3.3.2 shows it to a run that was given up.
    store.notes.clear()
    assert is_superseded(context, "submitted")


def test_a_store_that_cannot_be_read_does_not_say_that_no_other_run_has_begun() -> None:
    store = Store()
    store.refuses_to_read = True
    context: Any = {"ti": SimpleNamespace(try_number=1), "task_state_store": store}
    with pytest.raises(RuntimeError):
        is_superseded(context, "submitted")


@pytest.mark.parametrize(("pushed", "expected"), [({"run": 1}, False), ({"run": 2}, True), (None, True)])
def test_without_a_store_the_xcom_of_the_run_tells(pushed: Any, *, expected: bool) -> None:
    ti = SimpleNamespace(try_number=1, task_id="send", map_index=-1, xcom_pull=lambda **_: pushed)
    context: Any = {"ti": ti}
    assert is_superseded(context, "submitted") is expected


def test_failures_are_counted_by_cause_and_since_the_last_clear() -> None:
    store = Store()
    for number, cause in enumerate([FaxCause.BUSY, FaxCause.BUSY, FaxCause.HANGUP], 1):
        run(store, number, sends=True, job_id=str(number))
        journal(store, number).note_final(status(str(number), cause=cause))
    # A run that could send nothing is none.
    run(store, 4)

    assert journal(store, 4).count_failures(FaxCause.BUSY) == 2
    assert journal(store, 4).count_failures(FaxCause.HANGUP) == 1
    ti = SimpleNamespace(try_number=5, max_tries=6, task=SimpleNamespace(retries=2))
    cleared: Any = {"ti": ti, "task_state_store": store}
    assert SendJournal(cleared).count_failures(FaxCause.BUSY) == 1


@given(st.lists(st.sampled_from(["nothing", "lost", "send", "send and answer", "unreadable", "wiped"]), max_size=8))
def test_never_fewer_sends_are_known_than_were_begun(runs: list[str]) -> None:
    store = Store()
    begun = 0
    for number, what in enumerate(runs, 1):
        if what == "wiped":
            store.notes.clear()
        store.refuses_to_read = what == "unreadable"
        if what == "lost":
            continue
        known = run(store, number, sends="send" in what, job_id=str(number) if "answer" in what else None)
        assert known.runs == number - 1
        assert begun <= known.unnoted_runs + len(known.sends) <= number - 1
        begun += "send" in what


@pytest.mark.parametrize("conn_id", ["faxto_default", "interfax_default"])
def test_a_run_whose_note_airflow_refuses_sends_nothing(conn_id: str, fax_connections: Any, letter: str) -> None:
    store = Store()
    store.refuses_to_write = True
    hook = FaxHook.for_connection(conn_id)
    mine = journal(store, 1)
    with pytest.raises(FaxNotSentError, match="Nothing was sent") as caught:
        hook.send_fax(
            "+1 202 555 0100",
            letter,
            before_send=lambda document_id: mine.note_send(KEY, hook.account_id, document_id) and None,
        )
    # An outage of Airflow and a run that was given up look alike from here; the text must not guess.
    assert "does not answer" in str(caught.value)
    assert "another run" in str(caught.value)
    assert "private host" not in str(caught.value)
    assert fax_connections.faxes() == []
    assert "send" not in [request["endpoint"] for request in fax_connections.requests()]


def test_a_store_that_takes_no_other_note_stops_nothing() -> None:
    store = Store()
    store.refuses_to_write = True
    mine = journal(store, 2)
    assert runs_and_sends(mine.begin()) == (1, 1, [])
    mine.note_job(status())
    mine.note_final(status())
    assert store.notes == {}


def test_a_release_that_cannot_be_asked_lets_the_run_send() -> None:
    # It raises nothing; what Airflow 3.0 to 3.2 know of a run is not for workers to ask.
    assert journal(None, 1).note_send(KEY, ACCOUNT, None).run == 1


@pytest.mark.airflow
@pytest.mark.skipif(not IS_AIRFLOW_2, reason="only Airflow 2 lets a worker ask the database")
def test_a_run_that_has_a_successor_is_stopped(fax_connections: Any, run_dag: Any) -> None:
    fax_connections.set_speed(600)
    dag_run = run_dag("example_dags/fax_send_wait_branch.py", {"recipient": "clinic"})
    ti = next(each for each in dag_run.get_task_instances() if each.task_id == "send")
    SendJournal({"ti": ti}).note_send(KEY, ACCOUNT, None)
    ti.try_number -= 1
    with pytest.raises(FaxNotSentError, match="given it up"):
        SendJournal({"ti": ti}).note_send(KEY, ACCOUNT, None)


@pytest.mark.airflow
@pytest.mark.skipif(IS_AIRFLOW_2, reason="Airflow 2 has no task state store")
def test_in_real_airflow_the_run_that_sends_has_noted_it_and_its_job(fax_connections: Any, run_dag: Any) -> None:
    if tuple(int(part) for part in version("apache-airflow").split(".")[:2]) < (3, 3):
        pytest.skip("Airflow has the task state store from 3.3 on")
    import json

    from airflow.utils.session import create_session
    from sqlalchemy import text

    fax_connections.set_speed(600)
    dag_run = run_dag("example_dags/fax_send_wait_branch.py", {"recipient": "clinic"})
    with create_session() as session:
        rows = session.execute(text("SELECT * FROM task_state_store")).mappings().all()
    [value] = [row["value"] for row in rows if row["run_id"] == dag_run.run_id and row["key"] == STORED_AS]
    while isinstance(value, str):
        value = json.loads(value)
    [fax] = fax_connections.faxes()
    [send] = value["sends"]
    assert (value["runs"], value["unnoted_runs"]) == (1, 0)
    assert (send["run"], send["job_id"]) == (1, fax["id"])
    assert send["account"] == FaxHook.for_connection("faxto_default").account_id
    assert send["document_id"] is not None
    assert fax["documents"][0]["name"].partition(".")[0] == send["key"]
