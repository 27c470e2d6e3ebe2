"""The HTTP side: one request out, one response in. Here alone does the package touch the network.

What it holds to:

* A request goes out once, as it is: credentials are in it or they are not. There is no retry adapter and no redirect is
  followed, so neither a document nor a key reaches a host that neither the connection nor the vendor's package names.
* Errors are our own. The texts of the HTTP library show URLs, and with them keys and fax numbers, so they are
  neither passed on nor chained.
* Bodies are streamed from the document, and answers are read up to a limit in size and time.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

from airflow_provider_faxto import __version__, clock
from airflow_provider_faxto.fax.errors import (
    FaxConfigurationError,
    FaxDocumentError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.http.body import Body, DocumentReadError, open_body
from airflow_provider_faxto.http.hosts import is_base_url, travels_in_the_clear
from airflow_provider_faxto.http.redaction import urls_out_of_logs
from airflow_provider_faxto.vendors.base import FaxResponse, RequestKind
from airflow_provider_faxto.vendors.parsing import as_count

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.errors import FaxError
    from airflow_provider_faxto.vendors.base import FaxRequest

__all__ = ["FaxTransport", "Timeouts"]

_MAX_ANSWER_BYTES = 32 * 1024 * 1024
_READ_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a request may take, in seconds.

    :param connect: to make the connection.
    :param read: between two pieces of the answer, and half of what the whole answer may take.
    :param upload: the same where a document goes out, since vendors convert it before they answer.
    """

    connect: float = 10.0
    read: float = 30.0
    upload: float = 120.0


class FaxTransport:
    """Carries requests: to the connection's host, or to another one that a request names.

    :param base_url: the base URL of the connection's host, without a slash at its end.
    :param label: the vendor's name, for messages.
    :param timeouts: how long a request may take.
    """

    def __init__(self, *, base_url: str, label: str, timeouts: Timeouts) -> None:
        self._base_url = base_url
        self._label = label
        self._timeouts = timeouts
        self._session = _new_session(base_url)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def exchange(self, request: FaxRequest) -> FaxResponse:
        """Send a request once and read its response, whatever its HTTP status.

        :param request: the request, with the credentials that it needs.
        :return: the response.
        :raises FaxConfigurationError: if the request names another host that is not a base URL, or one to which it
            would go in the clear. Nothing was sent.
        :raises FaxNotConnectedError: if no connection was made; not a byte of the request left.
        :raises FaxLostContactError: if contact was lost after that.
        :raises FaxUnreadableAnswerError: if the answer is larger than 32 MiB.
        :raises FaxDocumentError: if a document could not be opened, and nothing was sent; or if it could not be
            read to its end, unless the request sends a fax: then contact counts as lost, since part of it left.
        """
        base_url = self._base_url if request.base_url is None else _check_other_host(request)
        with contextlib.ExitStack() as stack:
            stack.enter_context(urls_out_of_logs())
            session = self._session
            if request.kind is RequestKind.SEND or request.base_url is not None:
                # A kept connection that the far side has closed fails only after the request was written,
                # and that would make a send uncertain for nothing.
                session = stack.enter_context(_new_session(base_url))
            body, headers = open_body(request, stack)
            patience = self._timeouts.read
            if isinstance(body, Body) or request.parts is not None:
                patience = self._timeouts.upload
            failure: FaxError
            try:
                answer = stack.enter_context(
                    session.request(
                        request.method,
                        base_url + request.path,
                        params=list(request.query),
                        data=body,
                        headers={**request.headers, **headers},
                        timeout=(self._timeouts.connect, patience),
                        allow_redirects=False,
                        stream=True,
                    )
                )
                return FaxResponse(
                    status=answer.status_code,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=self._read_body(answer, request, patience),
                )
            except DocumentReadError:
                # With a send, part of the request left; that the vendor refuses a cut-off body is likely, not known.
                error_class = FaxLostContactError if request.kind is RequestKind.SEND else FaxDocumentError
                failure = error_class(f"Could not {request.action}: the document could not be read while it was sent.")
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                failure = self._explain(error, request, patience)
            # Outside the handler: inside, the library's exception would stay attached as the context.
            raise failure

    def _read_body(self, answer: requests.Response, request: FaxRequest, patience: float) -> bytes:
        # The library's own time-out is between two pieces, so a dripping answer could last for ever.
        deadline = clock.monotonic() + 2 * patience
        pieces: list[bytes] = []
        size = 0
        # read() would wait until a whole block is there, read1() takes what has come. urllib3 before 2.2 has none.
        read = getattr(answer.raw, "read1", answer.raw.read)
        while piece := read(_READ_BLOCK, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > _MAX_ANSWER_BYTES:
                raise FaxUnreadableAnswerError(
                    f"Could not {request.action}: {self._label}'s answer is larger than 32 MiB.",
                    http_status=answer.status_code,
                    is_lasting=True,
                )
            if clock.monotonic() > deadline:
                raise requests.exceptions.ReadTimeout
        expected = as_count(answer.headers.get("Content-Length"))
        if expected is not None and "Content-Encoding" not in answer.headers and size < expected:
            raise FaxUnreadableAnswerError(
                f"Could not {request.action}: {self._label}'s answer broke off.",
                http_status=answer.status_code,
            )
        return b"".join(pieces)

    def _explain(self, error: Exception, request: FaxRequest, patience: float) -> FaxLostContactError:
        if _never_connected(error):
            return FaxNotConnectedError(
                f"Could not {request.action}: no connection to {self._label} could be made. Nothing was sent.",
                is_lasting=_is_not_a_host(error) or _has_wrong_certificate(error),
            )
        if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
            how = f"{self._label} did not answer within {patience:g} s"
        else:
            how = f"the connection to {self._label} broke before a whole answer came"
        return FaxLostContactError(f"Could not {request.action}: {how}.")


class _Session(requests.Session):
    """A session that does not look at redirects at all.

    Even where none is followed, requests would read the whole body of such an answer and parse its target.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no target."""


def _check_other_host(request: FaxRequest) -> str:
    base_url = request.base_url or ""
    if not is_base_url(base_url) or travels_in_the_clear(base_url):
        raise FaxConfigurationError(
            f"Could not {request.action}: it names a host of its own that is not a base URL with https://. "
            "Nothing was sent."
        )
    return base_url


def _new_session(base_url: str) -> requests.Session:
    session = _Session()
    # Plain http is for this machine alone, and what goes through a proxy leaves it.
    session.trust_env = not base_url.lower().startswith("http:")
    session.headers["User-Agent"] = f"airflow-provider-faxto/{__version__}"
    session.headers["Accept"] = "application/json"
    # Without an auth of its own, requests would look into ~/.netrc and add what it finds there.
    session.auth = _keep_as_it_is
    # Load balancers set cookies; a call must not depend on the one before.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _keep_as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _never_connected(error: Exception) -> bool:
    """Tell whether the failure proves that not a byte of the request left."""
    if isinstance(error, requests.ConnectTimeout) or _is_not_a_host(error) or _has_wrong_certificate(error):
        return True
    return isinstance(
        _reason_of(error), (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    )


def _is_not_a_host(error: Exception) -> bool:
    return isinstance(error, (requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError))


def _has_wrong_certificate(error: Exception) -> bool:
    """Tell whether a certificate does not fit, which ends the handshake and so comes before the request."""
    reason = _reason_of(error)
    return (
        isinstance(reason, urllib3.exceptions.SSLError)
        and bool(reason.args)
        and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    )


def _reason_of(error: Exception) -> object:
    reason = error.args[0] if error.args else None
    if isinstance(reason, urllib3.exceptions.MaxRetryError):
        reason = reason.reason
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error
    return reason
