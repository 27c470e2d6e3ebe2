"""Which faxes of a batch a retry of Airflow's own sends again, and after how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import has_pages_delivered
from airflow_provider_faxto.fax.retries import RETRY_DELAYS, next_delay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from airflow_provider_faxto.fax.outcome import FaxCause
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.sending.run_state import SendJournal

__all__ = ["RetryRules"]


@dataclass(frozen=True, slots=True)
class RetryRules:
    """What a task says of further attempts.

    :param delays: the table of its ``FaxRetryPolicy``; ``None`` if it has none, and then each retry is for all causes.
    :param resend_partial: whether a fax of which pages arrived may be sent again.
    """

    delays: Mapping[FaxCause, Sequence[timedelta]] | None
    resend_partial: bool

    @classmethod
    def of(cls, task: Any, *, resend_partial: bool) -> RetryRules:  # noqa: ANN401 - any operator
        """Read the rules of a task.

        :param task: the task.
        :param resend_partial: as for the class.
        :return: the rules.
        """
        delays = getattr(getattr(task, "retry_policy", None), "delays", None)
        return cls(delays if isinstance(delays, Mapping) else None, resend_partial)

    def delay_of(self, status: FaxStatus, journal: SendJournal) -> timedelta | None:
        """Tell after how long a failed fax is best tried again.

        :param status: its status.
        :param journal: its notes, with that status.
        :return: the delay; ``None`` if it is best not tried again.
        """
        return next_delay(status.cause, journal.count_failures(status.cause), self.delays or RETRY_DELAYS)

    def allow(self, status: FaxStatus, journal: SendJournal) -> bool:
        """Tell whether a retry sends a fax again that has failed.

        :param status: its status.
        :param journal: its notes, with that status.
        :return: whether it does.
        """
        if status.outcome is not FaxOutcome.RETRYABLE or status.job_id is None:
            return False
        if has_pages_delivered(status) and not self.resend_partial:
            return False
        return self.delays is None or self.delay_of(status, journal) is not None

    def find_given_up(self, journal: SendJournal, key: str) -> FaxStatus | None:
        """Find the last failure of a fax, if the policy allows no further attempt for its cause.

        :param journal: the notes of the fax.
        :param key: its key.
        :return: the status; ``None`` if the fax may be sent, as far as the policy is concerned.
        """
        last = journal.sends[-1] if journal.sends else None
        if self.delays is None or last is None or last.status is None or last.key != key:
            return None
        is_retryable = last.status.outcome is FaxOutcome.RETRYABLE
        return last.status if is_retryable and self.delay_of(last.status, journal) is None else None
