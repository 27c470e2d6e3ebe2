"""Finding a fax in records with a cursor: read whole, or no proof."""

from __future__ import annotations

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.vendors.lookup import FaxRecord, RecordPage, find_in_records

NUMBER = FaxNumber("+12025550100")
WHAT = "0123456789abcdef"
KEY = f"airflow-{'a' * 24}-{WHAT}"
OF_ANOTHER_RUN = f"airflow-{'b' * 24}-{WHAT}"
ANOTHER_FAX = f"airflow-{'c' * 24}-{'f' * 16}"
SINCE = pendulum.datetime(2026, 11, 20, 12)


def record(job_id, label, to="+12025550100", at=None):
    status = FaxStatus(
        vendor="examplefax", job_id=str(job_id), outcome=FaxOutcome.SUCCESS, reference=label, submitted_at=at
    )
    return FaxRecord(status=status, recipient=to)


def find(*pages, most=50, ends=True, since=None, cursors=None):
    """Look KEY up in pages of records; ``cursors`` are the vendor's own."""
    following = cursors or [*(f"to-{place + 1}" for place in range(len(pages) - 1)), None if ends else "on"]
    asked = []

    def read_page(cursor):
        asked.append(cursor)
        place = len(asked) - 1
        yield from ()
        return RecordPage(records=pages[place % len(pages)], next_cursor=following[place % len(pages)])

    flow = find_in_records(
        read_page, label="Example Fax", reference=KEY, fax_number=NUMBER, since=since, max_pages=most
    )
    try:
        next(flow)
    except StopIteration as end:
        return [status.job_id for status in end.value], [status.reference for status in end.value], asked
    raise AssertionError("no page makes a request here")


def test_every_page_is_read_with_the_cursor_of_the_page_before():
    jobs, references, asked = find([record(3, KEY)], [record(2, ANOTHER_FAX)], [record(1, KEY)])

    assert (jobs, references) == (["3", "1"], [KEY, KEY])
    assert asked == [None, "to-1", "to-2"]


def test_nothing_is_found_only_at_the_end():
    assert find([record(1, ANOTHER_FAX)], [])[0] == []
    assert find([], [record(1, KEY)])[0] == ["1"]


def test_a_row_that_moved_to_the_next_page_is_told_once():
    assert find([record(3, KEY), record(2, KEY)], [record(2, KEY), record(1, KEY)])[0] == ["3", "2", "1"]


@pytest.mark.parametrize("since", [None, SINCE])
@pytest.mark.parametrize("key", [KEY.upper(), f"{KEY}.pdf", f"fax {KEY} of"])
def test_a_key_is_found_in_what_the_vendor_made_of_it(key, since):
    assert find([record(1, key)], since=since)[:2] == (["1"], [KEY])


@pytest.mark.parametrize(
    "pages", [[[record(2, ANOTHER_FAX)]] * 2, [[record(2, KEY), record(1, KEY)], [record(1, KEY)]]]
)
def test_a_page_that_repeats_proves_nothing(pages):
    with pytest.raises(FaxLostContactError, match="repeat a page") as caught:
        find(*pages)

    assert caught.value.is_lasting


def test_a_cursor_that_repeats_proves_nothing():
    with pytest.raises(FaxLostContactError, match="repeat a page"):
        find([], [], cursors=["one", "one"])


def test_records_without_end_prove_nothing():
    pages = [[record(number, ANOTHER_FAX)] for number in range(9)]

    assert find(*pages, most=9)[0] == []
    with pytest.raises(FaxLostContactError, match="no end within 8 pages") as caught:
        find(*pages, most=8)
    assert caught.value.is_lasting


@pytest.mark.parametrize("label", [None, "", "invoice-12", KEY[:-1], f"{ANOTHER_FAX}x"])
@pytest.mark.parametrize("to", [None, "", "+12025550100", "0012025550100", "2025550100"])
@pytest.mark.parametrize("since", [None, SINCE])
def test_a_record_that_may_be_the_fax_is_doubt(label, to, since):
    with pytest.raises(FaxUnreadableAnswerError, match="bears no key of ours") as caught:
        find([record(2, KEY)], [record(1, label, to)], since=since)

    assert "2025550" not in str(caught.value)


def test_a_record_to_another_recipient_or_under_another_key_is_no_doubt():
    rows = [record(3, "invoice-12", "+12025550199"), record(2, ANOTHER_FAX), record(1, OF_ANOTHER_RUN)]

    assert find(rows)[0] == []


def test_the_same_fax_of_another_run_is_found_from_the_moment_on():
    rows = [
        record(5, OF_ANOTHER_RUN, at=SINCE),
        record(4, KEY),
        record(3, ANOTHER_FAX, at=SINCE),
        record(2, OF_ANOTHER_RUN, at=SINCE.subtract(seconds=2)),
        record(1, None, at=SINCE.subtract(hours=1)),
    ]

    assert find(rows, since=SINCE)[:2] == (["5", "4"], [OF_ANOTHER_RUN, KEY])


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

    assert set(jobs) == {row.status.job_id for row in rows if row.status.reference == KEY}
