from __future__ import annotations

import json
import os

import pytest
import requests


def test_each_test_begins_with_a_clean_simulator_first(fax_simulator):
    check_it_is_clean_and_leave_traces(fax_simulator)


def test_each_test_begins_with_a_clean_simulator_second(fax_simulator):
    check_it_is_clean_and_leave_traces(fax_simulator)


def check_it_is_clean_and_leave_traces(simulator):
    assert simulator.faxes() == simulator.requests() == simulator.simulator.faults() == []
    assert simulator.simulator.settings()["faxto_text_numbers"] is False
    assert simulator.simulator.summary()["speed"] == 1
    connection = simulator.connection("interfax")
    requests.post(
        f"{simulator.url}/outbound/faxes",
        params={"faxNumber": "+12025550100"},
        data=b"x",
        headers={"Content-Type": "text/plain"},
        auth=(connection["login"], connection["password"]),
        timeout=60,
    )
    assert len(simulator.faxes()) == 1
    simulator.fault("html", times=None)
    simulator.configure(faxto_text_numbers=True)
    simulator.set_speed(60)
    simulator.advance(1000)


def test_it_gives_a_connection_for_each_type(fax_simulator):
    faxto = fax_simulator.connection("faxto")
    assert (faxto["conn_type"], faxto["host"]) == ("faxto", fax_simulator.url)
    assert "login" not in faxto
    interfax, extrafax = fax_simulator.connection("interfax"), fax_simulator.connection("extrafax")
    assert interfax["login"] != extrafax["login"]
    assert interfax["host"] == extrafax["host"] == fax_simulator.url
    with pytest.raises(KeyError):
        fax_simulator.connection("http")


def test_it_sets_airflows_default_connections_as_json(fax_simulator, monkeypatch):
    fax_simulator.set_airflow_connections(monkeypatch, timeout=5)
    for conn_type in ("faxto", "interfax", "extrafax"):
        connection = json.loads(os.environ[f"AIRFLOW_CONN_{conn_type.upper()}_DEFAULT"])
        assert connection == fax_simulator.connection(conn_type) | {"extra": {"requests_per_minute": 600, "timeout": 5}}
