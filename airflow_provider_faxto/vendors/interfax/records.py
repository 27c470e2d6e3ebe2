"""InterFAX's fax records: from JSON to the language of fax.

The vendor has three levels of record (one fax, search and list, ``completed``) and two sets of names: what was
sent as ``reference`` comes back as ``reference`` by one of its pages and as ``subject`` by what was recorded from
the live service. Every recorded fax was a success, so what pending and failed records hold in their dates is not
known: absent, ``null`` and the year 1 are all taken as "not yet".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.codes import describe_code
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.vendors.parsing import UNREADABLE, as_count, as_int, as_money, as_reference, as_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from airflow_provider_faxto.fax.codes import StatusCode

__all__ = ["read_id", "read_status", "read_statuses"]

# The vendor's codes are 32-bit integers.
_LARGEST_CODE = 2**31 - 1


def read_id(record: object) -> int | None:
    """Read the id of a record.

    :param record: the JSON value.
    :return: the id, which comes as a number or as text; ``None`` if it cannot be read.
    """
    number = as_int(record.get("id")) if isinstance(record, dict) else None
    return number if number is not None and number > 0 else None


def read_status(
    record: object,
    *,
    vendor: str,
    describe: Callable[[StatusCode], str],
    code_outcomes: Mapping[int, FaxOutcome],
) -> FaxStatus | None:
    """Read a record of any level.

    :param record: the JSON value.
    :param vendor: the connection type.
    :param describe: says a status code in words.
    :param code_outcomes: the outcomes that the connection sets for codes of failures.
    :return: the status; ``None`` if the record has no readable id or no readable status code. It is a success
        only if the code is 0, written as a number or as ``"0"``, and no page is missing by the record's own count;
        with code 0 and fewer pages sent than submitted, or two counts of them, it is ``unknown``.
    """
    job_id = read_id(record)
    if job_id is None or not isinstance(record, dict):
        return None
    code = _read_code(record.get("status"))
    if code is None:
        return None
    entry = describe_code(code)
    outcome = code_outcomes.get(code, entry.outcome) if code > 0 else entry.outcome
    message = describe(entry)
    pages_sent = as_count(record.get("pagesSent"))
    if outcome is FaxOutcome.SUCCESS and (shortfall := _describe_shortfall(pages_sent, record)):
        outcome, message = FaxOutcome.UNKNOWN, f"{message}, but {shortfall}"
    return FaxStatus(
        vendor=vendor,
        job_id=str(job_id),
        outcome=outcome,
        cause=entry.cause,
        code=code,
        message=message,
        pages_sent=pages_sent,
        attempts=as_count(record.get("attemptsMade")),
        cost=_read_cost(record),
        submitted_at=as_utc(record.get("submitTime")),
        completed_at=as_utc(record.get("completionTime")) if outcome is not FaxOutcome.PENDING else None,
        reference=as_reference(record.get("reference")) or as_reference(record.get("subject")),
    )


def read_statuses(rows: Sequence[object], read: Callable[[object], FaxStatus | None]) -> dict[str, FaxStatus]:
    """Read the records of a list of statuses.

    :param rows: the list. What cannot be read is left out, so that it does not spoil the other records.
    :param read: reads one record.
    :return: the statuses by job. A job of which two records say different things is left out too.
    """
    statuses: dict[str, FaxStatus] = {}
    contradicted = set()
    for status in map(read, rows):
        if status is not None and statuses.setdefault(status.require_job_id(), status).code != status.code:
            contradicted.add(status.job_id)
    return {job_id: status for job_id, status in statuses.items() if job_id not in contradicted}


def _read_code(value: object) -> int | None:
    code = as_int(value)
    # "-0" and "00" are zero too, but no vendor writes them, and success is not guessed.
    if code == 0 and isinstance(value, str) and value != "0":
        return None
    return code if code is not None and abs(code) <= _LARGEST_CODE else None


def _describe_shortfall(pages_sent: int | None, record: Mapping[str, Any]) -> str | None:
    """Say which pages a record shows to be missing, if any; summary records do not tell how many were submitted."""
    # Code 0 is "OK (Fax successfully sent)" in the vendor's table, and what went through in part has codes of its own.
    # So a record that counts fewer pages contradicts itself, and no page of the vendor's says which half is right.
    if UNREADABLE in (record.get("pagesSent"), record.get("pagesSubmitted")):
        return "its record contradicts itself about the pages"
    submitted = as_count(record.get("pagesSubmitted"))
    if pages_sent is None or (pages_sent > 0 and (submitted is None or pages_sent >= submitted)):
        return None
    return f"only {pages_sent} of {submitted} pages were sent" if submitted else "no page was sent"


def _read_cost(record: Mapping[str, Any]) -> Decimal | None:
    units, price = as_money(record.get("units")), as_money(record.get("costPerUnit"))
    return as_money(units * price) if units is not None and price is not None else None
