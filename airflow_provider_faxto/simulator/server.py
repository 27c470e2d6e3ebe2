"""The simulator served over HTTP on loopback: in a thread for tests, in the foreground for demos."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_faxto.simulator.broken_responses import TRANSPORT_KEY
from airflow_provider_faxto.simulator.connections import airflow_connections
from airflow_provider_faxto.simulator.simulator import Simulator

if TYPE_CHECKING:
    import asyncio
    from types import FrameType, TracebackType
    from typing import Self

    from uvicorn.server import ServerState

__all__ = ["SimulatorServer", "loopback_socket"]

_START_SECONDS = 10.0


class _ConnectionProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which lets the application reach the connection in order to break it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, TRANSPORT_KEY: lambda: self.transport}, _loop)


class _Server(Server):
    """uvicorn's server, which on a signal does not wait for responses that a fault delays."""

    def __init__(self, config: Config, simulator: Simulator) -> None:
        super().__init__(config)
        self._simulator = simulator

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._simulator.interrupt()
        super().handle_exit(sig, frame)


def loopback_socket(host: str, port: int) -> socket.socket:
    """Listen on loopback.

    :param host: a loopback address, or ``localhost``.
    :param port: the port; 0 takes a free one.
    :return: the listening socket.
    :raises ValueError: if ``host`` is not loopback: the simulator has fixed passwords and hides nothing.
    :raises OSError: if the port is taken.
    """
    address = "127.0.0.1" if host == "localhost" else host
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise ValueError(f"{host!r} is not an address. Give 127.0.0.1, ::1 or localhost.") from None
    if not parsed.is_loopback:
        raise ValueError(f"The simulator listens on loopback only, and {host} is not loopback.")
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET  # noqa: PLR2004 - IP's version
    # asyncio switches Nagle's algorithm off only for sockets that name their protocol. With it each response
    # would take 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


class SimulatorServer:
    """Serves a simulator on loopback.

    As a context manager it serves from a thread of its own, until the block ends::

        with SimulatorServer() as server:
            requests.get(f"{server.url}/simulator")

    The socket is taken when the object is made, so ``url`` is known at once.

    :param simulator: what to serve. Default: a new one.
    :param host: a loopback address.
    :param port: the port; 0, the default, takes a free one.
    :raises ValueError: if ``host`` is not loopback.
    :raises OSError: if the port is taken.
    """

    def __init__(self, simulator: Simulator | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.simulator = simulator if simulator is not None else Simulator()
        self._socket = loopback_socket(host, port)
        address, self.port = self._socket.getsockname()[:2]
        self.url = f"http://[{address}]:{self.port}" if ":" in address else f"http://{address}:{self.port}"
        config = Config(
            self.simulator.app,
            http=_ConnectionProtocol,
            # The standard loop, since breaking a connection needs its real socket.
            loop="asyncio",
            ws="none",
            lifespan="off",
            # uvicorn's own access log prints queries, and with them keys and numbers.
            access_log=False,
            # Nor does it touch the logging of the process that runs the tests.
            log_config=None,
            log_level="error",
            # Each vendor's clock is its own.
            date_header=False,
            timeout_keep_alive=60,
        )
        self._server = _Server(config, self.simulator)
        self._thread: threading.Thread | None = None

    def serve(self) -> None:
        """Serve in the foreground until a signal (SIGINT, SIGTERM) ends it, and post delivery receipts meanwhile.

        :raises KeyboardInterrupt: at the end, if the signal was SIGINT.
        """
        with self.simulator.callbacks:
            self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Serve from a thread, and return once the server accepts requests.

        :raises RuntimeError: if the server was started before, or does not come up.
        """
        if self._thread is not None:
            raise RuntimeError("This server was started before; make a new one.")
        self._thread = threading.Thread(target=self.serve, name="fax-simulator", daemon=True)
        self._thread.start()
        until = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > until:
                raise RuntimeError("The simulator did not start.")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop serving, end the requests in progress, and wait for the thread to end."""
        self.simulator.interrupt()
        self._server.should_exit = True
        self._server.force_exit = True
        if self._thread is not None:
            self._thread.join(_START_SECONDS)
        self._socket.close()

    def connection(self, conn_type: str) -> dict[str, Any]:
        """Give an Airflow connection to one of the simulated vendors.

        :param conn_type: ``faxto``, ``interfax`` or ``extrafax``.
        :return: ``conn_type``, ``host``, ``password`` and, where the vendor has users, ``login``; ``extra``
            sets ``requests_per_minute`` to 600, so that a client does not wait by the real time.
        :raises KeyError: if there is no such connection type.
        """
        return airflow_connections(self.url, self.simulator.accounts)[conn_type]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
