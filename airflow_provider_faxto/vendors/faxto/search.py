"""Finding a fax in Fax.to's records: the proof that decides about a send.

Fax.to takes no reference with a fax. A logical fax is recognised by its document, which is uploaded for it alone
and named after its key: a row of the history names the document, by id or by name, and the recipient. Which names
the lists show is not documented. The samples hold names as they were uploaded (``faxto.pdf``) and names that only
a server gives (``598317a8404bd.pdf.tiff``, ``FAX11920.pdf``). So a name that is not one whole key of another fax says
nothing: the row could be any fax to that recipient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxThrottledError
from airflow_provider_faxto.fax.key import KEY_PREFIX, is_of_same_fax, read_key
from airflow_provider_faxto.vendors.faxto.errors import LABEL
from airflow_provider_faxto.vendors.faxto.history import PageReading
from airflow_provider_faxto.vendors.faxto.records import HistoryRow
from airflow_provider_faxto.vendors.lookup import FaxSearch
from airflow_provider_faxto.vendors.parsing import is_before

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pendulum

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.faxto.history import ListReader
    from airflow_provider_faxto.vendors.faxto.records import StoredDocument

__all__ = ["Records", "find_rows", "read_records"]

# A search must read everything. An account with more is told so instead of being called for an hour.
_PAGES = 50
# While the history is read, new faxes may push rows to later pages, so that a page brings nothing new. A list that
# moves by this many pages in a row, each time, is one whose paging has no effect.
_PAGES_WITHOUT_NEWS = 3
# Long enough that nothing but our own reference can hold it: then additions by the server do no harm.
_UNMISTAKABLE = 32
_KEY_LENGTH = len(KEY_PREFIX) + 24 + 1 + 16


@dataclass(slots=True)
class Records:
    """Both lists, as far as they were read.

    :param since: from when on, in seconds since the epoch by our clock; ``None`` for all.
    :param rows: the rows of the history.
    :param names: the names of the documents, by their ids.
    :param ahead: for how many seconds our clock is ahead of the vendor's.
    :param is_whole: whether the history was read as far back as that.
    """

    since: float | None = None
    rows: list[HistoryRow] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict, repr=False)
    ahead: float = 0.0
    is_whole: bool = False

    def to_json(self) -> dict[str, Any]:
        """Turn the records into plain JSON types.

        :return: what :meth:`from_json` reads.
        """
        return {
            "since": self.since,
            "rows": [row.to_json() for row in self.rows],
            "names": self.names,
            "ahead": self.ahead,
            "is_whole": self.is_whole,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Records:
        """Read what :meth:`to_json` made.

        :param value: the mapping.
        :return: the records.
        """
        return cls(**{**value, "rows": [HistoryRow.from_json(row) for row in value["rows"]]})

    def reach_back_to(self, since: pendulum.DateTime | None) -> bool:
        """Tell whether the records hold what a look-up needs.

        :param since: from when on it looks; ``None`` for all.
        :return: whether they begin no later.
        """
        return self.since is None or (since is not None and self.since <= since.timestamp())

    def hold_older_than(self, since: float) -> bool:
        """Tell whether the history shows a fax that was surely made before a moment.

        :param since: the moment, in seconds since the epoch by our clock.
        :return: whether it does.
        """
        dates = [row.dated_at.timestamp() for row in self.rows if row.dated_at is not None]
        return min(dates, default=math.inf) < since - self.ahead


def read_records(lists: ListReader, since: pendulum.DateTime | None, records: Records) -> Flow[None]:
    """Read both lists.

    A page of the history that repeats what was read says nothing: the list may have moved by a page. Only an empty page
    is its end. Of the documents nothing but names is read, and v1 gives all of them on each page, so there a page that
    repeats is the end; a document whose name is not read leaves a doubt, if one matters.

    :param lists: reads the lists.
    :param since: from when on. The history is then read no further back, as far as its rows show that the newest
        stand first. ``None``: from the first fax on, and to the end.
    :param records: what was read is put there, also before an error is raised.
    :raises FaxLostContactError: if a page cannot be read, or if several in a row bring nothing new.
    """

    def is_enough(reading: PageReading[HistoryRow]) -> bool:
        return since is not None and _reach_back_to(since.subtract(seconds=reading.ahead), list(reading.rows))

    records.since = since.timestamp() if since is not None else None
    documents: PageReading[StoredDocument] = PageReading()
    yield from lists.read_documents(documents, _PAGES)
    records.names = {each.document_id: each.filename for each in documents.rows if each.document_id and each.filename}
    history: PageReading[HistoryRow] = PageReading()
    try:
        yield from lists.read_history(history, _PAGES, is_enough, pages_without_news=_PAGES_WITHOUT_NEWS)
    finally:
        records.rows, records.ahead = list(history.rows), history.ahead
    records.is_whole = history.is_whole
    if history.is_repeated:
        raise FaxLostContactError(f"Could not look up earlier faxes: {LABEL}'s history repeats its pages.")


def find_rows(
    lists: ListReader,
    read_row: Callable[[HistoryRow], FaxStatus],
    *,
    reference: str,
    fax_number: FaxNumber,
    since: pendulum.DateTime | None = None,
    document_keys: Mapping[str, str],
    records: Any = None,  # noqa: ANN401 - what Records.to_json() gave
) -> Flow[tuple[list[tuple[HistoryRow, str]], FaxSearch, FaxLostContactError | FaxThrottledError | None]]:
    """Find the rows of a fax's jobs.

    :param lists: reads the lists.
    :param read_row: makes a status of what a row tells.
    :param reference: the key, or any other reference.
    :param fax_number: the recipient under that key.
    :param since: from when on a row without a key of ours counts. Default: from the first fax on.
    :param document_keys: the key of each document that is known to be of this fax, by its id.
    :param records: both lists as JSON. Default: read now.
    :return: the rows, newest first, each with its key; the search, which says what they prove; and what ended the lists
        too early, if anything did.
    """
    search = FaxSearch(label=LABEL, reference=reference, fax_number=fax_number, since=since)
    given = Records.from_json(records) if records is not None else None
    read = given if given is not None and given.reach_back_to(since) else Records()
    error: FaxLostContactError | FaxThrottledError | None = None
    try:
        if read is not given:
            yield from read_records(lists, since, read)
        if not read.is_whole:
            error = FaxLostContactError(
                f"Could not look up earlier faxes: {LABEL}'s history is longer than {_PAGES} pages, so it could not be "
                "read whole. Look at the dashboard.",
                is_lasting=True,
            )
    except (FaxLostContactError, FaxThrottledError) as caught:
        error = caught
    rows: dict[str, HistoryRow] = {}
    for row in read.rows:
        names = [name for name in (row.document_name, read.names.get(row.document_id or "")) if name]
        search.take(
            lambda row=row: read_row(row) if row.job_id else None,  # type: ignore[misc]
            labels=[label for name in names for label in _labels_in(name.casefold(), reference)],
            recipient=row.recipient,
            read_time=lambda row=row: row.dated_at,  # type: ignore[misc]
            key=document_keys.get(row.document_id or ""),
            ahead=read.ahead,
        )
        rows[row.job_id or ""] = row
    # Ids have grown over the years; the order of the rows is documented no better.
    found = sorted(search.found, key=lambda status: int(status.require_job_id()), reverse=True)
    return [(rows[status.require_job_id()], status.reference or "") for status in found], search, error


def _labels_in(name: str, reference: str) -> list[str]:
    """Read a document's name: what stands before its extensions, and a key of this fax wherever it stands in it."""
    # Servers put folders before a name and one or more extensions after it. Keys hold no dots.
    stem = name.replace("\\", "/").rpartition("/")[2].partition(".")[0]
    if read_key(reference) is None:
        wanted = reference.casefold()
        is_held = stem == wanted or (len(wanted) >= _UNMISTAKABLE and wanted in name)
        return [reference if is_held else stem]
    begins = [at for at in range(len(name)) if name.startswith(KEY_PREFIX, at)]
    keys = [name[at : at + _KEY_LENGTH] for at in begins]
    return [key for key in keys if is_of_same_fax(key, reference)] or [stem]


def _reach_back_to(since: pendulum.DateTime, rows: list[HistoryRow]) -> bool:
    # That the newest rows stand first is shown by samples and stated nowhere. So the rows themselves must show it:
    # one that is too old has newer ones after it if the order is another.
    dates = [row.dated_at for row in rows if row.dated_at is not None]
    is_newest_first = len(set(dates)) > 1 and all(one >= next_one for one, next_one in pairwise(dates))
    return is_newest_first and is_before(rows[-1].dated_at, since)
