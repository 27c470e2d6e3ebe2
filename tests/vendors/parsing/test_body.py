"""The body of an answer: any bytes are a value or unreadable, and what contradicts itself is not a value."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxUnreadableAnswerError
from airflow_provider_faxto.vendors.base import FaxRequest, FaxResponse, RequestKind
from airflow_provider_faxto.vendors.parsing import (
    UNREADABLE,
    as_count,
    as_int,
    as_money,
    as_text,
    decode_json,
    has_lost_letters,
    read_json,
)

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


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"", b"<html>", b"\xef\xbb\xbf", b"{} {}"]
)
def test_absurd_bodies_are_unreadable(body):
    with pytest.raises(FaxUnreadableAnswerError):
        read_json(FaxResponse(status=200, body=body), REQUEST, "InterFAX")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0), ("0", 0), (-22, -22), ("-22", -22), (" 7 ", 7), (True, None), (0.0, None), (None, None), ("", None),
        ("-", None), ("--1", None), ("1.0", None), ("1e3", None), ("٣", None), ("²", None), ([1], None),
        ("9" * 31, None), (10**40, None), (2**63 - 1, 2**63 - 1), (2**63, None), ("9" * 20, None),
        (float("nan"), None), ("-0", 0),
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
        (1e300, None), ([], None), ("\u0661", None), (10**400, None), (10**9, None), ("442079460958", None),
        (-(10**9), None), ("-999999999.99", Decimal("-999999999.99")), (Decimal(7), Decimal(7)), (Decimal(10**9), None),
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
    ("value", "count"),
    [(0, 0), ("3", 3), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None), ("-1", None), (1.0, 1), (1.5, None),
     (True, None), (1e300, None), (UNREADABLE, None), (None, None), ("many", None)],
)  # fmt: skip
def test_counts(value, count):
    assert as_count(value) == count


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf\xef\xbb\xbf [1]', [1]),
        (b'{"a": "M\xfcller"}', {"a": "M\ufffdller"}),
        (b'["a\x00\x1f\nb"]', ["a\x00\x1f\nb"]),
        (b'{"a": 1, "a": 1, "b": 2}', {"a": 1, "b": 2}),
    ],
)  # fmt: skip
def test_a_bad_byte_spoils_no_more_than_itself(body, value):
    assert decode_json(body) == value


def test_a_bad_byte_can_be_seen_in_the_text_that_had_it():
    assert has_lost_letters(decode_json(b'"M\xfcller"'))
    assert not has_lost_letters("M\u00fcller")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": -3, "a": 0}', b'{"a": 0, "a": -3, "a": 0}', b'{"a": 0, "a": false}', b'{"a": 1, "a": 1.0}',
        b'{"a": "0", "a": 0}', b'{"a": [0], "a": [false]}', b'{"a": {"b": 0}, "a": {"b": 1}}', b'{"a": null, "a": 0}',
        b'{"a": -0}', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": 1e999999}', b'{"a": 0, "\\u0061": 1}',
    ],
)  # fmt: skip
def test_what_is_no_value_in_one_reading_is_none_for_every_reader(body):
    value = decode_json(body)["a"]

    assert (as_int(value), as_count(value), as_money(value), as_text(value)) == (None, None, None, None)


def test_a_key_that_contradicts_itself_is_there_all_the_same():
    assert decode_json(b'{"fax_job_id": 1, "fax_job_id": 2}') == {"fax_job_id": UNREADABLE}


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_decoded_or_are_not_json(body):
    try:
        value = decode_json(body)
    except ValueError:
        return
    # A reader gives its own type or no value, whatever came.
    for read, kind in ((as_int, int), (as_count, int), (as_money, Decimal), (as_text, str)):
        assert isinstance(read(value), kind | None)
