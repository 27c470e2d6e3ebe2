"""What a DAG, or a template in it, gives for an argument, read into what the operators need."""

from __future__ import annotations

import ast
import contextlib
import json
import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.operators.rendered import read_text

__all__ = ["read_idempotency_key", "read_options", "read_resend", "read_seconds", "read_status_text", "read_switch"]

log = logging.getLogger(__name__)

_LONGEST_WAIT = timedelta(days=366).total_seconds()
_NO = {"", "false", "no", "none", "0"}
_YES = {"true", "yes"}
_NOTHING = {"", "none", "null"}
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_CODE = re.compile(r"0|-?[1-9][0-9]{0,8}")


def read_seconds(argument: str, value: object) -> float:
    """Read a duration. It is read when the DAG is parsed: after a send it would be too late to find it wrong.

    :param argument: the operator's argument, for the message.
    :param value: what was given for it: a number of seconds, also as text, or a ``timedelta``.
    :return: the seconds, from 0 to a year.
    :raises FaxInputError: if it is not a number of seconds or a ``timedelta``, below 0 or above a year.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, str) and _SECONDS.fullmatch(seconds.strip()):
        seconds = float(seconds)
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or not 0 <= cast("float", seconds) <= _LONGEST_WAIT:
        raise FaxInputError(f"{argument} must be a number of seconds or a timedelta, at most a year; it is {value!r}.")
    return float(cast("float", seconds))


def read_resend(resend: object) -> str:
    """Read ``resend``, which a template may have turned into text.

    :param resend: what was given for it.
    :return: empty for no resend, else a text that stands for one resend.
    """
    text = str(resend).strip()
    if text.lower() in _NO:
        return ""
    return "1" if text.lower() in _YES else text


def read_idempotency_key(value: object) -> str | None:
    """Read ``idempotency_key``, which a template may have turned into something else than text.

    :param value: what was given for it.
    :return: the text, without white space around it; ``None`` where it is not set, which is logged if a template made
        it so.
    :raises FaxInputError: if it is neither text nor a whole number.
    """
    text = read_text("idempotency_key", value)
    if text is None and value is not None:
        log.warning("idempotency_key was rendered to nothing: the fax is that of this task in this DAG run.")
    return text.strip() if text is not None else None


def read_switch(argument: str, value: object) -> bool:
    """Read a yes or no, which a template may have turned into text.

    :param argument: the operator's argument, for the message.
    :param value: what was given for it.
    :return: whether it is on.
    :raises FaxInputError: if it is neither a yes nor a no.
    """
    text = str(value).strip().lower()
    if text in _YES | {"1"}:
        return True
    if text in _NO:
        return False
    raise FaxInputError(f"{argument} must be true or false; it is {value!r}.")


def read_status_text(text: str) -> object:
    """Read a status that a template has turned into text: a status code, JSON, or a printed dict.

    :param text: the text.
    :return: the code or the mapping; the text itself if it is neither.
    """
    text = text.strip()
    if _CODE.fullmatch(text):
        return int(text)
    # Nothing but a status: 0x0, 0.0 and false are not the code 0, which means delivered.
    mapping = _read_mapping(text)
    return text if mapping is None else mapping


def read_options(options: object) -> SendOptions:
    """Read what to set for a fax, which a template may have turned into text.

    :param options: what was given for it: a mapping, JSON or a printed dict of one; ``None``, and the text that a
        template makes of it, for nothing.
    :return: the options; the vendor checks their values.
    :raises FaxInputError: if it is anything else, or a common name is misspelt.
    """
    if isinstance(options, str):
        text = options.strip()
        options = {} if text.lower() in _NOTHING else _read_mapping(text)
    elif options is None:
        options = {}
    if not isinstance(options, Mapping):
        raise FaxInputError(
            'options must be a mapping of names to values, such as {"resolution": "fine"}, or a template that gives '
            "one or prints one; this is neither."
        )
    return SendOptions(options)


def _read_mapping(text: str) -> Mapping[str, object] | None:
    """Read a mapping that stands in a text as JSON or as Python prints it."""
    for read in (json.loads, ast.literal_eval):
        with contextlib.suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            value = read(text)
            if isinstance(value, Mapping):
                return value
    return None
