"""What a hook takes from its Airflow connection: the account, its settings, and how requests to it are made."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxConfigurationError
from airflow_provider_faxto.hooks.alarm import sound_alarm
from airflow_provider_faxto.hooks.conn_id import check_conn_id
from airflow_provider_faxto.hooks.connection import (
    connection_form_widgets,
    describe_credentials,
    describe_unknown_extras,
    read_bad_number_days,
    read_base_url,
    read_connection,
    read_default_region,
    read_key_namespace,
    read_requests_per_minute,
    read_timeouts,
    read_when_out_of_credit,
    ui_field_behaviour,
)
from airflow_provider_faxto.hooks.driver import FlowDriver
from airflow_provider_faxto.hooks.frame_locals import forgets_locals
from airflow_provider_faxto.hooks.gatekeeper import Gatekeeper
from airflow_provider_faxto.hooks.patience import INTERACTIVE
from airflow_provider_faxto.http.rate_limit import RateLimit
from airflow_provider_faxto.http.stopped_account import LogInGate
from airflow_provider_faxto.http.transport import FaxTransport

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_faxto.hooks.patience import Patience
    from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxVendor

__all__ = ["AccountHook", "AccountView"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """What the processes of one machine know of an account.

    :param requests_left: how many requests may go out now, besides those that others wait to make; ``None`` if no
        process of this user has made one from here.
    :param requests_per_minute: how many a minute may go out; ``None`` as above.
    :param stopped_until: until when no task asks, in seconds since the epoch, since the vendor has refused the
        credentials; ``None`` if it has not.
    """

    requests_left: int | None
    requests_per_minute: int | None
    stopped_until: float | None


class AccountHook(BaseHook):
    """The part of :class:`~airflow_provider_faxto.hooks.fax.FaxHook` that makes no call.

    A copy of a hook, and one that was pickled, looks its connection up again: it holds the id alone, and no secret.

    :param fax_conn_id: see ``FaxHook``.
    :param patience: see ``FaxHook``.
    """

    conn_name_attr: ClassVar[str] = "fax_conn_id"
    default_conn_name: ClassVar[str]
    conn_type: ClassVar[str]
    hook_name: ClassVar[str]
    vendor_class: ClassVar[type[FaxVendor]]

    def __init__(self, fax_conn_id: str | None = None, *, patience: Patience = INTERACTIVE) -> None:
        super().__init__()
        self.fax_conn_id = check_conn_id(self.default_conn_name if fax_conn_id is None else fax_conn_id)
        self.patience = patience
        self._resolved: ConnectionSettings | None = None
        self._masks_secrets = False

    def __getstate__(self) -> dict[str, Any]:
        # Neither the connection nor what was made of it leaves the process: a copy looks it up again.
        return {"fax_conn_id": self.fax_conn_id, "patience": self.patience}

    def __setstate__(self, state: dict[str, Any]) -> None:
        AccountHook.__init__(self, state["fax_conn_id"], patience=state["patience"])

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """Look a connection up, as every hook does; what cannot be an id finds none.

        :param conn_id: the Airflow connection.
        :return: the connection.
        :raises FaxConfigurationError: if it does not have the form of an id.
        """
        return super().get_connection(check_conn_id(conn_id))

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's extra fields, for Airflow before 3.2."""
        return connection_form_widgets(cls.conn_type)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return what the form hides and how it names the rest, for Airflow before 3.2."""
        return ui_field_behaviour(cls.conn_type)

    @cached_property
    @forgets_locals
    def _settings(self) -> ConnectionSettings:
        if self._resolved is not None:
            return self._resolved
        connection = self.get_connection(self.fax_conn_id)
        if connection.conn_type != self.conn_type:
            raise FaxConfigurationError(
                f"Connection {self.fax_conn_id!r} is of type {connection.conn_type!r}; {type(self).__name__} needs "
                f"{self.conn_type!r}."
            )
        return read_connection(connection)

    @cached_property
    @forgets_locals
    def vendor(self) -> FaxVendor:
        """The vendor's side of this connection, without input and output."""
        return self.vendor_class.from_settings(self._settings)

    @cached_property
    @forgets_locals
    def default_region(self) -> str | None:
        """The country of fax numbers without a plus sign, from the connection's extra."""
        return read_default_region(self._settings)

    @cached_property
    @forgets_locals
    def key_namespace(self) -> str:
        """What keeps the keys of installations apart that share the account, from the connection's extra."""
        return read_key_namespace(self._settings)

    @cached_property
    @forgets_locals
    def bad_number_days(self) -> int:
        """For how many days a number that no fax machine answers is remembered, from the connection's extra."""
        return read_bad_number_days(self._settings)

    @cached_property
    @forgets_locals
    def gatekeeper(self) -> Gatekeeper:
        """What holds every fax of this hook to the rules of the connection."""
        return Gatekeeper(self._settings, self.vendor, self.default_region)

    @cached_property
    def account_id(self) -> str:
        """A hash that names the account: host and user, and not only the connection, which may lead elsewhere later.

        At Fax.to, which knows an account by its API key alone, another key makes another one.
        """
        return hashlib.sha256(self._account.encode()).hexdigest()[:16]

    def has_settings_of(self, other: AccountHook) -> bool:
        """Tell whether two hooks were made of the same connection in the same state.

        :param other: the other hook.
        :return: whether every field is the same.
        """
        return self.conn_type == other.conn_type and self._settings == other._settings

    def has_credentials_of(self, other: AccountHook) -> bool:
        """Tell whether two hooks log in alike.

        :param other: the other hook.
        :return: whether host, login and password are the same.
        """
        mine, others = self._settings, other._settings
        return (mine.host, mine.login, mine.password) == (others.host, others.login, others.password)

    @cached_property
    def _unknown_extras(self) -> str:
        return describe_unknown_extras(self._settings, self.conn_type)

    @cached_property
    @forgets_locals
    def rate_limit(self) -> RateLimit:
        """How often the account may be asked. Every request of this hook that the vendor counts keeps to it."""
        vendor = self.vendor_class
        figure = read_requests_per_minute(self._settings, vendor.requests_per_minute)
        return RateLimit(self._account, figure, label=vendor.label)

    @cached_property
    def _account(self) -> str:
        return f"{self.vendor_class.name} {self._base_url} {self.vendor.account}"

    @cached_property
    @forgets_locals
    def _base_url(self) -> str:
        return read_base_url(self._settings, self.vendor_class.default_host, self.vendor_class.label)

    @cached_property
    @forgets_locals
    def _transport(self) -> FaxTransport:
        return FaxTransport(
            base_url=self._base_url,
            label=self.vendor_class.label,
            timeouts=read_timeouts(self._settings),
        )

    @property
    def _driver(self) -> FlowDriver:
        return FlowDriver(
            vendor=self.vendor,
            transport=self._transport,
            rate_limit=self.rate_limit,
            patience=self.patience,
            on_token=self._mask_token,
            log_in=self._log_in,
            on_stopped=lambda stop: sound_alarm(stop, label=self.vendor_class.label),
        )

    @cached_property
    @forgets_locals
    def _when_out_of_credit(self) -> str:
        return read_when_out_of_credit(self._settings)

    @cached_property
    def _log_in(self) -> LogInGate:
        return LogInGate(
            self._account,
            describe_credentials(self._settings),
            conn_id=self.fax_conn_id,
            label=self.vendor_class.label,
        )

    def look_around(self) -> AccountView:
        """Tell what the processes of this machine know of the account, without a request to the vendor.

        :return: what they know.
        """
        limit, stopped_until = self.rate_limit, None
        if self._log_in.is_known_here:
            try:
                self._log_in.check()
            except FaxAccountStoppedError as stop:
                stopped_until = stop.until
        room = limit.room() if limit.is_counted_here else None
        return AccountView(
            requests_left=room and room.free, requests_per_minute=room and room.pace, stopped_until=stopped_until
        )

    def get_conn(self) -> Self:
        """Return the hook itself, with its connection read and checked; there is no session to hand out.

        :raises FaxConfigurationError: if the connection cannot be used.
        """
        self.check_configuration()
        return self

    def check_configuration(self) -> None:
        """Check the connection, and what this machine's environment says of connections, without calling the vendor.

        An extra that is not known, such as a misspelt one, is a warning in the log.

        :raises FaxConfigurationError: if one of them cannot be used.
        """
        self.check_settings()
        self._transport.check()
        if self._unknown_extras:
            log.warning("%s", self._unknown_extras)

    def check_settings(self) -> None:
        """Check the connection alone: its fields and its extra.

        :raises FaxConfigurationError: if it cannot be used.
        """
        _ = self.vendor, self.default_region, self.rate_limit, self.key_namespace, self._transport
        _ = self.bad_number_days
        self.gatekeeper.check_rules()
        _ = self._when_out_of_credit

    @forgets_locals
    def mask_secrets(self) -> None:
        """Tell Airflow's log masking every form of the key or password, such as its percent-encoded one.

        Tokens that are fetched later are masked when they come. For a task's process only: in a trigger the call
        would block the event loop.
        """
        self._masks_secrets = True
        for secret in self.vendor.secrets:
            mask_secret(secret)

    def _mask_token(self) -> None:
        if self._masks_secrets:
            self.mask_secrets()

    def for_another_thread(self) -> Self:
        """Make a hook of the same connection, as it was read, with HTTP connections of its own.

        What one of the two has let through, the other lets through as well.

        :return: the hook.
        """
        other: Self = type(self)(self.fax_conn_id, patience=self.patience)
        other._resolved, other._masks_secrets = self._settings, self._masks_secrets
        other.gatekeeper = self.gatekeeper
        return other

    def close(self) -> None:
        """Close the HTTP connections that are kept open."""
        if "_transport" in self.__dict__:
            self._transport.close()
