"""The account that a wait asks, as its Airflow connection has it while the wait lasts.

A wait lasts for minutes to days, in which somebody edits the connection, and rotates the password at the vendor and in
Airflow, one a little before the other. Refused credentials stop the account for all tasks of the machine
(:mod:`airflow_provider_faxto.http.stopped_account`), and not the wait.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.fax.errors import FaxAuthenticationError
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["GIVES_UP_AFTER", "WaitAccount"]

log = logging.getLogger(__name__)

GIVES_UP_AFTER = 3600.0
"""For how many seconds refused credentials, or a connection that cannot be used, may stay as they are."""

_LOOKED_UP_EVERY = 300.0


class WaitAccount:
    """The hook of a connection, made anew when the connection was edited, and kept back while it would be refused.

    :param conn_id: the Airflow connection, for the log.
    :param make_hook: looks the connection up and makes its hook.
    :param hook: the first hook, where the caller has made it already. Default: none, and one is made when it is needed.
    """

    def __init__(self, conn_id: str, make_hook: Callable[[], FaxHook], hook: FaxHook | None = None) -> None:
        self._conn_id = conn_id
        self._make_hook = make_hook
        self._hook = hook
        self._looked_up_at = clock.monotonic()
        self._refused: FaxHook | None = None
        self._refused_since = 0.0
        self._asked_again = False
        self.refusal: FaxAuthenticationError | FaxConfigurationError | None = None
        """Why the vendor may not be asked: what it answered last, or what is wrong with the connection."""

    def find_hook(self) -> FaxHook | None:
        """Give the hook to ask with.

        The connection is looked up first: every five minutes, and each time while its credentials are refused. If that
        fails, the last hook serves.

        :return: the hook; ``None`` while the vendor may not be asked. Credentials that were refused are used again when
            the connection has changed, and once when the account is no longer stopped; until then a call with the hook
            asks nobody.
        :raises FaxAuthenticationError: if the credentials have been refused for an hour, and are the same.
        :raises FaxConfigurationError: if the connection could not be used for an hour.
        """
        now = clock.monotonic()
        if self._hook is None or self.refusal is not None or now - self._looked_up_at >= _LOOKED_UP_EVERY:
            self._look_up(now)
        if self.refusal is None or (self._hook is not None and self._hook is not self._refused):
            return self._hook
        if self._hook is not None and not self._asked_again:
            # Also after the hour: a user who was locked out for it may not be any more.
            return self._hook
        if now - self._refused_since >= GIVES_UP_AFTER:
            raise self.refusal
        return None

    def note_refusal(self, error: FaxAuthenticationError) -> None:
        """Note that a call with the hook that :meth:`find_hook` gave was refused, by the vendor or since that has
        refused another task.

        :param error: what was raised.
        :raises FaxAuthenticationError: the error, if the vendor refuses other credentials than it did before: somebody
            has changed them, and they are wrong. Or if some have been refused for an hour.
        """
        before = self._refused
        if self.refusal is None or before is None:
            self._refused = self._hook
            self._stop(error)
            return
        self.refusal = error
        is_changed = self._hook is not None and not self._hook.has_credentials_of(before)
        was_asked = not isinstance(error, FaxAccountStoppedError) or error.was_asked
        if was_asked:
            self._refused, self._asked_again = self._hook, True
        # That another task was refused with what somebody has changed counts for nothing here before the hour is over.
        if (is_changed and was_asked) or clock.monotonic() - self._refused_since >= GIVES_UP_AFTER:
            raise error

    def note_answer(self) -> None:
        """Note that the vendor has taken the credentials."""
        if self.refusal is not None:
            log.info("Connection %s: the vendor takes the credentials again.", self._conn_id)
        self.refusal = self._refused = None

    def close(self) -> None:
        """Close the hook's HTTP connections."""
        if self._hook is not None:
            self._hook.close()

    def _stop(self, error: FaxAuthenticationError | FaxConfigurationError) -> None:
        """Keep the hook back for a while."""
        self.refusal, self._refused_since, self._asked_again = error, clock.monotonic(), False
        log.error(
            "The faxes go on waiting, but the vendor is not asked for them: %s The connection is looked up again "
            "meanwhile. If nothing changes, the waits end in %.0f minutes.",
            error,
            GIVES_UP_AFTER / 60,
        )

    def _look_up(self, now: float) -> None:
        """Look the connection up, and take its hook if that is another one."""
        self._looked_up_at = now
        try:
            found = self._make_hook()
            found.check_settings()
        except FaxConfigurationError as error:
            if self._hook is not None:
                log.warning("The connection cannot be used as it is now, and is used as it was: %s", error)
            elif self.refusal is None:
                self._stop(error)
            else:
                self.refusal = error
            return
        except Exception as error:  # noqa: BLE001 - Airflow's and its backends' own; their texts may show a secret
            log.warning(
                "Connection %s could not be looked up (%s). The faxes that wait on it go on waiting; it is looked up "
                "again.",
                self._conn_id,
                type(error).__name__,
            )
            return
        if self._hook is None:
            self._hook, self.refusal = found, None
        elif found.conn_type != self._hook.conn_type:
            log.warning(
                "Connection %s is of another type now; it is used as it was for the faxes that wait.", self._conn_id
            )
        elif not found.has_settings_of(self._hook):
            log.info("Connection %s was edited; the faxes that wait are asked for with it as it is now.", self._conn_id)
            self._hook.close()
            self._hook = found
