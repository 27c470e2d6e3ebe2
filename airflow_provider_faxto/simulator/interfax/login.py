"""Logging in at InterFAX: HTTP Basic on every call, and a lock-out after too many failures."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING

from airflow_provider_faxto.simulator.interfax.responses import InterFaxError

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from airflow_provider_faxto.simulator.dispatch import Call
    from airflow_provider_faxto.simulator.state import State

__all__ = ["credentials", "log_in"]


def credentials(headers: Headers) -> tuple[str, str]:
    """Read HTTP Basic credentials.

    :param headers: the request's headers.
    :return: user and password; both are empty if the header is missing or cannot be read.
    """
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    # The vendor documents exactly this spelling.
    if scheme != "Basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return user, password


def log_in(call: Call, state: State) -> str:
    """Check the credentials of a request.

    :param call: the request.
    :param state: the simulator's state, which counts the failures.
    :return: the user name.
    :raises InterFaxError: if user or password is wrong, or if the user is locked out.
    """
    user, password = credentials(call.headers)
    expected = state.accounts.password_of(user)
    if expected is None:
        raise InterFaxError(401, -1003, "Authentication error")
    if state.lockout.is_locked(user, call.now):
        raise InterFaxError(401, -1876, "Too many failed log-ins; the user is blocked for an hour")
    if not hmac.compare_digest(expected.encode(), password.encode()):
        settings = state.settings
        state.lockout.failed(
            user,
            call.now,
            after=settings.interfax_lockout_after,
            seconds=settings.interfax_lockout_seconds,
        )
        raise InterFaxError(401, -1003, "Authentication error")
    state.lockout.succeeded(user)
    return user
