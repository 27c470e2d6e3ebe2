"""What a run of a task does about its fax, decided from what the vendor's records show. A pure function.

This is where "a fax is sent once" is kept; everything else only brings in what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["Action", "Decision", "decide"]


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
    """A fax job exists of which nobody can tell what became of it: send nothing, and say so."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, and the fax job that it is about.

    :param action: what to do.
    :param job: the job to adopt, return or report; with ``send`` and ``wait`` the newest failed one. ``None``
        where there is none.
    """

    action: Action
    job: FaxStatus | None = None


def decide(jobs: Sequence[FaxStatus], *, sends_made: int, grace_over: bool) -> Decision:
    """Decide what to do about a logical fax.

    :param jobs: every fax job that the vendor's records show under the fax's key, newest first. The records
        were read whole; where they could not be, there is nothing to decide and nothing may be sent.
    :param sends_made: how many sends the earlier runs can have made at most. A run sends at most once, so once
        the records show as many jobs, none can be missing.
    :param grace_over: whether the last of those sends lies so far back that the records must show it by now.
    :return: the action. In order: a job under way is adopted; a delivered one is returned; one whose outcome
        nobody knows stops everything; with failed jobs alone, or none, a send is due, but not while a job may
        still be missing from the records.
    """
    for outcome, action in _IN_ORDER:
        for job in jobs:
            if job.outcome is outcome:
                return Decision(action, job)
    none_missing = grace_over or len(jobs) >= sends_made
    return Decision(Action.SEND if none_missing else Action.WAIT, jobs[0] if jobs else None)


_IN_ORDER = (
    (FaxOutcome.PENDING, Action.ADOPT),
    (FaxOutcome.SUCCESS, Action.RETURN),
    (FaxOutcome.UNKNOWN, Action.UNKNOWN),
)
