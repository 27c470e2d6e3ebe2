"""Where a branch leads: reading its task ids, and refusing those that Airflow would not branch to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_faxto.fax.errors import FaxInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["as_task_ids", "expand_task_ids", "refuse_mapped_branch"]

_MAPPED_GROUPS_BROKEN_FROM = (3, 2, 0)
_MAPPED_GROUPS_BROKEN_UNTIL = (3, 3, 3)
_MAPPED_TARGETS_BROKEN_UNTIL = (3, 2, 0)
_DECIDE_IN_ONE_TASK = (
    "Map SendFaxOperator itself and decide about all its results in one task downstream, as the example "
    "fax_many_recipients does."
)


def as_task_ids(argument: str, value: str | Iterable[str]) -> list[str]:
    """Read one branch: one task id or several.

    :param argument: the operator's argument, for the message.
    :param value: what was given for it.
    :return: the task ids.
    :raises FaxInputError: if it is empty, or one of them is not a text.
    """
    operator = getattr(value, "operator", value)
    if isinstance(given := getattr(operator, "task_id", None), str):
        raise FaxInputError(f"{argument} must be a task id, not the task itself: write {given!r}.")
    try:
        task_ids = [value] if isinstance(value, str) else list(value)
    except TypeError:
        task_ids = []
    if not task_ids or not all(isinstance(task_id, str) and task_id for task_id in task_ids):
        raise FaxInputError(f"{argument} must be a task id or several; it is {value!r}.")
    return task_ids


def expand_task_ids(branch_task: Any, task_ids: Sequence[str], argument: str) -> list[str]:  # noqa: ANN401 - any operator
    """Check that a branch leads to tasks or task groups directly downstream of the branching task, and list the tasks.

    :param branch_task: the branching task, within its DAG.
    :param task_ids: where the branch leads.
    :param argument: the operator's argument, for the message.
    :return: the task ids, those with which a group begins in its place.
    :raises FaxInputError: if one is neither a task nor a task group of the DAG, not directly downstream, an empty
        group, or mapped where Airflow runs it though it was not chosen; or if the branching task is where Airflow would
        run every branch.
    """
    _refuse_mapped_group(branch_task)
    dag = branch_task.get_dag()
    direct = set(branch_task.downstream_task_ids)
    expanded: list[str] = []
    for task_id in task_ids:
        group = dag.task_group_dict.get(task_id)
        if group is None and task_id not in dag.task_dict:
            raise FaxInputError(
                f"Task {branch_task.task_id!r} cannot branch: {argument} names {task_id!r}, which is no task of DAG "
                f"{dag.dag_id!r}. Downstream of it: {', '.join(sorted(direct)) or 'no tasks'}. A task inside a task "
                "group is called group.task."
            )
        roots = [root.node_id for root in group.get_roots()] if group is not None else [task_id]
        if not direct.issuperset(roots):
            raise FaxInputError(
                f"Task {branch_task.task_id!r} cannot branch to {task_id!r} ({argument}), which is not "
                f"directly downstream of it. Add {branch_task.task_id} >> {task_id}."
            )
        if not roots:
            raise FaxInputError(
                f"Task {branch_task.task_id!r} cannot branch to {task_id!r} ({argument}): the task group is empty."
            )
        _refuse_mapped_targets(branch_task, roots, argument)
        expanded += roots
    return expanded


def refuse_mapped_branch(task_id: str) -> NoReturn:
    """Refuse a branch that is mapped: Airflow runs every branch that one of its instances has chosen, or all.

    :param task_id: the branching task.
    :raises FaxInputError: always.
    """
    raise FaxInputError(
        f"Task {task_id!r} cannot branch since it is mapped: Airflow would run branches that no fax has chosen. "
        f"{_DECIDE_IN_ONE_TASK}"
    )


def _release() -> tuple[int, ...]:
    """Read which Airflow this is; a release candidate counts as its release."""
    from airflow import __version__
    from packaging.version import Version

    return Version(__version__).release


def _refuse_mapped_group(branch_task: Any) -> None:  # noqa: ANN401 - any operator
    """Stop a branch inside a mapped task group on the releases of Airflow that run all of its branches."""
    # Seen with 3.3.2, and the same code is in 3.2 (apache/airflow#67265): what the branch has decided is looked up
    # under the wrong map index. A fax that failed would be filed as delivered.
    if branch_task.get_closest_mapped_task_group() is None:
        return
    if _MAPPED_GROUPS_BROKEN_FROM <= _release() < _MAPPED_GROUPS_BROKEN_UNTIL:
        raise FaxInputError(
            f"Task {branch_task.task_id!r} cannot branch inside a mapped task group: Airflow 3.2.0 to 3.3.2 would run "
            f"every branch (apache/airflow#67265). {_DECIDE_IN_ONE_TASK}"
        )


def _refuse_mapped_targets(branch_task: Any, task_ids: list[str], argument: str) -> None:  # noqa: ANN401 - any operator
    """Stop a branch to a mapped task or task group on the releases that run it although it was not chosen."""
    if _release() >= _MAPPED_TARGETS_BROKEN_UNTIL:
        return
    around = branch_task.get_closest_mapped_task_group()
    for task_id in task_ids:
        target = branch_task.get_dag().task_dict[task_id]
        group = target.get_closest_mapped_task_group()
        if hasattr(target, "expand_input") or (group is not None and group is not around):
            raise FaxInputError(
                f"Task {branch_task.task_id!r} cannot branch to {task_id!r} ({argument}), which is mapped: Airflow "
                "before 3.2 runs it even if it was not chosen. Branch to a task that is not mapped, such as an "
                f"EmptyOperator, and put {task_id!r} downstream of it."
            )
