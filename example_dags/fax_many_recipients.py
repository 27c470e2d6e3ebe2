"""Send one document to many recipients, a mapped task for each, and sum up what became of them.

Start it with the recipients in the configuration, each under a label of yours:
``{"fax_numbers": {"clinic-1": "+1 202 555 0100", "clinic-2": "+1 202 555 0102"}}``. The tasks are mapped over the
labels and look their number up with it, since Airflow keeps what a task is mapped over in XCom, in the clear.

Each mapped task is a logical fax of its own: clearing one of them looks that one up and leaves the others alone.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))

# [START fax_many_recipients]
with DAG(
    "fax_many_recipients",
    schedule=None,
    params={
        "fax_numbers": {"clinic-1": "+1 202 555 0100", "clinic-2": "+1 202 555 0102"},
        "document": str(Path(__file__).parent / "files" / "report.pdf"),
        "fax_conn_id": "faxto_default",
    },
    tags=["fax", "example"],
) as dag:

    @task
    def labels(params: dict | None = None) -> list[str]:
        return list((params or {})["fax_numbers"])

    send = SendFaxOperator.partial(
        task_id="send",
        fax_number="{{ params.fax_numbers[task.fax_label] }}",
        document="{{ params.document }}",
        fax_conn_id="{{ params.fax_conn_id }}",
        poll_interval=POLL_INTERVAL,
        # One failed fax shall not keep the summary from running.
        raise_on_failure=False,
        # Many calls at once to one account end as busy signals of our own making.
        max_active_tis_per_dagrun=4,
        map_index_template="{{ task.fax_label }}",
    ).expand(fax_label=labels())

    @task(trigger_rule="all_done")
    def summarise(statuses: list[dict]) -> dict[str, int]:
        return dict(Counter(status["outcome"] for status in statuses))

    summarise(send.output)
# [END fax_many_recipients]
