"""Reading a request's body as a stream: documents are hashed and counted, never kept.

Both vendors take documents in several forms: raw bytes, multipart in two dialects, form fields, JSON. All of them give
the same: fields by name, and facts about each document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from airflow_provider_faxto.simulator.documents import PageCounter

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_provider_faxto.simulator.documents import DocumentFacts

__all__ = ["MAX_CHUNK", "Body", "BodyError", "BodyMode", "Part", "read_body"]

MAX_CHUNK = 1024 * 1024
"""The most bytes of one chunk of an upload session (documented as 1 MB; clients send 1 MiB)."""

_MAX_FORM = 1024 * 1024


class BodyError(Exception):
    """The body cannot be read: broken multipart, broken JSON, or too many fields. The response is HTTP 400."""


class BodyMode(Enum):
    """What an endpoint expects in its body."""

    FIELDS = "fields"
    """Form fields, multipart with or without files, or a JSON object."""
    DOCUMENTS = "documents"
    """One raw document, or several in multipart."""
    CHUNK = "chunk"
    """Raw bytes that the endpoint needs, up to one chunk."""


@dataclass(frozen=True, slots=True)
class Part:
    """A document in a body.

    :param field: the form field that holds it; ``None`` outside of form data.
    :param facts: what is known of it.
    :param address: its ``Content-Location``: where the vendor fetches it from, if the part has no body.
    """

    field: str | None
    facts: DocumentFacts
    address: str | None = None


@dataclass(slots=True)
class Body:
    """What a body contains.

    :param fields: the form's fields or the JSON object's members, values as text.
    :param parts: the documents, in order.
    :param raw: the bytes of a chunk; empty in every other mode.
    :param size: how many bytes came.
    """

    fields: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    raw: bytes = b""
    size: int = 0


async def read_body(request: Request, mode: BodyMode) -> Body:
    """Read a request's body to its end.

    :param request: the request.
    :param mode: what the endpoint expects.
    :return: what the body contains.
    :raises BodyError: if it cannot be read.
    :raises starlette.requests.ClientDisconnect: if the client goes away before the end.
    """
    media_type, options = parse_options_header(request.headers.get("content-type"))
    kind = media_type.decode("latin-1").lower()
    if mode is BodyMode.CHUNK:
        return await _read_chunk(request)
    if kind.startswith("multipart/"):
        return await _read_multipart(request, options.get(b"boundary"))
    if mode is BodyMode.DOCUMENTS:
        return await _read_document(request, kind or None)
    raw = await _read_limited(request, _MAX_FORM)
    body = Body(size=len(raw))
    if kind == "application/json":
        body.fields = _json_fields(raw)
    elif kind == "application/x-www-form-urlencoded":
        body.fields = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    return body


async def _read_chunk(request: Request) -> Body:
    # One byte more than allowed is enough to see that it is too large.
    body = Body()
    kept = bytearray()
    async for data in request.stream():
        body.size += len(data)
        kept += data[: MAX_CHUNK + 1 - len(kept)]
    body.raw = bytes(kept)
    return body


async def _read_limited(request: Request, limit: int) -> bytes:
    raw = bytearray()
    async for data in request.stream():
        raw += data
        if len(raw) > limit:
            raise BodyError("The form is too large.")
    return bytes(raw)


async def _read_document(request: Request, media_type: str | None) -> Body:
    counter = PageCounter()
    async for data in request.stream():
        counter.update(data)
    body = Body(size=counter.size)
    if counter.size:
        body.parts.append(Part(None, counter.facts(None, media_type)))
    return body


async def _read_multipart(request: Request, boundary: bytes | None) -> Body:
    if not boundary:
        raise BodyError("The multipart body has no boundary.")
    try:
        reader = _MultipartReader(boundary)
        async for data in request.stream():
            reader.write(data)
        reader.finish()
    except FormParserError:
        raise BodyError("The multipart body is broken.") from None
    return reader.body


def _json_fields(raw: bytes) -> dict[str, str]:
    try:
        content = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise BodyError("The body is not JSON.") from None
    if not isinstance(content, dict):
        raise BodyError("The JSON body is not an object.")
    return {
        _encodable(name): _encodable(value if isinstance(value, str) else json.dumps(value))
        for name, value in content.items()
        if value is not None
    }


def _encodable(text: str) -> str:
    # JSON can contain half of a surrogate pair, which no response could repeat.
    return text.encode("utf-8", "replace").decode()


class _MultipartReader:
    """Turns the events of a multipart parser into fields and documents.

    By RFC 2046, section 5.1.1, a part may end after its headers, so that the empty line after them is the line break
    of the next boundary too. InterFAX's npm client (0.8.4) writes each document of an upload session like that. The
    parser takes every boundary for one that has a line break of its own, so it is given one there.
    """

    def __init__(self, boundary: bytes) -> None:
        self.body = Body()
        self._finished = False
        self._in_headers = False
        self._empty_line_and_boundary = b"\r\n\r\n--" + boundary
        self._held = b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_end": self._last,
            },
        )

    def write(self, data: bytes) -> None:
        self.body.size += len(data)
        data = self._held + data
        start = 0
        while (found := data.find(self._empty_line_and_boundary, start)) >= 0:
            self._parser.write(data[start : found + 2])
            # Only there: in a document the same bytes are an empty line of its own.
            self._parser.write(b"\r\n\r\n" if self._in_headers else b"\r\n")
            start = found + 4
        rest = data[start:]
        held = self._begun_at_the_end_of(rest)
        self._parser.write(rest[: len(rest) - held])
        self._held = rest[len(rest) - held :]

    def _begun_at_the_end_of(self, data: bytes) -> int:
        """Count the bytes at the end that may begin an empty line with a boundary."""
        sought = self._empty_line_and_boundary
        return next((size for size in range(len(sought) - 1, 0, -1) if data.endswith(sought[:size])), 0)

    def finish(self) -> None:
        self._parser.write(self._held)
        self._parser.finalize()
        if not self._finished:
            # Without its closing boundary the last part may be cut short.
            raise BodyError("The multipart body has no end.")

    def _last(self) -> None:
        self._finished = True

    def _begin(self) -> None:
        self._in_headers = True
        self._headers: dict[str, str] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._options: dict[bytes, bytes] = {}
        self._counter = PageCounter()
        self._text: bytearray | None = None

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace").strip()
        self._name.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        self._in_headers = False
        _, self._options = parse_options_header(self._headers.get("content-disposition", "").encode())
        # InterFAX's PHP client sends a document of an upload session as a form field with a Content-Location alone.
        is_document = b"filename" in self._options or {"content-type", "content-location"} & set(self._headers)
        if b"name" in self._options and not is_document:
            self._text = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._text is None:
            self._counter.update(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _MAX_FORM:
            raise BodyError("A form field is too large.")

    def _end(self) -> None:
        name = _text_of(self._options.get(b"name"))
        if name is not None and self._text is not None:
            self.body.fields[name] = self._text.decode("utf-8", "replace")
            return
        media_type, _ = parse_options_header(self._headers.get("content-type"))
        file_name = _text_of(self._options.get(b"filename"))
        facts = self._counter.facts(file_name, media_type.decode("latin-1").lower() or None)
        self.body.parts.append(Part(name, facts, self._headers.get("content-location")))


def _text_of(value: object) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None
