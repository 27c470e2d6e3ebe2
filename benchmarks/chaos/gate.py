"""The gateways before the vendor and before PostgreSQL, in a process of their own, which let things go wrong on request.

Each way to wait has a process of gateways of its own, so that one that asks without a pause takes nothing from the
others, and each row of the bench a gateway in it, on a port of its own. Without a fault a gateway hands a request on
and brings the answer back.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import random
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

from breakdowns import BREAKDOWNS, Exchange

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

HOST = "127.0.0.1"
# SO_LINGER with a time of zero makes the kernel send RST.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Gates:
    """The process, as the process that started it sees it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._lock = threading.Lock()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def open(self, name: str, host: str, port: int, *, is_http: bool = True) -> int:
        """Let a gateway listen, which leads to a host and port; return its own port."""
        return self._call("open", name, host, port, is_http)

    def fault(self, name: str, kind: str, **given: Any) -> None:
        """Let every request of a gateway go wrong from now on; with ``chance`` only some do."""
        self._call("fault", name, kind, given)

    def clear(self, name: str) -> None:
        """End what :meth:`fault` began."""
        self._call("clear", name)

    def shut(self, name: str) -> None:
        """Cut all connections of a gateway, and refuse new ones."""
        self._call("shut", name)

    def reopen(self, name: str) -> None:
        """End what :meth:`shut` began."""
        self._call("reopen", name)

    def struck(self, name: str) -> int:
        """Tell how many requests of a gateway have gone wrong."""
        return self._call("struck", name)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(10)

    def _call(self, name: str, *args: Any) -> Any:
        with self._lock:
            self._pipe.send((name, args))
            return self._pipe.recv()


class _Gate:
    """One gateway."""

    def __init__(self, host: str, port: int, *, is_http: bool) -> None:
        self._upstream = host, port
        self._handle = self._serve_http if is_http else self._serve_bytes
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.fault: tuple[str, dict[str, Any]] | None = None
        self.struck = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self.port, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._handle(reader, writer)
        except (OSError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(await reader.readuntil(b"\r\n\r\n"), writer, self._upstream)
        if self.fault is not None:
            kind, given = self.fault
            given = dict(given)
            if random.random() < given.pop("chance", 1.0):
                self.struck += 1
                if kind == "reset":
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    writer.transport.abort()
                    return
                # A client that has gone needs no answer, however long that is.
                gone = asyncio.create_task(reader.read())
                answering = asyncio.create_task(BREAKDOWNS[kind](exchange, **given))
                await asyncio.wait([gone, answering], return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()
                answering.cancel()
                await asyncio.gather(gone, answering, return_exceptions=True)
                return
        await exchange.answer_with(*await exchange.relay())

    async def _serve_bytes(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection(*self._upstream)
        self._writers.add(their_writer)
        try:
            await asyncio.wait(
                [
                    asyncio.create_task(_copy(reader, their_writer)),
                    asyncio.create_task(_copy(their_reader, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._writers.discard(their_writer)
            their_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()


class _Office:
    """Does what the pipe says."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._gates: dict[str, _Gate] = {}
        self._ended = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._pipe.fileno(), lambda: loop.create_task(self._obey()))
        await self._ended.wait()

    async def _obey(self) -> None:
        if not self._pipe.poll():
            return
        try:
            name, args = self._pipe.recv()
        except EOFError:
            self._ended.set()
            return
        self._pipe.send(await getattr(self, name)(*args))

    async def open(self, name: str, host: str, port: int, is_http: bool) -> int:  # noqa: FBT001 - of the pipe
        self._gates[name] = gate = _Gate(host, port, is_http=is_http)
        await gate.open()
        return gate.port

    async def fault(self, name: str, kind: str, given: dict[str, Any]) -> None:
        self._gates[name].fault = kind, json.loads(json.dumps(given))

    async def clear(self, name: str) -> None:
        self._gates[name].fault = None

    async def shut(self, name: str) -> None:
        self._gates[name].shut()

    async def reopen(self, name: str) -> None:
        await self._gates[name].open()

    async def struck(self, name: str) -> int:
        return self._gates[name].struck


def _serve(pipe: Connection) -> None:
    async def run() -> None:
        await _Office(pipe).run()

    asyncio.run(run())
