"""The key of a logical fax: what makes two runs of one task recognise the same fax at the vendor."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.numbers import FaxNumber

__all__ = ["KEY_PREFIX", "is_same_fax", "logical_fax_key", "same_fax_key_in"]

KEY_PREFIX = "airflow-"
"""What every key begins with, so that a person who reads the vendor's records knows where it came from."""

# ASCII, since the rules of other scripts would take further letters for an "i".
_KEY = re.compile(rf"{re.escape(KEY_PREFIX)}[0-9a-f]{{24}}-(?P<what>[0-9a-f]{{16}})", re.ASCII | re.IGNORECASE)


def logical_fax_key(
    *,
    dag_id: str,
    task_id: str,
    run_id: str,
    map_index: int,
    fax_number: FaxNumber,
    document_sha256: str,
    resend: str = "",
) -> str:
    """Make the key of one logical fax: one document for one recipient from one task instance.

    The same task instance gets the same key however often it runs. A corrected number or a corrected file
    makes another logical fax, with a key of its own, and so does a resend that the user asks for.

    :param dag_id: the DAG.
    :param task_id: the task, with its group.
    :param run_id: the DAG run.
    :param map_index: the index of a mapped task instance; -1 if the task is not mapped.
    :param fax_number: the recipient.
    :param document_sha256: the hash of the document or documents; see
        :func:`~airflow_provider_faxto.fax.documents.combined_sha256`.
    :param resend: which resend on purpose this is; each text stands for one. Default: the empty
        text, which is the first send.
    :return: 49 characters (InterFAX takes 60 in a reference) that reveal nothing of what they were made from: the
        prefix, 96 bits of a SHA-256 of whose fax it is, and 64 of what goes where. The second part is the same in
        every DAG run, so that the vendor's records can tell the same document to the same number.
    """
    whose = _digest(dag_id, task_id, run_id, map_index, resend)
    what = _digest(fax_number.e164, document_sha256)
    return f"{KEY_PREFIX}{whose[:24]}-{what[:16]}"


def is_same_fax(key: str, other: str) -> bool:
    """Tell whether two keys stand for the same document to the same number, in whatever DAG run or task.

    :param key: a key, as :func:`logical_fax_key` made it; capital letters do no harm.
    :param other: another one, or the same.
    :return: whether both are keys and their second parts are equal. A text that is not a key is equal to
        nothing, itself included.
    """
    one, another = _KEY.fullmatch(key), _KEY.fullmatch(other)
    return one is not None and another is not None and one["what"].lower() == another["what"].lower()


def same_fax_key_in(text: str, key: str) -> str | None:
    """Find, in what a vendor shows, a key of the same document to the same number.

    :param text: a reference, or the name of a document with whatever the vendor put around the key.
    :param key: the key to compare with.
    :return: the first such key as :func:`logical_fax_key` made it; ``None`` if the text holds no such key.
    """
    found = (match[0].lower() for match in _KEY.finditer(text))
    return next((each for each in found if is_same_fax(each, key)), None)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
