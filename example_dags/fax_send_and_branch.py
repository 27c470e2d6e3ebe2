"""Send a fax with one task that waits by itself, and branch on its result.

``raise_on_failure=False`` makes the send task succeed whatever became of the fax; without it a failed fax fails
the task, and the branch downstream would never run.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_send_and_branch]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "busy-clinic": {"fax_number": "+1 202 555 0102", "document": LETTER, "fax_conn_id": "faxto_default"},
    "closed-clinic": {"fax_number": "+999-9999-6001", "document": LETTER, "fax_conn_id": "interfax_default"},
    "doubtful-clinic": {"fax_number": "+1 202 555 0108", "document": LETTER, "fax_conn_id": "faxto_default"},
}

with DAG(
    "fax_send_and_branch",
    schedule=None,
    params={"recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")},
    user_defined_macros={"recipients": RECIPIENTS},
    doc_md="Fax the letter to one recipient, wait, and go on with the task for what became of it.",
    tags=["fax", "example"],
) as dag:
    send = SendFaxOperator(
        task_id="send",
        fax_number="{{ recipients[params.recipient].fax_number }}",
        document="{{ recipients[params.recipient].document }}",
        fax_conn_id="{{ recipients[params.recipient].fax_conn_id }}",
        fax_label="{{ params.recipient }}",
        poll_interval=POLL_INTERVAL,
        lookup_grace=LOOKUP_GRACE,
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
