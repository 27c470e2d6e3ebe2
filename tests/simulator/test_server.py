from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from support.waiting import wait_for

from airflow_provider_faxto.simulator import SimulatorServer
from airflow_provider_faxto.simulator.server import loopback_socket


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_it_listens_on_loopback_only(host):
    with pytest.raises(ValueError, match=r"127\.0\.0\.1|loopback"):
        SimulatorServer(host=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_it_answers_as_soon_as_it_is_started_and_not_after_it_is_stopped(host):
    try:
        server = SimulatorServer(host=host)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert requests.get(f"{server.url}/simulator", timeout=60).status_code == 200
        assert server.port > 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.url}/simulator", timeout=60)


def test_a_port_that_is_taken_is_an_error():
    with loopback_socket("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        SimulatorServer(port=taken.getsockname()[1])


def test_a_server_is_started_once():
    with SimulatorServer() as server, pytest.raises(RuntimeError, match="started before"):
        server.start()


def test_stopping_does_not_wait_for_slow_answers():
    server = SimulatorServer()
    server.start()
    server.simulator.fault("slow", delay=3600)
    errors = []

    def ask():
        try:
            requests.get(f"{server.url}/api/v2/balance", timeout=60)
        except requests.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_for(lambda: server.simulator.faults()[0]["struck"])
    server.stop()
    thread.join(10)
    assert len(errors) == 1


def test_hundreds_of_faxes_at_once_are_counted_exactly(simulator, interfax):
    def send(number):
        with requests.Session() as session:
            session.auth = interfax.session.auth
            answer = session.post(
                f"{simulator.url}/outbound/faxes",
                params={"faxNumber": "+12025550100", "reference": f"fax-{number}"},
                data=b"x",
                headers={"Content-Type": "text/plain"},
                timeout=30,
            )
            return answer.headers["Location"]

    with ThreadPoolExecutor(16) as pool:
        locations = list(pool.map(send, range(300)))
    faxes = simulator.faxes()
    assert len(faxes) == len(set(locations)) == 300
    assert {fax["reference"] for fax in faxes} == {f"fax-{number}" for number in range(300)}
    assert sorted(int(fax["id"]) for fax in faxes) == [int(fax["id"]) for fax in faxes]


PATHS = [
    ("GET", "/api/v2/fax-history"),
    ("GET", "/api/v2/fax"),
    ("GET", "/api/v2/fax/{}/status"),
    ("GET", "/api/v2/fax/{}/costs"),
    ("POST", "/api/v2/fax"),
    ("POST", "/api/v1/fax"),
    ("POST", "/api/v2/files"),
    ("DELETE", "/api/v2/files/{}"),
    ("GET", "/api/v2/incoming-faxes"),
    ("GET", "/api/v2/incoming-faxes/{}"),
    ("GET", "/api/v2/numbers"),
    ("GET", "/outbound/faxes/{}"),
    ("GET", "/outbound/faxes/completed"),
    ("GET", "/outbound/search"),
    ("GET", "/outbound/faxes"),
    ("POST", "/outbound/faxes"),
    ("POST", "/outbound/faxes/{}/resend"),
    ("POST", "/outbound/documents"),
    ("POST", "/outbound/documents/{}"),
    ("GET", "/outbound/documents"),
]
NAMES = [
    "fax_number",
    "document_id",
    "file",
    "delete_file",
    "limit",
    "page",
    "AddRemoteFile",
    "faxNumber",
    "reference",
    "postponeTime",
    "retriesToPerform",
    "ids",
    "lastId",
    "sortOrder",
    "status",
    "dateFrom",
    "dateTo",
    "offset",
    "size",
    "name",
    "disposition",
]
values = st.one_of(
    st.text(max_size=20), st.integers().map(str), st.sampled_from(["+12025550100", "-1", "a.pdf", "http://["])
)


@given(
    path=st.sampled_from(PATHS),
    part=values,
    query=st.dictionaries(st.sampled_from(NAMES), values, max_size=4),
    body=st.binary(max_size=100),
    content_type=st.sampled_from(["application/json", "multipart/form-data; boundary=B", "text/plain", "x"]),
)
@settings(max_examples=150, deadline=None)
def test_no_request_whatever_makes_the_simulator_itself_fail(shared_server, **given):
    method, template = given["path"]
    simulator = shared_server.simulator
    simulator.configure(interfax_status_limit=None)
    accounts = simulator.accounts
    is_faxto = template.startswith("/api")
    answer = requests.request(
        method,
        shared_server.url + template.format(requests.utils.quote(given["part"], safe="")),
        params=given["query"] | ({"api_key": accounts.faxto["faxto-demo"]} if is_faxto else {}),
        auth=None if is_faxto else ("interfax-demo", accounts.interfax["interfax-demo"]),
        data=given["body"],
        headers={"Content-Type": given["content_type"]},
        allow_redirects=False,
        timeout=60,
    )
    assert answer.status_code < 500
    assert simulator.faxes() is not None


@pytest.fixture(scope="module")
def shared_server():
    with SimulatorServer() as server:
        yield server
