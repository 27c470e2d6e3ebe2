"""A run that Airflow has given up sends nothing."""

from __future__ import annotations

from importlib.metadata import version
from types import SimpleNamespace

import pytest

from airflow_provider_faxto.hooks.errors import FaxNotSentError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.operators.current import STORED_AS, check_run_is_current

IS_AIRFLOW_2 = version("apache-airflow").startswith("2.")


class Store:
    """Airflow's task state store, as a worker sees it."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.refusal = refusal
        self.notes: dict[str, object] = {}

    def set(self, key: str, value: object) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.notes[key] = value


def test_the_intent_is_written_down_before_a_fax_is_sent():
    store = Store()
    check_run_is_current({"ti": SimpleNamespace(try_number=2), "task_state_store": store}, "airflow-1-2")
    assert store.notes == {STORED_AS: {"fax_key": "airflow-1-2", "try_number": 2}}


@pytest.mark.parametrize("conn_id", ["faxto_default", "interfax_default"])
def test_a_run_whose_note_airflow_refuses_sends_nothing(conn_id, fax_connections, letter):
    context = {"ti": SimpleNamespace(try_number=1), "task_state_store": Store(RuntimeError("404 of a private host"))}
    hook = FaxHook.for_connection(conn_id)
    with pytest.raises(FaxNotSentError, match="Nothing was sent") as caught:
        hook.send_fax("+1 202 555 0100", letter, before_send=lambda: check_run_is_current(context, "airflow-1-2"))
    assert "private host" not in str(caught.value)
    assert fax_connections.faxes() == []
    assert "send" not in [request["endpoint"] for request in fax_connections.requests()]


def test_a_release_that_cannot_be_asked_lets_the_run_send():
    # It raises nothing; what Airflow 3.0 to 3.2 know of a run is not for workers to ask.
    assert check_run_is_current({"ti": SimpleNamespace(try_number=1)}, "airflow-1-2") is None


@pytest.mark.airflow
@pytest.mark.skipif(not IS_AIRFLOW_2, reason="only Airflow 2 lets a worker ask the database")
def test_a_run_that_has_a_successor_is_stopped(fax_connections, run_dag):
    fax_connections.set_speed(600)
    run = run_dag("example_dags/fax_send_wait_branch.py", {"fax_number": "+1 202 555 0100"})
    ti = next(each for each in run.get_task_instances() if each.task_id == "send")
    check_run_is_current({"ti": ti}, "airflow-1-2")
    ti.try_number -= 1
    with pytest.raises(FaxNotSentError, match="given it up"):
        check_run_is_current({"ti": ti}, "airflow-1-2")


@pytest.mark.airflow
@pytest.mark.skipif(IS_AIRFLOW_2, reason="Airflow 2 has no task state store")
def test_in_real_airflow_the_run_that_sends_has_written_it_down(fax_connections, run_dag):
    if tuple(int(part) for part in version("apache-airflow").split(".")[:2]) < (3, 3):
        pytest.skip("Airflow has the task state store from 3.3 on")
    from airflow.utils.session import create_session
    from sqlalchemy import text

    fax_connections.set_speed(600)
    run = run_dag("example_dags/fax_send_wait_branch.py", {"fax_number": "+1 202 555 0100"})
    with create_session() as session:
        rows = session.execute(text("SELECT * FROM task_state_store")).mappings().all()
    written = [row for row in rows if row["run_id"] == run.run_id and row["key"] == STORED_AS]
    assert len(written) == 1
    (fax,) = fax_connections.faxes()
    assert fax["documents"][0]["name"].partition(".")[0] in str(written[0]["value"])
