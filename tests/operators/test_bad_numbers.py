"""A number that no fax machine answers is not dialled again for a time, from any DAG and by any vendor."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_faxto import clock

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

BAD = {"6001": "number_not_operational", "6022": "number_changed", "3936": "human_answered"}
DIALLED_AGAIN = ("263", "0")


@pytest.fixture
def fax(run_dag: Any, fax_connections: FaxSimulator, letter: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that faxes to the numbers with some codes in a DAG run: what became of each."""
    fax_connections.set_airflow_connections(monkeypatch)
    fax_connections.set_speed(1000)

    def run(
        *worker: str, deferred: tuple[str, ...] = (), vendor: str = "interfax", resend: object = False
    ) -> dict[str, dict[str, Any]]:
        numbers = {"worker": worker, "deferred": deferred}
        conf = {"numbers": numbers, "file": letter, "connection": f"{vendor}_default", "resend": resend}
        return {
            numbers[ti.task_id][ti.map_index]: ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index)
            for ti in run_dag("tests/dags/bad_numbers.py", conf).get_task_instances()
            if ti.task_id in numbers and ti.map_index >= 0
        }

    return run


def test_in_real_airflow_a_bad_number_is_dialled_once_by_any_vendor_and_any_other_each_time(
    fax: Any, fax_connections: FaxSimulator, bad_numbers: Any
) -> None:
    first = fax("6022", "3936", *DIALLED_AGAIN, deferred=("6001",))
    again = fax(*BAD, *DIALLED_AGAIN, vendor="extrafax")

    for code, cause in BAD.items():
        assert (first[code]["outcome"], first[code]["cause"]) == ("fatal", cause)
        assert (again[code]["outcome"], again[code]["cause"], again[code]["job_id"]) == ("fatal", cause, None)
        assert "To send all the same, set resend" in again[code]["message"]
        (name,) = [name for name in bad_numbers() if name in again[code]["message"]]
        assert json.loads(bad_numbers()[name])["since"][:10] in again[code]["message"]
    assert all(again[code]["job_id"] is not None for code in DIALLED_AGAIN)
    assert len(fax_connections.faxes()) == len(BAD) + 2 * len(DIALLED_AGAIN)
    assert "9999" not in json.dumps(bad_numbers())


def test_in_real_airflow_resend_dials_a_bad_number_and_so_does_everybody_when_its_time_is_over(
    fax: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax("6001")
    assert fax("6001", resend="checked")["6001"]["job_id"] is not None
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + 31 * 86_400)

    assert fax("6001")["6001"]["job_id"] is not None


def test_in_real_airflow_nothing_is_remembered_where_that_is_off(
    fax: Any, fax_connections: FaxSimulator, bad_numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.set_airflow_connections(monkeypatch, remember_bad_numbers="0")
    for _ in range(2):
        assert fax("6001")["6001"]["job_id"] is not None
    assert bad_numbers() == {}
