"""Fax numbers: parsed once at the edge, carried as a value, shown only by their last four digits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import dropwhile
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxNumberError
from airflow_provider_faxto.fax.number_text import (
    digits_in,
    is_compact_date,
    parts_before_a_second_number,
    plain_number,
    why_not_one_number,
)

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

__all__ = ["FaxNumber", "mask_number", "mask_numbers_in", "parse_fax_number"]

_VISIBLE_DIGITS = 4
# Seven digits or more, whatever stands between them: short enough for a local number, too long for a page
# count or a price.
_NUMBER_IN_TEXT = re.compile(r"\+?(?:\d[\s().\-/]{0,2}){6,}\d")

_ZERO_IN_BRACKETS = re.compile(r"\( *0 *\)")
# German area codes have up to five digits. A complete number that stands before another one is longer.
_LONGEST_AREA_CODE = 5


@dataclass(frozen=True, slots=True)
class FaxNumber:
    """A recipient, in the form in which it is dialled.

    ``str()`` and ``repr()`` show the mask, so that a number cannot reach a log by accident.

    :param e164: the number in E.164 form: a plus sign and at most fifteen digits.
    """

    e164: str

    @property
    def digits(self) -> str:
        """The number without its plus sign, as Fax.to's history shows it."""
        return self.e164.lstrip("+")

    @property
    def masked(self) -> str:
        """The number with all but its last four digits hidden: ``+*******1234``."""
        return mask_number(self.e164)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"FaxNumber({self.masked})"


def mask_number(number: str) -> str:
    """Hide all but the last four digits of a number.

    :param number: the number in any form; everything but its digits is dropped.
    :return: its plus sign, if it has one, one star for each hidden digit, and the last four digits: ``+*******1234``.
        A number of four digits or fewer is hidden whole.
    """
    digits = "".join(character for character in number if character.isdigit())
    plus = "+" if number.strip().startswith(("+", "(+", "\uff0b")) else ""
    if len(digits) <= _VISIBLE_DIGITS:
        return plus + "*" * len(digits)
    return plus + "*" * (len(digits) - _VISIBLE_DIGITS) + digits[-_VISIBLE_DIGITS:]


def mask_numbers_in(text: str) -> str:
    """Mask everything in a sentence that could be a fax number: seven digits or more.

    :param text: a vendor's sentence, which may carry a remark in brackets.
    :return: the sentence with each such number masked.
    """
    return _NUMBER_IN_TEXT.sub(lambda match: mask_number(match[0]), text)


def parse_fax_number(text: str, default_region: str | None = None) -> FaxNumber:
    """Read a fax number as people write it, and refuse what can be read in two ways.

    A number is accepted if it is *possible*: right country code, right length. Whether the range is assigned
    is left to the telephone network, since the tables that say so are always older than the numbers. The
    tables of ``phonenumbers`` (*valid*) are asked only where a text has two possible readings.

    ============================================  ======================================================
    text                                          reading
    ============================================  ======================================================
    ``+49 30 23125042``, ``+49 (0)30 23125042``   one; a trunk zero in brackets is not dialled
    ``0049 30 23125042`` with region ``DE``       one: the region's own international prefix
    ``1 202 555 0100`` with region ``US``         one: both ways dial the same number
    ``49 30 23125042`` with region ``DE``         one: the tables know no such national number
    ``392 1234567`` with region ``IT``            one: the tables know no such international number
    ``46 8 123456`` with region ``SE``            two: national, or international without its plus
    ``049 30 23125042`` with region ``DE``        two: not valid as it stands, but valid as ``+49``
    ``+49 49 30 23125042``                        two: valid only if the country code stands there twice
    ``049 211 123456`` with region ``DE``         two: no German area code is 49, and the rest is a number
    ``+49 44 20 7946 0958``                       two: no German area code is 44, and the rest is British
    ``+49 30 23125-042``                          one: an extension, written the German way
    ``030/23125042``, ``030 / 23125042``          one: a slash between area code and subscriber number
    ``+49 30 23125042/3``, ``.../43``             two numbers: at most three digits after the slash
    ``030 901820/901821``, ``030 901820-901829``  two numbers: the first is complete by itself
    ``+49 30 23125 (042)``                        two: with the last digits, or without them
    ``0 030 23125042``, ``01033 030 23125042``    two: a digit for an outside line, a carrier's prefix
    ``+49 0049 30 23125042``, ``+1 +1 202 ...``   refused: a second country code
    ``*31*030...``, ``#31#030...``                refused: a service prefix
    ``12025550100.0``, ``1.2E+10``                refused: a decimal number, which may have lost digits
    ``03.05.1987``, ``2026-11-25 10:30``          refused: a date
    ``20261125`` with region ``DE``               refused: a date; no number of the region is written so
    ============================================  ======================================================

    Digits of any script, any dash, no-break and zero-width blanks, fullwidth punctuation, and quotes around
    the text are read as their plain forms.

    :param text: the number. In international form it begins with ``+``; in national form it needs
        ``default_region``. Blanks, dashes, dots, slashes and brackets separate its digits.
    :param default_region: the country of numbers without ``+``, as two letters (ISO 3166-1, ``US``). Default:
        none, and then a number without ``+`` is refused.
    :return: the number in E.164 form.
    :raises FaxNumberError: if it is not a possible number, has two readings, is something else (a date, a
        decimal, several numbers), holds letters or an extension, or lacks both ``+`` and a region.
    :raises FaxConfigurationError: if ``default_region`` is not a country.
    """
    if not isinstance(text, str):
        raise FaxNumberError("The fax number is not text. Give it in quotes and in international form.")
    plain = plain_number(text)
    if not plain:
        raise FaxNumberError("The fax number is empty. Give it in international form, such as +1 202 555 0100.")
    reason = why_not_one_number(plain)
    if reason is not None:
        raise FaxNumberError(f"The fax number {mask_number(plain)} {reason}")

    if default_region is not None and not is_region(default_region):
        # Not shown: the fields may have been mistaken for each other, and a number stand here.
        raise FaxConfigurationError(
            "default_region is not a country that can be dialled. Give two capital letters, such as US or DE."
        )
    return FaxNumber(_e164(_dial(plain, default_region)))


def is_region(text: str) -> bool:
    """Tell whether a text names a country whose numbers can be read.

    :param text: two capital letters (ISO 3166-1), such as ``US``.
    :return: whether it does.
    """
    # Imported here, as below, since its tables are large and a DAG file must be parsed fast.
    import phonenumbers

    return text in phonenumbers.SUPPORTED_REGIONS


def _dial(plain: str, region: str | None) -> PhoneNumber:
    """Find the one number that a plain text stands for."""
    import phonenumbers

    number = _parse(plain, region)
    if not _is_possible(number):
        raise FaxNumberError(
            f"The fax number {mask_number(plain)} cannot be dialled: it has the wrong length for its "
            "country. Check it against the recipient's own paper; nothing was sent."
        )
    if any(_is_complete(head, region) for head in parts_before_a_second_number(plain)):
        raise FaxNumberError(
            f"The fax number {mask_number(plain)} looks like two numbers: what stands before its last part is "
            "a complete one. Give one number, with blanks between its parts."
        )
    international = _international_digits(plain, number, region)
    if international is not None and international.removeprefix(str(number.country_code)).startswith("00"):
        raise FaxNumberError(
            f"The fax number {mask_number(plain)} holds a second international prefix, and so a second country "
            "code. Give it with one."
        )
    if is_compact_date(plain) and not _is_written_as_usual(plain, number):
        raise FaxNumberError(
            f"The fax number {mask_number(plain)} has two readings: a date, or a fax number. If it is a fax number, "
            "write it in international form, with +."
        )
    second = _second_reading(plain, number, region)
    if second is not None:
        raise FaxNumberError(
            f"The fax number {mask_number(plain)} has two readings: {second}. Write it with +, the country "
            "code once, and what is dialled after it from abroad."
        )
    if international is None and phonenumbers.national_significant_number(number).startswith("00"):
        # Where 00 is not taken for the way abroad, as before a further zero, it stays with the number.
        raise FaxNumberError(f"The fax number {mask_number(plain)} begins with a country code that no country has.")
    return number


def _parse(plain: str, region: str | None) -> PhoneNumber:
    """Read the digits of a plain text, as an international number if there is a plus sign."""
    import phonenumbers

    try:
        return phonenumbers.parse(("+" if "+" in plain else "") + digits_in(plain), region, keep_raw_input=True)
    except phonenumbers.NumberParseException as error:
        raise FaxNumberError(_explain(plain, region, error.error_type)) from None


def _parse_if_possible(plain: str, region: str | None = None) -> PhoneNumber | None:
    """Read a plain text that may be a number; ``None`` if it is not a possible one."""
    try:
        number = _parse(plain, region)
    except FaxNumberError:
        return None
    return number if _is_possible(number) else None


def _is_possible(number: PhoneNumber) -> bool:
    """Tell whether a number has a length that its country has, with its area code."""
    import phonenumbers

    # is_possible_number() would take a local number without its area code too. After a country code that is
    # another subscriber's number.
    reason = phonenumbers.is_possible_number_with_reason(number)
    return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)


def _e164(number: PhoneNumber) -> str:
    """Write a number in E.164 form."""
    import phonenumbers

    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _is_complete(plain: str, region: str | None) -> bool:
    """Tell whether a part of a text is by itself a number, and not an area code."""
    import phonenumbers

    number = _parse_if_possible(plain, region)
    if number is None:
        return False
    return len(str(number.national_number)) > _LONGEST_AREA_CODE or phonenumbers.is_valid_number(number)


def _second_reading(plain: str, number: PhoneNumber, region: str | None) -> str | None:
    """Name the two readings of a text, if there are two that dial different numbers; else ``None``."""
    without_zero = _parse_if_possible(_ZERO_IN_BRACKETS.sub("", plain), region)
    if _may_be(without_zero, number):
        return "with the zero in brackets, or without it"
    international = _international_digits(plain, number, region)
    if international is None:
        return _second_reading_of_national(plain, number, region)
    code = str(number.country_code)
    after_code = international.removeprefix(code)
    rest = after_code.lstrip("0")
    if rest.startswith(code) and _is_rather(_parse_if_possible("+" + rest), number):
        return "as it stands, or with its country code written twice"
    if _has_country_code_for_area_code(plain, number, after_code):
        return "as it stands, or from its second country code on"
    return None


def _second_reading_of_national(plain: str, number: PhoneNumber, region: str | None) -> str | None:
    """Name the two readings of a text without an international prefix, if there are two; else ``None``."""
    code, digits = str(number.country_code), digits_in(plain)
    international = _parse_if_possible("+" + digits.lstrip("0"))
    if digits.startswith(code):
        national = _parse_if_possible(f"+{code}{digits}")
        if _may_be(international, number) or _may_be(national, number):
            return f"a national number of {region}, or an international one of {region} without its plus"
    elif any(_is_rather(_parse_if_possible(tail, region), number) for tail in _from_a_later_trunk_zero(plain)):
        return "as it stands, or with a prefix before the number itself"
    elif _is_rather(international, number) or _has_country_code_for_area_code(plain, number, digits):
        return f"a national number of {region}, or an international one without its plus"
    return None


def _has_country_code_for_area_code(plain: str, number: PhoneNumber, after_code: str) -> bool:
    """Tell whether a text sets a country code apart where the area code stands, and its number has no such area code.

    :param after_code: the digits of the text that follow the number's own country code, if it has one.
    """
    import phonenumbers

    groups = re.findall("[0-9]+", plain)
    while groups and "".join(groups) != after_code:
        del groups[0]
    groups = [*dropwhile(lambda group: not group.strip("0"), groups)] or [""]
    groups[0] = groups[0].lstrip("0")
    other = _parse_if_possible("+" + "".join(groups))
    if other is None or str(other.country_code) != groups[0] or _e164(other) == _e164(number):
        return False
    # The number's own code is a slip in any case. That of another country may be the begin of unusual groups, and
    # counts only if all of them are that country's.
    is_meant = other.country_code == number.country_code or groups == _usual_groups(other)
    has_area_code = _usual_groups(number)[1].lstrip("0") == groups[0]
    return is_meant and not has_area_code and phonenumbers.is_valid_number(other)


def _usual_groups(number: PhoneNumber) -> list[str]:
    """Give the digits of a number in the groups of its country: country code, area code, the rest."""
    import phonenumbers

    return re.findall("[0-9]+", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


def _is_written_as_usual(plain: str, number: PhoneNumber) -> bool:
    """Tell whether the tables know a number, and people of its country write it with just these digits."""
    import phonenumbers

    usual = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return phonenumbers.is_valid_number(number) and digits_in(usual) == digits_in(plain)


def _from_a_later_trunk_zero(plain: str) -> list[str]:
    """Give the text from each group on that begins with a zero, but for the first one."""
    return [plain[match.start() + 1 :] for match in re.finditer(r"[^0-9]0", plain[1:])]


def _may_be(other: PhoneNumber | None, number: PhoneNumber) -> bool:
    """Tell whether a text may as well stand for another number: not if the tables know the first one alone."""
    import phonenumbers

    if other is None or _e164(other) == _e164(number):
        return False
    return phonenumbers.is_valid_number(other) or not phonenumbers.is_valid_number(number)


def _is_rather(other: PhoneNumber | None, number: PhoneNumber) -> bool:
    """Tell whether the tables know another number that a text may stand for, and not the first one."""
    import phonenumbers

    return (
        other is not None
        and phonenumbers.is_valid_number(other)
        and not phonenumbers.is_valid_number(number)
        and _e164(other) != _e164(number)
    )


def _international_digits(plain: str, number: PhoneNumber, region: str | None) -> str | None:
    """Give the digits of an international number from its country code on; ``None`` of a national one."""
    import phonenumbers

    digits = digits_in(plain)
    if number.country_code_source == phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN:
        return digits
    if number.country_code_source != phonenumbers.CountryCodeSource.FROM_NUMBER_WITH_IDD:
        return None
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region) if region is not None else None
    prefix = re.match(metadata.international_prefix or "", digits) if metadata is not None else None
    return digits[prefix.end() :] if prefix else digits


def _explain(plain: str, region: str | None, error_type: int) -> str:
    """Say why the library cannot read a number."""
    import phonenumbers

    if error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        if region is None and "+" not in plain:
            return (
                f"The fax number {mask_number(plain)} has no country. Write it with + and the country code, "
                "or set default_region in the connection's extra."
            )
        return f"The fax number {mask_number(plain)} begins with a country code that no country has."
    return (
        f"The fax number {mask_number(plain)} is not a telephone number. Give it in international form, such "
        "as +1 202 555 0100."
    )
