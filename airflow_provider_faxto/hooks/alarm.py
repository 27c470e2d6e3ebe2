"""The one alarm of a stopped account: in the log, and by a function that ``airflow.cfg`` names."""

from __future__ import annotations

import contextvars
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.http.account_state import Stop

__all__ = ["AccountStop", "sound_alarm"]

log = logging.getLogger(__name__)

SECTION = "faxto"
OPTION = "on_account_stopped"

# For how many seconds a task, or the thread that asks for all waits of a triggerer, waits for the function.
_LONGEST = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStop:
    """That an account is stopped, for a page or a mail. It holds nothing secret.

    :param conn_id: the Airflow connection whose credentials the vendor has refused.
    :param vendor: the vendor's name as people write it, such as ``InterFAX``.
    :param reason: what happened and what to do, in a sentence or two.
    :param since: when the stop began, in UTC.
    :param until: when it ends by itself, in UTC.
    """

    conn_id: str
    vendor: str
    reason: str
    since: pendulum.DateTime
    until: pendulum.DateTime


def sound_alarm(stop: Stop, *, label: str) -> None:
    """Say that an account is stopped: in the log, and to the function that ``[faxto] on_account_stopped`` names.

    The function is called with an :class:`AccountStop`, in a thread of its own, and is waited for up to 30 seconds.
    Whatever it raises is logged, and changes nothing.

    :param stop: the stop.
    :param label: the vendor's name.
    """
    told = AccountStop(
        conn_id=stop.conn_id,
        vendor=label,
        reason=(
            f"{label} refuses the credentials of connection {stop.conn_id!r} ({stop.answer}). No "
            "task of this machine asks with them until they are changed, or for "
            f"{stop.seconds / 60:.0f} minutes. Correct the connection; tasks that were refused may be retried."
        ),
        since=pendulum.from_timestamp(stop.since.wall),
        until=pendulum.from_timestamp(stop.until),
    )
    log.error("%s", told.reason)
    call = _read_option()
    if call is None:
        return
    # What the function logs, and what it asks Airflow for, belongs to this task.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(_call, call, told), name="fax-on-account-stopped", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        log.warning("[%s] %s could not be called: no thread can be started.", SECTION, OPTION)
        return
    thread.join(_LONGEST)
    if thread.is_alive():
        log.warning("[%s] %s has not returned in %.0f s, and is not waited for.", SECTION, OPTION, _LONGEST)


def _call(call: Callable[[AccountStop], Any], told: AccountStop) -> None:
    try:
        call(told)
    except Exception as error:  # noqa: BLE001 - the user's own; its text may show the secret of a pager
        log.warning("[%s] %s has failed (%s); the stop is as it was.", SECTION, OPTION, type(error).__name__)


def _read_option() -> Callable[[AccountStop], Any] | None:
    try:
        found: Any = conf.getimport(SECTION, OPTION, fallback=None)
    except Exception as error:  # noqa: BLE001 - Airflow's own, which differs by release, and what the import raises
        log.warning(
            "[%s] %s names nothing that can be imported here (%s), so nothing is called.",
            SECTION,
            OPTION,
            type(error).__name__,
        )
        return None
    if found is not None and not callable(found):
        log.warning("[%s] %s names something that is not a function, so nothing is called.", SECTION, OPTION)
        return None
    return found  # type: ignore[no-any-return]
