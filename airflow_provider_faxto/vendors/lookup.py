"""Finding our faxes in records that a vendor gives page by page, for vendors whose pages have a cursor.

"Nothing found" is taken as leave to send. So the records are read to their end, and whatever leaves a doubt is an
error: a page that repeats, breaks off or cannot be read proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.key import is_same_fax, same_fax_key_in
from airflow_provider_faxto.vendors.parsing import is_before, is_same_recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pendulum

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import Flow

__all__ = ["FaxRecord", "RecordPage", "find_in_records"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxRecord:
    """One row of a vendor's records, as far as finding a fax again needs it.

    :param status: the fax job, with the label that the vendor shows for it as its ``reference``.
    :param recipient: where it went, as the vendor writes it. Default: the vendor does not say.
    """

    status: FaxStatus
    recipient: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """One page of a vendor's records, whole: a row that cannot be read has raised ``FaxUnreadableAnswerError``.

    :param records: the rows.
    :param next_cursor: what to pass for the next page; ``None`` if the vendor says that this was the last. A vendor
        that does not say so proves nothing.
    """

    records: Sequence[FaxRecord]
    next_cursor: str | None


def find_in_records(
    read_page: Callable[[str | None], Flow[RecordPage]],
    *,
    label: str,
    reference: str,
    fax_number: FaxNumber,
    since: pendulum.DateTime | None = None,
    max_pages: int = 50,
) -> Flow[list[FaxStatus]]:
    """Read a vendor's records to their end, and pick out the fax jobs under a key.

    A record to our recipient whose label is neither that key nor a complete other key of ours may be our fax, and is an
    error: its label may have been cut off or lost. Where the vendor looks the label up itself, ``read_page`` asks for
    it and no such record comes.

    :param read_page: reads one page, given the cursor of the page before it; ``None`` for the first.
    :param label: the vendor's name, for messages.
    :param reference: the key.
    :param fax_number: the recipient under that key.
    :param since: look for the same document to the same number from this moment on, under the key of whatever DAG run.
        A record whose time is not known counts. Default: look for this key alone, whenever that was.
    :param max_pages: how many pages to read at most. Default: 50.
    :return: the jobs in the order of the records, each with the key that it was found under as its ``reference``; empty
        only if the records were read to their end and show none.
    :raises FaxLostContactError: if a page repeats what was read, or the end does not come within ``max_pages``.
    :raises FaxUnreadableAnswerError: if a record of that time may or may not be the fax, or ``read_page`` raises it.
    """
    failed = f"Could not look up a fax to {fax_number.masked} by its key: {label}'s records"
    found: dict[str, FaxStatus] = {}
    seen: set[str] = set()
    cursors: set[str] = set()
    cursor: str | None = None
    for _ in range(max_pages):
        page = yield from read_page(cursor)
        ids = {record.status.job_id for record in page.records}
        if page.next_cursor in cursors or (ids and ids <= seen):
            raise FaxLostContactError(f"{failed} repeat a page, so they prove nothing.", is_lasting=True)
        for record in page.records:
            key = _key_of(record, reference, since)
            if key is not None:
                found.setdefault(record.status.job_id, replace(record.status, reference=key))
            elif _leaves_doubt(record, fax_number, since):
                raise FaxUnreadableAnswerError(
                    f"{failed} hold a fax that may have gone to this recipient and bears no key of ours."
                )
        seen |= ids
        cursor = page.next_cursor
        if cursor is None:
            return list(found.values())
        cursors.add(cursor)
    raise FaxLostContactError(f"{failed} have no end within {max_pages} pages, so they prove nothing.", is_lasting=True)


def _key_of(record: FaxRecord, reference: str, since: pendulum.DateTime | None) -> str | None:
    """Read the key that is looked for from a record; ``None`` if it is not there, or not in the time asked for."""
    text = record.status.reference or ""
    if since is None:
        # Some vendors write labels in capitals, or with something of theirs around them.
        return reference if reference in (text, same_fax_key_in(text, reference)) else None
    return None if is_before(record.status.submitted_at, since) else same_fax_key_in(text, reference)


def _leaves_doubt(record: FaxRecord, fax_number: FaxNumber, since: pendulum.DateTime | None) -> bool:
    """Tell whether a record without the key may still be the fax."""
    text = record.status.reference or ""
    if is_same_fax(text, text) or (since is not None and is_before(record.status.submitted_at, since)):
        return False
    # What is not told may be any number.
    return is_same_recipient(record.recipient, fax_number) is not False
