"""What the page Faxes costs: its answers with 100,000 faxes in Airflow's database, and those of other pages meanwhile.

A real API server on loopback, on a PostgreSQL server of this run's own and on SQLite. All faxes lie within the page's
default period, the worst case, beside twice as many XComs of other tasks. Each answer is asked for as a browser does,
with a log-in, first by a server that has just started, then again. Then another page of Airflow is asked for, with
nobody on the page Faxes and with somebody who reloads it without a pause.

``make bench-page`` records into ``benchmarks/results/page.json``; other arguments only where ``--out`` says.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server import DATABASES, ROOT, Server, database, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = ROOT / "benchmarks" / "results" / "page.json"
FAXES = 100_000
DAYS = 6.9
# What the page asks for, in this order, and what a person asks for then.
ANSWERS = {
    # As a browser does: the API server imports the rest with this one.
    "the page itself": "faxes/",
    "table": "faxes/data/faxes?limit=50",
    "needs a person, waiting now": "faxes/data/now",
    "figures": "faxes/data/figures",
    "accounts": "faxes/data/accounts",
    "table, filtered by outcome": "faxes/data/faxes?limit=50&outcome=unknown",
    "table, searched by label": "faxes/data/faxes?limit=50&search=clinic-17",
    "table, the last page": "faxes/data/faxes?limit=50&offset=99950",
    "tab of a task": "faxes/data/task?dag_id=claims&run_id=none&task_id=send",
    "CSV": "faxes/data/faxes.csv",
}
PAGE = list(ANSWERS)[:5]
OTHER_PAGES = {
    "list of DAGs": "api/v2/dags?limit=50",
    "list of DAG runs": "api/v2/dags/~/dagRuns?limit=50&order_by=-id",
}
STARTED = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    sys.stderr.write(f"[{time.monotonic() - STARTED:6.1f} s] {text}\n")
    sys.stderr.flush()


def measure(kind: str, faxes: int, rounds: int) -> dict[str, Any]:
    """Measure one database."""
    home = Path(tempfile.mkdtemp(prefix="fax-page-"))
    try:
        with database(kind, home) as url:
            say(f"{kind}: writing {faxes:,} faxes ...")
            fill(home, url, faxes, days=DAYS, others=2 * faxes)
            server = Server(home, url)
            try:
                say(f"{kind}: asking ...")
                answers = {}
                for name, path in ANSWERS.items():
                    first = server.seconds(path)
                    again = [server.seconds(path) for _ in range(1 if name == "CSV" else rounds)]
                    answers[name] = {
                        "first_seconds": round(first, 3),
                        "median_seconds": round(statistics.median(again), 3),
                        "slowest_seconds": round(max(again), 3),
                    }
                others = {}
                for name, path in OTHER_PAGES.items():
                    server.seconds(path)
                    alone = [server.seconds(path) for _ in range(rounds)]
                    with reloading(server):
                        beside = [server.seconds(path) for _ in range(rounds)]
                    others[name] = {
                        "alone_median_seconds": round(statistics.median(alone), 3),
                        "beside_median_seconds": round(statistics.median(beside), 3),
                        "beside_slowest_seconds": round(max(beside), 3),
                    }
            finally:
                server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {"database": kind, "faxes": faxes, "xcoms_of_others": 2 * faxes, "answers": answers, "other_pages": others}


@contextlib.contextmanager
def reloading(server: Server) -> Iterator[None]:
    """Let somebody reload the page without a pause."""
    is_over = threading.Event()

    def reload() -> None:
        while not is_over.is_set():
            for name in PAGE:
                server.seconds(ANSWERS[name])

    reloader = threading.Thread(target=reload)
    reloader.start()
    try:
        yield
    finally:
        is_over.set()
        reloader.join()


def import_milliseconds(rounds: int) -> dict[str, float]:
    """Measure what the plugin adds to a process that has loaded Airflow's plugins, as every one of Airflow does."""

    def measure(statement: str) -> float:
        code = (
            "import time\nfrom airflow.providers.common.compat.sdk import AirflowPlugin\n"
            f"began = time.perf_counter()\n{statement}\nprint('TOOK', time.perf_counter() - began)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return 1000 * float(done.stdout.rpartition("TOOK")[2])

    statement = "import airflow_provider_faxto.page.plugin"
    return {"plugin_import_milliseconds": round(statistics.median(measure(statement) for _ in range(rounds)), 2)}


def main() -> None:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faxes", type=int, default=FAXES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--databases", nargs="+", default=[*DATABASES], choices=DATABASES)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    results = [measure(kind, args.faxes, args.rounds) for kind in args.databases]
    told = {
        "machine": {
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "cores": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "airflow": version("apache-airflow"),
        },
        "faxes_within_days": DAYS,
        **import_milliseconds(args.rounds),
        "results": results,
    }
    is_whole = args.faxes == FAXES and len(args.databases) > 1
    out: Path | None = args.out or (RESULTS if is_whole else None)
    text = json.dumps(told, indent=1)
    if out is not None:
        out.write_text(f"{text}\n", encoding="utf-8")
        say(f"Recorded in {out.name}.")
    print(text)


if __name__ == "__main__":
    main()
