from __future__ import annotations

import hashlib
from datetime import UTC, datetime

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


def test_mistaken_parameters_are_told_to_the_judge(simulator, interfax):
    interfax.send(documentHandle="1", Reference="x")
    (fax,) = simulator.faxes()
    assert fax["unknown_parameters"] == ["Reference", "documentHandle"]
    assert fax["reference"] is None


def test_form_fields_beside_the_documents_are_told_to_the_judge(simulator, interfax):
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


def uploaded(interfax, content):
    params = {"size": len(content), "name": "a.pdf"}
    location = interfax.post("/outbound/documents", params=params).headers["Location"]
    path = location.removeprefix(interfax.simulator.url)
    answer = interfax.post(path, data=content, headers={"Range": f"bytes=0-{len(content) - 1}"})
    assert answer.status_code == 200, answer.text
    return location
