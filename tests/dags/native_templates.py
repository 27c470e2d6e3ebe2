"""A DAG whose templates render to Python values, which makes a number of ``+12025550100``."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator

with DAG("native_templates", schedule=None, params={"fax_number": ""}, render_template_as_native_obj=True) as dag:
    SendFaxOperator(
        task_id="send",
        fax_number="{{ params.fax_number }}",
        document=str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf"),
        fax_conn_id="interfax_default",
        wait_for_completion=False,
    )
