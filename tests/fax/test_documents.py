"""Documents: what a value says of a file, and what it keeps to itself."""

from __future__ import annotations

import hashlib

import pytest

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES, FaxDocument, combined_sha256

CONTENT = b"%PDF-1.4 for Jane Roe"


def test_a_document_of_bytes_is_measured_and_hashed():
    document = FaxDocument.from_bytes(CONTENT, "pdf")

    assert document.size == len(CONTENT)
    assert document.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert document.media_type == "application/pdf"


def test_a_document_can_be_read_again_and_again():
    document = FaxDocument.from_bytes(CONTENT, "pdf")

    for _ in range(2):
        with document.open() as file:
            assert file.read() == CONTENT


def test_a_document_shows_neither_content_nor_how_it_is_opened():
    shown = repr(FaxDocument.from_bytes(CONTENT, "pdf"))

    assert "Roe" not in shown
    assert "open" not in shown


def test_documents_are_equal_by_content_not_by_where_it_lies():
    assert FaxDocument.from_bytes(CONTENT, "pdf") == FaxDocument.from_bytes(CONTENT, "pdf")
    assert FaxDocument.from_bytes(CONTENT, "pdf") != FaxDocument.from_bytes(CONTENT + b" ", "pdf")
    assert FaxDocument.from_bytes(CONTENT, "pdf") != FaxDocument.from_bytes(CONTENT, "txt")


@pytest.mark.parametrize("extension", sorted(DOCUMENT_TYPES))
def test_every_type_has_a_media_type(extension):
    assert "/" in FaxDocument.from_bytes(b"x", extension).media_type
    assert extension == extension.lower().strip(".")


def test_one_hash_for_several_documents_depends_on_their_order():
    one, other = FaxDocument.from_bytes(b"one", "txt"), FaxDocument.from_bytes(b"other", "txt")

    assert combined_sha256([one, other]) == combined_sha256([one, other])
    assert combined_sha256([one, other]) != combined_sha256([other, one])
    assert combined_sha256([one]) != combined_sha256([one, one])


def test_one_hash_is_not_confused_by_where_documents_are_cut():
    whole = [FaxDocument.from_bytes(b"ab", "txt"), FaxDocument.from_bytes(b"c", "txt")]
    cut = [FaxDocument.from_bytes(b"a", "txt"), FaxDocument.from_bytes(b"bc", "txt")]

    assert combined_sha256(whole) != combined_sha256(cut)
