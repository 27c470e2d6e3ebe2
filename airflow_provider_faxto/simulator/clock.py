"""The simulator's clock: simulated seconds that run at any speed and can be moved by hand.

Every delay in the simulator is a difference of two readings of this clock, taken at each request. Nothing waits in the
background, so a test moves the clock instead of sleeping.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "utc"]

# Beyond these, dates would leave the calendar.
_CENTURY = 3_155_760_000.0
_FASTEST = 1_000_000.0


class Clock:
    """A clock that begins at the real time and runs ahead of it.

    Simulated time never goes back, except through :meth:`reset`. As it is never earlier than the real time (unless
    the speed is below 1), a client that asks a vendor for everything since its own start finds its own faxes.

    :param speed: simulated seconds for each real second. Default: 1. With 0 the clock stands still and only
        :meth:`advance` moves it.
    :param wall: the real time in seconds since the epoch, read at the start and at a reset.
    :param monotonic: real seconds from any origin; replaced in tests that must not depend on real time.
    :raises ValueError: if ``speed`` is negative or above a million.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        # One tuple, replaced as a whole, so that a reader in another thread never sees half a change.
        self._origin = (wall(), monotonic(), _checked_speed(speed))

    @property
    def speed(self) -> float:
        """Simulated seconds for each real second."""
        return self._origin[2]

    def now(self) -> float:
        """Read the clock.

        :return: the simulated time, in seconds since the epoch.
        """
        simulated, real, speed = self._origin
        return simulated + (self._monotonic() - real) * speed

    def real_seconds(self) -> float:
        """Read the real time, which only delays of the network depend on.

        :return: real seconds from any origin.
        """
        return self._monotonic()

    def advance(self, seconds: float) -> None:
        """Move the clock forward at once.

        :param seconds: how far, in simulated seconds.
        :raises ValueError: if ``seconds`` is negative, since a final fax must stay final, or more than a
            century.
        """
        if not 0 <= seconds <= _CENTURY:
            raise ValueError("The clock cannot go back, nor further than a century ahead.")
        self._origin = (self.now() + seconds, self._monotonic(), self.speed)

    def set_speed(self, speed: float) -> None:
        """Let the clock run at another speed from now on.

        :param speed: simulated seconds for each real second; 0 stops the clock.
        :raises ValueError: if ``speed`` is negative or above a million.
        """
        self._origin = (self.now(), self._monotonic(), _checked_speed(speed))

    def reset(self) -> None:
        """Set the clock to the real time; the speed stays."""
        self._origin = (self._wall(), self._monotonic(), self.speed)


def utc(moment: float) -> datetime:
    """Turn a reading of the clock into a date.

    :param moment: seconds since the epoch.
    :return: the same moment in UTC.
    """
    return datetime.fromtimestamp(moment, UTC)


def _checked_speed(speed: float) -> float:
    if not 0 <= speed <= _FASTEST:
        raise ValueError("The clock's speed must be from 0 to a million.")
    return float(speed)
