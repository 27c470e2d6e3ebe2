"""What the simulated vendors hold, one by one: documents, upload sessions and faxes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.documents import DocumentFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_faxto.simulator.documents import PageCounter
    from airflow_provider_faxto.simulator.timeline import Moment, Timeline

__all__ = ["STRANGER", "STRANGERS_DOCUMENT", "Document", "Fax", "UploadSession"]

STRANGER = "+12025550199"
"""Where another client of the account sends its faxes, unless told otherwise. They arrive."""

STRANGERS_DOCUMENT = DocumentFacts("invoice.pdf", "application/pdf", None, 1_000, 1)
"""What is known of its document."""


@dataclass(slots=True)
class Document:
    """A document uploaded to Fax.to.

    :param id: its number.
    :param user: the account that holds it.
    :param facts: what is known of it.
    :param created_at: when it was uploaded.
    :param deleted_at: when it is deleted; ``None`` if it is not to be. A fax sent with ``delete_file`` sets a
        time in the future.
    """

    id: int
    user: str
    facts: DocumentFacts
    created_at: float
    deleted_at: float | None = None

    def exists(self, now: float) -> bool:
        """Check whether the document is still there.

        :param now: the simulated time.
        :return: whether it can be used.
        """
        return self.deleted_at is None or now < self.deleted_at


@dataclass(slots=True)
class UploadSession:
    """An upload session at InterFAX: a document that comes in chunks.

    :param id: 32 hexadecimal digits.
    :param vendor: whose user opened it.
    :param user: who opened it.
    :param name: the document's name.
    :param media_type: what the name's extension stands for.
    :param size: the announced length in bytes.
    :param disposition: ``singleUse``, ``multiUse`` or ``permanent``.
    :param sharing: ``private`` or ``shared``.
    :param created_at: when it was opened.
    :param used_at: when it was last used.
    :param content: hashes and counts what has come in.
    """

    id: str
    vendor: str
    user: str
    name: str
    media_type: str
    size: int
    disposition: str
    sharing: str
    created_at: float
    used_at: float
    content: PageCounter

    @property
    def is_complete(self) -> bool:
        """Whether the whole document is there."""
        return self.content.size == self.size

    def facts(self) -> DocumentFacts:
        """Give what is known of the document.

        :return: the facts, of the part that has come in.
        """
        return self.content.facts(self.name, self.media_type)


@dataclass(slots=True)
class Fax:
    """A fax that a simulated vendor has accepted.

    :param vendor: ``faxto``, ``interfax`` or ``extrafax``.
    :param id: the vendor's number for it.
    :param user: the account or user that sent it.
    :param recipient: the number it goes to: a plus sign and digits.
    :param documents: its documents, in order.
    :param accepted_at: when it was accepted, in simulated time.
    :param timeline: the states it passes through.
    :param reference: InterFAX's ``reference``; ``None`` at Fax.to.
    :param document_id: Fax.to's document; ``None`` at InterFAX.
    :param parameters: the other parameters of the request, as sent.
    :param unknown_parameters: names that the vendor does not document, which a real one may ignore.
    :param cost: what Fax.to charged; InterFAX charges at the end, by pages.
    :param resend_of: the id of the fax of which it is a resend.
    :param hidden: whether it was hidden from InterFAX's lists.
    :param stranger: whether another client of the account has sent it: the simulator itself, on request.
    :param dropped: whether the vendor has dropped its record before its time.
    :param status_reads: how many responses have told its status.
    :param final_read_at: when its final status was first told, in simulated time.
    """

    vendor: str
    id: int
    user: str
    recipient: str
    documents: tuple[DocumentFacts, ...]
    accepted_at: float
    timeline: Timeline
    reference: str | None = None
    document_id: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    unknown_parameters: tuple[str, ...] = ()
    cost: float = 0.0
    resend_of: int | None = None
    hidden: bool = False
    stranger: bool = False
    dropped: bool = False
    status_reads: int = 0
    final_read_at: float | None = None

    @property
    def pages(self) -> int:
        """The pages of all its documents."""
        return sum(document.pages for document in self.documents)

    @property
    def final_at(self) -> float:
        """When it ends, in simulated time; infinite if never."""
        return self.accepted_at + self.timeline.seconds

    def is_kept(self, now: float, seconds: float | None) -> bool:
        """Check whether the vendor still has its record.

        :param now: the simulated time.
        :param seconds: for how long after its acceptance the vendor keeps a record; ``None`` for ever.
        :return: whether it is still shown.
        """
        return not self.dropped and (seconds is None or now < self.accepted_at + seconds)

    def at(self, now: float) -> Moment:
        """Give its state.

        :param now: the simulated time.
        :return: the state.
        """
        return self.timeline.at(now - self.accepted_at)

    def read(self, now: float) -> Moment:
        """Give its state for a response to a client, and count that.

        :param now: the simulated time.
        :return: the state.
        """
        moment = self.at(now)
        self.status_reads += 1
        if moment.is_final and self.final_read_at is None:
            self.final_read_at = now
        return moment

    def to_dict(self, now: float) -> dict[str, Any]:
        """Give everything known about the fax, for a test to check.

        :param now: the simulated time.
        :return: plain JSON types. ``delivered`` says whether the whole fax has arrived by now.
        """
        moment = self.at(now)
        return {
            "vendor": self.vendor,
            "id": str(self.id),
            "user": self.user,
            "recipient": self.recipient,
            "reference": self.reference,
            "document_id": str(self.document_id) if self.document_id is not None else None,
            "documents": [asdict(document) for document in self.documents],
            "pages": self.pages,
            "parameters": dict(self.parameters),
            "unknown_parameters": list(self.unknown_parameters),
            "accepted_at": utc(self.accepted_at).isoformat(),
            "timeline": [[stage.state, stage.seconds] for stage in self.timeline.stages if self.timeline.ends],
            "status": moment.state,
            "is_final": moment.is_final,
            "delivered": moment.is_final and self.timeline.delivered,
            "final_status": self.timeline.final if self.timeline.ends else None,
            "final_at": utc(self.final_at).isoformat() if self.timeline.ends else None,
            "attempts": moment.attempts,
            "pages_sent": moment.pages_sent,
            "cost": self.cost,
            "resend_of": str(self.resend_of) if self.resend_of is not None else None,
            "hidden": self.hidden,
            "stranger": self.stranger,
            "dropped": self.dropped,
            "status_reads": self.status_reads,
            "final_read_at": utc(self.final_read_at).isoformat() if self.final_read_at is not None else None,
        }
