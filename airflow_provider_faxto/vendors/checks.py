"""What a caller or a connection gives, checked alike for every vendor before it becomes part of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxInputError
from airflow_provider_faxto.fax.key import is_same_fax
from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import ConnectionSettings

__all__ = ["check_job_id", "check_key", "read_code_outcomes"]


def check_job_id(job_id: str, label: str) -> str:
    """Check that a job id is a number, as it is at every vendor we know, before it becomes part of a path.

    :param job_id: the id, as text.
    :param label: the vendor's name, for the message.
    :return: the id without blanks around it.
    :raises FaxInputError: if it is not a number.
    """
    cleaned = job_id.strip() if isinstance(job_id, str) else ""
    if not (cleaned.isascii() and cleaned.isdigit()):
        raise FaxInputError(
            f"A job id of {label} is a number in text form; this one is not. "
            "Pass what the send operator pushed to XCom under the key job_id."
        )
    return cleaned


def check_key(reference: str) -> str:
    """Check that a reference is the key of a logical fax: nothing could be the same fax as any other text.

    :param reference: the reference.
    :return: the same.
    :raises FaxInputError: if it is no key.
    """
    if not (isinstance(reference, str) and is_same_fax(reference, reference)):
        raise FaxInputError(
            "The same document to the same number is found by the key of a logical fax; this reference is none. "
            "Pass what logical_fax_key() makes."
        )
    return reference


_SETTABLE_OUTCOMES = (FaxOutcome.RETRYABLE, FaxOutcome.FATAL, FaxOutcome.UNKNOWN)


def read_code_outcomes(settings: ConnectionSettings) -> Mapping[str, FaxOutcome]:
    """Read the extra ``code_outcomes``, with which a connection overrides the class of a code.

    :param settings: the connection.
    :return: the outcome by code, the code as text (``"3912"``, ``"hangup"``). Empty if the extra is not set.
    :raises FaxConfigurationError: if it is not a mapping of codes to ``retryable``, ``fatal`` or ``unknown``.
        ``success`` and ``pending`` cannot be set: only the vendor can say that a fax was delivered.
    """
    raw = settings.extra.get("code_outcomes") or {}
    wanted = ", ".join(_SETTABLE_OUTCOMES)
    if not isinstance(raw, Mapping):
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: code_outcomes must map codes to one of {wanted}, "
            'such as {"3912": "retryable"}.'
        )
    for code, outcome in raw.items():
        if outcome not in _SETTABLE_OUTCOMES or str(code).strip() in {"0", "ok"} or str(code).startswith("-"):
            raise FaxConfigurationError(
                f"Connection {settings.conn_id!r}: code_outcomes cannot set {code!r} to {outcome!r}. "
                f"The code of a failure can be set to one of {wanted}."
            )
    return {str(code): FaxOutcome(outcome) for code, outcome in raw.items()}
