"""What it costs to retry many busy faxes of one InterFAX account at once, at its live limit of 6 requests a minute.

All faxes are sent and find a busy line. Then all tasks are due again at once, and as many of them run at the same time
as there are worker slots: real task runs of this Airflow, each in a process of its own, against the simulator. Each has
to find out that its earlier fax failed before it sends again. On Airflow 3.3 the journal tells; before, the vendor's
records do, which one account may read six times a minute. What is told here:

- how many tasks end as *unknown*, or in any other way than with a second fax;
- the requests for each look-up;
- the longest hold of a worker's slot by a look-up;
- the time until the last fax was sent.

The clocks run as in life. A faster one (``--speed 10``) speeds up the provider's pauses and the vendor, but not the
tasks' own work: the start of 100 tasks takes 40 s of processor time, which then counts tenfold, so that fewer of them
wait at the same time, and more requests are made than in life. ``make bench-burst`` runs it on Airflow 3.3.2 and 2.11.2
and records both in ``benchmarks/results/burst.json``; a run with other arguments is recorded only where ``--out`` says.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TORTURE = ROOT / "tests" / "torture"
sys.path.insert(0, str(TORTURE))

from harness.boundaries import Journal  # noqa: E402 - the torture's harness is no package of its own
from harness.home import load_airflow, set_environment, temporary_home  # noqa: E402
from harness.troubles import make_pdf  # noqa: E402
from harness.vendors import VENDORS  # noqa: E402
from harness.world import Child, Simulator, set_connection  # noqa: E402
from pace import speed_up, watch_look_ups  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "burst.json"
VENDOR = "interfax"
TASK = "poke"
LIMIT = 6
LOOK_UPS = ("list", "search", "status", "completed")
SETTINGS = {
    **dict.fromkeys((f"interfax_seconds_{name}" for name in ("received", "rendering", "ready", "call", "page")), 0),
    "interfax_attempts": 1,
    "interfax_status_limit": None,
}
UNHURRIED = {"connect": 30.0, "read": 60.0, "upload": 60.0}
GRACE = 120.0
BARS = {"unknown": 0, "hold_seconds": 60.0, "requests_with_journal": 0.0, "requests_without": 0.1}
CLOCK = (
    "speed 1 is life; 0.5 is half as fast, for a machine that does other work as well: the start of a task then takes "
    "no larger a part of the vendor's minute than on one that has its cores to itself"
)
STARTED = time.monotonic()
MANY = 100
"""From so many faxes on, the bar for requests without a journal holds: where few wait, there are few to share."""


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    sys.stderr.write(f"[{time.monotonic() - STARTED:6.1f} s] {text}\n")
    sys.stderr.flush()


class Burst:
    """Many faxes of one account.

    :param airflow: this Airflow.
    :param simulator: the vendor.
    :param home: where logs go.
    :param faxes: how many.
    :param options: slots, speed and mode.
    """

    def __init__(
        self, airflow: Any, simulator: Simulator, home: Path, faxes: int, *, options: argparse.Namespace, mode: str
    ) -> None:
        self.airflow, self.simulator, self.options, self.mode = airflow, simulator, options, mode
        self.runs = [f"{mode}-{faxes}-{number}" for number in range(faxes)]
        self.journal = Journal(home / f"{mode}-{faxes}.jsonl")
        self.log = home / f"{mode}-{faxes}.log"
        self.document = home / "burst.pdf"
        self.document.write_bytes(make_pdf("letter", "burst"))

    def measure(self) -> dict[str, Any]:
        """Send all, retry all, and give the figures."""
        self.simulator.ask("POST", "/reset")
        self.simulator.ask("POST", "/clock", speed=self.options.speed)
        self.simulator.ask("POST", "/settings", **SETTINGS)
        self._connect(requests_per_minute=600)
        conf = {
            "fax_number": VENDORS[VENDOR].scenarios["busy"],
            "document": str(self.document),
            "fax_conn_id": f"{VENDOR}_default",
        }
        for run_id in self.runs:
            self.airflow.start_dag_run(run_id, conf)
        self._work("first", {"lookup_grace": GRACE / self.options.speed, "poll_interval": 1.0})
        states = Counter(self.airflow.row(run_id, TASK).state for run_id in self.runs)
        if states != {"up_for_retry": len(self.runs)}:
            broke = [entry["error"] for entry in self.journal.entries() if entry["event"] == "broke"]
            raise RuntimeError(f"Not every line was busy: {states}; {len(broke)} runs broke: {broke[:1]}")
        say(f"{len(self.runs)} lines were busy")
        return self._retry()

    def _connect(self, **extra: Any) -> None:
        connection = self.simulator.connections[VENDOR]
        kept = {name: value for name, value in connection["extra"].items() if name != "requests_per_minute"}
        set_connection(connection | {"extra": kept | extra})

    def _retry(self) -> dict[str, Any]:
        self.simulator.ask("POST", "/settings", interfax_status_limit=LIMIT, interfax_seconds_received=86_400)
        self._connect()
        # What the first runs asked is not to be counted in the minute of the burst.
        time.sleep(70.0 / self.options.speed)
        before, sent_before = self._look_ups(), len(self.simulator.faxes())
        began, began_there = time.monotonic(), self._now()
        self._work(
            "retry",
            {
                "lookup_grace": GRACE / self.options.speed,
                "deferrable": self.mode == "deferrable",
                "wait_for_completion": False,
            },
        )
        seconds = time.monotonic() - began
        faxes = sorted(self.simulator.faxes(), key=lambda fax: fax["accepted_at"])[sent_before:]
        entries = [entry for entry in self.journal.entries() if entry.get("run", "").startswith("retry")]
        holds = [entry["seconds"] * self.options.speed for entry in entries if entry["event"] == "look-up"]
        errors = Counter(entry["error"] for entry in entries if entry["event"] == "outcome" and entry["error"])
        errors.pop("TaskDeferred", None)
        requests = self._look_ups() - before
        sent = Counter(fax["reference"] for fax in faxes)
        last = datetime.fromisoformat(faxes[-1]["accepted_at"]).timestamp() - began_there if faxes else None
        return {
            "airflow": version("apache-airflow"),
            "has_journal": self.airflow.HAS_STORE,
            "mode": self.mode,
            "faxes": len(self.runs),
            "speed": self.options.speed,
            "slots": self.options.slots,
            "unknown": errors["FaxUnknownOutcomeError"],
            "errors": dict(errors),
            "sent": len(sent),
            "sent_twice": sum(1 for times in sent.values() if times > 1),
            "requests": requests,
            "requests_a_look_up": round(requests / len(self.runs), 4),
            "runs": sum(1 for entry in entries if entry["event"] == "start"),
            "longest_hold_seconds": round(max(holds, default=0.0), 1),
            "last_sent_seconds": last and round(last, 1),
            "machine_seconds": round(seconds, 1),
        }

    def _look_ups(self) -> int:
        counts = self.simulator.ask("GET", "/requests")["counts"]
        return sum(number for name, number in counts.items() if name.split()[1] in LOOK_UPS)

    def _now(self) -> float:
        return datetime.fromisoformat(self.simulator.ask("GET", "")["now"]).timestamp()

    def _work(self, name: str, changes: dict[str, Any]) -> None:
        """Run every task until it no longer waits for its look-up, as many at once as there are slots."""
        due: dict[str, float] = dict.fromkeys(self.runs, 0.0)
        running: dict[str, Child] = {}
        turns: Counter[str] = Counter()
        while due or running:
            for run_id in [run_id for run_id, moment in due.items() if moment <= time.time()]:
                if len(running) >= self.options.slots:
                    break
                del due[run_id]
                turns[run_id] += 1
                running[run_id] = self._start(f"{name} {run_id} {turns[run_id]}", run_id, changes)
            for run_id, child in list(running.items()):
                if not child.wait(0.0):
                    continue
                del running[run_id]
                if self.airflow.row(run_id, TASK).state == "deferred":
                    due[run_id] = self._fires_at(run_id)
            time.sleep(0.005)

    def _fires_at(self, run_id: str) -> float:
        """Hand a task the event of its trigger, and tell when that fires."""
        from airflow_provider_faxto.triggers.fax import FIRST_EVENT_AFTER

        call = self.airflow.trigger(run_id, TASK)
        self.airflow.submit_event(call.id, {name: call.kwargs[name] for name in ("settled_from", "asked_at")})
        return max(call.kwargs["resume_at"], time.time() + FIRST_EVENT_AFTER / self.options.speed)

    def _start(self, name: str, run_id: str, changes: dict[str, Any]) -> Child:
        self.airflow.queue(run_id, TASK)

        def work() -> Any:
            watch_look_ups(self.airflow.boundaries)
            return self.airflow.run_task(run_id, TASK, changes)

        return Child(
            self.airflow,
            self.journal,
            name,
            strikes=[],
            work=work,
            log=self.log,
            shrink=partial(speed_up, self.options.speed),
        )


def bars(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hold the figures against what was asked for."""
    found = []
    for one in results:
        who = f"{one['faxes']} faxes on Airflow {one['airflow']}, {one['mode']}"
        found += [
            {"bar": f"unknown, {who}", "at_most": BARS["unknown"], "is": one["unknown"]},
            {"bar": f"not sent, {who}", "at_most": 0, "is": one["faxes"] - one["sent"]},
            {"bar": f"sent twice, {who}", "at_most": 0, "is": one["sent_twice"]},
            {"bar": f"longest hold, s, {who}", "at_most": BARS["hold_seconds"], "is": one["longest_hold_seconds"]},
        ]
        if one["has_journal"] or one["faxes"] >= MANY:
            most = BARS["requests_with_journal"] if one["has_journal"] else BARS["requests_without"]
            found.append({"bar": f"requests a look-up, {who}", "at_most": most, "is": one["requests_a_look_up"]})
    return [bar | {"holds": bar["is"] <= bar["at_most"]} for bar in found]


def show(results: list[dict[str, Any]]) -> None:
    """Print the figures as a table."""
    print(
        f"\n{'Airflow':9}{'mode':12}{'faxes':>7}{'speed':>6}{'sent':>7}{'twice':>6}{'unknown':>9}{'requests':>10}"
        f"{'a look-up':>11}{'longest hold s':>16}{'last sent after s':>19}"
    )
    for one in results:
        print(
            f"{one['airflow']:9}{one['mode']:12}{one['faxes']:>7,}{one['speed']:>6g}{one['sent']:>7,}"
            f"{one['sent_twice']:>6}{one['unknown']:>9}{one['requests']:>10}{one['requests_a_look_up']:>11}"
            f"{one['longest_hold_seconds']:>16}{one['last_sent_seconds'] or '-':>19}"
        )
    missed = [bar for bar in bars(results) if not bar["holds"]]
    for bar in missed:
        print(f"MISSED: {bar['bar']}: {bar['is']}, at most {bar['at_most']}")
    print(f"{len(bars(results)) - len(missed)} of {len(bars(results))} bars hold")


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run every burst on this Airflow."""
    with temporary_home() as home:
        told = os.dup(1)
        os.dup2(os.open(home / "bench.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
        set_environment(home, TORTURE / "harness" / "dags")
        # As many write to one file as there are slots; whoever finds it locked waits.
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] += "?timeout=120"
        # The count of requests and the shared listing lie in the folder for temporary files.
        os.environ["TMPDIR"] = str(home)
        airflow = load_airflow("torture")
        gc.collect()
        gc.freeze()
        simulator = Simulator(UNHURRIED)
        results = []
        try:
            for mode in options.modes:
                for faxes in options.faxes:
                    burst = Burst(airflow, simulator, home, faxes, options=options, mode=mode)
                    say(f"Airflow {version('apache-airflow')}, {mode}: {faxes} faxes")
                    results.append(burst.measure())
                    say(json.dumps(results[-1]))
        except BaseException:
            for log in sorted(home.glob("*.log")):
                say(f"the end of {log.name}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-20:]))
            raise
        finally:
            simulator.stop()
            sys.stdout.flush()
            os.dup2(told, 1)
    return results


def _burst_of(one: dict[str, Any]) -> tuple[str, str, int]:
    return one["airflow"], one["mode"], one["faxes"]


def record(results: list[dict[str, Any]], path: Path) -> None:
    """Put the figures beside those of other bursts."""
    recorded = json.loads(path.read_text()) if path.exists() else {"results": []}
    anew = {_burst_of(one) for one in results}
    kept = sorted([one for one in recorded["results"] if _burst_of(one) not in anew] + results, key=_burst_of)
    recorded = {
        "machine": {
            "date": datetime.now(UTC).date().isoformat(),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
        "clock": CLOCK,
        "results": kept,
        "bars": bars(kept),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(recorded, indent=1) + "\n")


def main() -> None:
    """Measure, record and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faxes", nargs="+", type=int, default=[100, 1000], help="how many; each number is a burst")
    parser.add_argument("--modes", nargs="+", choices=["deferrable", "worker"], default=["deferrable"])
    parser.add_argument("--slots", type=int, default=16, help="how many tasks run at once, Celery's default")
    parser.add_argument("--speed", type=float, default=1.0, help="of the provider's clock and the vendor's")
    parser.add_argument("--out", type=Path, help="where to record the figures")
    options = parser.parse_args()
    if options == parser.parse_args([]):
        options.out = RESULTS
    results = measure(options)
    if options.out:
        record(results, options.out)
    show(results)
    sys.exit(not all(bar["holds"] for bar in bars(results)))


if __name__ == "__main__":
    main()
