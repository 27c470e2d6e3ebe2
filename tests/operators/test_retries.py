"""The retry policy: each cause its own delay and number of attempts, on Airflow 3.3 and later."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from airflow_provider_faxto.exceptions import FaxRetryableError
from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.errors import FaxInputError, FaxLostContactError

HAS_POLICIES = tuple(int(part) for part in version("apache-airflow").split(".")[:2]) >= (3, 3)

needs_policies = pytest.mark.skipif(not HAS_POLICIES, reason="Airflow has retry policies from 3.3 on")


def failed(cause: FaxCause | None, failures: int | None = None) -> FaxRetryableError:
    status = FaxStatus(vendor="interfax", job_id="1", outcome=FaxOutcome.RETRYABLE, cause=cause)
    return FaxRetryableError("It failed.", status, failures)


def context(retries: int):
    return {"ti": SimpleNamespace(task=SimpleNamespace(retries=retries))}


@pytest.mark.skipif(HAS_POLICIES, reason="Airflow has retry policies from 3.3 on")
def test_an_older_airflow_is_told_what_to_set_instead():
    from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

    with pytest.raises(AirflowOptionalProviderFeatureException, match="retry_delay"):
        import airflow_provider_faxto.operators.retries  # noqa: F401


@needs_policies
@pytest.mark.parametrize(
    ("cause", "minutes"),
    [
        (FaxCause.BUSY, [5, 5, 15, 40, None]),
        (FaxCause.NO_ANSWER, [15, 30, 60, None]),
        (FaxCause.HANGUP, [15, None]),
        (FaxCause.NUMBER_CHANGED, [None]),
        (None, [30, None]),
    ],
)
def test_each_cause_has_its_own_delays(cause, minutes):
    from airflow.sdk.definitions.retry_policy import RetryAction

    from airflow_provider_faxto.operators.retries import FaxRetryPolicy

    for try_number, wanted in enumerate(minutes, 1):
        decision = FaxRetryPolicy().evaluate(failed(cause), try_number, 5, context(5))
        if wanted is None:
            assert decision.action is RetryAction.FAIL
        else:
            assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(minutes=wanted))


@needs_policies
def test_a_cleared_task_begins_at_the_first_delay_again():
    from airflow_provider_faxto.operators.retries import FaxRetryPolicy

    # Cleared after 3 runs: Airflow counts on, and lets it run up to number 3 + retries.
    decision = FaxRetryPolicy().evaluate(failed(FaxCause.NO_ANSWER), 4, 3 + 2, context(2))
    assert decision.retry_delay == timedelta(minutes=15)


@needs_policies
@pytest.mark.parametrize("try_number", [1, 2, 3])
def test_failures_of_the_fax_count_and_not_runs_of_the_task(try_number):
    from airflow.sdk.definitions.retry_policy import RetryAction

    from airflow_provider_faxto.operators.retries import FaxRetryPolicy

    # The runs before could send nothing, or the fax failed in them for another cause.
    first = FaxRetryPolicy().evaluate(failed(FaxCause.HANGUP, 1), try_number, 4, context(4))
    second = FaxRetryPolicy().evaluate(failed(FaxCause.HANGUP, 2), try_number, 4, context(4))

    assert (first.action, first.retry_delay) == (RetryAction.RETRY, timedelta(minutes=15))
    assert second.action is RetryAction.FAIL


@needs_policies
def test_the_table_can_be_set_line_by_line():
    from airflow.sdk.definitions.retry_policy import RetryAction

    from airflow_provider_faxto.operators.retries import FaxRetryPolicy

    policy = FaxRetryPolicy({"busy": [timedelta(minutes=1)], FaxCause.TELEPHONY: []})
    assert policy.evaluate(failed(FaxCause.BUSY), 1, 3).retry_delay == timedelta(minutes=1)
    assert policy.evaluate(failed(FaxCause.BUSY), 2, 3).action is RetryAction.FAIL
    assert policy.evaluate(failed(FaxCause.TELEPHONY), 1, 3).action is RetryAction.FAIL
    assert policy.evaluate(failed(FaxCause.NO_ANSWER), 1, 3).retry_delay == timedelta(minutes=15)


@needs_policies
def test_a_cause_that_is_none_is_refused():
    from airflow_provider_faxto.operators.retries import FaxRetryPolicy

    with pytest.raises(FaxInputError, match="busy"):
        FaxRetryPolicy({"buzy": []})


@needs_policies
def test_errors_that_are_no_failed_fax_keep_the_tasks_own_delay():
    from airflow.sdk.definitions.retry_policy import RetryAction

    from airflow_provider_faxto.operators.retries import FaxRetryPolicy

    decision = FaxRetryPolicy().evaluate(FaxLostContactError("No answer."), 1, 3)
    assert decision.action is RetryAction.DEFAULT
