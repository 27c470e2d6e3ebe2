"""Every error that a task raises, as one tree, and whether Airflow's ``retries`` apply to it.

Catch and compare by these names in callbacks and retry policies. The tree is about one question: *may a fax have been
sent?* Only :class:`FaxUnknownOutcomeError` leaves that open (in a hook's call :class:`FaxUncertainSendError`).

Marked with ``retry`` are those that a task raises and to which ``retries`` apply, with ``no retry`` those after which
Airflow fails the task at once. The others are what a hook's call raises; a task keeps them as the ``reason``
of the error that it raises, and a DAG file raises :class:`FaxInputError` while it is parsed. They come
from :mod:`airflow_provider_faxto.fax.errors`, which knows no Airflow.

::

    FaxError
    ├── FaxRetryableError              retry: the fax failed, and a later attempt may work
    ├── FaxNotSentError                retry: the send failed, and nothing arrived at the vendor
    ├── FaxFatalError                  no retry: the fax failed, and every attempt will
    │   └── FaxPartialError            no retry: the fax failed after some of its pages had arrived
    ├── FaxUnknownOutcomeError         no retry: it is not known whether the fax arrived
    ├── FaxPermanentError              no retry: the task cannot succeed by being repeated
    ├── FaxInputError                  an argument is wrong; nothing was sent
    │   ├── FaxNumberError             the recipient is not a fax number
    │   │   └── FaxBadNumberError      no fax machine answered the number lately
    │   ├── FaxDocumentError           the document cannot be faxed
    │   ├── FaxNotAllowedError         the connection does not allow this fax
    │   └── FaxUnsupportedError        the vendor does not offer this
    ├── FaxConfigurationError          the Airflow connection or the machine's set-up is wrong; nothing was sent
    ├── FaxVendorError                 the vendor answered, and the answer is no
    │   ├── FaxAuthenticationError     wrong key or password; never repeated
    │   │   └── FaxAccountStoppedError retry: no task of this machine asks with what was refused; nothing was sent
    │   ├── FaxNotFoundError           no such job or document
    │   ├── FaxUploadLostError         retry: an upload of the call's own is gone; nothing was sent
    │   ├── FaxRefusedError            the request was turned down
    │   │   └── FaxOutOfCreditError    the account has no credit; nothing was sent
    │   ├── FaxAwaitingCreditError     retry: the account has no credit, and sends wait for it; nothing was sent
    │   └── FaxThrottledError          retry: too many requests
    │       └── FaxRateLimitError      retry: held back by us, before the vendor would refuse it
    ├── FaxLostContactError            retry: no answer, or none that can be read; says nothing about a fax
    │   ├── FaxNotConnectedError       retry: no connection stood, so nothing was sent
    │   └── FaxUnreadableAnswerError   retry: the answer is not what the vendor documents
    └── FaxUncertainSendError          a send may or may not have reached the vendor
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxAwaitingCreditError,
    FaxBadNumberError,
    FaxConfigurationError,
    FaxDocumentError,
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxNotAllowedError,
    FaxNotConnectedError,
    FaxNotFoundError,
    FaxNumberError,
    FaxOutOfCreditError,
    FaxRateLimitError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
    FaxUnreadableAnswerError,
    FaxUnsupportedError,
    FaxUploadLostError,
    FaxVendorError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import has_pages_delivered
from airflow_provider_faxto.fax.retries import next_delay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from airflow_provider_faxto.fax.outcome import FaxCause
    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "FaxAccountStoppedError",
    "FaxAuthenticationError",
    "FaxAwaitingCreditError",
    "FaxBadNumberError",
    "FaxConfigurationError",
    "FaxDocumentError",
    "FaxError",
    "FaxFatalError",
    "FaxInputError",
    "FaxLostContactError",
    "FaxNotAllowedError",
    "FaxNotConnectedError",
    "FaxNotFoundError",
    "FaxNotSentError",
    "FaxNumberError",
    "FaxOutOfCreditError",
    "FaxPartialError",
    "FaxPermanentError",
    "FaxRateLimitError",
    "FaxRefusedError",
    "FaxRetryableError",
    "FaxThrottledError",
    "FaxUncertainSendError",
    "FaxUnknownOutcomeError",
    "FaxUnreadableAnswerError",
    "FaxUnsupportedError",
    "FaxUploadLostError",
    "FaxVendorError",
    "advise",
    "fail_without_retry",
    "raise_for_outcome",
]


class FaxRetryableError(FaxError, AirflowException):
    """The fax failed for a reason that a later attempt may not meet; Airflow's ``retries`` apply.

    :param message: what happened.
    :param status: the status of the fax job that failed.
    :param failures: how often the fax has failed for this cause since the task was last cleared, this time included.
        Default: not known.
    """

    def __init__(self, message: str, status: FaxStatus | None = None, failures: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.failures = failures

    @property
    def cause(self) -> FaxCause | None:
        """Why the fax failed; ``None`` if that is not known."""
        return self.status.cause if self.status is not None else None

    @property
    def suggested_delay(self) -> timedelta | None:
        """How long to wait before the next attempt, by :data:`~airflow_provider_faxto.fax.retries.RETRY_DELAYS`.

        ``None`` if no further attempt should be made for this cause.
        """
        return next_delay(self.cause, self.failures or 1)


class FaxFatalError(FaxError, AirflowFailException):
    """The fax failed for a reason that every later attempt will meet; Airflow does not retry.

    :param message: what happened.
    :param status: the status of the fax job that failed.
    """

    def __init__(self, message: str, status: FaxStatus | None = None) -> None:
        super().__init__(message)
        self.status = status


class FaxPartialError(FaxFatalError):
    """The fax failed after some of its pages had arrived; Airflow does not retry, since each attempt sends them all.

    A later attempt may work. It is made only with ``resend_partial=True`` on the task that sends.
    """


class FaxUnknownOutcomeError(FaxError, AirflowFailException):
    """It is not known whether the fax arrived; Airflow does not retry, since that could send it twice.

    :param message: what is known, what to check, and how to go on.
    :param status: the last status, if there is one.
    :param reason: the error of a hook's call that says why, if there is one.
    """

    def __init__(self, message: str, status: FaxStatus | None = None, reason: FaxError | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class FaxNotSentError(FaxError, AirflowException):
    """A send failed, and the vendor's records show that it did not arrive; Airflow's ``retries`` apply."""


class FaxPermanentError(FaxError, AirflowFailException):
    """The task cannot succeed by being repeated: bad input, a wrong connection, a job that the vendor does not know.

    :param message: what is wrong, and how to go on.
    :param status: what that makes of the fax, where the error is about this fax and not about the set-up. Default:
        none.
    :param reason: the error of :mod:`airflow_provider_faxto.fax.errors` that says which it is. It is no ``__cause__``,
        which would stand in the log a second time.
    """

    def __init__(self, message: str, status: FaxStatus | None = None, reason: FaxError | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@contextlib.contextmanager
def fail_without_retry() -> Iterator[None]:
    """Turn errors that a retry cannot mend into ones that Airflow does not retry.

    Lost contact, throttling and a stopped account pass through as they are: Airflow may retry those. A retry asks with
    a password that was corrected meanwhile, and with one that was not it does not ask.

    :raises FaxPermanentError: for bad input, a wrong connection, an unknown job, a refusal.
    :raises FaxUnknownOutcomeError: for an uncertain send.
    """
    try:
        yield
    except FaxAccountStoppedError:
        raise
    except (
        FaxInputError,
        FaxConfigurationError,
        FaxAuthenticationError,
        FaxNotFoundError,
        FaxRefusedError,
    ) as error:
        raise FaxPermanentError(f"{type(error).__name__}: {error}", reason=error) from None
    except FaxUncertainSendError as error:
        raise FaxUnknownOutcomeError(str(error), reason=error) from None


def advise(status: FaxStatus, *, account: str | None = None, resend_partial: bool = False) -> str:
    """Say in a line or two that a fax was not delivered, and what to do.

    :param status: a status that is final, and no success.
    :param account: the vendor and the connection, for people: ``InterFAX (clinic_fax)``. Default: the vendor.
    :param resend_partial: whether a fax of which pages arrived may be sent again. Default: ``False``.
    :return: the fax job, the account, what happened, and what to do next, in that order.
    """
    where = account or status.vendor
    what = f"Fax job {status.job_id} at {where}" if status.job_id is not None else f"No fax was sent at {where}"
    why = f"cause {status.cause}" if status.cause is not None else "no cause given"
    if status.outcome is FaxOutcome.RETRYABLE:
        if has_pages_delivered(status) and not resend_partial:
            return (
                f"{what} failed ({why}) after {status.pages_sent} page(s) had arrived. A later attempt may work, and "
                "would send all pages again: to let it, set resend_partial=True and clear the task that sends."
            )
        return f"{what} failed ({why}). A later attempt may work."
    if status.outcome is FaxOutcome.FATAL and status.job_id is None:
        return f"{what} ({why}). Correct what is wrong, then clear the task that sends."
    if status.outcome is FaxOutcome.FATAL:
        return f"{what} failed ({why}). Sending it again as it is will fail again."
    if status.job_id is None:
        what = f"A fax may have been sent at {where}"
    return (
        f"{what}: nobody can tell whether it arrived. Look it up there before anything is sent again. To send again: "
        "set resend and clear the task that sends."
    )


def raise_for_outcome(
    status: FaxStatus, *, failures: int | None = None, resend_partial: bool = False, account: str | None = None
) -> None:
    """Raise the error that fits a status, unless it is a success.

    :param status: a status that is final.
    :param failures: how often the fax has failed for this cause since the task was last cleared, this time included.
        Default: not known.
    :param resend_partial: whether a fax of which pages arrived may be sent again. Default: ``False``.
    :param account: as for :func:`advise`.
    :raises FaxRetryableError: if a later attempt may work.
    :raises FaxPartialError: if a later attempt may work, but pages arrived and ``resend_partial`` is off.
    :raises FaxFatalError: if no attempt will work.
    :raises FaxUnknownOutcomeError: if the outcome is not known, or the status is not final after all.
    """
    if status.outcome is FaxOutcome.SUCCESS:
        return
    code = f"Code {status.code}: " if status.code is not None else ""
    said = f" {code}{status.message.rstrip('. ') if status.message else 'the vendor gives no message'}."
    message = advise(status, account=account, resend_partial=resend_partial) + said
    if status.outcome is FaxOutcome.RETRYABLE:
        if has_pages_delivered(status) and not resend_partial:
            raise FaxPartialError(message, status)
        raise FaxRetryableError(message, status, failures)
    if status.outcome is FaxOutcome.FATAL:
        raise FaxFatalError(message, status)
    raise FaxUnknownOutcomeError(message, status)
