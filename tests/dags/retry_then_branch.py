"""A sender that raises, so that Airflow's retries apply, and a branch that runs whatever became of it."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

with DAG("retry_then_branch", schedule=None, params={"document": ""}) as dag:
    send = SendFaxOperator(
        task_id="send",
        fax_number="+1 202 555 0102",
        document="{{ params.document }}",
        poll_interval=1,
        lookup_grace=1,
        retries=1,
        retry_delay=timedelta(seconds=0),
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        status=send.output,
        trigger_rule="all_done",
        follow_task_ids_if_success="archive",
        follow_task_ids_if_retryable="later",
        follow_task_ids_if_fatal="person",
    )

    @task
    def follow_up() -> None:
        """Do nothing."""

    branch >> [follow_up.override(task_id=name)() for name in ("archive", "later", "person")]
