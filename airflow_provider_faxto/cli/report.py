"""The command that counts the faxes of a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.cli.accounts import open_account
from airflow_provider_faxto.cli.answer import Answer
from airflow_provider_faxto.cli.show import progress
from airflow_provider_faxto.fax.errors import FaxAuthenticationError, FaxError, FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["report"]

_COLUMNS = ("vendor", "fax_conn_id", "outcome", "cause", "faxes", "pages_sent", "cost", "faxes_without_cost")
_DAYS = 30
_PAGE = 100
# The vendor lists by when it made the job; one that was put off may stand among others.
_OLDER_ONES_IN_A_ROW = 100


@dataclass(slots=True)
class _Sum:
    """What faxes of one outcome and cause come to."""

    faxes: int = 0
    pages: int = 0
    cost: Decimal = Decimal(0)
    without_cost: int = 0

    def add(self, status: FaxStatus) -> None:
        """Count one more."""
        self.faxes += 1
        self.pages += status.pages_sent or 0
        self.cost += status.cost or 0
        self.without_cost += status.cost is None


def report(args: argparse.Namespace) -> Answer:
    """Count the account's faxes of a time, by what became of them and why.

    :param args: ``begin`` and ``end``, beside what all commands have.
    :return: a row for each outcome and cause that there is.
    :raises FaxInputError: if the time ends before it begins.
    :raises FaxError: what the hook raises.
    """
    now = datetime.fromtimestamp(clock.now(), UTC)
    end = args.end or now
    begin = args.begin or end - timedelta(days=_DAYS)
    if begin >= end:
        raise FaxInputError("The time of the report ends before it begins. Check --from and --to.")
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    undated = unasked = 0
    with open_account(args) as hook, progress("Reading the vendor's list ...") as say:
        for status in _faxes_since(begin, hook, say):
            if status.submitted_at is None:
                undated += 1
            elif begin <= status.submitted_at < end:
                told = _ask_reason(hook, status)
                unasked += told is None
                counted = told or status
                sums[counted.outcome.value, counted.cause.value if counted.cause else ""].add(counted)
        rows = [
            {
                "vendor": hook.conn_type,
                "fax_conn_id": hook.fax_conn_id,
                "outcome": outcome,
                "cause": cause or None,
                "faxes": found.faxes,
                "pages_sent": found.pages,
                "cost": f"{found.cost:f}" if found.without_cost < found.faxes else None,
                "faxes_without_cost": found.without_cost,
            }
            for (outcome, cause), found in sorted(sums.items())
        ]
    total = sum(found.faxes for found in sums.values())
    notes = [f"{total} fax(es) from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."]
    if undated:
        notes.append(f"{undated} more without a time that can be read were not counted.")
    if unasked:
        notes.append(f"{unasked} of them failed, and the reason could not be read.")
    return Answer(rows=rows, columns=_COLUMNS, notes=notes)


def _faxes_since(begin: datetime, hook: FaxHook, say: Callable[[str], None]) -> Iterator[FaxStatus]:
    """Yield the account's faxes, newest first, until all that follow are older."""
    older = 0
    for count, status in enumerate(hook.iter_history(page_size=_PAGE), start=1):
        say(f"Reading the vendor's list: {count} fax(es) ...")
        if status.submitted_at is not None:
            older = older + 1 if status.submitted_at < begin else 0
        if older >= _OLDER_ONES_IN_A_ROW:
            return
        yield status


def _ask_reason(hook: FaxHook, status: FaxStatus) -> FaxStatus | None:
    """Ask for a fax of which the vendor's list tells no reason; give nothing if that cannot be read."""
    if hook.vendor.list_is_conclusive or status.outcome is not FaxOutcome.UNKNOWN:
        return status
    try:
        return hook.get_status(status.require_job_id())
    except FaxAuthenticationError:
        raise
    except FaxError:
        return None
