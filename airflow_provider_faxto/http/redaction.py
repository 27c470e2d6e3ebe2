"""Keeping URLs, and with them keys and fax numbers, out of the HTTP library's own log lines."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["urls_out_of_logs"]

_LOGGERS = ("urllib3.connectionpool", "urllib3.connection")


@contextlib.contextmanager
def urls_out_of_logs() -> Iterator[None]:
    """Take the query out of what urllib3 logs in this thread, until the block ends.

    A query holds Fax.to's key and InterFAX's recipient. Airflow can be told to log at DEBUG, and urllib3 then
    writes each URL whole; when it cannot parse an answer's headers it warns with the URL, the headers and a
    traceback. Other code, also in other threads, keeps its lines as they were.
    """
    # Each time, since a new logging configuration takes filters off.
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
    _FILTER.inside.now = True
    try:
        yield
    finally:
        _FILTER.inside.now = False


class _UrlFilter(logging.Filter):
    """Redacts a record's arguments and its exception in a thread that makes a request; never drops a record."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(self.inside, "now", False) and isinstance(record.args, tuple):
            record.args = tuple(map(_without_query, record.args))
            record.exc_info = record.exc_text = None
        return True


def _without_query(argument: object) -> object:
    if isinstance(argument, BaseException):
        return type(argument).__name__
    return argument.partition("?")[0] if isinstance(argument, str) else argument


_FILTER = _UrlFilter()
