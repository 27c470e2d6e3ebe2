"""Many fax jobs and their statuses as short texts, for what Airflow keeps of a task that waits for ten thousand.

A trigger's row, its event and XCom are JSON in Airflow's database. Written out, ten thousand statuses are three
megabytes. But their ids rise by little steps, and most of what they tell is the same for many, so that they shrink to a
few bytes each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.status import FaxStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "REFERENCE_BYTES",
    "mark_of_reference",
    "pack",
    "pack_ids",
    "pack_marks",
    "pack_statuses",
    "unpack",
    "unpack_ids",
    "unpack_marks",
    "unpack_statuses",
]

REFERENCE_BYTES = 4
"""How much is kept of a hash of a reference: enough to tell a job of another fax, which has another one."""

_NAMES = tuple(field.name for field in fields(FaxStatus))


def pack(value: object) -> str:
    """Turn a JSON value into a short text.

    :param value: the value.
    :return: ASCII, for :func:`unpack`.
    """
    return _encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9))


def unpack(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """Restore what :func:`pack` made.

    :param text: the text.
    :return: the value.
    :raises FaxInputError: if the text is not one that :func:`pack` made.
    """
    try:
        return json.loads(zlib.decompress(_decode(text)))
    except (ValueError, TypeError, AttributeError, zlib.error, RecursionError):
        raise FaxInputError("This is no value that the task that sends has packed.") from None


def pack_ids(job_ids: Sequence[str]) -> str:
    """Turn the ids of fax jobs into a short text; numbers as the steps from one to the next.

    :param job_ids: the ids.
    :return: the text, for :func:`unpack_ids`.
    """
    if not all(job_id.isascii() and job_id.isdecimal() and str(int(job_id)) == job_id for job_id in job_ids):
        return pack(list(job_ids))
    numbers = [int(job_id) for job_id in job_ids]
    return pack([number - before for before, number in zip([0, *numbers], numbers, strict=False)])


def unpack_ids(text: str) -> list[str]:
    """Restore what :func:`pack_ids` made.

    :param text: the text.
    :return: the ids.
    :raises FaxInputError: if the text is not one that :func:`pack_ids` made.
    """
    found = unpack(text)
    if not isinstance(found, list) or not all(isinstance(each, (int, str)) for each in found):
        raise FaxInputError("This is no list of fax jobs that the task that sends has packed.")
    ids, number = [], 0
    for each in found:
        if isinstance(each, str):
            ids.append(each)
        else:
            number += each
            ids.append(str(number))
    return ids


def mark_of_reference(reference: str | None) -> bytes:
    """Make what is kept of a reference, to tell by it whether a job is of another fax.

    :param reference: the key under which a fax was sent, as the vendor shows it; ``None`` if it is not known.
    :return: :data:`REFERENCE_BYTES` bytes, all zero for none.
    """
    if reference is None:
        return bytes(REFERENCE_BYTES)
    return hashlib.sha256(reference.strip().lower().encode()).digest()[:REFERENCE_BYTES]


def pack_marks(marks: Sequence[bytes]) -> str:
    """Turn marks of references into a text.

    :param marks: what :func:`mark_of_reference` made.
    :return: the text, for :func:`unpack_marks`.
    """
    return _encode(b"".join(marks))


def unpack_marks(text: str) -> list[bytes]:
    """Restore what :func:`pack_marks` made.

    :param text: the text.
    :return: the marks.
    :raises FaxInputError: if the text is not one that :func:`pack_marks` made.
    """
    try:
        joined = _decode(text)
    except (ValueError, TypeError, AttributeError):
        joined = b"?"
    if len(joined) % REFERENCE_BYTES:
        raise FaxInputError("These are no references that the task that sends has packed.")
    return [joined[start : start + REFERENCE_BYTES] for start in range(0, len(joined), REFERENCE_BYTES)]


def pack_statuses(statuses: Sequence[FaxStatus]) -> str:
    """Turn many statuses into a short text, field by field: what many have in common stands together.

    :param statuses: the statuses.
    :return: the text, for :func:`unpack_statuses`.
    """
    plain = [status.to_dict() for status in statuses]
    columns: dict[str, Any] = {"number": len(plain)}
    for name in _NAMES:
        column = [each[name] for each in plain]
        if any(value is not None for value in column):
            columns[name] = column
    # Ids that rise by one compress to almost nothing as steps, and badly as digits.
    if "job_id" in columns and None not in columns["job_id"]:
        columns["job_id"] = pack_ids(columns["job_id"])
    return pack(columns)


def unpack_statuses(text: str) -> list[FaxStatus]:
    """Restore what :func:`pack_statuses` made.

    :param text: the text.
    :return: the statuses.
    :raises FaxInputError: if the text is not one that :func:`pack_statuses` made.
    """
    columns = unpack(text)
    try:
        number = int(columns.pop("number"))
        if isinstance(columns.get("job_id"), str):
            columns["job_id"] = unpack_ids(columns["job_id"])
        rows = [{} for _ in range(number)] if not columns else _rows(columns, number)
        return [FaxStatus.from_dict({"job_id": None, **row}) for row in rows]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise FaxInputError("These are no statuses that the trigger or the task that sends has packed.") from None


def _rows(columns: dict[str, list[Any]], number: int) -> list[dict[str, Any]]:
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    if len(rows) != number:
        raise ValueError("another number of rows")
    return rows


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii"), validate=True)
