"""The operators for a DAG: one sends a logical fax once, one sends many, one branches on what became of it.

The others are defined in :mod:`airflow_provider_faxto.operators.batch` and
:mod:`airflow_provider_faxto.operators.branches`; import all from here, and ``labels_of`` for the tasks downstream.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator, TaskDeferred, conf

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import FaxPermanentError, FaxUnknownOutcomeError, fail_without_retry
from airflow_provider_faxto.fax.errors import FaxError, FaxInputError
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.figures import WITHOUT_JOB, add
from airflow_provider_faxto.hooks.frame_locals import clear_frames
from airflow_provider_faxto.hooks.patience import INTERACTIVE, LAST_READ, ONE_READ, POLLING
from airflow_provider_faxto.operators.arguments import (
    read_resend,
    read_seconds,
    read_switch,
)
from airflow_provider_faxto.operators.batch import SendFaxesOperator
from airflow_provider_faxto.operators.batch_result import labels_of
from airflow_provider_faxto.operators.branches import FaxOutcomeBranchOperator
from airflow_provider_faxto.operators.outcomes import announce, hand_on, status_of_error
from airflow_provider_faxto.operators.rendered import hide, is_unset, read_text
from airflow_provider_faxto.operators.wiring import check_wiring_downstream
from airflow_provider_faxto.sending.run_state import SendJournal, is_superseded

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.reconcile import EarlierRuns
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.hooks.patience import Patience
    from airflow_provider_faxto.operators.notes import FaxNotes
    from airflow_provider_faxto.sending.lookup import LookUpPostponed, LookUpProgress
    from airflow_provider_faxto.waiting.waiter import FaxWaiter

__all__ = ["FaxOutcomeBranchOperator", "SendFaxOperator", "SendFaxesOperator", "labels_of"]

# For how many seconds a look before the send holds the worker slot of a task that can defer, beside a request of its
# own, which may wait for its turn in the account's minute for so long; together that is less than one minute.
_LOOK_UP_HOLDS = 10.0
_TURN_MAY_TAKE = 30.0
_SUBMITTED = "submitted"
_MAY_HAVE_STATUS = (FaxPermanentError, FaxUnknownOutcomeError)


class SendFaxOperator(BaseOperator):
    """Send one logical fax once: one document (or several, as one fax) to one recipient.

    However often the task runs (retries, a cleared task, a crashed worker), it first looks its fax up at the
    vendor and sends only if the vendor's own records show none that is under way or was delivered. Where they do not
    settle it, it raises ``FaxUnknownOutcomeError`` and sends nothing. A corrected number or file is a new fax.

    It pushes the XCom ``job_id`` as soon as there is one, and returns ``FaxStatus.to_dict()``: with
    ``wait_for_completion`` the final status, without it the pending one.

    In a mapped task ``map_index_template="{{ fax_result }}"`` shows each index as its label and what became of the fax:
    ``clinic-3: busy``.

    A branch directly downstream of this operator runs only if it does not raise: set ``raise_on_failure=False``, or
    ``wait_for_completion=False`` with a ``FaxStatusSensor`` in between.

    :param fax_number: the recipient, in international form (``+1 202 555 0100``), or in national form if the
        connection has a ``default_region``. Templated; hidden in the rendered fields.
    :param document: a path on the worker, or anything ``ObjectStoragePath`` reads (``s3://``, ``gs://``,
        ``file://``); or a list of them, which are sent as one fax in that order where the vendor can (Fax.to
        takes one document). Templated; hidden in the rendered fields.
    :param fax_conn_id: the Airflow connection; its type names the vendor. Templated. Default:
        ``faxto_default``.
    :param wait_for_completion: whether to wait until the status is permanent. Default: ``True``.
    :param deferrable: whether to wait in the triggerer, without a worker slot. The fax itself is always sent by
        the worker. Default: Airflow's ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks while waiting; less than 1 is taken for 1. Default: 60.
    :param completion_timeout: seconds, or a ``timedelta``, until the wait ends with the outcome ``unknown``; the
        fax itself goes on, and the next run of the task adopts it. Default: 25 hours, since a vendor may hold a
        fax for lack of credit for 24.
    :param raise_on_failure: whether to raise unless the fax was delivered: ``FaxRetryableError`` (Airflow's
        ``retries`` apply), ``FaxFatalError`` or ``FaxUnknownOutcomeError`` (they do not). The status is in XCom as
        ``return_value`` before. With ``False`` it is returned whatever it is, for a branch downstream, also for a
        number, a document or a send that cannot be used, and for an uncertain send (without a ``job_id``). What is
        about the set-up raises either way. Default: ``True``.
    :param resend: send once more although the fax was delivered. ``True``, or any text: each text stands for
        one resend, so a retry of the task does not send yet again; for a second resend give another text.
        Templated. Default: ``False``.
    :param resend_partial: whether a fax that failed after some of its pages had arrived (``pages_sent`` above 0) may
        be sent again, which sends all its pages again. Without it such a fax raises ``FaxPartialError``, which
        Airflow does not retry. Templated. Default: ``False``.
    :param idempotency_key: your own identity of the fax, such as ``claim-4711``: whatever task or DAG run sends it, it
        is sent once, as far back as the vendor's records reach. The first run with it looks before it sends. The same
        key with another recipient or document is an error, unless ``resend`` says so. Templated. Default: none: the
        fax is that of this task in this DAG run, and of its map index.
    :param fax_label: what to call this fax in the log, such as a customer's id; never sent. A mapped task is best
        mapped over labels, and ``fax_number`` looked up with one (``"{{ params.fax_numbers[task.fax_label] }}"``),
        since Airflow keeps what a task is mapped over in XCom, in the clear. Templated. Default: none.
    :param lookup_grace: for how many seconds a fax may be missing from the vendor's records after it was sent. A run
        that finds fewer fax jobs than earlier runs can have sent looks again for that long before it sends.
        Default: 120.
    :param cancel_on_kill: whether a task that is killed while it waits cancels its fax, as far as the vendor still
        can: a worker that is told to stop, and on Airflow 3.3 and later a task that a user marks or clears while it
        waits in the triggerer. Default: ``True``.
    :param options: what to set for the fax at the vendor, ``{"resolution": "fine"}``: a mapping or
        :class:`~airflow_provider_faxto.fax.options.SendOptions`, which lists the common names; a template may give it
        whole. Empty text and ``None`` mean not set. A common name that is misspelt is an error when the DAG is
        parsed; what the connection's vendor does not take is one at execution, and nothing is sent. Templated, and
        shown in the rendered fields. Default: the account's own settings.
    :param kwargs: what every operator takes.
    :raises FaxInputError: if a duration is not one, or a common name in ``options`` is misspelt.
    """

    template_fields: Sequence[str] = (
        "fax_number",
        "document",
        "fax_conn_id",
        "resend",
        "resend_partial",
        "idempotency_key",
        "fax_label",
        "options",
    )
    ui_color = "#dcebf7"

    def __init__(
        self,
        *,
        fax_number: str,
        document: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        fax_conn_id: str = "faxto_default",
        wait_for_completion: bool | str = True,
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float | str = 60.0,
        completion_timeout: float | str | timedelta = timedelta(hours=25),
        raise_on_failure: bool | str = True,
        resend: bool | str = False,
        resend_partial: bool | str = False,
        idempotency_key: str | None = None,
        fax_label: str | None = None,
        lookup_grace: float | str = 120.0,
        cancel_on_kill: bool | str = True,
        options: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fax_number = fax_number
        self.document = document
        self.fax_conn_id = fax_conn_id
        self.wait_for_completion = read_switch("wait_for_completion", wait_for_completion)
        self.deferrable = read_switch("deferrable", deferrable)
        self.poll_interval = read_seconds("poll_interval", poll_interval)
        if not self.poll_interval:
            raise FaxInputError("poll_interval must be more than 0 seconds: the vendors limit how often one may ask.")
        self.completion_timeout = read_seconds("completion_timeout", completion_timeout)
        self.raise_on_failure = read_switch("raise_on_failure", raise_on_failure)
        self.resend = resend
        self.resend_partial = resend_partial
        self.idempotency_key = idempotency_key
        self.fax_label = fax_label
        self.lookup_grace = read_seconds("lookup_grace", lookup_grace)
        self.cancel_on_kill = read_switch("cancel_on_kill", cancel_on_kill)
        if isinstance(options, Mapping):
            # For the names alone: a value may still be a template.
            SendOptions(options)
            # Airflow renders a dict and no other mapping. A dict stays the same object: by that Airflow knows what
            # another task has returned, which it must not render.
            options = options if isinstance(options, dict) else dict(options)
        self.options = options
        self._job: FaxStatus | None = None
        self._may_be_sent = False
        self._notes: FaxNotes | None = None
        self._masked_number: str | None = None
        self._context: Context | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the fax unless it was sent already, then wait if asked to.

        :param context: the task's context.
        :return: ``FaxStatus.to_dict()``.
        :raises FaxPermanentError: if a parameter, a branch downstream of this task or the connection is wrong, or if
            the ``idempotency_key`` stands for another fax already; and, unless ``raise_on_failure`` is off, if the
            number or a document cannot be used, the connection does not allow the fax, or the vendor refused the send.
            Nothing was sent.
        :raises FaxAccountStoppedError: if the vendor refuses the password, or has just refused it to another task of
            this machine. Nothing was sent, or the fax was waited for for an hour.
        :raises FaxNotSentError: if the send failed and the vendor's records show that nothing arrived, or if Airflow
            has given this run up for another one before it sent.
        :raises FaxRetryableError: unless ``raise_on_failure`` is off, as the next.
        :raises FaxPartialError: see above; if pages arrived and ``resend_partial`` is off.
        :raises FaxFatalError: see above.
        :raises FaxUnknownOutcomeError: see above; if it is not known whether the fax arrived.
        :raises AirflowNotFoundException: if there is no such connection.
        """
        journal = SendJournal(context)
        return self._settle(context, lambda: self._send(context, journal, journal.begin()))

    def resume_look_up(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on with a look that had to wait, and send the fax if it may be sent.

        :param context: the task's context.
        :param event: the payload of :class:`~airflow_provider_faxto.triggers.fax.FaxLookUpTrigger`.
        :return: as :meth:`execute`.
        :raises FaxError: as :meth:`execute`.
        """
        from airflow_provider_faxto.sending.lookup import LookUpProgress

        journal = SendJournal(context)
        return self._settle(
            context, lambda: self._send(context, journal, journal.begin(is_resumed=True), LookUpProgress(**event))
        )

    def _send(
        self, context: Context, journal: SendJournal, earlier: EarlierRuns, progress: LookUpProgress | None = None
    ) -> dict[str, Any]:
        """Send the fax unless it was sent already, then wait if asked to."""
        from airflow_provider_faxto.fax.documents import combined_pages
        from airflow_provider_faxto.operators.notes import FaxNotes
        from airflow_provider_faxto.operators.preparation import prepare_fax
        from airflow_provider_faxto.sending.bad_numbers import NumberMark
        from airflow_provider_faxto.sending.lookup import LookUpPostponed
        from airflow_provider_faxto.sending.submit import submit_once

        check_wiring_downstream(self, waits=self.wait_for_completion, raises_on_failure=self.raise_on_failure)
        # Until the fax is looked up: what this run cannot send, an earlier one may have sent.
        self._may_be_sent = earlier.unnoted_runs > 0 or any(
            not send.has_ended or (send.status is not None and send.status.outcome is FaxOutcome.SUCCESS)
            for send in earlier.sends
        )
        fax = prepare_fax(
            context,
            self._hook,
            fax_number=self.fax_number,
            document=self.document,
            options=self.options,
            idempotency_key=self.idempotency_key,
            resend=self.resend,
        )
        self._may_be_sent, self._masked_number = False, fax.fax_number.masked
        pages, size = combined_pages(fax.documents), sum(document.size for document in fax.documents)
        self.log.info(
            "Fax %s for %s at %s: attempt %s of %s, %d document(s), %s page(s), %.0f kB.",
            read_text("fax_label", self.fax_label) or fax.key,
            fax.fax_number.masked,
            self._account(type(self._hook).conn_type),
            *_attempt_of(context["ti"]),
            len(fax.documents),
            pages if pages is not None else "an unknown number of",
            size / 1000,
        )
        mark = NumberMark.of(fax.fax_number, self._hook.bad_number_days)
        try:
            status = submit_once(
                self._hook,
                fax,
                earlier=earlier,
                lookup_grace=self.lookup_grace,
                resend_partial=read_switch("resend_partial", self.resend_partial),
                returns_failures=not self.raise_on_failure,
                journal=journal,
                progress=progress,
                hold=_LOOK_UP_HOLDS if self.deferrable else math.inf,
                before_sending=mark.check if mark is not None and fax.resend_of is None else lambda: None,
            )
        except LookUpPostponed as later:
            raise self._defer_look_up(later) from None
        status = replace(status, pages_submitted=pages, size=size)
        journal.note_final(status)
        ti = context["ti"]
        ti.xcom_push(key="job_id", value=status.job_id)
        self._notes = FaxNotes.begin(
            context,
            status,
            fax,
            mark,
            hook=self._hook,
            label=read_text("fax_label", self.fax_label),
            # A job that has ended may have been counted when it did; one that a user's clear finds, as unknown.
            is_likely_new=journal.made(status) or not (status.is_final or earlier.user_initiated),
        )
        # The price is told once, with the acceptance; a deferred task needs it when it resumes. The run, so that
        # a kill can tell it from its successor's.
        ti.xcom_push(key=_SUBMITTED, value={**status.to_dict(), "run": ti.try_number, **self._notes.to_xcom()})
        self._waits_for(context, status)
        self._notes.write(context)
        if not self.wait_for_completion and not status.is_final:
            return status.to_dict()
        if status.is_final:
            return self._conclude(context, journal, status, status)
        ended = self._wait(status, clock.now() + self.completion_timeout)
        return self._conclude(context, journal, ended, status)

    def _settle(self, context: Context, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Run a part of the task; an error that is about this fax becomes its status, and is returned or raised."""
        try:
            with fail_without_retry():
                return run()
        except FaxError as error:
            job, hook = self._job, self.__dict__.get("_hook")
            # Without a hook it is the connection that is wrong.
            vendor = job.vendor if job is not None else getattr(hook, "conn_type", None)
            if vendor is not None and getattr(error, "status", None) is None:
                status = None
                if isinstance(error, _MAY_HAVE_STATUS):
                    error.status = status = status_of_error(
                        error.reason, vendor=vendor, submitted=job, may_be_sent=self._may_be_sent
                    )
                self._note_error(context, error, vendor, status)
                if status is not None:
                    if status.job_id is None:
                        add(WITHOUT_JOB, vendor=status.vendor, outcome=status.outcome, cause=status.cause)
                    self._name_map_index(context, status)
                    announce(
                        context,
                        self.log,
                        status,
                        account=self._account(vendor),
                        raises=self.raise_on_failure,
                    )
                    if not self.raise_on_failure:
                        return status.to_dict()
            clear_frames(error)
            # The frames of this package say nothing to who reads the task's log.
            raise error.with_traceback(None) from None
        except BaseException as error:
            clear_frames(error)
            raise

    def _note_error(self, context: Context, error: FaxError, vendor: str, status: FaxStatus | None) -> None:
        """Tell the page *Faxes* of a fax that ends with an error, as far as the error is about it or its account."""
        from airflow_provider_faxto.operators.notes import note_error

        note_error(
            context,
            error,
            status,
            self._notes,
            vendor=vendor,
            conn_id=str(self.fax_conn_id),
            label=None if is_unset(self.fax_label) else str(self.fax_label),
            number=self._masked_number,
        )

    def _name_map_index(self, context: Context, status: FaxStatus) -> None:
        """Offer the label and what became of the fax to ``map_index_template``."""
        ended = status.cause if status.outcome is not FaxOutcome.SUCCESS and status.cause else status.outcome
        label = (status.job_id or self.task_id) if is_unset(self.fax_label) else self.fax_label
        # Airflow renders the template with what the task has put into its context.
        context["fax_result"] = f"{label}: {ended}"  # type: ignore[typeddict-unknown-key]

    def _account(self, vendor: str) -> str:
        from airflow_provider_faxto.hooks.registry import name_account

        return name_account(vendor, self.fax_conn_id)

    def _defer_look_up(self, later: LookUpPostponed) -> TaskDeferred:
        from airflow_provider_faxto.triggers.fax import FaxLookUpTrigger

        self.log.info("The fax is looked up again in %.0f s; until then the task holds no worker slot.", later.seconds)
        progress = later.progress
        trigger = FaxLookUpTrigger(clock.now() + later.seconds, progress.settled_from, progress.asked_at)
        return TaskDeferred(trigger=trigger, method_name="resume_look_up")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Resume after the trigger has fired; wait on if it could not tell, and the fax is under way.

        :param context: the task's context.
        :param event: the trigger's payload.
        :return: ``FaxStatus.to_dict()``.
        :raises FaxError: as :meth:`execute`.
        """
        return self._settle(context, lambda: self._resume(context, event))

    def _resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on after the trigger has fired."""
        from airflow_provider_faxto.operators.notes import FaxNotes
        from airflow_provider_faxto.waiting.waiter import confirm

        ti = context["ti"]
        noted = ti.xcom_pull(task_ids=self.task_id, key=_SUBMITTED, map_indexes=ti.map_index) or event
        submitted, self._notes = FaxStatus.from_dict(noted), FaxNotes.from_xcom(noted)
        self._waits_for(context, submitted)
        status = confirm(event, lambda: self._waiter(submitted, LAST_READ))
        if not isinstance(status, FaxStatus):
            status = self._wait(submitted, status)
        return self._conclude(context, SendJournal(context), status, submitted)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:  # noqa: ANN401 - Airflow's signature
        """Resume; where Airflow has ended the wait itself, since no triggerer ran by the deadline, look once more.

        :param next_method: the method to resume with.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        :return: what the method returns.
        :raises FaxError: as :meth:`execute`.
        """
        from airflow_provider_faxto.waiting.waiter import event_of_timeout, is_trigger_timeout

        if not is_trigger_timeout(next_method, next_kwargs):
            return super().resume_execution(next_method, next_kwargs, context)
        ti = context["ti"]
        job_id = ti.xcom_pull(task_ids=self.task_id, key="job_id", map_indexes=ti.map_index)
        return self.execute_complete(context, event_of_timeout(str(job_id)))

    def on_kill(self) -> None:
        """Cancel the fax job if no other run of the task waits for it and the vendor can still do so.

        Airflow tells a worker to stop, too, that it has given up and replaced. So Airflow is asked first, then the
        vendor; where Airflow cannot say, the fax is left alone. A fax of which pages are going out cannot be stopped,
        and Fax.to offers no way to cancel at all.
        """
        from airflow_provider_faxto.waiting.cancel import cancel_unless_superseded

        if self._job is None or not self.cancel_on_kill:
            return
        cancel_unless_superseded(
            # One try each: a worker that is told to stop has little time left.
            partial(self._make_hook, POLLING),
            self._job.require_job_id(),
            lambda: self._context is not None and is_superseded(self._context, _SUBMITTED),
            reference=self._job.reference,
        )

    def _waits_for(self, context: Context, job: FaxStatus) -> None:
        """Note for what this run waits, should it be killed."""
        self._context, self._job = context, job

    @cached_property
    def _hook(self) -> FaxHook:
        # A task that can defer comes back for a turn in the account's minute that is far off.
        return self._make_hook(replace(INTERACTIVE, max_wait=_TURN_MAY_TAKE) if self.deferrable else INTERACTIVE)

    def _make_hook(self, patience: Patience) -> FaxHook:
        # Imported here: a DAG file that names the operator needs no HTTP client while it is parsed.
        from airflow_provider_faxto.hooks.fax import FaxHook

        fax_conn_id = read_text("fax_conn_id", self.fax_conn_id, is_required=True)
        hook = FaxHook.for_connection(str(fax_conn_id), patience=patience)
        hook.mask_secrets()
        return hook

    def _waiter(self, job: FaxStatus, patience: Patience) -> FaxWaiter:
        from airflow_provider_faxto.waiting.waiter import FaxWaiter

        make_hook = partial(self._make_hook, patience)
        return FaxWaiter(
            make_hook(),
            job.require_job_id(),
            poll_interval=self.poll_interval,
            reference=job.reference,
            make_hook=make_hook,
        )

    def _wait(self, submitted: FaxStatus, deadline: float) -> FaxStatus:
        from airflow_provider_faxto.triggers.fax import FaxStatusTrigger, is_long_enough_to_defer

        seconds = deadline - clock.now()
        self.log.info(
            "Fax job %s at %s: waiting until %s for its final status, asking every %.0f s.",
            submitted.job_id,
            self._account(submitted.vendor),
            datetime.fromtimestamp(deadline, UTC).isoformat(" ", "seconds"),
            self.poll_interval,
        )
        if not self.deferrable or not is_long_enough_to_defer(seconds):
            return self._waiter(submitted, POLLING).wait(deadline)
        # The worker does not look again: the status is fresh from the send or from the vendor's records, and a hundred
        # workers that each look once would spend the account's requests of many minutes.
        raise TaskDeferred(
            trigger=FaxStatusTrigger(
                submitted.require_job_id(),
                self.fax_conn_id,
                self.poll_interval,
                deadline,
                self.cancel_on_kill,
                reference=submitted.reference,
            ),
            method_name="execute_complete",
            # The trigger keeps the deadline; this ends the task should the trigger itself be stuck.
            timeout=timedelta(seconds=seconds + 2 * self.poll_interval + 60),
        )

    def _conclude(
        self, context: Context, journal: SendJournal, status: FaxStatus, submitted: FaxStatus
    ) -> dict[str, Any]:
        """Note how the fax ended, and return its status or raise for it."""
        status = replace(
            status,
            cost=status.cost if status.cost is not None else submitted.cost,
            reference=status.reference or submitted.reference,
            pages_submitted=submitted.pages_submitted,
            size=submitted.size,
        )
        is_new = journal.note_end(status, is_likely_new=self._notes is not None and self._notes.is_likely_new)
        if self._notes is not None:
            # Without a wait it is the sensor that sees the end.
            if is_new and self.wait_for_completion:
                self._notes.count(status)
            self._notes.conclude(
                context,
                self.outlets,
                status,
                is_resend=bool(read_resend(self.resend)),
                make_hook=partial(self._make_hook, ONE_READ),
            )
        self._name_map_index(context, status)
        return hand_on(
            context,
            self.log,
            status,
            account=self._account(status.vendor),
            raises=self.raise_on_failure,
            failures=journal.count_failures(status.cause),
            resend_partial=read_switch("resend_partial", self.resend_partial),
        )

    def _do_render_template_fields(self, *args: Any, **kwargs: Any) -> None:
        # Overridden, not ``render_template_fields``: a mapped task calls this one alone. What is masked here
        # shows as *** in the rendered fields, which Airflow stores and shows, and in the task's log.
        super()._do_render_template_fields(*args, **kwargs)
        self.fax_number, self.document = hide(self.fax_number), hide(self.document)


def _attempt_of(ti: Any) -> tuple[int, int]:  # noqa: ANN401 - a task instance of any release
    """Tell which attempt this is, and of how many; some releases count the first one from 0."""
    return max(ti.try_number, 1), (ti.max_tries or 0) + 1
