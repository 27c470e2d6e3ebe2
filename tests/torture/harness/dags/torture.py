"""The DAG whose tasks are tortured. What differs from round to round comes from the run's conf or the worker."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

# lookup_grace and the like are set on the task in the worker, from the round's plan.
SENDING: dict[str, Any] = {
    "fax_number": "{{ dag_run.conf['fax_number'] }}",
    "document": "{{ dag_run.conf['document'] }}",
    "fax_conn_id": "{{ dag_run.conf['fax_conn_id'] }}",
    "poll_interval": 0.1,
    "retries": 2,
    "retry_delay": 0,
}

with DAG("torture", schedule=None):
    SendFaxOperator(task_id="poke", **SENDING)
    SendFaxOperator(task_id="deferrable", deferrable=True, **SENDING)
    FaxStatusSensor(
        task_id="wait",
        job_id="{{ ti.xcom_pull(task_ids='no_wait', key='job_id') }}",
        fax_conn_id=SENDING["fax_conn_id"],
        mode="reschedule",
        poke_interval=0.1,
        retries=2,
        retry_delay=0,
    ) << SendFaxOperator(task_id="no_wait", wait_for_completion=False, **SENDING)
