"""What a receipt tells of a fax job; ``receipt.schema.json`` beside this file says the same for machines.

A receipt holds no full number, no name and no content of a document, no key and no password. Whose fax it was is told
by the task, by the label, and by the SHA-256 of what was sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.documents import combined_pages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["SCHEMA_VERSION", "SentFax", "begin_receipt", "complete_receipt", "receipt_of_job"]

SCHEMA_VERSION = 1
"""Grows when a field changes its meaning or goes; a new field leaves it as it is."""

_OF_THE_STATUS = (
    "outcome", "cause", "code", "message", "pages_sent", "attempts", "cost", "submitted_at", "completed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFax:
    """What a task knows of the fax that it has sent, beside its status.

    :param number: the recipient.
    :param number_hash: a keyed hash of it; ``None`` where there is no key.
    :param documents: what was sent.
    """

    number: FaxNumber
    number_hash: str | None
    documents: Sequence[FaxDocument]


def begin_receipt(
    status: FaxStatus,
    ti: Any,  # noqa: ANN401 - a task instance of any release
    *,
    conn_id: str,
    account: str,
    label: str | None,
    sent: SentFax | None,
) -> dict[str, Any]:
    """Begin the receipt of a fax job that a task has made or found.

    :param status: the status of the job.
    :param ti: the task instance, as Airflow gives it.
    :param conn_id: the connection.
    :param account: names the account; see :attr:`~airflow_provider_faxto.hooks.account.AccountHook.account_id`.
    :param label: what the user calls the fax; ``None`` for nothing.
    :param sent: the fax; ``None`` if the job is one that an earlier run made of another number or document.
    :return: the receipt, in plain JSON types.
    """
    receipt = {
        **receipt_of_job(status, conn_id=conn_id, account=account),
        "dag_id": ti.dag_id,
        "task_id": ti.task_id,
        "run_id": ti.run_id,
        "map_index": ti.map_index if ti.map_index is not None else -1,
        "try_number": ti.try_number,
        "label": label,
        "sent_at": _now(),
    }
    if sent is not None:
        receipt |= {
            "number": sent.number.masked,
            "number_hash": sent.number_hash,
            "documents_sha256": [document.sha256 for document in sent.documents],
            "pages": combined_pages(sent.documents),
            "size": sum(document.size for document in sent.documents),
        }
    return receipt


def receipt_of_job(status: FaxStatus, *, conn_id: str, account: str) -> dict[str, Any]:
    """Begin the receipt of a fax job of which only the job is known, as a sensor does.

    :param status: its status.
    :param conn_id: the connection.
    :param account: names the account.
    :return: the receipt; what is not known is ``None``.
    """
    receipt: dict[str, Any] = dict.fromkeys(
        ("dag_id", "task_id", "run_id", "map_index", "try_number", "label", "number", "number_hash", "documents_sha256",
         "pages", "size", "sent_at")
    )  # fmt: skip
    receipt |= {
        "schema_version": SCHEMA_VERSION,
        "vendor": status.vendor,
        "conn_id": conn_id,
        "account": account,
        "job_id": status.job_id,
    }
    return complete_receipt(receipt, status)


def complete_receipt(receipt: Mapping[str, Any], status: FaxStatus) -> dict[str, Any]:
    """Write into a receipt what a status tells; a final one ends it.

    :param receipt: the receipt.
    :param status: the status of its job.
    :return: the receipt with it. What the status does not tell stays as it was.
    """
    plain = status.to_dict()
    told = {name: plain[name] for name in _OF_THE_STATUS if plain[name] is not None}
    ended = _now() if status.is_final else None
    return {
        **dict.fromkeys((*_OF_THE_STATUS, "key")),
        **receipt,
        # Of the last status alone: a fax that was held and then arrived has no cause any more.
        "cause": plain["cause"],
        "code": plain["code"],
        **told,
        "key": plain["reference"] or receipt.get("key"),
        "seen_final_at": receipt.get("seen_final_at") or ended,
    }


def _now() -> str:
    import pendulum

    return pendulum.from_timestamp(clock.now()).to_iso8601_string()
