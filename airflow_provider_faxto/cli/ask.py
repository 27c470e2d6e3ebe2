"""The commands that ask about faxes that were sent, and the one that stops a fax."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from airflow_provider_faxto.cli.accounts import open_account, read_number
from airflow_provider_faxto.cli.answer import Answer, answer_of
from airflow_provider_faxto.cli.exit_codes import ExitCode, code_of_outcome
from airflow_provider_faxto.cli.show import progress
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome

if TYPE_CHECKING:
    import argparse

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["balance", "cancel", "find", "history", "status"]

_LARGEST_PAGE = 100
# What a fax came to of which there are several jobs: the first of these that one of them has.
_DECIDING = (FaxOutcome.SUCCESS, FaxOutcome.PENDING, FaxOutcome.UNKNOWN)


def status(args: argparse.Namespace) -> Answer:
    """Tell the status of one fax job.

    :param args: ``job``, beside what all commands have.
    :return: its status; the exit code is that of the fax.
    :raises FaxError: what the hook raises.
    """
    with open_account(args) as hook:
        found = hook.get_status(args.job)
    return answer_of([found], code=code_of_outcome(found.outcome), is_one=True)


def find(args: argparse.Namespace) -> Answer:
    """Find the jobs of one fax in the vendor's records.

    :param args: ``key`` and ``number``, beside what all commands have.
    :return: the jobs; the exit code is that of the fax, and ``UNKNOWN`` if there are none.
    :raises FaxError: what the hook raises.
    """
    with open_account(args) as hook, progress("Reading the vendor's records ..."):
        jobs = hook.find_jobs(reference=args.key, fax_number=read_number(hook, args.number))
    if jobs:
        return answer_of(jobs, code=_code_of(jobs))
    note = (
        "The vendor's records show no fax under this key to this number. One that was sent seconds ago may not show "
        "yet, and old ones no longer do. A label that a DAG gave a fax is not known to a vendor: look it up in Airflow."
    )
    return answer_of([], code=ExitCode.UNKNOWN, notes=[note])


def history(args: argparse.Namespace) -> Answer:
    """List the newest faxes of the account.

    :param args: ``limit``, beside what all commands have.
    :return: the faxes, newest first, as far as the vendor's list tells of them.
    :raises FaxError: what the hook raises.
    """
    with open_account(args) as hook, progress("Reading the vendor's list ..."):
        faxes = list(islice(hook.iter_history(page_size=min(args.limit, _LARGEST_PAGE)), args.limit))
    return answer_of(faxes)


def balance(args: argparse.Namespace) -> Answer:
    """Tell what the account holds.

    :param args: what all commands have.
    :return: the balance.
    :raises FaxError: what the hook raises.
    """
    with open_account(args) as hook:
        row = {"vendor": hook.conn_type, "fax_conn_id": hook.fax_conn_id, "balance": f"{hook.get_balance():f}"}
    return Answer(rows=[row], columns=list(row), is_one=True)


def cancel(args: argparse.Namespace) -> Answer:
    """Cancel a fax job that is still waiting.

    :param args: ``job``, beside what all commands have.
    :return: its status after the attempt. The exit code says whether the cancel won, and not what became of the fax.
    :raises FaxError: what the hook raises.
    """
    with open_account(args) as hook:
        after = hook.cancel_fax(args.job)
    if after.cause is FaxCause.CANCELED and after.is_final:
        return answer_of([after], notes=["The fax job was canceled."], is_one=True)
    if after.outcome is FaxOutcome.PENDING:
        note = "The vendor took the cancel, and does not confirm it yet. Ask for the status again."
        return answer_of([after], code=ExitCode.PENDING, notes=[note], is_one=True)
    if after.outcome is FaxOutcome.UNKNOWN:
        note = "Whether the fax job was canceled cannot be told."
        return answer_of([after], code=ExitCode.UNKNOWN, notes=[note], is_one=True)
    note = "The fax job had ended before, so it was not canceled."
    return answer_of([after], code=ExitCode.FATAL, notes=[note], is_one=True)


def _code_of(jobs: list[FaxStatus]) -> ExitCode:
    """Tell what became of a fax by its jobs, newest first: a retry after a delivered one would be a second fax."""
    outcomes = [job.outcome for job in jobs]
    return code_of_outcome(next((outcome for outcome in _DECIDING if outcome in outcomes), outcomes[0]))
