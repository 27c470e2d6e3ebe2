"""Whom a poller asks for next: a pure function of who waits, the time, and the requests that are left.

Few jobs are asked for one by one, which tells most. Where that would be more than the account's requests of a minute
allow, many are asked for in one request, those that have waited longest first. What such a list leaves out is pending,
or not known to the vendor: it is asked for by itself as far as requests are left.

A vendor's list need not be conclusive: Fax.to's history tells that a job has ended and not how. That job is asked for
by itself next, before the list is read again. And such a list takes several requests: begun with too few left, it ends
before it tells anything; read too often, it leaves none for asking how the jobs have ended.

All times are seconds of :func:`~airflow_provider_faxto.clock.monotonic`.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "LIST_SHARE",
    "LONGEST_REST",
    "AskOne",
    "AskTogether",
    "ListHistory",
    "ListTraits",
    "PendingJob",
    "Rest",
    "choose",
]

LIST_SHARE = 0.25
"""Which part of an account's requests a list of several requests may take."""

LONGEST_REST = 3600.0
"""The longest rest in seconds."""

_MINUTE = 60.0
_SHORTEST_REST = 0.001
# After so many lists in a row one job is asked for by itself, even where there are more jobs than requests.
_LISTS_IN_A_ROW = 9
# How long the existence of a job that no list shows is taken for granted.
_CONFIRM_EVERY = 600.0
# How long a job whose deadline has passed waits for its last request. The worker that resumes asks once more, and waits
# for its turn as long as it takes.
_LAST_REQUEST_WITHIN = 2.0
# For how long jobs are asked for one by one where the list takes more requests than there are, or has failed often.
_WITHOUT_LIST = 600.0
# For how long the list waits for requests that others take before one job is asked for by itself.
_LIST_WAITS_AT_MOST = 2 * _MINUTE


class PendingJob:
    """A fax job that is waited for: plain values, which :func:`choose` reads and the poller keeps.

    :param job_id: the fax job.
    :param poll_interval: seconds between two requests for its status.
    :param deadline: when to give up; ``None`` for never.
    :param now: the time.
    """

    # Thousands wait at once.
    __slots__ = (
        "added_at",
        "asked_at",
        "confirmed_at",
        "deadline",
        "due_at",
        "gives_up_at",
        "has_ended",
        "has_no_answer",
        "is_not_found",
        "job_id",
        "left_out",
        "pause",
        "poll_interval",
    )

    def __init__(self, job_id: str, poll_interval: float, deadline: float | None, *, now: float) -> None:
        self.job_id = job_id
        self.poll_interval = poll_interval
        self.added_at = now
        self._take_deadline(math.inf if deadline is None else deadline)
        self.asked_at = now
        """When it was asked for last, or since when it has waited to be."""
        self.pause = 0.0
        """Seconds from one request to the next."""
        self.due_at = now
        """When it is to be asked for."""
        self.confirmed_at: float | None = None
        """When the vendor last said that it knows the job."""
        self.left_out = False
        """Whether the last list did not tell of it."""
        self.has_ended = False
        """Whether a list has told that it has ended, and not how."""
        self.has_no_answer = False
        """Whether contact was lost when it was asked for the last time."""
        self.is_not_found = False
        """Whether the vendor did not know it the last time."""

    @property
    def requests_per_minute(self) -> float:
        """How many requests it would take in a minute by itself; one at least, since it is counted where it is due."""
        return max(_MINUTE / (self.pause or self.poll_interval), 1.0)

    @property
    def single_from(self) -> float:
        """From when on it is worth a request of its own, where others are asked for together."""
        if self.is_not_found:
            return self.asked_at + self.pause
        if not self.left_out:
            return math.inf
        in_doubt = (
            self.added_at + self.poll_interval if self.confirmed_at is None else self.confirmed_at + _CONFIRM_EVERY
        )
        return max(in_doubt, self.asked_at + self.pause) if self.has_no_answer else in_doubt

    @property
    def can_be_listed(self) -> bool:
        """Whether a list can tell of it; not of a job that the vendor did not know the last time."""
        return not self.has_ended and not self.is_not_found

    def rest(self, now: float, pause: float, jitter: float = 1.0) -> None:
        """Note that it was asked for.

        :param now: the time.
        :param pause: seconds until it is to be asked for again; at its deadline at the latest.
        :param jitter: what the pause is multiplied by, the same for all jobs of one request, which so stay together.
            Default: 1.
        """
        self.asked_at, self.pause = now, pause
        self.due_at = min(now + pause * jitter, max(self.deadline, now))

    def set_deadline(self, deadline: float) -> None:
        """Set the deadline anew, where the wall clock was set.

        :param deadline: when to give up.
        """
        self._take_deadline(deadline)
        self.due_at = min(self.due_at, max(deadline, self.asked_at))

    def _take_deadline(self, deadline: float) -> None:
        self.deadline = deadline
        # When its wait ends even without a last request. Kept, since each step of a poller reads it for all jobs.
        self.gives_up_at = max(deadline, self.added_at) + _LAST_REQUEST_WITHIN


J = TypeVar("J", bound=PendingJob)


@dataclass(frozen=True, slots=True)
class AskOne(Generic[J]):
    """Ask for one job by itself.

    :param job: the job.
    """

    job: J


@dataclass(frozen=True, slots=True)
class AskTogether(Generic[J]):
    """Ask for many jobs at once.

    :param jobs: the jobs.
    """

    jobs: list[J]


@dataclass(frozen=True, slots=True)
class Rest:
    """Ask for nothing for a while.

    :param seconds: for how long.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class ListTraits:
    """What is known of a vendor's list.

    :param jobs_per_request: of how many jobs one request tells.
    :param jobs_per_call: of how many jobs one call may ask; ``None`` for any number, in several requests.
    :param is_conclusive: whether the list tells how a job has ended.
    """

    jobs_per_request: int
    jobs_per_call: int | None
    is_conclusive: bool


@dataclass(frozen=True, slots=True)
class ListHistory:
    """What earlier requests have shown; each request makes a new one.

    :param asked_at: when the last request was made.
    :param lists_in_a_row: how many lists were read since a job was asked for by itself.
    :param failures: how many lists failed since one was read.
    :param requests: how many requests the list took the last time; ``None`` if it was not read.
    :param again_at: from when on it may be read again, where it takes several requests.
    :param in_vain_until: until when it is not worth a try.
    """

    asked_at: float = -math.inf
    lists_in_a_row: int = 0
    failures: int = 0
    requests: int | None = None
    again_at: float = -math.inf
    in_vain_until: float = -math.inf

    def with_one_asked(self, now: float) -> ListHistory:
        """Note that a job was asked for by itself.

        :param now: the time.
        :return: the history with it.
        """
        return dataclasses.replace(self, asked_at=now, lists_in_a_row=0)

    def with_failure(self, now: float) -> ListHistory:
        """Note that a list failed.

        :param now: the time.
        :return: the history with it.
        """
        return dataclasses.replace(
            self, asked_at=now, lists_in_a_row=self.lists_in_a_row + 1, failures=self.failures + 1
        )

    def without_list(self, now: float) -> ListHistory:
        """Note that single jobs are told of while lists fail: it is lists alone that fail, and they can wait.

        :param now: the time.
        :return: the history with it.
        """
        if not self.failures or now < self.in_vain_until:
            return self
        wait = min(_MINUTE * 2 ** min(self.failures - 1, 9), _WITHOUT_LIST)
        return dataclasses.replace(self, in_vain_until=now + wait)

    def with_list_read(self, now: float) -> ListHistory:
        """Note that a list was read.

        :param now: the time.
        :return: the history with it.
        """
        return dataclasses.replace(self, asked_at=now, lists_in_a_row=self.lists_in_a_row + 1, failures=0)

    def with_list_taking(self, requests: int, now: float, *, pace: int) -> ListHistory:
        """Note how many requests a list took that was read as far as it was needed.

        :param requests: how many it took.
        :param now: the time.
        :param pace: how many may go out in a minute.
        :return: the history with it.
        """
        requests = max(1, requests)
        return dataclasses.replace(self, requests=requests, again_at=now + requests * _MINUTE / (pace * LIST_SHARE))

    def with_list_cut_short(self, now: float, *, free: int, pace: int) -> ListHistory:
        """Note that the list took more requests than there were.

        :param now: the time.
        :param free: how many there were when it began.
        :param pace: how many may go out in a minute.
        :return: the history with it.
        """
        return dataclasses.replace(
            self,
            # Where another process was faster, fewer were free than it is known to take.
            requests=max(self.requests or 0, free + 1, math.ceil(1.5 * free)),
            in_vain_until=now + _WITHOUT_LIST if free >= pace else self.in_vain_until,
        )


def choose(
    jobs: Sequence[J], now: float, *, free: int, pace: int, traits: ListTraits, history: ListHistory
) -> AskOne[J] | AskTogether[J] | Rest:
    """Choose what a poller does next.

    :param jobs: who waits.
    :param now: the time.
    :param free: how many requests may go out now.
    :param pace: how many may go out in a minute.
    :param traits: what is known of the vendor's list.
    :param history: what earlier requests have shown.
    :return: whom to ask for, or how long to rest.
    """
    if not jobs:
        return Rest(LONGEST_REST)
    size = traits.jobs_per_call or len(jobs)
    all_due = [job for job in jobs if job.due_at <= now]
    # Those of the next request: whose deadline has passed, who are known to have ended, who have waited longest.
    due = heapq.nsmallest(size, all_due, key=lambda job: (now < job.deadline, not job.has_ended, job.asked_at))
    due_soon = [job for job in jobs if job.due_at <= now + _MINUTE]
    soon = len(due_soon)
    is_room_for_all = len(all_due) <= free and sum(job.requests_per_minute for job in due_soon) <= pace
    if due and (due[0].has_ended or size == 1 or is_room_for_all):
        return AskOne(due[0])
    if due and now < history.in_vain_until:
        # The minute is shared out among them.
        too_soon = history.asked_at + _MINUTE / (pace * (1 - LIST_SHARE)) - now
        return _rest_at_most(too_soon, jobs, now) if too_soon > 0 else AskOne(due[0])
    is_room_for_one = free > math.ceil(soon / traits.jobs_per_request)
    if is_room_for_one or (due and history.lists_in_a_row >= _LISTS_IN_A_ROW):
        # No job is asked for that has waited less than the others of the next request.
        doubtful = _most_doubtful(due or jobs, now)
        if doubtful is not None:
            return AskOne(doubtful)
    if not due:
        return _rest_until_next(jobs, now)
    rest: float | None = 0.0
    if not traits.is_conclusive:
        requests = history.requests or math.ceil(len(jobs) / traits.jobs_per_request)
        due_since = min(job.due_at for job in due)
        rest = _until_list(now, free=free, pace=pace, requests=requests, due_since=due_since, history=history)
    return _list_after(rest, due, jobs, now, size)


def _list_after(
    rest: float | None, due: list[J], jobs: Sequence[J], now: float, size: int
) -> AskOne[J] | AskTogether[J] | Rest:
    """Ask for many jobs at once, now or after a rest; for one by itself where none can be listed."""
    if rest:
        return _rest_at_most(rest, jobs, now)
    together = [job for job in due if job.can_be_listed]
    if rest is None or not together:
        return AskOne(due[0])
    return AskTogether(_fill_up(together, jobs, size))


def _until_list(
    now: float, *, free: int, pace: int, requests: int, due_since: float, history: ListHistory
) -> float | None:
    """Tell how long to rest before the list is read; ``None`` if others have taken the requests for too long."""
    if now < history.again_at:
        return history.again_at - now
    missing = min(requests, pace) - free
    if missing <= 0:
        return 0.0
    if now - max(history.asked_at, history.again_at, due_since) > _LIST_WAITS_AT_MOST:
        return None
    return min(missing * _MINUTE / pace, _MINUTE)


def _fill_up(chosen: list[J], jobs: Sequence[J], size: int) -> list[J]:
    """Take as many as one call asks for: those that are due, then those that are due next."""
    taken = set(chosen)
    others = (job for job in jobs if job not in taken and job.can_be_listed)
    return chosen + heapq.nsmallest(size - len(chosen), others, key=attrgetter("due_at"))


def _rest_at_most(seconds: float, jobs: Sequence[PendingJob], now: float) -> Rest:
    """Rest, but sleep through no end of a wait."""
    return Rest(max(min(seconds, min(job.gives_up_at for job in jobs) - now), _SHORTEST_REST))


def _rest_until_next(jobs: Sequence[PendingJob], now: float) -> Rest:
    """Rest until a job is due, or is worth a request of its own."""
    at = min(job.due_at for job in jobs)
    doubt = min(job.single_from for job in jobs)
    at = min(at, now + LONGEST_REST, doubt if doubt > now else math.inf)
    return Rest(max(at - now, _SHORTEST_REST))


def _most_doubtful(jobs: Sequence[J], now: float) -> J | None:
    """Find the job whose existence was confirmed longest ago, if there is one that it is time to ask for."""
    doubtful = [job for job in jobs if job.single_from <= now]
    # One that was never confirmed comes first.
    return min(doubtful, key=lambda job: (job.confirmed_at or 0.0, job.added_at), default=None)
