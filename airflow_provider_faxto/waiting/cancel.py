"""Stopping a fax that is not waited for any more: ask first, cancel what can be canceled, and say what came of it."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_faxto.fax.errors import FaxError, FaxRateLimitError, FaxUnsupportedError
from airflow_provider_faxto.fax.outcome import FaxCause
from airflow_provider_faxto.waiting.waiter import is_of_another_fax

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["CANCEL_AT_MOST", "cancel_if_possible", "cancel_unless_superseded"]

log = logging.getLogger(__name__)

CANCEL_AT_MOST = 25.0
"""For how many seconds a killed worker waits for its cancel. Airflow 3 gives a task that it ends 5 s; a pod has 30."""


def cancel_unless_superseded(
    make_hook: Callable[[], FaxHook],
    job_id: str,
    is_superseded: Callable[[], bool],
    *,
    reference: str | None = None,
    at_most: float = CANCEL_AT_MOST,
) -> None:
    """Cancel the fax job of a worker that is told to stop, unless a newer run of its task waits for it.

    Airflow tells a worker to stop too when it has given it up and started another run in its place, which has found the
    fax. If Airflow cannot say, the fax is left alone: it goes out, and the next run finds it; a fax that another run
    waits for would be lost. What goes wrong is logged, since no task is left to raise it in.

    Airflow stops a task in a signal handler, which may have interrupted the task in the middle of a question to
    Airflow, with its lock held; another question would wait for that lock for ever. So all of it is done in a thread,
    and waited for no longer than ``at_most``.

    :param make_hook: makes the account's hook, as for :func:`cancel_if_possible`.
    :param job_id: the fax job.
    :param is_superseded: asks Airflow whether a newer run of the task has begun; called once. Whatever it raises means
        that Airflow cannot say.
    :param reference: as for :func:`cancel_if_possible`.
    :param at_most: seconds to wait. Default: :data:`CANCEL_AT_MOST`.
    """

    def run() -> None:
        try:
            if is_superseded():
                log.info("Fax job %s is left alone: another run of its task has begun, and waits for it.", job_id)
                return
        except Exception as error:  # noqa: BLE001 - Airflow's own, which differ by release
            log.warning("Fax job %s goes on: Airflow could not be asked (%s).", job_id, type(error).__name__)
            return
        if not is_over.is_set():
            cancel_if_possible(make_hook, job_id, reference)

    is_over = threading.Event()
    # What Airflow knows of the task, and sorts its log by, is in the context.
    context = contextvars.copy_context()
    # A task that ends does not wait for it.
    canceling = threading.Thread(target=context.run, args=(run,), name=f"fax-cancel-{job_id}", daemon=True)
    canceling.start()
    canceling.join(at_most)
    # Airflow may have started another run by the time that an answer comes.
    is_over.set()
    if canceling.is_alive():
        log.warning("Whether fax job %s was canceled is unknown: Airflow or the vendor did not answer in time.", job_id)


def cancel_if_possible(make_hook: Callable[[], FaxHook], job_id: str, reference: str | None = None) -> None:
    """Cancel a fax job if the vendor can still do so. What goes wrong is logged, since no task is left to raise it in.

    :param make_hook: makes the account's hook, with ``POLLING``: a kill does not wait.
    :param job_id: the fax job.
    :param reference: the key under which the fax was sent: a job that the vendor shows under another reference is not
        this fax, and is left alone. Default: none, which takes the job as it is.
    """
    try:
        with contextlib.closing(make_hook()) as hook:
            if _is_to_be_left(hook, job_id, reference):
                return
            status = hook.cancel_fax(job_id)
    except FaxUnsupportedError as error:
        log.warning("Fax job %s goes on: %s", job_id, error)
    except (FaxError, AirflowNotFoundException) as error:
        log.warning("Whether fax job %s was canceled is unknown: %s", job_id, error)
    else:
        if status.cause is FaxCause.CANCELED:
            log.info("Fax job %s was canceled.", job_id)
        elif status.is_final:
            log.warning("Fax job %s had ended as %s before it could be canceled.", job_id, status.outcome)
        else:
            log.warning(
                "The vendor accepted the cancel of fax job %s and has not confirmed it. The job's status: %s (%s)",
                job_id,
                status.outcome,
                status.message,
            )


def _is_to_be_left(hook: FaxHook, job_id: str, reference: str | None) -> bool:
    try:
        status = hook.get_status(job_id)
    except FaxRateLimitError:
        # A cancel is not held up by the rate limit; the vendor itself turns down what has ended.
        return False
    if is_of_another_fax(status, reference):
        log.warning("Fax job %s is left alone: the vendor shows it under another reference.", job_id)
        return True
    if status.is_final:
        log.info("Fax job %s had ended as %s; there is nothing to cancel.", job_id, status.outcome)
    return status.is_final
