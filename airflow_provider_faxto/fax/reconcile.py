"""What a run of a task does about its fax, by what is known of the sends before it. A pure function.

This is where "a fax is sent once" is kept; everything else only brings in what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["Action", "Decision", "EarlierRuns", "NotedSend", "find_conflict", "has_pages_delivered", "reconcile"]


class Action(StrEnum):
    """What to do about a logical fax."""

    SEND = "send"
    """Make a fax job: it is proven that none is under way and none was delivered."""
    ADOPT = "adopt"
    """Wait for the fax job that an earlier run made."""
    RETURN = "return"
    """An earlier run's fax was delivered: report it."""
    WAIT = "wait"
    """Nothing is found, but a job that was just made may not show yet: look again before anything is sent."""
    UNKNOWN = "unknown"
    """A fax job may exist whose outcome is not known: send nothing, and say so."""
    RAISE = "raise"
    """A fax job failed in a way that leaves a second send to the user: some of its pages had arrived, or it failed for
    good, or the task returns its failures, and no user has asked for more. Report it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, and the fax job that it is about.

    :param action: what to do.
    :param job: the job to adopt, return, report or raise for; with ``send`` and ``wait`` the newest failed one.
        ``None`` where there is no such job.
    """

    action: Action
    job: FaxStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedSend:
    """One send of a task instance, as its journal notes it.

    :param key: the key of the fax.
    :param account: names the account by a hash of host and user; ``None`` if that is not known.
    :param run: the number of the run that sent, counted as Airflow counts tries.
    :param began_at: when the send began, in seconds since the epoch; ``None`` if that is not known.
    :param document_id: the vendor's id of the uploaded document, where there is one.
    :param job_id: the fax job that came of it; ``None`` as long as no answer is known.
    :param status: the final status of that job; ``None`` as long as there is none.
    :param is_not_sent: whether it is proven that no fax job came of it. Default: ``False``.
    :param is_counted: whether its end stands in the figures. Default: ``False``.
    """

    key: str
    account: str | None
    run: int
    began_at: float | None = None
    document_id: str | None = None
    job_id: str | None = None
    status: FaxStatus | None = None
    is_not_sent: bool = False
    is_counted: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing more can come of it: its final status is noted, or it is proven that nothing was sent."""
        return self.is_not_sent or self.status is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRuns:
    """What is known of the runs of this task instance before this one, apart from what the vendor's records show.

    :param runs: how many there were. Default: 0.
    :param user_initiated: whether a user has set this run going, by starting or by clearing its task; else it is a
        retry of Airflow's own. Default: ``True``.
    :param first_run: the number of the first run since the last clear. Default: 1.
    :param unnoted_runs: how many of them left no note, so that each may have sent once. Default: 0.
    :param sends: the sends that are noted, in order. Default: none.
    :param began_at: the moment before which no run of this task instance can have sent, in seconds since the epoch.
        Default: not known.
    :param cleared_at: the moment before which no run since the last clear can have sent, in seconds since the epoch,
        where Airflow tells one that is later than ``began_at``. Default: not known.
    """

    runs: int = 0
    user_initiated: bool = True
    first_run: int = 1
    unnoted_runs: int = 0
    sends: Sequence[NotedSend] = ()
    began_at: float | None = None
    cleared_at: float | None = None


def reconcile(
    jobs: Sequence[FaxStatus],
    *,
    key: str,
    sends_made: int,
    grace_over: bool,
    absence_proves: bool = True,
    is_one_lost: bool = False,
    resend_partial: bool = False,
    user_initiated: bool = True,
    returns_failures: bool = False,
) -> Decision:
    """Decide what to do about a logical fax.

    :param jobs: every fax job that is known of this task instance's fax, newest first: those under ``key``, and those
        whose key has the same first part. Their ``reference`` says which; ``None`` stands for ``key``. The records
        were read whole; where they could not be, there is nothing to decide and nothing may be sent.
    :param key: the key of the fax.
    :param sends_made: how many sends the earlier runs can have made at most. A run sends at most once, so once
        as many jobs are known, none can be missing.
    :param grace_over: whether the last of those sends lies so far back that the records must show it by now.
    :param absence_proves: whether a send of which no job is known made none, once the grace is over. Not where the
        vendor's records may not reach back to it. Default: ``True``.
    :param is_one_lost: whether a job that the journal names is not shown by the vendor, and its end was not noted.
        Default: ``False``.
    :param resend_partial: whether a fax of which pages arrived may be sent again, whole. Default: ``False``.
    :param user_initiated: whether a user has set this run going: the first, or the first after a clear. With
        ``False`` it is Airflow's own retry, which cannot mend what failed for good, and in which the newest job is the
        fax whatever the second part of its key: a document that is rendered anew for each run is still the same fax.
        Default: ``True``.
    :param returns_failures: whether the task returns a failure of the fax instead of raising it. Then no retry of
        Airflow's own is meant for the fax: the run that would have returned the newest failure died first. Only where
        that job was made since the last clear. Default: ``False``.
    :return: the action. In order: a job under way is adopted; a delivered one is returned; one whose outcome
        is not known stops everything, and so does one of which pages arrived, unless the user said otherwise, and
        in Airflow's own retry the newest, if it failed for good, or at all where failures are returned, and was not
        canceled; with other failed jobs alone, or none, a send is due, but not while a job may still be missing from
        the records, and never where one is missing and its absence proves nothing.
    """
    counted = [job for job in jobs if job.reference in (None, key)]
    if not user_initiated and jobs and jobs[0] not in counted:
        counted.insert(0, jobs[0])
    is_reported = () if user_initiated else _FAILED if returns_failures else (FaxOutcome.FATAL,)
    decided = _decided_by_a_job(counted, resend_partial=resend_partial, is_reported=is_reported)
    if decided is not None:
        return decided
    newest = counted[0] if counted else None
    if not is_one_lost and len(jobs) >= sends_made:
        return Decision(Action.SEND, newest)
    if not grace_over:
        return Decision(Action.WAIT, newest)
    return Decision(Action.SEND, newest) if absence_proves and not is_one_lost else Decision(Action.UNKNOWN)


def _decided_by_a_job(
    jobs: Sequence[FaxStatus], *, resend_partial: bool, is_reported: Sequence[FaxOutcome]
) -> Decision | None:
    """Decide by one of the jobs, if one of them forbids a send; the newest does if its failure is to be reported."""
    for outcome, action in _IN_ORDER:
        for job in jobs:
            if job.outcome is outcome:
                return Decision(action, job)
    partial = next(filter(has_pages_delivered, jobs), None)
    if partial is not None and not resend_partial:
        return Decision(Action.RAISE, partial)
    # The run that would have reported it died first. A canceled fax is no failure of the fax: its task was stopped.
    is_due = jobs and jobs[0].outcome in is_reported and jobs[0].cause is not FaxCause.CANCELED
    return Decision(Action.RAISE, jobs[0]) if is_due else None


def has_pages_delivered(job: FaxStatus) -> bool:
    """Tell whether a fax job failed although pages of it arrived.

    :param job: a fax job.
    :return: whether the vendor confirms pages of a fax that was not delivered. Fax.to reports no pages, so its
        jobs never count as such.
    """
    return job.outcome in _FAILED and bool(job.pages_sent)


def find_conflict(jobs: Sequence[FaxStatus], key: str) -> FaxStatus | None:
    """Find the fax that forbids another one under the same ``idempotency_key``.

    :param jobs: the fax jobs under keys with the same first part.
    :param key: the key of the fax that is to be sent.
    :return: the first job with another second part that is under way, was delivered, or whose outcome is not known;
        ``None`` if all such jobs have failed.
    """
    may_have_arrived = (FaxOutcome.PENDING, FaxOutcome.SUCCESS, FaxOutcome.UNKNOWN)
    others = (job for job in jobs if job.reference not in (None, key))
    return next((job for job in others if job.outcome in may_have_arrived), None)


_FAILED = (FaxOutcome.RETRYABLE, FaxOutcome.FATAL)
_IN_ORDER = (
    (FaxOutcome.PENDING, Action.ADOPT),
    (FaxOutcome.SUCCESS, Action.RETURN),
    (FaxOutcome.UNKNOWN, Action.UNKNOWN),
)
