"""Send tasks whose number and document come in every way that Airflow renders."""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

settings = {"fax_conn_id": "interfax_default", "wait_for_completion": False}

with DAG("rendered_fields", schedule=None, params={"folder": "", "fax_number": ""}) as dag:
    SendFaxOperator(
        task_id="templated",
        fax_number="{{ params.fax_number }}",
        document="{{ params.folder }}/templated/letter.pdf",
        **settings,
    )
    SendFaxOperator(
        task_id="listed",
        fax_number="+1 202 555 0164",
        document=["{{ params.folder }}/listed/letter.pdf", "{{ params.folder }}/plain/letter.pdf"],
        **settings,
    )

    class FromPath(SendFaxOperator):
        """Gets its document as a path object, as a Python task would make it."""

        def _do_render_template_fields(self, parent, template_fields, context, *args, **kwargs):
            self.document = Path(context["params"]["folder"]) / "as_path" / "letter.pdf"
            super()._do_render_template_fields(parent, template_fields, context, *args, **kwargs)

    FromPath(task_id="as_path", fax_number="+1 202 555 0165", document="", **settings)

    @task
    def numbers() -> list[str]:
        return ["+1 202 555 0166", "+1 202 555 0167"]

    SendFaxOperator.partial(task_id="mapped", document="{{ params.folder }}/mapped/letter.pdf", **settings).expand(
        fax_number=numbers()
    )
