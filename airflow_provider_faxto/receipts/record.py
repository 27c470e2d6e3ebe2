"""What a task that sends or waits tells the page *Faxes*: its receipt as it is now, in one XCom.

One row for each fax, replaced when the fax ends, so that a page finds all of them by one key. It is there without any
setting, also for a fax that never became a job. It lasts no longer than other XComs do.

A task that sends many faxes tells how many came to what, in one XCom of its own: no label, no number, no job.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BATCH", "RECORD", "push_batch", "push_record"]

log = logging.getLogger(__name__)

RECORD = "fax"
"""The key of the XCom. Its value has the fields of a receipt, ``about_seconds`` (from the send until its end was seen,
by our clock, to two digits), ``waits_for`` (``credentials`` or ``credit`` where a person has to mend the account first)
and ``is_of_sensor`` (whether a sensor wrote it, which knows the job alone)."""

BATCH = "fax_batch"
"""The key of the XCom for a task that sends many faxes. Its value has ``vendor``, ``conn_id``, ``total``, ``counts`` by
outcome, ``causes`` (how many of each), ``unsent`` (how many were not sent, and can be later), ``sent_at`` (when this
run began to send), ``seen_final_at`` (when all had ended; ``None`` while some are under way), ``stopped`` (the name of
the error that ended the sending early) and ``path`` (of the result; ``None`` where that is in XCom itself)."""


def push_record(
    ti: Any,  # noqa: ANN401 - a task instance of any release
    receipt: Mapping[str, Any],
    *,
    waits_for: str | None = None,
    is_of_sensor: bool = False,
) -> None:
    """Push what is known of a fax. It is no part of a send: where that fails, a warning is logged.

    :param ti: the task instance, as Airflow gives it.
    :param receipt: the receipt, as :mod:`~airflow_provider_faxto.receipts.receipt` makes it.
    :param waits_for: what the fax waits for, ``credentials`` or ``credit``. Default: nothing that a person has to mend.
    :param is_of_sensor: whether a sensor tells it. Default: ``False``.
    """
    record = {
        **receipt,
        "about_seconds": _seconds_between(receipt.get("sent_at"), receipt.get("seen_final_at")),
        "waits_for": waits_for,
        "is_of_sensor": is_of_sensor,
    }
    try:
        ti.xcom_push(key=RECORD, value=record)
    except Exception as error:  # noqa: BLE001 - the supervisor, in process or not, has errors of its own
        log.warning(
            "What the page Faxes shows of fax job %s could not be stored (%s). The fax is not concerned.",
            receipt.get("job_id"),
            type(error).__name__,
        )


def push_batch(
    ti: Any,  # noqa: ANN401 - a task instance of any release
    record: Mapping[str, Any],
) -> None:
    """Push what is known of the faxes of one task. It is no part of a send: where that fails, a warning is logged.

    :param ti: the task instance, as Airflow gives it.
    :param record: the value of :data:`BATCH`, in plain JSON types.
    """
    try:
        ti.xcom_push(key=BATCH, value=dict(record))
    except Exception as error:  # noqa: BLE001 - as above
        log.warning(
            "What the page Faxes shows of this batch could not be stored (%s). The faxes are not concerned.",
            type(error).__name__,
        )


def _seconds_between(begin: str | None, end: str | None) -> int | None:
    """Tell how long something took, to two digits: a page counts equal ones together."""
    if not begin or not end:
        return None
    seconds = max(0, round((datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()))
    return int(float(f"{seconds:.2g}"))
