"""Who may use the control interface: programs of this machine, and no page in somebody's browser."""

from __future__ import annotations

import json

import pytest
import requests

from airflow_provider_faxto.simulator import Simulator, SimulatorServer

EVIL = "https://evil.example"


@pytest.fixture
def ask(simulator):
    """Make a request as a browser or a program would: ``ask("POST", "/reset", Origin=...)``."""

    def call(method, path="", body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method, f"{simulator.url}/simulator{path}", headers=named, data=body, timeout=10, allow_redirects=False
        )

    return call


def port_of(simulator):
    return simulator.url.rpartition(":")[2]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "127.0.0.1.evil.example",
        "192.0.2.7:{port}", "[2001:db8::1]:{port}", "localhost@evil.example", "0.0.0.0:{port}", "[::1", "",
    ],
)  # fmt: skip
def test_a_request_under_another_hosts_name_is_refused_and_does_nothing(simulator, ask, faxto, host):
    faxto.send()

    for method, path in (("POST", "/reset"), ("GET", "/faxes"), ("DELETE", "/faults")):
        answer = ask(method, path, Host=host.format(port=port_of(simulator)))

        assert answer.status_code in ((403,) if host else (400, 403))
        assert "202555" not in answer.text
    assert len(simulator.faxes()) == 1


def test_the_refusal_is_plain_text_and_says_what_to_do(ask):
    answer = ask("POST", "/reset", Host="evil.example")

    assert answer.headers["content-type"].startswith("text/plain")
    assert "another host" in answer.text
    assert "--control-host" in answer.text


@pytest.mark.parametrize("name", ["localhost", "LocalHost", "127.0.0.1", "127.8.9.10", "[::1]"])
@pytest.mark.parametrize("port", ["", ":{port}", ":9"])
def test_a_program_of_this_machine_is_answered_under_each_of_its_names(simulator, ask, name, port):
    # Another port than the simulator's own may be one that is forwarded to it.
    assert ask("GET", Host=name + port.format(port=port_of(simulator))).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://localhost:8080"},
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    ],
)
@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "application/json"])
def test_an_order_of_another_page_is_refused_whatever_its_body(simulator, ask, faxto, headers, content_type):
    faxto.send()
    order = json.dumps({"kind": "html"})

    refused = [
        ask("POST", path, body, Content_Type=content_type, **headers)
        for path, body in (("/reset", None), ("/faults", order), ("/settings", "{}"))
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert "another web page" in refused[0].text
    assert len(simulator.faxes()) == 1
    assert simulator.simulator.faults() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_can_link_to_what_is_told_and_not_read_it(ask, site):
    link = {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}

    assert ask("GET", "/faxes", **link).status_code == 200
    for mode in ("no-cors", "cors"):
        assert ask("GET", "/faxes", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Sec_Fetch_Site": "none", "Sec_Fetch_Mode": "navigate"}, {"Sec_Fetch_Site": "same-origin"}, {}]
)
def test_who_types_the_address_is_answered(ask, headers):
    assert ask("GET", "/faxes", **headers).status_code == 200
    assert ask("POST", "/finish", **headers).status_code == 200


def test_a_page_of_the_same_origin_may_order(simulator, ask):
    assert ask("POST", "/reset", Origin=simulator.url, Sec_Fetch_Site="same-origin").status_code == 200


def test_a_name_of_the_users_own_is_allowed_by_name(simulator):
    with SimulatorServer(Simulator(control_hosts=["Fax-Simulator"])) as server:
        url = f"{server.url}/simulator"
        for host, status in (("fax-simulator:80", 200), ("localhost", 200), ("fax-simulator.evil.example", 403)):
            assert requests.get(url, headers={"Host": host}, timeout=10).status_code == status


def test_the_vendors_own_paths_need_credentials_alone(simulator, faxto):
    for headers in ({"Host": "fax.example"}, {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}):
        answer = faxto.call("GET", "/api/v2/balance", headers=headers)

        assert answer.status_code == 200
