"""Airflow 3: task runs through the Task SDK's own runner, supervisor and Execution API, in one process.

Real are the task runner (templates, XCom, deferral, retries), the supervisor's handling of what the task asks
for, the Execution API and the database. Not real: the socket between the two processes, the heartbeat, and the
scheduler's loop. What the scheduler does at one moment (schedule, crash handling, clear) is called by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.trigger import Trigger
from airflow.providers.common.compat.sdk import timezone
from airflow.sdk.api.client import ServerResponseError
from airflow.sdk.api.datamodels._generated import TaskInstance as SdkTaskInstance
from airflow.sdk.execution_time import comms
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, in_process_api_server, run_task_in_process
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.serialization.decoders import smart_decode_trigger_kwargs
from airflow.triggers.base import BaseTrigger, TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

from airflow_provider_faxto.sending.run_state import STORED_AS
from harness.common import Row, TriggerCall, load_trigger, told_job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from harness.boundaries import Boundaries


class Airflow:
    """One Airflow with its database; whoever forks from here has it all imported.

    :param dag_id: the DAG whose tasks are run.
    """

    KILLS_TRIGGERS = hasattr(BaseTrigger, "on_kill")
    HAS_STORE = "SetTaskStateStore" in vars(comms)

    def __init__(self, dag_id: str) -> None:
        self.dag_id = dag_id
        manager = DagBundlesManager()
        with create_session() as session:
            manager.sync_bundles_to_db(session=session)
        (bundle,) = manager.get_all_dag_bundles()
        bundle.initialize()
        bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
        if bag.import_errors:
            raise RuntimeError(str(bag.import_errors))
        sync_bag_to_db(bag, bundle.name, bundle.version)
        self.dag = bag.dags[dag_id]
        _warm_up_execution_api()

    def start_dag_run(self, run_id: str, conf: dict[str, Any]) -> None:
        with create_session() as session:
            SerializedDagModel.get_dag(self.dag_id, session=session).create_dagrun(
                run_id=run_id,
                run_after=timezone.utcnow(),
                conf=conf,
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.RUNNING,
                session=session,
            )

    def row(self, run_id: str, task_id: str) -> Row:
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            return Row(ti.state and str(ti.state), ti.try_number, ti.max_tries, ti.trigger_id)

    def _ti(self, session: Session, run_id: str, task_id: str) -> TaskInstance:
        return session.scalars(
            select(TaskInstance).where(
                TaskInstance.dag_id == self.dag_id, TaskInstance.run_id == run_id, TaskInstance.task_id == task_id
            )
        ).one()

    def _ti_with_task(self, session: Session, run_id: str, task_id: str) -> TaskInstance:
        ti = self._ti(session, run_id, task_id)
        ti.task = SerializedDagModel.get_dag(self.dag_id, session=session).get_task(task_id)
        return ti

    def queue(self, run_id: str, task_id: str) -> None:
        """What the scheduler does with a task that is due: a next try unless it resumes, then into the queue."""
        with create_session() as session:
            ti = self._ti_with_task(session, run_id, task_id)
            if ti.state != TaskInstanceState.SCHEDULED:
                ti.get_dagrun(session=session).schedule_tis([ti], session=session)
        with create_session() as session:
            self._ti(session, run_id, task_id).state = TaskInstanceState.QUEUED

    def crash(self, run_id: str, task_id: str) -> None:
        """What the scheduler does when the heartbeats of a running task have stopped."""
        with create_session() as session:
            self._ti_with_task(session, run_id, task_id).handle_failure("no heartbeat", session=session)

    def orphan(self, run_id: str, task_id: str) -> None:
        """What the scheduler does with a running task whose executor is gone and that no other adopts."""
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            # As the scheduler does: the next run gets an id of its own, and this one's is no longer known.
            ti.prepare_db_for_next_try(session=session)
            ti.state = None
            ti.external_executor_id = None
            ti.clear_next_method_args()

    def clear(self, run_id: str, task_id: str) -> None:
        with create_session() as session:
            clear_task_instances([self._ti_with_task(session, run_id, task_id)], session)

    def age(self, run_id: str, seconds: float) -> None:
        """Let a DAG run, and what its tasks have noted, be as if it had begun earlier.

        :param run_id: the DAG run.
        :param seconds: by how much.
        """
        with create_session() as session:
            run = session.scalars(select(DagRun).where(DagRun.dag_id == self.dag_id, DagRun.run_id == run_id)).one()
            for name in _BEGINS:
                moment = getattr(run, name, None)
                if moment is not None:
                    setattr(run, name, moment - timedelta(seconds=seconds))
            # What its tasks have noted was noted as long ago.
            from airflow.models.task_state_store import TaskStateStoreModel  # not before Airflow 3.3

            for row in session.scalars(
                select(TaskStateStoreModel).where(
                    TaskStateStoreModel.run_id == run_id, TaskStateStoreModel.key == STORED_AS
                )
            ):
                notes = json.loads(row.value)
                for send in notes["sends"]:
                    send["began_at"] -= seconds
                row.value = json.dumps(notes)

    def mark(self, run_id: str, task_id: str, state: str) -> None:
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            ti.set_state(TaskInstanceState(state), session=session)
            ti.trigger_id = None

    def trigger(self, run_id: str, task_id: str) -> TriggerCall:
        with create_session() as session:
            row = session.get(Trigger, self._ti(session, run_id, task_id).trigger_id)
            kwargs = {name: smart_decode_trigger_kwargs(value) for name, value in row.kwargs.items()}
            return TriggerCall(row.id, row.classpath, kwargs)

    def submit_event(self, trigger_id: int, payload: dict[str, Any]) -> None:
        with create_session() as session:
            Trigger.submit_event(trigger_id, TriggerEvent(payload), session=session)

    # In a forked child from here on.

    def run_task(self, run_id: str, task_id: str, changes: dict[str, Any]) -> None:
        task = self.dag.get_task(task_id)
        for name, value in changes.items():
            setattr(task, name, value)
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            what = SdkTaskInstance(
                id=ti.id,
                task_id=ti.task_id,
                dag_id=ti.dag_id,
                run_id=ti.run_id,
                try_number=ti.try_number,
                map_index=ti.map_index,
                dag_version_id=ti.dag_version_id,
            )
        try:
            result = run_task_in_process(ti=what, task=task)
        except ServerResponseError as error:
            # The row belongs to another try, or was marked. A supervisor ends its task then.
            self.boundaries.note("refused", status=error.response.status_code)
            return
        error = result.error
        self.boundaries.note(
            "outcome",
            state=str(result.state),
            error=error and type(error).__name__,
            text=str(error or ""),
            job_id=told_job(error),
        )

    def run_trigger(self, run_id: str, task_id: str, call: TriggerCall) -> dict[str, Any]:
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
        event = InProcessTestSupervisor.run_trigger_in_process(trigger=load_trigger(call), ti=ti)
        return event.payload

    def kill_trigger(self, run_id: str, task_id: str, call: TriggerCall) -> None:
        trigger = load_trigger(call)
        with create_session() as session:
            trigger.task_instance = self._ti(session, run_id, task_id)

        # A triggerer's supervisor answers this from the Execution API.
        def count(*, states: list[str], **_: Any) -> int:
            return int(self.row(run_id, task_id).state in states)

        RuntimeTaskInstance.get_ti_count = staticmethod(count)
        asyncio.run(trigger.on_kill())

    def instrument(self, boundaries: Boundaries) -> None:
        """Put a boundary around all that the task has written: XComs, states, deferrals, stored values."""
        self.boundaries = boundaries
        handle = InProcessTestSupervisor._handle_request

        def handle_at_boundary(supervisor: Any, msg: Any, *args: Any, **kwargs: Any) -> Any:
            name = type(msg).__name__
            if name not in _WRITES:
                return handle(supervisor, msg, *args, **kwargs)
            details: dict[str, Any] = {"write": name}
            if name == "SetXCom":
                details |= {"key": msg.key, "value": msg.value}
            with boundaries.around("xcom" if name == "SetXCom" else "state", **details):
                return handle(supervisor, msg, *args, **kwargs)

        InProcessTestSupervisor._handle_request = handle_at_boundary


def _warm_up_execution_api() -> None:
    """Let the in-process API build its routes, which takes seconds, and end its threads again: a fork has none."""
    with contextlib.suppress(ServerResponseError):
        InProcessTestSupervisor._api_client().task_instances.heartbeat(uuid4(), os.getpid())
    del in_process_api_server().transport
    gc.collect()
    while len(threading.enumerate()) > 1:
        time.sleep(0.01)


_BEGINS = ("run_after", "data_interval_start", "data_interval_end", "logical_date", "start_date")
"""What of a DAG run says when it began."""

_WRITES = {
    "DeferTask",
    "DeleteXCom",
    "RescheduleTask",
    "RetryTask",
    "SetRenderedFields",
    "SetTaskStateStore",
    "SetXCom",
    "SucceedTask",
    "TaskState",
}
