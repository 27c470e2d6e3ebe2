"""Airflow connections to the simulated vendors, as plain JSON: made without Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.accounts import Accounts

__all__ = ["airflow_connections"]

# The simulator keeps the vendors' limits itself, in its own time, which a test may run faster.
_EXTRA = {"requests_per_minute": 600}


def airflow_connections(url: str, accounts: Accounts) -> dict[str, dict[str, Any]]:
    """Make one connection for each connection type, with the first account of each vendor.

    :param url: where the simulator is served.
    :param accounts: the accounts of the vendors.
    :return: by connection type, what ``AIRFLOW_CONN_...`` takes as JSON. A vendor without accounts is left
        out.
    """
    connections: dict[str, dict[str, Any]] = {}
    for key in list(accounts.faxto.values())[:1]:
        connections["faxto"] = {"conn_type": "faxto", "host": url, "password": key, "extra": dict(_EXTRA)}
    for conn_type, users in (("interfax", accounts.interfax), ("extrafax", accounts.extrafax)):
        for login, password in list(users.items())[:1]:
            connections[conn_type] = {
                "conn_type": conn_type,
                "host": url,
                "login": login,
                "password": password,
                "extra": dict(_EXTRA),
            }
    return connections
