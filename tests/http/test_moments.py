"""A moment on both clocks: a time that began there never lasts longer, whatever happens to one of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.http.moments import Moment


def test_what_is_left_goes_down_with_the_time(bare_time):
    began = Moment.now()
    bare_time.pass_by(40)

    assert began.seconds_left(100) == pytest.approx(60)
    assert began.seconds_left(30) == 0


def test_a_moment_of_the_wall_clock_is_found_on_the_other_one(bare_time):
    asked = bare_time.now() - 25

    assert Moment.at(asked) == pytest.approx((bare_time.monotonic() - 25, asked))


@pytest.mark.parametrize("seconds", [-86_400, -61, 101, 86_400])
def test_a_time_is_over_when_one_of_the_clocks_says_so(bare_time, seconds):
    began = Moment.now()
    bare_time.set_wall_clock(seconds)

    assert began.seconds_left(100) == 0


def test_a_machine_that_was_started_anew_ends_it(bare_time):
    began = Moment.now()
    bare_time.pass_by(-100)
    bare_time.set_wall_clock(150)

    assert began.seconds_left(1000) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(-1e6, 1e6)), max_size=10))
def test_nothing_lasts_longer_than_it_was_said_to(bare_time, steps):
    began, passed = Moment.now(), 0.0
    for pause, step in steps:
        bare_time.pass_by(pause)
        bare_time.set_wall_clock(step)
        passed += pause

        assert began.seconds_left(600) <= max(0.0, 600 - passed) + 1e-6
