"""The DAG whose tasks wait while their triggerer is killed. Each run of it is one fax."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator

with DAG("waiting", schedule=None):
    SendFaxOperator(
        task_id="send",
        fax_number="{{ dag_run.conf['fax_number'] }}",
        document="{{ dag_run.conf['document'] }}",
        fax_conn_id="{{ dag_run.conf['fax_conn_id'] }}",
        deferrable=True,
        poll_interval=2,
        completion_timeout=3600,
        retries=2,
        retry_delay=0,
    )
