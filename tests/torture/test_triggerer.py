"""A fax that a task waits for outlives every triggerer, and ends with the task only if a user ends that.

``python -m pytest tests/torture/test_triggerer.py``. What happens stands in ``harness/waiting.py``, with real
``airflow triggerer`` processes on a database that they share with real task runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
AT_MOST = 420.0
"""Seconds for one scene, on the slowest machine."""

TASK_ENDS = {
    "ok": ("success", None),
    "busy": ("up_for_retry", "FaxRetryableError"),
    "no_answer": ("up_for_retry", "FaxRetryableError"),
    "file_error": ("failed", "FaxFatalError"),
}
"""The task's state and what it raised, by what becomes of its fax."""

FAX_ENDS = {
    "faxto": {scenario: scenario for scenario in TASK_ENDS},
    "interfax": {"ok": 0, "busy": 263, "no_answer": 3931, "file_error": 204000},
}
"""How the simulator says that the fax ended."""

CANCELED = 403


@pytest.fixture
def play(tmp_path: Path, record_property: Callable[[str, object], None]) -> Callable[[str], dict[str, Any]]:
    """Play a scene in a process of its own, which must be free of threads: every task run is a fork of it."""

    def play_scene(scene: str) -> dict[str, Any]:
        report = tmp_path / "report.json"
        # Nothing of the Airflow that this test process has may leak in.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        harness = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "harness.waiting", scene, "--report", str(report)],
            env=environment | {"PYTHONPATH": str(HERE)},
        )
        try:
            code = harness.wait(AT_MOST)
        finally:
            # It stops what it has started.
            harness.terminate()
            try:
                harness.wait(30)
            except subprocess.TimeoutExpired:
                harness.kill()
                harness.wait()
        if code:
            raise RuntimeError("The scene did not come to its end; see what the harness wrote to stderr.")
        told: dict[str, Any] = json.loads(report.read_text())
        record_property("torture", _tell(scene, told))
        return told

    return play_scene


def _tell(scene: str, told: dict[str, Any]) -> str:
    lines = [f"{scene}: {len(told['tasks'])} tasks, {len(told['faxes'])} accepted faxes"]
    lines += [f"{name:45} {value}" for name, value in told["found"].items()]
    lines += [f"{name:45} after {seconds:6.1f} s" for name, seconds in told["seconds"]]
    return "\n".join(lines)


@pytest.mark.torture
def test_a_triggerer_killed_while_twenty_tasks_wait_loses_none_and_cancels_no_fax(
    play: Callable[[str], dict[str, Any]],
) -> None:
    told = play("killed")

    in_a_triggerer = {"deferred, execute_complete, in a triggerer": 20}
    assert told["found"] == {
        "before the kill": in_a_triggerer,
        "final before the kill": 0,
        "after the kill": in_a_triggerer,
        "with an event": {"scheduled, execute_complete, no trigger": 20},
        "second stopped when asked": True,
    }
    tasks = told["tasks"]
    assert len(tasks) == 20
    ends = [(task["run"], task["state"], task["error"]) for task in tasks]
    assert ends == [(task["run"], *TASK_ENDS[task["scenario"]]) for task in tasks]
    # One accepted fax a task and no other; and each ended by itself, so none was canceled.
    assert told["faxes"] == {task["faxes"][0]: FAX_ENDS[task["vendor"]][task["scenario"]] for task in tasks}


only_with_on_kill = pytest.mark.skipif(
    tuple(map(int, version("apache-airflow").split(".")[:2])) < (3, 3),
    reason="Before Airflow 3.3 a trigger has no on_kill.",
)


@pytest.mark.torture
@only_with_on_kill
def test_a_triggerer_that_stalls_and_goes_on_cancels_no_fax(play: Callable[[str], dict[str, Any]]) -> None:
    told = play("stalled")

    assert told["found"] == {
        "faxes": {"under way": 6},
        "with an event": {"scheduled, execute_complete, no trigger": 6},
        "both stopped when asked": True,
    }
    assert sorted(map(str, told["faxes"].values())) == ["0"] * 3 + ["ok"] * 3


@pytest.mark.torture
@only_with_on_kill
def test_a_user_who_marks_a_waiting_task_as_failed_cancels_its_fax(play: Callable[[str], dict[str, Any]]) -> None:
    told = play("users")

    assert told["found"] == {
        # Fax.to cannot cancel: its faxes go on, and the cleared task takes its own up again.
        "faxto mark": ["under way"],
        "faxto clear": ["under way"],
        "faxto leave": ["under way"],
        "interfax mark": [CANCELED],
        # What runs after a clear is a new attempt.
        "interfax clear": [CANCELED, "under way"],
        # Nobody acted on its task; the triggerer that waited for it was stopped.
        "interfax leave": ["under way"],
        "stopped when asked": True,
    }
    assert len(told["faxes"]) == 7
