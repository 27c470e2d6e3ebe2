"""``python -m harness.waiting killed|stalled|users``: tasks wait in a real triggerer, and what befalls them there.

With ``killed`` the triggerer is killed while all wait, their faxes end while there is none, and another one takes
the tasks over. With ``stalled`` it stands still, and goes on when another one has taken the tasks over. With ``users``
some tasks are marked as failed or cleared while they wait, and the triggerer, which others still need, is stopped.
The test judges what is reported here.

Real are the triggerer, the database that it shares with the task runs, the requests, and the provider's ten seconds
before a trigger's first look. The faxes take an hour; the harness moves the simulator's clock when they shall end.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.boundaries import Journal
from harness.drive import LETTER
from harness.home import load_airflow, set_environment, temporary_home
from harness.triggerer import QUICK_TAKE_OVER, Triggerer
from harness.vendors import CANCELED, VENDORS
from harness.world import Child, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

DAGS = Path(__file__).resolve().parent / "dags"
DAG_ID, TASK_ID = "waiting", "send"
AT_MOST = 120.0
"""Seconds that any single wait may last."""

# ExtraFax is InterFAX over again, and would only take longer.
_VENDORS = [name for name in VENDORS if name != "extrafax"]
_AN_HOUR = 3600.0
_HELD: dict[str, Any] = {
    "faxto_seconds_ok": _AN_HOUR,
    "faxto_seconds_failed": _AN_HOUR,
    # The state that every fax passes through first, and in which it can be canceled.
    "interfax_seconds_received": _AN_HOUR,
    # Ten waits that ask every two seconds are more than six requests a minute.
    "interfax_status_limit": None,
}
# Nothing is cut off here, so a slow machine shall not look like a slow vendor.
_TIMEOUTS = {"connect": 30.0, "read": 60.0, "upload": 60.0}


class Waiting:
    """Tasks that wait for their faxes, and the triggerers that wait for them.

    :param airflow: this Airflow.
    :param simulator: the vendors.
    :param home: where logs go.
    :param began: when it all began, on the monotonic clock.
    """

    def __init__(self, airflow: Any, simulator: Simulator, home: Path, began: float) -> None:
        self.airflow = airflow
        self.simulator = simulator
        self.journal = Journal(home / "journal.jsonl")
        self.triggerers: list[Triggerer] = []
        self.seconds: list[tuple[str, float]] = []
        self._sent: dict[str, tuple[str, str]] = {}
        self._home = home
        self._began = began
        self.passed("Airflow loaded")

    def passed(self, what: str) -> None:
        """Note how many seconds it took to get here."""
        self.seconds.append((what, round(time.monotonic() - self._began, 1)))

    def start_triggerer(self) -> Triggerer:
        triggerer = Triggerer(self._home / f"triggerer-{len(self.triggerers) + 1}.log")
        self.triggerers.append(triggerer)
        return triggerer

    def send(self, vendor: str, scenario: str) -> str:
        """Let a worker send a fax and defer.

        :param vendor: by which vendor.
        :param scenario: what will become of it.
        :return: the DAG run.
        """
        run_id = f"{vendor}-{scenario}-{len(self._sent) + 1}"
        self._sent[run_id] = (vendor, scenario)
        self.airflow.start_dag_run(
            run_id,
            {
                "fax_number": VENDORS[vendor].scenarios[scenario],
                "document": str(LETTER),
                "fax_conn_id": f"{vendor}_default",
            },
        )
        self.airflow.queue(run_id, TASK_ID)
        self.work(run_id)
        if self.waits()[run_id]["state"] != "deferred":
            raise RuntimeError(f"{run_id} has not deferred.")
        return run_id

    def work(self, run_id: str) -> None:
        """Run a queued task once in a worker."""
        child = Child(
            self.airflow,
            self.journal,
            run_id,
            strikes=[],
            work=lambda: self.airflow.run_task(run_id, TASK_ID, {}),
            log=self._home / "workers.log",
        )
        if not child.wait(AT_MOST):
            child.end()
            raise RuntimeError(f"The worker of {run_id} hangs.")

    def waits(self) -> dict[str, dict[str, Any]]:
        """Read how each task waits, by DAG run: its state, what follows, and which triggerer has its trigger."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.trigger import Trigger
        from airflow.utils.session import create_session
        from sqlalchemy import select

        with create_session() as session:
            rows = session.execute(
                select(TaskInstance.run_id, TaskInstance.state, TaskInstance.next_method, Trigger.triggerer_id)
                .outerjoin(Trigger, Trigger.id == TaskInstance.trigger_id)
                .where(TaskInstance.task_id == TASK_ID)
            ).all()
        return {
            run_id: {"state": state and str(state), "next_method": next_method, "triggerer": triggerer}
            for run_id, state, next_method, triggerer in rows
        }

    def looks(self) -> dict[str, int]:
        """Count how often the status of each fax was told."""
        return {fax["id"]: fax["status_reads"] for fax in self.simulator.faxes()}

    def until_all_looked_at(self) -> None:
        """Wait until the triggerer asks for every fax; no worker may run meanwhile."""
        before = self.looks()
        self.until("a look at every fax", lambda: all(looks > before[fax] for fax, looks in self.looks().items()))

    def completed_triggers(self, triggerer_id: int) -> int:
        """Count the triggers that have run to their end in a triggerer, their ``on_kill`` included (Airflow 3)."""
        logs = self._home.glob(f"logs/**/*.trigger.{triggerer_id}.log")
        return sum('"trigger completed"' in log.read_text() for log in logs)

    def database_is_free(self) -> bool:
        """Tell whether no process holds a lock, which one that stands still would never give back."""
        # A process that was stopped this instant may still be on its way.
        time.sleep(0.1)
        with contextlib.closing(sqlite3.connect(self._home / "airflow.db", timeout=0)) as database:
            try:
                database.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                return False
            database.rollback()
            return True

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for something that the latest triggerer does.

        :param what: what it is.
        :param condition: whether it is done.
        """
        until = time.monotonic() + AT_MOST
        while not condition():
            if self.triggerers[-1].has_ended:
                raise RuntimeError(f"The triggerer has ended before there was {what}.")
            if time.monotonic() > until:
                raise RuntimeError(f"After {AT_MOST:g} s there is not yet {what}: {self.waits()}")
            time.sleep(0.2)
        self.passed(what)

    def faxes_of(self, run_id: str) -> list[str]:
        """Name the fax jobs that a task has told of, oldest first."""
        told = [
            entry["value"]
            for entry in self.journal.entries()
            if entry["run"] == run_id and entry["event"] == "before" and entry.get("key") == "job_id"
        ]
        return list(dict.fromkeys(told))

    def ends(self) -> dict[str, Any]:
        """Tell how each accepted fax stands: the vendor's final status, or that it is under way."""
        return {fax["id"]: fax["final_status"] if fax["is_final"] else "under way" for fax in self.simulator.faxes()}

    def tasks(self) -> list[dict[str, Any]]:
        """Tell what came of each task."""
        errors = {entry["run"]: entry["error"] for entry in self.journal.entries() if entry["event"] == "outcome"}
        waits = self.waits()
        return [
            {
                "run": run_id,
                "vendor": vendor,
                "scenario": scenario,
                "state": waits[run_id]["state"],
                "error": errors[run_id],
                "faxes": self.faxes_of(run_id),
            }
            for run_id, (vendor, scenario) in self._sent.items()
        ]


def killed(scene: Waiting) -> dict[str, Any]:
    """Kill the triggerer while twenty tasks wait, and let another one take over."""
    first = scene.start_triggerer()
    for vendor in _VENDORS:
        for scenario, times in {"ok": 4, "busy": 2, "no_answer": 2, "file_error": 2}.items():
            for _ in range(times):
                scene.send(vendor, scenario)
    scene.passed("every task deferred")
    scene.until_all_looked_at()
    before = scene.waits()
    final_before = sum(fax["is_final"] for fax in scene.simulator.faxes())
    first.kill()
    after = scene.waits()
    scene.passed("the kill")
    scene.simulator.ask("POST", "/finish")
    second = scene.start_triggerer()
    scene.until("an event for every task", lambda: all(wait["state"] != "deferred" for wait in scene.waits().values()))
    events = scene.waits()
    stopped = second.stop(AT_MOST)
    for run_id in events:
        scene.airflow.queue(run_id, TASK_ID)
        scene.work(run_id)
    scene.passed("every task resumed")
    return {
        "before the kill": _count(before),
        "final before the kill": final_before,
        "after the kill": _count(after),
        "with an event": _count(events),
        "second stopped when asked": stopped,
    }


def stalled(scene: Waiting) -> dict[str, Any]:
    """Let the triggerer stand still until another one has taken its tasks over, and then go on."""
    first = scene.start_triggerer()
    for vendor in _VENDORS:
        for _ in range(3):
            scene.send(vendor, "ok")
    scene.passed("every task deferred")
    scene.until_all_looked_at()
    (first_id,) = {wait["triggerer"] for wait in scene.waits().values()}
    first.stand_still()
    while not scene.database_is_free():
        first.go_on()
        time.sleep(0.05)
        first.stand_still()
    second = scene.start_triggerer()
    scene.until(
        "another triggerer for every task",
        lambda: all(wait["triggerer"] != first_id for wait in scene.waits().values()),
    )
    scene.until_all_looked_at()
    first.go_on()
    scene.until(
        "an end of every trigger that was lost", lambda: scene.completed_triggers(first_id) == len(scene.ends())
    )
    ends = scene.ends()
    scene.simulator.ask("POST", "/finish")
    scene.until("an event for every task", lambda: all(wait["state"] != "deferred" for wait in scene.waits().values()))
    return {
        "faxes": dict(Counter(map(str, ends.values()))),
        "with an event": _count(scene.waits()),
        "both stopped when asked": first.stop(AT_MOST) and second.stop(AT_MOST),
    }


def users(scene: Waiting) -> dict[str, Any]:
    """Let a user mark waiting tasks as failed or clear them, then stop the triggerer, which others still need."""
    triggerer = scene.start_triggerer()
    runs = {(vendor, act): scene.send(vendor, "ok") for vendor in _VENDORS for act in ("mark", "clear", "leave")}
    scene.passed("every task deferred")
    scene.until_all_looked_at()
    for (_, act), run_id in runs.items():
        if act == "mark":
            scene.airflow.mark(run_id, TASK_ID, "failed")
        elif act == "clear":
            scene.airflow.clear(run_id, TASK_ID)
            # A scheduler does so a moment later; only then does the triggerer miss the task.
            scene.airflow.queue(run_id, TASK_ID)
    acted = [scene.faxes_of(runs["interfax", act])[0] for act in ("mark", "clear")]
    scene.until("a canceled fax for each act", lambda: all(scene.ends()[fax] == CANCELED for fax in acted))
    stopped = triggerer.stop(AT_MOST)
    scene.passed("the stop")
    for vendor in _VENDORS:
        scene.work(runs[vendor, "clear"])
    scene.passed("every cleared task run again")
    ends = scene.ends()
    found = {f"{vendor} {act}": [ends[fax] for fax in scene.faxes_of(run_id)] for (vendor, act), run_id in runs.items()}
    return found | {"stopped when asked": stopped}


def _count(waits: dict[str, dict[str, Any]]) -> dict[str, int]:
    kinds = [
        f"{wait['state']}, {wait['next_method']}, {'no trigger' if wait['triggerer'] is None else 'in a triggerer'}"
        for wait in waits.values()
    ]
    return dict(Counter(kinds))


SCENES = {"killed": killed, "stalled": stalled, "users": users}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.waiting")
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("--report", type=Path, required=True, help="where to write as JSON what came of it")
    options = parser.parse_args()
    # Whoever gives up on this process asks it to end, and it ends its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The harness was told to end."))
    with temporary_home() as home:
        _run(options, home)
    return 0


def _run(options: argparse.Namespace, home: Path) -> None:
    began = time.monotonic()
    os.dup2(os.open(home / "harness.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    set_environment(home, DAGS)
    # Triggerer and task runs write to one file; whoever finds it locked waits.
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] += "?timeout=60"
    os.environ.update(QUICK_TAKE_OVER)
    airflow = load_airflow(DAG_ID)
    gc.collect()
    gc.freeze()
    simulator = Simulator(_TIMEOUTS)
    scene = Waiting(airflow, simulator, home, began)
    try:
        simulator.ask("POST", "/settings", **_HELD)
        found = SCENES[options.scene](scene)
        report = {"found": found, "tasks": scene.tasks(), "faxes": scene.ends(), "seconds": scene.seconds}
        options.report.write_text(json.dumps(report))
    except BaseException:
        for log in sorted(home.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-40:]
            sys.stderr.write("\n".join([f"--- the end of {log.name}", *lines, ""]))
        raise
    finally:
        for triggerer in scene.triggerers:
            triggerer.kill()
        simulator.stop()


if __name__ == "__main__":
    sys.exit(main())
