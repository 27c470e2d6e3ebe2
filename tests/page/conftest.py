"""Airflow's own API server with the page in it, in this process: real log-ins, a real database, and faxes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from airflow_provider_faxto.receipts.record import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from fastapi.testclient import TestClient

# Airflow before 3.1 has no place for a page.
HAS_PAGES = tuple(map(int, version("apache-airflow").split(".")[:2])) >= (3, 1)
collect_ignore_glob = [] if HAS_PAGES else ["test_[!p]*.py"]

BUNDLE = "tests"
# May read clinic_* and nothing else; may read nothing; may read all.
READER, STRANGER, ADMIN = "reader", "stranger", "admin"
RECEIPT = {
    "schema_version": 1,
    "try_number": 1,
    "label": "clinic-3",
    "key": "airflow-0123",
    "vendor": "interfax",
    "conn_id": "clinic_fax",
    "account": "0123456789abcdef",
    "job_id": "4711",
    "number": "+*******0100",
    "number_hash": None,
    "documents_sha256": ["0" * 64],
    "pages": 2,
    "size": 48211,
    "submitted_at": None,
    "completed_at": None,
    "outcome": "success",
    "cause": None,
    "code": 0,
    "message": "OK",
    "pages_sent": 2,
    "attempts": 1,
    "cost": "0.12",
    "waits_for": None,
    "is_of_sensor": False,
}


@dataclass
class Database:
    """Airflow's database, as fax tasks leave it."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _runs: int = 0

    def put(
        self,
        *,
        dag_id: str = "clinic_letters",
        run_id: str | None = None,
        task_id: str = "send",
        map_index: int = -1,
        state: str | None = "success",
        run_state: str = "success",
        ago: timedelta = timedelta(minutes=5),
        key: str = RECORD,
        raw: Any = ...,
        **told: Any,
    ) -> dict[str, Any]:
        """Let a task have told of a fax; return where."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        at = self.now - ago
        value = {**RECEIPT, "sent_at": _iso(at - timedelta(minutes=2)), "seen_final_at": _iso(at), "about_seconds": 120}
        value = {**value, **told} if raw is ... else raw
        if isinstance(value, dict) and value.get("outcome") == "pending" and "seen_final_at" not in told:
            value |= {"seen_final_at": None, "about_seconds": None}
        with create_session(scoped=False) as session:
            run_id, dag_run_id = self._run(session, dag_id, run_id, run_state)
            whose = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
            _insert(
                session,
                TaskInstance,
                # A text before Airflow 3.2.
                id=uuid4() if TaskInstance.__table__.c.id.type.python_type is UUID else str(uuid4()),
                pool="default_pool",
                try_number=1,
                max_tries=0,
                pool_slots=1,
                state=state,
                operator="SendFaxOperator",
                span_status="not_started",
                **whose,
            )
            _insert(session, XComModel, dag_run_id=dag_run_id, key=key, value=value, timestamp=at, **whose)
        return whose

    def note_attempts(self, whose: dict[str, Any], sends: list[dict[str, Any]]) -> None:
        """Let the task's runs have left a journal."""
        from airflow.models.dagrun import DagRun
        from airflow.models.task_state_store import TaskStateStoreModel
        from airflow.utils.session import create_session

        with create_session(scoped=False) as session:
            run = session.query(DagRun).filter_by(dag_id=whose["dag_id"], run_id=whose["run_id"]).one()
            journal = {"version": 2, "runs": len(sends), "unnoted_runs": 0, "sends": sends}
            session.add(TaskStateStoreModel(dag_run_id=run.id, key="fax_send", value=json.dumps(journal), **whose))

    def clear(self) -> None:
        """Forget all that these tests have put there."""
        from airflow.models.dag import DagModel
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session(scoped=False) as session:
            for model in (XComModel, TaskInstance, DagRun, DagModel):
                session.query(model).delete(synchronize_session=False)

    def _run(self, session: Any, dag_id: str, run_id: str | None, state: str) -> tuple[str, int]:
        from airflow.models.dag import DagModel
        from airflow.models.dagbundle import DagBundleModel
        from airflow.models.dagrun import DagRun

        if session.get(DagBundleModel, BUNDLE) is None:
            session.add(DagBundleModel(name=BUNDLE))
            session.flush()
        if session.get(DagModel, dag_id) is None:
            _insert(
                session,
                DagModel,
                dag_id=dag_id,
                is_paused=False,
                is_stale=False,
                bundle_name=BUNDLE,
                max_active_tasks=16,
                max_active_runs=16,
                max_consecutive_failed_dag_runs=0,
                has_task_concurrency_limits=False,
                timetable_type="none",
            )
        found = session.query(DagRun.id).filter_by(dag_id=dag_id, run_id=run_id).scalar() if run_id else None
        if found is None:
            self._runs += 1
            run_id = run_id or f"manual__{self._runs}"
            _insert(
                session,
                DagRun,
                dag_id=dag_id,
                run_id=run_id,
                run_type="manual",
                run_after=self.now,
                state=state,
                clear_number=0,
                span_status="not_started",
            )
            found = session.query(DagRun.id).filter_by(dag_id=dag_id, run_id=run_id).scalar()
        return run_id, found


def _insert(session: Any, model: Any, **values: Any) -> None:
    """Insert a row, as far as this release knows its columns."""
    table = model.__table__
    session.execute(table.insert().values({name: value for name, value in values.items() if name in table.c}))


def _iso(at: datetime) -> str:
    return at.isoformat()


@pytest.fixture
def database(airflow_database: None) -> Iterator[Database]:
    """Give Airflow's database without a fax in it."""
    database = Database()
    database.clear()
    yield database
    database.clear()


@pytest.fixture(scope="session")
def api_server(airflow_database: None) -> Iterator[FastAPI]:
    """Give Airflow's own API server, with the page that Airflow has found by itself."""
    from airflow.api_fastapi import app as server

    settings = {
        "AIRFLOW__CORE__AUTH_MANAGER": "page.auth.OneClinicEach",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{READER}:viewer,{STRANGER}:viewer",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of these tests" * 5,
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield server.create_app(apps="core")
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        server.purge_cached_app()


@pytest.fixture
def visit(api_server: FastAPI) -> Any:
    """Give a function that makes a browser of somebody: ``visit("reader").get("/faxes/")``; nobody without a name."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    def visit(name: str | None = ADMIN) -> TestClient:
        browser = TestClient(api_server)
        if name is not None:
            role = "admin" if name == ADMIN else "viewer"
            token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role))
            browser.headers["Authorization"] = f"Bearer {token}"
        return browser

    return visit


@pytest.fixture
def ask(visit: Any) -> Any:
    """Give a function that asks for data as the admin: ``ask("faxes", outcome="fatal")``."""

    def ask(what: str, **parameters: Any) -> Any:
        answer = visit().get(f"/faxes/data/{what}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask
