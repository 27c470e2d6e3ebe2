"""What a task notes of its fax beside the status: its receipt, and the mark under which its number is remembered."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxAwaitingCreditError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.figures import count_attempt
from airflow_provider_faxto.operators.outcomes import hand_receipt_on
from airflow_provider_faxto.receipts.image import keep_image
from airflow_provider_faxto.receipts.receipt import SentFax, begin_receipt, complete_receipt
from airflow_provider_faxto.receipts.record import push_record
from airflow_provider_faxto.receipts.store import write_end, write_receipt
from airflow_provider_faxto.sending.bad_numbers import NumberMark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.errors import FaxError
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.sending.logical_fax import LogicalFax

__all__ = ["FaxNotes", "note_error"]

_MARK = "number_mark"
_RECEIPT = "receipt"
_IS_LIKELY_NEW = "is_likely_new"
_MENDED_BY_A_PERSON: dict[type[FaxError], str] = {
    FaxAccountStoppedError: "credentials",
    FaxAwaitingCreditError: "credit",
}


@dataclass(frozen=True, slots=True)
class FaxNotes:
    """The notes of one fax job, from its send to its end, which may be in another process.

    :param mark: the mark of the number that was dialled; ``None`` if it is not remembered. A template may give another
        number when the task resumes.
    :param receipt: the receipt as it was begun; ``None`` if nothing is known of that.
    :param is_likely_new: whether no other run of the task can have seen the job's end, as far as can be told without
        the journal. Default: ``False``.
    """

    mark: NumberMark | None = None
    receipt: Mapping[str, Any] | None = None
    is_likely_new: bool = False

    @classmethod
    def begin(
        cls,
        context: Context,
        status: FaxStatus,
        fax: LogicalFax,
        mark: NumberMark | None,
        *,
        hook: FaxHook,
        label: str | None,
        is_likely_new: bool = False,
    ) -> FaxNotes:
        """Begin the notes of a job that was made or found.

        :param context: the task's context.
        :param status: the status of the job.
        :param fax: the fax that the task is to send.
        :param mark: the mark of its number.
        :param hook: the account.
        :param label: what the user calls the fax.
        :param is_likely_new: as above. Default: ``False``.
        :return: the notes.
        """
        # The job of an earlier run may be of another number and document.
        is_own = status.reference == fax.key
        sent = SentFax(number=fax.fax_number, number_hash=mark.mark if mark else None, documents=fax.documents)
        return cls(
            mark if is_own else None,
            begin_receipt(
                status,
                context["ti"],
                conn_id=hook.fax_conn_id,
                account=hook.account_id,
                label=label,
                sent=sent if is_own else None,
            ),
            is_likely_new,
        )

    @classmethod
    def from_xcom(cls, noted: Mapping[str, Any]) -> FaxNotes:
        """Read the notes that another part of the task has left.

        :param noted: what stands in XCom, with :meth:`to_xcom` in it.
        :return: the notes; empty ones if there are none.
        """
        mark = noted.get(_MARK)
        return cls(NumberMark(*mark) if mark else None, noted.get(_RECEIPT), bool(noted.get(_IS_LIKELY_NEW)))

    def to_xcom(self) -> dict[str, Any]:
        """Give the notes in plain JSON types, for the part of the task that resumes.

        :return: an entry for each.
        """
        mark = astuple(self.mark) if self.mark else None
        return {_MARK: mark, _RECEIPT: self.receipt, _IS_LIKELY_NEW: self.is_likely_new}

    def write(self, context: Context) -> None:
        """Tell the page *Faxes*, and write the receipt as it is, where receipts are to be written.

        :param context: the task's context.
        """
        if self.receipt is not None:
            push_record(context["ti"], self.receipt)
            write_receipt(self.receipt)

    def conclude(
        self,
        context: Context,
        outlets: Iterable[object],
        status: FaxStatus,
        *,
        is_resend: bool,
        make_hook: Callable[[], FaxHook] | None = None,
    ) -> None:
        """Take the end of the fax: remember its number, tell the page *Faxes*, and complete its receipt.

        :param context: the task's context.
        :param outlets: the task's outlets, to whose events the receipt goes.
        :param status: the final status.
        :param is_resend: whether the fax was sent although its number may have been remembered.
        :param make_hook: makes the hook of the account, for the image of the fax where that is to be kept. Default:
            none is kept.
        """
        if self.mark is not None:
            self.mark.note(status, is_resend=is_resend)
        if self.receipt is not None:
            receipt = write_end(self.receipt, status)
            push_record(context["ti"], receipt)
            hand_receipt_on(context, outlets, keep_image(receipt, make_hook) if make_hook is not None else receipt)

    def count(self, status: FaxStatus) -> None:
        """Count the end of the fax job, which is seen for the first time.

        :param status: the final status.
        """
        import pendulum

        sent_at = pendulum.parse(self.receipt["sent_at"]) if self.receipt and self.receipt.get("sent_at") else None
        count_attempt(status, clock.now() - sent_at.timestamp() if isinstance(sent_at, pendulum.DateTime) else None)


def note_error(
    context: Context,
    error: FaxError,
    status: FaxStatus | None,
    notes: FaxNotes | None,
    *,
    vendor: str,
    conn_id: str,
    label: str | None,
    number: str | None,
) -> None:
    """Tell the page *Faxes* of a fax that never became a job, and of one whose account a person has to mend.

    :param context: the task's context.
    :param error: the error that ends the run.
    :param status: what it makes of the fax; ``None`` for nothing.
    :param notes: the notes of its job; ``None`` where no job is known.
    :param vendor: the connection type.
    :param conn_id: the connection.
    :param label: what the user calls the fax.
    :param number: the recipient, masked; ``None`` where it could not be read.
    """
    waits_for = next((word for kind, word in _MENDED_BY_A_PERSON.items() if isinstance(error, kind)), None)
    if status is None and waits_for is None:
        return
    told = status or FaxStatus(vendor=vendor, job_id=None, outcome=FaxOutcome.PENDING)
    if notes is not None and notes.receipt is not None:
        receipt = complete_receipt(notes.receipt, told) if status is not None else dict(notes.receipt)
    else:
        begun = begin_receipt(told, context["ti"], conn_id=conn_id, account="", label=label, sent=None)
        receipt = {**begun, "number": number, "sent_at": begun["sent_at"] if told.job_id is not None else None}
    push_record(context["ti"], receipt, waits_for=waits_for)
