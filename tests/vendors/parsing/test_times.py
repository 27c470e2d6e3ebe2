"""Moments in what a vendor sends, and how long it asks to wait: a typed value or nothing."""

from __future__ import annotations

import pendulum
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_faxto.vendors.base import FaxResponse
from airflow_provider_faxto.vendors.parsing import as_exact_utc, as_utc, is_before, read_date, read_retry_after

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "value",
    ["2017-08-03T12:31:38", "2017-08-03 12:31:38", "2017-08-03T12:31:38Z", "2017-08-03T14:31:38+02:00",
     "2017-08-03T12:31:38.000000"],
)  # fmt: skip
def test_moments_are_read_as_utc(value):
    moment = as_utc(value)

    assert moment == pendulum.datetime(2017, 8, 3, 12, 31, 38)
    assert moment.timezone_name == "UTC"


@pytest.mark.parametrize(
    "value",
    ["", None, 5, "0001-01-01T00:00:00", "now", "12:30", "P1Y", "2020-01-01/2020-02-01", "2017-02-30T00:00:00",
     "9999-12-31T23:59:59-12:00", "soon", "1" * 60, "2017-08-03/12:31:38.12", "6:", "20170803T123138", "2017-W31-4",
     "\uff12017-08-03", "2017-13-01", "2017-08-03 12", "2017-08-03T12:31:38.", "2017-08-03 12:31:38 Mars"],
)  # fmt: skip
def test_what_is_no_moment_is_none(value):
    assert as_utc(value) is None


def test_a_date_alone_is_its_midnight():
    assert as_utc(" 2017-08-03 ") == pendulum.datetime(2017, 8, 3)


@given(
    st.text(alphabet="0123456789-:T .Z+/PWnow", max_size=45)
    | st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.Z+/-]{0,25}\Z")
    | anything
)
@example("2020-01-01T00:00:00.")
def test_anything_is_a_moment_in_utc_or_none(value):
    moment = as_utc(value)
    assert moment is None or (moment.year >= 2000 and moment.timezone_name == "UTC")


@pytest.mark.parametrize("value", ["2025-03-01T12:31:38", "2025-03-01 12:31:38.000000", " 2025-03-01T13:31:38+01:00 "])
def test_a_moment_to_the_second_can_be_compared(value):
    assert as_exact_utc(value) == pendulum.datetime(2025, 3, 1, 12, 31, 38)


@pytest.mark.parametrize(
    "value", ["2025-03-01", "2025-03-01T12:31", "2025-03-01T12:31Z", "0001-01-01T00:00:00", "", 7, None]
)
def test_a_moment_that_leaves_out_its_seconds_cannot_be_compared(value):
    assert as_exact_utc(value) is None


@given(st.text() | st.datetimes().map(str) | st.dates().map(str))
def test_what_can_be_compared_is_what_is_read(value):
    assert as_exact_utc(value) in (None, as_utc(value))


@pytest.mark.parametrize(
    ("value", "latest"),
    [
        ("2025-03-01T12:31:38", pendulum.datetime(2025, 3, 2, 0, 31, 38)),
        ("2025-03-01 12:31:38.5", pendulum.datetime(2025, 3, 2, 0, 31, 38, 500_000)),
        ("2025-03-01T12:31:38Z", pendulum.datetime(2025, 3, 1, 12, 31, 38)),
        ("2025-03-01T12:31:38+02:00", pendulum.datetime(2025, 3, 1, 10, 31, 38)),
        ("9999-12-31T23:59:59", None),
        ("2025-03-01", None),
    ],
)
def test_a_time_in_a_zone_that_nobody_documents_is_the_latest_that_it_can_be(value, latest):
    assert as_exact_utc(value, is_utc=False) == latest


SINCE = pendulum.datetime(2025, 3, 1, 12, 31, 38, 900_000)


@pytest.mark.parametrize(
    ("moment", "before"),
    [
        (pendulum.datetime(2025, 3, 1, 12, 31, 37, 999_999), True),
        (pendulum.datetime(2025, 3, 1, 12, 31, 38), False),
        (pendulum.datetime(2025, 3, 2), False),
        (None, False),
    ],
)
def test_only_what_surely_lies_before_a_moment_is_before_it(moment, before):
    # A vendor that leaves out fractions shows 38.95 as 38.
    assert is_before(moment, SINCE) is before
    assert is_before(moment, SINCE.in_timezone("Asia/Tokyo")) is before


NOW = "Sun, 06 Nov 1994 08:49:37 GMT"


def asked_to_wait(retry_after, **headers):
    return read_retry_after(FaxResponse(status=429, headers={"retry-after": retry_after, **headers}))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0), ("30.5", 30.5), (" 7 ", 7.0), ("7.", 7.0), ("0", 0.0), ("9" * 25, 3600.0), ("9" * 5000, 3600.0),
        ("3601", 3600.0), ("", None), ("-1", None), ("+5", None), ("1e3", None), ("NaN", None), ("Infinity", None),
        ("soon", None), ("٣", None), ("30 s", None), ("30,5", None), (".5", None), ("0x10", None),
    ],
)  # fmt: skip
def test_a_vendor_asks_to_wait_some_seconds(text, seconds):
    assert asked_to_wait(text) == seconds


@pytest.mark.parametrize(
    ("until", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30.0), ("Sunday, 06-Nov-94 08:50:07 GMT", 30.0),
        ("Sun Nov  6 08:50:07 1994", 30.0), ("Sun, 06 Nov 1994 08:49:07 GMT", 0.0),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 3600.0), ("Sun, 06 Nov 1994 10:50:07 +0200", 30.0),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None), ("Sun", None), ("1994-11-06T08:50:07Z", None),
    ],
)  # fmt: skip
def test_a_vendor_asks_to_wait_until_a_time_of_its_own_clock(until, seconds):
    assert asked_to_wait(until, date=NOW) == seconds


def test_a_time_without_the_vendors_own_clock_says_nothing():
    assert asked_to_wait("Sun, 06 Nov 1994 08:50:07 GMT") is None
    assert asked_to_wait("Sun, 06 Nov 1994 08:50:07 GMT", date="now") is None


def test_no_header_is_no_wish():
    assert read_retry_after(FaxResponse(status=429)) is None


def test_the_vendors_clock_is_its_date_header():
    moment = read_date(FaxResponse(status=200, headers={"date": NOW}))

    assert moment == pendulum.datetime(1994, 11, 6, 8, 49, 37)
    assert moment.timezone_name == "UTC"
    assert read_date(FaxResponse(status=200)) is None


http_dates = st.text() | st.from_regex(
    r"\A[A-Za-z]{3,6},? [0-9]{1,3}[ -][A-Za-z]{3}[ -][0-9]{1,6} [0-9:]{1,10} [A-Z+\-0-9]{0,6}\Z"
)


@given(http_dates, http_dates)
@example("Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT")
@example("Fri, 31 Dec 9999 23:59:59 -1200", NOW)
def test_any_headers_give_a_bounded_wait_or_none(retry_after, date):
    seconds = asked_to_wait(retry_after, date=date)
    assert seconds is None or 0 <= seconds <= 3600
