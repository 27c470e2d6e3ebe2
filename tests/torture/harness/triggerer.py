"""A real ``airflow triggerer``, in a session of its own, that can be killed with all its processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

QUICK_TAKE_OVER = {
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
}
"""Five seconds after its last heartbeat a triggerer counts as dead; thirty by default."""


class Triggerer:
    """One triggerer, started at once, on the Airflow that the environment names.

    :param log: where its output goes.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "airflow", "triggerer", "--skip-serve-logs"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL all its processes, as the end of a machine or of a container does."""
        self._signal_all(signal.SIGKILL)
        self._process.wait()

    def stand_still(self) -> None:
        """SIGSTOP all its processes, as a machine that is suspended or moved does."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self) -> None:
        """End :meth:`stand_still`."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, what: signal.Signals) -> None:
        # Not to the process group: Airflow 3 runs the triggers in a child, which may lead one of its own.
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) == self._process.pid:
                    os.kill(pid, what)

    def stop(self, seconds: float) -> bool:
        """Ask it to end, as a restart does, and kill what is left of it then.

        :param seconds: how long it may take.
        :return: whether it has ended by itself.
        """
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        ended = self.has_ended
        self.kill()
        return ended
