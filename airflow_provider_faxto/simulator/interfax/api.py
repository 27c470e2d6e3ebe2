"""The simulated InterFAX (and ExtraFax, whose API is taken to be the same): sending and following faxes.

Read from the vendor's documents, independently of the client. Upload sessions are in
:mod:`~airflow_provider_faxto.simulator.interfax.sessions`, what a send may ask for in
:mod:`~airflow_provider_faxto.simulator.interfax.send`, records and errors in
:mod:`~airflow_provider_faxto.simulator.interfax.responses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from airflow_provider_faxto.simulator.body import BodyMode
from airflow_provider_faxto.simulator.dispatch import Endpoint
from airflow_provider_faxto.simulator.interfax.login import credentials, log_in
from airflow_provider_faxto.simulator.interfax.responses import (
    InterFaxError,
    as_seconds,
    full_record,
    json_response,
    matches_status,
    submitted_at,
    summary_record,
    tiff_image,
    whole_number,
)
from airflow_provider_faxto.simulator.interfax.scenarios import (
    CANCELED,
    HELD,
    HOLD_NUMBER,
    READY,
    RECEIVED,
    RENDERING,
    held_timeline,
    released_timeline,
    timeline_for,
)
from airflow_provider_faxto.simulator.interfax.send import dialled, read_send
from airflow_provider_faxto.simulator.interfax.sessions import Sessions
from airflow_provider_faxto.simulator.labels import shown_reference
from airflow_provider_faxto.simulator.models import STRANGER, STRANGERS_DOCUMENT, Fax, UploadSession
from airflow_provider_faxto.simulator.parsing import read_integer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from airflow_provider_faxto.simulator.dispatch import Call
    from airflow_provider_faxto.simulator.documents import DocumentFacts
    from airflow_provider_faxto.simulator.state import State

__all__ = ["InterFax"]

_FAXES = "/outbound/faxes"
_THROTTLED = frozenset({"list", "completed", "status", "image", "search"})
_MOST_LISTED = 250
_IMAGE_SECONDS = 14 * 86_400.0
# A fax can be cancelled until its first call; afterwards the request is taken and has no effect.
_CANCELABLE = frozenset({RECEIVED, RENDERING, READY, HELD})


class InterFax:
    """InterFAX's and ExtraFax's calls.

    :param state: the simulator's state.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._sessions = Sessions(state)

    def endpoints(self) -> list[Endpoint]:
        """List the calls; batches, contacts and receiving are not simulated.

        :return: the calls. ``completed`` comes before the paths with an id, which match it too.
        """
        one = _FAXES + "/{fax_id}"
        return [
            Endpoint("send", "POST", (_FAXES,), self._send, BodyMode.DOCUMENTS),
            Endpoint("list", "GET", (_FAXES,), self._list),
            Endpoint("completed", "GET", (f"{_FAXES}/completed",), self._completed),
            Endpoint("status", "GET", (one,), self._status),
            Endpoint("image", "GET", (f"{one}/image",), self._image),
            Endpoint("cancel", "POST", (f"{one}/cancel",), self._cancel),
            Endpoint("resend", "POST", (f"{one}/resend",), self._resend),
            Endpoint("hide", "POST", (f"{one}/hide",), self._hide),
            Endpoint("search", "GET", ("/outbound/search",), self._search),
            Endpoint("balance", "GET", ("/accounts/self/ppcards/balance",), self._balance),
            *self._sessions.endpoints(),
        ]

    def name_for(self, request: Request) -> str:
        """Give the vendor a request is for, by its user name.

        :param request: the request.
        :return: ``extrafax`` for a user of ExtraFax, else ``interfax``.
        """
        return self._state.accounts.vendor_of(credentials(request.headers)[0])

    def respond(self, endpoint: Endpoint, call: Call) -> Response:
        """Check the log-in and the rate, and carry out a call.

        :param endpoint: which call.
        :param call: the request.
        :return: the response.
        """
        try:
            call.user = log_in(call, self._state)
            limit = self._state.settings.interfax_status_limit
            if endpoint.name in _THROTTLED and not self._state.rates.take(call.user, call.now, limit):
                return self.throttled()
            if endpoint.method == "POST" and not {"content-length", "transfer-encoding"} & set(call.headers):
                return Response(status_code=411)
            return endpoint.handler(call)
        except InterFaxError as error:
            return error.response()

    def unreadable(self) -> Response:
        """Refuse a body that cannot be read.

        :return: the response.
        """
        return InterFaxError(400, -123, "The body cannot be read").response()

    def throttled(self) -> Response:
        """Refuse a call above the rate limit. The HTTP status is not documented, so it is a setting.

        :return: the response.
        """
        return InterFaxError(
            self._state.settings.interfax_throttle_status, -1011, "Too many or too frequent queries"
        ).response()

    def refused(self, http_status: int) -> Response:
        """Refuse a call in the vendor's own form, whatever it was.

        :param http_status: the HTTP status.
        :return: the response.
        """
        return InterFaxError(http_status, -1010, "The request is refused").response()

    def clock(self, now: float) -> float:
        """Read the vendor's own clock.

        :param now: the simulated time.
        :return: what that clock says, in seconds since the epoch.
        """
        return now + self._state.settings.interfax_clock_offset

    def lose_upload(self, call: Call) -> None:
        """Forget the upload session that the user opened last.

        :param call: the request.
        """
        sessions = self._state.store.sessions
        mine = [session.id for session in sessions.values() if session.user == call.user]
        if mine:
            del sessions[mine[-1]]

    def name_stranger(self, call: Call) -> Response:
        """Respond to a send with the fax of another client of the account.

        :param call: the request.
        :return: the response.
        """
        return self._created(call, self.add_stranger(call.vendor, call.user, STRANGER, None))

    def add_stranger(self, vendor: str, user: str, recipient: str, reference: str | None) -> Fax:
        """Accept a fax of one page of another client of the account; called under the lock.

        :param vendor: ``interfax`` or ``extrafax``.
        :param user: the account.
        :param recipient: where it goes: a plus sign and digits.
        :param reference: its reference; ``None`` for one of that client's own.
        :return: the fax.
        """
        now = self._state.clock.now()
        fax = self._fax(vendor, user, recipient, (STRANGERS_DOCUMENT,), now=now, attempts=None, postponed=0.0)
        fax.reference = reference if reference is not None else f"invoice {fax.id}"
        fax.stranger = True
        self._state.accept(fax)
        return fax

    # Sending -------------------------------------------------------------------------------------------

    def _send(self, call: Call) -> Response:
        order = read_send(call, self._sessions)
        # Nothing is refused from here on, so only an accepted fax uses a session up.
        documents = tuple(
            self._sessions.use(call, document) if isinstance(document, UploadSession) else document
            for document in order.documents
        )
        fax = self._fax(
            call.vendor,
            call.user,
            f"+{order.digits}",
            documents,
            now=call.now,
            attempts=order.attempts,
            postponed=order.postponed,
        )
        fax.reference = order.reference
        fax.parameters = order.parameters
        fax.unknown_parameters = order.unknown_parameters
        self._state.accept(fax)
        return self._created(call, fax)

    def _resend(self, call: Call) -> Response:
        original = self._find(call)
        if call.now >= original.accepted_at + _IMAGE_SECONDS:
            raise InterFaxError(404, -1009, "The fax image is gone")
        digits: str | None = original.recipient.removeprefix("+")
        if call.parameter("faxNumber") is not None:
            digits = dialled(call.parameter("faxNumber"))
        if digits is None:
            raise InterFaxError(400, -112, "No valid recipients")
        fax = self._fax(
            call.vendor, call.user, f"+{digits}", original.documents, now=call.now, attempts=None, postponed=0.0
        )
        fax.resend_of = original.id
        self._state.accept(fax)
        return self._created(call, fax)

    def _fax(
        self,
        vendor: str,
        user: str,
        recipient: str,
        documents: tuple[DocumentFacts, ...],
        *,
        now: float,
        attempts: int | None,
        postponed: float,
    ) -> Fax:
        settings = self._state.settings
        digits = recipient.removeprefix("+")
        pages = sum(document.pages for document in documents)
        timeline = timeline_for(digits, pages, attempts or settings.interfax_attempts, postponed, settings)
        fax = Fax(
            vendor=vendor,
            id=self._state.store.next_fax_id(vendor),
            user=user,
            recipient=recipient,
            documents=documents,
            accepted_at=now,
            timeline=timeline,
        )
        if digits == HOLD_NUMBER or settings.interfax_hold_for_credit:
            fax.timeline = held_timeline(settings)
            self._state.held.append((fax, timeline))
        return fax

    def _created(self, call: Call, fax: Fax) -> Response:
        return Response(status_code=201, headers={"location": f"{call.base_url}{_FAXES}/{fax.id}"})

    # Following faxes -----------------------------------------------------------------------------------

    def _completed(self, call: Call) -> Response:
        settings = self._state.settings
        ids = sorted(_ids(call))
        call.ids = len(ids)
        records = []
        for fax_id in ids:
            fax = self._state.store.fax(call.vendor, call.user, fax_id)
            if fax is None or not self._is_shown(call, fax):
                continue
            if call.now < fax.final_at + settings.interfax_completed_lag:
                continue
            records.append(summary_record(call.base_url, fax, fax.read(call.now), settings))
        return json_response(call, records)

    def _status(self, call: Call) -> Response:
        fax = self._find(call)
        return json_response(call, full_record(call.base_url, fax, fax.read(call.now), self._state.settings))

    def _list(self, call: Call) -> Response:
        limit = whole_number(call.parameter("limit"), 25, 1, _MOST_LISTED)
        last = call.parameter("lastId")
        faxes = [fax for fax in self._sorted(call, self._mine(call)) if _is_beyond(call, fax, last)]
        return self._records(call, faxes[: self._page(limit)])

    def _search(self, call: Call) -> Response:
        limit = whole_number(call.parameter("limit"), 25, 1)
        offset = whole_number(call.parameter("offset"), 0, 0)
        faxes = self._mine(call)
        reference = call.parameter("reference")
        if reference is not None:
            faxes = self._by_reference(call, reference)
        if "ids" in call.query:
            ids = _ids(call)
            call.ids = len(ids)
            faxes = (fax for fax in faxes if fax.id in ids)
        if call.parameter("faxNumber") is not None:
            digits = dialled(call.parameter("faxNumber"))
            faxes = (fax for fax in faxes if fax.recipient == f"+{digits}")
        faxes = [fax for fax in faxes if self._is_within(call, fax)]
        wanted = call.parameter("status") or "All"
        faxes = [fax for fax in faxes if matches_status(fax.at(call.now), wanted)]
        return self._records(call, self._sorted(call, faxes)[offset : offset + self._page(limit)])

    def _by_reference(self, call: Call, reference: str) -> list[Fax]:
        settings = self._state.settings
        if settings.interfax_search_by == "sent":
            return self._state.store.faxes_by_reference(call.user, reference)
        form = settings.interfax_references
        return [fax for fax in self._mine(call) if shown_reference(fax.reference, form) == reference]

    def _page(self, limit: int) -> int:
        most = self._state.settings.interfax_max_page_size
        return limit if most is None else min(limit, most)

    def _is_within(self, call: Call, fax: Fax) -> bool:
        submitted = submitted_at(fax, self._state.settings)
        earliest, latest = call.parameter("dateFrom"), call.parameter("dateTo")
        if earliest is not None and submitted < as_seconds(earliest):
            return False
        return latest is None or submitted <= as_seconds(latest)

    def _sorted(self, call: Call, faxes: Iterable[Fax]) -> list[Fax]:
        order = (call.parameter("sortOrder") or "desc").lower()
        if order not in ("asc", "desc"):
            raise InterFaxError(400, -1010, "sortOrder is asc or desc")
        shown_until = call.now - self._state.settings.interfax_search_lag
        shown = [fax for fax in faxes if self._is_shown(call, fax) and fax.accepted_at <= shown_until]
        return shown if order == "asc" else shown[::-1]

    def _is_shown(self, call: Call, fax: Fax) -> bool:
        return not fax.hidden and fax.is_kept(call.now, self._state.settings.interfax_records_seconds)

    def _mine(self, call: Call) -> Iterable[Fax]:
        if call.parameter("userId") not in (None, call.user):
            raise InterFaxError(403, -310, "Only a primary user may ask for other users")
        return self._state.store.faxes_of(call.vendor, call.user)

    def _records(self, call: Call, faxes: Iterable[Fax]) -> Response:
        settings = self._state.settings
        return json_response(call, [full_record(call.base_url, fax, fax.read(call.now), settings) for fax in faxes])

    def _image(self, call: Call) -> Response:
        fax = self._find(call)
        if call.now >= fax.accepted_at + _IMAGE_SECONDS:
            raise InterFaxError(404, -1009, "The fax image is gone")
        moment = fax.at(call.now)
        if moment.state in (RECEIVED, RENDERING, HELD) or (moment.is_final and not moment.attempts):
            raise InterFaxError(404, -1005, "Fax resource not found")
        return Response(tiff_image(), media_type="image/tiff")

    # Changing faxes ------------------------------------------------------------------------------------

    def _cancel(self, call: Call) -> Response:
        fax = self._find(call)
        moment = fax.at(call.now)
        if moment.is_final and self._state.settings.interfax_cancel_final_status != 200:  # noqa: PLR2004 - HTTP
            raise InterFaxError(409, -162, "The transaction is in a wrong status for this operation")
        if moment.state in _CANCELABLE and not moment.is_final:
            fax.timeline = fax.timeline.ended(call.now - fax.accepted_at, CANCELED)
        return Response()

    def _hide(self, call: Call) -> Response:
        self._find(call).hidden = True
        return Response()

    def _find(self, call: Call) -> Fax:
        number = read_integer(call.path["fax_id"])
        fax = self._state.store.fax(call.vendor, call.user, number) if number is not None else None
        lag = self._state.settings.interfax_status_lag
        if fax is None or not self._is_shown(call, fax) or call.now < fax.accepted_at + lag:
            raise InterFaxError(404, -1005, "Fax resource not found")
        return fax

    # Money ---------------------------------------------------------------------------------------------

    def top_up(self) -> None:
        """Release the faxes that are held for lack of credit, as a purchase does; called under the lock."""
        now = self._state.clock.now()
        for fax, rest in self._state.held:
            if fax.at(now).state == HELD:
                fax.timeline = released_timeline(fax.timeline, now - fax.accepted_at, rest)
        self._state.held.clear()

    def _balance(self, call: Call) -> Response:
        settings = self._state.settings
        faxes = self._state.store.faxes_of(call.vendor, call.user)
        units = sum(fax.at(call.now).pages_sent for fax in faxes)
        # A bare number, as recorded.
        balance = f"{settings.interfax_balance - units * settings.interfax_cost_per_unit:.4f}"
        return Response(balance, headers={"content-type": "text/json"})


def _ids(call: Call) -> set[int]:
    """Read a list of ids in the forms that the vendor's clients send: with commas, with blanks too, or repeated."""
    texts = (text.strip() for value in call.query.get("ids", ()) for text in value.split(","))
    return {number for text in texts if (number := read_integer(text)) is not None}


def _is_beyond(call: Call, fax: Fax, last: str | None) -> bool:
    """Apply the list's ``lastId``, which the list leaves out."""
    if last is None:
        return True
    last_id = whole_number(last, 0, 0)
    ascending = (call.parameter("sortOrder") or "desc").lower() == "asc"
    return fax.id > last_id if ascending else fax.id < last_id
