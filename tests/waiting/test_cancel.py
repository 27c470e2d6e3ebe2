"""Stopping a fax: ask first, cancel what can be canceled, and say what came of it, in the log alone."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.vendors import VENDORS

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import POLLING
from airflow_provider_faxto.waiting.cancel import cancel_if_possible

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
    assert "was not canceled in time; what becomes of it is unknown" in cancel("interfax", job_id)
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
