"""The operator that sends many logical faxes in one task, each once, waits for all, and tells what became of each.

How a run goes, in order:

1. *Read and check.* The list is read (:mod:`~airflow_provider_faxto.operators.fax_list`), and each line is prepared as
   ``SendFaxOperator`` prepares its one fax: number, rules of the connection, documents, options. Nothing is sent before
   all of them are. Of a document no more is kept than its hash, size and pages: it is read again while it goes out, and
   what is not what was hashed does not go out.
2. *Look, send, settle* (:mod:`~airflow_provider_faxto.sending.batch`). A fax is told from the others by its label,
   which goes into its key, so a list that grows or comes in another order sends only what is new.
3. *Wait* for all in one deferral, or on the worker (:mod:`~airflow_provider_faxto.waiting.many`). What the part of the
   task that resumes needs lies in XCom (:mod:`~airflow_provider_faxto.operators.batch_table`).
4. *Conclude.* What became of all is noted in the journal, the receipts are completed, the result is made
   (:mod:`~airflow_provider_faxto.operators.batch_result`) and pushed, and an error is raised where a fax calls for one.

A retry does the same: the journal, or one listing of the vendor's records, says which faxes are under way or were
delivered, and the others are sent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import BaseOperator, TaskDeferred, conf

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import (
    FaxPermanentError,
    fail_without_retry,
)
from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxError, FaxInputError
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.hooks.frame_locals import clear_frames
from airflow_provider_faxto.hooks.patience import INTERACTIVE, POLLING
from airflow_provider_faxto.operators.arguments import read_seconds, read_switch
from airflow_provider_faxto.operators.fax_list import read_fax_list
from airflow_provider_faxto.operators.outcomes import status_of_error
from airflow_provider_faxto.operators.rendered import hide, read_text
from airflow_provider_faxto.operators.wiring import check_wiring_downstream
from airflow_provider_faxto.sending.run_state import is_superseded

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.hooks.patience import Patience
    from airflow_provider_faxto.operators.batch_rules import RetryRules
    from airflow_provider_faxto.operators.batch_table import FaxTable
    from airflow_provider_faxto.sending.batch import BatchFax, FaxBatch
    from airflow_provider_faxto.sending.lookup import LookUpPostponed, LookUpProgress

__all__ = ["SendFaxesOperator"]

# As for a task with one fax.
_LOOK_UP_HOLDS = 10.0
_TURN_MAY_TAKE = 30.0
_MOST_THREADS = 32
_PROBLEMS_SHOWN = 20
_LABELS_SHOWN = 10
_BAD_LINE = ("fail", "skip")

T = TypeVar("T")
R = TypeVar("R")


class SendFaxesOperator(BaseOperator):
    """Send many logical faxes in one task, each once, and wait for all of them.

    What ``SendFaxOperator`` promises for its one fax holds for each of these: however often the task runs, a fax that
    is under way or was delivered is not sent again. Airflow's retry sends those that failed for now, a clear looks
    first, and a list that has grown or comes in another order sends what is new: a fax is told by its ``label``.

    Every line of the list is checked before the first fax goes out. What is wrong with the set-up ends the sending; the
    faxes that went out are waited for all the same.

    It returns a mapping: ``total``, ``outcome`` (the worst), ``counts`` by outcome, ``causes``, and ``faxes``, each
    with its ``label`` and the fields of ``FaxStatus.to_dict()``. Of more than 100 faxes these lie in a file of
    JSON-lines, whose ``path`` it returns instead. ``labels_of`` gives the labels of an outcome, and
    ``FaxOutcomeBranchOperator`` takes the whole.

    A few dozen faxes that each have tasks of their own downstream are better mapped: ``SendFaxOperator.partial(...)``.

    :param faxes: the faxes: a list of mappings, or a task's output that is one; or the path of a CSV or JSON-lines file
        that ``ObjectStoragePath`` reads, since a list of thousands does not belong in XCom. A line has a ``label`` and
        a ``fax_number``, and may have a ``document``, ``options`` and an ``idempotency_key``. Templated; hidden in the
        rendered fields.
    :param document: the document, or the list of them, of each fax whose line has none. Templated; hidden in the
        rendered fields. Default: none.
    :param fax_conn_id: the Airflow connection; its type names the vendor. Templated. Default: ``faxto_default``.
    :param options: what to set for each fax at the vendor, as for ``SendFaxOperator``; those of a line come first.
        Templated. Default: the account's own settings.
    :param on_bad_line: ``fail``: a line that cannot be used fails the task, and nothing is sent. ``skip``: the others
        are sent, and it ends as ``fatal`` in the result. Default: ``fail``.
    :param send_threads: how many faxes are sent at once, 1 to 32, within the one worker slot. Default: 4.
    :param pace: how many faxes may be sent in a minute. Default: as many as go.
    :param deferrable: whether to wait in the triggerer. Default: Airflow's ``[operators] default_deferrable``.
    :param poll_interval: seconds between two looks while waiting; less than 1 is taken for 1. Default: 60.
    :param completion_timeout: seconds, or a ``timedelta``, from the last send until the wait ends with the outcome
        ``unknown`` for those that are left. Default: 25 hours.
    :param raise_on_failure: whether to raise unless all were delivered: ``FaxRetryableError`` (Airflow's ``retries``
        apply) if one or more may be tried again, else ``FaxUnknownOutcomeError`` if one is unknown, else
        ``FaxFatalError``. The result is in XCom as ``return_value`` before. With ``False`` it is returned whatever it
        is; what is about the set-up, and a send that did not take place, raise either way. Default: ``True``.
    :param resend: send once more although a fax was delivered. ``True`` or a text for all of them, as for
        ``SendFaxOperator``; a list of labels for these alone; or a mapping of labels to texts, each of which stands for
        one resend. Templated. Default: ``False``.
    :param resend_partial: as for ``SendFaxOperator``. Templated. Default: ``False``.
    :param lookup_grace: as for ``SendFaxOperator``. Default: 120.
    :param cancel_on_kill: whether a task that is killed while it sends or waits cancels the faxes that have not gone
        out, as far as the vendor still can. Default: ``True``.
    :param result_path: the storage path or folder below which the file with the result lies, for more than 100 faxes.
        Templated. Default: ``[faxto] receipts`` of ``airflow.cfg``. If there is neither, more than 100 faxes are an
        error, and nothing is sent.
    :param kwargs: what every operator takes.
    :raises FaxInputError: if a parameter has a value that it cannot have.
    """

    template_fields: Sequence[str] = (
        "faxes",
        "document",
        "fax_conn_id",
        "options",
        "resend",
        "resend_partial",
        "result_path",
    )
    ui_color = "#c6ddf2"

    def __init__(
        self,
        *,
        faxes: Any,  # noqa: ANN401 - whatever a template or another task gives
        document: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        fax_conn_id: str = "faxto_default",
        options: Mapping[str, Any] | str | None = None,
        on_bad_line: str = "fail",
        send_threads: int | str = 4,
        pace: float | str | None = None,
        deferrable: bool | str = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float | str = 60.0,
        completion_timeout: float | str | timedelta = timedelta(hours=25),
        raise_on_failure: bool | str = True,
        resend: bool | str | Sequence[str] | Mapping[str, str] = False,
        resend_partial: bool | str = False,
        lookup_grace: float | str = 120.0,
        cancel_on_kill: bool | str = True,
        result_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.faxes = faxes
        self.document = document
        self.fax_conn_id = fax_conn_id
        if isinstance(options, Mapping):
            # For the names alone: a value may still be a template. Airflow renders a dict and no other mapping.
            SendOptions(options)
            options = options if isinstance(options, dict) else dict(options)
        self.options = options
        if on_bad_line not in _BAD_LINE:
            raise FaxInputError(f"on_bad_line must be {' or '.join(_BAD_LINE)}; it is {on_bad_line!r}.")
        self.on_bad_line = on_bad_line
        self.send_threads = _read_threads(send_threads)
        self.pace = None if pace is None else read_seconds("pace", pace)
        if self.pace == 0:
            raise FaxInputError("pace is how many faxes may be sent in a minute, more than 0.")
        self.deferrable = read_switch("deferrable", deferrable)
        self.poll_interval = read_seconds("poll_interval", poll_interval)
        if not self.poll_interval:
            raise FaxInputError("poll_interval must be more than 0 seconds: the vendors limit how often one may ask.")
        self.completion_timeout = read_seconds("completion_timeout", completion_timeout)
        self.raise_on_failure = read_switch("raise_on_failure", raise_on_failure)
        self.resend = resend
        self.resend_partial = resend_partial
        self.lookup_grace = read_seconds("lookup_grace", lookup_grace)
        self.cancel_on_kill = read_switch("cancel_on_kill", cancel_on_kill)
        self.result_path = result_path
        self._given: Any = None
        self._batch: FaxBatch | None = None
        self._sent: Sequence[BatchFax] = ()
        self._table: FaxTable | None = None
        self._context: Context | None = None

    # What Airflow calls ----------------------------------------------------------------------------------

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the faxes that were not sent already, then wait for all.

        :param context: the task's context.
        :return: the result; see the class.
        :raises FaxPermanentError: if a parameter, a line of the list, a branch downstream or the connection is wrong.
            Nothing was sent, unless the connection was found wrong meanwhile.
        :raises FaxAccountStoppedError: if the vendor refuses the password as faxes are looked up.
        :raises FaxNotSentError: if one or more faxes could not be sent, and can be later; also if the vendor refuses
            the password as they are sent.
        :raises FaxRetryableError: unless ``raise_on_failure`` is off, as the next.
        :raises FaxFatalError: see above.
        :raises FaxUnknownOutcomeError: see above.
        """
        return self._settle(lambda: self._run(context))

    def resume_look_up(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on with looks that had to wait, and send what may be sent.

        :param context: the task's context.
        :param event: the payload of :class:`~airflow_provider_faxto.triggers.fax.FaxLookUpTrigger`.
        :return: as :meth:`execute`.
        :raises FaxError: as :meth:`execute`.
        """
        from airflow_provider_faxto.sending.lookup import LookUpProgress

        return self._settle(lambda: self._run(context, progress=LookUpProgress(**event)))

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Resume after the trigger has fired; wait on for those of which it could not tell, and which are under way.

        :param context: the task's context.
        :param event: the trigger's payload; empty if there was none.
        :return: as :meth:`execute`.
        :raises FaxError: as :meth:`execute`.
        """
        return self._settle(lambda: self._resume(context, event))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:  # noqa: ANN401 - Airflow's signature
        """Resume; where Airflow has ended the wait itself, since no triggerer ran by the deadline, look once more.

        :param next_method: the method to resume with.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        :return: what the method returns.
        :raises FaxError: as :meth:`execute`.
        """
        from airflow_provider_faxto.waiting.waiter import is_trigger_timeout

        if not is_trigger_timeout(next_method, next_kwargs):
            return super().resume_execution(next_method, next_kwargs, context)
        return self.execute_complete(context, {})

    def on_kill(self) -> None:
        """Send no more, and cancel what has not gone out, if no other run of the task waits for it.

        Airflow is asked first, then the vendor. What is left is said in the log; the next run of the task finds it.
        """
        from airflow_provider_faxto.fax.packing import mark_of_reference
        from airflow_provider_faxto.operators.batch_table import SUBMITTED
        from airflow_provider_faxto.waiting.cancel import cancel_many_unless_superseded

        if self._batch is not None:
            self._batch.stop()
        context = self._context
        if context is None or not self.cancel_on_kill:
            return
        if self._table is not None:
            jobs = self._table.jobs
        else:
            pending = [fax.status for fax in self._sent if fax.status is not None and not fax.status.is_final]
            jobs = [(status.require_job_id(), mark_of_reference(status.reference)) for status in pending]
        cancel_many_unless_superseded(
            # One try each: a worker that is told to stop has little time left.
            partial(self._make_hook, POLLING),
            jobs,
            lambda: is_superseded(context, SUBMITTED),
        )

    def _do_render_template_fields(self, *args: Any, **kwargs: Any) -> None:
        # As in ``SendFaxOperator``. To mask each of ten thousand numbers would make every line of the log slow, so the
        # list is taken out of the field.
        super()._do_render_template_fields(*args, **kwargs)
        self._given = self.faxes
        is_path = isinstance(self.faxes, str) and not self.faxes.lstrip().startswith("[")
        self.faxes = hide(self.faxes) if is_path else f"list ({type(self.faxes).__name__})"
        self.document = hide(self.document)

    # One run ---------------------------------------------------------------------------------------------

    def _settle(self, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Run a part of the task; its errors show nothing of a fax."""
        try:
            with fail_without_retry():
                return run()
        except FaxError as error:
            clear_frames(error)
            # The frames of this package say nothing to who reads the task's log.
            raise error.with_traceback(None) from None
        except BaseException as error:
            clear_frames(error)
            raise

    def _run(
        self, context: Context, *, progress: LookUpProgress | None = None, is_repeated: bool = False
    ) -> dict[str, Any]:
        """Send what may be sent, then wait."""
        from airflow_provider_faxto.operators.batch_end import begin_receipts, find_result_path, probe_result_path
        from airflow_provider_faxto.operators.batch_preparation import BatchPreparation, read_resends
        from airflow_provider_faxto.sending.batch import FaxBatch
        from airflow_provider_faxto.sending.batch_journal import BatchJournal
        from airflow_provider_faxto.sending.lookup import LookUpPostponed
        from airflow_provider_faxto.waiting.many import Progress

        check_wiring_downstream(self, waits=True, raises_on_failure=self.raise_on_failure)
        hook = self._hook
        hook.check_configuration()
        journal = BatchJournal(context)
        journal.begin(is_resumed=progress is not None, is_repeated=is_repeated)
        lines = list(read_fax_list(self.faxes if self._given is None else self._given))
        preparation = BatchPreparation(
            context=context,
            hook=hook,
            document=self.document,
            options=self.options,
            resend=read_resends(self.resend, [line.label for line in lines]),
            threads=self.send_threads,
            rules=self._rules,
            lookup_grace=self.lookup_grace,
            returns_failures=not self.raise_on_failure,
        )
        checked = preparation.check(lines, skips_bad_lines=self.on_bad_line == "skip")
        table, faxes = preparation.begin(journal, lines, checked)
        path = find_result_path(context, len(table.faxes), read_text("result_path", self.result_path))
        self.log.info(
            "%d faxes at %s: attempt %d of %d. %d of them can be sent or looked up.",
            len(table.faxes),
            self._account(hook.conn_type),
            max(context["ti"].try_number, 1),
            (context["ti"].max_tries or 0) + 1,
            len(faxes),
        )
        batch = FaxBatch(
            hook,
            faxes,
            airflow=journal.lock,
            threads=self.send_threads,
            pace=self.pace,
            tell=Progress(len(faxes)).tell,
        )
        self._batch, self._sent, self._context = batch, faxes, context
        try:
            batch.look_up(progress=progress, hold=_LOOK_UP_HOLDS if self.deferrable else math.inf)
        except LookUpPostponed as later:
            raise self._defer_look_up(later) from None
        if path is not None:
            probe_result_path(path, table)
        journal.note_labels([fax.label for fax in table.faxes])
        table.sent_at = _now()
        batch.send()
        batch.settle()
        self._take(table, faxes)
        if batch.stopped_by is not None:
            error = batch.stopped_by
            table.stopped = (f"{type(error).__name__}: {error}", not isinstance(error, FaxConfigurationError))
        table.push(context["ti"])
        self._table = table
        begin_receipts(context, table, faxes, hook=hook, threads=self.send_threads)
        return self._wait(context, table, clock.now() + self.completion_timeout)

    def _take(self, table: FaxTable, faxes: Iterable[BatchFax]) -> None:
        """Take into the table what this run has come to with each fax."""
        from airflow_provider_faxto.fax.documents import combined_pages

        entries = {entry.label: entry for entry in table.faxes}
        for fax in faxes:
            entry, documents = entries[fax.label], fax.submission.fax.documents
            entry.sends = fax.journal.sends
            if fax.status is not None:
                pages, size = combined_pages(documents), sum(document.size for document in documents)
                entry.status = replace(fax.status, pages_submitted=pages, size=size)
            elif fax.error is not None:
                entry.status = _status_of(fax, entry.status)

    @property
    def _rules(self) -> RetryRules:
        from airflow_provider_faxto.operators.batch_rules import RetryRules

        return RetryRules.of(self, resend_partial=read_switch("resend_partial", self.resend_partial))

    # The wait ---------------------------------------------------------------------------------------------

    def _wait(self, context: Context, table: FaxTable, deadline: float) -> dict[str, Any]:
        """Wait for those that are under way; in the triggerer, if the task can defer."""
        from airflow_provider_faxto.operators.batch_end import tell_page
        from airflow_provider_faxto.triggers.fax import is_long_enough_to_defer
        from airflow_provider_faxto.triggers.faxes import FaxesStatusTrigger
        from airflow_provider_faxto.waiting.many import JobsInWait, Progress, wait_on_worker

        self._context, self._table = context, table
        pending = table.jobs
        if not pending:
            return self._conclude(context, table)
        tell_page(context, table, conn_id=self.fax_conn_id)
        seconds = deadline - clock.now()
        self.log.info(
            "%d fax jobs at %s: waiting until %s for their final statuses, asking every %.0f s.",
            len(pending),
            self._account(table.vendor),
            datetime.fromtimestamp(deadline, UTC).isoformat(" ", "seconds"),
            self.poll_interval,
        )
        jobs = JobsInWait([job_id for job_id, _ in pending], [mark for _, mark in pending])
        if self.deferrable and is_long_enough_to_defer(seconds):
            raise TaskDeferred(
                trigger=FaxesStatusTrigger(
                    *jobs.pack(),
                    self.fax_conn_id,
                    self.poll_interval,
                    deadline,
                    cancel_on_kill=self.cancel_on_kill,
                ),
                method_name="execute_complete",
                # The trigger keeps the deadline; this ends the task should the trigger itself be stuck.
                timeout=timedelta(seconds=seconds + 2 * self.poll_interval + 60),
            )
        progress = Progress(len(table.faxes))
        settled = Counter(fax.status.outcome for fax in table.faxes if fax.status.is_final)
        wait_on_worker(
            jobs,
            self.fax_conn_id,
            partial(self._make_hook, POLLING),
            poll_interval=self.poll_interval,
            deadline=deadline,
            progress=lambda: progress.tell(settled + jobs.counts()),
        )
        return self._take_event(context, table, jobs.to_event(deadline))

    def _resume(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after the trigger has fired."""
        from airflow_provider_faxto.operators.batch_table import FaxTable

        table = FaxTable.pull(context["ti"])
        if table is None:
            # Somebody has deleted it. A look finds all that was sent.
            self.log.warning("What this run has sent is not in XCom any more; the faxes are looked up.")
            return self._run(context, is_repeated=True)
        self._context, self._table = context, table
        return self._take_event(context, table, event)

    def _take_event(self, context: Context, table: FaxTable, event: Mapping[str, Any]) -> dict[str, Any]:
        """Take what a wait has come to; look once more at what it could not tell, and wait on if that may help."""
        from airflow_provider_faxto.waiting.many import EndOfWait, look_once_more, read_event
        from airflow_provider_faxto.waiting.waiter import NO_VENDOR, is_of_another_fax, status_at_deadline

        pending = table.pending
        if event:
            statuses, ends = read_event(event)
        else:
            # No triggerer ran by the deadline.
            statuses = [status_at_deadline(table.vendor, fax.status.require_job_id()) for fax in pending]
            ends = [EndOfWait.OPEN] * len(pending)
        if [status.job_id for status in statuses] != [fax.status.job_id for fax in pending]:
            raise FaxInputError("The trigger's event tells of other fax jobs than this task waits for.")
        open_ids = [
            status.require_job_id()
            for status, end in zip(statuses, ends, strict=True)
            if end in (EndOfWait.OPEN, EndOfWait.REFUSED)
        ]
        seen = look_once_more(self._make_hook(POLLING), open_ids) if open_ids else {}
        deadline = event.get("deadline")
        may_wait_on = isinstance(deadline, (int, float)) and deadline > clock.now()
        for fax, status, end in zip(pending, statuses, ends, strict=True):
            found = seen.get(status.require_job_id())
            is_told = found is not None and found.is_final and not is_of_another_fax(found, fax.status.reference)
            if not is_told and end in (EndOfWait.OPEN, EndOfWait.REFUSED) and may_wait_on:
                continue
            told = found if found is not None and is_told else status
            told = replace(told, vendor=table.vendor) if told.vendor == NO_VENDOR else told
            fax.status = _with_what_was_known(told, fax.status)
        if table.pending and isinstance(deadline, (int, float)):
            table.push(context["ti"])
            return self._wait(context, table, float(deadline))
        return self._conclude(context, table)

    # The end ----------------------------------------------------------------------------------------------

    def _conclude(self, context: Context, table: FaxTable) -> dict[str, Any]:
        """Note how all faxes ended, and return the result or raise for it."""
        from airflow_provider_faxto.operators.batch_end import (
            BatchEnd,
            complete_receipts,
            count_ends,
            find_result_path,
            tell_page,
            write_result,
        )
        from airflow_provider_faxto.sending.batch_journal import BatchJournal

        # Nothing is left to cancel.
        self._table, self._sent = None, ()
        journal = BatchJournal(context)
        ended = table.note_ends()
        journal.note_ends({fax.label: fax.sends for fax in table.faxes})
        for fax in table.faxes:
            if fax.mark is not None and fax.status.job_id is not None:
                fax.mark.note(fax.status, is_resend=fax.is_resend)
        count_ends(table, ended)
        complete_receipts(table, conn_id=self.fax_conn_id, threads=self.send_threads)
        path = find_result_path(context, len(table.faxes), read_text("result_path", self.result_path))
        end = BatchEnd(table, self._account(table.vendor), write_result(path, table), self._rules)
        end.announce()
        tell_page(context, table, conn_id=self.fax_conn_id, seen_final_at=_now(), path=end.path)
        error = end.find_error(journal, raises_on_failure=self.raise_on_failure)
        if error is not None:
            context["ti"].xcom_push(key="return_value", value=end.result)
            raise error
        return end.result

    # Small things -----------------------------------------------------------------------------------------

    def _account(self, vendor: str) -> str:
        from airflow_provider_faxto.hooks.registry import name_account

        return name_account(vendor, self.fax_conn_id)

    def _defer_look_up(self, later: LookUpPostponed) -> TaskDeferred:
        from airflow_provider_faxto.triggers.fax import FaxLookUpTrigger

        self.log.info(
            "The faxes are looked up again in %.0f s; until then the task holds no worker slot.", later.seconds
        )
        progress = later.progress
        trigger = FaxLookUpTrigger(clock.now() + later.seconds, progress.settled_from, progress.asked_at)
        return TaskDeferred(trigger=trigger, method_name="resume_look_up")

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


def _now() -> str:
    return datetime.fromtimestamp(clock.now(), UTC).isoformat()


def _read_threads(value: object) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or not 1 <= int(text) <= _MOST_THREADS:
        raise FaxInputError(f"send_threads must be a whole number from 1 to {_MOST_THREADS}; it is {value!r}.")
    return int(text)


def _status_of(fax: BatchFax, unsent: FaxStatus) -> FaxStatus:
    """Give what an error makes of a fax."""
    error = fax.error
    if isinstance(error, FaxPermanentError):
        # Its idempotency_key stands for another fax.
        return replace(unsent, outcome=FaxOutcome.FATAL, message=str(error))
    status = status_of_error(error, vendor=unsent.vendor)
    if status is None:
        return replace(unsent, message=f"Nothing was sent: {error}")
    return replace(status, reference=fax.submission.fax.key) if status.outcome is FaxOutcome.UNKNOWN else status


def _with_what_was_known(status: FaxStatus, submitted: FaxStatus) -> FaxStatus:
    """Complete a final status by what the vendor tells only when it accepts the fax."""
    return replace(
        status,
        cost=status.cost if status.cost is not None else submitted.cost,
        reference=status.reference or submitted.reference,
        pages_submitted=submitted.pages_submitted,
        size=submitted.size,
    )
