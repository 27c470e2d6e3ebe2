"""Fax.to's two lists, page by page: the fax history and the documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind
from airflow_provider_faxto.vendors.faxto.errors import unreadable
from airflow_provider_faxto.vendors.faxto.records import (
    HistoryRow,
    StoredDocument,
    read_document_rows,
    read_history_rows,
)
from airflow_provider_faxto.vendors.parsing import as_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.faxto.errors import AnswerReader

__all__ = ["ROWS_A_PAGE", "ListReader"]

ROWS_A_PAGE = 100
"""How many rows a page is asked for. The largest that Fax.to serves is not documented; it may cap this."""

RowT = TypeVar("RowT", HistoryRow, StoredDocument)


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
        request = self._reading("read the fax history", "fax-history", page, limit)
        response = yield request
        rows = read_history_rows(self._answers.read_object(response, request))
        if rows is None:
            raise unreadable(response, request, "without a list of faxes")
        return rows

    def documents_page(self, page: int, limit: int) -> Flow[list[StoredDocument]]:
        """Read one page of the documents list, to show it.

        :param page: the page, counted from 1. v1 knows no pages.
        :param limit: how many rows to ask for.
        :return: its rows, whatever they hold; a row without an id has an empty one. Their names are made fit to be
            shown.
        :raises FaxUnreadableAnswerError: if the answer has no list of rows.
        """
        rows = yield from self._documents_page(page, limit)
        return [replace(row, filename=as_label(row.filename)) for row in rows]

    def _documents_page(self, page: int, limit: int) -> Flow[list[StoredDocument]]:
        request = self._reading("list the documents", "files", page, limit)
        response = yield request
        answer = self._answers.read(response, request)
        if isinstance(answer, dict):
            self._answers.check_status(answer, response, request)
        rows = read_document_rows(answer)
        if rows is None:
            raise unreadable(response, request, "without a list of documents")
        return rows

    def history(
        self, most: int, enough: Callable[[list[HistoryRow]], bool] | None = None
    ) -> Flow[tuple[list[HistoryRow], bool]]:
        """Read page after page of the fax history.

        :param most: how many pages to read at most.
        :param enough: tells from all rows so far whether to stop. Default: read on.
        :return: the rows, and whether the end of the list was reached.
        """
        return (yield from _read_pages(self.history_page, most, enough))

    def documents(self, most: int) -> Flow[tuple[list[StoredDocument], bool]]:
        """Read page after page of the documents list.

        :param most: how many pages to read at most.
        :return: the rows with their names as they came, and whether the end of the list was reached.
        """
        return (yield from _read_pages(self._documents_page, most, None))

    def _reading(self, action: str, name: str, page: int, limit: int) -> FaxRequest:
        return FaxRequest(
            action=action,
            kind=RequestKind.READ,
            method="GET",
            path=f"{self._base_path}/{name}",
            query=[("limit", str(limit)), ("page", str(page))],
        )


def _read_pages(
    read_page: Callable[[int, int], Flow[list[RowT]]], most: int, enough: Callable[[list[RowT]], bool] | None
) -> Flow[tuple[list[RowT], bool]]:
    # Neither list has a total, and the server may serve fewer rows a page than asked for. So a short page is not
    # the last: only one that is empty, or repeats what was read.
    rows: dict[RowT, None] = {}
    for page in range(1, most + 1):
        known = len(rows)
        rows.update(dict.fromkeys((yield from read_page(page, ROWS_A_PAGE))))
        if len(rows) == known:
            return list(rows), True
        if enough is not None and enough(list(rows)):
            break
    return list(rows), False
