"""What a failed fax task raises, so that Airflow retries what a retry can help and nothing else.

These are the errors of :mod:`airflow_provider_faxto.fax.errors` seen from a task: each is an
``AirflowException`` (Airflow's ``retries`` apply) or an ``AirflowFailException`` (they do not).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NoReturn

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxInputError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "FaxFatalError",
    "FaxNotSentError",
    "FaxPermanentError",
    "FaxRetryableError",
    "FaxUnknownOutcomeError",
    "fail_without_retry",
    "raise_for_outcome",
]


class FaxRetryableError(FaxError, AirflowException):
    """The fax failed for a reason that a later attempt may not meet; Airflow's ``retries`` apply.

    :param message: what happened.
    :param status: the status of the fax job that failed.
    """

    def __init__(self, message: str, status: FaxStatus | None = None) -> None:
        super().__init__(message)
        self.status = status


class FaxFatalError(FaxError, AirflowFailException):
    """The fax failed for a reason that every later attempt will meet; Airflow does not retry.

    :param message: what happened.
    :param status: the status of the fax job that failed.
    """

    def __init__(self, message: str, status: FaxStatus | None = None) -> None:
        super().__init__(message)
        self.status = status


class FaxUnknownOutcomeError(FaxError, AirflowFailException):
    """Nobody can tell whether the fax arrived; Airflow does not retry, since that could send it twice.

    :param message: what is known, what to check, and how to go on.
    :param status: the last status, if there is one.
    """

    def __init__(self, message: str, status: FaxStatus | None = None) -> None:
        super().__init__(message)
        self.status = status


class FaxNotSentError(FaxError, AirflowException):
    """A send failed, and the vendor's records show that it did not arrive; Airflow's ``retries`` apply."""


class FaxPermanentError(FaxError, AirflowFailException):
    """The task cannot succeed by being repeated: bad input, a wrong password, a job nobody knows.

    Its cause (``__cause__``) is the error of :mod:`airflow_provider_faxto.fax.errors` that says which.
    """


@contextlib.contextmanager
def fail_without_retry() -> Iterator[None]:
    """Turn errors that a retry cannot mend into ones that Airflow does not retry.

    Lost contact and throttling pass through as they are: Airflow may retry those.

    :raises FaxPermanentError: for bad input, a wrong connection or password, an unknown job, a refusal.
    :raises FaxUnknownOutcomeError: for an uncertain send.
    """
    try:
        yield
    except (
        FaxInputError,
        FaxConfigurationError,
        FaxAuthenticationError,
        FaxNotFoundError,
        FaxRefusedError,
    ) as error:
        raise FaxPermanentError(f"{type(error).__name__}: {error}") from error
    except FaxUncertainSendError as error:
        raise FaxUnknownOutcomeError(str(error)) from error


def raise_for_outcome(status: FaxStatus) -> None:
    """Raise the error that fits a status, unless it is a success.

    :param status: a status that is final.
    :raises FaxRetryableError: if a later attempt may work.
    :raises FaxFatalError: if none will.
    :raises FaxUnknownOutcomeError: if nobody can tell, or the status is not final after all.
    """
    if status.outcome is not FaxOutcome.SUCCESS:
        _raise(status)


def _raise(status: FaxStatus) -> NoReturn:
    what = (
        f"Fax job {status.job_id} at {status.vendor} ended as {status.outcome}"
        f" (cause {status.cause or 'not given'}, code {status.code if status.code is not None else 'none'})"
        f"{': ' + status.message if status.message else ''}."
    )
    if status.outcome is FaxOutcome.RETRYABLE:
        raise FaxRetryableError(f"{what} A later attempt may work.", status)
    if status.outcome is FaxOutcome.FATAL:
        raise FaxFatalError(f"{what} Sending it again as it is will fail again.", status)
    raise FaxUnknownOutcomeError(
        f"{what} Look the job up at the vendor before anything is sent again. Clearing this task looks it up "
        "too, and sends only if the vendor's records show that the fax did not arrive; to send on purpose, set "
        "resend on the task that sends.",
        status,
    )
