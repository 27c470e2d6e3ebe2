"""The key of a logical fax: the same for the same fax, another for any other."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.key import KEY_PREFIX, describe_difference, is_of_same_fax, logical_fax_key, read_key
from airflow_provider_faxto.fax.numbers import FaxNumber

FAX = {
    "dag_id": "invoices",
    "task_id": "send.fax",
    "run_id": "manual__2025-03-01",
    "map_index": -1,
    "fax_number": FaxNumber("+12025550123"),
    "document_sha256": "ab" * 32,
}


def test_a_label_tells_the_faxes_of_one_task_apart_and_leaves_the_key_of_a_single_fax_as_it_was():
    one, other, single = (read_key(logical_fax_key(**FAX, label=label)) for label in ("clinic-1", "clinic-2", None))
    assert len({one.whose, other.whose, single.whose}) == 3
    assert one.what == other.what == single.what
    assert logical_fax_key(**FAX) == str(single)


def test_an_identity_of_the_users_holds_over_labels():
    keys = {logical_fax_key(**FAX, label=label, idempotency_key="claim") for label in ("clinic-1", "clinic-2", None)}
    assert len(keys) == 1


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


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"fax_number": FaxNumber("+12025550124")}, True),
        ({"document_sha256": "cd" * 32}, True),
        ({"resend": "2"}, True),
        ({"run_id": "manual__2025-03-02"}, False),
        ({"map_index": 0}, False),
        ({"namespace": "staging"}, False),
        ({"idempotency_key": "claim-4711"}, False),
    ],
    ids=str,
)
def test_a_correction_and_a_resend_are_of_the_same_fax(change, is_same):
    one, other = logical_fax_key(**FAX), logical_fax_key(**{**FAX, **change})

    assert one != other
    assert is_of_same_fax(one, other) is is_of_same_fax(other, one.upper()) is is_same


@pytest.mark.parametrize(
    "change",
    [{"dag_id": "receipts"}, {"task_id": "send"}, {"run_id": "scheduled__2025-03-02"}, {"map_index": 3}],
    ids=str,
)
def test_an_idempotency_key_holds_over_dags_tasks_runs_and_map_indexes(change):
    of_user = {**FAX, "idempotency_key": "claim-4711"}

    assert logical_fax_key(**{**of_user, **change}) == logical_fax_key(**of_user)


def test_an_idempotency_key_is_kept_apart_by_the_namespace():
    of_user = {**FAX, "idempotency_key": "claim-4711"}

    assert not is_of_same_fax(logical_fax_key(**of_user), logical_fax_key(**of_user, namespace="staging"))


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"fax_number": FaxNumber("+12025550124")}, "the same document to another recipient"),
        ({"document_sha256": "cd" * 32}, "another document"),
    ],
    ids=str,
)
def test_keys_of_one_idempotency_key_tell_what_differs(change, difference):
    of_user = {**FAX, "idempotency_key": "claim-4711"}

    assert describe_difference(logical_fax_key(**of_user), logical_fax_key(**{**of_user, **change})) == difference


# Reading a key

KEY = logical_fax_key(**FAX)
keys = st.builds(
    "{}{}-{}".format,
    st.just(KEY_PREFIX),
    st.text("0123456789abcdef", min_size=24, max_size=24),
    st.text("0123456789abcdef", min_size=16, max_size=16),
)


@given(keys)
def test_a_key_is_read_as_it_was_written(key):
    assert str(read_key(key)) == str(read_key(f" {key.upper()} ")) == key


@given(keys, st.text("-_.abcdef0123456789'\"%", min_size=1))
def test_what_has_more_than_a_key_is_not_one(key, more):
    assert read_key(key + more) is None
    assert read_key(more + key) is None


@given(st.text())
def test_a_text_that_is_no_key_is_of_no_fax(text):
    assume(not text.strip().lower().startswith(KEY_PREFIX))

    assert read_key(text) is None
    assert not is_of_same_fax(text, text)
    assert not is_of_same_fax(KEY, text)


@pytest.mark.parametrize("text", [KEY.replace("a", "\u0430"), KEY.replace("-", "_"), KEY[:-1], KEY[1:]])
def test_a_key_in_other_letters_is_not_read(text):
    assert read_key(text) is None
