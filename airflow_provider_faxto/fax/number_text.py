"""The text of a fax number: its plain form, and what is refused by its shape alone, whatever the country."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["digits_in", "is_compact_date", "parts_before_a_second_number", "plain_number", "why_not_one_number"]

# Pasted text carries them. Those that turn the order of what is shown are not among them: people read such a
# text in another order than the one in which it is stored.
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u200e\u202a\u202c\u202d\u2060\u2066\u2068\u2069\ufeff")
# RFC 3966, and RFC 2806 before it, which had a scheme for fax numbers.
_SCHEME = re.compile("(?:tel|fax):", re.IGNORECASE)
_QUOTES = "\"'\u2018\u2019\u201c\u201d"
_SAME_AS = str.maketrans("\uff0b\u2212\uff08\uff09\uff3b\uff3d[]\uff0e\uff0f", "+-()()()./")

_PLAIN = re.compile(r"[0-9+(). /-]+")
_LETTERS = re.compile(r"[^\W\d_]")
# What pandas and spreadsheets make of a column of numbers: 1.2025550100E+10, with or without its exponent, and
# 12025550100.0.
_EXPONENT = re.compile(r"[+-]?\d+(?:[.,]\d*)?[eE][+-]?\d+|-?\d\.\d{5,}")
_FRACTION = re.compile(r"(?P<whole>[^.]*\d)[^.\d]*\.(?:\d{1,3}|0+)")
_DIGITS_BEFORE_FRACTION = 7
_DAY, _MONTH, _CENTURY, _POINT = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)", r"\s*[./-]\s*"
# Many countries write numbers in pairs of digits. So a year of two digits counts only at the beginning, and not if
# there are but blanks between the parts.
_DATE = re.compile(
    rf"""(?<!\S)(?:
        (?:{_DAY}{_POINT}{_MONTH}|{_MONTH}{_POINT}{_DAY}){_POINT}{_CENTURY}\d\d
        | \A(?:{_DAY}{_POINT}{_MONTH}|{_MONTH}{_POINT}{_DAY}){_POINT}\d\d
        | {_CENTURY}\d\d{_POINT}{_MONTH}{_POINT}{_DAY}
        | \A(?:{_MONTH}{_POINT}{_CENTURY}\d\d|{_DAY}\.\s*{_MONTH}\.)\Z
        | (?:{_DAY}\s+{_MONTH}|{_MONTH}\s+{_DAY})\s+{_CENTURY}\d\d
        | {_CENTURY}\d\d\s+{_MONTH}\s+{_DAY}
    )\.?(?=[\sT]|$)""",
    re.VERBOSE,
)
_TWO_DAY, _TWO_MONTH = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])"
_COMPACT_DATE = re.compile(
    rf"{_CENTURY}\d\d{_TWO_MONTH}{_TWO_DAY}|(?:{_TWO_DAY}{_TWO_MONTH}|{_TWO_MONTH}{_TWO_DAY}){_CENTURY}\d\d"
)
_PLUS_FIRST = re.compile(r"[ ().\-/]*\+")
_PLUS_LATER = re.compile(r"[0-9+].*\+", re.DOTALL)
_BETWEEN_NUMBERS = re.compile(r"[;,|&\\\r\n]")
_SERVICE = re.compile(r"[*#]")
_OUTSIDE_LINE = re.compile(r"[ (]*0[^0-9]+0")
_SLASHED_TAIL = re.compile(r".*/[^0-9/]*[0-9]?[^0-9/]*[0-9]?[^0-9/]*[0-9][^0-9/]*")
_BRACKETS_AT_END = re.compile(r".*[0-9].*\([^0-9]*[0-9]{1,4}[^0-9]*")
_SHORTEST_SECOND_NUMBER = 5


def plain_number(text: str) -> str:
    """Write a text in ASCII as far as it has digits, blanks, dashes, dots, slashes, brackets and plus signs.

    :param text: a number as people write it, with digits of any script.
    :return: the text with each such character in its plain form, without invisible characters, without white
        space and quotes around it, and without ``tel:`` or ``fax:`` before it. Any other character stays.
    """
    visible = "".join(character for character in text if character not in _INVISIBLE)
    inner = visible.strip().strip(_QUOTES).strip().translate(_SAME_AS)
    scheme = _SCHEME.match(inner)
    number = inner[scheme.end() :] if scheme else inner
    return "".join(_plain_character(character) for character in number)


def _plain_character(character: str) -> str:
    """Give the plain form of a digit, a blank or a dash; anything else as it is."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return {"Zs": " ", "Pd": "-"}.get(category, character)


def digits_in(plain: str) -> str:
    """Give the digits of a text.

    :param plain: a text as :func:`plain_number` made it.
    :return: its ASCII digits.
    """
    return re.sub(r"[^0-9]", "", plain)


def why_not_one_number(plain: str) -> str | None:
    """Say why a text is not one number in any country.

    :param plain: a text as :func:`plain_number` made it.
    :return: what is wrong and what to do, to finish a sentence that begins with the number; ``None`` if the text
        may be one number.
    """
    return next((reason for matches, reason in _RULES if matches(plain)), None)


def is_compact_date(plain: str) -> bool:
    """Tell whether a text may be a date without anything between its parts: ``20261125``, ``25112026``.

    :param plain: a text as :func:`plain_number` made it.
    :return: whether it may be one. It may be a number as well: some countries have numbers of eight digits.
    """
    return _COMPACT_DATE.fullmatch(plain) is not None


def parts_before_a_second_number(plain: str) -> Iterator[str]:
    """Find where a text may hold a second number, which it does if what stands before is a complete one.

    :param plain: a text as :func:`plain_number` made it.
    :return: what stands before each slash (``030 901820/901830``), before a last group as long as the one before
        it (``901820-901829``), and before the first group once more (``01 51234 01 51235``).
    """
    for slash in re.finditer("/", plain):
        yield plain[: slash.start()]
    groups = list(re.finditer("[0-9]+", plain))
    for before, last in zip(groups[-2:], groups[-1:], strict=False):
        if len(before[0]) == len(last[0]) >= _SHORTEST_SECOND_NUMBER and before is not last:
            yield plain[: last.start()]
    for group in groups[1:]:
        if group[0] == groups[0][0] and len(digits_in(plain[group.start() :])) >= _SHORTEST_SECOND_NUMBER:
            yield plain[: group.start()]


def _is_decimal(plain: str) -> bool:
    """Tell whether a text is written as spreadsheets write a decimal number."""
    fraction = _FRACTION.fullmatch(plain)
    is_long = fraction is not None and len(digits_in(fraction["whole"])) >= _DIGITS_BEFORE_FRACTION
    return is_long or _EXPONENT.fullmatch(plain) is not None


def _holds_date(plain: str) -> bool:
    """Tell whether a text that is not in international form holds a date."""
    return not _PLUS_FIRST.match(plain) and _DATE.search(plain) is not None


_RULES: tuple[tuple[Callable[[str], object], str], ...] = (
    (
        _is_decimal,
        (
            "is a decimal number, as spreadsheets write it, and may have lost digits. Store it as text, in "
            "international form."
        ),
    ),
    (
        _holds_date,
        "has two readings: a date, or a fax number. If it is a fax number, write it in international form, with +.",
    ),
    (
        _PLUS_LATER.search,
        "holds a second number, or a second country code: a plus sign stands after its beginning. Give one number.",
    ),
    (
        _BETWEEN_NUMBERS.search,
        "looks like several numbers, or like one with a pause. Give one number, with blanks between its parts.",
    ),
    (
        _SERVICE.search,
        "holds * or #, as service prefixes and extensions do. Give the number alone, in international form.",
    ),
    (
        _LETTERS.search,
        (
            "holds letters or an extension. Give digits only, in international form; a fax machine that is reached "
            "through an extension cannot be dialled."
        ),
    ),
    (
        lambda plain: not _PLAIN.fullmatch(plain),
        "holds a character that fax numbers do not have. Give digits only, in international form.",
    ),
    (
        _OUTSIDE_LINE.match,
        (
            "has two readings: a zero for an outside line before a national number, or an international prefix. "
            "Give it in international form, with +."
        ),
    ),
    (
        _SLASHED_TAIL.fullmatch,
        "looks like two numbers that differ in what follows the slash. Give one of them, without a slash.",
    ),
    (
        _BRACKETS_AT_END.fullmatch,
        "has two readings: with the digits in brackets at its end, or without them. Leave the brackets out.",
    ),
)
"""What each rule matches, and what it says; the first that matches counts."""
