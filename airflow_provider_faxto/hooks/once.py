"""Sending a logical fax once: look it up, decide, send, and look it up again where the send is uncertain.

What to do is decided in :mod:`airflow_provider_faxto.fax.decision`; this module brings in what is known.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.decision import Action, Decision, decide
from airflow_provider_faxto.fax.errors import FaxError, FaxLostContactError, FaxThrottledError, FaxUncertainSendError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.errors import FaxNotSentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.vendors.base import SendOptions

__all__ = ["LogicalFax", "send_once"]

log = logging.getLogger(__name__)

_LOOK_UP_EVERY = 15.0


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


def send_once(
    hook: FaxHook,
    fax: LogicalFax,
    *,
    earlier_runs: int,
    lookup_grace: float,
    before_send: Callable[[], None] | None = None,
) -> FaxStatus:
    """Make sure that a logical fax has one fax job, and return its status.

    :param hook: the account.
    :param fax: the fax.
    :param earlier_runs: how many runs of this task instance there were before, each of which may have sent the
        fax once. With 0 it is sent without a look at the vendor's records.
    :param lookup_grace: for how many seconds the vendor's records may lag behind an uncertain send. Nothing is
        sent again, or called absent, before a look after that time.
    :param before_send: called right before the request that sends; what it raises stops the send. Default: nothing.
    :return: the status of the job: pending if it was just made or is adopted, success if an earlier run's fax
        was delivered, unknown if nobody can tell what became of that one, a failure if this run's uncertain send
        turns out to have failed.
    :raises FaxUncertainSendError: if a job may exist and the records show none. Nothing may be sent.
    :raises FaxNotSentError: if the send failed and the records show that it did not arrive.
    :raises FaxError: any other error of sending; then nothing was sent.
    """
    failed_before = 0
    if earlier_runs:
        decision, failed_before = _look_up(hook, fax, sends_made=earlier_runs, grace=lookup_grace)
        if decision.action is not Action.SEND:
            return _found(decision, hook)
        log.info("The vendor's records show no fax of this task that is under way or was delivered.")
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
        decision, failed = _look_up(hook, fax, sends_made=failed_before + 1, grace=lookup_grace)
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


def _found(decision: Decision, hook: FaxHook) -> FaxStatus:
    job = decision.job
    if job is None:
        raise FaxUncertainSendError(
            f"At {hook.vendor.label} a fax of this task may exist, and nobody can tell what became of it. Nothing more "
            "is sent. Look at the vendor's own list of faxes; to send on purpose, set resend on the task and clear it."
        )
    if decision.action is Action.UNKNOWN:
        log.warning("Nobody can tell what became of fax job %s of this task; nothing more is sent.", job.job_id)
    elif decision.action is Action.RETURN:
        log.info("Fax job %s of this task was delivered; nothing more is sent.", job.job_id)
    else:
        log.info("Fax job %s of this task is under way; nothing more is sent.", job.job_id)
    return job


def _look_up(hook: FaxHook, fax: LogicalFax, *, sends_made: int, grace: float) -> tuple[Decision, int]:
    """Look a fax up until it is settled. A look that fails proves nothing.

    :return: the decision, and how many jobs the records show.
    """
    settled_from = time.monotonic() + grace
    while True:
        grace_over = time.monotonic() >= settled_from
        jobs: Sequence[FaxStatus] = ()
        try:
            jobs = hook.find_jobs(reference=fax.key, fax_number=fax.fax_number)
            decision = decide(jobs, sends_made=sends_made, grace_over=grace_over)
        except (FaxLostContactError, FaxThrottledError) as error:
            log.warning("The vendor's records could not be read: %s", error)
            decision = Decision(Action.UNKNOWN if grace_over else Action.WAIT)
        if decision.action is not Action.WAIT:
            return decision, len(jobs)
        time.sleep(min(_LOOK_UP_EVERY, max(settled_from - time.monotonic(), 0.0)))
