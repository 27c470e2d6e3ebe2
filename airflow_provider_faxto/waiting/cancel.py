"""Stopping a fax that is not waited for any more: ask first, cancel what can be canceled, and say what came of it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_faxto.fax.errors import FaxError, FaxRateLimitError, FaxUnsupportedError
from airflow_provider_faxto.fax.outcome import FaxCause

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["cancel_if_possible"]

log = logging.getLogger(__name__)


def cancel_if_possible(make_hook: Callable[[], FaxHook], job_id: str) -> None:
    """Cancel a fax job if the vendor can still do so. What goes wrong is logged, since no task is left to raise it in.

    :param make_hook: makes the account's hook, with ``POLLING``: a kill does not wait.
    :param job_id: the fax job.
    """
    try:
        with contextlib.closing(make_hook()) as hook:
            if _has_ended(hook, job_id):
                return
            status = hook.cancel_fax(job_id)
    except FaxUnsupportedError as error:
        log.warning("Fax job %s goes on: %s", job_id, error)
    except (FaxError, AirflowNotFoundException) as error:
        log.warning("Whether fax job %s was canceled is unknown: %s", job_id, error)
    else:
        if status.cause is FaxCause.CANCELED:
            log.info("Fax job %s was canceled.", job_id)
        else:
            log.warning(
                "Fax job %s was not canceled in time; what becomes of it is unknown. Its status: %s (%s)",
                job_id,
                status.outcome,
                status.message,
            )


def _has_ended(hook: FaxHook, job_id: str) -> bool:
    try:
        status = hook.get_status(job_id)
    except FaxRateLimitError:
        # A cancel is not held up by the rate limit; the vendor itself turns down what has ended.
        return False
    if status.is_final:
        log.info("Fax job %s had ended as %s; there is nothing to cancel.", job_id, status.outcome)
    return status.is_final
