"""The demo to click through: Airflow's web page with the example DAGs, the connections and the simulator.

Everything stops with Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from environment import HOME, ROOT, airflow, migrate, prepare, say

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.server import SimulatorServer

# Faster than the vendors, yet slow enough to watch.
SPEED = float(os.environ.get("DEMO_SPEED", "10"))
LONGEST_START = 240.0
LOG = HOME / "airflow.log"
# What fills the page Faxes: each outcome, a mapped task, and a sensor that waits.
EXAMPLES = (
    *(
        ("fax_send_and_branch", {"recipient": recipient})
        for recipient in ("clinic", "busy-clinic", "closed-clinic", "doubtful-clinic")
    ),
    ("fax_many_recipients", {}),
    ("fax_send_wait_branch", {"recipient": "clinic"}),
)
# What ``airflow standalone`` starts, but without the servers of task logs, which listen on every address of the
# machine: the logs are files, which the page reads by itself.
PARTS = (
    ["api-server"],
    ["scheduler", "--skip-serve-logs"],
    ["dag-processor"],
    ["triggerer", "--skip-serve-logs"],
)


def main() -> int:
    """Start everything, wait for Ctrl-C, stop everything; return the exit code."""
    port = _free_port(int(os.environ.get("PORT", "8080")))
    prepare(poll_interval=5)
    os.environ.update(
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__WORKERS="1",
        AIRFLOW__API__BASE_URL=f"http://127.0.0.1:{port}",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{port}/execution/",
        AIRFLOW__CORE__PARALLELISM="4",
        AIRFLOW__CORE__TEST_CONNECTION="Enabled",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="admin:admin",
        AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True",
    )
    from airflow_provider_faxto.simulator.clock import Clock
    from airflow_provider_faxto.simulator.server import SimulatorServer
    from airflow_provider_faxto.simulator.simulator import Simulator

    migrate()
    (HOME / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({"admin": "admin"}))
    with SimulatorServer(Simulator(clock=Clock(speed=SPEED))) as server:
        say(f"The simulator answers at {server.url}, {SPEED:g} times faster than the vendors.")
        say("Storing the connections faxto_default, interfax_default and extrafax_default ...")
        connections = HOME / "connections.json"
        connections.write_text(json.dumps(stored_connections(server)))
        airflow("connections", "import", "--overwrite", str(connections))
        say(f"Starting Airflow (about a minute; its log is {LOG.relative_to(ROOT)}) ...")
        parts: list[subprocess.Popen[bytes]] = []
        try:
            _start(parts)
            return _wait(parts, port)
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(parts)
            say("Everything is stopped.")


def stored_connections(server: SimulatorServer) -> dict[str, dict[str, Any]]:
    """Give the connections to the simulator, by id, as ``airflow connections import`` takes them."""
    wanted = {f"{name}_default": server.connection(name) for name in ("faxto", "interfax", "extrafax")}
    for connection in wanted.values():
        # Airflow's import takes an extra as text, and an empty one not at all.
        connection.pop("extra", None)
        # The Test button of Airflow 3.3.2 sends port 0 where there is none. The server takes that for another place
        # than the stored one, and keeps the password back, unless 0 is what is stored.
        connection["port"] = 0
    return wanted


def _start(parts: list[subprocess.Popen[bytes]]) -> None:
    with LOG.open("wb") as log:
        for arguments in PARTS:
            # One group, that of the first, so that all that they start can be stopped together.
            group = parts[0].pid if parts else 0
            parts.append(
                subprocess.Popen(
                    [sys.executable, "-m", "airflow", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    process_group=group,
                )
            )


def _wait(parts: list[subprocess.Popen[bytes]], port: int) -> int:
    """Wait until Airflow is healthy, then until a part of it ends; return the exit code."""
    deadline = time.monotonic() + LONGEST_START
    while not _is_healthy(port):
        if any(part.poll() is not None for part in parts) or time.monotonic() > deadline:
            say(f"Airflow did not start; see {LOG.relative_to(ROOT)}.")
            return 1
        time.sleep(1)
    say(f"Ready: http://127.0.0.1:{port}   user name: admin   password: admin")
    say(f"Sending some faxes; they are shown at http://127.0.0.1:{port}/plugin/faxes")
    _trigger_examples(port)
    say("Trigger fax_send_and_branch for a recipient such as busy-clinic. Ctrl-C stops everything.")
    while all(part.poll() is None for part in parts):
        time.sleep(1)
    say(f"A part of Airflow has ended; see {LOG.relative_to(ROOT)}.")
    return 1


def _trigger_examples(port: int) -> None:
    """Start the example DAGs that fill the page *Faxes*, unless some have run here before."""
    token = _call(port, "auth/token", {"username": "admin", "password": "admin"})["access_token"]
    if _call(port, "api/v2/dags/~/dagRuns?limit=1", token=token)["total_entries"]:
        return
    deadline = time.monotonic() + LONGEST_START
    for dag_id, conf in EXAMPLES:
        while time.monotonic() < deadline:
            # Not found until the file was parsed.
            with contextlib.suppress(urllib.error.HTTPError):
                _call(port, f"api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf}, token=token)
                break
            time.sleep(2)


def _call(port: int, path: str, body: dict[str, Any] | None = None, *, token: str | None = None) -> dict[str, Any]:
    """Ask Airflow's API something, and give its answer."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            health = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return False
    parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    return all(health[part]["status"] == "healthy" for part in parts)


def _stop(parts: list[subprocess.Popen[bytes]]) -> None:
    """Stop Airflow and whatever it has started, politely at first."""
    if not parts:
        return
    for how, patience in ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parts[0].pid, how)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for part in parts:
                part.poll()
            try:
                os.killpg(parts[0].pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.2)


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise SystemExit("No free port was found.")


if __name__ == "__main__":
    # So that a plain kill stops everything too, and Ctrl-C does even where the shell started this in the background.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    sys.exit(main())
