"""The DAG whose tasks are tortured. What differs from round to round comes from the run's conf or the worker."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException

from airflow_provider_faxto.operators.fax import SendFaxesOperator, SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

# lookup_grace and the like are set on the task in the worker, from the round's plan.
SENDING: dict[str, Any] = {
    "fax_number": "{{ dag_run.conf['fax_number'] }}",
    "document": "{{ dag_run.conf['document'] }}",
    "fax_conn_id": "{{ dag_run.conf['fax_conn_id'] }}",
    "resend_partial": "{{ dag_run.conf.get('resend_partial', False) }}",
    "idempotency_key": "{{ dag_run.conf.get('idempotency_key', '') }}",
    "resend": "{{ dag_run.conf.get('resend', '') }}",
    "poll_interval": 0.1,
    "retries": 2,
    "retry_delay": 0,
}

BATCH: dict[str, Any] = {
    "faxes": "{{ dag_run.conf['faxes'] }}",
    "document": SENDING["document"],
    "fax_conn_id": SENDING["fax_conn_id"],
    "poll_interval": 0.1,
    "send_threads": 3,
    "retries": 2,
    "retry_delay": 0,
}

try:
    from airflow_provider_faxto.operators.retries import FaxRetryPolicy
except AirflowOptionalProviderFeatureException:
    POLICY: dict[str, Any] = {}
else:
    POLICY = {"retry_policy": FaxRetryPolicy()}

with DAG("torture", schedule=None):
    # The harness does not wait for the policy's delays; how many attempts there are is the policy's word.
    SendFaxOperator(task_id="poke", **SENDING, **POLICY)
    SendFaxOperator(task_id="deferrable", deferrable=True, **SENDING)
    SendFaxesOperator(task_id="batch", **BATCH)
    SendFaxesOperator(task_id="batch_deferrable", deferrable=True, **BATCH)
    FaxStatusSensor(
        task_id="wait",
        job_id="{{ ti.xcom_pull(task_ids='no_wait', key='job_id') }}",
        fax_conn_id=SENDING["fax_conn_id"],
        mode="reschedule",
        poke_interval=0.1,
        retries=2,
        retry_delay=0,
    ) << SendFaxOperator(task_id="no_wait", wait_for_completion=False, **SENDING)
