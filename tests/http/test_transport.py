"""The transport against servers of a few lines: one request out, once, and nothing of it told."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import http.server
import io
import json
import socket
import threading
import time
import tracemalloc
from urllib.parse import parse_qsl

import pytest
from support.tls import certificate_for, tls

from airflow_provider_faxto import __version__
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxConfigurationError,
    FaxDocumentError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.vendors.base import (
    Base64Document,
    DocumentSlice,
    FaxRequest,
    MultipartPart,
    RequestKind,
)

READ = FaxRequest(action="read a thing", kind=RequestKind.READ, method="GET", path="/thing")
LETTER = FaxDocument.from_bytes(b"%PDF-1.4 a letter", "pdf")
KINDS = list(RequestKind)


def request_of(kind, **fields):
    return FaxRequest(**{"action": "do a thing", "kind": kind, "method": "POST", "path": "/thing", **fields})


BODIES = {
    "raw": lambda document: {"document": DocumentSlice.whole(document)},
    "multipart": lambda document: {"parts": [MultipartPart(name="a", content=document)]},
    "json": lambda document: {"json": {"file": Base64Document(document)}},
    "form": lambda document: {"form": [("file", Base64Document(document))]},
}
every_body = pytest.mark.parametrize("body_of", BODIES.values(), ids=BODIES)


def sending(document, kind=RequestKind.SEND):
    return request_of(kind, document=DocumentSlice.whole(document))


def fails(exchange, *arguments):
    """Return the error that a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test looks at it
        exchange(*arguments)
    return caught.value


# What goes out and what comes back --------------------------------------------------------------------


def test_an_answer_comes_back_whatever_its_status(raw_server, transport):
    server = raw_server(lambda _, far: far.answer(418, b"short and stout", {"X-Kind": "Teapot"}))

    response = transport(server.url).exchange(READ)

    assert (response.status, response.body, response.headers["x-kind"]) == (418, b"short and stout", "Teapot")


def test_every_request_names_the_package_and_its_version(raw_server, transport):
    server = raw_server(lambda _, far: far.answer())
    carrier = transport(server.url)

    carrier.exchange(READ)
    carrier.exchange(request_of(RequestKind.SEND))

    assert {request.headers["user-agent"] for request in server.requests} == {f"airflow-provider-faxto/{__version__}"}


def test_the_query_is_encoded_and_the_headers_go_as_they_are(raw_server, transport, key):
    server = raw_server(lambda _, far: far.answer())
    query = [("a", "b c+d"), ("api_key", key)]

    transport(f"{server.url}/base").exchange(request_of(RequestKind.READ, query=query, headers={"X-Token": "abc"}))

    (seen,) = server.requests
    assert seen.target == "/base/thing?a=b+c%2Bd&api_key=k%2By%2F%3D%26%25%C3%A9"
    assert seen.headers["x-token"] == "abc"


def test_a_form_goes_out_as_a_form(raw_server, transport):
    server = raw_server(lambda _, far: far.answer())

    transport(server.url).exchange(request_of(RequestKind.SEND, form=[("fax_number", "+12025550100"), ("x", "1")]))

    (seen,) = server.requests
    assert seen.body == b"fax_number=%2B12025550100&x=1"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_part_of_a_document_goes_out_as_its_bytes(raw_server, transport):
    server = raw_server(lambda _, far: far.answer())

    transport(server.url).exchange(request_of(RequestKind.UPLOAD, document=DocumentSlice(LETTER, 5, 10)))

    (seen,) = server.requests
    assert seen.body == b"1.4 a"
    assert seen.headers["content-length"] == "5"
    assert "transfer-encoding" not in seen.headers


def test_parts_go_out_as_multipart_in_their_order(raw_server, transport):
    server = raw_server(lambda _, far: far.answer())
    parts = [
        MultipartPart(name="file", content=LETTER, filename="document.pdf", content_type="application/pdf"),
        MultipartPart(name="note", content="", headers={"Content-Location": "/outbound/documents/1"}),
    ]

    transport(server.url).exchange(request_of(RequestKind.UPLOAD, parts=parts))

    (seen,) = server.requests
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert int(seen.headers["content-length"]) == len(seen.body)
    second = seen.body.lower().index(b"content-location: /outbound/documents/1")
    assert seen.body.index(b'filename="document.pdf"') < seen.body.index(b"%PDF-1.4 a letter") < second


def test_json_goes_out_as_json(raw_server, transport):
    server = raw_server(lambda _, far: far.answer())

    transport(server.url).exchange(
        request_of(RequestKind.CHANGE, json={"to": ["+12025550100"], "name": "Ä", "n": None})
    )

    (seen,) = server.requests
    assert json.loads(seen.body) == {"to": ["+12025550100"], "name": "Ä", "n": None}
    assert seen.headers["content-type"] == "application/json"
    assert int(seen.headers["content-length"]) == len(seen.body)


# About the three bytes that make four characters, and about a block of what is encoded at a time.
@pytest.mark.parametrize("size", [1, 2, 3, 4, 49_151, 49_152, 49_153, 300_001])
def test_a_document_goes_out_in_base64_with_its_length_told_beforehand(raw_server, transport, size):
    server = raw_server(lambda _, far: far.answer())
    content = bytes(number * 7 % 256 for number in range(size))
    # A storage may give fewer bytes than it is asked for.
    document = document_of(lambda: Dribble(content), content)
    there = Base64Document(document)
    carrier = transport(server.url)

    carrier.exchange(request_of(RequestKind.SEND, json={"to": "x", "files": [{"content": there}, {"content": there}]}))
    carrier.exchange(request_of(RequestKind.SEND, form=[("to", "+1"), ("file", there), ("note", "a&b=c/")]))
    parts = [MultipartPart(name="file", content=there, headers={"Content-Transfer-Encoding": "base64"})]
    carrier.exchange(request_of(RequestKind.UPLOAD, parts=parts))

    in_json, in_form, in_parts = server.requests
    encoded = base64.b64encode(content).decode()
    assert json.loads(in_json.body) == {"to": "x", "files": [{"content": encoded}, {"content": encoded}]}
    assert parse_qsl(in_form.body.decode()) == [("to", "+1"), ("file", encoded), ("note", "a&b=c/")]
    assert b"content-transfer-encoding: base64\r\n\r\n" + encoded.lower().encode() in in_parts.body.lower()
    for seen in server.requests:
        assert int(seen.headers["content-length"]) == len(seen.body)
        assert "transfer-encoding" not in seen.headers


def test_a_request_with_two_bodies_cannot_be_made():
    with pytest.raises(ValueError, match="more than one body"):
        request_of(RequestKind.SEND, form=[("a", "b")], json={"a": "b"})


# Another host -----------------------------------------------------------------------------------------


def test_a_request_that_names_another_host_goes_there_and_nowhere_else(raw_server, transport):
    server, elsewhere = (raw_server(lambda _, far: far.answer(200, b"there")) for _ in range(2))

    response = transport(server.url).exchange(
        request_of(RequestKind.TOKEN, base_url=f"{elsewhere.url}/login", form=[("grant_type", "client_credentials")])
    )

    assert response.body == b"there"
    assert server.connections == 0
    (seen,) = elsewhere.requests
    assert (seen.path, seen.body) == ("/login/thing", b"grant_type=client_credentials")


@pytest.mark.parametrize(
    "base_url",
    ["http://login.example", "login.example", "ftp://login.example", "https://user@login.example", "https://", ""],
)
@pytest.mark.parametrize("kind", KINDS)
def test_another_host_is_not_called_where_what_it_is_sent_could_be_read_on_the_way(
    raw_server, transport, base_url, kind
):
    server = raw_server(lambda _, far: far.answer())

    with pytest.raises(FaxConfigurationError, match="Nothing was sent") as caught:
        transport(server.url).exchange(request_of(kind, base_url=base_url))

    assert "user" not in str(caught.value)
    assert server.connections == 0


def in_pieces(body):
    return [body[place : place + 7] for place in range(0, len(body), 7)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_comes_in_pieces_comes_back_whole(raw_server, transport, packed, chunked):
    content = b'{"status": "success", "history": [' + b"1, " * 1000 + b"2]}"
    body = gzip.compress(content) if packed else content

    def answer(_, far):
        encoding = "Content-Encoding: gzip\r\n" if packed else ""
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        far.socket.sendall(f"HTTP/1.1 200 OK\r\n{encoding}{length}\r\n\r\n".encode())
        for piece in in_pieces(body):
            far.socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            far.socket.sendall(b"0\r\n\r\n")
        return True

    carrier = transport(raw_server(answer).url)

    assert [carrier.exchange(READ).body for _ in range(2)] == [content] * 2


def test_an_answer_without_a_body_is_an_answer(raw_server, transport):
    server = raw_server(lambda _, far: far.socket.sendall(b"HTTP/1.1 204 No Content\r\n\r\n") or True)

    response = transport(server.url).exchange(READ)

    assert (response.status, response.body) == (204, b"")


# What must not happen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", [RequestKind.READ, RequestKind.SEND])
def test_a_redirect_is_not_followed_to_another_host(raw_server, transport, status, kind):
    elsewhere = raw_server(lambda _, far: far.answer())
    server = raw_server(lambda _, far: far.answer(status, b"moved", {"Location": f"{elsewhere.url}/thing"}))

    response = transport(server.url).exchange(request_of(kind, form=[("a", "b")]))

    assert (response.status, response.body) == (status, b"moved")
    assert elsewhere.connections == 0
    assert len(server.requests) == 1


@pytest.mark.parametrize("location", ["http://[", "//[::1", "\xff\xfe"])
def test_a_redirect_to_nonsense_is_an_answer_like_any_other(raw_server, transport, location):
    server = raw_server(lambda _, far: far.answer(302, b"moved", {"Location": location}))

    assert transport(server.url).exchange(request_of(RequestKind.SEND)).status == 302


def test_a_redirect_is_read_no_further_than_any_other_answer(raw_server, transport):
    sent = []

    def large(_, far):
        far.socket.sendall(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n")
        for _piece in range(100):
            far.socket.sendall(bytes(1024 * 1024))
            sent.append(1)

    error = fails(transport(raw_server(large).url).exchange, READ)

    assert type(error) is FaxUnreadableAnswerError
    assert error.http_status == 302
    assert len(sent) < 60


def test_cookies_are_not_kept(raw_server, transport):
    server = raw_server(lambda _, far: far.answer(200, b"{}", {"Set-Cookie": "server=a; Path=/"}))
    carrier = transport(server.url)

    for _ in range(2):
        carrier.exchange(READ)

    assert len(server.requests) == 2
    assert all("cookie" not in request.headers for request in server.requests)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_what_is_allowed_for_this_machine_alone_does_not_go_through_a_proxy(
    raw_server, transport, monkeypatch, variable
):
    proxy = raw_server(lambda _, far: far.answer(200, b"proxy"))
    server = raw_server(lambda _, far: far.answer(200, b"server"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, proxy.url)
    carrier = transport(server.url)

    assert [carrier.exchange(request_of(kind)).body for kind in (RequestKind.READ, RequestKind.SEND)] == [b"server"] * 2
    assert proxy.connections == 0


def test_https_goes_through_the_proxy_of_the_environment(raw_server, transport, monkeypatch):
    proxy = raw_server(lambda _, far: far.answer(407))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy.url)

    error = fails(transport("https://fax.example").exchange, READ)

    assert isinstance(error, FaxLostContactError)
    assert [request.method for request in proxy.requests] == ["CONNECT"]


def test_a_send_does_not_use_a_kept_connection(raw_server, transport):
    # The far side may have closed it; the send would be uncertain for nothing.
    server = raw_server(lambda _, far: far.answer())
    carrier = transport(server.url)

    carrier.exchange(READ)
    carrier.exchange(READ)
    assert server.connections == 1
    carrier.exchange(request_of(RequestKind.SEND))
    assert server.connections == 2


# Lost contact -----------------------------------------------------------------------------------------


def reset(_, far):
    far.reset()


def close(_, far):
    return False


def stall(_, far):
    far.stall()


def drip(_, far):
    far.drip(0.02)


def truncate(_, far):
    return far.answer(200, b'{"status":', length=500)


def cut_chunk(_, far):
    far.socket.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{")


def no_http(_, far):
    far.socket.sendall(b"220 mail.example ESMTP ready\r\n")


def bad_gzip(_, far):
    return far.answer(200, b"this is no gzip", {"Content-Encoding": "gzip"})


def two_lengths(_, far):
    far.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}")


FAULTS = [reset, close, stall, drip, truncate, cut_chunk, no_http, bad_gzip, two_lengths]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_lost_contact_is_one_error_after_one_request(raw_server, transport, fault, kind):
    server = raw_server(fault)
    carrier = transport(server.url, read=0.15, upload=0.15)

    error = fails(carrier.exchange, request_of(kind, query=[("secret", "abc")]))

    assert isinstance(error, FaxLostContactError)
    assert not isinstance(error, FaxNotConnectedError)
    assert str(error).startswith("Could not do a thing: ")
    assert error.__cause__ is None
    assert error.__context__ is None
    server.wait_for_request()
    assert len(server.requests) == 1


def stall_in_the_body(_, far):
    far.socket.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status":')
    far.stall()


@pytest.mark.parametrize("fault", [drip, stall, stall_in_the_body], ids=lambda fault: fault.__name__)
def test_no_answer_lasts_longer_than_twice_its_time_out(raw_server, transport, fault):
    carrier = transport(raw_server(fault).url, read=0.2)

    started = time.monotonic()
    error = fails(carrier.exchange, READ)

    # The far side would go on for six seconds.
    assert time.monotonic() - started < 5
    assert "did not answer within 0.2 s" in str(error)


def test_a_request_that_carries_a_document_is_given_the_time_of_an_upload(raw_server, transport):
    carrier = transport(raw_server(stall).url, read=30, upload=0.2)

    assert "within 0.2 s" in str(fails(carrier.exchange, sending(LETTER)))
    parts = [MultipartPart(name="file", content=LETTER)]
    assert "within 0.2 s" in str(fails(carrier.exchange, request_of(RequestKind.UPLOAD, parts=parts)))
    content = {"file": Base64Document(LETTER)}
    assert "within 0.2 s" in str(fails(carrier.exchange, request_of(RequestKind.UPLOAD, json=content)))


def test_an_upload_that_nobody_reads_is_lost_contact(transport):
    # It stalls while the body goes out; the connection was made, so this is not "never connected".
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        carrier = transport(f"http://127.0.0.1:{deaf.getsockname()[1]}", connect=0.2, read=0.2, upload=0.2)
        error = fails(carrier.exchange, sending(FaxDocument.from_bytes(bytes(16_000_000), "pdf")))

    assert type(error) is FaxLostContactError


def test_an_answer_of_more_than_32_mib_is_unreadable(raw_server, transport):
    server = raw_server(lambda _, far: far.answer(200, bytes(33 * 1024 * 1024)))

    error = fails(transport(server.url).exchange, READ)

    assert type(error) is FaxUnreadableAnswerError
    assert "larger than 32 MiB" in str(error)


def test_an_answer_without_a_length_is_read_only_to_the_limit(raw_server, transport):
    sent = []

    def large(_, far):
        far.socket.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _piece in range(100):
            far.socket.sendall(bytes(1024 * 1024))
            sent.append(1)

    assert type(fails(transport(raw_server(large).url).exchange, READ)) is FaxUnreadableAnswerError
    assert len(sent) < 60


def test_a_small_answer_that_unpacks_to_more_than_32_mib_is_unreadable(raw_server, transport):
    packed = gzip.compress(bytes(40 * 1024 * 1024), compresslevel=1)
    server = raw_server(lambda _, far: far.answer(200, packed, {"Content-Encoding": "gzip"}))

    assert type(fails(transport(server.url).exchange, READ)) is FaxUnreadableAnswerError


@pytest.mark.parametrize("length", ["\xb2", "abc", "-1", ""])
def test_a_length_that_is_none_does_no_harm(raw_server, transport, length):
    def answer(_, far):
        far.socket.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{{}}".encode("latin-1"))

    response = transport(raw_server(answer).url).exchange(READ)

    assert (response.status, response.body) == (200, b"{}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_connection_proves_that_nothing_was_sent(closed_port, transport, kind):
    error = fails(transport(closed_port).exchange, request_of(kind))

    assert type(error) is FaxNotConnectedError
    assert "Nothing was sent" in str(error)
    assert error.__context__ is None


@pytest.mark.parametrize("host", ["https://fax..example", f"https://{'a' * 70}.example"])
def test_a_host_that_can_be_none_proves_that_nothing_was_sent(transport, host):
    assert type(fails(transport(host).exchange, request_of(RequestKind.SEND))) is FaxNotConnectedError


def test_a_host_that_is_not_found_proves_that_nothing_was_sent(transport, monkeypatch):
    def find_nothing(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)

    assert type(fails(transport("https://fax.example").exchange, request_of(RequestKind.SEND))) is FaxNotConnectedError


def test_a_connection_that_is_never_accepted_proves_that_nothing_was_sent(transport):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):
            blocker = waiting.enter_context(socket.socket())
            blocker.setblocking(False)
            blocker.connect_ex(full.getsockname())
        carrier = transport(f"http://127.0.0.1:{full.getsockname()[1]}", connect=0.3, read=0.3)
        error = fails(carrier.exchange, request_of(RequestKind.SEND))

    assert type(error) is FaxNotConnectedError


# TLS --------------------------------------------------------------------------------------------------


@pytest.fixture
def tls_server(raw_server, tmp_path):
    """A server on loopback with a certificate that nobody vouches for, and the certificate's path."""
    path = certificate_for(tmp_path, "localhost")
    return tls(raw_server, path), path


def test_a_certificate_that_does_not_fit_proves_that_nothing_was_sent(tls_server, transport):
    server, _ = tls_server

    error = fails(transport(server.url).exchange, request_of(RequestKind.SEND))

    assert type(error) is FaxNotConnectedError
    assert server.requests == []


def test_credentials_of_a_netrc_file_are_not_used(tls_server, transport, tmp_path, monkeypatch):
    server, certificate = tls_server
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    carrier = transport(server.url)

    carrier.exchange(READ)
    carrier.exchange(request_of(RequestKind.SEND))

    assert len(server.requests) == 2
    assert all("authorization" not in request.headers for request in server.requests)


def test_a_server_that_speaks_no_tls_gets_no_request(raw_server, transport):
    server = raw_server(no_http)

    error = fails(transport(f"https://127.0.0.1:{server.port}", connect=0.3, read=0.3).exchange, READ)

    assert isinstance(error, FaxLostContactError)
    assert server.requests == []


# Documents --------------------------------------------------------------------------------------------


class FailingFile(io.BytesIO):
    """A file of a storage library, whose errors are its own and tell names."""

    def __init__(self, content=b"", *, seek_fails=False):
        super().__init__(content)
        self.seek_fails = seek_fails

    def read(self, size=-1):
        piece = super().read(min(size, 4) if size >= 0 else size)
        if not piece:
            raise RuntimeError("bucket/jane-roe-discharge-letter.pdf: 403 Forbidden")
        return piece

    def seek(self, *arguments):
        if self.seek_fails:
            raise OSError("jane-roe-discharge-letter.pdf cannot be sought")
        return super().seek(*arguments)


class Dribble(io.BytesIO):
    """A file that gives at most a thousand bytes at a time."""

    def read(self, size=-1):
        return super().read(min(size, 1000) if size >= 0 else 1000)


def document_of(open_it, content=b"%PDF" * 25):
    """A document that was hashed as this content, and is opened in this way when it is sent."""
    return dataclasses.replace(FaxDocument.from_bytes(content, "pdf"), open=open_it)


@pytest.mark.parametrize("kind", [RequestKind.UPLOAD, RequestKind.SEND])
@pytest.mark.parametrize("body_of", [BODIES["raw"], BODIES["multipart"], BODIES["json"]])
def test_a_document_that_breaks_off_is_not_sent_cut_short(raw_server, transport, log_watch, body_of, kind):
    complete = []
    server = raw_server(lambda request, far: complete.append(request) or far.answer())
    content = b"%PDF" * 50_000
    body = body_of(document_of(lambda: FailingFile(content[:-4]), content))

    error = fails(transport(server.url).exchange, request_of(kind, **body))

    # What came is shorter than its Content-Length, which no server may take for a request.
    assert type(error) is FaxDocumentError
    assert "can no longer be read" in str(error)
    assert "no fax was sent" in str(error)
    assert all(len(request.body) < int(request.headers["content-length"]) for request in complete)
    log_watch.check(error)


@pytest.mark.parametrize("kind", [RequestKind.UPLOAD, RequestKind.SEND])
def test_a_document_that_breaks_off_while_it_is_measured_for_a_form_is_found_before_anything_is_sent(
    raw_server, transport, log_watch, kind
):
    server = raw_server(lambda _, far: far.answer())
    document = document_of(lambda: FailingFile(b"%PDF"))

    error = fails(transport(server.url).exchange, request_of(kind, **BODIES["form"](document)))

    assert type(error) is FaxDocumentError
    assert "Nothing was sent" in str(error)
    assert server.connections == 0
    log_watch.check(error)


@pytest.mark.parametrize("kind", [RequestKind.UPLOAD, RequestKind.SEND])
@pytest.mark.parametrize("failure", [FileNotFoundError, PermissionError, RuntimeError])
def test_a_document_that_is_gone_is_found_before_anything_is_sent(raw_server, transport, log_watch, kind, failure):
    server = raw_server(lambda _, far: far.answer())

    def gone():
        raise failure("jane-roe-discharge-letter.pdf")

    error = fails(transport(server.url).exchange, sending(document_of(gone), kind))

    assert type(error) is FaxDocumentError
    assert "Nothing was sent" in str(error)
    assert server.connections == 0
    log_watch.check(error)


@pytest.mark.parametrize("kind", [RequestKind.UPLOAD, RequestKind.SEND])
def test_a_document_in_which_nothing_can_be_sought_is_found_before_anything_is_sent(
    raw_server, transport, log_watch, kind
):
    server = raw_server(lambda _, far: far.answer())
    opened = iter([io.BytesIO(b"%PDF" * 25), FailingFile(b"%PDF" * 25, seek_fails=True)])
    first, second = DocumentSlice.in_turn(document_of(lambda: next(opened)), 50)
    carrier = transport(server.url)
    carrier.exchange(request_of(RequestKind.UPLOAD, document=first))

    error = fails(carrier.exchange, request_of(kind, document=second))

    assert type(error) is FaxDocumentError
    assert len(server.requests) == 1
    log_watch.check(error)


def test_a_document_is_closed_after_each_request(raw_server, transport):
    server = raw_server(lambda _, far: far.answer())
    opened = []

    def open_it():
        opened.append(io.BytesIO(b"%PDF" * 25))
        return opened[-1]

    transport(server.url).exchange(sending(document_of(open_it)))

    assert [file.closed for file in opened] == [True]


class Swallower(http.server.BaseHTTPRequestHandler):
    """Reads a body without keeping it, so that the measurement sees the client alone."""

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@every_body
def test_a_document_is_streamed(transport, tmp_path, body_of):
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.truncate(10_000_000)
    document = document_of(lambda: path.open("rb"), bytes(10_000_000))
    body = body_of(document)
    with http.server.HTTPServer(("127.0.0.1", 0), Swallower) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        carrier = transport(f"http://127.0.0.1:{server.server_port}")
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            carrier.exchange(request_of(RequestKind.UPLOAD, **body))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            server.shutdown()

    assert peak - before < 2_000_000
