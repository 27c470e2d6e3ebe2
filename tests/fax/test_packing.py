"""Many jobs and statuses as short texts: what is packed comes back, and is as short as it has to be."""

from __future__ import annotations

import random
from decimal import Decimal

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.packing import (
    mark_of_reference,
    pack,
    pack_ids,
    pack_marks,
    pack_statuses,
    unpack,
    unpack_ids,
    unpack_marks,
    unpack_statuses,
)
from airflow_provider_faxto.fax.status import FaxStatus

MANY = 10_000
# What Airflow 2 does to a trigger's row: Fernet, in Base64.
ENCRYPTED = 4 / 3

statuses = st.builds(
    FaxStatus,
    vendor=st.sampled_from(["faxto", "interfax"]),
    job_id=st.none() | st.integers(1, 10**12).map(str) | st.text(min_size=1, max_size=8),
    outcome=st.sampled_from(FaxOutcome),
    cause=st.none() | st.sampled_from(FaxCause),
    code=st.none() | st.integers() | st.text(max_size=8),
    message=st.none() | st.text(max_size=20),
    pages_sent=st.none() | st.integers(0, 99),
    cost=st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=99),
    completed_at=st.none() | st.integers(0, 2**31).map(pendulum.from_timestamp),
    reference=st.none() | st.text(max_size=10),
)


@given(st.lists(st.integers(0, 10**15).map(str) | st.text(max_size=8), max_size=20))
def test_job_ids_come_back_as_they_were(job_ids: list[str]) -> None:
    assert unpack_ids(pack_ids(job_ids)) == job_ids


@given(st.lists(statuses, max_size=12))
def test_statuses_come_back_as_they_were(given_statuses: list[FaxStatus]) -> None:
    assert unpack_statuses(pack_statuses(given_statuses)) == given_statuses


@given(st.lists(st.none() | st.text(max_size=60), max_size=12))
def test_marks_come_back_as_they_were(references: list[str | None]) -> None:
    marks = [mark_of_reference(reference) for reference in references]
    assert unpack_marks(pack_marks(marks)) == marks


def test_a_mark_tells_keys_apart_and_not_how_a_vendor_spells_them() -> None:
    key = "airflow-0123456789abcdef01234567-0123456789abcdef"
    assert mark_of_reference(f" {key.upper()} ") == mark_of_reference(key)
    assert mark_of_reference(key) != mark_of_reference(key[:-1] + "0")
    assert not any(mark_of_reference(None))


@pytest.mark.parametrize("unpack_one", [unpack, unpack_ids, unpack_statuses, unpack_marks])
@given(st.text(max_size=40) | st.integers() | st.none())
def test_what_is_not_ours_is_one_of_our_errors(unpack_one: object, text: object) -> None:
    try:
        found = unpack_one(text)  # type: ignore[operator]
    except FaxInputError:
        return
    # Any four letters of Base64 are marks.
    assert unpack_one is unpack_marks
    assert isinstance(found, list)


@pytest.mark.parametrize("value", [7, {"number": 2, "vendor": ["interfax"]}, {"number": 1}, [[1]], {"number": "x"}])
def test_what_is_packed_and_no_statuses_is_one_of_our_errors(value: object) -> None:
    with pytest.raises(FaxInputError):
        unpack_statuses(pack(value))


def test_ten_thousand_faxes_take_less_than_200_kb_of_a_row() -> None:
    chance = random.Random(1)
    ids, number = [], 600_000_000
    for _ in range(MANY):
        number += chance.choice([1, 1, 1, 2, 3, 9])
        ids.append(str(number))
    # Four threads do not answer in order.
    for place in range(MANY - 4):
        if chance.random() < 0.5:
            ids[place], ids[place + 3] = ids[place + 3], ids[place]
    row = len(pack_ids(ids)) + len(pack_marks([mark_of_reference(each) for each in ids]))
    assert row * ENCRYPTED < 100_000
    began = pendulum.datetime(2026, 11, 27, 2)
    many = [
        FaxStatus(
            vendor="interfax",
            job_id=job_id,
            outcome=chance.choice([FaxOutcome.SUCCESS] * 9 + [FaxOutcome.RETRYABLE]),
            code=chance.choice([0, 0, 0, 6017]),
            message="Success",
            pages_sent=chance.randint(1, 9),
            attempts=chance.choice([1, 1, 1, 2, 4]),
            cost=Decimal("0.15") * chance.randint(1, 9),
            completed_at=began.add(seconds=chance.randint(0, 9000)),
        )
        for job_id in ids
    ]
    assert len(pack_statuses(many)) * ENCRYPTED < 150_000
