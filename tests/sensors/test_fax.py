"""The sensor: one table of cases, run in each of its three modes, which must not differ."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, AirflowSkipException, TaskDeferred
from support.vendors import VENDORS

from airflow_provider_faxto.exceptions import (
    FaxFatalError,
    FaxPermanentError,
    FaxRetryableError,
    FaxUnknownOutcomeError,
)
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxConfigurationError,
    FaxInputError,
    FaxNotFoundError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.fax import POLLING, FaxHook
from airflow_provider_faxto.sensors.fax import FaxStatusSensor
from airflow_provider_faxto.triggers.fax import FIRST_EVENT_AFTER, FaxStatusTrigger

try:
    from airflow.sdk.exceptions import AirflowRescheduleException, TaskDeferralError
except ImportError:  # Airflow 2.11
    from airflow.exceptions import AirflowRescheduleException, TaskDeferralError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

MODES = ["poke", "reschedule", "deferrable"]
NEVER_ENDING = "+1 202 555 0106"
NUMBERS = {
    ("faxto", "success"): "+1 202 555 0100",
    ("faxto", "retryable"): "+1 202 555 0102",
    ("faxto", "fatal"): "+1 202 555 0104",
    ("faxto", "unknown"): "+1 202 555 0108",
    ("interfax", "success"): "+999-9999-0",
    ("interfax", "retryable"): "+999-9999-6017",
    ("interfax", "fatal"): "+999-9999-6001",
    ("interfax", "unknown"): "+999-9999-4711",
    ("extrafax", "success"): "+999-9999-0",
    ("extrafax", "retryable"): "+999-9999-6017",
    ("extrafax", "fatal"): "+999-9999-6001",
    ("extrafax", "unknown"): "+999-9999-4711",
}
every_mode = pytest.mark.parametrize("mode", MODES)


class Waiter:
    """Runs a sensor to its end as Airflow would in its mode: a fresh object after every pause without a worker."""

    def __init__(self, clock: Any, task_instance: Any) -> None:
        self._clock = clock
        self._task_instance = task_instance
        self.ti: Any = None
        self.deferrals: list[TaskDeferred] = []
        self.between: Callable[[], object] = lambda: None
        """Called between a trigger's event and the worker that resumes."""

    def __call__(self, mode: str, **kwargs: Any) -> dict[str, Any]:
        def sensor() -> FaxStatusSensor:
            return FaxStatusSensor(
                task_id="wait",
                mode="reschedule" if mode == "reschedule" else "poke",
                deferrable=mode == "deferrable",
                **kwargs,
            )

        self.ti = self._task_instance(sensor())
        self.ti.started_at = self._clock.utcnow()
        context: Any = {"ti": self.ti}

        def run() -> Any:
            return sensor().execute(context)

        while True:
            try:
                return run()
            except AirflowRescheduleException as pause:
                assert mode == "reschedule"
                self._clock.sleep((pause.reschedule_date - self._clock.utcnow()).total_seconds())
                self.ti.has_waited = True
            except TaskDeferred as deferral:
                assert mode == "deferrable"
                self.deferrals.append(deferral)
                _, arguments = json.loads(json.dumps(deferral.trigger.serialize()))
                event = asyncio.run(_only_event(FaxStatusTrigger(**arguments)))
                self.between()
                run = partial(sensor().resume_execution, deferral.method_name, {"event": event}, context)


async def _only_event(trigger: FaxStatusTrigger) -> dict[str, Any]:
    [event] = [event async for event in trigger.run()]
    return json.loads(json.dumps(event.payload))


@pytest.fixture
def wait(fake_time: Any, task_instance: Any, monkeypatch: pytest.MonkeyPatch) -> Waiter:
    """Give a function that waits with a sensor in a mode."""
    waiter = Waiter(fake_time, task_instance)
    try:
        from airflow.sensors import base
    except ImportError:
        return waiter
    if hasattr(base, "_orig_start_date"):
        # Airflow 2.11 reads this from its own table, where a task outside a DAG run has no row.
        monkeypatch.setattr(base, "_orig_start_date", lambda **_: waiter.ti.get_first_reschedule_date({}))
    return waiter


def status_requests(simulator: FaxSimulator) -> int:
    return sum(request["endpoint"] == "status" for request in simulator.requests())


@every_mode
@pytest.mark.parametrize("outcome", ["success", "retryable", "fatal", "unknown"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_any_permanent_status_is_handed_on(
    *, vendor: str, outcome: str, mode: str, wait: Waiter, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, NUMBERS[vendor, outcome])
    told = wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default")
    assert (told["vendor"], told["job_id"], told["outcome"]) == (vendor, job_id, outcome)
    assert FaxStatus.from_dict(told).to_dict() == told
    assert len(wait.deferrals) == (mode == "deferrable")


@pytest.mark.parametrize("outcome", ["success", "retryable", "fatal", "unknown"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_mode_returns_the_same_value(
    vendor: str, outcome: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    fax_connections.configure(interfax_status_limit=None)
    job_id = fax_job(vendor, NUMBERS[vendor, outcome])
    told = [wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default") for mode in MODES]
    assert told[0] == told[1] == told[2]


@every_mode
def test_a_fax_that_has_ended_already_is_told_with_one_request(
    mode: str, wait: Waiter, fake_time: Any, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", "+999-9999-0")
    fax_connections.finish()
    assert wait(mode, job_id=job_id, fax_conn_id="interfax_default")["outcome"] == "success"
    assert status_requests(fax_connections) == 1
    assert (fake_time.slept, wait.deferrals) == (0.0, [])


@every_mode
@pytest.mark.parametrize("timeout", [0, 5, 100, 3600.0])
def test_the_time_out_ends_the_wait_as_unknown_and_not_as_an_error(
    mode: str, timeout: float, wait: Waiter, fake_time: Any, fax_job: Callable[..., str]
) -> None:
    told = wait(mode, job_id=fax_job("interfax", NEVER_ENDING), fax_conn_id="interfax_default", timeout=timeout)
    assert told["outcome"] == "unknown"
    assert "may still go out or may have arrived" in told["message"]
    assert fake_time.slept == pytest.approx(timeout)


@every_mode
def test_a_fax_that_ends_at_the_time_out_counts_as_ended(
    mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("faxto", "+1 202 555 0100")
    # It takes 45 s, and the next look would come after 300.
    told = wait(mode, job_id=job_id, fax_conn_id="faxto_default", timeout=50, poke_interval=300)
    assert told["outcome"] == "success"


@every_mode
@pytest.mark.parametrize("vendor", VENDORS)
def test_lost_contact_is_waited_out(
    *, vendor: str, mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, NUMBERS[vendor, "success"])
    fax_connections.fault("server_error", endpoint="status", times=2)
    fax_connections.fault("rate_limit", endpoint="status", times=2)
    fax_connections.fault("html", endpoint="status", times=2)
    assert wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default")["outcome"] == "success"


@every_mode
def test_contact_lost_to_the_end_is_unknown(
    mode: str, wait: Waiter, fake_time: Any, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("interfax", "+999-9999-6017")
    fax_connections.fault("lost_answer", endpoint="status", times=None)
    told = wait(mode, job_id=job_id, fax_conn_id="interfax_default", timeout=1000)
    assert (told["outcome"], told["cause"]) == ("unknown", None)
    assert fake_time.slept == pytest.approx(1000, abs=1)


@every_mode
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_job_that_the_vendor_does_not_know_is_an_error_after_a_minute(
    *, vendor: str, mode: str, wait: Waiter, fake_time: Any
) -> None:
    with pytest.raises(FaxPermanentError, match="FaxNotFoundError") as raised:
        wait(mode, job_id="4711", fax_conn_id=f"{vendor}_default", poke_interval=300)
    assert isinstance(raised.value.reason, FaxNotFoundError)
    # A trigger's minute begins with its first look, after 10 to 16 seconds. Its looks are 13.5 to 16.5 seconds apart,
    # so the one that ends the wait comes at most 16.5 seconds after the minute.
    assert 59 < fake_time.slept < 93


@every_mode
def test_a_time_out_before_the_minute_is_over_cannot_tell(mode: str, wait: Waiter, fake_time: Any) -> None:
    told = wait(mode, job_id="4711", fax_conn_id="interfax_default", timeout=30)
    assert told["outcome"] == "unknown"
    assert fake_time.slept == pytest.approx(30, abs=1)


@every_mode
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_fax_that_the_vendor_does_not_know_once_in_between_is_waited_for(
    *, vendor: str, mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, NEVER_ENDING)
    lag = "faxto_status_lag" if vendor == "faxto" else "interfax_status_lag"
    fax_connections.configure(interfax_status_limit=None)
    looks = 0
    get_status = FaxHook.get_status

    def lost_once(hook: FaxHook, asked: str) -> FaxStatus:
        nonlocal looks
        looks += 1
        # Long after the first minute.
        fax_connections.configure(**{lag: 86_400.0 if looks == 20 else 0.0})
        return get_status(hook, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaxHook, "get_status", lost_once)
        told = wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default", poke_interval=10, timeout=600)
    assert (told["outcome"], "its last status was" in told["message"]) == ("unknown", True)
    assert looks > 40


@every_mode
def test_a_job_that_shows_late_is_no_error(
    mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    fax_connections.configure(faxto_status_lag=45.0)
    job_id = fax_job("faxto", "+1 202 555 0100")
    assert wait(mode, job_id=job_id, fax_conn_id="faxto_default")["outcome"] == "success"


@every_mode
@pytest.mark.parametrize("silent_fail", [False, True])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_password_that_stays_wrong_is_an_error_after_an_hour_and_is_hardly_tried(
    *,
    vendor: str,
    silent_fail: bool,
    mode: str,
    wait: Waiter,
    fake_time: Any,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = fax_job(vendor, NUMBERS[vendor, "success"])
    wrong = {**fax_connections.connection(vendor), "password": "wrong+secret/1"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(wrong))
    with caplog.at_level(logging.DEBUG), pytest.raises(FaxAccountStoppedError) as raised:
        wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default", silent_fail=silent_fail)
    assert fake_time.slept == pytest.approx(3600, abs=90)
    # At first and after ten minutes; and where it is deferred, the worker that resumes.
    assert status_requests(fax_connections) == (3 if mode == "deferrable" else 2)
    assert "wrong+secret" not in caplog.text + str(raised.value)
    assert "wrong%2Bsecret" not in caplog.text + str(raised.value)


def test_airflow_is_asked_to_end_a_deferred_wait_only_long_after_the_trigger_should_have(
    wait: Waiter, fax_job: Callable[..., str]
) -> None:
    wait("deferrable", job_id=fax_job("faxto", "+1 202 555 0100"), timeout=3600, poke_interval=60)
    [deferral] = wait.deferrals
    assert timedelta(seconds=3600 + 2 * 60) < deferral.timeout < timedelta(seconds=3600 + 600)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_password_that_is_changed_during_a_deferred_wait_is_the_same_error(
    *,
    vendor: str,
    wait: Waiter,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    fake_time: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = fax_job(vendor, NEVER_ENDING)
    sleep = fake_time.sleep

    def change_it_while_the_trigger_sleeps(seconds: float) -> None:
        wrong = {**fax_connections.connection(vendor), "password": "wrong+secret/1"}
        monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(wrong))
        sleep(seconds)

    monkeypatch.setattr(fake_time, "sleep", change_it_while_the_trigger_sleeps)
    with pytest.raises(FaxAccountStoppedError):
        wait("deferrable", job_id=job_id, fax_conn_id=f"{vendor}_default")
    # The worker before it deferred, the trigger, the same after ten minutes, and the worker to tell the error.
    assert status_requests(fax_connections) == 4


@every_mode
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_password_that_is_changed_at_the_vendor_first_and_in_airflow_later_ends_no_wait(
    *,
    vendor: str,
    mode: str,
    wait: Waiter,
    fake_time: Any,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = fax_job(vendor, NEVER_ENDING)
    right = fax_connections.connection(vendor)
    began = fake_time.now()

    def at_its_time() -> None:
        is_behind = 900 <= fake_time.now() - began < 1800
        known = {**right, "password": "the/one+before"} if is_behind else right
        monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(known))

    real_get_status = FaxHook.get_status
    refused = []

    def count_refusals(hook: FaxHook, asked: str) -> Any:
        try:
            return real_get_status(hook, asked)
        except FaxAccountStoppedError as error:
            if error.was_asked:
                refused.append(fake_time.now() - began)
            raise

    fake_time.while_asleep = at_its_time
    monkeypatch.setattr(FaxHook, "get_status", count_refusals)
    told = wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default", timeout=3600)
    assert (told["outcome"], "its last status was" in told["message"]) == ("unknown", True)
    assert fake_time.now() - began == pytest.approx(3600, abs=5)
    assert 1 <= len(refused) <= 2


@every_mode
@pytest.mark.parametrize("poke_interval", [0, 0.001])
def test_an_interval_of_nothing_is_one_of_a_second(
    *,
    poke_interval: float,
    mode: str,
    wait: Waiter,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fax_connections.configure(faxto_rate_limit=None)
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=600)
    wait(mode, job_id=fax_job("faxto", NEVER_ENDING), poke_interval=poke_interval, timeout=60)
    assert 20 < status_requests(fax_connections) <= 70


def test_a_wait_whose_trigger_could_not_tell_goes_on_until_its_deadline(
    wait: Waiter,
    fake_time: Any,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = fax_job("interfax", NEVER_ENDING)
    right = fax_connections.connection("interfax")
    sleep = fake_time.sleep
    began = fake_time.now()

    def set_password(password: str) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps({**right, "password": password}))

    def break_it_for_the_first_trigger(seconds: float) -> None:
        if len(wait.deferrals) == 1:
            set_password("wrong+secret/1")
        sleep(seconds)

    wait.between = lambda: set_password(right["password"])
    monkeypatch.setattr(fake_time, "sleep", break_it_for_the_first_trigger)
    told = wait("deferrable", job_id=job_id, fax_conn_id="interfax_default", timeout=7200)
    assert told["outcome"] == "unknown"
    assert fake_time.now() - began == pytest.approx(7200, abs=5)
    first, second = wait.deferrals
    # What is left of the deadline, and not the whole anew.
    assert second.trigger.deadline == pytest.approx(first.trigger.deadline)
    assert second.timeout < first.timeout


@pytest.mark.parametrize("outcome", ["success", "unknown"])
def test_a_wait_that_airflow_has_ended_since_no_triggerer_ran_is_looked_into(
    outcome: str, fake_time: Any, fax_connections: FaxSimulator, fax_job: Callable[..., str], task_instance: Any
) -> None:
    job_id = fax_job("interfax", NUMBERS["interfax", "success"])
    if outcome == "success":
        fax_connections.finish()
    sensor = FaxStatusSensor(task_id="wait", job_id=job_id, fax_conn_id="interfax_default", deferrable=True)
    ti = task_instance(sensor)
    told = sensor.resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})
    assert (told["vendor"], told["job_id"], told["outcome"]) == ("interfax", job_id, outcome)
    assert (ti.xcoms["fax"]["job_id"], ti.xcoms["fax"]["outcome"]) == (job_id, outcome)


def test_any_other_failure_of_a_trigger_is_airflows() -> None:
    sensor = FaxStatusSensor(task_id="wait", job_id="1", fax_conn_id="interfax_default", deferrable=True)
    with pytest.raises(TaskDeferralError):
        sensor.resume_execution("__fail__", {"error": "Trigger failure"}, {})


@every_mode
def test_a_connection_of_another_type_is_an_error(mode: str, wait: Waiter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps({"conn_type": "http", "host": "https://example.com"}))
    with pytest.raises(FaxPermanentError, match="'elsewhere' is of type 'http'") as raised:
        wait(mode, job_id="1", fax_conn_id="elsewhere")
    assert isinstance(raised.value.reason, FaxConfigurationError)


@every_mode
def test_a_connection_without_a_key_is_an_error(
    mode: str, wait: Waiter, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyless = {**fax_connections.connection("faxto"), "password": ""}
    monkeypatch.setenv("AIRFLOW_CONN_FAXTO_DEFAULT", json.dumps(keyless))
    with pytest.raises(FaxPermanentError, match="FaxConfigurationError"):
        wait(mode, job_id="1")
    assert fax_connections.requests() == []


@every_mode
def test_a_missing_connection_is_airflows_own_error(mode: str, wait: Waiter, airflow_database: None) -> None:
    with pytest.raises(AirflowNotFoundException, match="no_such_connection"):
        wait(mode, job_id="1", fax_conn_id="no_such_connection")


@every_mode
@pytest.mark.parametrize("job_id", [None, "None", "abc", "", "1/../2", "-3"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_what_is_no_job_id_is_an_error_without_a_request(
    *, vendor: str, job_id: Any, mode: str, wait: Waiter, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError) as raised:
        wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default")
    assert isinstance(raised.value.reason, FaxInputError)
    assert fax_connections.requests() == []


@every_mode
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("outcome", "error"),
    [("retryable", FaxRetryableError), ("fatal", FaxFatalError), ("unknown", FaxUnknownOutcomeError)],
)
def test_with_raise_on_failure_it_raises_as_the_send_operator_does(
    *, vendor: str, outcome: str, error: type[Exception], mode: str, wait: Waiter, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job(vendor, NUMBERS[vendor, outcome])
    with pytest.raises(error, match=job_id) as raised:
        wait(mode, job_id=job_id, fax_conn_id=f"{vendor}_default", raise_on_failure=True)
    assert raised.value.status.outcome is FaxOutcome(outcome)


@every_mode
def test_with_raise_on_failure_a_delivered_fax_is_returned(
    mode: str, wait: Waiter, fax_job: Callable[..., str]
) -> None:
    assert wait(mode, job_id=fax_job("faxto", "+1 202 555 0100"), raise_on_failure=True)["outcome"] == "success"


@every_mode
def test_with_raise_on_failure_a_passed_time_out_is_an_unknown_outcome(
    mode: str, wait: Waiter, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("faxto", NEVER_ENDING)
    with pytest.raises(FaxUnknownOutcomeError, match="may still go out"):
        wait(mode, job_id=job_id, timeout=90, raise_on_failure=True)


@every_mode
@pytest.mark.parametrize("flag", ["soft_fail", "never_fail"])
@pytest.mark.parametrize("why", ["fatal", "retryable", "deadline", "not_found", "bad_id", "wrong_type", "missing"])
def test_whatever_would_fail_a_soft_sensor_skips_it(
    *,
    why: str,
    flag: str,
    mode: str,
    wait: Waiter,
    fax_job: Callable[..., str],
    airflow_database: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps({"conn_type": "http", "host": "https://example.com"}))
    kwargs: dict[str, Any] = {"job_id": "4711", "fax_conn_id": "interfax_default", "raise_on_failure": True}
    if why in ("fatal", "retryable"):
        kwargs["job_id"] = fax_job("interfax", NUMBERS["interfax", why])
    elif why == "deadline":
        kwargs.update(job_id=fax_job("interfax", NEVER_ENDING), timeout=60)
    elif why == "bad_id":
        kwargs["job_id"] = "None"
    elif why == "wrong_type":
        kwargs["fax_conn_id"] = "elsewhere"
    elif why == "missing":
        kwargs["fax_conn_id"] = "no_such_connection"
    with pytest.raises(AirflowSkipException):
        wait(mode, **kwargs, **{flag: True})


@every_mode
@pytest.mark.parametrize("flag", ["soft_fail", "never_fail"])
def test_a_soft_sensor_hands_on_a_failed_fax_and_a_passed_time_out(
    *, flag: str, mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    failed = fax_job("faxto", "+1 202 555 0104")
    assert wait(mode, job_id=failed, **{flag: True})["outcome"] == "fatal"
    endless = fax_job("faxto", NEVER_ENDING)
    assert wait(mode, job_id=endless, timeout=60, **{flag: True})["outcome"] == "unknown"


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_airflows_growing_pauses_can_be_asked_for(
    mode: str, wait: Waiter, fake_time: Any, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    job_id = fax_job("faxto", NEVER_ENDING)
    told = wait(mode, job_id=job_id, poke_interval=10, exponential_backoff=True, timeout=3600)
    assert told["outcome"] == "unknown"
    assert fake_time.slept == pytest.approx(3600, abs=2)
    # Without them there would be 360 looks.
    assert 5 <= status_requests(fax_connections) <= 40


@every_mode
def test_the_vendors_limit_is_kept_to(
    mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    fax_connections.configure(interfax_status_limit=1)
    job_id = fax_job("interfax", "+999-9999-6017")
    assert wait(mode, job_id=job_id, fax_conn_id="interfax_default", poke_interval=20)["outcome"] == "retryable"


def test_a_sensor_that_has_no_turn_to_look_defers_all_the_same(
    wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = fax_job("interfax", "+999-9999-0")
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=1)
    hook = FaxHook.for_connection("interfax_default", patience=POLLING)
    hook.get_status(job_id)
    sensor = FaxStatusSensor(task_id="wait", job_id=job_id, fax_conn_id="interfax_default", deferrable=True)
    with pytest.raises(TaskDeferred):
        sensor.execute({})
    assert status_requests(fax_connections) == 1
    assert wait("deferrable", job_id=job_id, fax_conn_id="interfax_default")["outcome"] == "success"


@every_mode
def test_many_faxes_of_an_account_are_waited_for_within_its_requests(
    mode: str, wait: Waiter, fax_connections: FaxSimulator, fax_job: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [fax_job("interfax", "+999-9999-0") for _ in range(4)]
    fax_connections.finish()
    fax_connections.configure(interfax_status_limit=2)
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=2)
    told = [wait(mode, job_id=job_id, fax_conn_id="interfax_default")["outcome"] for job_id in jobs]
    assert told == ["success"] * 4
    assert {request["http_status"] for request in fax_connections.requests()} == {200, 201}


@every_mode
def test_a_fax_that_waits_for_credit_is_waited_for_and_told_of(
    *,
    mode: str,
    wait: Waiter,
    fax_connections: FaxSimulator,
    fax_job: Callable[..., str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = fax_job("interfax", "+1 202 555 0122")
    told = wait(mode, job_id=job_id, fax_conn_id="interfax_default", poke_interval=7200, timeout=25 * 3600)
    assert (told["outcome"], told["cause"], told["code"]) == ("fatal", "out_of_credit", 205000)
    assert "held for lack of credit" in caplog.text


def test_no_pause_is_longer_than_what_is_left_of_the_time_out(
    wait: Waiter, fake_time: Any, fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    fax_connections.fault("server_error", endpoint="status", times=None)
    wait("poke", job_id=fax_job("faxto", NEVER_ENDING), poke_interval=60, timeout=70)
    assert fake_time.slept == pytest.approx(70, abs=1)


def test_the_sensor_is_one_airflow_can_reschedule_and_render() -> None:
    sensor = FaxStatusSensor(task_id="wait", job_id="{{ params.job }}", mode="reschedule")
    assert sensor.reschedule
    assert set(sensor.template_fields) == {"job_id", "fax_conn_id"}
    assert sensor.fax_conn_id == "faxto_default"
    assert sensor.poke_interval == 60


@pytest.mark.parametrize("kwargs", [{"poke_interval": -1}, {"timeout": -1}, {"mode": "sometimes"}])
def test_settings_that_cannot_be_are_refused_when_the_dag_is_parsed(kwargs: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"poke_interval|timeout|mode"):
        FaxStatusSensor(task_id="wait", job_id="1", **kwargs)


@pytest.mark.airflow
@pytest.mark.parametrize("mode", MODES)
def test_in_real_airflow_every_mode_ends_the_same(
    mode: str, run_dag: Callable[..., Any], fax_connections: FaxSimulator, fax_job: Callable[..., str]
) -> None:
    """Wait for a busy fax, for an unreadable document and for a job id that is none, all in one DAG run."""
    jobs = {"retryable": fax_job("interfax", "+999-9999-6017"), "fatal": fax_job("faxto", "+1 202 555 0104")}
    fax_connections.finish()
    # Without an answer to its first question a sensor must wait in its own way.
    fax_connections.fault("server_error", vendor="interfax", endpoint="status")
    dag_run = run_dag("tests/dags/sensor_modes.py", {"mode": mode, **jobs})
    tasks = {ti.task_id: ti for ti in dag_run.get_task_instances()}
    assert {name: str(ti.state) for name, ti in tasks.items() if str(ti.state) != "skipped"} == {
        "choose": "success",
        f"{mode}_retryable": "success",
        f"{mode}_fatal": "success",
        f"{mode}_raises": "failed",
        f"{mode}_no_job": "failed",
    }
    for outcome, job_id in jobs.items():
        told = tasks[f"{mode}_{outcome}"].xcom_pull(task_ids=f"{mode}_{outcome}")
        assert (told["job_id"], told["outcome"]) == (job_id, outcome)
    # Neither a fatal failure nor a wrong job id is retried, though the tasks have retries left.
    assert {tasks[f"{mode}_{name}"].try_number for name in ("raises", "no_job")} == {1}
    if mode == "deferrable":
        assert (dag_run.end_date - dag_run.start_date).total_seconds() >= FIRST_EVENT_AFTER
