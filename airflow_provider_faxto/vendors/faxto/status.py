"""What became of a fax at Fax.to: the status call's sentence, and where that does not tell, the history's row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_faxto.fax.errors import (
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
)
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind
from airflow_provider_faxto.vendors.faxto.errors import unreadable
from airflow_provider_faxto.vendors.faxto.history import PageReading
from airflow_provider_faxto.vendors.faxto.messages import is_in_progress
from airflow_provider_faxto.vendors.parsing import as_money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.faxto.errors import AnswerReader
    from airflow_provider_faxto.vendors.faxto.history import ListReader
    from airflow_provider_faxto.vendors.faxto.messages import MessageReader
    from airflow_provider_faxto.vendors.faxto.records import HistoryRow

__all__ = ["StatusReader"]

_VENDOR = "faxto"
# A job that is waited for is young, so it stands on the first pages. Beyond them a look for one is not worth the calls.
_PAGES_FOR_A_STATUS = 5
_PAGES_FOR_MANY = 50

_Failure: TypeAlias = FaxRefusedError | FaxThrottledError | FaxLostContactError | None


class StatusReader:
    """Reads what became of faxes.

    :param base_path: what paths begin with, such as ``/api/v2``.
    :param answers: reads the answers.
    :param messages: reads the vendor's sentences.
    :param lists: reads the history.
    """

    def __init__(self, base_path: str, answers: AnswerReader, messages: MessageReader, lists: ListReader) -> None:
        self._base_path = base_path
        self._answers = answers
        self._messages = messages
        self._lists = lists

    def read(self, job_id: str, row: HistoryRow | None = None) -> Flow[FaxStatus]:
        """Read the status of one job.

        :param job_id: the job.
        :param row: its row in the history. Default: looked for there, should the sentence not tell.
        :return: the status.
        :raises FaxNotFoundError: if Fax.to does not know the job.
        """
        request = FaxRequest(
            action=f"read the status of fax job {job_id}",
            kind=RequestKind.READ,
            method="GET",
            path=f"{self._base_path}/fax/{job_id}/status",
        )
        response = yield request
        # Not read_object(): a "failed" may be about the fax here.
        answer = self._answers.read(response, request, missing=f"fax job {job_id}")
        if not isinstance(answer, dict) or not {"status", "message"} & answer.keys():
            raise unreadable(response, request, "no status of a fax")
        message = answer.get("message")
        reading = self._messages.read(answer.get("status"), message)
        if reading is None:
            if row is None:
                pages: PageReading[HistoryRow] = PageReading()
                yield from self._lists.read_history(
                    pages, _PAGES_FOR_A_STATUS, lambda read: any(row.job_id == job_id for row in read.rows)
                )
                row = next((row for row in pages.rows if row.job_id == job_id), None)
                if row is not None and self._messages.settle(row.status).outcome is not FaxOutcome.PENDING:
                    # It may have ended between the two answers: then the sentence is older than the end.
                    return (yield from self.read(job_id, row))
            reading = self._messages.settle(row.status if row else None, message)
        return FaxStatus(
            vendor=_VENDOR,
            job_id=job_id,
            outcome=reading.outcome,
            cause=reading.cause,
            code=reading.code,
            message=self._answers.clean(message),
            balance=as_money(answer.get("user_cash_balance")),
            submitted_at=row.created_at if row else None,
        )

    def read_found(self, found: list[tuple[HistoryRow, str]]) -> Flow[list[FaxStatus]]:
        """Read the status of each job that a search has found.

        :param found: the rows, each with the key it was found under.
        :return: the statuses, each with its key as the ``reference``.
        """
        statuses = []
        for row, key in found:
            status = yield from self._read_row(row)
            statuses.append(replace(status, reference=key))
        return statuses

    def read_listed(self, wanted: Mapping[str, str]) -> Flow[dict[str, FaxStatus]]:
        """Read what the history alone tells of many jobs.

        :param wanted: the jobs, and what the caller calls each.
        :return: the statuses of those that it shows, as the caller calls them; ``unknown`` for a row that does not tell
            whether the job has ended.
        :raises FaxThrottledError: if that ended the history before it showed any of the jobs.
        """
        rows, failure = yield from self._read_rows_of(wanted.keys())
        statuses = {}
        for job_id, row in rows.items():
            status = self.of_row(row)
            is_unclear = not status.is_final and not is_in_progress(row.status)
            statuses[wanted[job_id]] = replace(status, outcome=FaxOutcome.UNKNOWN) if is_unclear else status
        if failure is not None and not statuses:
            raise failure
        return statuses

    def read_many(self, wanted: Mapping[str, str]) -> Flow[dict[str, FaxStatus]]:
        """Read the history, and the status of each job that is not under way there.

        :param wanted: the jobs, and what the caller calls each. Those that stand first are asked for first.
        :return: the statuses of those that the history shows and whose own status could be read.
        :raises FaxError: what the first call that failed raised, if no status at all was read.
        """
        rows, failure = yield from self._read_rows_of(wanted.keys())
        statuses = {}
        for job_id, row in rows.items():
            if is_in_progress(row.status):
                statuses[wanted[job_id]] = self.of_row(row)
        for job_id, row in rows.items():
            if wanted[job_id] in statuses:
                continue
            try:
                statuses[wanted[job_id]] = yield from self._read_row(row)
            except FaxThrottledError as error:
                # What was read stays read, so that the next look has less to ask for.
                failure = failure or error
                break
            except (FaxRefusedError, FaxLostContactError) as error:
                # One job that cannot be read must not hide the others.
                failure = failure or error
        if failure is not None and not statuses:
            raise failure
        return statuses

    def of_row(self, row: HistoryRow) -> FaxStatus:
        """Make a status of what a row of the history tells, which is no reason of a failure.

        :param row: the row.
        :return: the status.
        """
        reading = self._messages.settle(row.status)
        failed = reading.cause is FaxCause.UNSPECIFIED
        return FaxStatus(
            vendor=_VENDOR,
            job_id=row.job_id or "",
            outcome=reading.outcome,
            cause=reading.cause,
            message="The history tells no reason of the failure; get_status may." if failed else None,
            submitted_at=row.created_at,
        )

    def _read_row(self, row: HistoryRow) -> Flow[FaxStatus]:
        """Read the status of a job that the history lists; a status call that does not know it lags."""
        try:
            return (yield from self.read(row.job_id or "", row))
        except FaxNotFoundError:
            return self.of_row(row)

    def _read_rows_of(self, wanted: AbstractSet[str]) -> Flow[tuple[dict[str, HistoryRow], _Failure]]:
        """Read the history as far as it is needed.

        :return: the rows of those that it shows, in the order of ``wanted``, and what ended it too early, if anything.
        """
        rows: dict[str, HistoryRow] = {}
        failure: _Failure = None

        def shows_enough(reading: PageReading[HistoryRow]) -> bool:
            # Of two rows of one job the newer one, which stands first, counts.
            rows.update({row.job_id: row for row in reversed(reading.rows) if row.job_id is not None})
            missing = wanted - rows.keys()
            # That ids rise is our inference. Where it is wrong, a job is left out here and asked for by itself.
            return not missing or min(map(int, rows), default=0) < min(map(int, missing))

        try:
            # Nobody wanted is no request.
            if wanted:
                yield from self._lists.read_history(PageReading(), _PAGES_FOR_MANY, shows_enough)
        except FaxThrottledError as error:
            failure = error
        return {job_id: rows[job_id] for job_id in wanted if job_id in rows}, failure
