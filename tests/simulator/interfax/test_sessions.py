from __future__ import annotations

import hashlib

import pytest

MIB = 1024 * 1024


def create(client, size, name="long report.pdf", **params):
    return client.post("/outbound/documents", params={"size": size, "name": name, **params})


def opened(client, size, **params):
    answer = create(client, size, **params)
    assert (answer.status_code, answer.content) == (201, b"")
    return answer.headers["Location"].removeprefix(client.simulator.url)


def put(client, path, content, first=0):
    headers = {"Range": f"bytes={first}-{first + len(content) - 1}"}
    return client.post(path, data=content, headers=headers)


def send(client, path):
    headers = {"Content-Location": client.simulator.url + path}
    return client.post("/outbound/faxes", params={"faxNumber": "+12025550100"}, headers=headers)


def test_a_document_comes_in_chunks_and_is_faxed_once(simulator, interfax):
    content = b"%PDF /Type /Pa" + b"ge /Type /Page " + b"x" * (2 * MIB)
    path = opened(interfax, len(content))
    assert len(path.rpartition("/")[2]) == 32
    assert interfax.get(path).json()["status"] == "Created"
    # The first cut goes through the middle of a page's mark.
    for first, last in ((0, 14), (14, MIB + 14), (MIB + 14, 2 * MIB)):
        answer = put(interfax, path, content[first:last], first)
        assert answer.status_code == 202
        assert answer.headers["X-Content-Range"] == f"bytes 0-{last - 1}/{len(content)}"
        assert interfax.get(path).json()["status"] == "PartiallyUploaded"
    assert send(interfax, path).json()["code"] == -123
    assert put(interfax, path, content[2 * MIB :], 2 * MIB).status_code == 200
    record = interfax.get(path).json()
    assert (record["status"], record["uploaded"], record["fileSize"]) == ("Ready", len(content), len(content))
    assert (record["fileName"], record["userId"]) == ("long report.pdf", "interfax-demo")
    assert record["uri"] == simulator.url + path
    assert {"creationTime", "lastusageTime", "disposition", "sharing"} <= set(record)

    assert send(interfax, path).status_code == 201
    (fax,) = simulator.faxes()
    assert fax["documents"] == [
        {
            "name": "long report.pdf",
            "media_type": "application/pdf",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "pages": 2,
        }
    ]
    # Used once, gone for good: a repeated send cannot succeed.
    assert send(interfax, path).json()["code"] == -1062
    assert interfax.get(path).status_code == 404
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize(
    ("span", "content", "refusal"),
    [
        ((1, 3), b"abc", (400, -1061)),
        ((0, 4), b"abc", (400, -1063)),
        ((0, 0), b"", (400, -1063)),
        ((0, 10), b"abcdefghijk", (400, -1063)),
        ((0, MIB), b"x" * (MIB + 1), (413, -1008)),
    ],
)
def test_a_chunk_that_does_not_fit_changes_nothing(interfax, span, content, refusal):
    path = opened(interfax, 10)
    answer = interfax.post(path, data=content, headers={"Range": "bytes={}-{}".format(*span)})
    assert (answer.status_code, answer.json()["code"]) == refusal
    assert interfax.get(path).json()["uploaded"] == 0


@pytest.mark.parametrize("header", [{}, {"Range": "0-2"}, {"Range": "bytes=a-b"}, {"Range": "bytes=0-1,2-3"}])
def test_a_chunk_needs_a_range(interfax, header):
    answer = interfax.post(opened(interfax, 10), data=b"abc", headers=header)
    assert (answer.status_code, answer.json()["code"]) == (400, -1061)


def test_a_complete_document_takes_no_more_chunks_and_none_twice(interfax):
    path = opened(interfax, 6)
    assert put(interfax, path, b"abc").status_code == 202
    assert put(interfax, path, b"abc").json()["code"] == -1061
    assert put(interfax, path, b"def", 3).status_code == 200
    answer = put(interfax, path, b"def", 3)
    assert (answer.status_code, answer.json()["code"]) == (413, -1063)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"size": 0}, 400),
        ({"size": "x"}, 400),
        ({"name": ""}, 400),
        ({"disposition": "forever"}, 400),
        ({"sharing": "public"}, 400),
        ({"name": "a.exe"}, 415),
        ({"name": "pdf"}, 415),
        ({"size": 20 * MIB + 1}, 413),
    ],
)
def test_a_session_that_makes_no_sense_is_refused(interfax, params, status):
    assert create(interfax, **({"size": 10} | params)).status_code == status
    assert interfax.get("/outbound/documents").json() == []


def test_a_new_session_may_answer_202_as_once_recorded(simulator, interfax):
    simulator.configure(interfax_session_status=202)
    assert create(interfax, 5).status_code == 202


def test_multi_use_documents_last_an_hour_after_their_last_use(simulator, interfax):
    path = opened(interfax, 3, disposition="multiUse")
    put(interfax, path, b"abc")
    for _ in range(3):
        simulator.advance(3599)
        assert send(interfax, path).status_code == 201
    simulator.advance(3600)
    assert interfax.get(path).status_code == 404
    permanent = opened(interfax, 3, disposition="permanent")
    simulator.advance(365 * 86_400)
    assert interfax.get(permanent).status_code == 200


def test_a_refused_send_does_not_use_a_document_up(interfax):
    path = opened(interfax, 3)
    put(interfax, path, b"abc")
    headers = {"Content-Location": interfax.simulator.url + path}
    assert interfax.post("/outbound/faxes", params={"faxNumber": "x"}, headers=headers).status_code == 400
    assert send(interfax, path).status_code == 201


def test_a_session_is_its_users_own_unless_shared(interfax, extrafax):
    private = opened(interfax, 3)
    assert extrafax.get(private).status_code == 404
    assert extrafax.get(opened(interfax, 3, sharing="shared")).status_code == 404
    assert extrafax.get("/outbound/documents").json() == []


def test_sessions_are_listed_and_deleted(interfax):
    paths = [opened(interfax, 3) for _ in range(3)]

    def listed(**params):
        records = interfax.get("/outbound/documents", params=params).json()
        return [record["uri"].removeprefix(interfax.simulator.url) for record in records]

    assert listed() == paths
    assert listed(limit=1, offset=1) == [paths[1]]
    assert interfax.call("DELETE", paths[0]).status_code == 200
    assert listed() == paths[1:]
    gone = interfax.call("DELETE", paths[0])
    assert (gone.status_code, gone.json()["code"]) == (404, -1062)
    assert put(interfax, paths[0], b"abc").status_code == 404


@pytest.mark.parametrize(("status", "code"), [(404, -1062), (410, -1062), (409, -1061), (416, -1061)])
def test_a_session_can_vanish_in_the_middle_and_before_the_send(simulator, interfax, status, code):
    simulator.configure(interfax_session_lost_status=status, interfax_session_lost_code=code)
    for endpoint in ("session_chunk", "send"):
        simulator.fault("lost_upload", endpoint=endpoint, skip=1 if endpoint == "session_chunk" else 0)
        address = interfax.post("/outbound/documents", params={"size": 4, "name": "a.pdf"}).headers["Location"]
        path = address.removeprefix(simulator.url)
        first = interfax.post(path, data=b"%P", headers={"Range": "bytes=0-1"})
        assert first.status_code == 202
        answer = interfax.post(path, data=b"DF", headers={"Range": "bytes=2-3"})
        if endpoint == "send":
            assert answer.status_code == 200
            answer = interfax.post(
                "/outbound/faxes",
                params={"faxNumber": "+12025550100"},
                headers={"Content-Location": address, "Content-Length": "0"},
            )
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert simulator.faxes() == []
