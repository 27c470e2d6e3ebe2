"""Send a fax, wait for its permanent status with a sensor, and branch on what became of it.

The send task only sends, so it ends within seconds; the sensor waits without a worker slot if the site's
``[operators] default_deferrable`` is on; the branch decides.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_send_wait_branch]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "busy-clinic": {"fax_number": "+1 202 555 0102", "document": LETTER, "fax_conn_id": "faxto_default"},
    "closed-clinic": {"fax_number": "+999-9999-6001", "document": LETTER, "fax_conn_id": "interfax_default"},
}

with DAG(
    "fax_send_wait_branch",
    schedule=None,
    params={"recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")},
    user_defined_macros={"recipients": RECIPIENTS},
    doc_md="Fax the letter to one recipient, wait with a sensor, and go on with the task for what became of it.",
    tags=["fax", "example"],
) as dag:
    send = SendFaxOperator(
        task_id="send",
        fax_number="{{ recipients[params.recipient].fax_number }}",
        document="{{ recipients[params.recipient].document }}",
        fax_conn_id="{{ recipients[params.recipient].fax_conn_id }}",
        fax_label="{{ params.recipient }}",
        lookup_grace=LOOKUP_GRACE,
        wait_for_completion=False,
    )
    wait = FaxStatusSensor(
        task_id="wait",
        job_id="{{ ti.xcom_pull(task_ids='send', key='job_id') }}",
        fax_conn_id="{{ recipients[params.recipient].fax_conn_id }}",
        poke_interval=POLL_INTERVAL,
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        status=wait.output,
        follow_task_ids_if_success="archive",
        follow_task_ids_if_retryable="send_later",
        follow_task_ids_if_fatal="hand_to_person",
    )

    @task
    def archive(status: dict) -> str:
        return f"Fax job {status['job_id']} was delivered: file the receipt."

    @task
    def send_later(status: dict) -> str:
        return f"Fax job {status['job_id']} failed ({status['cause']}): a later attempt may work."

    @task
    def hand_to_person(status: dict) -> str:
        return f"Fax job {status['job_id']} failed ({status['cause']}): somebody has to look at it."

    # The branches that are not taken are skipped, so the join must not ask that all of them succeed.
    @task(trigger_rule="none_failed_min_one_success")
    def done() -> None:
        print("The fax is dealt with, whatever became of it.")  # noqa: T201 - the task's log

    send >> wait
    branches = [archive(wait.output), send_later(wait.output), hand_to_person(wait.output)]
    branch >> branches >> done()
# [END fax_send_wait_branch]
