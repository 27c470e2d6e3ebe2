"""What the runs of one task instance leave for each other in Airflow, and whether a run is still the one that counts.

Airflow's task state store (3.3 and later) keeps, over retries and clears, how many sends were begun and which fax job
came of the last one. That spares a later run waiting and searching. It is a help and never the only witness: every
run after the first looks the fax up at the vendor as well, and where the notes have a gap the run goes on as if
nothing were noted.

The note that a send begins is more: the store takes it only from the run that Airflow holds for the current one. A
worker that stood still (a suspended machine, a network that was cut) can be given up, and a successor started, without
knowing it. When it goes on, it must not send what its successor may have sent. Airflow ends such a run at its next
heartbeat, some seconds later; the note makes the time in between as short as one request.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.exceptions import FaxNotSentError
from airflow_provider_faxto.fax.reconcile import EarlierRuns
from airflow_provider_faxto.fax.retries import attempts_since_clear

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

__all__ = ["STORED_AS", "SendJournal"]

log = logging.getLogger(__name__)

STORED_AS = "fax_send"
"""The key in Airflow's task state store. Its value is ``{"runs": the last run, "unnoted_runs": how many runs left no
note, "sends": [{"fax_key": ..., "account": ..., "run": ..., "job_id": ...}, ...]}``, the sends in order; ``job_id`` is
``None`` until the vendor has answered."""


class SendJournal:
    """The notes of one task instance, as one run of it reads and writes them.

    :param context: the task's context.
    :param fax_key: the key of the run's fax. A corrected number or file has another one, and sends of its own.
    :param account: the vendor and the connection. The id of a job at one account says nothing at another.
    """

    def __init__(self, context: Context, fax_key: str, account: str) -> None:
        self._ti: Any = context["ti"]
        self._store: Any = context.get("task_state_store")
        self._fax_key = fax_key
        self._account = account
        self._runs = 0
        self._unnoted_runs = 0
        self._sends: list[dict[str, Any]] = []

    def begin(self) -> EarlierRuns:
        """Read what the earlier runs noted, and note that this one has begun.

        :return: what is known of the earlier runs. Each that left no note counts as one that sent, as every run does
            on Airflow before 3.3.
        """
        run = int(self._ti.try_number)
        self._read()
        # Some releases count the first run from 0, others from 1.
        earlier = max(run - 1, 0)
        # The number of this run, or a higher one, is noted already where one number ran twice. Nothing can be said
        # then of what the notes leave out.
        has_run_before = self._runs > earlier
        self._unnoted_runs += 1 if has_run_before else earlier - self._runs
        sends = self._sends_of_fax
        known = EarlierRuns(
            runs=max(earlier, self._runs),
            user_initiated=attempts_since_clear(run, self._ti.max_tries, getattr(self._ti.task, "retries", None)) == 1,
            sends=self._unnoted_runs + len(sends),
            last_job_id=sends[-1]["job_id"] if sends and sends[-1]["account"] == self._account else None,
        )
        self._runs = max(run, self._runs)
        self._write()
        return known

    def note_send(self) -> None:
        """Note that the fax is about to be sent, or stop a run that Airflow has given up.

        On Airflow 2 the metadata database is asked for the number of the current run instead. Airflow 3.0 to 3.2 offer
        a worker no such question: there the heartbeat alone protects.

        :raises FaxNotSentError: if the run is not the current one, or Airflow cannot be asked; nothing was sent. A run
            that cannot note this could not store the id of its fax job either.
        """
        if self._store is not None:
            self._sends.append(
                {"fax_key": self._fax_key, "account": self._account, "run": self._ti.try_number, "job_id": None}
            )
            refusal = self._write()
            if refusal:
                raise FaxNotSentError(
                    f"Airflow does not take a note from this run of the task ({refusal}): it may have started another "
                    "in its place. Nothing was sent."
                )
            return
        newest = _newest_try_in_database(self._ti)
        if newest is not None and newest != self._ti.try_number:
            raise FaxNotSentError(
                f"This is run {self._ti.try_number} of the task, and Airflow has given it up for run {newest}. Nothing "
                "was sent."
            )

    def note_job(self, job_id: str) -> None:
        """Note the fax job that came of the last send. Without the note a later run searches for it.

        :param job_id: the fax job, made by this run or found by it.
        """
        sends = self._sends_of_fax
        if sends and sends[-1]["account"] == self._account and sends[-1]["job_id"] is None:
            sends[-1]["job_id"] = job_id
            self._write()

    @property
    def _sends_of_fax(self) -> list[dict[str, Any]]:
        return [send for send in self._sends if send["fax_key"] == self._fax_key]

    def _read(self) -> None:
        if self._store is None:
            return
        try:
            value = self._store.get(STORED_AS)
        except Exception as error:  # noqa: BLE001 - the supervisor, in process or not, has errors of its own
            log.warning("Airflow's task state store cannot be read (%s).", type(error).__name__)
            return
        # What another version wrote down counts as nothing, and nothing noted proves nothing.
        if isinstance(value, dict) and value.keys() == {"runs", "unnoted_runs", "sends"}:
            self._runs, self._unnoted_runs, self._sends = value["runs"], value["unnoted_runs"], value["sends"]

    def _write(self) -> str | None:
        """Write the notes, and return the name of the error if Airflow does not take them."""
        if self._store is None:
            return None
        try:
            self._store.set(STORED_AS, {"runs": self._runs, "unnoted_runs": self._unnoted_runs, "sends": self._sends})
        except Exception as error:  # noqa: BLE001 - see above
            return type(error).__name__
        return None


def _newest_try_in_database(ti: Any) -> int | None:  # noqa: ANN401 - Airflow's, which differs by release
    """Read the number of the task's current run, where a worker may ask the database (Airflow 2)."""
    read = getattr(type(ti), "get_task_instance", None)
    if read is None:
        return None
    current = read(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)
    return current.try_number if current is not None else None
