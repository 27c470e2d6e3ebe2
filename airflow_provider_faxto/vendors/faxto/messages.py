"""What Fax.to's sentences about a fax mean.

Fax.to has no status codes. Its status call answers with ``status``, which is about the request, and ``message``,
a sentence about the fax. Documented are one sentence of a delivered fax and the six message codes of the delivery
receipt with their sentences. That the status call uses the sentences of the receipt for failures is our inference;
how it speaks of a fax in progress is documented nowhere. So a sentence is read by these rules:

* Words of failure are tested before words of success, since "No Answer" contains "answer".
* Only the two documented sentences, to the letter, or words that the connection adds, count as delivered.
* What is not understood is not guessed: the fax history is asked, whose ``status`` is that of the fax.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.vendors.parsing import read_code_outcomes

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import ConnectionSettings

__all__ = [
    "MESSAGE_CODES",
    "MessageCode",
    "MessageReader",
    "Reading",
    "is_failure_word",
    "is_in_progress",
    "plain_words",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCode:
    """What one of Fax.to's message codes means. The code itself is only in the delivery receipt.

    :param code: the code's word, as Fax.to sends it.
    :param label: what it says, for people.
    :param outcome: what it means for the fax job.
    :param cause: why the fax failed; ``None`` if it did not.
    :param beginnings: how the sentence goes on after "fax failed", in plain words; remarks may follow. Empty for
        ``ok``, whose sentences are read as a whole.
    """

    code: str
    label: str
    outcome: FaxOutcome
    cause: FaxCause | None
    beginnings: tuple[str, ...] = ()


_ROWS = (
    MessageCode(code="ok", label="Sent", outcome=FaxOutcome.SUCCESS, cause=None),
    MessageCode(
        code="no_answer",
        label="No fax machine answered",
        outcome=FaxOutcome.RETRYABLE,
        cause=FaxCause.NO_ANSWER,
        beginnings=("no answer",),
    ),
    MessageCode(
        code="busy",
        label="The line was busy",
        outcome=FaxOutcome.RETRYABLE,
        cause=FaxCause.BUSY,
        beginnings=("line busy", "busy"),
    ),
    MessageCode(
        code="hangup",
        label="The far end hung up early",
        outcome=FaxOutcome.RETRYABLE,
        cause=FaxCause.HANGUP,
        beginnings=("early hangup", "early hang up", "hangup", "hang up"),
    ),
    MessageCode(
        code="file_error",
        label="The document could not be converted",
        outcome=FaxOutcome.FATAL,
        cause=FaxCause.RENDERING,
        beginnings=("file conversion", "conversion failed"),
    ),
    # Retryable, as InterFAX's "unspecified fax failure" (7200) is: Fax.to names no reason, and a cautious further
    # attempt may work. It may also hide a blocked number or a lack of funds, so ``code_outcomes`` can turn it off.
    MessageCode(
        code="unknown",
        label="Failed, and Fax.to knows no reason",
        outcome=FaxOutcome.RETRYABLE,
        cause=FaxCause.UNSPECIFIED,
        beginnings=("unknown error",),
    ),
)

MESSAGE_CODES: Mapping[str, MessageCode] = MappingProxyType({row.code: row for row in _ROWS})
"""Every documented message code, by its word."""

_FAILURE_WORDS = frozenset({"failed", "failure", "fail", "error"})
_PROGRESS_WORDS = frozenset({"executed", "pending", "processing", "queued", "sending", "in progress"})
# The sentence that the status call's page shows, and that of the receipt's code "ok": to the letter, since "Sent to the
# queue." begins alike. Case and white space aside.
_DELIVERED = frozenset({"sent! fax has been answered.", "success! your fax has been sent!"})
# A sentence that holds one of these beside the connection's own words of success is not a plain statement of it. It is
# not a failure either: the history tells.
_DOUBT = re.compile(r"\b(?:no|not|none|never|without|cannot|t|un\w*|fail\w*|errors?|busy|hang|hangup|hung)\b")
# Failures first, and of these the one that stops. Pending comes before the built-in failures too: a user who adds it
# knows that the vendor dials on, and a second fax beside a redial is worse than a longer wait.
_OWN_WORDS_ORDER = (FaxOutcome.FATAL, FaxOutcome.RETRYABLE, FaxOutcome.PENDING, FaxOutcome.SUCCESS)


def plain_words(value: object) -> str:
    """Reduce a text to what is compared: lower case, one blank for everything that is no letter or digit.

    :param value: the JSON value.
    :return: the words; empty if it is no text or holds none.
    """
    return re.sub(r"[\W_]+", " ", value.casefold()).strip() if isinstance(value, str) else ""


def is_failure_word(status: object) -> bool:
    """Tell whether a ``status`` says that something failed.

    :param status: the field's JSON value.
    :return: whether it is a word of failure, in any case.
    """
    return plain_words(status) in _FAILURE_WORDS


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says about a fax.

    :param outcome: what became of it.
    :param cause: why it failed; ``None`` if it did not.
    :param code: the message code; ``None`` if the sentence is not documented.
    """

    outcome: FaxOutcome
    cause: FaxCause | None = None
    code: str | None = None


class MessageReader:
    """Reads sentences with the words and classes that a connection adds.

    :param own_words: further words for each outcome; they fit where they stand as whole words in the message.
    :param code_outcomes: the outcome of message codes, where it shall differ from :data:`MESSAGE_CODES`.
    """

    def __init__(
        self, own_words: Mapping[FaxOutcome, tuple[str, ...]], code_outcomes: Mapping[str, FaxOutcome]
    ) -> None:
        self._own_words = own_words
        self._code_outcomes = code_outcomes

    @classmethod
    def from_settings(cls, settings: ConnectionSettings) -> MessageReader:
        """Read the extras ``status_messages`` and ``code_outcomes``.

        :param settings: the connection.
        :return: the reader.
        :raises FaxConfigurationError: if one of them has a value that it cannot have.
        """
        code_outcomes = read_code_outcomes(settings)
        unknown = sorted(set(code_outcomes) - set(MESSAGE_CODES))
        if unknown:
            raise FaxConfigurationError(
                f"Connection {settings.conn_id!r}: code_outcomes names {', '.join(map(repr, unknown))}, which Fax.to "
                f"does not have. Its failures are {', '.join(code for code in MESSAGE_CODES if code != 'ok')}."
            )
        return cls(_read_own_words(settings), code_outcomes)

    def read(self, status: object, message: object) -> Reading | None:
        """Read a status answer.

        :param status: its ``status``, which may be about the request alone.
        :param message: its ``message``, which is about the fax.
        :return: what it says; ``None`` if the history must be asked: the sentence is not understood, or the
            status says "failed" and it may be the request that failed.
        """
        text = plain_words(message)
        own = self._own_outcome(text)
        if own is FaxOutcome.PENDING:
            return Reading(FaxOutcome.PENDING)
        if own in (FaxOutcome.FATAL, FaxOutcome.RETRYABLE):
            return self._read_failure(text, own)
        if f"{text} ".startswith("fax failed "):
            return self._read_failure(text)
        if is_failure_word(status):
            return None
        own_success = own is FaxOutcome.SUCCESS and not self._leaves_doubt(text)
        return _read_unfailed(status, message, own_success=own_success)

    def settle(self, row_status: str | None, message: object = None) -> Reading:
        """Decide by the fax history what :meth:`read` could not.

        :param row_status: the ``status`` of the job's row, in plain words; ``None`` if the history has no row.
        :param message: the ``message`` of the status answer, if there is one.
        :return: what became of the fax. Without a word of the history that is final: pending.
        """
        if row_status == "success":
            return Reading(FaxOutcome.SUCCESS)
        if is_failure_word(row_status):
            return self._read_failure(plain_words(message))
        return Reading(FaxOutcome.PENDING)

    def _own_outcome(self, text: str) -> FaxOutcome | None:
        for outcome in _OWN_WORDS_ORDER:
            if any(f" {words} " in f" {text} " for words in self._own_words.get(outcome, ())):
                return outcome
        return None

    def _leaves_doubt(self, text: str) -> bool:
        """Tell whether a sentence says more than the connection's words of success, such as "not"."""
        rest = f" {text} "
        for words in self._own_words.get(FaxOutcome.SUCCESS, ()):
            rest = rest.replace(f" {words} ", "  ")
        return _DOUBT.search(rest) is not None

    def _read_failure(self, text: str, own: FaxOutcome | None = None) -> Reading:
        reason = text.removeprefix("fax failed").strip()
        for row in MESSAGE_CODES.values():
            if any(f"{reason} ".startswith(f"{beginning} ") for beginning in row.beginnings):
                return Reading(own or self._code_outcomes.get(row.code, row.outcome), row.cause, row.code)
        # Final, but it is not documented whether a later attempt may work, so nothing is sent because of it.
        return Reading(own or FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED)


def is_in_progress(row_status: str) -> bool:
    """Tell whether a word of the history is clearly not final.

    :param row_status: the ``status`` of a row, in plain words.
    :return: whether it is one of the words that stand for work under way.
    """
    return row_status in _PROGRESS_WORDS


def _read_unfailed(status: object, message: object, *, own_success: bool) -> Reading | None:
    sentence = " ".join(message.lower().split()) if isinstance(message, str) else ""
    # A status that is missing, or new, leaves it open whether the request was answered at all.
    if sentence in _DELIVERED and plain_words(status) == "success":
        return Reading(FaxOutcome.SUCCESS, code="ok")
    if own_success:
        return Reading(FaxOutcome.SUCCESS)
    return Reading(FaxOutcome.PENDING) if plain_words(status) in _PROGRESS_WORDS else None


def _read_own_words(settings: ConnectionSettings) -> Mapping[FaxOutcome, tuple[str, ...]]:
    raw = settings.extra.get("status_messages", {})
    allowed = ", ".join(_OWN_WORDS_ORDER)
    explanation = (
        f"Connection {settings.conn_id!r}: status_messages must map {allowed} to lists of words, "
        'such as {"pending": ["in the queue"], "fatal": ["number blocked"]}.'
    )
    if not isinstance(raw, Mapping):
        raise FaxConfigurationError(explanation)
    words: dict[FaxOutcome, tuple[str, ...]] = {}
    for outcome, texts in raw.items():
        if outcome not in _OWN_WORDS_ORDER or not isinstance(texts, (list, tuple)):
            raise FaxConfigurationError(explanation)
        words[FaxOutcome(outcome)] = tuple(plain_words(text) for text in texts)
        # Words without a letter or digit would fit every message.
        if not all(words[FaxOutcome(outcome)]):
            raise FaxConfigurationError(explanation)
    return words
