"""The README's DAG is ten lines, is a DAG file as it stands, and runs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_provider_faxto.fax.codes import STATUS_CODES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
(SOURCE,) = re.findall(r"```python\n(.*?)\n```", README, re.DOTALL)
BRANCHES = {"archive", "send_later", "ask_a_person"}


@pytest.fixture
def dag_file():
    """The README's DAG, as a file in the DAGs folder."""
    path = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "fax_a_letter.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def run_it(fax_connections, dag_file, run_dag, letter):
    """Run the README's DAG for a recipient, at a vendor whose faxes end at once; return each task's state."""
    fax_connections.configure(faxto_seconds_ok=0.0, faxto_seconds_failed=0.0)

    def run(recipient):
        source = SOURCE.replace("+1 202 555 0100", recipient).replace("/srv/faxes/letter.pdf", letter)
        dag_file.write_text(source)
        finished = run_dag(dag_file.name)
        return {ti.task_id: ti.state for ti in finished.get_task_instances()}

    return run


def test_the_dag_has_ten_lines():
    assert len([line for line in SOURCE.splitlines() if line.strip()]) == 10


def test_the_dag_takes_no_number_and_no_file_from_whoever_triggers_it():
    assert '"+1 202 555 0100"' in SOURCE
    assert "params" not in SOURCE


def test_the_dag_sends_then_branches(dag_file):
    namespace = {"__name__": "fax_a_letter"}
    exec(compile(SOURCE, str(dag_file), "exec"), namespace)
    dag = namespace["dag"]

    assert set(dag.task_ids) == {"send", "branch", *BRANCHES}
    assert dag.get_task("send").downstream_task_ids == {"branch"}
    assert dag.get_task("branch").downstream_task_ids == BRANCHES


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("recipient", "branch"),
    [("+1 202 555 0100", "archive"), ("+1 202 555 0102", "send_later"), ("+1 202 555 0104", "ask_a_person")],
)
def test_the_dag_ends_at_the_task_for_the_outcome(run_it, fax_connections, recipient, branch):
    states = run_it(recipient)

    assert {task_id for task_id in BRANCHES if states[task_id] == "success"} == {branch}
    assert {states[task_id] for task_id in BRANCHES - {branch}} == {"skipped"}
    assert len(fax_connections.faxes()) == 1


def test_the_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    pages = README + (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`|=[\d.]+ )make ([\w-]+)", pages, re.MULTILINE))

    assert {"demo", "up", "test"} <= named
    assert named <= set(targets)


def test_the_numbers_of_codes_are_right():
    assert f"{len(STATUS_CODES)} status codes" in README
    assert f"its own page lists {sum(entry.in_extrafax for entry in STATUS_CODES.values())}" in README
