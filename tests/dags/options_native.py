"""Send tasks whose options are rendered to Python values."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator

settings = {
    "fax_number": "+999-9999-0",
    "document": str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf"),
    "fax_conn_id": "interfax_default",
    "wait_for_completion": False,
}

with DAG(
    "options_native", schedule=None, params={"all": {"page_size": "letter"}}, render_template_as_native_obj=True
) as dag:
    SendFaxOperator(
        task_id="values",
        options={"retries_at_vendor": "{{ 2 }}", "page_size": "{{ params['all'].page_size }}", "contact": "{{ none }}"},
        **settings,
    )
    SendFaxOperator(task_id="whole", options="{{ params['all'] }}", **settings)
    SendFaxOperator(task_id="nothing", options="{{ none }}", **settings)
