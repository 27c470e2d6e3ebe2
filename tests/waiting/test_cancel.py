"""Stopping a fax: ask first, cancel what can be canceled, and say what came of it, in the log alone."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.vendors import VENDORS

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import POLLING
from airflow_provider_faxto.waiting.cancel import cancel_if_possible, cancel_unless_superseded

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

WAITING = "+1 202 555 0106"
CANCELED = 403


@pytest.fixture
def cancel(caplog: pytest.LogCaptureFixture) -> Callable[..., str]:
    """Give a function that cancels a job and returns what it logged."""

    def run(vendor: str, job_id: str) -> str:
        with caplog.at_level(logging.INFO):
            cancel_if_possible(partial(FaxHook.for_connection, f"{vendor}_default", patience=POLLING), job_id)
        return caplog.text

    return run


def endpoints(simulator: FaxSimulator) -> list[str]:
    return [request["endpoint"] for request in simulator.requests()]


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_fax_that_waits_is_canceled(
    vendor: str, cancel: Callable[..., str], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, WAITING)
    assert f"Fax job {job_id} was canceled." in cancel(vendor, job_id)
    assert [fax["status"] for fax in fax_connections.faxes()] == [CANCELED]
    # Asked before, and not taken for canceled without a look at what became of it.
    assert endpoints(fax_connections) == ["send", "status", "cancel", "status"]


def test_a_fax_that_is_going_out_is_not_said_to_be_canceled(
    cancel: Callable[..., str], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", WAITING)
    fax_connections.advance(12)
    assert "has not confirmed it" in cancel("interfax", job_id)
    assert [fax["status"] for fax in fax_connections.faxes()] != [CANCELED]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_fax_that_has_ended_is_left_alone(
    vendor: str, cancel: Callable[..., str], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, "+1 202 555 0100")
    fax_connections.finish()
    assert "had ended as success" in cancel(vendor, job_id)
    assert "cancel" not in endpoints(fax_connections)


def test_a_vendor_without_a_cancel_is_named(
    cancel: Callable[..., str], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("faxto", WAITING)
    assert f"Fax job {job_id} goes on: Fax.to offers no way to cancel a fax" in cancel("faxto", job_id)


@pytest.mark.parametrize("endpoint", ["status", "cancel"])
def test_what_cannot_be_learnt_is_said_to_be_unknown_and_asked_once(
    endpoint: str, cancel: Callable[..., str], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", WAITING)
    fax_connections.fault("lost_answer", vendor="interfax", endpoint=endpoint, times=None)
    assert f"Whether fax job {job_id} was canceled is unknown" in cancel("interfax", job_id)
    assert endpoints(fax_connections).count(endpoint) == 1


def test_a_connection_that_cannot_be_used_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    def make_hook() -> Any:
        raise FaxConfigurationError("Connection 'x' has no password.")

    cancel_if_possible(make_hook, "1")
    assert "Whether fax job 1 was canceled is unknown: Connection 'x' has no password." in caplog.text


def test_a_cancel_is_not_held_up_by_how_often_one_may_ask(
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = fax_job("interfax", WAITING)
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=1)
    make_hook = partial(FaxHook.for_connection, "interfax_default", patience=POLLING)
    make_hook().get_status(job_id)
    cancel_if_possible(make_hook, job_id)
    assert [fax["status"] for fax in fax_connections.faxes()] == [CANCELED]
    assert endpoints(fax_connections) == ["send", "status", "cancel"]
    # It is, but nobody could look.
    assert f"Whether fax job {job_id} was canceled is unknown" in caplog.text


@pytest.mark.parametrize(("reference", "is_ours"), [("airflow-test", True), ("somebody-elses", False), (None, True)])
def test_only_a_fax_that_bears_our_reference_is_canceled(
    reference: str | None,
    is_ours: bool,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = fax_job("interfax", WAITING)
    make_hook = partial(FaxHook.for_connection, "interfax_default", patience=POLLING)
    cancel_if_possible(make_hook, job_id, reference)
    assert (f"Fax job {job_id} is left alone" in caplog.text) is not is_ours
    assert ("cancel" in endpoints(fax_connections)) is is_ours


# A worker that is told to stop --------------------------------------------------------------------------


def kill(job_id: str, is_superseded: Callable[[], bool], at_most: float = 60.0) -> None:
    make_hook = partial(FaxHook.for_connection, "interfax_default", patience=POLLING)
    cancel_unless_superseded(make_hook, job_id, is_superseded, at_most=at_most)


def test_the_kill_of_the_only_run_cancels_its_fax(fax_connections: FaxSimulator, fax_job: Callable[..., str]) -> None:
    kill(fax_job("interfax", WAITING), lambda: False)
    assert [fax["status"] for fax in fax_connections.faxes()] == [CANCELED]


def test_a_worker_that_was_given_up_leaves_the_fax_of_its_successor_alone(
    fax_connections: FaxSimulator, fax_job: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    job_id = fax_job("interfax", WAITING)
    with caplog.at_level(logging.INFO):
        kill(job_id, lambda: True)
    assert endpoints(fax_connections) == ["send"]
    assert f"Fax job {job_id} is left alone: another run of its task has begun" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("private"), EOFError(), OSError(9, "private")])
def test_a_fax_is_left_alone_where_airflow_cannot_be_asked(
    error: Exception, fax_connections: FaxSimulator, fax_job: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> bool:
        raise error

    job_id = fax_job("interfax", WAITING)
    kill(job_id, fail)
    assert endpoints(fax_connections) == ["send"]
    assert f"Fax job {job_id} goes on: Airflow could not be asked ({type(error).__name__})." in caplog.text
    assert "private" not in caplog.text


def test_an_answer_that_does_not_come_holds_up_no_worker_and_cancels_nothing_later(
    fax_connections: FaxSimulator, fax_job: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    # As where the signal has interrupted the task while it held the lock of its line to Airflow.
    lock, threads = threading.Lock(), []

    def ask() -> bool:
        threads.append(threading.current_thread())
        with lock:
            return False

    job_id = fax_job("interfax", WAITING)
    with lock:
        kill(job_id, ask, at_most=0.01)
        assert f"Whether fax job {job_id} was canceled is unknown" in caplog.text
    for thread in threads:
        thread.join(60)
    assert endpoints(fax_connections) == ["send"]
