"""Wait for a fax that something else has sent, and branch on what became of it.

Start it with the fax job and the account's label in the configuration: ``{"job_id": "1234567", "account": "clinic"}``.
"""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))

# [START fax_branch_on_job]
# Who triggers the DAG chooses a label. The connections are yours.
ACCOUNTS = {"clinic": "interfax_default", "billing": "extrafax_default", "pharmacy": "faxto_default"}

with DAG(
    "fax_branch_on_job",
    schedule=None,
    params={
        "job_id": Param("", type="string", description="The fax job: the number that the vendor gave it."),
        "account": Param("clinic", type="string", enum=list(ACCOUNTS), description="The account that sent it."),
    },
    user_defined_macros={"accounts": ACCOUNTS},
    doc_md="Wait for a fax that something else has sent, and go on with the task for what became of it.",
    tags=["fax", "example"],
) as dag:
    wait = FaxStatusSensor(
        task_id="wait",
        job_id="{{ params.job_id }}",
        fax_conn_id="{{ accounts[params.account] }}",
        poke_interval=POLL_INTERVAL,
        mode="reschedule",
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        job_id="{{ params.job_id }}",
        fax_conn_id="{{ accounts[params.account] }}",
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
