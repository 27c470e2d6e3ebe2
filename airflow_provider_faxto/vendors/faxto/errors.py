"""Reading Fax.to's answers as far as they are not about one call: HTTP statuses, refusals, and texts for people.

Fax.to documents 401 (key), 403 (rate limit, not "forbidden"), 404 and 500, and neither their bodies nor any
other status but 400. It says no in two ways: with a 4xx, or with 200 and ``status: failed``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.vendors.base import RequestKind
from airflow_provider_faxto.vendors.faxto.messages import is_failure_word
from airflow_provider_faxto.vendors.parsing import private_texts, read_json, read_retry_after, scrub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.vendors.base import FaxRequest, FaxResponse

__all__ = ["LABEL", "AnswerReader", "unreadable"]

LABEL = "Fax.to"

_UNAUTHORIZED = 401
_NOT_FOUND = 404
# 403 is Fax.to's documented rate limit; 429 is everyone else's.
_THROTTLED = frozenset({403, 429})
# Request time-out, conflict, too early: what a server or something before it answers when it does not know
# whether the request was carried out.
_UNCERTAIN = frozenset({408, 409, 425})


class AnswerReader:
    """Reads answers into JSON values or errors whose texts hold neither a key nor a full number.

    :param secrets: what must not be shown, in each of its forms.
    :param is_key_in_header: whether the API key goes in a header, which a proxy may drop. Default: ``False``.
    """

    def __init__(self, secrets: Sequence[str], *, is_key_in_header: bool = False) -> None:
        self._secrets = secrets
        self._is_key_in_header = is_key_in_header

    def clean(self, text: object, request: FaxRequest | None = None) -> str | None:
        """Make one of the vendor's texts fit to be shown.

        :param text: the JSON value.
        :param request: what was asked, should the text repeat a part of it. Default: nothing that is private.
        :return: see :func:`~airflow_provider_faxto.vendors.parsing.scrub`.
        """
        return scrub(text, secrets=self._secrets, private=private_texts(request) if request is not None else ())

    def read(self, response: FaxResponse, request: FaxRequest, *, missing: str | None = None) -> Any:  # noqa: ANN401
        """Read an answer to a request that does not send a fax.

        :param response: the response.
        :param request: what was asked.
        :param missing: what a 404 says is not there, such as ``fax job 12``. Default: the request asks for
            nothing that could be missing, so a 404 comes from a wrong address.
        :return: the JSON value, whatever it is and whatever its own ``status`` says.
        :raises FaxAuthenticationError: for 401.
        :raises FaxThrottledError: for 403 and 429.
        :raises FaxNotFoundError: for 404, where something can be missing; for a request that reads only with the object
            that Fax.to documents, a ``status`` and a ``message``.
        :raises FaxRefusedError: for any other 4xx.
        :raises FaxUnreadableAnswerError: if the body of a 2xx is not JSON.
        :raises FaxLostContactError: for any other HTTP status.
        """
        self._check_contact(response, request)
        if response.status in _THROTTLED:
            raise _throttled(response, request)
        if response.status == _NOT_FOUND and missing is not None:
            if request.kind is RequestKind.READ and not _is_of_the_api(_read_leniently(response, request)):
                # A gateway, or a server that is being set up, says so of everything.
                raise FaxLostContactError(
                    f"Could not {request.action}: HTTP 404 from someone who may not be {LABEL}. If that lasts, check "
                    "the connection's host and api_version.",
                    http_status=_NOT_FOUND,
                )
            raise FaxNotFoundError(
                f"Could not {request.action}: {LABEL} knows no {missing} under this account (HTTP 404).",
                http_status=_NOT_FOUND,
            )
        if _is_no(response):
            self._refuse(response, request, _read_leniently(response, request))
        return read_json(response, request, LABEL)

    def read_object(self, response: FaxResponse, request: FaxRequest, *, missing: str | None = None) -> dict[str, Any]:
        """Read an answer that is an object with a ``status`` about the request.

        :param response: the response.
        :param request: what was asked.
        :param missing: as for :meth:`read`.
        :return: the object; its ``status`` does not say that something failed, but it may be missing.
        :raises FaxRefusedError: also for ``status: failed``.
        :raises FaxVendorError: what :meth:`read` raises.
        :raises FaxLostContactError: what :meth:`read` raises, and ``FaxUnreadableAnswerError`` for anything but an
            object.
        """
        answer = self.read(response, request, missing=missing)
        if not isinstance(answer, dict):
            raise unreadable(response, request, "no JSON object")
        self.check_status(answer, response, request)
        return answer

    def check_status(self, answer: dict[str, Any], response: FaxResponse, request: FaxRequest) -> None:
        """Check that an object does not say "failed".

        :param answer: the object.
        :param response: the response that it came in.
        :param request: what was asked.
        :raises FaxRefusedError: if its ``status`` is a word of failure.
        """
        if is_failure_word(answer.get("status")):
            self._refuse(response, request, answer)

    def read_send(self, response: FaxResponse, request: FaxRequest) -> dict[str, Any]:
        """Read the answer to the request that sends. A "no" must be clear: whatever is not clear may have sent.

        :param response: the response.
        :param request: what was asked.
        :return: the object of a 2xx whose ``status`` does not say that something failed.
        :raises FaxAuthenticationError: for 401; nothing was sent.
        :raises FaxThrottledError: for 403 and 429 that say "failed" in JSON; nothing was sent.
        :raises FaxRefusedError: for ``status: failed`` with a 2xx or a 4xx but 408, 409 and 425; nothing was sent.
        :raises FaxLostContactError: for everything else: a fax may have been sent.
        """
        self._check_contact(response, request)
        answer = _read_leniently(response, request)
        if is_failure_word(answer.get("status")):
            if response.status in _THROTTLED:
                raise _throttled(response, request)
            self._refuse(response, request, answer)
        if _is_no(response):
            # A firewall or proxy answers so too, and it can do that after it has passed the request on.
            raise unreadable(response, request, f"HTTP {response.status} from someone who may not be {LABEL}")
        if not answer:
            raise unreadable(response, request, "no JSON object")
        return answer

    def _check_contact(self, response: FaxResponse, request: FaxRequest) -> None:
        status = response.status
        if status == _UNAUTHORIZED:
            hint = (
                " Or try api_key_in=query: proxies may drop a header named api_key." if self._is_key_in_header else ""
            )
            raise FaxAuthenticationError(
                f"Could not {request.action}: {LABEL} does not accept the API key (HTTP 401). Check the password of "
                f"the connection.{hint}",
                http_status=status,
            )
        if status in _UNCERTAIN or not (_is_yes(response) or _is_no(response)):
            raise FaxLostContactError(
                f"Could not {request.action}: {LABEL} answered HTTP {status}.", http_status=status
            )

    def _refuse(self, response: FaxResponse, request: FaxRequest, answer: dict[str, Any]) -> NoReturn:
        message = self.clean(answer.get("message"), request)
        if response.status == _NOT_FOUND:
            hint = " Check the connection's host and api_version."
        else:
            silent_send = message is None and request.kind is RequestKind.SEND
            hint = " It gave no reason; an account without credit is a likely one." if silent_send else ""
        raise FaxRefusedError(
            f"Could not {request.action}: {LABEL} refused (HTTP {response.status})"
            f"{f': {message}' if message else '.'}{hint}",
            http_status=response.status,
        )


def unreadable(response: FaxResponse, request: FaxRequest, what: str) -> FaxUnreadableAnswerError:
    """Make the error for an answer of which nothing can be made.

    :param response: the response.
    :param request: what was asked.
    :param what: what came, to finish the sentence "Fax.to's answer is ...". Nothing of the body itself.
    :return: the error.
    """
    return FaxUnreadableAnswerError(
        f"Could not {request.action}: {LABEL}'s answer is {what}.", http_status=response.status
    )


def _is_yes(response: FaxResponse) -> bool:
    return 200 <= response.status < 300  # noqa: PLR2004 - the range is its own name


def _is_no(response: FaxResponse) -> bool:
    return 400 <= response.status < 500  # noqa: PLR2004 - the range is its own name


def _read_leniently(response: FaxResponse, request: FaxRequest) -> dict[str, Any]:
    """Read the object of an answer whose HTTP status matters more than its body; an empty one if it has none."""
    try:
        answer = read_json(response, request, LABEL)
    except FaxUnreadableAnswerError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _is_of_the_api(answer: dict[str, Any]) -> bool:
    """Tell whether an object is what the API documents for a 404."""
    return isinstance(answer.get("status"), str) and isinstance(answer.get("message"), str)


def _throttled(response: FaxResponse, request: FaxRequest) -> FaxThrottledError:
    return FaxThrottledError(
        f"Could not {request.action}: {LABEL} asks for fewer requests (HTTP {response.status}). If that lasts, the key "
        "may lack a right, or a firewall may stand between.",
        retry_after=read_retry_after(response),
        http_status=response.status,
    )
