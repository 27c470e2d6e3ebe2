"""An API server on loopback with faxes in its database, for the benchmark and for who looks at the page.

Run by itself it starts without a fax, says ``Ready:`` and its address, and then takes lines: ``fill 100000`` writes so
many faxes. It stops when its input ends.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "cluster"), str(Path(__file__).parent)]

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_START = 180.0
# Both have the password that is their name. The tests' auth manager lets the second one read no DAG of these.
USERS = ("admin", "reader")
_AUTH_MANAGER = "page.auth.OneClinicEach"
DATABASES = ("postgresql", "sqlite")


class Server:
    """Airflow's API server, with one worker, and a log-in.

    :param home: Airflow's home.
    :param url: its database.
    """

    def __init__(self, home: Path, url: str) -> None:
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        (home / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({user: user for user in USERS}))
        environment = {
            **_environment(home, url),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": self.base,
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
        log_in = json.dumps({"username": USERS[0], "password": USERS[0]}).encode()
        self._token = json.loads(self._get("auth/token", log_in))["access_token"]

    def seconds(self, path: str) -> float:
        """Ask for something, and tell how long the whole answer takes."""
        began = time.perf_counter()
        self._get(path)
        return time.perf_counter() - began

    def _get(self, path: str, data: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        if hasattr(self, "_token"):
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(f"{self.base}/{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as got:
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
    from servers import postgres

    with postgres(home / "postgres.log") as server:
        yield server.url.replace("postgresql://", "postgresql+psycopg2://")


def fill(home: Path, url: str, faxes: int, *, days: float, others: int = 0, page_only: bool = False) -> None:
    """Make Airflow's tables and write faxes, in a process of its own: Airflow reads its settings once.

    :param home: Airflow's home.
    :param url: the database.
    :param faxes: how many.
    :param days: over how many days, up to now.
    :param others: how many XComs of other tasks.
    :param page_only: whether to write what the page reads, and none of the tasks' other XComs.
    """
    command = [sys.executable, str(Path(__file__)), "--fill", str(faxes), "--days", str(days), "--others", str(others)]
    subprocess.run(
        [*command, *(["--page-only"] if page_only else [])],
        env=_environment(home, url),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def free_port() -> int:
    """Find a port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(home: Path, url: str) -> dict[str, str]:
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": _AUTH_MANAGER,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:admin" for user in USERS),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")])),
    }


def _fill_here(faxes: int, *, days: float, others: int, is_whole: bool) -> None:
    """Fill the database that the environment names."""
    from airflow.utils.db import initdb

    initdb()
    from airflow import settings
    from filled import fill as write

    write(settings.engine, faxes, days=days, others=others, is_whole=is_whole)


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="sqlite", choices=DATABASES)
    parser.add_argument("--days", type=float, default=6.9)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--others", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--page-only", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fill is not None:
        _fill_here(args.fill, days=args.days, others=args.others, is_whole=not args.page_only)
        return
    home = Path(tempfile.mkdtemp(prefix="fax-page-"))
    try:
        with database(args.database, home) as url:
            fill(home, url, 0, days=args.days)
            server = Server(home, url)
            try:
                print(f"Ready: {server.base}", flush=True)
                for line in sys.stdin:
                    fill(home, url, int(line.split()[1]), days=args.days, page_only=True)
                    print("Filled", flush=True)
            finally:
                server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        main()
