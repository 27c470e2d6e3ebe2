"""Senders of whatever numbers the run names, some of which wait deferred."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

with DAG("bad_numbers", schedule=None) as dag:

    @task
    def labels(task_id: str, **context: Any) -> list[str]:
        return list(context["dag_run"].conf["numbers"].get(task_id, []))

    for task_id, deferrable in (("worker", False), ("deferred", True)):
        SendFaxOperator.partial(
            task_id=task_id,
            fax_number="+999-9999-{{ task.fax_label }}",
            document="{{ dag_run.conf.file }}",
            fax_conn_id="{{ dag_run.conf.connection }}",
            resend="{{ dag_run.conf.resend }}",
            deferrable=deferrable,
            poll_interval=0.2,
            lookup_grace=1,
            raise_on_failure=False,
        ).expand(fax_label=labels.override(task_id=f"labels_{task_id}")(task_id))
