"""The status value: what it says, and that it survives XCom and a trigger's event."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import VENDORS

from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.errors import FaxInputError

# Hypothesis wants the bounds without a zone, and adds it.
FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001

texts = st.text(st.characters(codec="utf-8"))
money = st.none() | st.decimals(allow_nan=False, allow_infinity=False)
moments = st.none() | st.datetimes(min_value=FIRST, max_value=LAST, timezones=st.just(UTC)).map(
    lambda moment: pendulum.instance(moment, tz="UTC").in_timezone("UTC")
)
counts = st.none() | st.integers(min_value=0)
statuses = st.builds(
    FaxStatus,
    vendor=st.sampled_from(VENDORS),
    job_id=st.from_regex(r"[0-9]{1,15}", fullmatch=True),
    outcome=st.sampled_from(FaxOutcome),
    cause=st.none() | st.sampled_from(FaxCause),
    code=st.none() | st.integers() | texts,
    message=st.none() | texts,
    pages_sent=counts,
    attempts=counts,
    cost=money,
    balance=money,
    submitted_at=moments,
    completed_at=moments,
    reference=st.none() | texts,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


def sent(**changes):
    return FaxStatus(**{"vendor": "interfax", "job_id": "700000001", "outcome": FaxOutcome.SUCCESS, **changes})


@given(statuses)
def test_a_status_survives_json_without_loss(status):
    restored = FaxStatus.from_dict(json.loads(json.dumps(status.to_dict())))

    assert restored == status
    assert restored.to_dict() == status.to_dict()
    for name in ("cost", "balance"):
        # Equal is not enough for money: 0.10 and 0.1 are equal.
        assert str(getattr(restored, name)) == str(getattr(status, name))
    for name in ("submitted_at", "completed_at"):
        moment = getattr(restored, name)
        assert moment is None or (isinstance(moment, pendulum.DateTime) and moment.timezone_name == "UTC")


@given(statuses)
def test_a_dict_holds_plain_json_types_only(status):
    plain = status.to_dict()

    assert all(type(value) in (str, int, type(None)) for value in plain.values())
    assert list(plain) == [
        "vendor", "job_id", "outcome", "cause", "code", "message", "pages_sent", "attempts", "cost", "balance",
        "submitted_at", "completed_at", "reference", "pages_submitted", "size",
    ]  # fmt: skip


@given(anything)
def test_garbage_is_no_status(garbage):
    with pytest.raises(FaxInputError):
        FaxStatus.from_dict(garbage)


@given(statuses, st.sampled_from(sorted(sent().to_dict())), anything)
def test_a_field_with_garbage_is_refused_or_written_back_as_it_was(status, name, garbage):
    plain = {**status.to_dict(), name: garbage}
    try:
        restored = FaxStatus.from_dict(plain)
    except FaxInputError:
        return
    assert type(restored.to_dict()[name]) is type(garbage)
    assert FaxStatus.from_dict(restored.to_dict()) == restored


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vendor", None),
        ("vendor", 5),
        ("job_id", 700000001),
        ("job_id", ""),
        ("outcome", "delivered"),
        ("outcome", None),
        ("outcome", ["success"]),
        ("cause", "tired"),
        ("cause", {}),
        ("code", True),
        ("code", 1.0),
        ("message", 5),
        ("pages_sent", "2"),
        ("pages_sent", True),
        ("attempts", 1.5),
        ("cost", 0.1),
        ("cost", "ten"),
        ("cost", "NaN"),
        ("cost", "sNaN"),
        ("balance", "Infinity"),
        ("balance", True),
        ("balance", [0, [1], 0]),
        ("submitted_at", "now"),
        ("submitted_at", "12:30"),
        ("submitted_at", 5),
        ("submitted_at", "2025-01-01T10:00:00"),
        ("completed_at", "9999-12-31T23:59:59-12:00"),
        ("completed_at", "P1Y"),
        ("reference", ["key"]),
    ],
)
def test_a_value_that_to_dict_never_writes_is_refused(name, value):
    with pytest.raises(FaxInputError, match="not a fax status"):
        FaxStatus.from_dict({**sent().to_dict(), name: value})


@pytest.mark.parametrize("missing", ["vendor", "job_id", "outcome"])
def test_a_needed_field_must_be_there(missing):
    plain = sent().to_dict()
    del plain[missing]

    with pytest.raises(FaxInputError):
        FaxStatus.from_dict(plain)


def test_optional_fields_may_be_missing_and_later_ones_are_ignored():
    restored = FaxStatus.from_dict(
        {"vendor": "faxto", "job_id": "12", "outcome": "pending", "added_in_a_later_version": 1}
    )

    assert restored == FaxStatus(vendor="faxto", job_id="12", outcome=FaxOutcome.PENDING)


def test_the_error_shows_no_value():
    with pytest.raises(FaxInputError) as caught:
        FaxStatus.from_dict({**sent().to_dict(), "submitted_at": "+12025550123"})

    assert "12025550123" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("outcome", FaxOutcome)
def test_only_a_pending_job_can_still_change(outcome):
    assert sent(outcome=outcome).is_final == (outcome is not FaxOutcome.PENDING)


def test_money_and_times_are_written_for_people_too():
    plain = sent(
        cost=Decimal("0.1500"), completed_at=pendulum.datetime(2025, 3, 1, 12, 31, 38), cause=FaxCause.BUSY
    ).to_dict()

    assert plain["cost"] == "0.1500"
    assert plain["completed_at"] == "2025-03-01T12:31:38+00:00"
    assert plain["cause"] == "busy"
    assert plain["outcome"] == "success"


def test_a_time_from_another_zone_comes_back_in_utc():
    moment = pendulum.datetime(2025, 3, 1, 12, 0, 0, tz="Europe/Berlin")

    restored = FaxStatus.from_dict(sent(submitted_at=moment).to_dict())

    assert restored.submitted_at == moment
    assert restored.submitted_at.timezone_name == "UTC"


def test_a_status_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        sent().outcome = FaxOutcome.FATAL
