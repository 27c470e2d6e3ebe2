"""Stopping a fax that is not waited for any more: ask first, cancel what can be canceled, and say what came of it."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
from collections import Counter, deque
from functools import partial
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxRateLimitError,
    FaxThrottledError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.outcome import FaxCause
from airflow_provider_faxto.fax.packing import mark_of_reference
from airflow_provider_faxto.waiting.waiter import is_of_another_fax

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = [
    "CANCEL_AT_MOST",
    "cancel_if_possible",
    "cancel_many",
    "cancel_many_unless_superseded",
    "cancel_unless_superseded",
]

log = logging.getLogger(__name__)

CANCEL_AT_MOST = 25.0
"""For how many seconds a killed worker waits for its cancel. Airflow 3 gives a task that it ends 5 s; a pod has 30."""

_ASKED_TOGETHER = 100
_CANCELED_AT_ONCE = 8


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
    _unless_superseded(
        f"fax job {job_id}", lambda _: cancel_if_possible(make_hook, job_id, reference), is_superseded, at_most
    )


def cancel_many_unless_superseded(
    make_hook: Callable[[], FaxHook],
    jobs: Sequence[tuple[str, bytes]],
    is_superseded: Callable[[], bool],
    *,
    at_most: float = CANCEL_AT_MOST,
) -> None:
    """Do the same for many fax jobs of one worker: :func:`cancel_many` of those that no newer run waits for.

    :param make_hook: as for :func:`cancel_unless_superseded`.
    :param jobs: as for :func:`cancel_many`.
    :param is_superseded: as for :func:`cancel_unless_superseded`.
    :param at_most: as for :func:`cancel_unless_superseded`.
    """
    if jobs:
        _unless_superseded(
            f"each of {len(jobs)} fax jobs", partial(cancel_many, make_hook, jobs), is_superseded, at_most
        )


def cancel_many(
    make_hook: Callable[[], FaxHook], jobs: Sequence[tuple[str, bytes]], is_over: threading.Event | None = None
) -> None:
    """Cancel fax jobs as far as the vendor still can, and say in one line how many are left. What goes wrong is logged.

    The vendor's list is asked first for those that have ended, as far as requests are left; then each of the others is
    canceled, by a few threads at once.

    :param make_hook: makes the account's hook, with ``POLLING``: a kill does not wait.
    :param jobs: each fax job, and the mark of its key (:func:`~airflow_provider_faxto.fax.packing.mark_of_reference`).
    :param is_over: set when no more may be canceled. Default: never.
    """
    is_over = is_over or threading.Event()
    became: Counter[str] = Counter()
    try:
        with contextlib.closing(make_hook()) as hook:
            left = list(jobs)
            ended = _ended_of(hook, [job_id for job_id, _ in jobs])
            waiting = deque((job_id, mark) for job_id, mark in left if job_id not in ended)
            became["ended"] += len(left) - len(waiting)
            _cancel_each(hook, waiting, became, is_over)
    except FaxUnsupportedError as error:
        log.warning("%d fax jobs go on: %s", len(jobs) - became["ended"], error)
        return
    except (FaxError, AirflowNotFoundException) as error:
        log.warning("Whether %d fax jobs were canceled is unknown: %s", len(jobs), error)
        return
    log.log(
        logging.WARNING if became["canceled"] + became["ended"] < len(jobs) else logging.INFO,
        "Of %d fax jobs %d were canceled and %d had ended. %d cancels were accepted and are not confirmed. %d fax jobs "
        "are left, and go on.",
        len(jobs),
        became["canceled"],
        became["ended"],
        became["asked"],
        len(jobs) - became["canceled"] - became["ended"] - became["asked"],
    )


def _ended_of(hook: FaxHook, job_ids: Sequence[str]) -> set[str]:
    """Ask the vendor's list which jobs have ended, as far as it may be asked now."""
    ended: set[str] = set()
    with contextlib.suppress(FaxError):
        for start in range(0, len(job_ids), _ASKED_TOGETHER):
            found = hook.get_listed_statuses(job_ids[start : start + _ASKED_TOGETHER])
            ended.update(job_id for job_id, status in found.items() if status.is_final)
    return ended


def _cancel_each(
    hook: FaxHook, waiting: deque[tuple[str, bytes]], became: Counter[str], is_over: threading.Event
) -> None:
    """Cancel jobs by a few threads, and count what came of it; raise what is about all of them."""
    problems: list[FaxError] = []

    def run() -> None:
        with contextlib.closing(hook.for_another_thread()) as own, contextlib.suppress(IndexError):
            while not is_over.is_set() and not problems:
                try:
                    came = _cancel_one(own, *waiting.popleft())
                except (FaxUnsupportedError, FaxAuthenticationError, FaxConfigurationError) as error:
                    problems.append(error)
                    return
                except FaxError:
                    came = "left"
                with counting:
                    became[came] += 1

    counting = threading.Lock()
    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
        for _ in range(min(_CANCELED_AT_ONCE, len(waiting)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def _cancel_one(hook: FaxHook, job_id: str, mark: bytes) -> str:
    """Cancel one job of many, and say what came of it."""
    try:
        status = hook.get_status(job_id)
    except FaxThrottledError:
        # A cancel is not held up by the rate limit; the vendor itself turns down what has ended.
        status = None
    if status is not None and status.reference and any(mark) and mark_of_reference(status.reference) != mark:
        log.warning("Fax job %s is left alone: the vendor shows it under another reference.", job_id)
        return "left"
    if status is not None and status.is_final:
        return "ended"
    try:
        status = hook.cancel_fax(job_id)
    except FaxThrottledError:
        return "asked"
    if status.cause is FaxCause.CANCELED:
        return "canceled"
    return "ended" if status.is_final else "asked"


def _unless_superseded(
    what: str, cancel: Callable[[threading.Event], None], is_superseded: Callable[[], bool], at_most: float
) -> None:
    """Cancel in a thread, if Airflow says that no other run of the task has begun."""

    def run() -> None:
        try:
            if is_superseded():
                log.info("%s is left alone: another run of its task has begun, and waits for it.", _capital(what))
                return
        except Exception as error:  # noqa: BLE001 - Airflow's own, which differ by release
            log.warning("%s goes on: Airflow could not be asked (%s).", _capital(what), type(error).__name__)
            return
        if not is_over.is_set():
            cancel(is_over)

    is_over = threading.Event()
    # What Airflow knows of the task, and sorts its log by, is in the context.
    context = contextvars.copy_context()
    # A task that ends does not wait for it.
    canceling = threading.Thread(target=context.run, args=(run,), name="fax-cancel", daemon=True)
    canceling.start()
    canceling.join(at_most)
    # Airflow may have started another run by the time that an answer comes.
    is_over.set()
    if canceling.is_alive():
        log.warning("Whether %s was canceled is unknown: Airflow or the vendor did not answer in time.", what)


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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
