"""A run of ``SendFaxOperator`` outside a DAG run, as Airflow would make it."""

from __future__ import annotations

import asyncio
import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, TaskDeferred

from airflow_provider_faxto.operators.fax import SendFaxOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.triggers.base import BaseTrigger


class Sender:
    """Makes the operator anew for each run, and again after it has deferred, as a worker does."""

    def __init__(self, task_instance: Any, letter: str) -> None:
        self._task_instance = task_instance
        self._letter = letter
        self.ti: Any = None
        self.deferrals: list[TaskDeferred] = []

    def operator(self, vendor: str = "interfax", **kwargs: Any) -> SendFaxOperator:
        kwargs = {
            "task_id": "send",
            "fax_number": "+999-9999-0",
            "document": self._letter,
            "fax_conn_id": f"{vendor}_default",
            **kwargs,
        }
        with DAG("faxes", schedule=None):
            return SendFaxOperator(**kwargs)

    def __call__(
        self,
        vendor: str = "interfax",
        *,
        try_number: int = 1,
        is_cleared: bool = False,
        run_id: str = "run",
        map_index: int = -1,
        between: Callable[[], None] = lambda: None,
        store: Any = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Run the task once, through its trigger if it defers; ``between`` is called while nothing of it runs."""
        operator = self.operator(vendor, **kwargs)
        self.ti = self._task_instance(
            operator, try_number=try_number, is_cleared=is_cleared, run_id=run_id, map_index=map_index
        )
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
            resumed = self.operator(vendor, **kwargs)
            try:
                return resumed.resume_execution(deferral.method_name, {"event": event}, context)
            except TaskDeferred as another:
                self.deferrals.append(another)


async def only_event(trigger: BaseTrigger) -> dict[str, Any]:
    """Run a trigger as a triggerer does, which knows nothing of it but its row."""
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    module, _, name = path.rpartition(".")
    trigger = getattr(import_module(module), name)(**arguments)
    [event] = [event async for event in trigger.run()]
    return json.loads(json.dumps(event.payload))


@pytest.fixture
def send(fake_time: Any, task_instance: Any, letter: str) -> Sender:
    """Give a function that runs a send task once: ``send("faxto", fax_number=..., try_number=2)``."""
    return Sender(task_instance, letter)
