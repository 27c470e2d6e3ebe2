"""The provider's way: one task sends the fax and waits, one branches. With a worker's slot while it waits, or without.

The branches are empty tasks, which the scheduler ends without a worker, here and in the other DAGs.
"""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

PARAMS = {"fax_number": "", "document": "", "poll_interval": 5}

for dag_id, deferrable in (("ours", True), ("ours_poke", False)):
    with DAG(dag_id, schedule=None, params=PARAMS):
        send = SendFaxOperator(
            task_id="send",
            fax_number="{{ params.fax_number }}",
            document="{{ params.document }}",
            fax_conn_id="interfax_default",
            poll_interval=PARAMS["poll_interval"],
            deferrable=deferrable,
            raise_on_failure=False,
        )
        branch = FaxOutcomeBranchOperator(
            task_id="branch",
            status=send.output,
            follow_task_ids_if_success="delivered",
            follow_task_ids_if_retryable="send_later",
            follow_task_ids_if_fatal="hand_to_person",
        )
        branch >> [EmptyOperator(task_id=task_id) for task_id in ("delivered", "send_later", "hand_to_person")]
