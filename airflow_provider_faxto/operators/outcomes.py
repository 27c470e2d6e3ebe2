"""How a task tells what became of its fax: in the log, in XCom, and by an error.

What is about *this fax* has a status, which a branch can decide on, also where the fax never became a job. What is
about the set-up (the connection, the password, a parameter, the wiring of the DAG) has none: another fax of the same
task would meet it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_faxto.exceptions import advise, raise_for_outcome
from airflow_provider_faxto.fax.errors import (
    FaxBadNumberError,
    FaxDocumentError,
    FaxNotAllowedError,
    FaxNotFoundError,
    FaxNumberError,
    FaxOutOfCreditError,
    FaxRefusedError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.errors import FaxError

__all__ = ["announce", "hand_on", "hand_receipt_on", "status_of_error"]


class Logger(Protocol):
    """What a task's log is on every release."""

    def info(self, event: str, *args: object) -> object:
        """Log at INFO.

        :param event: the text, with ``%s`` for each argument.
        :param args: the arguments.
        """

    def warning(self, event: str, *args: object) -> object:
        """Log at WARNING.

        :param event: as for :meth:`info`.
        :param args: as for :meth:`info`.
        """


_NEVER_A_JOB: dict[type[FaxError], FaxCause] = {
    FaxNumberError: FaxCause.INVALID_NUMBER,
    FaxDocumentError: FaxCause.INVALID_DOCUMENT,
    # Before its base.
    FaxOutOfCreditError: FaxCause.OUT_OF_CREDIT,
    FaxRefusedError: FaxCause.REFUSED,
    FaxNotAllowedError: FaxCause.NOT_ALLOWED,
}


def announce(
    context: Context,
    log: Logger,
    status: FaxStatus,
    *,
    account: str,
    raises: bool,
    resend_partial: bool = False,
) -> None:
    """Say in the log how a fax ended, and what to do where it was not delivered, in a line of its own.

    :param context: the task's context.
    :param log: the task's log.
    :param status: the final status.
    :param account: the vendor and the connection, for people.
    :param raises: whether an error follows. Then the status is pushed to XCom as ``return_value``: a branch with the
        trigger rule ``all_done``, a reporter or a callback needs it after a failure, too.
    :param resend_partial: whether a fax of which pages arrived may be sent again. Default: ``False``.
    """
    if status.outcome is FaxOutcome.SUCCESS:
        pages = f" {status.pages_sent} page(s)." if status.pages_sent is not None else ""
        log.info("Fax job %s at %s was delivered.%s", status.job_id, account, pages)
        return
    log.warning("%s", advise(status, account=account, resend_partial=resend_partial))
    if raises:
        context["ti"].xcom_push(key="return_value", value=status.to_dict())


def hand_on(
    context: Context,
    log: Logger,
    status: FaxStatus,
    *,
    account: str,
    raises: bool,
    failures: int | None = None,
    resend_partial: bool = False,
) -> dict[str, Any]:
    """Say how a fax ended, and return its status or raise for it.

    :param context: as for :func:`announce`.
    :param log: as for :func:`announce`.
    :param status: as for :func:`announce`.
    :param account: as for :func:`announce`.
    :param raises: whether to raise unless the fax was delivered.
    :param failures: how often the fax has failed for this cause. Default: not known.
    :param resend_partial: as for :func:`announce`.
    :return: ``FaxStatus.to_dict()``.
    :raises FaxError: what :func:`~airflow_provider_faxto.exceptions.raise_for_outcome` raises.
    """
    announce(context, log, status, account=account, raises=raises, resend_partial=resend_partial)
    if raises:
        raise_for_outcome(status, failures=failures, resend_partial=resend_partial, account=account)
    return status.to_dict()


def hand_receipt_on(context: Context, outlets: Iterable[object], receipt: Mapping[str, Any]) -> None:
    """Put a receipt into the events of a task's assets, with which another DAG can start.

    Airflow makes the events when the task succeeds, and not when it fails.

    :param context: the task's context.
    :param outlets: the task's outlets. What is no asset is passed over.
    :param receipt: the receipt.
    """
    events = context.get("outlet_events")
    for outlet in outlets if events is not None else ():
        if hasattr(outlet, "uri"):
            events[outlet].extra = {"receipt": dict(receipt)}  # type: ignore[index]


def status_of_error(
    error: FaxError | None, *, vendor: str, submitted: FaxStatus | None = None, may_be_sent: bool = False
) -> FaxStatus | None:
    """Tell what an error that ended a task which sends makes of the fax.

    :param error: the error, as a hook's call raises it; ``None`` for none.
    :param vendor: the connection type.
    :param submitted: the fax job that was made or adopted, where there is one. Default: none.
    :param may_be_sent: whether an earlier run of the task may have sent the fax. Then what this one cannot send is no
        failure of it. Default: ``False``.
    :return: a final status: ``fatal`` with the cause for a number, a document or a send that cannot be used,
        ``unknown`` for an uncertain send and for a job that the vendor does not know. ``None`` for every other error,
        which is about the set-up or says nothing about the fax.
    """
    outcome, cause = FaxOutcome.UNKNOWN, None
    if submitted is not None:
        if not isinstance(error, FaxNotFoundError):
            return None
    elif not isinstance(error, FaxUncertainSendError):
        outcome = FaxOutcome.FATAL
        cause = next((cause for kind, cause in _NEVER_A_JOB.items() if isinstance(error, kind)), None)
        if isinstance(error, FaxBadNumberError):
            cause = error.cause
        if cause is None:
            return None
        if may_be_sent:
            outcome, cause = FaxOutcome.UNKNOWN, None
    return FaxStatus(
        vendor=vendor,
        job_id=submitted.job_id if submitted is not None else None,
        outcome=outcome,
        cause=cause,
        message=str(error),
        reference=submitted.reference if submitted is not None else None,
    )
