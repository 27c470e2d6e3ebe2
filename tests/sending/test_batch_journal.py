"""The journal of a task with many faxes: what one run leaves the next, and that a gap is never taken for proof."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.batches import Store

from airflow_provider_faxto.fax import FaxOutcome, FaxStatus
from airflow_provider_faxto.sending.batch_journal import BatchJournal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.reconcile import NotedSend
    from airflow_provider_faxto.sending.run_state import SendJournal

pytest.importorskip("airflow.sdk.execution_time.context", reason="Airflow 2 has no task state store")

KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"


def begun(store: Store | None, run: int, **how: bool) -> BatchJournal:
    ti = SimpleNamespace(try_number=run, max_tries=9, task=SimpleNamespace(retries=9))
    context: Any = {"ti": ti} if store is None else {"ti": ti, "task_state_store": store}
    journal = BatchJournal(context)
    journal.begin(**how)
    return journal


def send(journal: BatchJournal, label: str, job_id: str | None) -> SendJournal:
    notes = journal.of_each([label])[label]
    notes.note_send(KEY, "account", None)
    if job_id is not None:
        notes.note_job(FaxStatus(vendor="interfax", job_id=job_id, outcome=FaxOutcome.PENDING))
    return notes


def jobs(journal: BatchJournal, *labels: str) -> list[list[str | None]]:
    return [[sent.job_id for sent in notes.sends] for notes in journal.of_each(labels).values()]


def ended(sends: Sequence[NotedSend]) -> list[NotedSend]:
    done = FaxStatus(vendor="interfax", job_id="1", outcome=FaxOutcome.SUCCESS)
    return [replace(sent, status=replace(done, job_id=sent.job_id)) for sent in sends]


def test_a_first_run_reads_no_note_of_a_fax() -> None:
    store = Store()
    journal = begun(store, 1)
    assert jobs(journal, "a", "b") == [[], []]
    assert set(store.reads) == {"fax_send"}


def test_each_fax_has_a_note_of_its_own_that_lasts() -> None:
    store = Store()
    first = begun(store, 1)
    send(first, "a", "1")
    send(first, "b", None)
    second = begun(store, 2)
    assert jobs(second, "a", "b", "c") == [["1"], [None], []]
    assert second.earlier.unnoted_runs == 0
    assert len(store.notes) == 3
    assert not any(label in key for key in store.notes for label in ("_a", "_b"))


def test_what_a_run_notes_at_its_end_is_read_instead_of_the_notes() -> None:
    store = Store()
    first = begun(store, 1)
    labels = [f"fax-{number}" for number in range(700)]
    sent = {label: send(first, label, str(number)) for number, label in enumerate(labels)}
    first.note_ends({label: ended(notes.sends) for label, notes in sent.items()})
    store.reads.clear()
    second = begun(store, 2)
    notes = second.of_each(labels)
    assert [each.sends[0].job_id for each in notes.values()] == [str(number) for number in range(700)]
    assert all(each.sends[0].has_ended for each in notes.values())
    assert len(store.reads) < 10


def test_what_an_earlier_run_than_the_last_noted_at_its_end_counts_no_more() -> None:
    store = Store()
    first = begun(store, 1)
    first.note_ends({"a": ended(send(first, "a", "1").sends)})
    # It sends, and is lost.
    send(begun(store, 2), "a", "2")
    assert jobs(begun(store, 3), "a") == [["1", "2"]]


def test_a_run_whose_ends_are_not_all_there_is_one_that_noted_none() -> None:
    store = Store()
    first = begun(store, 1)
    labels = [f"fax-{number}" for number in range(400)]
    sent = {label: send(first, label, "7") for label in labels}
    first.note_ends({label: notes.sends for label, notes in sent.items()})
    del store.notes["fax_ends_1"]
    assert jobs(begun(store, 2), *labels) == [["7"]] * 400


def test_a_note_that_cannot_be_read_makes_each_earlier_run_one_that_may_have_sent() -> None:
    store = Store()
    send(begun(store, 1), "a", "1")
    store.refuses_to_read = lambda key: key.startswith("fax_send_")
    second = begun(store, 2)
    second.of_each(["a", "b"])
    assert second.earlier.unnoted_runs == 1
    store.refuses_to_read = lambda _: False
    # It is not forgotten.
    assert begun(store, 3).earlier.unnoted_runs == 1


def test_the_labels_of_earlier_runs_are_known() -> None:
    store = Store()
    first = begun(store, 1)
    assert first.labels_before() == []
    labels = [f"Prä {number}" for number in range(5000)]
    first.note_labels(labels)
    assert begun(store, 2).labels_before() == labels
    assert begun(None, 2).labels_before() == []


@pytest.mark.parametrize("store", [None, Store()])
def test_a_run_that_is_repeated_may_have_sent(store: Store | None) -> None:
    begun(store, 1)
    again = begun(store, 1, is_repeated=True)
    assert again.earlier.runs >= 1
    assert again.earlier.unnoted_runs >= 1


@given(st.lists(st.sampled_from(["send", "answer", "ends", "lost", "unreadable"]), max_size=7))
def test_never_fewer_sends_are_known_than_were_begun(runs: list[str]) -> None:
    store = Store()
    begun_sends = 0
    for number, what in enumerate(runs, start=1):
        if what == "lost":
            continue
        store.refuses_to_read = lambda key, what=what: what == "unreadable" and key != "fax_send"
        journal = begun(store, number)
        notes = journal.of_each(["a"])["a"]
        known = len(notes.sends) + journal.earlier.unnoted_runs
        assert known >= begun_sends
        if what in ("send", "answer", "ends"):
            notes.note_send(KEY, "account", None)
            begun_sends += 1
        if what == "answer":
            notes.note_job(FaxStatus(vendor="interfax", job_id=str(number), outcome=FaxOutcome.PENDING))
        if what == "ends":
            journal.note_ends({"a": notes.sends})
