"""Airflow's parts as processes of their own, each standing for a machine, that can be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import requests
from celery import Celery
from servers import HOST, free_port
from waiting import ClusterError, say, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent
WORKERS = ("worker-1", "worker-2")
TRIGGERERS = ("triggerer-1", "triggerer-2")
_SLOTS_OF_A_WORKER = 8
_LONGEST_START = 180.0
# Airflow's own history leaves out a try that fails while it is queued, as a resumed one does in an outage.
_RECORD_FAILED_TRIES = """
CREATE TABLE failed_try (task_id text, map_index int, try_number int, hostname text, was text, started timestamptz,
    ended timestamptz DEFAULT now());
CREATE FUNCTION record_failed_try() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO failed_try VALUES (OLD.task_id, OLD.map_index, OLD.try_number, OLD.hostname, OLD.state,
        coalesce(OLD.start_date, OLD.queued_dttm));
    RETURN NULL;
END $$;
CREATE TRIGGER record_failed_try AFTER UPDATE ON task_instance FOR EACH ROW
    WHEN (NEW.state IN ('up_for_retry', 'failed') AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION record_failed_try();
"""


class Machine:
    """One of Airflow's parts.

    :param name: what Airflow's records call it.
    :param command: what it runs.
    :param environment: the cluster's.
    :param log: where its output goes.
    :param temporary: its folder for temporary files.
    """

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], *, log: Path, temporary: Path
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        temporary.mkdir(exist_ok=True)
        self._environment = environment | {"FAX_CLUSTER_MACHINE": name, "TMPDIR": str(temporary)}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, in a session of its own by which its processes are found."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def processes(self) -> list[psutil.Process]:
        """List its processes."""
        found: list[psutil.Process] = []
        if self._process is None:
            return found
        for process in psutil.process_iter():
            # Not by process group: Airflow runs tasks and triggers in children that may lead one of their own.
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if os.getsid(process.pid) == self._process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def signal_all(self, what: signal.Signals) -> None:
        """Send a signal to all its processes.

        :param what: the signal. SIGKILL to all is what the end of a machine or of a container does.
        """
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(what)

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None and not self.has_ended:
            self._process.terminate()

    def kill(self) -> None:
        """Kill all that is left of it."""
        while self.processes():
            self.signal_all(signal.SIGKILL)
            time.sleep(0.05)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it, politely at first."""
        _stop([self])

    def end_of_log(self, lines: int = 25) -> str:
        """Give the last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""


class Cluster:
    """A whole Airflow on loopback.

    :param home: the folder for everything.
    :param database: the URL of an empty PostgreSQL database.
    :param broker: the URL of an empty Redis database.
    :param poll_interval: the DAG's, in seconds.
    :param apart: whether the parts share no temporary files, as on machines of their own.
    """

    def __init__(self, home: Path, database: str, broker: str, *, poll_interval: float, apart: bool) -> None:
        self._home = home
        self._broker = broker
        self._url = f"http://{HOST}:{free_port()}"
        self._environment = self._make_environment(database, broker, poll_interval)
        self._database = database
        self._metadata = self._connect()
        self._supervised_until = 0.0
        self.restarts: Counter[str] = Counter()
        machines = {
            "api-server": ["api-server"],
            "scheduler": ["scheduler", "--skip-serve-logs"],
            "dag-processor": ["dag-processor"],
            **{name: ["triggerer", "--skip-serve-logs"] for name in TRIGGERERS},
            **{name: self._worker_command(name) for name in WORKERS},
        }
        self.machines = {
            name: Machine(
                name,
                _airflow(*arguments),
                self._environment,
                log=home / f"{name}.log",
                temporary=home / (f"tmp-{name}" if apart else "tmp"),
            )
            for name, arguments in machines.items()
        }

    def _make_environment(self, database: str, broker: str, poll_interval: float) -> dict[str, str]:
        slots = str(_SLOTS_OF_A_WORKER * len(WORKERS))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        # Importing Airflow without compiled bytecode takes more than twice as long.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | {
            "AIRFLOW_HOME": str(self._home),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": self._url.rpartition(":")[2],
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": self._url,
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{_with_driver(database)}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(_SLOTS_OF_A_WORKER),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "cluster_machine.name",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _with_driver(database),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self._home / "task-logs"),
            # A killed worker's tasks are found after 300 s and 600 s by default, a third of the time there is.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "90",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "180",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "30",
            "FAX_CLUSTER_POLL_INTERVAL": str(poll_interval),
            "FAX_CLUSTER_SLOTS": slots,
            "PYTHONPATH": str(HERE / "site"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
        }

    def _worker_command(self, name: str) -> list[str]:
        pid_file = str(self._home / f"{name}.pid")
        return ["celery", "worker", "--skip-serve-logs", "--celery-hostname", _node(name), "--pid", pid_file]

    def migrate(self) -> None:
        """Make Airflow's tables, and one more in which the database records each try that fails.

        :raises ClusterError: if that fails.
        """
        log = self._home / "migrate.log"
        environment = self._environment | {"FAX_CLUSTER_MACHINE": "migrate"}
        with log.open("wb") as output:
            done = subprocess.run(_airflow("db", "migrate"), check=False, stdout=output, stderr=output, env=environment)
        if done.returncode:
            raise ClusterError(f"airflow db migrate failed; see {log}.")
        self._metadata.execute(_RECORD_FAILED_TRIES)

    def start(self) -> None:
        """Start every part, and wait until each says that it is well.

        :raises ClusterError: if one ends, or the time is over.
        """
        self.machines["api-server"].start()
        self.wait_until(self._health, "the API server answers")
        # One after the other would take as long as all together: each spends its time on imports.
        for name, machine in self.machines.items():
            if name != "api-server":
                machine.start()
        self.wait_until(lambda: self.api("GET", "/dags", limit=1)["total_entries"], "the DAG is known")
        self.wait_until_healthy()

    def wait_until_healthy(self) -> None:
        """Wait until every part says that it is well.

        :raises ClusterError: if one ends, or the time is over.
        """
        self.wait_until(self._is_healthy, "scheduler, DAG processor and triggerers are healthy")
        self.wait_until(lambda: self.workers() == set(WORKERS), "both workers answer")

    def wait_until(self, condition: Any, what: str) -> None:
        """Wait for a condition while every part runs."""

        def holds() -> object:
            self.check()
            return condition()

        wait_until(holds, what, seconds=_LONGEST_START)

    def check(self) -> None:
        """See that every part runs.

        :raises ClusterError: if one has ended by itself, and nobody restarts it.
        """
        for machine in self.machines.values():
            if not machine.has_ended:
                continue
            if time.monotonic() > self._supervised_until:
                raise ClusterError(f"{machine.name} has ended by itself. The end of its log:\n{machine.end_of_log()}")
            say(f"{machine.name} has ended by itself and is started again.")
            self.restarts[machine.name] += 1
            # A supervisor ends what is left of it first.
            machine.kill()
            machine.start()

    def supervise(self, seconds: float) -> None:
        """Start again whatever ends by itself from now on, as systemd or Kubernetes does.

        :param seconds: for how long. What ends by itself later is an error again.
        """
        self._supervised_until = time.monotonic() + seconds

    def reconnect(self) -> None:
        """Connect to Airflow's database anew, after it was away."""
        self._metadata.close()
        self._metadata = self._connect()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._database, autocommit=True)

    def api(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Call Airflow's public REST API.

        :return: the answer's JSON.
        :raises ClusterError: if it is refused.
        """
        answer = requests.request(method, f"{self._url}/api/v2{path}", json=body, params=query, timeout=60)
        if not answer.ok:
            raise ClusterError(f"{method} {path} was answered with {answer.status_code}: {answer.text[:500]}")
        return answer.json()

    def add_connection(self, conn_id: str, fields: dict[str, Any]) -> None:
        """Store a connection, as users do: in Airflow's database."""
        given = {name: value for name, value in fields.items() if name != "extra"}
        self.api("POST", "/connections", {"connection_id": conn_id, "extra": json.dumps(fields["extra"]), **given})

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask Airflow's database, which costs the machine less than the REST API does.

        :return: the rows.
        """
        return self._metadata.execute(query, values).fetchall()

    def workers(self) -> set[str]:
        """Tell which workers answer."""
        with Celery(broker=self._broker) as app:
            return {node.partition("@")[0] for answer in app.control.ping(timeout=3) for node in answer}

    def triggerers(self) -> dict[str, int]:
        """Tell which triggerers have given a sign of life lately.

        :return: the newest job's id by name.
        """
        return dict(
            self.rows(
                "SELECT hostname, max(id) FROM job WHERE job_type = 'TriggererJob' AND state = 'running' "
                "AND latest_heartbeat > now() - interval '30 seconds' GROUP BY hostname"
            )
        )

    def memory(self) -> tuple[int, int]:
        """Measure the memory of all parts, each shared page counted once for all that share it.

        :return: megabytes, and the number of processes.
        """
        total, count = 0, 0
        for machine in self.machines.values():
            for process in machine.processes():
                with contextlib.suppress(psutil.Error):
                    total += process.memory_full_info().pss
                    count += 1
        return total // 2**20, count

    def stop(self) -> None:
        """Stop every part, politely at first."""
        self._metadata.close()
        # The API server last: workers and triggerers report to it.
        for names in (set(self.machines) - {"api-server"}, {"api-server"}):
            _stop([self.machines[name] for name in names])

    def _health(self) -> dict[str, Any]:
        try:
            return dict(self.api("GET", "/monitor/health"))
        except (requests.RequestException, ClusterError):
            return {}

    def _is_healthy(self) -> bool:
        health = self._health()
        parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        healthy = bool(health) and all(health[part]["status"] == "healthy" for part in parts)
        return healthy and set(self.triggerers()) == set(TRIGGERERS)


def _stop(machines: Iterable[Machine]) -> None:
    machines = list(machines)
    for machine in machines:
        machine.terminate()
    with contextlib.suppress(ClusterError):
        wait_until(lambda: not any(machine.processes() for machine in machines), "all end", seconds=20, every=0.2)
    for machine in machines:
        machine.kill()


def _airflow(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


def _node(name: str) -> str:
    return f"{name}@localhost"


def _with_driver(database: str) -> str:
    return database.replace("postgresql://", "postgresql+psycopg2://")
