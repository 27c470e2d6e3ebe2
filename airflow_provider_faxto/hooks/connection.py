"""Reading an Airflow connection: what is common to every vendor, checked before anything is sent.

Its form for Airflow before 3.2 is made here too, from the same description that later releases read from the provider
info; they never call these functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.fax.numbers import is_region
from airflow_provider_faxto.get_provider_info import get_provider_info
from airflow_provider_faxto.http.hosts import is_base_url, travels_in_the_clear
from airflow_provider_faxto.http.transport import Timeouts
from airflow_provider_faxto.vendors.base import ConnectionSettings

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

__all__ = [
    "connection_form_widgets",
    "describe_credentials",
    "describe_unknown_extras",
    "read_bad_number_days",
    "read_base_url",
    "read_connection",
    "read_default_region",
    "read_key_namespace",
    "read_requests_per_minute",
    "read_timeouts",
    "read_when_out_of_credit",
    "ui_field_behaviour",
]

# Longer ones do not fit into a socket's clock on every platform.
_LONGEST_TIMEOUT = 86_400.0
_MOST_REQUESTS = 600
_BAD_NUMBER_DAYS = 30
_MOST_BAD_NUMBER_DAYS = 3650
# As alike as two names that differ in a letter or two.
_LIKE_A_SLIP = 0.85
_LONGEST_NAME = 40


def read_connection(connection: Connection, extra: Mapping[str, Any] | None = None) -> ConnectionSettings:
    """Take from an Airflow connection what a vendor needs.

    A connection's form stores text, so an extra that begins with ``{`` is read as JSON, and an empty one
    counts as not set.

    :param connection: the Airflow connection.
    :param extra: its extra, where it was read already (a trigger reads it asynchronously). Default: read here.
    :return: the settings.
    :raises FaxConfigurationError: if the extra is not a JSON object, one of it that begins with ``{`` is not JSON, or
        one has its name in the form of older releases of Airflow (``extra__faxto__timeout``); or if a schema or a port
        says something that would not be followed.
    """
    raw = connection.extra_dejson if extra is None else extra
    # Airflow makes an empty extra of one that is not JSON, and what was set in it would be dropped in silence.
    is_lost = not raw and "".join((connection.extra or "{}").split()) != "{}"
    if is_lost or not isinstance(raw, Mapping):
        raise FaxConfigurationError(f"Connection {connection.conn_id!r}: the extra is not a JSON object.")
    return ConnectionSettings(
        conn_id=connection.conn_id,
        host=_read_host(connection),
        login=connection.login or None,
        password=connection.password or None,
        extra={
            key: _read_extra(connection.conn_id, key, value) for key, value in raw.items() if value not in ("", None)
        },
    )


def _read_host(connection: Connection) -> str | None:
    """Join host, port and schema, of which none is dropped in silence."""
    host, port, schema = connection.host or None, connection.port, (connection.schema or "").strip().lower()
    where = f"Connection {connection.conn_id!r}"
    scheme, separator, rest = (host or "https://").rpartition("://")
    if schema not in ("", "https", "http") or (schema and separator and schema != scheme.lower()):
        # Not shown: after an unencoded slash in a URI's password, the rest of the password stands here.
        raise FaxConfigurationError(
            f"{where}: the schema is neither http nor https, or not that of the host. Leave it empty and write the "
            "whole base URL into the host. In a URI, each / of host, user or password is written as %2F."
        )
    if host is None:
        if port:
            raise FaxConfigurationError(f"{where} has a port and no host. Give both, or leave the port empty.")
        return None
    if schema and not separator:
        scheme, separator = schema, "://"
    name, slash, path = rest.partition("/")
    return f"{scheme}{separator}{name}{f':{port}' if port else ''}{slash}{path}"


def _read_extra(conn_id: str, key: str, value: object) -> object:
    if key.startswith("extra__"):
        raise FaxConfigurationError(
            f"Connection {conn_id!r}: the extra {_shown(key)} is named as Airflow did before 2.3, and would not be "
            f"read. Call it {_shown(re.sub('^extra__[^_]*__', '', key))}."
        )
    if not (isinstance(value, str) and value.lstrip().startswith("{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise FaxConfigurationError(
            f"Connection {conn_id!r}: the extra {key} begins like JSON but is not valid JSON."
        ) from None


def _shown(name: str) -> str:
    """Show the name of an extra if it is one: a key or a number may stand there by mistake."""
    return name if name.isidentifier() and len(name) <= _LONGEST_NAME else "(whose name is no plain word)"


def describe_unknown_extras(settings: ConnectionSettings, conn_type: str) -> str:
    """Say which extras of a connection nothing reads, such as misspelt ones.

    What a vendor of another distribution reads is not known here, so of its extras only those count whose name is
    almost that of one which every connection has.

    :param settings: the connection.
    :param conn_type: its type.
    :return: a sentence for each; empty if every extra is known.
    """
    of_each = {entry["connection-type"]: set(entry["conn-fields"]) for entry in get_provider_info()["connection-types"]}
    known = of_each.get(conn_type) or set.intersection(*of_each.values())
    likeness = 0.6 if conn_type in of_each else _LIKE_A_SLIP
    sentences = []
    for name in sorted(set(settings.extra) - known):
        nearest = get_close_matches(name.lower(), sorted(known), n=1, cutoff=likeness)
        if nearest or conn_type in of_each:
            advice = f"Did you mean {nearest[0]}?" if nearest else f"Known are {', '.join(sorted(known))}."
            sentences.append(
                f"Connection {settings.conn_id!r}: the extra {_shown(name)} is not known and has no effect. {advice}"
            )
    return " ".join(sentences)


def describe_credentials(settings: ConnectionSettings) -> str:
    """Give all of a connection that decides whether the vendor takes a log-in, as one text to be hashed.

    :param settings: the connection.
    :return: host, login, password, and the extras that not every connection has: they may say how a log-in is made. It
        is secret.
    """
    described = [set(entry["conn-fields"]) for entry in get_provider_info()["connection-types"]]
    of_every_connection = set.intersection(*described)
    extra = {name: value for name, value in settings.extra.items() if name not in of_every_connection}
    return json.dumps([settings.host, settings.login, settings.password, extra], sort_keys=True, default=str)


def read_base_url(settings: ConnectionSettings, default: str | None, label: str) -> str:
    """Find the base URL of a connection.

    :param settings: the connection. Its host may be a name (``fax.to``) or a URL (``https://fax.to``).
    :param default: the vendor's own base URL; ``None`` if the connection must name one.
    :param label: the vendor's name, for messages.
    :return: the URL without a slash at its end.
    :raises FaxConfigurationError: if there is no host, if it is not a URL, if it carries a user or a query, or if
        it is ``http://`` and not this machine: a key and a document must not travel in the clear.
    """
    host = settings.host or default
    where = f"Connection {settings.conn_id!r}"
    if not host:
        raise FaxConfigurationError(
            f"{where} names no host. {label} documents none for its API: ask your account manager for the base "
            "URL and put it into the connection's host, such as https://api.example.com."
        )
    url = host if "://" in host else f"https://{host}"
    if not is_base_url(url):
        raise FaxConfigurationError(
            f"{where}: the host is not a base URL. Write https:// and the host's name, with neither user, query "
            "nor fragment; the key or password goes into the password field."
        )
    if travels_in_the_clear(url):
        raise FaxConfigurationError(
            f"{where}: http:// would send the key and the document in the clear, so it is allowed for this "
            "machine alone (127.0.0.1, localhost). Use https://."
        )
    return url.rstrip("/")


def read_timeouts(settings: ConnectionSettings) -> Timeouts:
    """Read the extra ``timeout``: a number of seconds for reading, or a mapping of the three.

    :param settings: the connection.
    :return: the time-outs; what the extra does not name keeps its default (10, 30 and 120 s).
    :raises FaxConfigurationError: if a value is not a positive number or is more than a day, or a name is not one of
        the three.
    """
    raw = settings.extra.get("timeout")
    if raw is None:
        return Timeouts()
    named = raw if isinstance(raw, dict) else {"read": raw}
    unknown = set(named) - {"connect", "read", "upload"}
    try:
        # A bool would pass for a second.
        values = {name: -1.0 if isinstance(value, bool) else float(value) for name, value in named.items()}
    except (TypeError, ValueError):
        values = {}
    if unknown or not values or not all(0 < value <= _LONGEST_TIMEOUT for value in values.values()):
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: timeout must be a number of seconds, at most a day, or a mapping with "
            'connect, read and upload, such as {"connect": 10, "read": 30, "upload": 120}.'
        )
    return Timeouts(**values)


def read_default_region(settings: ConnectionSettings) -> str | None:
    """Read the extra ``default_region``: the country of numbers without a plus sign.

    :param settings: the connection.
    :return: two capital letters, or ``None``.
    :raises FaxConfigurationError: if it is not a country.
    """
    region = settings.extra.get("default_region")
    country = "" if region is None else region.strip().upper() if isinstance(region, str) else "?"
    if country and not is_region(country):
        # Not shown: the fields may have been mistaken for each other, and a number stand here.
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: default_region is not a country that can be dialled. Give two letters, "
            "such as US or DE."
        )
    return country or None


def read_key_namespace(settings: ConnectionSettings) -> str:
    """Read the extra ``key_namespace``, which keeps installations apart that share an account.

    :param settings: the connection.
    :return: the text; empty if the extra is not set.
    :raises FaxConfigurationError: if it is not text.
    """
    namespace = settings.extra.get("key_namespace", "")
    if not isinstance(namespace, str):
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: key_namespace must be text, such as staging; a number is written in "
            "quotes."
        )
    return namespace.strip()


def read_bad_number_days(settings: ConnectionSettings) -> int:
    """Read the extra ``remember_bad_numbers``: for how many days a number that no fax machine answers is remembered.

    :param settings: the connection.
    :return: the days, 0 (not at all) to 3,650. Default: 30.
    :raises FaxConfigurationError: if it is not a whole number, or not one of these.
    """
    raw = settings.extra.get("remember_bad_numbers", _BAD_NUMBER_DAYS)
    # The form stores text; a bool would pass for 0 or 1, and a float would be cut off.
    text = str(raw).strip() if isinstance(raw, (int, str)) else ""
    days = int(text) if text.isascii() and text.isdecimal() else -1
    if not 0 <= days <= _MOST_BAD_NUMBER_DAYS:
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: remember_bad_numbers must be a whole number of days from 0 (off) to "
            f"{_MOST_BAD_NUMBER_DAYS}."
        )
    return days


def read_requests_per_minute(settings: ConnectionSettings, default: int) -> int:
    """Read the extra ``requests_per_minute``: how many counted requests the account takes in a rolling minute.

    :param settings: the connection.
    :param default: the vendor's own figure.
    :return: the number, 1 to 600.
    :raises FaxConfigurationError: if it is not a whole number, or not one of these.
    """
    raw = settings.extra.get("requests_per_minute")
    if raw is None:
        return default
    # The form stores text; a bool would pass for 0 or 1, and a float would be cut off.
    number = int(text) if isinstance(raw, (int, str)) and (text := str(raw).strip()).isdecimal() else 0
    if not 1 <= number <= _MOST_REQUESTS:
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: requests_per_minute must be a whole number from 1 to {_MOST_REQUESTS}, "
            f"such as {default}."
        )
    return number


def read_when_out_of_credit(settings: ConnectionSettings) -> str:
    """Read the extra ``when_out_of_credit``: what becomes of a send while the account has no credit.

    :param settings: the connection.
    :return: ``send``, ``wait`` or ``fail``.
    :raises FaxConfigurationError: if it is not one of these.
    """
    raw = settings.extra.get("when_out_of_credit", "send")
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word not in ("send", "wait", "fail"):
        raise FaxConfigurationError(f"Connection {settings.conn_id!r}: when_out_of_credit must be send, wait or fail.")
    return word


def connection_form_widgets(conn_type: str) -> dict[str, Any]:
    """Make the form's extra fields.

    :param conn_type: the connection type.
    :return: a widget for each extra field, by name. Empty where the form library is not installed (Airflow 3.0
        and 3.1): the extra is then written as JSON.
    """
    try:
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import StringField
    except ImportError:
        return {}
    return {
        name: StringField(lazy_gettext(field["label"]), widget=BS3TextFieldWidget(), description=field["description"])
        for name, field in _describe(conn_type)["conn-fields"].items()
    }


def ui_field_behaviour(conn_type: str) -> dict[str, Any]:
    """Say which standard fields the form hides and what it calls the others.

    :param conn_type: the connection type.
    :return: the mapping that Airflow before 3.2 expects, with underscores in its keys.
    """
    described = _describe(conn_type)["ui-field-behaviour"]
    return {
        "hidden_fields": described["hidden-fields"],
        "relabeling": described["relabeling"],
        "placeholders": described["placeholders"],
    }


def _describe(conn_type: str) -> dict[str, Any]:
    """Take a connection type's form from the provider info; a bare one where another distribution describes it."""
    for entry in get_provider_info()["connection-types"]:
        if entry["connection-type"] == conn_type:
            return dict(entry)
    return {
        "conn-fields": {},
        "ui-field-behaviour": {"hidden-fields": [], "relabeling": {}, "placeholders": {}},
    }
