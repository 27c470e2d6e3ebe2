"""The operator that branches on what became of a fax."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, SkipMixin

from airflow_provider_faxto.exceptions import fail_without_retry
from airflow_provider_faxto.fax.codes import describe_code
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.operators.arguments import read_status_text
from airflow_provider_faxto.operators.rendered import read_text
from airflow_provider_faxto.operators.targets import as_task_ids, expand_task_ids, refuse_mapped_branch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.outcome import FaxCause

__all__ = ["BRANCH_ARGUMENTS", "FaxOutcomeBranchOperator"]

BRANCH_ARGUMENTS = {
    FaxOutcome.SUCCESS: "follow_task_ids_if_success",
    FaxOutcome.RETRYABLE: "follow_task_ids_if_retryable",
    FaxOutcome.FATAL: "follow_task_ids_if_fatal",
    FaxOutcome.UNKNOWN: "follow_task_ids_if_unknown",
}
"""The operator's argument for each outcome."""


class FaxOutcomeBranchOperator(BaseOperator, SkipMixin):
    """Follow one branch of the DAG or another, by what became of a fax.

    It pushes the XCom ``outcome``, and ``cause`` where there is one, before it branches. A task after the
    branches that shall run whichever was taken needs ``trigger_rule="none_failed_min_one_success"``.

    Where Airflow would run branches that were not chosen, it raises instead of branching: where it is mapped itself
    (``.partial().expand()``), inside a mapped task group on Airflow 3.2.0 to 3.3.2, and where a branch leads to a
    mapped task or task group before Airflow 3.2. ``SendFaxOperator`` finds all of that before it sends.

    :param status: what the sensor or the send operator returned (``wait.output``), or a bare status code of
        InterFAX or ExtraFax Cloud. What ``SendFaxesOperator`` returned goes by its worst outcome. Templated. Exactly
        one of ``status`` and ``job_id`` is given.
    :param job_id: a fax job to look up instead. Templated. Its status must be permanent.
    :param fax_conn_id: the Airflow connection for the look-up. Templated. Default: ``faxto_default``. Unused
        with ``status``.
    :param follow_task_ids_if_success: the task id, or several, to go on with if the fax was delivered. A task
        group's id stands for the tasks it begins with. Within a group, ids carry the group's name
        (``group.task``).
    :param follow_task_ids_if_retryable: the same if a later attempt may work.
    :param follow_task_ids_if_fatal: the same if no attempt will work.
    :param follow_task_ids_if_unknown: the same if the outcome is not known. Default: the branch for fatal, since
        nothing may be sent again without a user's word.
    :param min_success: for what ``SendFaxesOperator`` returned: which share of the faxes must have been delivered for
        the branch for success, above 0 and up to 1 (``0.98``). Default: 1, all of them.
    :param kwargs: what every operator takes.
    :raises FaxInputError: if a branch is not a task id, not exactly one of ``status`` and ``job_id`` is given, or
        ``min_success`` is no share.
    """

    inherits_from_skipmixin = True
    template_fields: Sequence[str] = ("status", "job_id", "fax_conn_id")
    ui_color = "#eef3fa"

    def __init__(
        self,
        *,
        status: Mapping[str, Any] | int | str | None = None,
        job_id: str | None = None,
        fax_conn_id: str = "faxto_default",
        follow_task_ids_if_success: str | Iterable[str],
        follow_task_ids_if_retryable: str | Iterable[str],
        follow_task_ids_if_fatal: str | Iterable[str],
        follow_task_ids_if_unknown: str | Iterable[str] | None = None,
        min_success: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (status is None) == (job_id is None):
            raise FaxInputError(f"Task {self.task_id!r} needs exactly one of status and job_id.")
        is_number = isinstance(min_success, (int, float)) and not isinstance(min_success, bool)
        if not is_number or not 0 < min_success <= 1:
            raise FaxInputError(f"min_success must be a share above 0 and up to 1; it is {min_success!r}.")
        self.min_success = min_success
        self.status = status
        self.job_id = job_id
        self.fax_conn_id = fax_conn_id
        self.follow_task_ids_if_success = as_task_ids("follow_task_ids_if_success", follow_task_ids_if_success)
        self.follow_task_ids_if_retryable = as_task_ids("follow_task_ids_if_retryable", follow_task_ids_if_retryable)
        self.follow_task_ids_if_fatal = as_task_ids("follow_task_ids_if_fatal", follow_task_ids_if_fatal)
        self.follow_task_ids_if_unknown = (
            None
            if follow_task_ids_if_unknown is None
            else as_task_ids("follow_task_ids_if_unknown", follow_task_ids_if_unknown)
        )

    def execute(self, context: Context) -> list[str]:
        """Choose the branch and skip the others.

        :param context: the task's context.
        :return: the task ids of the branch that was taken.
        :raises FaxPermanentError: if the status is pending or cannot be read, a branch leads nowhere, or the job
            cannot be looked up for a reason that lasts.
        :raises FaxError: if the look-up fails for a reason that may pass.
        """
        with fail_without_retry():
            if (context["ti"].map_index or 0) >= 0 and self.get_closest_mapped_task_group() is None:
                refuse_mapped_branch(self.task_id)
            for argument in BRANCH_ARGUMENTS.values():
                if getattr(self, argument) is not None:
                    expand_task_ids(self, getattr(self, argument), argument)
            outcome, cause = self._resolve()
            if outcome is FaxOutcome.PENDING:
                raise FaxInputError(
                    f"Task {self.task_id!r} cannot branch: the fax has no permanent status yet. Put a FaxStatusSensor "
                    "upstream of it, or let SendFaxOperator wait for completion."
                )
            argument = BRANCH_ARGUMENTS[outcome]
            if getattr(self, argument) is None:
                argument = BRANCH_ARGUMENTS[FaxOutcome.FATAL]
            task_ids = getattr(self, argument)
            followed = expand_task_ids(self, task_ids, argument)
        # Before the branching: on Airflow 3 it ends the task, and nothing after it would run.
        context["ti"].xcom_push(key="outcome", value=outcome.value)
        # No cause, no XCom: Airflow 3.0 cannot store None.
        if cause is not None:
            context["ti"].xcom_push(key="cause", value=cause.value)
        self.log.info("The fax is %s: following %s.", outcome, ", ".join(followed))
        self.skip_all_except(context["ti"], followed)
        return list(task_ids)

    def _resolve(self) -> tuple[FaxOutcome, FaxCause | None]:
        if self.job_id is not None:
            from airflow_provider_faxto.hooks.fax import FaxHook

            job_id = read_text("job_id", self.job_id, is_required=True)
            hook = FaxHook.for_connection(str(read_text("fax_conn_id", self.fax_conn_id, is_required=True)))
            hook.mask_secrets()
            status = hook.get_status(str(job_id))
            return status.outcome, status.cause
        given = read_status_text(self.status) if isinstance(self.status, str) else self.status
        if isinstance(given, Mapping) and "counts" in given:
            from airflow_provider_faxto.operators.batch_result import outcome_of_result

            return outcome_of_result(given, self.min_success), None
        if isinstance(given, Mapping):
            status = FaxStatus.from_dict(given)
            return status.outcome, status.cause
        if isinstance(given, int) and not isinstance(given, bool):
            code = describe_code(given)
            return code.outcome, code.cause
        raise FaxInputError(
            f"Task {self.task_id!r} cannot branch: its status is neither what a sensor or send operator returned nor "
            f"a status code, but {type(given).__name__}. Did the task upstream of it run?"
        )
