"""What Fax.to's calls share: refusals, pages of a list, numbers, and the two versions of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import JSONResponse

from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.dispatch import Endpoint
from airflow_provider_faxto.simulator.models import Document, Fax
from airflow_provider_faxto.simulator.parsing import dialled_digits, read_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from airflow_provider_faxto.simulator.dispatch import Call
    from airflow_provider_faxto.simulator.documents import DocumentFacts
    from airflow_provider_faxto.simulator.settings import Settings

__all__ = [
    "RefusedError",
    "as_number",
    "carbon_date",
    "created_at",
    "failed_response",
    "is_v1",
    "newest_first",
    "page_asked",
    "read_number",
    "server_name",
    "shown_name",
    "versioned",
]

_Row = TypeVar("_Row", Fax, Document)


class RefusedError(Exception):
    """The vendor refuses a call.

    :param http_status: the HTTP status.
    :param message: a sentence. All of them are inference: the documents show none.
    """

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.message = message


def failed_response(http_status: int, message: str) -> Response:
    """Make the response of a call that failed.

    :param http_status: the HTTP status.
    :param message: the sentence.
    :return: the response.
    """
    return JSONResponse({"status": "failed", "message": message}, http_status)


def versioned(
    name: str,
    method: str,
    path: str,
    handler: Callable[[Call], Response],
    *,
    versions: tuple[str, ...] = ("v1", "v2"),
) -> Endpoint:
    """Describe a call.

    :param name: its name in faults and in the request log.
    :param method: its HTTP method.
    :param path: its path below the version.
    :param handler: carries it out.
    :param versions: the versions that have it.
    :return: the call.
    """
    return Endpoint(name, method, tuple(f"/api/{version}{path}" for version in versions), handler)


def is_v1(call: Call) -> bool:
    """Check whether a call came to version 1.

    :param call: the request.
    :return: whether it came to version 1.
    """
    return call.path_text.startswith("/api/v1/")


def as_number(value: float | None, settings: Settings) -> float | str | None:
    """Write a number.

    :param value: the number.
    :param settings: whether numbers are JSON numbers or strings.
    :return: the value for the response.
    """
    return str(value) if settings.faxto_text_numbers and value is not None else value


def read_number(text: str | None) -> str | None:
    """Read a fax number as the vendor may: without a plus sign, or with a blank where a URL had an unencoded one.

    :param text: the number, if the request has one.
    :return: its digits; ``None`` if it is not a fax number.
    """
    return dialled_digits((text or "").strip().removeprefix("+"))


def carbon_date(moment: float) -> dict[str, Any]:
    """Write a time as the vendor's PHP library does.

    :param moment: the time.
    :return: the date and its time zone.
    """
    return {"date": f"{utc(moment):%Y-%m-%d %H:%M:%S.%f}", "timezone_type": 3, "timezone": "UTC"}


def created_at(moment: float, settings: Settings) -> dict[str, Any] | str:
    """Write when a fax was sent, as the history does.

    :param moment: the time, by the vendor's clock.
    :param settings: the form, and the vendor's zone.
    :return: the date with its time zone, or bare text without one.
    """
    offset = settings.faxto_zone_offset
    local = f"{utc(moment + offset):%Y-%m-%d %H:%M:%S}"
    if settings.faxto_created == "text":
        return local
    if not offset:
        return carbon_date(moment)
    hours, minutes = divmod(int(abs(offset)) // 60, 60)
    zone = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    return {"date": f"{local}.000000", "timezone_type": 1, "timezone": zone}


def page_asked(call: Call, settings: Settings) -> tuple[int, int]:
    """Read which page of a list is wanted.

    :param call: the request, with ``limit`` and ``page``.
    :param settings: the size of a page, and the most rows of one.
    :return: the rows of a page, and the page's number, from 1.
    """
    limit = read_integer(call.parameter("limit")) or settings.faxto_page_size
    if settings.faxto_max_page_size is not None:
        limit = min(limit, settings.faxto_max_page_size)
    return limit, read_integer(call.parameter("page")) or 1


def newest_first(call: Call, rows: list[_Row], lag: float, settings: Settings) -> list[_Row]:
    """Take one page of a list, newest first.

    :param call: the request, with ``limit`` and ``page``.
    :param rows: all rows, oldest first.
    :param lag: the age in seconds from which a row is shown.
    :param settings: the size of a page, and whether there is any but the first.
    :return: the page, newest first.
    """
    limit, page = page_asked(call, settings)
    if settings.faxto_paging_ignored:
        page = 1
    shown = [row for row in rows if _kept_since(row) <= call.now - lag]
    end = max(0, len(shown) - (page - 1) * limit)
    return shown[max(0, end - limit) : end][::-1]


def _kept_since(row: Fax | Document) -> float:
    return row.accepted_at if isinstance(row, Fax) else row.created_at


def server_name(document_id: int) -> str:
    """Give the name under which the vendor keeps a document, in the style of the samples.

    :param document_id: the document's id.
    :return: thirteen hexadecimal digits and an extension.
    """
    return f"{document_id:013x}.pdf"


def shown_name(facts: DocumentFacts, document_id: int | None, settings: Settings) -> str | None:
    """Give the name that history and files list show.

    :param facts: the document.
    :param document_id: its id.
    :param settings: in which form names are shown.
    :return: the name.
    """
    match settings.faxto_document_names:
        case "server":
            return f"FAX{document_id}.pdf"
        case "generic":
            return "document.pdf"
        case "encoded":
            return facts.name and facts.name.replace("-", "%2D")
        case _:
            return facts.name
