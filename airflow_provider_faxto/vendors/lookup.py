"""Finding our faxes in a vendor's records.

"Nothing found" is taken as leave to send. So the records are read to their end, and whatever leaves a doubt is an
error: a page that repeats, breaks off or cannot be read proves nothing. A fax that is found under way or delivered is
proof, however little of the records was read.

:class:`FaxSearch` judges the rows, whatever vendor they are of; :func:`find_in_records` reads pages that have a cursor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxThrottledError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.vendors.parsing import has_lost_letters, is_before, is_same_recipient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pendulum

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import Flow

__all__ = ["FaxRecord", "FaxSearch", "RecordPage", "UnfinishedRecords", "find_in_records", "seconds_ahead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxRecord:
    """One row of a vendor's records, as far as finding a fax again needs it.

    :param status: the fax job.
    :param label: the label that the vendor shows for it, as it came. Default: none.
    :param recipient: where it went, as the vendor writes it. Default: the vendor does not say.
    :param submitted_at: when it was made, by the vendor's clock, or the latest moment that this can have been; see
        :func:`~airflow_provider_faxto.vendors.parsing.as_exact_utc`. Default: not known.
    """

    status: FaxStatus
    label: str | None = field(default=None, repr=False)
    recipient: str | None = field(default=None, repr=False)
    submitted_at: pendulum.DateTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """One page of a vendor's records, whole: a row that cannot be read has raised ``FaxUnreadableAnswerError``.

    :param records: the rows.
    :param next_cursor: what to pass for the next page; ``None`` if the vendor says that this was the last. A vendor
        that does not say so proves nothing.
    :param date: the vendor's own clock at that time; see :func:`~airflow_provider_faxto.vendors.parsing.read_date`.
        Default: not known.
    """

    records: Sequence[FaxRecord]
    next_cursor: str | None
    date: pendulum.DateTime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRecords:
    """A reading of the vendor's records that stopped before its end, since the next request had no turn.

    :param so_far: what was read, as one JSON value from which the reading can go on. ``repr()`` does not show it.
    :param retry_after: in how many seconds the next request may go out. Default: not known.
    """

    so_far: object = field(repr=False)
    retry_after: float | None = None


class FaxSearch:
    """Tells which rows of a vendor's records are jobs of a fax, and whether they leave a doubt.

    A row is ours if its label is one whole key with the first part of ``reference``, whenever it was made, or if its
    key is known without a label. It is another fax if its label is one whole key with another first part, if it surely
    went to another recipient, or if it was surely made before ``since``. Everything else leaves a doubt: the label may
    have been lost, cut off or written in another form. So does a row under the very key of ``reference`` that surely
    went to another recipient, since such a key stands for one.

    A ``reference`` that is not a key is compared as a whole, and a row under it to another recipient is another fax.

    :param label: the vendor's name, for messages.
    :param reference: the key.
    :param fax_number: the recipient under that key.
    :param since: from when on a row without a key of ours may be the fax, by our clock. Default: whenever it was made.
    """

    def __init__(
        self, *, label: str, reference: str, fax_number: FaxNumber, since: pendulum.DateTime | None = None
    ) -> None:
        self.failed = f"Could not look up a fax to {fax_number.masked}: {label}'s records"
        self._look_at = f"Look at {label}'s own list of faxes."
        self._reference = reference
        self._key = read_key(reference)
        self._fax_number = fax_number
        self._since = since
        self._found: dict[str, FaxStatus] = {}
        self._doubt: FaxUnreadableAnswerError | None = None

    @property
    def found(self) -> list[FaxStatus]:
        """The jobs so far, in the order of the records, each with the key that it was found under as its reference."""
        return list(self._found.values())

    def take(
        self,
        read_status: Callable[[], FaxStatus | None],
        *,
        labels: Sequence[str],
        recipient: object,
        read_time: Callable[[], pendulum.DateTime | None],
        key: str | None = None,
        ahead: float = 0.0,
    ) -> None:
        """Judge one row.

        :param read_status: reads its status; ``None`` if the row has no readable id or status.
        :param labels: every text of the row that may be its label, as it came; U+FFFD for one that cannot be read.
        :param recipient: its recipient as the vendor writes it, or ``None``.
        :param read_time: reads when it was made, or the latest moment that this can have been; ``None`` if not known.
        :param key: the key that it is known to be under whatever its labels say. Default: none.
        :param ahead: for how many seconds our clock is ahead of the vendor's; see :func:`seconds_ahead`. Default: 0.
        """
        key = key or self._key_in(labels)
        is_same_number = is_same_recipient(recipient, self._fax_number)
        if key is None or (self._key is None and is_same_number is False):
            if is_same_number is not False and not _names_another_fax(labels) and not self._is_old(read_time, ahead):
                self._note_doubt("hold a fax that may or may not be this one", read_status())
            return
        status = read_status()
        if status is None:
            self._note_doubt("show it in a row without a readable id or status", None)
        elif is_same_number is False and self._is_for_this_recipient(key):
            self._note_doubt("show it with another recipient", status)
        else:
            job_id = status.require_job_id()
            known = self._found.get(job_id, status)
            if known.is_final and status.is_final and known.outcome is not status.outcome:
                self._note_doubt("show it with two ends", status)
            self._found[job_id] = replace(status, reference=key)

    def conclude(
        self, statuses: list[FaxStatus], error: FaxLostContactError | FaxThrottledError | None = None
    ) -> list[FaxStatus]:
        """Say what the records prove.

        :param statuses: the jobs that were found, with what is known of them by now.
        :param error: what ended the records too early. Default: they were read whole.
        :return: the same, if the records were read whole and leave no doubt, or if a job under the very key of
            ``reference`` is under way or was delivered: then nothing that is missing matters.
        :raises FaxLostContactError: ``error``; or, as its kind ``FaxUnreadableAnswerError``, the doubt that a row left.
        :raises FaxThrottledError: ``error``.
        """
        problem = error or self._doubt
        is_settled = any(
            status.reference == self._reference and status.outcome in (FaxOutcome.PENDING, FaxOutcome.SUCCESS)
            for status in statuses
        )
        if problem is None or is_settled:
            return statuses
        raise problem

    def _key_in(self, labels: Sequence[str]) -> str | None:
        """Find the key of ours among labels, the very one before another of the same fax."""
        if self._key is None:
            return self._reference if self._reference in labels else None
        keys = [key for label in labels if (key := read_key(label)) is not None and key.whose == self._key.whose]
        return self._reference if self._key in keys else str(keys[0]) if keys else None

    def _is_for_this_recipient(self, key: str) -> bool:
        shown = read_key(key)
        return shown is not None and self._key is not None and shown.what == self._key.what

    def _is_old(self, read_time: Callable[[], pendulum.DateTime | None], ahead: float) -> bool:
        return self._since is not None and is_before(read_time(), self._since.subtract(seconds=ahead))

    def _note_doubt(self, what: str, status: FaxStatus | None) -> None:
        job = f" (job {status.job_id})" if status is not None and status.job_id else ""
        self._doubt = self._doubt or FaxUnreadableAnswerError(f"{self.failed} {what}{job}. {self._look_at}")


def _names_another_fax(labels: Sequence[str]) -> bool:
    """Tell whether one of a row's labels is one whole key, and all can be read."""
    return any(read_key(label) for label in labels) and not any(map(has_lost_letters, labels))


def seconds_ahead(date: pendulum.DateTime | None) -> float:
    """Tell for how long our clock is ahead of the vendor's, so that a recent fax is not taken for an old one.

    :param date: the vendor's clock in an answer that has just come.
    :return: the seconds; 0 if our clock is not ahead, or if the vendor's is not known. A clock that is behind makes
        faxes look too young, which does no harm; and the moment that is compared may be another machine's, so it is
        never moved forward.
    """
    return max(clock.now() - date.timestamp(), 0.0) if date is not None else 0.0


def find_in_records(
    read_page: Callable[[str | None], Flow[RecordPage]],
    *,
    label: str,
    reference: str,
    fax_number: FaxNumber,
    since: pendulum.DateTime | None = None,
    max_pages: int = 50,
) -> Flow[list[FaxStatus]]:
    """Read a vendor's records to their end, and pick out the jobs of a fax as :class:`FaxSearch` judges them.

    Where the vendor looks the label up itself, ``read_page`` may ask for it; only jobs under that very key are found
    then.

    :param read_page: reads one page, given the cursor of the page before it; ``None`` for the first.
    :param label: the vendor's name, for messages.
    :param reference: the key.
    :param fax_number: the recipient under that key.
    :param since: from when on a row without a key of ours may be the fax, by our clock. Default: whenever it was made.
    :param max_pages: how many pages to read at most. Default: 50.
    :return: the jobs in the order of the records, each with the key that it was found under as its ``reference``; empty
        only if the records were read to their end and show none. If a job under the very key is under way or was
        delivered, the jobs are returned although the records could not be read to their end or leave a doubt.
    :raises FaxLostContactError: if a page repeats what was read, or the end does not come within ``max_pages``.
    :raises FaxUnreadableAnswerError: if a row may or may not be the fax, or ``read_page`` raises it.
    """
    search = FaxSearch(label=label, reference=reference, fax_number=fax_number, since=since)
    error: FaxLostContactError | FaxThrottledError | None = None
    try:
        yield from _take_pages(search, read_page, max_pages)
    except (FaxLostContactError, FaxThrottledError) as caught:
        error = caught
    return search.conclude(search.found, error)


def _take_pages(search: FaxSearch, read_page: Callable[[str | None], Flow[RecordPage]], max_pages: int) -> Flow[None]:
    """Judge the rows of page after page, until the vendor says that one was the last."""
    seen: set[str] = set()
    cursors: set[str] = set()
    cursor: str | None = None
    for _ in range(max_pages):
        page = yield from read_page(cursor)
        for record in page.records:
            search.take(
                lambda record=record: record.status,  # type: ignore[misc]
                labels=[record.label] if record.label else [],
                recipient=record.recipient,
                read_time=lambda record=record: record.submitted_at,  # type: ignore[misc]
                ahead=seconds_ahead(page.date),
            )
        cursor = page.next_cursor
        if cursor is None:
            return
        ids = {record.status.require_job_id() for record in page.records}
        if cursor in cursors or (ids and ids <= seen):
            # A list that moves while it is read may pass; a cursor that leads back does not.
            raise FaxLostContactError(
                f"{search.failed} repeat a page, so they prove nothing.", is_lasting=cursor in cursors
            )
        seen |= ids
        cursors.add(cursor)
    raise FaxLostContactError(
        f"{search.failed} have no end within {max_pages} pages, so they prove nothing.", is_lasting=True
    )
