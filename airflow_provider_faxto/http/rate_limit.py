"""How often an account may be asked: so many requests in a rolling minute, of all processes together.

The vendor counts the requests of an account, not those of a process. So all processes of one user on one machine
share one count, in a small file behind a lock. Machines cannot see each other; each finds its share by what the vendor
says: an answer of "too many requests" halves the pace, and quiet time gives it back step by step.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import logging
import os
import threading
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxRateLimitError
from airflow_provider_faxto.http.shared_files import SharedFileError, open_shared

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WINDOW", "RateLimit"]

log = logging.getLogger(__name__)

WINDOW = 61.0
"""The length of the rolling minute in seconds, with a little to spare: the vendor's clock is not ours."""

_HOLD_OFF = 60.0
_LONGEST_HOLD_OFF = 3600.0
_GIVE_BACK_EVERY = 600.0
# Between two tries of a request that waits after others, of which it is not known when they go out.
_SHORTEST_WAIT = 1.0

_tokens = itertools.count()


@dataclass
class _Count:
    """What is shared: moments are seconds since the machine was started, which no change of its clock moves.

    :param taken: when each request of the last minute was made.
    :param waiting: the requests that wait, the first first, and until when each does.
    :param pace: the requests a minute that the last "too many requests" left; ``None`` if there was none.
    :param slowed_at: when that was.
    :param held_until: before when nothing goes out because of it.
    """

    taken: list[float] = field(default_factory=list)
    waiting: dict[str, float] = field(default_factory=dict)
    pace: int | None = None
    slowed_at: float = 0.0
    held_until: float = 0.0

    def tidy(self, now: float) -> None:
        # A moment in the future was noted before the machine was started anew.
        self.taken = sorted(moment for moment in self.taken if now - WINDOW < moment <= now)
        self.waiting = {token: until for token, until in self.waiting.items() if now <= until}
        if self.slowed_at > now or self.held_until > now + _LONGEST_HOLD_OFF:
            self.pace, self.slowed_at, self.held_until = None, 0.0, 0.0

    def pace_at(self, now: float, figure: int) -> int:
        if self.pace is None:
            return figure
        return min(figure, self.pace + int((now - self.slowed_at) / _GIVE_BACK_EVERY))

    def free(self, now: float, figure: int) -> int:
        if now < self.held_until:
            return 0
        return max(0, self.pace_at(now, figure) - len(self.taken) - len(self.waiting))

    def seconds_until_free(self, now: float, figure: int, ahead: int) -> float:
        """Tell how long it takes until a request may go out, as far as that is known; 0 if it may now."""
        if now < self.held_until:
            return self.held_until - now
        too_many = len(self.taken) + ahead - self.pace_at(now, figure)
        if too_many < 0:
            return 0.0
        if too_many >= len(self.taken):
            return _SHORTEST_WAIT
        return max(self.taken[too_many] + WINDOW - now, 0.001)


class _Memory:
    """The count of one account as far as this process knows it, for where no file can be shared."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = _Count()


@cache
def _memory_of(name: str) -> _Memory:  # noqa: ARG001 - the cache's key
    return _Memory()


class RateLimit:
    """The requests of one account; however many of these are made of it, they share one count.

    :param account: names the account, host and vendor included. Only a hash of it is stored.
    :param figure: how many requests a minute the account takes.
    :param label: the vendor's name, for messages.
    """

    def __init__(self, account: str, figure: int, *, label: str) -> None:
        self._name = hashlib.sha256(account.encode()).hexdigest()
        self._figure = figure
        self._label = label

    def free(self) -> int:
        """Tell how many requests may go out now, besides those that others wait to make.

        :return: their number.
        """
        with self._count() as count:
            return count.free(clock.monotonic(), self._figure)

    def pace(self) -> int:
        """Tell how many requests a minute may go out.

        :return: the figure, or less for a time after the vendor has asked for fewer.
        """
        with self._count() as count:
            return count.pace_at(clock.monotonic(), self._figure)

    @contextlib.contextmanager
    def acquire(self, max_wait: float) -> Iterator[None]:
        """Let one request go out, which is made inside the ``with``; wait until it may.

        A request that may wait comes before one that may not, so that a poller leaves room for a task that has to look
        something up before it sends.

        :param max_wait: for how many seconds to wait; with 0 the error is raised at once.
        :raises FaxRateLimitError: if no request is free in that time. The request was not made.
        """
        taken_at = self._wait_until_free(max_wait)
        try:
            yield
        finally:
            # The vendor counts when a request arrives, which lies between the two.
            with self._count() as count:
                if taken_at in count.taken:
                    count.taken.remove(taken_at)
                count.taken.append(clock.monotonic())

    def slow_down(self, retry_after: float | None) -> None:
        """Note that the vendor has answered "too many requests": halve the pace, and hold off for a while.

        :param retry_after: seconds that the vendor asked to wait, if it said so. Default: a minute.
        """
        with self._count() as count:
            now = clock.monotonic()
            if now >= count.held_until:
                # Several answers of one moment are one "too many".
                count.pace = max(1, count.pace_at(now, self._figure) // 2)
            count.slowed_at = now
            hold_off = _HOLD_OFF if retry_after is None else min(max(retry_after, 0.0), _LONGEST_HOLD_OFF)
            count.held_until = max(count.held_until, now + hold_off)
            pace, held_for = count.pace, count.held_until - now
        log.warning(
            "%s asks for fewer requests. None is made for %.0f s, then at most %s a minute.",
            self._label,
            held_for,
            pace,
        )

    def _wait_until_free(self, max_wait: float) -> float:
        until = clock.monotonic() + max_wait
        token = f"{os.getpid()}.{next(_tokens)}" if max_wait > 0 else None
        try:
            while True:
                with self._count() as count:
                    now = clock.monotonic()
                    if token is not None:
                        count.waiting.setdefault(token, until)
                    ahead = list(count.waiting).index(token) if token in count.waiting else len(count.waiting)
                    seconds = count.seconds_until_free(now, self._figure, ahead)
                    if not seconds:
                        count.taken.append(now)
                        return now
                if now + seconds > until:
                    raise FaxRateLimitError(
                        f"{self._label} takes {self._figure} requests a minute from an account, and they are spent. "
                        f"The next one may go out in {seconds:.0f} s.",
                        retry_after=seconds,
                    )
                clock.sleep(seconds)
        finally:
            if token is not None:
                with self._count() as count:
                    count.waiting.pop(token, None)

    @contextlib.contextmanager
    def _count(self) -> Iterator[_Count]:
        """Give the count, for this thread and process alone; what is changed in it is kept."""
        memory = _memory_of(self._name)
        with memory.lock:
            file = _open_file(self._name)
            if file is None:
                memory.count.tidy(clock.monotonic())
                yield memory.count
                return
            with os.fdopen(file, "r+", encoding="utf-8") as shared:
                fcntl.flock(shared, fcntl.LOCK_EX)
                before = shared.read()
                count = _read(before)
                count.tidy(clock.monotonic())
                yield count
                after = json.dumps(vars(count))
                if after != before:
                    shared.seek(0)
                    shared.truncate()
                    shared.write(after)


def _read(text: str) -> _Count:
    # What is not as we write it counts as nothing: at worst a request is refused, and that slows us down.
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        raw: Any = json.loads(text or "{}")
        return _Count(
            taken=[float(moment) for moment in raw.get("taken", ())],
            waiting={str(token): float(until) for token, until in raw.get("waiting", {}).items()},
            pace=int(raw["pace"]) if raw.get("pace") else None,
            slowed_at=float(raw.get("slowed_at", 0.0)),
            held_until=float(raw.get("held_until", 0.0)),
        )
    return _Count()


def _open_file(name: str) -> int | None:
    try:
        return open_shared(f"{name}.json")
    except SharedFileError as error:
        _say_why_alone(str(error))
        return None


@cache
def _say_why_alone(reason: str) -> None:
    log.warning(
        "%s, so this process counts its requests alone. Others of this machine may bring the account to its limit.",
        reason,
    )
