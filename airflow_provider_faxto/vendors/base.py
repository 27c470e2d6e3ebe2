"""What every vendor offers, and the values that go in and out of it.

A call is a *flow*: a generator that yields a :class:`FaxRequest`, is sent the :class:`FaxResponse`, may yield
another, and in the end returns its value::

    flow = vendor.get_status("700000001")
    request = next(flow)
    response = ...  # do the HTTP call
    flow.send(response)  # StopIteration, whose value is the FaxStatus

So one vendor's way of doing things (one call or three, pages, upload sessions) stays in its package, and
:mod:`airflow_provider_faxto.hooks.driver`, which makes the requests, is the same for all.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from airflow_provider_faxto.fax.errors import FaxInputError, FaxUnsupportedError
from airflow_provider_faxto.fax.options import did_you_mean
from airflow_provider_faxto.vendors.declarations import LookUp, check_declarations
from airflow_provider_faxto.vendors.exchange import (
    AuthFlow,
    Base64Document,
    DocumentSlice,
    FaxRequest,
    FaxResponse,
    Flow,
    MultipartPart,
    RequestKind,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    import pendulum

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.options import SendOptions
    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "AuthFlow",
    "Base64Document",
    "ConnectionSettings",
    "DocumentSlice",
    "FaxJob",
    "FaxRequest",
    "FaxResponse",
    "FaxVendor",
    "Flow",
    "HistoryPage",
    "LookUp",
    "MultipartPart",
    "RequestKind",
    "UploadedDocument",
]


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
    :param next_cursor: what to pass for the next page; ``None`` if this was the last.
    """

    statuses: Sequence[FaxStatus]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """An Airflow connection as a vendor needs it, without Airflow.

    ``repr()`` shows nothing of it but the id, and it cannot be pickled.

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

    def __reduce__(self) -> NoReturn:
        raise TypeError("The settings of a connection hold its password and are not pickled. Pickle the hook.")


class FaxVendor(ABC):
    """One vendor's API: builds requests, reads responses.

    Every call is a flow (see the module), and checks what it is given before its first request. A call that the vendor
    does not offer raises :class:`~airflow_provider_faxto.fax.errors.FaxUnsupportedError`, which names the vendor.

    Each flow may raise, beside what its docstring says: ``FaxAuthenticationError`` (401 and the like),
    ``FaxThrottledError``, ``FaxRefusedError`` (any other clear no) and ``FaxLostContactError`` (5xx,
    redirects, anything unreadable). After a request of kind ``SEND`` the driver turns the last into
    ``FaxUncertainSendError``.

    What a vendor must declare and define is checked when its class is made. A class that is only the base of vendors
    is made with ``abstract=True`` and is not checked.

    :raises TypeError: when a subclass is made that lacks an attribute or a method, or declares what cannot be.
    """

    name: ClassVar[str]
    """The connection type, such as ``faxto``."""
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
    look_up: ClassVar[LookUp]
    """How :meth:`find_jobs` finds a fax: by a label that the vendor looks up, or in the pages of a history."""
    requests_per_minute: ClassVar[int]
    """How many rate-limited requests an account may make in a rolling minute, unless its connection says otherwise."""
    jobs_per_request: ClassVar[int]
    """Of how many fax jobs one request of :meth:`get_statuses` tells at most."""
    jobs_per_call: ClassVar[int | None]
    """For how many fax jobs one call of :meth:`get_statuses` is best made; ``None`` for all there are."""
    has_tokens: ClassVar[bool] = False
    """Whether :meth:`auth_flow` fetches what a request bears. Such a token may be refused before its time, so where one
    that was kept is refused on a request that does more than read, the account's credentials may be right."""
    reads_in_parts: ClassVar[bool] = False
    """Whether :meth:`read_records` can stop where a request has no turn, for :meth:`resume_records` to go on later."""
    list_is_conclusive: ClassVar[bool] = True
    """Whether the vendor's list says how a fax has ended as well as :meth:`get_status` does."""

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not abstract:
            check_declarations(cls)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A vendor holds the password of its account and is not pickled. Pickle the hook.")

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: ConnectionSettings) -> Self:
        """Make the vendor's side of an Airflow connection.

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
        """Everything that must never be shown: keys, passwords and the tokens that were fetched so far, in each form in
        which they travel.
        """

    @property
    @abstractmethod
    def account(self) -> str:
        """Whose requests the vendor counts together; names the account, and shows no secret."""

    @abstractmethod
    def auth_flow(self, request: FaxRequest) -> AuthFlow:
        """Make a request with the account's credentials; as a generator, as ``httpx.Auth.auth_flow`` is.

        Most vendors yield one request, the given one with credentials, and are done. A vendor whose credentials must
        be fetched yields requests of kind ``TOKEN`` first, often to a host of their own, is sent the responses, and
        then yields the given request. After a refusal (401) it may fetch others and yield the given request again:
        that happens for a request that reads alone. Any other is made once, whatever is yielded after its response.

        The request that is yielded last is the one whose response the call is given. It goes to the same host and
        path as the given one.

        :param request: the request, which goes to the connection's host. Requests to another host do not pass here.
        :return: the generator.
        :raises FaxAuthenticationError: if the credentials are refused where others are fetched with them.
        :raises FaxLostContactError: if those cannot be fetched. The given request was not made then.
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
        :raises FaxInputError: if the id does not have this vendor's form.
        :raises FaxNotFoundError: if the vendor does not know the job.
        """

    def check_job_id(self, job_id: str) -> None:
        """Check a job id before it is asked for together with others, which it must not spoil.

        :param job_id: the id.
        :raises FaxInputError: if it does not have this vendor's form.
        """
        # Every flow checks what it is given before its first request.
        next(self.get_status(job_id))

    @abstractmethod
    def get_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask for many fax jobs in as few requests as the vendor allows.

        :param job_ids: their ids.
        :return: the statuses by id. A job is left out when the vendor's list does not tell of it: it may be
            pending, unknown or hidden, and :meth:`get_status` tells which.
        :raises FaxInputError: if an id does not have this vendor's form.
        """

    def get_listed_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask the vendor's list alone, where the list does not tell all; see :attr:`list_is_conclusive`.

        :param job_ids: their ids.
        :return: the statuses by id, as far as the list tells of them; left out as in :meth:`get_statuses`.
        :raises FaxInputError: if an id does not have this vendor's form.
        """
        return (yield from self.get_statuses(job_ids))

    @abstractmethod
    def find_jobs(
        self,
        *,
        reference: str,
        fax_number: FaxNumber,
        since: pendulum.DateTime | None = None,
        document_keys: Mapping[str, str] = MappingProxyType({}),
        records: Any = None,  # noqa: ANN401 - what read_records() gave
    ) -> Flow[list[FaxStatus]]:
        """Look up every job of a fax in the vendor's own records.

        Those are the jobs whose label is a key with the same first part as ``reference``: the very fax, or one that was
        corrected, resent or rendered anew. A vendor that only looks a label up finds the very key alone. How a row is
        judged, see :class:`~airflow_provider_faxto.vendors.lookup.FaxSearch`.

        :param reference: the key of the fax. Any other text is compared as a whole.
        :param fax_number: the recipient under that key.
        :param since: from when on a job without a key of ours counts, by our clock. Default: as far back as the
            records reach.
        :param document_keys: the key of each uploaded document that is known to be of this fax, by the vendor's id of
            the document. A job that sends one of them is found under that key. Default: none is known.
        :param records: what :meth:`read_records` gave. What they hold is not read again. Default: read now.
        :return: the jobs, newest first, each with the key that it was found under as its ``reference``; empty only if
            the vendor's records were read whole and show none. If a job under the very key of ``reference`` is under
            way or was delivered, the jobs are returned although the records could not be read whole or leave a doubt.
        :raises FaxInputError: if the reference is one that no fax of this vendor can bear.
        :raises FaxLostContactError: also if the records cannot be read whole, since then they prove nothing; and, as
            its kind ``FaxUnreadableAnswerError``, if a row may or may not be the fax.
        """

    def read_records(self, since: pendulum.DateTime | None = None) -> Flow[Any]:
        """Read what :meth:`find_jobs` needs, so that one reading can serve many look-ups of the account.

        :param since: from when on, by our clock. A look-up from an earlier moment reads the records itself.
            Default: as far back as the records reach.
        :return: one value that ``json.dumps`` takes, for ``records`` of :meth:`find_jobs`. It holds recipients and
            labels. ``None`` by default, without a request: for vendors that look a label up themselves. With
            :attr:`reads_in_parts` it may be an :class:`~airflow_provider_faxto.vendors.lookup.UnfinishedRecords`, where
            a request has no turn.
        :raises FaxLostContactError: if the records cannot be read.
        """
        yield from ()

    def resume_records(self, so_far: Any) -> Flow[Any]:  # noqa: ANN401 - see read_records()
        """Go on with a reading that stopped; needed with :attr:`reads_in_parts` alone.

        :param so_far: what the ``UnfinishedRecords`` holds.
        :return: as :meth:`read_records`.
        :raises FaxLostContactError: as :meth:`read_records`.
        """
        self._unsupported("read its records in parts")

    def reach_back_to(self, since: float, records: Any, now: float) -> bool:  # noqa: ANN401 - see read_records()
        """Tell whether the vendor still shows every fax of a time, so that absence can prove something.

        :param since: from when on, in seconds since the epoch by our clock.
        :param records: what :meth:`read_records` gave.
        :param now: the time, by the same clock.
        :return: whether they reach back so far: by default as many days as the vendor documents to keep them, and
            always where it documents none.
        """
        kept = self.days_of_records
        return kept is None or since > now - kept * 86_400

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
