"""A task for each way to wait. None is run: they only wait."""

from __future__ import annotations

from airflow.sdk import DAG, BaseOperator

with DAG("fax_chaos", schedule=None):
    for way in ("faxto", "http", "dbt"):
        BaseOperator(task_id=way)
