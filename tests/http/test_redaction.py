"""The HTTP library's log lines: without queries while this package makes a request, else as they are."""

from __future__ import annotations

import logging
import threading

import pytest
import requests

from airflow_provider_faxto.http.redaction import urls_out_of_logs
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind


@pytest.fixture
def telling(key, number):
    """A request whose query tells the key and the recipient."""
    query = [("api_key", key), ("faxNumber", number)]
    return FaxRequest(action="read a thing", kind=RequestKind.READ, method="GET", path="/thing", query=query)


def test_queries_are_out_of_the_log(raw_server, transport, log_watch, telling):
    server = raw_server(lambda _, far: far.answer())

    transport(server.url).exchange(telling)

    assert "/thing" in log_watch.log
    assert "api_key" not in log_watch.log
    log_watch.check()


def test_headers_that_cannot_be_read_put_no_url_into_the_log(raw_server, transport, log_watch, telling):
    def answer(request, far):
        far.socket.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header at all " + request.target.encode() + b"\r\n\r\n{}"
        )

    transport(raw_server(answer).url).exchange(telling)

    assert "parse headers" in log_watch.log
    assert "api_key" not in log_watch.log
    log_watch.check()


def test_other_code_keeps_its_lines(raw_server, transport, log_watch, telling):
    server = raw_server(lambda _, far: far.answer())
    transport(server.url).exchange(telling)

    requests.get(f"{server.url}/other?page=2", timeout=5)

    assert "/other?page=2" in log_watch.log


def test_other_threads_keep_their_lines_meanwhile(raw_server, transport, caplog, telling):
    arrived, go_on = threading.Event(), threading.Event()

    def behave(request, far):
        if request.path == "/thing":
            arrived.set()
            go_on.wait(10)
        return far.answer()

    server = raw_server(behave)
    caplog.set_level("DEBUG", logger="urllib3.connectionpool")
    ours = threading.Thread(target=transport(server.url).exchange, args=(telling,))
    ours.start()
    assert arrived.wait(10)
    requests.get(f"{server.url}/other?page=2", timeout=5)
    go_on.set()
    ours.join(10)

    assert "/other?page=2" in caplog.text
    assert "api_key" not in caplog.text


def test_the_lines_are_whole_again_behind_an_error(caplog):
    caplog.set_level("DEBUG", logger="urllib3.connectionpool")
    log = logging.getLogger("urllib3.connectionpool")

    def fail_inside():
        with urls_out_of_logs():
            log.debug("%s %s", "GET", "/fax?secret=1")
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail_inside()
    log.debug("%s %s", "GET", "/fax?page=2")

    assert caplog.messages == ["GET /fax", "GET /fax?page=2"]


def test_one_filter_serves_however_many_requests_there_are():
    before = len(logging.getLogger("urllib3.connection").filters)

    for _ in range(3):
        with urls_out_of_logs():
            pass

    assert len(logging.getLogger("urllib3.connection").filters) <= max(before, 1)
