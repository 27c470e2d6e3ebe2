"""Fax.to: uploading, listing and deleting documents; history, prices and the balance."""

from __future__ import annotations

from decimal import Decimal

import pendulum
import pytest

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxDocumentError,
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.vendors.base import ConnectionSettings, RequestKind, UploadedDocument
from airflow_provider_faxto.vendors.faxto import FaxToVendor, StoredDocument

NUMBER = FaxNumber("+12025550123")
PDF = FaxDocument.from_bytes(b"%PDF-1.4", "pdf")
HTML = b"<html>Bad gateway</html>"
UPLOAD_ANSWER = {
    "status": "Success",
    "document_id": 300,
    "total_pages": 2,
    "document": {"filename": "598317a8404bd.pdf.tiff", "filename_uploaded": "a.pdf", "total_pages": 2, "id": 301},
}
CREATED = {"date": "2017-03-09 15:35:28.000000", "timezone_type": 3, "timezone": "UTC"}


@pytest.fixture
def vendor() -> FaxToVendor:
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password="key"))


def row(job_id, status="success", **more):
    return {
        "id": job_id,
        "created": CREATED,
        "document_id": 300,
        "document": "a.pdf",
        "recipient": "12025550123",
        "status": status,
        **more,
    }


def history(*rows):
    return {"status": "success", "history": list(rows)}


# Documents ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "uploaded"),
    [
        (UPLOAD_ANSWER, UploadedDocument(document_id="300", pages=2)),
        ({"status": "success", "document_id": "11"}, UploadedDocument(document_id="11")),
        ({"document_id": 11.0}, UploadedDocument(document_id="11")),
        (
            {"status": "SUCCESS", "document": {"id": 300, "total_pages": "3"}},
            UploadedDocument(document_id="300", pages=3),
        ),
        (
            {"status": "ok", "document_id": None, "document": {"id": 4}, "total_pages": 0},
            UploadedDocument(document_id="4", pages=0),
        ),
        ({"document_id": 5, "total_pages": -1, "document": []}, UploadedDocument(document_id="5")),
    ],
)
def test_an_upload_is_read_at_either_level(vendor, run, answer, content, uploaded):
    assert run(vendor.upload_document(PDF, name="report"), [answer(200, content)]) == uploaded
    assert run.requests[0].parts[0].filename == "report.pdf"


@pytest.mark.parametrize(
    ("http_status", "content"),
    [(200, {"status": "Failed", "message": "type"}), (400, {"status": "failed"}), (413, HTML), (415, b""), (422, b"")],
)
def test_a_document_that_is_turned_down_is_a_document_error(vendor, run, answer, http_status, content):
    with pytest.raises(FaxDocumentError) as caught:
        run(vendor.send_fax(NUMBER, [PDF]), [answer(http_status, content)])
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "content", [{}, {"status": "success"}, [], None, {"document_id": "x"}, {"document_id": -1}, HTML]
)
def test_an_upload_without_an_id_is_unreadable(vendor, run, answer, content):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.upload_document(PDF, name="report"), [answer(200, content)])


def test_an_upload_to_a_wrong_address_names_the_connection(vendor, run, answer):
    with pytest.raises(FaxRefusedError, match="host and api_version"):
        run(vendor.upload_document(PDF, name="report"), [answer(404, HTML)])


def test_a_document_can_be_fetched_by_the_vendor(vendor, run, answer):
    url = "https://files.example.com/a.pdf?signature=1"
    run(vendor.upload_document_from_url(url), [answer(200, UPLOAD_ANSWER)])

    (request,) = run.requests
    (part,) = request.parts
    assert (request.kind, request.path) == (RequestKind.UPLOAD, "/api/v2/files")
    assert (part.name, part.content, part.filename) == ("AddRemoteFile", url, None)
    assert "signature" not in repr(request)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a.pdf", "http://localhost/a", "http://[::1]/a", "HTTPS://a.example/b"]
)
def test_urls_that_can_be_fetched(vendor, url):
    assert next(vendor.upload_document_from_url(url)).parts[0].content == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.pdf",
        "http://files.example.com/a.pdf",
        "ftp://files.example.com/a",
        "file:///a",
        "https://",
        "https:///a",
        "https://[bad/a",
        "https://a.example/b c",
        "https://a.example/b\nc",
        "//a.example/b",
    ],
)
def test_other_urls_are_refused_without_being_shown(vendor, run, url):
    with pytest.raises(FaxInputError) as caught:
        run(vendor.upload_document_from_url(url))
    assert "example" not in str(caught.value)
    assert run.requests == []


@pytest.mark.parametrize("wrap", [list, lambda rows: {"status": "success", "files": rows}])
def test_documents_are_listed_from_either_shape(vendor, run, answer, wrap):
    rows = [
        {"id": 2, "filename": "faxto.pdf", "pages": 1, "size": "39942", "uploaded": "2017-03-10"},
        {"id": "3", "filename": None, "pages": -1, "size": "120 KB", "uploaded": 7},
        {"filename": "no id.pdf"},
        "no row",
    ]
    documents = run(vendor.list_documents(page=2, limit=10), [answer(200, wrap(rows))])

    assert run.requests[0].path == "/api/v2/files"
    assert run.requests[0].query == [("limit", "10"), ("page", "2")]
    assert documents == [
        StoredDocument(
            document_id="2", filename="faxto.pdf", pages=1, size=39942, uploaded_at=pendulum.datetime(2017, 3, 10)
        ),
        StoredDocument(document_id="3"),
    ]
    assert "faxto" not in repr(documents)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"status": "failed", "message": "no"}, FaxRefusedError),
        ({"status": "success"}, FaxUnreadableAnswerError),
        ("x", FaxUnreadableAnswerError),
        ({"files": {}}, FaxUnreadableAnswerError),
        (HTML, FaxUnreadableAnswerError),
    ],
)
def test_a_list_that_is_none_is_an_error(vendor, run, answer, content, error):
    with pytest.raises(error):
        run(vendor.list_documents(), [answer(200, content)])


@pytest.mark.parametrize(("http_status", "content"), [(200, {"status": "Success"}), (404, {"status": "failed"})])
def test_a_document_is_deleted_or_gone_already(vendor, run, answer, http_status, content):
    assert run(vendor.delete_document("300"), [answer(http_status, content)]) is None

    (request,) = run.requests
    assert (request.kind, request.method, request.path) == (RequestKind.CHANGE, "DELETE", "/api/v2/files/300")


@pytest.mark.parametrize(
    ("http_status", "content", "error"),
    [
        (200, {"status": "failed"}, FaxRefusedError),
        (200, {}, FaxUnreadableAnswerError),
        (200, HTML, FaxUnreadableAnswerError),
        (200, {"status": "queued"}, FaxUnreadableAnswerError),
        (500, b"", FaxLostContactError),
        (403, HTML, FaxThrottledError),
    ],
)
def test_a_delete_is_not_done_unless_the_vendor_says_so(vendor, run, answer, *, http_status, content, error):
    with pytest.raises(error):
        run(vendor.delete_document("300"), [answer(http_status, content)])


# History, money, connection ----------------------------------------------------------------------------


def test_a_page_of_the_history(vendor, run, answer):
    rows = [row(5), row("4", "failed"), row(3, "executed", created="2017-08-03 12:31:38"), row(None), 7, {"id": 2}]
    page = run(vendor.get_history_page("3", limit=20), [answer(200, history(*rows))])

    assert run.requests[0].query == [("limit", "20"), ("page", "3")]
    assert page.next_cursor == "4"
    assert [(status.job_id, status.outcome) for status in page.statuses] == [
        ("5", FaxOutcome.SUCCESS),
        ("4", FaxOutcome.UNKNOWN),
        ("3", FaxOutcome.PENDING),
        ("2", FaxOutcome.PENDING),
    ]
    assert "get_status" in page.statuses[1].message
    assert page.statuses[0].submitted_at == pendulum.datetime(2017, 3, 9, 15, 35, 28)
    assert page.statuses[2].submitted_at == pendulum.datetime(2017, 8, 3, 12, 31, 38)


def test_the_history_ends_with_an_empty_page(vendor, run, answer):
    page = run(vendor.get_history_page(), [answer(200, history())])

    assert (page.statuses, page.next_cursor) == ([], None)
    assert dict(run.requests[0].query) == {"limit": "50", "page": "1"}


@pytest.mark.parametrize(("cursor", "limit"), [("0", 50), ("x", 50), ("", 50), ("-1", 50), ("1", 0)])
def test_a_page_that_is_none_is_an_error(vendor, run, cursor, limit):
    with pytest.raises(FaxInputError):
        run(vendor.get_history_page(cursor, limit=limit))


@pytest.mark.parametrize(("cost", "amount"), [(0.15, "0.15"), ("0.10", "0.10"), (1, "1")])
def test_the_cost_is_asked_with_the_number_as_it_is(vendor, run, answer, cost, amount):
    content = {"status": "success", "cost": cost, "balance": 7}

    assert run(vendor.estimate_cost(NUMBER, "300"), [answer(200, content)]) == Decimal(amount)
    (request,) = run.requests
    assert (request.kind, request.method, request.path) == (RequestKind.READ, "GET", "/api/v2/fax/300/costs")
    assert request.query == (("fax_number", "+12025550123"),)


def test_the_cost_of_an_unknown_document_is_not_found(vendor, run, answer):
    with pytest.raises(FaxNotFoundError, match="document 300"):
        run(vendor.estimate_cost(NUMBER, "300"), [answer(404, {"status": "failed", "message": "Document not found"})])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"status": "failed", "balance": 5}, FaxRefusedError),
        ({"status": "success"}, FaxUnreadableAnswerError),
        ({"balance": None}, FaxUnreadableAnswerError),
        ({"balance": "much"}, FaxUnreadableAnswerError),
        ({"balance": True}, FaxUnreadableAnswerError),
        (b'{"balance": NaN}', FaxUnreadableAnswerError),
        ([], FaxUnreadableAnswerError),
    ],
)
def test_a_balance_that_cannot_be_read_is_no_balance(vendor, run, answer, content, error):
    with pytest.raises(error):
        run(vendor.get_balance(), [answer(200, content)])


def test_the_check_of_a_connection_tells_the_balance(vendor, run, answer):
    sentence = run(vendor.check_connection(), [answer(200, {"status": "success", "balance": 100.10})])

    assert run.requests[0].path == "/api/v2/balance"
    assert "100.1 (account currency)" in sentence


def test_what_fax_to_does_not_offer_names_it(vendor, run):
    with pytest.raises(FaxUnsupportedError, match=r"Fax\.to"):
        run(vendor.cancel_fax("1"))
