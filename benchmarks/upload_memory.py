"""How much memory an upload takes: one document of 20 MB, then 64 at once, each in a fresh process.

The hook's way is measured beside the plain one, ``requests.post(..., files=...)``, which holds the whole request in
memory, against the same simulator. What counts is the highest resident memory that the process ever had, and how much
of it came after everything was imported and connected.

Run it with ``make bench-upload``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_faxto.simulator import SimulatorServer
from airflow_provider_faxto.simulator.pdf import make_pdf

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
SIZE = 20_000_000
AT_ONCE = 64
WAYS = {"faxto": "the hook, Fax.to", "interfax": "the hook, InterFAX", "plain": "requests.post(files=...)"}


def memory(field: str) -> float:
    """Read this process's resident memory in MB: ``VmRSS`` now, ``VmHWM`` at its highest."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field)) / 1024


def uploads(way: str, document: Path, many: int) -> list[Callable[[], object]]:
    """Prepare uploads, each with a session of its own, and make a small call each, so that all is imported."""
    from airflow_provider_faxto.hooks.fax import FaxHook

    if way == "plain":
        import requests

        connection = json.loads(os.environ["AIRFLOW_CONN_FAXTO_DEFAULT"])

        def post() -> None:
            with document.open("rb") as file:
                requests.post(
                    f"{connection['host']}/api/v2/files",
                    params={"api_key": connection["password"]},
                    files={"file": ("document.pdf", file, "application/pdf")},
                    timeout=600,
                ).raise_for_status()

        return [post] * many
    hooks = [FaxHook.for_connection(f"{way}_default") for _ in range(many)]
    for hook in hooks:
        hook.get_balance()
    return [lambda hook=hook: hook.upload_document(document) for hook in hooks]


def child(way: str, document: Path, many: int) -> None:
    """Upload in this process and print what it took."""
    calls = uploads(way, document, many)
    before = memory("VmRSS")
    barrier = threading.Barrier(many)

    def upload(call: Callable[[], object]) -> None:
        barrier.wait()
        call()

    with ThreadPoolExecutor(many) as pool:
        for done in [pool.submit(upload, call) for call in calls]:
            done.result()
    print(json.dumps([memory("VmHWM"), memory("VmHWM") - before]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        way, document, many = options.child
        child(way, Path(document), int(many))
        return
    with tempfile.TemporaryDirectory() as folder, SimulatorServer() as server:
        document = Path(folder) / "large.pdf"
        document.write_bytes(make_pdf(20, size=SIZE - 100))
        environment = dict(os.environ)
        for vendor in ("faxto", "interfax"):
            connection = server.connection(vendor) | {"extra": {"timeout": 600}}
            environment[f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT"] = json.dumps(connection)
        print(f"Python {platform.python_version()}, {platform.machine()}; a document of {SIZE / 1e6:.0f} MB; ", end="")
        print(f"median (lowest to highest) of {ROUNDS} processes, MB of resident memory")
        print(f"{'':28}{'uploads at once':>16}{'highest in all':>28}{'added by the uploads':>28}")
        for many in (1, AT_ONCE):
            for way, label in WAYS.items():
                figures = [measure(way, document, many, environment) for _ in range(ROUNDS)]
                in_all, added = zip(*figures, strict=True)
                print(f"{label:28}{many:>16}{spread(in_all):>28}{spread(added):>28}")


def measure(way: str, document: Path, many: int, environment: dict[str, str]) -> tuple[float, float]:
    """Upload in a fresh process; return its highest memory and what the uploads added, in MB."""
    command = [sys.executable, "-W", "ignore", __file__, "--child", way, str(document), str(many)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    in_all, added = json.loads(done.stdout.splitlines()[-1])
    return in_all, added


def spread(figures: tuple[float, ...]) -> str:
    """Write the median with the lowest and the highest."""
    return f"{statistics.median(figures):.1f} ({min(figures):.1f} to {max(figures):.1f})"


if __name__ == "__main__":
    main()
