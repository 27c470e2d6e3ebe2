"""Delivery receipts as they arrive, over HTTP."""

from __future__ import annotations

import threading

import pytest
import requests
from support.waiting import wait_for

from airflow_provider_faxto.simulator import Clock, Settings, Simulator, SimulatorServer
from airflow_provider_faxto.simulator.callbacks import delivery as module

THREAD = "fax-simulator-callbacks"


def threads():
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


def told(simulator, count):
    wait_for(lambda: len(simulator.receipts()) >= count)
    return simulator.receipts()


def test_faxto_posts_a_form_when_a_fax_has_ended(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url)
    job_id = faxto.send("+12025550102")
    assert simulator.receipts() == receiver.posts == []
    simulator.finish()
    (receipt,) = told(simulator, 1)
    assert receiver.posts == [
        {
            "path": "/hook?from=fax",
            "type": "application/x-www-form-urlencoded",
            "form": {
                "fax_job_id": str(job_id),
                "status": "failed",
                "msg_code": "busy",
                "message": "Fax Failed - Line Busy",
            },
        }
    ]
    (fax,) = simulator.faxes()
    assert receipt == {
        "time": receipt["time"],
        "due_at": fax["final_at"],
        "vendor": "faxto",
        "job_id": fax["id"],
        "attempt": 1,
        "http_status": 200,
    }
    assert receipt["time"] > receipt["due_at"]


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_interfax_and_extrafax_post_a_form_once(simulator, request, receiver, vendor):
    client = request.getfixturevalue(vendor)
    simulator.configure(interfax_callback_url=receiver.url)
    receiver.statuses = [500]
    fax_id = client.send("+999-9999-6017", retriesToPerform=1, reference="airflow-1")
    simulator.finish()
    (receipt,) = told(simulator, 1)
    assert (receipt["vendor"], receipt["job_id"], receipt["http_status"]) == (vendor, fax_id, 500)
    form = receiver.forms()[0]
    assert (form["TransactionID"], form["Status"], form["Subject"]) == (fax_id, "6017", "airflow-1")
    assert form["UserID"] == client.connection["login"]
    # Faxes that end later are told, and this one is not again.
    client.send()
    simulator.advance(3 * 86_400)
    assert [entry["attempt"] for entry in told(simulator, 2)] == [1, 1]
    assert len(receiver.posts) == 2


def test_faxto_repeats_until_the_answer_is_200(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url)
    receiver.statuses = [500, 302, 201]
    faxto.send()
    simulator.finish()
    told(simulator, 1)
    simulator.advance(15 * 60)
    told(simulator, 2)
    simulator.advance(86_400)
    receipts = told(simulator, 4)
    assert [(entry["attempt"], entry["http_status"]) for entry in receipts] == [(1, 500), (2, 302), (3, 201), (4, 200)]
    assert len({entry["due_at"] for entry in receipts}) == 4
    # A redirect is an answer like any other: it is not followed.
    assert {post["path"] for post in receiver.posts} == {"/hook?from=fax"}
    assert len(receiver.posts) == 4


def test_faxto_gives_up_after_two_days_in_which_nobody_listens(simulator, faxto, receiver):
    receiver.server.server_close()
    simulator.configure(faxto_callback_url=receiver.url)
    faxto.send()
    simulator.finish()
    simulator.advance(10 * 86_400)
    receipts = told(simulator, 192)
    assert {entry["http_status"] for entry in receipts} == {None}
    configured_off(simulator)
    assert [entry["attempt"] for entry in simulator.receipts()] == list(range(1, 193))


def configured_off(simulator):
    """Switch receipts off, and wait until the thread has found that nothing is left to do."""
    simulator.configure(faxto_callback_url=None, interfax_callback_url=None)
    wait_for(lambda: not simulator.simulator.callbacks.is_running)


def test_faxto_can_deliver_a_receipt_again_that_was_answered(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url, faxto_callback_duplicates=1)
    faxto.send()
    simulator.finish()
    told(simulator, 1)
    simulator.advance(15 * 60)
    assert [entry["http_status"] for entry in told(simulator, 2)] == [200, 200]
    assert receiver.forms()[0] == receiver.forms()[1]
    configured_off(simulator)
    assert len(receiver.posts) == 2


def test_the_receiver_may_confirm_a_receipt_with_a_status_call(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url)
    confirmed = []
    receiver.before_answer = lambda form: confirmed.append(faxto.status(int(form["fax_job_id"]))["message"])
    faxto.send("+12025550103")
    simulator.finish()
    told(simulator, 1)
    assert confirmed == ["Fax Failed - Early Hangup"]


def test_receipts_are_told_over_http(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url)
    faxto.send()
    simulator.finish()
    receipts = told(simulator, 1)
    assert faxto.call("GET", "/simulator/receipts").json() == receipts
    simulator.reset()
    assert faxto.call("GET", "/simulator/receipts").json() == []


def test_a_fax_keeps_the_address_of_the_moment_in_which_it_was_accepted(simulator, faxto, receiver):
    faxto.send()
    simulator.configure(faxto_callback_url=receiver.url)
    expected = faxto.send()
    simulator.configure(faxto_callback_url=None)
    faxto.send()
    simulator.finish()
    told(simulator, 1)
    configured_off(simulator)
    assert [form["fax_job_id"] for form in receiver.forms()] == [str(expected)]


def test_nothing_runs_while_no_address_is_set(simulator, faxto, receiver):
    callbacks = simulator.simulator.callbacks
    faxto.send()
    simulator.finish()
    assert not callbacks.is_running
    simulator.configure(faxto_callback_url=receiver.url)
    assert callbacks.is_running
    configured_off(simulator)
    simulator.configure(interfax_callback_url=receiver.url)
    assert callbacks.is_running
    simulator.reset()
    wait_for(lambda: not callbacks.is_running)


def test_a_receipt_of_before_a_reset_is_neither_repeated_nor_told(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url)
    go_on = threading.Event()
    receiver.before_answer = lambda form: go_on.wait(10)
    faxto.send()
    simulator.finish()
    assert receiver.arrived.wait(10)
    simulator.reset()
    go_on.set()
    wait_for(lambda: not simulator.simulator.callbacks.is_running)
    assert simulator.receipts() == []
    assert len(receiver.posts) == 1


def test_an_answer_that_does_not_come_in_time_is_none(simulator, faxto, receiver, monkeypatch):
    monkeypatch.setattr(module, "RESPONSE_SECONDS", 0.05)
    simulator.configure(faxto_callback_url=receiver.url)
    go_on = threading.Event()
    receiver.before_answer = lambda form: go_on.wait(10)
    faxto.send()
    simulator.finish()
    assert told(simulator, 1)[0]["http_status"] is None
    go_on.set()


def test_the_thread_ends_with_the_server(receiver):
    settings = Settings(faxto_callback_url=receiver.url)
    simulator = Simulator(settings=settings, clock=Clock(0))
    assert not simulator.callbacks.is_running
    before = set(threads())
    server = SimulatorServer(simulator)
    with server:
        assert simulator.callbacks.is_running
        # A reset goes back to the settings of the start, so the thread goes on.
        simulator.configure(faxto_callback_url=None)
        wait_for(lambda: not simulator.callbacks.is_running)
        simulator.reset()
        assert simulator.callbacks.is_running
    assert not simulator.callbacks.is_running
    assert set(threads()) <= before


def test_a_receiver_that_hangs_holds_up_the_end_no_longer_than_an_answer_may_take(receiver, monkeypatch):
    monkeypatch.setattr(module, "RESPONSE_SECONDS", 0.2)
    server = SimulatorServer(Simulator(settings=Settings(interfax_callback_url=receiver.url), clock=Clock(0)))
    go_on = threading.Event()
    receiver.before_answer = lambda form: go_on.wait(60)
    with server:
        simulator = server.simulator
        requests.post(
            f"{server.url}/outbound/faxes",
            params={"faxNumber": "+12025550100"},
            data=b"x",
            headers={"Content-Type": "text/plain"},
            auth=("interfax-demo", simulator.accounts.interfax["interfax-demo"]),
            timeout=60,
        ).raise_for_status()
        simulator.finish()
        assert receiver.arrived.wait(10)
    wait_for(lambda: not simulator.callbacks.is_running, seconds=30)
    go_on.set()


def test_a_simulator_that_is_not_served_posts_nothing(receiver):
    simulator = Simulator()
    simulator.configure(faxto_callback_url=receiver.url)
    assert not simulator.callbacks.is_running


def test_many_receipts_arrive_each_once(simulator, faxto, receiver):
    simulator.configure(faxto_callback_url=receiver.url)
    document_id = faxto.upload()
    jobs = [faxto.send(document_id=document_id) for _ in range(60)]
    simulator.finish()
    told(simulator, 60)
    configured_off(simulator)
    assert [form["fax_job_id"] for form in receiver.forms()] == [str(job_id) for job_id in jobs]


def test_no_log_line_of_a_delivery_tells_address_or_number(simulator, interfax, receiver, caplog):
    caplog.set_level("DEBUG")
    simulator.configure(interfax_callback_url=receiver.url)
    interfax.send("+12025550199")
    simulator.finish()
    told(simulator, 1)

    def lines():
        # A copy: the thread may still write.
        records = list(caplog.records)
        return [record.getMessage() for record in records if record.name.startswith("airflow_provider_faxto")]

    # The line is written after the delivery is told.
    wait_for(lambda: any("receipt" in line for line in lines()))
    assert not any("2025550199" in line or "hook" in line for line in lines())


def test_a_server_elsewhere_is_never_told(simulator, faxto):
    for url in ("http://192.0.2.1/x", "https://example.org/x"):
        answer = requests.post(f"{simulator.url}/simulator/settings", json={"faxto_callback_url": url}, timeout=60)
        assert answer.status_code == 400
        assert "loopback" in answer.json()["error"]
    assert simulator.simulator.settings()["faxto_callback_url"] is None
