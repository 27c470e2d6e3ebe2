"""PostgreSQL and Redis: what runs on this machine already, or what Debian's packages have installed.

The run has a database and a Redis database of its own and leaves nothing in either. A lock in PostgreSQL lets one
run at a time use a server, so what a killed run has left under the same names can be removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import psycopg
import redis
from waiting import ClusterError, say, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
_POSTGRES_PORT = 5432
_REDIS_PORT = 6379
_USER = os.environ.get("PGUSER", "postgres")
_MARK = "fax-cluster-test"

_INSTALL_POSTGRES = f"""PostgreSQL does not answer at {HOST}:{_POSTGRES_PORT}, and there is none to start. On Debian:
    apt-get install postgresql
    echo 'host all all {HOST}/32 trust' >> /etc/postgresql/<version>/main/pg_hba.conf   (above the other host lines)
    pg_ctlcluster <version> main start"""
_INSTALL_REDIS = f"""Redis does not answer at {HOST}:{_REDIS_PORT}, and there is none to start. On Debian:
    apt-get install redis-server
    redis-server --bind {HOST} --port {_REDIS_PORT} --daemonize yes"""


@contextlib.contextmanager
def postgres_database(name: str) -> Iterator[str]:
    """Make a database for this run, and drop it at the end; start PostgreSQL if it does not run.

    :param name: the database's.
    :return: the database's URL, without a driver.
    :raises ClusterError: if there is no PostgreSQL, or another run uses it.
    """
    with _postgres(), _administrator() as connection:
        if not connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name]).fetchone() == (True,):
            raise ClusterError(f"Another run uses the database {name}; wait until it has ended.")
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql://{_USER}@{HOST}:{_POSTGRES_PORT}/{name}"
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def redis_database(folder: Path) -> Iterator[str]:
    """Find an empty database in Redis, and empty it at the end; start Redis if it does not run.

    :param folder: for Redis's log, if it has to be started.
    :return: the database's URL.
    :raises ClusterError: if there is no Redis, or none of its databases is empty.
    """
    with _redis(folder):
        for number in range(15, -1, -1):
            client = redis.Redis(HOST, _REDIS_PORT, db=number)
            # The mark: a run that was killed has left this one.
            if client.dbsize() == 0 or client.exists(_MARK):
                break
        else:
            raise ClusterError("No database of Redis is empty; empty one with redis-cli -n <number> flushdb.")
        client.flushdb()
        client.set(_MARK, 1)
        try:
            yield f"redis://{HOST}:{_REDIS_PORT}/{number}"
        finally:
            client.flushdb()
            client.close()


def _administrator() -> psycopg.Connection:
    try:
        return psycopg.connect(
            f"postgresql://{_USER}@{HOST}:{_POSTGRES_PORT}/postgres", autocommit=True, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        raise ClusterError(
            f"PostgreSQL at {HOST}:{_POSTGRES_PORT} does not let {_USER} in without a password: {error}\n"
            f"Put 'host all all {HOST}/32 trust' into pg_hba.conf, above the other host lines, and reload it; "
            "another user is named by PGUSER."
        ) from error


@contextlib.contextmanager
def _postgres() -> Iterator[None]:
    if _answers(_POSTGRES_PORT):
        yield
        return
    version, name = _installed_postgres()
    say(f"Starting PostgreSQL {version}/{name} ...")
    _run("pg_ctlcluster", version, name, "start")
    try:
        wait_until(lambda: _answers(_POSTGRES_PORT), "PostgreSQL answers", seconds=60)
        yield
    finally:
        _run("pg_ctlcluster", version, name, "stop")


def _installed_postgres() -> tuple[str, str]:
    """Find the PostgreSQL of Debian's packages that belongs to the port."""
    if shutil.which("pg_lsclusters") and shutil.which("pg_ctlcluster"):
        for line in _run("pg_lsclusters", "--no-header").splitlines():
            version, name, port = line.split()[:3]
            if port == str(_POSTGRES_PORT):
                return version, name
    raise ClusterError(_INSTALL_POSTGRES)


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[None]:
    if _answers(_REDIS_PORT):
        yield
        return
    if not shutil.which("redis-server"):
        raise ClusterError(_INSTALL_REDIS)
    say("Starting Redis ...")
    command = ["redis-server", "--bind", HOST, "--port", str(_REDIS_PORT), "--save", "", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until(lambda: _answers(_REDIS_PORT), "Redis answers", seconds=30)
        yield
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((HOST, port)) == 0


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ClusterError(f"{' '.join(command)} failed (it may need root): {done.stderr.strip()}")
    return done.stdout
