"""What goes out with a fax to InterFAX: its parameters, all of them in the query, and its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxInputError
from airflow_provider_faxto.vendors.base import (
    DocumentSlice,
    FaxRequest,
    MultipartPart,
    RequestKind,
    UploadedDocument,
)
from airflow_provider_faxto.vendors.interfax.errors import session_id_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.options import SendOptions
    from airflow_provider_faxto.vendors.base import FaxVendor, Flow
    from airflow_provider_faxto.vendors.interfax.errors import InterFaxCalls

__all__ = ["check_documents", "check_reference", "fax_body", "fax_query", "place_documents", "upload"]

_MAX_INLINE_BYTES = 1_000_000
_CHUNK_BYTES = 1_000_000
_MORE_EXPECTED = (202,)
_UPLOAD_COMPLETE = (200, 204)
_MAX_REFERENCE = 60
_MAX_SENDER_ID = 20
_MAX_ATTEMPTS = 6

# How each option is called at InterFAX.
_PARAMETERS = {
    "sender_id": "csid",
    "contact": "contact",
    "page_size": "pageSize",
    "page_orientation": "pageOrientation",
    "resolution": "resolution",
    "rendering": "rendering",
    "page_header": "pageHeader",
    "reply_address": "replyAddress",
    "retries_at_vendor": "retriesToPerform",
}
# The values that an option can have, each with InterFAX's word for it. The vendor's pages write "grayscale"; one
# of its clients sends "greyscale" instead.
_VALUES: Mapping[str, Mapping[str, str]] = {
    "page_size": {size: size for size in ("a4", "letter", "legal", "b4")},
    "page_orientation": {"portrait": "portrait", "landscape": "landscape"},
    "resolution": {"standard": "standard", "fine": "fine"},
    "rendering": {"greyscale": "grayscale", "bw": "bw"},
}


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


def fax_query(fax_number: FaxNumber, reference: str | None, options: SendOptions) -> list[tuple[str, str]]:
    """Make the parameters of a fax.

    :param fax_number: the recipient.
    :param reference: the key to store with it, or ``None``.
    :param options: what to set.
    :return: the query, not yet encoded.
    :raises FaxInputError: if the reference or an option has a value that InterFAX does not take.
    """
    query = [("faxNumber", fax_number.e164)]
    if reference is not None:
        query.append(("reference", check_reference(reference)))
    query += [(_PARAMETERS[name], _option_value(name, getattr(options, name))) for name in options.names_set]
    return query


def check_documents(documents: Sequence[object], vendor: FaxVendor) -> None:
    """Check the documents that are still to go to the vendor.

    :param documents: the documents of the fax. Those that the vendor holds already are passed over.
    :param vendor: the vendor.
    :raises FaxDocumentError: if one is empty or of a type that the vendor does not take, or if all together are
        too large.
    """
    local = [document for document in documents if isinstance(document, FaxDocument)]
    for document in local:
        if document.extension not in vendor.document_types:
            raise FaxDocumentError(
                f"A document of type {document.extension!r} cannot be faxed with {vendor.label}. It takes "
                f"{', '.join(sorted(vendor.document_types))}."
            )
        if document.size <= 0:
            raise FaxDocumentError("The document is empty: there is nothing to fax.")
    together = sum(document.size for document in local)
    if together > vendor.max_document_bytes:
        raise FaxDocumentError(
            f"The documents have {together:,} bytes together; {vendor.label} is sent at most "
            f"{vendor.max_document_bytes:,} in one fax."
        )


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
    for start in range(0, document.size, _CHUNK_BYTES):
        stop = min(start + _CHUNK_BYTES, document.size)
        # On our own host whatever the URI says: credentials go nowhere else.
        chunk = FaxRequest(
            action="upload a document",
            kind=RequestKind.UPLOAD,
            method="POST",
            path=f"/outbound/documents/{session}",
            headers={"Range": f"bytes={start}-{stop - 1}"},
            document=DocumentSlice(document, start, stop),
        )
        response = yield from calls.ask(chunk)
        is_last = stop == document.size
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


def _option_value(name: str, value: Any) -> str:  # noqa: ANN401 - what a DAG wrote, checked here
    if name == "retries_at_vendor":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MAX_ATTEMPTS:
            raise FaxInputError(
                f"retries_at_vendor counts every time the vendor dials, the first one included: from 1 to "
                f"{_MAX_ATTEMPTS}."
            )
        return str(value)
    if not isinstance(value, str):
        raise FaxInputError(f"{name} must be a text, not {type(value).__name__}.")
    if name in _VALUES:
        if value not in _VALUES[name]:
            raise FaxInputError(f"{name} must be one of {', '.join(_VALUES[name])}.")
        return _VALUES[name][value]
    if name == "sender_id" and len(value) > _MAX_SENDER_ID:
        raise FaxInputError(f"sender_id has at most {_MAX_SENDER_ID} characters; this one has {len(value)}.")
    return value
