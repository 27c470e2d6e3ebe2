"""What a caller or a connection gives, checked before it becomes part of a request to Fax.to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxInputError
from airflow_provider_faxto.vendors.faxto.errors import LABEL
from airflow_provider_faxto.vendors.faxto.records import read_id
from airflow_provider_faxto.vendors.parsing import (
    as_int,
    is_loopback,
    read_credential,
    read_option_switch,
    read_option_text,
)
from airflow_provider_faxto.vendors.parsing import check_job_id as check_is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.options import SendOptions
    from airflow_provider_faxto.vendors.base import ConnectionSettings

__all__ = [
    "check_document_id",
    "check_job_id",
    "check_limit",
    "check_name",
    "check_page",
    "check_url",
    "read_api_key",
    "read_choice",
    "read_options",
]

# Not documented by Fax.to: the length that its probable carrier takes (our inference).
_MAX_SENDER_ID = 32
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


def read_api_key(settings: ConnectionSettings, api_key_in: str) -> str:
    """Read the API key.

    :param settings: the connection; its password is the key.
    :param api_key_in: where the key is to travel: ``query`` or ``header``.
    :return: the key.
    :raises FaxConfigurationError: if there is no key, or if it cannot be sent or holds white space around it.
    """
    advice = "Put the key from Fax.to's dashboard into the connection's password."
    api_key = read_credential(settings, "API key (password)", settings.password, advice)
    if api_key_in == "header" and not api_key.isascii():
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: the API key in the password holds characters that cannot be sent in a "
            "header. Copy it once more."
        )
    return api_key


def read_choice(settings: ConnectionSettings, name: str, choices: Sequence[str], default: str) -> str:
    """Read an extra that has a few values.

    :param settings: the connection.
    :param name: the extra.
    :param choices: its values.
    :param default: what holds where it is not set or empty.
    :return: the value.
    :raises FaxConfigurationError: if it is not one of the choices.
    """
    value = settings.extra.get(name)
    value = default if value in (None, "") else value
    if value not in choices:
        raise FaxConfigurationError(f"Connection {settings.conn_id!r}: {name} must be {' or '.join(choices)}.")
    return str(value)


def read_options(options: SendOptions) -> list[tuple[str, str]]:
    """Turn the options that Fax.to takes into form fields.

    :param options: what to set.
    :return: ``tsi_number`` and ``delete_file``, as far as they are set.
    :raises FaxInputError: if ``sender_id`` is not a line of 1 to 32 printable characters, or
        ``delete_after_sending`` is neither true nor false.
    """
    form = []
    if "sender_id" in options:
        sender = read_option_text("sender_id", options["sender_id"], label=LABEL, longest=_MAX_SENDER_ID)
        form.append(("tsi_number", sender))
    # Documented is 1 for "delete". Keeping the document is what happens without the field.
    if "delete_after_sending" in options and read_option_switch(
        "delete_after_sending", options["delete_after_sending"], label=LABEL
    ):
        form.append(("delete_file", "1"))
    return form


def check_name(name: str) -> str:
    """Check a name that a document is to get at Fax.to.

    :param name: the name, without extension.
    :return: the name.
    :raises FaxInputError: if it is not 1 to 100 letters, digits, dashes and underscores of ASCII: anything else may
        be changed by the server, and then nothing would be found under it again.
    """
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise FaxInputError(
            f"A reference or name at {LABEL} is 1 to 100 letters, digits, dashes and underscores, without blanks and "
            "dots, since it is kept as the name of a file."
        )
    return name


def check_job_id(job_id: str) -> str:
    """Check the id of a fax job.

    :param job_id: the id.
    :return: the id without leading zeros.
    :raises FaxInputError: if it is not a number above zero.
    """
    number = read_id(check_is_number(job_id, LABEL))
    if number is None:
        raise FaxInputError(f"A job id of {LABEL} is a number above zero, of at most nineteen digits.")
    return number


def check_document_id(document_id: str) -> str:
    """Check the id of a document.

    :param document_id: the id.
    :return: the id without leading zeros.
    :raises FaxInputError: if it is not a number above zero.
    """
    number = read_id(document_id)
    if number is None:
        raise FaxInputError(f"A document id of {LABEL} is a number in text form; this one is not.")
    return number


def check_page(page: str | int) -> int:
    """Check the number of a page.

    :param page: the page, counted from 1.
    :return: the page as a number.
    :raises FaxInputError: if it is not a number, or is below 1.
    """
    number = as_int(page)
    if number is None or number < 1:
        raise FaxInputError(f"A page of {LABEL}'s lists is a number, counted from 1.")
    return number


def check_limit(limit: int) -> int:
    """Check how many rows to ask for.

    :param limit: the number of rows.
    :return: the same.
    :raises FaxInputError: if it is below 1.
    """
    if limit < 1:
        raise FaxInputError("limit must be at least 1.")
    return limit


def check_url(url: str) -> str:
    """Check the URL of a document that Fax.to is to fetch.

    :param url: the URL.
    :return: the same.
    :raises FaxInputError: if it is neither ``https://`` nor ``http://`` on this machine, or not a whole URL. The
        message does not show it, since such URLs often open what they name.
    """
    try:
        parts = urlsplit(url)
        host, scheme = parts.hostname or "", parts.scheme
    except ValueError:
        host, scheme = "", ""
    allowed = scheme == "https" or (scheme == "http" and is_loopback(host))
    if not host or not allowed or not url.isprintable() or " " in url:
        raise FaxInputError(
            f"{LABEL} is to fetch a document from a URL that it cannot use. Give a whole URL that begins with "
            "https://; plain http:// is for this machine alone."
        )
    return url
