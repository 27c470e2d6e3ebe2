"""What can be set about the simulated vendors: durations, prices, limits, and responses that are not documented.

Where the vendors' documents disagree or are silent, a setting chooses the variant, and its docstring says so.
All durations are simulated seconds. A fax keeps the settings of the moment in which it was accepted.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, cast

from airflow_provider_faxto.simulator.labels import RECIPIENT_FORMS, REFERENCE_FORMS
from airflow_provider_faxto.simulator.parsing import is_loopback_url

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a simulator; replaced as a whole by :meth:`changed`.

    :param faxto_seconds_ok: how long a fax that arrives is in progress at Fax.to.
    :param faxto_seconds_failed: how long one that fails is in progress, redials included.
    :param faxto_progress: the status response of a fax in progress, which no document shows: ``message``
        (status ``success`` and a text that names no outcome), ``executed`` (status ``executed``), ``empty``
        (status ``success``, message empty) or ``no_message`` (status ``pending``, no message at all).
    :param faxto_failed_status: the ``status`` of the status response for a fax that failed: ``success``, since
        the documents call it the status of the request, or ``failed``.
    :param faxto_history_progress: the row's status in the history while a fax is in progress; not documented.
    :param faxto_refusal: the HTTP status of a refused send: 200 (status ``failed``) or 400.
    :param faxto_text_numbers: whether numbers in responses are written as JSON strings.
    :param faxto_upload_status: the ``status`` of an upload's response; the documents show two spellings.
    :param faxto_document_names: what history and files list show: the name as ``uploaded``, a name that
        the ``server`` gave (the documents show both kinds), ``document.pdf`` for every one (``generic``), or the name
        with ``%2D`` for each hyphen (``encoded``).
    :param faxto_recipients: how the history shows recipients: as ``sent``, ``masked`` (``1202***0100``), with a
        ``trunk_zero`` (``1 (0)2025550100``), with an ``extension`` (``12025550100,,1``), or as an ``other`` number.
    :param faxto_files_object: whether the files list is an object with ``files`` and not a bare array.
    :param faxto_history_lag: seconds until a new fax shows in the history.
    :param faxto_files_lag: seconds until an upload shows in the files list.
    :param faxto_status_lag: seconds during which the status call gives 404 for a new fax.
    :param faxto_records_seconds: for how long after its acceptance a fax is shown: afterwards the status call
        gives 404 for it, and the history leaves it out; ``None`` for ever. Not documented.
    :param faxto_history_shift: how many faxes others send from the account right before page 2 of the history is
        given, which moves all rows on.
    :param faxto_paging_ignored: whether every page of a list is the first one, whatever page was asked for.
    :param faxto_created: how the history tells when a fax was sent: ``carbon`` (an object with the time zone, as
        documented) or ``text`` (no zone).
    :param faxto_zone_offset: by how many seconds the zone of those times is ahead of UTC.
    :param faxto_clock_offset: by how many seconds the vendor's clock is ahead of the simulated time, in those times
        and in the ``Date`` header.
    :param faxto_page_size: rows of a list when the request names no limit; not documented.
    :param faxto_max_page_size: the most rows of a list, whatever the request says; ``None`` for no cap.
    :param faxto_links_list: whether the ``links`` of a paginated list are an empty list, and not an empty object,
        when there is a single page.
    :param faxto_rate_limit: requests for each key in a rolling minute, above which the response is 403;
        ``None`` for no limit. No figure is documented.
    :param faxto_remote_fetch_fails: whether an upload by URL fails.
    :param faxto_callback_url: where Fax.to POSTs its delivery receipts, on this machine; ``None`` for nowhere.
    :param faxto_callback_duplicates: how often a receipt comes again although the receiver responded with 200, each
        time after another 15 minutes.
    :param faxto_callback_message: whether receipts carry ``message``; the documents disagree.
    :param faxto_callback_msg_code: whether receipts carry ``msg_code``; the documents disagree.
    :param faxto_cost_per_page: the price of a page.
    :param faxto_balance: what each account holds at the start.
    :param interfax_seconds_received: how long a fax is in state -11.
    :param interfax_seconds_rendering: how long it is in state -1.
    :param interfax_seconds_ready: how long it is in state -2, a postponement apart.
    :param interfax_seconds_call: the length of a call in which no page is sent.
    :param interfax_seconds_page: what each page adds to the call.
    :param interfax_retry_interval: the pause between two of the vendor's own attempts.
    :param interfax_attempts: attempts for a fax that names none in ``retriesToPerform``.
    :param interfax_partial_pages: pages that arrive of a fax that fails with a code which allows for that,
        always fewer than it has.
    :param interfax_status_limit: status requests for each user in a rolling minute; ``None`` for no limit.
    :param interfax_throttle_status: the HTTP status of a throttled response; not documented for REST.
    :param interfax_lockout_after: failed log-ins that lock a user out; ``None`` for never. No figure is
        documented.
    :param interfax_lockout_seconds: how long a user is locked out.
    :param interfax_cancel_final_status: the response to cancelling a finished fax: 409 (with code -162) or 200;
        both were seen.
    :param interfax_completion_pending: ``completionTime`` of an unfinished fax, of which no record is known:
        ``null``, ``absent`` or ``zero`` (0001-01-01T00:00:00).
    :param interfax_submit_skew: how many seconds the clock behind ``submitTime`` is ahead of the one behind
        ``completionTime``. The default puts a one-page fax's submission a few seconds after its completion,
        as in most recorded responses.
    :param interfax_completed_lag: seconds until a finished fax shows in ``completed``.
    :param interfax_search_lag: seconds until a new fax shows in list and search.
    :param interfax_status_lag: seconds during which a new fax's own address gives 404.
    :param interfax_records_seconds: for how long after its acceptance a fax is shown, in lists and under its own
        address; ``None`` for ever. The vendor keeps faxes for 30 days.
    :param interfax_max_page_size: the most records of a list or search, whatever the request says; ``None`` for no cap.
    :param interfax_references: how records show the reference: as ``sent``, ``quoted``, with ``underscores`` for
        hyphens, with a ``suffix``, ``cut`` after 20 characters, or not at all (``none``).
    :param interfax_search_by: whether a search by reference compares it with the one that was ``sent`` or with the
        one that is ``shown``.
    :param interfax_recipients: how records show recipients; the same forms as ``faxto_recipients``.
    :param interfax_zone_offset: by how many seconds the zone of the times in records is ahead of GMT. They tell no
        zone, and GMT is what the vendor documents.
    :param interfax_clock_offset: by how many seconds the vendor's clock is ahead of the simulated time, in those
        times and in the ``Date`` header.
    :param interfax_hold_for_credit: whether new faxes are held with -22 as if the card were empty.
    :param interfax_session_status: the HTTP status of a new upload session: 201, or 202 as once recorded.
    :param interfax_session_lost_status: the HTTP status of a call that names an upload session which is not there:
        404, 409, 410 or 416.
    :param interfax_session_lost_code: its code: -1062 or -1061.
    :param interfax_callback_url: where InterFAX and ExtraFax POST the end of each fax, on this machine; ``None``
        for nowhere.
    :param interfax_cost_per_unit: the price of a unit; a page is one unit.
    :param interfax_balance: what each account holds at the start.
    """

    faxto_seconds_ok: float = 45.0
    faxto_seconds_failed: float = 180.0
    faxto_progress: str = "message"
    faxto_failed_status: str = "success"
    faxto_history_progress: str = "executed"
    faxto_refusal: int = 200
    faxto_text_numbers: bool = False
    faxto_upload_status: str = "Success"
    faxto_document_names: str = "uploaded"
    faxto_recipients: str = "sent"
    faxto_files_object: bool = False
    faxto_history_lag: float = 0.0
    faxto_files_lag: float = 0.0
    faxto_status_lag: float = 0.0
    faxto_records_seconds: float | None = None
    faxto_history_shift: int = 0
    faxto_paging_ignored: bool = False
    faxto_created: str = "carbon"
    faxto_zone_offset: float = 0.0
    faxto_clock_offset: float = 0.0
    faxto_page_size: int = 20
    faxto_max_page_size: int | None = None
    faxto_links_list: bool = False
    faxto_rate_limit: int | None = None
    faxto_remote_fetch_fails: bool = False
    faxto_callback_url: str | None = None
    faxto_callback_duplicates: int = 0
    faxto_callback_message: bool = True
    faxto_callback_msg_code: bool = True
    faxto_cost_per_page: float = 0.15
    faxto_balance: float = 10_000.0

    interfax_seconds_received: float = 2.0
    interfax_seconds_rendering: float = 3.0
    interfax_seconds_ready: float = 5.0
    interfax_seconds_call: float = 14.0
    interfax_seconds_page: float = 27.0
    interfax_retry_interval: float = 180.0
    interfax_attempts: int = 4
    interfax_partial_pages: int = 0
    interfax_status_limit: int | None = 6
    interfax_throttle_status: int = 429
    interfax_lockout_after: int | None = 5
    interfax_lockout_seconds: float = 3600.0
    interfax_cancel_final_status: int = 409
    interfax_completion_pending: str = "null"
    interfax_submit_skew: float = 55.0
    interfax_completed_lag: float = 0.0
    interfax_search_lag: float = 0.0
    interfax_status_lag: float = 0.0
    interfax_records_seconds: float | None = None
    interfax_max_page_size: int | None = None
    interfax_references: str = "sent"
    interfax_search_by: str = "sent"
    interfax_recipients: str = "sent"
    interfax_zone_offset: float = 0.0
    interfax_clock_offset: float = 0.0
    interfax_hold_for_credit: bool = False
    interfax_session_status: int = 201
    interfax_session_lost_status: int = 404
    interfax_session_lost_code: int = -1062
    interfax_callback_url: str | None = None
    interfax_cost_per_unit: float = 0.15
    interfax_balance: float = 10_000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            _check(field.name, getattr(self, field.name), field.default)

    def changed(self, **changes: Any) -> Settings:
        """Give a copy with some settings changed.

        :param changes: the settings by name.
        :return: the new settings.
        :raises ValueError: if a name is not a setting, or a value does not fit it.
        """
        names = {field.name for field in fields(self)}
        unknown = sorted(set(changes) - names)
        if unknown:
            raise ValueError(f"No such setting: {', '.join(unknown)}. There are: {', '.join(sorted(names))}.")
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Give all settings as plain JSON types.

        :return: value by name.
        """
        return asdict(self)


_CHOICES: dict[str, tuple[Any, ...]] = {
    "faxto_progress": ("message", "executed", "empty", "no_message"),
    "faxto_failed_status": ("success", "failed"),
    "faxto_refusal": (200, 400),
    "faxto_document_names": ("uploaded", "server", "generic", "encoded"),
    "faxto_recipients": RECIPIENT_FORMS,
    "faxto_created": ("carbon", "text"),
    "interfax_references": REFERENCE_FORMS,
    "interfax_search_by": ("sent", "shown"),
    "interfax_recipients": RECIPIENT_FORMS,
    "interfax_cancel_final_status": (409, 200),
    "interfax_completion_pending": ("null", "absent", "zero"),
    "interfax_session_status": (201, 202),
    "interfax_session_lost_status": (404, 409, 410, 416),
    "interfax_session_lost_code": (-1062, -1061),
}
# Settings that None switches off: addresses, counts and durations.
_URLS = frozenset({"faxto_callback_url", "interfax_callback_url"})
_COUNTS = frozenset(
    {
        "faxto_max_page_size",
        "faxto_rate_limit",
        "interfax_max_page_size",
        "interfax_status_limit",
        "interfax_lockout_after",
    }
)
_OPTIONAL = _COUNTS | _URLS | {"faxto_records_seconds", "interfax_records_seconds"}
_AT_LEAST_ONE = _COUNTS | {"faxto_page_size", "interfax_attempts"}
_MOST = 1_000_000_000
# A clock or a zone may be behind; a day is more than any zone.
_OFFSETS = frozenset({"faxto_zone_offset", "faxto_clock_offset", "interfax_zone_offset", "interfax_clock_offset"})
_MOST_OFFSET = 86_399


def _check(name: str, value: object, default: object) -> None:
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, _CHOICES[name]))}.")
    elif name in _OPTIONAL and value is None:
        return
    elif name in _URLS:
        if not isinstance(value, str) or not is_loopback_url(value):
            raise ValueError(f"{name} must be an http or https address on loopback, such as http://127.0.0.1:8080/.")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false.")
    elif isinstance(default, str):
        if not isinstance(value, str):
            raise ValueError(f"{name} must be text.")
    else:
        _check_number(name, value, whole=name in _COUNTS or isinstance(default, int))


def _check_number(name: str, value: object, *, whole: bool) -> None:
    least, most = (1 if name in _AT_LEAST_ONE else 0), _MOST
    if name in _OFFSETS:
        least, most = -_MOST_OFFSET, _MOST_OFFSET
    # A bool is an int in Python, and no number here.
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not is_number or not least <= cast("float", value) <= most:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} must be {kind} from {least} to {most}.")
