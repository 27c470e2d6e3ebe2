from __future__ import annotations

import socket
import threading
import time

import pytest
import requests
from support.waiting import wait_for

from airflow_provider_faxto.simulator import Clock, Simulator, SimulatorServer
from airflow_provider_faxto.simulator.faults import BODIES, ENDPOINTS, Fault, FaultBoard, FaultKind, When

NO_ANSWER = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def try_send(client):
    """Send a fax to any vendor, and give the answer as it comes."""
    if client.connection["conn_type"] == "faxto":
        document_id = client.upload()
        return client.post("/fax", data={"fax_number": "+12025550100", "document_id": document_id})
    return client.try_send()


@pytest.fixture(params=["faxto", "interfax", "extrafax"])
def client(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def vendor(client):
    return client.connection["conn_type"]


# What strikes a send ---------------------------------------------------------------------------------------


def test_a_lost_answer_leaves_an_accepted_fax(simulator, client, vendor):
    simulator.fault("lost_answer", endpoint="send")
    with pytest.raises(requests.ConnectionError, match="without response"):
        try_send(client)
    assert len(simulator.faxes(vendor)) == 1
    assert try_send(client).ok
    assert len(simulator.faxes(vendor)) == 2


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_a_reset_strikes_before_or_after_the_fax_is_accepted(simulator, client, when, accepted):
    simulator.fault("reset", endpoint="send", when=when)
    with pytest.raises(requests.ConnectionError):
        try_send(client)
    assert len(simulator.faxes()) == accepted


@pytest.mark.parametrize(("kind", "is_reset"), [("reset", True), ("lost_answer", False)])
def test_a_reset_is_a_reset_and_a_lost_answer_an_orderly_end(simulator, kind, is_reset):
    simulator.fault(kind, when="after")
    host, _, port = simulator.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"GET /api/v2/balance HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        try:
            assert connection.recv(1) == b""
        except ConnectionResetError:
            assert is_reset
        else:
            assert not is_reset


def test_a_reset_breaks_a_large_upload_in_the_middle(simulator, faxto):
    simulator.fault("reset", endpoint="upload")
    with pytest.raises(requests.ConnectionError):
        faxto.upload(b"x" * 20_000_000)
    assert faxto.get("/files").json() == []


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(
    "fault", [{"kind": "server_error"}, {"kind": "server_error", "http_status": 503}, {"kind": "html"}]
)
def test_a_page_can_come_with_or_without_an_accepted_fax(client, fault, when, accepted):
    client.simulator.fault(**fault, endpoint="send", when=when)
    answer = try_send(client)
    assert answer.status_code == {"html": 200}.get(fault["kind"], fault.get("http_status", 500))
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert len(client.simulator.faxes()) == accepted


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_a_redirect_can_come_with_or_without_an_accepted_fax(client, when, accepted):
    client.simulator.fault("redirect", endpoint="send", when=when)
    answer = try_send(client)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    assert len(client.simulator.faxes()) == accepted


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_a_refusal_can_come_from_whoever_stands_before_the_vendor(client, vendor, status, when, accepted):
    bodies = {}
    for body in BODIES:
        client.simulator.fault("server_error", endpoint="send", http_status=status, body=body, when=when)
        answer = try_send(client)
        assert answer.status_code == status
        bodies[body] = answer
    assert bodies["empty"].content == b""
    assert bodies["html"].headers["Content-Type"] == "text/html; charset=utf-8"
    assert set(bodies["json"].json()) == {"error"}
    assert set(bodies["vendor"].json()) >= ({"status", "message"} if vendor == "faxto" else {"code", "message"})
    assert len(client.simulator.faxes()) == accepted * len(BODIES)


@pytest.mark.parametrize(("when", "accepted"), [("before", 0), ("after", 1)])
def test_a_send_can_be_told_a_strangers_fax(client, vendor, when, accepted):
    client.simulator.fault("stranger_id", endpoint="send", when=when)
    answer = try_send(client)
    assert answer.ok
    told = str(answer.json()["fax_job_id"]) if vendor == "faxto" else answer.headers["Location"].rpartition("/")[2]
    faxes = client.simulator.faxes()
    assert [fax["id"] for fax in faxes if fax["stranger"]] == [told]
    assert len([fax for fax in faxes if not fax["stranger"]]) == accepted


def test_a_send_that_is_refused_is_told_no_strangers_fax(simulator, interfax):
    simulator.fault("stranger_id", endpoint="send")
    assert interfax.try_send("12").status_code == 400
    assert simulator.faxes() == []


def test_a_document_can_be_gone_before_it_is_sent(simulator, faxto):
    document_id = faxto.upload()
    simulator.fault("lost_upload", endpoint="send")
    answer = faxto.post("/fax", data={"fax_number": "+12025550100", "document_id": document_id})
    assert answer.json()["status"] == "failed"
    assert simulator.faxes() == []


def test_a_rate_limit_answers_in_the_vendors_way(simulator, faxto, interfax):
    simulator.fault("rate_limit", times=2)
    assert faxto.get("/balance").status_code == 403
    answer = interfax.get("/outbound/faxes")
    assert (answer.status_code, answer.json()["code"]) == (429, -1011)


def test_a_new_id_can_be_unreadable(simulator, faxto, interfax):
    simulator.fault("garbled_id", endpoint="send", times=2)
    answer = try_send(faxto).json()
    assert answer["status"] == "executed"
    assert "fax_job_id" not in answer
    answer = try_send(interfax)
    assert (answer.status_code, answer.headers["Location"]) == (201, "outbound/?")
    assert len(simulator.faxes()) == 2
    simulator.fault("garbled_id", endpoint="upload")
    upload = faxto.post("/files", files={"file": ("a.pdf", b"x")}).json()
    assert (upload["status"], "document_id" in upload, "document" in upload) == ("Success", False, False)
    simulator.fault("garbled_id", endpoint="files")
    assert len(faxto.get("/files").json()) == 2


# What strikes a read ---------------------------------------------------------------------------------------


def test_an_answer_can_break_off_before_its_length(simulator, faxto, interfax):
    simulator.fault("truncated", times=2)
    with pytest.raises(NO_ANSWER):
        faxto.get("/balance")
    with pytest.raises(NO_ANSWER):
        interfax.get("/outbound/search")


def test_an_empty_answer_can_break_off_too(simulator, interfax):
    simulator.fault("truncated", endpoint="send")
    with pytest.raises(NO_ANSWER):
        interfax.try_send()
    assert len(simulator.faxes()) == 1


def test_json_can_stop_in_the_middle_of_a_complete_answer(simulator, faxto, interfax):
    fax_id = interfax.send()
    simulator.fault("cut_json", times=2)
    for answer in (faxto.get("/balance"), interfax.get(f"/outbound/faxes/{fax_id}")):
        assert answer.status_code == 200
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


def test_a_list_can_be_empty_although_it_should_not(simulator, faxto, interfax):
    job_id = faxto.send()
    interfax.send(reference="there")
    simulator.fault("empty_list", times=4)
    assert faxto.history() == []
    assert faxto.get("/files").json() == []
    assert interfax.search(reference="there") == []
    assert faxto.status(job_id)["status"] == "success"
    assert len(faxto.history()) == len(interfax.search(reference="there")) == 1


# Slow answers ----------------------------------------------------------------------------------------------


def test_a_slow_answer_comes_after_the_fax_was_accepted(simulator, faxto, interfax):
    data = {"fax_number": "+12025550100", "document_id": faxto.upload()}
    simulator.fault("slow", endpoint="send", when="after", delay=60, times=2)
    with pytest.raises(requests.ReadTimeout):
        faxto.post("/fax", data=data, timeout=(60, 0.1))
    with pytest.raises(requests.ReadTimeout):
        interfax.try_send(timeout=(60, 0.1))
    wait_for(lambda: [fax["vendor"] for fax in simulator.faxes()] == ["faxto", "interfax"])


def test_a_slow_call_is_carried_out_although_the_client_has_gone():
    passed = 0.0
    simulator = Simulator(clock=Clock(0, monotonic=lambda: passed))
    with SimulatorServer(simulator) as server:
        simulator.fault("slow", endpoint="send", delay=3600)
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{server.url}/outbound/faxes",
                params={"faxNumber": "+12025550100"},
                data=b"x",
                headers={"Content-Type": "text/plain"},
                auth=("interfax-demo", simulator.accounts.interfax["interfax-demo"]),
                timeout=(60, 0.1),
            )
        wait_for(lambda: simulator.faults()[0]["struck"])
        assert simulator.faxes() == []
        passed = 3600.0
        wait_for(lambda: len(simulator.faxes()) == 1)


def test_a_slow_answer_is_the_usual_one_in_the_end(simulator, faxto):
    simulator.fault("slow", delay=0.05)
    begun = time.monotonic()
    assert faxto.get("/balance").json() == {"status": "success", "balance": 10_000}
    assert time.monotonic() - begun >= 0.05


def test_a_reset_of_the_simulator_forgets_what_a_slow_call_holds_back(simulator, faxto):
    data = {"fax_number": "+12025550100", "document_id": faxto.upload()}
    simulator.fault("slow", endpoint="send", delay=60)
    errors = []

    def send():
        try:
            faxto.post("/fax", data=data)
        except requests.ConnectionError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    wait_for(lambda: simulator.simulator.faults()[0]["struck"] == 1)
    simulator.reset()
    thread.join(10)
    assert len(errors) == 1
    assert simulator.faxes() == []


# Which calls are struck --------------------------------------------------------------------------------------


def test_a_fault_strikes_its_vendors_call_alone_and_as_often_as_ordered(simulator, faxto, interfax, extrafax):
    simulator.fault("html", vendor="interfax", endpoint="balance", times=2, skip=1)

    def is_html(answer):
        return answer.headers["Content-Type"].startswith("text/html")

    path = "/accounts/self/ppcards/balance"
    assert not is_html(faxto.get("/balance"))
    assert not is_html(extrafax.get(path))
    assert not is_html(interfax.get("/outbound/search"))
    assert [is_html(interfax.get(path)) for _ in range(4)] == [False, True, True, False]
    assert simulator.simulator.faults()[0]["struck"] == 2


def test_the_log_tells_which_fault_struck(simulator, faxto):
    simulator.fault("lost_answer", endpoint="balance")
    with pytest.raises(requests.ConnectionError):
        faxto.get("/balance")
    entry = simulator.requests()[-1]
    assert (entry["endpoint"], entry["http_status"], entry["fault"]) == ("balance", None, "lost_answer")
    assert simulator.simulator.request_counts() == {"faxto balance no response": 1}


def test_chance_is_repeatable_and_faults_can_be_cleared():
    def struck(seed):
        board = FaultBoard()
        board.post(Fault(FaultKind.HTML, times=None, probability=0.3, seed=seed))
        return [board.take("faxto", "send") is not None for _ in range(200)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 30 < sum(struck(1)) < 90
    board = FaultBoard()
    board.post(Fault(FaultKind.HTML, times=None))
    board.clear()
    assert board.take("faxto", "send") is None
    assert board.to_dicts() == []


def test_the_first_fault_that_strikes_is_the_only_one():
    board = FaultBoard()
    board.post(Fault(FaultKind.HTML))
    board.post(Fault(FaultKind.RESET))
    kinds = [fault.kind if fault else None for fault in (board.take("faxto", "send") for _ in range(3))]
    assert kinds == [FaultKind.HTML, FaultKind.RESET, None]


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "explosion"},
        {"kind": "html", "when": "during"},
        {"kind": "lost_answer", "when": "before"},
        {"kind": "truncated", "when": "before"},
        {"kind": "html", "vendor": "other"},
        {"kind": "html", "endpoint": "sned"},
        {"kind": "html", "vendor": "faxto", "endpoint": "completed"},
        {"kind": "html", "times": 0},
        {"kind": "html", "skip": -1},
        {"kind": "html", "probability": 0},
        {"kind": "html", "delay": 1},
        {"kind": "slow"},
        {"kind": "server_error", "http_status": 200},
        {"kind": "server_error", "body": "xml"},
        {"kind": "html", "body": "json"},
        {"kind": "lost_upload", "when": "after"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order):
    with pytest.raises(ValueError):  # noqa: PT011 - enum and own messages both are ValueErrors
        Fault(**order)


def test_every_call_that_can_fail_is_a_call_of_the_vendor(simulator):
    app = simulator.simulator.app
    names = {route.name for route in app.routes}
    for endpoints in ENDPOINTS.values():
        assert set(endpoints) <= names


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_of_fault_works_on_every_side_that_it_names(simulator, faxto, kind):
    delay = {"delay": 0.01} if kind is FaultKind.SLOW else {}
    for when in When:
        try:
            simulator.fault(kind, endpoint="history", when=when, **delay)
        except ValueError:
            assert when is (When.AFTER if kind is FaultKind.LOST_UPLOAD else When.BEFORE)
            continue
        try:
            faxto.get("/fax-history")
        except NO_ANSWER:
            assert kind in (FaultKind.LOST_ANSWER, FaultKind.RESET, FaultKind.TRUNCATED)
        assert simulator.requests()[-1]["fault"] == kind.value
    assert faxto.history() == []
