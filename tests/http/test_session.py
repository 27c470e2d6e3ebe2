"""Failures before a connection to the vendor stands: nothing was sent, and what to mend is said."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest
import requests
from support.tls import certificate_for, tls

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxLostContactError, FaxNotConnectedError
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind

KINDS = list(RequestKind)
every_kind = pytest.mark.parametrize("kind", KINDS)
PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in (*PROXIES, *CA_BUNDLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def request_with(key, number):
    def make(kind):
        query = [("api_key", key), ("faxNumber", number)]
        return FaxRequest(action="do a thing", kind=kind, method="POST", path="/thing", query=query, form=[("a", "b")])

    return make


@pytest.fixture
def fails(transport, request_with, log_watch):
    """Make a request that must fail before a connection stands, and give the error, which tells nothing."""

    def make(url, kind=RequestKind.SEND, error_class=FaxNotConnectedError, **timeouts):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - looked at here
            transport(url, **timeouts).exchange(request_with(kind))
        error = caught.value
        assert type(error) is error_class, repr(error)
        assert str(error).startswith("Could not do a thing: ")
        assert "Nothing was sent" in str(error)
        assert error.__cause__ is None
        assert error.__context__ is None
        log_watch.check(error)
        return error

    return make


# Proxies ----------------------------------------------------------------------------------------------


def refuse(status):
    return lambda _, far: far.answer(status, b"<html>k+y</html>", {"Proxy-Authenticate": 'Basic realm="x"'})


def cut(_, far):
    return False


def reset(_, far):
    far.reset()


def rubbish(_, far):
    far.socket.sendall(b"220 mail.example ESMTP ready\r\n")


def stall(_, far):
    far.stall()


def cut_after_connect(_, far):
    far.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")


def reset_after_connect(_, far):
    cut_after_connect(_, far)
    far.reset()


def reset_in_handshake(_, far):
    cut_after_connect(_, far)
    far.socket.recv(1)
    far.reset()


def rubbish_after_connect(_, far):
    far.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n<html>Please log in</html>")


def stall_after_connect(_, far):
    cut_after_connect(_, far)
    far.stall()


PROXY_FAULTS = {
    **{f"refuses with {status}": refuse(status) for status in (301, 400, 403, 404, 407, 429, 500, 502, 503, 504)},
    "cuts": cut,
    "resets": reset,
    "talks rubbish": rubbish,
    "stalls": stall,
    "cuts after CONNECT": cut_after_connect,
    "resets after CONNECT": reset_after_connect,
    "resets in the handshake": reset_in_handshake,
    "talks rubbish after CONNECT": rubbish_after_connect,
    "stalls after CONNECT": stall_after_connect,
}


@every_kind
@pytest.mark.parametrize("fault", PROXY_FAULTS)
def test_a_proxy_that_lets_nothing_through_proves_that_nothing_was_sent(fails, raw_server, monkeypatch, fault, kind):
    proxy = raw_server(PROXY_FAULTS[fault])
    monkeypatch.setenv("https_proxy", proxy.url)

    error = fails("https://fax.example", kind, connect=0.3)

    assert "HTTPS_PROXY" in str(error)
    proxy.wait_for_request()
    assert [request.method for request in proxy.requests] == ["CONNECT"]


@pytest.mark.parametrize(("status", "is_lasting"), [(407, True), (403, False), (502, False)])
def test_a_proxy_that_refuses_is_quoted_by_its_status(fails, raw_server, monkeypatch, status, is_lasting):
    monkeypatch.setenv("https_proxy", raw_server(refuse(status)).url)

    error = fails("https://fax.example")

    assert f"refused with HTTP status {status}" in str(error)
    # A wrong log-in at a proxy is not tried again and again.
    assert error.is_lasting is is_lasting


def test_a_proxy_that_is_not_there_proves_that_nothing_was_sent(fails, closed_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", closed_port)

    assert "it was refused, through the proxy" in str(fails("https://fax.example"))


@pytest.mark.parametrize(
    "url",
    ["http://", "http://[::1", "http://proxy:port", "http://proxy:99999999", "ftp://127.0.0.1:1", "://", "http://a b"],
)
@every_kind
def test_a_proxy_url_that_is_not_one_proves_that_nothing_was_sent(fails, monkeypatch, url, kind):
    monkeypatch.setenv("HTTPS_PROXY", url)

    error = fails("https://fax.example", kind)

    assert "HTTPS_PROXY" in str(error)
    assert error.is_lasting


def test_a_password_of_a_proxy_is_not_told(fails, raw_server, monkeypatch, log_watch):
    proxy = raw_server(refuse(407))
    monkeypatch.setenv("https_proxy", f"http://me:proxy-secret@127.0.0.1:{proxy.port}")

    error = fails("https://fax.example")

    log_watch.check(error, secrets=("proxy-secret",))
    assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
@every_kind
def test_a_socks_proxy_without_its_library_proves_that_nothing_was_sent(fails, monkeypatch, scheme, kind):
    def missing(*arguments, **options):
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", missing)
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:1")

    error = fails("https://fax.example", kind)

    assert "requests[socks]" in str(error)
    assert error.is_lasting


# TLS --------------------------------------------------------------------------------------------------


def test_a_certificate_that_is_not_trusted_says_what_to_set(fails, raw_server, tmp_path):
    server = tls(raw_server, certificate_for(tmp_path, "localhost"))

    error = fails(server.url)

    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert "inspects TLS" in str(error)
    assert "(localhost)" in str(error)
    assert error.is_lasting
    assert server.requests == []


def test_a_certificate_of_another_host_says_so(fails, raw_server, tmp_path, monkeypatch):
    certificate = certificate_for(tmp_path, "fax.example")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    server = tls(raw_server, certificate)

    error = fails(server.url)

    assert "another host" in str(error)
    assert server.requests == []


def test_a_certificate_that_has_expired_says_so(fails, raw_server, tmp_path, monkeypatch):
    certificate = certificate_for(tmp_path, "localhost", days=-1)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    server = tls(raw_server, certificate)

    assert "clock" in str(fails(server.url))
    assert server.requests == []


@pytest.mark.parametrize("variable", CA_BUNDLES)
def test_a_certificate_that_the_environment_trusts_is_trusted(  # noqa: PLR0917 - fixtures
    transport, raw_server, tmp_path, monkeypatch, variable, request_with
):
    certificate = certificate_for(tmp_path, "localhost")
    monkeypatch.setenv(variable, str(certificate))
    server = tls(raw_server, certificate)
    carrier = transport(server.url)

    carrier.check()
    assert [carrier.exchange(request_with(kind)).status for kind in KINDS] == [200] * len(KINDS)


def handshakes(fault):
    """Make a server that spoils the handshake of TLS itself."""

    def wrap(sock):
        fault(sock)
        sock.close()
        raise OSError

    return wrap


@every_kind
@pytest.mark.parametrize(
    "fault",
    [
        lambda sock: None,
        lambda sock: sock.recv(1),
        lambda sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        lambda sock: sock.sendall(bytes(100)),
        lambda sock: sock.sendall(b"\x15\x03\x03\x00\x02\x02\x28"),
    ],
    ids=["cut", "reset", "HTTP", "rubbish", "alert"],
)
def test_a_handshake_that_breaks_proves_that_nothing_was_sent(fails, raw_server, fault, kind):
    server = raw_server(lambda _, far: far.answer(), wrap=handshakes(fault))

    fails(f"https://127.0.0.1:{server.port}", kind, connect=0.5)

    assert server.requests == []


def test_a_handshake_that_fails_names_the_host_and_the_cause(fails, raw_server):
    def speak_http(sock):
        # What is not read would make the end of the connection a reset.
        sock.recv(4096)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    server = raw_server(lambda _, far: far.answer(), wrap=handshakes(speak_http))
    message = str(fails(f"https://127.0.0.1:{server.port}", connect=0.5))

    assert "(127.0.0.1) could be made: the two sides did not agree on TLS (WRONG_VERSION_NUMBER)." in message


def test_a_handshake_that_stalls_proves_that_nothing_was_sent(fails):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        error = fails(f"https://127.0.0.1:{deaf.getsockname()[1]}", connect=0.2, read=0.2)

    assert "took too long" in str(error)


def test_what_breaks_once_the_connection_stands_is_still_lost_contact(
    transport, raw_server, tmp_path, monkeypatch, request_with
):
    certificate = certificate_for(tmp_path, "localhost")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    for fault in (cut, reset, rubbish):
        server = tls(raw_server, certificate, fault)
        with pytest.raises(FaxLostContactError) as caught:
            transport(server.url).exchange(request_with(RequestKind.SEND))
        assert type(caught.value) is FaxLostContactError
        assert "Nothing was sent" not in str(caught.value)


def test_a_kept_connection_that_breaks_is_lost_contact_and_not_known_not_sent(transport, raw_server, request_with):
    # The next request goes out on it before the break shows.
    server = raw_server(lambda request, far: far.answer() if len(server.requests) == 1 else far.reset())
    carrier = transport(server.url)
    carrier.exchange(request_with(RequestKind.UPLOAD))

    with pytest.raises(FaxLostContactError) as caught:
        carrier.exchange(request_with(RequestKind.UPLOAD))

    assert type(caught.value) is FaxLostContactError
    assert server.connections == 1


# Certificates of authorities --------------------------------------------------------------------------


BUNDLES = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "no certificate": lambda path: path.write_text("not a certificate"),
    "cut off": lambda path: path.write_text("-----BEGIN CERTIFICATE-----\nMIIB"),
}
every_bundle = pytest.mark.parametrize("make", BUNDLES.values(), ids=BUNDLES)


@every_kind
@every_bundle
@pytest.mark.parametrize("variable", CA_BUNDLES)
def test_certificates_that_cannot_be_used_are_a_wrong_set_up_that_names_the_variable(  # noqa: PLR0917 - a table
    fails, raw_server, tmp_path, monkeypatch, variable, make, kind
):
    path = tmp_path / "hospital-ca.pem"
    make(path)
    monkeypatch.setenv(variable, str(path))
    server = tls(raw_server, certificate_for(tmp_path, "localhost"))

    error = fails(server.url, kind, FaxConfigurationError)

    assert variable in str(error)
    assert str(path) not in str(error)
    assert server.requests == []


@every_bundle
def test_a_check_of_the_set_up_finds_them_without_a_request(transport, tmp_path, monkeypatch, make):
    path = tmp_path / "hospital-ca.pem"
    make(path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))

    with pytest.raises(FaxConfigurationError, match="REQUESTS_CA_BUNDLE") as caught:
        transport("https://fax.example").check()
    assert caught.value.__context__ is None
    # Plain HTTP on this machine needs none.
    transport("http://127.0.0.1:1").check()


def test_a_folder_of_certificates_is_not_a_wrong_set_up(transport, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    with pytest.raises(FaxConfigurationError):
        transport("https://fax.example").check()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))

    assert transport("https://fax.example").check() is None


def test_certificates_that_vanish_under_a_kept_connection_are_named_too(
    transport, raw_server, tmp_path, monkeypatch, request_with
):
    certificate = certificate_for(tmp_path, "localhost")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificate.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    carrier = transport(tls(raw_server, certificate).url)
    carrier.exchange(request_with(RequestKind.READ))
    trusted.unlink()

    with pytest.raises(FaxConfigurationError, match="REQUESTS_CA_BUNDLE"):
        carrier.exchange(request_with(RequestKind.READ))


# Hosts ------------------------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize(
    "url", ["https://fax..example", f"https://{'a' * 70}.example", "https://[::1", "https://-.\u2603..example"]
)
def test_a_host_that_cannot_be_called_proves_that_nothing_was_sent(fails, url, kind):
    assert fails(url, kind).is_lasting


def test_a_name_that_is_not_found_is_said_to_be(fails, monkeypatch):
    def find_nothing(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", find_nothing)

    error = fails("https://fax.example")

    assert "name is not found" in str(error)
    assert not error.is_lasting


def test_a_refused_connection_is_said_to_be(fails, closed_port):
    assert "it was refused" in str(fails(closed_port))


def test_an_error_that_nobody_knows_before_a_connection_stands_is_no_other(fails, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("k+y")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    error = fails("https://fax.example")

    assert "k+y" not in str(error)
    assert not error.is_lasting


def test_two_threads_do_not_mix_up_what_befell_them(raw_server, closed_port, transport, request_with):
    refused, lost = [], []
    broken = raw_server(cut)

    def call(url, into):
        for _ in range(20):
            with contextlib.suppress(FaxLostContactError):
                try:
                    transport(url).exchange(request_with(RequestKind.SEND))
                except FaxLostContactError as error:
                    into.append(type(error))
                    raise

    threads = [threading.Thread(target=call, args=each) for each in ((closed_port, refused), (broken.url, lost))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert set(refused) == {FaxNotConnectedError}
    assert set(lost) == {FaxLostContactError}


def test_the_error_of_a_certificate_is_the_standard_librarys_own_kind():
    # What the reasons are told by; a fall-back of the library would be another.
    assert issubclass(ssl.SSLCertVerificationError, ssl.SSLError)
