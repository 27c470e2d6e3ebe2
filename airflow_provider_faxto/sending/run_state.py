"""The journal of a task instance: what its runs leave for each other in Airflow, and whether a run still counts.

Airflow's task state store (3.3 and later) keeps it over retries and clears. It is written ahead: before the request
that sends, a run notes which fax it is about to send, from which account, and with which uploaded document; after it
the fax job; at its end the final status. A final status never changes, so a journal without a gap whose sends have all
ended is proof by itself, and no vendor needs to be asked. Where it has a gap, where a send has not ended, and on
releases without the store, the vendor's records decide.

The note that a send begins is more: the store takes it only from the run that Airflow holds for the current one. A
worker that stood still (a suspended machine, a network that was cut) can be given up, and a successor started, without
knowing it. When it goes on, it must not send what its successor may have sent. Airflow ends such a run at its next
heartbeat, some seconds later; the note makes the time in between as short as one request.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import FaxNotSentError
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import EarlierRuns, NotedSend
from airflow_provider_faxto.fax.retries import attempts_since_clear
from airflow_provider_faxto.fax.status import FaxStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.outcome import FaxCause

__all__ = ["STORED_AS", "SendJournal", "is_superseded", "read_journal", "read_sends", "set_for_good", "write_sends"]

log = logging.getLogger(__name__)

STORED_AS = "fax_send"
"""The key in Airflow's task state store. Its value is ``{"version": 2, "runs": the last run, "unnoted_runs": how many
runs left no note, "sends": [...]}``, the sends in order, each with the fields of
:class:`~airflow_provider_faxto.fax.reconcile.NotedSend`."""

_VERSION = 2


class SendJournal:
    """The notes of one task instance, as one run of it reads and writes them.

    :param context: the task's context.
    :param stored_as: the key in the store. Default: :data:`STORED_AS`. A task that sends many faxes has another one for
        each, which lasts as long as the DAG run: one that were dropped before the others would look like a fax that was
        never sent.
    :param sends: what stands under that key, where it is known already. Default: it is read.
    :param lock: held while Airflow is asked or told something, where several threads do so. Default: none.
    """

    def __init__(
        self,
        context: Context,
        *,
        stored_as: str = STORED_AS,
        sends: Sequence[NotedSend] | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._ti: Any = context["ti"]
        self._dag_run: Any = context.get("dag_run")
        self._store: Any = context.get("task_state_store")
        self._run = int(self._ti.try_number)
        self._runs = 0
        self._unnoted_runs = 0
        self._sends: list[NotedSend] = list(sends or ())
        self._stored_as = stored_as
        self._lock = lock or contextlib.nullcontext()
        self.is_readable = True
        """Whether the notes that were there could be read."""
        if sends is None:
            self._read()

    @property
    def sends(self) -> Sequence[NotedSend]:
        """The sends that are noted, in order, those of this run included."""
        return tuple(self._sends)

    def begin(self, *, is_resumed: bool = False) -> EarlierRuns:
        """Note that this run has begun, and tell what is known of the earlier ones.

        :param is_resumed: whether this run had begun before, and goes on after a deferral. Default: ``False``.
        :return: what is known. A run that left no note counts as one that may have sent, as every run does on Airflow
            before 3.3.
        """
        # Some releases count the first run from 0, others from 1.
        earlier = max(self._run - 1, 0)
        # The number of this run, or a higher one, is noted already where one number ran twice. Nothing can be said
        # then of what the notes leave out.
        if self._runs <= earlier:
            self._unnoted_runs += earlier - self._runs
        elif not is_resumed:
            self._unnoted_runs += 1
        known = EarlierRuns(
            runs=max(earlier, self._runs if not is_resumed else self._runs - 1),
            user_initiated=self._attempts == 1,
            first_run=self._run - self._attempts + 1,
            unnoted_runs=self._unnoted_runs,
            sends=tuple(self._sends),
            began_at=self._dag_run_began_at(),
            cleared_at=_seconds(getattr(self._dag_run, "start_date", None)),
        )
        self._runs = max(self._run, self._runs)
        self._write()
        return known

    def note_send(self, key: str, account: str, document_id: str | None) -> NotedSend:
        """Note that a fax is about to be sent, or stop a run that Airflow has given up.

        On Airflow 2 the metadata database is asked for the number of the current run instead. Airflow 3.0 to 3.2 offer
        a worker no such question: there the heartbeat alone protects.

        :param key: the key of the fax.
        :param account: names the account; see :attr:`~airflow_provider_faxto.hooks.account.AccountHook.account_id`.
        :param document_id: the vendor's id of the uploaded document, where there is one.
        :return: the send.
        :raises FaxNotSentError: if the run is not the current one, or Airflow cannot be asked; nothing was sent. A run
            that cannot note this could not store the id of its fax job either.
        """
        send = NotedSend(key=key, account=account, run=self._run, began_at=clock.now(), document_id=document_id)
        if self._store is not None:
            self._sends.append(send)
            refusal = self._write()
            if refusal:
                raise FaxNotSentError(
                    f"Airflow does not take a note from this run of the task ({refusal}): its API server or its "
                    "database does not answer, or it has started another run in its place. Nothing was sent; the task "
                    "can run again."
                )
            return send
        with self._lock:
            newest = _newest_try_in_database(self._ti)
        if newest is not None and newest != self._run:
            raise FaxNotSentError(
                f"This is run {self._run} of the task, and Airflow has given it up for run {newest}. Nothing was sent."
            )
        self._sends.append(send)
        return send

    def note_job(self, job: FaxStatus) -> None:
        """Note the fax job that came of the last send. Without the note a later run searches for it.

        :param job: the fax job, made by this run or found by it.
        """
        if not self._sends or any(send.job_id == job.job_id for send in self._sends):
            return
        last = self._sends[-1]
        if last.job_id is None and not last.has_ended and job.reference in (None, last.key):
            self._sends[-1] = replace(last, job_id=job.job_id)
            self._write()

    def note_final(self, status: FaxStatus) -> None:
        """Note the final status of a fax job, so that later runs need not ask for it.

        :param status: the status. One that is pending or unknown is not noted: it may become known.
        """
        if status.outcome in (FaxOutcome.PENDING, FaxOutcome.UNKNOWN):
            return
        noted = [replace(send, status=status) if send.job_id == status.job_id else send for send in self._sends]
        if noted != self._sends:
            self._sends = noted
            self._write()

    def made(self, job: FaxStatus) -> bool:
        """Tell whether this run has sent the fax of a job.

        :param job: the fax job.
        :return: whether it has; not for one that it has found.
        """
        return any(send.run == self._run and send.job_id == job.job_id for send in self._sends)

    def note_end(self, status: FaxStatus, *, is_likely_new: bool) -> bool:
        """Note the status with which a run concludes, and tell whether an earlier one has concluded with that job.

        :param status: the status: final, or unknown.
        :param is_likely_new: what to tell without the store, where the answer is not known.
        :return: whether it is the first. Not if it may not be: a job that the journal does not name, or a note that
            Airflow does not take.
        """
        if self._store is None:
            return is_likely_new
        own = [send for send in self._sends if status.job_id is not None and send.job_id == status.job_id]
        if not own:
            return False
        is_first = not any(send.is_counted for send in own)
        final = status if status.outcome not in (FaxOutcome.PENDING, FaxOutcome.UNKNOWN) else None
        noted = [
            replace(send, is_counted=True, status=final or send.status) if send.job_id == status.job_id else send
            for send in self._sends
        ]
        if noted == self._sends:
            return False
        self._sends = noted
        return self._write() is None and is_first

    def note_not_sent(self) -> None:
        """Note that no fax job came of this run's send."""
        if self._sends and self._sends[-1].run == self._run and self._sends[-1].job_id is None:
            self._sends[-1] = replace(self._sends[-1], is_not_sent=True)
            self._write()

    def note_gap(self, runs: int) -> None:
        """Note that earlier runs may have made sends that no note tells.

        :param runs: how many runs.
        """
        self._unnoted_runs = max(self._unnoted_runs, runs)
        self._write()

    def count_failures(self, cause: FaxCause | None) -> int:
        """Count how often the fax has failed since the task was last cleared.

        :param cause: the failures of which cause to count: each has delays of its own.
        :return: the failed fax jobs that are noted, at least 1; without the store, the runs.
        """
        if self._store is None:
            return self._attempts
        first_run = self._run - self._attempts + 1
        causes = [send.status.cause for send in self._sends if send.status is not None and send.run >= first_run]
        return max(causes.count(cause), 1)

    @property
    def _attempts(self) -> int:
        return attempts_since_clear(self._run, self._ti.max_tries, getattr(self._ti.task, "retries", None))

    def _dag_run_began_at(self) -> float | None:
        """Tell before which moment no run of this DAG run can have sent; a clear moves the start, not the others."""
        moments = [
            _seconds(getattr(self._dag_run, name, None))
            for name in ("run_after", "data_interval_end", "logical_date", "start_date")
        ]
        return min((moment for moment in moments if moment is not None), default=None)

    def _read(self) -> None:
        """Read the notes; what cannot be read counts as nothing, and nothing noted proves nothing."""
        if self._store is None:
            return
        try:
            value = self._store.get(self._stored_as)
        except Exception as error:  # noqa: BLE001 - the supervisor, in process or not, has errors of its own
            log.warning("Airflow's task state store cannot be read (%s).", type(error).__name__)
            self.is_readable = False
            return
        if value is None:
            return
        try:
            self._runs, self._unnoted_runs, self._sends = _read_notes(value)
        except (KeyError, TypeError, ValueError, FaxInputError):
            log.warning("The notes of earlier runs cannot be read; the vendor's records decide.")
            self.is_readable = False

    def _write(self) -> str | None:
        """Write the notes, and return the name of the error if Airflow does not take them."""
        if self._store is None:
            return None
        sends = write_sends(self._sends)
        value = {"version": _VERSION, "runs": self._runs, "unnoted_runs": self._unnoted_runs, "sends": sends}
        try:
            with self._lock:
                self._set(value)
        except Exception as error:  # noqa: BLE001 - see above
            return type(error).__name__
        return None

    def _set(self, value: dict[str, Any]) -> None:
        """Write a value; a note of one fax among many stays as long as its DAG run."""
        if self._stored_as == STORED_AS:
            self._store.set(STORED_AS, value)
        else:
            set_for_good(self._store, self._stored_as, value)


def set_for_good(store: Any, key: str, value: dict[str, Any]) -> None:  # noqa: ANN401 - Airflow's, from 3.3 on
    """Write a value that lasts as long as the DAG run, whatever Airflow's ``[state_store]`` says of others.

    :param store: the task state store.
    :param key: the key.
    :param value: the value.
    """
    from airflow.sdk.execution_time.context import NEVER_EXPIRE

    store.set(key, value, retention=NEVER_EXPIRE)


def read_journal(value: object) -> list[NotedSend]:
    """Read the sends of a journal, for people.

    :param value: what stands under :data:`STORED_AS` in Airflow's task state store.
    :return: the sends in order.
    :raises ValueError: if it cannot be read.
    """
    try:
        return _read_notes(value)[2]
    except (KeyError, TypeError, ValueError, FaxInputError) as error:
        raise ValueError(f"not a journal ({type(error).__name__})") from None


def is_superseded(context: Context, submitted_as: str) -> bool:
    """Ask Airflow whether another run of the task has begun, as far as the release can tell.

    On Airflow 3.3 and later the state store shows nothing to a run that was given up. On Airflow 2 the metadata
    database is asked. On 3.0 to 3.2 a run that begins deletes what the one before has pushed to XCom.

    :param context: the context of this run.
    :param submitted_as: the XCom in which this run has pushed its number, as ``run``.
    :return: whether another run has begun; whatever Airflow raises means that it cannot say.
    """
    ti: Any = context["ti"]
    store: Any = context.get("task_state_store")
    if store is not None:
        value = store.get(STORED_AS)
        return not isinstance(value, dict) or int(value["runs"]) > int(ti.try_number)
    newest = _newest_try_in_database(ti)
    if newest is not None:
        return bool(newest != ti.try_number)
    pushed = ti.xcom_pull(task_ids=ti.task_id, key=submitted_as, map_indexes=ti.map_index)
    return not isinstance(pushed, dict) or pushed.get("run") != ti.try_number


def write_sends(sends: Iterable[NotedSend]) -> list[dict[str, Any]]:
    """Turn sends into plain JSON types.

    :param sends: the sends.
    :return: their fields, each by its name.
    """
    return [asdict(send) | {"status": send.status.to_dict() if send.status is not None else None} for send in sends]


def read_sends(plain: Iterable[Mapping[str, Any]]) -> list[NotedSend]:
    """Restore what :func:`write_sends` made.

    :param plain: the fields.
    :return: the sends.
    :raises KeyError: if a field is missing; ``TypeError``, ``ValueError`` and ``FaxInputError`` for other damage.
    """
    return [
        NotedSend(**{**send, "status": FaxStatus.from_dict(send["status"]) if send["status"] else None})
        for send in plain
    ]


def _read_notes(value: Any) -> tuple[int, int, list[NotedSend]]:  # noqa: ANN401 - any JSON value
    """Read what :meth:`SendJournal.begin` and the others wrote, or what release 0.3.0 did."""
    if not isinstance(value, dict):
        return 0, 0, []
    if value.get("version", 1) not in (1, _VERSION):
        return 0, 0, []
    if value.get("version") == _VERSION:
        sends = read_sends(value["sends"])
    else:
        # It knew the account by its connection alone, which may lead to another by now.
        sends = [
            NotedSend(key=send["fax_key"], account=None, run=int(send["run"]), job_id=send["job_id"])
            for send in value["sends"]
        ]
    return int(value["runs"]), int(value["unnoted_runs"]), sends


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _newest_try_in_database(ti: Any) -> int | None:  # noqa: ANN401 - Airflow's, which differs by release
    """Read the number of the task's current run, where a worker may ask the database (Airflow 2)."""
    read = getattr(type(ti), "get_task_instance", None)
    if read is None:
        return None
    current = read(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)
    return current.try_number if current is not None else None
