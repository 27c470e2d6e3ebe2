"""The one clock of the tests: time that passes only while something sleeps, or where a test says so."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_faxto import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

# A loop that makes no progress ends here, and not with the machine.
_MOST_PAUSES = 100_000


class FakeTime:
    """A clock that runs on where the code under test sleeps, at once, and nowhere else.

    However slow the machine, as many requests fit between two times as the pauses say.

    :param advance: takes another clock along, as the simulator's.
    """

    def __init__(self, advance: Callable[[float], object] = lambda _: None) -> None:
        self._advance = advance
        self._monotonic = 1000.0
        self._ahead = time.time() - self._monotonic
        self.pauses: list[float] = []
        """Every pause that was made, in seconds."""
        self.while_asleep: Callable[[], object] = lambda: None
        """Called after each pause."""

    def replace(self, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
        """Stand in for the package's clock."""
        for name in clock.__all__:
            monkeypatch.setattr(clock, name, getattr(self, name))
        return self

    @property
    def slept(self) -> float:
        """The pauses' sum in seconds."""
        return sum(self.pauses)

    def pass_by(self, seconds: float) -> None:
        """Let time pass without a pause: a long request, or another program's work."""
        self._monotonic += seconds
        self._advance(seconds)

    def set_wall_clock(self, seconds: float) -> None:
        """Move the wall clock by so much, and nothing else."""
        self._ahead += seconds

    def now(self) -> float:
        return self._ahead + self._monotonic

    # What Airflow's sensor asks for.
    time = now

    def utcnow(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        assert len(self.pauses) < _MOST_PAUSES
        self.pauses.append(seconds)
        self.pass_by(seconds)
        self.while_asleep()

    async def sleep_in_loop(self, seconds: float) -> None:
        self.sleep(seconds)
        await asyncio.sleep(0)

    def wait(self, condition: Any, seconds: float) -> None:
        self.sleep(seconds)
        # Lets the others have the lock for a moment.
        condition.wait(0)


@pytest.fixture
def bare_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Give a clock that stands in for the real one, without a simulator."""
    return FakeTime().replace(monkeypatch)


@pytest.fixture
def fake_time(fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    """Give a clock that stands in wherever the provider, or Airflow's sensor, waits; the simulator's goes with it."""
    made = FakeTime(fax_connections.advance).replace(monkeypatch)
    is_airflow_2 = version("apache-airflow").startswith("2.")
    airflows_sensor = "airflow.sensors.base" if is_airflow_2 else "airflow.sdk.bases.sensor"
    monkeypatch.setattr(f"{airflows_sensor}.time", made)
    monkeypatch.setattr(f"{airflows_sensor}.timezone", made)
    return made
