"""The body of an answer: JSON, and the numbers in it."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxUnreadableAnswerError

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import FaxRequest, FaxResponse

__all__ = ["UNREADABLE", "as_count", "as_int", "as_money", "decode_json", "read_json"]

UNREADABLE = math.nan
"""Stands in decoded JSON where a value was sent that cannot be read: not a text, not a whole number, not an amount.

The key stays, since a vendor that wrote ``fax_job_id`` twice has written it.
"""

# Job ids are 64-bit integers, and no vendor's number is larger. Airflow's triggers cannot pass on a larger one either.
_LARGEST_INTEGER = 2**63 - 1
_LARGEST_COUNT = 2**31 - 1
_MAX_DIGITS = 30
# No account goes so far, and a telephone number with its area code goes beyond.
_LARGEST_AMOUNT = 10**9


def decode_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Decode a body as JSON, although single bytes or numbers in it may be bad: the rest of a shared answer counts.

    A byte that is not UTF-8 becomes U+FFFD, control characters may stand in texts, and a byte order mark may come
    first. A number of absurd length, and a key that an object has twice with different values, become
    :data:`UNREADABLE`.

    :param body: the body.
    :return: the JSON value.
    :raises ValueError: if the body is not JSON, or is nested too deeply.
    """
    text = body.decode("utf-8", "replace").lstrip("\ufeff")
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_json(response: FaxResponse, request: FaxRequest, label: str) -> Any:  # noqa: ANN401 - any JSON value
    """Read a body as JSON; see :func:`decode_json`.

    :param response: the response.
    :param request: what was asked, for the message.
    :param label: the vendor's name, for the message.
    :return: the JSON value.
    :raises FaxUnreadableAnswerError: if the body is not JSON.
    """
    try:
        return decode_json(response.body)
    except ValueError:
        raise FaxUnreadableAnswerError(
            f"Could not {request.action}: {label} answered HTTP {response.status} with "
            f"{len(response.body)} bytes that are not JSON.",
            http_status=response.status,
        ) from None


def as_int(value: object) -> int | None:
    """Read an integer, which may come as a number or as text.

    :param value: the JSON value.
    :return: the integer; ``None`` for anything else, and for a boolean, a fraction, or more than 64 bits.
    """
    if isinstance(value, str):
        text = value.strip()
        if not (len(text) <= _MAX_DIGITS and text.isascii() and text.removeprefix("-").isdigit()):
            return None
        value = int(text)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= _LARGEST_INTEGER else None


def as_count(value: object) -> int | None:
    """Read how many there are of something, such as pages.

    :param value: the JSON value.
    :return: the number, zero included, also as a float without a fraction; ``None`` for anything else, and beyond 32
        bits.
    """
    number = as_int(int(value) if isinstance(value, float) and value.is_integer() else value)
    return number if number is not None and 0 <= number <= _LARGEST_COUNT else None


def as_money(value: object) -> Decimal | None:
    """Read an amount of money, which may come as a number or as text.

    :param value: the JSON value, or an amount that was made of others.
    :return: the amount; ``None`` for anything else, and for what is not a finite number or an absurd one: a thousand
        million and more, which may be a fax number.
    """
    if isinstance(value, Decimal):
        return value if _is_plausible(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        return None
    text = str(value).strip()
    if len(text) > _MAX_DIGITS or not text.isascii():
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if _is_plausible(amount) else None


def _is_plausible(amount: Decimal) -> bool:
    """Tell whether an amount is one of money, and so that it can be stored and multiplied."""
    return amount.is_finite() and abs(amount) < _LARGEST_AMOUNT and abs(amount.adjusted()) <= _MAX_DIGITS


def _read_integer(digits: str) -> int | float:
    """Read the digits of a JSON integer: Python refuses to read more than some thousand, and "-0" is not a plain 0."""
    return int(digits) if len(digits) <= _MAX_DIGITS and digits != "-0" else UNREADABLE


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, in which a key that contradicts itself has no readable value."""
    read: dict[str, Any] = {}
    for key, value in pairs:
        # By repr(), since True equals 1.
        read[key] = value if key not in read or repr(read[key]) == repr(value) else UNREADABLE
    return read


_DECODER = json.JSONDecoder(
    strict=False,
    parse_int=_read_integer,
    # NaN and Infinity, which JSON does not have.
    parse_constant=lambda _: UNREADABLE,
    object_pairs_hook=_read_object,
)
