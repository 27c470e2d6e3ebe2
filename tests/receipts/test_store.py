"""Receipts: one file for each fax job, whoever writes it, and never a reason for a fax to fail."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.exceptions import FaxRetryableError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.receipts.receipt import complete_receipt, receipt_of_job
from airflow_provider_faxto.receipts.store import write_end, write_receipt
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

SCHEMA = json.loads(files("airflow_provider_faxto.receipts").joinpath("receipt.schema.json").read_text())
NUMBER = "12025550100"


def check(receipt: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(receipt)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this test's receipts lie."""
    folder = tmp_path / "receipts"
    monkeypatch.setenv("AIRFLOW__FAXTO__RECEIPTS", str(folder))
    return folder


def receipts(root: Path) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in sorted(root.rglob("*.json"))]
    for receipt in found:
        check(receipt)
        assert NUMBER not in json.dumps(receipt)
    return found


@pytest.mark.parametrize("vendor", ["faxto", "interfax", "extrafax"])
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_fax_leaves_a_receipt_of_its_end(send: Any, root: Path, vendor: str, *, deferrable: bool) -> None:
    told = send(vendor, fax_number="+1 202 555 0100", fax_label="clinic-3", deferrable=deferrable)

    [receipt] = receipts(root)
    assert (receipt["job_id"], receipt["outcome"], receipt["vendor"]) == (told["job_id"], "success", vendor)
    assert (receipt["dag_id"], receipt["task_id"], receipt["run_id"], receipt["map_index"]) == (
        "faxes", "send", "run", -1,
    )  # fmt: skip
    assert (receipt["label"], receipt["number"], receipt["pages"]) == ("clinic-3", "+*******0100", 1)
    assert receipt["key"] == told["reference"]
    assert receipt["sent_at"] <= receipt["seen_final_at"]


def test_a_failed_fax_leaves_one_as_well_and_each_attempt_its_own(send: Any, root: Path) -> None:
    for run in (1, 2):
        with pytest.raises(FaxRetryableError):
            send("interfax", fax_number="+999-9999-263", try_number=run, retries=3)

    first, second = receipts(root)
    assert first["job_id"] != second["job_id"]
    assert {first["outcome"], second["outcome"]} == {"retryable"}
    assert {first["cause"], second["cause"]} == {"busy"}
    assert sorted([first["try_number"], second["try_number"]]) == [1, 2]


def test_the_receipt_is_there_as_soon_as_the_job_is_known(send: Any, root: Path) -> None:
    seen = []
    send("interfax", deferrable=True, between=lambda: seen.extend(receipts(root)))

    assert seen[0]["outcome"] == "pending"
    assert seen[0]["seen_final_at"] is None


def test_a_run_that_finds_the_fax_of_an_earlier_one_writes_the_same_file(send: Any, root: Path) -> None:
    send("interfax")
    [before] = receipts(root)
    send("interfax", try_number=2)

    [after] = receipts(root)
    assert (after["job_id"], after["sent_at"]) == (before["job_id"], after["sent_at"])
    assert after["seen_final_at"] == before["seen_final_at"]


def test_nothing_is_written_where_that_is_not_set(send: Any, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    send("interfax")

    assert sorted(tmp_path.rglob("*")) == before


def test_a_receipt_that_cannot_be_written_changes_nothing_for_the_fax(
    send: Any, root: Path, logged: Any, fax_connections: FaxSimulator
) -> None:
    root.parent.mkdir(exist_ok=True)
    root.write_text("a file where the folder should be")

    assert send("interfax")["outcome"] == "success"
    assert len(fax_connections.faxes()) == 1
    assert "cannot be written" in logged()


def test_a_receipt_that_was_cut_off_is_written_anew(send: Any, root: Path) -> None:
    send("interfax")
    [path] = root.rglob("*.json")
    path.write_text('{"schema_ver')
    send("interfax", try_number=2)

    assert receipts(root)[0]["outcome"] == "success"


@pytest.mark.parametrize("described", [None, '{"no_such_field": 1}'])
def test_a_sensor_whose_connection_is_gone_at_the_end_still_tells_the_outcome(
    *,
    fax_connections: FaxSimulator,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    task_instance: Any,
    described: str | None,
) -> None:
    sensor = FaxStatusSensor(task_id="wait", job_id="670000001", fax_conn_id="interfax_default", deferrable=True)
    if described is None:
        monkeypatch.delenv("AIRFLOW_CONN_INTERFAX_DEFAULT")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", described)
    event = status(FaxOutcome.SUCCESS).to_dict()

    assert sensor.execute_complete({"ti": task_instance(sensor)}, event) == event
    assert receipts(root) == []


def status(outcome: FaxOutcome, **more: Any) -> FaxStatus:
    return FaxStatus(vendor="interfax", job_id="670000001", outcome=outcome, **more)


def test_what_a_later_writer_does_not_know_stays(root: Path) -> None:
    known = receipt_of_job(status(FaxOutcome.PENDING), conn_id="a", account="b")
    write_receipt({**known, "dag_id": "faxes", "task_id": "send", "label": "clinic-3"})
    write_end(receipt_of_job(status(FaxOutcome.PENDING), conn_id="a", account="b"), status(FaxOutcome.SUCCESS))

    [receipt] = receipts(root)
    assert (receipt["dag_id"], receipt["label"], receipt["outcome"]) == ("faxes", "clinic-3", "success")


def test_a_fax_that_was_held_and_then_arrived_has_no_cause() -> None:
    held = receipt_of_job(status(FaxOutcome.PENDING, cause=FaxCause.OUT_OF_CREDIT, code=-22), conn_id="a", account="b")

    assert complete_receipt(held, status(FaxOutcome.SUCCESS, code=0))["cause"] is None


@pytest.mark.parametrize("job_id", ["../../etc/passwd", "a/b", "", "..", "1\n2", "\u0661"])
def test_the_name_of_a_receipt_leads_nowhere_else(root: Path, job_id: str) -> None:
    known = receipt_of_job(status(FaxOutcome.PENDING), conn_id="a", account="b")

    assert not write_receipt({**known, "job_id": job_id})
    assert receipts(root) == []


money = st.decimals(allow_nan=False, allow_infinity=False, places=2)
times = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.sampled_from(FaxOutcome), st.none() | st.sampled_from(FaxCause), st.none() | st.integers() | st.text(),
       st.none() | st.text(), st.none() | money, st.none() | times)  # fmt: skip
def test_any_status_makes_a_receipt_of_the_schema(  # noqa: PLR0917 - a value of each field
    outcome: FaxOutcome, cause: Any, code: Any, message: Any, cost: Any, at: Any
) -> None:
    import pendulum

    told = status(
        outcome, cause=cause, code=code, message=message, cost=cost,
        submitted_at=pendulum.instance(at) if at else None,
    )  # fmt: skip

    receipt = complete_receipt(receipt_of_job(status(FaxOutcome.PENDING), conn_id="a", account="b"), told)

    check(receipt)
    assert (receipt["outcome"], receipt["cause"], receipt["code"]) == (outcome, cause, code)
    assert (receipt["seen_final_at"] is not None) == told.is_final
