"""The exceptions: what each proves about the fax is in where it stands in the tree."""

from __future__ import annotations

import pickle

import pytest

from airflow_provider_faxto.fax import errors
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
    FaxUnreadableAnswerError,
    FaxVendorError,
)

ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, FaxError) and value is not FaxError
]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_is_a_fax_error_and_says_when_it_is_raised(kind):
    assert issubclass(kind, FaxError)
    assert kind.__doc__
    assert str(kind("Could not send the fax.")) == "Could not send the fax."


def test_an_uncertain_send_is_none_of_the_errors_that_say_nothing_was_sent():
    for kind in (FaxInputError, FaxVendorError, FaxLostContactError, FaxConfigurationError):
        assert not issubclass(FaxUncertainSendError, kind)


def test_a_lost_answer_is_not_a_refusal():
    assert not issubclass(FaxLostContactError, FaxVendorError)
    assert issubclass(FaxNotConnectedError, FaxLostContactError)
    assert issubclass(FaxUnreadableAnswerError, FaxLostContactError)


def test_a_wrong_argument_is_a_value_error_too():
    assert issubclass(FaxInputError, ValueError)


@pytest.mark.parametrize("kind", [FaxVendorError, FaxAuthenticationError, FaxNotFoundError, FaxRefusedError])
def test_a_refusal_keeps_what_the_vendor_said_in_numbers(kind):
    error = kind("No.", http_status=400, vendor_code=-112)

    assert (error.http_status, error.vendor_code) == (400, -112)
    assert (kind("No.").http_status, kind("No.").vendor_code) == (None, None)


def test_throttling_keeps_how_long_to_wait():
    error = FaxThrottledError("Slower.", retry_after=12.5, http_status=429, vendor_code=-1011)

    assert (error.retry_after, error.http_status, error.vendor_code) == (12.5, 429, -1011)


@pytest.mark.parametrize(
    "error",
    [
        FaxThrottledError("Slower.", retry_after=12.5, http_status=429, vendor_code=-1011),
        FaxRefusedError("No.", http_status=400, vendor_code=-112),
        FaxUnreadableAnswerError("What?", http_status=200),
        FaxUncertainSendError("Who knows?"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_the_way_between_processes(error):
    restored = pickle.loads(pickle.dumps(error))

    assert type(restored) is type(error)
    assert str(restored) == str(error)
    assert vars(restored) == vars(error)
