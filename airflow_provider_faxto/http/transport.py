"""The HTTP side: one request out, one response in. Here alone does the package touch the network.

What it holds to:

* A request goes out once, as it is: credentials are in it or they are not. There is no retry adapter and no redirect is
  followed, so neither a document nor a key reaches a host that neither the connection nor the vendor's package names.
* Errors are our own. The texts of the HTTP library show URLs, and with them keys and fax numbers, so they are
  neither passed on nor chained.
* What records HTTP in the process, Sentry or OpenTelemetry, sees no request.
* Bodies are streamed from the document, and answers are read up to a limit in size. Each exchange has an end, however
  the far side drips; then its socket is closed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions

from airflow_provider_faxto.fax.errors import (
    FaxConfigurationError,
    FaxDocumentError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.http.answer import UnusableAnswerError, read_body
from airflow_provider_faxto.http.body import Body, DocumentReadError, open_body
from airflow_provider_faxto.http.hosts import host_of, is_base_url, travels_in_the_clear
from airflow_provider_faxto.http.instruments import unseen_by_instruments
from airflow_provider_faxto.http.redaction import urls_out_of_logs
from airflow_provider_faxto.http.session import NoConnectionError, find_unusable_ca_bundle, new_session, send
from airflow_provider_faxto.http.time_limit import TimeLimit
from airflow_provider_faxto.vendors.base import FaxResponse, RequestKind

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.errors import FaxError
    from airflow_provider_faxto.http.unconnected import Unconnected
    from airflow_provider_faxto.vendors.base import FaxRequest

__all__ = ["SLOWEST_LINE", "FaxTransport", "Timeouts"]

SLOWEST_LINE = 32 * 1024
"""Bytes a second: an exchange is given so much more time that a slow line can carry a large document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a request may take, in seconds.

    :param connect: to make the connection.
    :param read: between two pieces of the answer, and half of what the whole exchange may take, from the first byte of
        the request to the last of the answer.
    :param upload: the same where a document goes out, since vendors convert it before they answer. The whole exchange
        is given a second more for each 32 KiB of the request.
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
        self._session = new_session(base_url)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def check(self) -> None:
        """Check what the environment of this process says of connections, without making one.

        :raises FaxConfigurationError: if it names certificates of authorities that cannot be used.
        """
        problem = _find_ca_problem("check the set-up", self._base_url)
        if problem is not None:
            raise problem

    def exchange(self, request: FaxRequest) -> FaxResponse:
        """Send a request once and read its response, whatever its HTTP status.

        :param request: the request, with the credentials that it needs.
        :return: the response.
        :raises FaxConfigurationError: if the request names another host that is not a base URL, or one to which it
            would go in the clear, or if the certificates of authorities that the environment names cannot be used.
            Nothing was sent.
        :raises FaxNotConnectedError: if no connection stood; not a byte of the request left.
        :raises FaxLostContactError: if contact was lost after that.
        :raises FaxUnreadableAnswerError: if the answer is larger than 32 MiB, also unpacked, or in an encoding that was
            not asked for.
        :raises FaxDocumentError: if a document cannot be read, or is no longer what was hashed. The request did not
            begin, or was cut off before its end, so no fax was sent.
        """
        base_url = self._base_url if request.base_url is None else _check_other_host(request)
        with contextlib.ExitStack() as stack:
            stack.enter_context(urls_out_of_logs())
            stack.enter_context(unseen_by_instruments())
            session = self._session
            if request.kind is RequestKind.SEND or request.base_url is not None:
                # A kept connection that the far side has closed fails only after the request was written,
                # and that would make a send uncertain for nothing.
                session = stack.enter_context(new_session(base_url))
            body, headers = open_body(request, stack)
            patience = self._timeouts.read
            if isinstance(body, Body) or request.parts is not None:
                patience = self._timeouts.upload
            limit = TimeLimit(2 * patience + (len(body) / SLOWEST_LINE if body is not None else 0))
            failure: FaxError
            try:
                answer = stack.enter_context(
                    send(
                        session,
                        requests.Request(
                            request.method,
                            base_url + request.path,
                            params=list(request.query),
                            data=body,
                            headers={**request.headers, **headers},
                        ),
                        timeout=(self._timeouts.connect, patience),
                        limit=limit,
                    )
                )
                status = answer.status_code
                named = {name.lower(): value for name, value in answer.headers.items()}
                return FaxResponse(status=status, headers=named, body=read_body(answer.raw, named))
            except UnusableAnswerError as error:
                failure = FaxUnreadableAnswerError(
                    f"Could not {request.action}: {self._label}'s answer {error}.",
                    http_status=status,
                    is_lasting=error.is_lasting,
                )
            except NoConnectionError as error:
                failure = self._explain_unconnected(error.reason, request, base_url)
            except DocumentReadError as error:
                # Less than its Content-Length left, so the vendor must not take it for a request (RFC 9112, 6.3 and 8).
                failure = FaxDocumentError(
                    f"Could not {request.action}: {error} The request was cut off before its end: no fax was sent."
                )
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                failure = self._explain(error, request, patience)
            # Outside the handler: inside, the library's exception would stay attached as the context.
            raise failure

    def _explain(self, error: Exception, request: FaxRequest, patience: float) -> FaxLostContactError:
        if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
            how = f"{self._label} did not answer within {patience:g} s, or not in full within twice that"
        else:
            how = f"the connection to {self._label} broke before a whole answer came"
        return FaxLostContactError(f"Could not {request.action}: {how}.")

    def _explain_unconnected(self, reason: Unconnected, request: FaxRequest, base_url: str) -> FaxError:
        return _find_ca_problem(request.action, base_url) or FaxNotConnectedError(
            f"Could not {request.action}: no connection to {self._label} ({host_of(base_url)}) could be "
            f"made: {reason.why}. Nothing was sent.",
            is_lasting=reason.is_lasting,
        )


def _find_ca_problem(action: str, base_url: str) -> FaxConfigurationError | None:
    variable = find_unusable_ca_bundle() if base_url.lower().startswith("https:") else None
    if variable is None:
        return None
    return FaxConfigurationError(
        f"Could not {action}: the file that {variable} names in the environment is missing, cannot be read or holds no "
        "certificate. Nothing was sent. Correct the variable or the file on the machine that this runs on."
    )


def _check_other_host(request: FaxRequest) -> str:
    base_url = request.base_url or ""
    if not is_base_url(base_url) or travels_in_the_clear(base_url):
        raise FaxConfigurationError(
            f"Could not {request.action}: it names a host of its own that is not a base URL with https://. "
            "Nothing was sent."
        )
    return base_url
