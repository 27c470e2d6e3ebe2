"""Finding a fax in InterFAX's own records by its reference: the proof that decides about a second send.

Whatever leaves a doubt raises, because "nothing found" is taken as leave to send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxLostContactError, FaxUnreadableAnswerError
from airflow_provider_faxto.vendors._interfax_records import read_id
from airflow_provider_faxto.vendors.reading import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.vendors._interfax_calls import InterFaxCalls
    from airflow_provider_faxto.vendors.base import Flow

__all__ = ["search_jobs"]

_PAGE = 100
# What the vendor's pages give as the size of a page where nobody asks for one.
_DEFAULT_PAGE = 25
# An error code of the older interface speaks of 2,000 records as the most that a search reaches.
_MAX_PAGES = 20


def search_jobs(
    calls: InterFaxCalls,
    read_record: Callable[[object], FaxStatus | None],
    *,
    reference: str,
    fax_number: FaxNumber,
) -> Flow[list[FaxStatus]]:
    """Search for every fax job under a reference, page by page until one is empty.

    :param calls: how to ask.
    :param read_record: reads one record.
    :param reference: the reference.
    :param fax_number: the recipient under that reference.
    :return: the jobs, newest first.
    :raises FaxLostContactError: if the search has no end, or if the vendor answers 404.
    :raises FaxUnreadableAnswerError: if a record does not tell whether it is under the reference, or if one that is
        cannot be read.
    """
    action = f"look up a fax to {fax_number.masked} by its reference"
    found: dict[str, FaxStatus] = {}
    seen: set[int] = set()
    offset = 0
    for _ in range(_MAX_PAGES):
        query = [("reference", reference), ("sortOrder", "desc"), ("limit", str(_PAGE)), ("offset", str(offset))]
        rows = yield from calls.ask_for_list(action, "/outbound/search", query)
        ids = {number for number in map(read_id, rows) if number is not None}
        # A page that says nothing new means that the offset has no effect: there is this one page only. It is the
        # whole if it is shorter than any page that the vendor would cut.
        is_repeated = bool(ids) and ids <= seen
        if not rows or (is_repeated and len(rows) < _DEFAULT_PAGE):
            # Ids rise, so the highest is the newest.
            return sorted(found.values(), key=lambda status: int(status.job_id), reverse=True)
        if is_repeated:
            break
        for row in rows:
            status = _read_if_ours(row, read_record, reference, fax_number, f"Could not {action}: {calls.label}")
            if status is not None:
                found[status.job_id] = status
        seen |= ids
        offset += len(rows)
    raise FaxLostContactError(f"Could not {action}: {calls.label}'s search has no end, so it proves nothing.")


def _read_if_ours(
    row: Any,  # noqa: ANN401 - any JSON value
    read_record: Callable[[object], FaxStatus | None],
    reference: str,
    fax_number: FaxNumber,
    who: str,
) -> FaxStatus | None:
    if not isinstance(row, dict):
        raise FaxUnreadableAnswerError(f"{who}'s search holds something that is no record.")
    # Both names are documented for it, on different pages.
    references = [text for name in ("reference", "subject") if (text := as_text(row.get(name))) is not None]
    if references and reference not in references:
        return None
    if not references and not _may_be_recipient(row.get("destinationFax") or row.get("faxNumber"), fax_number):
        return None
    if not references:
        raise FaxUnreadableAnswerError(
            f"{who}'s search holds a fax that carries no reference and may have gone to this recipient."
        )
    status = read_record(row)
    if status is None:
        raise FaxUnreadableAnswerError(f"{who}'s record of it has no readable id or status.")
    return status


def _may_be_recipient(destination: object, fax_number: FaxNumber) -> bool:
    written = str(destination) if isinstance(destination, (str, int)) else ""
    digits = "".join(sign for sign in written if sign in "0123456789")
    # "0044..." is how the vendor writes "+44...". A national form lacks the country code, so the shorter of the
    # two is looked for at the end of the longer; a number that is absent is at the end of any.
    theirs, ours = digits.lstrip("0"), fax_number.digits
    return theirs.endswith(ours) or ours.endswith(theirs)
