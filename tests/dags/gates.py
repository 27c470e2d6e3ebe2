"""A sender and a task of somebody's own, both of whatever number, file and connection the run names."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

run = "{{ dag_run.conf.%s }}"

with DAG("gates", schedule=None) as dag:
    SendFaxOperator(
        task_id="operator",
        fax_number=run % "number",
        document=run % "file",
        fax_conn_id=run % "connection",
        poll_interval=0.2,
        lookup_grace=1,
        raise_on_failure=False,
    )

    @task
    def own(**context: Any) -> str:
        from airflow_provider_faxto.exceptions import FaxNotAllowedError
        from airflow_provider_faxto.hooks.fax import FaxHook

        conf = context["dag_run"].conf
        try:
            return FaxHook.for_connection(conf["connection"]).send_fax(conf["number"], conf["file"]).job_id
        except FaxNotAllowedError as refusal:
            return str(refusal)

    own()
