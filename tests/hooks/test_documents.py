"""Documents: found, measured, hashed and checked before anything is sent, and never named."""

from __future__ import annotations

import hashlib
import io
import os
import pathlib
import socket
import uuid

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.hooks.documents import load_document, load_documents
from airflow_provider_faxto.hooks.frame_locals import forgets_locals
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.vendors.base import ConnectionSettings
from airflow_provider_faxto.vendors.faxto import FaxToVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor

PDF = make_pdf(mark="Jane Roe")
NAME = "jane-roe-discharge-letter"


@pytest.fixture
def vendor():
    return InterFaxVendor(login="me", password="secret")


@pytest.fixture
def faxto():
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="a", password="key"))


@pytest.fixture
def write(tmp_path):
    def make(content=PDF, extension="pdf"):
        path = tmp_path / f"{NAME}.{extension}"
        path.write_bytes(content)
        return path

    return make


def refused(log_watch, load, *arguments):
    """Return the message of the refusal, after a look whether it names the document."""
    with pytest.raises(FaxDocumentError) as caught:
        # As the hook calls it.
        forgets_locals(load)(*arguments)
    # A storage library says at DEBUG what it opens; that is its own, as its access to the storage is.
    log_watch.records = [record for record in log_watch.records if not record.name.startswith("fsspec")]
    log_watch.check(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    "named",
    [str, pathlib.Path, lambda path: f"file://{path}", lambda path: ObjectStoragePath(f"file://{path}"), os.fspath],
    ids=["text", "path", "url", "storage", "fspath"],
)
def test_a_document_is_found_however_it_is_named(write, vendor, named):
    document = load_document(named(write()), vendor)

    assert (document.extension, document.size) == ("pdf", len(PDF))
    assert document.sha256 == hashlib.sha256(PDF).hexdigest()
    with document.open() as file:
        assert file.read() == PDF


def test_anything_with_a_path_is_a_document(write, vendor):
    class Somewhere:
        def __fspath__(self):
            return str(write())

    assert load_document(Somewhere(), vendor).size == len(PDF)


def test_a_document_that_is_larger_than_a_block_is_hashed_whole(write, vendor):
    content = PDF + bytes(range(256)) * 10_000

    assert load_document(write(content), vendor).sha256 == hashlib.sha256(content).hexdigest()


def test_an_extension_counts_in_any_case(write, vendor):
    assert load_document(write(extension="PDF"), vendor).extension == "pdf"


@pytest.mark.parametrize("url", [False, True])
def test_a_missing_document_is_said_to_be_missing(tmp_path, vendor, log_watch, url):
    path = str(tmp_path / f"{NAME}.pdf")

    assert "does not exist" in refused(log_watch, load_document, f"file://{path}" if url else path, vendor)


def test_a_missing_document_is_told_by_its_place_its_folder_and_its_type(tmp_path, vendor, write, log_watch):
    def load(paths, vendor):
        return load_documents(paths, vendor)

    missing = str(tmp_path / f"{NAME}-2.pdf")
    message = refused(log_watch, load, [write(), missing], vendor)

    assert message.startswith(f"Document 2 of 2: The document does not exist: a .pdf file in {tmp_path}.")
    assert refused(log_watch, load, [missing], vendor).startswith("The document does not exist: ")


def test_a_folder_that_is_called_after_a_number_does_not_show_it(tmp_path, vendor, log_watch):
    message = refused(log_watch, load_document, str(tmp_path / "12025550123" / f"{NAME}.pdf"), vendor)

    assert message.startswith("The document does not exist: a .pdf file in ")
    assert "2025550123" not in message


@pytest.mark.parametrize(
    ("url", "package"),
    [("s3://bucket/a.pdf", "amazon[s3fs]"), ("gs://bucket/a.pdf", "google"), ("abfs://box/a.pdf", "microsoft-azure")],
)
def test_a_storage_that_cannot_be_used_names_the_package_that_reads_it(vendor, log_watch, url, package):
    assert f"Is apache-airflow-providers-{package} installed" in refused(log_watch, load_document, url, vendor)


def test_an_empty_document_is_refused(write, vendor, log_watch):
    assert "is empty" in refused(log_watch, load_document, write(b""), vendor)


@pytest.mark.parametrize("url", [False, True])
def test_a_directory_is_no_document(tmp_path, vendor, log_watch, url):
    path = tmp_path / f"{NAME}.pdf"
    path.mkdir()

    assert "cannot be read" in refused(log_watch, load_document, f"file://{path}" if url else str(path), vendor)


@pytest.mark.parametrize("named", [str, "file://{}".format, lambda path: ObjectStoragePath(f"file://{path}")])
@pytest.mark.parametrize("has_writer", [False, True])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path, vendor, log_watch, named, has_writer):
    path = tmp_path / f"{NAME}.pdf"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR | os.O_NONBLOCK) if has_writer else None

    message = refused(log_watch, load_document, named(str(path)), vendor)

    assert "not a regular file" in message
    if writer is not None:
        os.close(writer)


def test_a_socket_is_refused(tmp_path, vendor, log_watch, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("letter.pdf")

        assert "cannot be read" in refused(log_watch, load_document, "letter.pdf", vendor)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(tmp_path, vendor, log_watch, device):
    path = tmp_path / f"{NAME}.pdf"
    path.symlink_to(device)

    assert "not a regular file" in refused(log_watch, load_document, path, vendor)


def test_a_link_to_a_file_is_followed(write, tmp_path, vendor):
    path = tmp_path / "latest.pdf"
    path.symlink_to(write())

    assert load_document(path, vendor).size == len(PDF)


def test_a_file_that_grows_while_it_is_read_is_read_as_far_as_it_was_long(write, vendor, monkeypatch):
    path = write()
    measure = os.fstat

    def grow_after(descriptor):
        found = measure(descriptor)
        with path.open("ab") as file:
            file.write(b" and more")
        return found

    monkeypatch.setattr(os, "fstat", grow_after)

    document = load_document(path, vendor)

    assert len(PDF) <= document.size < path.stat().st_size
    with pytest.raises(FaxDocumentError, match="no longer what it was"):
        document.open()


@pytest.mark.parametrize("content", [PDF + b"!", PDF[:-1], b""])
def test_a_file_of_another_size_is_not_opened_any_more(write, vendor, content):
    path = write()
    document = load_document(path, vendor)
    path.write_bytes(content)

    with pytest.raises(FaxDocumentError, match="no longer what it was"):
        document.open()


def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(write, vendor):
    path = write()
    document = load_document(path, vendor)
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(FaxDocumentError, match="not a regular file"):
        document.open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_document_is_refused(write, vendor, log_watch):
    path = write()
    path.chmod(0)

    assert "PermissionError" in refused(log_watch, load_document, path, vendor)


def test_a_path_that_can_be_none_is_refused(vendor, log_watch):
    assert "cannot be read" in refused(log_watch, load_document, f"{NAME}\0.pdf", vendor)


@pytest.mark.parametrize("url", [False, True])
def test_a_document_that_is_too_large_is_refused_with_the_limit(tmp_path, vendor, log_watch, url):
    path = tmp_path / f"{NAME}.pdf"
    with path.open("wb") as file:
        file.write(PDF)
        file.truncate(20_000_001)

    message = refused(log_watch, load_document, f"file://{path}" if url else path, vendor)

    assert "larger than 20,000,000 bytes" in message


def test_a_document_that_is_too_large_is_not_read_to_its_end(vendor, log_watch):
    blocks = []

    class Long(io.BytesIO):
        def read(self, size=-1):
            blocks.append(size)
            return bytes(size) if sum(blocks) < 100_000_000 else b""

    class Storage:
        suffix = ".pdf"

        def open(self, mode):
            return Long()

    assert "larger than" in refused(log_watch, load_document, Storage(), vendor)
    assert sum(blocks) < 22_000_000


def test_a_document_of_just_the_limit_is_taken(tmp_path, vendor):
    path = tmp_path / "limit.pdf"
    with path.open("wb") as file:
        file.write(PDF)
        file.truncate(20_000_000)

    assert load_document(path, vendor).size == 20_000_000


def test_documents_that_are_too_large_together_are_refused(tmp_path, vendor, log_watch):
    paths = [tmp_path / f"{NAME}-{number}.pdf" for number in (1, 2)]
    for path in paths:
        with path.open("wb") as file:
            file.write(PDF)
            file.truncate(10_000_001)

    message = refused(log_watch, load_documents, paths, vendor)

    assert "20,000,002 bytes together" in message


def test_documents_keep_their_order(tmp_path, vendor):
    paths = []
    for number in range(3):
        paths.append(tmp_path / f"{number}.pdf")
        paths[-1].write_bytes(PDF + bytes(number))

    assert [document.size for document in load_documents(paths, vendor)] == [len(PDF) + n for n in range(3)]


@pytest.mark.parametrize("extension", ["exe", "zip", ""])
def test_a_type_that_the_vendor_does_not_take_is_refused_with_those_it_takes(write, vendor, log_watch, extension):
    message = refused(log_watch, load_document, write(b"MZ", extension), vendor)

    assert "InterFAX" in message
    assert "pdf" in message


def test_a_type_that_another_vendor_takes_is_refused_all_the_same(write, vendor, faxto, log_watch):
    path = write(b"<html>", "html")

    assert load_document(path, vendor).extension == "html"
    assert "Fax.to" in refused(log_watch, load_document, path, faxto)


@pytest.mark.parametrize("extension", ["pdf", "tif", "tiff", "png", "jpg", "jpeg", "gif", "ps", "rtf", "docx", "xlsx"])
def test_a_file_that_does_not_begin_as_its_type_does_is_refused(write, vendor, log_watch, extension):
    message = refused(log_watch, load_document, write(b"MZ\x90 something else", extension), vendor)

    assert f"is called .{extension}" in message


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("pdf", b"\xef\xbb\xbf" + PDF),
        ("tif", b"II*\x00 tiff"),
        ("tiff", b"MM\x00* tiff"),
        ("png", b"\x89PNG\r\n\x1a\n png"),
        ("jpg", b"\xff\xd8\xff jpeg"),
        ("jpeg", b"\xff\xd8\xff jpeg"),
        ("gif", b"GIF89a gif"),
        ("ps", b"%!PS-Adobe"),
        ("ps", b"\x04%!PS-Adobe"),
        ("ps", b"\x04\x04%!PS-Adobe"),
        ("ps", b"\x1b%-12345X@PJL\r\n@PJL SET RESOLUTION=600\r\n@PJL ENTER LANGUAGE=POSTSCRIPT\r\n%!PS-Adobe-3.0"),
        ("ps", b'\x04\x1b%-12345X@PJL JOB NAME="x"\n@PJL COMMENT ' + b"x" * 9000 + b"\n\n%!PS-Adobe"),
        ("ps", b"\x1b%-12345X%!PS"),
        ("ps", b"\x1bE\x1b%-12345X@PJL ENTER LANGUAGE=POSTSCRIPT\n%!PS-Adobe"),
        ("pdf", b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n" + PDF),
        ("pdf", b"\0" * 1019 + PDF),
        ("rtf", b"{\\rtf1 text}"),
        ("docx", b"PK\x03\x04 zip"),
        ("xlsx", b"PK\x03\x04 zip"),
        ("pptx", b"PK\x03\x04 zip"),
        ("txt", b"anything at all"),
    ],
)
def test_a_file_that_begins_as_its_type_does_is_taken(write, vendor, extension, content):
    assert load_document(write(content, extension), vendor).extension == extension


@pytest.mark.parametrize(
    ("extension", "content"),
    [
        ("ps", b"\x04"),
        ("ps", b"\x1b%-12345X@PJL ENTER LANGUAGE=PCL\r\n\x1bE"),
        ("ps", b"@PJL " + b"x" * 100_000 + b"%!PS"),
        ("ps", b"@PJL\n\r\n" * 20_000),
        ("ps", b"text %!PS"),
        ("pdf", b"\0" * 1020 + b"%PDF-1.4"),
    ],
)
def test_a_file_that_only_holds_the_mark_of_its_type_somewhere_is_refused(write, vendor, log_watch, extension, content):
    assert f"is called .{extension}" in refused(log_watch, load_document, write(content, extension), vendor)


def test_the_first_bytes_may_come_one_by_one(vendor):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1) if self.tell() < 50 else size)

    class Storage:
        suffix = ".ps"

        def open(self, mode):
            return Slow(b"\x04%!PS-Adobe")

    assert load_document(Storage(), vendor).size == 11


@pytest.mark.parametrize("name", ["letter.Dr. Jane Roe +12025550123", "letter.+12025550123", "letter.12025550123"])
def test_a_type_that_may_be_a_name_or_a_number_is_not_shown(tmp_path, vendor, log_watch, name):
    message = refused(log_watch, load_document, str(tmp_path / name), vendor)

    assert "of an unknown type cannot be faxed" in message
    assert "roe" not in message.lower()
    assert "2025550" not in message


@pytest.mark.parametrize("name", [str, ObjectStoragePath], ids=["url", "path"])
def test_a_document_in_a_storage_is_read_there(vendor, name):
    try:
        from airflow.sdk.io import attach
    except ImportError:
        from airflow.io.store import attach
    attach(protocol="memory", fs=MemoryFileSystem())
    url = f"memory://bucket/{uuid.uuid4().hex}.pdf"
    with ObjectStoragePath(url).open("wb") as file:
        file.write(PDF)

    document = load_document(name(url), vendor)

    assert document.size == len(PDF)
    with document.open() as file:
        assert file.read() == PDF


@pytest.mark.parametrize("url", [f"s3://bucket/{NAME}.pdf", f"nowhere://{NAME}/{NAME}.pdf"])
def test_a_storage_that_is_not_installed_is_named_and_its_file_is_not(vendor, log_watch, url):
    message = refused(log_watch, load_document, url, vendor)

    assert "installed on the worker?" in message


@pytest.mark.parametrize("error", [RuntimeError, KeyError, EOFError, PermissionError, TimeoutError])
def test_an_error_of_a_storage_library_does_not_tell_the_name(vendor, log_watch, error):
    class Storage:
        suffix = ".pdf"

        def open(self, mode):
            raise error(f"403 for bucket/{NAME}.pdf")

    assert error.__name__ in refused(log_watch, load_document, Storage(), vendor)


def test_a_document_that_breaks_off_while_it_is_read_is_refused(vendor, log_watch):
    class Breaking(io.BytesIO):
        def read(self, size=-1):
            raise RuntimeError(f"lost {NAME}.pdf")

    class Storage:
        suffix = ".pdf"

        def open(self, mode):
            return Breaking()

    assert "RuntimeError" in refused(log_watch, load_document, Storage(), vendor)


@pytest.mark.parametrize("source", [None, 12, b"letter.pdf", ["letter.pdf"]])
def test_what_is_no_path_is_refused(vendor, log_watch, source):
    assert "must be a path" in refused(log_watch, load_document, source, vendor)


# Documents that were loaded elsewhere ------------------------------------------------------------------


def test_a_loaded_document_is_taken_as_it_is(vendor):
    document = FaxDocument.from_bytes(PDF, "pdf")

    assert load_document(document, vendor) is document


@pytest.mark.parametrize(
    ("content", "extension", "words"),
    [(b"", "pdf", "is empty"), (b"<html>", "html", "cannot be faxed with Fax.to"), (b"x", "exe", "cannot be faxed")],
)
def test_a_loaded_document_is_checked_too(faxto, log_watch, content, extension, words):
    assert words in refused(log_watch, load_document, FaxDocument.from_bytes(content, extension), faxto)


def test_loaded_documents_that_are_too_large_are_refused(vendor, log_watch):
    large, half = (
        FaxDocument(extension="pdf", size=size, sha256="0" * 64, open=io.BytesIO) for size in (20_000_001, 10_000_001)
    )

    assert "larger than 20,000,000" in refused(log_watch, load_document, large, vendor)
    assert "20,000,002 bytes together" in refused(log_watch, load_documents, [half, half], vendor)
