"""From the list of a batch to the faxes that are to be sent, all of them checked before the first goes out."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.operators.arguments import read_options, read_resend
from airflow_provider_faxto.operators.batch_table import FaxEntry, FaxTable
from airflow_provider_faxto.operators.fax_list import BadLine
from airflow_provider_faxto.operators.in_threads import in_threads
from airflow_provider_faxto.operators.outcomes import status_of_error
from airflow_provider_faxto.operators.preparation import prepare_fax
from airflow_provider_faxto.operators.rendered import is_unset
from airflow_provider_faxto.sending.bad_numbers import NumberMark
from airflow_provider_faxto.sending.batch import BatchFax
from airflow_provider_faxto.sending.submit import FaxSubmission

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.operators.batch_rules import RetryRules
    from airflow_provider_faxto.operators.fax_list import FaxLine
    from airflow_provider_faxto.sending.batch_journal import BatchJournal
    from airflow_provider_faxto.sending.logical_fax import LogicalFax
    from airflow_provider_faxto.sending.run_state import SendJournal

__all__ = ["BatchPreparation", "read_resends"]

_PROBLEMS_SHOWN = 20
_LABELS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPreparation:
    """What the lines of a list have in common.

    :param context: the task's context.
    :param hook: the account; its connection is checked already.
    :param document: the document of each line that has none.
    :param options: what to set for each fax beside what its line says.
    :param resend: gives for a label the text that stands for its resend, empty for none.
    :param threads: how many lines are checked at once.
    :param rules: which faxes a retry sends again.
    :param lookup_grace: as for ``SendFaxesOperator``.
    :param returns_failures: whether the task returns a failure of a fax instead of raising it.
    """

    context: Context
    hook: FaxHook
    document: object
    options: object
    resend: Callable[[str], str]
    threads: int
    rules: RetryRules
    lookup_grace: float
    returns_failures: bool

    def check(self, lines: Sequence[FaxLine | BadLine], *, skips_bad_lines: bool) -> list[LogicalFax | BadLine]:
        """Check every line, and make a fax of it.

        :param lines: the lines.
        :param skips_bad_lines: whether one that cannot be used leaves the others as they are.
        :return: the faxes, with what is wrong with a line in the place of its fax.
        :raises FaxInputError: if a line cannot be used, unless such lines are skipped.
        :raises FaxConfigurationError: if the connection cannot be used.
        """
        own = read_options(self.options)
        loaded: dict[str, Sequence[FaxDocument]] = {}
        checked = in_threads(lambda line: self._check_one(line, own, loaded), lines, self.threads)
        bad = [fax for fax in checked if isinstance(fax, BadLine)]
        if bad and not skips_bad_lines:
            shown = " ".join(map(str, bad[:_PROBLEMS_SHOWN]))
            more = f" And {len(bad) - _PROBLEMS_SHOWN} more." if len(bad) > _PROBLEMS_SHOWN else ""
            raise FaxInputError(
                f"{len(bad)} of {len(checked)} faxes cannot be used, and nothing was sent. {shown}{more} "
                'With on_bad_line="skip" the others are sent.'
            )
        return checked

    def begin(
        self, journal: BatchJournal, lines: Sequence[FaxLine | BadLine], checked: Sequence[LogicalFax | BadLine]
    ) -> tuple[FaxTable, list[BatchFax]]:
        """Read the notes of all faxes.

        :param journal: the notes of the task.
        :param lines: the lines.
        :param checked: what :meth:`check` made of them.
        :return: the table of all, and those that are to be looked up or sent.
        """
        labels = [line.label for line in lines]
        in_list = set(labels)
        gone = [label for label in journal.labels_before() if label not in in_list]
        journals = journal.of_each([*labels, *gone])
        good = [fax for fax in checked if not isinstance(fax, BadLine)]
        marks = iter(NumberMark.of_each([fax.fax_number for fax in good], self.hook.bad_number_days))
        table = FaxTable(vendor=self.hook.conn_type, account=self.hook.account_id)
        faxes: list[BatchFax] = []
        for label, fax in zip(labels, checked, strict=True):
            notes = journals[label]
            entry = FaxEntry(label=label, status=self._unsent, sends=notes.sends, is_resend=bool(self.resend(label)))
            table.faxes.append(entry)
            if isinstance(fax, BadLine):
                entry.status = self._status_of_bad_line(fax, notes)
                continue
            entry.mark = next(marks)
            is_retry = not journal.earlier.user_initiated
            given_up = self.rules.find_given_up(notes, fax.key) if is_retry else None
            if given_up is not None:
                entry.status = given_up
                continue
            submission = FaxSubmission(
                fax,
                earlier=replace(journal.earlier, sends=notes.sends),
                lookup_grace=self.lookup_grace,
                resend_partial=self.rules.resend_partial,
                returns_failures=self.returns_failures,
                journal=notes,
            )
            mark = None if fax.resend_of is not None else entry.mark
            faxes.append(BatchFax(label=label, submission=submission, journal=notes, mark=mark))
        for label in gone:
            left = self._status_of_gone(journals[label])
            if left is not None:
                table.faxes.append(FaxEntry(label=label, status=left, sends=journals[label].sends))
        return table, faxes

    def _check_one(
        self, line: FaxLine | BadLine, own: Mapping[str, Any], loaded: dict[str, Sequence[FaxDocument]]
    ) -> LogicalFax | BadLine:
        """Check one line; the same document is read and counted once for all of them."""
        if isinstance(line, BadLine):
            return line
        document = self.document if line.document is None else line.document
        name = repr(document) if isinstance(document, (str, list, tuple)) else ""
        try:
            fax = prepare_fax(
                self.context,
                self.hook,
                fax_number=line.fax_number,
                document=list(loaded[name]) if name in loaded else document,
                options={**own, **read_options(line.options)},
                idempotency_key=line.idempotency_key,
                resend=self.resend(line.label),
                label=line.label,
            )
        except FaxInputError as error:
            return BadLine(line.place, line.label, error.with_traceback(None))
        if name:
            loaded[name] = fax.documents
        return fax

    @property
    def _unsent(self) -> FaxStatus:
        """What stands for a fax that this run has not sent yet."""
        return FaxStatus(
            vendor=self.hook.conn_type, job_id=None, outcome=FaxOutcome.RETRYABLE, message="It was not sent yet."
        )

    def _status_of_bad_line(self, line: BadLine, notes: SendJournal) -> FaxStatus:
        """Give what a line that cannot be used comes to; an earlier run may have sent its fax."""
        may_be_sent = any(
            not send.has_ended or (send.status is not None and send.status.outcome is FaxOutcome.SUCCESS)
            for send in notes.sends
        )
        status = status_of_error(line.error, vendor=self.hook.conn_type, may_be_sent=may_be_sent)
        outcome = FaxOutcome.UNKNOWN if may_be_sent else FaxOutcome.FATAL
        return status or replace(self._unsent, outcome=outcome, message=str(line.error))

    def _status_of_gone(self, notes: SendJournal) -> FaxStatus | None:
        """Give what is known of a fax that an earlier run has sent, that is under way, and that left the list."""
        if not notes.sends or notes.sends[-1].has_ended:
            return None
        last = notes.sends[-1]
        is_known = last.job_id is not None and last.account == self.hook.account_id
        return replace(
            self._unsent,
            job_id=last.job_id if is_known else None,
            outcome=FaxOutcome.PENDING if is_known else FaxOutcome.UNKNOWN,
            message="An earlier run has sent it, and it is not in the list any more.",
            reference=last.key,
        )


def read_resends(resend: object, labels: Collection[str]) -> Callable[[str], str]:
    """Read the argument ``resend`` of a batch.

    :param resend: what was given for it: a switch or a text for all, a list of labels, a mapping of labels to texts, or
        a text that a template has made of these.
    :param labels: the labels of the list.
    :return: gives for a label the text that stands for its resend, empty for none.
    :raises FaxInputError: if it names a label that is not in the list.
    """
    if isinstance(resend, str) and resend.lstrip()[:1] in ("[", "{"):
        resend = _read_literal(resend)
    if isinstance(resend, Mapping):
        texts = {str(label): read_resend(text) for label, text in resend.items()}
    elif isinstance(resend, Collection) and not isinstance(resend, (str, bytes)):
        texts = dict.fromkeys(map(str, resend), "1")
    else:
        text = "" if is_unset(resend) else read_resend(resend)
        return lambda _: text
    unknown = sorted(texts.keys() - set(labels))
    if unknown:
        raise FaxInputError(
            f"resend names {len(unknown)} label(s) that are not in the list: {', '.join(unknown[:_LABELS_SHOWN])}."
        )
    return lambda label: texts.get(label, "")


def _read_literal(text: str) -> object:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
    return text
