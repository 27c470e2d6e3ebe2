"""How long to wait before a failed fax is sent again, and how often: one table, by cause.

The vendor dials several times by itself before it reports a failure (InterFAX up to four times, some minutes
apart), so each line here is a further *attempt*, a fax job of its own, on top of that.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.outcome import FaxCause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["RETRY_DELAYS", "attempts_since_clear", "next_delay"]


def _minutes(*minutes: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=each) for each in minutes)


RETRY_DELAYS: Mapping[FaxCause, tuple[timedelta, ...]] = MappingProxyType(
    {
        # A call in progress ends; a machine that serves many callers needs more room each time.
        FaxCause.BUSY: _minutes(5, 5, 15, 40),
        # Switched off, out of paper, or a closed office: minutes do not help.
        FaxCause.NO_ANSWER: _minutes(15, 30, 60),
        # The network: another route, or the same one a little later.
        FaxCause.TELEPHONY: _minutes(5, 15, 30),
        FaxCause.TRANSMISSION: _minutes(5, 15),
        FaxCause.INCOMPATIBLE_MACHINE: _minutes(15),
        # Often a person, or a voice line, who must not be called again and again.
        FaxCause.HANGUP: _minutes(15),
        FaxCause.HUMAN_ANSWERED: _minutes(60),
        # The vendor's own trouble, and what it cannot name: once, then a person should look.
        FaxCause.INTERNAL: _minutes(30),
        FaxCause.UNSPECIFIED: _minutes(30),
    }
)
"""The delay before each further attempt, by cause: after the first failure for it, the second, and so on. A failure for
any other cause is not attempted again."""


def next_delay(
    cause: FaxCause | None, failures: int, delays: Mapping[FaxCause, Sequence[timedelta]] = RETRY_DELAYS
) -> timedelta | None:
    """Tell how long to wait before the next attempt.

    :param cause: why the last attempt failed; ``None`` counts as ``unspecified``.
    :param failures: how often the fax has failed for this cause so far, the last time included; at least 1.
    :param delays: the table. Default: :data:`RETRY_DELAYS`.
    :return: the delay; ``None`` if no further attempt is to be made.
    """
    line = delays.get(cause or FaxCause.UNSPECIFIED, ())
    return line[failures - 1] if failures <= len(line) else None


def attempts_since_clear(try_number: int, max_tries: int, retries: int | None) -> int:
    """Count the runs of a task instance since a user last cleared it, from the numbers that Airflow keeps.

    A clear raises ``max_tries`` by as many runs as there were, so that the task has all its retries again.

    :param try_number: the number of this run, counted from 1 over all clears.
    :param max_tries: the number of retries up to which Airflow would go, counted over all clears.
    :param retries: the task's ``retries``; ``None`` if they are not known, and then no clear is counted.
    :return: how many runs there were, this one included; at least 1.
    """
    runs_before_clear = max(max_tries - retries, 0) if retries is not None else 0
    return max(try_number - runs_before_clear, 1)
