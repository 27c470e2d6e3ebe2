"""Sending many logical faxes in one task, each once, whatever happens in between, and telling what became of each."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from support.batches import DELIVERED, Store, batch, outcomes

from airflow_provider_faxto.exceptions import (
    FaxFatalError,
    FaxNotSentError,
    FaxPermanentError,
    FaxRetryableError,
    FaxUnknownOutcomeError,
)
from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxInputError, FaxLostContactError
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.operators.fax import SendFaxesOperator, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

IS_AIRFLOW_2 = version("apache-airflow").startswith("2.")
NEVER_ENDING = "+1 202 555 0106"
VENDORS = ["faxto", "interfax"]
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
waiting = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferred"])
needs_store = pytest.mark.skipif(IS_AIRFLOW_2, reason="Airflow 2 has no task state store")
# Without a journal the vendor's records decide.
journals = pytest.mark.parametrize(
    "has_store", [pytest.param(True, marks=needs_store), False], ids=["journal", "records"]
)


def asked(simulator: FaxSimulator, *endpoints: str) -> int:
    return sum(request["endpoint"] in endpoints for request in simulator.requests())


def jobs_by_number(simulator: FaxSimulator) -> dict[str, int]:
    counts: dict[str, int] = {}
    for fax in simulator.faxes():
        counts[fax["recipient"]] = counts.get(fax["recipient"], 0) + 1
    return counts


def keys(simulator: FaxSimulator) -> list[str]:
    """The keys of all accepted faxes: a fax that was sent twice has its key there twice."""
    return [(fax["reference"] or fax["documents"][0]["name"]).partition(".")[0] for fax in simulator.faxes()]


@pytest.fixture
def live_limit(fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the account be asked as often as InterFAX allows, and no more."""
    fax_connections.set_airflow_connections(monkeypatch, remember_bad_numbers="0", requests_per_minute=6)


# One run


@every_vendor
@waiting
def test_each_fax_is_sent_once_and_told_under_its_label(
    *, vendor: str, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    faxes = batch(vendor, delivered=9)
    told = send_faxes(faxes, vendor, deferrable=deferrable)
    assert (told["total"], told["outcome"], told["causes"]) == (9, "success", {})
    assert told["counts"] == {"pending": 0, "success": 9, "retryable": 0, "fatal": 0, "unknown": 0}
    assert [fax["label"] for fax in told["faxes"]] == [fax["label"] for fax in faxes]
    assert sorted(fax["job_id"] for fax in told["faxes"]) == sorted(fax["id"] for fax in fax_connections.faxes())
    assert len(set(keys(fax_connections))) == 9
    assert json.loads(json.dumps(told)) == told
    for fax in told["faxes"]:
        status = {name: value for name, value in fax.items() if name != "label"}
        assert FaxStatus.from_dict(fax).to_dict() == status
    assert len(send_faxes.deferrals) == deferrable


@every_vendor
@waiting
def test_both_ways_to_wait_give_the_same(
    *, vendor: str, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    faxes = batch(vendor, delivered=2, busy=1, dead=1, undocumented=1)
    told = send_faxes(faxes, vendor, deferrable=deferrable, raise_on_failure=False)
    assert outcomes(told) == {
        "delivered-1": "success",
        "delivered-2": "success",
        "busy-1": "retryable",
        "dead-1": "fatal",
        "undocumented-1": "unknown",
    }
    assert told["outcome"] == "unknown"
    assert labels_of(told, "success") == ["delivered-1", "delivered-2"]
    assert labels_of(told, ["retryable", "fatal"], cause="busy") == ["busy-1"]


@waiting
@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ({"delivered": 1, "busy": 1, "dead": 1, "undocumented": 1}, FaxRetryableError),
        ({"delivered": 1, "dead": 1, "undocumented": 1}, FaxUnknownOutcomeError),
        ({"delivered": 1, "dead": 1}, FaxFatalError),
    ],
)
def test_the_error_is_what_a_retry_can_mend_first(
    *, deferrable: bool, numbers: dict[str, int], error: type[Exception], send_faxes: Any
) -> None:
    with pytest.raises(error) as raised:
        send_faxes(batch("interfax", **numbers), deferrable=deferrable)
    # The result is there for a branch or a callback, whatever was raised.
    assert send_faxes.result["total"] == sum(numbers.values())
    assert f"Of {sum(numbers.values())} faxes" in str(raised.value)
    if error is FaxRetryableError:
        assert (raised.value.cause, raised.value.failures) == ("busy", 1)


@waiting
def test_at_the_deadline_those_that_are_left_are_unknown(*, deferrable: bool, send_faxes: Any, fake_time: Any) -> None:
    faxes = [*batch("interfax", delivered=2), {"label": "slow", "fax_number": NEVER_ENDING}]
    told = send_faxes(faxes, deferrable=deferrable, completion_timeout=1800, raise_on_failure=False)
    assert outcomes(told) == {"delivered-1": "success", "delivered-2": "success", "slow": "unknown"}
    assert "No permanent status by the deadline" in told["faxes"][2]["message"]
    assert fake_time.slept == pytest.approx(1800, abs=80)


def test_one_trigger_waits_for_all_and_shows_no_label_and_no_number(send_faxes: Any) -> None:
    send_faxes(batch("interfax", delivered=5), deferrable=True)
    [deferral] = send_faxes.deferrals
    path, kwargs = deferral.trigger.serialize()
    assert path == "airflow_provider_faxto.triggers.faxes.FaxesStatusTrigger"
    assert kwargs.keys() == {"jobs", "marks", "fax_conn_id", "poll_interval", "deadline", "cancel_on_kill"}
    assert "delivered" not in json.dumps(kwargs)
    assert deferral.timeout > timedelta(hours=25)


def test_an_empty_list_is_a_result_without_faxes(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    told = send_faxes([], deferrable=True)
    assert (told["total"], told["outcome"], told["faxes"]) == (0, "success", [])
    assert fax_connections.requests() == []


def test_what_a_line_sets_comes_before_what_the_task_sets(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    faxes = [
        {"label": "one", "fax_number": "+999-9999-0", "options": {"resolution": "standard"}},
        {"label": "two", "fax_number": "+999-9999-0", "options": '{"contact": "Records"}'},
    ]
    send_faxes(faxes, options={"resolution": "fine"}, send_threads=1)
    first, second = fax_connections.faxes()
    assert first["parameters"]["resolution"] == "standard"
    assert (second["parameters"]["resolution"], second["parameters"]["contact"]) == ("fine", "Records")


def test_faxes_go_out_at_the_pace_that_was_set(send_faxes: Any, fax_connections: FaxSimulator, fake_time: Any) -> None:
    send_faxes(batch("interfax", delivered=7), pace=6, completion_timeout=0, raise_on_failure=False, send_threads=3)
    accepted = [fax["accepted_at"] for fax in fax_connections.faxes()]
    assert len(set(accepted)) == 7
    # Six pauses of ten seconds.
    assert fake_time.slept >= 59.9


def test_no_number_and_no_name_of_a_document_is_logged_or_kept(
    send_faxes: Any, tmp_path: Path, letter: str, logged: Callable[[], str]
) -> None:
    document = tmp_path / "jane_doe_results.pdf"
    shutil.copy(letter, document)
    faxes = [{"label": "clinic 7", "fax_number": "+1 202 555 0141", "document": str(document)}]
    send_faxes(faxes, deferrable=True)
    shown = logged() + json.dumps(send_faxes.ti.xcoms) + json.dumps(send_faxes.deferrals[0].trigger.serialize())
    assert "+*******0141" in shown
    for private in ("2025550141", "202 555 0141", "jane_doe"):
        assert private not in shown


# Lines that cannot be used


BAD = [
    {"label": "good", "fax_number": "+999-9999-0"},
    {"label": "clinic-2", "fax_number": "not a number"},
    {"label": "clinic-3", "fax_number": "+999-9999-0", "document": "/nowhere/jane_doe.pdf"},
    {"label": "good", "fax_number": "+999-9999-0"},
    {"fax_number": "+999-9999-0"},
]


def test_a_line_that_cannot_be_used_stops_everything_before_the_first_fax(
    send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError) as raised:
        send_faxes(BAD)
    said = str(raised.value)
    assert "4 of 5 faxes cannot be used" in said
    for named in ("fax 2 of the list (clinic-2)", "fax 3 of the list (clinic-3)", "fax 4 of the list", "fax 5"):
        assert named in said
    assert "jane_doe" not in said
    assert fax_connections.faxes() == []


@waiting
def test_lines_that_are_skipped_end_as_fatal_in_the_result(
    *, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxFatalError):
        send_faxes(BAD, on_bad_line="skip", deferrable=deferrable)
    told = send_faxes.result
    assert [fax["outcome"] for fax in told["faxes"]] == ["success", "fatal", "fatal", "fatal", "fatal"]
    assert (told["faxes"][1]["cause"], told["faxes"][2]["cause"]) == ("invalid_number", "invalid_document")
    assert len({fax["label"] for fax in told["faxes"]}) == 5
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"on_bad_line": "ignore"}, "on_bad_line"),
        ({"send_threads": 0}, "send_threads"),
        ({"send_threads": True}, "send_threads"),
        ({"pace": 0}, "pace"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"options": {"resolutoin": "fine"}}, "resolutoin"),
    ],
)
def test_a_wrong_parameter_is_an_error_when_the_dag_is_parsed(given: dict[str, Any], what: str) -> None:
    with pytest.raises(FaxInputError, match=what):
        SendFaxesOperator(task_id="send", faxes=[], **given)


# The result


def test_many_faxes_need_a_place_for_their_result_before_any_is_sent(
    send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError, match="too long for XCom"):
        send_faxes(batch("interfax", delivered=101))
    assert fax_connections.faxes() == []


@waiting
def test_the_result_of_many_faxes_lies_in_a_file(
    *, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator, tmp_path: Path
) -> None:
    faxes = batch("interfax", delivered=100, busy=2)
    told = send_faxes(faxes, deferrable=deferrable, raise_on_failure=False, result_path=str(tmp_path), send_threads=8)
    assert "faxes" not in told
    assert (told["total"], told["counts"]["success"], told["causes"]) == (102, 100, {"busy": 2})
    [file] = tmp_path.rglob("*.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["label"] for row in rows] == [fax["label"] for fax in faxes]
    assert labels_of(told, "retryable") == ["busy-1", "busy-2"]
    assert len(set(keys(fax_connections))) == 102


def test_a_place_that_cannot_be_written_to_is_found_out_before_any_is_sent(
    send_faxes: Any, fax_connections: FaxSimulator, letter: str
) -> None:
    with pytest.raises(FaxPermanentError, match="cannot be written"):
        send_faxes(batch("interfax", delivered=101), result_path=letter)
    assert fax_connections.faxes() == []


# What the page is told


@waiting
def test_the_page_is_told_how_many_came_to_what_when_all_are_sent_and_when_all_have_ended(
    *, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr("airflow_provider_faxto.operators.batch_end.push_batch", lambda _, record: told.append(record))
    faxes = [
        *batch("interfax", delivered=2, busy=1, dead=1, undocumented=1),
        {"label": "bad", "fax_number": "not a number"},
    ]
    with pytest.raises(FaxRetryableError):
        send_faxes(faxes, deferrable=deferrable, on_bad_line="skip")
    first, last = told
    assert first["counts"] == {"pending": 5, "success": 0, "retryable": 0, "fatal": 1, "unknown": 0}
    assert (first["seen_final_at"], first["causes"], first["total"]) == (None, {"invalid_number": 1}, 6)
    assert last["counts"] == {"pending": 0, "success": 2, "retryable": 1, "fatal": 2, "unknown": 1}
    assert last["causes"]["busy"] == 1
    assert (last["vendor"], last["conn_id"], last["unsent"], last["stopped"], last["path"]) == (
        "interfax", "interfax_default", 0, None, None,
    )  # fmt: skip
    assert first["sent_at"] == last["sent_at"] < last["seen_final_at"]


@waiting
def test_what_the_page_is_told_is_short_and_names_no_fax(
    *, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator, tmp_path: Path
) -> None:
    faxes = batch("interfax", delivered=101)
    result = send_faxes(faxes, deferrable=deferrable, result_path=str(tmp_path), send_threads=8)
    told = send_faxes.ti.xcoms["fax_batch"]
    assert told["path"] == result["path"]
    written = json.dumps(told)
    assert len(written) < 1000
    for private in ("delivered-1", "999", "letter", str(fax_connections.faxes()[0]["id"])):
        assert private not in written


def test_the_page_is_told_what_ended_the_sending(
    send_faxes: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistyped = {**fax_connections.connection("interfax"), "password": "mistyped"}
    monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps(mistyped))
    with pytest.raises((FaxAccountStoppedError, FaxNotSentError)):
        send_faxes(batch("interfax", delivered=3), send_threads=1)
    told = send_faxes.ti.xcoms["fax_batch"]
    assert (told["total"], told["unsent"]) == (3, 3)
    assert told["stopped"] in {"FaxAuthenticationError", "FaxAccountStoppedError"}


def test_where_the_page_cannot_be_told_the_faxes_are_not_concerned(
    send_faxes: Any, task_instance: Any, logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(ti: Any, key: str, value: Any) -> None:
        if key == "fax_batch":
            raise RuntimeError("500 of a private host")
        ti.xcoms[key] = json.loads(json.dumps(value))

    kind = type(task_instance(send_faxes.operator([]), try_number=1, is_cleared=False, run_id="run"))
    monkeypatch.setattr(kind, "xcom_push", refuse)
    assert send_faxes(batch("interfax", delivered=2))["outcome"] == "success"
    assert "could not be stored (RuntimeError)" in logged()
    assert "private host" not in logged()


# When the task runs again


@every_vendor
@waiting
@journals
def test_a_retry_sends_what_failed_for_now_and_nothing_else(
    *, vendor: str, deferrable: bool, has_store: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    store = Store() if has_store else None
    faxes = batch(vendor, delivered=3, busy=2, dead=1)
    common = {"deferrable": deferrable, "store": store, "retries": 2}
    with pytest.raises(FaxRetryableError):
        send_faxes(faxes, vendor, **common)
    first = {fax["label"]: fax["job_id"] for fax in send_faxes.result["faxes"]}
    with pytest.raises(FaxRetryableError) as raised:
        send_faxes(faxes, vendor, try_number=2, **common)
    second = {fax["label"]: fax["job_id"] for fax in send_faxes.result["faxes"]}
    assert {label for label in first if first[label] != second[label]} == {"busy-1", "busy-2"}
    assert len(fax_connections.faxes()) == 8
    assert raised.value.failures == 2


@every_vendor
@journals
def test_a_clear_after_all_were_delivered_sends_nothing(
    *, vendor: str, has_store: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    store = Store() if has_store else None
    faxes = batch(vendor, delivered=4)
    first = send_faxes(faxes, vendor, store=store)
    again = send_faxes(faxes, vendor, store=store, try_number=2, is_cleared=True)
    assert [fax["job_id"] for fax in again["faxes"]] == [fax["job_id"] for fax in first["faxes"]]
    assert len(fax_connections.faxes()) == 4


@needs_store
def test_after_a_whole_run_the_next_one_reads_a_few_notes_and_asks_nobody(
    send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    store = Store()
    faxes = batch("interfax", delivered=20)
    send_faxes(faxes, store=store)
    assert set(store.reads) == {"fax_send"}
    store.reads.clear()
    before = len(fax_connections.requests())
    send_faxes(faxes, store=store, try_number=2, is_cleared=True)
    assert len(fax_connections.requests()) == before
    assert len(store.reads) <= 4


def test_without_a_journal_one_listing_answers_for_all(
    send_faxes: Any, fax_connections: FaxSimulator, live_limit: None
) -> None:
    faxes = batch("interfax", delivered=30)
    send_faxes(faxes)
    before = asked(fax_connections, "search")
    send_faxes(faxes, try_number=2, is_cleared=True)
    assert asked(fax_connections, "search") - before <= 2
    assert len(fax_connections.faxes()) == 30


@every_vendor
@journals
def test_a_list_that_grows_and_comes_in_another_order_sends_what_is_new(
    *, vendor: str, has_store: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    store = Store() if has_store else None
    faxes = batch(vendor, delivered=4)
    send_faxes(faxes, vendor, store=store)
    longer = [{"label": "new", "fax_number": DELIVERED[vendor]}, *reversed(faxes)]
    told = send_faxes(longer, vendor, store=store, try_number=2, is_cleared=True)
    assert [fax["label"] for fax in told["faxes"]] == [fax["label"] for fax in longer]
    assert len(fax_connections.faxes()) == 5
    assert len(set(keys(fax_connections))) == 5


@needs_store
@waiting
def test_a_fax_that_leaves_the_list_while_it_is_under_way_is_not_forgotten(
    *, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    faxes = batch("interfax", delivered=3)
    stop_when_waiting(send_faxes, faxes, store)
    told = send_faxes(faxes[1:], store=store, try_number=2, retries=2, deferrable=deferrable)
    assert outcomes(told) == {"delivered-2": "success", "delivered-3": "success", "delivered-1": "success"}
    assert len(fax_connections.faxes()) == 3


@needs_store
def test_a_fax_that_left_the_list_for_one_run_is_not_sent_again_when_it_is_back(
    send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    store = Store()
    faxes = batch("interfax", delivered=3)
    for attempt, in_list in enumerate((faxes, faxes[1:], faxes), start=1):
        told = send_faxes(in_list, store=store, try_number=attempt, is_cleared=True)
        assert told["counts"]["success"] == len(in_list)
    assert len(fax_connections.faxes()) == 3


def stop_when_waiting(send_faxes: Any, faxes: Any, store: Store | None, **kwargs: Any) -> None:
    """Run the task up to its wait, and lose it there."""
    operator = send_faxes.operator(faxes, deferrable=True, **kwargs)
    ti = send_faxes._task_instance(operator)
    with pytest.raises(TaskDeferred):
        operator.execute({"ti": ti} if store is None else {"ti": ti, "task_state_store": store})


@needs_store
@waiting
def test_a_run_that_was_lost_while_it_waited_is_followed_by_one_that_asks_for_no_fax_by_itself(
    *, deferrable: bool, send_faxes: Any, fax_connections: FaxSimulator, live_limit: None
) -> None:
    store = Store()
    faxes = batch("interfax", delivered=12)
    stop_when_waiting(send_faxes, faxes, store)
    fax_connections.finish()
    before = len(fax_connections.requests())
    told = send_faxes(faxes, store=store, try_number=2, retries=2, deferrable=deferrable)
    assert told["counts"]["success"] == 12
    assert len(fax_connections.faxes()) == 12
    # One list for all of them.
    assert len(fax_connections.requests()) - before <= 2


class Lost(BaseException):
    """The worker dies."""


@every_vendor
@journals
@waiting
@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_worker_that_dies_between_two_sends_leaves_each_fax_with_one_job(
    *,
    vendor: str,
    has_store: bool,
    deferrable: bool,
    place: str,
    threads: int,
    send_faxes: Any,
    fax_connections: FaxSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store() if has_store else None
    faxes = batch(vendor, delivered=8)
    send_fax, made = FaxHook.send_fax, []

    def dies(hook: FaxHook, *args: Any, **kwargs: Any) -> Any:
        made.append(hook)
        if len(made) >= 4 and place == "before":
            raise Lost
        job = send_fax(hook, *args, **kwargs)
        if len(made) >= 4:
            raise Lost
        return job

    with monkeypatch.context() as patched:
        patched.setattr(FaxHook, "send_fax", dies)
        with pytest.raises(Lost):
            send_faxes(faxes, vendor, store=store, send_threads=threads)
    sent = len(fax_connections.faxes())
    assert 3 <= sent <= 7
    told = send_faxes(faxes, vendor, store=store, try_number=2, retries=2, send_threads=threads, deferrable=deferrable)
    assert told["counts"]["success"] == 8
    assert len(fax_connections.faxes()) == 8
    assert len(set(keys(fax_connections))) == 8


@needs_store
def test_notes_of_faxes_that_cannot_be_read_send_nothing_twice(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    store = Store()
    faxes = batch("interfax", delivered=3)
    stop_when_waiting(send_faxes, faxes, store)
    store.refuses_to_read = lambda key: key.startswith("fax_send_")
    told = send_faxes(faxes, store=store, try_number=2, retries=3)
    assert told["counts"]["success"] == 3
    store.refuses_to_read = lambda _: False
    told = send_faxes(faxes, store=store, try_number=3, is_cleared=True, retries=3)
    assert told["counts"]["success"] == 3
    assert len(fax_connections.faxes()) == 3


@needs_store
def test_a_run_that_airflow_has_given_up_sends_nothing_more(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    store = Store()
    store.refuses_to_write = True
    with pytest.raises(FaxNotSentError, match="does not take a note"):
        send_faxes(batch("interfax", delivered=5), store=store)
    assert fax_connections.faxes() == []


@every_vendor
def test_a_send_without_an_answer_is_found_and_waited_for(
    vendor: str, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault("lost_answer", vendor=vendor, endpoint="send", times=3)
    told = send_faxes(batch(vendor, delivered=6), vendor, send_threads=2)
    assert told["counts"]["success"] == 6
    assert len(fax_connections.faxes()) == 6


@every_vendor
@pytest.mark.parametrize("raise_on_failure", [True, False])
def test_a_send_that_did_not_arrive_is_made_by_the_retry(
    *, vendor: str, raise_on_failure: bool, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault("reset", vendor=vendor, endpoint="send", when="before", times=2)
    common = {"raise_on_failure": raise_on_failure, "retries": 2}
    with pytest.raises(FaxNotSentError):
        send_faxes(batch(vendor, delivered=5), vendor, **common)
    assert send_faxes.result["counts"]["success"] == 3
    told = send_faxes(batch(vendor, delivered=5), vendor, try_number=2, **common)
    assert told["counts"]["success"] == 5
    assert len(fax_connections.faxes()) == 5


def fail_from_the_fourth(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[int]:
    send_fax, made = FaxHook.send_fax, []

    def fails(hook: FaxHook, *args: Any, **kwargs: Any) -> Any:
        made.append(1)
        if len(made) > 3:
            raise error
        return send_fax(hook, *args, **kwargs)

    monkeypatch.setattr(FaxHook, "send_fax", fails)
    return made


@waiting
@pytest.mark.parametrize("raise_on_failure", [True, False])
def test_what_is_wrong_with_the_account_ends_the_sending_and_not_the_wait(
    *,
    deferrable: bool,
    raise_on_failure: bool,
    send_faxes: Any,
    fax_connections: FaxSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = fail_from_the_fourth(monkeypatch, FaxAccountStoppedError("stopped"))
    with pytest.raises(FaxNotSentError, match="ended early"):
        send_faxes(
            batch("interfax", delivered=50),
            deferrable=deferrable,
            raise_on_failure=raise_on_failure,
            send_threads=2,
        )
    assert len(made) <= 5
    assert send_faxes.result["counts"]["success"] == 3
    assert send_faxes.result["counts"]["retryable"] == 47


def test_a_vendor_that_cannot_be_reached_is_not_tried_for_each_fax(
    send_faxes: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fail_from_the_fourth(monkeypatch, FaxLostContactError("nobody answers"))
    with pytest.raises(FaxNotSentError):
        send_faxes(batch("interfax", delivered=90), send_threads=1)
    assert len(made) == 3 + 20


def test_a_resend_of_labels_sends_these_alone(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    faxes = batch("interfax", delivered=3)
    send_faxes(faxes)
    for attempt, resend in enumerate((["delivered-2"], "['delivered-2']", {"delivered-2": "1"}), start=2):
        send_faxes(faxes, resend=resend, try_number=attempt, is_cleared=True)
        assert len(fax_connections.faxes()) == 4
    send_faxes(faxes, resend={"delivered-2": "again"}, try_number=5, is_cleared=True)
    assert len(fax_connections.faxes()) == 5
    with pytest.raises(FaxPermanentError, match="not in the list: clinic-9"):
        send_faxes(faxes, resend=["clinic-9"], try_number=6, is_cleared=True)


@every_vendor
def test_an_identity_of_the_users_holds_over_dag_runs(
    vendor: str, send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    faxes = [{**fax, "idempotency_key": f"claim-{fax['label']}"} for fax in batch(vendor, delivered=3)]
    send_faxes(faxes, vendor, run_id="monday")
    fax_connections.advance(300)
    renamed = [{**fax, "label": f"{fax['label']}-renamed"} for fax in faxes]
    told = send_faxes(renamed, vendor, run_id="tuesday")
    assert told["counts"]["success"] == 3
    assert len(fax_connections.faxes()) == 3


def test_the_same_fax_in_two_dag_runs_is_two(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    send_faxes(batch("interfax", delivered=2), run_id="monday")
    send_faxes(batch("interfax", delivered=2), run_id="tuesday")
    assert len(set(keys(fax_connections))) == 4


@pytest.mark.skipif(IS_AIRFLOW_2, reason="Airflow 2 has no retry policies")
def test_a_cause_that_the_retry_policy_gives_up_is_not_sent_again(
    send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    retries = pytest.importorskip("airflow_provider_faxto.operators.retries")
    policy = retries.FaxRetryPolicy({"busy": [], "no_answer": [timedelta(minutes=1)]})
    store = Store()
    faxes = [*batch("interfax", busy=1), {"label": "nobody", "fax_number": "+999-9999-6018"}]
    common = {"store": store, "retries": 3, "retry_policy": policy}
    with pytest.raises(FaxRetryableError) as raised:
        send_faxes(faxes, **common)
    assert raised.value.cause == "no_answer"
    with pytest.raises(FaxFatalError):
        send_faxes(faxes, try_number=2, **common)
    assert jobs_by_number(fax_connections) == {"+99999996017": 1, "+99999996018": 2}


# A resume


def test_a_resume_without_the_earlier_xcom_looks_and_sends_nothing(
    send_faxes: Any, fax_connections: FaxSimulator
) -> None:
    def forget() -> None:
        if len(send_faxes.deferrals) == 1:
            send_faxes.ti.xcoms.clear()

    told = send_faxes(batch("interfax", delivered=3), deferrable=True, between=forget)
    assert told["counts"]["success"] == 3
    assert len(fax_connections.faxes()) == 3


def test_a_wait_that_airflow_has_ended_asks_once_more(
    send_faxes: Any, fax_connections: FaxSimulator, task_instance: Any
) -> None:
    operator = send_faxes.operator(batch("interfax", delivered=3), deferrable=True)
    context: Any = {"ti": task_instance(operator)}
    with pytest.raises(TaskDeferred):
        operator.execute(context)
    fax_connections.finish()
    told = operator.resume_execution("__fail__", {"error": "Trigger timeout"}, context)
    assert told["counts"]["success"] == 3


def test_an_event_of_another_wait_is_refused(
    send_faxes: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    from airflow_provider_faxto.waiting.many import JobsInWait

    operator = send_faxes.operator(batch("interfax", delivered=2), deferrable=True)
    context: Any = {"ti": task_instance(operator)}
    with pytest.raises(TaskDeferred):
        operator.execute(context)
    jobs = JobsInWait(["1"], [bytes(4)])
    jobs.give_up()
    with pytest.raises(FaxPermanentError, match="other fax jobs"):
        operator.execute_complete(context, jobs.to_event(None))


# A kill


def test_a_task_that_is_killed_while_it_waits_cancels_what_has_not_gone_out(
    send_faxes: Any, fax_connections: FaxSimulator, task_instance: Any, fake_time: Any, logged: Callable[[], str]
) -> None:
    fax_connections.configure(interfax_seconds_received=3600.0)
    faxes = [{"label": f"slow-{number}", "fax_number": NEVER_ENDING} for number in range(5)]
    operator = send_faxes.operator(faxes, poll_interval=60)
    ti = task_instance(operator)

    def kill() -> None:
        if "submitted" in ti.xcoms:
            fake_time.while_asleep = lambda: None
            operator.on_kill()
            raise Lost

    fake_time.while_asleep = kill
    with pytest.raises(Lost):
        operator.execute({"ti": ti})
    assert [fax["status"] for fax in fax_connections.faxes()] == [403] * 5
    assert "Of 5 fax jobs" in logged()


def test_a_kill_leaves_the_faxes_of_a_newer_run_alone(
    send_faxes: Any, fax_connections: FaxSimulator, task_instance: Any, fake_time: Any
) -> None:
    faxes = [{"label": f"slow-{number}", "fax_number": NEVER_ENDING} for number in range(3)]
    operator = send_faxes.operator(faxes)
    ti = task_instance(operator)

    def kill() -> None:
        if "submitted" in ti.xcoms:
            fake_time.while_asleep = lambda: None
            ti.xcoms["submitted"]["run"] = 2
            operator.on_kill()
            raise Lost

    fake_time.while_asleep = kill
    with pytest.raises(Lost):
        operator.execute({"ti": ti})
    assert 403 not in [fax["status"] for fax in fax_connections.faxes()]


def test_where_a_vendor_offers_no_way_to_cancel_the_log_says_so(
    send_faxes: Any, task_instance: Any, fake_time: Any, logged: Callable[[], str]
) -> None:
    faxes = [{"label": f"slow-{number}", "fax_number": NEVER_ENDING} for number in range(2)]
    operator = send_faxes.operator(faxes, "faxto")
    ti = task_instance(operator)

    def kill() -> None:
        if "submitted" in ti.xcoms:
            fake_time.while_asleep = lambda: None
            operator.on_kill()
            raise Lost

    fake_time.while_asleep = kill
    with pytest.raises(Lost):
        operator.execute({"ti": ti})
    assert "2 fax jobs go on: Fax.to offers no way to cancel" in logged()


# The rendered fields


def test_nothing_of_the_list_stands_in_the_rendered_fields(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    operator = send_faxes.operator([{"label": "{{ which }}", "fax_number": "{{ number }}"}], document="{{ path }}")
    operator.render_template_fields(
        {"which": "clinic-7", "number": "+999-9999-0", "path": send_faxes._letter}  # type: ignore[typeddict-unknown-key]
    )
    assert operator.faxes == "list (list)"
    told = operator.execute({"ti": send_faxes._task_instance(operator)})
    assert outcomes(told) == {"clinic-7": "success"}


def test_a_template_may_give_the_whole_list_as_text(send_faxes: Any, fax_connections: FaxSimulator) -> None:
    operator = send_faxes.operator("{{ faxes }}")
    operator.render_template_fields({"faxes": [{"label": "clinic-7", "fax_number": "+999-9999-0"}]})
    assert operator.faxes == "list (str)"
    assert outcomes(operator.execute({"ti": send_faxes._task_instance(operator)})) == {"clinic-7": "success"}
