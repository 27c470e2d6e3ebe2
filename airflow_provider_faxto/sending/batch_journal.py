"""The journal of a task that sends many faxes: one note for each fax, and what all of them have come to at the end.

Each fax has a note of its own in Airflow's task state store (3.3 and later), under a hash of its label. It is written
ahead of the send and holds the fax job after it, as for a task with one fax
(:mod:`airflow_provider_faxto.sending.run_state`). The note of the task itself counts the runs. At its end a run writes
what became of all faxes into a few notes more; the next run reads those alone. Where it ended in another way, the next
run reads the note of each fax: a fax job whose end is not noted is adopted.

The notes of the faxes last as long as the DAG run: a note that went before that of the task would look like a fax that
was never sent.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.packing import pack, unpack
from airflow_provider_faxto.sending.run_state import SendJournal, read_sends, set_for_good, write_sends

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_faxto.fax.reconcile import EarlierRuns, NotedSend

__all__ = ["BatchJournal"]

log = logging.getLogger(__name__)

_OF_FAX = "fax_send_"
_ENDS = "fax_ends_"
_LABELS = "fax_labels_"
_VERSION = 1
# Beyond 64 kB Airflow warns of a value.
_FAXES_IN_A_NOTE = 300
_LABELS_IN_A_NOTE = 2000


class BatchJournal:
    """The notes of one task instance that sends many faxes, as one run of it reads and writes them.

    :param context: the task's context.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ti: Any = context["ti"]
        self._store: Any = context.get("task_state_store")
        self._task = SendJournal(context)
        self._earlier: EarlierRuns | None = None
        self.lock = threading.Lock()
        """Held by a thread that asks or tells Airflow something. Airflow's own supervisor takes one question after the
        other; in ``dag.test()`` it can take no second one meanwhile."""
        self._ends: Mapping[str, Sequence[NotedSend]] | None = None

    def begin(self, *, is_resumed: bool = False, is_repeated: bool = False) -> EarlierRuns:
        """Note that this run has begun, and tell what is known of the earlier ones, but for their sends.

        :param is_resumed: whether this run had begun before, and goes on after a deferral. Default: ``False``.
        :param is_repeated: whether this run had begun before, and what it has sent is not known any more. Default:
            ``False``.
        :return: what is known.
        """
        known = self._task.begin(is_resumed=is_resumed)
        if is_repeated:
            known = replace(known, runs=max(known.runs, 1), unnoted_runs=max(known.unnoted_runs, 1))
        self._earlier = known
        if known.runs and not known.unnoted_runs and self._store is not None:
            self._ends = self._read_ends(known.runs)
        return known

    def of_each(self, labels: Iterable[str]) -> dict[str, SendJournal]:
        """Read the notes of faxes; once, since a note that cannot be read is a gap that concerns all of them.

        :param labels: their labels, and those of :meth:`labels_before`.
        :return: the notes by label.
        """
        journals = {label: self._of(label) for label in labels}
        if not all(journal.is_readable for journal in journals.values()):
            self._task.note_gap(self.earlier.runs)
            self._earlier = replace(self.earlier, unnoted_runs=max(self.earlier.runs, self.earlier.unnoted_runs))
        return journals

    @property
    def earlier(self) -> EarlierRuns:
        """What is known of the runs before this one, but for the sends."""
        if self._earlier is None:
            raise RuntimeError("This run has not begun.")
        return self._earlier

    def restore(self, label: str, sends: Sequence[NotedSend]) -> SendJournal:
        """Give the notes of a fax that another part of this run has read.

        :param label: its label.
        :param sends: what they say.
        :return: the notes.
        """
        return SendJournal(self._context, stored_as=_OF_FAX + _name_of(label), sends=sends)

    def labels_before(self) -> list[str]:
        """Give the labels of all faxes that earlier runs may have sent, as far as they are noted.

        :return: the labels.
        """
        if self._store is None or not self.earlier.runs:
            return []
        return [label for part in self._read_parts(_LABELS) or () for label in part]

    def note_labels(self, labels: Sequence[str]) -> None:
        """Note, before anything is sent, which faxes there are, so that one that leaves the list is not forgotten.

        :param labels: the labels.
        """
        self._write_parts(_LABELS, list(labels), _LABELS_IN_A_NOTE)

    def _of(self, label: str) -> SendJournal:
        name = _name_of(label)
        # One that the run before did not have in its list has a note all the same, if an earlier run has sent it.
        sends = self._ends.get(name) if self._ends is not None else None if self.earlier.runs else ()
        return SendJournal(self._context, stored_as=_OF_FAX + name, sends=sends, lock=self.lock)

    def note_ends(self, sends: Mapping[str, Sequence[NotedSend]]) -> None:
        """Note at the end of this run what all faxes have come to.

        :param sends: by label all sends of each fax that are known, with the final statuses of their fax jobs.
        """
        faxes = [[_name_of(label), write_sends(of_fax)] for label, of_fax in sends.items()]
        self._write_parts(_ENDS, faxes, _FAXES_IN_A_NOTE)

    def _read_ends(self, run: int) -> Mapping[str, Sequence[NotedSend]] | None:
        """Read what the run before has noted at its end; ``None`` if it has not, or not all."""
        parts = self._read_parts(_ENDS, run)
        try:
            return None if parts is None else {name: read_sends(sends) for part in parts for name, sends in part}
        except (KeyError, TypeError, ValueError, FaxInputError):
            log.warning("What became of the faxes of earlier runs cannot be read; the note of each is.")
            return None

    def _write_parts(self, key: str, values: Sequence[Any], in_a_note: int) -> None:
        """Write a long list in several notes of this run, none of them too long."""
        if self._store is None:
            return
        parts = [values[start : start + in_a_note] for start in range(0, len(values), in_a_note)] or [[]]
        run = int(self._ti.try_number)
        try:
            for number, part in enumerate(parts):
                value = {"version": _VERSION, "run": run, "notes": len(parts), "values": pack(part)}
                set_for_good(self._store, f"{key}{number}", value)
        except Exception as error:  # noqa: BLE001 - the supervisor, in process or not, has errors of its own
            log.warning("Airflow's task state store takes no note (%s); a later run asks more.", type(error).__name__)

    def _read_parts(self, key: str, run: int | None = None) -> list[list[Any]] | None:
        """Read what one run has written in several notes; ``None`` if they are not all there, or of another run."""
        parts: list[list[Any]] = []
        notes = 1
        try:
            while len(parts) < notes:
                value = self._store.get(f"{key}{len(parts)}")
                if not isinstance(value, dict) or value["version"] != _VERSION:
                    return None
                run = value["run"] if run is None else run
                if value["run"] != run:
                    return None
                notes = int(value["notes"])
                parts.append(list(unpack(value["values"])))
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("Notes of earlier runs cannot be read (%s).", type(error).__name__)
            return None
        return parts


def _name_of(label: str) -> str:
    return hashlib.sha256(label.encode()).hexdigest()[:32]
