"""What goes out with a fax to InterFAX: its parameters, all of them in the query, and its documents."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.vendors.base import (
    DocumentSlice,
    FaxRequest,
    MultipartPart,
    RequestKind,
    UploadedDocument,
)
from airflow_provider_faxto.vendors.interfax.errors import session_id_in
from airflow_provider_faxto.vendors.parsing import read_option_choice, read_option_count, read_option_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.options import SendOptions
    from airflow_provider_faxto.vendors.base import Flow
    from airflow_provider_faxto.vendors.interfax.errors import InterFaxCalls

__all__ = ["SEND_OPTIONS", "check_reference", "fax_body", "fax_query", "place_documents", "upload"]

_MAX_INLINE_BYTES = 1_000_000
_CHUNK_BYTES = 1_000_000
_MORE_EXPECTED = (202,)
_UPLOAD_COMPLETE = (200, 204)
_MAX_REFERENCE = 60
_MAX_SENDER_ID = 20
_MAX_ATTEMPTS = 6
# The vendor documents no length for these; as an address has at most, and enough for one line of a page.
_MAX_TEXT = 254


def _read_moment(name: str, value: object, *, label: str) -> str:
    """Read a moment with its zone, and write it in GMT, as the vendor counts."""
    text = value.strip() if isinstance(value, str) else value
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else text
        # A text that Python reads may lie at the edge of its calendar, where no other zone can be told.
        gmt = moment.astimezone(UTC) if isinstance(moment, datetime) and moment.utcoffset() is not None else None
    except (ValueError, OverflowError):
        gmt = None
    if gmt is None:
        raise FaxInputError(
            f"{label} takes {name} as a date and time of ISO 8601 with its zone, such as 2026-12-01T08:00:00+01:00; "
            "this is not one."
        )
    return f"{gmt.replace(tzinfo=None, microsecond=0).isoformat()}Z"


def _read_attempts(name: str, value: object, *, label: str) -> str:
    """Read how often to dial in all."""
    return str(read_option_count(name, value, label=label, least=1, most=_MAX_ATTEMPTS))


def _choice(**words: str) -> Callable[..., str]:
    """Make the reader of an option from its values, each with InterFAX's word for it."""
    return partial(read_option_choice, choices=words)


SEND_OPTIONS: Mapping[str, tuple[str, Callable[..., str]]] = {
    "sender_id": ("csid", partial(read_option_text, longest=_MAX_SENDER_ID)),
    "contact": ("contact", partial(read_option_text, longest=_MAX_TEXT)),
    "page_size": ("pageSize", _choice(a4="a4", letter="letter", legal="legal", b4="b4")),
    "page_orientation": ("pageOrientation", _choice(portrait="portrait", landscape="landscape")),
    "fit_to_page": ("fitToPage", _choice(scale="scale", noscale="noscale")),
    "resolution": ("resolution", _choice(standard="standard", fine="fine")),
    # The vendor's pages write "grayscale"; one of its clients sends "greyscale" instead.
    "rendering": ("rendering", _choice(greyscale="grayscale", grayscale="grayscale", bw="bw")),
    "page_header": ("pageHeader", partial(read_option_text, longest=_MAX_TEXT)),
    "reply_address": ("replyAddress", partial(read_option_text, longest=_MAX_TEXT)),
    "retries_at_vendor": ("retriesToPerform", _read_attempts),
    # How far ahead it may lie (30 days, at ExtraFax Cloud 14) the vendor judges by its own clock and refuses with -114.
    "postpone_until": ("postponeTime", _read_moment),
}
"""What InterFAX lets one set for a fax: the name at InterFAX, and what reads the value. A new one is a line here."""


def check_reference(reference: str) -> str:
    """Check a reference.

    :param reference: the reference.
    :return: the reference without blanks around it, since it is compared later with what comes back.
    :raises FaxInputError: if it is empty or longer than 60 characters, which is what InterFAX keeps.
    """
    cleaned = reference.strip()
    if not 0 < len(cleaned) <= _MAX_REFERENCE:
        raise FaxInputError(
            f"A reference has 1 to {_MAX_REFERENCE} characters; this one has {len(cleaned)}. Nothing was sent."
        )
    return cleaned


def fax_query(
    fax_number: FaxNumber, reference: str | None, options: SendOptions, *, label: str
) -> list[tuple[str, str]]:
    """Make the parameters of a fax.

    :param fax_number: the recipient.
    :param reference: the key to store with it, or ``None``.
    :param options: what to set, of :data:`SEND_OPTIONS`.
    :param label: the vendor's name, for messages.
    :return: the query, not yet encoded.
    :raises FaxInputError: if the reference or an option has a value that InterFAX does not take.
    """
    query = [("faxNumber", fax_number.e164)]
    if reference is not None:
        query.append(("reference", check_reference(reference)))
    for name, value in options.items():
        parameter, read = SEND_OPTIONS[name]
        query.append((parameter, read(name, value, label=label)))
    return query


def place_documents(
    calls: InterFaxCalls, documents: Sequence[FaxDocument | UploadedDocument]
) -> Flow[list[FaxDocument | str]]:
    """Upload what is too large to go in the request that sends.

    :param calls: how to ask.
    :param documents: the documents of the fax, in order.
    :return: the same documents, each as itself or as the URI of its upload session. Up to 1 MB together they stay
        themselves.
    :raises FaxInputError: if an uploaded document is not named by the URI of an upload session.
    :raises FaxDocumentError: if the vendor does not take a document.
    :raises FaxUploadLostError: if the vendor loses an upload.
    """
    # All URIs are checked first, so that nothing is uploaded for a fax that cannot be sent.
    contents = [_session_uri(each) if isinstance(each, UploadedDocument) else each for each in documents]
    if sum(content.size for content in contents if isinstance(content, FaxDocument)) <= _MAX_INLINE_BYTES:
        return contents
    for place, content in enumerate(contents):
        if isinstance(content, FaxDocument):
            contents[place] = yield from upload(calls, content)
    return contents


def upload(calls: InterFaxCalls, document: FaxDocument, *, name: str = "document") -> Flow[str]:
    """Upload a document in chunks of 1 MB, which the vendor takes strictly in order.

    :param calls: how to ask.
    :param document: the document.
    :param name: what to call it at the vendor, without extension. Default: ``document``.
    :return: the URI of its upload session.
    :raises FaxDocumentError: if the vendor does not take the document.
    :raises FaxUploadLostError: if the session is gone before it is full.
    :raises FaxUnreadableAnswerError: if the vendor counts other bytes than were sent: a cut-off document must not
        be faxed.
    """
    request = FaxRequest(
        action="upload a document",
        kind=RequestKind.UPLOAD,
        method="POST",
        path="/outbound/documents",
        query=[("size", str(document.size)), ("name", f"{name}.{document.extension}")],
    )
    response = yield from calls.ask(request)
    uri = response.headers.get("location", "").strip()
    session = session_id_in(uri)
    if session is None:
        raise calls.unreadable(request, response, "the address of an upload session")
    for part in DocumentSlice.in_turn(document, _CHUNK_BYTES):
        # On our own host whatever the URI says: credentials go nowhere else.
        chunk = FaxRequest(
            action="upload a document",
            kind=RequestKind.UPLOAD,
            method="POST",
            path=f"/outbound/documents/{session}",
            headers={"Range": f"bytes={part.start}-{part.stop - 1}"},
            document=part,
        )
        response = yield from calls.ask(chunk, needs_our_upload=True)
        is_last = part.stop == document.size
        if response.status not in (_UPLOAD_COMPLETE if is_last else _MORE_EXPECTED):
            wanted = "saying that it has the whole" if is_last else "asking for the next part"
            raise calls.unreadable(chunk, response, wanted)
    return uri


def fax_body(contents: Sequence[FaxDocument | str]) -> dict[str, Any]:
    """Make the body of a fax.

    :param contents: the documents in order, each as itself or as the URI of its upload session.
    :return: the fields of a ``FaxRequest``: one document as raw bytes, one session as a header over an empty
        body, several of either as multipart.
    """
    if len(contents) > 1:
        return {"parts": [_part(number, content) for number, content in enumerate(contents, start=1)]}
    content = contents[0]
    if isinstance(content, str):
        return {"headers": {"Content-Location": content}}
    return {"document": DocumentSlice.whole(content), "headers": {"Content-Type": content.media_type}}


def _session_uri(document: UploadedDocument) -> str:
    uri = document.document_id.strip()
    if session_id_in(uri) is None:
        raise FaxInputError("An uploaded document is named by the URI that upload_document() returned.")
    return uri


def _part(number: int, content: FaxDocument | str) -> MultipartPart:
    name = f"document{number}"
    if isinstance(content, str):
        return MultipartPart(name=name, content="", headers={"content-location": content})
    return MultipartPart(
        name=name,
        content=content,
        filename=f"{name}.{content.extension}",
        content_type=content.media_type,
    )
