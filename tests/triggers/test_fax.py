"""The deferred wait: what the trigger asks, when it fires, and what its one event says."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import VENDORS

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.triggers.fax import FIRST_EVENT_AFTER, FaxStatusTrigger, is_long_enough_to_defer
from airflow_provider_faxto.waiting.followed import FollowedJobs
from airflow_provider_faxto.waiting.poller import FaxPoller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

DELIVERED = {"faxto": "+1 202 555 0100", "interfax": "+999-9999-0", "extrafax": "+999-9999-0"}
BUSY = {"faxto": "+1 202 555 0102", "interfax": "+999-9999-6017", "extrafax": "+999-9999-6017"}
NEVER_ENDING = "+1 202 555 0106"


def run(trigger: FaxStatusTrigger) -> list[dict[str, Any]]:
    """Run a trigger as a triggerer does, to its end, from what its row holds."""
    classpath, kwargs = json.loads(json.dumps(trigger.serialize()))
    assert classpath == "airflow_provider_faxto.triggers.fax.FaxStatusTrigger"

    async def collect() -> list[dict[str, Any]]:
        return [event.payload async for event in FaxStatusTrigger(**kwargs).run()]

    return asyncio.run(collect())


def status_requests(simulator: FaxSimulator) -> list[dict[str, Any]]:
    return [request for request in simulator.requests() if request["endpoint"] == "status"]


@given(
    job_id=st.text(min_size=1),
    poll_interval=st.floats(min_value=0.1, max_value=86400),
    deadline=st.none() | st.floats(min_value=0, max_value=4e9),
    cancel_on_kill=st.booleans(),
    reference=st.none() | st.text(max_size=60),
)
def test_what_is_serialised_makes_an_equal_trigger(
    *, job_id: str, poll_interval: float, deadline: float | None, cancel_on_kill: bool, reference: str | None
) -> None:
    trigger = FaxStatusTrigger(job_id, "interfax_default", poll_interval, deadline, cancel_on_kill, reference=reference)
    classpath, kwargs = json.loads(json.dumps(trigger.serialize()))
    module, _, name = classpath.rpartition(".")
    assert getattr(sys.modules[module], name) is FaxStatusTrigger
    assert FaxStatusTrigger(**kwargs).serialize() == trigger.serialize()


def test_the_row_of_a_trigger_holds_six_plain_values_and_no_more() -> None:
    _, kwargs = FaxStatusTrigger("1", "faxto_default").serialize()
    assert kwargs == {
        "job_id": "1",
        "fax_conn_id": "faxto_default",
        "poll_interval": 60.0,
        "deadline": None,
        "cancel_on_kill": False,
        "reference": None,
    }


def test_a_row_that_an_earlier_release_has_written_still_loads(fake_time: Any, fax_job: Callable[..., str]) -> None:
    job_id = fax_job("interfax", DELIVERED["interfax"])
    _, kwargs = FaxStatusTrigger(job_id, "interfax_default").serialize()
    del kwargs["reference"]

    async def collect() -> list[dict[str, Any]]:
        return [event.payload async for event in FaxStatusTrigger(**kwargs).run()]

    [payload] = asyncio.run(collect())
    assert payload["outcome"] == FaxOutcome.SUCCESS


@pytest.mark.parametrize(("reference", "outcome"), [("airflow-test", "success"), ("airflow-other", "unknown")])
def test_a_job_of_another_reference_is_not_the_fax(
    reference: str, outcome: str, fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", DELIVERED["interfax"])
    [payload] = run(FaxStatusTrigger(job_id, "interfax_default", 30.0, reference=reference))
    assert (payload["job_id"], payload["outcome"]) == (job_id, outcome)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_event_is_the_final_status(vendor: str, fake_time: Any, fax_job: Callable[..., str]) -> None:
    job_id = fax_job(vendor, DELIVERED[vendor])
    [payload] = run(FaxStatusTrigger(job_id, f"{vendor}_default", 30.0, fake_time.time() + 3600))
    status = FaxStatus.from_dict(payload)
    assert (status.vendor, status.job_id, status.outcome) == (vendor, job_id, FaxOutcome.SUCCESS)
    assert payload == status.to_dict()
    assert json.loads(json.dumps(payload)) == payload


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_failed_fax_is_told_with_its_cause(vendor: str, fake_time: Any, fax_job: Callable[..., str]) -> None:
    [payload] = run(FaxStatusTrigger(fax_job(vendor, BUSY[vendor]), f"{vendor}_default", 60.0))
    assert (payload["outcome"], payload["cause"]) == (FaxOutcome.RETRYABLE, FaxCause.BUSY)


def test_nothing_is_asked_and_told_in_the_first_ten_seconds(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = fax_job("interfax", "+999-9999-0")
    fax_connections.finish()
    asked_at_first_sleep = []
    sleep = fake_time.sleep

    def watched(seconds: float) -> None:
        asked_at_first_sleep.append((seconds, len(status_requests(fax_connections))))
        sleep(seconds)

    monkeypatch.setattr(fake_time, "sleep", watched)
    [payload] = run(FaxStatusTrigger(job_id, "interfax_default", 1.0))
    assert payload["outcome"] == FaxOutcome.SUCCESS
    # The fax had ended before the trigger began: one pause, no request before it, one behind it.
    [(pause, asked)] = asked_at_first_sleep
    assert asked == 0
    # A little later than that, so that thousands that begin at once do not look at once.
    assert FIRST_EVENT_AFTER <= pause <= FIRST_EVENT_AFTER + 0.1
    assert FIRST_EVENT_AFTER >= 10
    assert len(status_requests(fax_connections)) == 1


@pytest.mark.parametrize(("left", "at_most"), [(-3600.0, 0.0), (5.0, 5.0), (14.0, 14.0)])
def test_a_trigger_that_is_started_again_close_to_its_deadline_keeps_it(
    left: float, at_most: float, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    # It was deferred at least ten seconds ago: a shorter wait than twenty seconds is not deferred.
    job_id = fax_job("interfax", "+1 202 555 0106")
    began = fake_time.time()
    [payload] = run(FaxStatusTrigger(job_id, "interfax_default", 1.0, began + left))
    assert payload["outcome"] == FaxOutcome.UNKNOWN
    assert fake_time.time() - began <= at_most + 4
    assert left <= 0 or fake_time.time() - began >= left - 0.001


def test_a_wait_that_is_over_before_the_first_event_is_not_worth_a_trigger() -> None:
    assert not is_long_enough_to_defer(FIRST_EVENT_AFTER)
    assert is_long_enough_to_defer(2 * FIRST_EVENT_AFTER)


def test_the_interval_lies_between_two_looks(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    fax_connections.configure(interfax_status_limit=None)
    job_id = fax_job("interfax", NEVER_ENDING)
    run(FaxStatusTrigger(job_id, "interfax_default", 100.0, fake_time.time() + 10 + 1000))
    # Ten pauses of 100 s in 1,000 s, each varied by up to a tenth, and the look at the deadline.
    assert 10 <= len(status_requests(fax_connections)) <= 13


def test_an_interval_of_nothing_is_one_of_a_second(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.configure(interfax_status_limit=None)
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=600)
    run(FaxStatusTrigger(fax_job("interfax", NEVER_ENDING), "interfax_default", 0.0, fake_time.time() + 10 + 60))
    assert len(status_requests(fax_connections)) <= 70


def test_the_deadline_ends_the_wait_as_unknown(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    deadline = fake_time.time() + 200
    [payload] = run(FaxStatusTrigger(job_id, "interfax_default", 60.0, deadline))
    assert payload["outcome"] == FaxOutcome.UNKNOWN
    assert "may still go out or may have arrived" in payload["message"]
    assert deadline - 0.001 <= fake_time.time() < deadline + 5
    assert not fax_connections.faxes()[0]["is_final"]


def test_a_fax_that_ended_at_the_deadline_counts_as_ended(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", "+999-9999-0")
    fax_connections.finish()
    [payload] = run(FaxStatusTrigger(job_id, "interfax_default", 60.0, fake_time.time()))
    assert payload["outcome"] == FaxOutcome.SUCCESS


def test_a_restart_of_the_triggerer_changes_nothing(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    deadline = fake_time.time() + 300
    trigger = FaxStatusTrigger(job_id, "interfax_default", 30.0, deadline)

    async def begin_and_stop() -> None:
        looked_twice = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait_for_good_after_the_second_request(condition: threading.Condition, seconds: float) -> None:
            if len(status_requests(fax_connections)) < 2:
                fake_time.wait(condition, seconds)
                return
            loop.call_soon_threadsafe(looked_twice.set)
            assert condition.wait(60)

        with monkeypatch.context() as patch:
            patch.setattr(clock, "wait", wait_for_good_after_the_second_request)
            task = asyncio.ensure_future(anext(trigger.run()))
            await looked_twice.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await trigger.cleanup()

    asyncio.run(begin_and_stop())
    [payload] = run(trigger)
    assert payload["outcome"] == FaxOutcome.UNKNOWN
    # The deadline is absolute: the second run did not begin to count anew, which would take it 300 s further. It
    # waits its first seconds even where the first run, on a slow machine, had come up to the deadline.
    assert deadline - 0.001 <= fake_time.time() < deadline + FIRST_EVENT_AFTER + 5
    # Neither the stop nor the clean-up canceled anything.
    assert {request["endpoint"] for request in fax_connections.requests()} == {"send", "status"}


async def on_kill_and_cancel(trigger: FaxStatusTrigger, cancels: int) -> None:
    """Do as Airflow 3.3.2 does: cancel the trigger again and again until it has ended, ``on_kill`` or not."""
    killed = asyncio.ensure_future(trigger.on_kill())
    for _ in range(cancels):
        await asyncio.sleep(0)
        killed.cancel()
    await asyncio.wait([killed])
    # A triggerer's loop runs on.
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """Give a function that kills a trigger as a triggerer does, and returns what Airflow was asked about its task."""
    task_runner = pytest.importorskip("airflow.sdk.execution_time.task_runner", reason="Airflow 3.3 kills triggers")

    def run_on_kill(
        trigger: FaxStatusTrigger, *, still_deferred: bool = False, cancels: int = 0
    ) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def get_ti_count(**criteria: Any) -> int:
            asked.append(criteria)
            return int(still_deferred)

        monkeypatch.setattr(task_runner.RuntimeTaskInstance, "get_ti_count", get_ti_count)
        trigger._task_instance = SimpleNamespace(dag_id="dag", task_id="send", run_id="run", map_index=3)
        asyncio.run(on_kill_and_cancel(trigger, cancels))
        return asked

    return run_on_kill


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_killed_wait_of_the_task_that_sent_cancels_its_fax(
    *,
    vendor: str,
    kill: Callable[..., Any],
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = fax_job(vendor, NEVER_ENDING)
    with caplog.at_level(logging.INFO):
        asked = kill(FaxStatusTrigger(job_id, f"{vendor}_default", cancel_on_kill=True))
    assert [fax["status"] for fax in fax_connections.faxes()] == [403]
    assert f"Fax job {job_id} was canceled." in caplog.text
    assert asked == [
        {"dag_id": "dag", "map_index": 3, "task_ids": ["send"], "run_ids": ["run"], "states": ["deferred", "running"]}
    ]


def test_a_killed_wait_is_not_kept_from_its_cancel_by_airflow_canceling_the_trigger_again(
    kill: Callable[..., Any], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    kill(FaxStatusTrigger(job_id, "interfax_default", cancel_on_kill=True), cancels=3)
    assert [fax["status"] for fax in fax_connections.faxes()] == [403]


def test_a_killed_wait_of_which_airflow_cannot_tell_leaves_the_fax_alone(
    fax_connections: FaxSimulator, fax_job: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    # Outside a triggerer it has no task, and nobody answers.
    asyncio.run(FaxStatusTrigger(job_id, "interfax_default", cancel_on_kill=True).on_kill())
    assert f"Fax job {job_id} goes on: Airflow could not be asked" in caplog.text
    assert [request["endpoint"] for request in fax_connections.requests()] == ["send"]


def test_a_killed_wait_that_another_triggerer_goes_on_with_leaves_the_fax_alone(
    kill: Callable[..., Any], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    kill(FaxStatusTrigger(job_id, "interfax_default", cancel_on_kill=True), still_deferred=True)
    assert [request["endpoint"] for request in fax_connections.requests()] == ["send"]


def test_a_killed_wait_of_a_sensor_leaves_the_fax_alone(
    kill: Callable[..., Any], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    assert kill(FaxStatusTrigger(job_id, "interfax_default")) == []
    assert [request["endpoint"] for request in fax_connections.requests()] == ["send"]


def test_a_killed_wait_whose_vendor_does_not_answer_in_time_is_said_to_be_uncertain(
    *,
    kill: Callable[..., Any],
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    fax_connections.fault("slow", vendor="interfax", endpoint="status", delay=2.0)
    monkeypatch.setattr("airflow_provider_faxto.triggers.fax._ON_KILL_AT_MOST", 0.1)
    kill(FaxStatusTrigger(job_id, "interfax_default", cancel_on_kill=True))
    assert f"Whether fax job {job_id} was canceled is unknown" in caplog.text


@pytest.mark.parametrize(
    "fault", ["lost_answer", "reset", "server_error", "html", "rate_limit", "truncated", "redirect"]
)
@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_lost_contact_and_throttling_do_not_end_the_wait(
    vendor: str, fault: str, fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, DELIVERED[vendor])
    fax_connections.finish()
    fax_connections.fault(fault, vendor=vendor, endpoint="status", times=5)
    [payload] = run(FaxStatusTrigger(job_id, f"{vendor}_default", 60.0))
    assert payload["outcome"] == FaxOutcome.SUCCESS
    # The pauses grow: five of the plain interval would be five minutes.
    assert fake_time.slept > 10 + 0.9 * 60 * (2 + 4 + 8 + 16 + 16)


def test_lost_contact_to_the_end_is_unknown_and_not_failed(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("faxto", "+1 202 555 0102")
    fax_connections.fault("lost_answer", vendor="faxto", endpoint="status", times=None)
    [payload] = run(FaxStatusTrigger(job_id, "faxto_default", 60.0, fake_time.time() + 1000))
    assert (payload["outcome"], payload["cause"]) == (FaxOutcome.UNKNOWN, None)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_password_that_stays_wrong_is_tried_twice_and_ends_the_wait_after_an_hour(
    *,
    vendor: str,
    fax_connections: FaxSimulator,
    fake_time: Any,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = fax_job(vendor, DELIVERED[vendor])
    wrong = {**fax_connections.connection(vendor), "password": "wrong+secret/1"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(wrong))
    with caplog.at_level(logging.DEBUG):
        [payload] = run(FaxStatusTrigger(job_id, f"{vendor}_default", 60.0))
    assert (payload["vendor"], payload["outcome"]) == (vendor, FaxOutcome.UNKNOWN)
    assert len(status_requests(fax_connections)) == 2
    assert fake_time.slept == pytest.approx(3600, abs=90)
    told = json.dumps(payload) + caplog.text
    for secret in ("wrong+secret", "wrong%2Bsecret", DELIVERED[vendor], DELIVERED[vendor].replace(" ", "")):
        assert secret not in told
    assert "cannot go on" in caplog.text


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_job_that_the_vendor_does_not_know_is_given_a_minute(
    vendor: str, fax_connections: FaxSimulator, fake_time: Any
) -> None:
    [payload] = run(FaxStatusTrigger("4711", f"{vendor}_default", 300.0))
    assert (payload["outcome"], payload["job_id"]) == (FaxOutcome.UNKNOWN, "4711")
    assert 60 <= fake_time.slept - FIRST_EVENT_AFTER < 90
    assert len(status_requests(fax_connections)) >= 4


def test_a_job_that_shows_late_is_waited_for(
    fax_connections: FaxSimulator, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    fax_connections.configure(interfax_status_lag=40.0)
    [payload] = run(FaxStatusTrigger(fax_job("interfax", "+999-9999-0"), "interfax_default", 60.0))
    assert payload["outcome"] == FaxOutcome.SUCCESS


def test_a_connection_of_another_type_ends_the_wait_as_unknown(fake_time: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps({"conn_type": "http", "host": "https://example.com"}))
    [payload] = run(FaxStatusTrigger("1", "elsewhere"))
    assert payload["outcome"] == FaxOutcome.UNKNOWN


def test_the_event_loop_goes_on_while_the_vendor_answers_slowly(
    fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = fax_job("faxto", "+1 202 555 0100")
    fax_connections.finish()
    fax_connections.fault("slow", vendor="faxto", endpoint="status", delay=4.0)
    monkeypatch.setattr("airflow_provider_faxto.triggers.fax.FIRST_EVENT_AFTER", 0.0)

    async def wait() -> Any:
        waiting = asyncio.ensure_future(anext(FaxStatusTrigger(job_id, "faxto_default").run()))
        while not fax_connections.simulator.faults()[0]["struck"]:  # noqa: ASYNC110 - it runs in another thread
            await asyncio.sleep(0.01)
        # Had the request held the loop up, this line would be reached with the answer there and the wait over.
        assert not waiting.done()
        return (await waiting).payload

    assert asyncio.run(wait())["outcome"] == FaxOutcome.SUCCESS


def run_all(triggers: list[FaxStatusTrigger]) -> list[dict[str, Any]]:
    """Run triggers side by side, as a triggerer does."""

    async def only_event(trigger: FaxStatusTrigger) -> dict[str, Any]:
        [event] = [event async for event in trigger.run()]
        return event.payload

    async def collect() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(only_event, triggers))

    return asyncio.run(collect())


def test_triggers_of_a_connection_share_one_look_up_one_thread_and_their_requests(
    fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=6)
    monkeypatch.setattr("airflow_provider_faxto.triggers.fax.FIRST_EVENT_AFTER", 0.0)
    jobs = [fax_job("interfax", DELIVERED["interfax"]) for _ in range(40)]
    fax_connections.finish()
    looked_up = []
    added = []
    add = FaxPoller.add

    def add_and_note(*args: Any, **kwargs: Any) -> Any:
        added.append(add(*args, **kwargs))
        return added[-1]

    monkeypatch.setattr(FaxPoller, "add", add_and_note)
    resolve = FaxStatusTrigger._resolve_connection

    async def resolve_when_all_wait(trigger: FaxStatusTrigger) -> Any:
        looked_up.append(threading.current_thread() is threading.main_thread())
        while len(added) < len(jobs):  # noqa: ASYNC110 - they are added in this very loop
            await asyncio.sleep(0.001)
        return await resolve(trigger)

    monkeypatch.setattr(FaxStatusTrigger, "_resolve_connection", resolve_when_all_wait)
    payloads = run_all([FaxStatusTrigger(job_id, "interfax_default") for job_id in jobs])
    assert [payload["job_id"] for payload in payloads] == jobs
    assert {payload["outcome"] for payload in payloads} == {FaxOutcome.SUCCESS}
    # In the event loop, where Airflow looks connections up.
    assert looked_up == [True]
    assert [request["endpoint"] for request in fax_connections.requests()][len(jobs) :] == ["completed"]
    for thread in threading.enumerate():
        if thread.name == "fax-poller-interfax_default":
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let triggers begin at once, and give up soon after the deadline, by the real clock."""
    monkeypatch.setattr("airflow_provider_faxto.triggers.fax.FIRST_EVENT_AFTER", 0.0)
    monkeypatch.setattr("airflow_provider_faxto.triggers.fax._LAST_LOOK_WITHIN", 0.1)
    monkeypatch.setattr("airflow_provider_faxto.waiting.waiter.SHORTEST_INTERVAL", 0.01)


@pytest.fixture
def stuck_look_up(at_once: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A look-up of the connection that keeps the poller's thread until it is let go."""
    let_go = threading.Event()

    def look_up(*_: Any) -> Any:
        let_go.wait(60)
        raise TimeoutError

    monkeypatch.setattr(FaxStatusTrigger, "_resolve_in", look_up)
    yield let_go
    let_go.set()


def test_the_deadline_is_kept_although_the_pollers_thread_stands_still(stuck_look_up: threading.Event) -> None:
    deadline = clock.now() + 0.2
    payloads = run_all([FaxStatusTrigger(str(each), "stuck", 60.0, deadline) for each in range(1, 4)])
    assert [(each["job_id"], each["outcome"]) for each in payloads] == [(str(each), "unknown") for each in range(1, 4)]
    assert all("may still go out or may have arrived" in each["message"] for each in payloads)
    assert all(FaxStatus.from_dict(each).is_final for each in payloads)
    assert clock.now() >= deadline
    assert not stuck_look_up.is_set()


def test_a_deadline_that_had_passed_before_the_trigger_began_is_kept_too(stuck_look_up: threading.Event) -> None:
    [payload] = run_all([FaxStatusTrigger("1", "stuck", 60.0, clock.now() - 3600)])
    assert payload["outcome"] == FaxOutcome.UNKNOWN


@pytest.fixture
def failing_starts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How the next starts of a poller's thread fail: one for each item; nothing else fails."""
    failing: list[bool] = []
    start = threading.Thread.start

    def start_or_fail(thread: threading.Thread) -> None:
        if thread.name.startswith("fax-poller") and failing and failing.pop():
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    return failing


def test_a_thread_that_could_not_be_started_is_started_later(
    at_once: None, failing_starts: list[bool], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    jobs = [fax_job("interfax", DELIVERED["interfax"]) for _ in range(3)]
    fax_connections.finish()
    failing_starts += [True] * 5
    payloads = run_all([FaxStatusTrigger(job_id, "interfax_default", 0.05) for job_id in jobs])
    assert {payload["outcome"] for payload in payloads} == {FaxOutcome.SUCCESS}
    assert failing_starts == []


def test_a_thread_that_can_never_be_started_ends_the_wait_at_its_deadline(
    fake_time: Any, failing_starts: list[bool], fax_job: Callable[..., str]
) -> None:
    failing_starts += [True] * 1000
    deadline = fake_time.now() + 600
    [payload] = run(FaxStatusTrigger(fax_job("interfax", NEVER_ENDING), "interfax_default", 60.0, deadline))
    assert payload["outcome"] == FaxOutcome.UNKNOWN
    assert fake_time.now() == pytest.approx(deadline, abs=1)


def test_an_error_that_ends_the_pollers_thread_ends_no_wait(
    at_once: None, fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    job_id = fax_job("interfax", DELIVERED["interfax"])
    fax_connections.finish()
    step = FollowedJobs.step
    broken = [True]

    def break_once(jobs: FollowedJobs, hook: Any) -> float:
        if broken.pop() if broken else False:
            raise MemoryError
        return step(jobs, hook)

    monkeypatch.setattr(FollowedJobs, "step", break_once)
    [payload] = run_all([FaxStatusTrigger(job_id, "interfax_default", 0.05)])
    assert payload["outcome"] == FaxOutcome.SUCCESS


def test_a_connection_that_is_not_there_is_looked_up_again_until_the_deadline(
    fake_time: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find_none(_: FaxStatusTrigger) -> Any:
        raise AirflowNotFoundException("no_such_connection")

    monkeypatch.setattr(FaxStatusTrigger, "_resolve_connection", find_none)
    deadline = fake_time.now() + 600
    [payload] = run(FaxStatusTrigger("1", "no_such_connection", 60.0, deadline))
    assert FaxStatus.from_dict(payload).outcome is FaxOutcome.UNKNOWN
    assert "no_such_connection" not in json.dumps(payload)
    assert fake_time.now() == pytest.approx(deadline, abs=5)


@pytest.mark.parametrize(
    "error", [AirflowNotFoundException("it isn't defined"), TimeoutError(), OSError("secret+text"), KeyError("x")]
)
def test_a_look_up_of_the_connection_that_fails_is_tried_again_for_all_who_wait(
    *,
    error: Exception,
    at_once: None,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs = [fax_job("interfax", DELIVERED["interfax"]) for _ in range(3)]
    fax_connections.finish()
    resolve = FaxStatusTrigger._resolve_connection
    looked_up = []

    async def fail_at_first(trigger: FaxStatusTrigger) -> Any:
        looked_up.append(trigger)
        if len(looked_up) < 4:
            raise error
        return await resolve(trigger)

    monkeypatch.setattr(FaxStatusTrigger, "_resolve_connection", fail_at_first)
    payloads = run_all([FaxStatusTrigger(job_id, "interfax_default", 0.05) for job_id in jobs])
    assert {payload["outcome"] for payload in payloads} == {FaxOutcome.SUCCESS}
    assert len(looked_up) == 4
    assert f"could not be looked up ({type(error).__name__})" in caplog.text
    assert "secret+text" not in caplog.text


def test_a_look_up_of_the_connection_that_hangs_is_given_up_and_tried_again(
    at_once: None, fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_faxto.triggers.fax._LOOK_UP_AT_MOST", 0.05)
    job_id = fax_job("interfax", DELIVERED["interfax"])
    fax_connections.finish()
    resolve = FaxStatusTrigger._resolve_connection
    looked_up = []

    async def hang_at_first(trigger: FaxStatusTrigger) -> Any:
        looked_up.append(trigger)
        if len(looked_up) < 2:
            await asyncio.sleep(3600)
        return await resolve(trigger)

    monkeypatch.setattr(FaxStatusTrigger, "_resolve_connection", hang_at_first)
    [payload] = run_all([FaxStatusTrigger(job_id, "interfax_default", 0.05)])
    assert payload["outcome"] == FaxOutcome.SUCCESS


def test_a_trigger_that_is_canceled_leaves_the_others_alone(
    at_once: None, fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Enough for both at their interval, so that each is asked for by itself.
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=600)
    endless, other = fax_job("interfax", NEVER_ENDING), fax_job("interfax", DELIVERED["interfax"])

    async def cancel_one() -> dict[str, Any]:
        first = asyncio.ensure_future(anext(FaxStatusTrigger(endless, "interfax_default", 1.0).run()))
        while not status_requests(fax_connections):  # noqa: ASYNC110 - the poller has a thread of its own
            await asyncio.sleep(0.001)
        second = asyncio.ensure_future(anext(FaxStatusTrigger(other, "interfax_default", 1.0).run()))
        while len(status_requests(fax_connections)) < 3:  # noqa: ASYNC110 - the poller has a thread of its own
            await asyncio.sleep(0.001)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        fax_connections.finish()
        return (await second).payload

    fax_connections.configure(interfax_status_limit=None)
    assert asyncio.run(cancel_one())["outcome"] == FaxOutcome.SUCCESS


def test_the_http_client_is_imported_outside_the_event_loop() -> None:
    # The import takes a sixth of a second, which a triggerer with a thousand triggers would feel.
    script = """
import asyncio, os, sys, threading
os.environ["AIRFLOW_CONN_FAXTO_DEFAULT"] = '{"conn_type": "faxto", "host": "http://127.0.0.1:1", "password": "x"}'
import airflow_provider_faxto.triggers.fax as module
assert "airflow_provider_faxto.http.transport" not in sys.modules
importers = {}
def note(event, args):
    if event == "import" and args[0].startswith("airflow_provider_faxto."):
        importers[args[0]] = threading.current_thread() is threading.main_thread()
module.FIRST_EVENT_AFTER = 0.0
sys.addaudithook(note)
async def main():
    return await anext(module.FaxStatusTrigger("1", "faxto_default", deadline=0.0).run())
print(asyncio.run(main()).payload["outcome"])
assert importers["airflow_provider_faxto.http.transport"] is False, importers
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "unknown"


@pytest.mark.parametrize("conn_id", ["", "interfax_default?x", "other/../interfax_default"])
def test_a_wait_on_what_is_no_id_ends_at_once_and_looks_nothing_up(
    *,
    conn_id: str,
    fax_connections: FaxSimulator,
    fake_time: Any,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from airflow.providers.common.compat import connection

    async def look_up(conn_id: str) -> None:
        raise AssertionError(conn_id)

    job_id = fax_job("interfax", DELIVERED["interfax"])
    requests = len(fax_connections.requests())
    monkeypatch.setattr(connection, "get_async_connection", look_up)
    began = fake_time.time()
    [payload] = run(FaxStatusTrigger(job_id, conn_id, 30.0, began + 86400))
    # The worker asks once more, and raises what is wrong.
    assert (payload["job_id"], payload["outcome"]) == (job_id, FaxOutcome.UNKNOWN)
    assert fake_time.time() - began < 60
    assert "The fax_conn_id " in caplog.text
    assert len(fax_connections.requests()) == requests
