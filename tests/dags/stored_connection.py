"""Send a fax and leave the wait to a trigger, over a connection that stands in Airflow's database alone."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator

with DAG("stored_connection", schedule=None) as dag:
    SendFaxOperator(
        task_id="send",
        fax_number="+999-9999-0",
        document=str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf"),
        fax_conn_id="stored_interfax",
        poll_interval=1,
        completion_timeout=60,
        deferrable=True,
    )
