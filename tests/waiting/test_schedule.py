"""When a list of several requests is worth reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.waiting.schedule import ListSchedule

NOW = 1_000_000.0


def test_a_list_is_read_at_once_where_there_are_requests_enough():
    assert ListSchedule().rest(NOW, free=3, pace=60, expected=3) == 0.0


def test_a_list_waits_until_as_many_requests_are_free_as_it_took_the_last_time():
    turns = ListSchedule()
    turns.was_read(NOW, requests=10, pace=60)

    assert turns.rest(NOW + 300, free=9, pace=60, expected=1) == 1.0
    assert turns.rest(NOW + 300, free=10, pace=60, expected=1) == 0.0


def test_lists_take_a_quarter_of_the_requests_at_most():
    turns = ListSchedule()
    turns.was_read(NOW, requests=3, pace=60)

    # Three of sixty a minute are three seconds' worth.
    assert turns.rest(NOW + 5, free=60, pace=60, expected=1) == 7.0
    assert turns.rest(NOW + 12, free=60, pace=60, expected=1) == 0.0


def test_where_others_take_all_requests_faxes_are_asked_for_one_by_one_every_two_minutes():
    turns = ListSchedule()
    now, rests = NOW, []
    while (rest := turns.rest(now, free=1, pace=60, expected=5)) is not None:
        rests.append(rest)
        now += rest

    assert 120 <= sum(rests) <= 130
    assert turns.rest(now, free=1, pace=60, expected=5) == 4.0


def test_a_list_that_is_cut_short_with_all_requests_free_is_in_vain_for_ten_minutes():
    turns = ListSchedule()
    turns.was_cut_short(NOW, free=6, pace=6)

    assert turns.is_in_vain(NOW + 599)
    assert not turns.is_in_vain(NOW + 600)


def test_a_list_that_is_cut_short_with_some_free_waits_for_more():
    turns = ListSchedule()
    turns.was_cut_short(NOW, free=4, pace=60)

    assert not turns.is_in_vain(NOW)
    assert turns.rest(NOW, free=5, pace=60, expected=1) == 1.0
    assert turns.rest(NOW, free=6, pace=60, expected=1) == 0.0


def test_what_is_known_of_the_list_outlives_one_that_others_left_no_request_for():
    turns = ListSchedule()
    turns.was_read(NOW, requests=10, pace=60)
    turns.was_cut_short(NOW + 60, free=0, pace=60)

    assert turns.rest(NOW + 300, free=9, pace=60, expected=1) == 1.0


@given(
    pace=st.integers(1, 600),
    needed=st.integers(1, 80),
    steps=st.lists(st.integers(0, 600), min_size=1, max_size=60),
)
def test_whatever_is_free_it_neither_rests_for_ever_nor_in_a_loop(pace, needed, steps):
    turns, now = ListSchedule(), NOW
    for step in steps:
        free = min(step, pace)
        rest = turns.rest(now, free=free, pace=pace, expected=1)
        if rest:
            # No longer than the list's own share of a minute asks for, and never for nothing.
            assert 0 < rest <= max(60.0, 4 * 60.0 * needed / pace) + 0.001
            now += rest
        elif rest == 0.0 and free >= needed:
            turns.was_read(now, requests=needed, pace=pace)
        elif rest == 0.0:
            turns.was_cut_short(now, free=free, pace=pace)


@pytest.mark.parametrize("needed", [2, 7, 50])
def test_it_learns_how_many_requests_the_list_takes(needed):
    turns, now, tries = ListSchedule(), NOW, 0
    for _ in range(10_000):
        # Requests come back one by one, and nobody else takes any.
        free = min(60, 1 + int(now - NOW) % 61)
        rest = turns.rest(now, free=free, pace=60, expected=1)
        if rest:
            now += rest
        elif free >= needed:
            break
        else:
            tries += 1
            turns.was_cut_short(now, free=free, pace=60)
            now += 1

    assert free >= needed
    assert tries <= 10
