"""A branch within a mapped task group: each of its instances takes a way of its own."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator

with DAG("branching_in_mapped_group", schedule=None) as dag:

    @task
    def told() -> list[int]:
        return [0, 263, 6001, 4711]

    @task
    def note() -> None:
        """Do nothing."""

    @task_group
    def follow(status: int) -> None:
        branch = FaxOutcomeBranchOperator(
            task_id="branch",
            status=status,
            follow_task_ids_if_success="follow.archive",
            follow_task_ids_if_retryable="follow.later",
            follow_task_ids_if_fatal="follow.person",
        )
        branch >> [note.override(task_id=name)() for name in ("archive", "later", "person")]

    follow.expand(status=told())
