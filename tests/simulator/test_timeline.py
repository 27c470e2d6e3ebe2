from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.simulator.timeline import Moment, Stage, Timeline

TIMELINE = Timeline((Stage(-1, 5), Stage(-2, 10), Stage(-3, 20, attempts=1)), 0, pages_sent=2, delivered=True)

seconds = st.floats(min_value=0, max_value=1e6)
timelines = st.builds(
    Timeline,
    st.lists(st.builds(Stage, st.integers(-30, -1), seconds, st.integers(0, 6)), max_size=6).map(tuple),
    st.integers(0, 9999),
)


def test_a_timeline_passes_through_its_stages_and_ends():
    assert TIMELINE.seconds == 35
    assert TIMELINE.at(0) == Moment(-1, is_final=False, attempts=0, pages_sent=0)
    assert TIMELINE.at(5).state == -2
    assert TIMELINE.at(34.9) == Moment(-3, is_final=False, attempts=1, pages_sent=0)
    assert TIMELINE.at(35) == Moment(0, is_final=True, attempts=1, pages_sent=2)


def test_a_timeline_that_never_ends_stays_in_its_last_stage():
    timeline = Timeline((Stage(-1, 5), Stage(-3, math.inf, attempts=1)), 0)
    assert not timeline.ends
    assert timeline.at(1e9).state == -3
    assert not timeline.at(1e9).is_final


def test_ending_early_keeps_the_past_and_delivers_nothing():
    timeline = TIMELINE.ended(7, 403)
    assert timeline.at(6).state == -2
    assert timeline.at(7) == Moment(403, is_final=True, attempts=0, pages_sent=0)
    assert not timeline.delivered


def test_another_course_begins_where_the_old_one_was_left():
    held = Timeline((Stage(-11, 2), Stage(-22, 86_400)), 205000)
    timeline = held.continued(100, TIMELINE)
    assert timeline.at(99).state == -22
    assert timeline.at(100).state == -1
    assert timeline.at(135) == Moment(0, is_final=True, attempts=1, pages_sent=2)
    assert timeline.delivered


@given(timelines, seconds, seconds)
def test_once_final_always_final_and_never_the_other_way_round(timeline, first, second):
    earlier, later = sorted((first, second))
    if timeline.at(earlier).is_final:
        assert timeline.at(later) == timeline.at(earlier)


@given(timelines, seconds, seconds)
def test_ending_early_changes_nothing_before(timeline, end, moment):
    ended = timeline.ended(end, 403)
    # The sums are rounded, so the moment itself is left out.
    if moment < min(end, timeline.seconds) - 0.001:
        assert ended.at(moment).state == timeline.at(moment).state
    elif moment > end + 0.001:
        assert ended.at(moment).state == 403
