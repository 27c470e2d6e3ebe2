"""One HTTP exchange as plain values: what a vendor asks for, and what it is answered. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar

from airflow_provider_faxto.fax.documents import RunningHash

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_faxto.fax.documents import FaxDocument

__all__ = [
    "AuthFlow",
    "Base64Document",
    "DocumentSlice",
    "FaxRequest",
    "FaxResponse",
    "Flow",
    "MultipartPart",
    "RequestKind",
]


class RequestKind(StrEnum):
    """What a request does at the vendor: by that it may be repeated, is counted, and is given its time-out."""

    READ = "read"
    """Changes nothing: may be repeated. Counts against the account's minute, unless it says otherwise."""
    UPLOAD = "upload"
    """Carries a document but sends no fax: not repeated by itself, and given the longer time-out."""
    CHANGE = "change"
    """Cancels, hides or deletes: not repeated by itself."""
    SEND = "send"
    """Makes a fax job: never repeated, and uncertain whenever no readable answer comes back."""
    TOKEN = "token"  # noqa: S105 - a word, no secret
    """Asks for what authorises other requests; from :meth:`FaxVendor.auth_flow` alone. It is about no fax."""


@dataclass(frozen=True, slots=True)
class DocumentSlice:
    """A part of a document as the body of a request; it is streamed.

    Its end goes out only if the document is still what was hashed. For that the whole document is read with each slice,
    unless the slices come from :meth:`in_turn`.

    :param document: the document.
    :param start: the first byte, counted from 0.
    :param stop: the byte after the last one.
    :param hashed: what the slices before this one have hashed, from :meth:`in_turn`. Default: none of them was sent.
    """

    document: FaxDocument
    start: int
    stop: int
    hashed: RunningHash | None = field(default=None, repr=False, compare=False)

    @property
    def length(self) -> int:
        """How many bytes the slice has."""
        return self.stop - self.start

    @classmethod
    def whole(cls, document: FaxDocument) -> Self:
        """Take all of a document.

        :param document: the document.
        :return: the slice from its first to its last byte.
        """
        return cls(document, 0, document.size)

    @classmethod
    def in_turn(cls, document: FaxDocument, length: int) -> Iterator[Self]:
        """Cut a document into slices that are sent one after another, each once.

        They are hashed on the way, and the last one's end goes out only if all of them together are what was hashed.

        :param document: the document.
        :param length: how many bytes a slice has; the last one may have fewer.
        :return: the slices, from the first to the last.
        """
        hashed = RunningHash()
        for start in range(0, document.size, length):
            yield cls(document, start, min(start + length, document.size), hashed)


@dataclass(frozen=True, slots=True)
class Base64Document:
    """A document as text in Base64 (RFC 4648, with padding), wherever a body holds text; it is encoded while it is
    streamed, so it is never in memory as a whole.

    :param document: the document.
    """

    document: FaxDocument


@dataclass(frozen=True, slots=True)
class MultipartPart:
    """One part of a multipart/form-data body; a document in it is streamed.

    :param name: the name of the form field.
    :param content: the document as it is, the document in Base64, or text.
    :param filename: the file name to tell the vendor; never the user's own. Default: none.
    :param content_type: the media type of the part. Default: none.
    :param headers: further headers of the part. Default: none.
    """

    name: str
    content: FaxDocument | Base64Document | str = field(repr=False)
    filename: str | None = field(default=None, repr=False)
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxRequest:
    """One HTTP request.

    ``repr()`` shows neither query, headers nor body, since a fax number or a credential may stand there.

    :param action: what it is for, to finish the sentence "Could not ...": ``read the status of fax job 12``.
        It holds no full number, no name of a document and no secret.
    :param kind: what it does; see :class:`RequestKind`.
    :param method: the HTTP method.
    :param path: the path below the base URL, with a leading slash, already percent-encoded.
    :param base_url: another host than the connection's, as a base URL without a slash at its end: a token's endpoint,
        a storage for uploads. ``https://``, or ``http://`` on this machine. A request to another host is never given
        the account's credentials. Default: the connection's host.
    :param query: the query parameters, not yet encoded.
    :param headers: the headers beside those that every request gets.
    :param form: the body as a URL-encoded form, whose values are text or documents in Base64.
    :param json: the body as JSON: what ``json.dumps`` takes, with a :class:`Base64Document` wherever a document stands
        as text.
    :param document: the body as raw bytes of a document.
    :param parts: the body as multipart/form-data. At most one of ``form``, ``json``, ``document`` and ``parts`` is
        set; none makes an empty body.
    :param document_id: the vendor's id of the uploaded document that a request of kind ``SEND`` sends, as the vendor's
        records name it, so that it can be noted before. Default: none.
    :param rate_limited: whether it counts against :attr:`FaxVendor.requests_per_minute`. Default: a request that reads
        does, any other does not.
    :raises ValueError: if more than one body is given.
    """

    action: str
    kind: RequestKind
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    base_url: str | None = None
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Sequence[tuple[str, str | Base64Document]] | None = field(default=None, repr=False)
    json: Mapping[str, Any] | Sequence[Any] | None = field(default=None, repr=False)
    document: DocumentSlice | None = field(default=None, repr=False)
    parts: Sequence[MultipartPart] | None = field(default=None, repr=False)
    document_id: str | None = None
    rate_limited: bool | None = None

    def __post_init__(self) -> None:
        if sum(body is not None for body in (self.form, self.json, self.document, self.parts)) > 1:
            raise ValueError(f"The request to {self.action} has more than one body.")
        if self.rate_limited is None:
            object.__setattr__(self, "rate_limited", self.kind is RequestKind.READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxResponse:
    """One HTTP response.

    :param status: the HTTP status.
    :param headers: the headers, their names in lower case.
    :param body: the whole body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


T = TypeVar("T")
Flow: TypeAlias = Generator[FaxRequest, FaxResponse, T]
"""A call in progress: yields requests, is sent responses, returns a ``T``."""

AuthFlow: TypeAlias = Generator[FaxRequest, FaxResponse, None]
"""A request on its way to being authorised; see :meth:`FaxVendor.auth_flow`."""
