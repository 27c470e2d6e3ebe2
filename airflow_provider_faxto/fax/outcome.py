"""What became of a fax job, and why, in words that are the same for every vendor."""

from __future__ import annotations

from enum import StrEnum


class FaxOutcome(StrEnum):
    """What became of a fax job.

    A fax job that has reached ``success``, ``retryable`` or ``fatal`` never changes again at the vendor.
    """

    PENDING = "pending"
    """The vendor is still working on it: rendering, waiting, dialling, sending, or waiting to redial."""
    SUCCESS = "success"
    """The receiving machine confirmed the fax."""
    RETRYABLE = "retryable"
    """It failed for a reason that a later attempt may not meet: busy, no answer, a bad line."""
    FATAL = "fatal"
    """It failed for a reason that every later attempt will meet: a dead number, an unreadable document."""
    UNKNOWN = "unknown"
    """We cannot tell: lost contact past the deadline, an uncertain send, an undocumented code."""


class FaxCause(StrEnum):
    """Why a fax job failed, or is held. ``None`` stands for "no failure" where a cause is optional."""

    BUSY = "busy"
    """The line was in use."""
    NO_ANSWER = "no_answer"
    """It rang and nothing picked up; the machine may be off or out of paper."""
    HUMAN_ANSWERED = "human_answered"
    """A person picked up: a voice line, which must not be called again by a machine."""
    HANGUP = "hangup"
    """The far end hung up before the fax began."""
    TELEPHONY = "telephony"
    """The call could not be set up; a later call may take another route."""
    INCOMPATIBLE_MACHINE = "incompatible_machine"
    """A fax machine answered, but the two could not finish a session; pages may have arrived."""
    TRANSMISSION = "transmission"
    """The session broke while it was negotiated or while pages went out; pages may have arrived."""
    NUMBER_NOT_OPERATIONAL = "number_not_operational"
    """The number is unassigned, disconnected or badly formed."""
    NUMBER_CHANGED = "number_changed"
    """The subscriber has another number now."""
    REJECTED = "rejected"
    """The far end or the network refused the call."""
    NO_ROUTE = "no_route"
    """The vendor does not carry calls to that destination for this account."""
    INCOMPATIBLE_DESTINATION = "incompatible_destination"
    """The destination cannot take a fax call at all."""
    CANCELED = "canceled"
    """A person or a cancel call stopped it."""
    RENDERING = "rendering"
    """The vendor could not turn the document into fax pages."""
    OUT_OF_CREDIT = "out_of_credit"
    """The account has no credit left."""
    INTERNAL = "internal"
    """A fault inside the vendor's service."""
    UNSPECIFIED = "unspecified"
    """The vendor gives no reason, or an undocumented one."""
    INVALID_NUMBER = "invalid_number"
    """The recipient is not a fax number, so no fax job was made."""
    INVALID_DOCUMENT = "invalid_document"
    """The document cannot be faxed, so no fax job was made."""
    REFUSED = "refused"
    """The vendor turned the send down, so no fax job was made."""
    NOT_ALLOWED = "not_allowed"
    """The connection does not allow the fax, so no fax job was made."""
