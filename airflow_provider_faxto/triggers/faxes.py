"""The deferred wait for the many fax jobs of one task: one trigger, one row, one event.

Delivery semantics are those of :class:`~airflow_provider_faxto.triggers.fax.FaxStatusTrigger`: it only reads, can be
run again from its start at any moment, and follows its jobs in the same poller.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.triggers.fax import FaxStatusTrigger, make_polling_hook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_faxto.waiting.many import JobsInWait, Progress

__all__ = ["FaxesStatusTrigger"]

log = logging.getLogger(__name__)

# How long the event waits for the poller's last look once the deadline has passed.
_LAST_LOOK_WITHIN = 3.0
# The wall clock may be set while a timer runs, and progress is told.
_LOOKS_AT_CLOCK_EVERY = 60.0
# So many are added before the event loop serves others.
_ADDED_AT_ONCE = 100


class FaxesStatusTrigger(FaxStatusTrigger):
    """Waits until each of many fax jobs has a permanent status, or until a deadline.

    Its one event holds what became of all, in the order of the jobs, packed
    (:func:`~airflow_provider_faxto.waiting.many.read_event`): no exception text, no secret, no number. For ten thousand
    jobs its row takes 64 kB, and its event 76 kB.

    :param jobs: the fax jobs, packed (:func:`~airflow_provider_faxto.fax.packing.pack_ids`).
    :param marks: what tells the key of each, packed (:func:`~airflow_provider_faxto.fax.packing.pack_marks`). A job
        that the vendor shows under another reference is another fax: it ends as ``unknown``, a kill leaves it alone.
    :param fax_conn_id: the Airflow connection; its type names the vendor.
    :param poll_interval: as for ``FaxStatusTrigger``. Default: 60.
    :param deadline: when to give up those that are left, in seconds since the epoch. Default: never.
    :param cancel_on_kill: whether :meth:`on_kill` cancels what has not gone out. Default: ``False``.
    """

    def __init__(
        self,
        jobs: str,
        marks: str,
        fax_conn_id: str,
        poll_interval: float = 60.0,
        deadline: float | None = None,
        *,
        cancel_on_kill: bool = False,
    ) -> None:
        super().__init__("of a batch", fax_conn_id, poll_interval, deadline, cancel_on_kill)
        self.jobs = jobs
        self.marks = marks

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, plain JSON types all, for the trigger's row."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "jobs": self.jobs,
                "marks": self.marks,
                "fax_conn_id": self.fax_conn_id,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "cancel_on_kill": self.cancel_on_kill,
            },
        )

    async def _wait(self) -> dict[str, Any]:
        """Wait for the poller; by the deadline at the latest, whatever becomes of its thread."""
        from airflow_provider_faxto.waiting.many import JobsInWait, Progress
        from airflow_provider_faxto.waiting.poller import FaxPoller

        # A wait that begins after its deadline has a last look, too.
        gives_up_at = max(self._gives_up_at(), clock.now() + _LAST_LOOK_WITHIN)
        jobs = JobsInWait.unpack(self.jobs, self.marks)
        progress = Progress(len(jobs.job_ids))
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            # A loop that is closed waits for nothing any more.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(changed.set)

        jobs.on_end = wake
        log.info("Waiting for %d fax jobs on connection %s.", len(jobs.job_ids), self.fax_conn_id)
        try:
            await self._follow_all(jobs, jobs.waiting, loop)
            while jobs.waiting:
                changed.clear()
                await self._rest(jobs, progress, changed, gives_up_at)
                if jobs.is_over:
                    break
                if clock.now() >= gives_up_at:
                    log.error("%d fax jobs: nothing was heard of them by the deadline.", len(jobs.waiting))
                    jobs.give_up()
                elif broken := jobs.take_broken():
                    # No thread could be started, or it has ended with an error of its own.
                    log.warning("The wait for %d fax jobs is begun again later.", len(broken))
                    await clock.sleep_in_loop(min(max(self.poll_interval, 1.0), max(gives_up_at - clock.now(), 0.0)))
                    await self._follow_all(jobs, broken, loop)
        finally:
            for job in jobs.followed():
                FaxPoller.remove(job)
        progress.tell(jobs.counts(), at_once=True)
        return jobs.to_event(self.deadline)

    async def _rest(self, jobs: JobsInWait, progress: Progress, changed: asyncio.Event, gives_up_at: float) -> None:
        """Wait for news, tell of progress meanwhile, and wake up at the deadline."""
        while not changed.is_set() and (left := gives_up_at - clock.now()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), min(left, _LOOKS_AT_CLOCK_EVERY))
            progress.tell(jobs.counts())

    async def _follow_all(self, jobs: JobsInWait, places: Iterable[int], loop: asyncio.AbstractEventLoop) -> None:
        """Let the connection's poller follow jobs."""
        from airflow_provider_faxto.waiting.poller import FaxPoller

        for number, place in enumerate(places, start=1):
            try:
                job = FaxPoller.add(
                    self.fax_conn_id,
                    partial(self._resolve_in, loop),
                    job_id=jobs.job_ids[place],
                    poll_interval=self.poll_interval,
                    deadline=self.deadline,
                    notify=partial(jobs.note, place),
                    tells=False,
                )
            except RuntimeError as error:
                jobs.note(place, error)
                continue
            jobs.follow(place, job)
            if number % _ADDED_AT_ONCE == 0:
                await clock.sleep_in_loop(0)

    async def _cancel(self) -> None:
        from airflow_provider_faxto.waiting.cancel import cancel_many
        from airflow_provider_faxto.waiting.many import JobsInWait

        jobs = JobsInWait.unpack(self.jobs, self.marks)
        connection, extra = await self._resolve_connection()
        make_hook = partial(make_polling_hook, connection, extra)
        await asyncio.to_thread(cancel_many, make_hook, list(zip(jobs.job_ids, jobs.marks, strict=True)))
