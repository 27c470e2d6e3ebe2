"""Finding the same document to the same number in InterFAX's records, whatever DAG run sent it."""

from __future__ import annotations

from itertools import count

import pendulum
import pytest

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.errors import FaxInputError, FaxLostContactError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import RequestKind
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor

NUMBER = FaxNumber("+12025550123")
KEY = "airflow-" + "0a" * 12 + "-" + "0b" * 8
OTHER_RUN = "airflow-" + "1c" * 12 + "-" + "0b" * 8
OTHER_FAX = "airflow-" + "0a" * 12 + "-" + "2d" * 8
SINCE = pendulum.datetime(2025, 3, 1, 12)


@pytest.fixture(params=[InterFaxVendor, ExtraFaxVendor], ids=lambda kind: kind.name)
def vendor(request):
    return request.param(login="clerk", password="secret-word")


def record(**changes):
    row = {
        "id": 667915751,
        "status": 0,
        "submitTime": "2025-03-01T12:31:40",
        "completionTime": "2025-03-01T12:31:38",
        "destinationFax": "0012025550123",
        "subject": OTHER_RUN,
    }
    return {name: value for name, value in (row | changes).items() if value is not ...}


@pytest.fixture
def find(vendor, run, answer):
    """Look for the same fax in an account whose search gives these rows, page by page."""

    def find(*pages, since=SINCE, reference=KEY):
        flow = vendor.find_same_faxes(reference=reference, fax_number=NUMBER, since=since)
        return run(flow, [*(answer(200, page) for page in pages), answer(200, [])])

    return find


def test_nothing_found_is_proof(find, run):
    assert find() == []

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
    find(since=since)

    assert dict(run.requests[0].query) == {"dateFrom": asked, "sortOrder": "desc", "limit": "100", "offset": "0"}


@pytest.mark.parametrize("field", ["reference", "subject"])
def test_the_same_fax_of_another_run_is_found_with_its_key(find, vendor, field):
    (status,) = find([record(**{"subject": ..., field: OTHER_RUN})])

    assert (status.vendor, status.job_id, status.outcome) == (vendor.name, "667915751", FaxOutcome.SUCCESS)
    assert status.reference == OTHER_RUN
    assert status.submitted_at == pendulum.datetime(2025, 3, 1, 12, 31, 40)


def test_the_fax_of_this_run_is_found_too(find):
    assert [status.reference for status in find([record(subject=KEY)])] == [KEY]


@pytest.mark.parametrize("written", [OTHER_RUN.upper(), f" {OTHER_RUN} ", f"Fax {OTHER_RUN} (copy)"])
def test_a_key_is_given_as_it_was_made_however_it_is_shown(find, written):
    assert [status.reference for status in find([record(subject=written)])] == [OTHER_RUN]


def test_the_key_counts_whichever_field_holds_another_text(find):
    (status,) = find([record(reference="billing", subject=OTHER_RUN)])

    assert status.reference == OTHER_RUN


def test_all_of_them_are_found_newest_first_on_whatever_page(find, run):
    first = [record(id="11", status=6017), record(id=14, subject=OTHER_FAX)]
    second = [record(id=13, status=-3, completionTime=None), record(id=12, status=403, subject=KEY)]

    assert [status.job_id for status in find(first, second)] == ["13", "12", "11"]
    assert [dict(request.query)["offset"] for request in run.requests] == ["0", "2", "4"]


@pytest.mark.parametrize("subject", [OTHER_FAX, OTHER_RUN[:-1], "invoice 7", "airflow-" + "0b" * 16])
def test_another_document_or_number_is_not_the_same_fax(find, subject):
    assert find([record(subject=subject)]) == []


def test_an_older_fax_does_not_count(find, vendor):
    # ExtraFax documents no zone, so that its times may be those of any.
    old = "2025-03-01T11:59:59" if vendor.name == "interfax" else "2025-02-28T23:59:59"

    rows = [
        record(submitTime=old),
        record(submitTime=old, completionTime="2025-03-01T12:10:00"),
        record(submitTime=old, subject=None),
        record(submitTime=old, status=None),
        record(submitTime="2025-03-01T12:59:59+01:00"),
    ]
    assert find(rows) == []


@pytest.mark.parametrize(
    "submitted",
    ["2025-03-01T12:00:00", "2025-03-01T11:30:00-01:00", "2025-03-01", "2025-03-01T11:59", "0001-01-01T00:00:00",
     "01/03/2025 11:00:00", "", None, 1740826799, {}, ...],
)  # fmt: skip
def test_a_fax_whose_time_cannot_be_told_to_be_older_counts(find, submitted):
    assert len(find([record(submitTime=submitted)])) == 1


def test_a_foreign_fax_to_another_number_is_not_the_same(find):
    rows = [record(subject=None, destinationFax="0012025550199"), record(subject=..., destinationFax="00442079460958")]

    assert find(rows) == []


@pytest.mark.parametrize("destination", ["0012025550123", "+1 202 555-0123", "2025550123", "", None, {}])
@pytest.mark.parametrize("subject", [None, "", 7, [KEY], ...])
def test_a_foreign_fax_without_reference_that_may_have_gone_to_the_number_leaves_no_proof(
    vendor, run, answer, destination, subject
):
    rows = [record(), record(id=7, subject=subject, destinationFax=destination)]
    flow = vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE)

    with pytest.raises(FaxUnreadableAnswerError, match="no reference and may have gone") as caught:
        run(flow, [answer(200, rows)])
    assert "2025550" not in str(caught.value)


@pytest.mark.parametrize("row", [None, 5, "x", [], record(status=None), record(status="OK"), record(id=None)])
def test_a_row_that_cannot_be_read_hides_nothing(vendor, run, answer, row):
    with pytest.raises(FaxUnreadableAnswerError):
        run(vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE), [answer(200, [row])])


@pytest.mark.parametrize(
    "broken",
    [(500, b""), (503, b"<html>"), (404, {"code": -1005}), (302, b""), (200, b"<html>"), (200, {"faxes": []}),
     (200, b'[{"id": 1, "subj')],
)  # fmt: skip
@pytest.mark.parametrize("pages", [0, 1])
def test_a_search_that_fails_or_is_cut_is_no_proof(vendor, run, answer, pages, broken):
    before = [answer(200, [record(subject=OTHER_FAX)])] * pages

    with pytest.raises(FaxLostContactError):
        run(
            vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE),
            [*before, answer(*broken)],
        )


def test_a_search_without_end_is_no_proof(vendor, run, answer):
    pages = (answer(200, [record(id=number, subject=OTHER_FAX)]) for number in count(1))

    with pytest.raises(FaxLostContactError, match="20 pages"):
        run(vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE), pages)
    assert len(run.requests) == 20


@pytest.mark.parametrize("reference", ["", "my-reference", KEY + "-2", "airflow-" + "0a" * 16, None])
def test_a_reference_that_is_no_key_is_an_error(vendor, run, reference):
    with pytest.raises(FaxInputError, match="logical_fax_key"):
        run(vendor.find_same_faxes(reference=reference, fax_number=NUMBER, since=SINCE))
    assert run.requests == []
