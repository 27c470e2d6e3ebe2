"""InterFAX, request by request and answer by answer, without a network."""

from __future__ import annotations

import base64
import json
from decimal import Decimal

import pendulum
import pytest

from airflow_provider_faxto.fax import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxDocumentError,
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
    FaxUnsupportedError,
    FaxUploadLostError,
)
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.vendors.base import (
    ConnectionSettings,
    FaxRequest,
    RequestKind,
    UploadedDocument,
)
from airflow_provider_faxto.vendors.interfax import FaxImage, InterFaxVendor

NUMBER = FaxNumber("+442079460958")
KEY = "airflow-0123456789abcdef0123456789abcdef"
JOB = "667915751"
JOB_LOCATION = f"https://rest.interfax.net/outbound/faxes/{JOB}"
SESSION_ID = "89a48657279d45429c646029bd9227e6"
SESSION = f"https://rest.interfax.net/outbound/documents/{SESSION_ID}"
PASSWORD = "p@ss w/rd%1+ü"
PDF = FaxDocument.from_bytes(b"%PDF-1.4 small", "pdf")
TEXT = FaxDocument.from_bytes(b"second", "txt")
LARGE = FaxDocument.from_bytes(b"%PDF-1.4" + b"x" * 2_499_992, "pdf")

RECORD = {
    "id": int(JOB),
    "uri": JOB_LOCATION,
    "status": 0,
    "userId": "clerk",
    "pagesSent": 2,
    "completionTime": "2025-03-01T12:31:38",
    "remoteCSID": "FAX",
    "duration": 68,
    "priority": 2,
    "units": 2.00,
    "costPerUnit": 0.1500,
    "attemptsMade": 1,
    "submitTime": "2025-03-01T12:31:40",
    "contact": None,
    "destinationFax": "00442079460958",
    "replyEmail": "",
    "subject": KEY,
    "pagesSubmitted": 2,
    "attemptsToPerform": 4,
    "pageSize": "A4",
    "pageHeader": "0",
}


@pytest.fixture
def vendor():
    return InterFaxVendor(login="clerk", password=PASSWORD)


def settings(**changes):
    return ConnectionSettings(**{"conn_id": "fax", "login": "clerk", "password": PASSWORD, **changes})


def record(**changes):
    return {**RECORD, **changes}


# The connection


def test_login_and_password_travel_as_http_basic_in_utf_8():
    request = FaxRequest(action="x", kind=RequestKind.READ, method="GET", path="/", headers={"Range": "bytes=0-1"})

    authorized = next(InterFaxVendor.from_settings(settings()).auth_flow(request))

    kind, token = authorized.headers["Authorization"].split(" ")
    assert kind == "Basic"
    assert base64.b64decode(token).decode("utf-8") == f"clerk:{PASSWORD}"
    assert authorized.headers["Range"] == "bytes=0-1"
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"login": None}, "login"),
        ({"login": " "}, "login"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"login": "clerk:admin"}, "colon"),
        ({"login": "clerk "}, "login"),
        ({"login": "cl\0erk"}, "login"),
        ({"password": "secret\n"}, "password"),
        ({"password": "\tsecret"}, "password"),
        ({"password": "sec\rret"}, "password"),
        ({"extra": {"code_outcomes": {"busy": "fatal"}}}, "busy"),
        ({"extra": {"code_outcomes": {"0": "retryable"}}}, "0"),
        ({"extra": {"code_outcomes": {"00": "retryable"}}}, "00"),
        ({"extra": {"code_outcomes": {" -22": "fatal"}}}, "-22"),
        ({"extra": {"code_outcomes": {"3912": "success"}}}, "3912"),
        ({"extra": {"code_outcomes": ["3912"]}}, "code_outcomes"),
    ],
)
def test_a_connection_that_cannot_work_is_refused_by_name(changes, named):
    with pytest.raises(FaxConfigurationError, match="'fax'") as caught:
        InterFaxVendor.from_settings(settings(**changes))

    assert named in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_every_form_of_the_password_is_a_secret(vendor):
    assert {
        PASSWORD,
        "p%40ss%20w/rd%251%2B%C3%BC",
        "p%40ss%20w%2Frd%251%2B%C3%BC",
        "p%40ss+w%2Frd%251%2B%C3%BC",
        base64.b64encode(f"clerk:{PASSWORD}".encode()).decode(),
    } == set(vendor.secrets)


def test_a_vendor_shows_no_secret(vendor):
    request = FaxRequest(action="x", kind=RequestKind.READ, method="GET", path="/")

    shown = f"{vendor!r} {vendor._calls!r} {next(vendor.auth_flow(request))!r}"

    assert not [secret for secret in vendor.secrets if secret in shown]


# Sending


def test_a_small_document_goes_in_the_one_request_that_sends(vendor, run, answer):
    job = run(vendor.send_fax(NUMBER, [PDF], reference=KEY), [answer(201, location=JOB_LOCATION)])

    (request,) = run.requests
    assert (request.kind, request.method, request.path) == (RequestKind.SEND, "POST", "/outbound/faxes")
    assert list(request.query) == [("faxNumber", "+442079460958"), ("reference", KEY)]
    assert request.headers == {"Content-Type": "application/pdf"}
    assert (request.document.document, request.document.start, request.document.length) == (PDF, 0, PDF.size)
    assert (job.vendor, job.job_id, job.document_id) == ("interfax", JOB, None)


def test_several_small_documents_go_as_multipart_under_neutral_names(vendor, run, answer):
    run(vendor.send_fax(NUMBER, [PDF, TEXT]), [answer(201, location=JOB_LOCATION)])

    first, second = run.requests[0].parts
    assert (first.content, first.content_type, first.filename) == (PDF, "application/pdf", "document1.pdf")
    assert (second.content, second.content_type, second.filename) == (TEXT, "text/plain", "document2.txt")
    assert first.name != second.name
    assert list(run.requests[0].query) == [("faxNumber", "+442079460958")]


def test_a_large_document_goes_through_an_upload_session_in_order(vendor, run, answer):
    job = run(
        vendor.send_fax(NUMBER, [LARGE], reference=KEY),
        [answer(201, location=SESSION), answer(202), answer(202), answer(200), answer(201, location=JOB_LOCATION)],
    )

    create, *chunks, send = run.requests
    assert [request.kind for request in run.requests] == [RequestKind.UPLOAD] * 4 + [RequestKind.SEND]
    assert (create.method, create.path) == ("POST", "/outbound/documents")
    assert list(create.query) == [("size", "2500000"), ("name", "document.pdf")]
    assert create.document is None
    assert [chunk.path for chunk in chunks] == [f"/outbound/documents/{SESSION_ID}"] * 3
    assert [chunk.headers["Range"] for chunk in chunks] == [
        "bytes=0-999999",
        "bytes=1000000-1999999",
        "bytes=2000000-2499999",
    ]
    assert [(chunk.document.start, chunk.document.stop) for chunk in chunks] == [
        (0, 1_000_000),
        (1_000_000, 2_000_000),
        (2_000_000, 2_500_000),
    ]
    assert send.headers == {"Content-Location": SESSION}
    assert (send.document, send.parts, send.form) == (None, None, None)
    assert (job.job_id, job.document_id) == (JOB, SESSION)


@pytest.mark.parametrize("size", [999_999, 1_000_000])
def test_up_to_a_million_bytes_nothing_is_uploaded_first(vendor, run, answer, size):
    document = FaxDocument.from_bytes(b"x" * size, "txt")

    run(vendor.send_fax(NUMBER, [document]), [answer(201, location=JOB_LOCATION)])

    assert run.requests[0].document.length == size


def test_a_last_chunk_of_one_byte_is_sent_too(vendor, run, answer):
    document = FaxDocument.from_bytes(b"x" * 1_000_001, "txt")

    run(
        vendor.send_fax(NUMBER, [document]),
        [answer(201, location=SESSION), answer(202), answer(204), answer(201, location=JOB_LOCATION)],
    )

    assert run.requests[2].headers["Range"] == "bytes=1000000-1000000"


def test_documents_too_large_together_are_all_uploaded_and_named_in_order(vendor, run, answer):
    half = FaxDocument.from_bytes(b"x" * 600_000, "txt")
    other = SESSION.replace("89a4", "1234")

    run(
        vendor.send_fax(NUMBER, [half, PDF, half]),
        [
            answer(201, location=SESSION), answer(200),
            answer(201, location=other), answer(200),
            answer(202, location=SESSION), answer(200),
            answer(201, location=JOB_LOCATION),
        ],
    )  # fmt: skip

    parts = run.requests[-1].parts
    assert [part.headers["content-location"] for part in parts] == [SESSION, other, SESSION]
    assert [part.content for part in parts] == ["", "", ""]


def test_an_uploaded_document_is_named_and_mixes_with_others(vendor, run, answer):
    held = UploadedDocument(document_id=SESSION)

    job = run(vendor.send_fax(NUMBER, [held]), [answer(201, location=JOB_LOCATION)])
    assert run.requests[0].headers == {"Content-Location": SESSION}
    assert job.document_id == SESSION

    job = run(vendor.send_fax(NUMBER, [PDF, held]), [answer(201, location=JOB_LOCATION)])
    inline, named = run.requests[0].parts
    assert inline.content == PDF
    assert named.headers == {"content-location": SESSION}
    assert job.document_id is None


def test_a_session_behind_a_proxy_is_filled_on_our_host_and_named_as_given(vendor, run, answer):
    uri = f"http://10.0.0.7:8443/gate/way/outbound/documents/{SESSION_ID.upper()}"

    run(
        vendor.send_fax(NUMBER, [FaxDocument.from_bytes(b"x" * 1_000_001, "txt")]),
        [answer(201, location=uri), answer(202), answer(200), answer(201, location=JOB_LOCATION)],
    )

    assert run.requests[1].path == f"/outbound/documents/{SESSION_ID.upper()}"
    assert run.requests[3].headers == {"Content-Location": uri}


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "https://rest.interfax.net/outbound/documents/",
        "https://rest.interfax.net/outbound/faxes/12",
        f"{SESSION}/../../faxes/12",
        f"{SESSION}?x=1",
        f"{SESSION}#x",
        f"{SESSION}, {SESSION}",
        f"{SESSION}\r\nX: y",
        f"https://user:pw@example.com/outbound/documents/{SESSION_ID}",
        f"file:///outbound/documents/{SESSION_ID}",
        f"https://exämple.com/outbound/documents/{SESSION_ID}",
        "https://rest.interfax.net/outbound/documents/not-hex",
    ],
)
def test_a_session_without_a_usable_address_is_not_used(vendor, run, answer, uri):
    headers = {} if uri is None else {"location": uri}
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.send_fax(NUMBER, [LARGE]), [answer(201, **headers)])
    assert RequestKind.SEND not in [request.kind for request in run.requests]

    with pytest.raises(FaxInputError):
        run(vendor.send_fax(NUMBER, [UploadedDocument(document_id=uri or "")]))
    assert run.requests == []


@pytest.mark.parametrize(
    "answers", [[200], [204], [202, 200], [202, 202, 202]], ids=["done-at-1", "gone-at-1", "done-at-2", "never-done"]
)
def test_a_document_that_the_vendor_counts_otherwise_is_not_faxed(vendor, run, answer, answers):
    # 202 asks for more and 200 says that all is there; anything else would be a fax that is cut off.
    with pytest.raises(FaxUnreadableAnswerError):
        run(
            vendor.send_fax(NUMBER, [LARGE]),
            [answer(201, location=SESSION), *[answer(status) for status in answers]],
        )
    assert RequestKind.SEND not in [request.kind for request in run.requests]


@pytest.mark.parametrize("reference", ["", "  ", "x" * 61])
def test_a_reference_that_cannot_be_kept_is_refused(vendor, run, reference):
    with pytest.raises(FaxInputError, match="reference"):
        run(vendor.send_fax(NUMBER, [PDF], reference=reference))
    with pytest.raises(FaxInputError, match="reference"):
        run(vendor.find_jobs(reference=reference, fax_number=NUMBER))
    assert run.requests == []


def test_an_option_of_another_vendor_is_refused_by_name(vendor, run):
    with pytest.raises(FaxUnsupportedError, match="InterFAX has no use for delete_after_sending"):
        run(vendor.send_fax(NUMBER, [PDF], options=SendOptions(delete_after_sending=True)))


@pytest.mark.parametrize(
    ("documents", "error"),
    [
        ([], FaxInputError),
        ([PDF] * 21, FaxUnsupportedError),
        ([FaxDocument.from_bytes(b"", "pdf")], FaxDocumentError),
        ([FaxDocument.from_bytes(b"PK", "zip")], FaxDocumentError),
        ([FaxDocument("pdf", 20_000_001, "0" * 64, PDF.open)], FaxDocumentError),
        ([FaxDocument("pdf", 10_000_001, "0" * 64, PDF.open)] * 2, FaxDocumentError),
    ],
    ids=["none", "too many", "empty", "type", "too large", "too large together"],
)
def test_documents_that_cannot_be_faxed_are_refused_before_anything_is_sent(vendor, run, documents, error):
    with pytest.raises(error):
        run(vendor.send_fax(NUMBER, documents))
    assert run.requests == []


@pytest.mark.parametrize(
    "location",
    [
        JOB_LOCATION,
        f"/outbound/faxes/{JOB}",
        f"http://127.0.0.1:8765/outbound/faxes/{JOB}/",
        f"https://gateway.example/interfax/outbound/faxes/{JOB}",
    ],
)
def test_the_job_id_is_read_out_of_the_location(vendor, run, answer, location):
    assert run(vendor.send_fax(NUMBER, [PDF]), [answer(201, location=location)]).job_id == JOB


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize(
    "location",
    [None, "", "here", "https://rest.interfax.net/outbound/faxes/", "https://rest.interfax.net/outbound/faxes/x1",
     "https://rest.interfax.net/outbound/faxes/0", f"{JOB_LOCATION}, {JOB_LOCATION}", f"{JOB_LOCATION}/resend",
     f"{JOB_LOCATION}?a=1", "https://rest.interfax.net/outbound/batches/12", f"/outbound/faxes/{'9' * 30}"],
)  # fmt: skip
def test_a_yes_without_one_usable_location_is_lost_contact_since_the_fax_may_have_gone(
    vendor, run, answer, status, location
):
    headers = {} if location is None else {"location": location}
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.send_fax(NUMBER, [PDF]), [answer(status, {"id": 12}, **headers)])


@pytest.mark.parametrize("status", [300, 302, 307, 408, 425, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("body", [b"", b"<html>sorry</html>", b'{"code":-150,"message":"System error"}'])
def test_a_lost_answer_is_not_a_refused_fax(vendor, run, answer, status, body):
    with pytest.raises(FaxLostContactError) as caught:
        run(vendor.send_fax(NUMBER, [PDF]), [answer(status, body, location=JOB_LOCATION)])
    assert caught.value.http_status == status


def test_a_page_of_html_is_no_refusal_even_with_a_4xx(vendor, run, answer):
    for status in (400, 403, 404, 409):
        for flow in (vendor.send_fax(NUMBER, [PDF]), vendor.get_status(JOB), vendor.hide_fax(JOB)):
            with pytest.raises(FaxUnreadableAnswerError):
                run(flow, [answer(status, b"<html>the firewall says no</html>")])


# Errors


@pytest.mark.parametrize("body", [b"", {"code": -162, "message": "Wrong status"}])
def test_an_operation_that_does_not_fit_the_fax_is_refused(vendor, run, answer, body):
    with pytest.raises(FaxRefusedError):
        run(vendor.hide_fax(JOB), [answer(409, body)])
    for flow in (vendor.send_fax(NUMBER, [PDF]), vendor.resend_fax(JOB)):
        # What exists already may be this fax.
        with pytest.raises(FaxLostContactError):
            run(flow, [answer(409, body)])


GATEWAYS = [b"", b"no", b"[]", {}, {"message": "Bad request"}, {"code": 400}, {"code": "BadRequest"}, {"code": -32600},
            {"error": {"code": -112}}, ["code"]]  # fmt: skip


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 410, 413, 415, 418, 422, 429, 451])
@pytest.mark.parametrize("body", GATEWAYS)
def test_a_send_is_refused_only_in_the_vendors_own_form(vendor, run, answer, status, body):
    for flow in (vendor.send_fax(NUMBER, [PDF]), vendor.resend_fax(JOB)):
        with pytest.raises(FaxLostContactError):
            run(flow, [answer(status, body)])


# An upload that the vendor has lost


LOST = [(404, b""), (409, b""), (410, b""), (416, b""), (404, {"code": -1062}), (400, {"code": -1061}),
        (409, {"code": -1062}), (416, {"code": -1061})]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), LOST)
@pytest.mark.parametrize("part", [0, 1, 2])
def test_an_upload_of_this_call_that_is_gone_in_the_middle_sent_nothing(vendor, run, answer, *, status, body, part):
    for flow in (vendor.send_fax(NUMBER, [LARGE]), vendor.upload_document(LARGE)):
        with pytest.raises(FaxUploadLostError, match="nothing was sent") as caught:
            run(flow, [answer(201, location=SESSION), *[answer(202)] * part, answer(status, body)])
        assert caught.value.http_status == status
        assert RequestKind.SEND not in [request.kind for request in run.requests]


FILLED = [(201, SESSION), (202, None), (202, None), (200, None)]


@pytest.mark.parametrize(("status", "body"), [case for case in LOST if case[1]])
def test_an_upload_of_this_call_that_is_gone_at_the_send_sent_nothing(vendor, run, answer, status, body):
    filled = [answer(code, **({"location": where} if where else {})) for code, where in FILLED]

    with pytest.raises(FaxUploadLostError, match="nothing was sent"):
        run(vendor.send_fax(NUMBER, [LARGE]), [*filled, answer(status, body)])


@pytest.mark.parametrize(("status", "body"), [case for case in LOST if not case[1]] + [(404, b"<html>"), (404, {})])
def test_an_upload_that_somebody_else_calls_gone_at_the_send_is_uncertain(vendor, run, answer, status, body):
    filled = [answer(code, **({"location": where} if where else {})) for code, where in FILLED]

    with pytest.raises(FaxLostContactError):
        run(vendor.send_fax(NUMBER, [LARGE]), [*filled, answer(status, body)])


@pytest.mark.parametrize("others", [[], [PDF]])
def test_a_session_that_was_passed_in_and_is_gone_is_not_found(vendor, run, answer, others):
    flow = vendor.send_fax(NUMBER, [UploadedDocument(document_id=SESSION), *others])

    with pytest.raises(FaxNotFoundError):
        run(flow, [answer(404, {"code": -1062})])


def test_an_upload_that_a_page_of_html_calls_gone_is_lost_contact(vendor, run, answer):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.upload_document(PDF), [answer(201, location=SESSION), answer(404, b"<html>")])


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"", FaxAuthenticationError),
        (401, b"<html>", FaxAuthenticationError),
        (400, {"code": -1003}, FaxAuthenticationError),
        (403, {"code": -1876}, FaxAuthenticationError),
        (500, {"code": -2003}, FaxAuthenticationError),
        (429, b"", FaxThrottledError),
        (429, b"<html>", FaxThrottledError),
        (400, {"code": -1011}, FaxThrottledError),
        (500, {"code": -1011}, FaxThrottledError),
        (302, {"code": "-1011"}, FaxThrottledError),
        (404, b"", FaxNotFoundError),
        (404, {"code": -1005, "message": "Fax resource not found"}, FaxNotFoundError),
        (400, {"code": -1062}, FaxNotFoundError),
        (400, {"code": -112, "message": "No valid recipients"}, FaxRefusedError),
        (400, {}, FaxRefusedError),
        (400, "no", FaxRefusedError),
        (403, None, FaxRefusedError),
        (500, {"code": -150}, FaxLostContactError),
        (500, {"code": -112}, FaxLostContactError),
        (301, b"", FaxLostContactError),
        (400, b"{", FaxUnreadableAnswerError),
        (400, b"\xff", FaxUnreadableAnswerError),
    ],
)
@pytest.mark.parametrize("call", ["send_fax", "get_status", "cancel_fax", "hide_fax", "resend_fax", "get_fax_image"])
def test_an_error_is_read_alike_in_every_call(vendor, run, answer, *, call, status, body, error):
    flow = vendor.send_fax(NUMBER, [PDF]) if call == "send_fax" else getattr(vendor, call)(JOB)
    is_own = isinstance(body, dict) and "code" in body
    if call in ("send_fax", "resend_fax") and 400 <= status < 500 and status != 401 and not is_own:
        error = FaxUnreadableAnswerError

    with pytest.raises(error) as caught:
        run(flow, [answer(status, body)])

    assert type(caught.value) is error
    assert caught.value.http_status == status
    if isinstance(body, dict) and "code" in body and hasattr(caught.value, "vendor_code"):
        assert caught.value.vendor_code == int(body["code"])


@pytest.mark.parametrize(
    ("status", "body"),
    [(413, b""), (413, b"<html>"), (415, b""), *[(400, {"code": code}) for code in (-123, -1004, -1007, -1008, -1063)]],
)
def test_what_is_about_the_document_is_a_document_error(vendor, run, answer, status, body):
    with pytest.raises(FaxDocumentError if status == 400 else FaxLostContactError):
        run(vendor.send_fax(NUMBER, [PDF]), [answer(status, body)])
    with pytest.raises(FaxDocumentError):
        run(vendor.upload_document(PDF), [answer(status, body)])
    with pytest.raises(FaxDocumentError):
        run(vendor.upload_document(PDF), [answer(201, location=SESSION), answer(status, body)])
    if status == 400:
        with pytest.raises(FaxRefusedError):
            run(vendor.get_status(JOB), [answer(status, body)])


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("12", 12.0), ("0", 0.0), ("1.5", 1.5), ("-3", None), ("Wed, 21 Oct 2025", None), ("", None), ("9" * 25, 3600.0)],
)
def test_throttling_tells_how_long_to_wait_where_the_vendor_does(vendor, run, answer, header, seconds):
    with pytest.raises(FaxThrottledError) as caught:
        run(vendor.get_status(JOB), [answer(429, {"code": -1011}, retry_after=header)])
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("field", ["moreInfo", "more_info"])
def test_the_vendors_words_are_quoted(vendor, run, answer, field):
    body = {"code": -111, "message": "Not the designated number.", field: "See the\n\tdeveloper's guide"}

    with pytest.raises(FaxRefusedError) as caught:
        run(vendor.send_fax(NUMBER, [PDF]), [answer(400, body)])

    assert str(caught.value) == (
        "Could not send a fax to +********0958: InterFAX answered HTTP 400 (code -111), "
        '"Not the designated number. See the developer\'s guide".'
    )


@pytest.mark.parametrize("code", [442079460958, "442079460958", 12, -442079460958, True, 1.5, None])
def test_a_code_that_is_none_of_the_apis_is_not_shown(vendor, run, answer, code):
    with pytest.raises(FaxRefusedError) as caught:
        run(vendor.hide_fax(JOB), [answer(400, {"code": code})])

    assert str(caught.value) == f"Could not hide fax job {JOB}: InterFAX answered HTTP 400."
    assert caught.value.vendor_code is None


def test_the_vendors_words_are_quoted_without_numbers_secrets_or_end(vendor, run, answer):
    body = {"code": -112, "message": f"{' '.join(vendor.secrets)} +44 20 7946 0958 {PASSWORD} " + "blah " * 1000}

    with pytest.raises(FaxRefusedError) as caught:
        run(vendor.send_fax(NUMBER, [PDF]), [answer(400, body)])

    shown = str(caught.value)
    assert not [secret for secret in vendor.secrets if secret in shown]
    assert "7946" not in shown
    assert len(shown) < 400


# Status


def test_a_record_is_read_into_a_status(vendor, run, answer):
    status = run(vendor.get_status(JOB), [answer(200, RECORD)])

    (request,) = run.requests
    assert (request.kind, request.method, request.path) == (RequestKind.READ, "GET", f"/outbound/faxes/{JOB}")
    assert (status.vendor, status.job_id, status.code) == ("interfax", JOB, 0)
    assert (status.outcome, status.cause) == (FaxOutcome.SUCCESS, None)
    assert status.message == "OK (Fax successfully sent)"
    assert (status.pages_sent, status.attempts, status.reference) == (2, 1, KEY)
    assert (status.cost, status.balance) == (Decimal("0.3"), None)
    # The vendor's two clocks differ: the end lies before the beginning.
    assert status.submitted_at == pendulum.datetime(2025, 3, 1, 12, 31, 40)
    assert status.completed_at == pendulum.datetime(2025, 3, 1, 12, 31, 38)


@pytest.mark.parametrize(
    ("code", "outcome", "cause", "message"),
    [
        (-1, FaxOutcome.PENDING, None, "Pre-processing"),
        (-22, FaxOutcome.PENDING, FaxCause.OUT_OF_CREDIT, "Out of credit, awaiting Top-Up"),
        (-1011, FaxOutcome.PENDING, None, None),
        (3912, FaxOutcome.FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, "Phone number not operational"),
        ("6017", FaxOutcome.RETRYABLE, FaxCause.BUSY, "Busy"),
        (483, FaxOutcome.RETRYABLE, FaxCause.TELEPHONY, "Telephony error"),
        (403, FaxOutcome.FATAL, FaxCause.CANCELED, "Fax manually canceled"),
        (424242, FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED, None),
        ("0", FaxOutcome.SUCCESS, None, "OK (Fax successfully sent)"),
    ],
)
def test_the_status_code_decides(vendor, run, answer, *, code, outcome, cause, message):
    status = run(vendor.get_status(JOB), [answer(200, record(status=code))])

    assert (status.outcome, status.cause, status.code) == (outcome, cause, int(code))
    if message is not None:
        assert status.message == message
    else:
        assert str(code) in status.message


@pytest.mark.parametrize(
    "code", [None, True, False, 0.0, 1.0, "", " ", "OK", "0.0", "-0", "00", " 0", "0 ", [0], {"code": 0}, "9" * 40]
)
def test_a_status_that_is_no_integer_is_never_taken_for_anything(vendor, run, answer, code):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_status(JOB), [answer(200, record(status=code))])


def test_a_missing_status_is_never_taken_for_anything(vendor, run, answer):
    without = record()
    del without["status"]
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_status(JOB), [answer(200, without)])


@pytest.mark.parametrize("job_id", [int(JOB), JOB, f" {JOB} "])
def test_the_id_may_be_a_number_or_text(vendor, run, answer, job_id):
    assert run(vendor.get_status(JOB), [answer(200, record(id=job_id))]).job_id == JOB


@pytest.mark.parametrize("job_id", [667915471, "x", None, True, 667915751.0, 0, -667915751, [667915751]])
def test_the_record_of_another_fax_is_not_this_ones_status(vendor, run, answer, job_id):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_status(JOB), [answer(200, record(id=job_id))])


@pytest.mark.parametrize("body", [b"", b"null", b"<html>", [RECORD], "OK", 0, {}, {"status": 0}])
def test_an_answer_that_is_no_record_is_unreadable(vendor, run, answer, body):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_status(JOB), [answer(200, body)])


def test_a_summary_leaves_unknown_what_it_does_not_hold(vendor, run, answer):
    status = run(vendor.get_status(JOB), [answer(200, {"id": int(JOB), "status": -3})])

    assert status.to_dict() == {
        "vendor": "interfax", "job_id": JOB, "outcome": "pending", "cause": None, "code": -3,
        "message": "Sending (or pending retry)", "pages_sent": None, "attempts": None, "cost": None, "balance": None,
        "submitted_at": None, "completed_at": None, "reference": None, "pages_submitted": None, "size": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"status": -3}, "completed_at", None),
        ({"completionTime": "0001-01-01T00:00:00"}, "completed_at", None),
        ({"completionTime": None}, "completed_at", None),
        ({"completionTime": "now"}, "completed_at", None),
        ({"submitTime": 20250301}, "submitted_at", None),
        ({"submitTime": "2025-03-01T12:00:00Z"}, "submitted_at", pendulum.datetime(2025, 3, 1, 12)),
        ({"units": None}, "cost", None),
        ({"costPerUnit": "free"}, "cost", None),
        ({"units": "3", "costPerUnit": "0.1500"}, "cost", Decimal("0.45")),
        ({"units": 0}, "cost", Decimal(0)),
        ({"units": "1e999999", "costPerUnit": "1e999999"}, "cost", None),
        ({"pagesSent": "2"}, "pages_sent", 2),
        ({"pagesSent": -1}, "pages_sent", None),
        ({"pagesSent": True}, "pages_sent", None),
        ({"attemptsMade": 1.5}, "attempts", None),
        ({"subject": None}, "reference", None),
        ({"subject": "Dr. Jane Roe +44 20 7946 0958\0"}, "reference", "***"),
        ({"subject": "a\ud800b"}, "reference", "***"),
        ({"subject": "x" * 500}, "reference", "***"),
        ({"pagesSent": 10**25}, "pages_sent", None),
        ({"attemptsMade": 2**31}, "attempts", None),
        ({"subject": 5}, "reference", None),
        ({"reference": "mine"}, "reference", "mine"),
        ({"reference": None}, "reference", KEY),
    ],
)
def test_one_odd_field_does_not_harm_the_others(vendor, run, answer, *, changes, field, value):
    status = run(vendor.get_status(JOB), [answer(200, record(**changes))])

    assert getattr(status, field) == value
    assert status.code == changes.get("status", 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pagesSent": 1}, "but only 1 of 2 pages were sent"),
        ({"pagesSent": "1", "pagesSubmitted": "2"}, "but only 1 of 2 pages were sent"),
        ({"pagesSent": 0}, "but only 0 of 2 pages were sent"),
        ({"pagesSent": 1.0, "pagesSubmitted": 2.0}, "but only 1 of 2 pages were sent"),
        ({"pagesSent": 0, "pagesSubmitted": None}, "but no page was sent"),
        ({"pagesSent": 0, "pagesSubmitted": 0}, "but no page was sent"),
    ],
)
def test_success_with_pages_missing_is_unknown_and_says_which(vendor, run, answer, changes, words):
    status = run(vendor.get_status(JOB), [answer(200, record(**changes))])

    assert (status.outcome, status.code, status.cause) == (FaxOutcome.UNKNOWN, 0, None)
    assert status.message.endswith(words)


@pytest.mark.parametrize(
    "changes", [{"pagesSent": 3}, {"pagesSent": None}, {"pagesSubmitted": None}, {"pagesSubmitted": "many"}, {}]
)
def test_success_without_a_page_missing_is_success(vendor, run, answer, changes):
    assert run(vendor.get_status(JOB), [answer(200, record(**changes))]).outcome is FaxOutcome.SUCCESS


@pytest.mark.parametrize(
    "pages",
    ['"pagesSent": 2, "pagesSent": 1, "pagesSubmitted": 2', '"pagesSent": 2, "pagesSubmitted": 2, "pagesSubmitted": 3'],
)
def test_success_with_two_counts_of_pages_is_unknown(vendor, run, answer, pages):
    status = run(vendor.get_status(JOB), [answer(200, f'{{"id": {JOB}, "status": 0, {pages}}}'.encode())])

    assert (status.outcome, status.code) == (FaxOutcome.UNKNOWN, 0)
    assert status.message.endswith("but its record contradicts itself about the pages")


def test_pages_of_a_failed_fax_change_nothing(vendor, run, answer):
    status = run(vendor.get_status(JOB), [answer(200, record(status=3268, pagesSent=1))])

    assert (status.outcome, status.pages_sent) == (FaxOutcome.RETRYABLE, 1)


@pytest.mark.parametrize("code", [b'-3, "status": 0', b'0, "status": -3', b"9" * 25, b"-0", b"NaN", b"2147483648"])
def test_a_status_that_is_no_plain_code_is_never_taken_for_anything_in_any_bytes(vendor, run, answer, code):
    body = json.dumps(record(status="CODE")).encode().replace(b'"CODE"', code)

    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_status(JOB), [answer(200, body)])
    assert run(vendor.get_statuses([JOB]), [answer(200, b"[" + body + b"]")]) == {}


def test_a_connection_may_class_a_failure_otherwise(run, answer):
    extra = {"code_outcomes": {"3912": "retryable", " 424242 ": "fatal"}}
    vendor = InterFaxVendor.from_settings(settings(extra=extra))

    assert run(vendor.get_status(JOB), [answer(200, record(status=3912))]).outcome is FaxOutcome.RETRYABLE
    assert run(vendor.get_status(JOB), [answer(200, record(status=424242))]).outcome is FaxOutcome.FATAL
    assert run(vendor.get_status(JOB), [answer(200, record(status=6001))]).outcome is FaxOutcome.FATAL
    assert run(vendor.get_status(JOB), [answer(200, record(status=3912))]).cause is FaxCause.NUMBER_NOT_OPERATIONAL


@pytest.mark.parametrize("job_id", ["", "x", "1/../2", "-5", "0", "1.5", "9" * 20, "9" * 5000, "١٢", None, 12])
@pytest.mark.parametrize("call", ["get_status", "cancel_fax", "resend_fax", "hide_fax", "get_fax_image"])
def test_a_job_id_that_is_none_is_refused_before_anything_is_asked(vendor, run, call, job_id):
    with pytest.raises(FaxInputError):
        run(getattr(vendor, call)(job_id))
    assert run.requests == []


# Many statuses


def test_many_jobs_are_asked_for_a_hundred_at_a_time(vendor, run, answer):
    ids = [str(number) for number in range(700000001, 700000251)]

    statuses = run(
        vendor.get_statuses(ids),
        [
            answer(200, [record(id=int(job_id)) for job_id in reversed(chunk)])
            for chunk in (ids[:100], ids[100:200], ids[200:])
        ],
    )

    assert set(statuses) == set(ids)
    assert all(status.job_id == job_id for job_id, status in statuses.items())
    assert {request.path for request in run.requests} == {"/outbound/faxes/completed"}
    assert [dict(request.query)["ids"].split(",") for request in run.requests] == [ids[:100], ids[100:200], ids[200:]]


def test_without_jobs_nothing_is_asked(vendor, run):
    assert run(vendor.get_statuses([])) == {}
    assert run.requests == []


def test_a_bad_row_harms_no_other_and_foreign_rows_are_ignored(vendor, run, answer):
    rows = [
        None, 5, "x", [], {}, {"id": 1}, {"status": 0}, record(id=2, status="OK"), record(id=3, status=True),
        record(id=999), record(id="4", status=-3), record(id=5, status=6017),
    ]  # fmt: skip

    statuses = run(vendor.get_statuses(["1", "2", "3", "4", "5", "6"]), [answer(200, rows)])

    assert {job_id: status.outcome for job_id, status in statuses.items()} == {
        "4": FaxOutcome.PENDING,
        "5": FaxOutcome.RETRYABLE,
    }


def test_bad_bytes_in_one_row_harm_no_other(vendor, run, answer):
    body = json.dumps([record(id=1, subject="NAME"), record(id=2)]).encode().replace(b"NAME", b"M\xfcller\x01")

    statuses = run(vendor.get_statuses(["1", "2"]), [answer(200, b"\xef\xbb\xbf" + body)])

    assert {job_id: status.reference for job_id, status in statuses.items()} == {"1": "***", "2": KEY}


def test_a_job_that_is_listed_with_two_ends_is_left_out(vendor, run, answer):
    rows = [record(id=1), record(id=2), record(id=1, status=6017), record(id=2)]

    assert list(run(vendor.get_statuses(["1", "2"]), [answer(200, rows)])) == ["2"]


def test_a_repeated_id_is_asked_once_and_answered_under_the_id_that_was_asked(vendor, run, answer):
    statuses = run(vendor.get_statuses(["0012", "12"]), [answer(200, [record(id=12)])])

    assert dict(run.requests[0].query) == {"ids": "12"}
    assert list(statuses) == ["12"]


@pytest.mark.parametrize("body", [b"", b"<html>", RECORD, None, "OK", {"faxes": []}])
def test_a_list_that_is_none_is_unreadable(vendor, run, answer, body):
    for flow in (
        vendor.get_statuses([JOB]),
        vendor.find_jobs(reference=KEY, fax_number=NUMBER),
        vendor.get_history_page(),
    ):
        with pytest.raises(FaxUnreadableAnswerError):
            run(flow, [answer(200, body)])


def test_a_list_that_is_not_there_is_lost_contact_and_no_missing_fax(vendor, run, answer):
    for flow in (
        vendor.get_statuses([JOB]),
        vendor.find_jobs(reference=KEY, fax_number=NUMBER),
        vendor.get_history_page(),
        vendor.get_balance(),
    ):
        with pytest.raises(FaxLostContactError):
            run(flow, [answer(404, {"code": -1005})])


# Documents


def test_a_document_of_any_size_is_uploaded_under_the_given_name(vendor, run, answer):
    uploaded = run(vendor.upload_document(PDF, name="key"), [answer(201, location=SESSION), answer(200)])

    assert uploaded == UploadedDocument(document_id=SESSION)
    assert dict(run.requests[0].query) == {"size": str(PDF.size), "name": "key.pdf"}
    assert run.requests[1].headers["Range"] == f"bytes=0-{PDF.size - 1}"


@pytest.mark.parametrize("document_id", [SESSION, SESSION_ID])
@pytest.mark.parametrize("response", [(200, b""), (404, b""), (404, {"code": -1062}), (400, {"code": -1062})])
def test_a_document_is_deleted_or_already_gone(vendor, run, answer, document_id, response):
    assert run(vendor.delete_document(document_id), [answer(*response)]) is None

    (request,) = run.requests
    assert (request.kind, request.method) == (RequestKind.CHANGE, "DELETE")
    assert request.path == f"/outbound/documents/{SESSION_ID}"


@pytest.mark.parametrize("document_id", ["", "../faxes/12", "x y", "https://example.com/"])
def test_what_names_no_document_is_not_deleted(vendor, run, document_id):
    with pytest.raises(FaxInputError):
        run(vendor.delete_document(document_id))
    assert run.requests == []


# Cancel, resend, hide, image


@pytest.mark.parametrize(
    "first", [(200, b""), (409, b""), (409, {"code": -162}), (400, {"code": -162}), (409, b"<html>")]
)
@pytest.mark.parametrize("code", [403, 0, -3])
def test_a_cancel_is_judged_by_the_status_after_it(vendor, run, answer, first, code):
    status = run(vendor.cancel_fax(JOB), [answer(*first), answer(200, record(status=code))])

    cancel, read = run.requests
    assert (cancel.kind, cancel.method, cancel.path) == (RequestKind.CHANGE, "POST", f"/outbound/faxes/{JOB}/cancel")
    assert (read.method, read.path) == ("GET", f"/outbound/faxes/{JOB}")
    assert status.code == code
    assert (status.cause is FaxCause.CANCELED) == (code == 403)


def test_a_resend_is_a_send_and_has_a_new_id(vendor, run, answer):
    job = run(vendor.resend_fax("12", NUMBER), [answer(201, location=JOB_LOCATION)])

    (request,) = run.requests
    assert (request.kind, request.method, request.path) == (RequestKind.SEND, "POST", "/outbound/faxes/12/resend")
    assert list(request.query) == [("faxNumber", "+442079460958")]
    assert job.job_id == JOB

    run(vendor.resend_fax("12"), [answer(201, location=JOB_LOCATION)])
    assert list(run.requests[0].query) == []


def test_a_resend_that_names_the_old_fax_is_unreadable(vendor, run, answer):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.resend_fax(JOB), [answer(201, location=JOB_LOCATION)])


def test_a_fax_is_hidden(vendor, run, answer):
    assert run(vendor.hide_fax(JOB), [answer(200)]) is None
    assert (run.requests[0].kind, run.requests[0].path) == (RequestKind.CHANGE, f"/outbound/faxes/{JOB}/hide")


@pytest.mark.parametrize(
    ("header", "media_type"),
    [("image/tiff", "image/tiff"), ("application/pdf", "application/pdf"), ("Image/TIFF; x=y", "image/tiff")],
)
def test_the_image_of_a_fax(vendor, run, answer, header, media_type):
    image = run(vendor.get_fax_image(JOB), [answer(200, b"II*\x00 Jane Roe", content_type=header)])

    assert image == FaxImage(media_type=media_type, content=b"II*\x00 Jane Roe")
    assert "Roe" not in repr(image)
    assert run.requests[0].headers["Accept"].startswith("image/tiff, application/pdf")


@pytest.mark.parametrize(("header", "body"), [("text/html", b"<html>"), ("", b"II*\x00"), ("image/tiff", b"")])
def test_what_is_no_image_is_unreadable(vendor, run, answer, header, body):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_fax_image(JOB), [answer(200, body, content_type=header)])


def test_an_image_that_was_deleted_is_not_found(vendor, run, answer):
    with pytest.raises(FaxNotFoundError):
        run(vendor.get_fax_image(JOB), [answer(400, {"code": -1009})])


# Balance, history, what is not offered


@pytest.mark.parametrize(
    ("body", "amount"), [(b"3.8500", "3.85"), (b"0", "0"), (b'"3.85"', "3.85"), (b" -1.5\n", "-1.5")]
)
def test_the_balance_is_a_bare_number(vendor, run, answer, body, amount):
    assert run(vendor.get_balance(), [answer(200, body)]) == Decimal(amount)
    assert run.requests[0].path == "/accounts/self/ppcards/balance"


@pytest.mark.parametrize("body", [b"", b"null", b"true", b"{}", b"NaN", b"Infinity", b"[1]", b'"lots"', b"<html>"])
def test_a_balance_that_is_no_number_is_unreadable(vendor, run, answer, body):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_balance(), [answer(200, body)])


def test_the_connection_is_checked_with_the_balance(vendor, run, answer):
    sentence = run(vendor.check_connection(), [answer(200, b"3.8500")])

    assert "InterFAX" in sentence
    assert "3.85" in sentence
    with pytest.raises(FaxAuthenticationError, match="lock"):
        run(vendor.check_connection(), [answer(401, {"code": -1003, "message": "Authentication error"})])


def test_the_history_goes_on_from_the_last_id(vendor, run, answer):
    first = run(vendor.get_history_page(limit=3), [answer(200, [record(id=9), "odd", record(id=7, status="odd")])])
    assert dict(run.requests[0].query) == {"limit": "3", "sortOrder": "desc"}
    assert [status.job_id for status in first.statuses] == ["9"]
    assert first.next_cursor == "7"

    last = run(vendor.get_history_page(first.next_cursor, limit=1000), [answer(200, [])])
    assert dict(run.requests[0].query) == {"limit": "250", "sortOrder": "desc", "lastId": "7"}
    assert (last.statuses, last.next_cursor) == ([], None)


@pytest.mark.parametrize(
    "rows", [[record(id=7)], [record(id=9), record(id=8)], ["odd"], [{}]], ids=["same", "newer", "odd", "no id"]
)
def test_a_history_that_does_not_go_on_does_not_go_round(vendor, run, answer, rows):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.get_history_page("7"), [answer(200, rows)])


@pytest.mark.parametrize(("cursor", "limit"), [("x", 5), (None, 0), (None, -1)])
def test_a_page_that_cannot_be_is_refused(vendor, run, cursor, limit):
    with pytest.raises(FaxInputError):
        run(vendor.get_history_page(cursor, limit=limit))


def test_a_price_before_sending_is_not_offered(vendor):
    with pytest.raises(FaxUnsupportedError, match="InterFAX"):
        vendor.estimate_cost(NUMBER, SESSION)


def test_no_request_shows_number_reference_or_content(vendor, run, answer):
    flows = [
        (vendor.send_fax(NUMBER, [PDF], reference=KEY), [answer(201, location=JOB_LOCATION)]),
        (vendor.send_fax(NUMBER, [PDF, TEXT]), [answer(201, location=JOB_LOCATION)]),
        (vendor.find_jobs(reference=KEY, fax_number=NUMBER), [answer(200, [])]),
        (vendor.resend_fax("12", NUMBER), [answer(201, location=JOB_LOCATION)]),
    ]
    for flow, responses in flows:
        run(flow, responses)
        shown = " ".join(
            f"{request!r} {next(vendor.auth_flow(request))!r} {request.action}" for request in run.requests
        )
        assert "7946" not in shown
        assert KEY not in shown
        assert "small" not in shown
        assert not [secret for secret in vendor.secrets if secret in shown]
