"""Send tasks whose number and documents a native template, or a mapped task, makes something else than a text of.

No whole number stands here, since Airflow stores a DAG's source in the clear.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

LETTER = str(Path(__file__).resolve().parents[2] / "example_dags" / "files" / "letter.pdf")
VALUES = {
    "whole": "{{ 1202555 * 10000 + 170 }}",
    "fraction": "{{ 1202555 * 10000 + 171 + 0.5 }}",
    "list": "{{ [1202555 * 10000 + 172, [1202555 * 10000 + 173]] }}",
    "mapping": "{{ {'to': 1202555 * 10000 + 174} }}",
    "nested_texts": "{{ [['+1 202 ' ~ '555 0175']] }}",
}
settings = {"fax_conn_id": "interfax_default", "wait_for_completion": False}

with DAG("template_types", schedule=None, render_template_as_native_obj=True) as dag:
    for name, template in VALUES.items():
        SendFaxOperator(task_id=f"number_{name}", fax_number=template, document=LETTER, **settings)
        SendFaxOperator(task_id=f"document_{name}", fax_number="+999-9999-0", document=template, **settings)

    @task
    def page(number: int) -> str:
        return LETTER

    pages = page.expand(number=[1, 2])
    # The quotes are the template's own, which native rendering takes off.
    SendFaxOperator(task_id="mapped_pages", fax_number="'+{{ 1202555 * 10000 + 177 }}'", document=pages, **settings)
