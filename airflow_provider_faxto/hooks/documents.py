"""From what a DAG names to a document that can be faxed: found, measured, hashed and checked, not kept."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from airflow_provider_faxto.fax.documents import FaxDocument, RunningHash
from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.fax.numbers import mask_numbers_in
from airflow_provider_faxto.vendors.parsing import check_documents, check_type, is_plain_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.vendors.base import FaxVendor

__all__ = ["DocumentSource", "load_document", "load_documents"]

DocumentSource: TypeAlias = "str | os.PathLike[str] | FaxDocument"
"""A local path, a URL that ``ObjectStoragePath`` reads (``s3://bucket/key``), an ``ObjectStoragePath``, or a
document that is loaded already."""

_BLOCK = 64 * 1024
_HEAD = 16 * 1024
_PDF_WINDOW = 1024
# Which package reads a scheme; the extras are those of the packages' own documentation.
_STORAGE_PACKAGES = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
    "sftp": "apache-airflow-providers-sftp",
    "ssh": "apache-airflow-providers-sftp",
}
# Where ObjectStoragePath leads to this machine's own files.
_LOCAL = frozenset({"", "file", "local"})
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


def load_documents(sources: Sequence[DocumentSource], vendor: FaxVendor) -> list[FaxDocument]:
    """Load all documents of one fax and check them against what the vendor takes.

    :param sources: the documents, in the order in which they are to be faxed.
    :param vendor: the vendor that shall send them.
    :return: the documents.
    :raises FaxDocumentError: if one cannot be faxed (see :func:`load_document`), or all together are larger
        than the vendor takes.
    """
    documents: list[FaxDocument] = []
    for source in sources:
        problem = ""
        try:
            documents.append(load_document(source, vendor))
        except FaxDocumentError as error:
            problem = str(error)
        if problem:
            # Outside the handler, so that the first error does not stay attached.
            which = f"Document {len(documents) + 1} of {len(sources)}: " if len(sources) > 1 else ""
            raise FaxDocumentError(f"{which}{problem}")
    check_documents(documents, vendor)
    return documents


def load_document(source: DocumentSource, vendor: FaxVendor) -> FaxDocument:
    """Load one document: find it, measure it, hash it, and look at its first bytes. It is read in blocks.

    A file of this machine is a regular file, and is read as far as it was long when it was opened.

    No message tells the document's name, since names of files often tell whom they are about. A storage library
    may say at DEBUG what it opens; that is not in our hands.

    :param source: the document.
    :param vendor: the vendor that shall send it.
    :return: the document.
    :raises FaxDocumentError: if it is missing, unreadable, not a regular file, empty, too large, of a type that the
        vendor does not take, or if its content does not begin as its type does. The content of a document that is
        loaded already is not looked at. The document's ``open`` raises it, too, if a file of this machine has another
        size then.
    """
    if isinstance(source, FaxDocument):
        check_documents([source], vendor)
        return source
    path = _as_path(source)
    extension = path.suffix.lower().removeprefix(".")
    check_type(extension, vendor)
    hashed, head, limit = RunningHash(), b"", vendor.max_document_bytes + 1
    problem = ""
    try:
        with _open(path) as file:
            if _is_local(path):
                limit = min(limit, os.fstat(file.fileno()).st_size)
            while block := file.read(min(_BLOCK, limit - hashed.length)):
                head += block[: _HEAD - len(head)]
                hashed.update(block)
    except FileNotFoundError:
        problem = f"The document does not exist: {_describe(path)}. Check the path on the worker."
    except FaxDocumentError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        scheme = "" if _is_local(path) else getattr(path, "protocol", "")
        problem = (
            f"The document cannot be read ({type(error).__name__}): {_describe(path)}. Check that it is a file and "
            f"that the worker may read it.{f' {_needed_for(scheme)}' if isinstance(scheme, str) and scheme else ''}"
        )
    if problem:
        # Outside the handlers: inside, the library's error, which tells the name, would stay attached.
        raise FaxDocumentError(problem)
    document = FaxDocument(
        extension=extension,
        size=hashed.length,
        sha256=hashed.sha256,
        open=partial(_open, path, size=hashed.length),
    )
    check_documents([document], vendor)
    if not _begins_as(extension, head):
        raise FaxDocumentError(
            f"The document is called .{extension} but does not begin like one. Check that it is the right file."
        )
    return document


def _describe(path: Any) -> str:  # noqa: ANN401 - Path or ObjectStoragePath, by duck
    """Tell where a document is looked for and of what type it is, without its name, which often tells a person's."""
    kind = path.suffix.lower()
    what = f"a {kind} file" if is_plain_type(kind[1:]) else "a file"
    # A bucket may be called after a person as well; the folders of this machine are an administrator's.
    return f"{what} in {mask_numbers_in(str(path.parent))}" if _is_local(path) else what


def _needed_for(scheme: str) -> str:
    """Ask for the package that reads a scheme."""
    package = _STORAGE_PACKAGES.get(scheme.lower(), f"the provider of its storage ({scheme}://)")
    return f"Is {package} installed on the worker?"


def _begins_as(extension: str, head: bytes) -> bool:
    if extension == "pdf":
        # Readers accept a few bytes in front of the header, and so do the fax services' converters.
        return b"%PDF-" in head[:_PDF_WINDOW]
    if extension == "ps":
        return _POSTSCRIPT.match(head) is not None
    signatures = _SIGNATURES.get(extension)
    return signatures is None or head.startswith(signatures)


def _as_path(source: str | os.PathLike[str]) -> Any:  # noqa: ANN401 - Path or ObjectStoragePath, by duck
    if isinstance(source, str) and "://" in source:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        problem = ""
        try:
            return _as_local(ObjectStoragePath(source))
        except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
            problem = type(error).__name__
        raise FaxDocumentError(
            f"The document's storage cannot be used ({problem}). {_needed_for(source.partition('://')[0])}"
        )
    if isinstance(source, str) or _is_local(source):
        return Path(source)
    if hasattr(source, "suffix") and hasattr(source, "open"):
        return _as_local(source)
    if isinstance(source, os.PathLike):
        return Path(source)
    raise FaxDocumentError(
        f"A document must be a path, a storage URL or an ObjectStoragePath, not {type(source).__name__}."
    )


def _as_local(path: Any) -> Any:  # noqa: ANN401 - Path or ObjectStoragePath, by duck
    """Give a file of this machine as a ``Path``, however it is named."""
    return Path(path.path) if getattr(path, "protocol", None) in _LOCAL else path


def _is_local(path: object) -> bool:
    # On Airflow 2 an ObjectStoragePath is a Path too, whatever its storage.
    return isinstance(path, Path) and not hasattr(path, "protocol")


def _open(path: Any, *, size: int | None = None) -> BinaryIO:  # noqa: ANN401 - Path or ObjectStoragePath, by duck
    """Open a document; a file of this machine must be a regular one, and of the size that it had."""
    if not _is_local(path):
        return cast("BinaryIO", path.open("rb"))
    # A pipe without a writer would hold up who opens it, for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with contextlib.ExitStack() as unless_good:
        unless_good.callback(os.close, descriptor)
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise FaxDocumentError(
                "The document cannot be read: it is not a regular file, but a directory, a pipe, a socket or a device."
            )
        if size is not None and found.st_size != size:
            raise FaxDocumentError("The document is no longer what it was when it was loaded.")
        unless_good.pop_all()
    return os.fdopen(descriptor, "rb", buffering=0)
