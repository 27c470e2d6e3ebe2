"""A real Airflow on PostgreSQL, of which the triggerers run: one for each way to wait, so that none disturbs another.

What a scheduler does for tasks that wait is done by its own method, called as often as a scheduler calls it. Whoever
keeps processes alive (systemd, Kubernetes) starts a triggerer again that has ended: so does this.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import secrets
import shutil
import signal
import struct
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster import Machine
from harness.triggerer import QUICK_TAKE_OVER
from waiting import ClusterError, wait_until

if TYPE_CHECKING:
    import psycopg
    from gate import Gates

HERE = Path(__file__).resolve().parent
# So that a limit of the number of threads holds, which it does not for root.
_NOBODY = 65_534
# Python may be installed where root alone can look.
_MAY_READ = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
_RESTARTS_AFTER = 5.0
_TEMPORARY_MEGABYTES = 8


def prepare_environment(home: Path, database: str) -> dict[str, str]:
    """Set this process's Airflow, before it is imported; return what the triggerers' differs in."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    # Importing Airflow without compiled bytecode takes more than twice as long.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ |= QUICK_TAKE_OVER | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
        "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "task-logs"),
        # Hundreds begin at once, and the time that this takes is no part of the bench.
        "AIRFLOW__TRIGGERER__MAX_TRIGGER_TO_SELECT_PER_LOOP": "1000",
        "AIRFLOW__TRIGGERER__CAPACITY": "10000",
        "AIRFLOW__TRIGGERER__QUEUES_ENABLED": "True",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
    }
    paths = [HERE / "site", HERE.parent / "waiting"]
    return {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "FAX_CHAOS_CLOCK": str(home / "clock"),
    }


def migrate(home: Path) -> None:
    """Make Airflow's tables.

    :raises ClusterError: if that fails.
    """
    with (home / "migrate.log").open("wb") as log:
        done = subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=False, stdout=log, stderr=log)
    if done.returncode:
        raise ClusterError(f"airflow db migrate failed; see {log.name}.")


class Installation:
    """The triggerers, the database before them, their clock and their temporary files.

    :param home: the folder for everything.
    :param ways: a triggerer is run for each.
    :param changes: what :func:`prepare_environment` returned.
    :param database: an open connection to the database itself, not through the gateway.
    :param gates: where the triggerers' connections to the database pass.
    """

    def __init__(
        self, home: Path, ways: list[str], changes: dict[str, str], database: psycopg.Connection, gates: Gates
    ) -> None:
        self.home = home
        self.database = database
        self._gates = gates
        info = database.info
        port = gates.open("database", info.host, info.port, is_http=False)
        name = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
        through_gate = os.environ[name].replace(f":{info.port}/", f":{port}/")
        environment = {**os.environ, **changes, name: through_gate}
        self._clock_file = home / "clock"
        self._clock_file.write_bytes(bytes(8))
        self.is_root = os.geteuid() == 0
        self._mounted = False
        self.temporary = home / "tmp"
        self.temporary.mkdir()
        self._mount()
        (home / "task-logs").mkdir(exist_ok=True)
        self._as_user = ["setpriv", f"--reuid={_NOBODY}", "--clear-groups"] if self.is_root else []
        as_nobody = [*self._as_user, *_MAY_READ] if self.is_root else []
        self.machines = {
            way: Machine(
                way,
                [*as_nobody, sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs", "--queues", way],
                environment,
                log=home / f"triggerer-{way}.log",
                temporary=self.temporary,
            )
            for way in ways
        }
        self.starts = dict.fromkeys(ways, 0)
        self._start_at: dict[str, float] = {}

    def start(self) -> None:
        """Start the triggerers, and wait until each gives a sign of life."""
        if self.is_root:
            for path in (self.home, *self.home.glob("**/*")):
                os.chown(path, _NOBODY, -1)
        self.start_triggerers()
        wait_until(lambda: len(self.alive_since(0.0)) == len(self.machines), "the triggerers run", seconds=120)

    def start_triggerers(self) -> None:
        """Start those that do not run."""
        for way, machine in self.machines.items():
            self._start_at.pop(way, None)
            self._start(way, machine)

    def kill_triggerers(self) -> None:
        """Kill all with SIGKILL, every process of theirs; nobody starts them again."""
        for way, machine in self.machines.items():
            machine.kill()
            self._start_at[way] = float("inf")

    def keep_alive(self) -> None:
        """Start a triggerer again that has ended, a few seconds later."""
        for way, machine in self.machines.items():
            if machine.has_ended and time.monotonic() >= self._start_at.setdefault(
                way, time.monotonic() + _RESTARTS_AFTER
            ):
                del self._start_at[way]
                self._start(way, machine)

    def _start(self, way: str, machine: Machine) -> None:
        machine.start()
        self.starts[way] += 1

    def alive_since(self, moment: float) -> set[int]:
        """Tell which triggerers, as numbers of jobs, have given a sign of life after a moment of the wall clock."""
        query = "SELECT id FROM job WHERE job_type = 'TriggererJob' AND latest_heartbeat > to_timestamp(%s)"
        return {number for (number,) in self.database.execute(query, [moment]).fetchall()}

    def stop_database(self) -> None:
        """Cut the triggerers' connections to the database and refuse new ones."""
        self._gates.shut("database")

    def start_database(self) -> None:
        """Let the triggerers reach the database again."""
        self._gates.reopen("database")

    def set_clock(self, off: float) -> None:
        """Set the triggerers' wall clock.

        :param off: by how many seconds it is off.
        """
        with self._clock_file.open("r+b") as file, mmap.mmap(file.fileno(), 8) as clock:
            clock[:] = struct.pack("d", off)

    def limit_threads(self) -> None:
        """Let the triggerers' processes start no thread and no process any more."""
        self._set_limit("1:")

    def unlimit_threads(self) -> None:
        """End what :meth:`limit_threads` began."""
        # The triggerers have it from this process.
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        self._set_limit("unlimited:" if hard == resource.RLIM_INFINITY else f"{hard}:")

    def _set_limit(self, soft: str) -> None:
        # As the user of the processes: root may lack the right to set others' limits.
        for machine in self.machines.values():
            for process in machine.processes():
                limit = ["prlimit", f"--pid={process.pid}", f"--nproc={soft}"]
                subprocess.run([*self._as_user, *limit], check=True)

    def fill_temporary(self) -> None:
        """Leave no space where the triggerers' temporary files lie."""
        with contextlib.suppress(OSError), (self.temporary / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))

    def empty_temporary(self) -> None:
        """End what :meth:`fill_temporary` began."""
        (self.temporary / "filler").unlink(missing_ok=True)

    def protect_temporary(self) -> None:
        """Let nobody write where the triggerers' temporary files lie."""
        self._remount("ro")

    def unprotect_temporary(self) -> None:
        """End what :meth:`protect_temporary` began."""
        self._remount("rw")

    @property
    def has_own_file_system(self) -> bool:
        """Whether the temporary files lie on a file system of their own, which can be filled and protected."""
        return self._mounted

    def _mount(self) -> None:
        if self.is_root and shutil.which("mount"):
            options = f"size={_TEMPORARY_MEGABYTES}m,uid={_NOBODY}"
            command = ["mount", "-t", "tmpfs", "-o", options, "fax-chaos", str(self.temporary)]
            self._mounted = not subprocess.run(command, check=False, capture_output=True).returncode

    def _remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.temporary)], check=True)

    def stop(self) -> None:
        """Stop everything."""
        for machine in self.machines.values():
            machine.signal_all(signal.SIGTERM)
        for machine in self.machines.values():
            machine.kill()
        if self._mounted:
            subprocess.run(["umount", str(self.temporary)], check=False)


def check_timeouts() -> None:
    """End the waits whose time is over, as a scheduler does every 15 seconds."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.utils.session import create_session

    runner: Any = SchedulerJobRunner(job=Job())
    with create_session() as session:
        runner.check_trigger_timeouts(session=session)
