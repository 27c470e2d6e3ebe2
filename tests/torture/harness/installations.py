"""Two Airflow installations with one account, and equal DAG, run and task in both."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import time
import traceback
from typing import TYPE_CHECKING, Any

from harness.drive import Round
from harness.world import set_connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.plan import Plan
    from harness.world import Simulator

_HUNG_AFTER = 120.0


def run_two(
    airflow: Any, simulator: Simulator, plan: Plan, folder: Path, use_second: Callable[[], None]
) -> list[Round]:
    """Run a round in two installations at once.

    :param airflow: this Airflow.
    :param simulator: the vendors, which both share.
    :param plan: what is to happen in each.
    :param folder: for histories and logs.
    :param use_second: lets a process that was forked use the second installation's database.
    :return: the round of each installation, the first one's first.
    """
    first = Round(airflow, simulator, plan, folder)
    # Their own chance: what befalls one does not befall the other.
    other = dataclasses.replace(plan, chance=random.Random(plan.seed + 1_000_000_007), with_sensor=False)
    second = Round(airflow, simulator, other, folder, name=f"{plan.seed}-second")
    first.prepare()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            use_second()
            _connect(simulator, plan, "second")
            second.run()
            code = 0
        except BaseException:  # noqa: BLE001 - a fork must not go on in its parent's code
            second.journal.note("broke", run="second installation", error=traceback.format_exc(limit=-3))
        finally:
            os._exit(code)
    _connect(simulator, plan, "first")
    try:
        first.run()
    finally:
        _see_off(pid, second)
    return [first, second]


def _connect(simulator: Simulator, plan: Plan, namespace: str) -> None:
    connection = simulator.connections[plan.vendor]
    if plan.kind == "two installations":
        connection = connection | {"extra": connection["extra"] | {"key_namespace": namespace}}
    set_connection(connection)


def _see_off(pid: int, second: Round) -> None:
    until = time.monotonic() + _HUNG_AFTER
    while not os.waitpid(pid, os.WNOHANG)[0]:
        if time.monotonic() > until:
            second.journal.note("hung", run="second installation")
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return
        time.sleep(0.02)
