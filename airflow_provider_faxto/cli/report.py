"""The command that counts the faxes of a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.cli.accounts import open_account
from airflow_provider_faxto.cli.answer import Answer
from airflow_provider_faxto.cli.show import progress
from airflow_provider_faxto.fax.errors import FaxAuthenticationError, FaxConfigurationError, FaxError, FaxInputError
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.receipts.store import read_receipts

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["report"]

_COLUMNS = ("vendor", "fax_conn_id", "outcome", "cause", "faxes", "pages_sent", "cost", "faxes_without_cost")
_RECEIPT_GROUPS = ("dag_id", "vendor", "conn_id", "outcome", "cause")
_BY_DAG_COLUMNS = ("dag_id", *_COLUMNS)
_DEFAULT_CONN_ID = "faxto_default"
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

    def add(self, pages: int | None, cost: Decimal | None) -> None:
        """Count one more."""
        self.faxes += 1
        self.pages += pages or 0
        self.cost += cost or 0
        self.without_cost += cost is None

    def to_row(self) -> dict[str, object]:
        """Give the columns of it."""
        return {
            "faxes": self.faxes,
            "pages_sent": self.pages,
            "cost": f"{self.cost:f}" if self.without_cost < self.faxes else None,
            "faxes_without_cost": self.without_cost,
        }


def report(args: argparse.Namespace) -> Answer:
    """Count the account's faxes of a time, by what became of them and why.

    :param args: ``begin``, ``end`` and ``by_dag``, beside what all commands have.
    :return: a row for each outcome and cause that there is.
    :raises FaxInputError: if the time ends before it begins.
    :raises FaxError: what the hook raises.
    """
    now = datetime.fromtimestamp(clock.now(), UTC)
    end = args.end or now
    begin = args.begin or end - timedelta(days=_DAYS)
    if begin >= end:
        raise FaxInputError("The time of the report ends before it begins. Check --from and --to.")
    if args.by_dag:
        return _report_receipts(args.conn_id, begin, end)
    args.conn_id = args.conn_id or _DEFAULT_CONN_ID
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
                sums[counted.outcome.value, counted.cause.value if counted.cause else ""].add(
                    counted.pages_sent, counted.cost
                )
        account = {"vendor": hook.conn_type, "fax_conn_id": hook.fax_conn_id}
        rows = [
            {**account, "outcome": outcome, "cause": cause or None, **found.to_row()}
            for (outcome, cause), found in sorted(sums.items())
        ]
    notes = [_total(sums.values(), begin, end)]
    if undated:
        notes.append(f"{undated} more without a time that can be read were not counted.")
    if unasked:
        notes.append(f"{unasked} of them failed, and the reason could not be read.")
    return Answer(rows=rows, columns=_COLUMNS, notes=notes)


def _report_receipts(conn_id: str | None, begin: datetime, end: datetime) -> Answer:
    """Count the receipts of a time by DAG, connection, outcome and cause."""
    sums: dict[tuple[str, ...], _Sum] = defaultdict(_Sum)
    unread = 0
    with progress("Reading the receipts ...") as say:
        for count, receipt in enumerate(_receipts(), start=1):
            say(f"Reading the receipts: {count} ...")
            try:
                at = datetime.fromisoformat(receipt["sent_at"] or receipt["submitted_at"] or receipt["seen_final_at"])
                names = tuple(str(receipt[name] or "") for name in _RECEIPT_GROUPS)
                pages, cost = receipt["pages_sent"], receipt["cost"]
                amount = None if cost is None else Decimal(cost)
                is_meant = begin <= at < end and conn_id in (None, receipt["conn_id"])
            except (KeyError, TypeError, ValueError, ArithmeticError):
                unread += 1
                continue
            if is_meant:
                sums[names].add(pages, amount)
    rows = [
        {**dict(zip(_BY_DAG_COLUMNS, (name or None for name in names), strict=False)), **found.to_row()}
        for names, found in sorted(sums.items())
    ]
    notes = [_total(sums.values(), begin, end)]
    if unread:
        notes.append(f"{unread} receipt(s) could not be read.")
    return Answer(rows=rows, columns=_BY_DAG_COLUMNS, notes=notes)


def _receipts() -> Iterator[dict[str, Any]]:
    """Yield the receipts; a storage that cannot be read is one that is set up wrongly."""
    try:
        yield from read_receipts()
    except FaxError:
        raise
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        raise FaxConfigurationError(
            f"The receipts cannot be read ({type(error).__name__}). Check [faxto] receipts, and that this machine may "
            "read there."
        ) from None


def _total(sums: Iterable[_Sum], begin: datetime, end: datetime) -> str:
    number = sum(found.faxes for found in sums)
    return f"{number} fax(es) from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."


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
