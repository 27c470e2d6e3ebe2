"""Moments that outlive a process: on both clocks, so that neither a restart nor a clock that is set makes one wrong."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_faxto import clock

__all__ = ["Moment"]

# By so much a wall clock is set back in passing, when it is set right by the network.
_SET_BACK = 60.0


class Moment(NamedTuple):
    """One moment on both clocks.

    :param monotonic: no change of the machine's clock moves it, but it begins anew when the machine is started.
    :param wall: goes on then.
    """

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> Moment:
        """Give this moment.

        :return: the moment.
        """
        return cls(clock.monotonic(), clock.now())

    @classmethod
    def at(cls, wall: float) -> Moment:
        """Give a moment of the wall clock on both.

        :param wall: the moment, in seconds since the epoch.
        :return: the same on both clocks.
        """
        now = cls.now()
        return cls(now.monotonic - (now.wall - wall), wall)

    def seconds_left(self, lasts: float) -> float:
        """Tell how much is left of a time that began at this moment.

        :param lasts: how long it lasts, in seconds.
        :return: the seconds; 0 where one of the clocks says that it is over, or that it has not begun: then the machine
            was started anew, or its clock was set.
        """
        now = Moment.now()
        passed = now.monotonic - self.monotonic, now.wall - self.wall
        if passed[0] < 0 or passed[1] < -_SET_BACK:
            return 0.0
        return max(0.0, lasts - max(passed))
