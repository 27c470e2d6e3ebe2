"""Reading single values from what a client sent: whole numbers, fax numbers and addresses."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = ["dialled_digits", "is_loopback_url", "read_address", "read_integer"]

_INTEGER = re.compile(r"[0-9]{1,18}")
# E.164 allows fifteen digits; nothing shorter than seven can be dialled internationally.
_DIALLED = re.compile(r"[0-9]{7,15}")
_PUNCTUATION = re.compile(r"[\s().\-/]")
# Nothing but a port, a path or a query may follow the host: parsers disagree about "@" and backslashes.
_WEB_URL = re.compile(r"https?://([a-z0-9.]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?(?:[/?][!-\[\]-~]*)?")
_HIGHEST_PORT = 65_535


def read_integer(text: str | None) -> int | None:
    """Read a whole number, zero or more.

    :param text: the text, if the request has one.
    :return: the number; ``None`` if it is not a number, or longer than any id.
    """
    return int(text) if text is not None and _INTEGER.fullmatch(text) else None


def dialled_digits(number: str) -> str | None:
    """Take the punctuation out of a fax number.

    :param number: digits with blanks, brackets, dots, dashes and slashes between them.
    :return: the digits; ``None`` if other characters are left, or if so many digits cannot be dialled.
    """
    digits = _PUNCTUATION.sub("", number)
    return digits if _DIALLED.fullmatch(digits) else None


def read_address(text: str) -> SplitResult | None:
    """Read a web address.

    :param text: the text.
    :return: its parts; ``None`` if it is not an ``http`` or ``https`` address.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.netloc else None


def is_loopback_url(text: str) -> bool:
    """Check whether an address leads to this machine, however it is parsed.

    :param text: the address.
    :return: whether it is an ``http`` or ``https`` address whose host is ``localhost`` or a loopback address.
    """
    match = _WEB_URL.fullmatch(text)
    if match is None or int(match[2] or 0) > _HIGHEST_PORT:
        return False
    try:
        return match[1] == "localhost" or ipaddress.ip_address(match[1].strip("[]")).is_loopback
    except ValueError:
        return False
