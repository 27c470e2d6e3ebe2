"""A retry policy for faxes: each cause has its own delay and its own number of attempts. Airflow 3.3 and later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_faxto.exceptions import FaxRetryableError
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxCause
from airflow_provider_faxto.fax.retries import RETRY_DELAYS, attempts_since_clear, next_delay

try:
    from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy
except ImportError as error:
    raise AirflowOptionalProviderFeatureException(
        "FaxRetryPolicy needs Airflow 3.3. On this release set retries and retry_delay on the task."
    ) from error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

__all__ = ["FaxRetryPolicy"]


class FaxRetryPolicy(RetryPolicy):
    """Decides after a failed attempt whether and when ``SendFaxOperator`` tries again.

    Give it to the operator as ``retry_policy``, with ``retries`` as the most attempts that any cause may have::

        SendFaxOperator(..., retries=4, retry_policy=FaxRetryPolicy())

    It counts how often the fax has failed for the cause since the task was last cleared, and not the runs of the task.
    Airflow asks it about ``FaxRetryableError`` and other errors that can be retried; a fatal failure and an unknown
    outcome never come here. For errors that are not about a failed fax the task's own ``retry_delay`` applies.

    :param delays: other lines for the table of :data:`~airflow_provider_faxto.fax.retries.RETRY_DELAYS`: by cause
        the delay before each further attempt, as ``timedelta``. An empty line stops at once. Causes that are not
        named keep their line.
    :raises FaxInputError: if a cause is not one of ``FaxCause``.
    """

    def __init__(self, delays: Mapping[FaxCause | str, Sequence[timedelta]] | None = None) -> None:
        try:
            own = {FaxCause(cause): tuple(line) for cause, line in (delays or {}).items()}
        except ValueError:
            raise FaxInputError(f"A cause given to FaxRetryPolicy is not one of {', '.join(FaxCause)}.") from None
        self.delays = {**RETRY_DELAYS, **own}

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Decide about one failure.

        :param exception: what the task raised.
        :param try_number: the number of this run of the task, counted from 1 over all clears. It counts only where
            the error does not say how often the fax has failed: a run that could send nothing is no failure of it.
        :param max_tries: the number of the last run that Airflow would make.
        :param context: the task's context. Its ``retries`` tell how many runs were made since the last clear.
        :return: to try again after the delay of the table, or to stop.
        """
        if not isinstance(exception, FaxRetryableError):
            return RetryDecision.default()
        cause = exception.cause
        failures = exception.failures
        if failures is None:
            retries: Any = getattr(context["ti"].task, "retries", None) if context else None
            failures = attempts_since_clear(try_number, max_tries, retries if isinstance(retries, int) else None)
        delay = next_delay(cause, failures, self.delays)
        named = cause or FaxCause.UNSPECIFIED
        if delay is None:
            return RetryDecision.fail(f"fax failed ({named}) {failures} time(s): no further attempt for this cause")
        return RetryDecision.retry(delay, f"fax failed ({named}) {failures} time(s): next attempt after {delay}")
