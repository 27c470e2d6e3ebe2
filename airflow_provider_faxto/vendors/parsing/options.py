"""What one sets for a fax, read alike for every vendor. No message shows the value, since a header may be private."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.vendors.parsing.body import as_int

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_option_choice", "read_option_count", "read_option_switch", "read_option_text"]


_NATIVE_HINT = (
    "With render_template_as_native_obj Airflow makes a number of digits alone: put the template in quotes of its own."
)


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
        raise FaxInputError(f"{label} takes {name} as text, not as {type(value).__name__}. {_NATIVE_HINT}")
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
