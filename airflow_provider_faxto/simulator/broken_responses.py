"""Responses that a web framework cannot give: none at all, one cut short, one spoilt.

Closing a connection without a response needs the connection itself, which ASGI hides. The simulator's server
(:mod:`~airflow_provider_faxto.simulator.server`) puts it into the ASGI ``state`` of each request.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send

__all__ = [
    "TRANSPORT_KEY",
    "CutShort",
    "NoResponse",
    "cut_json",
    "empty_list",
    "garbled_id",
    "gateway_json",
    "html_page",
]

TRANSPORT_KEY = "fax_simulator_transport"
"""Where the server puts a function that gives the connection's transport, in the ASGI ``state``."""

# SO_LINGER with a time of zero makes the kernel send RST when the socket is closed.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class NoResponse(Response):
    """Closes the connection without a byte of a response.

    :param reset: whether the client sees a reset (RST) rather than an orderly end (FIN).
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self._reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        """Close the connection, as an ASGI application.

        :param scope: the request.
        :param receive: gives the request's events.
        :param send: not used.
        :raises RuntimeError: if another server than the simulator's own runs the application.
        """
        transport = _transport(scope)
        if self._reset:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()
        else:
            transport.close()
        await _until_disconnected(receive)


class CutShort(Response):
    """Announces a whole response, sends half of its body, and closes the connection.

    :param whole: the response to spoil.
    """

    def __init__(self, whole: Response) -> None:
        super().__init__()
        self._whole = whole
        self.status_code = whole.status_code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half a response, as an ASGI application.

        :param scope: the request.
        :param receive: gives the request's events.
        :param send: takes the response's events.
        :raises RuntimeError: if another server than the simulator's own runs the application.
        """
        transport = _transport(scope)
        body = bytes(self._whole.body)
        # An empty body is announced as longer than it is, or there would be nothing to cut.
        headers = [(name, value) for name, value in self._whole.raw_headers if name != b"content-length"]
        headers.append((b"content-length", str(max(len(body), 2)).encode()))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        transport.close()
        await _until_disconnected(receive)


def html_page(status_code: int, title: str) -> Response:
    """Make the page that a proxy would send.

    :param status_code: the HTTP status.
    :param title: what it says.
    :return: the response.
    """
    return HTMLResponse(
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>", status_code
    )


def gateway_json(status_code: int) -> Response:
    """Make the JSON with which a gateway in front of the vendor refuses a request.

    :param status_code: the HTTP status.
    :return: the response; nothing in it is of a vendor's form.
    """
    return JSONResponse({"error": {"status": status_code, "title": "Request blocked"}}, status_code)


def cut_json(whole: Response) -> Response:
    """Stop a response's JSON in the middle, in an HTTP response that is complete.

    :param whole: the response.
    :return: the spoilt response.
    """
    body = bytes(whole.body)
    return _with_body(whole, body[: len(body) // 2])


def garbled_id(whole: Response) -> Response:
    """Remove the new id from a response.

    :param whole: the response to a send or an upload.
    :return: the spoilt response; any other response as it was.
    """
    if "location" in whole.headers:
        whole.headers["location"] = "outbound/?"
        return whole
    content = _json_of(whole)
    if not isinstance(content, dict):
        return whole
    kept = {name: value for name, value in content.items() if name not in ("fax_job_id", "document_id", "document")}
    return _with_body(whole, json.dumps(kept).encode())


def empty_list(whole: Response) -> Response:
    """Empty the list in a response.

    :param whole: the response.
    :return: the spoilt response; a response without a list as it was.
    """
    content = _json_of(whole)
    if isinstance(content, list):
        return _with_body(whole, b"[]")
    if isinstance(content, dict) and any(isinstance(value, list) for value in content.values()):
        emptied = {name: [] if isinstance(value, list) else value for name, value in content.items()}
        return _with_body(whole, json.dumps(emptied).encode())
    return whole


def _json_of(response: Response) -> object:
    try:
        content: object = json.loads(bytes(response.body))
    except ValueError:
        return None
    return content


def _with_body(response: Response, body: bytes) -> Response:
    response.body = body
    response.headers["content-length"] = str(len(body))
    return response


def _transport(scope: Scope) -> asyncio.Transport:
    give = scope.get("state", {}).get(TRANSPORT_KEY)
    if give is None:
        raise RuntimeError("This fault needs the simulator's own server: SimulatorServer, or the command line.")
    transport: asyncio.Transport = give()
    return transport


async def _until_disconnected(receive: Receive) -> None:
    # If the application returned before the server has noticed the end, the server would send 500 by itself.
    while (await receive())["type"] != "http.disconnect":
        pass
