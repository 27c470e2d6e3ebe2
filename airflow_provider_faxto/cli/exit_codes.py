"""How the command ends: a number that a script can go on by."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxDocumentError,
    FaxInputError,
    FaxLostContactError,
    FaxNotAllowedError,
    FaxNumberError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUploadLostError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.errors import FaxError

__all__ = ["ExitCode", "code_of_error", "code_of_outcome"]


class ExitCode(IntEnum):
    """What the number says."""

    SUCCESS = 0
    """The fax was delivered; or what was asked for was told, or done."""
    USAGE = 1
    """The arguments, the connection or the machine's set-up is wrong. Nothing was sent."""
    RETRYABLE = 2
    """The fax failed, or was not sent, and a later attempt may work."""
    FATAL = 3
    """The fax failed, or may not or cannot be sent, and every later attempt will end so."""
    UNKNOWN = 4
    """Not known. A fax may have been sent."""
    PENDING = 5
    """The vendor still works on the fax."""
    INTERRUPTED = 130
    """Ctrl-C, before anything was sent."""


_OF_OUTCOMES = {
    FaxOutcome.SUCCESS: ExitCode.SUCCESS,
    FaxOutcome.RETRYABLE: ExitCode.RETRYABLE,
    FaxOutcome.FATAL: ExitCode.FATAL,
    FaxOutcome.UNKNOWN: ExitCode.UNKNOWN,
    FaxOutcome.PENDING: ExitCode.PENDING,
}
_ABOUT_THE_FAX = (FaxNumberError, FaxDocumentError, FaxNotAllowedError, FaxRefusedError)
_ABOUT_THE_SET_UP = (FaxInputError, FaxConfigurationError, FaxAuthenticationError)
_MAY_PASS = (FaxThrottledError, FaxLostContactError, FaxUploadLostError)


def code_of_outcome(outcome: FaxOutcome) -> ExitCode:
    """Tell how the command ends by what became of a fax.

    :param outcome: the outcome.
    :return: the code that stands for it.
    """
    return _OF_OUTCOMES[outcome]


def code_of_error(error: FaxError, *, is_send: bool = False) -> ExitCode:
    """Tell how the command ends by an error.

    :param error: the error, of a call by which nothing was sent.
    :param is_send: whether the command was about to send. Default: ``False``, and then lost contact is ``UNKNOWN``: to
        a script that sends again on ``RETRYABLE`` it must not look like a fax that failed.
    :return: the code.
    """
    if isinstance(error, _ABOUT_THE_FAX):
        return ExitCode.FATAL
    if isinstance(error, _ABOUT_THE_SET_UP):
        return ExitCode.USAGE
    if is_send and isinstance(error, _MAY_PASS):
        return ExitCode.RETRYABLE
    return ExitCode.UNKNOWN
