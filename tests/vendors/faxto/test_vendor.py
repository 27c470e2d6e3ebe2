"""Fax.to: what a connection sets, and sending a fax."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES, FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxInputError,
    FaxLostContactError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.vendors.base import (
    ConnectionSettings,
    FaxJob,
    FaxRequest,
    RequestKind,
    UploadedDocument,
)
from airflow_provider_faxto.vendors.faxto import FaxToVendor

KEY = "k+y/with=odd&signs 1"
NUMBER = FaxNumber("+12025550123")
PDF = FaxDocument.from_bytes(b"%PDF-1.4", "pdf")
UPLOADED = UploadedDocument(document_id="300", pages=1)
REFERENCE = "airflow-" + "0a" * 16
HTML = b"<html>Bad gateway</html>"
UPLOAD_ANSWER = {
    "status": "Success",
    "document_id": 300,
    "total_pages": 2,
    "document": {"filename": "598317a8404bd.pdf.tiff", "filename_uploaded": "a.pdf", "total_pages": 2, "id": 301},
}
SEND_ANSWER = {"status": "executed", "fax_job_id": 200, "user_cash_balance": 100, "cost": 0.15}


def make(password=KEY, **extra) -> FaxToVendor:
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password=password, extra=extra))


@pytest.fixture
def vendor() -> FaxToVendor:
    return make()


# The connection ----------------------------------------------------------------------------------------


def test_what_the_vendor_takes(vendor):
    assert (vendor.name, vendor.label, vendor.default_host) == ("faxto", "Fax.to", "https://fax.to")
    assert vendor.max_documents == 1
    assert vendor.max_document_bytes == 20 * 1024 * 1024
    assert vendor.document_types == set(DOCUMENT_TYPES) - {"htm", "html"}
    assert vendor.send_options == {"sender_id", "delete_after_sending"}


@pytest.mark.parametrize("password", [None, "", "  "])
def test_a_connection_without_a_key_is_a_configuration_error(password):
    with pytest.raises(FaxConfigurationError, match="'fax' has no API key"):
        make(password)


@pytest.mark.parametrize(
    ("password", "extra"),
    [
        ("key", {"api_version": "v3"}),
        ("key", {"api_version": 2}),
        ("key", {"api_version": ["v2"]}),
        ("key", {"api_key_in": "body"}),
        ("key", {"status_messages": {"success": "sent"}}),
        ("key", {"code_outcomes": {"busy": "pending"}}),
        ("secret\nkey", {}),
        ("schlüssel", {"api_key_in": "header"}),
    ],
)
def test_a_connection_that_cannot_be_used_is_a_configuration_error(password, extra):
    with pytest.raises(FaxConfigurationError, match="'fax'") as caught:
        make(password, **extra)
    assert password not in str(caught.value) or password == "key"


def test_extras_of_other_layers_are_not_looked_at():
    assert make(timeout=object(), default_region=7, anything=None, api_version="", api_key_in=None)


def test_the_key_travels_in_the_query_by_default(vendor):
    request = next(vendor.estimate_cost(NUMBER, "300"))
    authorized = next(vendor.auth_flow(request))

    assert authorized.query == (("fax_number", "+12025550123"), ("api_key", KEY))
    assert "api_key" not in authorized.headers


def test_the_key_travels_in_a_header_on_request():
    vendor = make(api_key_in="header")
    authorized = next(vendor.auth_flow(next(vendor.get_balance())))

    assert authorized.headers == {"api_key": KEY}
    assert tuple(authorized.query) == ()


@pytest.mark.parametrize(
    "password",
    [" 5up3r", "5up3r\n", "5up3r\r\n", "\t5up3r", "5u\np3r", "5u\0p3r", "5u\u200bp3r", "5up3r\u00a0", "\ud8005up3r"],
)
def test_a_key_with_what_a_slip_added_is_refused_before_any_call(password):
    with pytest.raises(FaxConfigurationError, match="'fax': the API key") as caught:
        make(password)
    assert "p3r" not in str(caught.value)


def test_every_form_of_the_key_is_secret(vendor):
    assert vendor.secrets == (KEY, "k%2By%2Fwith%3Dodd%26signs%201", "k%2By%2Fwith%3Dodd%26signs+1")
    assert make("plain").secrets == ("plain",)


def test_no_repr_shows_the_key_or_a_number(vendor):
    request = next(vendor.auth_flow(next(vendor.send_fax(NUMBER, [UPLOADED]))))

    for shown in (repr(vendor), repr(request), request.action):
        assert not any(secret in shown for secret in vendor.secrets)
        assert "2025550" not in shown


# Sending -----------------------------------------------------------------------------------------------


def test_a_document_is_uploaded_under_the_reference_and_then_sent(vendor, run, answer):
    job = run(
        vendor.send_fax(NUMBER, [PDF], reference=REFERENCE), [answer(200, UPLOAD_ANSWER), answer(200, SEND_ANSWER)]
    )
    upload, send = run.requests

    assert (upload.kind, upload.method, upload.path) == (RequestKind.UPLOAD, "POST", "/api/v2/files")
    (part,) = upload.parts
    assert (part.name, part.content, part.filename) == ("file", PDF, f"{REFERENCE}.pdf")
    assert part.content_type == "application/pdf"
    assert send == FaxRequest(
        action="send a fax to +*******0123",
        kind=RequestKind.SEND,
        method="POST",
        path="/api/v2/fax",
        form=[("fax_number", "+12025550123"), ("document_id", "300")],
        document_id="300",
    )
    assert job == FaxJob(vendor="faxto", job_id="200", cost=Decimal("0.15"), balance=Decimal(100), document_id="300")


def test_an_uploaded_document_is_only_sent(vendor, run, answer):
    run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(200, SEND_ANSWER)])

    (send,) = run.requests
    assert send.kind is RequestKind.SEND


def test_v1_differs_in_the_paths_alone(run, answer):
    run(make(api_version="v1").send_fax(NUMBER, [PDF]), [answer(200, UPLOAD_ANSWER), answer(200, SEND_ANSWER)])

    assert [request.path for request in run.requests] == ["/api/v1/files", "/api/v1/fax"]


def test_a_document_without_a_reference_gets_a_neutral_name(vendor):
    assert next(vendor.send_fax(NUMBER, [PDF])).parts[0].filename == "document.pdf"


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (SendOptions(), []),
        (SendOptions(sender_id=" +12025550100 "), [("tsi_number", "+12025550100")]),
        (SendOptions(delete_after_sending=True), [("delete_file", "1")]),
        (SendOptions(delete_after_sending=False), []),
        (SendOptions(sender_id="Office", delete_after_sending=True), [("tsi_number", "Office"), ("delete_file", "1")]),
    ],
)
def test_options_are_sent_only_when_set(vendor, options, fields):
    request = next(vendor.send_fax(NUMBER, [UPLOADED], options=options))

    assert request.form[2:] == fields


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"documents": [PDF], "options": SendOptions(resolution="fine")}, FaxUnsupportedError),
        ({"documents": [PDF, PDF]}, FaxUnsupportedError),
        ({"documents": []}, FaxInputError),
        ({"documents": [PDF], "options": SendOptions(sender_id=" ")}, FaxInputError),
        ({"documents": [PDF], "options": SendOptions(sender_id="a\nb")}, FaxInputError),
        ({"documents": [PDF], "reference": "with blank"}, FaxInputError),
        ({"documents": [PDF], "reference": "dotted.pdf"}, FaxInputError),
        ({"documents": [PDF], "reference": "../up"}, FaxInputError),
        ({"documents": [PDF], "reference": ""}, FaxInputError),
        ({"documents": [PDF], "reference": "x" * 101}, FaxInputError),
        ({"documents": [UploadedDocument(document_id="../1")]}, FaxInputError),
        ({"documents": [UploadedDocument(document_id="0")]}, FaxInputError),
    ],
)
def test_what_cannot_be_sent_is_an_error_before_any_request(vendor, run, arguments, error):
    with pytest.raises(error):
        run(vendor.send_fax(NUMBER, **arguments))
    assert run.requests == []


@pytest.mark.parametrize(
    ("content", "cost", "balance"),
    [
        ({"status": "Executed", "fax_job_id": "200", "cost": "0.15", "user_cash_balance": "100.10"}, "0.15", "100.10"),
        ({"status": "executed", "fax_job_id": 200.0}, None, None),
        ({"status": "executed", "fax_job_id": 200, "cost": "free", "user_cash_balance": None}, None, None),
    ],
)
def test_an_accepted_fax_is_read_whatever_the_types_of_its_numbers(vendor, run, answer, *, content, cost, balance):
    job = run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(200, content)])

    assert job.job_id == "200"
    assert job.cost == (cost and Decimal(cost))
    assert job.balance == (balance and Decimal(balance))


@pytest.mark.parametrize("http_status", [200, 400, 402, 422])
@pytest.mark.parametrize("status", ["failed", "FAILED", "error"])
def test_a_refusal_may_come_with_any_http_status(vendor, run, answer, http_status, status):
    content = {"status": status, "message": f"No credit for +1 202 555 0123, key {KEY}"}
    with pytest.raises(FaxRefusedError) as caught:
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(http_status, content)])

    assert "No credit" in str(caught.value)
    assert "555 0123" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert caught.value.http_status == http_status


@pytest.mark.parametrize(
    ("http_status", "content"),
    [(400, b""), (404, HTML), (405, HTML), (413, HTML), (400, {"message": "no"}), (422, ["no"]), (410, {"status": 1}),
     (400, {"error": "Bad Request", "message": "no", "status": 400}), (409, {"status": "failed"})],
)  # fmt: skip
def test_any_other_4xx_may_have_sent(vendor, run, answer, http_status, content):
    with pytest.raises(FaxLostContactError):
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(http_status, content)])


def test_a_refusal_without_a_reason_hints_at_credit(vendor, run, answer):
    with pytest.raises(FaxRefusedError, match="credit"):
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(200, {"status": "failed"})])


def test_a_long_refusal_is_cut(vendor, run, answer):
    with pytest.raises(FaxRefusedError) as caught:
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(200, {"status": "failed", "message": "no " * 10_000})])
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("http_status", [403, 429])
@pytest.mark.parametrize("content", [{"status": "failed"}, {"status": "Error"}])
def test_throttling_that_the_vendor_itself_states_was_not_sent(vendor, run, answer, http_status, content):
    with pytest.raises(FaxThrottledError) as caught:
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(http_status, content, retry_after="30")])
    assert caught.value.retry_after == 30


@pytest.mark.parametrize("http_status", [403, 429])
@pytest.mark.parametrize(
    "content", [HTML, b"", {"message": "Too many"}, {"error": "x"}, ["failed"], "failed", {"status": "executed"}]
)
def test_throttling_by_someone_unknown_may_have_sent(vendor, run, answer, http_status, content):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(http_status, content)])


@pytest.mark.parametrize(
    ("http_status", "content"),
    [
        (500, HTML),
        (500, {"status": "failed"}),
        (502, SEND_ANSWER),
        (302, b""),
        (301, SEND_ANSWER),
        (100, b""),
        (408, {"status": "failed"}),
        (409, {"status": "failed"}),
        (425, {"status": "failed"}),
        (600, b""),
        (0, b""),
        (200, HTML),
        (200, b""),
        (200, b'{"status": "executed", "fax_jo'),
        (200, []),
        (200, None),
        (200, "executed"),
        (200, {}),
        (200, {"status": "executed"}),
        (200, {"fax_job_id": 200}),
        (200, {"status": "success"}),
        (200, {"status": "executed", "fax_job_id": 0}),
        (200, {"status": "executed", "fax_job_id": -5}),
        (200, {"status": "executed", "fax_job_id": True}),
        (200, {"status": "executed", "fax_job_id": "abc"}),
        (200, {"status": "executed", "fax_job_id": 1.5}),
        (200, {"status": "executed", "fax_job_id": [200]}),
        (200, {"status": ["executed"], "fax_job_id": 200}),
        (400, {"status": "executed"}),
        (404, {"fax_job_id": 200}),
    ],
)
def test_a_send_without_a_readable_answer_is_lost_contact(vendor, run, answer, http_status, content):
    with pytest.raises(FaxLostContactError):
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(http_status, content)])


def test_an_odd_answer_to_a_send_tells_the_job_that_it_names(vendor, run, answer):
    with pytest.raises(FaxUnreadableAnswerError, match="fax job 200"):
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(200, {"status": "success", "fax_job_id": 200})])


def test_a_wrong_key_was_not_sent(vendor, run, answer):
    with pytest.raises(FaxAuthenticationError, match="401"):
        run(vendor.send_fax(NUMBER, [UPLOADED]), [answer(401, HTML)])


@pytest.mark.parametrize(("api_key_in", "is_said"), [("header", True), ("query", False)])
def test_a_wrong_key_is_told_with_the_hints_that_apply(run, answer, api_key_in, is_said):
    with pytest.raises(FaxAuthenticationError) as raised:
        run(make(api_key_in=api_key_in).get_balance(), [answer(401, HTML)])
    assert ("proxies may drop a header" in str(raised.value)) is is_said
