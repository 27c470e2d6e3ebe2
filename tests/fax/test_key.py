"""The key of a logical fax: the same for the same fax, another for any other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.key import KEY_PREFIX, is_same_fax, logical_fax_key, same_fax_key_in
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


# The same fax from another run

KEY = logical_fax_key(**FAX)
OTHER_RUN = logical_fax_key(**{**FAX, "run_id": "manual__2025-03-02"})
keys = st.builds(
    "{}{}-{}".format,
    st.just(KEY_PREFIX),
    st.text("0123456789abcdef", min_size=24, max_size=24),
    st.text("01", min_size=1, max_size=1).map(lambda digit: digit * 16),
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"dag_id": "receipts"},
        {"task_id": "send"},
        {"run_id": "manual__2025-03-02"},
        {"map_index": 7},
        {"resend": "2"},
    ],
)
def test_whoever_sends_the_same_document_to_the_same_number_sends_the_same_fax(change):
    assert is_same_fax(KEY, logical_fax_key(**{**FAX, **change}))


@pytest.mark.parametrize("change", [{"fax_number": FaxNumber("+12025550124")}, {"document_sha256": "cd" * 32}])
def test_another_document_or_another_number_is_another_fax(change):
    assert not is_same_fax(KEY, logical_fax_key(**{**FAX, **change}))


def test_capital_letters_make_no_difference():
    assert is_same_fax(KEY.upper(), OTHER_RUN)
    assert is_same_fax(KEY, OTHER_RUN.upper())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "airflow-",
        KEY[:-1],
        KEY + "0",
        KEY + "\n",
        " " + KEY,
        KEY + ".pdf",
        KEY.removeprefix("airflow-"),
        KEY.replace("-", "_"),
        KEY[:-1] + "g",
        KEY[:-1] + "\u0661",
        KEY.replace("i", "\u0131"),
        KEY.replace("i", "\u0130"),
        "airflow-" + "0a" * 16,
        KEY.rpartition("-")[2],
    ],
)
def test_what_is_no_key_is_the_same_as_nothing(text):
    assert not is_same_fax(KEY, text)
    assert not is_same_fax(text, KEY)
    assert not is_same_fax(text, text)


@given(keys, keys)
def test_two_keys_are_the_same_fax_if_their_second_parts_are(one, other):
    same = one.rpartition("-")[2] == other.rpartition("-")[2]

    assert is_same_fax(one, other) is is_same_fax(other, one) is same
    assert same_fax_key_in(f"1501763558_{one.upper()}(1).pdf", other) == (one if same else None)


@given(st.text(), st.text())
def test_any_two_texts_are_compared(one, other):
    assert is_same_fax(one, other) is False
    assert same_fax_key_in(one, KEY) is None


def test_the_key_of_the_same_fax_is_found_behind_one_of_another():
    another = logical_fax_key(**{**FAX, "document_sha256": "cd" * 32})

    assert same_fax_key_in(f"{another} {OTHER_RUN}.pdf", KEY) == OTHER_RUN
    assert same_fax_key_in(OTHER_RUN, "no key") is None
