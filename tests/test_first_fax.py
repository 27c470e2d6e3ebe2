"""The page "First fax": its DAGs and its test run as they stand, but for the file that they fax."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "first_fax.md").read_text(encoding="utf-8")


def code(name: str) -> str:
    """Give the code between two marks of the page."""
    return re.search(rf"START {name}\].*?```python\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def put(letter: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that puts a DAG of the page into the DAGs folder; it returns the file's name."""
    folder = Path(os.environ["AIRFLOW_HOME"]) / "dags"
    monkeypatch.syspath_prepend(str(folder))

    def put(name: str) -> str:
        (folder / f"{name}.py").write_text(code(name).replace("/srv/faxes/letter.pdf", letter), encoding="utf-8")
        return f"{name}.py"

    return put


@pytest.mark.airflow
@pytest.mark.parametrize(("recipient", "followed"), [("+1 202 555 0102", "send_later"), ("+1 202 555 0100", "archive")])
def test_the_first_dag_goes_the_way_that_the_page_says(
    *, recipient: str, followed: str, put: Any, run_dag: Any, fax_connections: Any
) -> None:
    fax_connections.set_speed(1000)
    path = Path(os.environ["AIRFLOW_HOME"]) / "dags" / put("first_fax")
    path.write_text(path.read_text().replace("+1 202 555 0102", recipient))
    run = run_dag(path.name)
    states = {ti.task_id: ti.state for ti in run.get_task_instances()}
    assert {task for task in ("archive", "send_later", "ask_a_person") if states[task] == "success"} == {followed}


@pytest.mark.airflow
def test_the_mapped_dag_follows_each_fax(put: Any, run_dag: Any, fax_connections: Any) -> None:
    fax_connections.set_speed(1000)
    run = run_dag(put("mapped_first_fax"))
    assert {ti.state for ti in run.get_task_instances()} == {"success"}
    [report] = [ti for ti in run.get_task_instances() if ti.task_id == "report"]
    assert report.xcom_pull(task_ids="report") == {"clinic-1": "success", "clinic-2": "retryable"}


@pytest.mark.airflow
def test_the_test_of_the_page_passes(
    put: Any, fax_simulator: Any, monkeypatch: pytest.MonkeyPatch, airflow_database: None
) -> None:
    put("first_fax")
    namespace: dict[str, Any] = {}
    exec(compile(code("test_of_first_fax"), "docs/first_fax.md", "exec"), namespace)
    [test] = [value for name, value in namespace.items() if name.startswith("test_")]
    test(fax_simulator, monkeypatch)
    assert fax_simulator.faxes()
