"""Example DAGs with recipients of a test's own, as an author would write them into the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LETTER = str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf")


def recipient(fax_conn_id: str, fax_number: str, document: str = LETTER) -> dict[str, str]:
    """Make an entry of an example's ``RECIPIENTS``."""
    return {"fax_number": fax_number, "document": document, "fax_conn_id": fax_conn_id}


def set_recipients(namespace: Mapping[str, Any], recipients: Mapping[str, Mapping[str, str]]) -> None:
    """Put a test's recipients in place of those of an example's file, and of those that its form offers."""
    namespace["RECIPIENTS"].clear()
    namespace["RECIPIENTS"].update(recipients)
    dag = namespace["dag"]
    # Airflow gives each task a copy of the DAG's parameters.
    for holder in (dag, *dag.tasks):
        for name in {"recipient", "recipients"} & set(holder.params):
            parameter = holder.params.get_param(name)
            choice = parameter.schema.get("items", parameter.schema)
            choice["enum"][:] = list(recipients)
            parameter.value = list(recipients) if name == "recipients" else next(iter(recipients))
