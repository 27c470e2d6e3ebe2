"""What a task that sends many faxes leaves when all have ended: receipts, a file of the result, a summary, an error."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import (
    FaxFatalError,
    FaxNotSentError,
    FaxPermanentError,
    FaxRetryableError,
    FaxUnknownOutcomeError,
)
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.figures import WITHOUT_JOB, add, count_attempt
from airflow_provider_faxto.operators.batch_result import INLINE_UP_TO, make_result, result_path, write_faxes
from airflow_provider_faxto.operators.in_threads import in_threads
from airflow_provider_faxto.operators.notes import FaxNotes
from airflow_provider_faxto.receipts.receipt import receipt_of_job
from airflow_provider_faxto.receipts.record import push_batch
from airflow_provider_faxto.receipts.store import receipts_root, write_end, write_receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.errors import FaxError
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.operators.batch_rules import RetryRules
    from airflow_provider_faxto.operators.batch_table import FaxEntry, FaxTable
    from airflow_provider_faxto.sending.batch import BatchFax
    from airflow_provider_faxto.sending.batch_journal import BatchJournal

__all__ = [
    "BatchEnd", "begin_receipts", "complete_receipts", "count_ends", "find_result_path", "probe_result_path",
    "tell_page", "write_result",
]  # fmt: skip

log = logging.getLogger(__name__)

_LABELS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """How a batch ended.

    :param table: all faxes, each with its final status.
    :param account: the vendor and the connection, for people.
    :param path: where the result lies; ``None`` for XCom.
    :param rules: which faxes a retry sends again.
    """

    table: FaxTable
    account: str
    path: str | None
    rules: RetryRules

    @property
    def result(self) -> dict[str, Any]:
        """What the task returns."""
        return make_result(self.table.statuses, self.path)

    @property
    def summary(self) -> str:
        """How many faxes came to what, in a sentence or two."""
        result = make_result(self.table.statuses, None)
        counts = result["counts"]
        told = ", ".join(f"{cause} {number}" for cause, number in result["causes"].items())
        return (
            f"Of {result['total']} faxes at {self.account} {counts[FaxOutcome.SUCCESS]} were delivered, "
            f"{counts[FaxOutcome.RETRYABLE]} failed for now or were not sent, {counts[FaxOutcome.FATAL]} failed for "
            f"good, and of {counts[FaxOutcome.UNKNOWN]} it is not known.{f' Causes: {told}.' if told else ''}"
        )

    def announce(self) -> None:
        """Say in the log how it ended, and name some of those that were not delivered."""
        short = [fax for fax in self.table.faxes if fax.status.outcome is not FaxOutcome.SUCCESS]
        if not short:
            log.info("All %d faxes at %s were delivered.", len(self.table.faxes), self.account)
            return
        named = ", ".join(f"{fax.label}: {fax.status.cause or fax.status.outcome}" for fax in short[:_LABELS_SHOWN])
        more = f", and {len(short) - _LABELS_SHOWN} more" if len(short) > _LABELS_SHOWN else ""
        log.warning("%s Not delivered: %s%s.", self.summary, named, more)

    def find_error(self, journal: BatchJournal, *, raises_on_failure: bool) -> FaxError | None:
        """Find the error to raise: what is about the set-up first, then what a retry may mend.

        :param journal: the notes of the task.
        :param raises_on_failure: whether a failure of a fax is raised.
        :return: the error; ``None`` if the result is to be returned.
        """
        faxes, summary = self.table.faxes, self.summary
        if self.table.stopped is not None:
            problem, may_retry = self.table.stopped
            message = f"{summary} The sending ended early: {problem}"
            return FaxNotSentError(message) if may_retry else FaxPermanentError(message)
        unsent = self.table.unsent
        notes = {fax.label: journal.restore(fax.label, fax.sends) for fax in faxes}
        again = [fax for fax in faxes if self.rules.allow(fax.status, notes[fax.label])]
        if again and raises_on_failure:
            # One pause for all of them: that of the cause which calls for the longest.
            slowest = max(again, key=lambda fax: self.rules.delay_of(fax.status, notes[fax.label]) or timedelta(0))
            return FaxRetryableError(
                f"{summary} A later run sends {len(again) + len(unsent)} of them again.",
                slowest.status,
                notes[slowest.label].count_failures(slowest.status.cause),
            )
        if unsent:
            return FaxNotSentError(f"{summary} {len(unsent)} were not sent, and can be: {unsent[0].status.message}")
        outcomes = {fax.status.outcome for fax in faxes}
        if not raises_on_failure or outcomes <= {FaxOutcome.SUCCESS}:
            return None
        if FaxOutcome.UNKNOWN in outcomes:
            return FaxUnknownOutcomeError(
                f"{summary} Look the unknown ones up at the vendor before they are sent again. To send one again, name "
                "its label in resend and clear the task."
            )
        return FaxFatalError(f"{summary} None of them is tried again. Correct them, then clear the task.")


def find_result_path(context: Context, number: int, given: str | None) -> str | None:
    """Tell where the result of a task lies.

    :param context: the task's context.
    :param number: how many faxes it has.
    :param given: the storage path or folder that the task names; ``None`` for that of the receipts.
    :return: the path of a file; ``None`` for XCom.
    :raises FaxInputError: if the faxes are too many for XCom, and there is no other place.
    """
    if number <= INLINE_UP_TO:
        return None
    path = result_path(given.rstrip("/") if given else receipts_root(), context["ti"])
    if path is None:
        raise FaxInputError(
            f"The result of {number} faxes is too long for XCom, and there is no other place for it. Set result_path "
            f"on the task, or [faxto] receipts in airflow.cfg. Up to {INLINE_UP_TO} faxes need none. Nothing was sent."
        )
    return path


def probe_result_path(path: str, table: FaxTable) -> None:
    """Write what is known before anything is sent, so that a place that cannot be written to is found out now.

    :param path: what :func:`find_result_path` gave.
    :param table: all faxes.
    :raises FaxInputError: if it cannot be written.
    """
    problem = _write(path, table)
    if problem is not None:
        raise FaxInputError(
            f"The result cannot be written ({problem}). Check result_path on the task or [faxto] receipts, and that "
            "this machine may write there. Nothing was sent by this run."
        )


def write_result(path: str | None, table: FaxTable) -> str | None:
    """Write the file of the result.

    :param path: what :func:`find_result_path` gave.
    :param table: all faxes.
    :return: the path; ``None`` if the result goes to XCom, as it does where the file cannot be written any more.
    """
    problem = None if path is None else _write(path, table)
    if problem is None:
        return path
    log.warning("The result cannot be written (%s), and goes to XCom. The faxes are not concerned.", problem)
    return None


def begin_receipts(
    context: Context, table: FaxTable, faxes: Sequence[BatchFax], *, hook: FaxHook, threads: int
) -> None:
    """Begin the receipt of each fax job, where receipts are to be written.

    :param context: the task's context.
    :param table: all faxes.
    :param faxes: what this run has done with each.
    :param hook: the account.
    :param threads: how many are written at once.
    """
    if receipts_root() is None:
        return
    by_label: Mapping[str, BatchFax] = {fax.label: fax for fax in faxes}

    def write(entry: FaxEntry) -> None:
        fax = by_label.get(entry.label)
        if fax is not None and entry.status.job_id is not None:
            notes = FaxNotes.begin(context, entry.status, fax.submission.fax, entry.mark, hook=hook, label=entry.label)
            write_receipt(notes.receipt or {})

    in_threads(write, table.faxes, threads)


def tell_page(
    context: Context, table: FaxTable, *, conn_id: str, seen_final_at: str | None = None, path: str | None = None
) -> None:
    """Tell the page *Faxes* how many faxes came to what.

    :param context: the task's context.
    :param table: all faxes.
    :param conn_id: the connection.
    :param seen_final_at: when all had ended, as ISO 8601. Default: not yet.
    :param path: where the result lies. Default: in XCom, or nowhere yet.
    """
    result = make_result(table.statuses, "")
    record = {
        "vendor": table.vendor,
        "conn_id": conn_id,
        **{name: result[name] for name in ("total", "counts", "causes")},
        "unsent": len(table.unsent),
        "sent_at": table.sent_at,
        "seen_final_at": seen_final_at,
        # Its name alone; the log has the rest.
        "stopped": table.stopped[0].partition(":")[0] if table.stopped else None,
        "path": path,
    }
    push_batch(context["ti"], record)


def count_ends(table: FaxTable, ended: Iterable[tuple[FaxStatus, float | None]]) -> None:
    """Tell Airflow's metrics of the faxes that have ended.

    :param table: all faxes, each with its final status.
    :param ended: what :meth:`~airflow_provider_faxto.operators.batch_table.FaxTable.note_ends` gave.
    """
    for status, began_at in ended:
        count_attempt(status, None if began_at is None else clock.now() - began_at)
    for fax in table.faxes:
        if fax.status.job_id is None:
            add(WITHOUT_JOB, vendor=fax.status.vendor, outcome=fax.status.outcome, cause=fax.status.cause)


def complete_receipts(table: FaxTable, *, conn_id: str, threads: int) -> None:
    """Complete the receipt of each fax job, where receipts are to be written.

    :param table: all faxes, each with its final status.
    :param conn_id: the connection.
    :param threads: how many are written at once.
    """
    if receipts_root() is None:
        return

    def write(entry: FaxEntry) -> None:
        if entry.status.job_id is not None:
            receipt = receipt_of_job(entry.status, conn_id=conn_id, account=table.account)
            write_end({**receipt, "label": entry.label}, entry.status)

    in_threads(write, table.faxes, threads)


def _write(path: str, table: FaxTable) -> str | None:
    """Write the file of the result, and give the name of the error if it cannot be."""
    try:
        write_faxes(path, table.statuses)
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        return type(error).__name__
    return None
