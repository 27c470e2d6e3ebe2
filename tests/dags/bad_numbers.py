"""A sender of whatever number the run names."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator

with DAG("bad_numbers", schedule=None) as dag:
    for task_id, deferrable in (("worker", False), ("deferred", True)):
        SendFaxOperator(
            task_id=task_id,
            fax_number="{{ dag_run.conf.numbers[task.task_id] }}",
            document="{{ dag_run.conf.file }}",
            fax_conn_id="{{ dag_run.conf.connection }}",
            resend="{{ dag_run.conf.resend }}",
            deferrable=deferrable,
            poll_interval=0.2,
            lookup_grace=1,
            raise_on_failure=False,
        )
