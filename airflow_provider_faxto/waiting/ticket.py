"""One wait for one fax job, as a poller keeps it: since when it waits, when it is due, and whom to tell."""

from __future__ import annotations

import contextvars
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.waiting.poller import FaxPoller
    from airflow_provider_faxto.waiting.waiter import FaxWaiter

__all__ = ["Ticket"]

# How long the existence of a fax that no list shows is taken for granted.
_CONFIRM_EVERY = 600.0
# How long a fax whose deadline has passed waits for its last look. Airflow ends the task not before a minute.
_LAST_LOOK_WITHIN = 45.0


class Ticket:
    """One wait for one fax job; what :meth:`~airflow_provider_faxto.waiting.poller.FaxPoller.join` returns and
    :meth:`~airflow_provider_faxto.waiting.poller.FaxPoller.leave` takes.

    :param job_id: the fax job.
    :param poll_interval: seconds between two looks.
    :param deadline: when to give up, in seconds since the epoch; ``None`` for never.
    :param tell: called once, from the poller's thread, with the final status, or with what ended the poller's thread.
    :param now: seconds since the epoch.
    """

    __slots__ = (
        "_context",
        "_tell",
        "asked_at",
        "confirmed_at",
        "deadline",
        "due_at",
        "gives_up_at",
        "has_ended",
        "is_told",
        "job_id",
        "joined_at",
        "left_out",
        "pause",
        "poll_interval",
        "poller",
        "waiter",
    )

    def __init__(
        self,
        job_id: str,
        poll_interval: float,
        deadline: float | None,
        tell: Callable[[FaxStatus | BaseException], object],
        *,
        now: float,
    ) -> None:
        self.job_id = job_id
        self.poll_interval = poll_interval
        self.deadline = math.inf if deadline is None else deadline
        self.joined_at = now
        self.asked_at = self.joined_at
        """Since when it has waited to be asked for."""
        self.pause = 0.0
        self.due_at = self.joined_at
        """When it is to be asked for."""
        self.gives_up_at = max(self.deadline, self.joined_at) + _LAST_LOOK_WITHIN
        """When its wait ends even without a last look."""
        self.confirmed_at: float | None = None
        """When the vendor last said that it knows the job."""
        self.left_out = False
        """Whether the last answer about many did not tell of it."""
        self.has_ended = False
        """Whether a list has told that it has ended, and not how."""
        self.waiter: FaxWaiter | None = None
        self.is_told = False
        self.poller: FaxPoller
        self._tell = tell
        # Airflow sorts what is logged by the context of the trigger.
        self._context = contextvars.copy_context()

    def rest(self, now: float, pause: float, jitter: float) -> None:
        """Note that it was asked for.

        :param now: when: seconds since the epoch.
        :param pause: seconds until it is to be asked for again; at its deadline at the latest.
        :param jitter: what the pause is varied by, the same for all of one request, which so stay together.
        """
        self.asked_at, self.pause = now, pause
        self.due_at = min(self.asked_at + pause * jitter, max(self.deadline, self.asked_at))

    def single_from(self) -> float:
        """Tell from when on it is worth a request of its own."""
        if self.waiter is not None and self.waiter.not_found is not None:
            return self.asked_at + self.pause
        if not self.left_out:
            return math.inf
        if self.confirmed_at is None:
            return self.joined_at + self.poll_interval
        return self.confirmed_at + _CONFIRM_EVERY

    @property
    def can_be_listed(self) -> bool:
        """Whether an answer about many can tell of it; not of a job that the vendor did not know the last time."""
        return not self.has_ended and (self.waiter is None or self.waiter.not_found is None)

    def tell(self, result: FaxStatus | BaseException) -> None:
        """Tell who waits, once."""
        if not self.is_told:
            self.is_told = True
            self._tell(result)

    def run(self, call: Callable[..., Any], *args: Any) -> Any:  # noqa: ANN401 - whatever the call returns
        """Call something so that what it logs belongs to this wait."""
        return self._context.run(call, *args)
