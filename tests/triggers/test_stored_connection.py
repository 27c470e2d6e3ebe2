"""Triggers in ``airflow dags test`` and ``dag.test()``, with a connection that stands in Airflow's database alone."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.base import TriggerEvent

from airflow_provider_faxto.hooks.interfax import InterFaxHook
from airflow_provider_faxto.triggers.fax import FaxStatusTrigger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

pytestmark = pytest.mark.airflow

CONN_ID = "stored_interfax"


@pytest.fixture
def stored_connection(airflow_database: None, fax_simulator: FaxSimulator) -> Iterator[FaxSimulator]:
    """Give a simulator to which a connection of the database leads, and no environment variable."""
    from airflow.models import Connection
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(Connection(conn_id=CONN_ID, **fax_simulator.connection("interfax")))
    yield fax_simulator
    with create_session() as session:
        session.query(Connection).filter_by(conn_id=CONN_ID).delete()


def test_a_deferred_wait_finds_its_connection(
    stored_connection: FaxSimulator, run_dag: Callable[..., Any], logged: Callable[[], str]
) -> None:
    stored_connection.set_speed(60)
    [task] = run_dag("tests/dags/stored_connection.py").get_task_instances()
    assert str(task.state) == "success"
    told = task.xcom_pull(task_ids="send")
    [fax] = stored_connection.faxes()
    assert (told["job_id"], told["outcome"]) == (fax["id"], "success")
    # The resumed worker would look in the trigger's stead, at the deadline.
    assert "could not be looked up" not in logged()


class KilledTrigger(FaxStatusTrigger):
    """Is killed as soon as it begins."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        self._task_instance = SimpleNamespace(dag_id="no_dag", task_id="send", run_id="run", map_index=-1)
        await self.on_kill()
        yield TriggerEvent("killed")


def test_a_killed_wait_finds_its_connection(
    stored_connection: FaxSimulator, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = pytest.importorskip("airflow.sdk.execution_time.supervisor", reason="Airflow 3.3 kills triggers")
    with monkeypatch.context() as environment:
        stored_connection.set_airflow_connections(environment)
        job_id = InterFaxHook().send_fax("+1 202 555 0106", letter).job_id
    trigger = KilledTrigger(job_id, CONN_ID, cancel_on_kill=True)
    # What dag.test() does with a trigger.
    event = supervisor.InProcessTestSupervisor.run_trigger_in_process(
        trigger=trigger, ti=SimpleNamespace(id=uuid.uuid4())
    )
    assert event.payload == "killed"
    assert [fax["status"] for fax in stored_connection.faxes()] == [403]
