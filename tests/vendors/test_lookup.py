"""Finding a fax in records with a cursor: read whole, or no proof."""

from __future__ import annotations

from email.utils import formatdate

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxThrottledError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.vendors.base import FaxResponse
from airflow_provider_faxto.vendors.lookup import FaxRecord, RecordPage, find_in_records, seconds_ahead
from airflow_provider_faxto.vendors.parsing import read_date

NUMBER = FaxNumber("+12025550100")
KEY = f"airflow-{'a' * 24}-{'0' * 16}"
CORRECTED = f"airflow-{'a' * 24}-{'1' * 16}"
ANOTHER_FAX = f"airflow-{'c' * 24}-{'0' * 16}"
SINCE = pendulum.datetime(2026, 11, 20, 12)


def record(job_id, label, to="+12025550100", at=None, outcome=FaxOutcome.RETRYABLE):
    status = FaxStatus(vendor="examplefax", job_id=str(job_id), outcome=outcome)
    return FaxRecord(status=status, label=label, recipient=to, submitted_at=at)


def find(*pages, most=50, ends=True, since=None, cursors=None, reference=KEY, error=None, date=None):
    """Look KEY up in pages of records; ``cursors`` are the vendor's own, and ``error`` comes instead of an end."""
    following = cursors or [*(f"to-{place + 1}" for place in range(len(pages) - 1)), None if ends else "on"]
    asked = []

    def read_page(cursor):
        asked.append(cursor)
        place = len(asked) - 1
        yield from ()
        if error is not None and place == len(pages):
            raise error
        return RecordPage(records=pages[place % len(pages)], next_cursor=following[place % len(pages)], date=date)

    flow = find_in_records(
        read_page, label="Example Fax", reference=reference, fax_number=NUMBER, since=since, max_pages=most
    )
    try:
        next(flow)
    except StopIteration as end:
        return [status.job_id for status in end.value], [status.reference for status in end.value], asked
    raise AssertionError("no page makes a request here")


def test_every_page_is_read_with_the_cursor_of_the_page_before():
    jobs, references, asked = find([record(3, KEY)], [record(2, ANOTHER_FAX)], [record(1, CORRECTED)])

    assert (jobs, references) == (["3", "1"], [KEY, CORRECTED])
    assert asked == [None, "to-1", "to-2"]


def test_nothing_is_found_only_at_the_end():
    assert find([], [record(2, ANOTHER_FAX)], [])[0] == []


def test_a_row_that_moved_to_the_next_page_is_told_once():
    assert find([record(3, KEY), record(2, KEY)], [record(2, KEY), record(1, KEY)])[0] == ["3", "2", "1"]


@pytest.mark.parametrize("since", [None, SINCE])
@pytest.mark.parametrize("label", [KEY.upper(), f" {KEY} "])
def test_a_whole_key_is_found_however_the_vendor_writes_it(label, since):
    assert find([record(1, label)], since=since)[:2] == (["1"], [KEY])


def test_a_reference_that_is_no_key_is_compared_as_a_whole():
    rows = [record(2, "order-7", "+12025550199"), record(1, "order-7")]

    assert find(rows, reference="order-7")[:2] == (["1"], ["order-7"])
    with pytest.raises(FaxUnreadableAnswerError):
        find([record(1, "order-77")], reference="order-7")


# What proves nothing -----------------------------------------------------------------------------------


def test_a_page_that_repeats_proves_nothing_now():
    pages = [[record(2, ANOTHER_FAX)], [record(2, ANOTHER_FAX)], []]

    with pytest.raises(FaxLostContactError, match="repeat a page") as caught:
        find(*pages)
    assert not caught.value.is_lasting


def test_a_cursor_that_leads_back_proves_nothing_and_will_not():
    with pytest.raises(FaxLostContactError, match="repeat a page") as caught:
        find([], [], cursors=["one", "one"])
    assert caught.value.is_lasting


def test_records_without_end_prove_nothing():
    pages = [[record(number, ANOTHER_FAX)] for number in range(9)]

    assert find(*pages, most=9)[0] == []
    with pytest.raises(FaxLostContactError, match="no end within 8 pages") as caught:
        find(*pages, most=8)
    assert caught.value.is_lasting


LABELS = [None, "", "invoice-12", KEY[:-1], f'"{KEY}"', f"{KEY}.pdf", f"fax {KEY} of", f"{ANOTHER_FAX}x"]


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("to", [None, "", "+12025550100", "0012025550100", "2025550100"])
@pytest.mark.parametrize(("since", "at"), [(None, None), (SINCE, None), (SINCE, SINCE), (None, SINCE)])
def test_a_record_that_may_be_the_fax_is_doubt(label, to, since, at):
    with pytest.raises(FaxUnreadableAnswerError, match=r"may or may not be this one \(job 1\)") as caught:
        find([record(2, KEY)], [record(1, label, to, at)], since=since)

    assert "2025550" not in str(caught.value)


@pytest.mark.parametrize("label", LABELS)
def test_a_record_to_another_recipient_or_of_another_time_is_no_doubt(label):
    rows = [record(3, label, "+12025550199"), record(2, ANOTHER_FAX, None), record(1, label, at=SINCE.subtract(days=1))]

    assert find(rows, since=SINCE)[0] == []


def test_the_very_key_with_another_recipient_is_doubt_and_a_corrected_number_is_none():
    assert find([record(1, CORRECTED, "+12025550199")])[1] == [CORRECTED]
    with pytest.raises(FaxUnreadableAnswerError, match="another recipient"):
        find([record(1, KEY, "+12025550199")])


# What is proof all the same ----------------------------------------------------------------------------

PROBLEMS = {
    "doubt": ([record(9, None)], {}),
    "no end": ([], {"ends": False, "most": 2}),
    "lost": ([], {"ends": False, "error": FaxLostContactError("Lost.")}),
    "throttled": ([], {"ends": False, "error": FaxThrottledError("Too often.")}),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("outcome", [FaxOutcome.PENDING, FaxOutcome.SUCCESS])
def test_the_very_fax_under_way_or_delivered_is_proof_whatever_else_is_read(problem, outcome):
    page, given_so = PROBLEMS[problem]

    assert find([record(1, KEY, outcome=outcome)], page, **given_so)[0] == ["1"]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(("label", "outcome"), [(KEY, FaxOutcome.RETRYABLE), (KEY, FaxOutcome.UNKNOWN),
                                                (CORRECTED, FaxOutcome.SUCCESS)])  # fmt: skip
def test_any_other_job_is_none(problem, label, outcome):
    page, given_so = PROBLEMS[problem]

    with pytest.raises((FaxLostContactError, FaxThrottledError)):
        find([record(1, label, outcome=outcome)], page, **given_so)


# The vendor's clock ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0, 1, 7200, 86_400])
def test_our_clock_may_be_ahead(bare_time, ahead):
    date = read_date(FaxResponse(status=200, headers={"date": formatdate(clock.now() - ahead, usegmt=True)}))

    assert ahead <= seconds_ahead(date) < ahead + 1
    # What the task calls twelve was ten, and this was sent at eleven.
    rows = [record(1, None, at=SINCE.subtract(hours=1))]
    if ahead > 3600:
        with pytest.raises(FaxUnreadableAnswerError):
            find(rows, since=SINCE, date=date)
    else:
        assert find(rows, since=SINCE, date=date)[0] == []


def test_a_clock_that_is_behind_or_not_told_moves_nothing(bare_time):
    assert seconds_ahead(pendulum.from_timestamp(bare_time.now() + 7200)) == seconds_ahead(None) == 0


@given(
    rows=st.lists(
        st.builds(record, st.integers(1, 9), st.none() | st.text(max_size=5) | st.sampled_from([KEY, ANOTHER_FAX])),
        max_size=12,
    ),
    size=st.integers(1, 4),
)
def test_a_fax_that_is_there_is_found_or_nothing_is_proven(rows, size):
    pages = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    try:
        jobs, _, _ = find(*pages)
    except FaxLostContactError:
        return

    assert set(jobs) == {row.status.job_id for row in rows if row.label == KEY}
