"""Fax.to's records: rows of the fax history and of the documents list, from JSON to values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.vendors.base import UploadedDocument
from airflow_provider_faxto.vendors.faxto.messages import plain_words
from airflow_provider_faxto.vendors.parsing import UNREADABLE, as_count, as_exact_utc, as_int, as_text, as_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pendulum

__all__ = [
    "HistoryRow",
    "StoredDocument",
    "read_document_rows",
    "read_history_rows",
    "read_id",
    "read_moment",
    "read_uploaded",
]

_ZONE_NAME = re.compile(r"[A-Za-z_]{1,20}(?:/[A-Za-z_+\-0-9]{1,30}){0,2}")
_ZONE_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
_LARGEST_EXACT_FLOAT = 2**53
_MOMENTS = ("created_at", "dated_at")
# What stands for a name that the answer gives twice, each time another, as it does for bytes that cannot be read.
_LOST_NAME = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One row of the fax history. What is missing or unreadable is ``None``.

    ``repr()`` shows neither the recipient nor the document's name.

    :param job_id: the fax job. That the row's ``id`` is the ``fax_job_id`` of the send answer is our inference.
    :param status: the row's ``status`` in plain words; it is about the fax. Empty if it is missing.
    :param created_at: when the job was made, UTC.
    :param dated_at: the latest moment that this can be, so that it can be compared; only if the row tells the second.
    :param document_id: the document.
    :param document_name: the document's name as it came, in lower case.
    :param recipient: the recipient as it came.
    """

    job_id: str | None = None
    status: str = ""
    created_at: pendulum.DateTime | None = None
    dated_at: pendulum.DateTime | None = None
    document_id: str | None = None
    document_name: str | None = field(default=None, repr=False)
    recipient: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, str | None]:
        """Turn the row into plain JSON types.

        :return: what :meth:`from_json` reads.
        """
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, **{name: str(values[name]) for name in _MOMENTS if values[name] is not None}}

    @classmethod
    def from_json(cls, value: Mapping[str, str | None]) -> HistoryRow:
        """Read what :meth:`to_json` made.

        :param value: the mapping.
        :return: the row.
        """
        return cls(**{**value, **{name: as_utc(value[name]) for name in _MOMENTS}})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document that Fax.to holds, as its list shows it. ``repr()`` leaves the name out.

    :param document_id: its id.
    :param filename: its name at Fax.to, as it came.
    :param pages: how many fax pages it makes.
    :param size: its length in bytes.
    :param uploaded_at: when it was uploaded, UTC; Fax.to shows the day alone, so this is its midnight.
    """

    document_id: str
    filename: str | None = field(default=None, repr=False)
    pages: int | None = None
    size: int | None = None
    uploaded_at: pendulum.DateTime | None = None


def read_id(value: object) -> str | None:
    """Read an id: a number above zero, also as text, or as a float without fraction as v1's clients have it.

    :param value: the JSON value.
    :return: the number as text, or ``None``.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_EXACT_FLOAT:
        value = int(value)
    number = as_int(value)
    return str(number) if number is not None and number > 0 else None


def read_moment(value: object) -> pendulum.DateTime | None:
    """Read a moment: a text, or PHP's object of ``date`` and ``timezone``.

    :param value: the JSON value.
    :return: the moment in UTC; ``None`` if it cannot be read, which includes an unknown time zone.
    """
    if not isinstance(value, dict):
        return as_utc(value)
    date, zone = as_text(value.get("date")), as_text(value.get("timezone")) or "UTC"
    if date is not None and _ZONE_OFFSET.fullmatch(zone):
        return as_utc(date + zone)
    moment = as_utc(date)
    if moment is None or zone == "UTC":
        return moment
    import pendulum

    if not _ZONE_NAME.fullmatch(zone):
        return None
    try:
        return moment.replace(tzinfo=pendulum.timezone(zone)).in_timezone("UTC")
    except (ValueError, OverflowError, OSError):
        return None


def _read_dated(value: object) -> pendulum.DateTime | None:
    # That a time without a zone is UTC is our inference: good enough to show, not to prove that a fax is old.
    text = value.get("date") if isinstance(value, dict) else value
    if isinstance(value, dict) and value.get("timezone") is not None:
        return read_moment(value) if as_exact_utc(text) else None
    return as_exact_utc(text, is_utc=False)


def read_history_rows(answer: Mapping[str, Any]) -> list[HistoryRow] | None:
    """Read the rows of a page of the history.

    :param answer: the answer's object.
    :return: one value for each row, whatever the row is; ``None`` if there is no list of rows.
    """
    rows = answer.get("history")
    return [_read_history_row(row) for row in rows] if isinstance(rows, list) else None


def _read_history_row(row: object) -> HistoryRow:
    if not isinstance(row, dict):
        return HistoryRow()
    name = row.get("document")
    return HistoryRow(
        job_id=read_id(row.get("id")),
        status=plain_words(row.get("status")),
        created_at=read_moment(row.get("created")),
        dated_at=_read_dated(row.get("created")),
        document_id=read_id(row.get("document_id")),
        document_name=_LOST_NAME if name is UNREADABLE else _as_name(name),
        recipient=_read_recipient(row.get("recipient")),
    )


def _read_recipient(value: object) -> str | None:
    return as_text(value) if isinstance(value, str) else read_id(value)


def _as_name(value: object) -> str | None:
    text = as_text(value)
    return text.casefold() if text is not None else None


def read_document_rows(answer: object) -> list[StoredDocument] | None:
    """Read the rows of a page of the documents list: a bare array, or an object with ``files``.

    :param answer: the JSON value.
    :return: one value for each row, with an empty id where the row has none; ``None`` if there is no list.
    """
    rows = answer.get("files") if isinstance(answer, dict) else answer
    return [_read_document_row(row) for row in rows] if isinstance(rows, list) else None


def _read_document_row(row: object) -> StoredDocument:
    if not isinstance(row, dict):
        return StoredDocument(document_id="")
    return StoredDocument(
        document_id=read_id(row.get("id")) or "",
        filename=as_text(row.get("filename")),
        pages=as_count(row.get("pages")),
        size=as_count(row.get("size")),
        uploaded_at=read_moment(row.get("uploaded")),
    )


def read_uploaded(answer: Mapping[str, Any]) -> UploadedDocument | None:
    """Read the answer to an upload.

    :param answer: the answer's object.
    :return: the document; ``None`` if the answer names no id. In one of the documented samples the outer id differs
        from the one inside ``document``; the outer one is what the other samples go on with.
    """
    inner = answer.get("document")
    document = inner if isinstance(inner, dict) else {}
    document_id = read_id(answer.get("document_id")) or read_id(document.get("id"))
    pages = as_count(answer.get("total_pages"))
    if pages is None:
        pages = as_count(document.get("total_pages"))
    return UploadedDocument(document_id=document_id, pages=pages) if document_id else None
