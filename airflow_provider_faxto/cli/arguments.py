"""The commands and their arguments, as data: Airflow's parser and our own are made from them.

Airflow imports this at every start of ``airflow``, so nothing of weight is imported here.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ["COMMANDS", "DESCRIPTION", "EXIT_CODES", "Argument", "Command"]

DESCRIPTION = (
    "Ask a fax vendor about faxes, check what a fax would meet, and send one. Numbers are shown by their last four "
    "digits, and names of documents are not shown at all."
)
EXIT_CODES = """exit codes:
  0  success: the fax was delivered; of the other commands: done
  1  usage or set-up: an argument or the connection is wrong; nothing was sent
  2  retryable: the fax failed or was not sent, and a later attempt may work
  3  fatal: the fax failed or cannot be sent, and every later attempt will end so
  4  unknown: it is not known what became of the fax; it may have been sent
  5  pending: the vendor still works on the fax"""
_LONGEST_HISTORY = 100_000
_IS_DAY = len("2026-11-27")
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command.

    :param flags: its name, or its options.
    :param settings: what ``argparse.ArgumentParser.add_argument`` takes beside them. Default: nothing.
    """

    flags: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    :param name: its name.
    :param help: what it does, in a line.
    :param details: what else its own help says.
    :param arguments: what it takes.
    """

    name: str
    help: str
    details: str
    arguments: tuple[Argument, ...]


def _count(text: str) -> int:
    """Read a number of faxes."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _LONGEST_HISTORY):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_LONGEST_HISTORY}")
    return int(text)


def _seconds(text: str) -> float:
    """Read a duration."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of seconds, 1 or more")
    return seconds


def _moment(text: str) -> datetime:
    """Read a day or a moment; UTC where it has no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a day (2026-11-27) or a moment (2026-11-27T08:00+01:00)") from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise argparse.ArgumentTypeError(f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _end(text: str) -> datetime:
    """Read a day, to its end, or a moment."""
    moment = _moment(text)
    return moment + timedelta(days=1) if len(text) <= _IS_DAY else moment


def _key(text: str) -> str:
    """Read the user's own identity of a fax, as a task reads it: without the white space around it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()


def _option(text: str) -> tuple[str, str]:
    """Read one option of a fax."""
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError("must be NAME=VALUE, such as resolution=fine")
    return name, value


_COMMON = (
    Argument(
        ("--conn-id",),
        {"default": "faxto_default", "metavar": "ID", "help": "the Airflow connection (default: faxto_default)"},
    ),
    Argument(
        ("-o", "--output"),
        {
            "choices": ("table", "json", "csv"),
            "default": "table",
            "metavar": "FORMAT",
            "help": "table, json or csv (default: table)",
        },
    ),
)
_JOB = Argument(("job",), {"metavar": "JOB", "help": "the id of the fax job, as the vendor knows it"})
_NUMBER_HELP = "the fax number, best in international form; - reads it from the standard input, where no list of \
processes shows it"
_NUMBER = Argument(("number",), {"metavar": "NUMBER", "help": _NUMBER_HELP})
_FILES = Argument(
    ("files",), {"metavar": "FILE", "nargs": "+", "help": "a document: a path, or a URL that Airflow's storage reads"}
)
_OPTION = Argument(
    ("--option",),
    {
        "action": "append",
        "type": _option,
        "default": [],
        "metavar": "NAME=VALUE",
        "help": "what the vendor lets one set for a fax, such as resolution=fine; may be repeated",
    },
)

COMMANDS = (
    Command(
        "status",
        "tell the status of a fax job",
        "The exit code is that of the fax.",
        (_JOB, *_COMMON),
    ),
    Command(
        "find",
        "find the fax jobs of a key in the vendor's records",
        "KEY is what the fax was sent under: the reference in a status, in XCom and in the log, or what 'send' told. "
        "Jobs of the same fax that was corrected or resent are found too. The records are compared with the number as "
        "well, so it is needed. A label that a DAG gives a fax never leaves Airflow: a vendor cannot find it. Several "
        "jobs: one that was delivered decides the exit code, then one under way, then an unknown one, then "
        "the newest. No job is 4: that a vendor shows none is no proof that none was sent.",
        (
            Argument(
                ("key",), {"metavar": "KEY", "help": "the key of the fax, or another reference it was sent under"}
            ),
            Argument(("--number",), {"metavar": "NUMBER", "required": True, "help": _NUMBER_HELP}),
            *_COMMON,
        ),
    ),
    Command(
        "history",
        "list the account's newest faxes",
        "They are read from the vendor page by page, those of everybody who uses the account. Fax.to's list tells no "
        "reason of a failure; 'status' does.",
        (
            Argument(
                ("--limit",),
                {"type": _count, "default": 20, "metavar": "N", "help": "how many to list at most (default: 20)"},
            ),
            *_COMMON,
        ),
    ),
    Command("balance", "tell what the account holds", "In the account's own currency.", _COMMON),
    Command(
        "cancel",
        "cancel a fax job that is still waiting",
        "0: it was canceled. 3: it had ended before. 5: the vendor took the cancel and does not confirm it yet.",
        (_JOB, *_COMMON),
    ),
    Command(
        "check",
        "tell whether a fax would be let through, its pages and its price; send nothing",
        "Every rule of the connection is looked at. Where the vendor tells a price before a send (Fax.to), the "
        "documents are uploaded for that after all else is well, and deleted again at once. 3: a rule refuses the fax, "
        "or the number or a document cannot be used. 4: something could not be checked.",
        (
            _NUMBER,
            _FILES,
            _OPTION,
            Argument(
                ("--dag-id",),
                {"metavar": "DAG", "help": "check as if a task of this DAG sent (default: as this command would)"},
            ),
            Argument(("--no-price",), {"action": "store_true", "help": "do not ask the price, and upload nothing"}),
            *_COMMON,
        ),
    ),
    Command(
        "send",
        "send one fax, once, after asking",
        "It is never repeated. If the answer is lost, the command says so and ends with 4: look the key up with 'find' "
        "before you send again. Each call is a fax of its own, unless --idempotency-key says which it is: then the "
        "vendor's records are looked up first, as a task does. Without --wait an accepted fax ends with 5.",
        (
            _NUMBER,
            _FILES,
            _OPTION,
            Argument(
                ("--idempotency-key",),
                {
                    "type": _key,
                    "metavar": "KEY",
                    "help": "your own identity of the fax: a second call with it, or a task, sends no second one",
                },
            ),
            Argument(
                ("--ignore-bad-number",),
                {"action": "store_true", "help": "send although no fax machine answered the number lately"},
            ),
            Argument(("--yes",), {"action": "store_true", "help": "send without asking"}),
            Argument(("--wait",), {"action": "store_true", "help": "wait until the status is permanent"}),
            Argument(
                ("--timeout",),
                {
                    "type": _seconds,
                    "default": 3600.0,
                    "metavar": "SECONDS",
                    "help": "how long to wait at most (default: 3600); a fax still under way then ends with 5",
                },
            ),
            Argument(
                ("--poll-interval",),
                {
                    "type": _seconds,
                    "default": 30.0,
                    "metavar": "SECONDS",
                    "help": "how often to ask while waiting (default: 30)",
                },
            ),
            *_COMMON,
        ),
    ),
    Command(
        "report",
        "count the account's faxes of a time by outcome and cause, with pages and cost",
        "Counts what the vendor's own list shows of this account, not only what Airflow sent, by the time of sending. "
        "A vendor knows no DAGs: --by-dag counts the receipts that Airflow wrote instead, of all connections unless "
        "one is named. Where the list tells no reason of a failure (Fax.to), "
        "each failed fax is asked for, one request each. Cost is the sum of what the vendor tells, in the account's "
        "currency; faxes_without_cost says of how many faxes it tells none.",
        (
            Argument(
                ("--from",),
                {
                    "type": _moment,
                    "dest": "begin",
                    "metavar": "DAY",
                    "help": "first day or moment, UTC unless it names a zone (default: 30 days ago)",
                },
            ),
            Argument(
                ("--to",),
                {"type": _end, "dest": "end", "metavar": "DAY", "help": "last day, or end as a moment (default: now)"},
            ),
            Argument(
                ("--by-dag",),
                {"action": "store_true", "help": "count the receipts ([faxto] receipts) by DAG, and ask no vendor"},
            ),
            Argument(
                ("--conn-id",),
                {"metavar": "ID", "help": "the Airflow connection (default: faxto_default; with --by-dag all)"},
            ),
            *_COMMON[1:],
        ),
    ),
)
