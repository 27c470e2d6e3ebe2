"""Reading an InterFAX send: its parameters, and its documents in every form that the vendor takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES
from airflow_provider_faxto.simulator.documents import DocumentFacts
from airflow_provider_faxto.simulator.interfax.responses import InterFaxError, as_seconds, whole_number
from airflow_provider_faxto.simulator.interfax.sessions import MAX_DOCUMENTS
from airflow_provider_faxto.simulator.parsing import dialled_digits, read_address

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.body import Part
    from airflow_provider_faxto.simulator.dispatch import Call
    from airflow_provider_faxto.simulator.interfax.sessions import Sessions
    from airflow_provider_faxto.simulator.models import UploadSession

__all__ = ["SendOrder", "dialled", "read_send"]

_DAY = 86_400.0
_POSTPONE_DAYS = {"interfax": 30, "extrafax": 14}
_CHOICES = {
    "pageSize": ("a4", "letter", "legal", "b4"),
    "fitToPage": ("scale", "noscale"),
    "pageOrientation": ("portrait", "landscape"),
    "resolution": ("fine", "standard"),
    # The last two are the .NET client's.
    "rendering": ("grayscale", "bw", "greyscale", "blackandwhite"),
}
_LONGEST = {"reference": 60, "csid": 20}
_FREE = ("contact", "pageHeader", "replyAddress", "postponeTime", "retriesToPerform", "faxNumber")
_KNOWN = frozenset((*_CHOICES, *_LONGEST, *_FREE))
_MOST_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class SendOrder:
    """What a send asks for.

    :param digits: the recipient's digits, country code first, without ``00``.
    :param documents: the documents, in order: facts, or the session that holds one.
    :param attempts: the most attempts; ``None`` for the account's setting.
    :param postponed: how long to wait before the first attempt, in seconds. Default of the vendor: 0.
    :param reference: the sender's reference.
    :param parameters: all documented parameters, as sent.
    :param unknown_parameters: the names of all others.
    """

    digits: str
    documents: tuple[DocumentFacts | UploadSession, ...]
    attempts: int | None
    postponed: float
    reference: str | None
    parameters: dict[str, str]
    unknown_parameters: tuple[str, ...]


def read_send(call: Call, sessions: Sessions) -> SendOrder:
    """Read a send.

    :param call: the request.
    :param sessions: where to look for uploaded documents; none is used up here.
    :return: the order.
    :raises InterFaxError: if the vendor would refuse it. Which code comes with which HTTP status is in part
        inference.
    """
    parameters = {name: values[-1] for name, values in call.query.items() if name in _KNOWN}
    for name, choices in _CHOICES.items():
        if name in parameters and parameters[name].lower() not in choices:
            raise InterFaxError(400, -1010, f"{name} is invalid")
    for name, longest in _LONGEST.items():
        if len(parameters.get(name, "")) > longest:
            raise InterFaxError(400, -1010, f"{name} is too long")
    digits = dialled(parameters.get("faxNumber"))
    if digits is None:
        raise InterFaxError(400, -112, "No valid recipients")
    attempts = None
    if "retriesToPerform" in parameters:
        attempts = whole_number(parameters["retriesToPerform"], 1, 1, _MOST_ATTEMPTS)
    return SendOrder(
        digits=digits,
        documents=_documents(call, sessions),
        attempts=attempts,
        postponed=_postponed(call, parameters.get("postponeTime")),
        reference=parameters.get("reference") or None,
        parameters=parameters,
        # The vendor documents no form field of any name.
        unknown_parameters=tuple(sorted((set(call.query) - _KNOWN) | set(call.body.fields))),
    )


def dialled(number: str | None) -> str | None:
    """Read a number in international form.

    :param number: the number, with ``+`` or ``00`` and any punctuation. A plus sign that the client did not
        encode has become a blank, which is not accepted in its place.
    :return: its digits, country code first; ``None`` if it is not a number in that form.
    """
    if number is None or not number.startswith(("+", "00")):
        return None
    # Japan's form is 00 before the country code, with or without a plus sign.
    return dialled_digits(number.removeprefix("+").removeprefix("00"))


def _postponed(call: Call, time: str | None) -> float:
    if time is None:
        return 0.0
    seconds = as_seconds(time) - call.now
    if seconds > _POSTPONE_DAYS[call.vendor] * _DAY:
        raise InterFaxError(400, -114, "Postponed too far")
    return max(0.0, seconds)


def _documents(call: Call, sessions: Sessions) -> tuple[DocumentFacts | UploadSession, ...]:
    address = call.headers.get("content-location")
    if address is not None:
        if call.body.size:
            raise InterFaxError(400, -1002, "Content-Location goes with an empty body")
        return (_elsewhere(call, sessions, address),)
    documents = tuple(_one(call, sessions, part) for part in call.body.parts)
    if not documents:
        raise InterFaxError(400, -123, "No valid documents attached")
    if call.body.size > MAX_DOCUMENTS:
        raise InterFaxError(413, -1008, "The documents are too large")
    return documents


def _one(call: Call, sessions: Sessions, part: Part) -> DocumentFacts | UploadSession:
    if part.address is not None and not part.facts.size:
        return _elsewhere(call, sessions, part.address)
    if not part.facts.size:
        raise InterFaxError(400, -123, "A document is empty")
    if part.facts.media_type is None:
        raise InterFaxError(400, -1007, "The document's type is missing")
    if part.facts.media_type not in DOCUMENT_TYPES.values():
        raise InterFaxError(415, -1002, "The document's type is not supported")
    return part.facts


def _elsewhere(call: Call, sessions: Sessions, address: str) -> DocumentFacts | UploadSession:
    session = sessions.look_up(call, address)
    if session is not None:
        return session
    if read_address(address) is None:
        raise InterFaxError(400, -123, "Content-Location is not an address")
    # Nothing is fetched: the simulator makes no connection of its own.
    return DocumentFacts(address.rpartition("/")[2] or None, None, None, 0, 1)
