"""From what a DAG names to a document that can be faxed: found, measured, hashed and checked, not kept."""

from __future__ import annotations

import io
import os
import re
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from airflow_provider_faxto.fax.documents import FaxDocument, RunningHash
from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxNotAllowedError
from airflow_provider_faxto.hooks.document_files import (
    DocumentRoots,
    as_path,
    describe_place,
    is_local,
    needed_for,
    open_path,
)
from airflow_provider_faxto.hooks.pages import count_pages, is_counted
from airflow_provider_faxto.vendors.parsing import check_documents, check_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.errors import FaxInputError
    from airflow_provider_faxto.hooks.document_files import DocumentPath
    from airflow_provider_faxto.vendors.base import FaxVendor

__all__ = ["DocumentSource", "count_pages_of", "load_document", "load_documents"]

DocumentSource: TypeAlias = "str | os.PathLike[str] | FaxDocument"
"""A local path, a URL that ``ObjectStoragePath`` reads (``s3://bucket/key``), an ``ObjectStoragePath``, or a
document that is loaded already."""

_BLOCK = 64 * 1024
_HEAD = 16 * 1024
_PDF_WINDOW = 1024
# What of a document is held in memory while its pages are counted; the rest lies in a file without a name.
_IN_MEMORY = 1024 * 1024
# A driver may write ^D before PostScript, which ends the job before it, or wrap it in HP's printer job language: a
# reset, the universal exit, then lines that begin with @PJL (Adobe's and HP's manuals). What the lines hold does not
# matter here.
_POSTSCRIPT = re.compile(rb"(?:\x04|\x1bE|\x1b%-12345X|@PJL[^\r\n]*[\r\n]|[\r\n])*%!")
# What a file of a type begins with. A wrong extension is the usual sign of a wrong file.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "tif": (b"II*\x00", b"MM\x00*"),
    "tiff": (b"II*\x00", b"MM\x00*"),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "rtf": (b"{\\rtf",),
    "docx": (b"PK",),
    "xlsx": (b"PK",),
    "pptx": (b"PK",),
}
# An Office file begins as any other archive.
_TOLD_BY_CONTENT = ("pdf", "ps", "tif", "png", "jpg", "gif", "rtf")


def load_documents(
    sources: Sequence[DocumentSource], vendor: FaxVendor, roots: DocumentRoots | None = None
) -> list[FaxDocument]:
    """Load all documents of one fax and check them against what the vendor takes.

    :param sources: the documents, in the order in which they are to be faxed.
    :param vendor: the vendor that shall send them.
    :param roots: the places that the connection allows. Default: as for a connection without ``document_roots``.
    :return: the documents.
    :raises FaxDocumentError: if one cannot be faxed (see :func:`load_document`), or all together are larger
        than the vendor takes.
    :raises FaxNotAllowedError: if one lies where the connection does not allow it.
    """
    documents: list[FaxDocument] = []
    for source in sources:
        problem = ""
        kind: type[FaxInputError] = FaxDocumentError
        try:
            documents.append(load_document(source, vendor, roots))
        except (FaxDocumentError, FaxNotAllowedError) as error:
            problem, kind = str(error), type(error)
        if problem:
            # Outside the handler, so that the first error does not stay attached.
            which = f"Document {len(documents) + 1} of {len(sources)}: " if len(sources) > 1 else ""
            raise kind(f"{which}{problem}")
    check_documents(documents, vendor)
    return documents


def load_document(source: DocumentSource, vendor: FaxVendor, roots: DocumentRoots | None = None) -> FaxDocument:
    """Load one document: find it, measure it, hash it, count its pages, and look at its first bytes.

    A file of this machine is a regular file, and is read as far as it was long when it was opened. Its type is that of
    the file itself, and not of a link to it; a file without an extension has the type that its content begins as.

    No message tells the document's name, since names of files often tell whom they are about. A storage library
    may say at DEBUG what it opens; that is not in our hands.

    :param source: the document.
    :param vendor: the vendor that shall send it.
    :param roots: as for :func:`load_documents`.
    :return: the document.
    :raises FaxDocumentError: if it is missing, unreadable, not a regular file, empty, too large, of a type that the
        vendor does not take, if its content does not begin as its type does, or if it is a PDF that is damaged, has no
        pages or needs a password. The content of a document that is loaded already is not looked at. The document's
        ``open`` raises it, too, if a file of this machine has another size then.
    :raises FaxNotAllowedError: if it lies where the connection does not allow it.
    """
    roots = roots or DocumentRoots("")
    if isinstance(source, FaxDocument):
        roots.refuse_unplaced("a document that is in memory already")
        check_documents([source], vendor)
        return source
    path = as_path(source, roots)
    problem = ""
    kind: type[FaxInputError] = FaxDocumentError
    try:
        file, suffix = open_path(path, roots)
        with file:
            limit = vendor.max_document_bytes + 1
            if is_local(path):
                limit = min(limit, os.fstat(file.fileno()).st_size)
            found = _read(file, suffix.lower().removeprefix("."), vendor, limit)
    except FileNotFoundError:
        problem = _find_type_problem(path, vendor) or (
            f"The document does not exist: {describe_place(path)}. Check the path on the worker."
        )
    except (FaxDocumentError, FaxNotAllowedError) as error:
        problem, kind = str(error), type(error)
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        scheme = "" if is_local(path) else getattr(path, "protocol", "")
        problem = (
            f"The document cannot be read ({type(error).__name__}): {describe_place(path)}. Check that it is a file "
            f"and that the worker may read it.{f' {needed_for(scheme)}' if isinstance(scheme, str) and scheme else ''}"
        )
    else:
        return replace(found, open=lambda: open_path(path, roots, size=found.size)[0])
    # Outside the handlers: inside, the library's error, which tells the name, would stay attached.
    raise kind(problem)


def count_pages_of(document: FaxDocument) -> int | None:
    """Count the pages of a document that is loaded already, whatever it says of itself.

    :param document: the document.
    :return: the number of pages; ``None`` if it cannot be told.
    :raises FaxDocumentError: if it cannot be read, or is a PDF that is damaged, has no pages or needs a password.
    """
    if not is_counted(document.extension):
        return count_pages(document.extension, io.BytesIO())
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        hashed = RunningHash()
        with document.open() as file:
            while block := file.read(min(_BLOCK, document.size + 1 - hashed.length)):
                hashed.update(block)
                copy.write(block)
        if not hashed.is_of(document):
            raise FaxDocumentError("The document is no longer what it was when it was loaded.")
        return count_pages(document.extension, cast("BinaryIO", copy))


def _read(file: BinaryIO, extension: str, vendor: FaxVendor, limit: int) -> FaxDocument:
    """Read a document to its end or a limit; the pages are counted in what was hashed."""
    if extension:
        check_type(extension, vendor)
    hashed, head = RunningHash(), b""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        while block := file.read(min(_BLOCK, limit - hashed.length)):
            head += block[: _HEAD - len(head)]
            hashed.update(block)
            if not extension:
                extension = _type_of(head)
                check_type(extension, vendor)
            if is_counted(extension):
                copy.write(block)
        document = FaxDocument(extension=extension, size=hashed.length, sha256=hashed.sha256, open=_unread)
        check_documents([document], vendor)
        if not _begins_as(extension, head):
            raise FaxDocumentError(
                f"The document is called .{extension} but does not begin like one. Check that it is the right file."
            )
        return replace(document, pages=count_pages(extension, cast("BinaryIO", copy)))


def _unread() -> BinaryIO:
    """Stand in for the way to read a document that is just being read."""
    raise FaxDocumentError("The document is not loaded yet.")


def _type_of(head: bytes) -> str:
    """Tell the type of a file without an extension by how it begins; empty if that does not tell."""
    return next((extension for extension in _TOLD_BY_CONTENT if _begins_as(extension, head)), "")


def _find_type_problem(path: DocumentPath, vendor: FaxVendor) -> str:
    """Say what is wrong with the type that a name tells; empty if nothing is."""
    try:
        check_type(path.suffix.lower().removeprefix("."), vendor)
    except FaxDocumentError as error:
        return str(error)
    return ""


def _begins_as(extension: str, head: bytes) -> bool:
    if extension == "pdf":
        # Readers accept a few bytes in front of the header, and so do the fax services' converters.
        return b"%PDF-" in head[:_PDF_WINDOW]
    if extension == "ps":
        return _POSTSCRIPT.match(head) is not None
    signatures = _SIGNATURES.get(extension)
    return signatures is None or head.startswith(signatures)
