from __future__ import annotations

import pytest

from airflow_provider_faxto.simulator.clock import Clock, utc


class Real:
    """Stands for the machine's clocks."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


def clock_at(speed: float) -> tuple[Real, Clock]:
    real = Real()
    return real, Clock(speed, wall=real, monotonic=real)


def test_it_begins_at_the_real_time_and_runs_at_its_speed():
    real, clock = clock_at(60)
    assert clock.now() == 1_000_000
    real.seconds += 2
    assert clock.now() == 1_000_120


def test_a_clock_at_speed_zero_moves_only_by_hand():
    real, clock = clock_at(0)
    real.seconds += 500
    assert clock.now() == 1_000_000
    clock.advance(30)
    assert clock.now() == 1_000_030


def test_a_change_of_speed_does_not_change_the_time():
    real, clock = clock_at(10)
    real.seconds += 1
    clock.set_speed(100)
    assert (clock.now(), clock.speed) == (1_000_010, 100)
    real.seconds += 1
    assert clock.now() == 1_000_110


def test_a_reset_returns_to_the_real_time_and_keeps_the_speed():
    real, clock = clock_at(5)
    clock.advance(10_000)
    real.seconds += 1
    clock.reset()
    assert (clock.now(), clock.speed) == (1_000_001, 5)


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf"), 1e12])
def test_it_never_goes_back_nor_leaves_the_calendar(seconds):
    _, clock = clock_at(1)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(seconds)
    assert clock.now() == 1_000_000


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), 1e9])
def test_a_speed_that_makes_no_sense_is_refused(speed):
    with pytest.raises(ValueError, match="speed"):
        Clock(speed)
    with pytest.raises(ValueError, match="speed"):
        Clock().set_speed(speed)


def test_without_arguments_it_follows_the_machine():
    clock = Clock()
    first = clock.now()
    assert clock.now() >= first
    assert utc(first).tzname() == "UTC"
