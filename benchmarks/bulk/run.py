"""Many faxes through real Airflow: in one task with ``SendFaxesOperator``, and mapped with ``SendFaxOperator``.

A real Airflow (scheduler with LocalExecutor, triggerer, DAG processor and API server on loopback, SQLite) sends the
same faxes to the project's simulator of InterFAX in both ways. Both wait in the triggerer and ask every 5 s, without
the vendor's limit of requests. Measured are the CPU-seconds of all processes of Airflow, less what they take at rest,
the wall time, the rows that the database has more, and the most memory that any one process of a part had.

Run it with ``make bench-bulk``. The exit code is 0 only if a batch takes at most a tenth of mapping's CPU for each fax
at the largest number that both have, grows no more than linearly, and no process has more than 300 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "whole_dag"))

import vendor  # noqa: E402 - found by the line before
from airflow_parts import ROOT, Airflow, BenchError, say  # noqa: E402

HOME = ROOT / ".airflow-bench"
RESULTS = ROOT / "benchmarks" / "results" / "bulk.json"
FAX_NUMBER = "+999-9999-0"
LETTER = ROOT / "example_dags" / "files" / "letter.pdf"
TABLES = ("task_instance", "xcom", "trigger", "task_state_store", "rendered_task_instance_fields", "log")
MOST_MEMORY = 300.0
AT_MOST_OF_MAPPING = 0.1
_LONGEST_RUN = 3600.0
_IDLE = 30.0


class Watch:
    """Watches the processes of Airflow from a thread: the CPU that they have used, and their memory.

    :param airflow: started.
    """

    def __init__(self, airflow: Airflow) -> None:
        self._airflow = airflow
        self._is_over = threading.Event()
        self.memory: dict[str, float] = {}
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def cpu(self) -> float:
        """Add up the CPU-seconds of all processes, those that have ended included."""
        seconds = 0.0
        for processes in self._airflow.processes().values():
            for process in processes:
                try:
                    seconds += sum(process.cpu_times()[:4])
                except psutil.NoSuchProcess:
                    continue
        return seconds

    def _look(self) -> None:
        while not self._is_over.wait(0.5):
            for name, processes in self._airflow.processes().items():
                for process in processes:
                    try:
                        memory = process.memory_info()
                    except psutil.NoSuchProcess:
                        continue
                    # What a fork shares with its parent counts with both.
                    self.memory[name] = max(self.memory.get(name, 0.0), memory.rss / 2**20)


def measure(airflow: Airflow, dag_id: str, number: int, idle: float) -> dict:
    """Run a DAG with so many faxes, and tell what it took."""
    faxes = HOME / f"{number}.csv"
    faxes.write_text("label,fax_number\n" + "".join(f"customer-{index},{FAX_NUMBER}\n" for index in range(number)))
    conf = {
        "faxes": str(faxes),
        "document": str(LETTER),
        "results": str(HOME / "results"),
        "number": number,
        "fax_number": FAX_NUMBER,
    }
    rows = count_rows(airflow)
    with Watch(airflow) as watch:
        cpu, began = watch.cpu(), time.monotonic()
        run_id = airflow.api("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})["dag_run_id"]
        query = "SELECT state FROM dag_run WHERE run_id = ? AND dag_id = ? AND end_date IS NOT NULL"
        airflow.wait_until(lambda: airflow.rows(query, run_id, dag_id), f"a run of {dag_id} ends", _LONGEST_RUN)
        wall, cpu = time.monotonic() - began, watch.cpu() - cpu
    [(state,)] = airflow.rows(query, run_id, dag_id)
    if state != "success":
        raise BenchError(f"A run of {dag_id} with {number} faxes ended as {state}.")
    more = {table: count - rows[table] for table, count in count_rows(airflow).items()}
    found = {
        "faxes": number,
        "wall": round(wall, 1),
        "cpu": round(cpu - idle * wall, 1),
        "cpu_for_each": round((cpu - idle * wall) / number, 4),
        "rows": more,
        "memory": {name: round(most) for name, most in watch.memory.items()},
    }
    say(f"{dag_id}, {number} faxes: {found}")
    return found


def count_rows(airflow: Airflow) -> dict[str, int]:
    return {table: airflow.rows(f'SELECT COUNT(*) FROM "{table}"')[0][0] for table in TABLES}


def check(results: dict) -> list[str]:
    """Say which bars do not hold."""
    batch = {run["faxes"]: run for run in results["batch"]}
    mapped = {run["faxes"]: run for run in results["mapped"]}
    broken = []
    both = sorted(batch.keys() & mapped.keys())
    if both:
        share = batch[both[-1]]["cpu_for_each"] / mapped[both[-1]]["cpu_for_each"]
        say(f"For each of {both[-1]} faxes a batch takes {share:.3f} of mapping's CPU.")
        if share > AT_MOST_OF_MAPPING:
            broken.append(f"a batch of {both[-1]} takes {share:.3f} of mapping's CPU for each fax")
    if len(batch) > 1 and batch[max(batch)]["cpu_for_each"] > batch[min(batch)]["cpu_for_each"]:
        broken.append("the CPU for each fax of a batch grows with their number")
    for run in batch.values():
        broken += [
            f"a process of the {part} had {run['memory'][part]} MB with {run['faxes']} faxes"
            for part in ("scheduler", "triggerer")
            if run["memory"].get(part, 0.0) > MOST_MEMORY
        ]
    return broken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, nargs="*", default=[100, 1000, 10000])
    parser.add_argument("--mapped", type=int, nargs="*", default=[100, 1000])
    options = parser.parse_args()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results: dict = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "airflow": version("apache-airflow"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "batch": [],
        "mapped": [],
    }
    with ExitStack() as stack:
        server = stack.enter_context(vendor.serve())
        airflow = Airflow(HOME, HERE / "dags")
        stack.callback(airflow.stop)
        airflow.start({"batch", "mapped"})
        ours = server.connection("interfax")
        # Without the vendor's limit of requests.
        extra = {**ours.get("extra", {}), "requests_per_minute": 600}
        airflow.add_connection("bench", {**ours, "extra": extra})
        measure(airflow, "batch", 2, 0.0)
        watch = Watch(airflow)
        cpu = watch.cpu()
        time.sleep(_IDLE)
        results["idle"] = idle = (watch.cpu() - cpu) / _IDLE
        say(f"Airflow at rest takes {idle:.3f} CPU-seconds a second.")
        # The smallest first, so that what is measured is not lost should the largest not come to its end.
        runs = [(number, "batch") for number in options.batch] + [(number, "mapped") for number in options.mapped]
        for number, dag_id in sorted(runs):
            results[dag_id].append(measure(airflow, dag_id, number, idle))
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    broken = check(results)
    for text in broken:
        say(f"A bar does not hold: {text}.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
