"""Waiting for conditions, within the time that the whole run has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STARTED = time.monotonic()


class ClusterError(Exception):
    """The run cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


def wait_until(condition: Callable[[], object], what: str, *, seconds: float, every: float = 1.0) -> None:
    """Wait for a condition.

    :param condition: asked again and again.
    :param what: what is waited for, for the error.
    :param seconds: how long at most.
    :param every: the pause between two looks.
    :raises ClusterError: if the time is over.
    """
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise ClusterError(f"Waited for {seconds:g} s in vain: {what}.")
        time.sleep(every)
