"""Airflow's LocalExecutor, whose workers note when a task takes their slot and when they are free again.

Airflow's database cannot tell: a task instance that defers keeps the start of its first run alone, and a slot is held
from before that until after the end that a task reports. The worker itself knows both moments exactly.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import time
from pathlib import Path

from airflow.executors import local_executor
from airflow.executors.base_executor import BaseExecutor

_run_workload = BaseExecutor.run_workload
_ended: list[float] = []


def _note_end(_number, _frame) -> None:
    _ended.append(time.time())


def _noting(workload, **kwargs):
    ti = getattr(workload, "ti", None)
    if ti is None:
        return _run_workload(workload, **kwargs)
    _ended.clear()
    cpu = _cpu_of_tasks()
    slot = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "taken": time.time()}
    _write(slot)
    try:
        return _run_workload(workload, **kwargs)
    finally:
        slot["released"] = time.time()
        slot["cpu"] = _cpu_of_tasks() - cpu
        # When the task's own process ended. Airflow's supervisor may notice that up to 5 s later.
        slot["ended"] = _ended[0] if _ended else slot["released"]
        _write(slot)


def _cpu_of_tasks() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _write(slot) -> None:
    # One short write to a file that is opened for appending is whole, whoever else writes.
    with Path(os.environ["FAX_BENCH_SLOTS"]).open("a") as slots:
        slots.write(json.dumps(slot) + "\n")


def _run_worker(**kwargs) -> None:
    signal.signal(signal.SIGCHLD, _note_end)
    BaseExecutor.run_workload = staticmethod(_noting)
    local_executor._run_worker(**kwargs)


class NotingExecutor(local_executor.LocalExecutor):
    def _spawn_worker(self):
        process = multiprocessing.Process(
            target=_run_worker,
            kwargs={
                "logger_name": self.log.name,
                "input": self.activity_queue,
                "output": self.result_queue,
                "unread_messages": self._unread_messages,
                "team_conf": self.conf,
            },
        )
        process.start()
        self.workers[process.pid] = process
