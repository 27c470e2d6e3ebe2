"""Branching on what became of a fax: which way is taken, and what is refused before any is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, BaseOperator, TaskGroup, task_group
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.version import Version
from support.vendors import VENDORS

from airflow_provider_faxto.fax import FaxOutcome, FaxStatus, classify_code
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator
from airflow_provider_faxto.operators.targets import as_task_ids, expand_task_ids
from airflow_provider_faxto.operators.wiring import check_wiring_downstream

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

# apache/airflow#67265, open when 3.3.2 was the newest.
AIRFLOW_RUNS_EVERY_BRANCH = Version("3.2") <= Version(airflow_version) < Version("3.3.3")
BRANCHES = {
    "follow_task_ids_if_success": "archive",
    "follow_task_ids_if_retryable": "later",
    "follow_task_ids_if_fatal": "person",
}


def branch(**kwargs: Any) -> FaxOutcomeBranchOperator:
    return FaxOutcomeBranchOperator(task_id="branch", **{**BRANCHES, **kwargs})


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


@pytest.mark.airflow
def test_in_real_airflow_every_kind_of_status_takes_its_branch_and_is_pushed(
    run_dag: Callable[..., Any], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    jobs = {
        "from_job_success": ("extrafax", fax_job("extrafax", "+999-9999-0")),
        "from_job_retryable": ("interfax", fax_job("interfax", "+999-9999-263")),
        "from_job_fatal": ("faxto", fax_job("faxto", "+1 202 555 0104")),
        "bad_job": ("faxto", "4711"),
    }
    fax_connections.finish()
    # However long the DAG run takes, this one does not end.
    jobs["bad_pending_job"] = ("interfax", fax_job("interfax", "+1 202 555 0106"))
    conf = {f"{name}_id": job_id for name, (_, job_id) in jobs.items()}
    conf |= {f"{name}_conn": f"{vendor}_default" for name, (vendor, _) in jobs.items()}
    dag_run = run_dag("tests/dags/branching.py", conf)
    ended = states(dag_run)
    names = sorted(task_id for task_id in ended if f"{task_id}.join" in ended)
    assert len(names) == 28
    for name in names:
        behind = {outcome: ended[f"{name}.{outcome}"] for outcome in ("success", "retryable", "fatal")}
        if name.startswith("bad_"):
            assert (ended[name], set(behind.values())) == ("failed", {"upstream_failed"}), name
            continue
        # Nobody named a branch for unknown, which then follows fatal.
        taken = name.rpartition("_")[2].replace("unknown", "fatal")
        assert ended[name] == "success", name
        assert behind == {outcome: "success" if outcome == taken else "skipped" for outcome in behind}, name
        assert ended[f"{name}.join"] == "success", name
    assert {name: state for name, state in ended.items() if name.startswith("several")} == {
        "several": "success",
        "several_a": "skipped",
        "several_b": "skipped",
        "several_c": "success",
        "several_group.first": "success",
        "several_group.second": "success",
        "several_group.other": "success",
    }
    pushed = {
        ti.task_id: [ti.xcom_pull(task_ids=ti.task_id, key=key) for key in ("outcome", "cause")]
        for ti in dag_run.get_task_instances()
        if ti.task_id in names
    }
    assert pushed["dict_retryable"] == ["retryable", "busy"]
    assert pushed["json_retryable"] == ["retryable", "no_answer"]
    assert pushed["from_job_fatal"] == ["fatal", "rendering"]
    assert pushed["code_success"] == ["success", None]
    assert pushed["code_unknown"] == ["unknown", "unspecified"]
    assert pushed["bad_pending"] == [None, None]


@pytest.mark.airflow
def test_in_real_airflow_each_instance_of_a_mapped_group_takes_its_own_branch_or_none(
    run_dag: Callable[..., Any], fax_connections: Any
) -> None:
    dag_run = run_dag("tests/dags/branching_in_mapped_group.py")
    ended = {(ti.task_id.removeprefix("follow."), ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}
    ran = {key for key, state in ended.items() if state == "success"} - {("told", -1)}
    if AIRFLOW_RUNS_EVERY_BRANCH:
        assert ran == set()
        assert {ended["branch", index] for index in range(4)} == {"failed"}
    else:
        branched = {("branch", index) for index in range(4)}
        assert ran - branched == {("archive", 0), ("later", 1), ("person", 2), ("person", 3)}
        assert str(dag_run.state) == "success"


@pytest.mark.skipif(not AIRFLOW_RUNS_EVERY_BRANCH, reason="this Airflow runs the right branch in a mapped task group")
def test_a_branch_in_a_mapped_group_is_refused_before_anything_is_sent_where_airflow_gets_it_wrong() -> None:
    with DAG("faxes", schedule=None):
        send = BaseOperator(task_id="send")

        @task_group
        def follow(status: int) -> None:
            branch(status=status) >> [BaseOperator(task_id=name) for name in BRANCHES.values()]

        send >> follow.expand(status=[0, 263])
    with pytest.raises(FaxInputError, match=r"'follow\.branch' cannot branch inside a mapped task group"):
        check_wiring_downstream(send, waits=True, raises_on_failure=False)


@pytest.mark.parametrize("given_", [{}, {"status": 0, "job_id": "1"}, {"status": None, "job_id": None}])
def test_not_exactly_one_of_status_and_job_id_is_refused_when_the_dag_is_parsed(given_: dict[str, Any]) -> None:
    with pytest.raises(FaxInputError, match="exactly one of status and job_id"):
        branch(**given_)


@pytest.mark.parametrize("argument", [*BRANCHES, "follow_task_ids_if_unknown"])
@pytest.mark.parametrize("value", ["", [], [""], ["archive", None], [1], ()])
def test_a_branch_that_is_no_task_id_is_refused_when_the_dag_is_parsed(argument: str, value: Any) -> None:
    with pytest.raises(FaxInputError, match=argument):
        branch(status=0, **{argument: value})


def test_a_branch_may_be_given_as_any_iterable_of_ids() -> None:
    assert as_task_ids("x", "archive") == ["archive"]
    for several in (["a", "b"], ("a", "b"), {"a": 1, "b": 2}, iter("ab")):
        assert as_task_ids("x", several) == ["a", "b"]


@given(st.integers())
@example(0)
@example(-1)
def test_a_code_branches_as_the_table_says(code: int) -> None:
    outcome, _ = branch(status=code)._resolve()
    assert outcome is classify_code(code)
    if -(10**9) < code < 10**9:
        assert branch(status=str(code))._resolve()[0] is outcome


@given(st.text())
@example("{[]: 1}")
@example("0x0")
@example("0_0")
@example("-0")
@example("00")
@example("\N{ARABIC-INDIC DIGIT ZERO}")
@example("0.0")
@example("0e0")
@example("[" * 5000)
@example("9" * 5000)
@example('"0"')
@example("null")
@example('{"vendor": "faxto", "job_id": "1", "outcome": "SUCCESS"}')
def test_no_other_text_is_ever_taken_for_a_delivered_fax(text: str) -> None:
    try:
        outcome, _ = branch(status=text)._resolve()
    except FaxInputError:
        return
    assert outcome is not FaxOutcome.SUCCESS or text.strip() == "0"


@given(
    st.builds(
        FaxStatus,
        vendor=st.sampled_from(VENDORS),
        job_id=st.text(min_size=1),
        outcome=st.sampled_from(FaxOutcome),
        message=st.none() | st.text(),
    )
)
def test_a_status_is_read_however_a_template_has_written_it(status: FaxStatus) -> None:
    plain = status.to_dict()
    for given_ in (plain, json.dumps(plain), f" {plain} "):
        assert branch(status=given_)._resolve() == (status.outcome, status.cause)


def test_the_message_for_what_is_no_status_says_what_it_is() -> None:
    with pytest.raises(
        FaxInputError, match="neither what a sensor or send operator returned nor a status code, but str"
    ):
        branch(status="None")._resolve()


# Where the branches lead


def test_a_group_stands_for_the_tasks_it_begins_with() -> None:
    with DAG("faxes", schedule=None):
        task = branch(status=0)
        with TaskGroup("outer") as outer:
            with TaskGroup("inner"):
                BaseOperator(task_id="one") >> BaseOperator(task_id="two")
            BaseOperator(task_id="three")
        task >> [outer, *(BaseOperator(task_id=name) for name in BRANCHES.values())]
    assert sorted(expand_task_ids(task, ["archive", "outer"], "x")) == ["archive", "outer.inner.one", "outer.three"]


@pytest.mark.parametrize(
    ("task_id", "message"),
    [
        ("nobody", "'nobody', which is no task of DAG 'faxes'.*Downstream of it: archive, later, person"),
        ("further", "'further'.*is not directly downstream of it. Add branch >> further"),
        ("before", "'before'.*is not directly downstream of it"),
        ("inner", "'inner', which is no task.*group.task"),
        ("group", "'group'.*is not directly downstream of it"),
    ],
)
def test_a_branch_that_leads_nowhere_is_named_with_what_to_do(task_id: str, message: str) -> None:
    with DAG("faxes", schedule=None):
        task = branch(status=0)
        later = BaseOperator(task_id="later")
        BaseOperator(task_id="before") >> task
        task >> [later, BaseOperator(task_id="archive"), BaseOperator(task_id="person")]
        later >> BaseOperator(task_id="further")
        with TaskGroup("group"):
            BaseOperator(task_id="inner")
    with pytest.raises(FaxInputError, match=message):
        expand_task_ids(task, [task_id], "follow_task_ids_if_success")


def test_branches_that_lead_somewhere_are_no_reason_not_to_send() -> None:
    with DAG("faxes", schedule=None):
        first = BaseOperator(task_id="send")
        between = BaseOperator(task_id="wait")
        targets = [BaseOperator(task_id=name) for name in BRANCHES.values()]
        first >> between >> branch(status=0) >> targets
    check_wiring_downstream(first, waits=True, raises_on_failure=False)


def test_a_branch_before_the_sending_task_is_not_its_business() -> None:
    with DAG("faxes", schedule=None):
        send = BaseOperator(task_id="send")
        branch(status=0) >> send
    check_wiring_downstream(send, waits=True, raises_on_failure=False)
