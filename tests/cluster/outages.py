"""Servers that everybody needs and that stand still for a while."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster import Cluster

# For that long after all is well again Airflow's parts may still end by themselves for it.
_AFTERMATH = 60.0
# For that long it may still find tasks whose worker gave up: their last sign of life lies 90 s back by then (see
# TASK_INSTANCE_HEARTBEAT_TIMEOUT in cluster.py), and it looks every 10 s.
_FOUND_DEAD = timedelta(seconds=120)


@dataclass
class Outage:
    """One server's absence.

    :param name: what stands still.
    :param seconds: for how long, from its end to its new start.
    :param share: which share of the faxes has been sent by then.
    :param stop: stops it.
    :param start: starts it again.
    :param waiting: how many faxes waited then.
    :param began: when it was stopped.
    :param over: when every part of Airflow said that it was well again.
    :param well_after: after how many seconds from its stop every part of Airflow said that it was well.
    """

    name: str
    seconds: float
    share: float
    stop: Callable[[], None]
    start: Callable[[], None]
    waiting: int = 0
    began: datetime | None = None
    over: datetime | None = None
    well_after: float | None = None

    def last(self, cluster: Cluster) -> None:
        """Stop it, start it again later, and wait until all is well; start again whatever ends by itself meanwhile.

        :param cluster: whose server it is.
        :raises ClusterError: if not all becomes well again.
        """
        cluster.supervise(float("inf"))
        struck_at = time.monotonic()
        self.began = datetime.now(UTC)
        self.stop()
        back_at = time.monotonic() + self.seconds
        while time.monotonic() < back_at:
            cluster.check()
            time.sleep(0.5)
        self.start()
        cluster.wait_until_healthy()
        self.over = datetime.now(UTC)
        self.well_after = time.monotonic() - struck_at
        cluster.supervise(_AFTERMATH)

    def has_struck(self, started: datetime | None, ended: datetime | None) -> bool:
        """Tell whether it can have ended a task's try.

        :param started: the try's start, as far as it is known.
        :param ended: the try's end; without one it is not the outage's.
        :return: whether the try had begun before all was well again, and ended in the outage or so shortly after it
            that Airflow may have found it dead only then.
        """
        if self.began is None or self.over is None or ended is None:
            return False
        return (started is None or started <= self.over) and self.began <= ended <= self.over + _FOUND_DEAD
