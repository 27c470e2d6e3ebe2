"""Reads faxes from Airflow's database: the XCom in which each task tells of its fax, and the state of the task.

Only read, without a lock, and only what the index on the XCom's key leads to. What stands there may come from anybody
who can write a DAG: nothing of it is trusted, and a row that is not a fax is passed over.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import and_, case, exists, func, not_, or_, select, text
from sqlalchemy.orm import aliased

from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.page.values import as_amount, as_integer, as_moment, as_seconds, as_text, shorten
from airflow_provider_faxto.receipts.record import RECORD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

__all__ = [
    "ENDED", "ENDED_BADLY", "FIELDS", "FaxCount", "FaxQuery", "count_costs", "count_faxes", "count_seconds",
    "count_waiting", "find_connections", "find_fax", "find_row", "find_urgent", "iter_faxes", "list_faxes",
    "open_database", "select_with_task",
]  # fmt: skip

FIELDS = (
    "at", "dag_id", "run_id", "task_id", "map_index", "try_number", "state", "label", "number", "vendor", "conn_id",
    "job_id", "outcome", "cause", "code", "message", "pages", "pages_sent", "attempts", "cost", "size", "sent_at",
    "seen_final_at", "submitted_at", "completed_at", "key", "waits_for", "is_of_sensor",
)  # fmt: skip
"""What is read of a fax: where it is in Airflow, and what a receipt tells."""

_BATCH = 2000
_MASKED = re.compile(r"\+?\*+[0-9]{0,4}", re.ASCII)
_URGENT = (FaxOutcome.PENDING.value, FaxOutcome.UNKNOWN.value, FaxOutcome.FATAL.value)
ENDED_BADLY = ("failed", "upstream_failed", "skipped", "removed")
"""The states of such a task that has not handed its fax on, as one that succeeded has."""
ENDED = ("success", *ENDED_BADLY)
"""The states of a task that does not go on by itself."""
_TI = aliased(TaskInstance)
_SENSOR = aliased(XComModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxQuery:
    """Which faxes are asked for.

    :param dag_ids: the DAGs that the user may read; faxes of others do not exist.
    :param since: from when on something became of them. Default: always.
    :param until: before when. Default: always.
    :param outcomes: with one of these outcomes. Default: any.
    :param cause: for this reason. Default: any.
    :param dag_id: of this DAG. Default: any.
    :param conn_id: with this connection. Default: any.
    :param search: whose label holds this text, or whose job id it is, without regard to case. Default: any.
    """

    dag_ids: Collection[str]
    since: datetime | None = None
    until: datetime | None = None
    outcomes: Collection[str] = ()
    cause: str | None = None
    dag_id: str | None = None
    conn_id: str | None = None
    search: str | None = None


@contextlib.contextmanager
def open_database() -> Iterator[Session]:
    """Open Airflow's database for one answer."""
    with create_session(scoped=False) as session:
        if session.get_bind().dialect.name == "postgresql":
            # It would compile each query anew, which takes longer than the query.
            session.execute(text("SET LOCAL jit = off"))
        yield session


def list_faxes(session: Session, query: FaxQuery, *, limit: int, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Give a page of faxes, the newest first.

    :param session: Airflow's database.
    :param query: which.
    :param limit: how many.
    :param offset: after how many. Default: from the newest on.
    :return: the faxes, each with all :data:`FIELDS`, and how many there are in all.
    """
    conditions = _conditions(query)
    # The keys alone are sorted, and counted on the way; values are read for one page.
    keys = (
        select(*_PRIMARY_KEY, func.count().over().label("total"))
        .where(*conditions)
        .order_by(XComModel.timestamp.desc(), *_PRIMARY_KEY)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    rows = session.execute(
        select_with_task(keys.c.total)
        .join(
            keys,
            and_(
                XComModel.dag_run_id == keys.c.dag_run_id,
                XComModel.task_id == keys.c.task_id,
                XComModel.map_index == keys.c.map_index,
                XComModel.key == RECORD,
            ),
        )
        .order_by(XComModel.timestamp.desc(), *_PRIMARY_KEY)
    ).all()
    faxes = _complete(session, [fax for row in rows if (fax := _read(row)) is not None])
    if rows or not offset:
        return faxes, rows[0].total if rows else 0
    return faxes, session.scalar(select(func.count()).select_from(XComModel).where(*conditions)) or 0


def iter_faxes(session: Session, query: FaxQuery, *, limit: int) -> Iterator[dict[str, Any]]:
    """Yield faxes, the newest first, without holding all of them.

    :param session: Airflow's database.
    :param query: which.
    :param limit: how many at most.
    """
    rows = session.execute(
        select_with_task().where(*_conditions(query)).order_by(XComModel.timestamp.desc(), *_PRIMARY_KEY).limit(limit),
        execution_options={"yield_per": _BATCH},
    )
    for batch in rows.partitions(_BATCH):
        yield from (fax for row in batch if (fax := _read(row)) is not None)


def find_urgent(session: Session, query: FaxQuery, *, today: datetime, limit: int) -> list[dict[str, Any]]:
    """Find the faxes that a person has to see to.

    :param session: Airflow's database.
    :param query: which.
    :param today: from when on faxes that failed for good count.
    :param limit: how many at most.
    :return: the faxes, the newest first, each with ``attention``: why, a key of
        :data:`~airflow_provider_faxto.page.words.ATTENTION`.
    """
    is_pending = _raw("outcome") == FaxOutcome.PENDING.value
    is_held = and_(
        _raw("cause") == FaxCause.OUT_OF_CREDIT.value,
        or_(is_pending, and_(_raw("outcome") == FaxOutcome.FATAL.value, XComModel.timestamp >= today)),
    )
    why = case(
        # A task that somebody has marked as a success waits no more.
        (and_(_raw("waits_for") == "credentials", not_(_task_is_in(("success",)))), "credentials"),
        (or_(and_(_raw("waits_for") == "credit", not_(_task_is_in(("success",)))), is_held), "credit"),
        (_raw("outcome") == FaxOutcome.UNKNOWN.value, "unknown"),
        (and_(_raw("outcome") == FaxOutcome.FATAL.value, XComModel.timestamp >= today), "fatal"),
        (and_(is_pending, _task_is_in(ENDED_BADLY)), "lost"),
    ).label("attention")
    rows = session.execute(
        select_with_task(why)
        .where(*_conditions(replace(query, outcomes=_URGENT)), why.is_not(None))
        .order_by(XComModel.timestamp.desc())
        .limit(limit)
    ).all()
    found = [{**fax, "attention": row[-1]} for row in rows if (fax := _read(row)) is not None]
    return _complete(session, found)


def find_row(session: Session, key: str, **whose: str | int) -> Any:  # noqa: ANN401 - a row of any columns
    """Find what a task instance has pushed under a key, with the state of the task.

    :param session: Airflow's database.
    :param key: the XCom's key.
    :param whose: the task instance: ``dag_id``, ``run_id``, ``task_id``, ``map_index``.
    :return: a row of :func:`select_with_task`; ``None`` if there is no such XCom.
    """
    conditions = (getattr(XComModel, name) == value for name, value in whose.items())
    return session.execute(select_with_task().where(XComModel.key == key, *conditions)).first()


def find_fax(session: Session, *, dag_id: str, run_id: str, task_id: str, map_index: int) -> dict[str, Any] | None:
    """Find the fax of a task instance.

    :param session: Airflow's database.
    :param dag_id: its DAG, which the user may read.
    :param run_id: its run.
    :param task_id: its task.
    :param map_index: its index; -1 if the task is not mapped.
    :return: the fax; ``None`` if the task instance has none.
    """
    row = find_row(session, RECORD, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    fax = _read(row) if row is not None else None
    return _complete(session, [fax])[0] if fax is not None else None


def find_connections(session: Session, query: FaxQuery) -> list[str]:
    """Tell with which connections there are faxes.

    :param session: Airflow's database.
    :param query: which faxes.
    :return: the connections, in order.
    """
    conn_id = _text("conn_id")
    rows = session.scalars(select(conn_id).where(*_conditions(query), conn_id.is_not(None)).group_by(conn_id)).all()
    return sorted({shorten(each) for each in rows})


class FaxCount(NamedTuple):
    """So many faxes of one time, outcome, cause, DAG and connection; no text where one is not known."""

    at: str
    outcome: str
    cause: str
    dag_id: str
    conn_id: str
    faxes: int


def count_faxes(session: Session, query: FaxQuery, *, by: int) -> list[FaxCount]:
    """Count faxes by time, outcome, cause, DAG and connection.

    :param session: Airflow's database.
    :param query: which.
    :param by: how much of the time, as ISO 8601 writes it, is told apart: 10 for days, 13 for hours.
    :return: the counts. Times are UTC.
    """
    columns = (_time(by), _text("outcome"), _text("cause"), XComModel.dag_id, _text("conn_id"))
    rows = session.execute(select(*columns, func.count()).where(*_conditions(query)).group_by(*columns)).all()
    return [
        FaxCount(at or "", outcome, shorten(cause or ""), dag_id, shorten(conn_id or ""), faxes)
        for at, outcome, cause, dag_id, conn_id, faxes in rows
    ]


def count_costs(session: Session, query: FaxQuery, *, by: int) -> list[tuple[str, str, Decimal, int]]:
    """Count faxes by what they have cost. A currency is the account's own, so connections are told apart.

    :param session: Airflow's database.
    :param query: which.
    :param by: as for :func:`count_faxes`.
    :return: time (UTC), connection, cost of one, and how many cost that.
    """
    columns = (_time(by), _text("conn_id"), _text("cost"))
    rows = session.execute(
        select(*columns, func.count()).where(*_conditions(query), _text("cost").is_not(None)).group_by(*columns)
    ).all()
    priced = [(at, shorten(conn_id or ""), as_amount(cost), count) for at, conn_id, cost, count in rows if at]
    return [(at, conn_id, cost, count) for at, conn_id, cost, count in priced if cost is not None]


def count_seconds(session: Session, query: FaxQuery, *, by: int) -> list[tuple[str, int, int]]:
    """Count delivered faxes by how long their delivery took.

    :param session: Airflow's database.
    :param query: which.
    :param by: as for :func:`count_faxes`.
    :return: time (UTC), seconds to two digits, and how many took that long.
    """
    columns = (_time(by), _text("about_seconds"))
    rows = session.execute(
        select(*columns, func.count())
        .where(*_conditions(query), _raw("outcome") == FaxOutcome.SUCCESS.value)
        .group_by(*columns)
    ).all()
    timed = [(at, as_seconds(str(seconds)), count) for at, seconds, count in rows if at]
    return [(at, seconds, count) for at, seconds, count in timed if seconds is not None]


def count_waiting(session: Session, query: FaxQuery) -> list[dict[str, Any]]:
    """Count the faxes for whose end a task waits: the one that sent it, or another of a run that goes on.

    :param session: Airflow's database.
    :param query: which.
    :return: for each connection ``conn_id``, ``vendor``, ``faxes`` and ``oldest``, when the oldest was sent.
    """
    columns = (_text("conn_id"), _text("vendor"))
    rows = session.execute(
        select(*columns, func.count(), func.min(XComModel.timestamp))
        .where(
            *_conditions(replace(query, outcomes=(FaxOutcome.PENDING.value,))),
            _text("job_id").is_not(None),
            or_(not_(_task_is_in(ENDED)), and_(_task_is_in(("success",)), _RUN_GOES_ON)),
        )
        .group_by(*columns)
        .order_by(func.count().desc())
    ).all()
    return [
        {"conn_id": shorten(conn_id or ""), "vendor": shorten(vendor), "faxes": faxes, "oldest": as_moment(oldest)}
        for conn_id, vendor, faxes, oldest in rows
    ]


_RUN_GOES_ON = exists(select(1).where(DagRun.id == XComModel.dag_run_id, DagRun.state.in_(("queued", "running"))))
_PRIMARY_KEY = (XComModel.dag_run_id, XComModel.task_id, XComModel.map_index)


def _raw(name: str) -> ColumnElement[Any]:
    """Give a field of the record as text; MySQL writes ``null`` for one that is empty."""
    found: ColumnElement[Any] = XComModel.value[name].as_string()
    return found


def _text(name: str) -> ColumnElement[Any]:
    """Give a field of the record as text, and none for one that is empty."""
    return func.nullif(_raw(name), "null")


def _time(length: int) -> ColumnElement[Any]:
    """Give the time of a fax: of its end, or of its send while it is under way."""
    return func.substr(func.coalesce(_text("seen_final_at"), _text("sent_at")), 1, length)


def _conditions(query: FaxQuery) -> list[ColumnElement[bool]]:
    conditions = [XComModel.key == RECORD, XComModel.dag_id.in_(query.dag_ids)]
    if query.since is not None:
        conditions.append(XComModel.timestamp >= query.since)
    if query.until is not None:
        conditions.append(XComModel.timestamp < query.until)
    wanted = set(query.outcomes or (outcome.value for outcome in FaxOutcome))
    if query.outcomes:
        # By itself: a database asks what is cheap first, and this tells most rows off with one look into the value.
        conditions.append(_raw("outcome").in_(sorted(wanted)))
    is_wanted: ColumnElement[bool] = _raw("outcome").in_(sorted(wanted - {FaxOutcome.PENDING.value}))
    if FaxOutcome.PENDING.value in wanted:
        is_told = and_(_task_is_in(("success",)), _is_told_by_a_sensor())
        is_wanted = or_(is_wanted, and_(_raw("outcome") == FaxOutcome.PENDING.value, not_(is_told)))
    conditions += [is_wanted, _raw("vendor").is_not(None)]
    if query.dag_id:
        conditions.append(XComModel.dag_id == query.dag_id)
    if query.cause:
        conditions.append(_text("cause") == query.cause)
    if query.conn_id:
        conditions.append(_text("conn_id") == query.conn_id)
    if query.search:
        conditions.append(
            or_(
                func.lower(_text("label")).contains(query.search.lower(), autoescape=True),
                func.lower(_text("job_id")) == query.search.lower(),
            )
        )
    return conditions


def _task_is_in(states: tuple[str, ...]) -> ColumnElement[bool]:
    """Tell whether the task instance of a fax is in one of these states."""
    return exists(
        select(1).where(
            TaskInstance.dag_id == XComModel.dag_id,
            TaskInstance.run_id == XComModel.run_id,
            TaskInstance.task_id == XComModel.task_id,
            TaskInstance.map_index == XComModel.map_index,
            TaskInstance.state.in_(states),
        )
    )


def _is_told_by_a_sensor() -> ColumnElement[bool]:
    """Tell whether a sensor of the same run has told the end of a fax for which the sending task did not wait."""
    return exists(
        select(1).where(
            _SENSOR.dag_run_id == XComModel.dag_run_id,
            _SENSOR.key == RECORD,
            _SENSOR.map_index.in_((XComModel.map_index, -1)),
            _SENSOR.task_id != XComModel.task_id,
            func.nullif(_SENSOR.value["job_id"].as_string(), "null") == _text("job_id"),
            func.nullif(_SENSOR.value["outcome"].as_string(), "null") != FaxOutcome.PENDING.value,
        )
    )


def select_with_task(*more: ColumnElement[Any]) -> Any:  # noqa: ANN401 - a statement, whose type names each column
    """Select XComs, of faxes or batches, with the state of their tasks.

    :param more: what else to select.
    :return: the statement.
    """
    return select(
        XComModel.timestamp,
        XComModel.dag_id,
        XComModel.run_id,
        XComModel.task_id,
        XComModel.map_index,
        XComModel.value,
        _TI.state,
        _TI.try_number,
        *more,
    ).outerjoin(
        _TI,
        and_(
            _TI.dag_id == XComModel.dag_id,
            _TI.run_id == XComModel.run_id,
            _TI.task_id == XComModel.task_id,
            _TI.map_index == XComModel.map_index,
        ),
    )


def _read(row: Sequence[Any]) -> dict[str, Any] | None:
    """Read one row of :func:`select_with_task`; what is not a fax is none."""
    at, dag_id, run_id, task_id, map_index, value, state, try_number = row[:8]
    if not isinstance(value, dict):
        return None
    try:
        outcome = FaxOutcome(str(value.get("outcome")))
    except ValueError:
        return None
    vendor = as_text(value.get("vendor"))
    if vendor is None:
        return None
    number = as_text(value.get("number"))
    cost = as_amount(value.get("cost"))
    return {
        **{name: as_text(value.get(name)) for name in _STRINGS},
        **{name: as_integer(value.get(name)) for name in _INTEGERS},
        "at": as_moment(at),
        "dag_id": dag_id,
        "run_id": run_id,
        "task_id": task_id,
        "map_index": map_index,
        "try_number": as_integer(value.get("try_number")) or try_number,
        "state": str(state) if state is not None else None,
        "vendor": vendor,
        "outcome": outcome.value,
        # A full one has not been written by us, and is not shown.
        "number": number if number is not None and _MASKED.fullmatch(number) else None,
        "code": as_integer(value.get("code")) if as_text(value.get("code")) is None else as_text(value.get("code")),
        "cost": f"{cost:f}" if cost is not None else None,
        "is_of_sensor": value.get("is_of_sensor") is True,
    }


_STRINGS = (
    "label", "conn_id", "job_id", "cause", "message", "sent_at", "seen_final_at", "submitted_at", "completed_at", "key",
    "waits_for",
)  # fmt: skip
_INTEGERS = ("pages", "pages_sent", "attempts", "size")


def _complete(session: Session, faxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to what sensors tell what the sending task of the same run has told: label, number, pages."""
    of_sensors = [fax for fax in faxes if fax["is_of_sensor"] and fax["job_id"]]
    if not of_sensors:
        return faxes
    rows = session.execute(
        select_with_task().where(
            XComModel.key == RECORD,
            XComModel.dag_id.in_({fax["dag_id"] for fax in of_sensors}),
            XComModel.run_id.in_({fax["run_id"] for fax in of_sensors}),
        )
    ).all()
    senders = {
        (sent["dag_id"], sent["run_id"], sent["vendor"], sent["job_id"]): sent
        for row in rows
        if (sent := _read(row)) is not None and not sent["is_of_sensor"]
    }
    for fax in of_sensors:
        sent = senders.get((fax["dag_id"], fax["run_id"], fax["vendor"], fax["job_id"]), {})
        for name in ("label", "number", "pages", "size", "sent_at", "key", "cost"):
            fax[name] = fax[name] if fax[name] is not None else sent.get(name)
    return faxes
