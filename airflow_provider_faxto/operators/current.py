"""Whether a run of a task is still the one that Airflow wants: asked once, right before the fax is sent.

A worker that stood still (a suspended machine, a network that was cut) can be given up by Airflow, and a successor
started, without knowing it. When it goes on, it must not send what its successor may have sent. Airflow ends such
a run at its next heartbeat, some seconds later; this look makes the time in between as short as one request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.hooks.errors import FaxNotSentError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["STORED_AS", "check_run_is_current"]

log = logging.getLogger(__name__)

STORED_AS = "fax_send"
"""The key in Airflow's task state store under which a run writes down that it is about to send."""


def check_run_is_current(context: Context, fax_key: str) -> None:
    """Stop a run that Airflow has given up.

    On Airflow 3.3 and later the intent is written to the task's state store, which refuses a run that is no longer
    the current one; what stands there then also tells a person that a send was due. On Airflow 2 the metadata
    database is asked for the number of the current run. Airflow 3.0 to 3.2 offer a worker no such question: there
    the heartbeat alone protects.

    :param context: the task's context.
    :param fax_key: the key of the fax that is about to be sent.
    :raises FaxNotSentError: if the run is not the current one, or Airflow cannot be asked; nothing was sent. A run
        that cannot store this could not store the id of its fax job either.
    """
    ti: Any = context["ti"]
    store: Any = context.get("task_state_store")
    if store is not None:
        try:
            store.set(STORED_AS, {"fax_key": fax_key, "try_number": ti.try_number})
        except Exception as error:  # noqa: BLE001 - the supervisor, in process or not, has errors of its own
            raise FaxNotSentError(
                "Airflow does not take a note from this run of the task "
                f"({type(error).__name__}): it may have started another in its place. Nothing was sent."
            ) from None
        return
    newest = _newest_try_in_database(ti)
    if newest is not None and newest != ti.try_number:
        raise FaxNotSentError(
            f"This is run {ti.try_number} of the task, and Airflow has given it up for run {newest}. Nothing was sent."
        )


def _newest_try_in_database(ti: Any) -> int | None:  # noqa: ANN401 - Airflow's, which differs by release
    """Read the number of the task's current run, where a worker may ask the database (Airflow 2)."""
    read = getattr(type(ti), "get_task_instance", None)
    if read is None:
        return None
    current = read(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)
    return current.try_number if current is not None else None
