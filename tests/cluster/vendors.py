"""The vendors' simulator as a process of its own, and the faxes that are sent to it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from waiting import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

VENDORS = ("interfax", "faxto")

# Durations that let each fax take one to three minutes, with two calls where the line is busy.
_SETTINGS = {
    "faxto_seconds_ok": 60,
    "faxto_seconds_failed": 150,
    "interfax_seconds_rendering": 55,
    "interfax_attempts": 2,
    "interfax_retry_interval": 60,
}


@dataclass(frozen=True)
class Fax:
    """One fax, and what has to become of it.

    :param number: the recipient; it chooses the fax's fate at the simulator.
    :param outcome: the status's outcome.
    :param cause: the status's cause.
    """

    number: str
    outcome: str
    cause: str | None


_FATES = {
    "interfax": {
        "delivered": Fax("+999-9999-0", "success", None),
        "busy": Fax("+999-9999-263", "retryable", "busy"),
        "no_answer": Fax("+999-9999-6018", "retryable", "no_answer"),
        "file_error": Fax("+999-9999-204000", "fatal", "rendering"),
    },
    "faxto": {
        "delivered": Fax("+1 202 555 0100", "success", None),
        "busy": Fax("+1 202 555 0102", "retryable", "busy"),
        "no_answer": Fax("+1 202 555 0101", "retryable", "no_answer"),
        "file_error": Fax("+1 202 555 0104", "fatal", "rendering"),
    },
}
_MIX = ("delivered", "busy", "delivered", "no_answer", "delivered", "delivered", "file_error", "delivered")


def make_faxes(count: int) -> dict[str, dict[str, Fax]]:
    """Choose the faxes.

    :param count: how many for each vendor.
    :return: each by its label, by vendor.
    """
    return {
        vendor: {f"{vendor}-{number:04d}": _FATES[vendor][_MIX[number % len(_MIX)]] for number in range(count)}
        for vendor in VENDORS
    }


class Simulator:
    """The vendors, asked over HTTP alone.

    :param status_limit: InterFAX's status requests in a rolling minute; ``None`` for no limit.
    :param log: where its errors go.
    :raises ClusterError: if it does not start.
    """

    def __init__(self, *, status_limit: int | None, log: Path) -> None:
        command = [sys.executable, "-u", "-m", "airflow_provider_faxto.simulator", "--port", "0"]
        for setting, given in {**_SETTINGS, "interfax_status_limit": status_limit}.items():
            command += ["--setting", f"{setting}={json.dumps(given)}"]
        self.connections: dict[str, dict[str, Any]] = {}
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
        for line in self._process.stdout or ():
            name, _, value = line.strip().partition("=")
            if name.startswith("export AIRFLOW_CONN_"):
                # Without the simulator's extras: what the provider does by itself is to hold.
                connection = json.loads(value.strip("'")) | {"extra": {}}
                self.connections[connection["conn_type"]] = connection
            if line.startswith("Press"):
                return
        raise ClusterError(f"The simulator did not start; see {log}.")

    def ask(self, path: str) -> Any:
        """Ask the simulator about itself.

        :param path: what, such as ``/faxes``.
        :return: the answer's JSON.
        """
        answer = requests.get(f"{self.connections['faxto']['host']}/simulator{path}", timeout=60)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        """Stop it."""
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
