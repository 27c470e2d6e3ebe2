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

__all__ = ["FaxSubmission", "LogicalFax", "submit_once"]

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
    submission = FaxSubmission(
        fax,
        earlier=earlier,
        lookup_grace=lookup_grace,
        resend_partial=resend_partial,
        returns_failures=returns_failures,
        journal=journal,
    )
    submission.begin_look_up(hook, progress=progress, hold=hold)
    found = submission.look_up(hook)
    if found is not None:
        return found
    before_sending()
    try:
        return submission.send(hook)
    except FaxUncertainSendError as error:
        log.warning("%s Looking it up.", error)
    submission.begin_settling(hook)
    return submission.settle(hook)


class FaxSubmission:
    """One run's work on a logical fax, step by step: a look, the send, and a look at an uncertain one.

    :func:`submit_once` takes the steps one after the other. A task that sends many faxes takes each step for all of
    them.

    :param fax: the fax.
    :param earlier: as for :func:`submit_once`, like all that follow.
    :param lookup_grace: see above.
    :param resend_partial: see above.
    :param returns_failures: see above.
    :param journal: see above.
    """

    def __init__(
        self,
        fax: LogicalFax,
        *,
        earlier: EarlierRuns,
        lookup_grace: float,
        resend_partial: bool = False,
        returns_failures: bool = False,
        journal: SendJournal | None = None,
    ) -> None:
        self.fax = fax
        self._earlier = earlier
        self._grace = lookup_grace
        self._resend_partial = resend_partial
        self._returns_failures = returns_failures
        self._journal = journal
        self._noted: NotedSend | None = None
        self._look: FaxLookUp | None = None
        self._failed_before = 0
        self.is_given_up = False
        """Whether Airflow did not take the note of the send, so that nothing more may be sent by this run."""

    def begin_look_up(self, hook: FaxHook, *, progress: LookUpProgress | None = None, hold: float = math.inf) -> None:
        """Begin the look before the send, if there is to be one: what it reads may be as old as this.

        :param hook: the account.
        :param progress: as for :func:`submit_once`.
        :param hold: as for :func:`submit_once`.
        """
        if self._earlier.runs or self.fax.is_users_key:
            self._look = FaxLookUp(
                hook,
                self.fax,
                self._earlier,
                grace=self._grace,
                resend_partial=self._resend_partial,
                returns_failures=self._returns_failures,
                progress=progress,
                hold=hold,
            )

    @property
    def look_up_progress(self) -> LookUpProgress | None:
        """How far the look has come; ``None`` if there is none."""
        return None if self._look is None else self._look.progress

    def look_up(self, hook: FaxHook, *, adopts_unasked: bool = False) -> FaxStatus | None:
        """Find out whether the fax is to be sent, once :meth:`begin_look_up` was called.

        :param hook: the account.
        :param adopts_unasked: whether a fax job whose end the journal does not know is adopted without a question, if
            the journal proves that no other can be missing: the wait tells what became of it. Default: ``False``.
        :return: the status of the fax job that is there already, which need not be final; ``None`` if the fax is to be
            sent.
        :raises FaxError: as :func:`submit_once`; nothing was sent.
        """
        look = self._look
        if look is None:
            return None
        known = look.find_only_open_job() if adopts_unasked else None
        if known is not None:
            return known
        decision = look.decide()
        if decision.action is not Action.SEND:
            return _found(decision, look, hook, self._journal)
        level = logging.DEBUG if adopts_unasked else logging.INFO
        log.log(level, "No fax of this task is under way or was delivered.")
        self._failed_before = len(look.jobs)
        return None

    def send(self, hook: FaxHook) -> FaxStatus:
        """Make the one send of this run, noted before it is made, once :meth:`look_up` has said that it may be made.

        :param hook: the account.
        :return: the pending status of its job.
        :raises FaxUncertainSendError: if a job may exist: :meth:`settle` finds out.
        :raises FaxNotSentError: if an upload was lost; nothing was sent.
        :raises FaxError: any other error of sending; then nothing was sent.
        """
        fax = self.fax
        self._noted = NotedSend(key=fax.key, account=hook.account_id, run=0, began_at=clock.now())

        def note(document_id: str | None) -> None:
            began = replace(self._sent, began_at=clock.now(), document_id=document_id)
            if self._journal is not None:
                self.is_given_up = True
                began = self._journal.note_send(fax.key, hook.account_id, document_id)
                self.is_given_up = False
            self._noted = began

        try:
            job = hook.send_fax(fax.fax_number, fax.documents, reference=fax.key, options=fax.options, before_send=note)
        except FaxUploadLostError as error:
            raise FaxNotSentError(f"{_where(hook)} {error}") from None
        except FaxNotConnectedError:
            # Known by ourselves. What the vendor's answer says of a send, the next run holds against the vendor's
            # records: a gateway may have said it, or a proxy that makes a request twice.
            self._note_not_sent()
            raise
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

    def begin_settling(self, hook: FaxHook) -> None:
        """Begin the look after an uncertain send of this run, as :meth:`begin_look_up` does.

        :param hook: the account.
        """
        earlier = self._earlier
        own = replace(earlier, sends=(*earlier.sends, self._sent), runs=earlier.runs + 1)
        self._look = FaxLookUp(hook, self.fax, own, grace=self._grace, resend_partial=self._resend_partial)

    def settle(self, hook: FaxHook) -> FaxStatus:
        """Find out what became of an uncertain send of this run, once :meth:`begin_settling` was called.

        Nothing more is sent.

        :param hook: the account.
        :return: the status of the job that came of it, or that is there beside it.
        :raises FaxUncertainSendError: if it cannot be told.
        :raises FaxNotSentError: if the records show that the send did not arrive.
        """
        look = self._look
        if look is None:
            raise RuntimeError("The look has not begun.")
        try:
            decision = look.decide()
        except FaxError as error:
            # On its own this error would say that nothing was sent.
            raise FaxUncertainSendError(
                f"{_where(hook)} the send got no readable answer, and the records cannot be read: {error} Nothing more "
                f"is sent. {_WHAT_TO_DO}"
            ) from error
        if decision.action is not Action.SEND:
            return _found(decision, look, hook, self._journal)
        if len(look.jobs) > self._failed_before and decision.job is not None:
            if self._journal is not None:
                self._journal.note_job(decision.job)
            return decision.job
        self._note_not_sent()
        raise FaxNotSentError(
            f"{_where(hook)} the send got no readable answer, and the records show no fax of this task after "
            f"{self._grace:g} s: it did not arrive. It can be sent again safely, which Airflow does if the task has "
            "retries left."
        )

    @property
    def was_sent(self) -> bool:
        """Whether this run has begun a send."""
        return self._noted is not None

    @property
    def _sent(self) -> NotedSend:
        if self._noted is None:
            raise RuntimeError("Nothing was sent yet.")
        return self._noted

    def _note_not_sent(self) -> None:
        """Note that no fax job came of the send."""
        if self._journal is not None:
            self._journal.note_not_sent()


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
