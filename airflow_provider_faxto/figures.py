"""Figures of the faxes, through Airflow's own metrics: StatsD, Datadog or OpenTelemetry, as ``[metrics]`` says.

Each figure has a name and a few tags, whose values come from lists that this package knows: vendors, outcomes, causes.
Where Airflow sends tags along, they go as tags. StatsD by itself has none; there their values stand in the name, in the
order of the table, as in Airflow's own names: ``faxto.attempts.interfax.retryable.busy``.

A figure is never a reason for a fax or a wait to fail: whatever goes wrong on its way is left out.
"""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "ATTEMPTS",
    "COST",
    "FIGURES",
    "IMAGES_FAILED",
    "PAGES",
    "POLLER_CYCLE",
    "RECEIPTS_FAILED",
    "TIME_TO_END",
    "TURN_WAIT",
    "WITHOUT_JOB",
    "Figure",
    "add",
    "count_attempt",
    "take_time",
]

log = logging.getLogger(__name__)

_NONE = "none"
_NO_PART_OF_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is told.

    :param name: its name, without the prefix of ``[metrics]``.
    :param kind: ``counter`` or ``timer``.
    :param tags: its tags, in the order in which they stand in a name.
    :param meaning: what it counts or times.
    """

    name: str
    kind: str
    tags: Sequence[str]
    meaning: str


ATTEMPTS = Figure(
    "faxto.attempts",
    "counter",
    ("vendor", "outcome", "cause"),
    "fax jobs whose end a task has seen, each once: not again when the task resumes, runs again, adopts a job or "
    "returns one that has ended",
)
WITHOUT_JOB = Figure(
    "faxto.without_job",
    "counter",
    ("vendor", "outcome", "cause"),
    "runs of a task that ended without a known fax job: a number, a document or a send that was refused (`fatal`), or "
    "a send of which nobody can tell (`unknown`)",
)
PAGES = Figure("faxto.pages", "counter", ("vendor",), "pages that arrived, where the vendor says how many")
COST = Figure(
    "faxto.cost_thousandths",
    "counter",
    ("vendor",),
    "what the faxes cost, in thousandths of the account's currency, where the vendor says it",
)
TIME_TO_END = Figure(
    "faxto.time_to_end",
    "timer",
    ("vendor", "outcome"),
    "from the moment a task has sent a fax, or found it, until it sees its end; by this machine's clock",
)
TURN_WAIT = Figure(
    "faxto.turn_wait",
    "timer",
    ("vendor",),
    "how long a request has waited for its turn in the account's minute, if it had to",
)
POLLER_CYCLE = Figure(
    "faxto.poller_cycle",
    "timer",
    ("vendor",),
    "one request of the poller of a connection in a triggerer, with all that comes of it for the faxes that wait",
)
RECEIPTS_FAILED = Figure("faxto.receipts_failed", "counter", ("vendor",), "receipts that could not be written")
IMAGES_FAILED = Figure(
    "faxto.images_failed",
    "counter",
    ("vendor",),
    "images of a fax that could not be fetched or written beside its receipt",
)

FIGURES = (
    ATTEMPTS, WITHOUT_JOB, PAGES, COST, TIME_TO_END, TURN_WAIT, POLLER_CYCLE, RECEIPTS_FAILED, IMAGES_FAILED,
)  # fmt: skip
"""All figures."""


def add(figure: Figure, number: int = 1, **tags: str | None) -> None:
    """Add to a counter.

    :param figure: the counter.
    :param number: how much to add. Default: 1. With 0 nothing is told.
    :param tags: its tags; ``None`` is told as ``none``.
    """
    with _never_in_the_way(figure):
        if number:
            name, told = _named(figure, tags)
            _stats().incr(name, count=number, tags=told)


def take_time(figure: Figure, seconds: float, **tags: str | None) -> None:
    """Tell a timer how long something took.

    :param figure: the timer.
    :param seconds: how long.
    :param tags: as for :func:`add`.
    """
    with _never_in_the_way(figure):
        name, told = _named(figure, tags)
        _stats().timing(name, timedelta(seconds=max(seconds, 0.0)), tags=told)


def count_attempt(status: FaxStatus, seconds: float | None) -> None:
    """Count a fax job whose end is seen for the first time.

    :param status: its final status.
    :param seconds: how long it took until its end was seen; ``None`` if that is not known.
    """
    add(ATTEMPTS, vendor=status.vendor, outcome=status.outcome, cause=status.cause)
    add(PAGES, status.pages_sent or 0, vendor=status.vendor)
    if status.cost is not None and status.cost.is_finite():
        add(COST, max(round(status.cost * 1000), 0), vendor=status.vendor)
    if seconds is not None:
        take_time(TIME_TO_END, seconds, vendor=status.vendor, outcome=status.outcome)


@contextlib.contextmanager
def _never_in_the_way(figure: Figure) -> Any:  # noqa: ANN401 - what the decorator makes of it
    """Leave a figure out that cannot be told."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each kind of metrics has errors of its own, and users name classes
        log.debug("The figure %s could not be told (%s).", figure.name, type(error).__name__)


def _named(figure: Figure, tags: dict[str, str | None]) -> tuple[str, dict[str, str] | None]:
    """Give the name under which a figure is told, and the tags beside it."""
    values = {tag: str(tags[tag] or _NONE) for tag in figure.tags}
    if _carries_tags():
        return figure.name, values
    return ".".join((figure.name, *(_NO_PART_OF_A_NAME.sub("_", value) for value in values.values()))), None


def _carries_tags() -> bool:
    """Tell whether Airflow sends tags along, in the order in which it chooses what to send to."""
    from airflow.providers.common.compat.sdk import conf

    def is_set(option: str) -> bool:
        return bool(conf.getboolean("metrics", option, fallback=False))

    if is_set("statsd_datadog_enabled"):
        return True
    return is_set("statsd_influxdb_enabled") if is_set("statsd_on") else is_set("otel_on")


def _stats() -> Any:  # noqa: ANN401 - it differs by release
    """Give Airflow's metrics."""
    from airflow.providers.common.compat.sdk import Stats

    # From 3.2 on there are two copies, and a triggerer sets up the one that only Airflow itself uses. Importing this
    # sets up the other one.
    with contextlib.suppress(ImportError):
        import airflow.sdk.serde  # noqa: F401
    return Stats
