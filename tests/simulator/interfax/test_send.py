from __future__ import annotations

import base64
import hashlib
import http.client
import socket
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

PDF = {"Content-Type": "application/pdf"}


def multipart(*parts):
    lines = b""
    for headers, content in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        lines += b"--B\r\n" + head + b"\r\n" + content + b"\r\n"
    return lines + b"--B--\r\n"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -112),
        ({"faxNumber": ""}, -112),
        ({"faxNumber": "2025550100"}, -112),
        # This is what a plus sign becomes that a client did not encode.
        ({"faxNumber": " 12025550100"}, -112),
        ({"faxNumber": "+1202555010x"}, -112),
        ({"faxNumber": "+12"}, -112),
        ({"faxNumber": "+1202555010020255501"}, -112),
        ({"reference": "r" * 61}, -1010),
        ({"csid": "c" * 21}, -1010),
        ({"retriesToPerform": "0"}, -1010),
        ({"retriesToPerform": "7"}, -1010),
        ({"pageSize": "a3"}, -1010),
        ({"fitToPage": "yes"}, -1010),
        ({"pageOrientation": "up"}, -1010),
        ({"resolution": "high"}, -1010),
        ({"rendering": "colour"}, -1010),
        ({"postponeTime": "later"}, -1010),
    ],
)
def test_a_bad_parameter_refuses_the_send(simulator, interfax, params, code):
    number = {} if code == -112 else {"faxNumber": "+12025550100"}
    answer = interfax.post("/outbound/faxes", params=number | params, data=b"x", headers=PDF)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert simulator.faxes() == []


def test_everything_documented_is_taken_and_comes_back(simulator, interfax):
    params = {
        "contact": "Ann",
        "csid": "ACME",
        "pageHeader": "To: {To}",
        "reference": "r" * 60,
        "replyAddress": "ann@example.org",
        "pageSize": "letter",
        "fitToPage": "noscale",
        "pageOrientation": "landscape",
        "resolution": "fine",
        "rendering": "greyscale",
        "retriesToPerform": "2",
    }
    record = interfax.record(interfax.send(**params))
    assert (record["contact"], record["senderCSID"], record["pageHeader"]) == ("Ann", "ACME", "To: {To}")
    assert (record["subject"], record["replyEmail"]) == ("r" * 60, "ann@example.org")
    assert (record["pageSize"], record["pageOrientation"]) == ("Letter", "Landscape")
    assert (record["resolution"], record["pageResolution"], record["rendering"]) == ("Fine", "Fine", "Fine")
    assert record["attemptsToPerform"] == 2
    (fax,) = simulator.faxes()
    assert fax["unknown_parameters"] == []
    assert {name: fax["parameters"][name] for name in params} == params


@pytest.mark.parametrize("value", ["scale", "noscale", "NoScale"])
def test_fit_to_page_is_kept_as_sent(simulator, interfax, value):
    interfax.send(fitToPage=value)
    (fax,) = simulator.faxes()
    assert fax["parameters"]["fitToPage"] == value


@pytest.mark.parametrize("zone", ["", "Z", "+00:00", ".000Z"])
def test_a_fax_waits_until_the_time_it_is_postponed_to(simulator, interfax, zone):
    time = datetime.fromtimestamp(simulator.simulator.now() + 3600, UTC)
    interfax.send(postponeTime=f"{time:%Y-%m-%dT%H:%M:%S}{zone}")
    simulator.advance(3590)
    assert simulator.faxes()[0]["status"] == -2
    simulator.advance(3600)
    assert simulator.faxes()[0]["status"] == 0


def test_mistaken_parameters_are_shown_in_the_record_of_the_fax(simulator, interfax):
    interfax.send(documentHandle="1", Reference="x")
    (fax,) = simulator.faxes()
    assert fax["unknown_parameters"] == ["Reference", "documentHandle"]
    assert fax["reference"] is None


def test_form_fields_beside_the_documents_are_shown_in_the_record_of_the_fax(simulator, interfax):
    form = {"files": {"file": ("a.txt", b"x", "text/plain")}, "data": {"note": "x", "reference": "x"}}
    assert interfax.post("/outbound/faxes", params={"faxNumber": "+12025550100"}, **form).status_code == 201
    (fax,) = simulator.faxes()
    assert fax["unknown_parameters"] == ["note", "reference"]
    assert fax["reference"] is None


@pytest.mark.parametrize(("conn_type", "days"), [("interfax", 30), ("extrafax", 14)])
def test_a_fax_can_be_postponed_within_the_vendors_limit(simulator, request, conn_type, days):
    client = request.getfixturevalue(conn_type)

    def send_in(days):
        time = datetime.fromtimestamp(simulator.simulator.now() + days * 86_400, UTC)
        return client.try_send(postponeTime=f"{time:%Y-%m-%dT%H:%M:%SZ}")

    answer = send_in(days + 1)
    assert (answer.status_code, answer.json()["code"]) == (400, -114)
    assert send_in(days - 1).status_code == 201
    simulator.advance((days - 2) * 86_400)
    assert [fax["status"] for fax in simulator.faxes()] == [-2]
    simulator.advance(2 * 86_400)
    assert [fax["status"] for fax in simulator.faxes()] == [0]


def test_a_time_in_the_past_does_not_postpone(simulator, interfax):
    interfax.send(postponeTime="2020-01-01T00:00:00")
    simulator.advance(51 + 27)
    assert simulator.faxes()[0]["status"] == 0


@pytest.mark.parametrize(
    ("content", "headers", "refusal"),
    [
        (b"", PDF, (400, -123)),
        (b"x", {}, (400, -1007)),
        (b"x", {"Content-Type": "application/zip"}, (415, -1002)),
        (b"x", {"Content-Type": "application/octet-stream"}, (415, -1002)),
        (b"x" * (20 * 1024 * 1024 + 1), PDF, (413, -1008)),
        (b"x", {"Content-Location": "https://example.org/a.pdf"}, (400, -1002)),
        (b"", {"Content-Location": "a.pdf"}, (400, -123)),
        (b"", {"Content-Location": "http://["}, (400, -123)),
        (b"--B", {"Content-Type": "multipart/mixed; boundary=B"}, (400, -123)),
        (multipart(({}, b"x")), {"Content-Type": "multipart/mixed; boundary=B"}, (400, -1007)),
        (multipart((PDF, b"")), {"Content-Type": "multipart/mixed; boundary=B"}, (400, -123)),
        (multipart((PDF, b"x")), {"Content-Type": "multipart/mixed"}, (400, -123)),
    ],
)
def test_a_bad_document_refuses_the_send(simulator, interfax, content, headers, refusal):
    params = {"faxNumber": "+12025550100"}
    answer = interfax.post("/outbound/faxes", params=params, data=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == refusal
    assert simulator.faxes() == []


def test_several_documents_make_one_fax(simulator, interfax, two_pages):
    body = multipart((PDF, two_pages), ({"Content-Type": "text/plain; charset=utf-8"}, b"note"))
    answer = interfax.post(
        "/outbound/faxes",
        params={"faxNumber": "+12025550100"},
        data=body,
        headers={"Content-Type": "multipart/mixed; boundary=B"},
    )
    assert answer.status_code == 201
    (fax,) = simulator.faxes()
    assert fax["pages"] == 3
    assert [document["sha256"] for document in fax["documents"]] == [
        hashlib.sha256(content).hexdigest() for content in (two_pages, b"note")
    ]
    assert [document["media_type"] for document in fax["documents"]] == ["application/pdf", "text/plain"]


def test_form_data_serves_for_several_documents_too(simulator, interfax, two_pages):
    files = [("file1", ("a.pdf", two_pages, "application/pdf")), ("file2", ("b.txt", b"note", "text/plain"))]
    answer = interfax.post("/outbound/faxes", params={"faxNumber": "+12025550100"}, files=files)
    assert answer.status_code == 201
    assert [document["name"] for document in simulator.faxes()[0]["documents"]] == ["a.pdf", "b.txt"]


def test_documents_may_lie_elsewhere(simulator, interfax):
    params = {"faxNumber": "+12025550100"}
    address = {"Content-Location": "https://example.org/a.pdf"}
    assert interfax.post("/outbound/faxes", params=params, headers=address).status_code == 201
    mixed = multipart((address, b""), (PDF, b"x"))
    headers = {"Content-Type": "multipart/mixed; boundary=B"}
    assert interfax.post("/outbound/faxes", params=params, data=mixed, headers=headers).status_code == 201
    assert [[document["name"] for document in fax["documents"]] for fax in simulator.faxes()] == [
        ["a.pdf"],
        ["a.pdf", None],
    ]


@pytest.mark.parametrize("header", ["Content-Location", "content-location"])
def test_documents_of_upload_sessions_come_together_as_form_data(simulator, interfax, two_pages, header):
    # The form of the vendor's PHP client: a name and an address, neither a type nor a file name.
    contents = [b"%PDF" + b"1" * 700_000, b"%PDF" + b"2" * 700_000]
    parts = [
        ({"Content-Disposition": f'form-data; name="document{number}"', header: uploaded(interfax, content)}, b"")
        for number, content in enumerate(contents, 1)
    ]
    inline = {"Content-Disposition": 'form-data; name="document3"; filename="c.pdf"', **PDF}
    answer = interfax.post(
        "/outbound/faxes",
        params={"faxNumber": "+12025550100"},
        data=multipart(*parts, (inline, two_pages)),
        headers={"Content-Type": "multipart/form-data; boundary=B"},
    )
    assert answer.status_code == 201, answer.text
    (fax,) = simulator.faxes()
    assert [document["sha256"] for document in fax["documents"]] == [
        hashlib.sha256(content).hexdigest() for content in (*contents, two_pages)
    ]
    # Each session was for one use.
    assert interfax.get("/outbound/documents").json() == []


BOUNDARY = b"43e578690a6d14bf1d776cd55e7d7e29"


def exchange(client, request_line, headers, body):
    """Send bytes as they are, and give the response."""
    address = urlsplit(client.simulator.url)
    login = f"{client.connection['login']}:{client.connection['password']}".encode()
    lines = [
        request_line,
        *headers,
        b"User-Agent: InterFAX Node 0.8.4",
        b"Host: " + address.netloc.encode(),
        b"Authorization: Basic " + base64.b64encode(login),
        b"Connection: close",
    ]
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        content = response.read()
    return response, content


def uploaded_by_npm(client, content):
    """Upload a document with the bytes that InterFAX's npm client (0.8.4) sends."""
    line = b"POST /outbound/documents?name=upload-1795600581738.txt&size=%d HTTP/1.1" % len(content)
    response, _ = exchange(client, line, [b"Content-Length: 0"], b"")
    assert response.status == 201
    location = response.headers["Location"]
    line = b"POST %s? HTTP/1.1" % urlsplit(location).path.encode()
    for first in range(0, len(content), 1024 * 1024):
        chunk = content[first : first + 1024 * 1024]
        headers = [b"Range: bytes=%d-%d" % (first, first + len(chunk) - 1), b"Transfer-Encoding: chunked"]
        response, _ = exchange(client, line, headers, b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunk), chunk))
        assert response.status == (200 if first + len(chunk) == len(content) else 202)
    return location.encode()


def sent_by_npm(client, body):
    headers = [
        b"Content-Type: multipart/mixed; boundary=" + BOUNDARY,
        b"Content-Length: %d" % len(body),
    ]
    return exchange(client, b"POST /outbound/faxes?faxNumber=%2B12025550100 HTTP/1.1", headers, body)


def test_what_the_npm_client_sends_for_a_large_file_is_accepted(simulator, interfax):
    content = b"x" * 1_500_000
    # No line break of its own stands before the closing boundary.
    body = b"--%s\r\nContent-Location: %s\r\n\r\n--%s--" % (BOUNDARY, uploaded_by_npm(interfax, content), BOUNDARY)
    response, text = sent_by_npm(interfax, body)
    assert (response.status, text) == (201, b"")
    (fax,) = simulator.faxes()
    assert [document["sha256"] for document in fax["documents"]] == [hashlib.sha256(content).hexdigest()]


def test_what_the_npm_client_sends_for_a_small_and_a_large_file_is_accepted(simulator, interfax):
    content = b"x" * 1_500_000
    location = uploaded_by_npm(interfax, content)
    body = b"--%s\r\nContent-Location: %s\r\n\r\n" % (BOUNDARY, location)
    # After a document it writes a line break more than needed, which is the document's.
    body += b"--%s\r\nContent-Type: text/plain\r\n\r\nsmall\r\n\r\n--%s--" % (BOUNDARY, BOUNDARY)
    response, text = sent_by_npm(interfax, body)
    assert (response.status, text) == (201, b"")
    (fax,) = simulator.faxes()
    assert [document["sha256"] for document in fax["documents"]] == [
        hashlib.sha256(document).hexdigest() for document in (content, b"small\r\n")
    ]


def test_an_uploaded_document_alone_is_named_in_the_requests_header(simulator, interfax):
    content = b"x" * 1_500_000
    headers = [b"Content-Location: " + uploaded_by_npm(interfax, content), b"Content-Length: 0"]
    response, text = exchange(interfax, b"POST /outbound/faxes?faxNumber=%2B12025550100 HTTP/1.1", headers, b"")
    assert (response.status, text) == (201, b"")
    (fax,) = simulator.faxes()
    assert [document["size"] for document in fax["documents"]] == [len(content)]


def uploaded(interfax, content):
    params = {"size": len(content), "name": "a.pdf"}
    location = interfax.post("/outbound/documents", params=params).headers["Location"]
    path = location.removeprefix(interfax.simulator.url)
    answer = interfax.post(path, data=content, headers={"Range": f"bytes=0-{len(content) - 1}"})
    assert answer.status_code == 200, answer.text
    return location
