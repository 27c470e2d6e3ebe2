"""Wait for a fax that something else has sent, and branch on what became of it.

Start it with the fax job in the configuration: ``{"job_id": "1234567", "fax_conn_id": "interfax_default"}``.
"""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))

# [START fax_branch_on_job]
with DAG(
    "fax_branch_on_job",
    schedule=None,
    params={"job_id": "", "fax_conn_id": "interfax_default"},
    tags=["fax", "example"],
) as dag:
    wait = FaxStatusSensor(
        task_id="wait",
        job_id="{{ params.job_id }}",
        fax_conn_id="{{ params.fax_conn_id }}",
        poke_interval=POLL_INTERVAL,
        mode="reschedule",
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        job_id="{{ params.job_id }}",
        fax_conn_id="{{ params.fax_conn_id }}",
        follow_task_ids_if_success="delivered",
        follow_task_ids_if_retryable="failed_for_now",
        follow_task_ids_if_fatal="failed_for_good",
    )

    @task
    def delivered() -> str:
        return "The fax was delivered."

    @task
    def failed_for_now() -> str:
        return "The fax failed; a later attempt may work."

    @task
    def failed_for_good() -> str:
        return "The fax failed; no attempt will work."

    wait >> branch >> [delivered(), failed_for_now(), failed_for_good()]
# [END fax_branch_on_job]
