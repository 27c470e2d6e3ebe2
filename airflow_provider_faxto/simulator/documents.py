"""What the simulator keeps of a document: its hash, its size and its pages, never its bytes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

__all__ = ["DocumentFacts", "PageCounter"]

# A page object of a PDF, and not the page tree ("/Pages"). Limited white space keeps the overlap small.
_PDF_PAGE = re.compile(rb"/Type\s{0,4}/Page(?=[^A-Za-z])")
_OVERLAP = 24


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What is kept of a document.

    :param name: its name as uploaded; ``None`` where the request carries none.
    :param media_type: its media type; ``None`` if unknown.
    :param sha256: the hash of its bytes; ``None`` if the vendor was given an address instead.
    :param size: its length in bytes.
    :param pages: its pages: for a PDF those that can be counted without rendering it, else 1.
    """

    name: str | None
    media_type: str | None
    sha256: str | None
    size: int
    pages: int


class PageCounter:
    """Hashes a document while it streams by, and counts the pages of a PDF without rendering it."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._pages = 0
        self._is_pdf = False
        self._tail = b""

    def update(self, data: bytes) -> None:
        """Take in the next bytes.

        :param data: the bytes.
        """
        self._digest.update(data)
        window = self._tail + data
        if self.size < _OVERLAP:
            self._is_pdf = window.startswith(b"%PDF")
        self.size += len(data)
        if self._is_pdf:
            # A match that ends within the old tail was counted with it: the character after it was there already.
            old = len(self._tail)
            self._pages += sum(match.end() >= old for match in _PDF_PAGE.finditer(window))
        self._tail = window[-_OVERLAP:]

    def facts(self, name: str | None, media_type: str | None) -> DocumentFacts:
        """Give what is known of the bytes so far.

        :param name: the document's name, if the request has one.
        :param media_type: its media type, if known.
        :return: the facts. A PDF whose pages lie in compressed objects counts as one page.
        """
        return DocumentFacts(name, media_type, self._digest.hexdigest(), self.size, max(1, self._pages))
