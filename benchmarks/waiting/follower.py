"""The triggerer of the benchmark, in a process of its own: one way, so many faxes, one event loop.

Every way goes through the same code. Each trigger is started as Airflow's triggerer starts it (``create_triggers`` in
``airflow/jobs/triggerer_job_runner.py``: the loop may turn twice before each), sends its one event, and is cleaned up.

What a triggerer has in memory after the first fax is there before anything is measured: one trigger of the way has
been to its end already, so all modules are imported, HTTP clients and Airflow's list of providers included. Nothing is
logged, which spares the rivals a line or two for each request. dbt Cloud's hook speaks ``https`` alone; here it is led
to ``http``, which spares it a handshake for each request.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import shutil
import tempfile
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import faster_clock
from server import PASSWORD, open_many_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from multiprocessing.connection import Connection

WAYS = {
    "faxto": "this provider, FaxStatusTrigger",
    "http": "http provider, HttpSensorTrigger",
    "dbt": "dbt Cloud, DbtCloudRunJobTrigger",
}
OURS, *RIVALS = WAYS
# What Airflow, asyncio and the coroutine itself take, whatever a trigger does; only held, since it follows nothing.
BARE = "bare"
NAMES = WAYS | {BARE: "a trigger that only sleeps"}
# FIRST_EVENT_AFTER of our trigger, which must not be imported before Airflow's settings are in the environment.
FIRST_LOOK = 10.0
BEAT = 0.005
# After the last trigger was started, and after the moment of the first looks that Airflow allows.
SETTLES_IN = 10.0
_FOR_EVER = 7 * 86_400.0


def prepare(url: str, accounts: list[str]) -> None:
    """Give this process an Airflow of its own, with a connection to each account; before Airflow is imported."""
    home = tempfile.mkdtemp(prefix="fax-bench-")
    os.environ.update(
        AIRFLOW_HOME=home,
        # Where the count of an account's requests lies.
        TMPDIR=home,
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        AIRFLOW__LOGGING__LOGGING_LEVEL="CRITICAL",
    )
    tempfile.tempdir = None
    for account in accounts:
        connection = {"conn_type": "interfax", "host": url, "login": account, "password": PASSWORD}
        os.environ[f"AIRFLOW_CONN_FAX_{account.upper()}"] = json.dumps(connection)
    os.environ["AIRFLOW_CONN_HTTP_BENCH"] = json.dumps({"conn_type": "http", "host": url})
    dbt = {"conn_type": "dbt_cloud", "host": urlsplit(url).netloc, "login": "1", "password": PASSWORD}
    os.environ["AIRFLOW_CONN_DBT_BENCH"] = json.dumps(dbt)
    logging.disable(logging.CRITICAL)


def make_faxto(account: str, interval: float, speed: float) -> Callable[[int], Any]:
    """Tell how our trigger is made; from now on its clock runs faster."""
    from airflow_provider_faxto.triggers.fax import FaxStatusTrigger

    if speed != 1:
        faster_clock.speed_up(speed)
    return lambda fax: FaxStatusTrigger(str(fax), f"fax_{account}", poll_interval=interval)


def make_http(account: str, interval: float, speed: float) -> Callable[[int], Any]:
    """Tell how the HTTP provider's trigger is made."""
    from airflow.providers.http.triggers.http import HttpSensorTrigger

    return lambda fax: HttpSensorTrigger(
        endpoint=f"http/{account}/{fax}", http_conn_id="http_bench", poke_interval=interval / speed
    )


def make_dbt(account: str, interval: float, speed: float) -> Callable[[int], Any]:  # noqa: ARG001 - its path has none
    """Tell how dbt Cloud's trigger is made."""
    from dbt_without_tls import DbtCloudRunJobTrigger

    return lambda fax: DbtCloudRunJobTrigger(
        conn_id="dbt_bench", run_id=fax, account_id=1, poll_interval=interval / speed, end_time=time.time() + _FOR_EVER
    )


def make_bare(account: str, interval: float, speed: float) -> Callable[[int], Any]:  # noqa: ARG001 - it makes no request
    """Tell how a trigger is made that only sleeps, beside the modules that ours has in memory."""
    from airflow.triggers.base import BaseTrigger

    import airflow_provider_faxto.hooks.fax
    import airflow_provider_faxto.waiting.poller  # noqa: F401 - so that the garbage collector finds as much

    class BareTrigger(BaseTrigger):
        def __init__(self, fax: int) -> None:
            super().__init__()
            self.fax = fax

        def serialize(self) -> tuple[str, dict[str, Any]]:
            return "BareTrigger", {"fax": self.fax}

        async def run(self) -> AsyncIterator[Any]:
            await asyncio.sleep(_FOR_EVER)
            yield

    return BareTrigger


MAKERS = {"bare": make_bare, "faxto": make_faxto, "http": make_http, "dbt": make_dbt}


def is_right(way: str, fax: int, payload: Any) -> bool:
    """Tell whether an event says that this fax was delivered."""
    if way == "faxto":
        return (payload["job_id"], payload["outcome"]) == (str(fax), "success")
    if way == "http":
        return payload is True
    return (payload["run_id"], payload["status"]) == (fax, "success")


def resident() -> float:
    """Read this process's resident memory in kB."""
    status = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def trim() -> None:
    """Give back what is not held, so that what a burst of requests has left behind does not count."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Heartbeat:
    """Sleeps 5 ms again and again, and notes by how much each sleep is longer, in ms, and when.

    Python's full garbage collections stop every thread, and in a process that has Airflow in memory each takes a tenth
    of a second. Any trigger's objects set them off, so the beats outside them are told apart.
    """

    def __init__(self) -> None:
        self._moments, self._late = array("d"), array("d")
        self._skip_until = 0.0
        self._collection_began = 0.0
        self._collections: list[tuple[float, float]] = []

    async def run(self) -> None:
        gc.callbacks.append(self._note_collection)
        while True:
            before = time.monotonic()
            await asyncio.sleep(BEAT)
            now = time.monotonic()
            if before >= self._skip_until:
                self._moments.append(now)
                self._late.append((now - before - BEAT) * 1000)

    def _note_collection(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collection_began = time.monotonic()
        elif info["generation"] == 2:  # noqa: PLR2004 - the oldest, and with it all
            self._collections.append((self._collection_began, time.monotonic()))

    def skip(self) -> None:
        """Leave the beat that lasts now out: it is the benchmark that blocks."""
        self._skip_until = time.monotonic()

    def figures(self, phases: dict[str, float]) -> dict[str, dict[str, float]]:
        """Give the longest beat and the 99.9th percentile, for each phase and over all.

        :param phases: when each phase began, in their order.
        """
        names, starts = list(phases), list(phases.values())
        found: dict[str, dict[str, float]] = {}
        beats = list(zip(self._moments, self._late, strict=True))
        for name, start, end in zip(names, starts, [*starts[1:], float("inf")], strict=True):
            of_phase = [beat for beat in beats if start <= beat[0] < end]
            found |= {name: self._longest(of_phase)} if of_phase else {}
        return found | {"all": self._longest(beats)}

    def _longest(self, beats: list[tuple[float, float]]) -> dict[str, float]:
        ordered = sorted(late for _, late in beats)
        outside = [late for moment, late in beats if not self._had_collection(moment - late / 1000 - BEAT, moment)]
        return {
            "longest_ms": ordered[-1],
            "longest_outside_collections_ms": max(outside, default=0.0),
            "p999_ms": ordered[int(0.999 * (len(ordered) - 1))],
            "beats": len(ordered),
        }

    def _had_collection(self, start: float, end: float) -> bool:
        return any(began < end and ended > start for began, ended in self._collections)


class Follower:
    """Follows the faxes, and does meanwhile what the pipe says: ``memory``, ``ending``, ``stop``."""

    def __init__(self, pipe: Connection, way: str, faxes: list[int], make: Callable[[int], Any]) -> None:
        self._pipe = pipe
        self._way = way
        self._faxes = faxes
        self._make = make
        self._events = array("d", bytes(8 * len(faxes)))
        self._right = self._wrong = 0
        self._first_wrong = ""
        self._open = len(faxes)
        self._stopped: asyncio.Event | None = None
        self._beat = Heartbeat()
        self._phases: dict[str, float] = {}
        self._before = 0.0

    async def run(self, *, heartbeat: bool, first_look: float) -> None:
        """Measure, and send what was found.

        :param heartbeat: whether to measure how long the loop is blocked, which takes processor time of its own.
        :param first_look: seconds from the start of a trigger to its first look.
        """
        self._stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        trim()
        self._before = resident()
        self._pipe.send("ready")
        self._pipe.recv()
        loop.add_reader(self._pipe.fileno(), self._obey)
        others = [asyncio.create_task(self._beat.run())] if heartbeat else []
        processor, self._phases["starting"] = time.process_time(), time.monotonic()
        tasks = []
        for number, fax in enumerate(self._faxes):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            tasks.append(asyncio.create_task(self._follow(number, self._make(fax))))
        if heartbeat:
            loop.call_later(first_look + SETTLES_IN, self._begin, "waiting")
        await self._stopped.wait()
        processor = time.process_time() - processor
        loop.remove_reader(self._pipe.fileno())
        self._pipe.send(
            {
                "cpu_seconds": processor,
                "events": dict(zip(self._faxes, self._events, strict=True)),
                "right": self._right,
                "wrong": self._wrong,
                "first_wrong": self._first_wrong,
                "blocked": self._beat.figures(self._phases) if heartbeat else None,
            }
        )
        for task in [*tasks, *others]:
            task.cancel()
        await asyncio.gather(*tasks, *others, return_exceptions=True)

    async def _follow(self, number: int, trigger: Any) -> None:
        try:
            async for event in trigger.run():
                self._events[number] = time.monotonic()
                self._take(self._faxes[number], event.payload)
            await trigger.cleanup()
        except Exception as error:  # noqa: BLE001 - what Airflow would fail the task with
            self._take(self._faxes[number], repr(error))
        self._open -= 1
        if not self._open:
            self._stopped.set()

    def _take(self, fax: int, payload: Any) -> None:
        try:
            right = is_right(self._way, fax, payload)
        except (TypeError, KeyError):
            right = False
        self._right += right
        self._wrong += not right
        if not right and not self._first_wrong:
            self._first_wrong = str(payload)[:300]

    def _begin(self, phase: str) -> None:
        self._phases[phase] = time.monotonic()
        self._pipe.send(phase)

    def _obey(self) -> None:
        try:
            command = self._pipe.recv()
        except EOFError:
            command = "stop"
        if command == "memory":
            held = resident()
            trim()
            self._pipe.send({"as_it_stands": held - self._before, "trimmed": resident() - self._before})
            self._beat.skip()
        elif command == "ending":
            self._begin("ending")
        else:
            self._stopped.set()


def follow(
    pipe: Connection, url: str, way: str, account: str, faxes: list[int], *, warm: tuple[str, int], **options: Any
) -> None:
    """Run as a process: follow the faxes of an account one way.

    :param pipe: the other end is with the process that started this one.
    :param url: where the vendor answers.
    :param way: one of :data:`WAYS`.
    :param account: whose faxes.
    :param faxes: their numbers.
    :param warm: an account and its fax that has ended already, to have everything in memory.
    :param options: ``interval``, ``speed``, ``heartbeat``.
    """
    open_many_files()
    prepare(url, [account, warm[0]])
    try:
        asyncio.run(_follow(pipe, way, account, faxes, warm=warm, **options))
    finally:
        shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)


async def _nothing() -> AsyncIterator[Any]:
    for nothing in ():
        yield nothing


async def _follow(
    pipe: Connection,
    way: str,
    account: str,
    faxes: list[int],
    *,
    warm: tuple[str, int],
    interval: float,
    speed: float,
    heartbeat: bool,
) -> None:
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    async for event in MAKERS[way](warm[0], interval, speed)(warm[1]).run() if way != BARE else _nothing():
        if not is_right(way, warm[1], event.payload):
            raise RuntimeError(f"The way {way} does not work: {event.payload}")
    follower = Follower(pipe, way, faxes, MAKERS[way](account, interval, speed))
    await follower.run(heartbeat=heartbeat, first_look=FIRST_LOOK / speed)
