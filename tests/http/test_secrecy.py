"""Nothing tells a key, a full number or a document's name: no log at any level, no error, nothing behind one.

The servers here are as indiscreet as can be: whatever goes wrong, they say back all that they were told. Each
fault meets each vendor and each kind of call; and whatever the fault, a send goes out once.
"""

from __future__ import annotations

import base64
import itertools
import json
import logging

import pendulum
import pytest

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
)

KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
SINCE = pendulum.datetime(2025, 3, 1)
HEADER_KEY = "k+y/=&%#?"

# By name: the connection type, its secret, and more of its extra.
ACCOUNTS = {
    "faxto in the query": ("faxto", "k+y/=&%é", {}),
    "faxto in a header": ("faxto", HEADER_KEY, {"api_key_in": "header"}),
    "interfax": ("interfax", "k+y/=&%é", {}),
    "extrafax": ("extrafax", "k+y/=&%é", {}),
}


def echo_of(request):
    """Everything that a request told, in every place of an answer where it could stand."""
    told = f"{request.target} {request.headers} {request.body[:300]!r}"
    location = "http://127.0.0.1:1" + request.target
    return told, {"Location": location, "X-Echo": told.replace("\n", " ")[:4000]}


def echoing(status):
    def answer(request, far):
        told, headers = echo_of(request)
        return far.answer(status, f"<html>{told}</html>", headers)

    return answer


def echoing_json(status):
    def answer(request, far):
        told, headers = echo_of(request)
        headers.pop("Location")
        return far.answer(status, json.dumps({"status": "failed", "code": -1001, "message": told}), headers)

    return answer


def truncated(request, far):
    told, headers = echo_of(request)
    return far.answer(200, json.dumps({"status": told})[:-2], headers, length=100_000)


def broken_headers(request, far):
    told, _ = echo_of(request)
    far.socket.sendall(f"HTTP/1.1 200 OK\r\nno header {request.target}\r\n\r\n{told}".encode())


FAULTS = {
    "time-out": lambda _, far: far.stall(),
    "reset": lambda _, far: far.reset(),
    "lost answer": lambda _, far: False,
    "500": echoing(500),
    "502 in JSON": echoing_json(502),
    "HTML": echoing(200),
    "truncated": truncated,
    "redirect": echoing(302),
    "307": echoing(307),
    "401": echoing(401),
    "401 in JSON": echoing_json(401),
    "403": echoing(403),
    "403 in JSON": echoing_json(403),
    "404 in JSON": echoing_json(404),
    "400 in JSON": echoing_json(400),
    "429 in JSON": echoing_json(429),
    "failed in JSON": echoing_json(200),
    "no HTTP": lambda request, far: far.socket.sendall(request.raw[:200]),
    "broken headers": broken_headers,
}
# What each fault means behind a send: everything that is not in here leaves it open.
CLEAR = {
    "401": FaxAuthenticationError,
    "401 in JSON": FaxAuthenticationError,
    "403 in JSON": (FaxThrottledError, FaxRefusedError),
    "404 in JSON": FaxError,
    "400 in JSON": FaxRefusedError,
    "429 in JSON": FaxThrottledError,
    "failed in JSON": FaxRefusedError,
}
CALLS = {
    "send": lambda hook, number, letter: hook.send_fax(number, letter, reference=KEY),
    "upload": lambda hook, number, letter: hook.upload_document(letter),
    "status": lambda hook, number, letter: hook.get_status("700000001"),
    "find": lambda hook, number, letter: hook.find_jobs(reference=KEY, fax_number=number),
    "recent": lambda hook, number, letter: hook.find_jobs(reference=KEY, fax_number=number, since=SINCE),
    "history": lambda hook, number, letter: list(hook.iter_history()),
}


@pytest.fixture(params=ACCOUNTS)
def account(request):
    return ACCOUNTS[request.param]


@pytest.fixture
def call(account, connect, raw_server, named_letter, number):
    """Make a call that meets a fault: ``call("send", "reset")`` gives the error, the server and the secrets."""

    def make(what, fault):
        conn_type, secret, extra = account

        def behave(request, far):
            # The send alone shall fail, so what comes before it must work.
            if what == "send" and not request.sends:
                return far.answer(200, {"status": "success", "document_id": 1})
            return FAULTS[fault](request, far)

        server = raw_server(behave)
        timeout = {"connect": 10, "read": 10, "upload": 10}
        if fault == "time-out":
            # Fax.to's upload before a send shall succeed, however busy the machine is.
            timeout |= {"read": 0.1} if (what, conn_type) == ("send", "faxto") else {"read": 0.1, "upload": 0.1}
        hook = connect(conn_type, server.url, password=secret, timeout=timeout, **extra)
        with pytest.raises(FaxError) as caught:
            CALLS[what](hook, number, named_letter)
        server.wait_for_request(sends=what == "send")
        return caught.value, server, secrets_of(account)

    return make


def secrets_of(account):
    conn_type, secret, _ = account
    return (secret,) if conn_type == "faxto" else (secret, base64.b64encode(f"jane:{secret}".encode()).decode())


@pytest.mark.parametrize(("what", "fault"), list(itertools.product(CALLS, FAULTS)))
def test_no_fault_tells_what_nobody_may_know(call, log_watch, what, fault):
    error, server, secrets = call(what, fault)

    # It did go out; or there would be nothing to hide.
    assert server.requests
    assert log_watch.records
    log_watch.check(error, secrets=secrets)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_send_goes_out_once_and_is_uncertain_unless_the_no_is_clear(call, account, fault):
    error, server, _ = call("send", fault)

    assert server.sends == 1
    if fault == "failed in JSON" and account[0] != "faxto":
        # Not how InterFAX says no: there a "200" may be a fax.
        assert type(error) is FaxUncertainSendError
    elif fault in CLEAR:
        assert isinstance(error, CLEAR[fault])
        assert not isinstance(error, (FaxUncertainSendError, FaxLostContactError))
    else:
        assert type(error) is FaxUncertainSendError


@pytest.mark.parametrize("what", ["send", "status", "find"])
def test_a_refused_connection_tells_nothing_either(  # noqa: PLR0917 - a table
    account, connect, closed_port, log_watch, named_letter, number, what
):
    conn_type, secret, extra = account
    hook = connect(conn_type, closed_port, password=secret, **extra)

    with pytest.raises(FaxNotConnectedError) as caught:
        CALLS[what](hook, number, named_letter)

    assert log_watch.records
    log_watch.check(caught.value, secrets=secrets_of(account))


def test_a_call_that_works_tells_nothing_either(account, connect, raw_server, log_watch, named_letter, number):  # noqa: PLR0917
    conn_type, secret, extra = account

    def behave(request, far):
        if request.sends:
            location = {"Location": "http://127.0.0.1/outbound/faxes/700000001"}
            return far.answer(201, {"status": "executed", "fax_job_id": 700000001}, location)
        return far.answer(200, {"status": "success", "document_id": 1})

    hook = connect(conn_type, raw_server(behave).url, password=secret, **extra)

    job = hook.send_fax(number, named_letter, reference=KEY)

    assert job.job_id == "700000001"
    assert "/fax" in log_watch.log
    log_watch.check(secrets=secrets_of(account))
    assert number[1:] not in repr(job)


def test_a_job_told_in_a_status_does_not_tell_the_number(account, connect, raw_server, log_watch, number):
    conn_type, secret, extra = account

    def behave(request, far):
        return far.answer(
            200,
            {
                "id": 700000001,
                "status": 6017 if conn_type != "faxto" else "success",
                "message": f"Fax Failed - Line Busy ({number} with {secret})",
                "destinationFax": number,
                "reference": KEY,
            },
        )

    status = connect(conn_type, raw_server(behave).url, password=secret, **extra).get_status("700000001")
    logging.getLogger("airflow.task").info("%s %s", status, status.to_dict())

    assert str(status.cause) == "busy"
    log_watch.check(secrets=secrets_of(account))
