"""Whatever Fax.to answers: a value or one of our errors, and never a fax taken for sent or delivered by mistake."""

from __future__ import annotations

import contextlib
import copy
import json
from decimal import Decimal
from itertools import cycle

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxError, FaxLostContactError, FaxVendorError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxJob, FaxResponse, HistoryPage, UploadedDocument
from airflow_provider_faxto.vendors.faxto import FaxToVendor, StoredDocument
from airflow_provider_faxto.vendors.faxto.messages import plain_words
from airflow_provider_faxto.vendors.parsing import decode_json

SECRET = "5up3r+s3cret/key="
NUMBER = FaxNumber("+12025550123")
KEY = "airflow-" + "0a" * 16
LOGICAL_KEY = "airflow-" + "0a" * 12 + "-" + "0b" * 8
SINCE = pendulum.datetime(2017, 3, 9)
VENDOR = FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password=SECRET))

CALLS = {
    "send": lambda: VENDOR.send_fax(NUMBER, [FaxDocument.from_bytes(b"x", "pdf")], reference=KEY),
    "send uploaded": lambda: VENDOR.send_fax(NUMBER, [UploadedDocument(document_id="300")]),
    "upload": lambda: VENDOR.upload_document(FaxDocument.from_bytes(b"x", "pdf"), name="x"),
    "upload from url": lambda: VENDOR.upload_document_from_url("https://example.com/a.pdf"),
    "status": lambda: VENDOR.get_status("200"),
    "statuses": lambda: VENDOR.get_statuses(["200", "201", "202"]),
    "find": lambda: VENDOR.find_jobs(reference=KEY, fax_number=NUMBER),
    "find since": lambda: VENDOR.find_jobs(reference=LOGICAL_KEY, fax_number=NUMBER, since=SINCE),
    "history": VENDOR.get_history_page,
    "documents": VENDOR.list_documents,
    "delete": lambda: VENDOR.delete_document("300"),
    "cost": lambda: VENDOR.estimate_cost(NUMBER, "300"),
    "balance": VENDOR.get_balance,
    "check": VENDOR.check_connection,
}
VALID = [
    {"status": "executed", "fax_job_id": 200, "user_cash_balance": 100, "cost": 0.15},
    {"status": "failed", "message": f"Refused: +1 202 555 0123 {SECRET}"},
    {"status": "Success", "document_id": 300, "total_pages": 1, "document": {"id": 300, "total_pages": 1}},
    {"status": "success", "message": "Sent! Fax Has Been Answered.", "user_cash_balance": 100.2},
    {"status": "success", "message": "Fax Failed - No Answer from Fax machine", "user_cash_balance": "100.2"},
    {"status": "success", "message": "Job concluded for +12025550123"},
    {"status": "success", "balance": 100.1},
    {"status": "success", "cost": "0.10"},
    {
        "status": "success",
        "history": [
            {
                "id": 200 + number,
                "created": {"date": "2017-03-09 15:35:28.000000", "timezone_type": 3, "timezone": "UTC"},
                "document_id": 300,
                "document": f"{KEY}.pdf",
                "recipient": "12025550123",
                "status": status,
            }
            for number, status in enumerate(["executed", "failed", "success"])
        ],
    },
    {"status": "success", "history": []},
    [{"id": 300, "filename": f"{KEY}.pdf", "pages": 1, "size": 39942, "uploaded": "2017-03-10"}],
    {"status": "success", "files": []},
    {"status": "success"},
]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["success", "failed", "executed", "Sent!", "No Answer", 200, 300, "1e999999", "\ud800"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(
        st.sampled_from(["status", "message", "history", "files", "id", "document", "fax_job_id"]) | st.text(), children
    ),
    max_leaves=12,
)  # fmt: skip


@st.composite
def mutated(draw):
    """A documented answer with a few of its parts replaced or taken out."""
    answer = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 3))):
        part = answer
        while isinstance(part, (dict, list)) and part:
            key = draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
            if isinstance(part[key], (dict, list)) and part[key] and draw(st.booleans()):
                part = part[key]
                continue
            if draw(st.booleans()):
                part[key] = draw(anything)
            else:
                del part[key]
            break
    return answer


bodies = (
    st.binary()
    | anything.map(lambda value: json.dumps(value).encode())
    | mutated().map(lambda value: json.dumps(value).encode())
    | mutated().flatmap(lambda value: st.integers(0, 60).map(lambda cut: json.dumps(value).encode()[:-cut]))
)
responses = st.lists(
    st.builds(
        FaxResponse,
        status=st.sampled_from([200] * 12 + [201, 301, 302, 400, 401, 403, 404, 408, 409, 422, 429, 500, 503]),
        headers=st.just({}) | st.fixed_dictionaries({"retry-after": st.text()}),
        body=bodies,
    ),
    min_size=1,
    max_size=6,
)


def parts_of(value):
    """Every value inside a JSON value, and itself."""
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(part)


def decode(response):
    try:
        return decode_json(response.body)
    except ValueError:
        return None


def says_delivered(response):
    """Whether an answer holds a documented sentence of a delivered fax, or a row of a history that says success."""
    value = decode(response)
    sentences = [" ".join(part.lower().split()) for part in parts_of(value) if isinstance(part, str)]
    rows = value.get("history") if isinstance(value, dict) else None
    delivered_rows = [
        row
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and plain_words(row.get("status")) == "success"
    ]
    documented = {"sent! fax has been answered.", "success! your fax has been sent!"}
    return bool(delivered_rows) or bool(documented & set(sentences))


def check(value):
    """Check that a value is what the call promises; give the statuses in it."""
    if isinstance(value, dict):
        assert set(value) <= {"200", "201", "202"}
        value = list(value.values())
    elif isinstance(value, HistoryPage):
        value = list(value.statuses)
    if isinstance(value, list):
        return [status for part in value for status in check(part)]
    if isinstance(value, Decimal):
        assert len(f"{value:f}") < 80
    assert isinstance(value, (FaxJob, FaxStatus, UploadedDocument, StoredDocument, Decimal, str, type(None)))
    if isinstance(value, FaxStatus):
        assert FaxStatus.from_dict(json.loads(json.dumps(value.to_dict()))) == value
        return [value]
    return []


def assert_nothing_leaks(shown):
    shown.encode()
    assert not any(secret in shown for secret in VENDOR.secrets)
    assert "2025550" not in shown.replace(" ", "")


@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=150, deadline=None)
@given(answers=responses)
def test_any_answer_is_a_value_or_one_of_our_errors(run, assert_can_be_stored, call, answers):
    try:
        value = run(CALLS[call](), cycle(answers))
    except FaxError as error:
        assert_nothing_leaks(str(error))
        return
    for status in check(value):
        assert_can_be_stored(status.to_dict())
        assert_nothing_leaks(status.message or "")
        if status.outcome is FaxOutcome.SUCCESS:
            assert any(says_delivered(response) for response in answers)


@settings(max_examples=400, deadline=None)
@given(answers=responses.map(lambda answers: answers[:1]))
def test_a_send_is_accepted_or_refused_only_in_documented_words(run, answers):
    (response,) = answers
    content = decode(response)
    content = content if isinstance(content, dict) else {}
    try:
        job = run(CALLS["send uploaded"](), answers)
    except FaxLostContactError:
        clear = response.status == 401 or (response.status == 200 and content.get("status") == "failed")
        assert not clear
    except FaxVendorError:
        refused = plain_words(content.get("status")) in {"failed", "failure", "fail", "error"}
        assert (refused and response.status not in {408, 409, 425}) or response.status == 401
    else:
        assert 200 <= response.status < 300
        assert plain_words(content["status"]) == "executed"
        assert int(content["fax_job_id"]) == int(job.job_id) > 0


@settings(max_examples=100, deadline=None)
@given(answers=responses)
def test_an_upload_that_fails_never_becomes_a_send(run, answers):
    with_refusal = [FaxResponse(status=200, body=b'{"status": "failed"}'), *answers]
    with pytest.raises(FaxDocumentError):
        run(CALLS["send"](), iter(with_refusal))
    assert len(run.requests) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", VALID, ids=range(len(VALID)))
def test_no_call_ever_asks_for_the_path_that_may_send(run, call, answer):
    with contextlib.suppress(FaxError):
        run(CALLS[call](), cycle([FaxResponse(status=200, body=json.dumps(answer).encode())]))
    assert run.requests
    for request in run.requests:
        assert request.method != "GET" or request.path != "/api/v2/fax"
        assert SECRET not in f"{request}{request.path}{request.query}{request.headers}"
        assert "2025550" not in f"{request}{request.path}{request.action}"


@pytest.mark.parametrize("call", ["status", "statuses", "find", "find since", "history", "documents", "balance"])
@settings(max_examples=150, deadline=None)
@given(contents=st.lists(mutated(), min_size=1, max_size=4), data=st.data())
def test_damaged_bytes_are_a_value_that_can_be_stored_or_one_of_our_errors(
    run, damage, assert_can_be_stored, *, call, contents, data
):
    answers = [FaxResponse(status=200, body=damage(data, json.dumps(content).encode())) for content in contents]
    try:
        value = run(CALLS[call](), cycle(answers))
    except FaxError as error:
        assert_can_be_stored(str(error))
        assert_nothing_leaks(str(error))
        return
    for status in check(value):
        assert_can_be_stored(status.to_dict())
        assert_nothing_leaks(status.message or "")
        if status.outcome is FaxOutcome.SUCCESS:
            assert any(says_delivered(response) for response in answers)
    for document in value if isinstance(value, list) else []:
        if isinstance(document, StoredDocument):
            assert_can_be_stored([document.document_id, document.filename, document.pages, document.size])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_never_proves_that_a_fax_was_not_sent(run, damage, data):
    (history,) = (content for content in VALID if isinstance(content, dict) and content.get("history"))
    row = {**history["history"][0], "document": f"{LOGICAL_KEY}.pdf"}
    page = FaxResponse(status=200, body=damage(data, json.dumps({"status": "success", "history": [row]}).encode()))
    end = FaxResponse(status=200, body=b'{"status": "success", "history": []}')
    flow = VENDOR.find_jobs(reference=LOGICAL_KEY, fax_number=NUMBER)
    sent = FaxResponse(status=200, body=b'{"status": "success", "message": "Sent! Fax Has Been Answered."}')
    try:
        found = run(flow, iter([FaxResponse(status=200, body=b"[]"), page, end, sent, sent, sent]))
    except FaxError:
        return
    shown = decode(page)
    for one in [] if found else shown["history"]:
        assert isinstance(one, dict)
        assert LOGICAL_KEY not in str(one.get("document"))
        assert "\ufffd" not in str(one.get("document"))


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.replace(b"0b0b.pdf", b"0b\xff.pdf"),
        lambda body: body.replace(b'"document":', b'"document": "report.pdf", "document":'),
    ],
)
def test_a_name_that_nobody_can_read_leaves_no_proof(run, change):
    row = {"id": 8, "document": f"{LOGICAL_KEY}.pdf", "recipient": NUMBER.digits, "status": "success"}
    history = FaxResponse(status=200, body=change(json.dumps({"history": [row]}).encode()))
    empty = [FaxResponse(status=200, body=b"[]"), FaxResponse(status=200, body=b'{"history": []}')]

    with pytest.raises(FaxLostContactError):
        run(VENDOR.find_jobs(reference=LOGICAL_KEY, fax_number=NUMBER), [empty[0], history, empty[1]])


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": "failed", "status": "success", "message": "Sent! Fax Has Been Answered."}',
        b'{"status": "success", "message": "Fax is queued", "message": "Sent! Fax Has Been Answered."}',
        b'{"status": "success", "message": "Sent! Fax Has Been Answered.", "message": "Fax Failed - Line Busy"}',
    ],
)
def test_an_answer_that_contradicts_itself_is_settled_by_the_history(run, body):
    history = FaxResponse(status=200, body=b'{"history": []}')

    status = run(VENDOR.get_status("200"), [FaxResponse(status=200, body=body), history])

    assert status.outcome is FaxOutcome.PENDING


@pytest.mark.parametrize("http_status", [200, 400])
@pytest.mark.parametrize(
    "body",
    [
        b'{"status": "executed", "fax_job_id": 1, "fax_job_id": 2}',
        b'{"status": "failed", "status": "executed"}',
        b'{"status": "failed", "status": "executed", "fax_job_id": 1}',
    ],
)
def test_a_send_whose_answer_contradicts_itself_is_uncertain(run, http_status, body):
    with pytest.raises(FaxLostContactError):
        run(CALLS["send uploaded"](), [FaxResponse(status=http_status, body=body)])


def test_names_of_documents_are_shown_without_numbers(run):
    rows = [{"id": 1, "filename": "Roe +1 202 555 0123.pdf\x00"}, {"id": 2, "filename": f"{LOGICAL_KEY}.pdf"}, 7]

    shown = run(VENDOR.list_documents(), [FaxResponse(status=200, body=json.dumps(rows).encode())])

    assert [document.filename for document in shown] == ["Roe +*******0123.pdf", f"{LOGICAL_KEY}.pdf"]


@pytest.mark.parametrize(
    "words", ["%2B1%20202%20555%200123", "&#43;1&#x32;02-555-0123", "1\u2011202\u2011555\u20110123", "555 0 1 2 3"]
)
def test_a_refusal_does_not_show_the_number_in_any_form(run, words):
    body = json.dumps({"status": "failed", "message": f"Bad number {words} for key 5up3r%2bs3cret%2fkey%3d"}).encode()

    with pytest.raises(FaxVendorError) as caught:
        run(CALLS["send uploaded"](), [FaxResponse(status=400, body=body)])

    assert str(caught.value).endswith("0123 for key ***=") or str(caught.value).endswith("0123 for key ***")
    assert "555" not in str(caught.value)
