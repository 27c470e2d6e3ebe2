"""Finding a fax in InterFAX's own records: the proof that decides about a send.

The vendor searches by the whole reference only, which cannot find a fax that was corrected, resent or rendered anew. So
one listing by date is read, which can answer for all faxes of the account that are looked for at that time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxRateLimitError, FaxThrottledError
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.vendors.interfax.records import read_id
from airflow_provider_faxto.vendors.lookup import FaxSearch, UnfinishedRecords, seconds_ahead
from airflow_provider_faxto.vendors.parsing import as_exact_utc, as_text, decode_json, read_date

if TYPE_CHECKING:
    from collections.abc import Callable

    import pendulum

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.interfax.errors import InterFaxCalls

__all__ = ["read_listing", "resume_listing", "search_jobs"]

_PAGE = 100
# What the vendor's pages give as the size of a page where the request names none. A shorter one is the last.
_DEFAULT_PAGE = 25
# An error code of the older interface speaks of 2,000 records as the most that a search reaches.
_MAX_PAGES = 20
# So many pages in a row may bring nothing new: a burst of faxes has moved all others. After that the offset has no
# effect.
_MAY_REPEAT = 3
# The zone of a date in a request is not beyond doubt, and no place on earth is further than a day from GMT.
_DAYS_OF_DOUBT = 1
# What a row tells of its label, its recipient, its time and its status.
_FIELDS = (
    "id", "reference", "subject", "destinationFax", "faxNumber", "submitTime", "completionTime", "status", "pagesSent",
    "pagesSubmitted", "attemptsMade", "units", "costPerUnit",
)  # fmt: skip
_LOST_LABEL = "\ufffd"


@dataclass(slots=True)
class _Listing:
    """Rows that were read: all of them, or as many as came. ``repr()`` does not show them.

    :param since: from when on, in seconds since the epoch by our clock.
    :param rows: the rows, as they came, without what no search needs.
    :param ahead: for how many seconds our clock is ahead of the vendor's.
    :param is_whole: whether their end was reached.
    :param pages: how many pages were read.
    :param offset: where the next one begins.
    """

    since: float
    rows: list[Any] = field(default_factory=list, repr=False)
    ahead: float = 0.0
    is_whole: bool = False
    pages: int = 0
    offset: int = 0

    def to_json(self) -> dict[str, Any]:
        """Give it as one JSON-safe value."""
        # The rows as text, in which a value that could not be read stays one.
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"rows": json.dumps(self.rows)}

    @classmethod
    def from_json(cls, value: Any) -> _Listing:  # noqa: ANN401 - a JSON value
        """Read what :meth:`to_json` gave."""
        return cls(**value | {"rows": decode_json(value["rows"].encode())})


def read_listing(calls: InterFaxCalls, *, since: pendulum.DateTime | None, days_of_records: int) -> Flow[Any]:
    """Read the listing by date, for :func:`search_jobs` to find any fax in.

    :param calls: how to ask.
    :param since: from when on. ``None``: as far back as the vendor keeps records.
    :param days_of_records: for how many days it does.
    :return: the rows, without what no search needs, as one JSON-safe value, also if they had no end; or an
        :class:`~airflow_provider_faxto.vendors.lookup.UnfinishedRecords` where a page after the first had no turn.
    :raises FaxLostContactError: if a page cannot be read, several in a row bring nothing new, or rows have gone.
    :raises FaxRateLimitError: if the first page had no turn.
    """
    return (yield from _read_on(calls, _Listing(_moment(since, days_of_records))))


def resume_listing(calls: InterFaxCalls, so_far: Any) -> Flow[Any]:  # noqa: ANN401 - a JSON value
    """Go on with a listing.

    :param calls: how to ask.
    :param so_far: what the ``UnfinishedRecords`` holds.
    :return: as :func:`read_listing`.
    :raises FaxLostContactError: as :func:`read_listing`.
    """
    return (yield from _read_on(calls, _Listing.from_json(so_far)))


def _read_on(calls: InterFaxCalls, listing: _Listing) -> Flow[Any]:
    try:
        yield from _read_by_date(calls, "read the records of recent faxes", listing)
    except FaxRateLimitError as error:
        if not listing.pages:
            raise
        return UnfinishedRecords(so_far=listing.to_json(), retry_after=error.retry_after)
    return listing.to_json()


def search_jobs(
    calls: InterFaxCalls,
    read_record: Callable[[object], FaxStatus | None],
    *,
    reference: str,
    fax_number: FaxNumber,
    since: pendulum.DateTime | None,
    days_of_records: int,
    records: Any = None,  # noqa: ANN401 - what read_listing() gave
) -> Flow[list[FaxStatus]]:
    """Search for every job of a fax.

    :param calls: how to ask.
    :param read_record: reads one record.
    :param reference: the key, or any other reference.
    :param fax_number: the recipient under that key.
    :param since: from when on a row without a key of ours counts. ``None``: as far back as the vendor keeps records.
    :param days_of_records: for how many days it does.
    :param records: what :func:`read_listing` gave. Default: read now.
    :return: the jobs, newest first; see :meth:`~airflow_provider_faxto.vendors.base.FaxVendor.find_jobs`.
    :raises FaxLostContactError: if the search has no end or repeats a page, or if the vendor answers 404.
    :raises FaxUnreadableAnswerError: if a row may or may not be the fax.
    """
    action = f"look up a fax to {fax_number.masked} by its reference"
    search = FaxSearch(label=calls.label, reference=reference, fax_number=fax_number, since=since)
    listing = _Listing(_moment(since, days_of_records))
    by_reference = _Listing(listing.since)
    error: FaxLostContactError | FaxThrottledError | None = None
    try:
        if read_key(reference) is not None:
            if records is not None and records["since"] <= listing.since:
                listing = _Listing.from_json(records)
            else:
                yield from _read_by_date(calls, action, listing)
        if not listing.is_whole:
            yield from _read_pages(calls, action, ("reference", reference), by_reference)
            if not by_reference.is_whole:
                error = FaxLostContactError(
                    f"{search.failed} have no end within {_MAX_PAGES} pages, so they prove nothing.", is_lasting=True
                )
    except (FaxLostContactError, FaxThrottledError) as caught:
        error = caught
    for read in (listing, by_reference):
        for row in read.rows:
            _take(search, row, read_record, ahead=read.ahead, times_are_utc=calls.times_are_utc)
    # Ids rise, so the highest is the newest.
    return search.conclude(sorted(search.found, key=lambda status: int(status.require_job_id()), reverse=True), error)


def _moment(since: pendulum.DateTime | None, days_of_records: int) -> float:
    return since.timestamp() if since is not None else clock.now() - days_of_records * 86_400


def _read_by_date(calls: InterFaxCalls, action: str, listing: _Listing) -> Flow[None]:
    import pendulum

    earliest = pendulum.from_timestamp(listing.since).subtract(days=_DAYS_OF_DOUBT)
    yield from _read_pages(calls, action, ("dateFrom", earliest.strftime("%Y-%m-%dT%H:%M:%S")), listing)


def _read_pages(calls: InterFaxCalls, action: str, narrowed_by: tuple[str, str], listing: _Listing) -> Flow[None]:
    """Read page after page into a listing, until one is short enough to be the last or there have been too many.

    New faxes move the older ones to later pages, so a page may repeat what was read. Each begins with the last row of
    the page before: where none of a page's rows was read before, some have gone, and others may have been passed over.
    """
    seen = set(map(_name_row, listing.rows))
    repeated = 0
    while listing.pages < _MAX_PAGES:
        query = [narrowed_by, ("sortOrder", "desc"), ("limit", str(_PAGE)), ("offset", str(listing.offset))]
        rows, response = yield from calls.ask_for_page(action, "/outbound/search", query)
        rows = list(map(_trim, rows))
        names = set(map(_name_row, rows))
        if seen and not names & seen:
            raise FaxLostContactError(f"Could not {action}: {calls.label}'s search has lost rows while it was read.")
        listing.ahead = max(listing.ahead, seconds_ahead(read_date(response)))
        listing.rows += rows
        if len(rows) < _DEFAULT_PAGE:
            listing.is_whole = True
            return
        repeated = repeated + 1 if names <= seen else 0
        if repeated > _MAY_REPEAT:
            raise FaxLostContactError(f"Could not {action}: {calls.label}'s search repeats a page.")
        seen |= names
        listing.pages += not repeated
        listing.offset += len(rows) - 1


def _name_row(row: Any) -> str:  # noqa: ANN401 - any JSON value
    return str(read_id(row) or json.dumps(row, sort_keys=True))


def _trim(row: Any) -> Any:  # noqa: ANN401 - any JSON value
    return {name: row[name] for name in _FIELDS if name in row} if isinstance(row, dict) else None


def _take(
    search: FaxSearch,
    row: Any,  # noqa: ANN401 - any JSON value
    read_record: Callable[[object], FaxStatus | None],
    *,
    ahead: float,
    times_are_utc: bool,
) -> None:
    """Have one row judged; what is not a record may be any fax."""
    if not isinstance(row, dict):
        row = {"reference": {}}
    # Both names are documented for it, on different pages.
    labels = [row.get(name) for name in ("reference", "subject")]
    search.take(
        lambda: read_record(row),
        labels=[_read_label(label) for label in labels if label is not None],
        recipient=row.get("destinationFax") or row.get("faxNumber"),
        read_time=lambda: as_exact_utc(row.get("submitTime"), is_utc=times_are_utc),
        ahead=ahead,
    )


def _read_label(label: object) -> str:
    return (as_text(label) or "") if isinstance(label, str) else _LOST_LABEL
