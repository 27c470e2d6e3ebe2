"""Waiting for many fax jobs together: what is noted of each, and what one event tells."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import ScriptedHook, status

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxInputError,
    FaxLostContactError,
    FaxRateLimitError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.packing import mark_of_reference
from airflow_provider_faxto.waiting.many import EndOfWait, JobsInWait, Progress, look_once_more, read_event

if TYPE_CHECKING:
    from support.clock import FakeTime

FINAL = [outcome for outcome in FaxOutcome if outcome is not FaxOutcome.PENDING]


def jobs_of(*job_ids: str) -> JobsInWait:
    return JobsInWait(job_ids, [bytes(4)] * len(job_ids))


@given(st.lists(st.sampled_from(FINAL), min_size=1, max_size=9), st.randoms())
def test_the_event_tells_each_in_its_place_whenever_it_ended(outcomes: list[FaxOutcome], chance: Any) -> None:
    job_ids = [str(1000 + number) for number in range(len(outcomes))]
    jobs = JobsInWait.unpack(*jobs_of(*job_ids).pack())
    ended = []
    jobs.on_end = lambda: ended.append(1)
    places = list(range(len(outcomes)))
    chance.shuffle(places)
    for place in places:
        assert not jobs.is_over
        jobs.note(place, status(job_ids[place], outcomes[place]))
        # What comes later changes nothing.
        jobs.note(place, status(job_ids[place], FaxOutcome.SUCCESS))
    assert jobs.is_over
    assert ended == [1]
    statuses, ends = read_event(jobs.to_event(7.0))
    assert [(each.job_id, each.outcome) for each in statuses] == list(zip(job_ids, outcomes, strict=True))
    assert len(ends) == len(outcomes)


def test_giving_up_ends_those_that_are_left_as_open() -> None:
    jobs = jobs_of("1", "2", "3")
    jobs.note(1, status("2"))
    jobs.give_up()
    statuses, ends = read_event(jobs.to_event(None))
    assert [each.outcome for each in statuses] == [FaxOutcome.UNKNOWN, FaxOutcome.SUCCESS, FaxOutcome.UNKNOWN]
    assert ends == [EndOfWait.OPEN, EndOfWait.TOLD, EndOfWait.OPEN]


def test_a_thread_that_ended_leaves_its_jobs_to_be_followed_again() -> None:
    jobs = jobs_of("1", "2", "3")
    jobs.note(2, RuntimeError("gone"))
    jobs.note(0, RuntimeError("gone"))
    assert jobs.take_broken() == [0, 2]
    assert jobs.take_broken() == []
    assert jobs.waiting == [0, 1, 2]


@pytest.mark.parametrize(
    ("shown", "outcome"), [("mine", "success"), (" MINE ", "success"), ("other", "unknown"), (None, "success")]
)
def test_the_reference_that_the_vendor_shows_tells_whose_job_it_is(shown: str | None, outcome: str) -> None:
    from dataclasses import replace

    jobs = JobsInWait(["1"], [mark_of_reference("mine")])
    jobs.note(0, replace(status("1"), reference=shown))
    [told], _ = read_event(jobs.to_event(None))
    assert told.outcome == outcome


@pytest.mark.parametrize("event", [{}, {"statuses": "x", "ends": "x"}, {"statuses": None}])
def test_what_is_no_event_of_such_a_wait_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(FaxInputError):
        read_event(event)


def look(answers: dict[int, Any], number: int) -> dict[str, Any]:
    calls: list[int] = []

    class Hook(ScriptedHook):
        def get_statuses(self, job_ids: list[str]) -> dict[str, Any]:
            calls.append(len(job_ids))
            answer = answers.get(len(calls))
            if isinstance(answer, Exception):
                raise answer
            return {job_id: status(job_id) for job_id in job_ids}

    hook: Any = Hook(lambda _: None, lambda _: None)
    return look_once_more(hook, [str(each) for each in range(number)])


def test_the_last_look_asks_for_a_hundred_at_a_time_as_far_as_the_account_may_be_asked() -> None:
    assert len(look({}, 250)) == 250
    assert len(look({3: FaxRateLimitError("not now")}, 250)) == 200
    assert look({1: FaxLostContactError("nobody")}, 250) == {}
    with pytest.raises(FaxAuthenticationError):
        look({2: FaxAuthenticationError("wrong")}, 250)


def test_progress_is_told_once_a_minute_and_where_nothing_changes_every_ten(
    bare_time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(10)
    with caplog.at_level(logging.INFO):
        for minute in range(25):
            bare_time.pass_by(60)
            progress.tell({FaxOutcome.PENDING: 10 - (minute == 24), FaxOutcome.SUCCESS: int(minute == 24)})
            progress.tell({FaxOutcome.PENDING: 10})
    assert len(caplog.records) == 4
    assert "10 of 10 faxes sent or settled: 9 waiting, 1 delivered" in caplog.messages[-1]
