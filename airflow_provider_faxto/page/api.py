"""The routes of the page. Each asks for a log-in; those that tell of faxes ask for the right to read XComs, too.

They are plain functions, which run in threads: the API server answers others meanwhile.
"""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, get_user, requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.responses import FileResponse, StreamingResponse

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.page import batches, figures, records
from airflow_provider_faxto.page.accounts import look_at_accounts
from airflow_provider_faxto.page.journal import read_attempts
from airflow_provider_faxto.page.records import FaxQuery
from airflow_provider_faxto.page.table import as_csv
from airflow_provider_faxto.page.words import ATTENTION, CAUSES, next_step, next_step_of_batch

__all__ = ["app", "routes"]

Message = MutableMapping[str, Any]

_FACE = Path(__file__).parent / "face"
_FILES = {
    "faxes.css": "text/css",
    "faxes.js": "text/javascript",
    "parts.js": "text/javascript",
    "plots.js": "text/javascript",
    "task.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "icon-dark.svg": "image/svg+xml",
}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]
_NO_STORE = (b"cache-control", b"no-store")
_PERIODS = {"1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
_BY_HOUR = ("1d",)
_URGENT = 500
_SHOWN = 5
_BATCHES = 500
_BATCHES_SHOWN = 20
_ACCOUNTS = 20
_CSV_ROWS = 100_000

_OF_A_BATCH = ("at", "dag_id", "run_id", "task_id", "map_index", "conn_id", "faxes", "total")

Period = Literal["1d", "7d", "30d", "90d", "all"]
_MAY_READ = [Depends(requires_access_dag("GET", DagAccessEntity.XCOM))]

# No page of its own that documents it: that one would be open.
routes = FastAPI(title="Faxes", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer a request, with headers that keep foreign content out of the page, and other hosts from what is on it."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], *_HEADERS]
            is_told = any(name.lower() == _NO_STORE[0] for name, _ in headers)
            message["headers"] = headers if is_told else [*headers, _NO_STORE]
        await send(message)

    await routes(scope, receive, send_with_headers)


def _readable_dags(user: GetUserDep) -> set[str]:
    """Tell which DAGs a user may read."""
    return get_auth_manager().get_authorized_dag_ids(user=user, method="GET")


def _query(
    *,
    dag_ids: Annotated[set[str], Depends(_readable_dags)],
    period: Period = "7d",
    outcome: Annotated[list[FaxOutcome] | None, Query()] = None,
    cause: Annotated[str | None, Query(max_length=50)] = None,
    dag: Annotated[str | None, Query(max_length=250)] = None,
    conn_id: Annotated[str | None, Query(max_length=250)] = None,
    search: Annotated[str | None, Query(max_length=250)] = None,
) -> FaxQuery:
    """Read which faxes a request asks for."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    return FaxQuery(
        dag_ids=dag_ids,
        since=now - _PERIODS[period] if period in _PERIODS else None,
        outcomes=tuple(each.value for each in outcome or ()),
        cause=cause or None,
        dag_id=dag or None,
        conn_id=conn_id or None,
        search=(search or "").strip() or None,
    )


QueryDep = Annotated[FaxQuery, Depends(_query)]


@routes.get("/data/faxes", dependencies=_MAY_READ)
def faxes(
    query: QueryDep,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=10**7)] = 0,
) -> dict[str, Any]:
    """Give a page of the table."""
    with records.open_database() as session:
        found, total = records.list_faxes(session, query, limit=limit, offset=offset)
    return {"faxes": [_with_words(fax) for fax in found], "total": total}


@routes.get("/data/now", dependencies=_MAY_READ)
def now(query: QueryDep) -> dict[str, Any]:
    """Tell what a person has to see to, for how many faxes is waited, and how far the batches are."""
    today = datetime.fromtimestamp(clock.now(), UTC) - timedelta(days=1)
    with records.open_database() as session:
        urgent = records.find_urgent(session, query, today=today, limit=_URGENT)
        waiting = records.count_waiting(session, query)
        found = batches.list_batches(session, query, limit=_BATCHES)
    return {
        "attention": _draw_up_attention(urgent, [(batch, batches.count_urgent(batch, today=today)) for batch in found]),
        "waiting": _with_batches(waiting, [batch for batch in found if batches.is_waited_for(batch)]),
        "batches": [_batch_with_words(batch) for batch in found[:_BATCHES_SHOWN]],
        "batches_in_all": len(found),
    }


@routes.get("/data/figures", dependencies=_MAY_READ)
def plots(query: QueryDep, period: Period = "7d") -> dict[str, Any]:
    """Give the figures, and what may be chosen."""
    by = figures.HOUR if period in _BY_HOUR else figures.DAY
    with records.open_database() as session:
        return figures.draw_up(session, query, by=by)


@routes.get("/data/accounts", dependencies=_MAY_READ)
def accounts(query: QueryDep) -> list[dict[str, Any]]:
    """Tell what this machine knows of the accounts of the faxes' connections."""
    with records.open_database() as session:
        conn_ids = set(records.find_connections(session, query))
        of_batches = batches.list_batches(session, query, limit=_BATCHES)
    conn_ids |= {batch["conn_id"] for batch in of_batches if batch["conn_id"]}
    return look_at_accounts(sorted(conn_ids)[:_ACCOUNTS])


@routes.get("/data/faxes.csv", dependencies=_MAY_READ)
def faxes_as_csv(query: QueryDep) -> StreamingResponse:
    """Give the faxes as CSV, the newest 100,000 at most."""

    def write() -> Iterator[str]:
        with records.open_database() as session:
            yield from as_csv(records.iter_faxes(session, query, limit=_CSV_ROWS))

    return StreamingResponse(
        write(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="faxes.csv"'},
    )


@routes.get("/data/task", dependencies=_MAY_READ)
def of_task(
    dag_ids: Annotated[set[str], Depends(_readable_dags)],
    dag_id: Annotated[str, Query(max_length=250)],
    run_id: Annotated[str, Query(max_length=250)],
    task_id: Annotated[str, Query(max_length=250)],
    map_index: int = -1,
) -> dict[str, Any]:
    """Tell all that is known of the fax, or the batch, of one task instance."""
    if dag_id not in dag_ids:
        raise HTTPException(403, "Forbidden")
    whose: dict[str, Any] = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index}
    with records.open_database() as session:
        fax = records.find_fax(session, **whose)
        batch = batches.find_batch(session, **whose)
        attempts = read_attempts(session, **whose)
    if attempts is not None:
        attempts = [{**attempt, "cause_in_words": CAUSES.get(attempt["cause"] or "")} for attempt in attempts]
    return {
        "fax": _with_words(fax) if fax is not None else None,
        "batch": _batch_with_words(batch) if batch is not None else None,
        "attempts": attempts,
    }


@routes.get("/")
def page() -> FileResponse:
    """Give the page."""
    return _file("faxes.html", "text/html")


@routes.get("/task")
def task_page() -> FileResponse:
    """Give the tab of a task instance."""
    return _file("task.html", "text/html")


@routes.get("/{name}")
def file(name: str) -> FileResponse:
    """Give a file of the page."""
    if name not in _FILES:
        raise HTTPException(404, "Not Found")
    return _file(name, _FILES[name])


def _file(name: str, media_type: str) -> FileResponse:
    # Asked for anew each time, so that a new release is seen at once; what has not changed is not sent again.
    return FileResponse(_FACE / name, media_type=media_type, headers={"Cache-Control": "private, no-cache"})


def _with_words(fax: dict[str, Any]) -> dict[str, Any]:
    return {**fax, "cause_in_words": CAUSES.get(fax["cause"] or "", fax["cause"]), "next_step": next_step(fax)}


def _batch_with_words(batch: dict[str, Any]) -> dict[str, Any]:
    causes = [{"cause": cause, "words": CAUSES[cause], "faxes": count} for cause, count in batch["causes"].items()]
    return {**batch, "causes": causes, "next_step": next_step_of_batch(batch)}


def _draw_up_attention(
    urgent: list[dict[str, Any]], of_batches: list[tuple[dict[str, Any], dict[str, int]]]
) -> list[dict[str, Any]]:
    """Put single faxes and those of batches together that ask for the same."""
    attention = []
    for kind, (title, advice) in ATTENTION.items():
        of_kind = [fax for fax in urgent if fax["attention"] == kind]
        counted = [{**batch, "faxes": counts[kind]} for batch, counts in of_batches if kind in counts]
        if of_kind or counted:
            attention.append(
                {
                    "kind": kind,
                    "title": title,
                    "advice": advice,
                    "count": len(of_kind) + sum(batch["faxes"] for batch in counted),
                    "single": len(of_kind),
                    "is_more": len(urgent) >= _URGENT,
                    "conn_ids": sorted({each["conn_id"] for each in [*of_kind, *counted] if each["conn_id"]}),
                    "faxes": [_with_words(fax) for fax in of_kind[:_SHOWN]],
                    "batches": [{name: batch[name] for name in _OF_A_BATCH} for batch in counted[:_SHOWN]],
                }
            )
    return attention


def _with_batches(waiting: list[dict[str, Any]], waited_for: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the faxes of batches to those for which is waited, by connection."""
    rows = {(row["conn_id"], row["vendor"]): dict(row) for row in waiting}
    for batch in waited_for:
        whose = (batch["conn_id"] or "", batch["vendor"])
        row = rows.setdefault(whose, {"conn_id": whose[0], "vendor": whose[1], "faxes": 0, "oldest": batch["at"]})
        row["faxes"] += batch["counts"][FaxOutcome.PENDING]
        row["oldest"] = min(row["oldest"] or batch["at"], batch["at"])
    return sorted(rows.values(), key=lambda row: -row["faxes"])
