"""What a wrong password costs: many tasks of one account whose connection is wrong, and is mended while they retry.

Each task runs in a process of its own, as many at once as there are worker slots, against the simulator: first with a
wrong password, once more with it, as Airflow's retry does, and then with the right one. What is told here:

- how many log-ins the vendor refused, and how often somebody was paged: both are to be one for the machine and stop;
- how the tasks ended before, and whether each fax was sent once after that;
- the requests beside the sends in the last round.

``--way processes`` runs the operator itself in each process, with a stand-in for Airflow's task instance and its task
state store. ``--way airflow`` makes real task runs of this Airflow, whose start takes most of a second of processor
time each. ``make bench-alarm`` runs both and records them in ``benchmarks/results/alarm.json``; a run with other
arguments is recorded only where ``--out`` says.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TORTURE = ROOT / "tests" / "torture"
sys.path[:0] = [str(TORTURE), str(Path(__file__).parent)]

from harness.boundaries import Journal  # noqa: E402 - the torture's harness is no package of its own
from harness.home import load_airflow, set_environment, temporary_home  # noqa: E402
from harness.troubles import make_pdf  # noqa: E402
from harness.vendors import VENDORS  # noqa: E402
from harness.world import Child, Simulator, set_connection  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "alarm.json"
TASK = "poke"
SENDS = {"faxto": ("upload", "send"), "interfax": ("send",), "extrafax": ("send",)}
UNHURRIED = {"connect": 30.0, "read": 60.0, "upload": 60.0}
DEFAULT = [("processes", "interfax", 500), ("processes", "faxto", 500), ("airflow", "interfax", 500)]
STOPPED_FOR = 600.0
STARTED = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    sys.stderr.write(f"[{time.monotonic() - STARTED:6.1f} s] {text}\n")
    sys.stderr.flush()


class NoAirflow:
    """What runs the operator in a process of its own, without Airflow's own machinery.

    :param home: where the notes of the tasks go.
    """

    HAS_STORE = True

    def __init__(self, home: Path) -> None:
        self._home = home
        self._tries: Counter[str] = Counter()
        self._conf: dict[str, dict[str, str]] = {}
        self.boundaries: Any = None

    def instrument(self, boundaries: Any) -> None:
        """Take what notes the outcome."""
        self.boundaries = boundaries

    def start_dag_run(self, run_id: str, conf: dict[str, str]) -> None:
        """Take what the task is to send."""
        self._conf[run_id] = conf

    def queue(self, run_id: str, task_id: str) -> None:  # noqa: ARG002 - as Airflow's
        """Let the task have its next run."""
        self._tries[run_id] += 1

    def run_task(self, run_id: str, task_id: str, changes: dict[str, Any]) -> None:
        """Run it; in the forked process."""
        from airflow_provider_faxto.operators.fax import SendFaxOperator

        operator = SendFaxOperator(task_id=task_id, retries=5, **self._conf[run_id], **changes)
        ti = SimpleNamespace(
            dag_id="bench",
            task_id=task_id,
            run_id=run_id,
            map_index=-1,
            try_number=self._tries[run_id],
            max_tries=5,
            task=operator,
            xcom_push=_push_nowhere,
        )
        try:
            operator.execute({"ti": ti, "task_state_store": Store(self._home / f"{run_id}.json")})  # type: ignore[typeddict-item]
        except Exception as error:  # noqa: BLE001 - as Airflow's task runner
            self.boundaries.note("outcome", error=type(error).__name__, text=str(error))
        else:
            self.boundaries.note("outcome", error=None, text="")


def _push_nowhere(key: str, value: Any) -> None:
    """Take an XCom, which no other task reads here."""


class Store:
    """A stand-in for Airflow's task state store.

    :param path: the file that holds the notes of one task.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Any:
        """Give a value."""
        return json.loads(self._path.read_text()).get(key) if self._path.exists() else None

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""
        self._path.write_text(json.dumps({key: value}))


class Alarm:
    """Many tasks of one account.

    :param airflow: what runs a task.
    :param simulator: the vendor.
    :param home: where logs go.
    :param vendor: the connection type.
    :param faxes: how many tasks.
    :param slots: how many run at once.
    """

    def __init__(self, airflow: Any, simulator: Simulator, home: Path, vendor: str, faxes: int, *, slots: int) -> None:
        self.airflow, self.simulator, self.vendor, self.slots = airflow, simulator, vendor, slots
        name = f"{vendor}-{type(airflow).__name__.lower()}"
        self.runs = [f"{name}-{number}" for number in range(faxes)]
        self.journal = Journal(home / f"{name}.jsonl")
        self.log = home / f"{name}.log"
        self.pages = home / f"{name}.pages"
        self.home = home

    def measure(self) -> dict[str, Any]:
        """Run all with a wrong password, twice, then with the right one, and give the figures."""
        self.pages.touch()
        # What is shared of an account lies in the folder for temporary files: nothing of another measurement is there.
        folder = self.home / f"{self.pages.stem}-shared"
        folder.mkdir()
        tempfile.tempdir = str(folder)
        os.environ["FAX_BENCH_PAGES"] = str(self.pages)
        os.environ["AIRFLOW__FAXTO__ON_ACCOUNT_STOPPED"] = "pager.page"
        self.simulator.ask("POST", "/reset")
        conf = {"fax_number": VENDORS[self.vendor].scenarios["ok"], "fax_conn_id": f"{self.vendor}_default"}
        for run_id in self.runs:
            # Each has its own, by which the vendor's list of faxes is told apart.
            document = self.home / f"{run_id}.pdf"
            document.write_bytes(make_pdf("letter", run_id))
            self.airflow.start_dag_run(run_id, conf | {"document": str(document)})
        right = self.simulator.connections[self.vendor]
        set_connection(right | {"password": "the/one+before"})
        wrong = [self._work(name) for name in ("first", "retry")]
        refused, sent_before = self._count("401"), len(self.simulator.faxes())
        say(f"{refused} refused log-ins of {len(self.runs)} tasks in two rounds")
        before = self._requests()
        set_connection(right)
        last = self._work("mended")
        sent = Counter(fax["documents"][0]["sha256"] for fax in self.simulator.faxes())
        requests = self._requests() - before
        return {
            "airflow": version("apache-airflow"),
            "way": "processes" if isinstance(self.airflow, NoAirflow) else "airflow",
            "vendor": self.vendor,
            "tasks": len(self.runs),
            "slots": self.slots,
            "refused_log_ins": refused,
            "refused_after_it_was_mended": self._count("401") - refused,
            "pages": len(self.pages.read_text().splitlines()),
            "errors_while_wrong": dict(sum((one["errors"] for one in wrong), Counter[str]())),
            "sent_while_wrong": sent_before,
            "errors_after_it_was_mended": dict(last["errors"]),
            "sent": len(sent),
            "sent_twice": sum(1 for times in sent.values() if times > 1),
            "look_up_requests": requests - len(self.runs) * len(SENDS[self.vendor]),
            "longest_wait_while_wrong_seconds": round(max(one["longest"] for one in wrong), 1),
            "longest_wait_when_mended_seconds": round(last["longest"], 1),
            "round_seconds": [round(one["seconds"], 1) for one in [*wrong, last]],
        }

    def _requests(self) -> int:
        return sum(self.simulator.ask("GET", "/requests")["counts"].values())

    def _count(self, status: str) -> int:
        counts = self.simulator.ask("GET", "/requests")["counts"]
        return sum(number for name, number in counts.items() if name.split()[2] == status)

    def _work(self, name: str) -> dict[str, Any]:
        """Run every task once, as many at the same time as there are slots."""
        began, waiting = time.monotonic(), list(self.runs)
        running: list[Child] = []
        while waiting or running:
            while waiting and len(running) < self.slots:
                running.append(self._start(name, waiting.pop(0)))
            running = [child for child in running if not child.wait(0.0)]
            time.sleep(0.005)
        entries = [entry for entry in self.journal.entries() if entry.get("run", "").startswith(f"{name} ")]
        broke = [entry["error"] for entry in entries if entry["event"] == "broke"]
        if broke:
            raise RuntimeError(f"{len(broke)} runs broke: {broke[:1]}")
        return {
            "errors": Counter(entry["error"] for entry in entries if entry["event"] == "outcome" and entry["error"]),
            "longest": max(entry["seconds"] for entry in entries if entry["event"] == "took"),
            "seconds": time.monotonic() - began,
        }

    def _start(self, name: str, run_id: str) -> Child:
        self.airflow.queue(run_id, TASK)

        def work() -> None:
            began = time.monotonic()
            self.airflow.run_task(run_id, TASK, {"wait_for_completion": False})
            self.airflow.boundaries.note("took", seconds=time.monotonic() - began)

        return Child(
            self.airflow,
            self.journal,
            f"{name} {run_id}",
            strikes=[],
            work=work,
            log=self.log,
            shrink=lambda: None,
        )


def bars(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hold the figures against what was asked for."""
    found = []
    for one in results:
        who = f"{one['tasks']} tasks, {one['vendor']}, {one['way']}"
        found += [
            {"bar": f"refused log-ins, {who}", "at_most": one["pages"], "is": one["refused_log_ins"]},
            {"bar": f"refused after it was mended, {who}", "at_most": 0, "is": one["refused_after_it_was_mended"]},
            {"bar": f"pages, {who}", "at_most": _stops_of(one), "is": one["pages"]},
            {"bar": f"sent while wrong, {who}", "at_most": 0, "is": one["sent_while_wrong"]},
            {"bar": f"not sent, {who}", "at_most": 0, "is": one["tasks"] - one["sent"]},
            {"bar": f"sent twice, {who}", "at_most": 0, "is": one["sent_twice"]},
        ]
    return [bar | {"holds": bar["is"] <= bar["at_most"]} for bar in found]


def _stops_of(one: dict[str, Any]) -> int:
    """Tell how many stops there may be: one, and another one after each ten minutes, on a slow machine."""
    return 1 + int(sum(one["round_seconds"][:2]) / STOPPED_FOR)


def show(results: list[dict[str, Any]]) -> None:
    """Print the figures as a table."""
    print(
        f"\n{'way':11}{'vendor':10}{'tasks':>6}{'refused':>9}{'pages':>7}{'sent':>6}{'twice':>7}{'look-ups':>10}"
        f"{'longest s':>11}  rounds, s"
    )
    for one in results:
        print(
            f"{one['way']:11}{one['vendor']:10}{one['tasks']:>6}{one['refused_log_ins']:>9}{one['pages']:>7}"
            f"{one['sent']:>6}{one['sent_twice']:>7}{one['look_up_requests']:>10}{one['longest_wait_while_wrong_seconds']:>11}"
            f"  {one['round_seconds']}"
        )
    missed = [bar for bar in bars(results) if not bar["holds"]]
    for bar in missed:
        print(f"MISSED: {bar['bar']}: {bar['is']}, at most {bar['at_most']}")
    print(f"{len(bars(results)) - len(missed)} of {len(bars(results))} bars hold")


def measure(runs: list[tuple[str, str, int]], slots: int) -> list[dict[str, Any]]:
    """Run every one of them."""
    with temporary_home() as home:
        told = os.dup(1)
        os.dup2(os.open(home / "bench.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
        set_environment(home, TORTURE / "harness" / "dags")
        # As many write to one file as there are slots; whoever finds it locked waits.
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] += "?timeout=120"
        real = load_airflow("torture") if any(way == "airflow" for way, _, _ in runs) else None
        _import_what_tasks_need()
        simulator = Simulator(UNHURRIED)
        results = []
        try:
            for way, vendor, faxes in runs:
                airflow = real if way == "airflow" else NoAirflow(home)
                say(f"{way}: {faxes} tasks of {vendor}")
                results.append(Alarm(airflow, simulator, home, vendor, faxes, slots=slots).measure())
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


def _import_what_tasks_need() -> None:
    from airflow_provider_faxto.fax.numbers import parse_fax_number
    from airflow_provider_faxto.hooks import extrafax, faxto, interfax  # noqa: F401 - once, for all forks
    from airflow_provider_faxto.sending import submit  # noqa: F401 - see above

    parse_fax_number("+12025550100", None)


def record(results: list[dict[str, Any]], path: Path) -> None:
    """Write the figures down."""
    recorded = {
        "machine": {
            "date": datetime.now(UTC).date().isoformat(),
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
        },
        "results": results,
        "bars": bars(results),
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(recorded, indent=1) + "\n")


def main() -> None:
    """Measure, record and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--way", choices=["processes", "airflow"], help="how a task is run")
    parser.add_argument("--vendor", choices=sorted(SENDS), default="interfax")
    parser.add_argument("--tasks", type=int, default=500, help="how many")
    parser.add_argument("--slots", type=int, default=16, help="how many run at once, Celery's default")
    parser.add_argument("--out", type=Path, help="where to record the figures")
    options = parser.parse_args()
    runs = [(options.way, options.vendor, options.tasks)] if options.way else DEFAULT
    if options == parser.parse_args([]):
        options.out = RESULTS
    results = measure(runs, options.slots)
    if options.out:
        record(results, options.out)
    show(results)
    sys.exit(not all(bar["holds"] for bar in bars(results)))


if __name__ == "__main__":
    main()
