"""The clock of the package. Everything that asks for the time, or waits, does it here, so a test replaces one place.

Two clocks are kept apart: a *deadline* is a moment of the wall clock (:func:`now`), since it has to survive a restart
and be the same on every machine; a *pause* is measured with :func:`monotonic`, which no change of the wall clock moves.

Sockets wait in real time, which no test replaces, and are measured with :func:`of_sockets`.

Call the functions through the module (``clock.now()``), never by an imported name.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

__all__ = ["monotonic", "now", "sleep", "sleep_in_loop", "wait"]


def now() -> float:
    """Tell the wall clock's time.

    :return: seconds since the epoch.
    """
    return time.time()


def monotonic() -> float:
    """Tell the time that only goes forward.

    :return: seconds since some moment, usually the start of the machine; the same for all its processes.
    """
    return time.monotonic()


def of_sockets() -> float:
    """Tell the time in which sockets wait: :func:`monotonic`, but not replaced with it.

    :return: seconds since some moment.
    """
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Do nothing in this thread for a while.

    :param seconds: for how long.
    """
    time.sleep(seconds)


async def sleep_in_loop(seconds: float) -> None:
    """Do nothing in this coroutine for a while; the event loop goes on.

    :param seconds: for how long.
    """
    await asyncio.sleep(seconds)


def wait(condition: threading.Condition, seconds: float) -> None:
    """Wait for a condition, whose lock this thread holds.

    :param condition: the condition.
    :param seconds: for how long at most.
    """
    condition.wait(seconds)
