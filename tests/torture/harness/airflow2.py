"""Airflow 2.11: task runs through ``TaskInstance`` itself, which is all that a worker's task process does there.

Real are the run (state checks, templates, XCom, deferral, retries) and the database, which the task writes itself.
Not real: the process above it with its heartbeat, and the scheduler's loop. What the scheduler does at one moment
(schedule, crash handling, clear) is called by name.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.exceptions import AirflowTaskTerminated
from airflow.models.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.trigger import Trigger
from airflow.providers.common.compat.sdk import timezone
from airflow.triggers.base import TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunType

from harness.common import Row, TriggerCall, load_trigger, told_job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from harness.boundaries import Boundaries


class Airflow:
    """One Airflow with its database; whoever forks from here has it all imported.

    :param dag_id: the DAG whose tasks are run.
    """

    KILLS_TRIGGERS = False
    HAS_STORE = False

    def __init__(self, dag_id: str) -> None:
        self.dag_id = dag_id
        bag = DagBag()
        if bag.import_errors:
            raise RuntimeError(str(bag.import_errors))
        bag.sync_to_db()
        self.dag = bag.dags[dag_id]

    def start_dag_run(self, run_id: str, conf: dict[str, Any]) -> None:
        now = timezone.utcnow()
        with create_session() as session:
            self.dag.create_dagrun(
                state=DagRunState.RUNNING,
                run_id=run_id,
                execution_date=now,
                data_interval=(now, now),
                conf=conf,
                run_type=DagRunType.MANUAL,
                external_trigger=True,
                session=session,
            )

    def row(self, run_id: str, task_id: str) -> Row:
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            return Row(ti.state and str(ti.state), ti.try_number, ti.max_tries, ti.trigger_id)

    def _ti(self, session: Session, run_id: str, task_id: str) -> TaskInstance:
        ti = session.query(TaskInstance).filter_by(dag_id=self.dag_id, run_id=run_id, task_id=task_id).one()
        ti.task = self.dag.get_task(task_id)
        return ti

    def queue(self, run_id: str, task_id: str) -> None:
        """What the scheduler does with a task that is due: a next try unless it resumes, then into the queue."""
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            if ti.state != TaskInstanceState.SCHEDULED:
                ti.get_dagrun(session).schedule_tis([ti], session=session)
        with create_session() as session:
            self._ti(session, run_id, task_id).state = TaskInstanceState.QUEUED

    def crash(self, run_id: str, task_id: str) -> None:
        """What the scheduler has done about a running task whose heartbeats have stopped."""
        with create_session() as session:
            self._ti(session, run_id, task_id).handle_failure("no heartbeat", session=session)

    def orphan(self, run_id: str, task_id: str) -> None:
        """What the scheduler does with a running task whose executor is gone and that no other adopts."""
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            ti.state = None
            ti.external_executor_id = None
            ti.clear_next_method_args()

    def clear(self, run_id: str, task_id: str) -> None:
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            was_running = ti.state == TaskInstanceState.RUNNING
            clear_task_instances([ti], session, dag=self.dag)
            if was_running:
                # Airflow does so for a run with a job row, which only the process above the task makes.
                ti.state = TaskInstanceState.RESTARTING

    def age(self, run_id: str, seconds: float) -> None:
        """Let a DAG run be as if it had begun earlier.

        :param run_id: the DAG run.
        :param seconds: by how much.
        """
        with create_session() as session:
            run = session.query(DagRun).filter_by(dag_id=self.dag_id, run_id=run_id).one()
            for name in _BEGINS:
                moment = getattr(run, name, None)
                if moment is not None:
                    setattr(run, name, moment - timedelta(seconds=seconds))

    def mark(self, run_id: str, task_id: str, state: str) -> None:
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            ti.set_state(TaskInstanceState(state), session=session)
            ti.trigger_id = None

    def trigger(self, run_id: str, task_id: str) -> TriggerCall:
        with create_session() as session:
            row = session.get(Trigger, self._ti(session, run_id, task_id).trigger_id)
            return TriggerCall(row.id, row.classpath, dict(row.kwargs))

    def submit_event(self, trigger_id: int, payload: dict[str, Any]) -> None:
        with create_session() as session:
            Trigger.submit_event(trigger_id, TriggerEvent(payload), session=session)

    # In a forked child from here on.

    def run_task(self, run_id: str, task_id: str, changes: dict[str, Any]) -> None:
        try:
            self._run_task(run_id, task_id, changes)
        except AirflowTaskTerminated:
            # What Airflow's handler of SIGTERM raises, wherever the process happens to be: here, behind the task.
            self.boundaries.note("terminated")

    def _run_task(self, run_id: str, task_id: str, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self.dag.get_task(task_id), name, value)
        with create_session() as session:
            ti = self._ti(session, run_id, task_id)
            raised: BaseException | None = None
            try:
                ti.run(ignore_all_deps=True, ignore_ti_state=True, session=session)
            except BaseException as error:  # noqa: BLE001 - whatever ends the task, SIGTERM too, is what is watched
                raised = error
            self.boundaries.note(
                "outcome",
                state=str(ti.state),
                error=raised and type(raised).__name__,
                text=str(raised or ""),
                job_id=told_job(raised),
            )

    def run_trigger(self, run_id: str, task_id: str, call: TriggerCall) -> dict[str, Any]:
        async def first_event() -> TriggerEvent:
            return await anext(load_trigger(call).run())

        return asyncio.run(first_event()).payload

    def instrument(self, boundaries: Boundaries) -> None:
        """Put a boundary around all that the task writes: XComs, states, deferrals."""
        self.boundaries = boundaries
        _put_around(TaskInstance, "xcom_push", boundaries, "xcom", ("key", "value"))
        for name in ("defer_task", "handle_failure", "_handle_reschedule", "clear_xcom_data"):
            _put_around(TaskInstance, name, boundaries, "state", ())
        save_to_db = TaskInstance.save_to_db

        def save_at_boundary(*args: Any, **kwargs: Any) -> Any:
            with boundaries.around("state", write="save_to_db"):
                return save_to_db(*args, **kwargs)

        TaskInstance.save_to_db = staticmethod(save_at_boundary)


_BEGINS = ("execution_date", "data_interval_start", "data_interval_end", "start_date")
"""What of a DAG run says when it began."""


def _put_around(owner: type, name: str, boundaries: Boundaries, what: str, tell: tuple[str, ...]) -> None:
    original = getattr(owner, name)

    def at_boundary(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(tell, args, strict=False)) | {key: kwargs[key] for key in tell if key in kwargs}
        with boundaries.around(what, write=name, **given):
            return original(self, *args, **kwargs)

    setattr(owner, name, at_boundary)
