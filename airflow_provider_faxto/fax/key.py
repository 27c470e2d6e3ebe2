"""The key of a logical fax: what makes two runs of one task recognise the same fax at the vendor.

It has two parts. The first says whose fax it is: DAG, task, DAG run and map index, or the user's own
``idempotency_key``. The second says what it is: recipient, content of the documents, and which resend. Two keys with
the same first part are of one fax that was corrected, resent, or rendered anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.numbers import FaxNumber

__all__ = ["KEY_PREFIX", "FaxKey", "describe_difference", "is_of_same_fax", "logical_fax_key", "read_key"]

KEY_PREFIX = "airflow-"
"""What every key begins with, so that a person who reads the vendor's records knows where it came from."""

# ASCII, since the rules of other scripts would take further letters for an "i".
_KEY = re.compile(
    rf"{re.escape(KEY_PREFIX)}(?P<whose>[0-9a-f]{{24}})-(?P<what>[0-9a-f]{{16}})", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FaxKey:
    """A key, taken apart. ``str()`` puts it together again.

    :param whose: the first part, 24 hexadecimal digits: whose fax it is.
    :param what: the second part, 16 hexadecimal digits: what goes where.
    """

    whose: str
    what: str

    def __str__(self) -> str:
        """Return the key as the vendor stores it."""
        return f"{KEY_PREFIX}{self.whose}-{self.what}"


def logical_fax_key(
    *,
    dag_id: str,
    task_id: str,
    run_id: str,
    map_index: int,
    fax_number: FaxNumber,
    document_sha256: str,
    resend: str = "",
    idempotency_key: str | None = None,
    namespace: str = "",
    label: str | None = None,
) -> str:
    """Make the key of one logical fax: one document for one recipient from one task instance.

    The same task instance gets the same key however often it runs. A corrected number or a corrected file, and a
    resend that the user asks for, change the second part alone.

    :param dag_id: the DAG.
    :param task_id: the task, with its group.
    :param run_id: the DAG run.
    :param map_index: the index of a mapped task instance; -1 if the task is not mapped.
    :param fax_number: the recipient.
    :param document_sha256: the hash of the document or documents; see
        :func:`~airflow_provider_faxto.fax.documents.combined_sha256`.
    :param resend: which resend on purpose this is; each text stands for one. Default: the empty
        text, which is the first send.
    :param idempotency_key: the user's own identity of the fax. With it the first part says nothing of DAG, task, DAG
        run and map index, so that it holds over all of them. Default: none.
    :param namespace: the connection's ``key_namespace``: installations that share an account and have not the same
        namespace make other keys. Default: the empty text.
    :param label: which fax of the task instance this is, where one task sends many. Default: none, it sends one.
    :return: 49 characters (InterFAX takes 60 in a reference) that reveal nothing of what they were made from: the
        prefix, 96 bits of a SHA-256 of whose fax it is, and 64 of one of what goes where.
    """
    # A key without namespace and resend is the one that earlier releases made: a fax under way is still found.
    whose: list[object] = [dag_id, task_id, run_id, map_index, namespace, *([] if label is None else [label])]
    what = _digest([fax_number.e164, document_sha256, *([resend] if resend else [])])[:16]
    if idempotency_key is not None:
        whose = ["idempotency_key", idempotency_key, namespace]
        # Of such a key it must be told what differs. The recipient is never hashed alone: it could be guessed.
        what = _digest([document_sha256])[:8] + what[:8]
    return str(FaxKey(whose=_digest(whose)[:24], what=what))


def read_key(text: str) -> FaxKey | None:
    """Read a key out of a label that the vendor shows.

    :param text: the label. Capital letters and white space around it do no harm.
    :return: the key; ``None`` if the text is not one whole key and nothing else.
    """
    match = _KEY.fullmatch(text.strip())
    return FaxKey(match["whose"].lower(), match["what"].lower()) if match else None


def is_of_same_fax(key: str, other: str) -> bool:
    """Tell whether two keys have the same first part: the same fax, perhaps corrected, resent or rendered anew.

    :param key: a key, as :func:`logical_fax_key` made it.
    :param other: another one, or the same.
    :return: whether both are keys of the same fax. A text that is not a key is of the same fax as nothing, itself
        included.
    """
    one, another = read_key(key), read_key(other)
    return one is not None and another is not None and one.whose == another.whose


def describe_difference(key: str, other: str) -> str:
    """Say in what two keys of one ``idempotency_key`` differ.

    :param key: the key.
    :param other: another one with the same first part.
    :return: ``another document``, or ``the same document to another recipient``. Where the document differs, the
        keys do not tell whether the recipient does too.
    """
    one, another = read_key(key), read_key(other)
    is_same_document = one is not None and another is not None and one.what[:8] == another.what[:8]
    return "the same document to another recipient" if is_same_document else "another document"


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
