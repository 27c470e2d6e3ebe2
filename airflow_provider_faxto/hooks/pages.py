"""Counting the pages of a document before it is faxed.

A PDF's pages are counted by ``pypdf``, which is imported where a document is read and never while a DAG is parsed. An
image file of one picture is one page. The pages of every other type are made by the vendor and cannot be counted here.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_faxto.fax.errors import FaxDocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["count_pages", "is_counted"]

_OF_ONE_PAGE = frozenset({"png", "jpg", "jpeg"})
# No fax has so many pages; a page tree of a few bytes that names itself many times has more.
_MOST_NODES = 100_000


def is_counted(extension: str) -> bool:
    """Tell whether the content of a document must be read to count its pages.

    :param extension: its type, lower case without a dot.
    :return: whether it is a PDF.
    """
    return extension == "pdf"


def count_pages(extension: str, content: BinaryIO) -> int | None:
    """Count the pages of a document.

    :param extension: its type, lower case without a dot.
    :param content: its whole content, in which one can seek; read from its begin, and only where :func:`is_counted`.
    :return: the number of pages; ``None`` if it cannot be told.
    :raises FaxDocumentError: if it is a PDF that is damaged or cut off, has no pages, or needs a password.
    """
    if extension in _OF_ONE_PAGE:
        return 1
    if not is_counted(extension):
        return None
    content.seek(0)
    problem, pages = "", 0
    try:
        with _quiet():
            pages = _count_pdf(content)
    except FaxDocumentError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - a damaged file makes the library raise anything
        problem = (
            f"The document is a damaged PDF or one that was cut off ({type(error).__name__}). Write or copy it once "
            "more, and check that a viewer opens it."
        )
    if not problem and not pages:
        problem = "The document is a PDF without pages: there is nothing to fax."
    if problem:
        # Outside the handlers: the library's error may show what stands in the document.
        raise FaxDocumentError(problem)
    return pages


def _count_pdf(content: BinaryIO) -> int:
    """Count the leaves of the page tree, and not what its root says of them."""
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(content)
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        raise FaxDocumentError(
            "The document is a PDF that needs a password to be opened. Save it without one; the vendor could not "
            "open it either."
        )
    nodes: list[Any] = [reader.root_object["/Pages"]]
    pages = seen = 0
    while nodes:
        node = nodes.pop().get_object()
        seen += 1
        if seen > _MOST_NODES:
            raise FaxDocumentError(f"The document is a PDF whose list of pages does not end before {_MOST_NODES:,}.")
        if "/Kids" in node:
            nodes.extend(node["/Kids"])
        else:
            pages += 1
    return pages


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the library says of a document, with parts of its content, out of the task's log."""
    logger = logging.getLogger("pypdf")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
