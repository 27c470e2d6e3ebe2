"""What importing the operator adds to ``import airflow.sdk``, beside Airflow's own HTTP sensor.

A DAG file is parsed often, so what its imports cost is paid often. Each figure is the median of several fresh
processes, with compiled bytecode; the two are measured in turn, in the same run.

Run it with ``make bench-import``.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version

ROUNDS = 5
OURS = "from airflow_provider_faxto.operators.fax import SendFaxOperator"
ALL_OURS = (
    "from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator; "
    "from airflow_provider_faxto.sensors.fax import FaxStatusSensor"
)
RIVAL = "from airflow.providers.http.sensors.http import HttpSensor"

MEASURE = """
import json, sys, time
import airflow.sdk
# The names behind airflow.sdk are loaded when first used; every DAG file uses these.
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, task

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

memory, modules, started = resident(), len(sys.modules), time.perf_counter()
{statement}
print(json.dumps([(time.perf_counter() - started) * 1000, resident() - memory, len(sys.modules) - modules]))
"""


def measure(statement: str) -> tuple[float, float, int]:
    """Import in a fresh process; return milliseconds, MB and modules that it added."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE.format(statement=statement)], check=True, capture_output=True, text=True
    )
    milliseconds, megabytes, modules = json.loads(done.stdout.splitlines()[-1])
    return milliseconds, megabytes, modules


def main() -> None:
    """Measure and print."""
    figures: dict[str, list[tuple[float, float, int]]] = {OURS: [], ALL_OURS: [], RIVAL: []}
    for statement in figures:
        measure(statement)  # so that every file is in the page cache and compiled
    for _ in range(ROUNDS):
        for statement, measured in figures.items():
            measured.append(measure(statement))
    print(f"Airflow {version('apache-airflow')}, http provider {version('apache-airflow-providers-http')}, ")
    print(f"Python {platform.python_version()}, {platform.machine()}; median (lowest to highest) of {ROUNDS}")
    medians = {}
    for statement, measured in figures.items():
        times, memories, modules = zip(*measured, strict=True)
        medians[statement] = statistics.median(times), statistics.median(memories)
        print(
            f"{medians[statement][0]:8.1f} ms ({min(times):.1f} to {max(times):.1f})"
            f"{medians[statement][1]:8.2f} MB ({min(memories):.2f} to {max(memories):.2f})"
            f"{modules[0]:5} modules  {statement}"
        )
    print(
        f"The operator's share of the HTTP sensor's: time {medians[OURS][0] / medians[RIVAL][0]:.2f}, "
        f"memory {medians[OURS][1] / medians[RIVAL][1]:.2f}"
    )


if __name__ == "__main__":
    main()
