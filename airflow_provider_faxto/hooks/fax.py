"""The hook: what a DAG author, an operator or a trigger calls, the same for every vendor.

Each call is a flow of the vendor (:mod:`airflow_provider_faxto.vendors.base`), which
:mod:`airflow_provider_faxto.hooks.driver` drives: calls that only read a few times if they must, all others once.
"""

from __future__ import annotations

import contextlib
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxNotAllowedError,
    FaxRefusedError,
)
from airflow_provider_faxto.fax.numbers import parse_fax_number
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.hooks.account import AccountHook
from airflow_provider_faxto.hooks.connection import read_connection
from airflow_provider_faxto.hooks.credit import CreditWatch
from airflow_provider_faxto.hooks.frame_locals import forgets_locals
from airflow_provider_faxto.hooks.patience import INTERACTIVE, POLLING, Patience
from airflow_provider_faxto.hooks.registry import find_hook_class
from airflow_provider_faxto.hooks.shared_records import SharedRecords
from airflow_provider_faxto.vendors.base import UploadedDocument

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal

    import pendulum
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.documents import DocumentSource
    from airflow_provider_faxto.vendors.base import FaxJob, Flow

__all__ = ["INTERACTIVE", "POLLING", "FaxHook", "Patience"]

T = TypeVar("T")


class FaxHook(AccountHook):
    """Calls one fax account.

    Use :meth:`for_connection` where the vendor shall follow from the connection, as the operators do, or a
    vendor's own hook, such as ``FaxToHook``, for what only that vendor offers.

    Every call may raise ``FaxConfigurationError`` (the connection cannot be used), ``FaxAccountStoppedError`` (the
    vendor has refused the key or password, here or elsewhere on this machine), ``FaxThrottledError``,
    ``FaxLostContactError`` and ``FaxRefusedError``; what else a call raises stands at the call. What a vendor does not
    offer raises ``FaxUnsupportedError``, which names the vendor. See :mod:`airflow_provider_faxto.fax.errors`.

    :param fax_conn_id: the Airflow connection. Default: the hook's ``default_conn_name``. What cannot be the id of one
        is a ``FaxConfigurationError`` here already.
    :param patience: how often a call that only reads is made, and how long it may wait for its turn in the account's
        minute. Default: :data:`~airflow_provider_faxto.hooks.patience.INTERACTIVE`.
    """

    @classmethod
    @forgets_locals
    def for_connection(cls, fax_conn_id: str, *, patience: Patience = INTERACTIVE) -> FaxHook:
        """Make the hook that the type of a connection names.

        :param fax_conn_id: the Airflow connection.
        :param patience: see the class.
        :return: the hook of that vendor.
        :raises FaxConfigurationError: if it is no id, or the connection is of a type for which there is no vendor.
        """
        connection = cls.get_connection(fax_conn_id)
        return cls.for_resolved_connection(connection, patience=patience)

    @classmethod
    @forgets_locals
    def for_resolved_connection(
        cls,
        connection: Connection,
        *,
        extra: Mapping[str, Any] | None = None,
        patience: Patience = INTERACTIVE,
    ) -> FaxHook:
        """Make the hook of a connection that was looked up already, as a trigger does asynchronously.

        :param connection: the Airflow connection.
        :param extra: its extra, if it was read already. Default: read from the connection.
        :param patience: see the class.
        :return: the hook of that vendor.
        :raises FaxConfigurationError: if the connection is of a type for which there is no vendor, or one whose
            distribution cannot be used.
        """
        try:
            hook_class = find_hook_class(connection.conn_type, FaxHook)
        except LookupError as problem:
            raise FaxConfigurationError(f"Connection {connection.conn_id!r} {problem.args[0]}") from None
        hook: FaxHook = hook_class(connection.conn_id, patience=patience)
        hook._resolved = read_connection(connection, extra)
        return hook

    @forgets_locals
    def parse_fax_number(self, text: str) -> FaxNumber:
        """Read a fax number with the connection's default region.

        :param text: the number; see :func:`~airflow_provider_faxto.fax.numbers.parse_fax_number`. A vendor may have
            numbers of its own for tests; see
            :meth:`~airflow_provider_faxto.vendors.base.FaxVendor.read_test_number`.
        :return: the number.
        :raises FaxNumberError: if it is not a number, or has two readings.
        :raises FaxConfigurationError: if the connection's ``default_region`` is not a country.
        """
        # A field rendered as something else than text is refused by the parser.
        test_number = self.vendor_class.read_test_number(text) if isinstance(text, str) else None
        return test_number or parse_fax_number(text, self.default_region)

    @forgets_locals
    def load_documents(self, sources: DocumentSource | Sequence[DocumentSource]) -> list[FaxDocument]:
        """Load the documents of a fax and check them against what the vendor takes; nothing is sent.

        :param sources: one document or several; see
            :func:`~airflow_provider_faxto.hooks.documents.load_documents`.
        :return: the documents.
        :raises FaxDocumentError: if one cannot be faxed.
        :raises FaxNotAllowedError: if the connection does not allow them.
        """
        return self.gatekeeper.admit(_as_list(sources))

    @forgets_locals
    def upload_document(self, document: DocumentSource, *, name: str = "document") -> UploadedDocument:
        """Upload a document without sending it.

        :param document: the document.
        :param name: what to call it at the vendor, without extension. Default: ``document``. Never pass a
            patient's or client's name: the vendor keeps it.
        :return: the uploaded document, which :meth:`send_fax` takes.
        :raises FaxDocumentError: if the document cannot be faxed.
        :raises FaxNotAllowedError: if the connection does not allow it.
        """
        (admitted,) = self.gatekeeper.admit([document])
        return self.gatekeeper.keep(self._once(self.vendor.upload_document(admitted, name=name)))

    @forgets_locals
    def check_recipient(self, fax_number: str | FaxNumber) -> None:
        """Check whether the connection allows a recipient, and the DAG whose task calls; see
        :class:`~airflow_provider_faxto.fax.gates.FaxGates`.

        :param fax_number: the recipient.
        :raises FaxNotAllowedError: if it does not.
        :raises FaxConfigurationError: if the list of approved numbers cannot be loaded.
        """
        number = self.parse_fax_number(fax_number) if isinstance(fax_number, str) else fax_number
        self.gatekeeper.check_recipient(number)

    @forgets_locals
    def send_fax(
        self,
        fax_number: str | FaxNumber,
        document: DocumentSource | UploadedDocument | Sequence[DocumentSource | UploadedDocument],
        *,
        reference: str | None = None,
        options: Mapping[str, Any] | None = None,
        before_send: Callable[[str | None], None] | None = None,
    ) -> FaxJob:
        """Send one fax, once. Nothing in here or below repeats it.

        :param fax_number: the recipient.
        :param document: one document or several, in order, or what :meth:`upload_document` returned.
        :param reference: the key to store with the fax, so that :meth:`find_jobs` finds it. Default: none.
        :param options: what to set: ``SendOptions``, or a mapping of the same names. Default: the account's own
            settings.
        :param before_send: called right before the one request that sends, after every upload, with the vendor's id of
            the uploaded document that it sends, or ``None``; what it raises stops the send. Default: nothing.
        :return: the fax job that was made.
        :raises FaxInputError: if the number, a document or an option cannot be used. Nothing was sent.
        :raises FaxNotAllowedError: if the connection does not allow the fax. Nothing was sent.
        :raises FaxAwaitingCreditError: if the account has no credit, and the connection's ``when_out_of_credit`` is
            ``wait``. Nothing was sent.
        :raises FaxOutOfCreditError: the same with ``fail``.
        :raises FaxUncertainSendError: if the request left and no readable answer came back. Look the reference
            up before anything is sent again.
        """
        number = self.parse_fax_number(fax_number) if isinstance(fax_number, str) else fax_number
        options = SendOptions(options)
        sources = _as_list(document)
        self.vendor.check_send(sources, options)
        self.check_recipient(number)
        documents = self.gatekeeper.admit(sources)
        credit = self._credit
        credit.check_before_send()
        if self.gatekeeper.needs_price:
            documents = [self._check_price(number, each, reference) for each in documents]
        flow = self.vendor.send_fax(number, documents, reference=reference, options=options)
        try:
            job = self._once(flow, before_send)
        except FaxRefusedError:
            credit.check_after_refusal()
            raise
        credit.note_balance(job.balance)
        return job

    def get_status(self, job_id: str) -> FaxStatus:
        """Ask for the status of one fax job.

        :param job_id: its id.
        :return: its status.
        :raises FaxInputError: if the id does not have the vendor's form.
        :raises FaxNotFoundError: if the vendor does not know the job; just after a send this may be lag.
        """
        status = self._read(lambda: self.vendor.get_status(job_id))
        self._credit.note_statuses([status])
        return status

    def get_statuses(self, job_ids: Sequence[str]) -> dict[str, FaxStatus]:
        """Ask for many fax jobs in as few requests as the vendor allows.

        :param job_ids: their ids.
        :return: the statuses by id, without those of which the vendor's list does not tell.
        :raises FaxInputError: if an id does not have the vendor's form.
        """
        statuses = self._read(lambda: self.vendor.get_statuses(job_ids))
        self._credit.note_statuses(statuses.values())
        return statuses

    def get_listed_statuses(self, job_ids: Sequence[str]) -> dict[str, FaxStatus]:
        """Ask the vendor's list alone for many fax jobs: the fewest requests there are.

        Where ``vendor.list_is_conclusive`` is false, as at Fax.to, it tells that a job has ended, and
        :meth:`get_status` how.

        :param job_ids: their ids.
        :return: the statuses by id, without those of which the vendor's list does not tell.
        :raises FaxInputError: if an id does not have the vendor's form.
        """
        statuses = self._read(lambda: self.vendor.get_listed_statuses(job_ids))
        self._credit.note_statuses(statuses.values())
        return statuses

    @forgets_locals
    def find_jobs(
        self,
        *,
        reference: str,
        fax_number: str | FaxNumber,
        since: pendulum.DateTime | None = None,
        document_keys: Mapping[str, str] = MappingProxyType({}),
        records: Any = None,  # noqa: ANN401 - what read_records() gave
    ) -> list[FaxStatus]:
        """Look up every job of a fax in the vendor's own records.

        :param reference: the key that :meth:`send_fax` was given. Where it is one that
            :func:`~airflow_provider_faxto.fax.key.logical_fax_key` made, jobs under a key with the same first part are
            found too: the same fax corrected, resent or rendered anew.
        :param fax_number: the recipient under that key.
        :param since: from when on a job without a key of ours counts, by our clock. Default: as far back as the
            records reach.
        :param document_keys: the key of each uploaded document that is known to be of this fax, by the vendor's id of
            the document. Default: none is known.
        :param records: what :meth:`read_records` gave. Default: read now, for this look-up alone.
        :return: the jobs, newest first, each with the key that it was found under as its ``reference``; empty only if
            the records were read whole and show none. A fax that was sent seconds ago may not show yet. If a job under
            this very key is under way or was delivered, the jobs are returned although the records could not be read
            whole or leave a doubt.
        :raises FaxUnreadableAnswerError: if a fax in the records may or may not be this one.
        """
        number = self.parse_fax_number(fax_number) if isinstance(fax_number, str) else fax_number
        return self._read(
            lambda: self.vendor.find_jobs(
                reference=reference, fax_number=number, since=since, document_keys=document_keys, records=records
            )
        )

    @forgets_locals
    def read_records(
        self, since: pendulum.DateTime | None = None, *, asked_at: float | None = None, max_wait: float | None = None
    ) -> Any:  # noqa: ANN401 - the vendor's own form
        """Read the vendor's records once for all look-ups of the account on this machine that wait at that time.

        :param since: from when on, by our clock. Default: as far back as the records reach.
        :param asked_at: a reading that began after this moment will do, in seconds since the epoch. Default: now.
        :param max_wait: for how many seconds to wait while another look-up reads them. Default: as long as for a turn
            in the account's minute.
        :return: what :meth:`find_jobs` takes as ``records``, in the vendor's own form. It holds recipients and labels.
            ``None`` for a vendor that looks a label up itself.
        :raises FaxRateLimitError: if another look-up of this machine is still reading them.
        :raises FaxLostContactError: if the records cannot be read.
        """
        # Whole hours, so that tasks which began a little apart can share them.
        earliest = since.start_of("hour") if since is not None else None
        shared = SharedRecords(self._account, self._settings.password or "")
        with self._errors_name_the_connection():
            return shared.read(
                earliest.timestamp() if earliest is not None else 0.0,
                partial(self._read_records, earliest),
                asked_at=asked_at,
                max_wait=self.patience.max_wait if max_wait is None else max_wait,
            )

    def _read_records(self, earliest: pendulum.DateTime | None, begin: Callable[[], None], so_far: object) -> Any:  # noqa: ANN401 - the vendor's own form
        """Read the vendor's records, or go on with a reading, for as long as one request may wait for its turn."""

        def make_flow() -> Flow[Any]:
            return self.vendor.read_records(earliest) if so_far is None else self.vendor.resume_records(so_far)

        return self._driver.read(make_flow, begin, in_parts=self.vendor.reads_in_parts)

    def cancel_fax(self, job_id: str) -> FaxStatus:
        """Cancel a fax job that is still waiting, and read what became of it.

        :param job_id: its id.
        :return: the status after the attempt. Only the cause ``canceled`` says that the cancel won.
        :raises FaxNotFoundError: if the vendor does not know the job.
        """
        return self._once(self.vendor.cancel_fax(job_id))

    @forgets_locals
    def estimate_cost(self, fax_number: str | FaxNumber, document_id: str) -> Decimal:
        """Ask what a fax would cost.

        :param fax_number: the recipient.
        :param document_id: an uploaded document.
        :return: the price in the account's currency.
        """
        number = self.parse_fax_number(fax_number) if isinstance(fax_number, str) else fax_number
        return self._read(lambda: self.vendor.estimate_cost(number, document_id))

    def get_balance(self) -> Decimal:
        """Ask what the account holds.

        :return: the balance in the account's currency.
        """
        return self._read(self.vendor.get_balance)

    def iter_history(self, *, page_size: int = 50, max_pages: int | None = None) -> Iterator[FaxStatus]:
        """Go through the vendor's records, newest first, one request a page.

        :param page_size: how many jobs to ask for at a time. Default: 50.
        :param max_pages: how many pages to read. Default: all there are.
        :return: the jobs, each once, as far as the list tells of them.
        """
        cursor: str | None = None
        seen: set[str] = set()
        pages = 0
        while max_pages is None or pages < max_pages:
            page = self._read(lambda here=cursor: self.vendor.get_history_page(here, limit=page_size))  # type: ignore[misc]
            # A row moves to the next page when a fax is sent in between, and a vendor may ignore the page number.
            new = [status for status in page.statuses if status.job_id not in seen]
            yield from new
            seen.update(status.require_job_id() for status in new)
            pages += 1
            cursor = page.next_cursor
            if cursor is None or not new:
                return

    def delete_document(self, document_id: str) -> None:
        """Delete an uploaded document. One that is gone already counts as deleted.

        :param document_id: its id.
        """
        self._once(self.vendor.delete_document(document_id))

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap call with the connection's credentials, for the Test button of the form.

        The vendor is asked although the account is stopped; if it takes the credentials, that ends the stop.

        :return: whether it worked, and what was reached, with the extras that are not known, or what is wrong.
        """
        try:
            self.check_configuration()
            with self._errors_name_the_connection():
                reached = self._driver.run_test(self.vendor.check_connection())
            return True, f"{reached} {self._unknown_extras}".rstrip()
        except FaxError as error:
            return False, str(error)

    @forgets_locals
    def _check_price(
        self, number: FaxNumber, document: FaxDocument | UploadedDocument, reference: str | None
    ) -> UploadedDocument:
        """Upload a document, unless it is uploaded already, and check what the vendor asks for it."""
        uploaded = document
        if not isinstance(uploaded, UploadedDocument):
            uploaded = self._once(self.vendor.upload_document(uploaded, name=reference or "document"))
        try:
            self.gatekeeper.check_cost(self.estimate_cost(number, uploaded.document_id))
        except FaxNotAllowedError:
            if uploaded is not document:
                self.delete_document(uploaded.document_id)
            raise
        return uploaded

    @property
    def _credit(self) -> CreditWatch:
        return CreditWatch(
            self._account,
            self._when_out_of_credit,
            label=f"Connection {self.fax_conn_id!r} ({self.vendor_class.label})",
            read_balance=self.get_balance,
        )

    @forgets_locals
    def _read(self, make_flow: Callable[[], Flow[T]]) -> T:
        """Drive a flow that only reads, from its start again if that may help."""
        with self._errors_name_the_connection():
            return self._driver.read(make_flow)

    @forgets_locals
    def _once(self, flow: Flow[T], before_send: Callable[[str | None], None] | None = None) -> T:
        """Drive a flow to its end, every request once."""
        with self._errors_name_the_connection():
            return self._driver.run(flow, before_send)

    @contextlib.contextmanager
    def _errors_name_the_connection(self) -> Iterator[None]:
        """Say whose key or password is refused: a vendor knows its account, not Airflow's name for it."""
        try:
            yield
        except FaxAuthenticationError as error:
            error.args = (f"Connection {self.fax_conn_id!r}: {error}",)
            raise


S = TypeVar("S")


def _as_list(one_or_many: S | Sequence[S]) -> list[S]:
    # A path is a sequence of characters too, so only lists and tuples are taken apart.
    return list(one_or_many) if isinstance(one_or_many, (list, tuple)) else [cast("S", one_or_many)]
