"""Faxes that go well and badly. Who gets them, and what, is known to the environment alone, never to Airflow."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxesOperator, SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

with DAG(
    "privacy",
    schedule=None,
    user_defined_macros={"private": lambda name: os.environ[f"PRIVATE_{name}"]},
    default_args={"retries": 1, "retry_delay": timedelta(0)},
) as dag:
    document = "{{ private('DOCUMENT') }}"
    settings = {"document": document, "poll_interval": 0.5, "lookup_grace": 1.0}

    SendFaxOperator.partial(
        task_id="mapped", fax_number="{{ private(task.fax_label) }}", raise_on_failure=False, **settings
    ).expand(fax_label=["DELIVERED", "BUSY"])

    send = SendFaxOperator(
        task_id="send",
        fax_number="{{ private('SLOW') }}",
        fax_conn_id="interfax_default",
        wait_for_completion=False,
        **settings,
    )
    wait = FaxStatusSensor(
        task_id="wait",
        job_id="{{ ti.xcom_pull(task_ids='send', key='job_id') }}",
        fax_conn_id="interfax_default",
        poke_interval=0.5,
        deferrable=True,
    )
    branch = FaxOutcomeBranchOperator(
        task_id="branch",
        status=wait.output,
        follow_task_ids_if_success="archive",
        follow_task_ids_if_retryable="later",
        follow_task_ids_if_fatal="later",
    )

    @task
    def archive(status: dict) -> dict:
        return status

    @task
    def later() -> None:
        """Do nothing."""

    send >> wait
    branch >> [archive(wait.output), later()]

    SendFaxesOperator(
        task_id="batch", faxes="{{ private('LIST') }}", deferrable=True, raise_on_failure=False, **settings
    )
    SendFaxesOperator(
        task_id="batch_as_text", faxes="{{ private('LIST_AS_TEXT') }}", raise_on_failure=False, **settings
    )
    SendFaxesOperator(task_id="batch_bad", faxes="{{ private('BAD_LIST') }}", **settings)
    SendFaxesOperator(task_id="batch_busy", faxes="{{ private('LIST') }}", **settings)

    fails = {
        "busy": {"fax_number": "{{ private('BUSY') }}"},
        "unreadable": {"fax_number": "{{ private('UNREADABLE') }}"},
        "refused": {"fax_number": "{{ private('REFUSED') }}"},
        "wrong_key": {"fax_number": "{{ private('DELIVERED') }}", "fax_conn_id": "wrong_key"},
        "wrong_password": {"fax_number": "{{ private('DELIVERED') }}", "fax_conn_id": "wrong_password"},
        "no_number": {"fax_number": "{{ private('NO_NUMBER') }}"},
        "nobody_there": {"fax_number": "{{ private('DELIVERED') }}", "fax_conn_id": "nobody_there"},
        "missing": {"fax_number": "{{ private('DELIVERED') }}", "document": "{{ private('MISSING') }}"},
        "unknown": {"fax_number": "{{ private('ENDLESS') }}", "completion_timeout": 1.0},
    }
    for name, arguments in fails.items():
        SendFaxOperator(task_id=name, **{**settings, **arguments})
    SendFaxOperator(
        task_id="lost_answer", fax_number="{{ private('QUICK') }}", fax_conn_id="extrafax_default", **settings
    )
    SendFaxOperator(
        task_id="as_path",
        fax_number="{{ private('QUICK') }}",
        fax_conn_id="interfax_default",
        wait_for_completion=False,
        **{**settings, "document": Path(os.environ.get("PRIVATE_OTHER", "/none.pdf"))},
    )
