"""A fax is sent once, whatever dies on the way.

``python -m pytest tests/torture --rounds 200 --seed 1``. What a round is stands in ``harness/drive.py``, what must
hold at its end in ``harness/judge.py``. A failing round tells its seed and its whole history.

The rounds run in a process of their own: it must be free of threads, since every task run is a fork of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent


@pytest.mark.torture
def test_no_fax_is_sent_twice_reported_falsely_or_lost(
    pytestconfig: pytest.Config, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    verdicts = run_rounds(pytestconfig, tmp_path, record_property, pytestconfig.getoption("--rounds", 12))
    assert sum(verdict["counts"]["accepted faxes"] for verdict in verdicts) > len(verdicts) / 2


@pytest.mark.torture
def test_no_fax_of_a_batch_is_sent_twice_reported_falsely_or_lost(
    pytestconfig: pytest.Config, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rounds = pytestconfig.getoption("--batches", 2)
    verdicts = run_rounds(pytestconfig, tmp_path, record_property, rounds, "--kind", "batch")
    # The lists have twenty lines and more.
    assert sum(verdict["counts"]["accepted faxes"] for verdict in verdicts) > 10 * len(verdicts)


def run_rounds(
    pytestconfig: pytest.Config,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    rounds: int,
    *arguments: str,
) -> list[dict[str, Any]]:
    """Run rounds, and give the verdicts; fail with the story of each round that broke a promise."""
    options = {
        "--rounds": rounds,
        "--seed": pytestconfig.getoption("--seed", 1),
        "--arenas": pytestconfig.getoption("--arenas", 2),
        "--report": tmp_path / "report.json",
    }
    # Nothing of the Airflow that this test process has may leak in.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    command = [sys.executable, "-W", "ignore", "-m", "harness"]
    command += [str(part) for option in options.items() for part in option] + list(arguments)
    figures = tmp_path / "figures.txt"
    with figures.open("w") as told:
        harness = subprocess.Popen(
            command, env=environment | {"PYTHONPATH": str(HERE)}, stdout=told, start_new_session=True
        )
        try:
            code = harness.wait(600 + 30 * rounds)
        finally:
            # A harness that broke off may leave workers behind that stand still.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(harness.pid, signal.SIGKILL)
            harness.wait()
    record_property("torture", figures.read_text())
    assert code == 0, "The harness itself failed; see what it wrote to stderr."

    verdicts: list[dict[str, Any]] = json.loads((tmp_path / "report.json").read_text())["verdicts"]
    assert len(verdicts) == rounds
    stories = [verdict["story"] for verdict in verdicts if verdict["violations"]]
    assert not stories, "\n".join(stories)
    return verdicts
