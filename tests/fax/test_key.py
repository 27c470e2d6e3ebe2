"""The key of a logical fax: the same for the same fax, another for any other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.key import KEY_PREFIX, logical_fax_key
from airflow_provider_faxto.fax.numbers import FaxNumber

FAX = {
    "dag_id": "invoices",
    "task_id": "send.fax",
    "run_id": "manual__2025-03-01",
    "map_index": -1,
    "fax_number": FaxNumber("+12025550123"),
    "document_sha256": "ab" * 32,
}


def test_the_same_task_instance_has_the_same_key():
    assert logical_fax_key(**FAX) == logical_fax_key(**FAX)


def test_a_key_never_changes_between_releases():
    # A release that changed it would no longer find faxes that an older one sent, and send them again.
    assert logical_fax_key(**FAX) == "airflow-afe3b5b83d939b9cd7e71cfc-6fd6fa7b437cd7e4"


@pytest.mark.parametrize(
    "change",
    [
        {"dag_id": "receipts"},
        {"task_id": "send"},
        {"run_id": "manual__2025-03-02"},
        {"map_index": 0},
        {"fax_number": FaxNumber("+12025550124")},
        {"document_sha256": "cd" * 32},
        {"resend": "2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_makes_another_fax(change):
    assert logical_fax_key(**{**FAX, **change}) != logical_fax_key(**FAX)


def test_parts_are_not_run_together():
    one = logical_fax_key(**{**FAX, "dag_id": "ab", "task_id": "c"})
    other = logical_fax_key(**{**FAX, "dag_id": "a", "task_id": "bc"})

    assert one != other


@given(st.text(), st.text(), st.text(), st.integers())
def test_a_key_fits_into_a_reference_and_tells_nothing(dag_id, task_id, run_id, map_index):
    key = logical_fax_key(**{**FAX, "dag_id": dag_id, "task_id": task_id, "run_id": run_id, "map_index": map_index})

    assert re.fullmatch(re.escape(KEY_PREFIX) + "[0-9a-f]{24}-[0-9a-f]{16}", key)
    assert len(key) == 49
    assert "12025550123" not in key


def test_the_same_document_to_the_same_number_shows_in_every_run():
    another_run = logical_fax_key(**{**FAX, "run_id": "manual__2025-03-02"})
    another_number = logical_fax_key(**{**FAX, "fax_number": FaxNumber("+12025550124")})

    assert another_run.rpartition("-")[2] == logical_fax_key(**FAX).rpartition("-")[2]
    assert another_number.rpartition("-")[2] != logical_fax_key(**FAX).rpartition("-")[2]
