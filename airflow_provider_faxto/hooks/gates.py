"""Reading the gates from a connection: :class:`~airflow_provider_faxto.fax.gates.FaxGates` and what belongs to them.

A rule that cannot be read, or whose name is misspelt, closes the gate: the connection cannot be used then.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxNumberError
from airflow_provider_faxto.fax.gates import FaxGates, is_number_rule
from airflow_provider_faxto.fax.numbers import parse_fax_number
from airflow_provider_faxto.hooks.document_files import DocumentRoots, open_source

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import ConnectionSettings

__all__ = [
    "GATE_FIELDS",
    "current_dag_id",
    "load_approved_numbers",
    "read_approved_list",
    "read_document_roots",
    "read_gates",
]

GATE_FIELDS = (
    "allow_costly_numbers",
    "allowed_numbers",
    "allowed_numbers_from",
    "denied_numbers",
    "document_roots",
    "max_pages",
    "max_pages_strict",
    "max_cost",
    "allowed_dags",
)
"""The extras of a connection that are rules."""

_YES = ("true", "yes", "1", "on")
_NO = ("false", "no", "0", "off")
# As alike as two names that differ in a letter or two, or in small and capital ones.
_LIKE_A_SLIP = 0.85
_MOST_PAGES = 100_000
_LARGEST_LIST = 16 * 1024 * 1024
_MARK = "\ufeff"
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
_SEPARATORS = re.compile(r"[ \-.()/]")
_PLAIN_NUMBER = re.compile(r"\+[1-9](?:[ .-]?[0-9]){6,14}", re.ASCII)


def read_gates(settings: ConnectionSettings, *, tells_price: bool, label: str) -> FaxGates:
    """Read the rules of a connection.

    :param settings: the connection.
    :param tells_price: whether the vendor tells the price of a fax before it is sent.
    :param label: the vendor's name, for messages.
    :return: the rules; what is not set allows everything, but for costly numbers.
    :raises FaxConfigurationError: if a rule cannot be read, if its name is misspelt, or if it is one that the vendor
        leaves no way to keep.
    """
    _refuse_misspelt(settings)
    is_set = settings.extra.__contains__
    # An empty list of those says that none is denied. Of the others it would say that nothing is allowed.
    denies = settings.extra.get("denied_numbers", []) != []
    if is_set("max_cost") and not tells_price:
        raise _unreadable(settings, "max_cost", f"cannot be kept: {label} tells no price before a fax is sent")
    return FaxGates(
        conn_id=settings.conn_id,
        allow_costly_numbers=_read_switch(settings, "allow_costly_numbers"),
        allowed_numbers=_read_numbers(settings, "allowed_numbers") if is_set("allowed_numbers") else None,
        denied_numbers=_read_numbers(settings, "denied_numbers") if denies else (),
        has_approved_list=read_approved_list(settings) is not None,
        max_pages=_read_pages(settings) if is_set("max_pages") else None,
        max_pages_strict=_read_switch(settings, "max_pages_strict"),
        max_cost=_read_cost(settings) if is_set("max_cost") else None,
        allowed_dags=_read_list(settings, "allowed_dags") if is_set("allowed_dags") else None,
    )


def read_document_roots(settings: ConnectionSettings) -> DocumentRoots:
    """Read the extra ``document_roots``: below what a document must lie.

    :param settings: the connection.
    :return: the roots.
    :raises FaxConfigurationError: if it is not a list of absolute folders and storage prefixes.
    """
    roots = _read_list(settings, "document_roots") if "document_roots" in settings.extra else None
    for root in roots or ():
        if not DocumentRoots.is_root(root):
            raise _unreadable(
                settings,
                "document_roots",
                "must hold absolute folders (/data/outbox) and storage prefixes (s3://bucket/prefix), without ..",
            )
    return DocumentRoots(settings.conn_id, roots)


def read_approved_list(settings: ConnectionSettings) -> str | None:
    """Read the extra ``allowed_numbers_from``: where the list of approved numbers is.

    :param settings: the connection.
    :return: a path or a storage URL; ``None`` if the extra is not set.
    :raises FaxConfigurationError: if it is not text.
    """
    source = settings.extra.get("allowed_numbers_from")
    if source is None:
        return None
    if not isinstance(source, str) or not (source.startswith("/") or "://" in source):
        raise _unreadable(settings, "allowed_numbers_from", "must be an absolute path or a storage URL")
    return source


def load_approved_numbers(settings: ConnectionSettings, default_region: str | None) -> frozenset[str]:
    """Load the list of approved numbers, as it is now: one number a line; blank lines and what follows ``#`` count not.

    :param settings: the connection.
    :param default_region: the country of numbers without a plus sign.
    :return: the numbers in E.164 form; empty if the connection names no list.
    :raises FaxConfigurationError: if the list cannot be loaded, is longer than 16 MiB, or holds a line that is not a
        number. Nothing may be faxed until it is mended.
    """
    source = read_approved_list(settings)
    if source is None:
        return frozenset()
    problem = ""
    try:
        with open_source(source) as file:
            content = file.read(_LARGEST_LIST + 1)
        if len(content) > _LARGEST_LIST:
            problem = "is longer than 16 MiB"
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        problem = f"cannot be loaded ({type(error).__name__}). Check that the worker may read it"
    if not problem:
        numbers, problem = _parse_list(content, default_region)
    if problem:
        # Outside the handler, so that the library's error, which may tell a name, does not stay attached.
        raise _unreadable(settings, "allowed_numbers_from", f"names a list that {problem}")
    return numbers


@lru_cache(maxsize=2)
def _parse_list(content: bytes, default_region: str | None) -> tuple[frozenset[str], str]:
    """Read the lines of a list: its numbers, or what is wrong with it."""
    try:
        lines = content.decode().removeprefix(_MARK).splitlines()
    except UnicodeDecodeError:
        return frozenset(), "is not text in UTF-8"
    numbers = set()
    for place, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if _PLAIN_NUMBER.fullmatch(text):
            # What is not a number equals no recipient. Reading ten thousand lines with care takes a second.
            numbers.add(re.sub("[ .-]", "", text))
        elif text:
            try:
                numbers.add(parse_fax_number(text, default_region).e164)
            except FaxNumberError as error:
                return frozenset(), f"has no fax number in line {place}: {error}"
    return frozenset(numbers), ""


def _refuse_misspelt(settings: ConnectionSettings) -> None:
    """Refuse an extra whose name is almost that of a rule: nothing would be held to it."""
    for name in settings.extra:
        plain = name.strip().lower().replace("-", "_").replace(" ", "_")
        nearest = get_close_matches(plain, GATE_FIELDS, n=1, cutoff=_LIKE_A_SLIP)
        if nearest and name not in GATE_FIELDS:
            raise FaxConfigurationError(
                f"Connection {settings.conn_id!r}: an extra is called almost like the rule {nearest[0]}, and nothing "
                f"would be held to it. Call it {nearest[0]}."
            )


def _read_list(settings: ConnectionSettings, name: str) -> tuple[str, ...]:
    """Read a list: JSON, or text that is separated by commas or lines, as a form stores it."""
    raw: object = settings.extra[name]
    if isinstance(raw, str):
        if raw.lstrip().startswith("["):
            try:
                raw = json.loads(raw)
            except ValueError:
                raise _unreadable(settings, name, "begins like a JSON list but is not one") from None
        else:
            raw = raw.replace("\n", ",").split(",")
    if not isinstance(raw, (list, tuple)) or not all(isinstance(item, str) for item in raw):
        raise _unreadable(settings, name, "must be a list of texts, as JSON or separated by commas")
    items = tuple(text for item in cast("list[str]", raw) if (text := item.strip()))
    if not items:
        raise _unreadable(settings, name, "is a list that names nothing. Take it away if there is no such rule")
    return items


def _read_numbers(settings: ConnectionSettings, name: str) -> tuple[str, ...]:
    """Read a list of prefixes and countries."""
    rules = []
    for item in _read_list(settings, name):
        # A trunk zero in brackets is not dialled from abroad; as a part of the prefix it would match no number.
        rule = _SEPARATORS.sub("", _TRUNK_ZERO.sub("", item)).upper()
        if not is_number_rule(rule):
            # Not shown: a whole number may stand here by mistake.
            raise _unreadable(
                settings, name, "must hold prefixes with a plus sign (+49 30) and countries as two letters (DE)"
            )
        rules.append(rule)
    return tuple(rules)


def _read_switch(settings: ConnectionSettings, name: str) -> bool:
    text = str(settings.extra.get(name, False)).strip().lower()
    if text not in _YES and text not in _NO:
        raise _unreadable(settings, name, "must be true or false")
    return text in _YES


def _read_pages(settings: ConnectionSettings) -> int:
    raw = settings.extra["max_pages"]
    # The form stores text; a bool would pass for 0 or 1, and a float would be cut off.
    text = str(raw).strip() if isinstance(raw, (int, str)) else ""
    pages = int(text) if text.isascii() and text.isdecimal() else 0
    if not 1 <= pages <= _MOST_PAGES:
        raise _unreadable(settings, "max_pages", f"must be a whole number from 1 to {_MOST_PAGES}")
    return pages


def _read_cost(settings: ConnectionSettings) -> Decimal:
    raw = settings.extra["max_cost"]
    try:
        cost = Decimal(str(raw).strip())
    except InvalidOperation:
        cost = Decimal("NaN")
    if isinstance(raw, bool) or not cost.is_finite() or cost < 0:
        raise _unreadable(settings, "max_cost", "must be a price in the account's currency, such as 2.50")
    return cost


def _unreadable(settings: ConnectionSettings, name: str, what: str) -> FaxConfigurationError:
    return FaxConfigurationError(
        f"Connection {settings.conn_id!r}: {name} {what}. Nothing is faxed with this connection until that is mended."
    )


def current_dag_id() -> str | None:
    """Tell which DAG's task calls: as Airflow has it, whatever the task was given.

    :return: the DAG's id; ``None`` outside of a task's own process.
    """
    from airflow.providers.common.compat.sdk import AirflowException, get_current_context

    try:
        return str(get_current_context()["ti"].dag_id)
    # Airflow 3 raises the first outside of a task, Airflow 2 the second.
    except (RuntimeError, AirflowException):
        return None
