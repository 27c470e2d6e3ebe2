"""Moments in what a vendor sends, and the vendor's own clock."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from airflow_provider_faxto.vendors.parsing.text import as_text

if TYPE_CHECKING:
    import pendulum

    from airflow_provider_faxto.vendors.base import FaxResponse

__all__ = ["as_exact_utc", "as_utc", "is_before", "read_date", "read_retry_after"]

_LONGEST_WAIT = 3600.0
_LONGEST_HEADER = 60
_SECONDS = re.compile(r"\d+(?:\.\d*)?", re.ASCII)
# A whole date, with or without a time of day. The library's parser also takes "now" and "12:30" and fills in
# today, and it fails with a TypeError on some texts with a slash.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
_TO_THE_SECOND = re.compile(r".{10}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?P<zone>.*)")
# The westernmost zone is UTC-12: what a clock there shows happened twelve hours later in UTC.
_HOURS_OF_DOUBT = 12


def as_utc(value: object) -> pendulum.DateTime | None:
    """Read a moment to show it. A text without a zone is taken as UTC, which is what the vendors document or imply.

    :param value: the JSON value: ISO 8601 with dashes and colons, ``2017-08-03 12:31:38``, or a date alone, which
        is taken as its midnight.
    :return: the moment in UTC; ``None`` for anything else, and for a year before 2000, which some services
        write for "not yet".
    """
    text = as_text(value)
    if text is None or not _MOMENT.fullmatch(text):
        return None
    import pendulum

    try:
        moment = pendulum.parse(text, tz="UTC")
        if not isinstance(moment, pendulum.DateTime) or moment.year < 2000:  # noqa: PLR2004 - fax APIs are younger
            return None
        return moment.in_timezone("UTC")
    except (ValueError, OverflowError):
        return None


def as_exact_utc(value: object, *, is_utc: bool = True) -> pendulum.DateTime | None:
    """Read a moment that is to be compared with another: as :func:`as_utc` does, but only if the text has its seconds.

    :param value: the JSON value.
    :param is_utc: whether the vendor documents that its times without a zone are in UTC. Where it documents nothing,
        such a time may be that of any zone, and the latest moment that it can stand for is returned: 12 hours later,
        as in the westernmost zone. Default: it does.
    :return: the moment in UTC; ``None`` also for a day alone, which would pass for its midnight and so for hours
        earlier than it was.
    """
    text = as_text(value)
    match = _TO_THE_SECOND.fullmatch(text) if text is not None else None
    moment = as_utc(text) if match else None
    if match is None or moment is None or is_utc or match["zone"]:
        return moment
    try:
        return moment.add(hours=_HOURS_OF_DOUBT)
    except OverflowError:
        return None


def is_before(moment: pendulum.DateTime | None, since: pendulum.DateTime) -> bool:
    """Tell whether something surely happened before a moment.

    :param moment: when it happened by the vendor's record, read with :func:`as_exact_utc`; ``None`` if not known.
    :param since: the moment. Its fraction of a second is left out, as vendors do in theirs.
    :return: whether it surely did; what is not known did not.
    """
    return moment is not None and moment < since.start_of("second")


def read_date(response: FaxResponse) -> pendulum.DateTime | None:
    """Read the vendor's own clock: the header ``Date``, which nearly every HTTP server writes (RFC 9110, 6.6.1).

    :param response: the response.
    :return: the moment in UTC; ``None`` if there is no such header or it is not an HTTP date.
    """
    return _read_http_date(response.headers.get("date", ""))


def read_retry_after(response: FaxResponse) -> float | None:
    """Read how long the vendor asks to wait: the header ``Retry-After`` (RFC 9110, 10.2.3).

    No vendor documents the header; gateways and firewalls before them write it.

    :param response: the response. The header holds seconds, also with a fraction, or an HTTP date, which is
        measured from the response's own ``Date``: our clock may differ from the vendor's.
    :return: the seconds, from 0 to 3600; ``None`` if the header is absent or cannot be read, and for a date in a
        response that does not tell its own.
    """
    text = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_WAIT)
    now, then = read_date(response), _read_http_date(text)
    if now is None or then is None:
        return None
    return min(max((then - now).total_seconds(), 0.0), _LONGEST_WAIT)


def _read_http_date(text: str) -> pendulum.DateTime | None:
    # A day's name stands in each of the three forms of HTTP; the library reads other texts too, as years of the web's
    # first days or with an error of any kind.
    if not (text.isascii() and text[:3].isalpha() and len(text) <= _LONGEST_HEADER):
        return None
    import pendulum

    try:
        moment = parsedate_to_datetime(text)
        # A zone of "-0000" and asctime's form come without one; HTTP knows UTC alone.
        return pendulum.instance(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).in_timezone("UTC")
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
