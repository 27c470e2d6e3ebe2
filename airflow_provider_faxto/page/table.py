"""Faxes as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.page.words import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["COLUMNS", "as_csv"]

COLUMNS = (
    "sent_at", "ended_at", "dag_id", "run_id", "task_id", "map_index", "try_number", "label", "number", "vendor",
    "conn_id", "job_id", "outcome", "cause", "cause_in_words", "code", "message", "pages", "pages_sent", "attempts",
    "cost",
)  # fmt: skip
_PER_PIECE = 500
# With one of these at its begin a spreadsheet takes a cell for a formula.
_BEGIN_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(faxes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write faxes as CSV, with a first line of names.

    :param faxes: the faxes.
    :return: pieces of the text. No cell of it is a formula in a spreadsheet: an apostrophe stands before what would be.
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for count, fax in enumerate(faxes, start=1):
        words = CAUSES.get(fax["cause"] or "", fax["cause"])
        row = {**fax, "ended_at": fax["seen_final_at"], "cause_in_words": words}
        writer.writerow([_cell(row[name]) for name in COLUMNS])
        if not count % _PER_PIECE:
            yield written.getvalue()
            written.seek(0)
            written.truncate()
    yield written.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_BEGIN_A_FORMULA):
        return f"'{value}"
    return value
