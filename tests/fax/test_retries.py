"""The table of delays: what may be tried again, when, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_provider_faxto.fax import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.codes import STATUS_CODES
from airflow_provider_faxto.fax.retries import RETRY_DELAYS, attempts_since_clear, next_delay


def minutes(cause: FaxCause) -> list[float]:
    return [delay.total_seconds() / 60 for delay in RETRY_DELAYS[cause]]


def test_a_busy_line_is_called_again_after_5_5_15_and_40_minutes():
    assert minutes(FaxCause.BUSY) == [5, 5, 15, 40]


def test_no_answer_is_given_more_time():
    assert minutes(FaxCause.NO_ANSWER) == [15, 30, 60]


@pytest.mark.parametrize("cause", [FaxCause.HANGUP, FaxCause.HUMAN_ANSWERED])
def test_what_may_be_a_voice_line_is_called_once_more_at_most(cause):
    assert len(RETRY_DELAYS[cause]) == 1


def test_every_cause_of_a_retryable_code_has_a_line():
    retryable = {row.cause for row in STATUS_CODES.values() if row.outcome is FaxOutcome.RETRYABLE}
    assert retryable <= set(RETRY_DELAYS)


def test_the_delays_are_used_up_one_by_one_and_then_it_ends():
    delays = [next_delay(FaxCause.BUSY, failures) for failures in range(1, 7)]
    assert delays == [timedelta(minutes=each) for each in (5, 5, 15, 40)] + [None, None]


@pytest.mark.parametrize("cause", [FaxCause.NUMBER_CHANGED, FaxCause.CANCELED, FaxCause.OUT_OF_CREDIT])
def test_a_cause_without_a_line_is_not_tried_again(cause):
    assert next_delay(cause, 1) is None


def test_no_cause_counts_as_unspecified():
    assert next_delay(None, 1) == RETRY_DELAYS[FaxCause.UNSPECIFIED][0]


@pytest.mark.parametrize(
    ("try_number", "max_tries", "retries", "attempts"),
    [
        (1, 2, 2, 1),
        (3, 2, 2, 3),
        # Cleared after the third run: Airflow then allows two more retries, counted on.
        (4, 5, 2, 1),
        (5, 5, 2, 2),
        # A DAG whose retries were raised or lowered meanwhile, and a task of which they are not known.
        (2, 2, 5, 2),
        (2, 4, 0, 1),
        (3, 7, None, 3),
    ],
)
def test_attempts_are_counted_from_the_last_clear(try_number, max_tries, retries, attempts):
    assert attempts_since_clear(try_number, max_tries, retries) == attempts
