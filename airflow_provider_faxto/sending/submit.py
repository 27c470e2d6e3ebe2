"""Sending a logical fax once: look it up, send, and look it up again where the send is uncertain.

What to do is decided in :mod:`airflow_provider_faxto.fax.reconcile`, by what
:mod:`airflow_provider_faxto.sending.lookup` brings in.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import FaxNotSentError
from airflow_provider_faxto.fax.errors import FaxError, FaxNotConnectedError, FaxUncertainSendError, FaxUploadLostError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import Action, NotedSend
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.sending.logical_fax import LogicalFax
from airflow_provider_faxto.sending.lookup import FaxLookUp

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.fax.reconcile import Decision, EarlierRuns
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.sending.lookup import LookUpProgress
    from airflow_provider_faxto.sending.run_state import SendJournal

__all__ = ["LogicalFax", "submit_once"]

log = logging.getLogger(__name__)


def submit_once(
    hook: FaxHook,
    fax: LogicalFax,
    *,
    earlier: EarlierRuns,
    lookup_grace: float,
    resend_partial: bool = False,
    returns_failures: bool = False,
    journal: SendJournal | None = None,
    progress: LookUpProgress | None = None,
    hold: float = math.inf,
    before_sending: Callable[[], None] = lambda: None,
) -> FaxStatus:
    """Make sure that a logical fax has one fax job, and return its status.

    :param hook: the account.
    :param fax: the fax.
    :param earlier: what is known of the runs before this one.
    :param lookup_grace: for how many seconds a fax may be missing from the vendor's records after an uncertain
        send. Nothing is sent again, or called absent, before a look after that time, unless as many fax jobs are known
        as there were sends. A look that gets no turn in the account's minute does not count.
    :param resend_partial: whether a fax of which pages arrived may be sent again, whole. Default: ``False``.
    :param returns_failures: whether the task returns a failure of the fax instead of raising it: then a retry of
        Airflow's own returns the one that an earlier run could not. Default: ``False``.
    :param journal: where the send is noted before it is made, and its job after it. Default: nowhere.
    :param progress: how far the look before the send has come, where an earlier part of it was postponed. Default: it
        begins now.
    :param hold: for how many seconds the look before the send may wait in this process. Default: for ever.
    :param before_sending: called when the fax is to be sent, before anything is uploaded; what it raises stops the
        send. Default: nothing.
    :return: the status of the job: pending if it was just made or is adopted, success if an earlier run's fax
        was delivered, unknown if the outcome of that one is not known, a failure if pages of it arrived, if it is
        to be reported and not sent again, or if this run's uncertain send turns out to have failed.
    :raises LookUpPostponed: if the look before the send would wait longer than ``hold``; nothing was sent.
    :raises FaxUncertainSendError: if a job may exist and it cannot be found. Nothing more may be sent.
    :raises FaxNotSentError: if the send failed and the records show that it did not arrive.
    :raises FaxPermanentError: if the user's ``idempotency_key`` stands for another fax already; nothing was sent.
    :raises FaxError: any other error of sending; then nothing was sent.
    """
    if earlier.runs or fax.is_users_key:
        look = FaxLookUp(
            hook,
            fax,
            earlier,
            grace=lookup_grace,
            resend_partial=resend_partial,
            returns_failures=returns_failures,
            progress=progress,
            hold=hold,
        )
        decision = look.decide()
        if decision.action is not Action.SEND:
            return _found(decision, look, hook, journal)
        log.info("No fax of this task is under way or was delivered.")
        failed_before = len(look.jobs)
    else:
        failed_before = 0
    before_sending()
    send = _Send(hook, fax, journal)
    try:
        return send.make()
    except FaxUncertainSendError as error:
        log.warning("%s Looking it up.", error)
    except FaxUploadLostError as error:
        raise FaxNotSentError(f"{_where(hook)} {error}") from None
    except FaxNotConnectedError:
        # Known by ourselves. What the vendor's answer says of a send, the next run holds against the vendor's records:
        # a gateway may have said it, or a proxy that makes a request twice.
        send.note_not_sent()
        raise
    own = replace(earlier, sends=(*earlier.sends, send.noted), runs=earlier.runs + 1)
    look = FaxLookUp(hook, fax, own, grace=lookup_grace, resend_partial=resend_partial)
    try:
        decision = look.decide()
    except FaxError as error:
        # On its own this error would say that nothing was sent.
        raise FaxUncertainSendError(
            f"{_where(hook)} the send got no readable answer, and the records cannot be read: {error} Nothing more is "
            f"sent. {_WHAT_TO_DO}"
        ) from error
    if decision.action is not Action.SEND:
        return _found(decision, look, hook, journal)
    if len(look.jobs) > failed_before and decision.job is not None:
        if journal is not None:
            journal.note_job(decision.job)
        return decision.job
    send.note_not_sent()
    raise FaxNotSentError(
        f"{_where(hook)} the send got no readable answer, and the records show no fax of this task after "
        f"{lookup_grace:g} s: it did not arrive. It can be sent again safely, which Airflow does if the task has "
        "retries left."
    )


class _Send:
    """The one send of a run, noted before it is made."""

    def __init__(self, hook: FaxHook, fax: LogicalFax, journal: SendJournal | None) -> None:
        self._hook = hook
        self._fax = fax
        self._journal = journal
        self.noted = NotedSend(key=fax.key, account=hook.account_id, run=0, began_at=clock.now())

    def make(self) -> FaxStatus:
        """Make it, and return the pending status of its job."""
        fax = self._fax
        job = self._hook.send_fax(
            fax.fax_number, fax.documents, reference=fax.key, options=fax.options, before_send=self._note
        )
        log.info("Fax job %s was made for %s.", job.job_id, fax.fax_number.masked)
        status = FaxStatus(
            vendor=job.vendor,
            job_id=job.job_id,
            outcome=FaxOutcome.PENDING,
            message="Accepted by the vendor.",
            cost=job.cost,
            balance=job.balance,
            reference=fax.key,
        )
        if self._journal is not None:
            self._journal.note_job(status)
        return status

    def note_not_sent(self) -> None:
        """Note that no fax job came of it."""
        if self._journal is not None:
            self._journal.note_not_sent()

    def _note(self, document_id: str | None) -> None:
        self.noted = replace(self.noted, began_at=clock.now(), document_id=document_id)
        if self._journal is not None:
            self.noted = self._journal.note_send(self._fax.key, self._hook.account_id, document_id)


_WHAT_TO_DO = "Look at the vendor's own list of faxes; to send on purpose, set resend on the task and clear it."


def _where(hook: FaxHook) -> str:
    return f"Connection {hook.fax_conn_id!r} ({hook.vendor.label}):"


def _found(decision: Decision, look: FaxLookUp, hook: FaxHook, journal: SendJournal | None) -> FaxStatus:
    """Return the job that was found, and note it; raise if there is none."""
    job = decision.job
    if job is None:
        raise FaxUncertainSendError(
            f"{_where(hook)} a fax of this task may exist, and its outcome is not known. {look.doubt or ''} Nothing "
            f"more is sent. {_WHAT_TO_DO}"
        )
    if journal is not None:
        journal.note_job(job)
    log.log(*_SAID[decision.action], job.job_id)
    return job


_SAID = {
    Action.UNKNOWN: (logging.WARNING, "The outcome of fax job %s of this task is not known; nothing more is sent."),
    Action.RAISE: (logging.WARNING, "Fax job %s of this task failed, and only a user may have it sent again."),
    Action.RETURN: (logging.INFO, "Fax job %s of this task was delivered; nothing more is sent."),
    Action.ADOPT: (logging.INFO, "Fax job %s of this task is under way; nothing more is sent."),
}
