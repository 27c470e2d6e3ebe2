"""The deferred wait for many fax jobs: one row, one event, and a kill that cancels what it can."""

from __future__ import annotations

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.batches import BUSY, DELIVERED
from support.sender import only_event
from support.waiting import wait_for

from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.packing import mark_of_reference
from airflow_provider_faxto.triggers.fax import FaxStatusTrigger
from airflow_provider_faxto.triggers.faxes import FaxesStatusTrigger
from airflow_provider_faxto.waiting.many import EndOfWait, JobsInWait, read_event
from airflow_provider_faxto.waiting.poller import FaxPoller

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

NEVER_ENDING = "+1 202 555 0106"
REFERENCE = "airflow-test"


def trigger_of(job_ids: list[str], vendor: str = "interfax", *, reference: str = REFERENCE, **given: Any) -> Any:
    jobs = JobsInWait(job_ids, [mark_of_reference(reference)] * len(job_ids))
    return FaxesStatusTrigger(*jobs.pack(), f"{vendor}_default", **given)


def ends_of(trigger: Any) -> list[tuple[str | None, FaxOutcome, EndOfWait]]:
    statuses, ends = read_event(asyncio.run(only_event(trigger)))
    return [(status.job_id, status.outcome, end) for status, end in zip(statuses, ends, strict=True)]


def test_its_class_path_stands_in_rows_and_stays() -> None:
    path, kwargs = trigger_of(["1", "2"], deadline=3.0, cancel_on_kill=True).serialize()
    assert path == "airflow_provider_faxto.triggers.faxes.FaxesStatusTrigger"
    assert FaxesStatusTrigger(**json.loads(json.dumps(kwargs))).serialize() == (path, kwargs)


@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_one_event_tells_what_became_of_each_in_order(vendor: str, fake_time: Any, fax_job: Callable[..., str]) -> None:
    numbers = [DELIVERED[vendor], BUSY[vendor]] * 4
    job_ids = [fax_job(vendor, number) for number in numbers]
    ends = ends_of(trigger_of(job_ids, vendor))
    assert [job_id for job_id, _, _ in ends] == job_ids
    assert [outcome for _, outcome, _ in ends] == [FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE] * 4
    assert {end for _, _, end in ends} == {EndOfWait.TOLD}


def test_at_the_deadline_it_tells_what_it_knows(fake_time: Any, fax_job: Callable[..., str]) -> None:
    job_ids = [fax_job("interfax", DELIVERED["interfax"]), fax_job("interfax", NEVER_ENDING)]
    ends = ends_of(trigger_of(job_ids, deadline=fake_time.time() + 3600))
    assert ends == [
        (job_ids[0], FaxOutcome.SUCCESS, EndOfWait.TOLD),
        (job_ids[1], FaxOutcome.UNKNOWN, EndOfWait.OPEN),
    ]


def test_a_job_that_the_vendor_does_not_know_ends_by_itself(fake_time: Any, fax_job: Callable[..., str]) -> None:
    job_ids = [fax_job("interfax", DELIVERED["interfax"]), "999999999"]
    ends = ends_of(trigger_of(job_ids))
    assert ends[1] == ("999999999", FaxOutcome.UNKNOWN, EndOfWait.NO_SUCH_JOB)
    assert ends[0][1] is FaxOutcome.SUCCESS


def test_a_job_of_another_reference_is_not_the_fax(fake_time: Any, fax_job: Callable[..., str]) -> None:
    [(_, outcome, end)] = ends_of(trigger_of([fax_job("interfax", DELIVERED["interfax"])], reference="airflow-other"))
    assert (outcome, end) == (FaxOutcome.UNKNOWN, EndOfWait.TOLD)


def test_a_poller_that_breaks_is_begun_again(
    fake_time: Any, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_ids = [fax_job("interfax", DELIVERED["interfax"]) for _ in range(3)]
    add, refused = FaxPoller.add, []

    def no_thread(*args: Any, **kwargs: Any) -> Any:
        if len(refused) < 3:
            refused.append(1)
            raise RuntimeError("can't start new thread")
        return add(*args, **kwargs)

    monkeypatch.setattr(FaxPoller, "add", no_thread)
    assert [outcome for _, outcome, _ in ends_of(trigger_of(job_ids))] == [FaxOutcome.SUCCESS] * 3


def test_what_ends_it_early_leaves_no_job_with_the_poller(fake_time: Any, fax_job: Callable[..., str]) -> None:
    job_ids = [fax_job("interfax", NEVER_ENDING) for _ in range(3)]

    def has_poller() -> bool:
        return any(thread.name == "fax-poller-interfax_default" for thread in threading.enumerate())

    async def start_and_cancel() -> None:
        waiting = asyncio.ensure_future(anext(trigger_of(job_ids).run()))
        await asyncio.to_thread(wait_for, has_poller)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(wait_for, lambda: not has_poller())

    asyncio.run(start_and_cancel())


@pytest.mark.parametrize(("still_waits", "canceled"), [(False, 3), (True, 0)])
def test_a_kill_cancels_the_faxes_unless_the_task_waits_for_them_again(
    *,
    still_waits: bool,
    canceled: int,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fax_connections.configure(interfax_seconds_received=3600.0)
    job_ids = [fax_job("interfax", NEVER_ENDING) for _ in range(3)]
    trigger = trigger_of(job_ids, cancel_on_kill=True)
    trigger.task_instance = SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1)

    async def asks(_: Any) -> bool:
        return still_waits

    # Airflow 2 has no such question, nor a kill of a trigger.
    monkeypatch.setattr(FaxStatusTrigger, "_task_still_waits", asks)
    asyncio.run(trigger.on_kill())
    assert [fax["status"] for fax in fax_connections.faxes()].count(403) == canceled
