"""The vendor's image of a fax lies beside its receipt where that is asked for, and is never a reason to fail."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from airflow_provider_faxto.exceptions import FaxRetryableError
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

SCHEMA = json.loads(files("airflow_provider_faxto.receipts").joinpath("receipt.schema.json").read_text())
TIFF = (b"II*\x00", b"MM\x00*")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this test's receipts and images lie."""
    monkeypatch.setenv("AIRFLOW__FAXTO__RECEIPTS", str(tmp_path / "receipts"))
    monkeypatch.setenv("AIRFLOW__FAXTO__RECEIPT_IMAGE", "True")
    return tmp_path / "receipts"


def images(root: Path) -> list[Path]:
    return [path for path in root.rglob("*.*") if path.suffix != ".json"]


def receipt(root: Path) -> dict[str, Any]:
    [path] = root.rglob("*.json")
    told = json.loads(path.read_text())
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(told)
    return told


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
@pytest.mark.parametrize("deferrable", [False, True])
def test_the_image_of_a_delivered_fax_lies_beside_its_receipt(send: Any, root: Path, vendor: str, *, deferrable: bool):
    send(vendor, deferrable=deferrable)

    [image] = images(root)
    told = receipt(root)
    assert image.name == told["image"] == f"{told['job_id']}.tiff"
    assert image.with_suffix(".json").exists()
    assert image.read_bytes().startswith(TIFF)
    assert told["image_sha256"] == hashlib.sha256(image.read_bytes()).hexdigest()


def test_a_second_look_keeps_the_image_and_fetches_none(send: Any, root: Path) -> None:
    send("interfax")
    [image] = images(root)
    image.write_bytes(b"as it was")
    before = receipt(root)
    send("interfax", try_number=2, is_cleared=True)

    assert images(root) == [image]
    assert image.read_bytes() == b"as it was"
    assert receipt(root)["image_sha256"] == before["image_sha256"]


@pytest.mark.parametrize("setting", ["False", None])
def test_none_is_fetched_unless_it_is_asked_for(send: Any, root: Path, monkeypatch: Any, setting: str | None) -> None:
    if setting is None:
        monkeypatch.delenv("AIRFLOW__FAXTO__RECEIPT_IMAGE")
    else:
        monkeypatch.setenv("AIRFLOW__FAXTO__RECEIPT_IMAGE", setting)
    send("interfax")

    assert images(root) == []
    assert "image" not in receipt(root)


def test_a_vendor_without_images_has_none_and_no_warning(send: Any, root: Path, logged: Any) -> None:
    send("faxto", fax_number="+1 202 555 0100")

    assert images(root) == []
    assert receipt(root)["outcome"] == "success"
    assert "is not kept" not in logged()


def test_a_fax_of_which_nothing_arrived_has_no_image(send: Any, root: Path) -> None:
    with pytest.raises(FaxRetryableError):
        send("interfax", fax_number="+999-9999-263")

    assert images(root) == []


def test_an_image_that_cannot_be_fetched_fails_no_fax_and_is_fetched_by_the_next_look(  # noqa: PLR0917 - fixtures
    send: Any, root: Path, logged: Any, fax_connections: FaxSimulator, task_instance: Any, fake_time: Any
) -> None:
    fax_connections.fault("server_error", endpoint="image")
    told = send("interfax")

    assert told["outcome"] == "success"
    assert images(root) == []
    assert "The image of fax job" in logged()
    assert len(fax_connections.faxes()) == 1
    fake_time.pass_by(120)

    sensor = FaxStatusSensor(task_id="wait", job_id=told["job_id"], fax_conn_id="interfax_default", deferrable=False)
    sensor.execute({"ti": task_instance(sensor)})

    assert receipt(root)["image"] == f"{told['job_id']}.tiff"
    assert len(images(root)) == 1


def test_an_image_that_is_gone_fails_no_fax(send: Any, root: Path, logged: Any, fax_connections: FaxSimulator) -> None:
    fax_connections.configure(interfax_seconds_call=15 * 86_400.0)

    assert send("interfax", completion_timeout=30 * 86_400, poll_interval=86_400)["outcome"] == "success"
    assert images(root) == []
    assert "is not kept" in logged()


def test_an_image_that_cannot_be_written_fails_no_fax(send: Any, root: Path, logged: Any) -> None:
    root.parent.mkdir(exist_ok=True)
    root.write_text("a file where the folder should be")

    assert send("interfax")["outcome"] == "success"
    assert "is not kept" in logged()
