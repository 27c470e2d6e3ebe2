"""A number that no fax machine answers is not dialled again for a time, from any DAG and by any vendor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

CAUSES = {"6001": "number_not_operational", "6022": "number_changed", "3936": "human_answered"}


@pytest.fixture
def fax(run_dag: Any, fax_connections: FaxSimulator, letter: str) -> Any:
    """Give a function that faxes to two numbers in a DAG run, of which one waits deferred: what became of both."""
    fax_connections.set_speed(1000)

    def run(
        worker: str, deferred: str, *, connection: str = "interfax_default", resend: object = False
    ) -> dict[str, dict[str, Any]]:
        numbers = {"worker": f"+999-9999-{worker}", "deferred": f"+999-9999-{deferred}"}
        dag_run = run_dag(
            "tests/dags/bad_numbers.py",
            {"numbers": numbers, "file": letter, "connection": connection, "resend": resend},
        )
        return {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in dag_run.get_task_instances()}

    return run


@pytest.mark.parametrize("code", CAUSES)
def test_in_real_airflow_a_bad_number_is_dialled_once_by_any_vendor(
    fax: Any, fax_connections: FaxSimulator, bad_numbers: Any, code: str
) -> None:
    first = fax(code, "0")["worker"]
    again = fax("0", code, connection="extrafax_default")["deferred"]

    assert (first["outcome"], first["cause"]) == ("fatal", CAUSES[code])
    assert (again["outcome"], again["cause"], again["job_id"]) == ("fatal", CAUSES[code], None)
    assert "To send all the same, set resend" in again["message"]
    (name,) = [name for name in bad_numbers() if name in again["message"]]
    assert json.loads(bad_numbers()[name])["since"][:10] in again["message"]
    # Two of the first run, and the good one of the second.
    assert len(fax_connections.faxes()) == 3
    assert f"9999{code}" not in json.dumps(bad_numbers())


def test_in_real_airflow_a_deferred_wait_remembers_its_number_too(fax: Any, fax_connections: FaxSimulator) -> None:
    fax("0", "6001")

    assert fax("6001", "0")["worker"]["job_id"] is None


def test_in_real_airflow_a_busy_number_and_a_good_one_are_dialled_again(fax: Any, bad_numbers: Any) -> None:
    fax("0", "263")

    assert all(status["job_id"] is not None for status in fax("0", "263").values())
    assert [name for name in bad_numbers() if not name.endswith("secret")] == []


def test_in_real_airflow_resend_dials_a_bad_number_all_the_same(fax: Any) -> None:
    fax("6001", "0")

    assert fax("6001", "0", resend="checked")["worker"]["job_id"] is not None


def test_in_real_airflow_nothing_is_remembered_where_that_is_off(
    fax: Any, fax_connections: FaxSimulator, bad_numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.set_airflow_connections(monkeypatch, remember_bad_numbers="0")
    fax("6001", "0")

    assert fax("6001", "0")["worker"]["job_id"] is not None
    assert bad_numbers() == {}


def test_in_real_airflow_a_number_is_forgotten_when_its_time_is_over(
    fax: Any, bad_numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_faxto import clock

    fax("6001", "0")
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + 31 * 86_400)

    assert fax("6001", "0")["worker"]["job_id"] is not None
