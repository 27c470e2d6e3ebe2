"""The exceptions of the package, with what each one proves about the fax.

The tree is about one question: *may a fax have been sent?* Only :class:`FaxUncertainSendError` leaves that
open. Every other error of a sending call means that no fax was sent.

No message here ever holds an API key, a password, a full fax number, a document's name, or the text of an
exception of the HTTP library.

:mod:`airflow_provider_faxto.exceptions` shows the whole tree, with what a task makes of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.outcome import FaxCause


class FaxError(Exception):
    """The base of every exception this package raises on purpose."""


class FaxInputError(FaxError, ValueError):
    """An argument is wrong. Nothing was sent, and nothing will be until the argument is corrected."""


class FaxNumberError(FaxInputError):
    """The recipient is not a fax number. The message shows at most its last four digits."""


class FaxBadNumberError(FaxNumberError):
    """No fax machine answered the number lately, so it is not dialled again for a time.

    :param message: when that was, and what to do.
    :param cause: how the fax to it ended then. Default: not told.
    """

    def __init__(self, message: str, *, cause: FaxCause | None = None) -> None:
        super().__init__(message)
        self.cause = cause


class FaxDocumentError(FaxInputError):
    """The document is missing, empty, unreadable, not a regular file, too large, of a type the vendor does not take, or
    no longer what it was when it was loaded. No fax was sent: a request that had begun was cut off before its end.
    """


class FaxNotAllowedError(FaxInputError):
    """A rule on the connection does not allow the fax: its number, its documents, its price or its DAG. Nothing was
    sent. The rule can be changed in the connection alone; see :mod:`airflow_provider_faxto.fax.gates`.
    """


class FaxUnsupportedError(FaxInputError):
    """The vendor of this connection does not offer the call or the parameter that the message names."""


class FaxConfigurationError(FaxError):
    """The Airflow connection cannot be used (a missing key or host, a wrong type, a bad extra), or the certificates of
    authorities that the environment names (``REQUESTS_CA_BUNDLE``) cannot.
    """


class FaxVendorError(FaxError):
    """The vendor answered, and the answer is no.

    :param message: what was asked, what came back, and what to do.
    :param http_status: the HTTP status of the answer, if there was one.
    :param vendor_code: the vendor's own error code (InterFAX's negative API code), if it gave one. This is
        not a fax status code: the two use the same numbers for different things.
    """

    def __init__(self, message: str, *, http_status: int | None = None, vendor_code: int | None = None) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.vendor_code = vendor_code


class FaxAuthenticationError(FaxVendorError):
    """The key or password is wrong, or this machine's address is not allowed.

    Never repeated: InterFAX locks a user out for an hour after too many failures.

    :param message: as for :class:`FaxVendorError`.
    :param is_locked_out: whether the vendor says that it has locked the user out for a time. Default: ``False``.
    :param http_status: as for :class:`FaxVendorError`.
    :param vendor_code: as for :class:`FaxVendorError`.
    """

    def __init__(
        self,
        message: str,
        *,
        is_locked_out: bool = False,
        http_status: int | None = None,
        vendor_code: int | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status, vendor_code=vendor_code)
        self.is_locked_out = is_locked_out


class FaxAccountStoppedError(FaxAuthenticationError):
    """The vendor has refused the credentials, so no task of this machine asks it for a while. Nothing was sent.

    A later try may work: the stop ends when the connection's credentials are changed, or when its time is over. See
    :mod:`airflow_provider_faxto.http.stopped_account`.

    :param message: as for :class:`FaxVendorError`.
    :param until: when the stop ends by itself, in seconds since the epoch. Default: not known.
    :param was_asked: whether this very call was refused by the vendor. Default: ``False``: it did not ask.
    :param is_locked_out: as for :class:`FaxAuthenticationError`.
    :param http_status: as for :class:`FaxVendorError`.
    :param vendor_code: as for :class:`FaxVendorError`.
    """

    def __init__(
        self,
        message: str,
        *,
        until: float | None = None,
        was_asked: bool = False,
        is_locked_out: bool = False,
        http_status: int | None = None,
        vendor_code: int | None = None,
    ) -> None:
        super().__init__(message, is_locked_out=is_locked_out, http_status=http_status, vendor_code=vendor_code)
        self.until = until
        self.was_asked = was_asked


class FaxNotFoundError(FaxVendorError):
    """The vendor knows no such job or document under this account.

    Just after a send this may be lag at the vendor, so a wait treats it as "not yet" for one minute.
    """


class FaxUploadLostError(FaxVendorError):
    """An upload that this very call made is gone at the vendor, before a fax was made of it: nothing was sent.

    Another call uploads anew, so it may be made again.
    """


class FaxRefusedError(FaxVendorError):
    """The vendor understood the request and turned it down. A send that is refused was not sent."""


class FaxOutOfCreditError(FaxRefusedError):
    """The account has no credit, and its connection says that a send fails then (``when_out_of_credit``). Nothing was
    sent.
    """


class FaxAwaitingCreditError(FaxVendorError):
    """The account has no credit, and its connection says that sends wait (``when_out_of_credit``). Nothing was sent.

    A later try sends once the balance is back.
    """


class FaxThrottledError(FaxVendorError):
    """The vendor asks for fewer requests (``403`` at Fax.to, ``429`` or code ``-1011`` at InterFAX).

    :param message: as for :class:`FaxVendorError`.
    :param retry_after: seconds that the vendor asked to wait, if it said so.
    :param http_status: as for :class:`FaxVendorError`.
    :param vendor_code: as for :class:`FaxVendorError`.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        http_status: int | None = None,
        vendor_code: int | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status, vendor_code=vendor_code)
        self.retry_after = retry_after


class FaxRateLimitError(FaxThrottledError):
    """The account has been asked as often as it may be in a minute, so the request was not made at all.

    ``retry_after`` says in how many seconds the next one may go out. See
    :mod:`airflow_provider_faxto.http.rate_limit`.
    """


class FaxLostContactError(FaxError):
    """No answer came, or none that can be read: a time-out, a reset, a 5xx, an HTML page.

    It says nothing about any fax. Reads are repeated; a wait goes on until its deadline.

    :param message: what was asked and how contact was lost.
    :param http_status: the HTTP status, where an answer came but could not be used.
    :param is_lasting: whether the same call would end in the same way a minute later: a certificate that does not fit,
        records that are too many to be read. A call that only reads is not repeated after that. Default: ``False``.
    """

    def __init__(self, message: str, *, http_status: int | None = None, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.is_lasting = is_lasting


class FaxNotConnectedError(FaxLostContactError):
    """No connection to the vendor stood, with a proxy and TLS in between, so not a byte of the request left: nothing
    was sent.
    """


class FaxUnreadableAnswerError(FaxLostContactError):
    """An answer came that is not what the vendor documents: HTML, broken JSON, a missing field."""


class FaxUncertainSendError(FaxError):
    """The request to send left, and no readable answer came back: the fax may or may not be on its way.

    Nothing repeats the send after this. Only the vendor's own records can settle it.

    :param message: what is known, what to check, and how to resend on purpose.
    """
