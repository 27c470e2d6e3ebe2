"""The body of a request as a stream: bytes and documents in turn, of a length that is known beforehand.

However large a document is, one block of it is in memory at a time, also where it is encoded on the way.

A document is hashed while it goes out, and its last block goes out only if all of it is what was hashed when it was
loaded. Else the body ends before its length is reached, and no vendor may take it for a request.
"""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from urllib.parse import quote_plus, urlencode

from airflow_provider_faxto.fax.documents import RunningHash
from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.vendors.base import Base64Document, DocumentSlice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.vendors.base import FaxRequest, MultipartPart

__all__ = ["Body", "DocumentReadError", "open_body"]

# Three bytes are four characters of Base64, so only blocks of a multiple of three can be encoded one by one.
_BLOCK = 3 * 16 * 1024
_GONE = "The document can no longer be read."
_CHANGED = "The document is no longer what it was when it was loaded."
_ESCAPES = {b"+": b"%2B", b"/": b"%2F", b"=": b"%3D"}


class DocumentReadError(Exception):
    """The document, not the network, failed while a body was streamed; the message says how, as a sentence."""


class _Source(Protocol):
    """A piece of a body: it knows how many bytes are left, and gives some of them."""

    def __len__(self) -> int: ...

    def read(self, size: int) -> bytes: ...


class Body:
    """A body as a file that requests can stream: it has a length and can be read.

    :param pieces: bytes and sources of bytes, in order.
    """

    def __init__(self, pieces: Sequence[bytes | _Source]) -> None:
        self._sources = [_Bytes(piece) if isinstance(piece, bytes) else piece for piece in pieces]

    def __len__(self) -> int:
        return sum(map(len, self._sources))

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_BLOCK):
            yield piece

    def read(self, size: int = -1) -> bytes:
        """Read on.

        :param size: how many bytes to give at most. Default: all that are left.
        :return: the bytes; empty at the end.
        :raises DocumentReadError: if a document cannot be read, or is not what was hashed. What comes after was not
            given out.
        """
        if size < 0:
            return b"".join(self)
        while self._sources and not len(self._sources[0]):
            self._sources.pop(0)
        return self._sources[0].read(size) if self._sources and size else b""


def open_body(request: FaxRequest, stack: contextlib.ExitStack) -> tuple[Body | bytes | None, Mapping[str, str]]:
    """Open the body of a request.

    :param request: the request.
    :param stack: closes the documents.
    :return: the body, which is a :class:`Body` where a document is in it, and the headers that belong to it.
    :raises FaxDocumentError: if a document cannot be opened, or has been seen to be another one. Nothing was sent.
    """
    pieces: list[bytes | _Source] = []
    headers: dict[str, str] = {}
    if request.form is not None:
        pieces, headers = _form(request.form, stack), {"Content-Type": "application/x-www-form-urlencoded"}
    elif request.json is not None:
        pieces, headers = _json(request.json, stack), {"Content-Type": "application/json"}
    elif request.parts is not None:
        boundary = uuid.uuid4().hex
        pieces = _multipart(request.parts, boundary, stack)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    elif request.document is not None:
        pieces = [_open(request.document, stack)]
    if all(isinstance(piece, bytes) for piece in pieces):
        return b"".join(piece for piece in pieces if isinstance(piece, bytes)) if headers else None, headers
    return Body(pieces), headers


def _form(fields: Sequence[tuple[str, str | Base64Document]], stack: contextlib.ExitStack) -> list[bytes | _Source]:
    """URL-encode a form."""
    pieces: list[bytes | _Source] = []
    for name, value in fields:
        pieces.append(b"&" if pieces else b"")
        if isinstance(value, Base64Document):
            pieces += [f"{quote_plus(name)}=".encode(), _open_base64(value.document, stack, is_escaped=True)]
        else:
            pieces.append(urlencode([(name, value)]).encode())
    return pieces


def _json(content: object, stack: contextlib.ExitStack) -> list[bytes | _Source]:
    """Write JSON with a mark at the place of each document, and cut it there."""
    mark = uuid.uuid4().hex
    documents: list[FaxDocument] = []

    def place(value: object) -> str:
        if not isinstance(value, Base64Document):
            raise TypeError(f"A body of JSON cannot hold a {type(value).__name__}.")
        documents.append(value.document)
        return mark

    first, *others = json.dumps(content, default=place, allow_nan=False).encode().split(mark.encode())
    pieces: list[bytes | _Source] = [first]
    for document, text in zip(documents, others, strict=True):
        # Base64 has no character that JSON would write in another way.
        pieces += [_open_base64(document, stack), text]
    return pieces


def _multipart(parts: Sequence[MultipartPart], boundary: str, stack: contextlib.ExitStack) -> list[bytes | _Source]:
    """Write multipart/form-data as browsers do (WHATWG HTML, "multipart/form-data encoding algorithm")."""
    pieces: list[bytes | _Source] = []
    for part in parts:
        disposition = f'form-data; name="{_quoted(part.name)}"'
        if part.filename is not None:
            disposition += f'; filename="{_quoted(part.filename)}"'
        headers = {"Content-Disposition": disposition}
        if part.content_type is not None:
            headers["Content-Type"] = part.content_type
        headers |= part.headers
        head = [f"--{boundary}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        pieces.append("\r\n".join(head).encode())
        if isinstance(part.content, str):
            pieces.append(part.content.encode())
        elif isinstance(part.content, Base64Document):
            pieces.append(_open_base64(part.content.document, stack))
        else:
            pieces.append(_open(DocumentSlice.whole(part.content), stack))
        pieces.append(b"\r\n")
    return [*pieces, f"--{boundary}--\r\n".encode()]


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _open(source: DocumentSlice, stack: contextlib.ExitStack) -> _Slice:
    try:
        return _Slice(source, stack.enter_context(source.document.open()))
    except DocumentReadError as error:
        problem = str(error)
    except FaxDocumentError as error:
        problem = str(error)
    except Exception:  # noqa: BLE001 - every storage library has errors of its own, and their texts show names
        problem = _GONE
    raise FaxDocumentError(f"{problem} Nothing was sent.")


def _open_base64(document: FaxDocument, stack: contextlib.ExitStack, *, is_escaped: bool = False) -> _Base64:
    length = -(-document.size // 3) * 4
    if is_escaped:
        length = _measure(document)
    opened = _open(DocumentSlice.whole(document), stack)
    return _Base64(opened, length=length, escape=_escape if is_escaped else bytes)


def _measure(document: FaxDocument) -> int:
    """Read a document once to count the characters of a form, since how many are escaped depends on its content."""
    with contextlib.ExitStack() as stack:
        counted = _Base64(_open(DocumentSlice.whole(document), stack), escape=_escape)
        try:
            return counted.measure()
        except DocumentReadError as error:
            problem = str(error)
    raise FaxDocumentError(f"{problem} Nothing was sent.")


def _escape(text: bytes) -> bytes:
    for plain, escaped in _ESCAPES.items():
        text = text.replace(plain, escaped)
    return text


class _Bytes:
    """Bytes that are there."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def read(self, size: int) -> bytes:
        piece, self._content = self._content[:size], self._content[size:]
        return piece


class _Slice:
    """A part of a document, which is hashed as it is read."""

    def __init__(self, source: DocumentSlice, file: BinaryIO) -> None:
        self._document = source.document
        self._file = file
        self._left = source.length
        self._is_alone = source.hashed is None
        self._hashed = RunningHash() if source.hashed is None else source.hashed
        if source.hashed is None:
            self._hash_up_to(source.start)
        elif source.start:
            file.seek(source.start)
        if self._hashed.length != source.start:
            raise DocumentReadError(_CHANGED)
        # A small document is known to be the right one before anything is sent.
        self._ready = self._read_block()

    def __len__(self) -> int:
        return self._left

    def read(self, size: int) -> bytes:
        if not self._ready:
            self._ready = self._read_block()
        piece, self._ready = self._ready[:size], self._ready[size:]
        self._left -= len(piece)
        return piece

    def _read_block(self) -> bytes:
        """Read and hash the next block; the last one is given only if the document is what was hashed."""
        block = self._read_up_to(min(_BLOCK, self._left))
        self._hashed.update(block)
        if len(block) == self._left:
            if self._is_alone:
                self._hash_up_to(self._document.size)
            is_whole = self._hashed.length >= self._document.size
            if is_whole and (self._read_some(1) or not self._hashed.is_of(self._document)):
                raise DocumentReadError(_CHANGED)
        return block

    def _hash_up_to(self, length: int) -> None:
        while self._hashed.length < length:
            self._hashed.update(self._read_up_to(min(_BLOCK, length - self._hashed.length)))

    def _read_up_to(self, size: int) -> bytes:
        block = b""
        while len(block) < size:
            piece = self._read_some(size - len(block))
            if not piece:
                # It shrank. A shorter fax is not what was asked for.
                raise DocumentReadError(_CHANGED)
            block += piece
        return block

    def _read_some(self, size: int) -> bytes:
        # Every storage library has errors of its own, and their texts show names.
        with contextlib.suppress(Exception):
            return self._file.read(size)
        raise DocumentReadError(_GONE)


class _Base64:
    """A document in Base64."""

    def __init__(self, source: _Slice, *, length: int = 0, escape: Any = bytes) -> None:  # noqa: ANN401 - bytes is one
        self._source = source
        self._escape = escape
        self._left = length
        self._rest = self._ready = b""

    def __len__(self) -> int:
        return self._left

    def measure(self) -> int:
        """Read all of it, and count the characters."""
        length = 0
        while self._source or self._rest:
            length += len(self._encode_on())
        return length

    def read(self, size: int) -> bytes:
        if not self._ready:
            self._ready = self._encode_on()
        is_over = not self._source and not self._rest
        if len(self._ready) > self._left or is_over != (len(self._ready) == self._left):
            # Its content is not what was measured, so the end of the body would be reached before its own.
            raise DocumentReadError(_CHANGED)
        piece, self._ready = self._ready[:size], self._ready[size:]
        self._left -= len(piece)
        return piece

    def _encode_on(self) -> bytes:
        block = self._rest
        while len(block) < _BLOCK and len(self._source):
            block += self._source.read(_BLOCK - len(block))
        whole = len(block) - len(block) % 3 if len(self._source) else len(block)
        self._rest = block[whole:]
        return bytes(self._escape(base64.b64encode(block[:whole])))
