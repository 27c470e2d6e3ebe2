"""A fax's whole way through real Airflow: send, wait, branch, with the provider and with Airflow's HTTP operators.

Five DAGs run one after another on a real Airflow (scheduler with LocalExecutor, triggerer, DAG processor and API server
on loopback, SQLite) against the project's simulator of InterFAX, each started through the REST API:

- ``ours``: ``SendFaxOperator(deferrable=True)`` and ``FaxOutcomeBranchOperator``
- ``http``: ``HttpOperator``, deferrable ``HttpSensor`` and ``@task.branch``, on an address that no vendor has
- ``airflow_alone``: no fax; a task that defers once to Airflow's own trigger, and a branch: Airflow's own part
- ``ours_poke``: as ``ours``, waiting on the worker
- ``http_check``: as ``http``, on the vendor's real address, which makes the sensor wait on the worker

All ask every 5 s, so a fax that has ended is seen 0 to 5 s later, by luck: more than all else that differs. The faxes
take 23 to 27 s in turn, the same in all DAGs of a round, and beside the time of the whole way stands what it would be
had the fax ended half-way between the two questions around its end. That is what is compared, by its mean; "no slower"
means by no more than the standard error of the rounds' differences. The first run of each DAG is not counted.

A worker's slot is held from the moment at which a worker of the executor takes a task up until it can take the next
(``site/noting_executor.py``). The part after the task's own process has ended is told apart, and no part of the bar: it
is Airflow's supervisor, which notices the end at once or 5 s later, as it happens, whatever the task was.

Run it with ``make bench-dag`` (``RUNS=10`` for more rounds). The exit code is 0 only if all bars hold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version

import requests
import vendor
from airflow_parts import ROOT, Airflow, BenchError, say

HOME = ROOT / ".airflow-bench"
RESULTS = ROOT / "benchmarks" / "results" / "whole_dag.json"
# A number of InterFAX's own for trying things out: it makes no call and ends as delivered.
FAX_NUMBER = "+999-9999-0"
LETTER = ROOT / "example_dags" / "files" / "letter.pdf"
BRANCHES = ("delivered", "send_later", "hand_to_person")
SECONDS = (25.0, 23.0, 27.0, 24.0, 26.0)
EACH_ROUND = ("ours", "http", "airflow_alone")
WAIT_ON_WORKER = ("ours_poke", "http_check")
MOST_SLOT_SECONDS = 1.0
_LONGEST_RUN = 180.0


class Bench:
    """The runs of one benchmark.

    :param airflow: started.
    :param simulator: the vendor.
    """

    def __init__(self, airflow: Airflow, simulator) -> None:
        self._airflow = airflow
        self._simulator = simulator
        self.runs: dict[str, list[dict]] = {}

    def warm_up(self) -> None:
        """Run each DAG once, all at the same time: a triggerer's first trigger waits long, and imports come cold."""
        vendor.set_seconds(self._simulator, SECONDS[0])
        for dag_id, run_id in [(dag_id, self._start(dag_id)) for dag_id in (*EACH_ROUND, *WAIT_ON_WORKER)]:
            self._wait(dag_id, run_id)

    def measure(self, dag_id: str, seconds: float) -> None:
        """Run a DAG from its start to its end.

        :param dag_id: the DAG.
        :param seconds: how long the fax takes.
        :raises BenchError: if it did not end as it has to.
        """
        vendor.set_seconds(self._simulator, seconds)
        run_id = self._start(dag_id)
        self._wait(dag_id, run_id)
        run = self._read(dag_id, run_id, seconds)
        self.runs.setdefault(dag_id, []).append(run)
        say(
            f"{dag_id:13}  {run['wall']:5.1f} s, {run['tasks']} tasks, {len(run['slots'])} slots "
            f"held for {slot_seconds(run, 'process'):5.2f} s"
        )

    def _start(self, dag_id: str) -> str:
        conf = {} if dag_id == "airflow_alone" else {"fax_number": FAX_NUMBER}
        if dag_id.startswith("ours"):
            conf["document"] = str(LETTER)
        run = self._airflow.api("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return run["dag_run_id"]

    def _wait(self, dag_id: str, run_id: str) -> None:
        query = "SELECT 1 FROM dag_run WHERE run_id = ? AND dag_id = ? AND end_date IS NOT NULL"
        self._airflow.wait_until(
            lambda: self._airflow.rows(query, run_id, dag_id) and self._airflow.slots(run_id)[1],
            f"a run of {dag_id} ends",
            _LONGEST_RUN,
        )
        tasks = self._tasks(run_id, dag_id)
        taken = [task_id for task_id in BRANCHES if tasks[task_id] == "success"]
        if taken != ["delivered"]:
            raise BenchError(f"A run of {dag_id} did not end at the branch delivered: {tasks}.")

    def _tasks(self, run_id: str, dag_id: str) -> dict[str, str]:
        query = "SELECT task_id, state FROM task_instance WHERE run_id = ? AND dag_id = ?"
        return dict(self._airflow.rows(query, run_id, dag_id))

    def _read(self, dag_id: str, run_id: str, seconds: float) -> dict:
        query = "SELECT start_date, end_date FROM dag_run WHERE run_id = ? AND dag_id = ?"
        began, ended = (
            datetime.fromisoformat(text).replace(tzinfo=UTC) for text in self._airflow.rows(query, run_id, dag_id)[0]
        )
        start, end = began.timestamp(), ended.timestamp()
        run = {
            "wall": end - start,
            "tasks": sum(task_id not in BRANCHES for task_id in self._tasks(run_id, dag_id)),
            "slots": [
                {
                    "task_id": slot["task_id"],
                    "taken_at": slot["taken"] - start,
                    "process": slot["ended"] - slot["taken"],
                    "supervisor": slot["released"] - slot["ended"],
                    "cpu": slot["cpu"],
                }
                for slot in self._airflow.slots(run_id)[0]
            ],
        }
        return run if dag_id == "airflow_alone" else run | self._phases(start, end, seconds)

    def _phases(self, start: float, end: float, seconds: float) -> dict:
        """Tell from the vendor's own records where the time went."""
        asked = [
            (datetime.fromisoformat(entry["time"]).timestamp(), entry["endpoint"])
            for entry in self._simulator.requests()
        ]
        asked = [(moment, endpoint) for moment, endpoint in asked if start <= moment <= end]
        accepted = next(moment for moment, endpoint in asked if endpoint == "send")
        final = accepted + seconds
        looks = [moment for moment, endpoint in asked if endpoint in ("status", "completed")]
        seen = next(moment for moment in looks if moment >= final)
        unseen = next(moment for moment in reversed(looks) if moment < final)
        return {
            "fax": seconds,
            "wall_halfway": end - start - (seen - final) + (seen - unseen) / 2,
            "looks": len(looks),
            "looks_after_acceptance": [moment - accepted for moment in looks],
            "until_accepted": accepted - start,
            "until_seen": seen - final,
            "until_end": end - seen,
        }


def slot_seconds(run: dict, part: str) -> float:
    """Add up one part of a run's slots: ``process``, ``supervisor`` or ``cpu``."""
    return sum(slot[part] for slot in run["slots"])


def figures_of(runs: list[dict]) -> dict:
    """Sum up the runs of one DAG."""

    def spread(values: list[float]) -> dict[str, float]:
        figures = {"mean": statistics.mean(values), "median": statistics.median(values)}
        return {name: round(value, 2) for name, value in (figures | {"min": min(values), "max": max(values)}).items()}

    figures = {
        "runs": len(runs),
        "wall_seconds": spread([run["wall"] for run in runs]),
        "tasks_up_to_the_branch": max(run["tasks"] for run in runs),
        "slots_taken": max(len(run["slots"]) for run in runs),
        "slot_seconds": spread([slot_seconds(run, "process") for run in runs]),
        "slot_seconds_of_the_supervisor_afterwards": spread([slot_seconds(run, "supervisor") for run in runs]),
        "cpu_seconds": spread([slot_seconds(run, "cpu") for run in runs]),
    }
    for name in ("wall_halfway", "looks", "until_accepted", "until_seen", "until_end"):
        if name in runs[0]:
            figures[name] = spread([run[name] for run in runs])
    return figures


def judge(figures: dict[str, dict], runs: dict[str, list[dict]]) -> list[dict]:
    """Hold the figures against the bars."""
    ours, rival, alone = (figures[dag_id] for dag_id in EACH_ROUND)
    beyond = round(ours["slot_seconds"]["median"] - alone["slot_seconds"]["median"], 2)
    # Round by round, since the faxes of a round take equally long.
    pairs = zip(*(runs[dag_id] for dag_id in EACH_ROUND[:2]), strict=True)
    differences = [run["wall_halfway"] - of_rival["wall_halfway"] for run, of_rival in pairs]
    slower = statistics.mean(differences)
    error = statistics.stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else 0.0
    tasks = ours["tasks_up_to_the_branch"], rival["tasks_up_to_the_branch"]
    return [
        {
            "what": "tasks up to the branch, ours and http",
            "figure": f"{tasks[0]} and {tasks[1]}",
            "bar": "fewer",
            "holds": tasks[0] < tasks[1],
        },
        {
            "what": "the whole way, ended half-way, ours less http",
            "figure": f"{slower:+.1f} s (error {error:.1f} s)",
            "bar": "no slower",
            "holds": slower <= error,
        },
        {
            "what": "slot seconds beyond Airflow's own, deferrable",
            "figure": f"{beyond:.2f} s",
            "bar": f"< {MOST_SLOT_SECONDS:g} s",
            "holds": beyond < MOST_SLOT_SECONDS,
        },
    ]


def show(machine: dict, figures: dict[str, dict], bars: list[dict]) -> None:
    """Print the tables."""
    print()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print("\nSeconds from the start of a DAG run to its end, and what its tasks up to the branch took")
    print(
        f"{'':14}{'runs':>5}{'median (lowest to highest)':>28}{'mean':>7}{'half-way':>10}"
        f"{'tasks':>7}{'slots':>7}{'slot s':>8}{'CPU s':>7}{'supervisor':>12}"
    )
    for dag_id, row in figures.items():
        wall = row["wall_seconds"]
        spread = f"{wall['median']:.1f} ({wall['min']:.1f} to {wall['max']:.1f})"
        halfway = f"{row['wall_halfway']['mean']:.1f}" if "wall_halfway" in row else ""
        print(
            f"{dag_id:14}{row['runs']:>5}{spread:>28}{wall['mean']:>7.1f}{halfway:>10}"
            f"{row['tasks_up_to_the_branch']:>7}{row['slots_taken']:>7}{row['slot_seconds']['median']:>8.2f}"
            f"{row['cpu_seconds']['median']:>7.2f}{row['slot_seconds_of_the_supervisor_afterwards']['mean']:>12.2f}"
        )
    print(
        "half-way: the mean, had each fax ended half-way between two questions. slot s: held until the tasks' processes"
    )
    print("ended, median; supervisor: held after that until Airflow noticed, mean.")
    print(
        "\nWhere the time of a run goes, mean: until the vendor has the fax, the fax itself, until somebody sees that"
    )
    print("it has ended, and from there to the end of the run.")
    for dag_id, row in figures.items():
        if "until_accepted" in row:
            before, unseen, after = (row[name]["mean"] for name in ("until_accepted", "until_seen", "until_end"))
            fax = row["wall_seconds"]["mean"] - before - unseen - after
            looks = row["looks"]["mean"]
            print(f"{dag_id:14}{before:>8.1f}{fax:>8.1f}{unseen:>8.1f}{after:>8.1f}   s; {looks:.1f} status requests")
    print()
    for bar in bars:
        verdict = "holds" if bar["holds"] else "does not hold"
        print(f"{bar['what']:48}{bar['figure']:>22}   bar: {bar['bar']:10} {verdict}")


def main() -> int:
    """Run it all; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench-dag", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--runs", type=int, default=5, help="counted runs of each DAG, best 5, 10, ... (default: %(default)s)"
    )
    parser.add_argument(
        "--worker-runs", type=int, default=2, help="of those that wait on the worker (default: %(default)s)"
    )
    given = parser.parse_args()
    # So that a plain kill stops everything too, and Ctrl-C does even where the shell started this in the background.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    machine = {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "load at the start": round(os.getloadavg()[0], 1),
        "Python": platform.python_version(),
        "Airflow": version("apache-airflow"),
        "http provider": version("apache-airflow-providers-http"),
    }
    try:
        runs = _run(given.runs, given.worker_runs)
    except (BenchError, requests.RequestException) as error:
        say(f"FAILED: {error}")
        say(f"The logs are in {HOME.name}/.")
        return 1
    except KeyboardInterrupt:
        say("Interrupted; everything is stopped.")
        return 130
    figures = {dag_id: figures_of(of_dag) for dag_id, of_dag in runs.items()}
    bars = judge(figures, runs)
    show(machine, figures, bars)
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "figures": figures,
        "bars": bars,
        "runs": json.loads(json.dumps(runs), parse_float=lambda text: round(float(text), 3)),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\nEvery run is in {RESULTS.relative_to(ROOT)}.")
    return 0 if all(bar["holds"] for bar in bars) else 1


def _run(rounds: int, worker_rounds: int) -> dict[str, list[dict]]:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(vendor.serve())
        airflow = Airflow(HOME)
        stack.callback(airflow.stop)
        # Whoever is impatient while everything is stopped would leave half of it running.
        stack.callback(_ignore_signals)
        say("Making Airflow's tables, then starting its four parts below .airflow-bench (about a minute) ...")
        airflow.start({*EACH_ROUND, *WAIT_ON_WORKER})
        ours = server.connection("interfax")
        airflow.add_connection("interfax_default", ours)
        airflow.add_connection("interfax_http", {**ours, "conn_type": "http", "extra": {}})
        bench = Bench(airflow, server.simulator)
        say("A first run of each, which is not counted ...")
        bench.warm_up()
        for number in range(rounds):
            seconds = SECONDS[number % len(SECONDS)]
            # Who goes first changes, in case it matters.
            for dag_id in EACH_ROUND if number % 2 == 0 else EACH_ROUND[::-1]:
                bench.measure(dag_id, seconds)
            if number < worker_rounds:
                for dag_id in WAIT_ON_WORKER:
                    bench.measure(dag_id, seconds)
        say("Stopping everything ...")
    return bench.runs


def _ignore_signals() -> None:
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
