"""What every test shares: an Airflow of its own for each test process, and the fax vendors on loopback.

The environment is set before Airflow is imported for the first time, since Airflow reads it then.
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from support.examples import set_recipients

ROOT = Path(__file__).resolve().parent.parent


def _prepare_airflow_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="fax-airflow-"))
    dags = home / "dags"
    dags.mkdir()
    # dag.test() looks a DAG up in the DAGs folder again, so both places must be below it.
    (dags / "example_dags").symlink_to(ROOT / "example_dags")
    (dags / "tests").symlink_to(ROOT / "tests" / "dags")
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(dags),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__UNIT_TEST_MODE="True",
        AIRFLOW__CORE__EXECUTOR="SequentialExecutor" if _airflow_major() == "2" else "LocalExecutor",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
        FAX_EXAMPLE_LOOKUP_GRACE="1",
        FAX_EXAMPLE_POLL_INTERVAL="0.2",
        FAX_EXAMPLE_RETRY_DELAY="0",
    )
    return home


def _airflow_major() -> str:
    from importlib.metadata import version

    return version("apache-airflow").partition(".")[0]


AIRFLOW_HOME = _prepare_airflow_home()

# The same examples each time, so that a change turns a test red and not chance, nor a machine that is slow. To look
# for new ones: HYPOTHESIS_PROFILE=explore make test.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

pytest_plugins = [
    "airflow_provider_faxto.simulator.pytest_plugin",
    "support.accounts",
    "support.batches",
    "support.clock",
    "support.example_vendor",
    "support.hooks",
    "support.page",
    "support.sender",
]

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator


def pytest_unconfigure() -> None:
    """Remove this process's Airflow."""
    shutil.rmtree(AIRFLOW_HOME, ignore_errors=True)


@pytest.fixture(autouse=True)
def own_request_count(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no other test or process share the count of requests that a test makes, nor a stop of its account."""
    from airflow_provider_faxto.http import account_state, stopped_account

    account_state.forget()
    stopped_account.forget()
    folder = tmp_path_factory.mktemp("requests")
    monkeypatch.setattr(
        "airflow_provider_faxto.http.shared_files.tempfile", SimpleNamespace(gettempdir=lambda: str(folder))
    )


@pytest.fixture
def fax_connections(fax_simulator: FaxSimulator, monkeypatch: pytest.MonkeyPatch) -> FaxSimulator:
    """Give a clean simulator to which ``faxto_default``, ``interfax_default`` and ``extrafax_default`` lead.

    They remember no bad numbers, which would be those of another test: Airflow's database outlives a test.
    """
    fax_simulator.set_airflow_connections(monkeypatch, remember_bad_numbers="0")
    return fax_simulator


@pytest.fixture
def letter() -> str:
    """Give the path of a small PDF of one page."""
    return str(ROOT / "example_dags" / "files" / "letter.pdf")


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Create Airflow's tables, once for each test process."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def bad_numbers(airflow_database: None) -> Callable[[], dict[str, str]]:
    """Give a function that reads what Airflow's Variables remember of bad numbers; no other test has left any."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    def read() -> dict[str, str]:
        with create_session() as session:
            found = session.query(Variable).filter(Variable.key.like("fax_bad_number_%")).all()
            return {each.key: each.get_val() for each in found}

    with create_session() as session:
        session.query(Variable).filter(Variable.key.like("fax_bad_number%")).delete(synchronize_session=False)
    return read


@pytest.fixture
def run_dag(bad_numbers: object) -> Callable[..., Any]:
    """Give a function that runs a DAG file's ``dag`` in real Airflow and returns the DAG run.

    ``run_dag("example_dags/fax_send_and_branch.py", {"recipient": "clinic"}, {"clinic": {...}})``: the path from the
    project's top, the run's configuration, and what stands in place of an example's recipients.
    """

    def run(
        path: str, conf: dict[str, Any] | None = None, recipients: Mapping[str, Mapping[str, str]] | None = None
    ) -> Any:
        folder, _, name = path.partition("/")
        name = f"tests/{name.removeprefix('dags/')}" if folder == "tests" else path
        namespace = runpy.run_path(str(AIRFLOW_HOME / "dags" / name))
        if recipients is not None:
            set_recipients(namespace, recipients)
        return namespace["dag"].test(run_conf=conf or {})

    return run


class TaskInstanceDouble:
    """What a task sees of its task instance, outside a DAG run: who it is, and its XComs."""

    def __init__(
        self, task: Any, *, try_number: int = 1, is_cleared: bool = False, run_id: str = "run", map_index: int = -1
    ) -> None:
        self.dag_id = task.dag_id
        self.task_id = task.task_id
        self.run_id = run_id
        self.map_index = map_index
        self.try_number = try_number
        # A clear leaves the task all its retries from there on.
        self.max_tries = task.retries + (try_number - 1 if is_cleared else 0)
        self.task = task
        self.xcoms: dict[str, Any] = {}
        self.started_at = datetime.now(UTC)
        self.has_waited = False

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value))

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.started_at if self.has_waited else None


@pytest.fixture
def task_instance() -> type[TaskInstanceDouble]:
    """Give the class of a stand-in for Airflow's task instance, for tests without a DAG run."""
    return TaskInstanceDouble


@pytest.fixture
def fax_job(fax_connections: FaxSimulator, letter: str) -> Callable[..., str]:
    """Give a function that sends the letter and returns the job id: ``fax_job("interfax", "+999-9999-0")``."""
    from airflow_provider_faxto.hooks.fax import FaxHook

    def send(vendor: str, fax_number: str) -> str:
        return FaxHook.for_connection(f"{vendor}_default").send_fax(fax_number, letter, reference="airflow-test").job_id

    return send


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Give a function that returns everything logged or printed so far, at DEBUG.

    Airflow 3's operators log past Python's logging, straight to the standard output; Airflow 2's do not.
    """
    caplog.set_level(logging.DEBUG)
    printed: list[str] = []

    def read() -> str:
        printed.extend(capfd.readouterr())
        return "".join(printed) + caplog.text

    return read
