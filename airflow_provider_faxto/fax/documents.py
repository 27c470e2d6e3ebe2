"""Documents: what is known of a file before it is faxed, and how to read it, without reading it here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["DOCUMENT_TYPES", "FaxDocument", "RunningHash", "combined_pages", "combined_sha256"]

DOCUMENT_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "txt": "text/plain",
    "ps": "application/postscript",
    "rtf": "application/rtf",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "htm": "text/html",
    "html": "text/html",
}
"""The media type of each file type that any of the vendors takes, by extension."""


@dataclass(frozen=True, slots=True)
class FaxDocument:
    """One document to fax. It holds no content: ``open`` reads it afresh each time it is needed.

    ``repr()`` leaves the name out, since names of files often tell whom they are about.

    :param extension: the file type, lower case without a dot: a key of :data:`DOCUMENT_TYPES`.
    :param size: its length in bytes.
    :param sha256: the SHA-256 of its content, in hexadecimal.
    :param open: opens the content for reading in binary; the caller closes it.
    :param pages: how many pages it has. Default: not known; those of a document that the vendor turns into pages
        cannot be counted before.
    """

    extension: str
    size: int
    sha256: str
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)
    pages: int | None = field(default=None, compare=False)

    @property
    def media_type(self) -> str:
        """The media type that belongs to the extension."""
        return DOCUMENT_TYPES[self.extension]

    @classmethod
    def from_bytes(cls, content: bytes, extension: str) -> FaxDocument:
        """Make a document of content that is already in memory.

        :param content: the document's bytes.
        :param extension: its type; a key of :data:`DOCUMENT_TYPES`.
        :return: the document.
        """
        import io

        return cls(
            extension=extension,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            open=lambda: io.BytesIO(content),
        )


class RunningHash:
    """The SHA-256 of what was read of a document so far, from its first byte on."""

    __slots__ = ("_digest", "length")

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.length = 0

    def update(self, block: bytes) -> None:
        """Take what was read next.

        :param block: the bytes.
        """
        self._digest.update(block)
        self.length += len(block)

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._digest.hexdigest()

    def is_of(self, document: FaxDocument) -> bool:
        """Tell whether what was read is a document, whole and as it was when it was hashed.

        :param document: the document.
        :return: whether it is.
        """
        return self.length == document.size and self.sha256 == document.sha256.lower()


def combined_sha256(documents: Sequence[FaxDocument]) -> str:
    """Give one hash for all documents of a fax, in their order.

    :param documents: the documents.
    :return: the SHA-256 of their hashes, in hexadecimal. It depends on the order, as the fax does.
    """
    digest: Any = hashlib.sha256()
    for document in documents:
        digest.update(bytes.fromhex(document.sha256))
    return str(digest.hexdigest())


def combined_pages(documents: Sequence[FaxDocument]) -> int | None:
    """Add up the pages of all documents of a fax.

    :param documents: the documents.
    :return: the pages; ``None`` if those of one of them are not known.
    """
    pages = [document.pages for document in documents]
    return None if None in pages else sum(count for count in pages if count is not None)
