"""Send a fax with one task that waits by itself, and branch on its result.

``raise_on_failure=False`` makes the send task succeed whatever became of the fax; without it a failed fax fails
the task, and the branch downstream would never run.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))

# [START fax_send_and_branch]
with DAG(
    "fax_send_and_branch",
    schedule=None,
    params={
        "fax_number": "+1 202 555 0100",
        "document": str(Path(__file__).parent / "files" / "letter.pdf"),
        "fax_conn_id": "faxto_default",
    },
    tags=["fax", "example"],
) as dag:
    send = SendFaxOperator(
        task_id="send",
        fax_number="{{ params.fax_number }}",
        document="{{ params.document }}",
        fax_conn_id="{{ params.fax_conn_id }}",
        poll_interval=POLL_INTERVAL,
        raise_on_failure=False,
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        status=send.output,
        follow_task_ids_if_success="archive",
        follow_task_ids_if_retryable="send_later",
        follow_task_ids_if_fatal="hand_to_person",
        follow_task_ids_if_unknown="ask_the_vendor",
    )

    @task
    def archive() -> str:
        return "Delivered: file the receipt."

    @task
    def send_later() -> str:
        return "A later attempt may work."

    @task
    def hand_to_person() -> str:
        return "No attempt will work: somebody has to look at it."

    @task
    def ask_the_vendor() -> str:
        return "It is not known whether it arrived: ask before anything is sent again."

    @task(trigger_rule="none_failed_min_one_success")
    def done() -> None:
        print("The fax is dealt with, whatever became of it.")  # noqa: T201 - the task's log

    branch >> [archive(), send_later(), hand_to_person(), ask_the_vendor()] >> done()
# [END fax_send_and_branch]
