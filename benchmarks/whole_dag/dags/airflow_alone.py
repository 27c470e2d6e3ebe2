"""Airflow's own part: a task that defers once to Airflow's own trigger and returns, and a branch that only chooses."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseBranchOperator, BaseOperator

# Airflow 3.3.2 can fail a task whose trigger fires while the worker that deferred is still on its way out.
SECONDS = 11


class DeferOnce(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=SECONDS)), method_name="execute_complete")

    def execute_complete(self, context, event):
        return str(event)


class Choose(BaseBranchOperator):
    def choose_branch(self, context):
        return "delivered"


with DAG("airflow_alone", schedule=None):
    branch = Choose(task_id="branch")
    DeferOnce(task_id="send") >> branch
    branch >> [EmptyOperator(task_id=task_id) for task_id in ("delivered", "send_later", "hand_to_person")]
