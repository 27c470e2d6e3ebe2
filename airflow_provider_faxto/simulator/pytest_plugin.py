"""A pytest fixture for testing DAGs: the fax vendors on loopback, clean for each test.

It is not loaded by itself. Opt in, in the ``conftest.py`` at the root of your tests::

    pytest_plugins = ["airflow_provider_faxto.simulator.pytest_plugin"]
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_faxto.simulator.server import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_faxto.simulator.faults import FaultKind
    from airflow_provider_faxto.simulator.simulator import Simulator

__all__ = ["FaxSimulator", "fax_simulator", "fax_simulator_server"]


class FaxSimulator:
    """What the fixture :func:`fax_simulator` gives: a running simulator, and shortcuts to what tests need most.

    :param server: the running server.
    """

    def __init__(self, server: SimulatorServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        """Where the simulator is served: ``http://127.0.0.1:<port>``."""
        return self._server.url

    @property
    def simulator(self) -> Simulator:
        """The simulator itself, for everything that has no shortcut here."""
        return self._server.simulator

    def faxes(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """List every fax that was accepted in this test.

        :param vendor: ``faxto``, ``interfax`` or ``extrafax``. Default: all.
        :return: one mapping for each fax, each vendor's oldest first.
        """
        return self.simulator.faxes(vendor)

    def requests(self) -> list[dict[str, Any]]:
        """List the requests of this test.

        :return: one mapping for each request, oldest first.
        """
        return self.simulator.requests()

    def receipts(self) -> list[dict[str, Any]]:
        """List the delivery receipts that were posted in this test.

        :return: one mapping for each delivery, oldest first.
        """
        return self.simulator.receipts()

    def fault(self, kind: FaultKind | str, **details: Any) -> int:
        """Let the next calls go wrong; see :meth:`Simulator.fault`.

        :param kind: what goes wrong, such as ``lost_answer``.
        :param details: whose calls, which, when, how often.
        :return: the fault's number.
        :raises ValueError: if an argument is out of range, or they contradict each other.
        """
        return self.simulator.fault(kind, **details)

    def configure(self, **changes: Any) -> None:
        """Change settings for this test; see :class:`Settings`.

        :param changes: the settings by name.
        :raises ValueError: if a name is not a setting, or a value does not fit it.
        """
        self.simulator.configure(**changes)

    def advance(self, seconds: float) -> None:
        """Move the simulated time forward.

        :param seconds: how far.
        """
        self.simulator.advance(seconds)

    def set_speed(self, speed: float) -> None:
        """Let the simulated time run faster or slower than the real one.

        :param speed: simulated seconds for each real second. It is 1 when a test begins.
        """
        self.simulator.set_speed(speed)

    def finish(self) -> None:
        """Move the simulated time to where every accepted fax that ever ends has ended."""
        self.simulator.finish()

    def reset(self) -> None:
        """Forget everything that happened in this test so far."""
        self.simulator.reset()
        self.simulator.set_speed(1.0)

    def connection(self, conn_type: str) -> dict[str, Any]:
        """Give an Airflow connection to one of the simulated vendors.

        :param conn_type: ``faxto``, ``interfax`` or ``extrafax``.
        :return: ``conn_type``, ``host``, ``login``, ``password`` and ``extra``, as far as the type has them.
        :raises KeyError: if there is no such connection type.
        """
        return self._server.connection(conn_type)

    def set_airflow_connections(self, monkeypatch: pytest.MonkeyPatch, **extra: Any) -> None:
        """Set the default connections of all three types as environment variables, for this test.

        :param monkeypatch: pytest's fixture, which takes them off again.
        :param extra: fields of the connections' ``extra``, such as ``timeout``; the same for all three.
        """
        for conn_type in ("faxto", "interfax", "extrafax"):
            connection = self.connection(conn_type)
            connection["extra"] |= extra
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_type.upper()}_DEFAULT", json.dumps(connection))


@pytest.fixture(scope="session")
def fax_simulator_server() -> Iterator[SimulatorServer]:
    """Serve one simulator for the whole session (with pytest-xdist: one for each worker).

    :return: the running server.
    """
    with SimulatorServer() as server:
        yield server


@pytest.fixture
def fax_simulator(fax_simulator_server: SimulatorServer) -> Iterator[FaxSimulator]:
    """Give a simulator in which nothing has happened yet.

    :param fax_simulator_server: the session's server.
    :return: the simulator.
    """
    simulator = FaxSimulator(fax_simulator_server)
    simulator.reset()
    yield simulator
    # A call that a slow fault still delays must not outlive the test.
    simulator.reset()
