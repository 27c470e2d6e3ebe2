"""One alarm for all tasks of a machine: credentials that the vendor has refused are not used again for a while.

InterFAX locks a user out for an hour after too many refused log-ins, and five hundred tasks with a wrong password are
too many. So until the vendor has taken the credentials, one task of the machine asks at a time; after a refusal none
asks, until the connection's credentials change or the stop's time is over. Whatever is wrong with the files that tell
the others (:mod:`airflow_provider_faxto.http.account_state`), requests still go out.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxAccountStoppedError
from airflow_provider_faxto.http.account_state import AccountState, Stop
from airflow_provider_faxto.http.moments import Moment
from airflow_provider_faxto.http.shared_files import has_shared, locked, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_faxto.fax.errors import FaxAuthenticationError
    from airflow_provider_faxto.http.account_state import State

__all__ = ["LOCKED_OUT_FOR", "LOG_IN_WAIT", "STOPPED_FOR", "LogInGate"]

log = logging.getLogger(__name__)

STOPPED_FOR = 600.0
"""For how many seconds refused credentials are not used again."""

LOCKED_OUT_FOR = 3600.0
"""For how many seconds after the vendor has said that it locked the user out."""

LOG_IN_WAIT = 30.0
"""For how many seconds a task waits at most while another one tries the same credentials."""

# For so long after a request that succeeded, tasks may ask side by side. Then the password may have been changed.
_TRUSTED_FOR = 600.0
_NOTED_EVERY = 60.0
_LOOK_EVERY = 0.1
# After it has waited in vain, a process does not wait again for so long: no task may be held up for ever.
_IMPATIENT_FOR = 60.0
_KEY_PREFIX = b"airflow-provider-faxto credentials\0"

# By account: the thread of this process that tries the credentials, and until when this process does not wait.
_asking: dict[str, int] = {}
_impatient_until: dict[str, float] = {}


def forget() -> None:
    """Forget what this process has waited for, as a new process starts."""
    _asking.clear()
    _impatient_until.clear()


# A thread that tries the credentials when a process is forked does not exist in the child.
os.register_at_fork(after_in_child=forget)


class LogInGate:
    """Lets requests of one account out, as long as the vendor takes their credentials.

    :param account: names the account, host and vendor included. Only a hash of it is stored.
    :param credentials: all that the account is logged in with. Only a keyed hash of it is stored.
    :param conn_id: the Airflow connection, for messages.
    :param label: the vendor's name, for messages.
    """

    def __init__(self, account: str, credentials: str, *, conn_id: str, label: str) -> None:
        self._name = hashlib.sha256(account.encode()).hexdigest()
        self._shared = AccountState(self._name)
        key = hashlib.sha256(_KEY_PREFIX + credentials.encode()).digest()
        self._credentials = hmac.new(key, account.encode(), hashlib.sha256).hexdigest()
        self._conn_id = conn_id
        self._label = label

    @property
    def is_known_here(self) -> bool:
        """Whether a process of this user has noted on this machine that the vendor took or refused credentials."""
        return has_shared(f"{self._name}.account")

    @contextlib.contextmanager
    def enter(self) -> Iterator[None]:
        """Let a request out that is made inside the ``with``, and that may be the first with these credentials.

        Unless the vendor has taken them lately, no other request of this machine goes out with them meanwhile; see
        :data:`LOG_IN_WAIT`.

        :raises FaxAccountStoppedError: if the vendor has refused them. The request was not made.
        """
        if self._may_ask() or _asking.get(self._name) == threading.get_ident():
            # The handler of a signal does not wait for the thread that it interrupts.
            yield
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._turn())
            except OSError:
                # Told already, by who has read the state.
                log.debug("The credentials are tried without a lock.")
            yield

    def check(self) -> None:
        """Check that the account is not stopped.

        :raises FaxAccountStoppedError: if it is.
        """
        self._may_ask()

    def note_success(self, asked_at: Moment) -> None:
        """Note that the vendor has taken the credentials; that ends a stop.

        :param asked_at: when it was asked. It says nothing of a stop that began after that.
        """
        state = self._shared.read()
        noted = state.logged_in.get(self._credentials)
        if self._credentials not in state.stops and noted is not None and noted.seconds_left(_NOTED_EVERY):
            return

        def change(state: State) -> Stop | None:
            stop = state.stops.get(self._credentials)
            if stop is not None and stop.since.monotonic > asked_at.monotonic:
                return None
            state.logged_in[self._credentials] = Moment.now()
            return state.stops.pop(self._credentials, None)

        if self._shared.change(change) is not None:
            log.info("Connection %s: the vendor takes the credentials again.", self._conn_id)

    def note_refusal(self, error: FaxAuthenticationError) -> tuple[Stop, bool]:
        """Note that the vendor has refused the credentials, so that no other task asks with them.

        :param error: what the vendor said.
        :return: the stop, and whether it is a new one, and not one that another task has begun meanwhile.
        """
        seconds = LOCKED_OUT_FOR if error.is_locked_out else STOPPED_FOR
        stop = Stop(
            conn_id=self._conn_id,
            since=Moment.now(),
            seconds=seconds,
            http_status=error.http_status,
            vendor_code=error.vendor_code,
        )

        def change(state: State) -> bool:
            before = state.stops.get(self._credentials)
            if before is None or stop.until > before.until:
                # One that is prolonged has been told already.
                state.stops[self._credentials] = stop
            state.logged_in.pop(self._credentials, None)
            return before is None

        is_new = self._shared.change(change)
        return stop, is_new

    def stopped_error(self, error: FaxAuthenticationError, stop: Stop) -> FaxAccountStoppedError:
        """Make the error of the task that the vendor has refused.

        :param error: what the vendor said.
        :param stop: the stop that it began.
        :return: the error.
        """
        return FaxAccountStoppedError(
            f"{error} No task of this machine asks with these credentials before {_show(stop.until)}. {_WHAT_ENDS_IT}",
            until=stop.until,
            was_asked=True,
            is_locked_out=error.is_locked_out,
            http_status=error.http_status,
            vendor_code=error.vendor_code,
        )

    def _may_ask(self) -> bool:
        """Check that the account is not stopped, and tell whether the vendor has taken the credentials lately."""
        state = self._shared.read()
        stop = state.stops.get(self._credentials)
        if stop is not None:
            by = "" if stop.conn_id == self._conn_id else f" with connection {stop.conn_id!r}"
            raise FaxAccountStoppedError(
                f"{self._label} has refused the credentials{by} ({stop.answer}) at "
                f"{_show(stop.since.wall)}, so this task has not asked; no task of this machine does before "
                f"{_show(stop.until)}. Correct the key or password of the connection. {_WHAT_ENDS_IT}",
                until=stop.until,
                is_locked_out=stop.seconds >= LOCKED_OUT_FOR,
                http_status=stop.http_status,
                vendor_code=stop.vendor_code,
            )
        noted = state.logged_in.get(self._credentials)
        return noted is not None and noted.seconds_left(_TRUSTED_FOR) > 0

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other task of this machine tries the credentials, or until one has found out."""
        began = clock.monotonic()
        until = began if began < _impatient_until.get(self._name, 0.0) else began + LOG_IN_WAIT
        with opened(f"{self._name}.turn") as file:
            while True:
                with locked(file) as is_held:
                    # With the lock, too: who held it before may have been refused.
                    if self._may_ask() or is_held:
                        with self._noting(is_held=is_held):
                            yield
                        return
                if clock.monotonic() >= until:
                    break
                clock.sleep(_LOOK_EVERY)
        if until > began:
            _impatient_until[self._name] = clock.monotonic() + _IMPATIENT_FOR
        yield

    @contextlib.contextmanager
    def _noting(self, *, is_held: bool) -> Iterator[None]:
        if is_held:
            _asking[self._name] = threading.get_ident()
        try:
            yield
        finally:
            if is_held:
                _asking.pop(self._name, None)


_WHAT_ENDS_IT = (
    "With other credentials the vendor is asked at once, and a test of the connection that succeeds ends the stop."
)


def _show(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
