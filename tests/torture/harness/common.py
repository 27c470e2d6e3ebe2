"""What the parts of the harness hand to each other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, NamedTuple


class Row(NamedTuple):
    """What matters of a task instance's row."""

    state: str | None
    try_number: int
    max_tries: int
    trigger_id: int | None


class TriggerCall(NamedTuple):
    """A trigger as its row has it."""

    id: int
    classpath: str
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Strike:
    """Where a process is struck, once: at the n-th boundary of a kind.

    :param what: a request (``read``, ``upload``, ``send``, ``change``), a write (``xcom``, ``state``, ``event``), the
        ``decision`` to send once it was taken, or ``any``.
    :param side: ``before`` or ``after`` it.
    :param action: ``kill`` (SIGKILL) or ``stop`` (SIGSTOP, until the harness continues it).
    :param skip: how many such boundaries pass first.
    """

    what: str
    side: str
    action: str = "kill"
    skip: int = 0


def told_job(error: BaseException | None) -> str | None:
    """Give the fax job whose failure an error tells."""
    if type(error).__name__ not in ("FaxRetryableError", "FaxFatalError", "FaxPartialError"):
        return None
    return getattr(getattr(error, "status", None), "job_id", None)


def load_trigger(call: TriggerCall) -> Any:
    module, _, name = call.classpath.rpartition(".")
    return getattr(import_module(module), name)(**call.kwargs)
