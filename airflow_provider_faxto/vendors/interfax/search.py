"""Finding a fax in InterFAX's own records: the proof that decides about a send.

Whatever leaves a doubt raises, because "nothing found" is taken as leave to send.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.key import is_same_fax, same_fax_key_in
from airflow_provider_faxto.vendors.interfax.records import read_id
from airflow_provider_faxto.vendors.parsing import (
    UNREADABLE,
    as_exact_utc,
    as_text,
    has_lost_letters,
    is_before,
    is_same_recipient,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pendulum

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.interfax.errors import InterFaxCalls

__all__ = ["search_jobs", "search_same_faxes"]

_PAGE = 100
# What the vendor's pages give as the size of a page where the request names none.
_DEFAULT_PAGE = 25
# An error code of the older interface speaks of 2,000 records as the most that a search reaches.
_MAX_PAGES = 20
# The zone of a date in a request is not beyond doubt, and no place on earth is further than a day from GMT.
_DAYS_OF_DOUBT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is looked for: how it is said in messages, what narrows the search, and which records count."""

    action: str
    narrowed_by: tuple[str, str]
    fax_number: FaxNumber
    key_in: Callable[[str], str | None]
    since: pendulum.DateTime | None = None


def search_jobs(
    calls: InterFaxCalls,
    read_record: Callable[[object], FaxStatus | None],
    *,
    reference: str,
    fax_number: FaxNumber,
) -> Flow[list[FaxStatus]]:
    """Search for every fax job under a reference.

    :param calls: how to ask.
    :param read_record: reads one record.
    :param reference: the reference.
    :param fax_number: the recipient under that reference.
    :return: the jobs, newest first.
    :raises FaxLostContactError: if the search has no end, or if the vendor answers 404.
    :raises FaxUnreadableAnswerError: if a record does not tell whether it is under the reference, or if one that is
        cannot be read.
    """
    wanted = _Wanted(
        action=f"look up a fax to {fax_number.masked} by its reference",
        narrowed_by=("reference", reference),
        fax_number=fax_number,
        key_in=lambda text: text if text == reference else None,
    )
    return (yield from _search(calls, read_record, wanted))


def search_same_faxes(
    calls: InterFaxCalls,
    read_record: Callable[[object], FaxStatus | None],
    *,
    reference: str,
    fax_number: FaxNumber,
    since: pendulum.DateTime,
) -> Flow[list[FaxStatus]]:
    """Search for every fax job of late under a key of the same document to the same number.

    The vendor is asked by date alone. It can search for a number too, but not in which form it wants that.

    :param calls: how to ask.
    :param read_record: reads one record.
    :param reference: the key.
    :param fax_number: the recipient under that key.
    :param since: from when on.
    :return: the jobs, newest first, each with the key it was found under as its reference.
    :raises FaxLostContactError: if the search has no end, or if the vendor answers 404.
    :raises FaxUnreadableAnswerError: if a record of that time does not tell whether it is the same fax, or if one
        that is cannot be read.
    """
    earliest = since.in_timezone("UTC").subtract(days=_DAYS_OF_DOUBT)
    wanted = _Wanted(
        action=f"look up the same document to {fax_number.masked} among recent faxes",
        narrowed_by=("dateFrom", earliest.strftime("%Y-%m-%dT%H:%M:%S")),
        fax_number=fax_number,
        key_in=lambda text: same_fax_key_in(text, reference),
        since=since,
    )
    return (yield from _search(calls, read_record, wanted))


def _search(
    calls: InterFaxCalls, read_record: Callable[[object], FaxStatus | None], wanted: _Wanted
) -> Flow[list[FaxStatus]]:
    """Read the search page by page until one is empty."""
    failed = f"Could not {wanted.action}: {calls.label}'s search"
    found: dict[str, FaxStatus] = {}
    seen: set[int] = set()
    offset = 0
    for _ in range(_MAX_PAGES):
        query = [wanted.narrowed_by, ("sortOrder", "desc"), ("limit", str(_PAGE)), ("offset", str(offset))]
        rows = yield from calls.ask_for_list(wanted.action, "/outbound/search", query)
        ids = {number for number in map(read_id, rows) if number is not None}
        # A page that says nothing new means that the offset has no effect: there is this one page only. It is the
        # whole if it is shorter than any page that the vendor would cut.
        is_repeated = bool(ids) and ids <= seen
        if not rows or (is_repeated and len(rows) < _DEFAULT_PAGE):
            # Ids rise, so the highest is the newest.
            return sorted(found.values(), key=lambda status: int(status.job_id), reverse=True)
        if is_repeated:
            break
        for row in rows:
            status = _read_if_wanted(row, read_record, wanted, failed, times_are_utc=calls.times_are_utc)
            if status is not None:
                found[status.job_id] = status
        seen |= ids
        offset += len(rows)
    raise FaxLostContactError(f"{failed} has no end within {_MAX_PAGES} pages, so it proves nothing.", is_lasting=True)


def _read_if_wanted(
    row: Any,  # noqa: ANN401 - any JSON value
    read_record: Callable[[object], FaxStatus | None],
    wanted: _Wanted,
    failed: str,
    *,
    times_are_utc: bool,
) -> FaxStatus | None:
    """Read a record if it is one that is looked for; a record that leaves a doubt raises."""
    if not isinstance(row, dict):
        raise FaxUnreadableAnswerError(f"{failed} holds something that is not a record.")
    submitted_at = as_exact_utc(row.get("submitTime"), is_utc=times_are_utc)
    if wanted.since is not None and is_before(submitted_at, wanted.since):
        return None
    # Both names are documented for it, on different pages.
    labels = [row.get(name) for name in ("reference", "subject")]
    references = [text for label in labels if (text := as_text(label)) is not None]
    key = next((found for text in references if (found := wanted.key_in(text)) is not None), None)
    recipient = row.get("destinationFax") or row.get("faxNumber")
    is_ours = is_same_recipient(recipient, wanted.fax_number)
    if key is None:
        is_readable = references and UNREADABLE not in labels and not any(map(has_lost_letters, references))
        if is_readable or is_ours is False:
            return None
        raise FaxUnreadableAnswerError(
            f"{failed} holds a fax that carries no reference and may have gone to this recipient."
        )
    if is_ours is False and is_same_fax(key, key):
        # A key of a logical fax stands for one recipient.
        raise FaxUnreadableAnswerError(f"{failed} shows it with another recipient.")
    status = read_record(row)
    if status is None:
        raise FaxUnreadableAnswerError(f"{failed} shows it in a record without a readable id or status.")
    return replace(status, reference=key)
