from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from airflow_provider_faxto.simulator.body import MAX_CHUNK, BodyError, BodyMode, read_body

MULTIPART = (
    b'--B\r\nContent-Disposition: form-data; name="fax_number"\r\n\r\n+12025550100\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="b\xc3\xa9.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF-1.4 /Type /Page \r\n--B--\r\n"
)


def read(chunks, content_type, mode):
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        return messages.pop(0)

    headers = [(b"content-type", content_type)] if content_type else []
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return asyncio.run(read_body(Request(scope, receive), mode))


def in_pieces(data, cuts):
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


cuts = st.lists(st.integers(0, 400), max_size=12)


@given(cuts)
def test_a_document_is_hashed_and_counted_however_it_arrives(cuts):
    content = b"%PDF-1.7 /Type/Page\n/Type /Pages /Type   /Page/Parent /Type/PageLabel %%EOF" * 3
    body = read(in_pieces(content, cuts), b"application/pdf", BodyMode.DOCUMENTS)
    (part,) = body.parts
    assert part.facts.sha256 == hashlib.sha256(content).hexdigest()
    assert (part.facts.size, part.facts.pages, part.facts.media_type) == (len(content), 6, "application/pdf")
    assert body.raw == b""


@given(cuts)
def test_multipart_gives_the_same_fields_and_files_however_it_arrives(cuts):
    body = read(in_pieces(MULTIPART, cuts), b"multipart/form-data; boundary=B", BodyMode.FIELDS)
    (part,) = body.parts
    assert body.fields == {"fax_number": "+12025550100"}
    assert (part.field, part.facts.name, part.facts.media_type) == ("file", "bé.pdf", "application/pdf")
    assert part.facts.sha256 == hashlib.sha256(b"%PDF-1.4 /Type /Page ").hexdigest()
    assert part.facts.pages == 1


def test_the_parts_of_a_mixed_body_need_no_names():
    content = (
        b"--B\r\nContent-Type: text/plain\r\n\r\nfirst\r\n"
        b"--B\r\nContent-Location: https://example.org/a.pdf\r\n\r\n\r\n--B--\r\n"
    )
    first, second = read([content], b"multipart/mixed; boundary=B", BodyMode.DOCUMENTS).parts
    assert (first.field, first.facts.media_type, first.facts.size) == (None, "text/plain", 5)
    assert (second.address, second.facts.size) == ("https://example.org/a.pdf", 0)


@pytest.mark.parametrize("header", [b"Content-Location", b"content-location"])
@given(cuts=cuts)
def test_a_named_part_that_lies_elsewhere_is_a_document_and_not_a_field(header, cuts):
    content = (
        b'--B\r\nContent-Disposition: form-data; name="document1"\r\n'
        + header
        + b": https://example.org/a.pdf\r\n\r\n\r\n"
        b'--B\r\nContent-Disposition: form-data; name="note"\r\n\r\nplain\r\n--B--\r\n'
    )
    body = read(in_pieces(content, cuts), b"multipart/form-data; boundary=B", BodyMode.DOCUMENTS)
    (part,) = body.parts
    assert (part.field, part.address) == ("document1", "https://example.org/a.pdf")
    assert (part.facts.name, part.facts.media_type, part.facts.size) == (None, None, 0)
    assert body.fields == {"note": "plain"}


@given(cuts)
def test_a_part_may_end_after_its_headers(cuts):
    # As InterFAX's npm client (0.8.4) writes it: the empty line is the line break of the next boundary too.
    content = (
        b"--B\r\nContent-Location: https://example.org/a.pdf\r\n\r\n"
        b"--B\r\nContent-Type: text/plain\r\n\r\none\r\n\r\n\r\n"
        b"--B\r\nContent-Location: https://example.org/b.pdf\r\n\r\n"
        b"--B--"
    )
    body = read(in_pieces(content, cuts), b"multipart/mixed; boundary=B", BodyMode.DOCUMENTS)
    assert [(part.address, part.facts.size) for part in body.parts] == [
        ("https://example.org/a.pdf", 0),
        (None, len(b"one\r\n\r\n")),
        ("https://example.org/b.pdf", 0),
    ]
    assert body.parts[1].facts.sha256 == hashlib.sha256(b"one\r\n\r\n").hexdigest()
    assert body.size == len(content)


@given(cuts, st.integers(0, 3))
def test_line_breaks_at_the_end_of_a_document_are_its_own(cuts, count):
    document = b"\r\n" * count
    content = b"--B\r\nContent-Type: text/plain\r\n\r\n" + document + b"\r\n--B--\r\n"
    (part,) = read(in_pieces(content, cuts), b"multipart/mixed; boundary=B", BodyMode.DOCUMENTS).parts
    assert part.facts.sha256 == hashlib.sha256(document).hexdigest()


def test_fields_come_from_forms_and_from_json():
    form = read([b"fax_number=%2B12025550100&document_id="], b"application/x-www-form-urlencoded", BodyMode.FIELDS)
    assert form.fields == {"fax_number": "+12025550100", "document_id": ""}
    content = json.dumps({"fax_number": "+12025550100", "document_id": 7, "tsi_number": None}).encode()
    assert read([content], b"application/json", BodyMode.FIELDS).fields == {
        "fax_number": "+12025550100",
        "document_id": "7",
    }


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (MULTIPART[:-20], b"multipart/form-data; boundary=B"),
        (MULTIPART, b"multipart/form-data"),
        (MULTIPART, b"multipart/form-data; boundary=" + b"B" * 500),
        (b"no multipart", b"multipart/form-data; boundary=B"),
        (
            b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 1_100_000,
            b"multipart/form-data; boundary=B",
        ),
        (b"[1]", b"application/json"),
        (b"{", b"application/json"),
        (b"[" * 200_000, b"application/json"),
        (b"a=" + b"x" * 1_100_000, b"application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_cannot_be_read_is_one_kind_of_error(content, content_type):
    with pytest.raises(BodyError):
        read([content], content_type, BodyMode.FIELDS)


def test_a_chunk_is_kept_only_as_far_as_one_may_be():
    body = read([b"x" * MAX_CHUNK, b"y" * MAX_CHUNK], b"", BodyMode.CHUNK)
    assert (len(body.raw), body.size) == (MAX_CHUNK + 1, 2 * MAX_CHUNK)


def test_text_that_no_response_could_repeat_is_replaced():
    body = read([b'{"AddRemoteFile": "\\ud800"}'], b"application/json", BodyMode.FIELDS)
    assert body.fields == {"AddRemoteFile": "?"}


@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"multipart/form-data; boundary=B", b"multipart/mixed; boundary=B", b"application/json", b"", b"\xff;=;"]
    ),
    st.sampled_from(BodyMode),
)
def test_any_bytes_are_a_body_or_a_body_error(content, content_type, mode):
    try:
        body = read([content], content_type, mode)
    except BodyError:
        return
    assert body.size == len(content)


@given(st.lists(st.sampled_from([b"--B\r\n", b"\r\n", b"Content-Disposition: form-data; name=", b'"a"', b"x", b"--"])))
def test_any_multipart_is_a_body_or_a_body_error(pieces):
    try:
        body = read(pieces or [b""], b"multipart/form-data; boundary=B", BodyMode.FIELDS)
    except BodyError:
        return
    assert all(isinstance(value, str) for value in body.fields.values())
