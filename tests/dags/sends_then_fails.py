"""A task whose first run sends its fax and then fails, so that Airflow runs it again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowException, task

from airflow_provider_faxto.operators.fax import SendFaxOperator


class FailsAfterSending(SendFaxOperator):
    def execute(self, context: Any) -> dict[str, Any]:
        told = super().execute(context)
        if context["ti"].try_number == 1:
            raise AirflowException("Something behind the send went wrong.")
        return told


with DAG(
    "sends_then_fails",
    schedule=None,
    params={"fax_number": "", "fax_conn_id": ""},
) as dag:
    send = FailsAfterSending(
        task_id="send",
        fax_number="{{ params.fax_number }}",
        document=str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf"),
        fax_conn_id="{{ params.fax_conn_id }}",
        wait_for_completion=False,
        retries=1,
        retry_delay=timedelta(0),
    )

    @task
    def behind(status: dict[str, Any], ti: Any = None) -> dict[str, str]:
        # A number would not be added to a text.
        return {"job_id": "id " + ti.xcom_pull(task_ids="send", key="job_id"), "status": "id " + status["job_id"]}

    behind(send.output)
