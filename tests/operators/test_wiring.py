"""A DAG in which what became of a fax cannot be branched on is refused before the fax goes out; any other is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, BaseOperator, TaskGroup, task_group
from packaging.version import Version

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator
from airflow_provider_faxto.operators.wiring import check_wiring_downstream
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

BRANCHES = {
    "follow_task_ids_if_success": "archive",
    "follow_task_ids_if_retryable": "later",
    "follow_task_ids_if_fatal": "person",
}
JOB_OF_SEND = "{{ ti.xcom_pull(task_ids='send', key='job_id') }}"


@pytest.fixture(autouse=True)
def dag() -> Iterator[DAG]:
    with DAG("faxes", schedule=None) as made:
        yield made


def sender(task_id: str = "send", **kwargs: Any) -> SendFaxOperator:
    kwargs = {"raise_on_failure": False, **kwargs}
    return SendFaxOperator(task_id=task_id, fax_number="+1 202 555 0100", document="letter.pdf", **kwargs)


def branch(status: Any, task_id: str = "branch", **kwargs: Any) -> FaxOutcomeBranchOperator:
    return FaxOutcomeBranchOperator(task_id=task_id, status=status, **{**BRANCHES, **kwargs})


def tasks(*names: str, **kwargs: Any) -> list[BaseOperator]:
    return [BaseOperator(task_id=name, **kwargs) for name in names or BRANCHES.values()]


def check(send: SendFaxOperator) -> None:
    check_wiring_downstream(send, waits=send.wait_for_completion, raises_on_failure=send.raise_on_failure)


# Mapped


def test_a_mapped_branch_is_refused() -> None:
    send = sender()
    mapped = FaxOutcomeBranchOperator.partial(task_id="branch", **BRANCHES).expand(status=[0, 263])
    send >> mapped >> tasks()
    with pytest.raises(FaxInputError, match=r"'branch' cannot branch since it is mapped.*fax_many_recipients"):
        check(send)


@pytest.mark.parametrize("kind", ["task", "group"])
def test_a_branch_to_what_is_mapped_is_refused_before_airflow_3_2(kind: str) -> None:
    send = sender()
    if kind == "task":
        later: Any = SendFaxOperator.partial(task_id="later", document="letter.pdf").expand(fax_number=["1", "2"])
    else:

        @task_group(group_id="later")
        def group(status: int) -> None:
            BaseOperator(task_id="work", doc=str(status))

        later = group.expand(status=[1, 2])
    send >> branch(send.output) >> [later, *tasks("archive", "person")]
    if Version(airflow_version) >= Version("3.2"):
        check(send)
    else:
        with pytest.raises(FaxInputError, match=r"which is mapped: Airflow before 3.2 runs it"):
            check(send)


def test_a_mapped_sender_may_have_one_task_downstream_that_decides() -> None:
    sent = SendFaxOperator.partial(task_id="send", document="letter.pdf").expand(fax_number=["1", "2"])
    decide = BaseOperator(task_id="decide")
    sent >> decide
    check_wiring_downstream(sent, waits=True, raises_on_failure=True)
    assert decide.upstream_task_ids == {"send"}


# Targets


def test_an_empty_group_is_refused() -> None:
    send = sender()
    with TaskGroup("later"):
        pass
    send >> branch(send.output) >> tasks("archive", "person")
    with pytest.raises(FaxInputError, match=r"'later' \(follow_task_ids_if_retryable\): the task group is empty"):
        check(send)


@pytest.mark.parametrize("argument", BRANCHES)
@pytest.mark.parametrize("give", [lambda task: task, lambda task: task.output], ids=["operator", "output"])
def test_a_task_in_place_of_its_id_is_named_with_what_to_write(argument: str, give: Callable[[Any], Any]) -> None:
    [target] = tasks("archive")
    with pytest.raises(FaxInputError, match=rf"{argument} must be a task id, not the task itself: write 'archive'"):
        branch(0, **{argument: give(target)})


def test_a_target_that_another_branch_may_skip_is_refused() -> None:
    first, second = sender("first"), sender("second")
    shared = tasks("person")
    (
        first
        >> branch(first.output, "about_first", follow_task_ids_if_success="a", follow_task_ids_if_retryable="b")
        >> [
            *tasks("a", "b"),
            *shared,
        ]
    )
    (
        second
        >> branch(second.output, "about_second", follow_task_ids_if_success="c", follow_task_ids_if_retryable="d")
        >> [*tasks("c", "d"), *shared]
    )
    for send in (first, second):
        with pytest.raises(FaxInputError, match="'person' is directly downstream of two fax branches"):
            check(send)


def second_attempt(trigger_rule: str) -> SendFaxOperator:
    """Two attempts, each with a branch; both hand over to one person."""
    first = sender()
    again = sender("later")
    person = BaseOperator(task_id="person", trigger_rule=trigger_rule)
    archive = BaseOperator(task_id="archive", trigger_rule=trigger_rule)
    first >> branch(first.output) >> [archive, again, person]
    again >> branch(again.output, "branch_again", follow_task_ids_if_retryable="person") >> [archive, person]
    return first


@pytest.mark.parametrize("rule", ["none_failed_min_one_success", "none_failed", "one_success", "all_done"])
def test_a_second_attempt_may_lead_to_the_same_tasks_where_a_skipped_branch_does_no_harm(rule: str) -> None:
    first = second_attempt(rule)
    check(first)
    assert first.downstream_task_ids == {"branch"}


def test_a_second_attempt_to_the_same_tasks_is_refused_where_its_skipped_branch_skips_them() -> None:
    with pytest.raises(FaxInputError, match="directly downstream of two fax branches"):
        check(second_attempt("all_success"))


def test_a_join_that_every_branch_leads_to_is_shared() -> None:
    first, second = sender("first"), sender("second")
    join = BaseOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    for number, send in enumerate((first, second)):
        names = [f"{name}_{number}" for name in BRANCHES.values()]
        targets = tasks(*names)
        decide = branch(send.output, f"branch_{number}", **dict(zip(BRANCHES, names, strict=True)))
        send >> decide >> [*targets, join]
        targets >> join
    check(first)
    check(second)
    assert len(join.upstream_task_ids) == 8


# Reached at all


@pytest.mark.parametrize("rule", ["all_success", "none_failed", "none_failed_min_one_success", "one_success"])
def test_a_branch_that_needs_success_of_a_task_that_raises_is_refused(rule: str) -> None:
    send = sender(raise_on_failure=True)
    branch(send.output, trigger_rule=rule) >> tasks()
    with pytest.raises(FaxInputError, match=r"'send', which raises if the fax has failed.*raise_on_failure=False"):
        check(send)


@pytest.mark.parametrize("rule", ["all_done", "one_done", "all_failed", "one_failed", "none_skipped", "always"])
def test_a_branch_that_needs_no_success_may_follow_a_task_that_raises(rule: str) -> None:
    if rule == "one_done" and Version(airflow_version) < Version("2.4"):
        pytest.skip("unknown there")
    send = sender(raise_on_failure=True)
    decide = branch(send.output, trigger_rule=rule)
    decide >> tasks()
    check(send)
    assert decide.upstream_task_ids == {"send"}


@pytest.mark.airflow
def test_in_real_airflow_a_branch_takes_its_way_after_a_task_that_was_retried_and_raised(
    run_dag: Callable[..., Any], fax_connections: FaxSimulator, letter: str
) -> None:
    fax_connections.set_speed(1000)
    dag_run = run_dag("tests/dags/retry_then_branch.py", {"document": letter})
    states = {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}
    assert states == {
        "send": "failed",
        "branch": "success",
        "archive": "skipped",
        "later": "success",
        "person": "skipped",
    }
    assert len(fax_connections.faxes()) == 2


def test_a_branch_on_another_fax_may_need_the_success_of_one_that_raises() -> None:
    first, second = sender("first", raise_on_failure=True), sender("second")
    first >> second
    decide = branch(second.output)
    decide >> tasks()
    first >> decide
    check(first)
    check(second)
    assert decide.upstream_task_ids == {"first", "second"}


@pytest.mark.parametrize("given", ["output", "text", "job"])
def test_a_branch_on_a_fax_that_nobody_waits_for_is_refused(given: str) -> None:
    send = sender(wait_for_completion=False)
    if given == "job":
        decide = FaxOutcomeBranchOperator(task_id="branch", job_id=JOB_OF_SEND, **BRANCHES)
    else:
        decide = branch(send.output if given == "output" else "{{ ti.xcom_pull('send') }}")
    send >> decide >> tasks()
    with pytest.raises(FaxInputError, match=r"does not wait for it .*FaxStatusSensor"):
        check(send)


def test_a_status_from_before_the_wait_is_refused() -> None:
    send = sender(wait_for_completion=False)
    wait = FaxStatusSensor(task_id="wait", job_id=JOB_OF_SEND)
    send >> wait >> branch(send.output) >> tasks()
    with pytest.raises(FaxInputError, match=r"does not wait for it .*give the branch its output"):
        check(send)


@pytest.mark.parametrize("kind", ["mapped sensor", "task of their own"])
def test_a_job_that_something_in_between_has_waited_for_may_be_looked_up(kind: str) -> None:
    send = sender(wait_for_completion=False)
    if kind == "mapped sensor":
        between: Any = FaxStatusSensor.partial(task_id="wait").expand(job_id=[JOB_OF_SEND])
    else:
        between = BaseOperator(task_id="wait")
    decide = FaxOutcomeBranchOperator(task_id="branch", job_id=JOB_OF_SEND, **BRANCHES)
    send >> between >> decide >> tasks()
    check(send)
    assert decide.upstream_task_ids == {"wait"}


@pytest.mark.parametrize("raises", [False, True])
def test_a_sensor_in_between_waits_for_it(*, raises: bool) -> None:
    send = sender(wait_for_completion=False, raise_on_failure=raises)
    wait = FaxStatusSensor(task_id="wait", job_id=JOB_OF_SEND)
    send >> wait >> branch(wait.output) >> tasks()
    check(send)
    assert wait.upstream_task_ids == {"send"}


def test_a_sensor_that_raises_is_refused_as_the_task_is() -> None:
    send = sender(wait_for_completion=False)
    wait = FaxStatusSensor(task_id="wait", job_id=JOB_OF_SEND, raise_on_failure=True)
    send >> wait >> branch(wait.output) >> tasks()
    with pytest.raises(FaxInputError, match="'wait', which raises"):
        check(send)


def test_a_sensor_behind_a_task_that_waits_and_raises_is_refused() -> None:
    send = sender(raise_on_failure=True)
    wait = FaxStatusSensor(task_id="wait", job_id=JOB_OF_SEND)
    send >> wait >> branch(wait.output) >> tasks()
    with pytest.raises(FaxInputError, match="trigger_rule=\"all_done\" on 'wait'"):
        check(send)


def test_sensors_senders_groups_and_teardowns_are_targets_like_any_other() -> None:
    send = sender()
    again = sender("later")
    wait = FaxStatusSensor(task_id="archive", job_id=JOB_OF_SEND)
    with TaskGroup("person") as person:
        BaseOperator(task_id="one")
    clean = BaseOperator(task_id="clean").as_teardown()
    decide = branch(send.output)
    send >> decide >> [wait, again, person]
    [wait, again, person] >> clean
    check(send)
    assert decide.downstream_task_ids == {"archive", "later", "person.one"}
