"""The waits: deferred task instances with a trigger each, made as Airflow makes them, and how each ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

DAG_ID = "fax_chaos"
OURS, *RIVALS = WAYS = ["faxto", "http", "dbt"]
CONTROL = 100_000
LATE_AFTER = 5.0
"""By how many seconds a wait may be past its deadline."""
SEEN_WITHIN = 45.0
"""Within how many seconds the end of a fax is to be seen."""


@dataclass
class Wait:
    """One wait.

    :param way: one of :data:`WAYS`.
    :param fax: the fax.
    :param deadline: when it is to end, in seconds since the epoch.
    :param ends: whether its fax ends in time.
    """

    way: str
    fax: int
    deadline: float
    ends: bool
    fax_ended_at: float = float("inf")
    excused_until: float = 0.0
    ended_at: float | None = None
    said: Any = None
    is_deferred: bool = False

    @property
    def says_success(self) -> bool:
        """Whether it ended with the success of its fax."""
        if self.way == "http":
            return self.said is True
        if not isinstance(self.said, dict):
            return False
        if self.way == "faxto":
            return (self.said.get("job_id"), self.said.get("outcome")) == (str(self.fax), "success")
        return (self.said.get("run_id"), self.said.get("status")) == (self.fax, "success")

    @property
    def is_wrong(self) -> bool:
        """Whether it ended for something else than its fax and its deadline."""
        if self.ended_at is None:
            return False
        if self.says_success:
            return self.ended_at < self.fax_ended_at
        return self.ended_at < self.deadline

    def is_late(self, now: float) -> bool:
        """Tell whether it lasts or lasted too long."""
        if self.ends:
            allowed = max(self.fax_ended_at, self.excused_until) + SEEN_WITHIN
        else:
            allowed = max(self.deadline, self.excused_until) + LATE_AFTER
        return (now if self.ended_at is None else self.ended_at) > allowed


@dataclass
class Group:
    """The waits of one way in one row."""

    row: str
    way: str
    vendor: str
    account: str
    conn_id: str
    waits: list[Wait] = field(default_factory=list)


def make_dag() -> Any:
    """Make the DAG known to Airflow; return it as Airflow's tables have it."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    manager = DagBundlesManager()
    with create_session() as session:
        manager.sync_bundles_to_db(session=session)
    (bundle,) = manager.get_all_dag_bundles()
    bundle.initialize()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, bundle.version)
    with create_session() as session:
        return SerializedDagModel.get_dag(DAG_ID, session=session)


def _trigger(group: Group, wait: Wait, interval: float, rivals_interval: float) -> tuple[Any, float | None]:
    """Make a wait's trigger, and tell after which moment Airflow itself ends it."""
    if wait.way == "faxto":
        from airflow_provider_faxto.triggers.fax import FaxStatusTrigger

        trigger: Any = FaxStatusTrigger(str(wait.fax), group.conn_id, interval, wait.deadline)
        return trigger, wait.deadline + 2 * interval + 60
    if wait.way == "http":
        from airflow.providers.http.triggers.http import HttpSensorTrigger

        endpoint = f"http/{group.account}/{wait.fax}"
        # It has no deadline of its own; the sensor leaves that to Airflow.
        return HttpSensorTrigger(endpoint, group.conn_id, poke_interval=rivals_interval), wait.deadline
    from dbt_without_tls import DbtCloudRunJobTrigger

    trigger = DbtCloudRunJobTrigger(
        conn_id=group.conn_id,
        run_id=wait.fax,
        account_id=1,
        poll_interval=rivals_interval,
        end_time=wait.deadline,
    )
    return trigger, None


def make_runs(dag: Any, rows: list[str]) -> None:
    """Make a DAG run for each row."""
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    with create_session() as session:
        for row in rows:
            dag.create_dagrun(
                run_id=row,
                run_after=datetime.now(UTC),
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState.RUNNING,
                session=session,
            )


def defer(dag: Any, groups: list[Group], *, interval: float, rivals_interval: float) -> None:
    """Let a task instance wait for each wait that has none yet, as if a worker had deferred it."""
    from airflow.models.trigger import Trigger

    rows = []
    for group in groups:
        for number, wait in enumerate(group.waits):
            if wait.is_deferred:
                continue
            wait.is_deferred = True
            made, ends_after = _trigger(group, wait, interval, rivals_interval)
            trigger = Trigger.from_object(made)
            if wait.way == "dbt":
                trigger.classpath = "dbt_without_tls.DbtCloudRunJobTrigger"
            rows.append((group.row, group.way, number, trigger, ends_after))
    _store(dag, rows)


def defer_control(dag: Any, row: str, ways: tuple[str, ...]) -> None:
    """Let a trigger of Airflow's own, which fires at once, wait beside the others: it tells when a triggerer works."""
    from airflow.models.trigger import Trigger
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger

    moment = datetime(2000, 1, 1, tzinfo=UTC)
    _store(dag, [(row, way, CONTROL, Trigger.from_object(DateTimeTrigger(moment)), None) for way in ways])


def control_fired(database: psycopg.Connection, row: str) -> dict[str, float]:
    """Tell when each way's control fired."""
    query = (
        "SELECT task_id, extract(epoch FROM scheduled_dttm) FROM task_instance "
        "WHERE run_id = %s AND map_index = %s AND state = 'scheduled'"
    )
    return {way: float(moment) for way, moment in database.execute(query, [row, CONTROL]).fetchall()}


def _store(dag: Any, rows: list[tuple[str, str, int, Any, float | None]]) -> None:
    from airflow.models.dag_version import DagVersion
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState

    with create_session() as session:
        version = DagVersion.get_latest_version(DAG_ID, session=session)
        for row, way, number, trigger, ends_after in rows:
            trigger.queue = way
            ti = TaskInstance(
                dag.get_task(way),
                dag_version_id=version.id,
                run_id=row,
                state=TaskInstanceState.DEFERRED,
                map_index=number,
            )
            ti.trigger = trigger
            ti.next_method, ti.next_kwargs = "execute_complete", {}
            ti.start_date, ti.try_number = datetime.now(UTC), 1
            if ends_after is not None:
                ti.trigger_timeout = datetime.fromtimestamp(ends_after, UTC)
            session.add_all([trigger, ti])


def count_deferred(database: psycopg.Connection) -> int:
    """Count the waits that have not ended."""
    query = "SELECT count(*) FROM task_instance WHERE state = 'deferred' AND map_index <> %s"
    return int(database.execute(query, [CONTROL]).fetchone()[0])  # type: ignore[index]


def read_ends(database: psycopg.Connection, groups: list[Group]) -> None:
    """Read how and when each wait ended."""
    from airflow.sdk.serde import deserialize

    query = (
        "SELECT map_index, extract(epoch FROM scheduled_dttm), next_method, next_kwargs FROM task_instance "
        "WHERE run_id = %s AND task_id = %s AND map_index >= 0 AND map_index < 100000 AND state = 'scheduled'"
    )
    for group in groups:
        for number, moment, next_method, kwargs in database.execute(query, [group.row, group.way]).fetchall():
            wait = group.waits[number]
            wait.ended_at = float(moment)
            kwargs = json.loads(kwargs) if isinstance(kwargs, str) else kwargs
            if next_method == "__fail__":
                wait.said = str((kwargs.get("__data__") or kwargs).get("error") or kwargs)[:200]
                traceback = str(kwargs)
                wait.said += " " + traceback[-300:] if "imeout" not in wait.said else ""
            else:
                wait.said = deserialize(kwargs).get("event")


def end_all(database: psycopg.Connection) -> None:
    """Take what still waits off the triggerers."""
    database.execute("UPDATE task_instance SET state = 'removed', trigger_id = NULL WHERE state = 'deferred'")


def add_connection(conn_id: str, **given: Any) -> None:
    """Store a connection in Airflow's database, or change it."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        connection = session.scalars(select(Connection).where(Connection.conn_id == conn_id)).one_or_none()
        if connection is None:
            session.add(Connection(conn_id=conn_id, **given))
        else:
            for name, value in given.items():
                setattr(connection, name, value)


def read_connection(conn_id: str) -> Any:
    """Read a connection from Airflow's database."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        return session.scalars(select(Connection).where(Connection.conn_id == conn_id)).one()
