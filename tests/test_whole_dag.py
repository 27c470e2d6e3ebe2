"""One whole DAG in real Airflow, from send to branch: the least that must hold on every release we support."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.examples import recipient

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

pytestmark = pytest.mark.airflow


@pytest.mark.parametrize(
    ("conn_id", "fax_number", "branch"),
    [("interfax_default", "+999-9999-263", "send_later"), ("faxto_default", "+1 202 555 0100", "archive")],
)
def test_a_fax_goes_the_whole_way_to_its_branch(
    conn_id: str, fax_number: str, branch: str, fax_connections: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    fax_connections.set_speed(600)
    clinic = recipient(conn_id, fax_number)
    run = run_dag("example_dags/fax_send_wait_branch.py", {"recipient": "clinic"}, {"clinic": clinic})
    states = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    branches = {
        name: "success" if name == branch else "skipped" for name in ("archive", "send_later", "hand_to_person")
    }
    assert states == {"send": "success", "wait": "success", "branch": "success", **branches, "done": "success"}
    assert len(fax_connections.faxes()) == 1
