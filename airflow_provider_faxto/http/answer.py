"""Reading the body of an answer, within a bound: of what comes, and of what it unpacks to."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from airflow_provider_faxto.vendors.parsing import as_count

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UnusableAnswerError", "read_body"]

_MAX_BYTES = 32 * 1024 * 1024
_READ_BLOCK = 64 * 1024
_UNENCODED = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})


class UnusableAnswerError(Exception):
    """An answer came, and its body cannot be used.

    :param how: what is wrong with it, to stand after "the answer".
    :param is_lasting: whether it would be the same a minute later. Default: ``False``.
    """

    def __init__(self, how: str, *, is_lasting: bool = False) -> None:
        super().__init__(how)
        self.is_lasting = is_lasting


class _Raw(Protocol):
    """A body as urllib3 reads it."""

    def read1(self, amt: int, *, decode_content: bool) -> bytes: ...


def read_body(raw: _Raw, headers: Mapping[str, str]) -> bytes:
    """Read the body of an answer.

    Answers are asked for unencoded. Where gzip comes all the same it is unpacked here, since the HTTP library does so
    without a bound.

    :param raw: the body, of which nothing was read.
    :param headers: the answer's headers, their names in lower case.
    :return: the body.
    :raises UnusableAnswerError: if it is larger than 32 MiB, packed or unpacked, broke off, or is in another encoding.
    :raises urllib3.exceptions.HTTPError: if contact was lost.
    """
    pieces: list[bytes] = []
    size = 0
    # read() would wait until a whole block is there, read1() takes what has come.
    while piece := raw.read1(_READ_BLOCK, decode_content=False):
        pieces.append(piece)
        size += len(piece)
        _check_size(size)
    expected = as_count(headers.get("content-length"))
    if expected is not None and size < expected:
        raise UnusableAnswerError("broke off")
    body = b"".join(pieces)
    coding = headers.get("content-encoding", "").strip().lower()
    if not body or coding in _UNENCODED:
        return body
    if coding not in _GZIP:
        raise UnusableAnswerError("is in an encoding that was not asked for")
    return _unpack(body)


def _unpack(packed: bytes) -> bytes:
    """Unpack gzip, one member of it, to no more than a byte too much."""
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        body = unpacking.decompress(packed, _MAX_BYTES + 1)
    except zlib.error:
        raise UnusableAnswerError("is not the gzip that it says it is") from None
    _check_size(len(body))
    if not unpacking.eof or unpacking.unused_data:
        raise UnusableAnswerError("is not the gzip that it says it is")
    return body


def _check_size(size: int) -> None:
    if size > _MAX_BYTES:
        raise UnusableAnswerError("is larger than 32 MiB", is_lasting=True)
