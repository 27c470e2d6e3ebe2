"""The key of a logical fax: what makes two runs of one task recognise the same fax at the vendor."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.numbers import FaxNumber

__all__ = ["KEY_PREFIX", "logical_fax_key"]

KEY_PREFIX = "airflow-"
"""What every key begins with, so that a person who reads the vendor's records knows where it came from."""


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
    makes another logical fax, with a key of its own, and so does the user's word to send once more.

    :param dag_id: the DAG.
    :param task_id: the task, with its group.
    :param run_id: the DAG run.
    :param map_index: the index of a mapped task instance; -1 if the task is not mapped.
    :param fax_number: the recipient.
    :param document_sha256: the hash of the document or documents; see
        :func:`~airflow_provider_faxto.fax.documents.combined_sha256`.
    :param resend: which resend on purpose this is; each text stands for one. Default: none.
    :return: 49 characters (InterFAX takes 60 in a reference) that tell nothing about what went in: the prefix,
        96 bits of a SHA-256 of whose fax it is, and 64 of what goes where. The second part is the same in every
        DAG run, so that the vendor's records can tell the same document to the same number.
    """
    whose = _digest(dag_id, task_id, run_id, map_index, resend)
    what = _digest(fax_number.e164, document_sha256)
    return f"{KEY_PREFIX}{whose[:24]}-{what[:16]}"


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
