"""PostgreSQL and Redis: servers of this run's own, made by the programs that Debian's packages have installed.

Servers of its own, since the run stops PostgreSQL under Airflow, which must strike nobody else.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import redis
from waiting import ClusterError, say, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
_USER = "postgres"
_DATABASE = "fax_cluster_test"


def free_port() -> int:
    """Find a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A PostgreSQL server, which can be stopped and started again on the same data.

    :param folder: an empty folder for its data. Where this runs as root, PostgreSQL runs as the user ``postgres``,
        whom the folder has to belong to.
    :param log: where its messages go.
    :raises ClusterError: if there is no PostgreSQL, or it does not start.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._options: dict[str, Any] = {"cwd": folder, "start_new_session": True}
        # PostgreSQL refuses to run as root.
        if os.geteuid() == 0:
            account = pwd.getpwnam(_USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        make = ["--auth", "trust", "--username", _USER, "--encoding", "UTF8", "--no-locale", "--no-sync"]
        with self._log.open("ab") as output:
            made = subprocess.run(
                [_program("initdb"), "--pgdata", str(self._data), *make],
                check=False,
                stdout=output,
                stderr=output,
                **self._options,
            )
        if made.returncode:
            raise ClusterError(f"initdb failed; see {self._log}.")
        self.start()
        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_DATABASE}")

    @property
    def url(self) -> str:
        """The URL of the run's database, without a driver."""
        return self._url_of(_DATABASE)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _url_of(self, database: str) -> str:
        return f"postgresql://{_USER}@{HOST}:{self._port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers.

        :raises ClusterError: if it ends, or does not answer in a minute.
        """
        # Without fsync a stop of the machine could lose data, a stop of the server cannot.
        settings = [f"listen_addresses={HOST}", f"port={self._port}", "unix_socket_directories=", "fsync=off"]
        command = [_program("postgres"), "-D", str(self._data)]
        for setting in settings:
            command += ["-c", setting]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **self._options
            )
        wait_until(self._answers, "PostgreSQL answers", seconds=60, every=0.2)

    def stop(self) -> None:
        """Stop it as a fail-over does: at once, under whatever is going on (``pg_ctl stop -m immediate``)."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise ClusterError(f"PostgreSQL has ended; see {self._log}.")
        try:
            psycopg.connect(self._url_of("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextlib.contextmanager
def postgres(log: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL server for this run, and remove it at the end.

    :param log: where its messages go.
    :return: the server, with an empty database.
    :raises ClusterError: if there is no PostgreSQL, or it does not start.
    """
    say("Starting PostgreSQL ...")
    # Not in the checkout: the user whom PostgreSQL runs as may not be allowed in.
    folder = Path(tempfile.mkdtemp(prefix="fax-cluster-"))
    server = None
    try:
        server = Postgres(folder, log)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis server for this run, and stop it at the end.

    :param folder: for its log.
    :return: its URL.
    :raises ClusterError: if there is no Redis, or it does not start.
    """
    say("Starting Redis ...")
    port = free_port()
    command = [_program("redis-server"), "--bind", HOST, "--port", str(port), "--save", "", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        with redis.Redis(HOST, port) as client:
            wait_until(lambda: _pings(client), "Redis answers", seconds=30, every=0.2)
        yield f"redis://{HOST}:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _program(name: str) -> str:
    """Find a program, PostgreSQL's also where Debian keeps them, which is outside the path."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, reversed(newest))])
    found = shutil.which(name, path=search)
    if found is None:
        raise ClusterError(f"There is no {name}. On Debian: apt-get install postgresql redis-server")
    return found
