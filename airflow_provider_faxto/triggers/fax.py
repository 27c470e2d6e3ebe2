"""The deferred wait for one fax job.

Delivery semantics: the trigger only reads, so it can be run again from its start at any moment, and is, when a
triggerer restarts. All it needs is in its arguments and at the vendor. It cancels a fax in ``on_kill`` alone, which
Airflow 3.3 and later call when a user has marked or cleared the task, and only where the task that sent the fax waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_faxto import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["FIRST_EVENT_AFTER", "FaxLookUpTrigger", "FaxStatusTrigger", "is_long_enough_to_defer", "make_polling_hook"]

log = logging.getLogger(__name__)

FIRST_EVENT_AFTER = 10.0
"""Seconds from the start of a trigger to its first request, unless its deadline is near. Airflow 3.3.2 can fail a task
whose trigger fires while the worker that deferred is still on its way out (seen up to 5 s; fixed in later releases)."""

_LONGEST_SPREAD = 6.0
# How long the event waits for the poller's last look once the deadline has passed; a little longer than the poller.
_LAST_LOOK_WITHIN = 3.0
# How long a look-up of the connection may take; after that it is tried again.
_LOOK_UP_AT_MOST = 30.0
# The wall clock may be set while a timer runs, which is looked at no less often than that.
_LONGEST_TIMER = 300.0
# Below the 30 s that Airflow gives on_kill by default, so that what became of the fax is still logged.
_ON_KILL_AT_MOST = 25.0
# An event loop keeps no task alive by itself.
_CANCELING: set[asyncio.Future[None]] = set()


def is_long_enough_to_defer(seconds: float) -> bool:
    """Tell whether a wait is worth a trigger: a shorter one would be over before the trigger may fire.

    :param seconds: how long the wait may last.
    :return: whether to defer; if not, the worker waits.
    """
    return seconds >= 2 * FIRST_EVENT_AFTER


class _Answer:
    """What a trigger waits for: given by the poller's thread or by the timer, awaited in the event loop."""

    # Thousands wait at once, so one callback is the timer, and no task or coroutine.
    __slots__ = ("_gives_up_at", "_timer", "future", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, gives_up_at: float) -> None:
        self.loop = loop
        self.future: asyncio.Future[FaxStatus | None] = loop.create_future()
        self._gives_up_at = gives_up_at
        self._timer: asyncio.TimerHandle | None = None
        self._look_at_clock()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()

    def _look_at_clock(self) -> None:
        """Give ``None`` for an answer when it is time to give up."""
        left = self._gives_up_at - clock.now()
        if left > 0:
            self._timer = self.loop.call_later(min(left, _LONGEST_TIMER), self._look_at_clock)
        elif not self.future.done():
            self.future.set_result(None)

    def notify(self, result: FaxStatus | BaseException) -> None:
        # A loop that is closed waits for nothing any more.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._hand_over, result)

    def _hand_over(self, result: FaxStatus | BaseException) -> None:
        if self.future.done():
            return
        if isinstance(result, BaseException):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class FaxStatusTrigger(BaseTrigger):
    """Waits until a fax job has a permanent status, or until a deadline.

    All triggers of a connection in a triggerer share one
    :class:`~airflow_provider_faxto.waiting.poller.FaxPoller`, which asks for their faxes together.

    It sends one event, whose payload is ``FaxStatus.to_dict()``: no exception text, no secret, no number. The
    outcome is ``unknown`` if the deadline has passed, or if the wait cannot go on (a password that stays wrong, a job
    the vendor does not know for a minute, a ``fax_conn_id`` that cannot be one). Then the payload holds the
    ``deadline`` too, and which of these it is: the worker asks once more, and says so, or waits on.

    :param job_id: the fax job.
    :param fax_conn_id: the Airflow connection; its type names the vendor.
    :param poll_interval: seconds between two requests for the status; less than 1 is taken for 1. Default: 60. Each
        pause is varied by up to a tenth, doubled with each request that got no answer, and longer where the account's
        requests do not suffice for all that wait.
    :param deadline: when to give up, in seconds since the epoch. Default: never. It is absolute, so a restart
        of the triggerer does not prolong the wait. Do not defer with less than 20 seconds left: the first look then
        comes sooner, since a trigger with so little left is taken for one that is started again.
    :param cancel_on_kill: whether :meth:`on_kill` cancels the fax. ``SendFaxOperator`` sets it; a sensor waits for a
        fax that is not its own. Default: ``False``.
    :param reference: the key under which the fax was sent. A job that the vendor shows under another reference is
        another fax: the wait ends as ``unknown``, and a kill leaves the job alone. Default: none, which takes the job
        as it is.
    """

    def __init__(
        self,
        job_id: str,
        fax_conn_id: str,
        poll_interval: float = 60.0,
        deadline: float | None = None,
        cancel_on_kill: bool = False,  # noqa: FBT001, FBT002 - the order of the arguments is public
        *,
        reference: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.job_id = job_id
        self.fax_conn_id = fax_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.cancel_on_kill = cancel_on_kill
        self.reference = reference

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, plain JSON types all, for the trigger's row."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "job_id": self.job_id,
                "fax_conn_id": self.fax_conn_id,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
                "cancel_on_kill": self.cancel_on_kill,
                "reference": self.reference,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then send the one event.

        :return: the event, as the only item.
        """
        await clock.sleep_in_loop(self._first_look_in())
        yield TriggerEvent(await self._wait())  # type: ignore[no-untyped-call]

    def _first_look_in(self) -> float:
        """Tell in how many seconds the first look comes."""
        # When a triggerer begins, thousands begin at once; the event loop is not to serve them all in one moment.
        spread = min(self.poll_interval / 10, _LONGEST_SPREAD)
        first = FIRST_EVENT_AFTER + random.uniform(0, spread)  # noqa: S311 - not a secret
        if self.deadline is None:
            return first
        # A wait that was deferred just now has twice as long left. With less left the triggerer has started again, and
        # the worker that deferred is long gone.
        return min(first, max(self.deadline - clock.now() - FIRST_EVENT_AFTER, 0.0))

    async def on_kill(self) -> None:
        """Cancel the fax job if the vendor can still do so; ask first, and log what came of it.

        Airflow 3.3 and later call it when a user marks the waiting task as failed or as succeeded, clears it, or fails
        its DAG run; not before the trigger has begun, and not when a triggerer stops. But Airflow 3.3.2 also calls it
        in a triggerer that stood still and finds, when it goes on, that another one has taken its triggers over. And a
        cleared task may run again already, and have found its fax. So Airflow is asked first: a fax for which the task
        waits is left alone.
        """
        if not self.cancel_on_kill:
            return
        # Airflow 3.3.2 goes on canceling the trigger until it has ended, which would end this too.
        canceling = asyncio.ensure_future(self._cancel_unless_waited_for())
        _CANCELING.add(canceling)
        canceling.add_done_callback(_CANCELING.discard)
        await asyncio.shield(canceling)

    async def _cancel_unless_waited_for(self) -> None:
        try:
            if await self._task_still_waits():
                log.info("Fax job %s is left alone: its task still waits for it, or again.", self.job_id)
            else:
                await asyncio.wait_for(self._cancel(), _ON_KILL_AT_MOST)
        except TimeoutError:
            log.warning("Whether fax job %s was canceled is unknown: the vendor did not answer in time.", self.job_id)
        except Exception as error:  # noqa: BLE001 - Airflow's own, which is logged nowhere else
            log.warning("Fax job %s goes on: Airflow could not be asked (%s).", self.job_id, type(error).__name__)

    async def _task_still_waits(self) -> bool:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
        from asgiref.sync import sync_to_async

        ti: Any = self.task_instance
        # As Airflow's own triggers ask.
        waiting: int = await sync_to_async(RuntimeTaskInstance.get_ti_count)(
            dag_id=ti.dag_id,
            map_index=ti.map_index,
            task_ids=[ti.task_id],
            run_ids=[ti.run_id],
            states=["deferred", "running"],
        )
        return waiting > 0

    async def _cancel(self) -> None:
        from airflow_provider_faxto.waiting.cancel import cancel_if_possible

        connection, extra = await self._resolve_connection()
        make_hook = partial(make_polling_hook, connection, extra)
        await asyncio.to_thread(cancel_if_possible, make_hook, self.job_id, self.reference)

    async def _resolve_connection(self) -> tuple[Connection, dict[str, Any]]:
        from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
        from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
        from asgiref.sync import sync_to_async

        from airflow_provider_faxto.hooks.conn_id import check_conn_id

        conn_id = check_conn_id(self.fax_conn_id)
        try:
            connection = await get_async_connection(conn_id)
        except AirflowNotFoundException:
            # In ``airflow dags test`` Airflow 3.3.2 finds nothing of its database in this way, and says so alike.
            connection = await sync_to_async(BaseHook.get_connection)(conn_id)
        return connection, await get_async_extra_dejson(connection)

    def _resolve_in(self, loop: asyncio.AbstractEventLoop) -> tuple[Connection, dict[str, Any]]:
        # Airflow looks connections up in its event loop alone, so the poller's thread has it done there.
        looking_up = asyncio.run_coroutine_threadsafe(self._resolve_connection(), loop)
        try:
            return looking_up.result(_LOOK_UP_AT_MOST)
        finally:
            looking_up.cancel()

    async def _wait(self) -> dict[str, Any]:
        """Wait for the poller; by the deadline at the latest, whatever becomes of its thread."""
        # Imported here: a sensor names this class while a DAG file is parsed, and waits for nothing then.
        from airflow_provider_faxto.waiting.waiter import NO_VENDOR, event_of, interval_of, status_at_deadline

        while True:
            try:
                return await self._follow()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is not about the fax
                # No thread could be started, or it has ended with an error of its own.
                log.warning("The wait for fax job %s is begun again later (%s).", self.job_id, type(error).__name__)
            left = self._gives_up_at() - _LAST_LOOK_WITHIN - clock.now()
            if left <= 0:
                return event_of(status_at_deadline(NO_VENDOR, self.job_id), self.deadline)
            await clock.sleep_in_loop(min(interval_of(self.poll_interval), left))

    def _gives_up_at(self) -> float:
        return math.inf if self.deadline is None else self.deadline + _LAST_LOOK_WITHIN

    async def _follow(self) -> dict[str, Any]:
        """Let the connection's poller follow the fax, and wait for what it tells."""
        from airflow_provider_faxto.waiting.poller import FaxPoller
        from airflow_provider_faxto.waiting.waiter import event_of

        # A wait that begins after its deadline has a last look, too.
        answer = _Answer(asyncio.get_running_loop(), max(self._gives_up_at(), clock.now() + _LAST_LOOK_WITHIN))
        job = FaxPoller.add(
            self.fax_conn_id,
            partial(self._resolve_in, answer.loop),
            job_id=self.job_id,
            poll_interval=self.poll_interval,
            deadline=self.deadline,
            notify=answer.notify,
            reference=self.reference,
        )
        try:
            status = await answer.future
        finally:
            answer.close()
            FaxPoller.remove(job)
        if status is None:
            log.error("Fax job %s: nothing was heard of the poller by the deadline.", self.job_id)
            status = job.give_up()
        return event_of(status, self.deadline, job.ended_by)


def make_polling_hook(connection: Connection, extra: dict[str, Any]) -> FaxHook:
    """Make the hook of a connection, for a thread of a trigger.

    :param connection: the Airflow connection.
    :param extra: its extra.
    :return: the hook, with ``POLLING``.
    """
    # For a thread: the first import of the HTTP client takes a sixth of a second, for which the event loop, and
    # with it every other trigger, would stand still. A kill does not wait for a request to be free.
    from airflow_provider_faxto.hooks.fax import POLLING, FaxHook

    return FaxHook.for_resolved_connection(connection, extra=extra, patience=POLLING)


class FaxLookUpTrigger(BaseTrigger):
    """Lets a task that looks its fax up go on later, so that it holds no worker slot in the meantime.

    It asks nobody. Its one event hands back what the task needs to go on: Airflow keeps nothing else for it in
    ``dag.test()``.

    :param resume_at: when to go on, in seconds since the epoch; not sooner than ten seconds from the start.
    :param settled_from: from which moment on the vendor's records must show every earlier send, in seconds since the
        epoch.
    :param asked_at: since when the look waits for the vendor's records, in seconds since the epoch.
    """

    def __init__(self, resume_at: float, settled_from: float, asked_at: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.resume_at = resume_at
        self.settled_from = settled_from
        self.asked_at = asked_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments for the trigger's row."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {"resume_at": self.resume_at, "settled_from": self.settled_from, "asked_at": self.asked_at},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then send the one event.

        :return: the event, as the only item; its payload is ``{"settled_from": ..., "asked_at": ...}``.
        """
        await clock.sleep_in_loop(max(self.resume_at - clock.now(), FIRST_EVENT_AFTER))
        yield TriggerEvent({"settled_from": self.settled_from, "asked_at": self.asked_at})  # type: ignore[no-untyped-call]
