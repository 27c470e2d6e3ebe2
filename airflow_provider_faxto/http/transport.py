"""The HTTP side: one request out, one response in. Here alone does the package touch the network.

What it holds to:

* A request goes out once. There is no retry adapter and no redirect is followed, so neither a document nor a
  key reaches a host that nobody named.
* Errors are our own. The texts of the HTTP library show URLs, and with them keys and fax numbers, so they are
  neither passed on nor chained.
* Bodies are streamed from the document, and answers are read up to a limit in size and time.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, BinaryIO

import requests
import urllib3.exceptions
from requests_toolbelt import MultipartEncoder

from airflow_provider_faxto import __version__, clock
from airflow_provider_faxto.fax.errors import (
    FaxDocumentError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.http.redaction import urls_out_of_logs
from airflow_provider_faxto.vendors.base import DocumentSlice, FaxResponse, RequestKind
from airflow_provider_faxto.vendors.parsing import as_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_faxto.fax.errors import FaxError
    from airflow_provider_faxto.vendors.base import FaxRequest, MultipartPart

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
    """Carries requests to one host.

    :param base_url: the host's base URL, without a slash at its end.
    :param label: the vendor's name, for messages.
    :param timeouts: how long a request may take.
    :param authorize: adds the credentials to a request.
    """

    def __init__(
        self,
        *,
        base_url: str,
        label: str,
        timeouts: Timeouts,
        authorize: Callable[[FaxRequest], FaxRequest],
    ) -> None:
        self._base_url = base_url
        self._label = label
        self._timeouts = timeouts
        self._authorize = authorize
        # Plain http is for this machine alone, and what goes through a proxy leaves it.
        self._trust_env = not base_url.lower().startswith("http:")
        self._session = _new_session(trust_env=self._trust_env)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def exchange(self, request: FaxRequest) -> FaxResponse:
        """Send a request once and read its response, whatever its HTTP status.

        :param request: the request, without credentials.
        :return: the response.
        :raises FaxNotConnectedError: if no connection was made; not a byte of the request left.
        :raises FaxLostContactError: if contact was lost after that.
        :raises FaxUnreadableAnswerError: if the answer is larger than 32 MiB.
        :raises FaxDocumentError: if a document could not be opened, and nothing was sent; or if it could not be
            read to its end, unless the request sends a fax: then contact counts as lost, since part of it left.
        """
        authorized = self._authorize(request)
        with contextlib.ExitStack() as stack:
            stack.enter_context(urls_out_of_logs())
            session = self._session
            if request.kind is RequestKind.SEND:
                # A kept connection that the far side has closed fails only after the request was written,
                # and that would make a send uncertain for nothing.
                session = stack.enter_context(_new_session(trust_env=self._trust_env))
            body, headers = _encode_body(authorized, stack)
            failure: FaxError
            try:
                answer = stack.enter_context(
                    session.request(
                        authorized.method,
                        self._base_url + authorized.path,
                        params=list(authorized.query),
                        data=body,
                        headers={**authorized.headers, **headers},
                        timeout=(self._timeouts.connect, self._read_timeout(request)),
                        allow_redirects=False,
                        stream=True,
                    )
                )
                return FaxResponse(
                    status=answer.status_code,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=self._read_body(answer, request),
                )
            except _DocumentReadError:
                # With a send, part of the request left; that the vendor refuses a cut-off body is likely, not known.
                error_class = FaxLostContactError if request.kind is RequestKind.SEND else FaxDocumentError
                failure = error_class(f"Could not {request.action}: the document could not be read while it was sent.")
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                failure = self._explain(error, request)
            # Outside the handler: inside, the library's exception would stay attached as the context.
            raise failure

    def _read_timeout(self, request: FaxRequest) -> float:
        carries_document = request.document is not None or request.parts is not None
        return self._timeouts.upload if carries_document else self._timeouts.read

    def _read_body(self, answer: requests.Response, request: FaxRequest) -> bytes:
        # The library's own time-out is between two pieces, so a dripping answer could last for ever.
        deadline = clock.monotonic() + 2 * self._read_timeout(request)
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

    def _explain(self, error: Exception, request: FaxRequest) -> FaxLostContactError:
        if _never_connected(error):
            return FaxNotConnectedError(
                f"Could not {request.action}: no connection to {self._label} could be made. Nothing was sent."
            )
        if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
            how = f"{self._label} did not answer within {self._read_timeout(request):g} s"
        else:
            how = f"the connection to {self._label} broke before a whole answer came"
        return FaxLostContactError(f"Could not {request.action}: {how}.")


class _Session(requests.Session):
    """A session that does not look at redirects at all.

    Even where none is followed, requests would read the whole body of such an answer and parse its target.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find no target."""


def _new_session(*, trust_env: bool) -> requests.Session:
    session = _Session()
    session.trust_env = trust_env
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
    """Whether the failure proves that not a byte of the request left."""
    no_address = (requests.exceptions.InvalidURL, urllib3.exceptions.LocationValueError)
    if isinstance(error, (requests.ConnectTimeout, *no_address)):
        return True
    reason = error.args[0] if error.args else None
    if isinstance(reason, urllib3.exceptions.MaxRetryError):
        reason = reason.reason
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error
    if isinstance(reason, urllib3.exceptions.SSLError):
        # A certificate that does not fit ends the handshake, which comes before the request.
        return bool(reason.args) and isinstance(reason.args[0], ssl.SSLCertVerificationError)
    return isinstance(reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError))


class _DocumentReadError(Exception):
    """The document, not the network, failed while a body was streamed."""


class _SliceReader:
    """A part of a document as a file that requests can stream: it has a length and can be read."""

    def __init__(self, source: DocumentSlice, file: BinaryIO) -> None:
        self._file = file
        self._left = source.length
        if source.start:
            file.seek(source.start)

    def __len__(self) -> int:
        return self._left

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_READ_BLOCK):
            yield piece

    def read(self, size: int = -1) -> bytes:
        """Read on, at most to the end of the slice."""
        wanted = self._left if size < 0 else min(size, self._left)
        if wanted == 0:
            return b""
        piece = b""
        # Every storage library has errors of its own, and their texts show names.
        with contextlib.suppress(Exception):
            piece = self._file.read(wanted)
        if not piece:
            # Unreadable, or it shrank since it was measured. A shorter fax is not what was asked for.
            raise _DocumentReadError
        self._left -= len(piece)
        return piece


def _encode_body(request: FaxRequest, stack: contextlib.ExitStack) -> tuple[Any, dict[str, str]]:
    if request.form is not None:
        return list(request.form), {}
    if request.document is not None:
        return _open_slice(request.document, stack), {}
    if request.parts is not None:
        encoder = MultipartEncoder(fields=_encode_parts(request.parts, stack))
        return encoder, {"Content-Type": encoder.content_type}
    return None, {}


def _open_slice(source: DocumentSlice, stack: contextlib.ExitStack) -> _SliceReader:
    # Every storage library has errors of its own, and their texts show names.
    with contextlib.suppress(Exception):
        return _SliceReader(source, stack.enter_context(source.document.open()))
    raise FaxDocumentError("The document can no longer be opened. Nothing was sent.")


def _encode_parts(parts: Sequence[MultipartPart], stack: contextlib.ExitStack) -> list[tuple[str, object]]:
    fields: list[tuple[str, object]] = []
    for part in parts:
        content: object = part.content
        if not isinstance(part.content, str):
            content = _open_slice(DocumentSlice.whole(part.content), stack)
        # In lower case, since the library drops a Content-Location that is spelt as usual.
        headers = {name.lower(): value for name, value in part.headers.items()}
        fields.append((part.name, (part.filename, content, part.content_type, headers)))
    return fields
