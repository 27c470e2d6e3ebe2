"""Wherever a send task fails, the frames of its error show neither recipient, document, options nor password."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.hooks import KEY, NAME, NUMBER, locals_of
from support.vendors import VENDORS

CONTENT = "Patient Jane Roe tested positive"
HEADER = "Ward 7 to Dr. Moe"
OPTIONS = {"faxto": {"sender_id": HEADER}, "interfax": {"page_header": HEADER, "contact": HEADER, "sender_id": HEADER}}


@pytest.fixture
def private_letter(tmp_path):
    path = tmp_path / f"{NAME}.pdf"
    path.write_bytes(Path("example_dags/files/letter.pdf").read_bytes() + f"\n% {CONTENT}\n".encode())
    return path


@pytest.fixture(params=VENDORS)
def vendor(request):
    return request.param


@pytest.fixture
def failing(vendor, send, fax_connections, private_letter):
    """Run a send task that fails, and give its error: ``failing(document=...)``."""

    def run(**arguments):
        arguments = {
            "fax_number": NUMBER,
            "document": str(private_letter),
            "options": OPTIONS.get(vendor, OPTIONS["interfax"]),
            "lookup_grace": 1,
            **arguments,
        }
        try:
            send(vendor, **arguments)
        except Exception as error:  # noqa: BLE001 - any
            return error
        pytest.fail("it did not fail")

    return run


def assert_tells_nothing(error, simulator, vendor):
    told = locals_of(error)
    connection = simulator.connection(vendor)
    assert "SendFaxOperator" in told
    for private in (NUMBER[1:], NAME, CONTENT, HEADER, KEY, connection["password"]):
        assert private not in told
        assert private not in str(error)


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("lost_answer", {}),
        ("reset", {}),
        ("html", {}),
        ("truncated", {}),
        ("server_error", {}),
        ("server_error", {"http_status": 400, "body": "vendor"}),
        ("server_error", {"http_status": 401, "body": "vendor"}),
        ("server_error", {"http_status": 403, "body": "vendor"}),
        ("server_error", {"http_status": 429, "body": "vendor"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("endpoint", ["send", None])
def test_a_vendor_that_fails(failing, fax_connections, vendor, kind, details, endpoint):  # noqa: PLR0917 - a table
    fax_connections.fault(kind, vendor=vendor, endpoint=endpoint, times=None, **details)
    # Else what was sent all the same would be found.
    fax_connections.fault("html", vendor=vendor, endpoint="history" if vendor == "faxto" else "search", times=None)

    assert_tells_nothing(failing(fax_number=NUMBER), fax_connections, vendor)


def test_a_vendor_that_is_not_there(failing, fax_connections, vendor, monkeypatch, closed_port):
    described = {**fax_connections.connection(vendor), "host": closed_port, "password": KEY}
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(described))

    assert_tells_nothing(failing(), fax_connections, vendor)


def test_a_vendor_that_does_not_answer(failing, fax_connections, vendor, monkeypatch, raw_server):
    server = raw_server(lambda _, far: far.stall())
    described = {**fax_connections.connection(vendor), "host": server.url, "password": KEY}
    described["extra"] = {"timeout": {"connect": 10, "read": 0.1, "upload": 0.1}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(described))

    assert_tells_nothing(failing(), fax_connections, vendor)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fax_number": f"{NUMBER},{NUMBER}"},
        {"fax_number": f"0{NUMBER}"},
        {"fax_number": [NUMBER]},
        {"document": f"/nowhere/{NAME}.pdf"},
        {"document": f"/nowhere/{NAME}.exe"},
        {"document": [f"/nowhere/{NAME}.pdf", None]},
        {"document": f"nowhere://{NAME}/{NAME}.pdf"},
        {"options": f"{{'contact': '{HEADER}'"},
        {"options": {"contact": HEADER * 100}},
        {"options": {"rendering": HEADER}},
    ],
    ids=str,
)
def test_an_argument_that_cannot_be_used(failing, fax_connections, vendor, wrong):
    assert_tells_nothing(failing(**wrong), fax_connections, vendor)


@pytest.mark.parametrize("place", ["transport.send", "transport.read_body", "transport.open_body"])
def test_a_fault_of_the_package_itself(failing, fax_connections, vendor, monkeypatch, place):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr(f"airflow_provider_faxto.http.{place}", broken)

    error = failing()

    assert isinstance(error, ZeroDivisionError)
    assert_tells_nothing(error, fax_connections, vendor)
