"""Reading what came over the wire: a typed value, nothing, or one of our errors."""

from __future__ import annotations

import json
from decimal import Decimal

import pendulum
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxUnreadableAnswerError
from airflow_provider_faxto.vendors.base import FaxRequest, FaxResponse, RequestKind
from airflow_provider_faxto.vendors.parsing import as_exact_utc, as_int, as_money, as_text, as_utc, is_before, read_json

REQUEST = FaxRequest(action="read the balance", kind=RequestKind.READ, method="GET", path="/balance")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_json_or_unreadable(body):
    error = None
    try:
        read_json(FaxResponse(status=200, body=body), REQUEST, "InterFAX")
    except FaxUnreadableAnswerError as caught:
        error = caught
    assert error is None or (error.http_status == 200 and error.__cause__ is None)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"9" * 10_000, b"\xff\xfe", b"", b"<html>"])
def test_absurd_bodies_are_unreadable(body):
    with pytest.raises(FaxUnreadableAnswerError):
        read_json(FaxResponse(status=200, body=body), REQUEST, "InterFAX")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0), ("0", 0), (-22, -22), ("-22", -22), (" 7 ", 7), (True, None), (0.0, None), (None, None), ("", None),
        ("-", None), ("--1", None), ("1.0", None), ("1e3", None), ("٣", None), ("²", None), ([1], None),
        ("9" * 31, None), (10**40, None),
    ],
)  # fmt: skip
def test_integers(value, number):
    assert as_int(value) == number


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (3.85, Decimal("3.85")), ("0.1500", Decimal("0.1500")), (2, Decimal(2)), (-1.5, Decimal("-1.5")),
        (True, None), ("", None), ("ten", None), ("NaN", None), ("sNaN", None), ("Infinity", None), (None, None),
        (float("nan"), None), (float("inf"), None), ("1e999999", None), ("1e-999999", None), ("0e999999", None),
        (1e300, None), ([], None),
    ],
)  # fmt: skip
def test_money(value, amount):
    assert as_money(value) == amount


@given(anything, anything)
def test_two_amounts_can_always_be_multiplied(one, other):
    left, right = as_money(one), as_money(other)
    if left is not None and right is not None:
        assert (left * right).is_finite()


@pytest.mark.parametrize(
    ("value", "text"), [(" Busy ", "Busy"), ("", None), ("  ", None), (5, None), (None, None), (["x"], None)]
)
def test_texts(value, text):
    assert as_text(value) == text


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
