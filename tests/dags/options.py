"""Send tasks whose options come in every way that Airflow renders."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.fax import SendOptions
from airflow_provider_faxto.operators.fax import SendFaxOperator

settings = {
    "fax_number": "+999-9999-0",
    "document": str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf"),
    "fax_conn_id": "interfax_default",
    "wait_for_completion": False,
}
template = "{{ params.size }}"

with DAG("options", schedule=None, params={"size": "Letter", "all": {"page_size": "letter", "contact": None}}) as dag:
    SendFaxOperator(task_id="mapping", options={"page_size": template, "contact": "{{ none }}"}, **settings)
    SendFaxOperator(task_id="value", options=SendOptions(page_size=template), **settings)
    SendFaxOperator(task_id="text", options="{{ params.all }}", **settings)
    SendFaxOperator(task_id="json", options="{{ params.all | tojson }}", **settings)
    SendFaxOperator(task_id="nothing", options="{{ none }}", **settings)

    @task
    def made() -> dict[str, str]:
        # What another task made is data and no template.
        return {"page_size": "letter", "contact": "{{ 1 + 1 }}"}

    @task
    def several() -> list[dict[str, str]]:
        return [{"page_size": "letter"}, {"page_size": "LETTER", "contact": "{{ 1 + 1 }}"}]

    SendFaxOperator(task_id="from_task", options=made(), **settings)
    SendFaxOperator.partial(task_id="mapped_literal", **settings).expand(
        options=[{"page_size": template}, SendOptions(page_size="letter"), None]
    )
    SendFaxOperator.partial(task_id="mapped_task", **settings).expand(options=several())
    SendFaxOperator.partial(task_id="shared", options=SendOptions(page_size=template), **settings).expand(
        fax_label=["one"]
    )
