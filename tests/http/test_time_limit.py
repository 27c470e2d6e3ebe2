"""Each exchange has an end, wherever the far side drips; its socket is closed then, and it is lost contact."""

from __future__ import annotations

import socket
import threading

import pytest
from support.tls import certificate_for, tls

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxNotConnectedError
from airflow_provider_faxto.http import transport as transport_module
from airflow_provider_faxto.vendors.base import DocumentSlice, FaxRequest, RequestKind

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# What comes at once, what is repeated, and what makes a whole answer of it in the end.
DRIPS = {
    "its status line": (b"HTTP/1.1 200 O", b"K", b"\r\nContent-Length: 2\r\n\r\n{}"),
    "a header": (HEAD + b"X-Slow: ", b"a", b"\r\nContent-Length: 2\r\n\r\n{}"),
    "one 100 Continue after the other": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"Content-Length: 2\r\n\r\n{}"),
    "headers of a 100 Continue": (
        b"HTTP/1.1 100 Continue\r\nX: ",
        b"y",
        b"\r\n\r\n" + HEAD + b"Content-Length: 0\r\n\r\n",
    ),
    "the size of a chunk": (CHUNKED, b"0", b"2\r\n{}\r\n0\r\n\r\n"),
    "an extension of a chunk": (CHUNKED + b"2;", b"x", b"\r\n{}\r\n0\r\n\r\n"),
    "its chunks": (CHUNKED, b"1\r\n \r\n", b"0\r\n\r\n"),
    "its trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n", b"\r\n"),
    "a trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nX: ", b"y", b"\r\n\r\n"),
    "its body": (HEAD + b"Content-Length: 300\r\n\r\n", b" ", b""),
    "a body without a length": (HEAD + b"\r\n", b" ", b""),
}
every_drip = pytest.mark.parametrize("drip", DRIPS)


def request_of(kind, **fields):
    return FaxRequest(action="do a thing", kind=kind, method="POST", path="/thing", **fields)


class Dripping:
    """What a server does that drips until the client goes; bounded, so that a client who waits is found out."""

    def __init__(self, drip):
        self.first, self.again, self.last = DRIPS[drip]
        self.left = threading.Event()

    def __call__(self, _, far):
        try:
            far.socket.sendall(self.first)
            for _ in range(300):
                if far.server.over.wait(0.02):
                    return
                far.socket.sendall(self.again)
            far.socket.sendall(self.last)
        except OSError:
            self.left.set()


def fails(exchange, request):
    with pytest.raises(FaxLostContactError) as caught:
        exchange(request)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


@every_drip
@pytest.mark.parametrize("kind", [RequestKind.READ, RequestKind.SEND])
def test_an_answer_that_drips_has_an_end_and_its_socket_is_closed(raw_server, transport, drip, kind):
    dripping = Dripping(drip)
    server = raw_server(dripping)

    error = fails(transport(server.url, read=0.2).exchange, request_of(kind))

    assert not isinstance(error, FaxNotConnectedError)
    assert "did not answer within 0.2 s, or not in full within twice that" in str(error)
    assert dripping.left.wait(60)
    assert len(server.requests) == 1


def test_an_answer_that_drips_in_time_comes_back(raw_server, transport):
    def answer(_, far):
        for piece in HEAD + b"Content-Length: 2\r\n\r\n{}":
            far.socket.sendall(bytes([piece]))
        return True

    assert transport(raw_server(answer).url).exchange(request_of(RequestKind.READ)).body == b"{}"


@every_drip
def test_an_answer_that_drips_through_tls_has_an_end(raw_server, transport, tmp_path, monkeypatch, drip):
    dripping = Dripping(drip)
    certificate = certificate_for(tmp_path, "localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    server = tls(raw_server, certificate, dripping)

    error = fails(transport(server.url, read=0.2).exchange, request_of(RequestKind.READ))

    assert not isinstance(error, FaxNotConnectedError)
    assert dripping.left.wait(60)


@pytest.mark.parametrize("drip", ["its status line", "a header"])
def test_a_proxy_that_drips_has_an_end_too_and_nothing_was_sent(raw_server, transport, monkeypatch, drip):
    dripping = Dripping(drip)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", raw_server(dripping).url)

    error = fails(transport("https://fax.example", read=0.2).exchange, request_of(RequestKind.SEND))

    assert isinstance(error, FaxNotConnectedError)
    assert dripping.left.wait(60)


def test_a_request_that_is_taken_in_drop_by_drop_has_an_end(transport, monkeypatch):
    monkeypatch.setattr(transport_module, "SLOWEST_LINE", 1e12)
    over = threading.Event()

    def sip():
        far, _ = listening.accept()
        with far:
            for _ in range(300):
                if over.wait(0.02) or not far.recv(16 * 1024):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=sip, daemon=True)
        thread.start()
        carrier = transport(f"http://127.0.0.1:{listening.getsockname()[1]}", upload=0.2)
        document = FaxDocument.from_bytes(bytes(30_000_000), "pdf")
        error = fails(carrier.exchange, request_of(RequestKind.SEND, document=DocumentSlice.whole(document)))
        over.set()
        thread.join(60)

    assert type(error) is FaxLostContactError


def test_a_large_document_is_given_the_time_that_a_slow_line_needs(raw_server, transport, monkeypatch):
    monkeypatch.setattr(transport_module, "SLOWEST_LINE", 100.0)
    moments = iter(range(0, 1000, 50))
    monkeypatch.setattr(clock, "of_sockets", lambda: next(moments, 1000))
    server = raw_server(lambda _, far: far.answer())
    document = FaxDocument.from_bytes(bytes(100_000), "pdf")

    carrier = transport(server.url, upload=0.2, read=0.2)

    assert carrier.exchange(request_of(RequestKind.UPLOAD, document=DocumentSlice.whole(document))).status == 200


def test_each_exchange_of_a_kept_connection_has_its_own_time(raw_server, transport, monkeypatch):
    server = raw_server(lambda _, far: far.answer())
    now = [0.0]
    monkeypatch.setattr(clock, "of_sockets", lambda: now[0])
    carrier = transport(server.url)

    for _ in range(3):
        assert carrier.exchange(request_of(RequestKind.READ)).status == 200
        now[0] += 1000.0

    assert server.connections == 1


def test_the_time_that_a_connection_takes_is_not_that_of_the_exchange(raw_server, transport, monkeypatch):
    server = raw_server(lambda _, far: far.answer())
    now = [0.0]
    monkeypatch.setattr(clock, "of_sockets", lambda: now[0])
    resolve = socket.getaddrinfo

    def resolve_slowly(*arguments, **options):
        now[0] += 1000.0
        return resolve(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_slowly)

    assert transport(server.url).exchange(request_of(RequestKind.SEND)).status == 200


def test_a_limit_that_is_over_tells_nothing_of_the_request(raw_server, transport, key, log_watch):
    server = raw_server(Dripping("a header"))

    error = fails(transport(server.url, read=0.1).exchange, request_of(RequestKind.READ, query=[("api_key", key)]))

    assert key not in f"{error} {error!r}"
    log_watch.check(error)
