"""Reads single values of an XCom, which anybody who can write a DAG may have written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

__all__ = ["as_amount", "as_integer", "as_moment", "as_seconds", "as_text", "shorten"]

_LONGEST = 1000
_LONGEST_SECONDS = 9
_LONGEST_AMOUNT = 40


def as_text(value: object) -> str | None:
    """Take a value for a text.

    :param value: the value.
    :return: its first 1,000 characters; ``None`` if it is not a text, or an empty one.
    """
    return shorten(value) if isinstance(value, str) and value else None


def shorten(text: str) -> str:
    """Cut a text off that is longer than anything of ours.

    :param text: the text.
    :return: its first 1,000 characters, in which whatever cannot be sent is replaced.
    """
    # Half of a surrogate pair is no text that can be sent.
    return str(text)[:_LONGEST].encode("utf-8", "replace").decode()


def as_integer(value: object) -> int | None:
    """Take a value for a whole number.

    :param value: the value.
    :return: the number; ``None`` if it is not one, or too large to be one of ours.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # What is not a number at all (NaN) is not below it either.
    return int(value) if abs(value) < 10**15 else None


def as_seconds(text: str) -> int | None:
    """Take a text for a number of seconds.

    :param text: the text.
    :return: the seconds; ``None`` if it is not a whole number, or too large.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_SECONDS else None


def as_amount(value: object) -> Decimal | None:
    """Take a value for an amount of money.

    :param value: the value.
    :return: the amount; ``None`` if it is not a text with one.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_AMOUNT:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**12 else None


def as_moment(at: object) -> str | None:
    """Write a time as ISO 8601.

    :param at: the time.
    :return: the text; ``None`` if it is not a time.
    """
    return at.isoformat() if isinstance(at, datetime) else None
