"""The example DAGs: they import anywhere, and end in real Airflow where their pages say."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"))
OUTCOMES = ["success", "retryable", "fatal"]
FAXTO_NUMBERS = {
    "success": "+1 202 555 0100",
    "retryable": "+1 202 555 0101",
    "fatal": "+1 202 555 0104",
    "unknown": "+1 202 555 0108",
}
INTERFAX_NUMBERS = {
    "success": "+999-9999-0",
    "retryable": "+999-9999-6018",
    "fatal": "+999-9999-6001",
    "unknown": "+999-9999-4711",
}
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def number(vendor: str, outcome: str) -> str:
    return (FAXTO_NUMBERS if vendor == "faxto" else INTERFAX_NUMBERS)[outcome]


def ended(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


@pytest.fixture
def fast(fax_connections: FaxSimulator) -> FaxSimulator:
    """Give the simulator with a clock at which every fax ends within a second or two."""
    fax_connections.set_speed(1000)
    return fax_connections


def test_every_example_imports_without_a_connection_a_network_and_an_http_client() -> None:
    script = """
import json, runpy, socket, sys
def refuse(*_):
    raise AssertionError("an example must not call anybody while it is parsed")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
dags = {path: runpy.run_path(path)["dag"].dag_id for path in sys.argv[1:]}
loaded = sorted({"requests", "phonenumbers", "tenacity", "requests_toolbelt"} & set(sys.modules) - before)
print(json.dumps([dags, loaded]))
"""
    # What Airflow itself brings in is not ours.
    script = (
        "import sys\nfrom airflow.providers.common.compat.sdk import DAG, task\nbefore = set(sys.modules)\n" + script
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, EXAMPLES)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    dags, loaded = json.loads(done.stdout.splitlines()[-1])
    assert dags == {str(path): path.stem for path in EXAMPLES}
    assert loaded == []


@pytest.mark.airflow
def test_airflow_finds_the_examples_and_nothing_else(airflow_database: None) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 2.11
        from airflow.models.dagbag import DagBag

    bag = DagBag(str(ROOT / "example_dags"))
    assert bag.import_errors == {}
    assert set(bag.dags) == {path.stem for path in EXAMPLES}


@pytest.mark.airflow
@every_vendor
@pytest.mark.parametrize(
    ("outcome", "taken"), [("success", "archive"), ("retryable", "send_later"), ("fatal", "hand_to_person")]
)
def test_send_wait_branch(
    *, vendor: str, outcome: str, taken: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_send_wait_branch.py",
        {"fax_number": number(vendor, outcome), "fax_conn_id": f"{vendor}_default"},
    )
    branches = dict.fromkeys(("archive", "send_later", "hand_to_person"), "skipped")
    assert ended(dag_run) == {
        **dict.fromkeys(("send", "wait", "branch", "done"), "success"),
        **branches,
        taken: "success",
    }
    [fax] = fast.faxes()
    [behind] = [ti for ti in dag_run.get_task_instances() if ti.task_id == taken]
    assert f"Fax job {fax['id']} " in behind.xcom_pull(task_ids=taken)


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("vendor", "outcome", "taken"),
    [
        ("interfax", "success", "archive"),
        ("extrafax", "retryable", "send_later"),
        ("faxto", "fatal", "hand_to_person"),
        ("faxto", "unknown", "ask_the_vendor"),
        ("interfax", "unknown", "ask_the_vendor"),
    ],
)
def test_send_and_branch(
    *, vendor: str, outcome: str, taken: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_send_and_branch.py",
        {"fax_number": number(vendor, outcome), "fax_conn_id": f"{vendor}_default"},
    )
    branches = dict.fromkeys(("archive", "send_later", "hand_to_person", "ask_the_vendor"), "skipped")
    assert ended(dag_run) == {**dict.fromkeys(("send", "branch", "done"), "success"), **branches, taken: "success"}
    assert len(fast.faxes()) == 1


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("vendor", "outcome", "taken"),
    [
        ("interfax", "success", "delivered"),
        ("extrafax", "retryable", "failed_for_now"),
        ("faxto", "fatal", "failed_for_good"),
        ("faxto", "unknown", "failed_for_good"),
    ],
)
def test_branch_on_job(
    *,
    vendor: str,
    outcome: str,
    taken: str,
    fast: FaxSimulator,
    fax_job: Callable[..., str],
    run_dag: Callable[..., Any],
) -> None:
    job_id = fax_job(vendor, number(vendor, outcome))
    dag_run = run_dag(
        "example_dags/fax_branch_on_job.py", {"job_id": job_id, "fax_conn_id": f"{vendor}_default"}
    )  # fmt: skip
    branches = dict.fromkeys(("delivered", "failed_for_now", "failed_for_good"), "skipped")
    assert ended(dag_run) == {"wait": "success", "branch": "success", **branches, taken: "success"}
    assert len(fast.faxes()) == 1


@pytest.mark.airflow
@pytest.mark.parametrize("job_id", ["", "no job"])
def test_branch_on_job_needs_a_job_id(job_id: str, fast: FaxSimulator, run_dag: Callable[..., Any]) -> None:
    dag_run = run_dag("example_dags/fax_branch_on_job.py", {"job_id": job_id})
    assert ended(dag_run) == {
        "wait": "failed",
        **dict.fromkeys(("branch", "delivered", "failed_for_now", "failed_for_good"), "upstream_failed"),
    }
    assert fast.requests() == []


@pytest.mark.airflow
@every_vendor
def test_many_recipients(vendor: str, fast: FaxSimulator, run_dag: Callable[..., Any]) -> None:
    # Four faxes and one account: the vendor's own limit of six status requests a minute is another test's matter.
    fast.configure(interfax_status_limit=None)
    outcomes = [*OUTCOMES, "success"]
    recipients = {f"clinic-{index}": number(vendor, outcome) for index, outcome in enumerate(outcomes)}
    dag_run = run_dag(
        "example_dags/fax_many_recipients.py", {"fax_numbers": recipients, "fax_conn_id": f"{vendor}_default"}
    )
    tasks = {(ti.task_id, ti.map_index): ti for ti in dag_run.get_task_instances()}
    assert {key: str(ti.state) for key, ti in tasks.items()} == {
        ("labels", -1): "success",
        **{("send", index): "success" for index in range(4)},
        ("summarise", -1): "success",
    }
    assert tasks["summarise", -1].xcom_pull(task_ids="summarise") == Counter(outcomes)
    assert [tasks["send", index].rendered_map_index for index in range(4)] == list(recipients)
    assert len(fast.faxes()) == 4


@pytest.mark.airflow
@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
@pytest.mark.parametrize(
    ("outcome", "state", "tries"), [("success", "success", 1), ("retryable", "failed", 4), ("fatal", "failed", 1)]
)
def test_with_retries_another_attempt_is_made_where_it_may_help(
    *, vendor: str, outcome: str, state: str, tries: int, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_with_retries.py",
        {"fax_number": number(vendor, outcome), "fax_conn_id": f"{vendor}_default"},
    )
    [send] = dag_run.get_task_instances()
    assert (str(send.state), send.try_number) == (state, tries)
    # The simulator is the judge: as many attempts as tries, one after the other, all for the same logical fax.
    faxes = fast.faxes()
    assert len(faxes) == tries
    assert len({fax["reference"] for fax in faxes}) == 1
    assert {fax["parameters"]["retriesToPerform"] for fax in faxes} == {"2"}
    assert all(earlier["final_at"] <= later["accepted_at"] for earlier, later in itertools.pairwise(faxes))


@pytest.mark.airflow
def test_with_retries_a_parameter_the_vendor_has_no_use_for_sends_nothing(
    fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_with_retries.py", {"fax_number": FAXTO_NUMBERS["success"], "fax_conn_id": "faxto_default"}
    )
    [send] = dag_run.get_task_instances()
    assert (str(send.state), send.try_number) == ("failed", 1)
    assert fast.requests() == []
