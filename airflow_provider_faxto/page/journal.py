"""Reads the attempts that were made for a fax: the journal of its task, which Airflow 3.3 and later keeps."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from airflow_provider_faxto.sending.run_state import STORED_AS, read_journal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

__all__ = ["read_attempts"]


def read_attempts(
    session: Session, *, dag_id: str, run_id: str, task_id: str, map_index: int
) -> list[dict[str, Any]] | None:
    """Tell which attempts the runs of a task instance have made.

    :param session: Airflow's database.
    :param dag_id: its DAG, which the user may read.
    :param run_id: its run.
    :param task_id: its task.
    :param map_index: its index; -1 if the task is not mapped.
    :return: the attempts in order; ``None`` if there is no journal, as before Airflow 3.3.
    """
    try:
        from airflow.models.task_state_store import TaskStateStoreModel
    except ImportError:
        return None
    stored = session.scalar(
        select(TaskStateStoreModel.value).where(
            TaskStateStoreModel.dag_id == dag_id,
            TaskStateStoreModel.run_id == run_id,
            TaskStateStoreModel.task_id == task_id,
            TaskStateStoreModel.map_index == map_index,
            TaskStateStoreModel.key == STORED_AS,
        )
    )
    if stored is None:
        return None
    try:
        sends = read_journal(json.loads(stored))
    except ValueError:
        return None
    return [
        {
            "run": send.run,
            "job_id": send.job_id,
            "at": _moment(send.began_at),
            **(
                {name: send.status.to_dict()[name] for name in ("outcome", "cause", "code", "message", "pages_sent")}
                if send.status is not None
                else {"outcome": None, "cause": None, "code": None, "message": None, "pages_sent": None}
            ),
        }
        for send in sends
    ]


def _moment(seconds: float | None) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds is not None else None
    except (OverflowError, ValueError, OSError, TypeError):
        return None
