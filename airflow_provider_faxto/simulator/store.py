"""Everything that the simulated vendors hold: the record of what was accepted.

Every accepted fax stays here until a reset, with its recipient, its reference and the hashes of its documents, so a
test can count. Contents of documents are never kept.

The store has no lock of its own: the caller holds :attr:`State.lock`.
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

from airflow_provider_faxto.simulator.models import Document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_faxto.simulator.documents import DocumentFacts
    from airflow_provider_faxto.simulator.models import Fax, UploadSession

__all__ = ["Store"]


class Store:
    """Everything the simulated vendors hold.

    Ids of faxes and documents go on rising after :meth:`clear`, so that a client left over from an earlier test
    never meets another test's fax under an id of its own.
    """

    def __init__(self) -> None:
        # Where the ranges begin follows the vendors' published samples.
        self._fax_ids = {"faxto": count(223_561), "interfax": count(670_000_001)}
        self._document_ids = count(112_601)
        self.clear()

    def clear(self) -> None:
        """Forget all faxes, documents and upload sessions."""
        self._faxes: dict[str, dict[int, Fax]] = {"faxto": {}, "interfax": {}}
        self._by_user: dict[tuple[str, str], list[Fax]] = {}
        self._charged: dict[str, float] = {}
        self._by_reference: dict[tuple[str, str], list[Fax]] = {}
        self._documents: dict[int, Document] = {}
        self._documents_by_user: dict[str, list[Document]] = {}
        self.sessions: dict[str, UploadSession] = {}

    def next_fax_id(self, vendor: str) -> int:
        """Take the next id for a fax.

        :param vendor: ``faxto``, ``interfax`` or ``extrafax``; the last two share a range.
        :return: the id.
        """
        return next(self._fax_ids[_service(vendor)])

    def add_fax(self, fax: Fax) -> None:
        """Keep a fax that was accepted.

        :param fax: the fax, with an id of its own.
        """
        self._faxes[_service(fax.vendor)][fax.id] = fax
        self._by_user.setdefault((_service(fax.vendor), fax.user), []).append(fax)
        if fax.cost:
            self._charged[fax.user] = self._charged.get(fax.user, 0.0) + fax.cost
        if fax.reference is not None:
            self._by_reference.setdefault((fax.user, fax.reference), []).append(fax)

    def fax(self, vendor: str, user: str, fax_id: int) -> Fax | None:
        """Find a fax of a user.

        :param vendor: the vendor.
        :param user: the user.
        :param fax_id: the fax's id.
        :return: the fax; ``None`` if there is none or it is another user's.
        """
        fax = self._faxes[_service(vendor)].get(fax_id)
        return fax if fax is not None and fax.user == user else None

    def faxes_of(self, vendor: str, user: str) -> list[Fax]:
        """Give all faxes of a user.

        :param vendor: the vendor.
        :param user: the user.
        :return: the faxes, oldest first. The list is the store's own: not to be changed.
        """
        return self._by_user.get((_service(vendor), user), [])

    def charged(self, user: str) -> float:
        """Give what a Fax.to account has been charged so far.

        :param user: the account.
        :return: the sum over all its faxes.
        """
        return self._charged.get(user, 0.0)

    def faxes_by_reference(self, user: str, reference: str) -> list[Fax]:
        """Give the InterFAX faxes of a user that carry a reference.

        :param user: the user.
        :param reference: the reference, as sent.
        :return: the faxes, oldest first.
        """
        return self._by_reference.get((user, reference), [])

    def all_faxes(self) -> Iterable[Fax]:
        """Give every fax of every vendor and user.

        :return: the faxes, each vendor's oldest first.
        """
        for faxes in self._faxes.values():
            yield from faxes.values()

    def add_document(self, user: str, facts: DocumentFacts, now: float) -> Document:
        """Keep an upload to Fax.to.

        :param user: the account.
        :param facts: what is known of it.
        :param now: the simulated time.
        :return: the document, with its id.
        """
        document = Document(next(self._document_ids), user, facts, now)
        self._documents[document.id] = document
        self._documents_by_user.setdefault(user, []).append(document)
        return document

    def document(self, user: str, document_id: int, now: float) -> Document | None:
        """Find a document of a Fax.to account.

        :param user: the account.
        :param document_id: the document's id.
        :param now: the simulated time.
        :return: the document; ``None`` if there is none, it is another account's, or it was deleted.
        """
        document = self._documents.get(document_id)
        if document is None or document.user != user or not document.exists(now):
            return None
        return document

    def documents_of(self, user: str, now: float) -> list[Document]:
        """Give the documents of a Fax.to account that are still there.

        :param user: the account.
        :param now: the simulated time.
        :return: the documents, oldest first.
        """
        return [document for document in self._documents_by_user.get(user, ()) if document.exists(now)]

    def new_session_id(self) -> str:
        """Make a handle for an upload session.

        :return: 32 hexadecimal digits that cannot be guessed.
        """
        return secrets.token_hex(16)


def _service(vendor: str) -> str:
    return "faxto" if vendor == "faxto" else "interfax"
