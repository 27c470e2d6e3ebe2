"""Reads the batches from Airflow's database: the XCom in which a task with many faxes tells how many came to what.

As for single faxes, nothing of what stands there is trusted, and what is not a batch is passed over.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.models.xcom import XComModel

from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.page.records import ENDED, ENDED_BADLY, find_row, select_with_task
from airflow_provider_faxto.page.values import as_integer, as_moment, as_text
from airflow_provider_faxto.receipts.record import BATCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from airflow_provider_faxto.page.records import FaxQuery

__all__ = ["count_urgent", "find_batch", "is_waited_for", "list_batches"]

_MOST_FAXES = 10**7
_ERROR = re.compile(r"Fax[A-Za-z]{1,60}Error", re.ASCII)
_REFUSED_LOG_IN = {"FaxAuthenticationError", "FaxAccountStoppedError"}
_NO_CREDIT = {"FaxOutOfCreditError", "FaxAwaitingCreditError"}


def list_batches(session: Session, query: FaxQuery, *, limit: int) -> list[dict[str, Any]]:
    """Give the batches, the newest first.

    :param session: Airflow's database.
    :param query: of which DAGs, period and connection; its other filters are those of single faxes.
    :param limit: how many are read at most.
    :return: the batches.
    """
    conditions = [XComModel.key == BATCH, XComModel.dag_id.in_(query.dag_ids)]
    if query.since is not None:
        conditions.append(XComModel.timestamp >= query.since)
    if query.dag_id:
        conditions.append(XComModel.dag_id == query.dag_id)
    rows = session.execute(
        select_with_task().where(*conditions).order_by(XComModel.timestamp.desc()).limit(limit)
    ).all()
    found = [batch for row in rows if (batch := _read(row)) is not None]
    return [batch for batch in found if query.conn_id in (None, batch["conn_id"])]


def find_batch(session: Session, *, dag_id: str, run_id: str, task_id: str, map_index: int) -> dict[str, Any] | None:
    """Find the batch of a task instance.

    :param session: Airflow's database.
    :param dag_id: its DAG, which the user may read.
    :param run_id: its run.
    :param task_id: its task.
    :param map_index: its index; -1 if the task is not mapped.
    :return: the batch; ``None`` if the task instance has none.
    """
    row = find_row(session, BATCH, dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index)
    return _read(row) if row is not None else None


def is_waited_for(batch: Mapping[str, Any]) -> bool:
    """Tell whether a task waits for faxes of a batch.

    :param batch: the batch.
    """
    return bool(batch["counts"][FaxOutcome.PENDING]) and batch["state"] not in ENDED


def count_urgent(batch: Mapping[str, Any], *, today: datetime) -> dict[str, int]:
    """Tell how many faxes of a batch a person has to see to.

    :param batch: the batch.
    :param today: from when on faxes that failed for good count.
    :return: how many, by a key of :data:`~airflow_provider_faxto.page.words.ATTENTION`.
    """
    counts = batch["counts"]
    is_of_today = datetime.fromisoformat(batch["at"]) >= today
    urgent = {
        "unknown": counts[FaxOutcome.UNKNOWN],
        "credentials": batch["unsent"] if batch["stopped"] in _REFUSED_LOG_IN else 0,
        "credit": batch["unsent"] if batch["stopped"] in _NO_CREDIT else 0,
        "lost": counts[FaxOutcome.PENDING] if batch["state"] in ENDED_BADLY else 0,
        "fatal": counts[FaxOutcome.FATAL] if is_of_today else 0,
    }
    return {kind: count for kind, count in urgent.items() if count}


def _read(row: Sequence[Any]) -> dict[str, Any] | None:
    """Read one row; what is not a batch is none."""
    at, dag_id, run_id, task_id, map_index, value, state, try_number = row[:8]
    if not isinstance(value, dict) or not isinstance(at, datetime):
        return None
    vendor = as_text(value.get("vendor"))
    counts = {outcome.value: _count(value.get("counts"), outcome) for outcome in FaxOutcome}
    if vendor is None or not isinstance(value.get("counts"), dict):
        return None
    stopped = as_text(value.get("stopped"))
    causes = {cause.value: _count(value.get("causes"), cause) for cause in FaxCause}
    return {
        "at": as_moment(at),
        "dag_id": dag_id,
        "run_id": run_id,
        "task_id": task_id,
        "map_index": map_index,
        "try_number": try_number,
        "state": str(state) if state is not None else None,
        "vendor": vendor,
        "conn_id": as_text(value.get("conn_id")),
        # What the counts come to, whatever else is told.
        "total": sum(counts.values()),
        "counts": counts,
        "causes": {cause: count for cause, count in sorted(causes.items(), key=lambda found: -found[1]) if count},
        "unsent": min(_as_count(value.get("unsent")), counts[FaxOutcome.RETRYABLE]),
        "sent_at": as_text(value.get("sent_at")),
        "seen_final_at": as_text(value.get("seen_final_at")),
        "stopped": stopped if stopped is not None and _ERROR.fullmatch(stopped) else None,
        "path": as_text(value.get("path")),
    }


def _count(values: object, name: str) -> int:
    return _as_count(values.get(name)) if isinstance(values, dict) else 0


def _as_count(value: object) -> int:
    count = as_integer(value)
    return count if count is not None and 0 <= count <= _MOST_FAXES else 0
