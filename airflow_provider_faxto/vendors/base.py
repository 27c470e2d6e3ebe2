"""What every vendor module offers, and the values that go between it and whoever does the input and output.

A call is a *flow*: a generator that yields a :class:`FaxRequest`, is sent the :class:`FaxResponse`, may yield
another, and in the end returns its value::

    flow = vendor.get_status("700000001")
    request = next(flow)
    response = ...  # do the HTTP call
    flow.send(response)  # StopIteration, whose value is the FaxStatus

So one vendor's way of doing things (one call or three, pages, upload sessions) stays in its module, and the
driver in :mod:`airflow_provider_faxto.hooks.fax` is the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Self, TypeAlias, TypeVar

from airflow_provider_faxto.fax.errors import FaxInputError, FaxUnsupportedError
from airflow_provider_faxto.fax.options import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    import pendulum

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.options import SendOptions
    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "ConnectionSettings",
    "DocumentSlice",
    "FaxJob",
    "FaxRequest",
    "FaxResponse",
    "FaxVendor",
    "Flow",
    "HistoryPage",
    "MultipartPart",
    "RequestKind",
    "UploadedDocument",
]


class RequestKind(StrEnum):
    """What a request does at the vendor, which decides whether it may be repeated and its time-out."""

    READ = "read"
    """Changes nothing: may be repeated."""
    UPLOAD = "upload"
    """Carries a document but sends no fax: not repeated by itself, and given the longer time-out."""
    CHANGE = "change"
    """Cancels, hides or deletes: not repeated by itself."""
    SEND = "send"
    """Makes a fax job: never repeated, and uncertain whenever no readable answer comes back."""


@dataclass(frozen=True, slots=True)
class DocumentSlice:
    """A part of a document as the body of a request; the driver streams it.

    :param document: the document.
    :param start: the first byte, counted from 0.
    :param stop: the byte behind the last one.
    """

    document: FaxDocument
    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes the slice has."""
        return self.stop - self.start

    @classmethod
    def whole(cls, document: FaxDocument) -> Self:
        """Take all of a document.

        :param document: the document.
        :return: the slice from its first to its last byte.
        """
        return cls(document, 0, document.size)


@dataclass(frozen=True, slots=True)
class MultipartPart:
    """One part of a multipart/form-data body; the driver streams its document.

    :param name: the name of the form field.
    :param content: the document, or text.
    :param filename: the file name to tell the vendor; never the user's own. Default: none.
    :param content_type: the media type of the part. Default: none.
    :param headers: further headers of the part. Default: none.
    """

    name: str
    content: FaxDocument | str = field(repr=False)
    filename: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxRequest:
    """One HTTP request, before credentials are added.

    ``repr()`` shows neither query, headers nor body, since a fax number may stand there.

    :param action: what it is for, to finish the sentence "Could not ...": ``read the status of fax job 12``.
        It holds no full number, no name of a document and no secret.
    :param kind: what it does; see :class:`RequestKind`.
    :param method: the HTTP method.
    :param path: the path below the connection's host, with a leading slash, already percent-encoded.
    :param query: the query parameters, not yet encoded.
    :param headers: the headers beside those that every request gets.
    :param form: the body as a URL-encoded form.
    :param document: the body as raw bytes of a document.
    :param parts: the body as multipart/form-data. At most one of ``form``, ``document`` and ``parts`` is set;
        none makes an empty body.
    :param rate_limited: whether it counts against :attr:`FaxVendor.requests_per_minute`. Default: ``False``.
    """

    action: str
    kind: RequestKind
    method: Literal["GET", "POST", "DELETE"]
    path: str
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Sequence[tuple[str, str]] | None = field(default=None, repr=False)
    document: DocumentSlice | None = field(default=None, repr=False)
    parts: Sequence[MultipartPart] | None = field(default=None, repr=False)
    rate_limited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxResponse:
    """One HTTP response.

    :param status: the HTTP status.
    :param headers: the headers, their names in lower case.
    :param body: the whole body.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


T = TypeVar("T")
Flow: TypeAlias = Generator[FaxRequest, FaxResponse, T]
"""A call in progress: yields requests, is sent responses, returns a ``T``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxJob:
    """What the vendor said when it accepted a fax.

    :param vendor: the connection type.
    :param job_id: the vendor's id of the new fax job.
    :param cost: what it will cost, in the account's currency, if the vendor says so at once (Fax.to does).
    :param balance: what the account holds, in its currency, if the vendor says so at once.
    :param document_id: the vendor's id of the uploaded document, where there is one.
    """

    vendor: str
    job_id: str
    cost: Decimal | None = None
    balance: Decimal | None = None
    document_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedDocument:
    """A document that the vendor holds.

    :param document_id: the vendor's id of it: Fax.to's number, InterFAX's session URI.
    :param pages: how many fax pages it makes, if the vendor says so.
    """

    document_id: str
    pages: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page of the vendor's records, newest first.

    :param statuses: the fax jobs on it, as far as the list tells.
    :param next_cursor: what to pass for the page behind it; ``None`` if this was the last.
    """

    statuses: Sequence[FaxStatus]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """An Airflow connection as a vendor needs it, without Airflow.

    ``repr()`` shows none of it.

    :param conn_id: the connection's id, for messages.
    :param host: the base URL, or ``None`` for the vendor's own.
    :param login: the user name.
    :param password: the password or API key.
    :param extra: the connection's extra.
    """

    conn_id: str
    host: str | None = field(default=None, repr=False)
    login: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


class FaxVendor(ABC):
    """One vendor's API: builds requests, reads responses.

    Every call is a flow (see the module). A call that the vendor does not offer raises
    :class:`~airflow_provider_faxto.fax.errors.FaxUnsupportedError` as soon as its flow is started.

    Each flow may raise, beside what its docstring says: ``FaxAuthenticationError`` (401 and the like),
    ``FaxThrottledError``, ``FaxRefusedError`` (any other clear no) and ``FaxLostContactError`` (5xx,
    redirects, anything unreadable). The driver turns the last into ``FaxUncertainSendError`` behind a request
    of kind ``SEND``.
    """

    name: ClassVar[str]
    """The connection type: ``faxto``, ``interfax``, ``extrafax``."""
    label: ClassVar[str]
    """The vendor's name as people write it."""
    default_host: ClassVar[str | None]
    """The base URL where the connection names none; ``None`` if it must name one."""
    document_types: ClassVar[frozenset[str]]
    """The file types that the vendor takes, as extensions."""
    max_document_bytes: ClassVar[int]
    """The size up to which documents are sent, in bytes, all documents of a fax together."""
    max_documents: ClassVar[int]
    """How many documents one fax may have."""
    days_of_records: ClassVar[int | None] = None
    """For how many days the vendor keeps the records of a fax; ``None`` if it does not say."""
    send_options: ClassVar[frozenset[str]]
    """The names of the :class:`~airflow_provider_faxto.fax.options.SendOptions` that the vendor takes."""
    requests_per_minute: ClassVar[int]
    """How many rate-limited requests an account may make in a rolling minute, unless its connection says otherwise."""
    jobs_per_request: ClassVar[int]
    """Of how many fax jobs one request of :meth:`get_statuses` tells at most."""
    jobs_per_call: ClassVar[int | None]
    """For how many fax jobs one call of :meth:`get_statuses` is best made; ``None`` for all there are."""
    list_is_conclusive: ClassVar[bool] = True
    """Whether the vendor's list says how a fax has ended as well as :meth:`get_status` does."""

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: ConnectionSettings) -> Self:
        """Make the vendor of an Airflow connection.

        :param settings: the connection.
        :return: the vendor, with its credentials.
        :raises FaxConfigurationError: if a field is missing or an extra has a value that it cannot have.
        """

    @classmethod
    def read_test_number(cls, text: str) -> FaxNumber | None:
        """Read a number of the vendor's own for tests, which no country has and no other vendor knows.

        :param text: the recipient as the user wrote it.
        :return: the number; ``None`` if it is not such a one, as always by default: then it must be a telephone
            number.
        """
        return None

    @property
    @abstractmethod
    def secrets(self) -> Sequence[str]:
        """Everything that must never be shown: keys and passwords, in each form in which they travel."""

    @property
    @abstractmethod
    def account(self) -> str:
        """Whose requests the vendor counts together; names the account, and shows no secret."""

    @abstractmethod
    def authorize(self, request: FaxRequest) -> FaxRequest:
        """Add the credentials to a request, as the last step before it is sent.

        :param request: the request.
        :return: the same request with credentials.
        """

    @abstractmethod
    def send_fax(
        self,
        fax_number: FaxNumber,
        documents: Sequence[FaxDocument | UploadedDocument],
        *,
        reference: str | None = None,
        options: SendOptions | None = None,
    ) -> Flow[FaxJob]:
        """Send one fax; uploads first what the vendor wants uploaded.

        Exactly one request of kind ``SEND`` goes out, as the last one.

        :param fax_number: the recipient.
        :param documents: what to send, in order.
        :param reference: the key to store with the fax, so that :meth:`find_jobs` finds it. Default: none.
        :param options: what to set. Default: the account's own settings.
        :return: the fax job that was made.
        :raises FaxUnsupportedError: if an option is set that the vendor does not take, or more documents are
            given than one fax may have.
        :raises FaxInputError: if an option has a value that the vendor does not take.
        """

    @abstractmethod
    def get_status(self, job_id: str) -> Flow[FaxStatus]:
        """Ask for the status of one fax job.

        :param job_id: its id.
        :return: its status. Never ``success`` unless the vendor's answer says so in words or numbers that are
            documented (or that the connection adds).
        :raises FaxInputError: if the id is none of this vendor's form.
        :raises FaxNotFoundError: if the vendor does not know the job.
        """

    def check_job_id(self, job_id: str) -> None:
        """Check a job id before it is asked for together with others, to whom it must do no harm.

        :param job_id: the id.
        :raises FaxInputError: if it is none of this vendor's form.
        """
        # Every flow checks what it is given before its first request.
        next(self.get_status(job_id))

    @abstractmethod
    def get_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask for many fax jobs in as few requests as the vendor allows.

        :param job_ids: their ids.
        :return: the statuses by id. A job is left out when the vendor's list does not tell of it: it may be
            pending, unknown or hidden, and :meth:`get_status` tells which.
        :raises FaxInputError: if an id is none of this vendor's form.
        """

    def get_listed_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask the vendor's list alone, where the list does not tell all; see :attr:`list_is_conclusive`.

        :param job_ids: their ids.
        :return: the statuses by id, as far as the list tells of them; left out as in :meth:`get_statuses`.
        :raises FaxInputError: if an id is none of this vendor's form.
        """
        return (yield from self.get_statuses(job_ids))

    @abstractmethod
    def find_jobs(self, *, reference: str, fax_number: FaxNumber) -> Flow[list[FaxStatus]]:
        """Look up every fax job that was made under a key, in the vendor's own records.

        :param reference: the key.
        :param fax_number: the recipient under that key.
        :return: the jobs, newest first; empty only if the vendor's records were read whole and show none.
        :raises FaxLostContactError: also if the records cannot be read whole, since then they prove nothing.
        """

    @abstractmethod
    def find_same_faxes(
        self, *, reference: str, fax_number: FaxNumber, since: pendulum.DateTime
    ) -> Flow[list[FaxStatus]]:
        """Look up every fax job of the same document to the same number, from whatever DAG run, of late.

        Those are the jobs under a key whose second part is that of ``reference``; see
        :func:`~airflow_provider_faxto.fax.key.is_same_fax`. Jobs under ``reference`` itself are among them.

        :param reference: the key of the logical fax.
        :param fax_number: the recipient under that key.
        :param since: the moment from which on jobs count, by the vendor's clock. A job whose time cannot be read
            counts, too.
        :return: the jobs, newest first, each with the key it was found under as its ``reference``; empty only if
            the vendor's records were read whole back to that moment and show none.
        :raises FaxInputError: if the reference is no key of a logical fax.
        :raises FaxLostContactError: also if the records cannot be read back to that moment, since then they prove
            nothing; and, as its kind ``FaxUnreadableAnswerError``, if a job of that time may or may not be the
            same fax.
        """

    def upload_document(self, document: FaxDocument, *, name: str) -> Flow[UploadedDocument]:
        """Upload a document without sending it.

        :param document: the document.
        :param name: what to call it at the vendor, without extension; never the user's file name.
        :return: the uploaded document, which :meth:`send_fax` takes.
        """
        self._unsupported("upload a document")

    def cancel_fax(self, job_id: str) -> Flow[FaxStatus]:
        """Cancel a fax job that is still waiting, and read what became of it.

        :param job_id: its id.
        :return: the status after the attempt. Only the cause ``canceled`` says that the cancel won.
        :raises FaxNotFoundError: if the vendor does not know the job.
        """
        self._unsupported("cancel a fax")

    def estimate_cost(self, fax_number: FaxNumber, document_id: str) -> Flow[Decimal]:
        """Ask what a fax would cost.

        :param fax_number: the recipient.
        :param document_id: an uploaded document.
        :return: the price in the account's currency.
        """
        self._unsupported("tell the cost of a fax before it is sent")

    def get_balance(self) -> Flow[Decimal]:
        """Ask what the account holds.

        :return: the balance in the account's currency.
        """
        self._unsupported("tell the balance")

    def get_history_page(self, cursor: str | None = None, *, limit: int = 50) -> Flow[HistoryPage]:
        """Read one page of the vendor's records, newest first.

        :param cursor: where to begin; ``next_cursor`` of the page before. Default: at the newest.
        :param limit: how many jobs to ask for.
        :return: the page.
        """
        self._unsupported("list past faxes")

    def delete_document(self, document_id: str) -> Flow[None]:
        """Delete an uploaded document. One that is gone already counts as deleted.

        :param document_id: its id.
        """
        self._unsupported("delete a document")

    @abstractmethod
    def check_connection(self) -> Flow[str]:
        """Make the cheapest call that needs valid credentials.

        :return: a sentence for people that says what was reached.
        """

    def check_send(self, documents: Sequence[object], options: SendOptions) -> None:
        """Check what can be checked before anything is sent or uploaded.

        :param documents: what is to be sent, loaded or not: only their number counts here.
        :param options: what is to be set.
        :raises FaxUnsupportedError: if an option is set that the vendor does not take, or more documents are
            given than one fax may have.
        :raises FaxInputError: if there is no document at all.
        """
        unwanted = [name for name in options.names_set if name not in self.send_options]
        if unwanted:
            raise FaxUnsupportedError(
                f"{self.label} has no use for {', '.join(unwanted)}.{did_you_mean(unwanted, self.send_options)} "
                f"It takes {', '.join(sorted(self.send_options))}. Leave the others out for this connection."
            )
        if not documents:
            raise FaxInputError("A fax needs at least one document.")
        if len(documents) > self.max_documents:
            raise FaxUnsupportedError(
                f"{self.label} takes {self.max_documents} document(s) in one fax, not {len(documents)}. "
                "Join them into one PDF first, or send one fax each."
            )

    def _unsupported(self, what: str) -> NoReturn:
        raise FaxUnsupportedError(f"{self.label} offers no way to {what}.")
