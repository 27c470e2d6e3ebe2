"""Sessions of the HTTP library as they are needed here, and what is told of a connection that did not come to stand.

Whatever goes wrong before a connection stands, with a proxy and TLS in between, leaves as :class:`NoConnectionError`.
The HTTP library's own exceptions do not tell that apart: a line that is cut in the handshake looks like one that is
cut after the request.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import ssl
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import requests
import requests.adapters
from requests.utils import select_proxy

from airflow_provider_faxto import __version__
from airflow_provider_faxto.http.time_limit import TimedReader, TimeLimit
from airflow_provider_faxto.http.unconnected import explain_unconnected

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from urllib3.connection import HTTPConnection as _Connection
    from urllib3.connectionpool import HTTPConnectionPool

    from airflow_provider_faxto.http.unconnected import Unconnected
else:
    _Connection = object

__all__ = ["NoConnectionError", "find_unusable_ca_bundle", "new_session", "send"]

# In the order in which requests looks.
_CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class NoConnectionError(Exception):
    """No connection stood, so not a byte of the request left.

    :param reason: why.
    """

    def __init__(self, reason: Unconnected) -> None:
        super().__init__(reason.why)
        self.reason = reason


def find_unusable_ca_bundle() -> str | None:
    """Look at the certificates of authorities that the environment names, if it names any.

    :return: the name of the variable whose file is missing, cannot be read or holds no certificate; else ``None``.
    """
    name = next(filter(os.environ.get, _CA_BUNDLES), None)
    path = Path(os.environ[name]) if name is not None else None
    if path is None or path.is_dir():
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:
        return name
    return None


def new_session(base_url: str) -> requests.Session:
    """Make a session.

    :param base_url: what is to be called: ``http://`` is this machine alone, and goes through no proxy.
    :return: the session. It follows no redirect, keeps no cookie, adds no credentials and repeats nothing.
    """
    session = _Session()
    # Plain http is for this machine alone, and what goes through a proxy leaves it.
    session.trust_env = not base_url.lower().startswith("http:")
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())
    session.headers["User-Agent"] = f"airflow-provider-faxto/{__version__}"
    session.headers["Accept"] = "application/json"
    # A few bytes can unpack to gigabytes.
    session.headers["Accept-Encoding"] = "identity"
    # Without an auth of its own, requests would look into ~/.netrc and add what it finds there.
    session.auth = _keep_as_it_is
    # Load balancers set cookies; a call must not depend on the one before.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def send(
    session: requests.Session, request: requests.Request, *, timeout: tuple[float, float], limit: TimeLimit
) -> requests.Response:
    """Send a request once, and read its response's head.

    :param session: the session.
    :param request: the request.
    :param timeout: for how many seconds to wait for a connection, and between two pieces of the response.
    :param limit: how long it may take from the first byte of the request to the last one of the response's body.
    :return: the response, whose body is still to be read.
    :raises NoConnectionError: if no connection stood.
    :raises requests.RequestException: if contact was lost after that.
    """
    with _nothing_sent():
        prepared = session.prepare_request(request)
        settings = session.merge_environment_settings(prepared.url, {}, True, None, None)  # noqa: FBT003 - not ours
    with limit.as_current():
        return session.send(prepared, timeout=timeout, allow_redirects=False, **settings)


@contextlib.contextmanager
def _nothing_sent(*, through_proxy: bool = False) -> Iterator[None]:
    """Run what comes before a connection stands, and make of whatever it raises that none stood."""
    try:
        yield
    except NoConnectionError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the request has not begun
        # Of no type that the HTTP library itself would catch, so it leaves as it is.
        raise NoConnectionError(explain_unconnected(error, through_proxy=through_proxy)) from None


class _Session(requests.Session):
    """A session that does not look at redirects at all.

    Even where none is followed, requests would read the whole body of such an answer and parse its target.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no target."""


class _Adapter(requests.adapters.HTTPAdapter):
    """Gives connections that tell whether they came to stand."""

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> HTTPConnectionPool:
        """Give the pool of connections for a request."""
        proxy = select_proxy(request.url or "", kwargs.get("proxies"))
        with _nothing_sent(through_proxy=proxy is not None):
            pool: Any = super().get_connection_with_tls_context(request, *args, **kwargs)
        pool.ConnectionCls = _telling(pool.ConnectionCls)
        return cast("HTTPConnectionPool", pool)

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Set the certificates that are trusted, which must be there."""
        with _nothing_sent():
            super().cert_verify(*args, **kwargs)  # type: ignore[no-untyped-call]


class _TimedResponse(http.client.HTTPResponse):
    """A response of the standard library, of which everything is read within the time limit."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(TimedReader(self.fp.detach(), sock))


class _TellingConnection(_Connection):
    """A connection that tells if it does not come to stand, and keeps the time limit of the exchange it is used for."""

    # Also of what a proxy says before the connection stands.
    response_class = _TimedResponse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        with _nothing_sent(through_proxy=kwargs.get("proxy") is not None):
            super().__init__(*args, **kwargs)

    def set_tunnel(self, *args: Any, **kwargs: Any) -> None:
        """Note the host to which a proxy shall connect."""
        with _nothing_sent(through_proxy=True):
            super().set_tunnel(*args, **kwargs)

    def connect(self) -> None:
        """Connect, through a proxy and with TLS where they are wanted."""
        with _nothing_sent(through_proxy=self.proxy is not None):
            super().connect()
        TimeLimit.current().restart()

    def send(self, data: bytes) -> None:  # type: ignore[override]
        """Write a piece of a request."""
        if self.sock is None:
            self.connect()
        TimeLimit.current().apply(self.sock, self.timeout)
        super().send(data)


@cache
def _telling(connection_class: type[Any]) -> type[Any]:
    """Make the class of connections that tell, from the library's own: plain, with TLS, or through SOCKS."""
    if issubclass(connection_class, _TellingConnection):
        return connection_class
    return type(f"Telling{connection_class.__name__}", (_TellingConnection, connection_class), {})


def _keep_as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
