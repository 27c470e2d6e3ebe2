"""Fax numbers: parsed once at the edge, carried as a value, shown only by their last four digits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxNumberError

__all__ = ["FaxNumber", "mask_number", "mask_numbers_in", "parse_fax_number"]

_VISIBLE_DIGITS = 4
# InterFAX's simulator: no call is made, and the fax ends with the status code behind the sevens nines.
_SIMULATOR_NUMBER = re.compile(r"9999999(\d{1,6})")
_LETTERS = re.compile(r"[^\W\d_]")
# Seven digits or more, whatever stands between them: short enough for a local number, too long for a page
# count or a price.
_NUMBER_IN_TEXT = re.compile(r"\+?(?:\d[\s().\-/]{0,2}){6,}\d")


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

    @property
    def simulated_code(self) -> int | None:
        """The status code in which a fax to this number ends at InterFAX's simulator; else ``None``."""
        match = _SIMULATOR_NUMBER.fullmatch(self.digits)
        return int(match[1]) if match else None

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"FaxNumber({self.masked})"


def mask_number(number: str) -> str:
    """Hide all but the last four digits of a number.

    :param number: the number in any form; everything but its digits is dropped.
    :return: a plus sign, one star for each hidden digit, and the last four digits: ``+*******1234``. A
        number of four digits or fewer is hidden whole.
    """
    digits = "".join(character for character in number if character.isdigit())
    if len(digits) <= _VISIBLE_DIGITS:
        return "+" + "*" * len(digits)
    return "+" + "*" * (len(digits) - _VISIBLE_DIGITS) + digits[-_VISIBLE_DIGITS:]


def mask_numbers_in(text: str) -> str:
    """Mask everything in a sentence that could be a fax number: seven digits or more.

    :param text: a vendor's sentence, which may carry a remark in brackets.
    :return: the sentence with each such number masked.
    """
    return _NUMBER_IN_TEXT.sub(lambda match: mask_number(match[0]), text)


def parse_fax_number(text: str, default_region: str | None = None) -> FaxNumber:
    """Read a fax number as people write it.

    A number is accepted if it is *possible*: right country code, right length. Whether the range is assigned
    is left to the telephone network, since the tables that say so are always older than the numbers.

    InterFAX's simulator numbers (``+999-9999-<status code>``) are accepted although no country has the code.

    :param text: the number. In international form it begins with ``+``; in national form it needs
        ``default_region``. Blanks, dashes, dots, slashes and brackets are ignored.
    :param default_region: the country of numbers without ``+``, as two letters (ISO 3166-1, ``US``). Default:
        none, and then a number without ``+`` is refused.
    :return: the number in E.164 form.
    :raises FaxNumberError: if it is not a possible number, holds letters or an extension, or lacks both ``+``
        and a region.
    :raises FaxConfigurationError: if ``default_region`` is no country.
    """
    if not isinstance(text, str) or not text.strip():
        raise FaxNumberError("The fax number is empty. Give it in international form, such as +1 202 555 0100.")
    cleaned = text.strip()
    if _LETTERS.search(cleaned):
        raise FaxNumberError(
            f"The fax number {mask_number(cleaned)} holds letters or an extension. Give digits only, in "
            "international form; a fax machine behind an extension cannot be dialled."
        )
    # Before the library is imported: the vendors' test numbers need none of its tables.
    digits = "".join(character for character in cleaned if character.isdigit())
    simulated = _SIMULATOR_NUMBER.fullmatch(digits.removeprefix("00"))
    if simulated and (cleaned.startswith("+") or digits.startswith("00")):
        return FaxNumber("+" + digits.removeprefix("00"))

    # Imported here, since its tables are large and a DAG file must be parsed fast.
    import phonenumbers

    if default_region is not None and default_region not in phonenumbers.SUPPORTED_REGIONS:
        # Not shown: whoever mistakes the fields may have put a number here.
        raise FaxConfigurationError(
            "default_region is not a country that can be dialled. Give two capital letters, such as US or DE."
        )
    try:
        number = phonenumbers.parse(cleaned, default_region)
    except phonenumbers.NumberParseException as error:
        raise FaxNumberError(_explain(cleaned, default_region, error.error_type)) from None
    # is_possible_number() would take a local number without its area code too. Behind a country code that is
    # somebody else's number.
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    if number.extension or not possible:
        raise FaxNumberError(
            f"The fax number {mask_number(cleaned)} cannot be dialled: it has the wrong length for its "
            "country. Check it against the recipient's own paper; nothing was sent."
        )
    return FaxNumber(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _explain(text: str, default_region: str | None, error_type: int) -> str:
    import phonenumbers

    if error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        if default_region is None and not text.startswith("+"):
            return (
                f"The fax number {mask_number(text)} has no country. Write it with + and the country code, "
                "or set default_region in the connection's extra."
            )
        return f"The fax number {mask_number(text)} begins with a country code that no country has."
    return (
        f"The fax number {mask_number(text)} is not a telephone number. Give it in international form, such "
        "as +1 202 555 0100."
    )
