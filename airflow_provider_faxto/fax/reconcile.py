"""What a run of a task does about its fax, by what the vendor's records show. A pure function.

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

__all__ = ["Action", "Decision", "EarlierRuns", "find_duplicate", "has_pages_delivered", "reconcile"]


class Action(StrEnum):
    """What to do about a logical fax."""

    SEND = "send"
    """Make a fax job: the records prove that none is under way and none was delivered."""
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
    good and no user has asked for more. Report it."""


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
class EarlierRuns:
    """What is known of the runs of this task instance before this one, apart from what the vendor's records show.

    :param runs: how many there were. With 0 the fax is sent without a look at the vendor's records.
    :param user_initiated: whether a user has set this run going, by starting or by clearing its task; else it is a
        retry of Airflow's own. Default: ``True``.
    :param sends: how many sends of this fax they can have made at most. A run sends at most once.
    :param last_job_id: the fax job that came of the last of these sends, where a run could note it.
    """

    runs: int = 0
    user_initiated: bool = True
    sends: int = 0
    last_job_id: str | None = None


def reconcile(
    jobs: Sequence[FaxStatus],
    *,
    sends_made: int,
    grace_over: bool,
    resend_partial: bool = False,
    user_initiated: bool = True,
) -> Decision:
    """Decide what to do about a logical fax.

    :param jobs: every fax job that the vendor's records show under the fax's key, newest first. The records
        were read whole; where they could not be, there is nothing to decide and nothing may be sent.
    :param sends_made: how many sends the earlier runs can have made at most. A run sends at most once, so once
        the records show as many jobs, none can be missing.
    :param grace_over: whether the last of those sends lies so far back that the records must show it by now.
    :param resend_partial: whether a fax of which pages arrived may be sent again, whole. Default: ``False``.
    :param user_initiated: whether a user has set this run going: the first, or the first after a clear. With
        ``False`` it is Airflow's own retry, which cannot mend what failed for good. Default: ``True``.
    :return: the action. In order: a job under way is adopted; a delivered one is returned; one whose outcome
        is not known stops everything, and so does one of which pages arrived, unless the user said otherwise, and
        in Airflow's own retry the newest, if it failed for good and was not canceled; with other failed jobs
        alone, or none, a send is due, but not while a job may still be missing from the records.
    """
    for outcome, action in _IN_ORDER:
        for job in jobs:
            if job.outcome is outcome:
                return Decision(action, job)
    if not resend_partial:
        for job in jobs:
            if has_pages_delivered(job):
                return Decision(Action.RAISE, job)
    # The run that would have reported it died first. A canceled fax is no failure of the fax: its task was stopped.
    if not user_initiated and jobs and jobs[0].outcome is FaxOutcome.FATAL and jobs[0].cause is not FaxCause.CANCELED:
        return Decision(Action.RAISE, jobs[0])
    none_missing = grace_over or len(jobs) >= sends_made
    return Decision(Action.SEND if none_missing else Action.WAIT, jobs[0] if jobs else None)


def has_pages_delivered(job: FaxStatus) -> bool:
    """Tell whether a fax job failed although pages of it arrived.

    :param job: a fax job.
    :return: whether the vendor confirms pages of a fax that was not delivered. Fax.to reports no pages, so its
        jobs never count as such.
    """
    return job.outcome in (FaxOutcome.RETRYABLE, FaxOutcome.FATAL) and bool(job.pages_sent)


def find_duplicate(jobs: Sequence[FaxStatus]) -> FaxStatus | None:
    """Find what forbids a send, among the fax jobs that sent the same document to the same number lately.

    :param jobs: these jobs, whichever DAG run they are of.
    :return: the first that is under way, was delivered, or whose outcome is not known; ``None`` if all have
        failed.
    """
    may_have_arrived = (FaxOutcome.PENDING, FaxOutcome.SUCCESS, FaxOutcome.UNKNOWN)
    return next((job for job in jobs if job.outcome in may_have_arrived), None)


_IN_ORDER = (
    (FaxOutcome.PENDING, Action.ADOPT),
    (FaxOutcome.SUCCESS, Action.RETURN),
    (FaxOutcome.UNKNOWN, Action.UNKNOWN),
)
