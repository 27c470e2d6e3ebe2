"""A branch for each kind of status, with a task behind each of its branches and a join that runs whatever was taken."""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseOperator, TaskGroup

from airflow_provider_faxto.fax import FaxStatus
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator


class Nothing(BaseOperator):
    def execute(self, context: Any) -> None:
        """Do nothing."""


def status(outcome: str, **fields: Any) -> dict[str, Any]:
    return FaxStatus.from_dict({"vendor": "interfax", "job_id": "1", "outcome": outcome, **fields}).to_dict()


STATUSES: dict[str, Any] = {
    "dict_success": status("success"),
    "dict_retryable": status("retryable", cause="busy", code=6017),
    "dict_fatal": status("fatal", cause="rendering"),
    "dict_unknown": status("unknown"),
    "code_success": 0,
    "code_retryable": 263,
    "code_fatal": 6001,
    "code_unknown": 4711,
    "text_success": " 0 ",
    "text_retryable": "263",
    "text_unknown": "4711",
    "json_retryable": json.dumps(status("retryable", cause="no_answer")),
    "printed_fatal": str(status("fatal", cause="rendering")),
    "from_job_success": None,
    "from_job_retryable": None,
    "from_job_fatal": None,
    "bad_pending": status("pending"),
    "bad_pending_code": -3,
    "bad_pending_job": None,
    "bad_text": "delivered",
    "bad_none": "None",
    "bad_hexadecimal": "0x0",
    "bad_float": 0.0,
    "bad_bool": False,
    "bad_list": [status("success")],
    "bad_dict": {"outcome": "success"},
    "bad_word": {**status("success"), "outcome": "Success"},
    "bad_job": None,
}

with DAG(
    "branching",
    schedule=None,
    params={f"{name}_{what}": "" for name, given in STATUSES.items() if given is None for what in ("id", "conn")},
) as dag:
    for name, given in STATUSES.items():
        source: dict[str, Any] = {"status": given}
        if given is None:
            source = {"job_id": f"{{{{ params.{name}_id }}}}", "fax_conn_id": f"{{{{ params.{name}_conn }}}}"}
        branch = FaxOutcomeBranchOperator(
            task_id=name,
            follow_task_ids_if_success=f"{name}.success",
            follow_task_ids_if_retryable=f"{name}.retryable",
            follow_task_ids_if_fatal=f"{name}.fatal",
            **source,
        )
        with TaskGroup(name + "_", prefix_group_id=False):
            targets = [Nothing(task_id=f"{name}.{outcome}") for outcome in ("success", "retryable", "fatal")]
        join = Nothing(task_id=f"{name}.join", trigger_rule="none_failed_min_one_success")
        branch >> targets >> join

    several = FaxOutcomeBranchOperator(
        task_id="several",
        status=4711,
        follow_task_ids_if_success=("several_a", "several_b"),
        follow_task_ids_if_retryable="several_a",
        follow_task_ids_if_fatal="several_b",
        follow_task_ids_if_unknown=["several_c", "several_group"],
    )
    with TaskGroup("several_group") as group:
        Nothing(task_id="first") >> Nothing(task_id="second")
        Nothing(task_id="other")
    several >> [*(Nothing(task_id=f"several_{letter}") for letter in "abc"), group]
