"""Fax.to's REST API, v1 and v2.

What is documented, what public clients show, and what is our inference stands beside each rule; the vendor
documents neither a failed fax nor one in progress, so both are read with care:

* :mod:`airflow_provider_faxto.vendors.faxto.status`: what became of one fax, or of many,
* :mod:`airflow_provider_faxto.vendors.faxto.messages`: what a sentence about a fax means,
* :mod:`airflow_provider_faxto.vendors.faxto.errors`: what an HTTP status or a refusal means,
* :mod:`airflow_provider_faxto.vendors.faxto.search`: which records belong to a key.

``GET /fax`` is never used: some documents have it as the history, and the same path with POST sends.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, quote_plus

from airflow_provider_faxto.fax.errors import (
    FaxDocumentError,
    FaxNotFoundError,
    FaxRefusedError,
)
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.vendors.base import (
    FaxJob,
    FaxRequest,
    FaxVendor,
    HistoryPage,
    LookUp,
    MultipartPart,
    RequestKind,
    UploadedDocument,
)
from airflow_provider_faxto.vendors.faxto.errors import LABEL, AnswerReader, unreadable
from airflow_provider_faxto.vendors.faxto.history import ROWS_A_PAGE, ListReader
from airflow_provider_faxto.vendors.faxto.messages import (
    MESSAGE_CODES,
    MessageCode,
    MessageReader,
    plain_words,
)
from airflow_provider_faxto.vendors.faxto.records import StoredDocument, read_id, read_uploaded
from airflow_provider_faxto.vendors.faxto.search import Records, find_rows, read_records
from airflow_provider_faxto.vendors.faxto.status import StatusReader
from airflow_provider_faxto.vendors.faxto.validate import (
    check_document_id,
    check_job_id,
    check_limit,
    check_name,
    check_page,
    check_url,
    read_api_key,
    read_choice,
    read_options,
)
from airflow_provider_faxto.vendors.parsing import as_money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    import pendulum

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import AuthFlow, ConnectionSettings, FaxResponse, Flow

__all__ = ["MESSAGE_CODES", "FaxToVendor", "MessageCode", "StoredDocument"]

_VERSIONS = ("v1", "v2")
_KEY_PLACES = ("query", "header")
# What a document is called that has no reference: file names of users tell too much.
_NEUTRAL_NAME = "document"
_SURELY_KEPT = 86_400.0
# Statuses with which an upload is turned down for the document's own sake.
_BAD_DOCUMENT = frozenset({200, 400, 413, 415, 422})


class FaxToVendor(FaxVendor):
    """Fax.to: builds its requests, reads its answers.

    A connection may set in its extra: ``api_version`` (``v2`` or ``v1``; default ``v2``), ``api_key_in`` (``query``
    or ``header``; default ``query``, since only generated clients are known to use the header and proxies may drop
    it), ``status_messages`` (further words for the outcomes; see
    :mod:`airflow_provider_faxto.vendors.faxto.messages`) and ``code_outcomes`` (another outcome for one of
    :data:`MESSAGE_CODES`).

    :param api_key: the API key.
    :param messages: reads the vendor's sentences.
    :param api_version: ``v2`` or ``v1``.
    :param api_key_in: ``query`` or ``header``.
    """

    name: ClassVar[str] = "faxto"
    label: ClassVar[str] = LABEL
    default_host: ClassVar[str | None] = "https://fax.to"
    document_types: ClassVar[frozenset[str]] = frozenset(
        {
            "pdf", "tif", "tiff", "png", "jpg", "jpeg", "gif", "txt", "ps", "rtf", "doc", "docx", "xls", "xlsx",
            "ppt", "pptx",
        }
    )  # fmt: skip
    """Not documented by Fax.to: the types of its probable carrier (our inference)."""
    max_document_bytes: ClassVar[int] = 20 * 1024 * 1024
    """Not documented by Fax.to: our own caution, 20 MiB."""
    max_documents: ClassVar[int] = 1
    send_options: ClassVar[frozenset[str]] = frozenset({"sender_id", "delete_after_sending"})
    look_up: ClassVar[LookUp] = LookUp.HISTORY
    """A fax has no label of ours. Its document has a name of ours, which the list of documents tells."""
    requests_per_minute: ClassVar[int] = 60
    """Fax.to documents that it has a limit (403), but no figure. One a second is our own choice: what public APIs
    commonly bear, and enough to follow 60 faxes one by one. A lower limit is found by the first 403."""
    jobs_per_request: ClassVar[int] = ROWS_A_PAGE
    jobs_per_call: ClassVar[int | None] = None
    """The history is one list, whichever jobs are looked for in it."""
    list_is_conclusive: ClassVar[bool] = False
    """The history tells that a fax has failed, and not why."""

    def __init__(
        self, *, api_key: str, messages: MessageReader, api_version: str = "v2", api_key_in: str = "query"
    ) -> None:
        self._api_key = api_key
        self._base_path = f"/api/{api_version}"
        self._api_key_in = api_key_in
        self._answers = AnswerReader(self.secrets, is_key_in_header=api_key_in == "header")
        self._lists = ListReader(self._base_path, self._answers)
        self._statuses = StatusReader(self._base_path, self._answers, messages, self._lists)

    @classmethod
    def from_settings(cls, settings: ConnectionSettings) -> Self:
        """Make the vendor of a connection of type ``faxto``.

        :param settings: the connection; its password is the API key.
        :return: the vendor.
        :raises FaxConfigurationError: if there is no key, if it cannot be sent, or if one of the extras that the
            class names has a value that it cannot have. Other extras are not looked at.
        """
        api_key_in = read_choice(settings, "api_key_in", _KEY_PLACES, "query")
        return cls(
            api_key=read_api_key(settings, api_key_in),
            messages=MessageReader.from_settings(settings),
            api_version=read_choice(settings, "api_version", _VERSIONS, "v2"),
            api_key_in=api_key_in,
        )

    @property
    def secrets(self) -> Sequence[str]:
        """The API key, as it is and as it stands in a URL."""
        forms = (self._api_key, quote(self._api_key, safe=""), quote_plus(self._api_key))
        return tuple(dict.fromkeys(forms))

    @property
    def account(self) -> str:
        """A hash of the API key, which is all that Fax.to knows an account by."""
        return hashlib.sha256(self._api_key.encode()).hexdigest()

    def auth_flow(self, request: FaxRequest) -> AuthFlow:
        """Make a request with the API key.

        :param request: the request.
        :return: the generator; its one request has the parameter or the header ``api_key``.
        """
        if self._api_key_in == "header":
            yield replace(request, headers={**request.headers, "api_key": self._api_key})
        else:
            yield replace(request, query=(*request.query, ("api_key", self._api_key)))

    # Sending -------------------------------------------------------------------------------------------

    def send_fax(
        self,
        fax_number: FaxNumber,
        documents: Sequence[FaxDocument | UploadedDocument],
        *,
        reference: str | None = None,
        options: SendOptions | None = None,
    ) -> Flow[FaxJob]:
        """Send one fax: upload the document, unless it is uploaded already, and send it.

        The reference is kept as the name of the uploaded document, since Fax.to takes none with a fax. A document
        that is uploaded already has its name, so there the reference changes nothing.

        :param fax_number: the recipient.
        :param documents: one document.
        :param reference: the key of the fax: 1 to 100 letters, digits, dashes, underscores. Default: none.
        :param options: ``sender_id`` (the text or number shown as the sender) and ``delete_after_sending``. Both
            are documented on one page of the vendor's only. A document that is deleted may no longer be found by
            its reference. Default: neither.
        :return: the fax job, with its price and the balance.
        :raises FaxUnsupportedError: if another option is set, or more than one document is given.
        :raises FaxInputError: if there is no document, or the reference or the sender cannot be used.
        :raises FaxDocumentError: if Fax.to does not take the document.
        """
        options = options or SendOptions()
        self.check_send(documents, options)
        form = read_options(options)
        name = _NEUTRAL_NAME if reference is None else check_name(reference)
        (document,) = documents
        if not isinstance(document, UploadedDocument):
            document = yield from self.upload_document(document, name=name)
        document_id = check_document_id(document.document_id)
        request = FaxRequest(
            action=f"send a fax to {fax_number.masked}",
            kind=RequestKind.SEND,
            method="POST",
            path=f"{self._base_path}/fax",
            form=[("fax_number", fax_number.e164), ("document_id", document_id), *form],
            document_id=document_id,
        )
        response = yield request
        answer = self._answers.read_send(response, request)
        job_id = read_id(answer.get("fax_job_id"))
        if job_id is None or plain_words(answer.get("status")) != "executed":
            # The id is told, so that a person can look at what was perhaps accepted.
            named = f", although it names fax job {job_id}" if job_id else ""
            raise unreadable(response, request, f"neither an accepted fax nor a refusal{named}")
        return FaxJob(
            vendor=self.name,
            job_id=job_id,
            cost=as_money(answer.get("cost")),
            balance=as_money(answer.get("user_cash_balance")),
            document_id=document_id,
        )

    def upload_document(self, document: FaxDocument, *, name: str) -> Flow[UploadedDocument]:
        """Upload a document without sending it.

        :param document: the document.
        :param name: what to call it at Fax.to: 1 to 100 letters, digits, dashes, underscores.
        :return: the uploaded document, with the number of its pages.
        :raises FaxInputError: if the name cannot be used.
        :raises FaxDocumentError: if Fax.to does not take the document.
        """
        filename = f"{check_name(name)}.{document.extension}"
        part = MultipartPart(name="file", content=document, filename=filename, content_type=document.media_type)
        return (yield from self._upload("upload a document", part))

    def upload_document_from_url(self, url: str) -> Flow[UploadedDocument]:
        """Let Fax.to fetch a document from a URL.

        The URL goes to Fax.to's servers, with whatever it opens. What they say when a fetch fails is not
        documented.

        :param url: where the document is: ``https://``, or ``http://`` on this machine for tests.
        :return: the uploaded document.
        :raises FaxInputError: if the URL is neither.
        :raises FaxDocumentError: if Fax.to does not take the document.
        """
        part = MultipartPart(name="AddRemoteFile", content=check_url(url))
        return (yield from self._upload("upload a document from a URL", part))

    def _upload(self, action: str, part: MultipartPart) -> Flow[UploadedDocument]:
        request = FaxRequest(
            action=action, kind=RequestKind.UPLOAD, method="POST", path=f"{self._base_path}/files", parts=[part]
        )
        response = yield request
        try:
            answer = self._answers.read_object(response, request)
        except FaxRefusedError as error:
            if error.http_status in _BAD_DOCUMENT:
                raise FaxDocumentError(str(error)) from None
            raise
        uploaded = read_uploaded(answer)
        if uploaded is None:
            raise unreadable(response, request, "without the id of a document")
        return uploaded

    # Following a fax -----------------------------------------------------------------------------------

    def get_status(self, job_id: str) -> Flow[FaxStatus]:
        """Ask for the status of one fax job; where its sentence does not tell, look into the history.

        :param job_id: its id.
        :return: its status. ``code`` is one of :data:`MESSAGE_CODES`, or ``None`` if the sentence is not
            documented. A failure that is not documented has the outcome ``unknown``.
        :raises FaxInputError: if the id is not a number.
        :raises FaxNotFoundError: if Fax.to does not know the job.
        """
        return (yield from self._statuses.read(check_job_id(job_id)))

    def get_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask for many fax jobs: one look into the history, and a status call for each job that has ended.

        The history is read as far as the oldest of the jobs needs, at most 50 pages.

        :param job_ids: their ids. Those that stand first are asked for first, should the requests not suffice.
        :return: the statuses by id, as the ids were given. Left out are jobs that the history does not show, and
            those for which the status call was throttled or had no usable answer.
        :raises FaxInputError: if an id is not a number.
        :raises FaxError: what the first call that failed raised, if no status at all was read.
        """
        return (yield from self._statuses.read_many({check_job_id(job_id): job_id for job_id in job_ids}))

    def get_listed_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask the history alone. It tells which jobs are under way, and of one that failed no reason.

        It is read as far as the oldest of the jobs needs, at most 50 pages.

        :param job_ids: their ids.
        :return: the statuses by id, as the ids were given, without jobs that the history does not show. A job that
            failed, or whose row holds an unknown word, has the outcome ``unknown`` here.
        :raises FaxInputError: if an id is not a number.
        :raises FaxError: what ended the history too early, if it tells of none of the jobs.
        """
        return (yield from self._statuses.read_listed({check_job_id(job_id): job_id for job_id in job_ids}))

    def find_jobs(
        self,
        *,
        reference: str,
        fax_number: FaxNumber,
        since: pendulum.DateTime | None = None,
        document_keys: Mapping[str, str] = MappingProxyType({}),
        records: Any = None,  # noqa: ANN401 - what read_records() gave
    ) -> Flow[list[FaxStatus]]:
        """Look up every job of a fax: those whose document is known by its id, or bears a key of the fax in its name.

        The history is read as far back as ``since`` if its rows show that the newest stand first, else to its end. A
        page that repeats what was read is not the end, since new faxes may have moved the list. A fax that was sent
        seconds ago may not show yet.

        :param reference: the key that the fax was sent with, or another reference.
        :param fax_number: the recipient under that key.
        :param since: from when on a job without a key of ours counts, by our clock; compared with the vendor's
            ``created``, and where our clock is ahead of the vendor's by its. A row without a time that tells the second
            and the time zone counts, too. Default: from the first fax on.
        :param document_keys: the key of each uploaded document that is known to be of this fax, by its id. Default:
            none is known.
        :param records: what :meth:`read_records` gave. What they hold is not read again. Default: read now.
        :return: the jobs, newest first, each with its status and with the key that it was found under as its
            ``reference``. If a job under the very key is under way or was delivered, the jobs are returned although the
            history could not be read whole or leaves a doubt.
        :raises FaxInputError: if :meth:`send_fax` would not take the reference.
        :raises FaxLostContactError: also if there are more than 50 pages to read, or if several pages in a row bring
            nothing new; and, as its kind ``FaxUnreadableAnswerError``, if a row of that time may have gone to this
            number, and its document is neither known nor named after one whole key: also one with a name that a person
            or the server gave it. Then the records prove nothing.
        """
        found, search, error = yield from find_rows(
            self._lists,
            self._statuses.of_row,
            reference=check_name(reference),
            fax_number=fax_number,
            since=since,
            document_keys=document_keys,
            records=records,
        )
        statuses = yield from self._statuses.read_found(found)
        return search.conclude(statuses, error)

    def read_records(self, since: pendulum.DateTime | None = None) -> Flow[Any]:
        """Read both lists, which :meth:`find_jobs` needs, so that one reading can serve many look-ups of the account.

        :param since: from when on, by our clock. Default: from the first fax on.
        :return: one JSON-safe value, with recipients and names of documents; also if the history has more than 50
            pages.
        :raises FaxLostContactError: if a list cannot be read, or if several pages in a row bring nothing new.
        """
        records = Records()
        # The moment may have been noted by a machine whose clock was ahead; InterFAX's listing has the same room.
        yield from read_records(self._lists, since.subtract(days=1) if since is not None else None, records)
        return records.to_json()

    def reach_back_to(self, since: float, records: Any, now: float) -> bool:  # noqa: ANN401 - what read_records() gave
        """Tell whether the history reaches back to a moment: by a fax that is older.

        How long Fax.to keeps its history is not documented. That it keeps it for a day is our inference.

        :param since: the moment, in seconds since the epoch by our clock.
        :param records: what :meth:`read_records` gave.
        :param now: the time, by the same clock.
        :return: whether it does.
        """
        return since > now - _SURELY_KEPT or Records.from_json(records).hold_older_than(since)

    def get_history_page(self, cursor: str | None = None, *, limit: int = 50) -> Flow[HistoryPage]:
        """Read one page of the fax history.

        :param cursor: the number of the page, as text. Default: the first.
        :param limit: how many jobs to ask for. The vendor's own default and maximum are not documented.
        :return: the page. The history tells no reason of a failure, so a failed job has the outcome ``unknown``
            here; :meth:`get_status` tells more. Rows without a job id are left out. There is always a next page
            after one that has rows, since only an empty one is certain to be the last.
        :raises FaxInputError: if the cursor is not the number of a page, or the limit is below 1.
        """
        page = check_page("1" if cursor is None else cursor)
        rows = yield from self._lists.history_page(page, check_limit(limit))
        return HistoryPage(
            statuses=[self._statuses.of_row(row) for row in rows if row.job_id is not None],
            next_cursor=str(page + 1) if rows else None,
        )

    # Account and documents -----------------------------------------------------------------------------

    def estimate_cost(self, fax_number: FaxNumber, document_id: str) -> Flow[Decimal]:
        """Ask what a fax would cost. Whether the fax then costs the same is not documented.

        :param fax_number: the recipient.
        :param document_id: an uploaded document.
        :return: the price in the account's currency.
        :raises FaxInputError: if the document's id is not a number.
        :raises FaxNotFoundError: if Fax.to does not know the document.
        """
        document = check_document_id(document_id)
        request = self._reading(
            f"read the cost of a fax to {fax_number.masked}",
            f"/fax/{document}/costs",
            ("fax_number", fax_number.e164),
        )
        return (yield from self._read_money(request, "cost", missing=f"document {document}"))

    def get_balance(self) -> Flow[Decimal]:
        """Ask what the account holds.

        :return: the balance in the account's currency, which Fax.to does not name.
        """
        return (yield from self._read_money(self._reading("read the balance", "/balance"), "balance"))

    def check_connection(self) -> Flow[str]:
        """Read the balance, which is cheap, free, and needs a valid key.

        :return: a sentence that tells the balance.
        """
        balance = yield from self.get_balance()
        return f"{LABEL} accepts the API key. The balance is {balance:f} (account currency)."

    def list_documents(self, *, page: int = 1, limit: int = 50) -> Flow[list[StoredDocument]]:
        """List the documents that Fax.to holds.

        :param page: which page, counted from 1. Default: 1.
        :param limit: how many to ask for. Default: 50.
        :return: the documents of that page, without rows that have no id. v1 may give all of them on every page.
        :raises FaxInputError: if the page or the limit is below 1.
        """
        rows = yield from self._lists.documents_page(check_page(page), check_limit(limit))
        return [document for document in rows if document.document_id]

    def delete_document(self, document_id: str) -> Flow[None]:
        """Delete an uploaded document. One that is gone already counts as deleted.

        :param document_id: its id.
        :raises FaxInputError: if it is not a number.
        """
        document = check_document_id(document_id)
        request = FaxRequest(
            action=f"delete document {document}",
            kind=RequestKind.CHANGE,
            method="DELETE",
            path=f"{self._base_path}/files/{document}",
        )
        response = yield request
        try:
            answer = self._answers.read_object(response, request, missing=f"document {document}")
        except FaxNotFoundError:
            return
        if plain_words(answer.get("status")) != "success":
            raise unreadable(response, request, "without a word on whether it was done")

    # Common parts --------------------------------------------------------------------------------------

    def _reading(self, action: str, path: str, *query: tuple[str, str]) -> FaxRequest:
        return FaxRequest(
            action=action,
            kind=RequestKind.READ,
            method="GET",
            path=f"{self._base_path}{path}",
            query=query,
        )

    def _read_money(self, request: FaxRequest, name: str, *, missing: str | None = None) -> Flow[Decimal]:
        response: FaxResponse = yield request
        amount = as_money(self._answers.read_object(response, request, missing=missing).get(name))
        if amount is None:
            raise unreadable(response, request, f"without a readable {name}")
        return amount
