"""What a vendor declares of itself, checked when its class is made: a mistake shows at import and not with a fax."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LookUp", "check_declarations"]

_MOST_REQUESTS = 600


class LookUp(StrEnum):
    """How a fax is found again by its key in the vendor's records."""

    LABEL = "label"
    """The vendor keeps a label of ours with each fax and gives the records that bear one: a look-up by key."""
    HISTORY = "history"
    """The vendor gives its records page by page, and ours are picked out of them."""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_set_of_names(value: object) -> bool:
    return isinstance(value, frozenset) and all(isinstance(name, str) and name.isidentifier() for name in value)


_CHECKS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "name": (
        "the connection type: a word of small letters, digits and underscores",
        lambda value: isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]*", value) is not None,
    ),
    "label": (
        "the vendor's name as people write it",
        lambda value: isinstance(value, str) and value.strip() == value != "" and value.isprintable(),
    ),
    "default_host": (
        "a base URL such as https://api.example.com, or None if each connection must name one",
        lambda value: (
            value is None
            or (isinstance(value, str) and re.fullmatch(r"https://[^\s/?#@]+(/[^\s?#]*[^\s?#/])?", value) is not None)
        ),
    ),
    "document_types": (
        "a frozenset of file types, each a key of DOCUMENT_TYPES",
        lambda value: isinstance(value, frozenset) and bool(value) and value <= DOCUMENT_TYPES.keys(),
    ),
    "max_document_bytes": ("a number of bytes, at least 1", _is_count),
    "max_documents": ("a number, at least 1", _is_count),
    "days_of_records": ("a number of days, at least 1, or None", lambda value: value is None or _is_count(value)),
    "send_options": ("a frozenset of names of options, which may be empty", _is_set_of_names),
    "requests_per_minute": (
        f"a number from 1 to {_MOST_REQUESTS}",
        lambda value: _is_count(value) and isinstance(value, int) and value <= _MOST_REQUESTS,
    ),
    "jobs_per_request": ("a number, at least 1", _is_count),
    "jobs_per_call": ("a number, at least 1, or None for any", lambda value: value is None or _is_count(value)),
    "has_tokens": ("True or False", lambda value: isinstance(value, bool)),
    "list_is_conclusive": ("True or False", lambda value: isinstance(value, bool)),
    "look_up": ("a LookUp", lambda value: isinstance(value, LookUp)),
}
"""What each attribute must be, in words and as a test."""


def check_declarations(vendor_class: type) -> None:
    """Check that a vendor's class declares and defines all that a vendor must.

    :param vendor_class: the class.
    :raises TypeError: if an attribute is missing or is not what it must be, or a method is missing. The message names
        all of them.
    """
    problems = []
    for name, (wanted, is_valid) in _CHECKS.items():
        if not hasattr(vendor_class, name):
            problems.append(f"{name} is missing: {wanted}")
        elif not is_valid(getattr(vendor_class, name)):
            problems.append(f"{name} must be {wanted}; it is {getattr(vendor_class, name)!r}")
    problems += [
        f"{name} is missing: a method or property of every vendor"
        for name in sorted(dir(vendor_class))
        if getattr(getattr(vendor_class, name, None), "__isabstractmethod__", False)
    ]
    if problems:
        raise TypeError(
            f"{vendor_class.__qualname__} cannot be a vendor. "
            + ". ".join(problems)
            + ". A class that is only the base of others says so: class Base(FaxVendor, abstract=True)."
        )
