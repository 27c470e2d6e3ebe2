"""What the hooks' tests share: a server that misbehaves at will, hooks that lead to it, and a look for leaks."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import struct
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest

import airflow_provider_faxto
from airflow_provider_faxto.hooks.connection import Timeouts
from airflow_provider_faxto.hooks.fax import FaxHook, Patience
from airflow_provider_faxto.http.transport import FaxTransport
from airflow_provider_faxto.simulator.pdf import make_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.clock import FakeTime

KEY = "k+y/=&%é"
NUMBER = "+12025550187"
NAME = "jane-roe-discharge-letter"
SERVER_THREAD = "misbehaving-server"
PACKAGE = str(Path(airflow_provider_faxto.__file__).parent)


class RawRequest:
    """One request as it came over the wire."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = first.split(" ", 2)
        self.path = self.target.partition("?")[0]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self.body = body
        self.raw = head + b"\r\n\r\n" + body

    @property
    def sends(self) -> bool:
        """Whether it makes a fax job at any of the vendors."""
        return self.method == "POST" and self.path.rstrip("/").endswith(("/fax", "/outbound/faxes", "/resend"))


class RawConnection:
    """The server's end of a connection."""

    def __init__(self, server: RawServer, sock: socket.socket) -> None:
        self.server = server
        self.socket = sock

    def answer(
        self,
        status: int = 200,
        body: bytes | str | dict | list = b"",
        headers: dict[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> bool:
        """Answer in full, or with another announced length; keeps the connection."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        lines = [f"HTTP/1.1 {status} Some reason", f"Content-Length: {len(body) if length is None else length}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return length is None

    def reset(self) -> None:
        """End the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def stall(self) -> None:
        """Answer nothing until the test is over."""
        self.server.over.wait(6)

    def drip(self, pause: float) -> None:
        """Answer byte by byte, for six seconds."""
        self.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        # Bounded, so that a client who waits for the end is found out and not waited for.
        for _ in range(int(6 / pause)):
            if self.server.over.wait(pause):
                return
            self.socket.sendall(b" ")


class RawServer:
    """A server on loopback that does with each request what it is told: ``behave(request, connection)``.

    Where that returns true the connection is kept for the next request, else it is closed.
    """

    def __init__(self, behave: Callable[[RawRequest, RawConnection], object], *, wrap: Any = None) -> None:
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.over = threading.Event()
        self._behave = behave
        self._wrap = wrap
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, name=SERVER_THREAD, daemon=True).start()

    @property
    def sends(self) -> int:
        """How many requests to make a fax job have come."""
        return sum(request.sends for request in self.requests)

    def wait_for_request(self, *, sends: bool = False) -> None:
        """Wait until a request has come, or one that sends: a client that gives up soon may be faster than this."""
        deadline = time.monotonic() + 60
        while not (self.sends if sends else self.requests) and time.monotonic() < deadline:
            time.sleep(0.002)

    def close(self) -> None:
        self.over.set()
        # Closing alone would not wake the thread that waits in accept().
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), name=SERVER_THREAD, daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._wrap is not None:
                sock = self._wrap(sock)
            with sock, sock.makefile("rb") as incoming:
                connection = RawConnection(self, sock)
                while (request := self._read(incoming)) is not None:
                    self.requests.append(request)
                    if not self._behave(request, connection):
                        break

    @staticmethod
    def _read(incoming: Any) -> RawRequest | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = incoming.readline()
            if not line:
                return None
            head += line
        head = head[:-4]
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return RawRequest(head, incoming.read(length))


@pytest.fixture
def raw_server() -> Iterator[Callable[..., RawServer]]:
    """Start servers; they end with the test."""
    started: list[RawServer] = []

    def start(behave: Callable[[RawRequest, RawConnection], object], **options: Any) -> RawServer:
        started.append(RawServer(behave, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FaxHook]]:
    """Make the hook of a connection: ``connect("interfax", url, timeout=1)``; keywords in the extra."""
    hooks: list[FaxHook] = []

    def make(
        conn_type: str, host: str | None, *, password: str = KEY, login: str = "jane", attempts: int = 1, **extra: Any
    ) -> FaxHook:
        conn_id = f"test_{conn_type}"
        # No test of anything else is to wait for its turn.
        extra = {"requests_per_minute": 600, **extra}
        described: dict[str, Any] = {"conn_type": conn_type, "host": host, "password": password, "extra": extra}
        if conn_type != "faxto":
            described["login"] = login
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(described))
        hooks.append(FaxHook.for_connection(conn_id, patience=Patience(read_attempts=attempts)))
        return hooks[-1]

    yield make
    for hook in hooks:
        hook.close()


@pytest.fixture
def transport() -> Iterator[Callable[..., FaxTransport]]:
    """Make transports: ``transport(url, read=0.3)``."""
    made: list[FaxTransport] = []

    def make(url: str, **timeouts: float) -> FaxTransport:
        made.append(FaxTransport(base_url=url, label="The vendor", timeouts=Timeouts(**timeouts)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def pauses(bare_time: FakeTime) -> list[float]:
    """The pauses between repeated reads, which take no time here."""
    return bare_time.pauses


class Watch:
    """Everything that was logged, by every logger and at every level, and a look for what must not be shown."""

    def __init__(self) -> None:
        self.records: list[logging.LogRecord] = []

    @property
    def log(self) -> str:
        shown = []
        for record in self.records:
            # The arguments too: a handler may write a record as JSON.
            shown += [record.getMessage(), repr(record.args), record.exc_text or ""]
            if record.exc_info and record.exc_info[1] is not None:
                shown.append(_all_of(record.exc_info[1]))
        return "\n".join(shown)

    def check(self, *errors: BaseException, secrets: tuple[str, ...] = (KEY,)) -> None:
        """Check that neither the log nor an error shows a secret, the full number or the document's name."""
        shown = "\n".join([self.log, *map(_all_of, errors)])
        forbidden = [NUMBER[1:], NAME]
        for secret in secrets:
            forbidden += {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), quote(secret).lower()}
        for text in forbidden:
            assert text not in shown, f"{text!r} is shown:\n{shown}"


def _all_of(error: BaseException) -> str:
    """Everything that may be shown of an error: its traceback, and each error behind it, suppressed or not."""
    shown = ["".join(traceback.format_exception(error)), repr(error), repr(vars(error)), locals_of(error)]
    shown += map(str, _chain_of(error))
    return "\n".join(shown)


def locals_of(error: BaseException) -> str:
    """The local variables of every frame of an error and of each behind it, from the package's first frame on."""
    frames = []
    for each in _chain_of(error):
        frame = each.__traceback__
        # What calls the package is a test, whose own variables are its own.
        while frame is not None and not frame.tb_frame.f_code.co_filename.startswith(PACKAGE):
            frame = frame.tb_next
        frames += traceback.StackSummary.extract(traceback.walk_tb(frame), capture_locals=True)
    return "".join(traceback.StackSummary.from_list(frames).format())


def _chain_of(error: BaseException) -> list[BaseException]:
    """An error, and each behind it, suppressed or not."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is not None and not any(each is other for other in seen):
            seen.append(each)
            waiting += [each.__cause__, each.__context__]
    return seen


@pytest.fixture
def log_watch() -> Iterator[Watch]:
    """Collect what this thread logs, at DEBUG and from every logger."""
    collected = Watch()
    test_thread = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            # The servers of the tests run in threads beside; they may say what came.
            if record.thread == test_thread:
                collected.records.append(record)

    root = logging.getLogger()
    loggers = [root, *(each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger))]
    before = [(each, each.level, each.propagate, each.disabled) for each in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.propagate, logger.disabled = True, False
    collector = Collector()
    root.addHandler(collector)
    yield collected
    root.removeHandler(collector)
    for logger, level, propagate, disabled in before:
        logger.setLevel(level)
        logger.propagate, logger.disabled = propagate, disabled


@pytest.fixture
def named_letter(tmp_path: Any) -> str:
    """The path of a PDF whose name tells whom it is about."""
    path = tmp_path / f"{NAME}.pdf"
    path.write_bytes(make_pdf())
    return str(path)


@pytest.fixture
def key() -> str:
    """A key or password that changes its looks in a URL."""
    return KEY


@pytest.fixture
def number() -> str:
    """The recipient that nothing may show."""
    return NUMBER
