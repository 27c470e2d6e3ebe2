"""How a vendor shows what a fax bears: as it was sent, or in a form of the vendor's own.

Which form a vendor uses is a setting. The fax itself always keeps what was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RECIPIENT_FORMS", "REFERENCE_FORMS", "shown_recipient", "shown_reference"]

_CUT_AFTER = 20
# These country codes have one digit; all others are taken to have two, which is enough to look real.
_SHORT_CODES = ("1", "7")

_REFERENCES: dict[str, Callable[[str], str | None]] = {
    "sent": lambda text: text,
    "quoted": lambda text: f'"{text}"',
    "underscores": lambda text: text.replace("-", "_"),
    "suffix": lambda text: f"{text} (1)",
    "cut": lambda text: text[:_CUT_AFTER],
    "none": lambda _: None,
}
_RECIPIENTS: dict[str, Callable[[str], str]] = {
    "sent": lambda digits: digits,
    "masked": lambda digits: f"{digits[:4]}***{digits[-4:]}",
    "trunk_zero": lambda digits: " (0)".join(_split_country(digits)),
    "extension": lambda digits: f"{digits},,1",
    "other": lambda digits: f"{digits[:-1]}{(int(digits[-1]) + 1) % 10}",
}
REFERENCE_FORMS = tuple(_REFERENCES)
"""The forms in which InterFAX may show a reference."""

RECIPIENT_FORMS = tuple(_RECIPIENTS)
"""The forms in which a vendor may show a recipient."""


def shown_reference(reference: str | None, form: str) -> str | None:
    """Write a reference as the vendor shows it.

    :param reference: the reference as sent; ``None`` if the fax has none.
    :param form: one of :data:`REFERENCE_FORMS`.
    :return: what is shown.
    """
    return None if reference is None else _REFERENCES[form](reference)


def shown_recipient(recipient: str, form: str, prefix: str = "") -> str:
    """Write a recipient as the vendor shows it.

    :param recipient: a plus sign and digits.
    :param form: one of :data:`RECIPIENT_FORMS`.
    :param prefix: what the vendor puts before the country code. Default: nothing.
    :return: what is shown.
    """
    return prefix + _RECIPIENTS[form](recipient.removeprefix("+"))


def _split_country(digits: str) -> tuple[str, str]:
    length = 1 if digits.startswith(_SHORT_CODES) else 2
    return digits[:length], digits[length:]
