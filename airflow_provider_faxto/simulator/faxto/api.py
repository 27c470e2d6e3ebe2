"""The simulated Fax.to, v1 and v2: read from the vendor's documents, independently of the client.

What the documents show is served as they show it; where they disagree, :class:`Settings` chooses. The bodies
of 401, 403 and 404, the responses for faxes in progress and all refusals' texts are inference. Documents are in
:mod:`~airflow_provider_faxto.simulator.faxto.documents`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from airflow_provider_faxto.simulator.faxto.documents import Documents
from airflow_provider_faxto.simulator.faxto.responses import (
    RefusedError,
    as_number,
    created_at,
    failed_response,
    is_v1,
    newest_first,
    read_number,
    shown_name,
    versioned,
)
from airflow_provider_faxto.simulator.faxto.scenarios import SCENARIOS, scenario_of, timeline_for
from airflow_provider_faxto.simulator.labels import shown_recipient
from airflow_provider_faxto.simulator.models import STRANGER, STRANGERS_DOCUMENT, Fax
from airflow_provider_faxto.simulator.parsing import read_integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_faxto.simulator.dispatch import Call, Endpoint
    from airflow_provider_faxto.simulator.models import Document
    from airflow_provider_faxto.simulator.state import State

__all__ = ["FaxTo"]

_SECOND = 2
_SEND_PARAMETERS = ("fax_number", "document_id", "file", "tsi_number", "delete_file")
_PROGRESS: dict[str, dict[str, Any]] = {
    "message": {"status": "success", "message": "Fax is in the queue"},
    "executed": {"status": "executed", "message": "Fax is in the queue"},
    "empty": {"status": "success", "message": ""},
    "no_message": {"status": "pending"},
}


class FaxTo:
    """Fax.to's calls.

    :param state: the simulator's state.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._documents = Documents(state)

    def endpoints(self) -> list[Endpoint]:
        """List the calls on faxes and documents; user management and buying numbers are not simulated.

        :return: the calls.
        """
        return [
            versioned("send", "POST", "/fax", self._send),
            versioned("history", "GET", "/fax", self._history_or_mistake),
            versioned("history", "GET", "/fax-history", self._history),
            versioned("cost", "GET", "/fax/{document_id}/costs", self._cost),
            versioned("status", "GET", "/fax/{fax_job_id}/status", self._status),
            versioned("balance", "GET", "/balance", self._balance),
            *self._documents.endpoints(),
        ]

    def name_for(self, request: Request) -> str:  # noqa: ARG002 - the protocol asks for it
        """Give the vendor a request is for.

        :param request: the request.
        :return: ``faxto``.
        """
        return "faxto"

    def respond(self, endpoint: Endpoint, call: Call) -> Response:
        """Check the key and the rate, and carry out a call.

        :param endpoint: which call.
        :param call: the request.
        :return: the response.
        """
        # Clients send it in any of the three: query, header, form.
        key = call.parameter("api_key") or call.headers.get("api_key") or call.body.fields.get("api_key") or ""
        user = self._state.accounts.faxto_account(key)
        if user is None:
            return failed_response(401, "Unauthorized")
        call.user = user
        if not self._state.rates.take(f"faxto {user}", call.now, self._state.settings.faxto_rate_limit):
            return self.throttled()
        try:
            return endpoint.handler(call)
        except RefusedError as refused:
            return failed_response(refused.http_status, refused.message)

    def unreadable(self) -> Response:
        """Refuse a body that cannot be read.

        :return: the response.
        """
        return failed_response(400, "The request cannot be read")

    def throttled(self) -> Response:
        """Refuse a call above the rate limit: with 403, as documented.

        :return: the response.
        """
        return failed_response(403, "Rate limit exceeded")

    def refused(self, http_status: int) -> Response:
        """Refuse a call in the vendor's own form, whatever it was.

        :param http_status: the HTTP status.
        :return: the response.
        """
        return failed_response(http_status, "The request is refused")

    def clock(self, now: float) -> float:
        """Read the vendor's own clock.

        :param now: the simulated time.
        :return: what that clock says, in seconds since the epoch.
        """
        return now + self._state.settings.faxto_clock_offset

    def lose_upload(self, call: Call) -> None:
        """Delete the document that the account uploaded last.

        :param call: the request.
        """
        for document in self._state.store.documents_of(call.user, call.now)[-1:]:
            document.deleted_at = call.now

    def name_stranger(self, call: Call) -> Response:
        """Respond to a send with the fax of another client of the account.

        :param call: the request.
        :return: the response.
        """
        return self._accepted(self.add_stranger(call.user, STRANGER, None))

    def add_stranger(self, user: str, recipient: str, name: str | None) -> Fax:
        """Accept a fax of one page of another client of the account; called under the lock.

        :param user: the account.
        :param recipient: where it goes: a plus sign and digits.
        :param name: its document's name; ``None`` for one of that client's own.
        :return: the fax, which the history shows at once.
        :raises ValueError: if the number is one at which a send is refused.
        """
        settings = self._state.settings
        now = self._state.clock.now()
        scenario = scenario_of(recipient.removeprefix("+"))
        if scenario is None:
            raise ValueError("A fax to this number is refused.")
        facts = STRANGERS_DOCUMENT if name is None else replace(STRANGERS_DOCUMENT, name=name)
        fax = Fax(
            vendor="faxto",
            id=self._state.store.next_fax_id("faxto"),
            user=user,
            recipient=recipient,
            documents=(facts,),
            accepted_at=now - settings.faxto_history_lag,
            timeline=timeline_for(scenario, facts.pages, settings),
            document_id=self._state.store.add_document(user, facts, now).id,
            stranger=True,
        )
        self._state.accept(fax)
        return fax

    def _send(self, call: Call) -> Response:
        given = {name: values[-1] for name, values in call.query.items()} | call.body.fields
        settings = self._state.settings
        document = self._document_to_send(call, given)
        digits = read_number(given.get("fax_number"))
        if digits is None:
            raise RefusedError(settings.faxto_refusal, "The fax number is invalid")
        scenario = scenario_of(digits)
        if scenario is None:
            raise RefusedError(settings.faxto_refusal, "The fax was refused")
        cost = self._price(document)
        if cost > self._balance_of(call.user):
            raise RefusedError(settings.faxto_refusal, "The balance is too low")
        fax = Fax(
            vendor="faxto",
            id=self._state.store.next_fax_id("faxto"),
            user=call.user,
            recipient=f"+{digits}",
            documents=(document.facts,),
            accepted_at=call.now,
            timeline=timeline_for(scenario, document.facts.pages, settings),
            document_id=document.id,
            parameters={name: given[name] for name in ("tsi_number", "delete_file") if name in given},
            unknown_parameters=tuple(sorted(set(given) - {"api_key", *_SEND_PARAMETERS})),
            cost=cost,
        )
        self._state.accept(fax)
        if given.get("delete_file") == "1" and fax.timeline.ends:
            document.deleted_at = fax.final_at
        return self._accepted(fax)

    def _accepted(self, fax: Fax) -> Response:
        settings = self._state.settings
        return JSONResponse(
            {
                "status": "executed",
                "fax_job_id": as_number(fax.id, settings),
                "user_cash_balance": as_number(self._balance_of(fax.user), settings),
                "cost": as_number(fax.cost, settings),
            }
        )

    def _document_to_send(self, call: Call, given: Mapping[str, str]) -> Document:
        # Upload and send in one call is documented for v1 alone.
        if "document_id" not in given and call.body.parts and is_v1(call):
            return self._documents.keep(call)
        try:
            return self._documents.find(call, given.get("document_id"))
        except RefusedError:
            # For this call the documents list a refusal, and no 404.
            raise RefusedError(self._state.settings.faxto_refusal, "The document does not exist") from None

    def _cost(self, call: Call) -> Response:
        document = self._documents.find(call, call.path["document_id"])
        if read_number(call.parameter("fax_number")) is None:
            raise RefusedError(400, "The fax number is missing or invalid")
        return JSONResponse({"status": "success", "cost": as_number(self._price(document), self._state.settings)})

    def _status(self, call: Call) -> Response:
        settings = self._state.settings
        number = read_integer(call.path["fax_job_id"])
        fax = self._state.store.fax("faxto", call.user, number) if number is not None else None
        if fax is None or not self._is_kept(call, fax) or call.now < fax.accepted_at + settings.faxto_status_lag:
            raise RefusedError(404, "Fax job not found")
        moment = fax.read(call.now)
        balance = {"user_cash_balance": as_number(self._balance_of(fax.user), settings)}
        if not moment.is_final:
            return JSONResponse(_PROGRESS[settings.faxto_progress] | balance)
        scenario = SCENARIOS[str(moment.state)]
        status = settings.faxto_failed_status if scenario.row_status == "failed" else "success"
        return JSONResponse({"status": status, "message": scenario.message} | balance)

    def _history_or_mistake(self, call: Call) -> Response:
        if any(call.parameter(name) is not None for name in _SEND_PARAMETERS):
            # What the real vendor does with these is unknown; it might send, so a client must never do this.
            call.endpoint = "send_by_get"
            raise RefusedError(400, "Send parameters in a GET request")
        return self._history(call)

    def _history(self, call: Call) -> Response:
        settings = self._state.settings
        if read_integer(call.parameter("page")) == _SECOND:
            for _ in range(settings.faxto_history_shift):
                self.add_stranger(call.user, STRANGER, None)
        faxes = [fax for fax in self._state.store.faxes_of("faxto", call.user) if self._is_kept(call, fax)]
        page = newest_first(call, faxes, settings.faxto_history_lag, settings)
        return JSONResponse({"status": "success", "history": [self._row(fax, call.now) for fax in page]})

    def _is_kept(self, call: Call, fax: Fax) -> bool:
        return fax.is_kept(call.now, self._state.settings.faxto_records_seconds)

    def _row(self, fax: Fax, now: float) -> dict[str, Any]:
        settings = self._state.settings
        moment = fax.read(now)
        ended = SCENARIOS[str(moment.state)].row_status if moment.is_final else None
        return {
            "id": as_number(fax.id, settings),
            "created": created_at(self.clock(fax.accepted_at), settings),
            "document_id": as_number(fax.document_id, settings),
            "document": shown_name(fax.documents[0], fax.document_id, settings),
            # Without its plus sign, as in the vendor's sample.
            "recipient": shown_recipient(fax.recipient, settings.faxto_recipients),
            "status": ended if ended is not None else settings.faxto_history_progress,
        }

    def _balance(self, call: Call) -> Response:
        balance = as_number(self._balance_of(call.user), self._state.settings)
        return JSONResponse({"status": "success", "balance": balance})

    def _balance_of(self, user: str) -> float:
        return round(self._state.settings.faxto_balance - self._state.store.charged(user), 4)

    def _price(self, document: Document) -> float:
        return round(document.facts.pages * self._state.settings.faxto_cost_per_page, 4)
