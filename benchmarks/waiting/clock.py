"""A faster clock for our provider's modules: for them, ten seconds pass in one.

Only the modules that wait are given it; everything else, the work above all, takes its real time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from importlib import import_module
from typing import Any

MODULES = ("hooks.budget", "hooks.poller", "hooks.watch", "triggers.fax")


class _Time:
    """Stands in for the module ``time``."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._wall, self._monotonic = time.time(), time.monotonic()

    def time(self) -> float:
        return self._wall + (time.monotonic() - self._monotonic) * self._speed

    def monotonic(self) -> float:
        return self._monotonic + (time.monotonic() - self._monotonic) * self._speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


class _Threading:
    """Stands in for the module ``threading``: waits with a time-out are shorter."""

    def __init__(self, speed: float) -> None:
        class Condition(threading.Condition):
            def wait(self, timeout: float | None = None) -> bool:
                return super().wait(None if timeout is None else timeout / speed)

        class Event(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                return super().wait(None if timeout is None else timeout / speed)

        self.Condition, self.Event = Condition, Event

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


class _Asyncio:
    """Stands in for the module ``asyncio``: sleeps are shorter."""

    def __init__(self, speed: float) -> None:
        self._speed = speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


def speed_up(speed: float) -> None:
    """Let our provider's clock run faster from now on."""
    stand_ins = {"time": _Time(speed), "threading": _Threading(speed), "asyncio": _Asyncio(speed)}
    for name in MODULES:
        module = import_module(f"airflow_provider_faxto.{name}")
        for attribute, stand_in in stand_ins.items():
            if hasattr(module, attribute):
                setattr(module, attribute, stand_in)
