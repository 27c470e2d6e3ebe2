"""A real Airflow on loopback below one folder: API server, scheduler with LocalExecutor, DAG processor, triggerer."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import psutil
import requests

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HOST = "127.0.0.1"
PARTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
STARTED = time.monotonic()
_LONGEST_START = 240.0


class BenchError(Exception):
    """The benchmark cannot go on; the text says why."""


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


class Airflow:
    """Airflow's parts, each a process in a session of its own by which all that it starts is found.

    :param home: an empty folder for everything.
    :param dags: the folder of the DAGs. Default: those of this benchmark.
    """

    def __init__(self, home: Path, dags: Path = HERE / "dags") -> None:
        self._home = home
        self._slots = home / "slots.jsonl"
        self._slots.touch()
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self._url = f"http://{HOST}:{probe.getsockname()[1]}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        # Importing Airflow without compiled bytecode takes more than twice as long.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self._environment = kept | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": self._url.rpartition(":")[2],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": self._url,
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "noting_executor.NotingExecutor",
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            # Parsing the DAGs again and again is not what is measured.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "FAX_BENCH_SLOTS": str(self._slots),
            "PYTHONPATH": os.pathsep.join([str(HERE / "site"), str(ROOT)]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
        }

    def start(self, dag_ids: set[str]) -> None:
        """Make the tables, start every part, and wait until all are well and the DAGs are known.

        :param dag_ids: the DAGs.
        :raises BenchError: if a part ends, or the time is over.
        """
        self._run("migrate", ["db", "migrate"]).wait()
        if self._processes.pop("migrate").returncode:
            raise BenchError(f"airflow db migrate failed:\n{self._end_of_log('migrate')}")
        for name, arguments in PARTS.items():
            self._run(name, arguments)
        self.wait_until(lambda: self._is_ready(dag_ids), "Airflow is healthy and knows the DAGs", _LONGEST_START)

    def _run(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        with (self._home / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        return self._processes[name]

    def _is_ready(self, dag_ids: set[str]) -> bool:
        try:
            health = self.api("GET", "/monitor/health")
            known = {dag["dag_id"] for dag in self.api("GET", "/dags")["dags"]}
        except (requests.RequestException, BenchError):
            return False
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all(health[part]["status"] == "healthy" for part in parts) and known >= dag_ids

    def wait_until(self, condition, what: str, seconds: float) -> None:
        """Wait for a condition while every part runs.

        :raises BenchError: if a part ends, or the time is over.
        """
        until = time.monotonic() + seconds
        while not condition():
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise BenchError(f"The {name} has ended by itself:\n{self._end_of_log(name)}")
            if time.monotonic() > until:
                raise BenchError(f"Waited for {seconds:g} s in vain: {what}.")
            time.sleep(0.25)

    def _end_of_log(self, name: str) -> str:
        return "\n".join((self._home / f"{name}.log").read_text(errors="replace").splitlines()[-25:])

    def api(self, method: str, path: str, body=None):
        """Call Airflow's public REST API; return the answer's JSON.

        :raises BenchError: if it is refused.
        """
        answer = requests.request(method, f"{self._url}/api/v2{path}", json=body, timeout=30)
        if not answer.ok:
            raise BenchError(f"{method} {path} was answered with {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def add_connection(self, conn_id: str, fields: dict) -> None:
        """Store a connection, as users do: in Airflow's database."""
        extra = json.dumps(fields.get("extra", {}))
        self.api("POST", "/connections", {**fields, "connection_id": conn_id, "extra": extra})

    def rows(self, query: str, *values) -> list[tuple]:
        """Ask Airflow's database, which costs the machine less than the REST API does."""
        with contextlib.closing(sqlite3.connect(f"file:{self._home}/airflow.db?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def slots(self, run_id: str) -> tuple[list[dict], bool]:
        """Tell which slots the tasks of a run took, in their order, and whether all are free again."""
        lines = [json.loads(line) for line in self._slots.read_text().splitlines()]
        mine = [line for line in lines if line["run_id"] == run_id]
        released = [line for line in mine if "released" in line]
        return sorted(released, key=lambda slot: slot["taken"]), len(mine) == 2 * len(released)

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Give the living processes of each part, those that it has started included."""
        return {name: self._sessions([name]) for name in PARTS}

    def stop(self) -> None:
        """Stop every part and all that it has started, politely at first; the API server last, as others need it."""
        for names in ([name for name in self._processes if name != "api-server"], ["api-server"]):
            for what, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
                for process in self._sessions(names):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.send_signal(what)
                until = time.monotonic() + patience
                while self._sessions(names) and time.monotonic() < until:
                    time.sleep(0.2)
        for process in self._processes.values():
            process.wait()

    def _sessions(self, names: list[str]) -> list[psutil.Process]:
        leaders = {self._processes[name].pid for name in names if name in self._processes}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if os.getsid(process.pid) in leaders and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found
