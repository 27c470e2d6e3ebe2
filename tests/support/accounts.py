"""Each vendor's account on the simulator, and the hook that leads to it.

A test of one vendor overrides the fixture ``vendor``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator


@pytest.fixture
def simulator(fax_connections: FaxSimulator) -> FaxSimulator:
    """Give a simulator whose time stands still, and which counts no requests of InterFAX."""
    fax_connections.set_speed(0)
    fax_connections.configure(interfax_status_limit=None)
    return fax_connections


@pytest.fixture(params=["faxto", "interfax", "extrafax"])
def vendor(request: pytest.FixtureRequest) -> str:
    """Give each vendor's connection type in turn."""
    return str(request.param)


@pytest.fixture
def hook(vendor: str, simulator: FaxSimulator) -> Iterator[FaxHook]:
    """Give the hook of the vendor's connection, which asks once."""
    made = FaxHook.for_connection(f"{vendor}_default", patience=Patience(read_attempts=1))
    yield made
    made.close()
