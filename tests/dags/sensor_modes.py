"""One sensor for each mode and each way in which a wait ends; the run's ``mode`` chooses which of them run."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.sensors.fax import FaxStatusSensor

MODES = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True},
}

with DAG("sensor_modes", schedule=None, params={"mode": "poke", "retryable": "", "fatal": ""}) as dag:

    @task.branch
    def choose(params: dict | None = None) -> list[str]:
        mode = (params or {})["mode"]
        return [f"{mode}_{name}" for name in ("retryable", "fatal", "raises", "no_job")]

    chosen = choose()
    for name, settings in MODES.items():
        common = {
            "poke_interval": 0.2,
            "retries": 2,
            "retry_delay": timedelta(0),
            "params": {},
            **settings,
        }
        chosen >> [
            FaxStatusSensor(
                task_id=f"{name}_retryable",
                job_id="{{ params.retryable }}",
                fax_conn_id="interfax_default",
                **common,
            ),
            FaxStatusSensor(task_id=f"{name}_fatal", job_id="{{ params.fatal }}", **common),
            FaxStatusSensor(task_id=f"{name}_raises", job_id="{{ params.fatal }}", raise_on_failure=True, **common),
            FaxStatusSensor(task_id=f"{name}_no_job", job_id="{{ none }}", **common),
        ]
