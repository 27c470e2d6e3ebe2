"""One poller for each connection in a process: it follows every fax that waits there, within the account's limit.

A trigger joins with its fax job and leaves when it is told or canceled; both are cheap. The questions are asked in a
thread of the poller's own, which ends with the last fax. What an answer means for a fax is for its
:class:`~airflow_provider_faxto.waiting.waiter.FaxWaiter` to say, as in every other mode.

Few faxes are asked for one by one, which tells most. Where that would be more than the account's requests of a minute
allow, many are asked for in one request, those that have waited longest first. What such an answer leaves out is
pending, or not known to the vendor: it is asked for by itself as far as requests are left. Where the vendor's list
tells only that a fax has ended, as Fax.to's history does, that fax is asked for by itself next, before the list is read
again.
"""

from __future__ import annotations

import contextlib
import contextvars
import heapq
import logging
import math
import random
import threading
from operator import attrgetter
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxRateLimitError,
    FaxRefusedError,
)
from airflow_provider_faxto.waiting.schedule import SHARE, ListSchedule
from airflow_provider_faxto.waiting.ticket import Ticket
from airflow_provider_faxto.waiting.waiter import NOT_FOUND_GRACE, FaxWaiter, unknown_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["FaxPoller"]

log = logging.getLogger(__name__)

_MINUTE = 60.0
# Each round of pauses is varied by up to a tenth, so that several triggerers do not beat together.
_JITTER = 0.1
# Every so many requests one asks for a single fax, even where there are more faxes than requests.
_SHARE_OF_SINGLES = 10
_LONGEST_REST = 3600.0

_registry = threading.RLock()
_living: dict[str, FaxPoller] = {}


class FaxPoller:
    """Follows the waiting faxes of one connection. Made by :meth:`join`, which shares it.

    :param conn_id: the Airflow connection.
    :param resolve: looks the connection up; called once, in the poller's thread.
    """

    def __init__(self, conn_id: str, resolve: Callable[[], tuple[Connection, dict[str, Any]]]) -> None:
        self._conn_id = conn_id
        self._resolve = resolve
        # What Airflow knows of who asks it for a connection is in the context of the trigger.
        self._context = contextvars.copy_context()
        self._vendor = ""
        self._tickets: dict[Ticket, None] = {}
        self._changed = threading.Condition()
        self._is_over = False
        self._has_news = False
        self._is_out_of_turns = False
        self._gives_up_at = math.inf
        self._jitter = 1.0
        self._asked_together = 0
        self._most_together: int | None = None
        self._list_turns = ListSchedule()
        self._told_pace: tuple[int, int] | None = None
        self._thread = threading.Thread(target=self._run, name=f"fax-poller-{conn_id}", daemon=True)

    @classmethod
    def join(
        cls,
        conn_id: str,
        resolve: Callable[[], tuple[Connection, dict[str, Any]]],
        *,
        job_id: str,
        poll_interval: float,
        deadline: float | None,
        tell: Callable[[FaxStatus | BaseException], object],
    ) -> Ticket:
        """Let a connection's poller follow a fax job. No input and output, and no wait for any.

        :param conn_id: the Airflow connection.
        :param resolve: looks the connection up, with its extra; called in a thread, and only if no poller lives.
        :param job_id: the fax job.
        :param poll_interval: seconds between two looks.
        :param deadline: when to give up, in seconds since the epoch; ``None`` for never.
        :param tell: called once, from the poller's thread, with the final status; or with what ended the thread, such
            as Airflow's error if there is no such connection. It must not raise.
        :return: the ticket with which to leave, told or not.
        """
        ticket = Ticket(job_id, poll_interval, deadline, tell, now=clock.now())
        with _registry:
            poller = _living.get(conn_id)
            if poller is None or not poller.take_in(ticket):
                _living[conn_id] = poller = cls(conn_id, resolve)
                poller.take_in(ticket)
                poller.start()
        return ticket

    @staticmethod
    def leave(ticket: Ticket) -> None:
        """Take a fax job off its poller; without effect where that is done. The last one out ends the thread.

        :param ticket: what :meth:`join` returned.
        """
        ticket.is_told = True
        ticket.poller.let_go(ticket)

    def start(self) -> None:
        """Start the thread; it ends by itself when nobody waits any more."""
        self._thread.start()

    def take_in(self, ticket: Ticket) -> bool:
        """Follow one more fax job.

        :param ticket: the wait for it.
        :return: whether it is followed; not if the thread has ended.
        """
        with _registry:
            # Behind a fork the thread is not there, and what it had to do is the other process's.
            was_lost = self._thread.ident is not None and not self._thread.is_alive()
            if self._is_over or was_lost:
                return False
            ticket.poller = self
            with self._changed:
                self._tickets[ticket] = None
                # A thread that rests because the account has been asked often enough could do nothing for it.
                if not self._is_out_of_turns or ticket.gives_up_at < self._gives_up_at:
                    self._has_news = True
                    self._changed.notify()
            return True

    def let_go(self, ticket: Ticket) -> None:
        """Follow a fax job no longer.

        :param ticket: the wait for it.
        """
        with _registry, self._changed:
            self._tickets.pop(ticket, None)
            if not self._tickets:
                self._close()

    def _close(self) -> None:
        """End the poller, with both locks held."""
        self._is_over = True
        self._changed.notify()
        if _living.get(self._conn_id) is self:
            del _living[self._conn_id]

    # The thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            # Imported here, in the thread: it takes a sixth of a second, for which an event loop would stand still.
            from airflow_provider_faxto.hooks.fax import POLLING, FaxHook

            connection, extra = self._context.run(self._resolve)
            self._vendor = str(connection.conn_type)
            hook = FaxHook.for_resolved_connection(connection, extra=extra, patience=POLLING)
            with contextlib.closing(hook):
                while not self._is_over:
                    self._rest(self._step(hook))
        except FaxError as error:
            for ticket in self._end():
                self._end_wait(ticket, error)
        except BaseException as error:
            # Nobody must wait for a thread that is gone.
            for ticket in self._end():
                ticket.tell(error)
            raise

    def _rest(self, seconds: float) -> None:
        with self._changed:
            if seconds > 0 and not self._has_news and not self._is_over:
                clock.wait(self._changed, min(seconds, _LONGEST_REST))
            self._has_news = False
            self._is_out_of_turns = False

    def _end(self) -> list[Ticket]:
        with _registry, self._changed:
            self._close()
            tickets = list(self._tickets)
            self._tickets.clear()
        return tickets

    def _step(self, hook: FaxHook) -> float:
        """Do the next thing: make one call at most.

        :return: for how many seconds there is nothing to do then.
        """
        now = clock.now()
        tickets = self._waiting(hook, now)
        if not tickets:
            return _LONGEST_REST
        pace, free = hook.rate_limit.pace(), hook.rate_limit.free()
        self._tell_pace(hook, len(tickets), pace, min(ticket.poll_interval for ticket in tickets))
        size = self._most_together or hook.vendor.jobs_per_call or len(tickets)
        all_due = [ticket for ticket in tickets if ticket.due_at <= now]
        # Those of the next request: whose deadline has passed, who are known to have ended, who have waited longest.
        due = heapq.nsmallest(size, all_due, key=lambda one: (now < one.deadline, not one.has_ended, one.asked_at))
        soon = sum(ticket.due_at <= now + _MINUTE for ticket in tickets)
        single = None
        is_room_for_all = len(all_due) <= free and soon <= pace
        if due and (due[0].has_ended or size == 1 or is_room_for_all or self._list_turns.is_in_vain(now)):
            single = due[0]
        elif free > math.ceil(soon / hook.vendor.jobs_per_request) or (
            due and self._asked_together >= _SHARE_OF_SINGLES - 1
        ):
            # Nobody is asked for who has waited less than the others of the next request.
            single = _most_doubtful(due or tickets, now)
        if single is not None:
            return self._try(self._ask_for_one, hook, single)
        return self._ask_together(hook, due, tickets, size) if due else self._until_next(tickets, now)

    def _ask_together(self, hook: FaxHook, due: list[Ticket], tickets: list[Ticket], size: int) -> float:
        rest = 0.0 if hook.vendor.list_is_conclusive else self._until_list(hook, len(tickets))
        if rest:
            return max(min(rest, self._gives_up_at - clock.now()), 0.001)
        together = [ticket for ticket in due if ticket.can_be_listed]
        if together and rest is not None:
            return self._try(self._ask_for_many, hook, self._fill_up(together, tickets, size))
        return self._try(self._ask_for_one, hook, due[0])

    def _until_list(self, hook: FaxHook, waiting: int) -> float | None:
        expected = math.ceil(waiting / hook.vendor.jobs_per_request)
        return self._list_turns.rest(
            clock.now(), free=hook.rate_limit.free(), pace=hook.rate_limit.pace(), expected=expected
        )

    def _waiting(self, hook: FaxHook, now: float) -> list[Ticket]:
        """Give everybody who waits, without those whose wait is over before they are asked for."""
        with self._changed:
            tickets = list(self._tickets)
        waiting = []
        for ticket in tickets:
            if ticket.waiter is None:
                try:
                    hook.vendor.check_job_id(ticket.job_id)
                except FaxError as error:
                    self._end_wait(ticket, error)
                    continue
                ticket.waiter = FaxWaiter(hook, ticket.job_id, poll_interval=ticket.poll_interval)
            if now >= ticket.gives_up_at:
                self._finish(ticket, ticket.waiter.give_up())
            else:
                waiting.append(ticket)
        self._gives_up_at = min((ticket.gives_up_at for ticket in waiting), default=math.inf)
        return waiting

    def _fill_up(self, chosen: list[Ticket], tickets: list[Ticket], size: int) -> list[Ticket]:
        """Take as many as one call asks for: those that are due, then those that are due next."""
        taken = set(chosen)
        others = (ticket for ticket in tickets if ticket not in taken and ticket.can_be_listed)
        return chosen + heapq.nsmallest(size - len(chosen), others, key=attrgetter("due_at"))

    def _until_next(self, tickets: list[Ticket], now: float) -> float:
        """Nobody is due: rest until somebody is."""
        at = min(ticket.due_at for ticket in tickets)
        doubt = min(ticket.single_from() for ticket in tickets)
        at = min(at, now + _LONGEST_REST, doubt if doubt > now else math.inf)
        return max(at - now, 0.001)

    def _try(self, ask: Callable[[FaxHook, Any], None], hook: FaxHook, whom: Ticket | list[Ticket]) -> float:
        """Ask; where no turn is free, rest until one is, or until somebody's wait ends without."""
        try:
            ask(hook, whom)
        except FaxRateLimitError as error:
            self._is_out_of_turns = True
            return max(min(error.retry_after or 0.0, self._gives_up_at - clock.now()), 0.001)
        self._jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - not a secret
        return 0.0

    def _ask_for_one(self, hook: FaxHook, ticket: Ticket) -> None:
        try:
            answer: FaxStatus | FaxError = hook.get_status(ticket.job_id)
        except (FaxRateLimitError, FaxAuthenticationError, FaxConfigurationError):
            raise
        except FaxError as error:
            answer = error
        self._asked_together, ticket.has_ended = 0, False
        self._take(ticket, answer)

    def _ask_for_many(self, hook: FaxHook, tickets: list[Ticket]) -> None:
        job_ids = list(dict.fromkeys(ticket.job_id for ticket in tickets))
        free = hook.rate_limit.free()
        try:
            statuses = hook.get_listed_statuses(job_ids)
        except FaxRateLimitError:
            if not hook.vendor.list_is_conclusive:
                self._list_turns.was_cut_short(clock.now(), free=free, pace=hook.rate_limit.pace())
            raise
        except (FaxAuthenticationError, FaxConfigurationError):
            raise
        except FaxRefusedError as error:
            # Perhaps they were too many at once: what a vendor takes is not documented everywhere.
            log.warning("%d fax jobs could not be asked for together: %s", len(job_ids), error)
            self._most_together = max(1, len(job_ids) // 2)
            statuses = {}
        except FaxError as error:
            for ticket in tickets:
                self._take(ticket, error)
            return
        self._asked_together += 1
        is_whole = hook.vendor.list_is_conclusive or self._note_list(hook, free, is_full=len(statuses) == len(job_ids))
        for ticket in tickets:
            status = statuses.get(ticket.job_id)
            if status is not None and status.is_final and not hook.vendor.list_is_conclusive:
                ticket.has_ended, ticket.due_at = True, ticket.asked_at
            # Of whom a list that was cut short does not tell, nobody was asked.
            elif status is not None or is_whole:
                self._take_listed(ticket, status)

    def _note_list(self, hook: FaxHook, free: int, *, is_full: bool) -> bool:
        """Note what a list of several requests took, and tell whether it was read as far as it was needed."""
        left, pace, now = hook.rate_limit.free(), hook.rate_limit.pace(), clock.now()
        is_whole = is_full or left > 0
        if is_whole:
            self._list_turns.was_read(now, requests=free - left, pace=pace)
        else:
            self._list_turns.was_cut_short(now, free=free, pace=pace)
        return is_whole

    def _take_listed(self, ticket: Ticket, status: FaxStatus | None) -> None:
        if status is not None:
            self._take(ticket, status)
            return
        ticket.left_out = True
        if ticket.waiter is not None:
            self._pause(ticket, ticket.waiter)

    def _take(self, ticket: Ticket, answer: FaxStatus | FaxError) -> None:
        """Take what the vendor said of one fax; whatever that is, it harms no other."""
        waiter = ticket.waiter
        if waiter is None:
            return
        try:
            if isinstance(answer, FaxError):
                ticket.run(waiter.update_error, answer)
                # Only an answer says anything about the job.
                waiter.check_grace(clock.now() - ticket.joined_at, NOT_FOUND_GRACE)
            else:
                ticket.run(waiter.update, answer)
        except FaxError as error:
            self._end_wait(ticket, error)
            return
        if not isinstance(answer, FaxError):
            ticket.confirmed_at, ticket.left_out = clock.now(), False
            if answer.is_final:
                self._finish(ticket, answer)
                return
        self._pause(ticket, waiter)

    def _pause(self, ticket: Ticket, waiter: FaxWaiter) -> None:
        now = clock.now()
        if now >= ticket.deadline:
            self._finish(ticket, waiter.give_up())
        else:
            ticket.rest(now, waiter.pause, self._jitter)

    def _finish(self, ticket: Ticket, status: FaxStatus) -> None:
        self.let_go(ticket)
        ticket.tell(status)

    def _end_wait(self, ticket: Ticket, error: FaxError) -> None:
        ticket.run(log.error, "The wait for fax job %s cannot go on: %s", ticket.job_id, error)
        self._finish(
            ticket,
            unknown_status(
                self._vendor,
                ticket.job_id,
                f"The wait could not go on ({type(error).__name__}). The fax may still go out or may have arrived.",
            ),
        )

    def _tell_pace(self, hook: FaxHook, waiting: int, pace: int, shortest: float) -> None:
        """Say, once for each change, how long a fax has to wait for its look where that is more than its interval."""
        requests = math.ceil(waiting / hook.vendor.jobs_per_request)
        cycle = requests * _MINUTE / (pace if hook.vendor.list_is_conclusive else pace * SHARE)
        told = (requests, pace) if waiting > pace and cycle > shortest else None
        if told != self._told_pace:
            self._told_pace = told
            if told is None:
                log.info("The faxes that wait on connection %s are seen within their intervals again.", self._conn_id)
            else:
                log.info(
                    "%d faxes wait on connection %s, which takes %d requests a minute: "
                    "each is seen about every %.0f s.",
                    waiting,
                    self._conn_id,
                    pace,
                    cycle,
                )


def _most_doubtful(tickets: list[Ticket], now: float) -> Ticket | None:
    """Find the fax whose existence was confirmed longest ago, if there is one that it is time to ask for."""
    doubtful = [ticket for ticket in tickets if ticket.single_from() <= now]
    # Whoever was never confirmed comes first.
    return min(doubtful, key=lambda ticket: (ticket.confirmed_at or 0.0, ticket.joined_at), default=None)
