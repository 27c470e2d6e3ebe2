"""An Airflow database as fax tasks leave it: DAG runs, task instances, and what the tasks have pushed to XCom."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, select, text

from airflow_provider_faxto.fax.codes import describe_code
from airflow_provider_faxto.receipts.record import BATCH, RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = "benchmark"
MAPPED = 20
MARKUP = '<img src=x onerror="document.title = 1"><b>clinic</b>'
DAGS = (
    "lab_results", "referrals", "claims", "invoices", "discharge_letters", "prescriptions", "reminders", "orders",
    "statements", "court_filings", "notices", "confirmations", "schedules", "x_ray_reports", "insurance_forms",
    "pathology", "pharmacy", "authorisations", "appointments", "records",
)  # fmt: skip
_BATCH = 5000
_DAG = {
    "is_paused": False,
    "is_stale": False,
    "bundle_name": BUNDLE,
    "fileloc": "/dags/faxes.py",
    "relative_fileloc": "faxes.py",
    "owners": "airflow",
    "max_active_runs": 16,
    "timetable_type": "airflow.timetables.simple.NullTimetable",
    "max_active_tasks": 16,
    "max_consecutive_failed_dag_runs": 0,
    "has_task_concurrency_limits": False,
}
# Outcome, cause, code and weight.
ENDS = [
    ("success", None, 0, 820),
    ("retryable", "busy", 3931, 60),
    ("retryable", "no_answer", 3935, 45),
    ("retryable", "transmission", 3268, 15),
    ("fatal", "number_not_operational", 3912, 30),
    ("fatal", "human_answered", 3936, 10),
    ("fatal", "invalid_document", None, 5),
    ("unknown", None, None, 5),
    ("pending", None, -1, 10),
]
CONNECTIONS = [("faxto", "faxto_default"), ("interfax", "interfax_default"), ("interfax", "clinic_fax"),
               ("extrafax", "extrafax_default")]  # fmt: skip
# Vendor, connection, state of the task, counts, causes, what ended the sending, and how many were not sent.
BATCHES = [
    ("interfax", "clinic_fax", "deferred", {"pending": 4960, "success": 3, "fatal": 37}, {"invalid_number": 37},
     None, 0),
    ("faxto", "faxto_default", "success", {"success": 1200}, {}, None, 0),
    ("interfax", "interfax_default", "failed", {"success": 286, "retryable": 9, "fatal": 4, "unknown": 1},
     {"busy": 7, "no_answer": 2, "number_not_operational": 4}, None, 0),
    ("extrafax", "extrafax_default", "up_for_retry", {"success": 40, "retryable": 60}, {}, "FaxThrottledError", 60),
]  # fmt: skip


def fill(engine: Any, faxes: int, *, days: float, others: int = 0, is_whole: bool = True) -> None:
    """Write faxes into an Airflow database, and XComs of other tasks.

    :param engine: the database's engine.
    :param faxes: how many faxes. The label of a single one is markup; beside more there are a few batches.
    :param days: over how many days, up to now.
    :param others: how many XComs of tasks that send no fax.
    :param is_whole: whether to write all XComs of a fax, and not only what the page reads.
    """
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel

    def known(table: Any, values: dict[str, Any]) -> dict[str, Any]:
        # As far as this release of Airflow knows the columns. The id of a task instance was a text before 3.2.
        as_text = "id" in table.c and table.c.id.type.python_type is str
        return {
            name: str(value) if as_text and name == "id" else value for name, value in values.items() if name in table.c
        }

    tables = {"run": DagRun.__table__, "task": TaskInstance.__table__, "xcom": XComModel.__table__}
    is_postgres = engine.dialect.name == "postgresql"
    with engine.connect() as database, database.begin():
        # Else each row is looked up in a table that was empty when the look-up was planned.
        database.execute(text("SET session_replication_role = replica" if is_postgres else "PRAGMA foreign_keys = OFF"))
        if not database.scalar(select(func.count()).select_from(DagModel)):
            database.execute(insert(DagBundleModel.__table__), [{"name": BUNDLE, "active": True}])
            database.execute(
                insert(DagModel.__table__), [known(DagModel.__table__, {"dag_id": dag_id, **_DAG}) for dag_id in DAGS]
            )
        before = database.scalar(select(func.max(DagRun.id))) or 0
        rows = _rows(faxes, others, days, before=before, is_whole=is_whole)
        while batch := list(islice(rows, _BATCH)):
            for kind, table in tables.items():
                values = [known(table, value) for each, value in batch if each == kind]
                if values:
                    database.execute(insert(table), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as database:
        database.execute(text("VACUUM ANALYZE" if is_postgres else "ANALYZE"))


def _rows(faxes: int, others: int, days: float, *, before: int, is_whole: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    now, dice = datetime.now(UTC), random.Random(faxes)
    ends, weights = [end[:3] for end in ENDS], [end[3] for end in ENDS]
    runs = -(-faxes // MAPPED)
    for run in range(runs):
        began = now - timedelta(days=days) * (1 - (run + 1) / runs)
        dag_id, run_id = DAGS[run % len(DAGS)], f"scheduled__{began.isoformat()}"
        yield "run", {
            "id": before + run + 1, "dag_id": dag_id, "run_id": run_id, "run_type": "scheduled", "run_after": began,
            "logical_date": began, "state": "success", "clear_number": 0, "span_status": "not_started",
        }  # fmt: skip
        for index in range(min(MAPPED, faxes - run * MAPPED)):
            end = dice.choices(ends, weights)[0]
            # Nobody waits for a fax that was sent days ago.
            if end[0] == "pending" and now - began > timedelta(days=1):
                end = ends[0]
            sent = min(began + timedelta(seconds=dice.uniform(5, 600)), now - timedelta(seconds=dice.uniform(30, 1500)))
            ended = min(sent + timedelta(seconds=dice.lognormvariate(5, 0.8)), now)
            whose = {"dag_id": dag_id, "task_id": "send", "run_id": run_id, "map_index": index}
            yield "task", {
                "id": UUID(int=dice.getrandbits(128)), "pool": "default_pool", "try_number": 1,
                "max_tries": 2, "pool_slots": 1, "span_status": "not_started", "operator": "SendFaxOperator",
                "state": "deferred" if end[0] == "pending" else "failed" if end[0] != "success" else "success",
                **whose,
            }  # fmt: skip
            label = (
                MARKUP if faxes == 1 else f"{dice.choice(('clinic', 'ward', 'practice', 'lab'))}-{dice.randrange(200)}"
            )
            for key, value in _pushed(end, whose, sent, ended, label=label, dice=dice).items():
                if key != RECORD and not is_whole:
                    continue
                at = sent if key != "return_value" and not (key == RECORD and end[0] != "pending") else ended
                yield "xcom", {"dag_run_id": before + run + 1, "key": key, "value": value, "timestamp": at, **whose}
        for index in range(others * (run + 1) // runs - others * run // runs):
            whose = {"dag_id": dag_id, "task_id": "other", "run_id": run_id, "map_index": index}
            yield "task", {
                "id": UUID(int=dice.getrandbits(128)), "pool": "default_pool", "try_number": 1,
                "max_tries": 0, "pool_slots": 1, "span_status": "not_started", "operator": "PythonOperator",
                "state": "success", **whose,
            }  # fmt: skip
            value = {"rows": dice.randrange(10**6), "note": "x" * dice.randrange(400)}
            yield (
                "xcom",
                {"dag_run_id": before + run + 1, "key": "return_value", "value": value, "timestamp": began, **whose},
            )
    for number, batch in enumerate(BATCHES if faxes > 1 else ()):
        yield from _batch(before + runs + number + 1, batch, now - timedelta(hours=1 + 5 * number), dice=dice)


def _batch(run: int, batch: tuple[Any, ...], sent: datetime, *, dice: random.Random) -> Iterator[tuple[str, Any]]:
    vendor, conn_id, state, counts, causes, stopped, unsent = batch
    whose = {"dag_id": DAGS[run % len(DAGS)], "run_id": f"scheduled__{sent.isoformat()}"}
    yield "run", {
        "id": run, "run_type": "scheduled", "run_after": sent, "logical_date": sent, "state": "success",
        "clear_number": 0, "span_status": "not_started", **whose,
    }  # fmt: skip
    whose = {**whose, "task_id": "send_many", "map_index": -1}
    yield "task", {
        "id": UUID(int=dice.getrandbits(128)), "pool": "default_pool", "try_number": 1, "max_tries": 2,
        "pool_slots": 1, "span_status": "not_started", "operator": "SendFaxesOperator", "state": state, **whose,
    }  # fmt: skip
    ended = None if "pending" in counts else sent + timedelta(minutes=35)
    total = sum(counts.values())
    value = {
        "vendor": vendor, "conn_id": conn_id, "total": total, "counts": counts, "causes": causes, "unsent": unsent,
        "sent_at": sent.isoformat(), "seen_final_at": ended.isoformat() if ended else None, "stopped": stopped,
        "path": f"file:///results/batches/{whose['dag_id']}/send_many/0123456789abcdef.jsonl" if ended else None,
    }  # fmt: skip
    yield "xcom", {"dag_run_id": run, "key": BATCH, "value": value, "timestamp": ended or sent, **whose}


def _pushed(
    end: tuple[str, str | None, int | None],
    whose: dict[str, Any],
    sent: datetime,
    ended: datetime,
    *,
    label: str,
    dice: random.Random,
) -> dict[str, Any]:
    outcome, cause, code = end
    vendor, conn_id = dice.choice(CONNECTIONS)
    is_final, job_id = outcome != "pending", str(dice.randrange(10**8, 10**9))
    if cause == "invalid_document":
        job_id = None
    status = {
        "vendor": vendor, "job_id": job_id, "outcome": outcome, "cause": cause, "code": code,
        "message": describe_code(code).label if code is not None else None,
        "pages_sent": 2 if outcome == "success" else 0, "attempts": dice.randrange(1, 4),
        "cost": f"{dice.randrange(5, 40) / 100:.2f}", "balance": None, "submitted_at": sent.isoformat(),
        "completed_at": ended.isoformat() if is_final else None, "reference": f"airflow-{dice.getrandbits(160):040x}",
        "pages_submitted": 2, "size": 48211,
    }  # fmt: skip
    receipt = {
        "schema_version": 1, **whose, "try_number": 1, "label": label,
        "key": status["reference"], "vendor": vendor, "conn_id": conn_id, "account": "0123456789abcdef",
        "job_id": job_id, "number": f"+*******{dice.randrange(10000):04d}",
        "number_hash": f"{dice.getrandbits(128):032x}",
        "documents_sha256": [f"{dice.getrandbits(256):064x}"], "pages": 2, "size": 48211, "sent_at": sent.isoformat(),
        "seen_final_at": ended.isoformat() if is_final else None, "submitted_at": sent.isoformat(),
        "completed_at": status["completed_at"], "outcome": outcome, "cause": cause, "code": code,
        "message": status["message"], "pages_sent": status["pages_sent"], "attempts": status["attempts"],
        "cost": status["cost"],
    }  # fmt: skip
    about = {"about_seconds": int(float(f"{(ended - sent).total_seconds():.2g}")) if is_final else None}
    pushed = {"job_id": job_id, "submitted": {**status, "run": 1, "number_mark": None, "receipt": receipt},
              RECORD: {**receipt, **about, "waits_for": None, "is_of_sensor": False}}  # fmt: skip
    return {**pushed, "return_value": status} if is_final else pushed
