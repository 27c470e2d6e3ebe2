"""The same faxes, in one task and mapped."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxesOperator, SendFaxOperator

COMMON = {
    "document": "{{ dag_run.conf['document'] }}",
    "fax_conn_id": "bench",
    "poll_interval": 5,
    "deferrable": True,
    "raise_on_failure": False,
}

with DAG("batch", schedule=None):
    SendFaxesOperator(
        task_id="send",
        faxes="{{ dag_run.conf['faxes'] }}",
        result_path="{{ dag_run.conf['results'] }}",
        **COMMON,
    )

with DAG("mapped", schedule=None):

    @task
    def labels(dag_run=None) -> list[str]:
        return [f"customer-{number}" for number in range(dag_run.conf["number"])]

    SendFaxOperator.partial(
        task_id="send",
        fax_number="{{ dag_run.conf['fax_number'] }}",
        map_index_template="{{ task.fax_label }}",
        **COMMON,
    ).expand(fax_label=labels())
