"""When a poller reads a list that takes several requests and tells only that faxes have ended, as Fax.to's history.

Begun with too few requests left, such a list ends before it tells anything; read too often, it leaves none for asking
how the faxes have ended.
"""

from __future__ import annotations

import math

__all__ = ["SHARE", "ListSchedule"]

SHARE = 0.25
"""Which part of an account's requests the list may take."""

_MINUTE = 60.0
# For how long faxes are asked for one by one where the list takes more requests than there are.
_WITHOUT_LIST = 600.0


class ListSchedule:
    """Tells when there are enough requests for the list, and learns from each reading how many it takes."""

    def __init__(self) -> None:
        self._requests: int | None = None
        self._again_at = 0.0
        self._wanted_at: float | None = None
        self._in_vain_until = 0.0

    def is_in_vain(self, now: float) -> bool:
        """Tell whether the list is not worth a try.

        :param now: seconds since the epoch.
        :return: whether faxes are better asked for one by one.
        """
        return now < self._in_vain_until

    def rest(self, now: float, *, free: int, pace: int, expected: int) -> float | None:
        """Tell how long to rest before the list is read.

        :param now: seconds since the epoch.
        :param free: how many requests may go out now.
        :param pace: how many may go out in a minute.
        :param expected: how many the list will take, where it was not read before.
        :return: seconds; 0 to read it now; ``None`` if others have taken the requests for two minutes, so that one
            fax had better be asked for by itself.
        """
        if now < self._again_at:
            return self._again_at - now
        missing = min(self._requests or expected, pace) - free
        if missing <= 0:
            self._wanted_at = None
            return 0.0
        if self._wanted_at is None:
            self._wanted_at = now
        if now - self._wanted_at > 2 * _MINUTE:
            self._wanted_at = None
            return None
        return min(missing * _MINUTE / pace, _MINUTE)

    def was_read(self, now: float, *, requests: int, pace: int) -> None:
        """Note that the list was read.

        :param now: seconds since the epoch.
        :param requests: how many it took.
        :param pace: how many may go out in a minute.
        """
        self._requests = max(1, requests)
        self._again_at = now + self._requests * _MINUTE / (pace * SHARE)

    def was_cut_short(self, now: float, *, free: int, pace: int) -> None:
        """Note that the list took more requests than there were.

        :param now: seconds since the epoch.
        :param free: how many there were when it began.
        :param pace: how many may go out in a minute.
        """
        # Where another process was faster, fewer were free than it is known to take.
        self._requests = max(self._requests or 0, free + 1, math.ceil(1.5 * free))
        if free >= pace:
            self._in_vain_until = now + _WITHOUT_LIST
