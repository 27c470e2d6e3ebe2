"""Send a fax, wait for its permanent status with a sensor, and branch on what became of it.

The send task only sends, so it ends within seconds; the sensor waits without a worker slot if the site's
``[operators] default_deferrable`` is on; the branch decides.

Start it with a configuration such as
``{"fax_number": "+1 202 555 0100", "fax_conn_id": "faxto_default", "document": "s3://bucket/letter.pdf"}``.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

# A minute is right for a real vendor. Against the simulator, whose clock runs faster, one asks more often.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))

# [START fax_send_wait_branch]
with DAG(
    "fax_send_wait_branch",
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
        wait_for_completion=False,
    )
    wait = FaxStatusSensor(
        task_id="wait",
        job_id="{{ ti.xcom_pull(task_ids='send', key='job_id') }}",
        fax_conn_id="{{ params.fax_conn_id }}",
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
