"""The code table, row by row against the classification that the project was given."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax import FaxCause, FaxOutcome, classify_code, describe_code
from airflow_provider_faxto.fax.codes import STATUS_CODES, Confidence
from airflow_provider_faxto.fax.errors import FaxInputError

ROWS = list(csv.DictReader((Path(__file__).parent / "status_codes.csv").open(encoding="utf-8", newline="")))
NUMERIC = [row for row in ROWS if row["code"] != "other_negative"]


def plain(label: str) -> str:
    """A label without what differs between the two pages for no reason: case, footnote marks, full stops."""
    return label.replace("*", "").rstrip(". ").casefold()


@pytest.mark.parametrize("row", NUMERIC, ids=lambda row: row["code"])
def test_a_code_is_read_as_the_classification_says(row):
    entry = STATUS_CODES[int(row["code"])]

    assert entry.code == int(row["code"])
    assert entry.outcome == row["outcome"]
    assert entry.confidence == row["confidence"]
    assert entry.in_interfax == (row["in_interfax"] == "1")
    assert entry.in_extrafax == (row["in_extrafax"] == "1")
    for description in (row["interfax_description"], row["extrafax_description"]):
        if description:
            assert plain(entry.label) == plain(description)


def test_the_table_holds_exactly_the_documented_codes():
    assert sorted(STATUS_CODES) == sorted(int(row["code"]) for row in NUMERIC)
    assert len(STATUS_CODES) == 103
    assert sum(not entry.in_extrafax for entry in STATUS_CODES.values()) == 19


def test_outcomes_are_counted_as_documented():
    counts = dict.fromkeys(FaxOutcome, 0)
    for entry in STATUS_CODES.values():
        counts[entry.outcome] += 1

    assert counts == {
        FaxOutcome.PENDING: 5,
        FaxOutcome.SUCCESS: 1,
        FaxOutcome.RETRYABLE: 77,
        FaxOutcome.FATAL: 20,
        FaxOutcome.UNKNOWN: 0,
    }


def test_zero_alone_is_success():
    assert [code for code, entry in STATUS_CODES.items() if entry.outcome is FaxOutcome.SUCCESS] == [0]


def test_the_sign_agrees_with_the_outcome():
    for code, entry in STATUS_CODES.items():
        assert (code < 0) == (entry.outcome is FaxOutcome.PENDING)


def test_every_failure_has_a_cause_and_nothing_else_but_a_held_fax_has_one():
    for code, entry in STATUS_CODES.items():
        assert (entry.cause is not None) == (code > 0 or code == -22)


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (-22, FaxCause.OUT_OF_CREDIT),
        (263, FaxCause.BUSY),
        (403, FaxCause.CANCELED),
        (3935, FaxCause.NO_ANSWER),
        (3936, FaxCause.HUMAN_ANSWERED),
        (6001, FaxCause.NUMBER_NOT_OPERATIONAL),
        (6019, FaxCause.NO_ANSWER),
        (6021, FaxCause.REJECTED),
        (6022, FaxCause.NUMBER_CHANGED),
        (8010, FaxCause.HANGUP),
        (204000, FaxCause.RENDERING),
        (205000, FaxCause.OUT_OF_CREDIT),
        (206001, FaxCause.INTERNAL),
    ],
)
def test_the_cause_of_a_code(code, cause):
    assert describe_code(code).cause is cause


def test_a_broken_session_may_have_left_pages_behind():
    may_have_arrived = {code for code, entry in STATUS_CODES.items() if entry.pages_may_have_arrived}
    incompatible = {code for code, entry in STATUS_CODES.items() if entry.cause is FaxCause.INCOMPATIBLE_MACHINE}

    assert incompatible <= may_have_arrived
    assert {1, 3223, 3230, 3268, 9001} <= may_have_arrived
    assert not may_have_arrived & {263, 3935, 3936, 6001, 204000, 205000}


@given(st.integers(max_value=-1).filter(lambda code: code not in STATUS_CODES))
def test_an_unlisted_negative_code_is_pending(code):
    entry = describe_code(code)

    assert entry.outcome is FaxOutcome.PENDING
    assert entry.cause is None
    assert not entry.is_listed
    assert plain(entry.label) == plain(
        ROWS[[row["code"] for row in ROWS].index("other_negative")]["interfax_description"]
    )


@given(st.integers(min_value=1).filter(lambda code: code not in STATUS_CODES))
def test_an_unlisted_positive_code_is_unknown_and_rules_nothing_out(code):
    entry = describe_code(code)

    assert entry.outcome is FaxOutcome.UNKNOWN
    assert entry.cause is FaxCause.UNSPECIFIED
    assert entry.pages_may_have_arrived
    assert entry.confidence is Confidence.LOW


@given(st.integers())
def test_classify_and_describe_agree(code):
    assert classify_code(code) is describe_code(code).outcome


@pytest.mark.parametrize("code", [True, False, 0.0, "0", None, [0]])
def test_what_is_no_integer_is_no_code(code):
    with pytest.raises(FaxInputError):
        classify_code(code)


def test_a_description_says_where_a_code_is_documented():
    assert describe_code(263).description == "Busy"
    assert describe_code(483).description == "Telephony error (listed by InterFAX only, not on ExtraFax's page)"
    assert "neither" in describe_code(777).description
    assert "777" in describe_code(777).description


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        STATUS_CODES[0] = describe_code(1)
