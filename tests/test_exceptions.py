"""What a failed fax task raises: Airflow retries what a retry can help, and nothing else."""

from __future__ import annotations

import pickle
import re
from datetime import timedelta
from inspect import cleandoc

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_faxto import exceptions
from airflow_provider_faxto.exceptions import (
    FaxFatalError,
    FaxNotSentError,
    FaxPartialError,
    FaxPermanentError,
    FaxRetryableError,
    FaxUnknownOutcomeError,
    fail_without_retry,
    raise_for_outcome,
)
from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax import errors as fax_errors
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxAwaitingCreditError,
    FaxBadNumberError,
    FaxConfigurationError,
    FaxDocumentError,
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxNotAllowedError,
    FaxNotConnectedError,
    FaxNotFoundError,
    FaxNumberError,
    FaxOutOfCreditError,
    FaxRateLimitError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
    FaxUnreadableAnswerError,
    FaxUnsupportedError,
    FaxUploadLostError,
    FaxVendorError,
)
from airflow_provider_faxto.fax.retries import RETRY_DELAYS

PERMANENT = [
    FaxInputError,
    FaxNumberError,
    FaxBadNumberError,
    FaxDocumentError,
    FaxNotAllowedError,
    FaxUnsupportedError,
    FaxConfigurationError,
    FaxAuthenticationError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxOutOfCreditError,
]
PASSING = [
    FaxAccountStoppedError,
    FaxAwaitingCreditError,
    FaxRateLimitError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxUnreadableAnswerError,
    FaxUploadLostError,
    FaxThrottledError,
    FaxNotSentError,
    FaxRetryableError,
    FaxFatalError,
    FaxPartialError,
    FaxUnknownOutcomeError,
    FaxPermanentError,
]


TREE = re.findall(
    r"^((?:│   |    |├── |└── )*)(Fax\w+)\s*(retry|no retry)?",
    cleandoc(cleandoc(exceptions.__doc__).partition("::\n\n")[2]),
    re.MULTILINE,
)


def status(outcome, **fields):
    return FaxStatus(vendor="interfax", job_id="700000001", outcome=outcome, **fields)


@pytest.mark.parametrize("kind", [FaxRetryableError, FaxNotSentError])
def test_what_a_retry_can_help_is_retried(kind):
    assert issubclass(kind, AirflowException)
    assert not issubclass(kind, AirflowFailException)


@pytest.mark.parametrize("kind", [FaxFatalError, FaxPartialError, FaxUnknownOutcomeError, FaxPermanentError])
def test_what_a_retry_cannot_help_is_not_retried(kind):
    assert issubclass(kind, AirflowFailException)


@pytest.mark.parametrize("kind", PERMANENT)
def test_an_error_that_a_retry_cannot_mend_becomes_permanent(kind):
    cause = kind("what is wrong")

    with pytest.raises(FaxPermanentError) as caught, fail_without_retry():
        raise cause

    assert str(caught.value) == f"{kind.__name__}: what is wrong"
    assert caught.value.reason is cause


def test_an_uncertain_send_is_an_unknown_outcome_and_is_not_retried():
    cause = FaxUncertainSendError("The fax may be on its way.")

    with pytest.raises(FaxUnknownOutcomeError, match="may be on its way") as caught, fail_without_retry():
        raise cause

    assert caught.value.reason is cause


@pytest.mark.parametrize("kind", PASSING)
def test_everything_else_passes_as_it_is(kind):
    error = kind("as it is")

    with pytest.raises(kind) as caught, fail_without_retry():
        raise error

    assert caught.value is error


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt()])
def test_what_is_not_ours_passes_as_it_is(error):
    with pytest.raises(type(error)) as caught, fail_without_retry():
        raise error

    assert caught.value is error


def test_nothing_happens_without_an_error():
    with fail_without_retry():
        done = True

    assert done


def test_the_printed_tree_is_that_of_the_classes_and_each_has_its_name_here():
    printed = {}
    above: list[str] = []
    for branch, name, _ in TREE:
        depth = len(branch) // 4
        above[depth:] = [name]
        printed[name] = above[depth - 1] if depth else None
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, FaxError)]

    assert printed == {
        kind.__name__: next((base.__name__ for base in kind.__bases__ if issubclass(base, FaxError)), None)
        for kind in kinds
    }
    assert {*printed, "advise", "fail_without_retry", "raise_for_outcome"} == set(exceptions.__all__)
    assert {kind for kind in vars(fax_errors).values() if isinstance(kind, type)} <= set(kinds)


def test_the_printed_tree_says_what_airflow_retries():
    for _, name, mark in TREE:
        kind = getattr(exceptions, name)
        if mark:
            assert issubclass(kind, AirflowFailException) is (mark == "no retry")
            assert kind in PASSING
        else:
            assert kind in {FaxError, FaxVendorError, FaxUncertainSendError, *PERMANENT}


def test_every_error_of_the_tree_is_either_permanent_or_passes():
    tree = {
        each
        for each in vars(fax_errors).values()
        if isinstance(each, type) and issubclass(each, FaxError) and each not in (FaxError, FaxVendorError)
    }

    assert tree <= {*PERMANENT, *PASSING, FaxUncertainSendError}


@pytest.mark.parametrize(
    ("outcome", "kind", "advice"),
    [
        (FaxOutcome.RETRYABLE, FaxRetryableError, "later attempt may work"),
        (FaxOutcome.FATAL, FaxFatalError, "will fail again"),
        (FaxOutcome.UNKNOWN, FaxUnknownOutcomeError, "nobody can tell.*Look it up there"),
        (FaxOutcome.PENDING, FaxUnknownOutcomeError, "nobody can tell.*Look it up there"),
    ],
)
def test_every_outcome_but_success_raises_its_error(outcome, kind, advice):
    ended = status(outcome, cause=FaxCause.BUSY, code=6017, message="Busy")

    with pytest.raises(kind, match=advice) as caught:
        raise_for_outcome(ended)

    assert type(caught.value) is kind
    assert caught.value.status is ended
    assert "Fax job 700000001 at interfax" in str(caught.value)
    assert str(caught.value).endswith(" Code 6017: Busy.")


@pytest.mark.parametrize("pages", [None, 0])
def test_a_failure_without_pages_is_retryable_and_suggests_a_delay(pages):
    busy = status(FaxOutcome.RETRYABLE, cause=FaxCause.BUSY, pages_sent=pages)
    delays = []
    for failures in (1, 2, 3, 4, 5):
        with pytest.raises(FaxRetryableError) as caught:
            raise_for_outcome(busy, failures=failures)
        assert caught.value.cause is FaxCause.BUSY
        delays.append(caught.value.suggested_delay)
    assert delays == [*(timedelta(minutes=minutes) for minutes in (5, 5, 15, 40)), None]


def test_a_failure_without_a_cause_suggests_what_an_unspecified_one_does():
    assert FaxRetryableError("it failed").cause is None
    assert FaxRetryableError("it failed").suggested_delay == RETRY_DELAYS[FaxCause.UNSPECIFIED][0]


def test_a_failure_with_pages_is_not_retried_unless_the_user_allows_it():
    ended = status(FaxOutcome.RETRYABLE, cause=FaxCause.TRANSMISSION, pages_sent=3)

    with pytest.raises(FaxPartialError, match=r"3 page\(s\) had arrived.*resend_partial=True") as caught:
        raise_for_outcome(ended)
    assert caught.value.status is ended
    with pytest.raises(FaxRetryableError):
        raise_for_outcome(ended, resend_partial=True)


def test_a_fatal_failure_is_fatal_whatever_arrived():
    with pytest.raises(FaxFatalError) as caught:
        raise_for_outcome(status(FaxOutcome.FATAL, pages_sent=3))
    assert type(caught.value) is FaxFatalError


def test_success_raises_nothing():
    assert raise_for_outcome(status(FaxOutcome.SUCCESS)) is None


def test_a_code_of_zero_is_shown_and_a_missing_one_is_said_to_be_missing():
    with pytest.raises(FaxUnknownOutcomeError, match="Code 0: the vendor gives no message"):
        raise_for_outcome(status(FaxOutcome.UNKNOWN, code=0))
    with pytest.raises(FaxFatalError, match="no cause given") as caught:
        raise_for_outcome(status(FaxOutcome.FATAL))
    assert "Code" not in str(caught.value)


@pytest.mark.parametrize("kind", [FaxRetryableError, FaxFatalError, FaxPartialError, FaxUnknownOutcomeError])
def test_an_error_goes_from_process_to_process_with_its_status(kind):
    error = kind("what happened", status(FaxOutcome.FATAL))

    copied = pickle.loads(pickle.dumps(error))

    assert (str(copied), copied.status) == (str(error), error.status)


def test_a_vendors_error_goes_from_process_to_process_with_its_numbers():
    copied = pickle.loads(
        pickle.dumps(FaxThrottledError("slower", retry_after=5.0, http_status=429, vendor_code=-1011))
    )

    assert (copied.retry_after, copied.http_status, copied.vendor_code) == (5.0, 429, -1011)
