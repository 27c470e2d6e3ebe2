"""The demo to click through: what ``make up`` stores works where a user presses Test."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

pytestmark = pytest.mark.airflow

DEMO = Path(__file__).resolve().parent.parent / "example_dags" / "demo"


@pytest.fixture
def stored_by_the_demo(
    airflow_database: None, fax_simulator: FaxSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Import the demo's connections into Airflow's database, as ``make up`` does."""
    from airflow.cli.cli_parser import get_parser
    from airflow.models import Connection
    from airflow.utils.session import create_session

    monkeypatch.syspath_prepend(str(DEMO))
    stored = runpy.run_path(str(DEMO / "up.py"))["stored_connections"](fax_simulator)
    sys.modules.pop("environment", None)
    path = tmp_path / "connections.json"
    path.write_text(json.dumps(stored))
    arguments = get_parser().parse_args(["connections", "import", "--overwrite", str(path)])
    arguments.func(arguments)
    yield
    with create_session() as session:
        session.query(Connection).filter(Connection.conn_id.in_(stored)).delete()


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_test_button_works_for_what_make_up_stores(
    vendor: str, stored_by_the_demo: None, page: Callable[..., Any], fax_simulator: FaxSimulator
) -> None:
    shown = page("GET", f"/connections/{vendor}_default").json()
    sent = {name: shown[name] or "" for name in ("connection_id", "conn_type", "host", "login", "password", "schema")}
    # What Number(null) is in the page's code.
    sent |= {"port": shown["port"] or 0, "extra": shown["extra"] or "{}"}
    answer = page("POST", "/connections/test", json=sent)
    assert (answer.status_code, answer.json().get("status")) == (200, True), answer.text
    assert len(fax_simulator.requests()) == 1
