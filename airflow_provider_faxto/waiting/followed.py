"""The fax jobs that wait on one connection, and the step that asks for them.

A step carries out what :func:`~airflow_provider_faxto.waiting.schedule.choose` chooses: it makes one call at most,
hands each answer to the :class:`~airflow_provider_faxto.waiting.waiter.FaxWaiter` of the job that it is about, and
notifies those whose wait is over. Jobs come and go from other threads.
"""

from __future__ import annotations

import contextvars
import logging
import math
import random
import threading
from typing import TYPE_CHECKING, cast

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRateLimitError,
    FaxThrottledError,
)
from airflow_provider_faxto.figures import POLLER_CYCLE, take_time
from airflow_provider_faxto.waiting.schedule import (
    LIST_SHARE,
    LONGEST_REST,
    AskOne,
    ListHistory,
    ListTraits,
    PendingJob,
    Rest,
    choose,
)
from airflow_provider_faxto.waiting.waiter import (
    NO_VENDOR,
    FaxWaiter,
    interval_of,
    status_at_deadline,
    unknown_status,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["FollowedJob", "FollowedJobs"]

log = logging.getLogger(__name__)

_MINUTE = 60.0
_SHORTEST_REST = 0.001
# The pauses are varied by up to a tenth, so that several triggerers do not ask in the same moments.
_JITTER = 0.1
# What two readings of one clock may lie apart if a third between them is to be trusted.
_ONE_MOMENT = 0.5
# By how much the wall clock has to be set before the deadlines follow it.
_CLOCK_WAS_SET = 1.0


class FollowedJob(PendingJob):
    """One wait for one fax job, and whom to notify.

    :param job_id: the fax job.
    :param poll_interval: seconds between two requests for its status.
    :param deadline: when to give up, in seconds since the epoch; ``None`` for never.
    :param notify: called once, from the thread that steps, with the final status or with what ended that thread. It
        must not raise.
    :param reference: the key under which the fax was sent, as for
        :class:`~airflow_provider_faxto.waiting.waiter.FaxWaiter`. Default: none.
    :param tells: as for :class:`~airflow_provider_faxto.waiting.waiter.FaxWaiter`. Default: ``True``.
    """

    __slots__ = (
        "_context",
        "_deadline",
        "_notify",
        "ended_by",
        "followed_by",
        "is_notified",
        "reference",
        "tells",
        "waiter",
    )

    def __init__(
        self,
        job_id: str,
        poll_interval: float,
        deadline: float | None,
        notify: Callable[[FaxStatus | BaseException], object],
        reference: str | None = None,
        *,
        tells: bool = True,
    ) -> None:
        now = clock.monotonic()
        # Kept as it was given: the wall clock may be set while the job waits.
        self._deadline = math.inf if deadline is None else deadline
        super().__init__(job_id, interval_of(poll_interval), now + self._deadline - clock.now(), now=now)
        self.reference = reference
        self.tells = tells
        self.waiter: FaxWaiter | None = None
        self.is_notified = False
        self.ended_by: FaxError | None = None
        """The error that has ended the wait, if one has."""
        self.followed_by: FollowedJobs | None = None
        self._notify = notify
        # Airflow sorts what is logged by the context of the trigger.
        self._context = contextvars.copy_context()

    def follow_wall_clock(self, ahead: float) -> None:
        """Keep the deadline at its moment of the wall clock.

        :param ahead: how far the wall clock is ahead of the monotonic one, in seconds.
        """
        self.set_deadline(self._deadline - ahead)

    def give_up(self) -> FaxStatus:
        """Say what is known when the deadline has passed.

        :return: a status with the outcome ``unknown``.
        """
        return status_at_deadline(NO_VENDOR, self.job_id) if self.waiter is None else self.waiter.give_up()

    def notify(self, result: FaxStatus | BaseException) -> None:
        """Notify who waits, once.

        :param result: the final status, or what ended the thread.
        """
        if not self.is_notified:
            self.is_notified = True
            self._notify(result)

    def run(self, call: Callable[..., Any], *args: Any) -> Any:  # noqa: ANN401 - whatever the call returns
        """Call something so that what it logs belongs to this wait.

        :param call: what to call.
        :param args: its arguments.
        :return: what it returns.
        """
        return self._context.run(call, *args)


class FollowedJobs:
    """The jobs that wait on one connection. When the last one leaves it is over for good, and takes no other.

    :meth:`add` and :meth:`remove` are for any thread, and wait for no request; the rest is for one thread alone.

    :param conn_id: the Airflow connection, for the log.
    :param after_request: called between two requests. Default: nothing.
    """

    def __init__(self, conn_id: str, *, after_request: Callable[[], object] = lambda: None) -> None:
        self._conn_id = conn_id
        self._after_request = after_request
        self._jobs: dict[FollowedJob, None] = {}
        self._changed = threading.Condition()
        self._is_over = False
        self._has_news = False
        self._is_held_off = False
        self._gives_up_at = math.inf
        self._wall_ahead = 0.0
        self._jitter = 1.0
        self._history = ListHistory()
        self.has_answer = False
        """Whether the vendor has answered the last request, with what its credentials let it tell."""
        self.vendor = ""
        """The connection type of the account that was asked last."""
        self._logged_pace: tuple[int, int] | None = None

    def __len__(self) -> int:
        """Tell how many jobs wait."""
        return len(self._jobs)

    @property
    def is_over(self) -> bool:
        """Whether the last job has left."""
        return self._is_over

    def add(self, job: FollowedJob) -> bool:
        """Follow one more job.

        :param job: the job.
        :return: whether it is followed; not if this is over.
        """
        with self._changed:
            if self._is_over:
                return False
            job.followed_by = self
            self._jobs[job] = None
            # A thread that rests because the account has been asked often enough could do nothing for it.
            if not self._is_held_off or job.gives_up_at < self._gives_up_at:
                self._has_news = True
                self._changed.notify()
            return True

    def remove(self, job: FollowedJob) -> None:
        """Follow a job no longer; without effect where that is done.

        :param job: the job.
        """
        with self._changed:
            self._jobs.pop(job, None)
            if not self._jobs:
                self._is_over = True
                self._changed.notify()

    def close(self) -> list[FollowedJob]:
        """Follow none any more.

        :return: those that waited.
        """
        with self._changed:
            jobs = list(self._jobs)
            self._jobs.clear()
            self._is_over = True
        return jobs

    def rest(self, seconds: float) -> None:
        """Wait until there is something to do.

        :param seconds: after how long there is, if no job comes: what :meth:`step` returned.
        """
        with self._changed:
            if seconds > 0 and not self._has_news and not self._is_over:
                clock.wait(self._changed, min(seconds, LONGEST_REST))
            self._has_news = False
            self._is_held_off = False
        self._after_request()

    def step(self, hook: FaxHook) -> float:
        """Do the next thing: make one call at most.

        :param hook: the account, with ``POLLING``.
        :return: for how many seconds there is nothing to do then.
        :raises FaxAuthenticationError: if the vendor refuses the key or password.
        :raises FaxConfigurationError: if the connection cannot be used.
        """
        self.has_answer = False
        self.vendor = hook.conn_type
        now = clock.monotonic()
        jobs = self._still_waiting(hook, now)
        traits = _traits_of(hook)
        free, pace = hook.rate_limit.room()
        self._log_pace(jobs, pace, traits)
        choice = choose(jobs, now, free=free, pace=pace, traits=traits, history=self._history)
        if isinstance(choice, Rest):
            return choice.seconds
        try:
            if isinstance(choice, AskOne):
                self._ask_one(hook, choice.job)
            else:
                self._ask_together(hook, choice.jobs, traits, free)
        except FaxRateLimitError as error:
            # Until a request may go out, or a wait ends without one.
            self._is_held_off = True
            return max(min(error.retry_after or 0.0, self._gives_up_at - clock.monotonic()), _SHORTEST_REST)
        take_time(POLLER_CYCLE, clock.monotonic() - now, vendor=hook.conn_type)
        self._jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - not a secret
        return 0.0

    def step_without_account(self) -> float:
        """Do what can be done while the vendor may not be asked: end the waits whose deadline has passed.

        :return: for how many seconds there is nothing to do then: until the connection is to be looked up again.
        """
        now = clock.monotonic()
        with self._changed:
            jobs = list(self._jobs)
        self._follow_wall_clock(jobs)
        for job in jobs:
            if now >= job.gives_up_at:
                self._finish(job, job.give_up())
        waiting = [job for job in jobs if now < job.gives_up_at]
        self._gives_up_at = min((job.gives_up_at for job in waiting), default=math.inf)
        # A job that comes is no reason to look it up sooner.
        self._is_held_off = True
        return min((min(job.poll_interval, job.gives_up_at - now) for job in waiting), default=_SHORTEST_REST)

    def end_wait(self, job: FollowedJob, vendor: str, error: FaxError) -> None:
        """End a wait that cannot go on. What is wrong goes to the log; who waits is notified of ``unknown``.

        :param job: the job.
        :param vendor: the connection type.
        :param error: what is wrong.
        """
        level = logging.ERROR if job.tells else logging.DEBUG
        job.run(log.log, level, "The wait for fax job %s cannot go on: %s", job.job_id, error)
        job.ended_by = error
        message = f"The wait could not go on ({type(error).__name__}). The fax may still go out or may have arrived."
        self._finish(job, unknown_status(vendor, job.job_id, message))

    def _still_waiting(self, hook: FaxHook, now: float) -> list[FollowedJob]:
        """Give every job that waits, without those whose wait is over before they are asked for."""
        with self._changed:
            jobs = list(self._jobs)
        self._follow_wall_clock(jobs)
        waiting = []
        for job in jobs:
            if job.waiter is None:
                try:
                    hook.vendor.check_job_id(job.job_id)
                except FaxError as error:
                    self.end_wait(job, hook.conn_type, error)
                    continue
                job.waiter = FaxWaiter(
                    hook, job.job_id, poll_interval=job.poll_interval, reference=job.reference, tells=job.tells
                )
                job.follow_wall_clock(self._wall_ahead)
            if now >= job.gives_up_at:
                self._finish(job, job.give_up())
                continue
            waiting.append(job)
        self._gives_up_at = min((job.gives_up_at for job in waiting), default=math.inf)
        return waiting

    def _follow_wall_clock(self, jobs: list[FollowedJob]) -> None:
        """Move the deadlines, which are moments of the wall clock, where that was set."""
        before, wall, after = clock.monotonic(), clock.now(), clock.monotonic()
        if after - before < _ONE_MOMENT and abs(wall - after - self._wall_ahead) > _CLOCK_WAS_SET:
            self._wall_ahead = wall - after
            for job in jobs:
                job.follow_wall_clock(self._wall_ahead)

    def _ask_one(self, hook: FaxHook, job: FollowedJob) -> None:
        """Ask for one job by itself."""
        try:
            answer: FaxStatus | FaxError = hook.get_status(job.job_id)
        except (FaxRateLimitError, FaxAuthenticationError, FaxConfigurationError):
            raise
        except FaxError as error:
            answer = error
            self.has_answer = isinstance(error, FaxNotFoundError)
        else:
            self.has_answer = True
            self._note_contact()
        self._history = self._history.with_one_asked(clock.monotonic())
        job.has_ended = False
        self._update(hook, job, answer)

    def _ask_together(self, hook: FaxHook, jobs: list[FollowedJob], traits: ListTraits, free: int) -> None:
        """Ask for many jobs at once, and note what that tells of the vendor's list."""
        job_ids = list(dict.fromkeys(job.job_id for job in jobs))
        try:
            statuses = hook.get_listed_statuses(job_ids)
        except FaxRateLimitError:
            if not traits.is_conclusive:
                self._note_cut_short(hook, free)
            raise
        except (FaxAuthenticationError, FaxConfigurationError):
            raise
        except FaxError as error:
            self._note_failure(hook, jobs, error)
            return
        self.has_answer = True
        self._history = self._history.with_list_read(clock.monotonic())
        is_whole = traits.is_conclusive or self._note_list(hook, free, is_full=len(statuses) == len(job_ids))
        self._take_list(hook, jobs, statuses, is_conclusive=traits.is_conclusive, is_whole=is_whole)

    def _take_list(
        self,
        hook: FaxHook,
        jobs: list[FollowedJob],
        statuses: dict[str, FaxStatus],
        *,
        is_conclusive: bool,
        is_whole: bool,
    ) -> None:
        """Take what a list tells of each job that was asked for."""
        for job in jobs:
            status = statuses.get(job.job_id)
            if status is not None and status.is_final and not is_conclusive:
                job.has_ended, job.due_at = True, job.asked_at
            elif status is not None:
                self._update(hook, job, status)
            elif is_whole:
                self._leave_out(job)
            # Else the list was cut short, and nothing is known of this job.

    def _note_failure(self, hook: FaxHook, jobs: list[FollowedJob], error: FaxError) -> None:
        """Take a list that failed for lost contact: each job is asked for again after a longer pause.

        Perhaps it is the list alone that fails. So one of them is asked for by itself; see :meth:`_note_contact`.
        """
        log.warning("%d fax jobs could not be asked for together: %s", len(jobs), error)
        self._history = self._history.with_failure(clock.monotonic())
        is_lost_contact = isinstance(error, (FaxLostContactError, FaxThrottledError))
        for job in jobs:
            self._update(hook, job, error if is_lost_contact else FaxLostContactError(str(error)))
            job.left_out = False
        probe = min(jobs, key=lambda job: (job.confirmed_at or 0.0, job.added_at))
        probe.left_out, probe.has_no_answer, probe.confirmed_at = True, False, None

    def _note_contact(self) -> None:
        """Note that the vendor tells of a single job: where lists fail, all are asked for by themselves then."""
        if self._history.failures:
            self._history = self._history.without_list(clock.monotonic())
            with self._changed:
                for job in self._jobs:
                    if job.has_no_answer:
                        job.has_no_answer, job.due_at = False, min(job.due_at, job.asked_at)

    def _note_list(self, hook: FaxHook, free: int, *, is_full: bool) -> bool:
        """Note what a list of several requests took, and tell whether it was read as far as it was needed."""
        left, pace = hook.rate_limit.room()
        is_whole = is_full or left > 0
        if is_whole:
            self._history = self._history.with_list_taking(free - left, clock.monotonic(), pace=pace)
        else:
            self._note_cut_short(hook, free)
        return is_whole

    def _note_cut_short(self, hook: FaxHook, free: int) -> None:
        """Note that the list took more requests than there were."""
        now, pace = clock.monotonic(), hook.rate_limit.room().pace
        self._history = self._history.with_list_cut_short(now, free=free, pace=pace)

    def _leave_out(self, job: FollowedJob) -> None:
        """Note that a list did not tell of a job."""
        job.left_out, job.has_no_answer = True, False
        if job.waiter is not None:
            self._pause(job, job.waiter)

    def _update(self, hook: FaxHook, job: FollowedJob, answer: FaxStatus | FaxError) -> None:
        """Take what the vendor said of one job; whatever that is, it harms no other."""
        waiter = job.waiter
        if waiter is None:
            return
        try:
            if isinstance(answer, FaxError):
                job.run(waiter.update_error, answer)
            else:
                answer = cast("FaxStatus", job.run(waiter.update, answer))
        except FaxError as error:
            self.end_wait(job, hook.conn_type, error)
            return
        job.is_not_found = waiter.not_found is not None
        job.has_no_answer = isinstance(answer, FaxError)
        if not isinstance(answer, FaxError):
            job.confirmed_at, job.left_out = clock.monotonic(), False
            if answer.is_final:
                self._finish(job, answer)
                return
        self._pause(job, waiter)

    def _pause(self, job: FollowedJob, waiter: FaxWaiter) -> None:
        """Let a job rest until it is to be asked for again, or give up."""
        now = clock.monotonic()
        if now >= job.deadline:
            self._finish(job, waiter.give_up())
        else:
            job.rest(now, waiter.pause, self._jitter)

    def _finish(self, job: FollowedJob, status: FaxStatus) -> None:
        """Notify who waits that the wait is over."""
        self.remove(job)
        job.notify(status)

    def _log_pace(self, jobs: list[FollowedJob], pace: int, traits: ListTraits) -> None:
        """Say, once for each change, how long a job waits to be asked for where that is more than its interval."""
        if not jobs:
            return
        requests = math.ceil(len(jobs) / traits.jobs_per_request)
        cycle = requests * _MINUTE / (pace if traits.is_conclusive else pace * LIST_SHARE)
        is_slow = len(jobs) > pace and cycle > min(job.poll_interval for job in jobs)
        said = (requests, pace) if is_slow else None
        if said == self._logged_pace:
            return
        self._logged_pace = said
        if said is None:
            log.info("The faxes that wait on connection %s are seen within their intervals again.", self._conn_id)
            return
        log.info(
            "%d faxes wait on connection %s, which takes %d requests a minute: each is seen about every %.0f s.",
            len(jobs),
            self._conn_id,
            pace,
            cycle,
        )


def _traits_of(hook: FaxHook) -> ListTraits:
    """Read what is known of the list of a hook's vendor."""
    vendor = hook.vendor
    return ListTraits(
        jobs_per_request=vendor.jobs_per_request,
        jobs_per_call=vendor.jobs_per_call,
        is_conclusive=vendor.list_is_conclusive,
    )
