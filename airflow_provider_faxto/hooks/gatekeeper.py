"""The gatekeeper of a hook: what it holds every fax of the hook to, before anything is uploaded."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.hooks.documents import count_pages_of, load_documents
from airflow_provider_faxto.hooks.gates import (
    current_dag_id,
    load_approved_numbers,
    read_document_roots,
    read_gates,
)
from airflow_provider_faxto.vendors.base import FaxVendor, UploadedDocument
from airflow_provider_faxto.vendors.parsing import check_documents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from airflow_provider_faxto.fax.gates import FaxGates
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.hooks.document_files import DocumentRoots
    from airflow_provider_faxto.hooks.documents import DocumentSource
    from airflow_provider_faxto.vendors.base import ConnectionSettings

__all__ = ["Gatekeeper"]

D = TypeVar("D")


class Gatekeeper:
    """Holds faxes to the rules of a connection (:class:`~airflow_provider_faxto.fax.gates.FaxGates`).

    :param settings: the connection.
    :param vendor: the vendor that shall send.
    :param default_region: the country of numbers without a plus sign; ``None`` for none.
    """

    def __init__(self, settings: ConnectionSettings, vendor: FaxVendor, default_region: str | None) -> None:
        self._settings = settings
        self._vendor = vendor
        self._default_region = default_region
        # Each with the id under which it is found, which no other object has as long as this one is kept.
        self._admitted: dict[int, object] = {}

    @cached_property
    def _gates(self) -> FaxGates:
        return read_gates(self._settings, tells_price=self.tells_price, label=self._vendor.label)

    @cached_property
    def _roots(self) -> DocumentRoots:
        return read_document_roots(self._settings)

    @property
    def tells_price(self) -> bool:
        """Whether the vendor tells the price of a fax before it is sent."""
        return type(self._vendor).estimate_cost is not FaxVendor.estimate_cost

    @property
    def needs_price(self) -> bool:
        """Whether a fax may only be sent after the vendor has told its price."""
        return self._gates.max_cost is not None

    def check_rules(self) -> None:
        """Check that each rule of the connection can be read.

        :raises FaxConfigurationError: if one cannot.
        """
        _ = self._gates, self._roots

    def check_recipient(self, number: FaxNumber | None) -> None:
        """Check the recipient of a fax, and the DAG whose task calls.

        :param number: the recipient; ``None`` for that of an earlier fax job, which is not told.
        :raises FaxNotAllowedError: if the connection does not allow it.
        :raises FaxConfigurationError: if a rule cannot be read, or the list of approved numbers cannot be loaded.
        """
        self._gates.check_dag(current_dag_id())
        if number is None:
            self._gates.check_unknown_number()
        else:
            self._gates.check_number(number, load_approved_numbers(self._settings, self._default_region))

    def admit(self, sources: Sequence[Any]) -> list[Any]:
        """Load the documents of one fax that are not loaded yet, and check all of them.

        :param sources: paths, documents and uploaded documents, in the order of the fax.
        :return: the documents, each path as a ``FaxDocument``.
        :raises FaxDocumentError: if one cannot be faxed.
        :raises FaxNotAllowedError: if the connection does not allow them, or the DAG whose task calls.
        """
        self._gates.check_dag(current_dag_id())
        documents = [self._admit_one(source) for source in self._load(sources)]
        check_documents(documents, self._vendor)
        self._gates.check_pages([document.pages if self._has_admitted(document) else None for document in documents])
        return documents

    def keep(self, document: D) -> D:
        """Take a document for one that has been let through: this object, and no other one that says the same.

        :param document: a document that this hook has loaded or uploaded.
        :return: the document.
        """
        self._admitted[id(document)] = document
        return document

    def check_url(self, url: str) -> None:
        """Check a document that the vendor shall fetch, and the DAG whose task calls.

        :param url: where it is.
        :raises FaxNotAllowedError: if the connection does not allow it.
        """
        self._gates.check_dag(current_dag_id())
        self._roots.check_url(url)

    def check_stored(self, what: str, pages: int | None = None) -> None:
        """Check a document that the vendor holds already, and the DAG whose task calls.

        :param what: what it is, for the message.
        :param pages: how many pages it has. Default: not known.
        :raises FaxNotAllowedError: if the connection does not allow it.
        """
        self._gates.check_dag(current_dag_id())
        self._roots.refuse_unplaced(what)
        self._gates.check_pages([pages])

    def check_cost(self, cost: Decimal) -> None:
        """Check what the vendor asks for a fax.

        :param cost: the price, in the account's currency.
        :raises FaxNotAllowedError: if it is more than the connection allows.
        """
        self._gates.check_cost(cost)

    def preview_dag(self, dag_id: str | None) -> None:
        """Check whether a DAG could fax. Like the other previews it lets nothing through.

        :param dag_id: the DAG; ``None`` for the caller, as for a send.
        :raises FaxNotAllowedError: if it could not.
        """
        self._gates.check_dag(current_dag_id() if dag_id is None else dag_id)

    def preview_number(self, number: FaxNumber) -> None:
        """Check whether a recipient would be let through, from any DAG.

        :param number: the recipient.
        :raises FaxNotAllowedError: if it would not.
        :raises FaxConfigurationError: as for :meth:`check_recipient`.
        """
        self._gates.check_number(number, load_approved_numbers(self._settings, self._default_region))

    def preview_documents(self, sources: Sequence[DocumentSource]) -> list[FaxDocument]:
        """Load the documents of a fax as :meth:`admit` does, from any DAG, but for the rules of pages.

        :param sources: the documents.
        :return: the documents. A send that is given these is held to all the rules anew.
        :raises FaxDocumentError: if one cannot be faxed.
        :raises FaxNotAllowedError: if one lies where the connection does not allow it.
        """
        return load_documents(sources, self._vendor, self._roots)

    def preview_pages(self, documents: Sequence[FaxDocument]) -> None:
        """Check whether the pages of documents would be let through.

        :param documents: what :meth:`preview_documents` gave.
        :raises FaxNotAllowedError: if they would not.
        """
        self._gates.check_pages([document.pages for document in documents])

    def _load(self, sources: Sequence[Any]) -> list[Any]:
        """Load what is named by a path; a document that is loaded or uploaded already stays as it is."""
        new = [source for source in sources if not isinstance(source, (FaxDocument, UploadedDocument))]
        loaded = iter(map(self.keep, load_documents(new, self._vendor, self._roots)))
        return [source if isinstance(source, (FaxDocument, UploadedDocument)) else next(loaded) for source in sources]

    def _admit_one(self, document: FaxDocument | UploadedDocument) -> FaxDocument | UploadedDocument:
        """Let a document through; one that this hook has not made itself is not taken at its word."""
        if self._has_admitted(document):
            return document
        if isinstance(document, UploadedDocument):
            self._roots.refuse_unplaced("a document that the vendor holds already")
            return document
        load_documents([document], self._vendor, self._roots)
        return self.keep(replace(document, pages=count_pages_of(document) if self._gates.max_pages else None))

    def _has_admitted(self, document: object) -> bool:
        return self._admitted.get(id(document)) is document
