"""Everything that the parts of a simulator share, under one lock."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.simulator.accounts import Lockout, RollingLimit
from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.faults import FaultBoard
from airflow_provider_faxto.simulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.accounts import Accounts
    from airflow_provider_faxto.simulator.clock import Clock
    from airflow_provider_faxto.simulator.models import Fax
    from airflow_provider_faxto.simulator.settings import Settings
    from airflow_provider_faxto.simulator.timeline import Timeline

__all__ = ["RequestLog", "State"]


class RequestLog:
    """The requests to the simulated vendors: the latest one by one, and all of them as counts.

    No entry holds a query, a header or a body, so none holds a key, a number or a name.

    :param size: how many requests are kept one by one.
    """

    def __init__(self, size: int) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=size)
        self._counts: Counter[str] = Counter()

    def add(
        self,
        *,
        now: float,
        vendor: str,
        user: str | None,
        method: str,
        path: str,
        endpoint: str,
        http_status: int | None,
        fault: str | None,
        ids: int | None,
    ) -> None:
        """Add a request once its response is known.

        :param now: the simulated time.
        :param vendor: the vendor it was for.
        :param user: the account, if the credentials named one.
        :param method: the HTTP method.
        :param path: the path, without the query.
        :param endpoint: the name of the call; ``unknown`` if the vendor has no such call.
        :param http_status: the response's status; ``None`` if the connection was closed without one.
        :param fault: the fault that was injected, if any.
        :param ids: how many ids it asked for, where it could name several.
        """
        self._entries.append(
            {
                "time": utc(now).isoformat(),
                "vendor": vendor,
                "user": user,
                "method": method,
                "path": path,
                "endpoint": endpoint,
                "http_status": http_status,
                "fault": fault,
                "ids": ids,
            }
        )
        self._counts[f"{vendor} {endpoint} {http_status if http_status is not None else 'no response'}"] += 1

    def entries(self) -> list[dict[str, Any]]:
        """Give the latest requests.

        :return: one mapping a request, oldest first.
        """
        return [dict(entry) for entry in self._entries]

    def counts(self) -> dict[str, int]:
        """Give the counts of all requests.

        :return: how many, by ``vendor endpoint status``.
        """
        return dict(self._counts)

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()
        self._counts.clear()


class State:
    """What the parts of a simulator share.

    Handlers run in the server's thread, and a test calls from its own: every read and every change happens under
    :attr:`lock`, one whole call at a time.

    :param settings: the settings to begin with, and to return to at a reset.
    :param clock: the clock.
    :param accounts: who may use the vendors.
    :param log_size: how many requests are kept one by one.
    """

    def __init__(self, settings: Settings, clock: Clock, accounts: Accounts, log_size: int) -> None:
        self.lock = threading.RLock()
        self.initial_settings = settings
        self.settings = settings
        self.clock = clock
        self.accounts = accounts
        self.store = Store()
        self.faults = FaultBoard()
        self.log = RequestLog(log_size)
        self.rates = RollingLimit()
        self.lockout = Lockout()
        self.held: list[tuple[Fax, Timeline]] = []
        """InterFAX faxes that wait for credit, each with its timeline from then on."""
        self.on_accept: list[Callable[[Fax], None]] = []
        """Functions that are called, under the lock, with each fax that is accepted."""
        self.generation = 0
        """Counts resets, so that a call which a ``slow`` fault delays does not end up in the next test."""

    def accept(self, fax: Fax) -> None:
        """Keep a fax that is accepted, and call :attr:`on_accept`; called under the lock.

        :param fax: the fax, with an id of its own.
        """
        self.store.add_fax(fax)
        for callback in self.on_accept:
            callback(fax)

    def reset(self) -> None:
        """Forget everything that happened: faxes, faults, requests, changed settings and moved time."""
        with self.lock:
            self.generation += 1
            self.settings = self.initial_settings
            self.clock.reset()
            self.store.clear()
            self.faults.clear()
            self.log.clear()
            self.rates.clear()
            self.lockout.clear()
            self.held.clear()
