"""A run of ``SendFaxesOperator`` outside a DAG run, as Airflow would make it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, TaskDeferred

from airflow_provider_faxto.operators.fax import SendFaxesOperator
from support.sender import only_event

if TYPE_CHECKING:
    from collections.abc import Callable

DELIVERED = {"faxto": "+1 202 555 0100", "interfax": "+999-9999-0", "extrafax": "+999-9999-0"}
BUSY = {"faxto": "+1 202 555 0102", "interfax": "+999-9999-6017", "extrafax": "+999-9999-6017"}
DEAD = {"faxto": "+1 202 555 0104", "interfax": "+999-9999-6001", "extrafax": "+999-9999-6001"}
UNDOCUMENTED = {"faxto": "+1 202 555 0108", "interfax": "+999-9999-4711", "extrafax": "+999-9999-4711"}


class Store:
    """Airflow's task state store, as a worker sees it: JSON alone."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self.refuses_to_write = False
        self.refuses_to_read: Callable[[str], bool] = lambda _: False
        self.reads: list[str] = []

    def get(self, key: str) -> Any:
        self.reads.append(key)
        if self.refuses_to_read(key):
            raise RuntimeError("500 of a private host")
        return self.notes.get(key)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        if self.refuses_to_write:
            raise RuntimeError("404 of a private host")
        assert len(json.dumps(value)) < 65536
        self.notes[key] = json.loads(json.dumps(value))


class BatchSender:
    """Makes the operator anew for each run, and again after it has deferred, as a worker does."""

    def __init__(self, task_instance: Any, letter: str) -> None:
        self._task_instance = task_instance
        self._letter = letter
        self.ti: Any = None
        self.deferrals: list[TaskDeferred] = []

    def operator(self, faxes: Any, vendor: str = "interfax", **kwargs: Any) -> SendFaxesOperator:
        kwargs = {"task_id": "send", "document": self._letter, "fax_conn_id": f"{vendor}_default", **kwargs}
        with DAG("faxes", schedule=None):
            return SendFaxesOperator(faxes=faxes, **kwargs)

    def __call__(
        self,
        faxes: Any,
        vendor: str = "interfax",
        *,
        try_number: int = 1,
        is_cleared: bool = False,
        run_id: str = "run",
        between: Callable[[], None] = lambda: None,
        store: Store | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Run the task once, through its triggers if it defers; ``between`` is called while nothing of it runs."""
        operator = self.operator(faxes, vendor, **kwargs)
        self.ti = self._task_instance(operator, try_number=try_number, is_cleared=is_cleared, run_id=run_id)
        context: Any = {"ti": self.ti}
        if store is not None:
            context["task_state_store"] = store
        try:
            return operator.execute(context)
        except TaskDeferred as deferral:
            self.deferrals.append(deferral)
        while True:
            deferral = self.deferrals[-1]
            event = asyncio.run(only_event(deferral.trigger))
            between()
            resumed = self.operator(faxes, vendor, **kwargs)
            try:
                return resumed.resume_execution(deferral.method_name, {"event": event}, context)
            except TaskDeferred as another:
                self.deferrals.append(another)

    @property
    def result(self) -> dict[str, Any]:
        """What the last run has pushed before it raised."""
        return self.ti.xcoms["return_value"]


@pytest.fixture
def send_faxes(fake_time: Any, task_instance: Any, letter: str) -> BatchSender:
    """Give a function that runs a batch once: ``send_faxes([{"label": ..., ...}], "faxto", try_number=2)``."""
    return BatchSender(task_instance, letter)


def batch(vendor: str, **numbers: int) -> list[dict[str, str]]:
    """Make a list of faxes: ``batch("interfax", delivered=3, busy=1)``, with labels such as ``busy-1``."""
    kinds = {"delivered": DELIVERED, "busy": BUSY, "dead": DEAD, "undocumented": UNDOCUMENTED}
    return [
        {"label": f"{kind}-{number}", "fax_number": kinds[kind][vendor]}
        for kind, count in numbers.items()
        for number in range(1, count + 1)
    ]


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    """Give the outcome of each fax of a result by its label."""
    return {fax["label"]: fax["outcome"] for fax in result["faxes"]}
