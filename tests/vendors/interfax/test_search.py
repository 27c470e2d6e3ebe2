"""Finding a fax again in InterFAX's records, and never taking "cannot tell" for "not there"."""

from __future__ import annotations

import itertools
import json
from email.utils import formatdate

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.errors import (
    FaxError,
    FaxLostContactError,
    FaxRateLimitError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import FaxResponse, RequestKind
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor
from airflow_provider_faxto.vendors.lookup import UnfinishedRecords

NUMBER = FaxNumber("+12025550123")
KEY = "airflow-" + "0a" * 12 + "-" + "0b" * 8
CORRECTED = "airflow-" + "0a" * 12 + "-" + "2d" * 8
OTHER = "airflow-" + "1c" * 12 + "-" + "0b" * 8
SINCE = pendulum.datetime(2025, 3, 1, 12)
VENDORS = [kind(login="clerk", password="secret-word") for kind in (InterFaxVendor, ExtraFaxVendor)]
FAILED = 6017


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request):
    return request.param


def record(**changes):
    row = {
        "id": 667915751,
        "status": 0,
        "submitTime": "2025-03-01T12:31:40",
        "completionTime": "2025-03-01T12:31:38",
        "destinationFax": "0012025550123",
        "subject": KEY,
    }
    return {name: value for name, value in (row | changes).items() if value is not ...}


def others(*numbers):
    return [record(id=number, subject=OTHER) for number in numbers]


def ask_for_overlap(*pages):
    """Let each page begin with the last row of the one before, as the search is asked for it."""
    return [pages[0], *([before[-1], *page] for before, page in itertools.pairwise(pages))]


@pytest.fixture
def find(vendor, run, answer):
    """Look the fax up in an account whose search gives these rows, page by page."""

    def find(*pages, since=SINCE, reference=KEY, **given):
        flow = vendor.find_jobs(reference=reference, fax_number=NUMBER, since=since, **given)
        return run(flow, [answer(200, page) for page in pages])

    return find


# What is asked -----------------------------------------------------------------------------------------


def test_one_short_page_is_proof_and_one_request(find, run):
    assert find([]) == find(others(*range(24))) == []

    (request,) = run.requests
    assert (request.kind, request.path) == (RequestKind.READ, "/outbound/search")
    assert "2025550" not in f"{request.action}{request.query}"


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        (SINCE, "2025-02-28T12:00:00"),
        (pendulum.datetime(2025, 3, 1, 21, tz="Asia/Tokyo"), "2025-02-28T12:00:00"),
        (pendulum.datetime(2025, 3, 1, 12, 0, 0, 999_999), "2025-02-28T12:00:00"),
    ],
)
def test_the_vendor_is_asked_by_date_alone_and_a_day_further_back(find, run, since, asked):
    find([], since=since)

    assert dict(run.requests[0].query) == {"dateFrom": asked, "sortOrder": "desc", "limit": "100", "offset": "0"}


def test_without_a_moment_it_is_asked_as_far_back_as_it_keeps_records(find, run, bare_time):
    find([], since=None)

    asked = pendulum.parse(dict(run.requests[0].query)["dateFrom"])
    assert 0 <= bare_time.now() - 31 * 86_400 - asked.timestamp() < 1


def test_a_reference_that_is_no_key_is_asked_for_as_a_whole(find, run):
    (status,) = find([record(subject="invoice-7"), *others(3)], reference="invoice-7")

    assert (status.reference, dict(run.requests[0].query)["reference"]) == ("invoice-7", "invoice-7")
    assert len(run.requests) == 1


@pytest.mark.parametrize("rows", [25, 99, 100])
def test_a_page_that_may_have_been_cut_is_not_the_last(find, run, rows):
    found = find(*ask_for_overlap(others(*range(1, rows + 1)), [record(id=900)]))

    assert [status.job_id for status in found] == ["900"]
    assert [dict(request.query)["offset"] for request in run.requests] == ["0", str(rows - 1)]


def test_a_page_that_repeats_what_was_read_proves_nothing(vendor, run, answer):
    page = answer(200, others(*range(30)))

    with pytest.raises(FaxLostContactError, match="repeats a page") as caught:
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), itertools.repeat(page))
    assert not caught.value.is_lasting
    assert len(run.requests) == 5


def test_a_burst_of_new_faxes_that_moves_the_others_hides_none(find, run):
    page = others(*range(900, 1000))
    moved = [page, page, [*page[50:], *others(*range(850, 900))], [page[99], record(id=7)]]

    assert [status.job_id for status in find(*moved)] == ["7"]
    assert [dict(request.query)["offset"] for request in run.requests] == ["0", "99", "198", "297"]


@pytest.mark.parametrize("end", [[], others(2)], ids=["nothing", "others"])
def test_where_rows_have_gone_meanwhile_others_may_have_been_passed_over(vendor, run, answer, end):
    pages = [answer(200, others(*range(900, 1000))), answer(200, end)]

    with pytest.raises(FaxLostContactError, match="lost rows") as caught:
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), pages)
    assert not caught.value.is_lasting


def pages_of_others(start=1):
    for first in itertools.count(start, 24):
        yield others(*range(first, first + 25))


def test_where_there_are_too_many_the_whole_reference_is_asked_for(find, run):
    listing = list(itertools.islice(pages_of_others(), 20))
    listing[3][7] = record(id=9001, subject=CORRECTED, status=FAILED)

    found = find(*listing, [record(id=9000, status=FAILED)])

    assert [(status.job_id, status.reference) for status in found] == [("9001", CORRECTED), ("9000", KEY)]
    assert len(run.requests) == 21
    assert dict(run.requests[-1].query) == {"reference": KEY, "sortOrder": "desc", "limit": "100", "offset": "0"}


def test_neither_search_without_end_proves_anything(vendor, run, answer):
    pages = (answer(200, page) for page in pages_of_others())

    with pytest.raises(FaxLostContactError, match="20 pages") as caught:
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), pages)
    assert caught.value.is_lasting
    assert len(run.requests) == 40


# Which rows are ours -----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["reference", "subject"])
@pytest.mark.parametrize("key", [KEY, CORRECTED])
def test_a_job_under_a_key_of_the_fax_is_found_with_it(find, vendor, field, key):
    (status,) = find([record(**{"subject": ..., field: f" {key.upper()} "})])

    assert (status.vendor, status.job_id, status.outcome) == (vendor.name, "667915751", FaxOutcome.SUCCESS)
    assert status.reference == key
    assert status.submitted_at == pendulum.datetime(2025, 3, 1, 12, 31, 40)


def test_all_of_them_are_found_newest_first(find):
    rows = [
        record(id="11", status=FAILED),
        record(id=14, subject=OTHER),
        record(id=13, status=-3, completionTime=None),
        record(id=12, status=403, subject=CORRECTED, destinationFax="00442079460958"),
    ]

    assert [status.job_id for status in find(rows)] == ["13", "12", "11"]


@pytest.mark.parametrize("submitted", ["2020-01-01T00:00:00", "", None, ...])
def test_a_key_of_the_fax_counts_whenever_it_was_sent(find, submitted):
    assert len(find([record(submitTime=submitted)])) == 1


@pytest.mark.parametrize("reference", [OTHER, f" {OTHER.upper()} "])
def test_a_whole_key_of_another_fax_is_another_fax(find, reference):
    assert find([record(subject=reference), record(subject=None, reference=reference, destinationFax=None)]) == []


CHANGED = [f'"{KEY}"', KEY.replace("-", "_"), f"{KEY}-2", f"{KEY}.pdf", KEY[:-1], KEY[1:], f"Fax {KEY}", "invoice 7",
           "", f"{OTHER}x", OTHER.replace("-", "%2D"), None, 7, [KEY], ...]  # fmt: skip


@pytest.mark.parametrize("destination", ["0012025550123", "+1 202 555-0123", "2025550123", "1202***0123", "", None, {}])
@pytest.mark.parametrize("subject", CHANGED)
def test_any_other_label_to_a_number_that_may_be_ours_leaves_no_proof(find, destination, subject):
    with pytest.raises(FaxUnreadableAnswerError, match=r"may or may not be this one \(job 7\)") as caught:
        find([*others(9), record(id=7, subject=subject, destinationFax=destination)])
    assert "2025550" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("subject", CHANGED)
def test_any_other_label_is_another_fax_if_it_went_elsewhere_or_is_old(find, subject):
    # ExtraFax documents no zone, so that its times may be those of any.
    rows = [
        record(subject=subject, destinationFax="0012025550199"),
        record(subject=subject, submitTime="2025-02-28T23:59:59"),
        record(subject=subject, submitTime="2025-03-01T12:59:59+01:00"),
    ]
    assert find(rows) == []


@pytest.mark.parametrize(
    "submitted",
    ["2025-03-01T12:00:00", "2025-03-01T11:30:00-01:00", "2025-03-01", "2025-03-01T11:59", "0001-01-01T00:00:00",
     "01/03/2025 11:00:00", "", None, {}],
)  # fmt: skip
def test_a_row_whose_time_cannot_be_told_to_be_older_leaves_no_proof(find, submitted):
    with pytest.raises(FaxUnreadableAnswerError):
        find([record(subject=None, submitTime=submitted)])


def test_a_time_without_a_zone_is_utc_only_where_that_is_documented(find, vendor):
    rows = [record(subject=None, submitTime="2025-03-01T11:59:59")]

    if vendor.name == "interfax":
        assert find(rows) == []
    else:
        with pytest.raises(FaxUnreadableAnswerError):
            find(rows)


@pytest.mark.parametrize("row", [None, 5, "x", [], record(status=None), record(status="OK"), record(id=None)])
def test_a_row_that_cannot_be_read_leaves_no_proof(find, row):
    with pytest.raises(FaxUnreadableAnswerError):
        find([row])


@pytest.mark.parametrize("status", [0, -3, FAILED])
def test_the_very_key_with_another_recipient_leaves_no_proof(find, status):
    with pytest.raises(FaxUnreadableAnswerError, match="with another recipient"):
        find([record(status=status, destinationFax="00442079460958")])


def test_a_job_with_two_ends_leaves_no_proof(find):
    with pytest.raises(FaxUnreadableAnswerError, match="two ends"):
        find([record(status=FAILED), record(status=3912)])


# A clock that is not the vendor's ------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "is_doubt"), [(7200, True), (0, False), (-7200, False), (None, False)])
def test_the_vendors_clock_tells_what_is_old(run, answer, ahead, is_doubt):
    vendor = VENDORS[0]
    header = {} if ahead is None else {"date": formatdate(clock.now() - ahead, usegmt=True)}
    # By the vendor's clock the task began at ten, and this was sent an hour after.
    rows = [record(subject=None, submitTime="2025-03-01T11:00:00")]
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE)

    if is_doubt:
        with pytest.raises(FaxUnreadableAnswerError):
            run(flow, [answer(200, rows, **header)])
    else:
        assert run(flow, [answer(200, rows, **header)]) == []


# What is not read whole ----------------------------------------------------------------------------------

BROKEN = [(500, b""), (503, b"<html>"), (404, {"code": -1005}), (302, b""), (200, b"<html>"), (200, {"faxes": []}),
          (200, b'[{"id": 1, "subj'), (429, b"")]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("pages", [0, 1])
def test_a_search_that_fails_or_is_cut_is_no_proof(vendor, run, answer, pages, broken):
    before = [answer(200, [*others(*range(30)), record(status=FAILED)])] * pages

    with pytest.raises((FaxLostContactError, FaxThrottledError)):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), [*before, answer(*broken)])


@pytest.mark.parametrize("status", [0, -3])
@pytest.mark.parametrize("broken", BROKEN)
def test_the_very_fax_under_way_or_delivered_is_proof_all_the_same(vendor, run, answer, status, broken):
    rows = [*others(*range(30)), record(status=status), record(id=5, subject=None), record(id=6, status=FAILED)]

    found = run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), [answer(200, rows), answer(*broken)])

    assert [each.job_id for each in found] == ["667915751", "6"]


def test_a_corrected_fax_is_no_proof_where_the_records_are_not_whole(vendor, run, answer):
    rows = [*others(*range(30)), record(subject=CORRECTED)]

    with pytest.raises(FaxLostContactError):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), [answer(200, rows), answer(500)])


# One listing for many look-ups ---------------------------------------------------------------------------


@pytest.fixture
def records(vendor, run, answer):
    def read(*pages, since=SINCE):
        listing = run(vendor.read_records(since), [answer(200, page) for page in pages])
        return json.loads(json.dumps(listing))

    return read


def test_one_listing_serves_many_look_ups(find, run, records):
    listing = records([record(), record(id=7, subject=OTHER, destinationFax="00442079460958", contact="Dr. Roe")])

    assert [status.job_id for status in find(records=listing)] == ["667915751"]
    assert [status.job_id for status in find(records=listing, reference=OTHER[:-1] + "c")] == ["7"]
    assert find(records=listing, reference="airflow-" + "f" * 24 + "-" + "f" * 16, since=SINCE.add(hours=1)) == []
    assert run.requests == []
    assert "Roe" not in str(listing)


@pytest.mark.parametrize("since", [SINCE.subtract(seconds=1), None])
def test_a_look_up_from_an_earlier_moment_reads_for_itself(find, run, records, since):
    listing = records([], since=pendulum.now("UTC"))

    assert len(find([record()], records=listing, since=since)) == 1
    assert len(run.requests) == 1


def test_a_listing_without_end_leaves_the_whole_reference_to_be_asked_for(find, run, records):
    listing = records(*itertools.islice(pages_of_others(), 20))

    assert len(find([record()], records=listing)) == 1
    assert [dict(request.query).get("reference") for request in run.requests] == [KEY]


def test_a_listing_that_repeats_or_breaks_off_is_none(vendor, run, answer):
    page = answer(200, others(*range(30)))
    for end in (page, answer(503)):
        with pytest.raises(FaxLostContactError):
            run(vendor.read_records(SINCE), itertools.chain([page], itertools.repeat(end)))


def test_a_listing_stops_where_a_page_has_no_turn_and_goes_on_from_there(vendor, answer, find):
    pages = ask_for_overlap(others(*range(200, 300)), others(*range(101, 200)), [record()])
    flow = vendor.read_records(SINCE)
    asked = [next(flow), flow.send(answer(200, pages[0]))]
    with pytest.raises(StopIteration) as stopped:
        flow.throw(FaxRateLimitError("Spent.", retry_after=7.0))
    unfinished = stopped.value.value
    assert (type(unfinished), unfinished.retry_after) == (UnfinishedRecords, 7.0)
    assert "2025550123" not in repr(unfinished)

    flow = vendor.resume_records(json.loads(json.dumps(unfinished.so_far)))
    asked += [next(flow), flow.send(answer(200, pages[1]))]
    with pytest.raises(StopIteration) as ended:
        flow.send(answer(200, pages[2]))

    assert [dict(request.query)["offset"] for request in asked] == ["0", "99", "99", "198"]
    assert [status.job_id for status in find(records=ended.value.value)] == ["667915751"]


def test_a_listing_whose_first_page_has_no_turn_has_not_begun(vendor):
    flow = vendor.read_records(SINCE)
    next(flow)

    with pytest.raises(FaxRateLimitError):
        flow.throw(FaxRateLimitError("Spent.", retry_after=7.0))


LABELS = st.sampled_from([KEY, CORRECTED, OTHER, None, 7, "x", f'"{KEY}"', KEY[:-1]])
ROWS = st.lists(
    st.builds(
        record,
        id=st.sampled_from([1, 2, 3, "4", None]),
        status=st.sampled_from([0, "0", -3, FAILED, None, float("nan"), "OK"]),
        subject=LABELS,
        reference=LABELS | st.just(...),
        destinationFax=st.sampled_from(["0012025550123", "00442079460958", None, 12025550123]),
        submitTime=st.sampled_from(["2025-03-01T12:31:40", "2020-01-01T00:00:00", None, "soon"]),
        pagesSent=st.sampled_from([1, ..., float("nan")]),
    )
    | st.sampled_from([None, 5, [], {}]),
    max_size=5,
)


@settings(deadline=None)
@given(rows=ROWS)
def test_a_listing_says_what_the_search_itself_says(run, rows):
    page = FaxResponse(status=200, body=json.dumps(rows).encode())
    vendor = VENDORS[0]

    def look(*pages, **given):
        try:
            return run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE, **given), list(pages))
        except FaxError as error:
            return str(error)

    listing = json.loads(json.dumps(run(vendor.read_records(SINCE), [page])))

    assert look(records=listing) == look(page)


@settings(deadline=None, max_examples=300)
@given(rows=ROWS)
def test_a_row_that_may_be_the_fax_is_found_or_nothing_is_proven(run, rows):
    page = FaxResponse(status=200, body=json.dumps(rows).encode())
    try:
        found = run(VENDORS[0].find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), [page])
    except FaxLostContactError:
        return
    ids = {status.job_id for status in found}
    is_settled = any(s.reference == KEY and s.outcome in (FaxOutcome.SUCCESS, FaxOutcome.PENDING) for s in found)
    for row in rows:
        if is_settled:
            break
        assert isinstance(row, dict)
        keys = [read_key(row.get(name)) for name in ("reference", "subject") if isinstance(row.get(name), str)]
        whose = {key.whose for key in keys if key is not None}
        if "0a" * 12 in whose:
            assert str(row["id"]) in ids
        elif not whose:
            assert row["destinationFax"] == "00442079460958" or row["submitTime"] == "2020-01-01T00:00:00"
