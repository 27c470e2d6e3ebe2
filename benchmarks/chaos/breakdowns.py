"""What can go wrong with one request at a gateway: each breakdown answers it in its own way."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_JSON = "application/json"
_HTML = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_DRIP = 0.3
# What a few bytes unpack to. A real bomb would be a thousand times as large, and end the machine through the rivals.
_BOMB = 8 * 2**20
_ONE_FAX = re.compile(r"/\d+(/status)?/?$")
_FIRST_TEXT = re.compile(rb'("(?:subject|message)"\s*:\s*)(?:"[^"]*"|null)')


class Exchange:
    """One request, and the connection on which its answer goes back.

    :param head: the request's head; nothing but heads comes.
    :param writer: the connection.
    :param upstream: host and port of the vendor.
    """

    def __init__(self, head: bytes, writer: asyncio.StreamWriter, upstream: tuple[str, int]) -> None:
        lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.path = self.target.partition("?")[0]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.writer = writer
        self._upstream = upstream

    @property
    def asks_for_one(self) -> bool:
        """Whether the request is about one fax, and not a list."""
        return bool(_ONE_FAX.search(self.path))

    async def relay(self) -> tuple[int, bytes, str]:
        """Ask the vendor.

        :return: status, body and content type.
        """
        reader, writer = await asyncio.open_connection(*self._upstream, limit=2**24)
        try:
            headers = self.headers | {"connection": "close"}
            lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"(?i)^content-length: *(\d+)", head, re.MULTILINE)
            body = await (reader.readexactly(int(length[1])) if length else reader.read())
        finally:
            writer.close()
        kind = re.search(r"(?i)^content-type: *([^\r]*)", head, re.MULTILINE)
        return int(head.split(" ", 2)[1]), body, kind[1] if kind else _JSON

    async def answer_with(self, status: int, body: bytes, content_type: str = _JSON, **headers: str) -> None:
        """Give an answer of the usual kind."""
        lines = {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Connection": "close",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        head = f"HTTP/1.1 {status} Status\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        await self.write(head.encode() + b"\r\n" + body)

    async def write(self, piece: bytes) -> None:
        """Write a piece of an answer."""
        self.writer.write(piece)
        await self.writer.drain()

    async def drip(self, start: bytes, drops: Any) -> None:
        """Write a start, and then piece after piece, slower than anybody's patience."""
        await self.write(start)
        for drop in drops:
            await asyncio.sleep(_DRIP)
            await self.write(drop)


async def _status(exchange: Exchange, status: int, body: str = "html", retry_after: str = "") -> None:
    text, content_type = {
        "html": (_HTML.format(f"{status} from a gateway"), "text/html"),
        "json": (json.dumps({"error": {"status": status, "title": "Request blocked"}}), _JSON),
        "empty": ("", "text/plain"),
    }[body]
    more = {"Retry_After": retry_after} if retry_after else {}
    await exchange.answer_with(status, text.encode(), content_type, **more)


async def _unknown(exchange: Exchange) -> None:
    """Say in the API's own form that there is no such fax; a list leaves it out."""
    if "/outbound/" in exchange.path and not exchange.asks_for_one:
        await exchange.answer_with(200, b"[]")
    elif "/outbound/" in exchange.path:
        body = {"code": -1005, "message": "Fax resource not found", "moreInfo": None}
        await exchange.answer_with(404, json.dumps(body).encode(), "text/json")
    elif "/accounts/" in exchange.path:
        body = {"status": {"code": 404, "is_success": False, "user_message": "Not found."}, "data": None}
        await exchange.answer_with(404, json.dumps(body).encode())
    else:
        await exchange.answer_with(404, b'{"status": "failed", "message": "Not found"}')


async def _list_fails(exchange: Exchange) -> None:
    if exchange.asks_for_one:
        await exchange.answer_with(*await exchange.relay())
    else:
        await _status(exchange, 500)


async def _spoil_text(exchange: Exchange, text: str) -> None:
    """Put a text in the place of the first one in the answer: of one row in a list, however long that is."""
    status, body, content_type = await exchange.relay()
    spoilt, count = _FIRST_TEXT.subn(lambda found: found[1] + text.encode("latin-1"), body, count=1)
    if not count and body.startswith(b"{"):
        spoilt = body.replace(b"{", b'{"subject": ' + text.encode("latin-1") + b", ", 1)
    await exchange.answer_with(status, spoilt, content_type)


async def _password(exchange: Exchange, old: str, new: str) -> None:
    """Take the new password alone, and hand the request on with the old one."""
    scheme, _, given = exchange.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        user, _, secret = base64.b64decode(given).decode().partition(":")
        exchange.headers["authorization"] = f"Basic {base64.b64encode(f'{user}:{old}'.encode()).decode()}"
    else:
        secret = given
    if secret == new:
        await exchange.answer_with(*await exchange.relay())
    else:
        await exchange.answer_with(401, b'{"code": -1003, "message": "Authentication error", "moreInfo": null}')


async def _slow_status_line(exchange: Exchange) -> None:
    await exchange.drip(b"HTTP/1.1 2", itertools.repeat(b"0"))


async def _slow_headers(exchange: Exchange) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    await exchange.drip(start, (f"X-{number}: 1\r\n".encode() for number in itertools.count()))


async def _slow_chunks(exchange: Exchange) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    await exchange.drip(start, itertools.chain([b"5;x="], itertools.repeat(b"y")))


async def _slow_trailers(exchange: Exchange) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n"
    await exchange.drip(start, (f"X-{number}: 1\r\n".encode() for number in itertools.count()))


async def _endless_continue(exchange: Exchange) -> None:
    await exchange.drip(b"", itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"))


async def _endless_body(exchange: Exchange) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    await exchange.drip(start, itertools.repeat(b"400\r\n" + 1024 * b" " + b"\r\n"))


async def _bomb(exchange: Exchange) -> None:
    await exchange.answer_with(200, _BOMB_BYTES, _JSON, Content_Encoding="gzip")


def _packed(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(b"[" + size * b" ") + packer.flush()


_BOMB_BYTES = _packed(_BOMB)

BREAKDOWNS: dict[str, Callable[..., Awaitable[None]]] = {
    "status": _status,
    "unknown": _unknown,
    "list_fails": _list_fails,
    "spoil_text": _spoil_text,
    "password": _password,
    "slow_status_line": _slow_status_line,
    "slow_headers": _slow_headers,
    "slow_chunks": _slow_chunks,
    "slow_trailers": _slow_trailers,
    "endless_continue": _endless_continue,
    "endless_body": _endless_body,
    "bomb": _bomb,
}
"""Each by its name; a reset and a refused connection are the gateway's own."""
