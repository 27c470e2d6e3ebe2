"""One request to InterFAX and what its answer says apart from the records: errors, and the ids in ``Location``.

An error body is ``{"code": int, "message": str, "moreInfo": str}``, where the vendor's pages write ``more_info``
and any part may be missing, or the whole body. ``code`` is a negative number of the API and no fax status:
-1 and -22 exist as both and mean different things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxDocumentError,
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
    FaxUploadLostError,
)
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind
from airflow_provider_faxto.vendors.parsing import (
    as_int,
    check_job_id,
    decode_json,
    private_texts,
    read_json,
    read_retry_after,
    scrub,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.errors import FaxError
    from airflow_provider_faxto.vendors.base import FaxResponse, Flow

__all__ = ["InterFaxCalls", "error_from", "is_success", "job_id_in", "means_wrong_state", "session_id_in"]

# The user is locked out for an hour.
_LOCKED_OUT_CODE = -1876
# -2003 is about the caller's address.
_AUTHENTICATION_CODES = frozenset({-1003, _LOCKED_OUT_CODE, -2003})
_THROTTLING_CODE = -1011
# No such fax, no image of it any more, no such upload session.
_NOT_FOUND_CODES = frozenset({-1005, -1009, -1062})
# No document, types and sizes that do not fit, no type, no size, too many, a lost chunk, too large together.
_DOCUMENT_CODES = frozenset({-123, -1002, -1004, -1007, -1008, -1059, -1061, -1063})
_WRONG_STATE_CODE = -162
# A lost chunk, no such upload session.
_LOST_UPLOAD_CODES = frozenset({-1061, -1062})
# The API's own codes have up to four digits; those of other protocols in JSON, such as -32600, have more.
_POSSIBLE_CODES = range(-9_999, 0)

_SUCCESS = range(200, 300)
_UNAUTHORIZED = 401
_NOT_FOUND = 404
_CONFLICT = 409
# Not there, a state that does not fit, gone, a range that does not fit.
_LOST_UPLOAD = frozenset({_NOT_FOUND, _CONFLICT, 410, 416})
_TOO_MANY_REQUESTS = 429
_ABOUT_THE_DOCUMENT = frozenset({413, 415})
# A gateway that gave up waiting, or a server that asks to come again: neither says what became of a send.
_NO_ANSWER_YET = frozenset({408, 425})
_REFUSALS = range(400, 500)

# Job ids are 64-bit integers.
_MAX_ID_DIGITS = 19

_LONGEST_ADDRESS = 500

# A host and a path before it, as a proxy may add them; no user, query or fragment, and nothing but ASCII, since
# what was found here goes into a path or a header again.
_BEFORE = r"(?:https?://[\w.:\[\]-]+)?(?:/[\w.~%-]+)*"
_JOB = re.compile(_BEFORE + r"/outbound/faxes/([1-9]\d{0,18})/?", re.ASCII | re.IGNORECASE)
_SESSION = re.compile(_BEFORE + r"/outbound/documents/([0-9a-f]{1,64})/?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _ApiError:
    """What the body of an answer outside 2xx says.

    :param code: the API's error code, if the body names one.
    :param text: the vendor's words, if there are any.
    :param is_readable: whether the body is what the API writes: empty or JSON. A page of HTML is not, and then
        it is not InterFAX that speaks.
    """

    code: int | None
    text: str | None
    is_readable: bool


def is_success(response: FaxResponse) -> bool:
    """Tell whether an answer is a yes.

    :param response: the answer.
    :return: whether its HTTP status is from 200 to 299.
    """
    return response.status in _SUCCESS


def error_from(  # noqa: PLR0911 - one return for each meaning, in the order in which they are tested
    response: FaxResponse, request: FaxRequest, label: str, secrets: Sequence[str], *, names_an_item: bool = True
) -> FaxError:
    """Turn an answer outside 2xx into the error to raise.

    :param response: the answer.
    :param request: what was asked.
    :param label: the vendor's name, for messages.
    :param secrets: what must not be shown, should the vendor's words repeat it.
    :param names_an_item: whether the request names a fax job or a document, so that 404 can mean that there is
        none. For a list or a search it means that the answer is not InterFAX's. Default: it does.
    :return: the error. A send is refused only by InterFAX itself, by a 4xx but 409 with one of its codes, or by a 401;
        a gateway may have passed on what it then says no to.
    """
    said = _read_body(response)
    status, code = response.status, said.code
    what = _describe(response, request, said, label, secrets)
    sends = request.kind is RequestKind.SEND
    is_its_own_no = not sends or (code is not None and status != _CONFLICT)

    if status == _UNAUTHORIZED or code in _AUTHENTICATION_CODES:
        return FaxAuthenticationError(
            f"{what} Check user name and password of the connection before anything is tried again: too many "
            "failures lock the user out for an hour.",
            is_locked_out=code == _LOCKED_OUT_CODE,
            http_status=status,
            vendor_code=code,
        )
    if (status == _TOO_MANY_REQUESTS and is_its_own_no) or code == _THROTTLING_CODE:
        return FaxThrottledError(
            f"{what} The account has asked too often; it may read 6 times a minute.",
            retry_after=read_retry_after(response),
            http_status=status,
            vendor_code=code,
        )
    if (sends or request.kind is RequestKind.UPLOAD) and status in _ABOUT_THE_DOCUMENT and is_its_own_no:
        return FaxDocumentError(f"{what} The document is too large or of a type that cannot be faxed.")
    if status not in _REFUSALS or status in _NO_ANSWER_YET:
        return FaxLostContactError(what, http_status=status)
    if not (said.is_readable and is_its_own_no):
        return FaxUnreadableAnswerError(what, http_status=status)
    if status == _NOT_FOUND or code in _NOT_FOUND_CODES:
        if names_an_item:
            return FaxNotFoundError(what, http_status=status, vendor_code=code)
        return FaxLostContactError(f"{what} Check the host of the connection.", http_status=status)
    if (sends or request.kind is RequestKind.UPLOAD) and code in _DOCUMENT_CODES:
        return FaxDocumentError(what)
    return FaxRefusedError(what, http_status=status, vendor_code=code)


def means_wrong_state(response: FaxResponse) -> bool:
    """Tell whether an operation came too late or too early for the state of the fax job.

    :param response: the answer.
    :return: whether it is HTTP 409, or a refusal with code -162.
    """
    if response.status == _CONFLICT:
        return True
    return response.status in _REFUSALS and _read_body(response).code == _WRONG_STATE_CODE


def lost_upload(
    response: FaxResponse, request: FaxRequest, label: str, secrets: Sequence[str]
) -> FaxUploadLostError | None:
    """Tell whether an upload session is gone that the vendor has just given out: then nothing was sent.

    :param response: the answer to a part of an upload, or to the request that sends and names only such sessions.
    :param request: what was asked.
    :param label: the vendor's name, for messages.
    :param secrets: what must not be shown.
    :return: the error; ``None`` if the answer says something else. At a send only the vendor's own code says so.
    """
    said = _read_body(response)
    is_lost = said.code in _LOST_UPLOAD_CODES and response.status in _REFUSALS
    if request.kind is not RequestKind.SEND:
        is_lost = is_lost or (said.is_readable and response.status in _LOST_UPLOAD)
    if not is_lost:
        return None
    what = _describe(response, request, said, label, secrets)
    return FaxUploadLostError(
        f"{what} The upload is gone, so nothing was sent.", http_status=response.status, vendor_code=said.code
    )


def job_id_in(location: str | None) -> str | None:
    """Read the id of a fax job out of a ``Location`` header.

    :param location: the header, which may be missing.
    :return: the id; ``None`` unless the header is exactly one address of a fax job.
    """
    return _id_in(location, _JOB)


def session_id_in(uri: str | None) -> str | None:
    """Read the id of an upload session out of its URI.

    :param uri: the URI, which may be missing.
    :return: the id; ``None`` unless this is exactly one address of an upload session.
    """
    return _id_in(uri, _SESSION)


def _id_in(address: str | None, form: re.Pattern[str]) -> str | None:
    text = (address or "").strip()
    match = form.fullmatch(text) if len(text) <= _LONGEST_ADDRESS else None
    return match[1] if match else None


def _read_body(response: FaxResponse) -> _ApiError:
    if not response.body.strip():
        return _ApiError(code=None, text=None, is_readable=True)
    try:
        body = decode_json(response.body)
    except ValueError:
        return _ApiError(code=None, text=None, is_readable=False)
    if not isinstance(body, dict):
        return _ApiError(code=None, text=None, is_readable=True)
    words = [body.get("message"), body.get("moreInfo") or body.get("more_info")]
    text = " ".join(word for word in words if isinstance(word, str))
    code = as_int(body.get("code"))
    # Anything else is not one of the API's codes, and a message that shows it might show a fax number.
    is_code = code is not None and code in _POSSIBLE_CODES
    return _ApiError(code=code if is_code else None, text=text or None, is_readable=True)


def _describe(response: FaxResponse, request: FaxRequest, said: _ApiError, label: str, secrets: Sequence[str]) -> str:
    code = f" (code {said.code})" if said.code is not None else ""
    if not said.is_readable:
        words = " and a page that is not the API's"
    else:
        quoted = scrub(said.text, secrets=secrets, private=private_texts(request))
        words = f', "{quoted.rstrip(".")}"' if quoted else ""
    return f"Could not {request.action}: {label} answered HTTP {response.status}{code}{words}."


@dataclass(frozen=True, slots=True)
class InterFaxCalls:
    """What all calls have in common.

    :param label: the vendor's name, for messages.
    :param secrets: what no message may show.
    :param times_are_utc: whether the vendor documents that times without a zone are in UTC. Default: it does.
    """

    label: str
    secrets: Sequence[str] = field(repr=False)
    times_are_utc: bool = True

    def check_id(self, job_id: str) -> str:
        """Check a job id before it becomes part of a path.

        :param job_id: the id, as text.
        :return: the id as the vendor writes it: without blanks and leading zeros.
        :raises FaxInputError: if it is not a number of up to 19 digits.
        """
        cleaned = check_job_id(job_id, self.label).lstrip("0")
        if not 0 < len(cleaned) <= _MAX_ID_DIGITS:
            raise FaxInputError(f"A job id of {self.label} has 1 to {_MAX_ID_DIGITS} digits and is not zero.")
        return cleaned

    def ask(
        self, request: FaxRequest, *, names_an_item: bool = True, needs_our_upload: bool = False
    ) -> Flow[FaxResponse]:
        """Make a request and take any answer outside 2xx for an error.

        :param request: the request.
        :param names_an_item: see :func:`~airflow_provider_faxto.vendors.interfax.errors.error_from`.
        :param needs_our_upload: whether the request names upload sessions, and only ones that this call has made.
            Default: it does not.
        :return: the answer.
        :raises FaxUploadLostError: if such a session is gone.
        :raises FaxError: if the answer is not a yes.
        """
        response = yield request
        if is_success(response):
            return response
        if needs_our_upload and (lost := lost_upload(response, request, self.label, self.secrets)) is not None:
            raise lost
        raise error_from(response, request, self.label, self.secrets, names_an_item=names_an_item)

    def ask_for_list(self, action: str, path: str, query: Sequence[tuple[str, str]]) -> Flow[list[Any]]:
        """Read a list of records; see :meth:`ask_for_page`.

        :param action: what for, for messages.
        :param path: the path.
        :param query: the parameters.
        :return: the JSON array.
        :raises FaxError: if the answer is not a list.
        """
        rows, _ = yield from self.ask_for_page(action, path, query)
        return rows

    def ask_for_page(
        self, action: str, path: str, query: Sequence[tuple[str, str]]
    ) -> Flow[tuple[list[Any], FaxResponse]]:
        """Read a list of records, or a page of one.

        :param action: what for, for messages.
        :param path: the path.
        :param query: the parameters.
        :return: the JSON array, and the answer that it came in.
        :raises FaxError: if the answer is not a yes; 404 is lost contact here, since a list that is not there says
            nothing about any fax.
        :raises FaxUnreadableAnswerError: if the answer is no array.
        """
        request = FaxRequest(action=action, kind=RequestKind.READ, method="GET", path=path, query=query)
        response = yield from self.ask(request, names_an_item=False)
        rows = read_json(response, request, self.label)
        if not isinstance(rows, list):
            raise self.unreadable(request, response, "a list")
        return rows, response

    def ask_for_job(self, request: FaxRequest, *, needs_our_upload: bool = False) -> Flow[str]:
        """Make a request that sends, and read the new job's id.

        :param request: the request, of kind ``SEND``.
        :param needs_our_upload: see :meth:`ask`.
        :return: the id.
        :raises FaxError: if the answer is not a yes.
        :raises FaxUnreadableAnswerError: if the answer is a yes without exactly one usable ``Location``: a fax may
            be on its way and its id is not known.
        """
        response = yield from self.ask(request, needs_our_upload=needs_our_upload)
        job_id = job_id_in(response.headers.get("location"))
        if job_id is None:
            raise self.unreadable(request, response, "the address of one new fax job")
        return job_id

    def unreadable(self, request: FaxRequest, response: FaxResponse, wanted: str) -> FaxUnreadableAnswerError:
        """Make the error for an answer that is a yes but not what it should be.

        :param request: what was asked.
        :param response: the answer.
        :param wanted: what it should have held.
        :return: the error. It shows nothing of the answer.
        """
        return FaxUnreadableAnswerError(
            f"Could not {request.action}: {self.label} answered HTTP {response.status} without {wanted}.",
            http_status=response.status,
        )
