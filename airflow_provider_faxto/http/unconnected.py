"""Why no connection to the vendor stood, from the HTTP library's exception to words of our own; a pure function."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Unconnected", "explain_unconnected"]

_EXPIRED = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 63, 64})
# The standard library has no type of its own for a proxy that refuses; this is all that it says.
_CONNECT_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b", re.ASCII)
# OpenSSL's own name of what went wrong, such as WRONG_VERSION_NUMBER.
_TLS_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,60}", re.ASCII)
_NO_TLS = "the two sides did not agree on TLS"
_PROXY_LOGIN_NEEDED = "407"
_PROXY = "the proxy that the environment names (HTTPS_PROXY or ALL_PROXY)"


@dataclass(frozen=True, slots=True)
class Unconnected:
    """Why no connection stood, without a word of the HTTP library's.

    :param why: the reason, to stand after a colon.
    :param is_lasting: whether it would be the same a minute later.
    """

    why: str
    is_lasting: bool


def explain_unconnected(error: BaseException, *, through_proxy: bool = False) -> Unconnected:
    """Say why no connection stood. Exceptions are told by their types and by those of their causes.

    :param error: what was raised before a connection stood.
    :param through_proxy: whether the connection was to go through a proxy. Default: ``False``.
    :return: the reason.
    """
    causes = list(_causes_of(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unconnected(_explain_certificate(cause), is_lasting=True)
    if any(isinstance(cause, requests.exceptions.InvalidSchema) for cause in causes):
        return Unconnected(f"{_PROXY} is a SOCKS proxy, which needs pip install 'requests[socks]'", is_lasting=True)
    if any(isinstance(cause, _NOT_AN_ADDRESS) for cause in causes):
        whose = _PROXY if through_proxy else "the host that is to be called"
        return Unconnected(f"{whose} is not one that can be called", is_lasting=True)
    refusal = next(filter(None, (_CONNECT_REFUSED.match(str(cause)) for cause in causes)), None)
    if refusal is not None:
        status = refusal[1]
        return Unconnected(f"{_PROXY} refused with HTTP status {status}", is_lasting=status == _PROXY_LOGIN_NEEDED)
    unknown = f"it broke off at once ({type(error).__name__})"
    how = next((words for kind, words in _HOW for cause in causes if isinstance(cause, kind)), unknown)
    if how == _NO_TLS:
        reasons = [cause.reason for cause in causes if isinstance(cause, ssl.SSLError)]
        how += "".join(f" ({reason})" for reason in reasons[:1] if reason and _TLS_REASON.fullmatch(reason))
    return Unconnected(f"{how}, through {_PROXY}" if through_proxy else how, is_lasting=False)


_NOT_AN_ADDRESS = (
    requests.exceptions.InvalidURL,
    urllib3.exceptions.LocationValueError,
    http.client.InvalidURL,
    UnicodeError,
)
_HOW: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the host's name is not found"),
    (ConnectionRefusedError, "it was refused"),
    (TimeoutError, "it took too long"),
    (ssl.SSLError, _NO_TLS),
    (urllib3.exceptions.NewConnectionError, "the host cannot be reached"),
    (urllib3.exceptions.TimeoutError, "it took too long"),
)


def _explain_certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _EXPIRED:
        return "its certificate is not valid at this time, by this machine's clock"
    if error.verify_code in _OTHER_NAME:
        return "its certificate is that of another host"
    return (
        "its certificate is not trusted here. Where your network inspects TLS, set REQUESTS_CA_BUNDLE to a file with "
        "the certificates of the authority that it uses"
    )


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    """Go through an exception and all that it was made of."""
    seen: list[object] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and not any(cause is each for each in seen):
            seen.append(cause)
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
