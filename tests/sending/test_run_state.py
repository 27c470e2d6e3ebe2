"""What the runs of a task leave for each other, and that a run which Airflow has given up sends nothing."""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.exceptions import FaxNotSentError
from airflow_provider_faxto.fax.reconcile import EarlierRuns
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.sending.run_state import STORED_AS, SendJournal

IS_AIRFLOW_2 = version("apache-airflow").startswith("2.")
ACCOUNT = "interfax interfax_default"
KEY = "airflow-1-2"


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


def journal(store: Store | None, run: int, key: str = KEY, account: str = ACCOUNT) -> SendJournal:
    # A task with so many retries left that its runs are Airflow's own retries, all but the first.
    context: Any = {"ti": SimpleNamespace(try_number=run, max_tries=9, task=SimpleNamespace(retries=9))}
    if store is not None:
        context["task_state_store"] = store
    return SendJournal(context, key, account)


def run(store: Store, number: int, *, sends: bool = False, job_id: str | None = None, **of: Any) -> EarlierRuns:
    """Do what a run of the task does, and return what it knew when it began."""
    mine = journal(store, number, **of)
    known = mine.begin()
    if sends:
        mine.note_send()
    if job_id is not None:
        mine.note_job(job_id)
    return known


def test_a_first_run_has_no_run_before_it() -> None:
    assert run(Store(), 1) == EarlierRuns()
    assert journal(None, 1).begin() == EarlierRuns()
    # Some releases count from 0 until the first run has begun.
    assert journal(None, 0).begin() == EarlierRuns()


@pytest.mark.parametrize("number", [2, 3, 7])
def test_without_notes_each_earlier_run_counts_as_one_that_sent(number: int) -> None:
    expected = EarlierRuns(user_initiated=False, runs=number - 1, sends=number - 1)
    assert journal(None, number).begin() == expected
    assert run(Store(), number) == expected


def test_a_run_that_began_no_send_counts_as_none() -> None:
    store = Store()
    run(store, 1)
    assert run(store, 2) == EarlierRuns(user_initiated=False, runs=1, sends=0)


def test_a_send_that_was_begun_counts_although_nothing_is_known_of_its_end() -> None:
    store = Store()
    run(store, 1, sends=True)
    assert run(store, 2) == EarlierRuns(user_initiated=False, runs=1, sends=1)


def test_the_job_of_the_last_send_is_known() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    assert run(store, 2) == EarlierRuns(user_initiated=False, runs=1, sends=1, last_job_id="7")
    run(store, 3, sends=True, job_id="8")
    assert run(store, 4) == EarlierRuns(user_initiated=False, runs=3, sends=2, last_job_id="8")


def test_the_job_of_an_older_send_is_not_taken_for_that_of_the_last() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    run(store, 2, sends=True)
    assert run(store, 3) == EarlierRuns(user_initiated=False, runs=2, sends=2)


def test_a_job_that_is_adopted_is_noted_for_the_send_that_made_it() -> None:
    store = Store()
    run(store, 1, sends=True)
    run(store, 2, job_id="7")
    assert run(store, 3) == EarlierRuns(user_initiated=False, runs=2, sends=1, last_job_id="7")


def test_a_corrected_number_or_file_has_sends_of_its_own() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    assert run(store, 2, key="airflow-1-3") == EarlierRuns(user_initiated=False, runs=1, sends=0)
    assert run(store, 3) == EarlierRuns(user_initiated=False, runs=2, sends=1, last_job_id="7")


def test_the_job_of_another_account_is_not_asked_for() -> None:
    # A number means another fax there, which would be reported as this task's.
    store = Store()
    run(store, 1, sends=True, job_id="7")
    assert run(store, 2, account="faxto faxto_default") == EarlierRuns(user_initiated=False, runs=1, sends=1)


def test_a_run_that_left_no_note_counts_as_one_that_sent_for_good() -> None:
    store = Store()
    run(store, 1)
    # The second run was lost before it could note anything.
    assert run(store, 3) == EarlierRuns(user_initiated=False, runs=2, sends=1)
    assert run(store, 4) == EarlierRuns(user_initiated=False, runs=3, sends=1)


@pytest.mark.parametrize(
    ("run_number", "max_tries", "user_initiated"), [(1, 2, True), (2, 2, False), (4, 5, True), (5, 5, False)]
)
def test_the_first_run_and_the_first_behind_a_clear_are_a_users_word(
    *, run_number: int, max_tries: int, user_initiated: bool
) -> None:
    ti = SimpleNamespace(try_number=run_number, max_tries=max_tries, task=SimpleNamespace(retries=2))
    context: Any = {"ti": ti}
    assert SendJournal(context, KEY, ACCOUNT).begin().user_initiated is user_initiated


def test_notes_that_are_lost_are_no_proof_of_anything() -> None:
    store = Store()
    run(store, 1, sends=True)
    store.notes.clear()
    assert run(store, 2) == EarlierRuns(user_initiated=False, runs=1, sends=1)
    assert run(store, 3) == EarlierRuns(user_initiated=False, runs=2, sends=1)


def test_notes_that_cannot_be_read_are_no_proof_of_anything() -> None:
    store = Store()
    run(store, 1, sends=True)
    run(store, 2, sends=True)
    store.refuses_to_read = True
    assert run(store, 3) == EarlierRuns(user_initiated=False, runs=2, sends=2)
    store.refuses_to_read = False
    # The third run could not know of the sends and has written over them; they still count.
    assert run(store, 4) == EarlierRuns(user_initiated=False, runs=3, sends=2)


@pytest.mark.parametrize("value", [{"fax_key": KEY, "try_number": 1}, "text", 7, [], {}])
def test_notes_of_another_version_are_no_proof_of_anything(value: Any) -> None:
    store = Store()
    store.notes[STORED_AS] = value
    assert run(store, 2) == EarlierRuns(user_initiated=False, runs=1, sends=1)


def test_a_number_that_runs_twice_looks_before_it_sends() -> None:
    store = Store()
    run(store, 1, sends=True, job_id="7")
    assert run(store, 1) == EarlierRuns(runs=1, sends=2, last_job_id="7")


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
        assert begun <= known.sends <= number - 1
        begun += "send" in what


@pytest.mark.parametrize("conn_id", ["faxto_default", "interfax_default"])
def test_a_run_whose_note_airflow_refuses_sends_nothing(conn_id: str, fax_connections: Any, letter: str) -> None:
    store = Store()
    store.refuses_to_write = True
    hook = FaxHook.for_connection(conn_id)
    with pytest.raises(FaxNotSentError, match="Nothing was sent") as caught:
        hook.send_fax("+1 202 555 0100", letter, before_send=journal(store, 1).note_send)
    assert "private host" not in str(caught.value)
    assert fax_connections.faxes() == []
    assert "send" not in [request["endpoint"] for request in fax_connections.requests()]


def test_a_store_that_takes_no_other_note_stops_nothing() -> None:
    store = Store()
    store.refuses_to_write = True
    mine = journal(store, 2)
    assert mine.begin() == EarlierRuns(user_initiated=False, runs=1, sends=1)
    mine.note_job("7")
    assert store.notes == {}


def test_a_release_that_cannot_be_asked_lets_the_run_send() -> None:
    # It raises nothing; what Airflow 3.0 to 3.2 know of a run is not for workers to ask.
    assert journal(None, 1).note_send() is None


@pytest.mark.airflow
@pytest.mark.skipif(not IS_AIRFLOW_2, reason="only Airflow 2 lets a worker ask the database")
def test_a_run_that_has_a_successor_is_stopped(fax_connections: Any, run_dag: Any) -> None:
    fax_connections.set_speed(600)
    dag_run = run_dag("example_dags/fax_send_wait_branch.py", {"fax_number": "+1 202 555 0100"})
    ti = next(each for each in dag_run.get_task_instances() if each.task_id == "send")
    SendJournal({"ti": ti}, KEY, ACCOUNT).note_send()
    ti.try_number -= 1
    with pytest.raises(FaxNotSentError, match="given it up"):
        SendJournal({"ti": ti}, KEY, ACCOUNT).note_send()


@pytest.mark.airflow
@pytest.mark.skipif(IS_AIRFLOW_2, reason="Airflow 2 has no task state store")
def test_in_real_airflow_the_run_that_sends_has_noted_it_and_its_job(fax_connections: Any, run_dag: Any) -> None:
    if tuple(int(part) for part in version("apache-airflow").split(".")[:2]) < (3, 3):
        pytest.skip("Airflow has the task state store from 3.3 on")
    import json

    from airflow.utils.session import create_session
    from sqlalchemy import text

    fax_connections.set_speed(600)
    dag_run = run_dag("example_dags/fax_send_wait_branch.py", {"fax_number": "+1 202 555 0100"})
    with create_session() as session:
        rows = session.execute(text("SELECT * FROM task_state_store")).mappings().all()
    [value] = [row["value"] for row in rows if row["run_id"] == dag_run.run_id and row["key"] == STORED_AS]
    while isinstance(value, str):
        value = json.loads(value)
    [fax] = fax_connections.faxes()
    [send] = value["sends"]
    assert (value["runs"], value["unnoted_runs"]) == (1, 0)
    assert (send["run"], send["job_id"], send["account"]) == (1, fax["id"], "faxto faxto_default")
    assert fax["documents"][0]["name"].partition(".")[0] == send["fax_key"]
