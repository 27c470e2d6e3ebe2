"""From an HTTP request to a vendor's response: read the body, apply faults, carry out the call, log it.

A vendor's part is a plain function from a :class:`Call` to a response. It runs under the simulator's lock and does not
wait, so each call is carried out whole or not at all, and accepting a fax is atomic.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from airflow_provider_faxto.simulator.body import BodyError, BodyMode, read_body
from airflow_provider_faxto.simulator.broken_responses import (
    CutShort,
    NoResponse,
    cut_json,
    empty_list,
    garbled_id,
    gateway_json,
    html_page,
)
from airflow_provider_faxto.simulator.faults import FaultKind, When

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.datastructures import Headers
    from starlette.requests import Request

    from airflow_provider_faxto.simulator.body import Body
    from airflow_provider_faxto.simulator.faults import Fault
    from airflow_provider_faxto.simulator.state import State

__all__ = ["Call", "Endpoint", "Vendor", "routes"]

logger = logging.getLogger("airflow_provider_faxto.simulator")

# How often a delayed call checks whether a reset has made it pointless, in real seconds.
_CHECK_SECONDS = 0.02


@dataclass(slots=True)
class Call:
    """One request to a vendor, read to its end.

    :param vendor: the vendor it is for: ``faxto``, ``interfax`` or ``extrafax``.
    :param endpoint: the name of the call; a handler may correct it for the log.
    :param method: the HTTP method.
    :param path_text: the path.
    :param path: the variable parts of the path, by name.
    :param query: the query's parameters, each with all its values.
    :param headers: the headers.
    :param body: the body.
    :param base_url: the address under which the client reached the simulator, without a slash at the end.
    :param now: the simulated time.
    :param user: the user or account, once the credentials are checked; empty until then.
    :param ids: how many ids it names, for the log.
    """

    vendor: str
    endpoint: str
    method: str
    path_text: str
    path: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Headers
    body: Body
    base_url: str
    now: float
    user: str = ""
    ids: int | None = None

    def parameter(self, name: str) -> str | None:
        """Give a parameter of the query.

        :param name: its name.
        :return: its last value, or ``None`` if it is absent.
        """
        values = self.query.get(name)
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of a vendor's calls.

    :param name: its name in faults and in the request log.
    :param method: its HTTP method.
    :param paths: its paths, in Starlette's notation.
    :param handler: carries it out.
    :param body: what it expects in its body.
    """

    name: str
    method: str
    paths: tuple[str, ...]
    handler: Callable[[Call], Response]
    body: BodyMode = field(default=BodyMode.FIELDS)


class Vendor(Protocol):
    """What the dispatcher needs of a vendor."""

    def name_for(self, request: Request) -> str:
        """Give the vendor a request is for, from its credentials alone.

        :param request: the request, body unread.
        :return: ``faxto``, ``interfax`` or ``extrafax``.
        """

    def respond(self, endpoint: Endpoint, call: Call) -> Response:
        """Check the credentials, carry out a call, and put every refusal into the vendor's words.

        :param endpoint: which call.
        :param call: the request.
        :return: the response.
        """

    def unreadable(self) -> Response:
        """Refuse a body that cannot be read.

        :return: the response.
        """

    def throttled(self) -> Response:
        """Refuse a call above the rate limit.

        :return: the response.
        """

    def refused(self, http_status: int) -> Response:
        """Refuse a call in the vendor's own form, whatever it was.

        :param http_status: the HTTP status.
        :return: the response.
        """

    def name_stranger(self, call: Call) -> Response:
        """Respond to a send with the fax of another client of the account.

        :param call: the request.
        :return: the response.
        """

    def lose_upload(self, call: Call) -> None:
        """Forget what the account uploaded last.

        :param call: the request.
        """

    def clock(self, now: float) -> float:
        """Read the vendor's own clock.

        :param now: the simulated time.
        :return: what that clock says, in seconds since the epoch.
        """


def routes(state: State, vendor: Vendor, endpoints: Iterable[Endpoint]) -> list[Route]:
    """Make the routes of a vendor.

    :param state: the simulator's state.
    :param vendor: the vendor.
    :param endpoints: its calls.
    :return: a route for each call and path.
    """
    return [
        Route(path, _Server(state, vendor, endpoint).serve, methods=[endpoint.method], name=endpoint.name)
        for endpoint in endpoints
        for path in endpoint.paths
    ]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What is decided about a request when it comes in."""

    vendor: str
    generation: int
    fault: Fault | None

    @property
    def before(self) -> Fault | None:
        """The fault, if it takes effect before the call."""
        return self.fault if self.fault is not None and self.fault.when is When.BEFORE else None

    @property
    def after(self) -> Fault | None:
        """The fault, if it takes effect after the call."""
        return self.fault if self.before is None else None


class _Server:
    """Serves one call."""

    def __init__(self, state: State, vendor: Vendor, endpoint: Endpoint) -> None:
        self._state = state
        self._vendor = vendor
        self._endpoint = endpoint

    async def serve(self, request: Request) -> Response:
        """Serve a request; the response may be one that closes the connection."""
        vendor = self._vendor.name_for(request)
        with self._state.lock:
            fault = self._state.faults.take(vendor, self._endpoint.name)
            arrival = _Arrival(vendor, self._state.generation, fault)
        call: Call | None = None
        try:
            if arrival.before is not None and arrival.before.kind is FaultKind.RESET:
                # Without reading the body: so a connection breaks in the middle of an upload.
                response: Response = NoResponse(reset=True)
            else:
                body = await read_body(request, self._endpoint.body)
                replacement = await self._strike(arrival)
                if replacement is not None:
                    response = replacement
                else:
                    call, response = self._carry_out(arrival, request, body)
                    response = await self._spoil(arrival, response)
        except BodyError:
            response = self._vendor.unreadable()
        except ClientDisconnect:
            response = NoResponse()
        self._note(arrival, request, call, response)
        return response

    def _carry_out(self, arrival: _Arrival, request: Request, body: Body) -> tuple[Call | None, Response]:
        query: dict[str, list[str]] = {}
        for key, value in request.query_params.multi_items():
            query.setdefault(key, []).append(value)
        with self._state.lock:
            if self._state.generation != arrival.generation:
                return None, NoResponse()
            endpoint = self._endpoint_for(arrival)
            call = Call(
                vendor=arrival.vendor,
                endpoint=self._endpoint.name,
                method=request.method,
                path_text=request.scope["path"],
                path=request.path_params,
                query=query,
                headers=request.headers,
                body=body,
                base_url=str(request.base_url).rstrip("/"),
                now=self._state.clock.now(),
            )
            return call, self._dated(self._vendor.respond(endpoint, call))

    def _endpoint_for(self, arrival: _Arrival) -> Endpoint:
        """Give the call, or what a fault makes of it that needs the vendor itself."""
        vendor, endpoint, handler = self._vendor, self._endpoint, self._endpoint.handler

        def with_stranger(call: Call) -> Response:
            if arrival.before is None:
                handler(call)
            return vendor.name_stranger(call)

        def without_upload(call: Call) -> Response:
            vendor.lose_upload(call)
            return handler(call)

        kind = arrival.fault.kind if arrival.fault is not None else None
        if kind is FaultKind.STRANGER_ID and endpoint.name == "send":
            return replace(endpoint, handler=with_stranger)
        return replace(endpoint, handler=without_upload) if kind is FaultKind.LOST_UPLOAD else endpoint

    def _dated(self, response: Response) -> Response:
        if not isinstance(response, NoResponse):
            response.headers["date"] = formatdate(self._vendor.clock(self._state.clock.now()), usegmt=True)
        return response

    async def _strike(self, arrival: _Arrival) -> Response | None:
        """Apply a fault before the call; a response means that the call is not carried out."""
        if arrival.before is None or arrival.before.kind in _OF_THE_VENDOR:
            return None
        if arrival.before.kind is FaultKind.SLOW:
            await self._wait(arrival.before.delay, arrival)
            return None
        return self._instead(arrival.before)

    async def _spoil(self, arrival: _Arrival, response: Response) -> Response:
        """Apply a fault after the call."""
        if arrival.after is None or arrival.after.kind in _OF_THE_VENDOR or isinstance(response, NoResponse):
            return response
        if arrival.after.kind is FaultKind.SLOW:
            await self._wait(arrival.after.delay, arrival)
            return response
        spoil = _SPOILT.get(arrival.after.kind)
        return spoil(response) if spoil is not None else self._instead(arrival.after)

    def _instead(self, fault: Fault) -> Response:
        return self._dated(_INSTEAD[fault.kind](fault, self._vendor))

    async def _wait(self, seconds: float, arrival: _Arrival) -> None:
        clock = self._state.clock
        until = clock.real_seconds() + seconds
        # Not an asyncio event: that belongs to one loop, and a reset comes from the test's thread.
        while self._state.generation == arrival.generation and (left := until - clock.real_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, _CHECK_SECONDS))

    def _note(self, arrival: _Arrival, request: Request, call: Call | None, response: Response) -> None:
        status = None if isinstance(response, NoResponse) else response.status_code
        endpoint = call.endpoint if call is not None else self._endpoint.name
        fault = arrival.fault.kind.value if arrival.fault is not None else None
        with self._state.lock:
            if self._state.generation != arrival.generation:
                # The request belongs to the test before the reset.
                return
            self._state.log.add(
                now=self._state.clock.now(),
                vendor=arrival.vendor,
                user=(call.user or None) if call is not None else None,
                method=request.method,
                path=request.scope["path"],
                endpoint=endpoint,
                http_status=status,
                fault=fault,
                ids=call.ids if call is not None else None,
            )
        # Not the path: a mistaken client may have put a number into it.
        logger.info("%s %s -> %s, fault: %s", arrival.vendor, endpoint, status, fault)


_ERRORS: dict[str, Callable[[int, Vendor], Response]] = {
    "html": lambda status, _: html_page(status, f"Error {status}"),
    "json": lambda status, _: gateway_json(status),
    "empty": lambda status, _: Response(status_code=status),
    "vendor": lambda status, vendor: vendor.refused(status),
}
"""An HTTP error, by the kind of its body."""

_INSTEAD: dict[FaultKind, Callable[[Fault, Vendor], Response]] = {
    FaultKind.LOST_ANSWER: lambda _, __: NoResponse(),
    FaultKind.RESET: lambda _, __: NoResponse(reset=True),
    FaultKind.SERVER_ERROR: lambda fault, vendor: _ERRORS[fault.body](fault.http_status, vendor),
    FaultKind.HTML: lambda _, __: html_page(200, "Under maintenance"),
    FaultKind.REDIRECT: lambda _, __: RedirectResponse("/login", 302),
    FaultKind.RATE_LIMIT: lambda _, vendor: vendor.throttled(),
}
"""What is sent instead of a response, by the kind of the fault."""

_OF_THE_VENDOR = frozenset({FaultKind.STRANGER_ID, FaultKind.LOST_UPLOAD})
"""The kinds that change how the vendor carries the call out, and nothing else."""

_SPOILT: dict[FaultKind, Callable[[Response], Response]] = {
    FaultKind.TRUNCATED: CutShort,
    FaultKind.CUT_JSON: cut_json,
    FaultKind.GARBLED_ID: garbled_id,
    FaultKind.EMPTY_LIST: empty_list,
}
"""How a response is spoilt, by the kind of the fault."""
