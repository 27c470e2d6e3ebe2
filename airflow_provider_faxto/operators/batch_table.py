"""What one part of a task that sends many faxes leaves the next, in XCom: each fax, its job, and what is noted of it.

Packed, in pieces that every database of Airflow takes (MySQL's XCom has 64 kB in Airflow 2). It holds labels, fax jobs
and hashes, and neither a number nor a document.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.packing import mark_of_reference, pack, pack_statuses, unpack, unpack_statuses
from airflow_provider_faxto.sending.bad_numbers import NumberMark
from airflow_provider_faxto.sending.run_state import read_sends, write_sends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.reconcile import NotedSend
    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["SUBMITTED", "FaxEntry", "FaxTable"]

SUBMITTED = "submitted"
"""The XCom that says how many pieces there are; each piece has a number behind that name."""

_FAXES_IN_A_PIECE = 400
_ENDED = (FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE, FaxOutcome.FATAL)


@dataclass(slots=True, kw_only=True)
class FaxEntry:
    """One fax of the table.

    :param label: what the user calls it.
    :param status: the status of its fax job, pending or final; or what there is instead of a job.
    :param sends: its sends, as the journal has them.
    :param mark: the mark of its number; ``None`` if that is not remembered.
    :param is_resend: whether it was sent although its number may have been remembered.
    """

    label: str
    status: FaxStatus
    sends: Sequence[NotedSend] = ()
    mark: NumberMark | None = None
    is_resend: bool = False


@dataclass(slots=True, kw_only=True)
class FaxTable:
    """All faxes of a task instance, in the order of the list.

    :param vendor: the connection type.
    :param account: names the account.
    :param faxes: the faxes.
    :param stopped: why not all of them were sent, and whether a retry can help, where that is so. Default: they were.
    :param sent_at: when the run began to send, as ISO 8601. Default: not known.
    """

    vendor: str
    account: str
    faxes: list[FaxEntry] = field(default_factory=list)
    stopped: tuple[str, bool] | None = None
    sent_at: str | None = None

    @property
    def pending(self) -> list[FaxEntry]:
        """Those that are waited for."""
        return [fax for fax in self.faxes if not fax.status.is_final and fax.status.job_id is not None]

    @property
    def unsent(self) -> list[FaxEntry]:
        """Those that were not sent, and can be."""
        return [fax for fax in self.faxes if fax.status.outcome is FaxOutcome.RETRYABLE and fax.status.job_id is None]

    @property
    def jobs(self) -> list[tuple[str, bytes]]:
        """The fax jobs of those that are waited for, each with the mark of its key."""
        return [(fax.status.require_job_id(), mark_of_reference(fax.status.reference)) for fax in self.pending]

    @property
    def statuses(self) -> list[tuple[str, FaxStatus]]:
        """Each fax by its label."""
        return [(fax.label, fax.status) for fax in self.faxes]

    def note_ends(self) -> list[tuple[FaxStatus, float | None]]:
        """Note how each fax has ended with the send that its job came of.

        :return: the status of each job whose end is noted for the first time, and when its send began, in seconds since
            the epoch; ``None`` if that is not known.
        """
        first: list[tuple[FaxStatus, float | None]] = []
        for fax in self.faxes:
            status = fax.status
            final = status if status.outcome in _ENDED else None
            for number, send in enumerate(fax.sends):
                if status.is_final and send.job_id == status.job_id is not None:
                    if not send.is_counted:
                        first.append((status, send.began_at))
                    noted = replace(send, status=final or send.status, is_counted=True)
                    fax.sends = [*fax.sends[:number], noted, *fax.sends[number + 1 :]]
        return first

    def push(self, ti: Any) -> None:  # noqa: ANN401 - a task instance of any release
        """Write the table to XCom.

        :param ti: the task instance, as Airflow gives it.
        """
        pieces = [
            self.faxes[start : start + _FAXES_IN_A_PIECE] for start in range(0, len(self.faxes), _FAXES_IN_A_PIECE)
        ]
        for number, piece in enumerate(pieces):
            rest = [
                [fax.label, write_sends(fax.sends), [fax.mark.mark, fax.mark.days] if fax.mark else None, fax.is_resend]
                for fax in piece
            ]
            value = {"statuses": pack_statuses([fax.status for fax in piece]), "rest": pack(rest)}
            ti.xcom_push(key=f"{SUBMITTED}_{number}", value=value)
        # The last, and the run, so that a kill can tell it from its successor's.
        ti.xcom_push(
            key=SUBMITTED,
            value={
                "run": ti.try_number,
                "pieces": len(pieces),
                "vendor": self.vendor,
                "account": self.account,
                "stopped": list(self.stopped) if self.stopped else None,
                "sent_at": self.sent_at,
            },
        )

    @classmethod
    def pull(cls, ti: Any) -> FaxTable | None:  # noqa: ANN401 - see above
        """Read the table from XCom.

        :param ti: the task instance.
        :return: the table; ``None`` if it is not there.
        :raises FaxInputError: if a piece of it cannot be read.
        """
        head = ti.xcom_pull(task_ids=ti.task_id, key=SUBMITTED, map_indexes=ti.map_index)
        if not isinstance(head, dict):
            return None
        stopped = head.get("stopped")
        table = cls(
            vendor=head["vendor"],
            account=head["account"],
            stopped=(str(stopped[0]), bool(stopped[1])) if stopped else None,
            sent_at=head.get("sent_at"),
        )
        for number in range(int(head["pieces"])):
            piece = ti.xcom_pull(task_ids=ti.task_id, key=f"{SUBMITTED}_{number}", map_indexes=ti.map_index)
            if not isinstance(piece, dict):
                return None
            rows = zip(unpack_statuses(piece["statuses"]), unpack(piece["rest"]), strict=True)
            for status, (label, sends, mark, is_resend) in rows:
                table.faxes.append(
                    FaxEntry(
                        label=label,
                        status=status,
                        sends=read_sends(sends),
                        mark=NumberMark(*mark) if mark else None,
                        is_resend=is_resend,
                    )
                )
        return table
