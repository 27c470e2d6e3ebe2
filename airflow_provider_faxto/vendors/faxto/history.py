"""Fax.to's two lists, page by page: the fax history and the documents."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind
from airflow_provider_faxto.vendors.faxto.errors import unreadable
from airflow_provider_faxto.vendors.faxto.records import (
    HistoryRow,
    StoredDocument,
    read_document_rows,
    read_history_rows,
)
from airflow_provider_faxto.vendors.lookup import seconds_ahead
from airflow_provider_faxto.vendors.parsing import as_label, read_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.vendors.base import FaxResponse, Flow
    from airflow_provider_faxto.vendors.faxto.errors import AnswerReader

__all__ = ["ROWS_A_PAGE", "ListReader", "PageReading"]

ROWS_A_PAGE = 100
"""How many rows a page is asked for. The largest that Fax.to serves is not documented; it may cap this."""

RowT = TypeVar("RowT", HistoryRow, StoredDocument)


@dataclass(slots=True)
class PageReading(Generic[RowT]):
    """What was read of a list, page by page.

    :param rows: the rows in their order, each once.
    :param ahead: for how many seconds our clock is ahead of the vendor's.
    :param is_whole: whether the end was reached, or what was asked for was read.
    :param is_repeated: whether the pages began to repeat.
    """

    rows: dict[RowT, None] = field(default_factory=dict)
    ahead: float = 0.0
    is_whole: bool = False
    is_repeated: bool = False


class ListReader:
    """Reads the lists.

    :param base_path: what paths begin with, such as ``/api/v2``.
    :param answers: reads the answers.
    """

    def __init__(self, base_path: str, answers: AnswerReader) -> None:
        self._base_path = base_path
        self._answers = answers

    def history_page(self, page: int, limit: int) -> Flow[list[HistoryRow]]:
        """Read one page of the fax history.

        :param page: the page, counted from 1.
        :param limit: how many rows to ask for.
        :return: its rows, whatever they hold.
        :raises FaxUnreadableAnswerError: if the answer has no list of rows.
        """
        rows, _ = yield from self._history_page(page, limit)
        return rows

    def documents_page(self, page: int, limit: int) -> Flow[list[StoredDocument]]:
        """Read one page of the documents list, to show it.

        :param page: the page, counted from 1. v1 knows no pages.
        :param limit: how many rows to ask for.
        :return: its rows, whatever they hold; a row without an id has an empty one. Their names are made fit to be
            shown.
        :raises FaxUnreadableAnswerError: if the answer has no list of rows.
        """
        rows, _ = yield from self._documents_page(page, limit)
        return [replace(row, filename=as_label(row.filename)) for row in rows]

    def read_history(
        self,
        reading: PageReading[HistoryRow],
        most: int,
        enough: Callable[[PageReading[HistoryRow]], bool],
        *,
        pages_without_news: int = 1,
    ) -> Flow[None]:
        """Read page after page of the fax history.

        :param reading: what was read is put there, also before an error is raised.
        :param most: how many pages to read at most.
        :param enough: tells from what was read so far whether to stop.
        :param pages_without_news: after how many pages in a row that only repeat what was read to stop. Default: 1.
        """
        yield from _read_pages(self._history_page, reading, most, enough, pages_without_news)

    def read_documents(self, reading: PageReading[StoredDocument], most: int) -> Flow[None]:
        """Read page after page of the documents list, to its end or to a page that repeats what was read.

        :param reading: what was read is put there, with names as they came.
        :param most: how many pages to read at most.
        """
        yield from _read_pages(self._documents_page, reading, most, lambda _: False, 1)

    def _history_page(self, page: int, limit: int) -> Flow[tuple[list[HistoryRow], FaxResponse]]:
        request = self._reading("read the fax history", "fax-history", page, limit)
        response = yield request
        rows = read_history_rows(self._answers.read_object(response, request))
        if rows is None:
            raise unreadable(response, request, "without a list of faxes")
        return rows, response

    def _documents_page(self, page: int, limit: int) -> Flow[tuple[list[StoredDocument], FaxResponse]]:
        request = self._reading("list the documents", "files", page, limit)
        response = yield request
        answer = self._answers.read(response, request)
        if isinstance(answer, dict):
            self._answers.check_status(answer, response, request)
        rows = read_document_rows(answer)
        if rows is None:
            raise unreadable(response, request, "without a list of documents")
        return rows, response

    def _reading(self, action: str, name: str, page: int, limit: int) -> FaxRequest:
        return FaxRequest(
            action=action,
            kind=RequestKind.READ,
            method="GET",
            path=f"{self._base_path}/{name}",
            query=[("limit", str(limit)), ("page", str(page))],
        )


def _read_pages(
    read_page: Callable[[int, int], Flow[tuple[list[RowT], FaxResponse]]],
    reading: PageReading[RowT],
    most: int,
    enough: Callable[[PageReading[RowT]], bool],
    pages_without_news: int,
) -> Flow[None]:
    # Neither list has a total, and the server may serve fewer rows a page than asked for. So a short page is not
    # the last: only one that is empty.
    without_news = 0
    for page in range(1, most + 1):
        known = len(reading.rows)
        rows, response = yield from read_page(page, ROWS_A_PAGE)
        reading.rows.update(dict.fromkeys(rows))
        reading.ahead = max(reading.ahead, seconds_ahead(read_date(response)))
        without_news = without_news + 1 if len(reading.rows) == known else 0
        reading.is_repeated = without_news >= pages_without_news and bool(rows)
        reading.is_whole = not rows or enough(reading)
        if reading.is_whole or reading.is_repeated:
            return
