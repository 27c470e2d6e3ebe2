"""The result of a batch: the one outcome that it stands for, and the labels of each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.operators.batch_result import (
    iter_faxes,
    make_result,
    outcome_of_result,
    result_path,
    write_faxes,
)
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxesOperator, labels_of
from airflow_provider_faxto.operators.wiring import check_wiring_downstream

if TYPE_CHECKING:
    from pathlib import Path

BRANCHES = {
    "follow_task_ids_if_success": "enough",
    "follow_task_ids_if_retryable": "later",
    "follow_task_ids_if_fatal": "person",
}
WORST_FIRST = [FaxOutcome.PENDING, FaxOutcome.UNKNOWN, FaxOutcome.FATAL, FaxOutcome.RETRYABLE]


def faxes(*outcomes: FaxOutcome) -> list[tuple[str, FaxStatus]]:
    return [
        (f"fax-{number}", FaxStatus(vendor="interfax", job_id=str(number), outcome=outcome))
        for number, outcome in enumerate(outcomes)
    ]


@given(st.lists(st.sampled_from(FaxOutcome), max_size=12))
def test_a_result_stands_for_its_worst_outcome(outcomes: list[FaxOutcome]) -> None:
    result = make_result(faxes(*outcomes), None)
    worst = next((outcome for outcome in WORST_FIRST if outcome in outcomes), FaxOutcome.SUCCESS)
    assert result["outcome"] == worst
    assert outcome_of_result(result) is worst
    assert sum(result["counts"].values()) == result["total"] == len(outcomes)


@pytest.mark.parametrize(
    ("delivered", "min_success", "outcome"),
    [(98, 0.98, "success"), (97, 0.98, "fatal"), (100, 1.0, "success"), (99, 1.0, "fatal"), (1, 0.01, "success")],
)
def test_a_share_of_delivered_faxes_may_be_enough(delivered: int, min_success: float, outcome: str) -> None:
    told = [FaxOutcome.SUCCESS] * delivered + [FaxOutcome.FATAL] * (100 - delivered)
    assert outcome_of_result(make_result(faxes(*told), None), min_success) == outcome


def test_what_is_pending_is_never_enough() -> None:
    told = [FaxOutcome.SUCCESS] * 99 + [FaxOutcome.PENDING]
    assert outcome_of_result(make_result(faxes(*told), None), 0.5) is FaxOutcome.PENDING


def test_labels_are_given_by_outcome_and_by_cause(tmp_path: Path) -> None:
    busy = FaxStatus(vendor="interfax", job_id="7", outcome=FaxOutcome.RETRYABLE, cause=FaxCause.BUSY)
    told = [*faxes(FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE), ("busy", busy)]
    path = f"file://{tmp_path}/batches/result.jsonl"
    write_faxes(path, told)
    for result in (make_result(told, None), make_result(told, path)):
        assert labels_of(result, "retryable") == ["fax-1", "busy"]
        assert labels_of(result, [FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE], cause=FaxCause.BUSY) == ["busy"]
        assert [FaxStatus.from_dict(fax) for fax in iter_faxes(result)] == [status for _, status in told]
        for outcome, cause in (("delivered", None), ("success", "tired")):
            with pytest.raises(FaxInputError):
                labels_of(result, outcome, cause=cause)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"total": 1, "counts": {"success": 1}},
        {"total": 2, "counts": {"success": 1}, "faxes": []},
        {"total": 1, "counts": {"sent": 1}, "faxes": []},
        {"total": 1, "counts": {"success": 1}, "faxes": [], "path": "file:///x"},
        {"total": 1, "counts": [1], "faxes": []},
        {"total": 1, "counts": {"success": 1}, "path": "file:///nowhere/x.jsonl"},
    ],
)
def test_what_is_no_result_is_an_error(result: dict[str, Any]) -> None:
    with pytest.raises(FaxInputError):
        labels_of(result, "success")


def test_the_file_of_a_result_is_named_by_nothing_that_leads_elsewhere() -> None:
    ti = SimpleNamespace(dag_id="a/../b", task_id="group.send", run_id="manual__2026+../x", map_index=-1)
    path = result_path("/srv/faxes", ti)
    assert path is not None
    assert path.startswith("file:///srv/faxes/batches/a_.._b/group.send/")
    assert path.count("/") == "file:///srv/faxes/batches/a/b/c".count("/")
    assert result_path("s3://bucket", SimpleNamespace(**{**vars(ti), "map_index": 3})).endswith("-3.jsonl")
    assert result_path(None, ti) is None


@pytest.mark.parametrize("min_success", [0, -1, 1.1, True, "0.9", None])
def test_a_share_that_is_none_is_refused_when_the_dag_is_parsed(min_success: Any) -> None:
    with pytest.raises(FaxInputError, match="min_success"):
        FaxOutcomeBranchOperator(task_id="branch", status=0, min_success=min_success, **BRANCHES)


def branching(*, raises: bool) -> SendFaxesOperator:
    with DAG("faxes", schedule=None):
        send = SendFaxesOperator(task_id="send", faxes=[], raise_on_failure=raises)
        branch = FaxOutcomeBranchOperator(task_id="branch", status=send.output, **BRANCHES)
        branch >> [BaseOperator(task_id=name) for name in BRANCHES.values()]
    return send


def test_a_branch_that_a_failed_batch_would_keep_from_running_is_refused() -> None:
    with pytest.raises(FaxInputError, match="raise_on_failure=False on 'send'"):
        check_wiring_downstream(branching(raises=True), waits=True, raises_on_failure=True)


def test_a_branch_on_a_batch_that_returns_its_failures_is_fine() -> None:
    send = branching(raises=False)
    check_wiring_downstream(send, waits=True, raises_on_failure=False)
    assert send.downstream_task_ids == {"branch"}
