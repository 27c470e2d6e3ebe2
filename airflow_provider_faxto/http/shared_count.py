"""The count of an account's requests: one for all processes of this user on this machine, in a small file.

The count is a courtesy to the vendor, and nothing waits for it for long. Where the file cannot be used (no space, a
root that is read-only, odd bytes, a lock that a stopped process holds) this process counts alone for a minute, goes on
from what it knew, and then tries the file again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import math
import os
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.http.shared_files import SharedFileError, locked, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LOCK_WAIT", "LONGEST_HOLD_OFF", "WINDOW", "Count", "SharedCount", "forget"]

log = logging.getLogger(__name__)

WINDOW = 61.0
"""The length of the rolling minute in seconds, with a little to spare: the vendor's clock is not ours."""

LONGEST_HOLD_OFF = 3600.0
"""For how many seconds at most nothing goes out after the vendor has asked for fewer requests."""

LOCK_WAIT = 2.0
"""For how many seconds to wait for the file's lock, which others hold for less than a thousandth of one."""

_GIVE_BACK_EVERY = 600.0
# Between two tries of a request that waits after others, of which it is not known when they go out.
_SHORTEST_WAIT = 1.0
# So long a waiting request may oversleep before it loses its place: that of a process which was killed falls free.
_OVERSLEPT = 10.0
_ALONE_FOR = 60.0
_LARGEST = 1024 * 1024
_DAMAGE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)
_UNUSABLE = (OSError, ValueError, OverflowError)


@dataclass
class Count:
    """What is counted: moments are seconds since the machine was started, which no change of its clock moves.

    :param taken: when each request of the last minute was made.
    :param waiting: the requests that wait, the first first, and until when each holds its place.
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
        """Forget what no longer counts.

        :param now: this moment.
        """
        # A moment in the future was noted before the machine was started anew.
        self.taken = sorted(moment for moment in self.taken if now - WINDOW < moment <= now)
        longest = now + LONGEST_HOLD_OFF + _OVERSLEPT
        self.waiting = {token: until for token, until in self.waiting.items() if now <= until <= longest}
        if self.slowed_at > now or self.held_until > now + LONGEST_HOLD_OFF:
            self.pace, self.slowed_at, self.held_until = None, 0.0, 0.0

    def add(self, other: Count) -> None:
        """Take in what was counted elsewhere, but not who waits there.

        :param other: that count.
        """
        self.taken = sorted((Counter(self.taken) | Counter(other.taken)).elements())
        if other.pace is not None and other.slowed_at >= self.slowed_at:
            self.pace, self.slowed_at = other.pace, other.slowed_at
        self.held_until = max(self.held_until, other.held_until)

    def pace_at(self, now: float, figure: int) -> int:
        """Tell how many requests a minute may go out.

        :param now: this moment.
        :param figure: how many the account takes.
        :return: the figure, or less for a time after the vendor has asked for fewer.
        """
        if self.pace is None:
            return figure
        return min(figure, self.pace + int((now - self.slowed_at) / _GIVE_BACK_EVERY))

    def free(self, now: float, figure: int) -> int:
        """Tell how many requests may go out now, besides those that others wait to make.

        :param now: this moment.
        :param figure: how many a minute the account takes.
        :return: their number.
        """
        if now < self.held_until:
            return 0
        return max(0, self.pace_at(now, figure) - len(self.taken) - len(self.waiting))

    def seconds_until_free(self, now: float, figure: int, token: str | None, until: float) -> float:
        """Tell how long it takes until a request may go out, as far as that is known.

        :param now: this moment.
        :param figure: how many requests a minute the account takes.
        :param token: names a request that waits, and is given its place; ``None`` for one that does not wait.
        :param until: until when it waits.
        :return: the seconds; 0 if it may go out now.
        """
        order = list(self.waiting)
        ahead = order.index(token) if token in order else len(order)
        seconds = self._seconds_until_free(now, figure, ahead)
        if token is not None:
            self.waiting[token] = min(until, now + seconds + _OVERSLEPT)
        return seconds

    def _seconds_until_free(self, now: float, figure: int, ahead: int) -> float:
        if now < self.held_until:
            return self.held_until - now
        taken = self.taken
        too_many = len(taken) + ahead - self.pace_at(now, figure)
        if too_many < 0:
            return 0.0
        if too_many >= len(taken):
            return _SHORTEST_WAIT
        return max(taken[too_many] + WINDOW - now, 0.001)


class SharedCount:
    """The count of one account; however many of these are made of it, they are one.

    :param name: the name of the account's file, without its ending.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @contextlib.contextmanager
    def open(self) -> Iterator[Count]:
        """Give the count, for this thread and process alone; what is changed in it is kept.

        It must be held for no longer than it takes to reckon with it. The handler of a signal that comes meanwhile is
        given the same count. No failure of the file leaves.
        """
        known = _known_of(self._name)
        with known.entered() as was_inside, contextlib.ExitStack() as stack:
            file, before = None, b""
            if not was_inside and clock.monotonic() >= known.alone_until:
                try:
                    file = stack.enter_context(_locked(f"{self._name}.json"))
                    before = _read(file)
                    known.take(_parse(before))
                except _UNUSABLE as error:
                    file = None
                    known.go_alone(error)
            known.count.tidy(clock.monotonic())
            yield known.count
            if file is not None:
                try:
                    _write(file, known.count, before)
                except _UNUSABLE as error:
                    known.go_alone(error)


def forget() -> None:
    """Let this process know no more than the shared files, as a new one: also what it has said in the log."""
    _known_of.cache_clear()
    _say_why_alone.cache_clear()


# A thread that is inside a lock when a process is forked does not exist in the child, and would never leave it.
os.register_at_fork(after_in_child=forget)


class _Known:
    """The count of one account as far as this process knows it."""

    def __init__(self) -> None:
        self.count = Count()
        self.alone_until = 0.0
        self._is_unshared = False
        self._gate = threading.RLock()
        self._is_inside = False

    @contextlib.contextmanager
    def entered(self) -> Iterator[bool]:
        """Keep other threads out; tell whether this one was inside already, and is in a signal's handler now."""
        # A thread before this one may wait for the file's lock.
        while not (gate := self._gate).acquire(timeout=2 * LOCK_WAIT):
            if gate is self._gate:
                # Who is inside hangs in the file system. It keeps the gate and the count that it has.
                self.count = replace(self.count, taken=[*self.count.taken], waiting={**self.count.waiting})
                self._is_inside = False
                self.go_alone(SharedFileError("A file of the folder for temporary files does not answer"))
                self._gate = threading.RLock()
        was_inside, self._is_inside = self._is_inside, True
        try:
            yield was_inside
        finally:
            self._is_inside = was_inside
            gate.release()

    def take(self, shared: Count) -> None:
        """Go on with the shared count, and bring into it what was counted alone."""
        if self._is_unshared:
            shared.add(self.count)
        self.count, self._is_unshared = shared, False

    def go_alone(self, error: Exception) -> None:
        """Count alone for a while."""
        self.alone_until, self._is_unshared = clock.monotonic() + _ALONE_FOR, True
        is_ours = isinstance(error, SharedFileError)
        _say_why_alone(str(error) if is_ours else f"The shared count cannot be used ({type(error).__name__})")


@cache
def _known_of(name: str) -> _Known:  # noqa: ARG001 - the cache's key
    return _Known()


@cache
def _say_why_alone(reason: str) -> None:
    log.warning(
        "%s, so this process counts its requests alone. Others of this machine may bring the account to its limit.",
        reason,
    )


@contextlib.contextmanager
def _locked(name: str) -> Iterator[int]:
    with opened(name) as file, locked(file, max_wait=LOCK_WAIT) as is_held:
        if not is_held:
            raise SharedFileError("The lock of the shared count is held by another process, which may be stopped")
        yield file


def _read(file: int) -> bytes:
    content = os.pread(file, _LARGEST + 1, 0)
    if len(content) > _LARGEST:
        os.ftruncate(file, 0)
        return b""
    return content


def _write(file: int, count: Count, before: bytes) -> None:
    after = json.dumps(vars(count)).encode()
    if after == before.rstrip(b" "):
        return
    # In one piece and never shorter, so that a process which is ended here leaves the old count or the new one.
    after = after.ljust(len(before))
    if os.pwrite(file, after, 0) < len(after):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _parse(content: bytes) -> Count:
    # What is not as we write it counts as nothing: at worst a request is refused, and that slows us down.
    with contextlib.suppress(*_DAMAGE):
        raw: Any = json.loads(content or b"{}")
        count = Count(
            taken=[float(moment) for moment in raw.get("taken", ())],
            waiting={str(token): float(until) for token, until in raw.get("waiting", {}).items()},
            pace=int(raw["pace"]) if raw.get("pace") else None,
            slowed_at=float(raw.get("slowed_at", 0.0)),
            held_until=float(raw.get("held_until", 0.0)),
        )
        moments = [*count.taken, *count.waiting.values(), count.slowed_at, count.held_until]
        if all(map(math.isfinite, moments)) and (count.pace is None or count.pace > 0):
            return count
    return Count()
