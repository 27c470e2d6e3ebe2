"""Sending a logical fax once: look it up, decide, send, and look it up again where the send is uncertain.

What to do is decided in :mod:`airflow_provider_faxto.fax.reconcile`; this module brings in what is known.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import FaxDuplicateError, FaxNotSentError
from airflow_provider_faxto.fax.errors import (
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRateLimitError,
    FaxThrottledError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import Action, Decision, find_duplicate, reconcile
from airflow_provider_faxto.fax.status import FaxStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.options import SendOptions
    from airflow_provider_faxto.fax.reconcile import EarlierRuns
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["LogicalFax", "submit_once"]

log = logging.getLogger(__name__)

_LOOK_UP_EVERY = 15.0
# For how many seconds after the grace a look may wait for its turn in the account's minute.
_LONGEST_QUEUE = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalFax:
    """One document (or several, as one fax) for one recipient from one task instance.

    :param key: what the vendor stores with it; see :func:`airflow_provider_faxto.fax.key.logical_fax_key`.
    :param fax_number: the recipient.
    :param documents: what to send, in order.
    :param options: what to set at the vendor.
    """

    key: str
    fax_number: FaxNumber
    documents: Sequence[FaxDocument]
    options: SendOptions


def submit_once(
    hook: FaxHook,
    fax: LogicalFax,
    *,
    earlier: EarlierRuns,
    lookup_grace: float,
    resend_partial: bool = False,
    dedupe_window: float = 0.0,
    before_send: Callable[[], None] | None = None,
) -> FaxStatus:
    """Make sure that a logical fax has one fax job, and return its status.

    :param hook: the account.
    :param fax: the fax.
    :param earlier: what is known of the runs before this one.
    :param lookup_grace: for how many seconds a fax may be missing from the vendor's records after an uncertain
        send. Nothing is sent again, or called absent, before a look after that time, unless the records show as many
        fax jobs as there were sends. A look that gets no turn in the account's minute does not count: it is tried
        again for a quarter of an hour more.
    :param resend_partial: whether a fax of which pages arrived may be sent again, whole. Default: ``False``.
    :param dedupe_window: for how many seconds back no fax of any DAG run may have taken the same document to the
        same number. Default: 0, which is off.
    :param before_send: called right before the request that sends; what it raises stops the send. Default: nothing.
    :return: the status of the job: pending if it was just made or is adopted, success if an earlier run's fax
        was delivered, unknown if the outcome of that one is not known, a failure if pages of it arrived, or if
        this run's uncertain send turns out to have failed.
    :raises FaxUncertainSendError: if a job may exist and the records show none. Nothing may be sent.
    :raises FaxNotSentError: if the send failed and the records show that it did not arrive.
    :raises FaxDuplicateError: if the records show the same fax within the ``dedupe_window``; nothing was sent.
    :raises FaxInputError: if the vendor does not keep records for that long; nothing was sent.
    :raises FaxError: any other error of sending; then nothing was sent.
    """
    look = partial(
        _look_up, hook, fax, grace=lookup_grace, resend_partial=resend_partial, user_initiated=earlier.user_initiated
    )
    failed_before = 0
    if earlier.runs:
        decision, failed_before = look(sends_made=earlier.sends, job_id=earlier.last_job_id)
        if decision.action is not Action.SEND:
            return _found(decision, hook)
        log.info("The vendor's records show no fax of this task that is under way or was delivered.")
    if dedupe_window:
        _refuse_duplicate(hook, fax, timedelta(seconds=dedupe_window))
    try:
        job = hook.send_fax(
            fax.fax_number, fax.documents, reference=fax.key, options=fax.options, before_send=before_send
        )
    except FaxUncertainSendError as error:
        log.warning("%s Looking it up.", error)
    else:
        log.info("Fax job %s was made for %s.", job.job_id, fax.fax_number.masked)
        return FaxStatus(
            vendor=job.vendor,
            job_id=job.job_id,
            outcome=FaxOutcome.PENDING,
            message="Accepted by the vendor.",
            cost=job.cost,
            balance=job.balance,
            reference=fax.key,
        )
    try:
        decision, failed = look(sends_made=failed_before + 1)
    except FaxError as error:
        # On its own this error would say that nothing was sent.
        raise FaxUncertainSendError(
            f"The send got no readable answer, and {hook.vendor.label}'s records cannot be read: {error} Nothing more "
            "is sent."
        ) from error
    if decision.action is not Action.SEND:
        return _found(decision, hook)
    if failed > failed_before and decision.job is not None:
        return decision.job
    raise FaxNotSentError(
        f"The send got no readable answer, and {hook.vendor.label}'s records show no fax of this task after "
        f"{lookup_grace:g} s: it did not arrive. It can be sent again safely, which Airflow does if the task has "
        "retries left."
    )


def _refuse_duplicate(hook: FaxHook, fax: LogicalFax, window: timedelta) -> None:
    import pendulum

    kept = hook.vendor.days_of_records
    if kept is not None and window > timedelta(days=kept):
        raise FaxInputError(
            f"{hook.vendor.label} keeps records for {kept} days, so they cannot tell of a dedupe_window of {window}. "
            f"Give {kept} days at most. Nothing was sent."
        )
    since = pendulum.now("UTC") - window
    duplicate = find_duplicate(hook.find_same_faxes(reference=fax.key, fax_number=fax.fax_number, since=since))
    if duplicate is not None:
        at = f" of {duplicate.submitted_at}" if duplicate.submitted_at else ""
        raise FaxDuplicateError(
            f"{hook.vendor.label}'s records show that the same document went to {fax.fax_number.masked} lately: fax "
            f"job {duplicate.job_id}{at} ({duplicate.outcome}). Nothing was sent. To send it all the same, set resend "
            "on the task and clear it, or shorten dedupe_window.",
            duplicate,
        )


def _found(decision: Decision, hook: FaxHook) -> FaxStatus:
    job = decision.job
    if job is None:
        raise FaxUncertainSendError(
            f"At {hook.vendor.label} a fax of this task may exist, and its outcome is not known. Nothing more is "
            "sent. Look at the vendor's own list of faxes; to send on purpose, set resend on the task and clear it."
        )
    if decision.action is Action.UNKNOWN:
        log.warning("The outcome of fax job %s of this task is not known; nothing more is sent.", job.job_id)
    elif decision.action is Action.RAISE:
        log.warning("Fax job %s of this task failed, and only a user may have it sent again.", job.job_id)
    elif decision.action is Action.RETURN:
        log.info("Fax job %s of this task was delivered; nothing more is sent.", job.job_id)
    else:
        log.info("Fax job %s of this task is under way; nothing more is sent.", job.job_id)
    return job


def _look_up(
    hook: FaxHook,
    fax: LogicalFax,
    *,
    sends_made: int,
    grace: float,
    resend_partial: bool,
    user_initiated: bool,
    job_id: str | None = None,
) -> tuple[Decision, int]:
    """Look a fax up, a known job by its id first, until it is settled; return how many jobs the records show too."""
    settled_from = clock.monotonic() + grace
    while True:
        grace_over = clock.monotonic() >= settled_from
        pause = settled_from - clock.monotonic()
        jobs: list[FaxStatus] = []
        try:
            if job_id is not None:
                jobs = _ask_for(hook, fax, job_id)
            # A failed job does not settle anything alone: there may be others, which only the records show.
            if not jobs or jobs[0].outcome in (FaxOutcome.RETRYABLE, FaxOutcome.FATAL):
                found = hook.find_jobs(reference=fax.key, fax_number=fax.fax_number)
                # It came of the last send, so it stands first where the lists do not show it yet.
                jobs = [job for job in jobs if job.job_id not in {each.job_id for each in found}] + found
            decision = reconcile(
                jobs,
                sends_made=sends_made,
                grace_over=grace_over,
                resend_partial=resend_partial,
                user_initiated=user_initiated,
            )
        except FaxRateLimitError as error:
            # The vendor was not asked, so the grace does not end here: where many tasks run again, each has its turn.
            log.info("The vendor's records could not be read yet: %s", error)
            pause = max(pause, error.retry_after or 0.0, 1.0)
            in_vain = clock.monotonic() >= settled_from + _LONGEST_QUEUE
            decision = Decision(Action.UNKNOWN if in_vain else Action.WAIT)
        except (FaxLostContactError, FaxThrottledError) as error:
            log.warning("The vendor's records could not be read: %s", error)
            decision = Decision(Action.UNKNOWN if grace_over else Action.WAIT)
        if decision.action is not Action.WAIT:
            return decision, len(jobs)
        clock.sleep(min(_LOOK_UP_EVERY, max(pause, 0.0)))


def _ask_for(hook: FaxHook, fax: LogicalFax, job_id: str) -> list[FaxStatus]:
    try:
        job = hook.get_status(job_id)
    except FaxNotFoundError:
        log.warning("%s does not know fax job %s of an earlier run.", hook.vendor.label, job_id)
        return []
    # Where the connection leads to another account by now, the number may be that of another account's fax.
    return [job] if job.reference in (None, fax.key) else []
