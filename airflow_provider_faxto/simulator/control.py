"""The simulator's own HTTP interface under ``/simulator``: functions that take and give JSON, as routes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from airflow_provider_faxto.simulator.callers import why_refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_faxto.simulator.state import State

    Action = Callable[[dict[str, Any]], object]
    Handler = Callable[[Request], Awaitable[Response]]

__all__ = ["control_routes", "unknown_route"]


def control_routes(actions: Mapping[tuple[str, str], Action], hosts: Collection[str] = ()) -> list[Route]:
    """Make the routes of the control interface.

    :param actions: what each call does, by HTTP method and path below ``/simulator``: a function from the
        request's parameters (query and JSON body) to what the response holds. ``None`` is given as ``{}``.
    :param hosts: as for :func:`~airflow_provider_faxto.simulator.callers.why_refused`.
    :return: the routes. A request that an action refuses gets 400 and ``{"error": ...}``; one under another host's
        name, or of another web page, gets 403 and a sentence, and nothing is done.
    """
    return [
        Route(f"/simulator{path}", _handler(action, hosts), methods=[method])
        for (method, path), action in actions.items()
    ]


def unknown_route(state: State) -> Route:
    """Make the route for every path that no vendor has.

    :param state: the simulator's state, to log the request.
    :return: the route; its response is 404.
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


def _handler(action: Action, hosts: Collection[str]) -> Handler:
    async def handle(request: Request) -> Response:
        problem = why_refused(request, hosts)
        if problem is not None:
            return PlainTextResponse(f"{problem}\n", 403)
        body = await request.body()
        try:
            content = action(dict(request.query_params) | _object_in(body))
        except (TypeError, ValueError, RecursionError) as error:
            # These come from our own checks of the request; nothing of it is a secret on loopback.
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({} if content is None else content)

    return handle


def _object_in(body: bytes) -> dict[str, Any]:
    given = json.loads(body) if body else {}
    if not isinstance(given, dict):
        raise TypeError("The body must be a JSON object.")
    return given
