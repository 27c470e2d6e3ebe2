"""How often an account may be asked: so many requests in a rolling minute, of all processes together.

The vendor counts the requests of an account, not those of a process. So all processes of one user on one machine
share one count (:mod:`airflow_provider_faxto.http.shared_count`). Machines cannot see each other; each finds its share
by what the vendor says: an answer of "too many requests" halves the pace, and quiet time gives it back step by step.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxRateLimitError
from airflow_provider_faxto.http.shared_count import LONGEST_HOLD_OFF, WINDOW, SharedCount
from airflow_provider_faxto.http.shared_files import has_shared

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WINDOW", "RateLimit", "Room"]

log = logging.getLogger(__name__)

_HOLD_OFF = 60.0

_tokens = itertools.count()


class Room(NamedTuple):
    """How much an account may be asked.

    :param free: how many requests may go out now, besides those that others wait to make.
    :param pace: how many may go out in a minute: the account's figure, or less for a time after the vendor has asked
        for fewer.
    """

    free: int
    pace: int


class RateLimit:
    """The requests of one account; however many of these are made of it, they share one count.

    :param account: names the account, host and vendor included. Only a hash of it is stored.
    :param figure: how many requests a minute the account takes.
    :param label: the vendor's name, for messages.
    """

    def __init__(self, account: str, figure: int, *, label: str) -> None:
        self._name = hashlib.sha256(account.encode()).hexdigest()
        self._shared = SharedCount(self._name)
        self._figure = figure
        self._label = label

    @property
    def is_counted_here(self) -> bool:
        """Whether a process of this user has made a request of the account on this machine."""
        return has_shared(f"{self._name}.json")

    def room(self) -> Room:
        """Tell how much may be asked now.

        :return: how many requests may go out now, and in a minute.
        """
        with self._shared.open() as count:
            now = clock.monotonic()
            return Room(count.free(now, self._figure), count.pace_at(now, self._figure))

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
            with self._shared.open() as count:
                with contextlib.suppress(ValueError):
                    count.taken.remove(taken_at)
                count.taken.append(clock.monotonic())

    def slow_down(self, retry_after: float | None) -> None:
        """Note that the vendor has answered "too many requests": halve the pace, and hold off for a while.

        :param retry_after: seconds that the vendor asked to wait, if it said so. Default: a minute.
        """
        with self._shared.open() as count:
            now = clock.monotonic()
            if now >= count.held_until:
                # Several answers of one moment are one "too many".
                count.pace = max(1, count.pace_at(now, self._figure) // 2)
            count.slowed_at = now
            hold_off = _HOLD_OFF if retry_after is None else min(max(retry_after, 0.0), LONGEST_HOLD_OFF)
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
                with self._shared.open() as count:
                    now = clock.monotonic()
                    seconds = count.seconds_until_free(now, self._figure, token, until)
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
                with self._shared.open() as count:
                    count.waiting.pop(token, None)
