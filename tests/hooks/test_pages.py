"""Counting pages: by the page tree alone, whatever else a file says, and never for longer than a glance."""

from __future__ import annotations

import contextlib
import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.hooks.pages import count_pages
from airflow_provider_faxto.simulator.pdf import make_pdf

PDF = make_pdf(3)


def count(content, extension="pdf"):
    return count_pages(extension, io.BytesIO(content))


@pytest.mark.parametrize("pages", [1, 2, 20, 500])
def test_the_pages_of_a_pdf_are_counted(pages):
    assert count(make_pdf(pages)) == pages


def test_the_pages_are_counted_and_not_what_the_root_says_of_them():
    assert count(PDF.replace(b"/Count 3", b"/Count 1")) == 3


def test_pages_of_pages_are_counted():
    nested = PDF.replace(b"/Kids [3 0 R 4 0 R 5 0 R]", b"/Kids [3 0 R 3 0 R 3 0 R]")

    assert count(nested) == 3


def test_a_page_tree_that_names_itself_ends():
    endless = PDF.replace(b"/Kids [3 0 R 4 0 R 5 0 R]", b"/Kids [2 0 R 2 0 R 2 0 R]")

    with pytest.raises(FaxDocumentError, match="does not end"):
        count(endless)


def test_a_pdf_whose_table_lies_elsewhere_is_counted_all_the_same():
    assert count(b"\n" * 100 + PDF) == 3
    assert count(PDF + b"\n" * 100) == 3


@pytest.mark.parametrize("extension", ["png", "jpg", "jpeg"])
def test_a_picture_is_one_page(extension):
    assert count(b"anything", extension) == 1


@pytest.mark.parametrize("extension", ["tif", "tiff", "gif", "ps", "txt", "docx", "html"])
def test_what_the_vendor_makes_pages_of_cannot_be_counted(extension):
    assert count(b"anything", extension) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.4",
        PDF[:200],
        PDF.replace(b"%%EOF", b""),
        b"%PDF-1.7\nhello\n%%EOF\n",
        PDF.replace(b"/Pages 2 0 R", b""),
    ],
    ids=["empty", "header", "cut off", "no end", "no table", "no tree"],
)
def test_a_damaged_pdf_is_refused(content):
    with pytest.raises(FaxDocumentError, match="damaged PDF or one that was cut off") as caught:
        count(content)
    assert caught.value.__context__ is None


def test_a_pdf_without_pages_is_refused():
    with pytest.raises(FaxDocumentError, match="without pages"):
        count(make_pdf(0))


@given(st.binary(max_size=300))
def test_any_content_is_counted_or_refused(content):
    for candidate in (content, b"%PDF-1.4\n" + content + b"\n%%EOF\n"):
        with contextlib.suppress(FaxDocumentError):
            assert count(candidate) >= 1


@given(st.integers(0, len(PDF)), st.binary(max_size=20), st.integers(0, 40))
def test_a_pdf_with_some_other_bytes_is_counted_or_refused(place, other, gone):
    with contextlib.suppress(FaxDocumentError):
        assert count(PDF[:place] + other + PDF[place + gone :]) >= 1


def test_what_stands_in_a_damaged_document_reaches_no_log(caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(FaxDocumentError):
        count(b"Jane Roe %PDF-1.4\nJane Roe\nstartxref\nJane Roe\n%%EOF\n")

    assert "Jane" not in caplog.text
