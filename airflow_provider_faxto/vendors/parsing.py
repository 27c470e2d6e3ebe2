"""Reading what a vendor sent: tolerant of its form, never of its meaning.

Every function takes what came over the wire and gives a typed value, ``None`` where the value is absent or
cannot be what it should be, or ``FaxUnreadableAnswerError`` where nothing can be made of the answer.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxInputError, FaxUnreadableAnswerError
from airflow_provider_faxto.fax.key import is_same_fax
from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    import pendulum

    from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxRequest, FaxResponse

__all__ = [
    "as_exact_utc",
    "as_int",
    "as_money",
    "as_text",
    "as_utc",
    "check_job_id",
    "check_key",
    "is_before",
    "read_code_outcomes",
    "read_json",
    "read_option_choice",
    "read_option_count",
    "read_option_switch",
    "read_option_text",
]

_MAX_DIGITS = 30
# A whole date, with or without a time of day. The library's parser also takes "now" and "12:30" and fills in
# today, and it fails with a TypeError on some texts with a slash.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_WITH_SECONDS = re.compile(r".{10}[T ]\d{2}:\d{2}:\d{2}")


def read_json(response: FaxResponse, request: FaxRequest, label: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read a body as JSON.

    :param response: the response.
    :param request: what was asked, for the message.
    :param label: the vendor's name, for the message.
    :return: the JSON value.
    :raises FaxUnreadableAnswerError: if the body is not JSON in UTF-8.
    """
    try:
        return json.loads(response.body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise FaxUnreadableAnswerError(
            f"Could not {request.action}: {label} answered HTTP {response.status} with "
            f"{len(response.body)} bytes that are not JSON.",
            http_status=response.status,
        ) from None


def as_int(value: object) -> int | None:
    """Read an integer, which may come as a number or as text.

    :param value: the JSON value.
    :return: the integer; ``None`` for anything else, and for a boolean, a fraction, or an absurd length.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_DIGITS * 4 else None
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= _MAX_DIGITS and text.isascii() and text.removeprefix("-").isdigit():
            return int(text)
    return None


def as_money(value: object) -> Decimal | None:
    """Read an amount of money, which may come as a number or as text.

    :param value: the JSON value.
    :return: the amount; ``None`` for anything else, and for what is no finite number or an absurd one.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    text = str(value).strip()
    if len(text) > _MAX_DIGITS:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    # Beyond that no account goes, and the product of two such amounts would overflow.
    return amount if amount.is_finite() and abs(amount.adjusted()) <= _MAX_DIGITS else None


def as_text(value: object) -> str | None:
    """Read a text.

    :param value: the JSON value.
    :return: the text without blanks around it; ``None`` if nothing is left or it is no text.
    """
    return (value.strip() or None) if isinstance(value, str) else None


def as_utc(value: object) -> pendulum.DateTime | None:
    """Read a moment. A text without a zone is taken as UTC, which is what the vendors document or imply.

    :param value: the JSON value: ISO 8601 with dashes and colons, ``2017-08-03 12:31:38``, or a date alone, which
        is taken as its midnight.
    :return: the moment in UTC; ``None`` for anything else, and for a year before 2000, which some services
        write for "not yet".
    """
    text = as_text(value)
    if text is None or not _MOMENT.fullmatch(text):
        return None
    import pendulum

    try:
        moment = pendulum.parse(text, tz="UTC")
        if not isinstance(moment, pendulum.DateTime) or moment.year < 2000:  # noqa: PLR2004 - fax APIs are younger
            return None
        return moment.in_timezone("UTC")
    except (ValueError, OverflowError):
        return None


def as_exact_utc(value: object) -> pendulum.DateTime | None:
    """Read a moment that is to be compared with another: as :func:`as_utc` does, but only if the text has its seconds.

    :param value: the JSON value.
    :return: the moment in UTC; ``None`` also for a day alone, which would pass for its midnight and so for hours
        earlier than it was.
    """
    text = as_text(value)
    return as_utc(text) if text is not None and _WITH_SECONDS.match(text) else None


def is_before(moment: pendulum.DateTime | None, since: pendulum.DateTime) -> bool:
    """Tell whether something surely happened before a moment.

    :param moment: when it happened by the vendor's record, read with :func:`as_exact_utc`; ``None`` if not known.
    :param since: the moment. Its fraction of a second is left out, as vendors do in theirs.
    :return: whether it surely did; what is not known did not.
    """
    return moment is not None and moment < since.start_of("second")


def check_job_id(job_id: str, label: str) -> str:
    """Check that a job id is a number, as it is at every vendor we know, before it becomes part of a path.

    :param job_id: the id, as text.
    :param label: the vendor's name, for the message.
    :return: the id without blanks around it.
    :raises FaxInputError: if it is not a number.
    """
    cleaned = job_id.strip() if isinstance(job_id, str) else ""
    if not (cleaned.isascii() and cleaned.isdigit()):
        raise FaxInputError(
            f"A job id of {label} is a number in text form; this one is not. "
            "Pass what the send operator pushed to XCom under the key job_id."
        )
    return cleaned


def check_key(reference: str) -> str:
    """Check that a reference is the key of a logical fax: nothing could be the same fax as any other text.

    :param reference: the reference.
    :return: the same.
    :raises FaxInputError: if it is no key.
    """
    if not (isinstance(reference, str) and is_same_fax(reference, reference)):
        raise FaxInputError(
            "The same document to the same number is found by the key of a logical fax; this reference is none. "
            "Pass what logical_fax_key() makes."
        )
    return reference


_SETTABLE_OUTCOMES = (FaxOutcome.RETRYABLE, FaxOutcome.FATAL, FaxOutcome.UNKNOWN)


def read_code_outcomes(settings: ConnectionSettings) -> Mapping[str, FaxOutcome]:
    """Read the extra ``code_outcomes``, with which a connection overrides the class of a code.

    :param settings: the connection.
    :return: the outcome by code, the code as text (``"3912"``, ``"hangup"``). Empty if the extra is not set.
    :raises FaxConfigurationError: if it is not a mapping of codes to ``retryable``, ``fatal`` or ``unknown``.
        ``success`` and ``pending`` cannot be set: only the vendor can say that a fax was delivered.
    """
    raw = settings.extra.get("code_outcomes") or {}
    wanted = ", ".join(_SETTABLE_OUTCOMES)
    if not isinstance(raw, Mapping):
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: code_outcomes must map codes to one of {wanted}, "
            'such as {"3912": "retryable"}.'
        )
    for code, outcome in raw.items():
        if outcome not in _SETTABLE_OUTCOMES or str(code).strip() in {"0", "ok"} or str(code).startswith("-"):
            raise FaxConfigurationError(
                f"Connection {settings.conn_id!r}: code_outcomes cannot set {code!r} to {outcome!r}. "
                f"The code of a failure can be set to one of {wanted}."
            )
    return {str(code): FaxOutcome(outcome) for code, outcome in raw.items()}


# What one sets for a fax. No message shows the value, since a header or a contact may be private.


def read_option_text(name: str, value: object, *, label: str, longest: int) -> str:
    """Read an option that is free text.

    :param name: the option, for the message.
    :param value: what was set for it.
    :param label: the vendor's name, for the message.
    :param longest: how many characters the vendor takes.
    :return: the text without blanks around it.
    :raises FaxInputError: if it is not a text, is blank, holds a control character or a line break, or is too long.
    """
    if not isinstance(value, str):
        raise FaxInputError(f"{label} takes {name} as text, not as {type(value).__name__}.")
    # Controls, invisible characters and half surrogate pairs; line and paragraph separators.
    if any(unicodedata.category(character)[0] == "C" or character in "\u2028\u2029" for character in value):
        raise FaxInputError(f"{label} takes {name} as one line of printable text; this one has other characters in it.")
    text = value.strip()
    if not 0 < len(text) <= longest:
        raise FaxInputError(f"{label} takes {name} with 1 to {longest} characters; this one has {len(text)}.")
    return text


def read_option_choice(name: str, value: object, *, label: str, choices: Mapping[str, str]) -> str:
    """Read an option that has a few values.

    :param name: the option, for the message.
    :param value: what was set for it; the case of its letters does not matter.
    :param label: the vendor's name, for the message.
    :param choices: the vendor's word for each value, the value in lower case.
    :return: the vendor's word.
    :raises FaxInputError: if it is not one of the values.
    """
    chosen = choices.get(value.strip().lower()) if isinstance(value, str) else None
    if chosen is None:
        raise FaxInputError(f"{label} takes {name} as one of {', '.join(choices)}; this is not one of them.")
    return chosen


def read_option_count(name: str, value: object, *, label: str, least: int, most: int) -> int:
    """Read an option that is a whole number, which a template may have turned into text.

    :param name: the option, for the message.
    :param value: what was set for it.
    :param label: the vendor's name, for the message.
    :param least: the smallest that the vendor takes.
    :param most: the largest.
    :return: the number.
    :raises FaxInputError: if it is not a whole number from ``least`` to ``most``.
    """
    number = as_int(value)
    if number is None or not least <= number <= most:
        raise FaxInputError(f"{label} takes {name} as a whole number from {least} to {most}; this is not one.")
    return number


def read_option_switch(name: str, value: object, *, label: str) -> bool:
    """Read an option that is a yes or no, which a template may have turned into text.

    :param name: the option, for the message.
    :param value: what was set for it: a boolean, or ``true`` or ``false`` as text in any case.
    :param label: the vendor's name, for the message.
    :return: whether it is on.
    :raises FaxInputError: if it is anything else.
    """
    if isinstance(value, bool):
        return value
    switch = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None
    if switch is None:
        raise FaxInputError(f"{label} takes {name} as true or false; this is neither.")
    return switch
