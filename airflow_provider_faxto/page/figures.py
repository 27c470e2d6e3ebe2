"""The figures of the page: outcomes over time, causes, delivery time and cost."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.page import records
from airflow_provider_faxto.page.words import CAUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from airflow_provider_faxto.page.records import FaxQuery

__all__ = ["DAY", "HOUR", "draw_up"]

# How much of a time, as ISO 8601 writes it, tells days and hours apart.
DAY = 10
HOUR = 13


def draw_up(session: Session, query: FaxQuery, *, by: int) -> dict[str, Any]:
    """Draw the figures up.

    :param session: Airflow's database.
    :param query: of which faxes.
    :param by: :data:`DAY` or :data:`HOUR`.
    :return: ``outcomes`` (for each time the count of each outcome), ``causes``, ``delivery`` (for each time the median
        and the 95th percentile in seconds), ``cost`` (for each time and connection), ``total_cost``, and ``choices``
        (of which DAGs and connections there are faxes), in plain types. Times are UTC.
    """
    counted = records.count_faxes(session, query, by=by)
    outcomes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    causes: dict[tuple[str, str], int] = defaultdict(int)
    for each in counted:
        if each.at:
            outcomes[each.at][each.outcome] += each.faxes
        if each.cause and each.outcome != FaxOutcome.SUCCESS:
            causes[each.cause, each.outcome] += each.faxes
    costs: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    total: dict[str, Decimal] = defaultdict(Decimal)
    for at, conn_id, cost, count in records.count_costs(session, query, by=by):
        costs[at][conn_id] += cost * count
        total[conn_id] += cost * count
    times: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, seconds, count in records.count_seconds(session, query, by=by):
        times[at].append((seconds, count))
    return {
        "by": "day" if by == DAY else "hour",
        "outcomes": [{"at": at, **counts} for at, counts in sorted(outcomes.items())],
        "causes": [
            {"cause": cause, "words": CAUSES.get(cause, cause), "outcome": outcome, "faxes": count}
            for (cause, outcome), count in sorted(causes.items(), key=lambda found: -found[1])
        ],
        "delivery": [
            {"at": at, "median": _percentile(timed, 50), "p95": _percentile(timed, 95)}
            for at, timed in sorted(times.items())
        ],
        "cost": [
            {"at": at, "of": {name: f"{cost:f}" for name, cost in of.items()}} for at, of in sorted(costs.items())
        ],
        "total_cost": {conn_id: f"{cost:f}" for conn_id, cost in sorted(total.items())},
        "choices": {
            "dag_id": sorted({each.dag_id for each in counted}),
            "conn_id": sorted({each.conn_id for each in counted if each.conn_id}),
            "cause": CAUSES,
        },
    }


def _percentile(counted: Iterable[tuple[int, int]], percent: int) -> int:
    """Tell the least value that so many percent of all do not exceed."""
    ordered = sorted(counted)
    wanted = -(-sum(count for _, count in ordered) * percent // 100)
    for value, count in ordered:
        wanted -= count
        if wanted <= 0:
            return value
    return 0
