"""Send a notice to everybody in a file, in one task; go on if enough have it, and post a letter to the others.

One task sends all, each fax once: thousands of mapped tasks would cost Airflow more than the faxes. A fax is told by
its label, so the file may grow and change its order between two runs. ``fax_many_recipients`` maps a task for each
recipient instead: choose that for a few dozen, where each has tasks of its own downstream.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxesOperator, labels_of

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_batch]
FILES = Path(__file__).parent / "files"

with DAG(
    "fax_batch",
    schedule=None,
    doc_md="Fax a notice to everybody in a file. Whoever does not get it by fax gets a letter.",
    tags=["fax", "example"],
) as dag:
    send = SendFaxesOperator(
        task_id="send",
        # A label and a number on each line. Numbers and accounts are yours; those in the file are the simulator's.
        faxes=str(FILES / "notices.csv"),
        document=str(FILES / "letter.pdf"),
        fax_conn_id="interfax_default",
        poll_interval=POLL_INTERVAL,
        lookup_grace=LOOKUP_GRACE,
        # What became of the faxes is for the tasks downstream to deal with.
        raise_on_failure=False,
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        status=send.output,
        min_success=0.75,
        follow_task_ids_if_success="enough_have_it",
        follow_task_ids_if_retryable="hand_to_person",
        follow_task_ids_if_fatal="hand_to_person",
    )

    @task
    def enough_have_it() -> str:
        return "At least three of four have it by fax."

    @task
    def hand_to_person() -> str:
        return "Too many do not have it: somebody has to look at it."

    @task
    def by_letter(result: dict[str, Any]) -> list[str]:
        return labels_of(result, ["retryable", "fatal", "unknown"])

    @task(map_index_template="{{ task.op_kwargs['label'] }}")
    def post(label: str) -> str:
        return f"Post a letter to {label}."

    branch >> [enough_have_it(), hand_to_person()]
    post.expand(label=by_letter(send.output))
# [END fax_batch]

if __name__ == "__main__":
    dag.test()
