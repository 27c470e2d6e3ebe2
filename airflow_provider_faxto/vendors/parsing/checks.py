"""What is checked for every vendor: recipients, ids, documents, and what a connection gives."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES, FaxDocument
from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxDocumentError, FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxVendor

__all__ = [
    "check_documents",
    "check_job_id",
    "check_type",
    "is_loopback",
    "is_same_recipient",
    "read_code_outcomes",
    "read_credential",
]

# Signs that people and vendors put between the digits of a number. Others stand for something: a pause, an
# extension, digits that are hidden.
_NUMBER = re.compile(r"\+?[\d\s().\-/\u2010-\u2015\u2212]+")
_TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
# Numbers of two subscribers differ in these; what stands before them is written in many ways: not at all, with "00",
# "011", "810" or a national "8".
_TAIL = 9
# What is called so may be shown: a name that is longer, or holds more than letters and digits, may be a person's.
_PLAIN_TYPE = re.compile(r"[a-z][a-z0-9]{0,4}", re.ASCII)
_NOT_SENDABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_same_recipient(shown: object, fax_number: FaxNumber) -> bool | None:
    """Tell whether a recipient that a vendor shows is ours, by its digits.

    :param shown: the recipient, as text or as a number: with or without its plus sign, as ``0044...``, in national
        form, or with some digits hidden.
    :param fax_number: our recipient.
    :return: ``True`` if all digits are the same; ``False`` if it is surely another; ``None`` if that cannot be told:
        the same number in national form, one with hidden digits, an extension or its end cut off, or none at all.
    """
    if isinstance(shown, float) and shown.is_integer():
        shown = int(shown)
    text = str(shown) if isinstance(shown, (str, int)) and not isinstance(shown, bool) else ""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    digits = [str(unicodedata.decimal(sign)) for sign in _TRUNK_ZERO.sub("", text) if sign.isdecimal()]
    theirs, ours = "".join(digits).lstrip("0"), fax_number.digits
    if theirs == ours:
        return True
    if ours in theirs or ours.startswith(theirs):
        return None
    shortest = min(len(theirs), len(ours), _TAIL)
    return None if theirs[len(theirs) - shortest :] == ours[len(ours) - shortest :] else False


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine.

    :param host: its name or address, without a port.
    :return: whether it is ``localhost`` or a loopback address.
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_credential(settings: ConnectionSettings, name: str, value: str | None, needs: str) -> str:
    """Read a user name, a password or a key, and refuse what can only be a slip before it is tried.

    A secret store may hold a line break after the secret, as ``echo`` writes it, and vendors lock out a user after a
    few failures.

    :param settings: the connection, for messages.
    :param name: what it is: ``password``.
    :param value: its value.
    :param needs: what to say if it is missing, as a sentence.
    :return: the value.
    :raises FaxConfigurationError: if it is missing, if white space stands around it, or if it holds control
        characters or characters that cannot be seen. The message does not show it.
    """
    where = f"Connection {settings.conn_id!r}"
    if not value or not value.strip():
        raise FaxConfigurationError(f"{where} has no {name}. {needs}")
    if value != value.strip():
        raise FaxConfigurationError(
            f"{where}: the {name} has white space or a line break around it. Nothing was tried with it. Store it once "
            "more without (printf instead of echo, where a shell writes it)."
        )
    if any(unicodedata.category(letter) in _NOT_SENDABLE for letter in value):
        raise FaxConfigurationError(
            f"{where}: the {name} holds control characters or characters that cannot be seen. Nothing was tried with "
            "it. Copy it once more."
        )
    return value


def check_documents(documents: Sequence[object], vendor: FaxVendor) -> None:
    """Check type and size of the documents that are still to go to a vendor.

    :param documents: the documents of the fax. Those that the vendor holds already are passed over.
    :param vendor: the vendor.
    :raises FaxDocumentError: if one is empty, too large or of a type that the vendor does not take, or if all
        together are too large.
    """
    local = [document for document in documents if isinstance(document, FaxDocument)]
    for document in local:
        check_type(document.extension, vendor)
        if document.size <= 0:
            raise FaxDocumentError("The document is empty: there is nothing to fax.")
        if document.size > vendor.max_document_bytes:
            raise FaxDocumentError(
                f"The document is larger than {vendor.max_document_bytes:,} bytes, which is the most that "
                f"is sent to {vendor.label}. Make it smaller, for instance by scanning in black and white."
            )
    together = sum(document.size for document in local)
    if together > vendor.max_document_bytes:
        raise FaxDocumentError(
            f"The documents have {together:,} bytes together; {vendor.label} is sent at most "
            f"{vendor.max_document_bytes:,} in one fax. Make them smaller or send several faxes."
        )


def is_plain_type(extension: str) -> bool:
    """Tell whether the extension of a file's name may be shown.

    :param extension: the extension, lower case without a dot.
    :return: whether it is a short, plain word. What stands after the last dot may be part of a person's name or number.
    """
    return _PLAIN_TYPE.fullmatch(extension) is not None


def check_type(extension: str, vendor: FaxVendor) -> None:
    """Check the type of a document.

    :param extension: the file's extension, lower case without a dot.
    :param vendor: the vendor.
    :raises FaxDocumentError: if the vendor does not take it. The message names the type only if it is a short, plain
        word: what stands after the last dot of a file's name may be part of a person's name or number.
    """
    if extension in vendor.document_types and extension in DOCUMENT_TYPES:
        return
    shown = f"type {extension!r}" if is_plain_type(extension) else "an unknown type" if extension else "no type"
    raise FaxDocumentError(
        f"A document of {shown} cannot be faxed with {vendor.label}. "
        f"It takes {', '.join(sorted(vendor.document_types))}; PDF is the safest."
    )


def check_job_id(job_id: str, label: str) -> str:
    """Check that a job id is a number, as it is at every vendor we know, before it becomes part of a path.

    :param job_id: the id, as text.
    :param label: the vendor's name, for the message.
    :return: the id without blanks around it.
    :raises FaxInputError: if it is not a number.
    """
    cleaned = job_id.strip() if isinstance(job_id, str) else ""
    if not (cleaned.isascii() and cleaned.isdigit()):
        raise FaxInputError(
            f"A job id of {label} is a number in text form; this one is not. "
            "Pass what the send operator pushed to XCom under the key job_id."
        )
    return cleaned


_SETTABLE_OUTCOMES = (FaxOutcome.RETRYABLE, FaxOutcome.FATAL, FaxOutcome.UNKNOWN)


def read_code_outcomes(settings: ConnectionSettings) -> Mapping[str, FaxOutcome]:
    """Read the extra ``code_outcomes``, with which a connection overrides the class of a code.

    :param settings: the connection.
    :return: the outcome by code, the code as text (``"3912"``, ``"hangup"``). Empty if the extra is not set.
    :raises FaxConfigurationError: if it is not a mapping of codes to ``retryable``, ``fatal`` or ``unknown``.
        ``success`` and ``pending`` cannot be set: only the vendor can say that a fax was delivered.
    """
    raw = settings.extra.get("code_outcomes", {})
    wanted = ", ".join(_SETTABLE_OUTCOMES)
    if not isinstance(raw, Mapping):
        raise FaxConfigurationError(
            f"Connection {settings.conn_id!r}: code_outcomes must map codes to one of {wanted}, "
            'such as {"3912": "retryable"}.'
        )
    for code, outcome in raw.items():
        if outcome not in _SETTABLE_OUTCOMES or str(code).strip() in {"0", "ok"} or str(code).startswith("-"):
            raise FaxConfigurationError(
                f"Connection {settings.conn_id!r}: code_outcomes cannot set {code!r} to {outcome!r}. "
                f"The code of a failure can be set to one of {wanted}."
            )
    return {str(code): FaxOutcome(outcome) for code, outcome in raw.items()}
