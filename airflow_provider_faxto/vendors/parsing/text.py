"""Texts of a vendor, made fit to be stored, logged and shown.

A vendor's words are foreign. They may repeat what a request held, the key or the recipient, in whatever form a server
in between gave it. So what must not be shown is looked for in the text as it came and in the text with every encoding
undone, and a number is found by its digits, whatever stands between them.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_provider_faxto.fax.key import KEY_PREFIX
from airflow_provider_faxto.fax.numbers import mask_number, mask_numbers_in
from airflow_provider_faxto.vendors.base import MultipartPart, RequestKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_faxto.vendors.base import FaxRequest

__all__ = ["as_label", "as_reference", "as_text", "has_lost_letters", "private_texts", "scrub"]

_LONGEST_TEXT = 200
_LONGEST_LABEL = 120
# How much of a text is looked at for each letter that may be shown: encodings make texts longer.
_LOOKED_AT = 64
# A number that is cut in two may not be recognised, so that much of a text that was cut is left out at the cut.
_CUT_OFF = 200
_MOST_LAYERS = 8

_REPLACEMENT = "\ufffd"
# Letters that are printable by their class and cannot be seen: fillers and variation selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6});?|&[A-Za-z][A-Za-z0-9]{1,31};", re.ASCII)
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_ESCAPE = re.compile(r"[\\%]u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([bfnrt])|\\([^\w\s])", re.ASCII)
_MINUS = str.maketrans("\u2212\u2043", "--")

# A key of ours, whole, with the extension of a document after it.
_OUR_KEY = re.compile(
    rf"{re.escape(KEY_PREFIX)}[0-9a-f-]{{32,41}}(?:\.[a-z0-9]{{1,5}}){{0,2}}", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"\+[0-9][0-9 ().\-/]{5,}")
# Whatever a sheet or a programme writes between the digits of a number.
_ANY_NUMBER = re.compile(r"\+?(?:\d[\s().\-/_,:;|*\u00b7\u2022]{0,3}){6,}\d")
_FEWEST_DIGITS = 7
_MOST_BETWEEN_DIGITS = 8
# So many letters and digits stand in no text by accident: then signs between them do no harm.
_UNMISTAKABLE = 8
_SHORTEST_PRIVATE = 3
_PLAIN_REFERENCE = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
_PLAIN_VALUE = re.compile(r"[a-z0-9_.:-]*", re.ASCII)


def as_text(value: object) -> str | None:
    """Read a text as it came, to be compared; for one that is shown see :func:`scrub` and :func:`as_label`.

    :param value: the JSON value.
    :return: the text without white space around it; ``None`` if nothing is left or it is not a text.
    """
    return (value.strip() or None) if isinstance(value, str) else None


def has_lost_letters(text: str) -> bool:
    """Tell whether a text came with bytes that could not be read, so that it cannot be compared.

    :param text: the text.
    :return: whether it holds the sign that stands for such bytes.
    """
    return _REPLACEMENT in text


def as_label(value: object) -> str | None:
    """Read the label of a fax or a document, such as a reference or a file's name, to show it.

    :param value: the JSON value.
    :return: our own key as it is; any other text as :func:`scrub` makes it, at most 120 characters.
    """
    text = as_text(value)
    if text is not None and _OUR_KEY.fullmatch(text):
        return text
    return scrub(text, limit=_LONGEST_LABEL)


def as_reference(value: object) -> str | None:
    """Read what a vendor shows as the reference of a fax, which Airflow stores with the fax's status.

    :param value: the JSON value.
    :return: our own key as it is, and another plain word without a number in it, at most 120 characters; ``***`` for
        every other text, since people write names there.
    """
    label = as_label(value)
    if label is None or (label == as_text(value) and _PLAIN_REFERENCE.fullmatch(label)):
        return label
    return "***"


def scrub(
    text: object, *, secrets: Iterable[str] = (), private: Iterable[str] = (), limit: int = _LONGEST_TEXT
) -> str | None:
    """Make one of the vendor's texts fit to be stored and shown.

    :param text: the JSON value.
    :param secrets: the keys and passwords of the account, in any form. Default: none.
    :param private: what the request held that no message may show; see :func:`private_texts`. Default: nothing.
    :param limit: how many characters are shown. Default: 200.
    :return: the text in one line, well formed, without controls and letters that cannot be seen, cut at the limit;
        secrets as ``***``, numbers of seven digits or more as :func:`~airflow_provider_faxto.fax.numbers.mask_number`
        masks them. ``None`` if nothing is left, or it is not a text.
    """
    if not isinstance(text, str):
        return None
    looked_at = _make_plain(text[: limit * _LOOKED_AT])
    hidden = _Hidden(secrets, private)
    decoded = _decode(looked_at)
    masked = hidden.mask(decoded)
    # What holds nothing of the kind in any encoding is shown as it came.
    shown = hidden.mask(looked_at) if masked == decoded else masked
    if len(text) > limit * _LOOKED_AT:
        shown = shown[:-_CUT_OFF]
    # Masked before it is cut: the first half of a number would not look like one.
    return (f"{shown[:limit]}..." if len(shown) > limit else shown) or None


def private_texts(request: FaxRequest) -> list[str]:
    """Find what a request held that an answer to it may repeat and no message may show.

    :param request: the request, before credentials are added.
    :return: every number in it that begins with ``+``, and of a request that carries a fax or a document every text
        that is not a plain lower-case word or number: names, addresses, URLs.
    """
    carries_fax = request.kind in (RequestKind.SEND, RequestKind.UPLOAD)
    values = [getattr(request, field.name) for field in fields(request) if field.name != "headers"]
    # What stands in a field of its own, such as the path, is ours and not private.
    texts = [text for value in values if not isinstance(value, str) for text in _texts_in(value)]
    return [text for text in texts if _NUMBER.fullmatch(text) or (carries_fax and _is_telling(text))]


class _Hidden:
    """What must not be shown, as patterns.

    :param secrets: shown as stars.
    :param private: numbers, shown by their last four digits, and texts, shown as stars.
    """

    def __init__(self, secrets: Iterable[str], private: Iterable[str]) -> None:
        private = list(private)
        self._numbers = [_by_digits(text) for text in private if _NUMBER.fullmatch(text)]
        texts = [*secrets, *(text for text in private if not _NUMBER.fullmatch(text))]
        forms = {form for text in texts for form in (text, _make_plain(text), _decode(text)) if form}
        # The longest first: one may be a part of another.
        self._texts = [_by_letters(form) for form in sorted(forms, key=len, reverse=True)]

    def mask(self, text: str) -> str:
        """Mask all of it in a text."""
        for pattern in self._texts:
            text = pattern.sub("***", text)
        for pattern in self._numbers:
            text = pattern.sub(lambda match: mask_number(match[0]), text)
        return mask_numbers_in(_ANY_NUMBER.sub(lambda match: mask_number(match[0]), text))


def _by_letters(text: str) -> re.Pattern[str]:
    """Make the pattern of a text: by its letters and digits if these are unmistakable, else as it is."""
    letters = [letter for letter in text if letter.isalnum()]
    if len(letters) < _UNMISTAKABLE:
        return re.compile(re.escape(text))
    return re.compile(r"[\W_]{0,3}".join(map(re.escape, letters)), re.IGNORECASE)


def _by_digits(number: str) -> re.Pattern[str]:
    """Make the pattern of a number: all its digits, or its last seven and more, whatever stands between them."""
    digits = [digit for digit in number if digit.isdigit()]
    tails = [digits[start:] for start in range(max(len(digits) - _FEWEST_DIGITS, 0) + 1)]
    between = rf"[^0-9]{{0,{_MOST_BETWEEN_DIGITS}}}"
    return re.compile("|".join(rf"\+?{between.join(tail)}" for tail in tails))


def _texts_in(value: object) -> Iterator[str]:
    """Yield the texts of a query, a form, a JSON body or the parts of a body, without the names they stand under."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, MultipartPart):
        yield from _texts_in(value.content)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts_in(part)
    elif isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        for part in value:
            # A pair of a name and a value.
            yield from _texts_in(part[1] if isinstance(part, tuple) and len(part) == 2 else part)  # noqa: PLR2004


def _is_telling(text: str) -> bool:
    """Tell whether a value may name a person or open something: it is not a plain word, number or key."""
    return len(text) >= _SHORTEST_PRIVATE and not _PLAIN_VALUE.fullmatch(text)


def _make_plain(text: str) -> str:
    """Make a text well formed, in one line, without letters that cannot be seen."""
    # Two halves of a pair that meet make a letter; a half alone cannot even be written.
    formed = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    seen = (
        letter if letter.isprintable() else "" if unicodedata.category(letter) == "Cf" else " "
        for letter in _INVISIBLE.sub("", formed)
    )
    return " ".join("".join(seen).split())


def _decode(text: str) -> str:
    """Undo every encoding, one on top of another too, and write digits, dashes and blanks in their plainest form."""
    for _ in range(_MOST_LAYERS):
        decoded = _ENTITY.sub(lambda match: html.unescape(match[0].rstrip(";") + ";"), text)
        decoded = _PERCENT.sub(lambda match: unquote(match[0], errors="replace"), decoded)
        decoded = _ESCAPE.sub(_unescape, decoded)
        if decoded == text:
            break
        text = decoded
    folded = unicodedata.normalize("NFKC", _make_plain(text)).translate(_MINUS)
    return _make_plain("".join(map(_fold, folded)))


def _unescape(match: re.Match[str]) -> str:
    """Undo one escape of JSON or of a script."""
    code = match[1] or match[2]
    if code:
        return chr(int(code, 16))
    return " " if match[3] else match[4]


def _fold(letter: str) -> str:
    """Write a digit of any script as an ASCII digit, and any dash as a hyphen."""
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    return "-" if unicodedata.category(letter) == "Pd" else letter
