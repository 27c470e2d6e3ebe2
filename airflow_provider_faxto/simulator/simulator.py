"""The simulator as one object: the ASGI application, and everything that a test may ask or order.

This is where all routes are put together, and so the one module that imports ``callbacks``: delivery receipts and
received faxes stay apart from the rest of the simulator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from airflow_provider_faxto.simulator.accounts import Accounts
from airflow_provider_faxto.simulator.callbacks.delivery import CallbackSender
from airflow_provider_faxto.simulator.callbacks.receiving import Receiving
from airflow_provider_faxto.simulator.clock import Clock, utc
from airflow_provider_faxto.simulator.control import control_routes, unknown_route
from airflow_provider_faxto.simulator.dispatch import routes
from airflow_provider_faxto.simulator.faults import Fault, FaultKind, When
from airflow_provider_faxto.simulator.faxto.api import FaxTo
from airflow_provider_faxto.simulator.interfax.api import InterFax
from airflow_provider_faxto.simulator.models import STRANGER
from airflow_provider_faxto.simulator.parsing import dialled_digits
from airflow_provider_faxto.simulator.settings import Settings
from airflow_provider_faxto.simulator.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp

__all__ = ["Simulator", "create_app"]


class Simulator:
    """Fax.to, InterFAX and ExtraFax in memory.

    Every method may be called from any thread, also while the application serves in another.

    :param settings: what to change about the vendors; see :class:`Settings`.
    :param clock: the clock. Default: one that runs as fast as the real one.
    :param accounts: who may use the vendors.
    :param log_size: how many requests, and how many deliveries of receipts, are kept one by one; all requests are
        counted. Default: 10,000.
    :param control_hosts: names beside ``localhost`` and the loopback addresses under which ``/simulator`` may be
        called. Default: none.
    """

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        clock: Clock | None = None,
        accounts: Accounts | None = None,
        log_size: int = 10_000,
        control_hosts: Collection[str] = (),
    ) -> None:
        self._state = State(settings or Settings(), clock or Clock(), accounts or Accounts(), log_size)
        self._interfax = InterFax(self._state)
        self._faxto = FaxTo(self._state)
        self._receiving = Receiving(self._state)
        self.callbacks = CallbackSender(self._state, log_size)
        """Posts delivery receipts while it is entered as a context; the simulator's own server does that."""
        self.app: ASGIApp = Starlette(
            routes=[
                *routes(self._state, self._faxto, [*self._faxto.endpoints(), *self._receiving.endpoints()]),
                *routes(self._state, self._interfax, self._interfax.endpoints()),
                *control_routes(self._controls(), control_hosts),
                unknown_route(self._state),
            ]
        )
        """The ASGI application. Faults that close the connection need the simulator's own server."""

    @property
    def accounts(self) -> Accounts:
        """Who may use the vendors."""
        return self._state.accounts

    def faxes(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """List every fax that was accepted: the record of what clients have sent.

        :param vendor: ``faxto``, ``interfax`` or ``extrafax``. Default: all.
        :return: one mapping of plain JSON types for each fax; see :meth:`Fax.to_dict`.
        :raises ValueError: if there is no such vendor.
        """
        if vendor is not None:
            self._accounts_of(vendor)
        with self._state.lock:
            now = self._state.clock.now()
            return [fax.to_dict(now) for fax in self._state.store.all_faxes() if vendor in (None, fax.vendor)]

    def requests(self) -> list[dict[str, Any]]:
        """List the latest requests.

        :return: one mapping for each request, oldest first, without queries, headers or bodies.
        """
        with self._state.lock:
            return self._state.log.entries()

    def request_counts(self) -> dict[str, int]:
        """Count all requests.

        :return: how many, by ``vendor endpoint status``, such as ``interfax completed 200``.
        """
        with self._state.lock:
            return self._state.log.counts()

    def receipts(self) -> list[dict[str, Any]]:
        """List the latest deliveries of receipts.

        :return: one mapping for each delivery, oldest first; see :class:`~.callbacks.receipts.Delivery`.
        """
        with self._state.lock:
            return [delivery.to_dict() for delivery in self.callbacks.deliveries]

    def add_stranger(
        self,
        vendor: str,
        *,
        recipient: str = STRANGER,
        reference: str | None = None,
        account: str | None = None,
    ) -> str:
        """Let another client of an account send a fax of one page.

        :param vendor: ``faxto``, ``interfax`` or ``extrafax``.
        :param recipient: where it goes: a plus sign and digits. Default: a number at which faxes arrive.
        :param reference: InterFAX's reference, or the name of Fax.to's document. Default: one of that client's own.
        :param account: the account's name. Default: the vendor's first one.
        :return: the id of the fax, which :meth:`faxes` lists as a ``stranger``.
        :raises ValueError: if there is no such vendor or account, the number cannot be dialled, or Fax.to refuses it.
        """
        accounts = self._accounts_of(vendor)
        user = account if account is not None else accounts[0]
        if user not in accounts:
            raise ValueError("There is no such account.")
        digits = dialled_digits(recipient.removeprefix("+"))
        if digits is None:
            raise ValueError("The recipient must be a plus sign and digits.")
        with self._state.lock:
            if vendor == "faxto":
                return str(self._faxto.add_stranger(user, f"+{digits}", reference).id)
            return str(self._interfax.add_stranger(vendor, user, f"+{digits}", reference).id)

    def drop_records(self, vendor: str | None = None) -> None:
        """Let vendors drop the record of every fax accepted so far: it is no longer shown anywhere.

        :meth:`faxes` still lists them.

        :param vendor: ``faxto``, ``interfax`` or ``extrafax``. Default: all.
        :raises ValueError: if there is no such vendor.
        """
        if vendor is not None:
            self._accounts_of(vendor)
        with self._state.lock:
            for fax in self._state.store.all_faxes():
                fax.dropped = fax.dropped or vendor in (None, fax.vendor)

    def fault(
        self,
        kind: FaultKind | str,
        *,
        vendor: str | None = None,
        endpoint: str | None = None,
        when: When | str | None = None,
        times: int | None = 1,
        skip: int = 0,
        probability: float = 1.0,
        seed: int | None = None,
        http_status: int = 500,
        body: str = "html",
        delay: float = 0.0,
    ) -> int:
        """Let calls go wrong from now on.

        :param kind: what goes wrong; see :class:`FaultKind`.
        :param vendor: whose calls. Default: all.
        :param endpoint: which call, such as ``send``; see :data:`~.faults.ENDPOINTS`. Default: all.
        :param when: ``before`` or ``after`` the call is carried out. Default: as the kind suggests.
        :param times: how many calls; ``None`` for all. Default: 1.
        :param skip: how many matching calls pass first.
        :param probability: the chance for each matching call.
        :param seed: makes the chance repeatable.
        :param http_status: the status of ``server_error``.
        :param body: the body of ``server_error``: ``html``, ``json`` (a gateway's), ``empty`` or ``vendor`` (in the
            vendor's own form).
        :param delay: how late ``slow`` is, in real seconds.
        :return: the fault's number.
        :raises ValueError: if an argument is out of range, or they contradict each other.
        """
        fault = Fault(
            kind=FaultKind(kind),
            vendor=vendor,
            endpoint=endpoint,
            when=When(when) if when is not None else None,
            times=times,
            skip=skip,
            probability=probability,
            seed=seed,
            http_status=http_status,
            body=body,
            delay=delay,
        )
        with self._state.lock:
            return self._state.faults.post(fault)

    def faults(self) -> list[dict[str, Any]]:
        """List the faults in force.

        :return: one mapping for each fault; ``struck`` counts the calls that went wrong.
        """
        with self._state.lock:
            return self._state.faults.to_dicts()

    def clear_faults(self) -> None:
        """Remove all faults."""
        with self._state.lock:
            self._state.faults.clear()

    def settings(self) -> dict[str, Any]:
        """Give the settings in force.

        :return: value by name.
        """
        with self._state.lock:
            return self._state.settings.to_dict()

    def configure(self, **changes: Any) -> None:
        """Change settings until the next reset. Faxes already accepted keep their timeline.

        :param changes: the settings by name.
        :raises ValueError: if a name is not a setting, or a value does not fit it.
        """
        with self._state.lock:
            self._state.settings = self._state.settings.changed(**changes)
            self.callbacks.start_if_needed()

    def now(self) -> float:
        """Read the clock.

        :return: the simulated time, in seconds since the epoch.
        """
        return self._state.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        :param seconds: how far, in simulated seconds.
        :raises ValueError: if ``seconds`` is negative.
        """
        with self._state.lock:
            self._state.clock.advance(seconds)

    def set_speed(self, speed: float) -> None:
        """Let the clock run at another speed.

        :param speed: simulated seconds for each real second; 0 stops the clock.
        :raises ValueError: if ``speed`` is negative.
        """
        with self._state.lock:
            self._state.clock.set_speed(speed)

    def finish(self) -> None:
        """Move the clock to where every accepted fax that ever ends has ended."""
        with self._state.lock:
            now = self._state.clock.now()
            ends = [fax.final_at for fax in self._state.store.all_faxes() if fax.timeline.ends]
            # A little further, since sums of durations are rounded.
            self._state.clock.advance(max(0.0, max(ends, default=now) - now) + 0.001)

    def top_up(self) -> None:
        """Release the faxes that InterFAX and ExtraFax hold for lack of credit."""
        with self._state.lock:
            self._interfax.top_up()

    def add_number(
        self,
        number: str,
        *,
        country_code: str = "USA",
        country: str = "UNITED STATES",
        area_code: str = "202",
        account: str | None = None,
    ) -> str:
        """Give an account of Fax.to a number at which it receives.

        :param number: the number, country code first.
        :param country_code: three letters.
        :param country: the country's name.
        :param area_code: the area's code.
        :param account: the account's name. Default: the first one.
        :return: the id of its row.
        :raises ValueError: if there is no such account, or ``number`` is not a fax number.
        """
        with self._state.lock:
            added = self._receiving.add_number(
                number, country_code=country_code, country=country, area_code=area_code, account=account
            )
            return str(added.id)

    def receive_fax(self, number: str, sender: str, *, pages: int = 1, account: str | None = None) -> str:
        """Let a fax come in at Fax.to.

        :param number: a number that the account was given with :meth:`add_number`.
        :param sender: the number that it comes from.
        :param pages: its pages.
        :param account: the account's name. Default: the first one.
        :return: the id of its row.
        :raises ValueError: if there is no such account, the account has no such number, ``sender`` is not a fax
            number, or ``pages`` is not a whole number above zero.
        """
        with self._state.lock:
            return str(self._receiving.receive(number, sender, pages=pages, account=account).id)

    def reset(self) -> None:
        """Forget everything that happened, and return to the settings of the start."""
        with self._state.lock:
            self._state.reset()
            self._receiving.clear()
            self.callbacks.clear()
            self.callbacks.start_if_needed()

    def interrupt(self) -> None:
        """End all delayed responses at once, without carrying out the calls they delay."""
        with self._state.lock:
            self._state.generation += 1

    def summary(self) -> dict[str, Any]:
        """Give an overview.

        :return: the time, the speed, and the number of faxes by vendor and status.
        """
        with self._state.lock:
            now = self._state.clock.now()
            counts: dict[str, dict[str, int]] = {}
            for fax in self._state.store.all_faxes():
                by_status = counts.setdefault(fax.vendor, {})
                status = str(fax.at(now).state)
                by_status[status] = by_status.get(status, 0) + 1
            return {"now": utc(now).isoformat(), "speed": self._state.clock.speed, "faxes": counts}

    def _controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], object]]:
        """List what can be asked and ordered over HTTP, as :func:`control_routes` takes it."""
        return {
            ("GET", ""): lambda _: self.summary(),
            ("GET", "/faxes"): lambda given: self.faxes(given.get("vendor")),
            ("GET", "/requests"): lambda _: {"counts": self.request_counts(), "requests": self.requests()},
            ("GET", "/receipts"): lambda _: self.receipts(),
            ("GET", "/faults"): lambda _: self.faults(),
            ("POST", "/faults"): lambda given: {"number": self.fault(**given)},
            ("DELETE", "/faults"): lambda _: self.clear_faults(),
            ("GET", "/settings"): lambda _: self.settings(),
            ("POST", "/settings"): self._changed_settings,
            ("POST", "/clock"): self._move_clock,
            ("POST", "/finish"): self._finished,
            ("POST", "/top-up"): lambda _: self.top_up(),
            ("POST", "/numbers"): lambda given: {"id": self.add_number(**given)},
            ("POST", "/strangers"): lambda given: {"id": self.add_stranger(**given)},
            ("POST", "/drop-records"): lambda given: self.drop_records(**given),
            ("POST", "/incoming-faxes"): lambda given: {"id": self.receive_fax(**given)},
            ("POST", "/reset"): lambda _: self.reset(),
        }

    def _accounts_of(self, vendor: str) -> list[str]:
        if vendor not in ("faxto", "interfax", "extrafax"):
            raise ValueError("The vendor must be faxto, interfax or extrafax.")
        return list(getattr(self._state.accounts, vendor))

    def _changed_settings(self, given: dict[str, Any]) -> dict[str, Any]:
        self.configure(**given)
        return self.settings()

    def _finished(self, _: dict[str, Any]) -> dict[str, Any]:
        self.finish()
        return self.summary()

    def _move_clock(self, given: dict[str, Any]) -> dict[str, Any]:
        if set(given) - {"advance", "speed"}:
            raise ValueError("The clock takes advance (seconds) and speed.")
        if "speed" in given:
            self.set_speed(float(given["speed"]))
        if "advance" in given:
            self.advance(float(given["advance"]))
        return self.summary()


def create_app(
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
    accounts: Accounts | None = None,
    control_hosts: Collection[str] = (),
) -> ASGIApp:
    """Make the ASGI application alone, for a server of your own.

    :param settings: as for :class:`Simulator`.
    :param clock: as for :class:`Simulator`.
    :param accounts: as for :class:`Simulator`.
    :param control_hosts: as for :class:`Simulator`.
    :return: the application. Faults that close the connection do not work on other servers.
    """
    return Simulator(settings=settings, clock=clock, accounts=accounts, control_hosts=control_hosts).app
