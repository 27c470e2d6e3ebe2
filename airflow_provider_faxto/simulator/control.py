"""The simulator's own HTTP interface under ``/simulator``: what :class:`Simulator` offers, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_faxto.simulator.simulator import Simulator
    from airflow_provider_faxto.simulator.state import State

    Handler = Callable[[Request], Awaitable[Response]]

__all__ = ["control_routes", "unknown_route"]


def control_routes(simulator: Simulator) -> list[Route]:
    """Make the routes of the control interface.

    :param simulator: what they control.
    :return: the routes. A request that does not fit gets 400 and ``{"error": ...}``.
    """
    control = _Control(simulator)
    table: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
        ("GET", "", control.summary),
        ("GET", "/faxes", control.faxes),
        ("GET", "/requests", control.requests),
        ("GET", "/receipts", control.receipts),
        ("GET", "/faults", control.faults),
        ("POST", "/faults", control.fault),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/settings", control.settings),
        ("POST", "/settings", control.configure),
        ("POST", "/clock", control.clock),
        ("POST", "/finish", control.finish),
        ("POST", "/top-up", control.top_up),
        ("POST", "/numbers", control.number),
        ("POST", "/incoming-faxes", control.incoming_fax),
        ("POST", "/reset", control.reset),
    ]
    return [Route(f"/simulator{path}", _json(action), methods=[method]) for method, path, action in table]


def unknown_route(state: State) -> Route:
    """Make the route for everything that no vendor has.

    :param state: the simulator's state, whose log notes the request.
    :return: the route; it answers 404.
    """

    async def unknown(request: Request) -> Response:
        with state.lock:
            state.log.add(
                now=state.clock.now(),
                vendor="unknown",
                user=None,
                method=request.method,
                path=request.scope["path"],
                endpoint="unknown",
                http_status=404,
                fault=None,
                ids=None,
            )
        return JSONResponse({"status": "failed", "message": "Not found"}, 404)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Route("/{path:path}", unknown, methods=methods)


def _json(action: Callable[[dict[str, Any]], object]) -> Handler:
    async def handle(request: Request) -> Response:
        body = await request.body()
        try:
            return JSONResponse(action(dict(request.query_params) | _object_in(body)))
        except (TypeError, ValueError, RecursionError) as error:
            # Both come from our own checks of the request; nothing of it is a secret on loopback.
            return JSONResponse({"error": str(error)}, 400)

    return handle


def _object_in(body: bytes) -> dict[str, Any]:
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise TypeError("The body must be a JSON object.")
    return given


class _Control:
    """One method a route, from the request's JSON to the answer's."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def summary(self, _: dict[str, Any]) -> object:
        return self._simulator.summary()

    def faxes(self, given: dict[str, Any]) -> object:
        return self._simulator.faxes(given.get("vendor"))

    def requests(self, _: dict[str, Any]) -> object:
        return {"counts": self._simulator.request_counts(), "requests": self._simulator.requests()}

    def receipts(self, _: dict[str, Any]) -> object:
        return self._simulator.receipts()

    def faults(self, _: dict[str, Any]) -> object:
        return self._simulator.faults()

    def fault(self, given: dict[str, Any]) -> object:
        return {"number": self._simulator.fault(**given)}

    def clear_faults(self, _: dict[str, Any]) -> object:
        self._simulator.clear_faults()
        return {}

    def settings(self, _: dict[str, Any]) -> object:
        return self._simulator.settings()

    def configure(self, given: dict[str, Any]) -> object:
        self._simulator.configure(**given)
        return self._simulator.settings()

    def clock(self, given: dict[str, Any]) -> object:
        unknown = set(given) - {"advance", "speed"}
        if unknown:
            raise ValueError("The clock takes advance (seconds) and speed.")
        if "speed" in given:
            self._simulator.set_speed(float(given["speed"]))
        if "advance" in given:
            self._simulator.advance(float(given["advance"]))
        return self._simulator.summary()

    def finish(self, _: dict[str, Any]) -> object:
        self._simulator.finish()
        return self._simulator.summary()

    def top_up(self, _: dict[str, Any]) -> object:
        self._simulator.top_up()
        return {}

    def number(self, given: dict[str, Any]) -> object:
        return {"id": self._simulator.add_number(**given)}

    def incoming_fax(self, given: dict[str, Any]) -> object:
        return {"id": self._simulator.receive_fax(**given)}

    def reset(self, _: dict[str, Any]) -> object:
        self._simulator.reset()
        return {}
