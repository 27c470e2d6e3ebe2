"""What goes out is what was hashed: a document that is another one by then is cut off before a vendor can take it."""

from __future__ import annotations

import base64
import dataclasses
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.vendors.base import Base64Document, DocumentSlice, FaxRequest, MultipartPart, RequestKind

# More than what is read at a time, so that part of it has left when its end is read.
LARGE = bytes(number % 251 for number in range(400_000))
SMALL = b"%PDF-1.4 a letter"
CHANGES = {
    "its last byte": lambda content: content[:-1] + b"!",
    "its first byte": lambda content: b"!" + content[1:],
    "all at the same length": lambda content: b"\xff" * len(content),
    "grown": lambda content: content + b"!",
    "shrunk by a byte": lambda content: content[:-1],
    "shrunk to half": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
every_size = pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
every_kind = pytest.mark.parametrize("kind", [RequestKind.UPLOAD, RequestKind.SEND])
BODIES = {
    "raw": lambda document: {"document": DocumentSlice.whole(document)},
    "multipart": lambda document: {"parts": [MultipartPart(name="a", content=document)]},
    "multipart in Base64": lambda document: {"parts": [MultipartPart(name="a", content=Base64Document(document))]},
    "json": lambda document: {"json": {"file": Base64Document(document), "to": "x"}},
    "form": lambda document: {"form": [("file", Base64Document(document)), ("to", "x")]},
}
every_body = pytest.mark.parametrize("body_of", BODIES.values(), ids=BODIES)


class Taker:
    """A server that counts the requests that were whole."""

    def __init__(self, raw_server):
        self.whole = []
        self.server = raw_server(self.take)
        self.url = self.server.url

    def take(self, request, far):
        if len(request.body) == int(request.headers.get("content-length", 0)):
            self.whole.append(request)
        return far.answer()


@pytest.fixture
def taker(raw_server):
    return Taker(raw_server)


def request_of(kind, **fields):
    return FaxRequest(action="do a thing", kind=kind, method="POST", path="/thing", **fields)


def opened_as(content, *later):
    """A document that was hashed as one content, and has others, one after another, when it is opened."""
    contents = iter(later)
    return dataclasses.replace(FaxDocument.from_bytes(content, "pdf"), open=lambda: io.BytesIO(next(contents)))


def check_refused(transport, taker, request):
    with pytest.raises(FaxDocumentError, match="no longer what it was when it was loaded") as caught:
        transport(taker.url).exchange(request)
    assert caught.value.__context__ is None
    assert taker.whole == []


@every_kind
@every_body
@every_change
@every_size
def test_a_document_that_has_changed_never_goes_out_whole(  # noqa: PLR0917 - a table
    transport, taker, content, change, body_of, kind
):
    # A form is read twice.
    document = opened_as(content, change(content), change(content))

    check_refused(transport, taker, request_of(kind, **body_of(document)))


@every_change
@every_size
def test_a_document_that_changes_after_it_was_measured_for_a_form_never_goes_out_whole(
    transport, taker, content, change
):
    document = opened_as(content, content, change(content))

    check_refused(transport, taker, request_of(RequestKind.SEND, **BODIES["form"](document)))


@pytest.mark.parametrize(
    ("measured", "sent"), [(bytes(400_000), b"\xff" * 400_000), (b"\xff" * 400_000, bytes(400_000))]
)
def test_more_or_fewer_characters_to_escape_do_not_end_a_form_before_its_document(transport, taker, measured, sent):
    # 0xff is written as a slash, which takes three characters in a form.
    document = opened_as(measured, measured, sent)

    check_refused(transport, taker, request_of(RequestKind.SEND, **BODIES["form"](document)))


@every_change
@pytest.mark.parametrize("place", [0, 1])
def test_of_two_documents_either_may_have_changed(transport, taker, change, place):
    documents = [opened_as(LARGE, LARGE), opened_as(LARGE, LARGE)]
    documents[place] = opened_as(LARGE, change(LARGE))
    parts = [MultipartPart(name=f"document{number}", content=each) for number, each in enumerate(documents)]

    check_refused(transport, taker, request_of(RequestKind.SEND, parts=parts))


def test_a_small_document_that_has_changed_is_found_before_anything_is_sent(transport, taker):
    document = opened_as(SMALL, SMALL[:-1] + b"!")

    check_refused(transport, taker, request_of(RequestKind.SEND, **BODIES["raw"](document)))

    assert taker.server.connections == 0


@every_kind
@every_body
@every_size
def test_a_document_that_is_what_it_was_goes_out(transport, taker, content, body_of, kind):
    transport(taker.url).exchange(request_of(kind, **body_of(opened_as(content, content, content))))

    assert len(taker.whole) == 1


# Slices -----------------------------------------------------------------------------------------------


def send_in_turn(transport, taker, document, length):
    carrier = transport(taker.url)
    for part in DocumentSlice.in_turn(document, length):
        carrier.exchange(request_of(RequestKind.UPLOAD, document=part))


@pytest.mark.parametrize("length", [1, 7, 13, len(SMALL), 100])
def test_slices_in_turn_are_the_document(transport, taker, length):
    send_in_turn(transport, taker, FaxDocument.from_bytes(SMALL, "pdf"), length)

    assert b"".join(request.body for request in taker.whole) == SMALL


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "its first byte"])
@pytest.mark.parametrize("unchanged", range(4))
def test_the_last_slice_of_a_document_that_changed_on_the_way_never_goes_out_whole(transport, taker, name, unchanged):
    document = opened_as(LARGE, *[LARGE] * unchanged, *[CHANGES[name](LARGE)] * 4)

    with pytest.raises(FaxDocumentError, match="no longer what it was"):
        send_in_turn(transport, taker, document, 100_000)

    assert len(taker.whole) < 4


def test_a_slice_that_was_other_content_is_remembered_when_the_document_is_itself_again(transport, taker):
    document = opened_as(LARGE, LARGE, b"\xff" * len(LARGE), LARGE, LARGE)

    with pytest.raises(FaxDocumentError, match="no longer what it was"):
        send_in_turn(transport, taker, document, 100_000)

    assert len(taker.whole) == 3


def test_slices_that_are_sent_out_of_turn_are_refused(transport, taker):
    parts = list(DocumentSlice.in_turn(FaxDocument.from_bytes(SMALL, "pdf"), 5))

    with pytest.raises(FaxDocumentError):
        transport(taker.url).exchange(request_of(RequestKind.UPLOAD, document=parts[1]))

    assert taker.server.connections == 0


@pytest.mark.parametrize(("start", "stop"), [(0, 100), (100_000, 200_000), (399_999, 400_000)])
@every_change
def test_a_slice_by_itself_goes_out_only_if_all_of_the_document_is_what_it_was(transport, taker, change, start, stop):
    check_refused(
        transport,
        taker,
        request_of(RequestKind.UPLOAD, document=DocumentSlice(opened_as(LARGE, change(LARGE)), start, stop)),
    )
    transport(taker.url).exchange(
        request_of(RequestKind.UPLOAD, document=DocumentSlice(opened_as(LARGE, LARGE), start, stop))
    )

    assert [request.body for request in taker.whole] == [LARGE[start:stop]]


@given(content=st.binary(min_size=1, max_size=300), length=st.integers(min_value=1, max_value=400))
def test_slices_in_turn_cover_a_document_once_and_in_order(content, length):
    document = FaxDocument.from_bytes(content, "pdf")

    parts = list(DocumentSlice.in_turn(document, length))

    assert b"".join(content[part.start : part.stop] for part in parts) == content
    assert [part.start for part in parts] == list(range(0, len(content), length))


def test_a_base64_body_is_that_of_the_document(transport, taker):
    transport(taker.url).exchange(request_of(RequestKind.SEND, **BODIES["json"](opened_as(LARGE, LARGE))))

    assert base64.b64encode(LARGE) in taker.whole[0].body
