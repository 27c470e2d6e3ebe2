"""Whatever InterFAX sends: a value, or one of our errors, and never a success that it did not write."""

from __future__ import annotations

import itertools
import json
import re

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax import FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import FaxResponse, HistoryPage, RequestKind
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor
from airflow_provider_faxto.vendors.parsing import decode_json

NUMBER = FaxNumber("+442079460958")
PASSWORD = "p@ss w/rd%1+"
KEY = "airflow-0123456789abcdef0123456789abcdef"
LOGICAL_KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
OTHER_RUN = "airflow-ffffffffffffffffffffffff-0123456789abcdef"
SINCE = pendulum.datetime(2025, 3, 1)
JOB = "667915751"
PDF = FaxDocument.from_bytes(b"%PDF-1.4 small", "pdf")
LARGE = FaxDocument.from_bytes(b"x" * 1_000_001, "txt")
VENDORS = [kind(login="clerk", password=PASSWORD) for kind in (InterFaxVendor, ExtraFaxVendor)]
FLOWS = {
    "send": lambda vendor: vendor.send_fax(NUMBER, [PDF], reference=KEY),
    "send large": lambda vendor: vendor.send_fax(NUMBER, [LARGE]),
    "status": lambda vendor: vendor.get_status(JOB),
    "statuses": lambda vendor: vendor.get_statuses([JOB, "2", "3"]),
    "find": lambda vendor: vendor.find_jobs(reference=KEY, fax_number=NUMBER),
    "find since": lambda vendor: vendor.find_jobs(reference=LOGICAL_KEY, fax_number=NUMBER, since=SINCE),
    "upload": lambda vendor: vendor.upload_document(PDF),
    "delete": lambda vendor: vendor.delete_document("89a48657279d45429c646029bd9227e6"),
    "cancel": lambda vendor: vendor.cancel_fax(JOB),
    "balance": lambda vendor: vendor.get_balance(),
    "history": lambda vendor: vendor.get_history_page("700000000"),
    "check": lambda vendor: vendor.check_connection(),
    "resend": lambda vendor: vendor.resend_fax("12", NUMBER),
    "hide": lambda vendor: vendor.hide_fax(JOB),
    "image": lambda vendor: vendor.get_fax_image(JOB),
}

# Among anything else, what stands in real answers, so that a reader gets past its first check.
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([0, "0", "00", -22, 6017, 403, int(JOB), JOB, 2, "3", KEY, "00442079460958", "1e999999", 10**50])
    | st.sampled_from([OTHER_RUN, OTHER_RUN.upper(), f"fax {OTHER_RUN}", "2025-02-28T23:59:59", "2025-02-28"])
    | st.sampled_from(["2025-03-01T12:31:38", "0001-01-01T00:00:00", f"{PASSWORD} +44 20 7946 0958", "\ud800", "a\0b"])
)
names = st.text(max_size=5) | st.sampled_from(
    ["id", "status", "subject", "reference", "destinationFax", "code", "message", "moreInfo", "units", "costPerUnit"]
)
anything = st.recursive(
    scalars,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(names, children, max_size=6),
    max_leaves=12,
)
record = {
    "id": int(JOB), "status": 0, "pagesSent": 2, "completionTime": "2025-03-01T12:31:38", "units": 2.0,
    "costPerUnit": 0.15, "attemptsMade": 1, "submitTime": "2025-03-01T12:31:40", "subject": KEY,
    "destinationFax": "00442079460958", "pagesSubmitted": 2,
}  # fmt: skip
mutated = st.dictionaries(st.sampled_from([*record, "reference"]), anything, max_size=3).map(
    lambda changes: {**record, **changes}
)
api_errors = st.fixed_dictionaries(
    {"code": st.sampled_from([-1003, -1011, -1005, -162, -112, -1007, -150, -22, 0, 442079460958]) | scalars},
    optional={"message": scalars, "moreInfo": scalars, "more_info": scalars},
)
values = anything | mutated | st.lists(mutated, max_size=3) | st.lists(anything, max_size=3) | api_errors
bodies = st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode())
locations = st.sampled_from(
    [
        f"https://rest.interfax.net/outbound/faxes/{JOB}",
        "https://rest.interfax.net/outbound/faxes/12",
        "https://rest.interfax.net/outbound/documents/89a48657279d45429c646029bd9227e6",
    ]
) | st.text(max_size=30)
headers = st.fixed_dictionaries(
    {},
    optional={
        "location": locations,
        "retry-after": st.sampled_from(["10", "-1", "NaN", "1e999999"]) | st.text(max_size=10),
        "content-type": st.sampled_from(["image/tiff", "application/json"]) | st.text(max_size=10),
    },
)
responses = st.builds(
    FaxResponse,
    status=st.sampled_from([200, 200, 200, 201, 202, 204, 301, 400, 401, 404, 409, 413, 429, 500])
    | st.integers(200, 599),
    headers=headers,
    body=bodies,
)


def written_successes(response):
    """The ids of the records of an answer that say success in the one way that counts."""
    try:
        value = decode_json(response.body)
    except ValueError:
        return set()
    rows = value if isinstance(value, list) else [value]
    return {
        str(row["id"]).strip().lstrip("0")
        for row in rows
        if isinstance(row, dict) and "id" in row and type(row.get("status")) in (int, str) and row["status"] in (0, "0")
    }


def statuses_in(value):
    if isinstance(value, FaxStatus):
        return [value]
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, HistoryPage):
        return list(value.statuses)
    return [status for status in value if isinstance(status, FaxStatus)] if isinstance(value, list) else []


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("call", FLOWS)
@settings(max_examples=150, deadline=None)
@given(st.lists(responses, min_size=1, max_size=4))
def test_any_answers_make_a_value_or_one_of_our_errors(run, assert_can_be_stored, vendor, call, sent):
    error = None
    try:
        # The last answer comes for ever: a flow must end however often it is repeated.
        value = run(FLOWS[call](vendor), itertools.chain(sent, itertools.repeat(sent[-1])))
    except FaxError as caught:
        error = caught
    if error is None:
        successes = set().union(*map(written_successes, sent))
        for status in statuses_in(value):
            assert_can_be_stored(status.to_dict())
            assert not re.search(r"7946\W*0958", f"{status.reference}{status.message}")
            assert FaxStatus.from_dict(status.to_dict()) == status
            assert status.outcome is not FaxOutcome.SUCCESS or status.job_id in successes
    else:
        shown = f"{error} {error!r}"
        assert not re.search(r"7946\W*0958", shown)
        assert not [secret for secret in vendor.secrets if secret in shown]
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
        shown.encode()
    kinds = [request.kind for request in run.requests]
    # A send is the last request whatever came back, and there is never a second.
    assert RequestKind.SEND not in kinds[:-1]


@settings(max_examples=300, deadline=None)
@given(mutated)
def test_a_mutated_record_is_itself_or_unreadable(run, row):
    vendor = VENDORS[0]
    response = FaxResponse(status=200, body=json.dumps(row).encode())
    try:
        status = run(vendor.get_status(JOB), [response])
    except FaxError:
        return
    assert int(status.job_id) == int(JOB) == int(row["id"])
    assert status.code == int(row["status"])
    if status.outcome is FaxOutcome.SUCCESS:
        assert row["status"] in (0, "0")
        assert status.pages_sent is None or status.pages_sent > 0
    else:
        assert row["status"] not in (0, "0") or status.outcome is FaxOutcome.UNKNOWN


@settings(max_examples=300, deadline=None)
@given(st.lists(mutated | anything, max_size=4))
def test_a_search_says_nothing_was_sent_only_of_rows_that_are_somebody_elses(run, rows):
    page = FaxResponse(status=200, body=json.dumps(rows).encode())
    end = FaxResponse(status=200, body=b"[]")
    try:
        found = run(
            VENDORS[0].find_jobs(reference=KEY, fax_number=NUMBER), itertools.chain([page], itertools.repeat(end))
        )
    except FaxError:
        return
    if not found:
        for row in rows:
            assert isinstance(row, dict)
            assert KEY not in (row.get("reference"), row.get("subject"))


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@settings(max_examples=300, deadline=None)
@given(rows=st.lists(mutated, min_size=1, max_size=3), data=st.data())
def test_damaged_bytes_are_a_value_that_can_be_stored_or_one_of_our_errors(
    run, damage, assert_can_be_stored, *, vendor, rows, data
):
    one = FaxResponse(status=200, body=damage(data, json.dumps(rows[0]).encode()))
    many = FaxResponse(status=200, body=damage(data, json.dumps(rows).encode()))
    end = FaxResponse(status=200, body=b"[]")
    for call, sent in (("status", [one]), ("statuses", [many]), ("history", [many]), ("find", [many, end])):
        try:
            value = run(FLOWS[call](vendor), itertools.chain(sent, itertools.repeat(end)))
        except FaxError as error:
            shown, value = str(error), None
        else:
            shown = ""
        assert_can_be_stored(shown)
        assert not re.search(r"7946\W*0958", shown)
        for status in statuses_in(value):
            assert_can_be_stored(status.to_dict())
            assert not re.search(r"7946\W*0958", f"{status.reference}{status.message}")
            assert status.outcome is not FaxOutcome.SUCCESS or status.job_id in written_successes(sent[0])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_proves_that_a_fax_was_not_sent(run, damage, data):
    """Whatever byte of our fax's record is bad: it is found, or the search proves nothing."""
    key = LOGICAL_KEY
    page = FaxResponse(status=200, body=damage(data, json.dumps([{**record, "subject": key}]).encode()))
    flow = VENDORS[0].find_jobs(reference=key, fax_number=NUMBER)
    try:
        found = run(flow, itertools.chain([page], itertools.repeat(FaxResponse(status=200, body=b"[]"))))
    except FaxError:
        return
    shown = decode_json(page.body)
    # What is left out has a readable label that is another's, or went to another number.
    if not found and shown:
        assert all(isinstance(row, dict) and key not in (row.get("reference"), row.get("subject")) for row in shown)


def test_a_bad_byte_in_our_label_leaves_no_proof(run):
    label = LOGICAL_KEY.encode().replace(b"0123", b"01\xff3", 1)
    body = json.dumps([{**record, "subject": "LABEL"}]).encode().replace(b"LABEL", label)
    contradicted = json.dumps([record]).encode().replace(b'"subject"', b'"subject": "x", "subject"')
    with_other = contradicted.replace(b'"id"', b'"reference": "invoice 7", "id"')
    for page in (body, contradicted, with_other):
        with pytest.raises(FaxUnreadableAnswerError):
            run(VENDORS[0].find_jobs(reference=KEY, fax_number=NUMBER), [FaxResponse(status=200, body=page)])
