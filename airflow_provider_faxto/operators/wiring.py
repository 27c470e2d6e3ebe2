"""Checking, before a fax is sent, that what became of it can be branched on.

A fax cannot be taken back, so a DAG whose branches cannot work is refused before the fax goes out. Only what cannot
work is refused: each rule says what Airflow would do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseSensorOperator, XComArg

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.operators.branches import BRANCH_ARGUMENTS, FaxOutcomeBranchOperator
from airflow_provider_faxto.operators.targets import as_task_ids, expand_task_ids, refuse_mapped_branch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_wiring_downstream"]

# What a trigger rule does not ask for: that the tasks upstream of it have succeeded, or have not been skipped.
_RUNS_AFTER_FAILURE = {
    "all_done",
    "all_done_min_one_success",
    "all_done_setup_success",
    "all_failed",
    "always",
    "dummy",
    "none_skipped",
    "one_done",
    "one_failed",
}
_NEEDS_ALL_TO_RUN = {"all_success", "all_failed", "all_skipped", "none_skipped", "one_failed"}


def check_wiring_downstream(
    task: Any,  # noqa: ANN401 - any operator
    *,
    waits: bool,
    raises_on_failure: bool,
) -> None:
    """Check every fax branch downstream of a task that is about to send.

    :param task: the sending task, within its DAG.
    :param waits: whether it waits until the fax has ended.
    :param raises_on_failure: whether it raises where the fax has failed.
    :raises FaxInputError: if a branch leads nowhere, Airflow would run a branch that was not chosen or skip one that
        was, or the branch cannot run or would find no permanent status.
    """
    for downstream in task.get_flat_relatives(upstream=False):
        if not isinstance(downstream, FaxOutcomeBranchOperator):
            if _is_mapped_branch(downstream):
                refuse_mapped_branch(downstream.task_id)
            continue
        for argument, task_ids in _branches_of(downstream):
            expand_task_ids(downstream, task_ids, argument)
        _refuse_shared_targets(downstream)
        _refuse_unreachable(task, downstream, waits=waits, raises_on_failure=raises_on_failure)


def _branches_of(branch: FaxOutcomeBranchOperator) -> Iterator[tuple[str, list[str]]]:
    """Give each branch's argument and task ids."""
    for argument in BRANCH_ARGUMENTS.values():
        if getattr(branch, argument) is not None:
            yield argument, as_task_ids(argument, getattr(branch, argument))


def _is_mapped_branch(task: Any) -> bool:  # noqa: ANN401 - any operator
    operator_class = getattr(task, "operator_class", None)
    return isinstance(operator_class, type) and issubclass(operator_class, FaxOutcomeBranchOperator)


def _refuse_shared_targets(branch: FaxOutcomeBranchOperator) -> None:
    """Refuse a task directly downstream of two fax branches, of which one would skip what the other has chosen."""
    dag: Any = branch.get_dag()
    for task_id in sorted(branch.downstream_task_ids):
        target = dag.task_dict[task_id]
        others = [dag.task_dict[name] for name in target.upstream_task_ids if name != branch.task_id]
        for other in others:
            if isinstance(other, FaxOutcomeBranchOperator) and (
                _may_skip_what_is_chosen(branch, other, target) or _may_skip_what_is_chosen(other, branch, target)
            ):
                raise FaxInputError(
                    f"Task {task_id!r} is directly downstream of two fax branches, {branch.task_id!r} and "
                    f"{other.task_id!r}: if one of them chooses it and the other does not, Airflow skips it, and "
                    "the fax is not dealt with. Give each branch a task of its own; what they share goes downstream "
                    'of these, with trigger_rule="none_failed_min_one_success".'
                )


def _may_skip_what_is_chosen(
    chooses: FaxOutcomeBranchOperator,
    skips: FaxOutcomeBranchOperator,
    target: Any,  # noqa: ANN401 - any operator
) -> bool:
    """Tell whether Airflow may leave a task out that one branch has chosen, for the sake of another branch."""
    may_skip = any(target.task_id not in reach for _, reach in _choices(skips) if _may_run(chooses, skips, reach))
    for chosen, reach in _choices(chooses):
        if target.task_id not in chosen:
            continue
        if _may_run(skips, chooses, reach):
            if may_skip:
                return True
        elif _rule_of(target) in _NEEDS_ALL_TO_RUN:
            return True
    return False


def _may_run(task: Any, branch: FaxOutcomeBranchOperator, reach: set[str]) -> bool:  # noqa: ANN401 - any operator
    """Tell whether a task may run once a branch has made a choice that reaches certain tasks."""
    return task.task_id in reach or task.task_id not in _downstream(branch)


def _choices(branch: FaxOutcomeBranchOperator) -> Iterator[tuple[set[str], set[str]]]:
    """Give for each outcome the tasks that a branch chooses, and all that it does not skip for it."""
    dag: Any = branch.get_dag()
    for argument, task_ids in _branches_of(branch):
        chosen = set(expand_task_ids(branch, task_ids, argument))
        yield chosen, chosen.union(*(_downstream(dag.task_dict[task_id]) for task_id in chosen))


def _downstream(task: Any) -> set[str]:  # noqa: ANN401 - any operator
    return {relative.task_id for relative in task.get_flat_relatives(upstream=False)}


def _refuse_unreachable(
    task: Any,  # noqa: ANN401 - any operator
    branch: FaxOutcomeBranchOperator,
    *,
    waits: bool,
    raises_on_failure: bool,
) -> None:
    """Refuse a branch on this task's fax that would not run, or not find a permanent status."""
    reads_task = _reads(branch, task)
    between = [
        relative for relative in branch.get_flat_relatives(upstream=True) if relative.task_id in _downstream(task)
    ]
    # Whatever lies in between may have waited for a job that is looked up; a status from before the wait stays pending.
    if reads_task and not waits and (isinstance(branch.status, XComArg) or not between):
        raise FaxInputError(
            f"Task {branch.task_id!r} branches on the fax of {task.task_id!r}, which does not wait for it "
            "(wait_for_completion=False), so there is no permanent status yet. Put a FaxStatusSensor between them, and "
            "give the branch its output; or let the task wait."
        )
    followed_by: list[Any] = [branch] if reads_task else []
    for sensor in between:
        if isinstance(sensor, BaseSensorOperator) and _reads(branch, sensor) and _reads(sensor, task):
            followed_by.append(sensor)
            if getattr(sensor, "raise_on_failure", False):
                _refuse_stopped_by(sensor, branch, branch)
    if waits and raises_on_failure:
        for follower in followed_by:
            _refuse_stopped_by(task, follower, branch)


def _refuse_stopped_by(failing: Any, follower: Any, branch: Any) -> None:  # noqa: ANN401 - any operators
    """Refuse a branch that a task which raises for a failed fax keeps from running, or from having a status."""
    rule = _rule_of(follower)
    if failing.task_id not in follower.upstream_task_ids or rule in _RUNS_AFTER_FAILURE:
        return
    if rule == "one_success" and len(follower.upstream_task_ids) > 1:
        return
    raise FaxInputError(
        f"Task {branch.task_id!r} branches on the fax of {failing.task_id!r}, which raises if the fax has failed: the "
        f"branch would never run then. Set raise_on_failure=False on {failing.task_id!r}; or, to have Airflow's "
        f'retries first, trigger_rule="all_done" on {follower.task_id!r}.'
    )


def _rule_of(task: Any) -> str:  # noqa: ANN401 - any operator
    """Read a task's trigger rule, which is a text or an enum, depending on the release."""
    return str(getattr(task.trigger_rule, "value", task.trigger_rule))


def _reads(reader: Any, task: Any) -> bool:  # noqa: ANN401 - any operators
    """Tell whether a task takes its status or job from another one."""
    for given in (getattr(reader, "status", None), getattr(reader, "job_id", None)):
        if isinstance(given, XComArg):
            return any(source.task_id == task.task_id for source, _ in given.iter_references())
        if isinstance(given, str) and (f"'{task.task_id}'" in given or f'"{task.task_id}"' in given):
            return True
    return False
