"""NAIVE, TO BE MEASURED, NOT TO BE USED: a send operator as one would write it first, and its DAG.

It posts in ``execute`` and leaves the rest to Airflow's ``retries``. There is no key and no look-up; everything
else (the HTTP client, the time-outs, the reading of answers) is the provider's own, so the figures differ by the
protocol alone.
"""

from __future__ import annotations

import time
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowException, BaseOperator

from airflow_provider_faxto.hooks.fax import FaxHook, Patience
from airflow_provider_faxto.sensors.fax import FaxStatusSensor


class NaiveSendFaxOperator(BaseOperator):
    """Post the fax, then ask until it has ended."""

    template_fields = ("fax_number", "document", "fax_conn_id")

    def __init__(self, *, fax_number: str, document: str, fax_conn_id: str, wait: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fax_number = fax_number
        self.document = document
        self.fax_conn_id = fax_conn_id
        self.wait = wait
        self.completion_timeout = 60.0

    def execute(self, context: Any) -> dict[str, Any]:
        """Send and wait.

        :param context: the task's context.
        :return: the status.
        """
        hook = FaxHook.for_connection(self.fax_conn_id, patience=Patience(read_attempts=1))
        job = hook.send_fax(self.fax_number, self.document)
        context["ti"].xcom_push(key="job_id", value=job.job_id)
        until = time.monotonic() + self.completion_timeout
        while self.wait:
            status = hook.get_status(job.job_id)
            if status.is_final or time.monotonic() > until:
                if status.outcome != "success":
                    raise AirflowException(f"Fax job {job.job_id}: {status.outcome}")
                return status.to_dict()
            time.sleep(0.1)
        return {"job_id": job.job_id, "outcome": "pending"}


SENDING: dict[str, Any] = {
    "fax_number": "{{ dag_run.conf['fax_number'] }}",
    "document": "{{ dag_run.conf['document'] }}",
    "fax_conn_id": "{{ dag_run.conf['fax_conn_id'] }}",
    "retries": 2,
    "retry_delay": 0,
}

# The same task ids as in the provider's own DAG, so that the same seed makes the same plan.
with DAG("naive", schedule=None):
    NaiveSendFaxOperator(task_id="poke", **SENDING)
    NaiveSendFaxOperator(task_id="deferrable", **SENDING)
    FaxStatusSensor(
        task_id="wait",
        job_id="{{ ti.xcom_pull(task_ids='no_wait', key='job_id') }}",
        fax_conn_id=SENDING["fax_conn_id"],
        mode="reschedule",
        poke_interval=0.1,
        retries=2,
        retry_delay=0,
    ) << NaiveSendFaxOperator(task_id="no_wait", wait=False, **SENDING)
