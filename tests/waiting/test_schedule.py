"""Whom a poller asks for next: a table, and a model of an account whose requests are counted."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.waiting.schedule import (
    LONGEST_REST,
    AskOne,
    ListHistory,
    ListTraits,
    PendingJob,
    Rest,
    choose,
)

NOW = 10_000.0
TOLD_WHOLE = ListTraits(jobs_per_request=3, jobs_per_call=3, is_conclusive=True)
"""As InterFAX's list, of three jobs in place of a hundred."""
TELLS_THAT_ENDED = ListTraits(jobs_per_request=3, jobs_per_call=None, is_conclusive=False)
"""As Fax.to's history."""


def job(job_id, *, due_in=-10.0, interval=60.0, lasts=math.inf, waited=100.0, **known):
    """Make a job: ``due_in`` seconds from now, asked for ``waited`` seconds ago."""
    made = PendingJob(job_id, interval, NOW + lasts, now=NOW - 1000.0)
    made.asked_at, made.pause = NOW - waited, interval
    made.due_at = min(NOW + due_in, max(made.deadline, made.asked_at))
    for name, value in known.items():
        setattr(made, name, value)
    return made


def jobs(number, **known):
    """Make jobs, the first of which has waited longest."""
    return [job(str(place), waited=1000.0 - place, **known) for place in range(number)]


def chosen(who, *, free=1, pace=6, traits=TOLD_WHOLE, **history):
    """Choose, and give the choice in short: the job ids, or the seconds of the rest."""
    choice = choose(who, NOW, free=free, pace=pace, traits=traits, history=ListHistory(**history))
    if isinstance(choice, Rest):
        return ("rest", choice.seconds)
    if isinstance(choice, AskOne):
        return ("one", choice.job.job_id)
    return ("together", [each.job_id for each in choice.jobs])


CASES = {
    "none waits": ([], {}, ("rest", LONGEST_REST)),
    "a job that is due": (jobs(1), {}, ("one", "0")),
    "few jobs that are due, the one first that has waited longest": (jobs(3), {"free": 6}, ("one", "0")),
    "none is due": (jobs(1, due_in=25.0), {}, ("rest", 25.0)),
    "none is due for hours": (jobs(1, due_in=9000.0), {}, ("rest", LONGEST_REST)),
    "few jobs, which their intervals make too many for a minute": (
        jobs(3, interval=10.0),
        {"free": 6},
        ("together", ["0", "1", "2"]),
    ),
    "few jobs whose short intervals leave room": (jobs(3, interval=10.0), {"free": 60, "pace": 60}, ("one", "0")),
    "few jobs that are asked for less often than their intervals say": (
        jobs(3, interval=10.0, pause=60.0),
        {"free": 6},
        ("one", "0"),
    ),
    "more than requests are left": (jobs(3), {"free": 2}, ("together", ["0", "1", "2"])),
    "more in the next minute than requests in it": (jobs(7), {"free": 7}, ("together", ["0", "1", "2"])),
    "a call is filled up with those that are due next": (
        [*jobs(2), job("later", due_in=50.0), job("sooner", due_in=20.0)],
        {"free": 1},
        ("together", ["0", "1", "sooner"]),
    ),
    "a deadline that has passed comes first": (
        [*jobs(3), job("late", lasts=-5.0, waited=1.0)],
        {},
        ("together", ["late", "0", "1"]),
    ),
    "a vendor without a list": (
        jobs(4),
        {"traits": replace(TOLD_WHOLE, jobs_per_request=1, jobs_per_call=1)},
        ("one", "0"),
    ),
    # What a list left out.
    "a job that was left out, where requests are left": (
        [*jobs(4), *jobs(1, left_out=True)],
        {"free": 4},
        ("one", "0"),
    ),
    "a job that was left out, where none is due": (
        [job("0", due_in=30.0), job("1", due_in=30.0, left_out=True)],
        {"free": 6},
        ("one", "1"),
    ),
    "a job that was left out and confirmed a while ago": (
        [job("0", due_in=30.0, left_out=True, confirmed_at=NOW - 590.0)],
        {"free": 6},
        ("rest", 10.0),
    ),
    "a job that was left out and gave no answer since": (
        [job("0", due_in=30.0, waited=40.0, left_out=True, has_no_answer=True)],
        {"free": 6},
        ("rest", 20.0),
    ),
    "a job that was left out, where no request is left for one": (
        [job(str(place), waited=100.0 - place, left_out=True) for place in range(4)],
        {"free": 1},
        ("together", ["0", "1", "2"]),
    ),
    "nine lists in a row, and one that was left out": (
        [job(str(place), waited=100.0 - place, left_out=True) for place in range(4)],
        {"free": 1, "lists_in_a_row": 9},
        ("one", "0"),
    ),
    "a job that the vendor did not know is in no list": (
        [job("0", waited=200.0, is_not_found=True), *jobs(3)],
        {},
        ("together", ["0", "1", "2"]),
    ),
    "only jobs that the vendor did not know": (jobs(4, is_not_found=True), {}, ("one", "0")),
    # A list that tells only that a job has ended.
    "a job of which a list told that it has ended": (
        [*jobs(3), job("ended", has_ended=True, waited=1.0)],
        {"traits": TELLS_THAT_ENDED},
        ("one", "ended"),
    ),
    "a list with requests enough": (
        jobs(6),
        {"traits": TELLS_THAT_ENDED, "free": 2},
        ("together", [str(place) for place in range(6)]),
    ),
    "a list with too few requests": (jobs(9), {"traits": TELLS_THAT_ENDED, "free": 1}, ("rest", 20.0)),
    "a list that took more requests the last time than there are": (
        jobs(9),
        {"traits": TELLS_THAT_ENDED, "free": 3, "requests": 4},
        ("rest", 10.0),
    ),
    "a list that was read a moment ago": (
        jobs(9),
        {"traits": TELLS_THAT_ENDED, "free": 6, "again_at": NOW + 7.0},
        ("rest", 7.0),
    ),
    "a list whose requests others take for more than two minutes": (
        jobs(9, due_in=-130.0),
        {"traits": TELLS_THAT_ENDED, "free": 1},
        ("one", "0"),
    ),
    "a list whose requests others take, and a job was asked for meanwhile": (
        jobs(9, due_in=-130.0),
        {"traits": TELLS_THAT_ENDED, "free": 1, "asked_at": NOW - 5.0},
        ("rest", 20.0),
    ),
    "a list that is in vain": (
        jobs(9),
        {"traits": TELLS_THAT_ENDED, "free": 6, "in_vain_until": NOW + 1.0},
        ("one", "0"),
    ),
    "a rest does not outlast a deadline's last request": (
        [*jobs(8), job("late", lasts=-1.0)],
        {"traits": TELLS_THAT_ENDED, "free": 1},
        ("rest", 1.0),
    ),
}


@pytest.mark.parametrize(("who", "known", "choice"), CASES.values(), ids=CASES.keys())
def test_whom_it_asks_for(who, known, choice):
    assert chosen(who, **known) == choice


def test_a_choice_changes_nothing():
    who = jobs(9)
    history = ListHistory(requests=4)
    before = [{name: getattr(each, name) for name in PendingJob.__slots__} for each in who]
    for free in range(7):
        choose(who, NOW, free=free, pace=6, traits=TELLS_THAT_ENDED, history=history)

    assert [{name: getattr(each, name) for name in PendingJob.__slots__} for each in who] == before


# What the list's history says -------------------------------------------------------------------------


def test_lists_take_a_quarter_of_the_requests_at_most():
    # Three of sixty a minute are three seconds' worth.
    assert ListHistory().with_list_taking(3, NOW, pace=60).again_at == NOW + 12.0


def test_a_list_that_is_cut_short_with_all_requests_free_is_in_vain_for_ten_minutes():
    history = ListHistory().with_list_cut_short(NOW, free=6, pace=6)

    assert history.in_vain_until == NOW + 600


def test_a_list_that_is_cut_short_with_some_free_waits_for_more():
    history = ListHistory().with_list_cut_short(NOW, free=4, pace=60)

    assert (history.requests, history.in_vain_until) == (6, -math.inf)


def test_what_is_known_of_the_list_outlives_one_that_others_left_no_request_for():
    history = ListHistory().with_list_taking(10, NOW, pace=60).with_list_cut_short(NOW + 60, free=0, pace=60)

    assert history.requests == 10


def test_a_list_that_is_read_ends_the_failures_and_a_single_request_the_row_of_lists():
    history = ListHistory().with_failure(NOW).with_failure(NOW)

    assert (history.failures, history.lists_in_a_row) == (2, 2)
    assert history.with_list_read(NOW).failures == 0
    assert history.with_one_asked(NOW).lists_in_a_row == 0


# The pauses -------------------------------------------------------------------------------------------


def test_a_pause_ends_at_the_deadline():
    pending = PendingJob("1", 60.0, NOW + 30.0, now=NOW)
    pending.rest(NOW, 60.0)

    assert (pending.due_at, pending.gives_up_at) == (NOW + 30.0, NOW + 32.0)


def test_a_deadline_that_is_set_anew_ends_the_pause_earlier():
    pending = PendingJob("1", 60.0, None, now=NOW)
    pending.rest(NOW, 60.0)
    pending.set_deadline(NOW + 20.0)

    assert pending.due_at == NOW + 20.0


# The model --------------------------------------------------------------------------------------------

FLAGS = {name: st.booleans() for name in ("left_out", "has_ended", "has_no_answer", "is_not_found")}
PENDING = st.builds(
    job,
    st.integers(1, 99).map(str),
    due_in=st.floats(-300.0, 300.0),
    interval=st.sampled_from([10.0, 60.0, 300.0]),
    lasts=st.floats(-44.0, 900.0) | st.just(math.inf),
    waited=st.floats(0.0, 900.0),
    confirmed_at=st.none() | st.floats(NOW - 900.0, NOW),
    **FLAGS,
)
TRAITS = st.builds(
    ListTraits,
    jobs_per_request=st.integers(1, 10),
    jobs_per_call=st.none() | st.integers(1, 10),
    is_conclusive=st.booleans(),
)
HISTORIES = st.builds(
    ListHistory,
    asked_at=st.just(-math.inf) | st.floats(NOW - 900.0, NOW),
    lists_in_a_row=st.integers(0, 12),
    failures=st.integers(0, 3),
    requests=st.none() | st.integers(1, 80),
    again_at=st.just(-math.inf) | st.floats(NOW - 900.0, NOW + 900.0),
    in_vain_until=st.just(-math.inf) | st.floats(NOW - 900.0, NOW + 900.0),
)


@given(
    who=st.lists(PENDING, max_size=20),
    free=st.integers(0, 80),
    pace=st.integers(1, 80),
    traits=TRAITS,
    history=HISTORIES,
)
def test_whatever_is_known_the_choice_is_one_that_can_be_carried_out(who, free, pace, traits, history):
    choice = choose(who, NOW, free=free, pace=pace, traits=traits, history=history)

    if isinstance(choice, Rest):
        assert 0 < choice.seconds <= LONGEST_REST
        # A deadline's last request is not slept through.
        assert all(NOW + choice.seconds <= each.gives_up_at + 0.002 for each in who)
    elif isinstance(choice, AskOne):
        assert choice.job in who
        assert choice.job.due_at <= NOW or choice.job.single_from <= NOW
    else:
        assert len(set(choice.jobs)) == len(choice.jobs) <= (traits.jobs_per_call or len(who))
        assert set(choice.jobs) <= set(who)
        assert all(each.can_be_listed for each in choice.jobs)
        assert choice.jobs[0].due_at <= NOW


@settings(max_examples=50)
@given(
    number=st.integers(1, 60),
    pace=st.integers(1, 60),
    traits=TRAITS,
    taken_by_others=st.lists(st.integers(0, 60), min_size=1, max_size=30),
)
def test_it_neither_rests_for_ever_nor_in_a_loop(number, pace, traits, taken_by_others):
    """Every job is asked for in time, whatever part of the requests others take each minute."""
    who = [PendingJob(str(place), 60.0, None, now=NOW) for place in range(number)]
    history = ListHistory()
    asked: set[str] = set()
    now, spent, minute = NOW, 0, 0
    for _ in range(20_000):
        if len(asked) == number:
            break
        if int((now - NOW) // 60) != minute:
            minute, spent = int((now - NOW) // 60), 0
        others = min(taken_by_others[minute % len(taken_by_others)], pace - 1)
        free = max(0, pace - others - spent)
        choice = choose(who, now, free=free, pace=pace, traits=traits, history=history)
        if isinstance(choice, Rest) or not free:
            # Where a request cannot be made, the poller rests until one is free.
            now += choice.seconds if isinstance(choice, Rest) else 60.0
            continue
        if isinstance(choice, AskOne):
            spent += 1
            history = history.with_one_asked(now)
            choice.job.has_ended = False
            choice.job.rest(now, 60.0)
            asked.add(choice.job.job_id)
            continue
        needed = math.ceil(len(choice.jobs) / traits.jobs_per_request)
        spent += min(needed, free)
        if not traits.is_conclusive and needed > free:
            history = history.with_list_cut_short(now, free=free, pace=pace)
            continue
        history = history.with_list_read(now)
        if not traits.is_conclusive:
            history = history.with_list_taking(needed, now, pace=pace)
        for each in choice.jobs:
            each.left_out = True
            each.rest(now, 60.0)
            asked.add(each.job_id)

    assert len(asked) == number
