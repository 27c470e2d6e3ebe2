"""InterFAX's responses: fax records at two levels, errors, times without a zone, and a fax image."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from airflow_provider_faxto.fax.codes import classify_code
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.labels import shown_recipient, shown_reference
from airflow_provider_faxto.simulator.parsing import read_integer

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.dispatch import Call
    from airflow_provider_faxto.simulator.models import Fax
    from airflow_provider_faxto.simulator.settings import Settings
    from airflow_provider_faxto.simulator.timeline import Moment

__all__ = [
    "InterFaxError",
    "as_seconds",
    "as_time",
    "full_record",
    "json_response",
    "matches_status",
    "submitted_at",
    "summary_record",
    "tiff_image",
    "whole_number",
]


class InterFaxError(Exception):
    """The vendor refuses a call.

    :param http_status: the HTTP status.
    :param code: the API error code, which is not a status code of a fax.
    :param message: a sentence.
    """

    def __init__(self, http_status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """Make the response.

        :return: the error as JSON. Its type is ``text/json`` whatever the client accepts, as recorded.
        """
        body = json.dumps({"code": self.code, "message": self.message, "moreInfo": None})
        return Response(body, self.http_status, {"content-type": "text/json"})


def json_response(call: Call, content: object) -> Response:
    """Make a response of JSON.

    :param call: the request; its ``Accept`` chooses the content type, as recorded.
    :param content: the JSON's content.
    :return: the response. XML is documented too, and not simulated.
    """
    wanted = "application/json" in call.headers.get("accept", "")
    content_type = "application/json; charset=utf-8" if wanted else "text/json"
    return Response(json.dumps(content), 200, {"content-type": content_type, "cache-control": "private"})


def as_time(moment: float) -> str:
    """Write a time as the vendor does: GMT, no zone, no fraction.

    :param moment: the time.
    :return: the text.
    """
    return f"{utc(moment):%Y-%m-%dT%H:%M:%S}"


def as_seconds(text: str) -> float:
    """Read a time from a request.

    :param text: ISO 8601, with or without a zone; without one it is GMT.
    :return: seconds since the epoch.
    :raises InterFaxError: if it is not a time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InterFaxError(400, -1010, "Not a date and time") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def whole_number(text: str | None, default: int, least: int, most: int | None = None) -> int:
    """Read a whole number from a request.

    :param text: the number, or ``None`` if the request has none.
    :param default: the value for ``None``.
    :param least: the smallest allowed.
    :param most: the largest allowed; ``None`` for no end.
    :return: the number.
    :raises InterFaxError: if it is not a number, or out of range.
    """
    if text is None:
        return default
    number = read_integer(text)
    if number is None or number < least or (most is not None and number > most):
        raise InterFaxError(400, -1010, "A number is missing or out of range")
    return number


def submitted_at(fax: Fax, settings: Settings) -> float:
    """Give the time of submission, by the vendor's other clock and in its zone.

    :param fax: the fax.
    :param settings: how far that clock and zone are ahead.
    :return: the value of ``submitTime``.
    """
    return fax.accepted_at + settings.interfax_submit_skew + _offset(settings)


def summary_record(base_url: str, fax: Fax, moment: Moment, settings: Settings) -> dict[str, Any]:
    """Write the short form of a fax record, for ``completed``.

    :param base_url: the address under which the client reached the simulator, without a slash at the end.
    :param fax: the fax.
    :param moment: its state.
    :param settings: prices, and the completion time of an unfinished fax.
    :return: the record.
    """
    record = {
        "id": fax.id,
        "uri": f"{base_url}/outbound/faxes/{fax.id}",
        "status": moment.state,
        "userId": fax.user,
        "pagesSent": moment.pages_sent,
        "completionTime": None,
        "remoteCSID": "SIMULATOR" if moment.is_final and moment.pages_sent else "",
        "duration": _duration(moment, settings),
        "priority": 2,
        "units": float(moment.pages_sent),
        "costPerUnit": settings.interfax_cost_per_unit,
        "attemptsMade": moment.attempts,
    }
    if moment.is_final:
        record["completionTime"] = as_time(fax.final_at + _offset(settings))
    elif settings.interfax_completion_pending == "zero":
        record["completionTime"] = "0001-01-01T00:00:00"
    elif settings.interfax_completion_pending == "absent":
        del record["completionTime"]
    return record


def full_record(base_url: str, fax: Fax, moment: Moment, settings: Settings) -> dict[str, Any]:
    """Write the long form of a fax record, for the other calls.

    :param base_url: the address under which the client reached the simulator, without a slash at the end.
    :param fax: the fax.
    :param moment: its state.
    :param settings: as for :func:`summary_record`.
    :return: the record. That ``reference`` comes back as ``subject`` is inference.
    """
    asked = fax.parameters
    resolution = asked.get("resolution", "standard").capitalize()
    return summary_record(base_url, fax, moment, settings) | {
        "submitTime": as_time(submitted_at(fax, settings)),
        "contact": asked.get("contact"),
        # The canonical form is 00, country, number.
        "destinationFax": shown_recipient(fax.recipient, settings.interfax_recipients, "00"),
        "replyEmail": asked.get("replyAddress", ""),
        "subject": shown_reference(fax.reference, settings.interfax_references),
        "pagesSubmitted": fax.pages,
        "senderCSID": asked.get("csid", fax.user)[:20],
        "attemptsToPerform": int(asked.get("retriesToPerform", settings.interfax_attempts)),
        "pageSize": asked.get("pageSize", "a4").capitalize(),
        "resolution": resolution,
        "pageResolution": resolution,
        "pageOrientation": asked.get("pageOrientation", "portrait").capitalize(),
        "rendering": "Fine" if asked.get("rendering") in ("grayscale", "greyscale") else "Standard",
        "pageHeader": asked.get("pageHeader", "0"),
    }


def matches_status(moment: Moment, wanted: str) -> bool:
    """Apply the search's ``status`` filter.

    :param moment: a fax's state.
    :param wanted: a number, or Completed, Success, Failed, Inprocess or All.
    :return: whether the fax matches.
    :raises InterFaxError: if ``wanted`` is not one of these.
    """
    outcome = classify_code(int(moment.state))
    match wanted.lower():
        case "all":
            return True
        case "completed":
            return moment.is_final
        case "inprocess":
            return not moment.is_final
        case "success":
            return outcome is FaxOutcome.SUCCESS
        case "failed":
            return moment.is_final and outcome is not FaxOutcome.SUCCESS
        case _:
            number = read_integer(wanted.removeprefix("-"))
            if number is None:
                raise InterFaxError(400, -1010, "No such status")
            return moment.state == (-number if wanted.startswith("-") else number)


def tiff_image() -> bytes:
    """Make the image of a fax: a TIFF of one white dot.

    :return: the file.
    """
    # Width, height, bits, compression, meaning of zero, where the strip is, its rows and bytes.
    tags = [(256, 1), (257, 1), (258, 1), (259, 1), (262, 0), (273, 8), (278, 1), (279, 1)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\x00" + struct.pack("<I", 10) + b"\x00\x00" + struct.pack("<H", len(tags)) + entries + b"\x00" * 4


def _offset(settings: Settings) -> float:
    return settings.interfax_clock_offset + settings.interfax_zone_offset


def _duration(moment: Moment, settings: Settings) -> int:
    if not moment.is_final or not moment.attempts:
        return 0
    return int(settings.interfax_seconds_call + moment.pages_sent * settings.interfax_seconds_page)
