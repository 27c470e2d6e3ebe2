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
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "cluster"), str(Path(__file__).parent)]

from servers import free_port, postgres  # noqa: E402 - the cluster test's servers are no package

if TYPE_CHECKING:
    from collections.abc import Iterator

RESULTS = ROOT / "benchmarks" / "results" / "page.json"
FAXES = 100_000
OTHERS = 200_000
DAYS = 6.9
LONGEST_START = 180.0
# What the page asks for, in this order, and what a person asks for then.
ANSWERS = {
    "table": "faxes/data/faxes?limit=50",
    "needs a person, waiting now": "faxes/data/now",
    "figures": "faxes/data/figures",
    "accounts": "faxes/data/accounts",
    "table, filtered by outcome": "faxes/data/faxes?limit=50&outcome=unknown",
    "table, searched by label": "faxes/data/faxes?limit=50&search=clinic-77",
    "table, the last page": "faxes/data/faxes?limit=50&offset=99950",
    "tab of a task": "faxes/data/task?dag_id=faxes_0&run_id=none&task_id=send",
    "CSV": "faxes/data/faxes.csv",
}
PAGE = list(ANSWERS)[:4]
OTHER_PAGES = {
    "list of DAGs": "api/v2/dags?limit=50",
    "list of DAG runs": "api/v2/dags/~/dagRuns?limit=50&order_by=-id",
}
STARTED = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    sys.stderr.write(f"[{time.monotonic() - STARTED:6.1f} s] {text}\n")
    sys.stderr.flush()


class Server:
    """Airflow's API server, with one worker, and a log-in.

    :param home: Airflow's home.
    :param url: its database.
    """

    def __init__(self, home: Path, url: str) -> None:
        self._port = free_port()
        self._base = f"http://127.0.0.1:{self._port}"
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": self._base,
        }
        with (home / "api-server.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "api-server"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + LONGEST_START
        while True:
            with contextlib.suppress(urllib.error.URLError, OSError):
                self._get("api/v2/version")
                break
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The API server did not start; see {home / 'api-server.log'}.")
            time.sleep(0.5)
        self._token = json.loads(self._get("auth/token"))["access_token"]

    def seconds(self, path: str) -> float:
        """Ask for something, and tell how long the whole answer takes."""
        began = time.perf_counter()
        self._get(path)
        return time.perf_counter() - began

    def _get(self, path: str) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"} if hasattr(self, "_token") else {}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self._base}/{path}", headers=headers), timeout=120
        ) as got:
            return got.read()

    def stop(self) -> None:
        """Stop it, and all that it has started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextlib.contextmanager
def database(kind: str, home: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{home}/airflow.db"
        return
    with postgres(home / "postgres.log") as server:
        yield server.url.replace("postgresql://", "postgresql+psycopg2://")


def fill(home: Path, url: str, faxes: int) -> None:
    """Make Airflow's tables and fill them, in a process of its own: Airflow reads its settings once."""
    subprocess.run(
        [sys.executable, str(Path(__file__)), "--fill", str(faxes)],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        },
        check=True,
        stdout=subprocess.DEVNULL,
    )


def measure(kind: str, faxes: int, rounds: int) -> dict[str, Any]:
    """Measure one database."""
    home = Path(tempfile.mkdtemp(prefix="fax-page-"))
    try:
        with database(kind, home) as url:
            say(f"{kind}: writing {faxes:,} faxes ...")
            fill(home, url, faxes)
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
    parser.add_argument("--databases", nargs="+", default=["postgresql", "sqlite"], choices=["postgresql", "sqlite"])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fill is not None:
        fill_here(args.fill)
        return
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


def fill_here(faxes: int) -> None:
    """Fill the database that the environment names."""
    from airflow.utils.db import initdb

    initdb()
    from airflow import settings
    from filled import fill as write

    write(settings.engine, faxes, days=DAYS, others=2 * faxes)


if __name__ == "__main__":
    main()
