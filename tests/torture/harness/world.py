"""One arena: a database copied for it, a simulator in a process of its own, and forked workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

import requests

from harness.boundaries import Boundaries, watch_requests
from harness.timing import TIMEOUTS, shrink_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.boundaries import Journal
    from harness.common import Strike

_HUNG_AFTER = 60.0


OTHER_ACCOUNT = {
    "faxto": {"password": "fake+other/key="},
    "interfax": {"login": "interfax-other", "password": "fake:password+3"},
    "extrafax": {"login": "extrafax-other", "password": "fake:password+4"},
}
"""What a connection to the second account of each vendor has otherwise."""

_ACCOUNTS = [
    *("--faxto-key", "fake+key/for=tests&demos", "--faxto-key", OTHER_ACCOUNT["faxto"]["password"]),
    *("--interfax-user", "interfax-demo:fake:password+1", "--interfax-user", "interfax-other:fake:password+3"),
    *("--extrafax-user", "extrafax-demo:fake:password+2", "--extrafax-user", "extrafax-other:fake:password+4"),
]


def set_connection(connection: dict[str, Any]) -> None:
    """Let the processes that are forked from now on have a connection, as the default one of its type.

    :param connection: its fields.
    """
    os.environ[f"AIRFLOW_CONN_{connection['conn_type'].upper()}_DEFAULT"] = json.dumps(connection)


class Simulator:
    """The vendors and the judge, in a process of their own, asked over HTTP alone.

    :param timeouts: the connections' time-outs. Default: the short ones of the rounds.
    """

    def __init__(self, timeouts: dict[str, float] = TIMEOUTS) -> None:
        command = [sys.executable, "-u", "-m", "airflow_provider_faxto.simulator", "--port", "0", *_ACCOUNTS]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.connections: dict[str, dict[str, Any]] = {}
        self.url = ""
        for line in self._process.stdout or ():
            name, _, value = line.strip().partition("=")
            if name.startswith("export AIRFLOW_CONN_"):
                connection = json.loads(value.strip("'"))
                connection["extra"] |= {"timeout": timeouts}
                self.connections[connection["conn_type"]] = connection
                self.url = connection["host"]
            if line.startswith("Press"):
                break
        self.use_connections()

    def use_connections(self) -> None:
        """Let the processes that are forked from now on have this simulator's connections."""
        for connection in self.connections.values():
            set_connection(connection)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{self.url}/simulator{path}", json=body or None, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def faxes(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/faxes")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        self._process.kill()
        self._process.wait()


class Child:
    """A forked process that runs a task or a trigger.

    :param airflow: this Airflow.
    :param journal: the round's history.
    :param name: what the history calls the process.
    :param strikes: where it is struck.
    :param work: what it does.
    :param log: where its output goes.
    :param shrink: shrinks the provider's own pauses. Default: to the time scale of the rounds.
    """

    def __init__(
        self,
        airflow: Any,
        journal: Journal,
        name: str,
        *,
        strikes: list[Strike],
        work: Callable[[], Any],
        log: Path,
        shrink: Callable[[], None] = shrink_time,
    ) -> None:
        self.name = name
        self._journal = journal
        self.stopped = False
        self.status: int | None = None
        journal.note("start", run=name)
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            boundaries = Boundaries(journal, name, strikes)
            shrink()
            watch_requests(boundaries)
            airflow.instrument(boundaries)
            result = work()
            if result is not None:
                with boundaries.around("event"):
                    boundaries.note("result", value=result)
            code = 0
        except BaseException:  # noqa: BLE001 - a fork must not go on in its parent's code
            traceback.print_exc()
            journal.note("broke", run=name, error=traceback.format_exc(limit=-3))
        finally:
            os._exit(code)

    def wait(self, seconds: float = _HUNG_AFTER) -> bool:
        """Wait until the process ends or stops.

        :param seconds: how long at most.
        :return: whether it has ended or stopped.
        """
        until = time.monotonic() + seconds
        pause = 0.001
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                self.stopped = True
                return True
            if pid:
                self.status = status
                self._journal.note("end", run=self.name, signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None)
                return True
            if time.monotonic() > until:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        return True

    def go_on(self) -> None:
        self.stopped = False
        self._journal.note("continued", run=self.name)
        os.kill(self.pid, signal.SIGCONT)

    def end(self, *, asked_first: float = 0.0) -> None:
        """End it as Airflow does: SIGTERM, then SIGKILL.

        :param asked_first: seconds between the two. With 0 there is only the second.
        """
        if self.status is not None:
            return
        if asked_first:
            self._journal.note("terminate", run=self.name)
            os.kill(self.pid, signal.SIGTERM)
            self.wait(asked_first)
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            while self.status is None:
                self.wait(1)
