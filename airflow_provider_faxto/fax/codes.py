"""The status codes of InterFAX and ExtraFax Cloud, each with what it means for a fax.

Both services use one table: negative numbers are temporary, 0 is success, positive numbers are final
failures. The labels are the vendors' own short terms; outcome, cause and confidence are this project's
reading of the vendors' comments. Codes from 6001 to 6127 are 6000 plus an ITU-T Q.850 cause; 483, 488, 501
and 603 look like SIP responses.

The table has grown over the years (76 positive codes in 2011, 98 today), so a code that is not listed is
expected: any unlisted negative number is pending, any unlisted positive one is ``unknown``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STATUS_CODES", "Confidence", "StatusCode", "classify_code", "describe_code"]


class Confidence(StrEnum):
    """How sure the reading of a status code is."""

    HIGH = "high"
    """The vendor's comment says it."""
    MEDIUM = "medium"
    """It follows from the vendor's comment and from the telephone standard that the code is taken from."""
    LOW = "low"
    """An informed guess: the sources are silent or disagree."""


@dataclass(frozen=True, slots=True)
class StatusCode:
    """What one status code means.

    :param code: the number, as the vendor sends it.
    :param label: the vendor's short term for it.
    :param outcome: what it means for the fax job.
    :param cause: why the fax failed or is held; ``None`` if it did not fail.
    :param pages_may_have_arrived: whether the receiving machine may hold pages of a fax that ended so. The
        fax's own ``pages_sent`` says more where the vendor reports it.
    :param confidence: how sure the reading is.
    :param in_interfax: whether InterFAX's page lists the code.
    :param in_extrafax: whether ExtraFax Cloud's page lists the code. The two services share their engine, so
        a code that only InterFAX lists is still read the same from both.
    """

    code: int
    label: str
    outcome: FaxOutcome
    cause: FaxCause | None
    pages_may_have_arrived: bool
    confidence: Confidence
    in_interfax: bool = True
    in_extrafax: bool = True

    @property
    def is_listed(self) -> bool:
        """Whether any vendor's page lists this code; if not, only its sign is known."""
        return self.in_interfax or self.in_extrafax

    @property
    def description(self) -> str:
        """The label, and where the code is documented if that is not on both vendors' pages."""
        if not self.is_listed:
            return f"{self.label} (code {self.code} is on neither InterFAX's nor ExtraFax's page)"
        if not self.in_extrafax:
            return f"{self.label} (listed by InterFAX only, not on ExtraFax's page)"
        return self.label


def _row(
    code: int,
    label: str,
    outcome: FaxOutcome,
    cause: FaxCause | None,
    confidence: Confidence,
    *,
    pages: bool = False,
    extrafax: bool = True,
) -> StatusCode:
    return StatusCode(
        code=code,
        label=label,
        outcome=outcome,
        cause=cause,
        pages_may_have_arrived=pages,
        confidence=confidence,
        in_extrafax=extrafax,
    )


_PENDING = FaxOutcome.PENDING
_SUCCESS = FaxOutcome.SUCCESS
_RETRYABLE = FaxOutcome.RETRYABLE
_FATAL = FaxOutcome.FATAL
_HIGH = Confidence.HIGH
_MEDIUM = Confidence.MEDIUM
_LOW = Confidence.LOW

# ``pages=True`` marks what the vendor itself says may have gone through in part (its footnote **), and the
# codes for a session that broke after it had begun (1, 3223, 3230, 3268).
_ROWS: tuple[StatusCode, ...] = (
    # Temporary.
    _row(-1, "Pre-processing", _PENDING, None, _HIGH),
    _row(-2, "Ready", _PENDING, None, _HIGH),
    _row(-3, "Sending (or pending retry)", _PENDING, None, _HIGH),
    _row(-11, "Pre-processing", _PENDING, None, _HIGH),
    _row(-22, "Out of credit, awaiting Top-Up", _PENDING, FaxCause.OUT_OF_CREDIT, _HIGH),
    # Sent.
    _row(0, "OK (Fax successfully sent)", _SUCCESS, None, _HIGH, pages=True),
    # Final failures. Low numbers are faults in InterFAX's own set-up of the call.
    # "Internal" is the vendor's label; its comment speaks of a connected call that dropped after minutes.
    _row(1, "Internal error", _RETRYABLE, FaxCause.INTERNAL, _MEDIUM, pages=True),
    _row(2, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(12, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(101, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(102, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(104, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(130, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(132, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(204, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH, extrafax=False),
    _row(256, "Internal error", _RETRYABLE, FaxCause.INTERNAL, _LOW),
    _row(263, "Busy", _RETRYABLE, FaxCause.BUSY, _HIGH),
    _row(403, "Fax manually canceled", _FATAL, FaxCause.CANCELED, _HIGH),
    _row(483, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    # Footnote * stands on this row as on every telephony error: another route may take the call.
    _row(488, "Call not acceptable", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    _row(501, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW, extrafax=False),
    _row(603, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW, extrafax=False),
    # The fax session itself.
    _row(3072, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(3080, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(3211, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(3220, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(
        3223,
        "An unexpected disconnect command was sent",
        _RETRYABLE,
        FaxCause.TRANSMISSION,
        _MEDIUM,
        pages=True,
    ),
    # The machine answered and then fell silent, so this is not "no answer".
    _row(3224, "The remote fax machine failed to respond", _RETRYABLE, FaxCause.TRANSMISSION, _MEDIUM),
    _row(3225, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(
        3230,
        "A disconnect message was received while attempting to negotiate transmission",
        _RETRYABLE,
        FaxCause.TRANSMISSION,
        _MEDIUM,
        pages=True,
    ),
    _row(3231, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(3233, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(3264, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(3267, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(3268, "Transmission error (after page break)", _RETRYABLE, FaxCause.TRANSMISSION, _MEDIUM, pages=True),
    _row(3269, "Fax machine incompatibility", _RETRYABLE, FaxCause.INCOMPATIBLE_MACHINE, _MEDIUM, pages=True),
    _row(3300, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(3510, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(3830, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    # What answered the call.
    # Fatal although the vendor's comment only says that the answer could not be classified: it is one of the
    # most frequent codes, and dialling a dead number again rings the telephone of its new owner.
    _row(3912, "Phone number not operational", _FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, _LOW),
    _row(3931, "Busy", _RETRYABLE, FaxCause.BUSY, _HIGH),
    _row(3932, "Phone number not operational", _FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, _LOW),
    _row(3933, "Busy", _RETRYABLE, FaxCause.BUSY, _LOW),
    _row(3935, "No answer (might be out of paper)", _RETRYABLE, FaxCause.NO_ANSWER, _HIGH),
    _row(3936, "Human voice answer", _FATAL, FaxCause.HUMAN_ANSWERED, _HIGH),
    _row(3937, "Ring busy", _RETRYABLE, FaxCause.BUSY, _HIGH),
    _row(3938, "Phone number not operational", _FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, _MEDIUM),
    # 6000 + ITU-T Q.850 cause.
    _row(6001, "Phone number not operational", _FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, _HIGH),
    _row(6002, "No route available", _FATAL, FaxCause.NO_ROUTE, _HIGH),
    _row(6003, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6004, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6016, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(6017, "Busy", _RETRYABLE, FaxCause.BUSY, _HIGH),
    _row(6018, "No answer (might be out of paper)", _RETRYABLE, FaxCause.NO_ANSWER, _HIGH),
    # The vendor files it under telephony; Q.850 cause 19 is "no answer from user (user alerted)".
    _row(6019, "Telephony error", _RETRYABLE, FaxCause.NO_ANSWER, _HIGH),
    _row(6021, "Call rejected", _FATAL, FaxCause.REJECTED, _HIGH),
    _row(6022, "Number changed", _FATAL, FaxCause.NUMBER_CHANGED, _HIGH),
    _row(6027, "Phone number not operational", _FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, _MEDIUM),
    _row(6028, "Phone number not operational", _FATAL, FaxCause.NUMBER_NOT_OPERATIONAL, _HIGH),
    _row(6029, "Call rejected", _FATAL, FaxCause.REJECTED, _MEDIUM),
    _row(6031, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(6034, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6038, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6041, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6042, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6043, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(6044, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6047, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6050, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6054, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6057, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6058, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(6063, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(6065, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6069, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6079, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _LOW),
    _row(6088, "Incompatible destination", _FATAL, FaxCause.INCOMPATIBLE_DESTINATION, _HIGH),
    _row(6095, "Incompatible destination", _FATAL, FaxCause.INCOMPATIBLE_DESTINATION, _MEDIUM),
    _row(6097, "Incompatible destination", _FATAL, FaxCause.INCOMPATIBLE_DESTINATION, _MEDIUM),
    _row(6099, "Incompatible destination", _FATAL, FaxCause.INCOMPATIBLE_DESTINATION, _MEDIUM),
    _row(6100, "Incompatible destination", _FATAL, FaxCause.INCOMPATIBLE_DESTINATION, _MEDIUM),
    _row(6102, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _HIGH),
    _row(6111, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(6127, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    # Set-up faults and hang-ups reported by later transports.
    _row(7004, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(7012, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(7013, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM),
    _row(7200, "Unspecified fax failure", _RETRYABLE, FaxCause.UNSPECIFIED, _LOW),
    _row(8010, "The remote fax machine hung up before receiving fax", _RETRYABLE, FaxCause.HANGUP, _MEDIUM),
    _row(8021, "No answer", _RETRYABLE, FaxCause.NO_ANSWER, _HIGH),
    _row(8025, "Busy", _RETRYABLE, FaxCause.BUSY, _HIGH),
    _row(
        9001,
        "Fax machine incompatibility",
        _RETRYABLE,
        FaxCause.INCOMPATIBLE_MACHINE,
        _MEDIUM,
        pages=True,
        extrafax=False,
    ),
    _row(9951, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    _row(9952, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    _row(9987, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    _row(9994, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    _row(9998, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    _row(9999, "Telephony error", _RETRYABLE, FaxCause.TELEPHONY, _MEDIUM, extrafax=False),
    # The vendor's own service.
    _row(204000, "Rendering error", _FATAL, FaxCause.RENDERING, _HIGH),
    _row(204001, "Rendering error", _FATAL, FaxCause.RENDERING, _HIGH),
    _row(205000, "Quota exceeded (Prepaid card depleted)", _FATAL, FaxCause.OUT_OF_CREDIT, _HIGH),
    _row(205001, "Internal system error (FindRoute)", _RETRYABLE, FaxCause.INTERNAL, _LOW),
    _row(206001, "Internal system error (LocalSender)", _RETRYABLE, FaxCause.INTERNAL, _LOW),
)

STATUS_CODES: Mapping[int, StatusCode] = MappingProxyType({row.code: row for row in _ROWS})
"""Every documented status code, by number."""


def describe_code(code: int) -> StatusCode:
    """Say what a status code means.

    :param code: InterFAX's or ExtraFax's status code.
    :return: the table's row. An unlisted negative code gets a row that says pending, an unlisted positive
        one a row that says ``unknown``: it is final, but no vendor documents whether a later attempt may
        work, so nothing is sent again because of it.
    :raises FaxInputError: if ``code`` is not an integer (a ``bool`` is not one here).
    """
    if isinstance(code, bool) or not isinstance(code, int):
        raise FaxInputError(f"A status code must be an integer, not {type(code).__name__}.")
    listed = STATUS_CODES.get(code)
    if listed is not None:
        return listed
    pending = code < 0
    return StatusCode(
        code=code,
        label="Fax is being handled" if pending else "Undocumented status code",
        outcome=FaxOutcome.PENDING if pending else FaxOutcome.UNKNOWN,
        cause=None if pending else FaxCause.UNSPECIFIED,
        # Nothing is known about the code, so nothing may be ruled out.
        pages_may_have_arrived=not pending,
        # The vendors state the rule for every negative number; for positive ones they state no rule.
        confidence=Confidence.HIGH if pending else Confidence.LOW,
        in_interfax=False,
        in_extrafax=False,
    )


def classify_code(code: int) -> FaxOutcome:
    """Tell the outcome that a status code stands for.

    :param code: InterFAX's or ExtraFax's status code.
    :return: the outcome; see :func:`describe_code` for codes that are not listed.
    :raises FaxInputError: if ``code`` is not an integer.
    """
    return describe_code(code).outcome
