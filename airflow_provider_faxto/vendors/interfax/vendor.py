"""InterFAX's REST API.

It has no key against double sends, so each fax carries the caller's ``reference``, which the search finds again.
An accepted fax is told by nothing but the ``Location`` of an empty answer.

Beside this module: ``errors`` (one request, and what its answer means), ``records`` (statuses), ``search`` (finding a
fax again) and ``send`` (parameters, documents, uploads).
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote, quote_plus

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES
from airflow_provider_faxto.fax.errors import (
    FaxConfigurationError,
    FaxInputError,
    FaxNotFoundError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.vendors.base import (
    FaxJob,
    FaxRequest,
    FaxVendor,
    HistoryPage,
    LookUp,
    RequestKind,
    UploadedDocument,
)
from airflow_provider_faxto.vendors.interfax.errors import (
    InterFaxCalls,
    error_from,
    is_success,
    means_wrong_state,
    session_id_in,
)
from airflow_provider_faxto.vendors.interfax.records import read_id, read_status, read_statuses
from airflow_provider_faxto.vendors.interfax.search import read_listing, resume_listing, search_jobs
from airflow_provider_faxto.vendors.interfax.send import (
    SEND_OPTIONS,
    check_reference,
    fax_body,
    fax_query,
    place_documents,
    upload,
)
from airflow_provider_faxto.vendors.parsing import (
    as_int,
    as_money,
    check_documents,
    read_code_outcomes,
    read_credential,
    read_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    import pendulum

    from airflow_provider_faxto.fax.codes import StatusCode
    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.outcome import FaxOutcome
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors.base import AuthFlow, ConnectionSettings, Flow

__all__ = ["FaxImage", "InterFaxVendor"]

# No maximum is documented for REST; 100 is the older interface's.
_IDS_PER_REQUEST = 100
_MAX_HISTORY_PAGE = 250
# InterFAX's simulator, as its page on testing describes it: no call is made, and the fax ends with the status code
# that follows. In Japan it is written with 00.
_TEST_NUMBER = re.compile(r"(?:\+|00|\+00)(9999999[0-9]{1,6})")
_IMAGE_TYPES = ("image/tiff", "application/pdf")


@dataclass(frozen=True, slots=True)
class FaxImage:
    """The pages of a fax as they were sent. ``repr()`` does not show them.

    :param media_type: ``image/tiff`` or ``application/pdf``, by the account's setting.
    :param content: the file.
    """

    media_type: str
    content: bytes = field(repr=False)


class InterFaxVendor(FaxVendor):
    """InterFAX's account of one connection.

    Beyond the common calls it offers :meth:`resend_fax`, :meth:`hide_fax` and :meth:`get_fax_image`.

    :param login: the user name.
    :param password: the password.
    :param code_outcomes: outcomes that the connection sets for codes of failures. Default: none.
    """

    name: ClassVar[str] = "interfax"
    label: ClassVar[str] = "InterFAX"
    default_host: ClassVar[str | None] = "https://rest.interfax.net"
    document_types: ClassVar[frozenset[str]] = frozenset(DOCUMENT_TYPES)
    # "20 MB" by the vendor's page, read in the way that surely fits.
    max_document_bytes: ClassVar[int] = 20_000_000
    # The vendor gives no number; what an account does not allow it refuses itself (code -1059).
    max_documents: ClassVar[int] = 20
    days_of_records: ClassVar[int] = 30
    send_options: ClassVar[frozenset[str]] = frozenset(SEND_OPTIONS)
    look_up: ClassVar[LookUp] = LookUp.HISTORY
    # Documented: "hard" since 2012, and the seventh is refused.
    requests_per_minute: ClassVar[int] = 6
    jobs_per_request: ClassVar[int] = _IDS_PER_REQUEST
    jobs_per_call: ClassVar[int | None] = _IDS_PER_REQUEST
    reads_in_parts: ClassVar[bool] = True
    times_are_utc: ClassVar[bool] = True
    """Whether the vendor documents that its times, which have no zone, are in UTC: InterFAX does of ``submitTime``."""

    def __init__(self, *, login: str, password: str, code_outcomes: Mapping[int, FaxOutcome] | None = None) -> None:
        self._login = login
        self._password = password
        self._token = base64.b64encode(f"{login}:{password}".encode()).decode("ascii")
        self._code_outcomes = dict(code_outcomes or {})
        self._calls = InterFaxCalls(self.label, self.secrets, self.times_are_utc)

    @classmethod
    def read_test_number(cls, text: str) -> FaxNumber | None:
        """Read a number of InterFAX's simulator, for which no telephone rings: ``+999-9999-<status code>``.

        :param text: the recipient as the user wrote it; blanks, dashes, dots and brackets do not matter, and ``00``
            may stand for the plus sign.
        :return: the number; ``None`` if it is not of that form.
        """
        match = _TEST_NUMBER.fullmatch(re.sub(r"[\s().-]", "", text))
        return FaxNumber("+" + match[1]) if match else None

    @classmethod
    def from_settings(cls, settings: ConnectionSettings) -> Self:
        """Make the vendor of an Airflow connection.

        :param settings: the connection; login and password are needed.
        :return: the vendor.
        :raises FaxConfigurationError: if login or password is missing, has white space around it or holds control
            characters, if the login holds a colon, which HTTP Basic cannot carry, or if ``code_outcomes``
            names something that is not the code of a failure.
        """
        needs = f"{cls.label} needs both login and password."
        login = read_credential(settings, "login (user name)", settings.login, needs)
        password = read_credential(settings, "password", settings.password, needs)
        if ":" in login:
            raise FaxConfigurationError(
                f"Connection {settings.conn_id!r}: the login holds a colon, which cannot be sent. Check it."
            )
        outcomes = {}
        for text, outcome in read_code_outcomes(settings).items():
            code = as_int(text)
            if code is None or code <= 0:
                raise FaxConfigurationError(
                    f"Connection {settings.conn_id!r}: code_outcomes names {text!r}, but a code of a failure at "
                    f"{cls.label} is a positive number, such as 3912."
                )
            outcomes[code] = outcome
        return cls(login=login, password=password, code_outcomes=outcomes)

    @property
    def secrets(self) -> Sequence[str]:
        """The password, its percent-encoded forms, and the token of HTTP Basic."""
        password = self._password
        encoded = [quote(password), quote(password, safe=""), quote_plus(password)]
        return list(dict.fromkeys([password, *encoded, self._token]))

    @property
    def account(self) -> str:
        """The user name: the limit is that of the user."""
        return self._login

    def auth_flow(self, request: FaxRequest) -> AuthFlow:
        """Make a request with the ``Authorization`` header.

        :param request: the request.
        :return: the generator; its one request has HTTP Basic, spelt as the vendor asks.
        """
        yield replace(request, headers={**request.headers, "Authorization": f"Basic {self._token}"})

    def send_fax(
        self,
        fax_number: FaxNumber,
        documents: Sequence[FaxDocument | UploadedDocument],
        *,
        reference: str | None = None,
        options: SendOptions | None = None,
    ) -> Flow[FaxJob]:
        """Send one fax.

        Documents of up to 1 MB together go in the request itself, larger ones through upload sessions before it.

        :param fax_number: the recipient.
        :param documents: what to send, in order. An :class:`UploadedDocument` is named by its session URI; the
            vendor deletes its session once a fax has used it.
        :param reference: the key to store with the fax, at most 60 characters. Default: none.
        :param options: what to set. Default: the account's own settings.
        :return: the fax job that was made.
        :raises FaxUnsupportedError: if an option is set that InterFAX does not take, or if there are too many
            documents.
        :raises FaxDocumentError: if a document cannot be faxed, or if the vendor says so.
        :raises FaxInputError: if the reference, an option or a session URI has a value that cannot be.
        :raises FaxNotFoundError: if the vendor does not hold a document that was uploaded before.
        :raises FaxUploadLostError: if the vendor loses an upload of this call; nothing was sent.
        """
        options = options or SendOptions()
        self.check_send(documents, options)
        query = fax_query(fax_number, reference, options, label=self.label)
        check_documents(documents, self)
        contents = yield from place_documents(self._calls, documents)
        sessions = [content for content in contents if isinstance(content, str)]
        passed_in = any(isinstance(document, UploadedDocument) for document in documents)
        job_id = yield from self._calls.ask_for_job(
            FaxRequest(
                action=f"send a fax to {fax_number.masked}",
                kind=RequestKind.SEND,
                method="POST",
                path="/outbound/faxes",
                query=query,
                **fax_body(contents),
            ),
            needs_our_upload=bool(sessions) and not passed_in,
        )
        held = sessions[0] if len(contents) == len(sessions) == 1 else None
        return FaxJob(vendor=self.name, job_id=job_id, document_id=held)

    def get_status(self, job_id: str) -> Flow[FaxStatus]:
        """Ask for the status of one fax job.

        :param job_id: its id.
        :return: its status.
        :raises FaxInputError: if the id is not a number.
        :raises FaxNotFoundError: if InterFAX does not know the job, or if it is another account's.
        :raises FaxUnreadableAnswerError: if the answer is not this job's record, or if its status code is missing
            or not an integer.
        """
        job_id = self._calls.check_id(job_id)
        request = _reading(f"read the status of fax job {job_id}", f"/outbound/faxes/{job_id}")
        response = yield from self._calls.ask(request)
        status = self._read_record(read_json(response, request, self.label))
        if status is None or status.job_id != job_id:
            raise self._calls.unreadable(request, response, "a record of this job with a status code")
        return status

    def get_statuses(self, job_ids: Sequence[str]) -> Flow[dict[str, FaxStatus]]:
        """Ask for many fax jobs, up to 100 in a request.

        :param job_ids: their ids.
        :return: the statuses by id. The vendor's list holds ended jobs only, so one that is left out may be
            pending, unknown or hidden. A record that cannot be read is left out too.
        :raises FaxInputError: if an id is not a number.
        """
        asked = {self._calls.check_id(job_id): job_id for job_id in job_ids}
        ids = list(asked)
        statuses: dict[str, FaxStatus] = {}
        for start in range(0, len(ids), _IDS_PER_REQUEST):
            chunk = ids[start : start + _IDS_PER_REQUEST]
            rows = yield from self._calls.ask_for_list(
                f"read the status of {len(chunk)} fax job(s)", "/outbound/faxes/completed", [("ids", ",".join(chunk))]
            )
            for job_id, status in read_statuses(rows, self._read_record).items():
                if job_id in asked:
                    statuses.setdefault(asked[job_id], status)
        return statuses

    def find_jobs(
        self,
        *,
        reference: str,
        fax_number: FaxNumber,
        since: pendulum.DateTime | None = None,
        document_keys: Mapping[str, str] = MappingProxyType({}),  # noqa: ARG002 - no record tells a document
        records: Any = None,  # noqa: ANN401 - what read_records() gave
    ) -> Flow[list[FaxStatus]]:
        """Look up every job of a fax.

        Every record since ``since`` and of the day before is read, 100 a request, at most 2,000. Where there are more,
        the vendor is asked for the whole reference too: then a fax that was corrected, resent or rendered anew is
        recognised only if it is among the newest 2,000, the same document to the same number always. A reference that
        is not a key is asked for as a whole alone.

        Not found are hidden jobs, those of other users of the account, and those that the vendor no longer keeps: about
        30 days back. By which of a job's times the vendor searches is not documented.

        :param reference: the key, or another reference.
        :param fax_number: the recipient under that key.
        :param since: from when on a job without a key of ours counts, by our clock; compared with the vendor's
            ``submitTime``, and where our clock is ahead of the vendor's by its. Default: as far back as the vendor
            keeps records.
        :param document_keys: has no effect, since no record tells the document.
        :param records: what :meth:`read_records` gave. What they hold is not read again. Default: read now.
        :return: the jobs, newest first, each with the key that it was found under as its ``reference``; empty only if
            the records were read whole and show none. If a job under the very key is under way or was delivered, the
            jobs are returned although the records could not be read whole or leave a doubt.
        :raises FaxInputError: if the reference is empty or too long.
        :raises FaxLostContactError: also if the search does not end or repeats a page, or if the vendor answers 404.
        :raises FaxUnreadableAnswerError: if a record of that time may have gone to this recipient and does not bear one
            whole key, as after :meth:`resend_fax`, or if one of this fax cannot be read: both prove nothing.
        """
        return (
            yield from search_jobs(
                self._calls,
                self._read_record,
                reference=check_reference(reference),
                fax_number=fax_number,
                since=since,
                days_of_records=self.days_of_records,
                records=records,
            )
        )

    def read_records(self, since: pendulum.DateTime | None = None) -> Flow[Any]:
        """Read the listing that :meth:`find_jobs` needs, so that one reading can serve many look-ups of the account.

        A page has 100 records, and six may be asked for in a minute.

        :param since: from when on, by our clock. Default: as far back as the vendor keeps records.
        :return: one JSON-safe value, with the rows' ids, references, recipients, times and counts, also if there are
            more than 2,000: then each look-up still asks for its own reference. Where a page after the first has no
            turn: an :class:`~airflow_provider_faxto.vendors.lookup.UnfinishedRecords`.
        :raises FaxLostContactError: if the listing cannot be read, repeats a page again and again, or has lost rows.
        :raises FaxRateLimitError: if the first page has no turn.
        """
        return (yield from read_listing(self._calls, since=since, days_of_records=self.days_of_records))

    def resume_records(self, so_far: Any) -> Flow[Any]:  # noqa: ANN401 - a JSON value
        """Go on with a listing that stopped.

        :param so_far: what the ``UnfinishedRecords`` holds.
        :return: as :meth:`read_records`.
        :raises FaxLostContactError: as :meth:`read_records`.
        """
        return (yield from resume_listing(self._calls, so_far))

    def upload_document(self, document: FaxDocument, *, name: str = "document") -> Flow[UploadedDocument]:
        """Upload a document without sending it, in chunks of 1 MB.

        :param document: the document.
        :param name: what to call it at the vendor, without extension. Default: ``document``.
        :return: the uploaded document: its session's URI. It serves for one fax, whose sending deletes it.
        :raises FaxDocumentError: if the document cannot be faxed, or if the vendor says so.
        :raises FaxUploadLostError: if the vendor loses the upload before it is whole.
        """
        check_documents([document], self)
        uri = yield from upload(self._calls, document, name=name)
        return UploadedDocument(document_id=uri)

    def delete_document(self, document_id: str) -> Flow[None]:
        """Delete an upload session. One that is gone already counts as deleted.

        :param document_id: the session's URI, or its id alone.
        :raises FaxInputError: if it is neither.
        """
        session = session_id_in(document_id) or session_id_in(f"/outbound/documents/{document_id}")
        if session is None:
            raise FaxInputError(f"A document at {self.label} is named by the URI of its upload session.")
        request = FaxRequest(
            action="delete an uploaded document",
            kind=RequestKind.CHANGE,
            method="DELETE",
            path=f"/outbound/documents/{session}",
        )
        try:
            yield from self._calls.ask(request)
        except FaxNotFoundError:
            return

    def cancel_fax(self, job_id: str) -> Flow[FaxStatus]:
        """Cancel a fax job that is still waiting, and read what became of it.

        :param job_id: its id.
        :return: the status after the attempt. InterFAX says yes to some cancels that have no effect, so only the
            cause ``canceled`` says that this one won.
        :raises FaxNotFoundError: if InterFAX does not know the job.
        """
        job_id = self._calls.check_id(job_id)
        request = _changing(f"cancel fax job {job_id}", f"/outbound/faxes/{job_id}/cancel")
        response = yield request
        if not (is_success(response) or means_wrong_state(response)):
            raise error_from(response, request, self.label, self.secrets)
        return (yield from self.get_status(job_id))

    def get_balance(self) -> Flow[Decimal]:
        """Ask what the account's prepaid cards hold.

        :return: the balance in the account's currency.
        :raises FaxUnreadableAnswerError: if the answer is not a number.
        """
        # The vendor's limit is on status and list queries.
        request = replace(_reading("read the balance", "/accounts/self/ppcards/balance"), rate_limited=False)
        response = yield from self._calls.ask(request, names_an_item=False)
        balance = as_money(read_json(response, request, self.label))
        if balance is None:
            raise self._calls.unreadable(request, response, "an amount")
        return balance

    def get_history_page(self, cursor: str | None = None, *, limit: int = 50) -> Flow[HistoryPage]:
        """Read one page of the account's faxes, newest first. Records that cannot be read are left out.

        :param cursor: the id of the last job of the page before. Default: begin at the newest.
        :param limit: how many jobs to ask for; above 250 InterFAX is asked for 250. Default: 50.
        :return: the page.
        :raises FaxInputError: if the cursor is not a number or ``limit`` is below 1.
        :raises FaxUnreadableAnswerError: if the list does not go on from the cursor.
        """
        if limit < 1:
            raise FaxInputError("A page of the history has at least 1 job.")
        query = [("limit", str(min(limit, _MAX_HISTORY_PAGE))), ("sortOrder", "desc")]
        if cursor is not None:
            query.append(("lastId", self._calls.check_id(cursor)))
        action = "list past faxes"
        rows = yield from self._calls.ask_for_list(action, "/outbound/faxes", query)
        if not rows:
            return HistoryPage(statuses=[], next_cursor=None)
        ids = [number for number in map(read_id, rows) if number is not None]
        if not ids or (cursor is not None and min(ids) >= int(cursor)):
            # Going on would read the same page for ever; ending here would hide that records are missing.
            raise FaxUnreadableAnswerError(f"Could not {action}: {self.label}'s list does not go on.")
        statuses = [status for status in map(self._read_record, rows) if status is not None]
        return HistoryPage(statuses=statuses, next_cursor=str(min(ids)))

    def check_connection(self) -> Flow[str]:
        """Read the balance.

        :return: a sentence with it.
        """
        balance = yield from self.get_balance()
        return f"{self.label} accepts the user name and password. The account holds {balance}."

    def resend_fax(self, job_id: str, fax_number: FaxNumber | None = None) -> Flow[FaxJob]:
        """Send the stored document of an earlier fax job again, as a new job with an id of its own.

        Neither options nor a reference can be passed, so :meth:`find_jobs` cannot find the new job, and nothing
        guards against a second one. Prefer :meth:`send_fax` where the document is still at hand.

        :param job_id: the earlier job. Its document is kept for 14 days.
        :param fax_number: another recipient. Default: the same.
        :return: the new fax job.
        :raises FaxNotFoundError: if the job or its document is gone.
        """
        job_id = self._calls.check_id(job_id)
        request = FaxRequest(
            action=f"send fax job {job_id} again",
            kind=RequestKind.SEND,
            method="POST",
            path=f"/outbound/faxes/{job_id}/resend",
            query=[("faxNumber", fax_number.e164)] if fax_number is not None else [],
        )
        new_id = yield from self._calls.ask_for_job(request)
        if new_id == job_id:
            # The earlier job's status would pass for the new one's.
            raise FaxUnreadableAnswerError(f"Could not {request.action}: {self.label} named no new fax job.")
        return FaxJob(vendor=self.name, job_id=new_id)

    def hide_fax(self, job_id: str) -> Flow[None]:
        """Take a fax job out of the vendor's lists and search. It cannot be undone, and :meth:`find_jobs` no longer
        finds the job.

        :param job_id: the job.
        :raises FaxNotFoundError: if InterFAX does not know the job.
        """
        job_id = self._calls.check_id(job_id)
        yield from self._calls.ask(_changing(f"hide fax job {job_id}", f"/outbound/faxes/{job_id}/hide"))

    def get_fax_image(self, job_id: str) -> Flow[FaxImage]:
        """Fetch the pages as they were sent.

        :param job_id: the job. Its image is kept for 14 days.
        :return: the image.
        :raises FaxNotFoundError: if there is no image, or none yet: rendering takes some seconds.
        :raises FaxUnreadableAnswerError: if the answer is neither TIFF nor PDF.
        """
        job_id = self._calls.check_id(job_id)
        request = replace(
            _reading(f"fetch the image of fax job {job_id}", f"/outbound/faxes/{job_id}/image"),
            headers={"Accept": ", ".join((*_IMAGE_TYPES, "application/json;q=0.5"))},
        )
        response = yield from self._calls.ask(request)
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _IMAGE_TYPES or not response.body:
            raise self._calls.unreadable(request, response, "a TIFF or PDF file")
        return FaxImage(media_type=media_type, content=response.body)

    @classmethod
    def _describe_code(cls, entry: StatusCode) -> str:
        # InterFAX's page lists every code of the table, so only unlisted ones need more than their label.
        return entry.label if entry.in_interfax else entry.description

    def _read_record(self, record: object) -> FaxStatus | None:
        return read_status(record, vendor=self.name, describe=self._describe_code, code_outcomes=self._code_outcomes)


def _reading(action: str, path: str) -> FaxRequest:
    return FaxRequest(action=action, kind=RequestKind.READ, method="GET", path=path)


def _changing(action: str, path: str) -> FaxRequest:
    return FaxRequest(action=action, kind=RequestKind.CHANGE, method="POST", path=path)
