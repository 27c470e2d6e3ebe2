"""The status of a fax job, as one value that every layer and every vendor shares."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pendulum

__all__ = ["FaxStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaxStatus:
    """What is known about a fax job at one moment. A field that the vendor does not report is ``None``.

    :param vendor: ``faxto``, ``interfax`` or ``extrafax``: the connection type.
    :param job_id: the vendor's id of the fax job; ``None`` where no fax job is known to exist: a fax that never became
        one, or a send of which that is not known.
    :param outcome: what became of it.
    :param cause: why it failed or is held; ``None`` if it did not fail.
    :param code: InterFAX's and ExtraFax's status code (a number), or Fax.to's message code (a word such as
        ``no_answer``).
    :param message: a sentence for people: the vendor's, or the code's description. It never holds a full
        fax number.
    :param pages_sent: pages that the receiving machine confirmed. Fax.to does not report it.
    :param attempts: how often the vendor itself dialled for this job. Fax.to does not report it.
    :param cost: what the job cost, in the account's currency.
    :param balance: what the account holds after the answer, in its currency. Fax.to alone reports it here.
    :param submitted_at: when the vendor accepted the job, UTC.
    :param completed_at: when the job ended, UTC. The vendor's two clocks may differ by seconds, so this can
        lie before ``submitted_at``: never compute a duration from the two.
    :param reference: the key under which the fax was sent, where the vendor keeps one.
    :param pages_submitted: how many pages the documents have together, counted before the send.
    :param size: how many bytes they have together.
    """

    vendor: str
    job_id: str | None
    outcome: FaxOutcome
    cause: FaxCause | None = None
    code: int | str | None = None
    message: str | None = None
    pages_sent: int | None = None
    attempts: int | None = None
    cost: Decimal | None = None
    balance: Decimal | None = None
    submitted_at: pendulum.DateTime | None = None
    completed_at: pendulum.DateTime | None = None
    reference: str | None = None
    pages_submitted: int | None = None
    size: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether waiting longer cannot change the answer: every outcome but ``pending``."""
        return self.outcome is not FaxOutcome.PENDING

    def require_job_id(self) -> str:
        """Give the id of the fax job, where there must be one.

        :return: ``job_id``.
        :raises FaxInputError: if no fax job is known to exist.
        """
        if self.job_id is None:
            raise FaxInputError("This status tells of no fax job, so there is nothing to look up.")
        return self.job_id

    def to_dict(self) -> dict[str, Any]:
        """Turn the status into plain JSON types, for XCom and for a trigger's event.

        :return: every field by name; outcome and cause as their words, money as decimal strings, times as
            ISO 8601 in UTC. :meth:`from_dict` restores an equal value.
        """
        plain: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["outcome"] = self.outcome.value
        plain["cause"] = self.cause.value if self.cause is not None else None
        for name in _MONEY:
            plain[name] = str(plain[name]) if plain[name] is not None else None
        for name in _TIMES:
            plain[name] = plain[name].isoformat() if plain[name] is not None else None
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> FaxStatus:
        """Restore what :meth:`to_dict` made.

        :param plain: the mapping. ``vendor``, ``job_id`` and ``outcome`` are needed; keys that this version
            does not know are ignored, so that a status written by a later version can be read.
        :return: the status.
        :raises FaxInputError: if a needed key is missing, or if a value is not what :meth:`to_dict` writes.
        """
        try:
            values = {name: read(plain[name]) for name, read in _READERS.items() if name in plain}
            return cls(**values)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise FaxInputError(
                "This is not a fax status as FaxStatus.to_dict() writes it: "
                f"{type(error).__name__} at one of {', '.join(field.name for field in fields(cls))}. "
                "Pass on what the sensor or the send operator returned, unchanged."
            ) from None


_MONEY = ("cost", "balance")
_TIMES = ("submitted_at", "completed_at")


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("not a text")


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _one_of(*kinds: type) -> Callable[[Any], Any]:
    def read(value: object) -> object:
        # A bool would pass for an int.
        if isinstance(value, kinds) and not isinstance(value, bool):
            return value
        raise TypeError("another type")

    return read


def _money(text: object) -> Decimal:
    amount = Decimal(_text(text))
    if amount.is_finite():
        return amount
    raise ValueError("not an amount")


def _moment(text: object) -> pendulum.DateTime:
    # Imported here, since a DAG file that only names an outcome should not pay for it.
    import pendulum

    # Stricter than pendulum.parse(), which reads "now" and "12:30" as well.
    moment = datetime.fromisoformat(_text(text))
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return pendulum.instance(moment).in_timezone("UTC")


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "vendor": _text,
    "job_id": _optional(_text),
    "outcome": FaxOutcome,
    "cause": _optional(FaxCause),
    "code": _optional(_one_of(int, str)),
    "message": _optional(_one_of(str)),
    "pages_sent": _optional(_one_of(int)),
    "attempts": _optional(_one_of(int)),
    "cost": _optional(_money),
    "balance": _optional(_money),
    "submitted_at": _optional(_moment),
    "completed_at": _optional(_moment),
    "reference": _optional(_one_of(str)),
    "pages_submitted": _optional(_one_of(int)),
    "size": _optional(_one_of(int)),
}
