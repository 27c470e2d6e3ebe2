"""Finding a fax in Fax.to's records: the proof that decides about a send.

Fax.to takes no reference with a fax. A logical fax is recognised by its document, which is uploaded for it alone
and named after its key: a row of the history names the document, by id or by name, and the recipient. Which names
the lists show is not documented. The samples hold names as they were uploaded (``faxto.pdf``) and names that only
a server gives (``598317a8404bd.pdf.tiff``, ``FAX11920.pdf``). So a row whose document has none but a server's name
could be any fax to that recipient, and proves nothing.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.key import is_same_fax, same_fax_key_in
from airflow_provider_faxto.vendors.faxto.errors import LABEL
from airflow_provider_faxto.vendors.parsing import has_lost_letters, is_before, is_same_recipient

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pendulum

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.faxto.history import ListReader
    from airflow_provider_faxto.vendors.faxto.records import HistoryRow, StoredDocument

__all__ = ["SameFaxSearch", "Search", "find_rows"]

# A search must read everything. An account with more is told so instead of being called for an hour.
_PAGES = 50
# PHP's uniqid(), which is thirteen hexadecimal digits, longer hashes and UUIDs, "FAX" with a number, or nothing.
_SERVERS_NAME = re.compile(r"(?:[0-9a-f-]{13,}|fax\d+)?")
# Long enough that nothing but our own key can hold it: then additions by the server do no harm.
_UNMISTAKABLE = 32


class Search:
    """Tells which rows of the history belong to a key and a recipient.

    :param reference: the key.
    :param fax_number: the recipient.
    :param documents: every document of the account.
    """

    def __init__(self, reference: str, fax_number: FaxNumber, documents: Iterable[StoredDocument]) -> None:
        self._reference = reference
        self._fax_number = fax_number
        self._names: dict[str, str] = {}
        for document in documents:
            if document.document_id and document.filename:
                self._names[document.document_id] = document.filename.casefold()

    def judge(self, row: HistoryRow) -> bool | None:
        """Judge one row.

        A row whose document bears the key of a logical fax is ours, however its recipient is written: the key stands
        for one recipient. If that is contradicted, it cannot be told. Under any other reference the recipient decides.
        A row without the key is another fax if it surely went to another recipient, or if its document has a name
        that a person or another key gave it. What is neither cannot be told.

        :param row: the row.
        :return: whether it belongs to the key; ``None`` if that cannot be told, and then the records prove nothing.
        """
        is_same_number = is_same_recipient(row.recipient, self._fax_number)
        key = self.key_of(row)
        if key is not None and is_same_fax(key, key):
            return True if row.job_id and is_same_number is not False else None
        if is_same_number is False:
            return False
        if key is not None:
            return is_same_number if row.job_id else None
        names = self._names_of(row)
        if any(map(has_lost_letters, names)):
            return None
        return False if any(not _SERVERS_NAME.fullmatch(_stem(name)) for name in names) else None

    def key_of(self, row: HistoryRow) -> str | None:
        """Tell under which key a row's document was uploaded.

        :param row: the row.
        :return: the key, if it is one that is looked for.
        """
        return next((key for name in self._names_of(row) if (key := self._key_in(name)) is not None), None)

    def _names_of(self, row: HistoryRow) -> list[str]:
        return [name for name in (row.document_name, self._names.get(row.document_id or "")) if name]

    def _key_in(self, name: str) -> str | None:
        key = self._reference.casefold()
        is_ours = (len(key) >= _UNMISTAKABLE and key in name) or _stem(name) == key
        return self._reference if is_ours else None


class SameFaxSearch(Search):
    """Tells which rows belong to a key of the same document to the same number, whatever DAG run made it."""

    def _key_in(self, name: str) -> str | None:
        return same_fax_key_in(name, self._reference)


def find_rows(
    lists: ListReader,
    kind: type[Search],
    *,
    reference: str,
    fax_number: FaxNumber,
    since: pendulum.DateTime | None = None,
) -> Flow[list[tuple[HistoryRow, str]]]:
    """Read both lists and find the rows that belong to a key.

    :param lists: reads the lists.
    :param kind: tells which rows do.
    :param reference: the key.
    :param fax_number: the recipient.
    :param since: from when on. The history is then read no further back, as far as its rows show that the newest
        stand first. Default: from the first fax on, and to the end.
    :return: the rows, newest first, each with its key.
    :raises FaxLostContactError: if there are too many records to read them as far as that.
    :raises FaxUnreadableAnswerError: if a row cannot be told from a fax that is looked for.
    """

    def is_enough(rows: list[HistoryRow]) -> bool:
        return since is not None and _reach_back_to(since, rows)

    documents, all_documents = yield from lists.documents(_PAGES)
    rows, all_rows = yield from lists.history(_PAGES, is_enough)
    if not (all_documents and (all_rows or is_enough(rows))):
        raise FaxLostContactError(
            f"Could not look up earlier faxes: {LABEL}'s records are longer than {_PAGES} pages, so "
            "they could not be read whole. Delete documents that are no longer needed, or look at the dashboard.",
            is_lasting=True,
        )
    search = kind(reference, fax_number, documents)
    found: dict[str, tuple[HistoryRow, str]] = {}
    for row in rows:
        if since is not None and is_before(row.dated_at, since):
            continue
        judgement = search.judge(row)
        if judgement is None:
            raise FaxUnreadableAnswerError(
                f"Could not look up earlier faxes to {fax_number.masked}: {LABEL}'s history holds a fax that may "
                f"or may not be this one{f' (job {row.job_id})' if row.job_id else ''}. Look at the dashboard."
            )
        key = search.key_of(row)
        if judgement and row.job_id and key is not None:
            found[row.job_id] = row, key
    # Ids have grown over the years; the order of the rows is documented no better.
    return [found[job_id] for job_id in sorted(found, key=int, reverse=True)]


def _reach_back_to(since: pendulum.DateTime, rows: list[HistoryRow]) -> bool:
    # That the newest rows stand first is shown by samples and stated nowhere. So the rows themselves must show it:
    # one that is too old has newer ones after it if the order is another.
    dates = [row.dated_at for row in rows if row.dated_at is not None]
    is_newest_first = len(set(dates)) > 1 and all(one >= next_one for one, next_one in pairwise(dates))
    return is_newest_first and is_before(rows[-1].dated_at, since)


def _stem(name: str) -> str:
    # Servers put folders before a name and one or more extensions after it. Keys hold no dots.
    return name.replace("\\", "/").rpartition("/")[2].partition(".")[0]
