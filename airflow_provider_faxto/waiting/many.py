"""Waiting for many fax jobs of one task, on a worker or in a trigger, and telling what became of all in one event."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxAuthenticationError, FaxError, FaxNotFoundError, FaxRateLimitError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.packing import (
    mark_of_reference,
    pack,
    pack_ids,
    pack_marks,
    pack_statuses,
    unpack,
    unpack_ids,
    unpack_marks,
    unpack_statuses,
)
from airflow_provider_faxto.waiting.followed import FollowedJob, FollowedJobs
from airflow_provider_faxto.waiting.waiter import NO_VENDOR, status_at_deadline, unknown_status

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["EndOfWait", "JobsInWait", "Progress", "look_once_more", "read_event", "wait_on_worker"]

log = logging.getLogger(__name__)

_TOLD_EVERY = 60.0
_STILL_TOLD_EVERY = 600.0
_ASKED_TOGETHER = 100


class EndOfWait(StrEnum):
    """Why the wait for a job ended."""

    TOLD = "told"
    """With what the vendor said of it."""
    OPEN = "open"
    """Without a word of the vendor: by the deadline, or since the wait could not go on."""
    NO_SUCH_JOB = "no_such_job"
    """The vendor did not know it for a whole minute."""
    REFUSED = "refused"
    """The vendor refuses the credentials."""


class Progress:
    """Says every so often, in one line of the log, how far many faxes have come.

    :param total: how many there are.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._told_at = clock.monotonic()
        self._told: str | None = None

    def tell(self, counts: Mapping[FaxOutcome, int], *, at_once: bool = False) -> None:
        """Say it, if a minute has passed since the last time and something has changed, or ten.

        :param counts: how many have which outcome.
        :param at_once: whether to say it in any case. Default: ``False``.
        """
        since = clock.monotonic() - self._told_at
        if not at_once and since < _TOLD_EVERY:
            return
        pending = counts.get(FaxOutcome.PENDING, 0)
        said = (
            f"{sum(counts.values())} of {self._total} faxes sent or settled: {pending} waiting, "
            f"{counts.get(FaxOutcome.SUCCESS, 0)} delivered, "
            f"{counts.get(FaxOutcome.RETRYABLE, 0) + counts.get(FaxOutcome.FATAL, 0)} failed, "
            f"{counts.get(FaxOutcome.UNKNOWN, 0)} unknown."
        )
        if at_once or said != self._told or since >= _STILL_TOLD_EVERY:
            self._told, self._told_at = said, clock.monotonic()
            log.info("%s", said)


class JobsInWait:
    """The fax jobs that one task waits for, and what has become of each.

    :param job_ids: the fax jobs.
    :param marks: what :func:`~airflow_provider_faxto.fax.packing.mark_of_reference` makes of the key of each.
    """

    def __init__(self, job_ids: Sequence[str], marks: Sequence[bytes]) -> None:
        if len(job_ids) != len(marks):
            raise ValueError("each job has a mark")
        self.job_ids = list(job_ids)
        self._marks = list(marks)
        self._statuses: list[FaxStatus | None] = [None] * len(self.job_ids)
        self._followed: dict[int, FollowedJob] = {}
        self._left = len(self.job_ids)
        self._broken: set[int] = set()
        self.on_end: Callable[[], object] = lambda: None
        """Called in the thread that has learned it, when no job is waited for any more, or a thread has ended."""

    @classmethod
    def unpack(cls, jobs: str, marks: str) -> JobsInWait:
        """Restore the jobs from a trigger's arguments.

        :param jobs: what :meth:`pack` made.
        :param marks: the same.
        :return: the jobs, all of them waited for.
        """
        return cls(unpack_ids(jobs), unpack_marks(marks))

    def pack(self) -> tuple[str, str]:
        """Turn the jobs into two short texts, for a trigger's arguments.

        :return: the jobs, and the marks of their keys.
        """
        return pack_ids(self.job_ids), pack_marks(self._marks)

    @property
    def marks(self) -> Sequence[bytes]:
        """The marks of the keys, in the order of the jobs."""
        return self._marks

    @property
    def is_over(self) -> bool:
        """Whether the wait for each is over."""
        return self._left <= 0

    @property
    def waiting(self) -> list[int]:
        """The places of those that are waited for."""
        return [place for place, status in enumerate(self._statuses) if status is None]

    def counts(self) -> Counter[FaxOutcome]:
        """Count the outcomes.

        :return: how many have which; those that are waited for are pending.
        """
        return Counter(FaxOutcome.PENDING if status is None else status.outcome for status in self._statuses)

    def follow(self, place: int, job: FollowedJob) -> None:
        """Note by what a job is followed.

        :param place: its place.
        :param job: what follows it.
        """
        self._followed[place] = job

    def note(self, place: int, result: FaxStatus | BaseException) -> None:
        """Take what a thread tells of a job.

        :param place: its place.
        :param result: the final status, or what ended the thread.
        """
        if isinstance(result, BaseException):
            self._broken.add(place)
            self.on_end()
        elif self._statuses[place] is None:
            self._statuses[place] = self._check_reference(place, result)
            self._left -= 1
            if self.is_over:
                self.on_end()

    def take_broken(self) -> list[int]:
        """Give the places of those whose thread has ended, once.

        :return: the places.
        """
        broken, self._broken = self._broken, set()
        return sorted(broken)

    def give_up(self) -> None:
        """End the wait for all that are waited for: the deadline has passed."""
        for place in self.waiting:
            job = self._followed.get(place)
            self.note(place, status_at_deadline(NO_VENDOR, self.job_ids[place]) if job is None else job.give_up())

    def followed(self) -> list[FollowedJob]:
        """Give all that follow a job.

        :return: what :meth:`follow` was given.
        """
        return list(self._followed.values())

    def to_event(self, deadline: float | None) -> dict[str, Any]:
        """Make the payload of the trigger's event.

        :param deadline: when the wait was to end, in seconds since the epoch.
        :return: plain JSON types, for :func:`read_event`: no exception text, no secret, no number.
        """
        statuses = [status for status in self._statuses if status is not None]
        ends = [self._end_of(place, status).value for place, status in enumerate(statuses)]
        return {"statuses": pack_statuses(statuses), "ends": pack(ends), "deadline": deadline}

    def _end_of(self, place: int, status: FaxStatus) -> EndOfWait:
        if status.outcome is not FaxOutcome.UNKNOWN:
            return EndOfWait.TOLD
        job = self._followed.get(place)
        error = job.ended_by if job is not None else None
        if isinstance(error, FaxNotFoundError):
            return EndOfWait.NO_SUCH_JOB
        if isinstance(error, FaxAuthenticationError):
            return EndOfWait.REFUSED
        if error is not None or job is None or job.waiter is None:
            return EndOfWait.OPEN
        # At the deadline the last status that was read is still pending, or there was none.
        last = job.waiter.last
        return EndOfWait.TOLD if last is not None and last.is_final else EndOfWait.OPEN

    def _check_reference(self, place: int, status: FaxStatus) -> FaxStatus:
        """Tell by the reference that the vendor shows, if it shows one, whether the job is this fax."""
        mark = self._marks[place]
        if status.reference is None or not any(mark) or mark_of_reference(status.reference) == mark:
            return status
        job_id = self.job_ids[place]
        log.error("The vendor shows fax job %s under another reference than it was sent with.", job_id)
        return unknown_status(
            status.vendor,
            job_id,
            f"The vendor shows job {job_id} under another reference, so it is another fax. What became of this one is "
            "not known; look at the vendor's own list of faxes.",
        )


def read_event(event: Mapping[str, Any]) -> tuple[list[FaxStatus], list[EndOfWait]]:
    """Read what :meth:`JobsInWait.to_event` made.

    :param event: the payload.
    :return: the status of each job, and why the wait for it ended, in the order of the jobs.
    :raises FaxInputError: if the payload is not one that the trigger sends.
    """
    statuses = unpack_statuses(str(event.get("statuses")))
    return statuses, [EndOfWait(end) for end in unpack(str(event.get("ends")))]


def wait_on_worker(
    jobs: JobsInWait,
    conn_id: str,
    make_hook: Callable[[], FaxHook],
    *,
    poll_interval: float,
    deadline: float,
    progress: Callable[[], None],
) -> None:
    """Wait on the worker until each job has a permanent status or the deadline has passed.

    :param jobs: the jobs.
    :param conn_id: the Airflow connection, for the log.
    :param make_hook: looks the connection up and makes its hook, with ``POLLING``.
    :param poll_interval: seconds between two requests for a job.
    :param deadline: when to give up, in seconds since the epoch.
    :param progress: called after each request.
    """
    from airflow_provider_faxto.waiting.account import WaitAccount
    from airflow_provider_faxto.waiting.poller import follow_to_the_end

    followed, ended_by = FollowedJobs(conn_id, after_request=progress), None
    for place in jobs.waiting:
        job = FollowedJob(jobs.job_ids[place], poll_interval, deadline, partial(jobs.note, place), tells=False)
        jobs.follow(place, job)
        followed.add(job)
    with contextlib.closing(WaitAccount(conn_id, make_hook)) as account:
        try:
            follow_to_the_end(followed, account)
        except FaxError as error:
            ended_by = error
    if ended_by is not None:
        log.error("The wait for %d fax jobs cannot go on: %s", len(followed), ended_by)
        for job in followed.close():
            followed.end_wait(job, followed.vendor, ended_by)


def look_once_more(hook: FaxHook, job_ids: Sequence[str]) -> dict[str, FaxStatus]:
    """Ask once more for jobs whose wait ended without a word of the vendor, as far as the account may be asked now.

    :param hook: the account, with ``POLLING``.
    :param job_ids: the jobs.
    :return: what the vendor tells of them, of some or of none.
    :raises FaxAuthenticationError: if the vendor refuses the credentials.
    :raises FaxConfigurationError: if the connection cannot be used.
    """
    from airflow_provider_faxto.fax.errors import FaxConfigurationError

    found: dict[str, FaxStatus] = {}
    for start in range(0, len(job_ids), _ASKED_TOGETHER):
        try:
            found |= hook.get_statuses(job_ids[start : start + _ASKED_TOGETHER])
        except FaxRateLimitError:
            break
        except (FaxAuthenticationError, FaxConfigurationError):
            raise
        except FaxError as error:
            log.warning("The last look at %d fax jobs has failed: %s", len(job_ids), error)
            break
    return found
