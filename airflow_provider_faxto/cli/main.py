"""From arguments to an exit code: parses, runs one command, shows what it tells."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from airflow_provider_faxto.cli.arguments import COMMANDS, DESCRIPTION, EXIT_CODES
from airflow_provider_faxto.cli.exit_codes import ExitCode, code_of_error
from airflow_provider_faxto.fax.errors import FaxError
from airflow_provider_faxto.fax.numbers import mask_numbers_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_faxto.cli.answer import Answer

__all__ = ["exit_for_usage", "main", "main_and_exit", "run_and_exit"]


class _Parser(argparse.ArgumentParser):
    """A parser that ends with our exit code, and shows no number."""

    def error(self, message: str) -> NoReturn:
        exit_for_usage(self, message)


def exit_for_usage(parser: argparse.ArgumentParser, message: str) -> NoReturn:
    """Say what is wrong with the arguments, and end.

    :param parser: the parser that found it.
    :param message: what is wrong.
    :raises SystemExit: always, with the exit code of wrong usage.
    """
    parser.print_usage(sys.stderr)
    parser.exit(ExitCode.USAGE, f"{parser.prog}: {mask_numbers_in(message)}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    :param argv: its arguments. Default: those that the process was started with.
    :return: the exit code; see :class:`~airflow_provider_faxto.cli.exit_codes.ExitCode`.
    :raises SystemExit: for ``--help``, and for arguments that are wrong.
    """
    args = _make_parser().parse_args(argv)
    return _run(args.command, args)


def main_and_exit() -> NoReturn:
    """Run one command by the arguments of this process, and end the process.

    :raises SystemExit: always, with the exit code.
    """
    args = _make_parser().parse_args()
    run_and_exit(args.command, args)


def run_and_exit(name: str, args: argparse.Namespace) -> NoReturn:
    """Run one command, and end the process.

    :param name: the command.
    :param args: its arguments, parsed.
    :raises SystemExit: always, with the exit code.
    """
    # As Airflow's own commands say it: connections of storages are looked up in Airflow's database too.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    _keep_log_apart()
    sys.exit(_run(name, args))


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m airflow_provider_faxto",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        own = commands.add_parser(
            command.name,
            help=command.help,
            description=f"{command.help[0].upper()}{command.help[1:]}. {command.details}",
            epilog=EXIT_CODES,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
        )
        for argument in command.arguments:
            own.add_argument(*argument.flags, **argument.settings)
    return parser


class _HelpFormatter(argparse.HelpFormatter):
    """Wraps the description, and leaves the list of exit codes as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text == EXIT_CODES else super()._fill_text(text, width, indent)


def _find(name: str) -> Callable[[argparse.Namespace], Answer]:
    """Give the function of a command; what it needs is imported here."""
    if name == "check":
        from airflow_provider_faxto.cli.check import check

        return check
    if name == "send":
        from airflow_provider_faxto.cli.send import send

        return send
    if name == "report":
        from airflow_provider_faxto.cli.report import report

        return report
    from airflow_provider_faxto.cli import ask

    return {
        "status": ask.status,
        "find": ask.find,
        "history": ask.history,
        "balance": ask.balance,
        "cancel": ask.cancel,
    }[name]


def _run(name: str, args: argparse.Namespace) -> int:
    """Run a command, show what it tells, and give the exit code."""
    from airflow_provider_faxto.cli.show import show, tell

    try:
        # What Airflow and a storage's library print is not the answer.
        with contextlib.redirect_stdout(sys.stderr):
            answer = _find(name)(args)
    except FaxError as error:
        tell(str(error))
        return code_of_error(error, is_send=name == "send")
    except KeyboardInterrupt:
        tell("Interrupted. Nothing was sent.")
        return ExitCode.INTERRUPTED
    for note in answer.notes:
        tell(note)
    show(answer, args.output)
    return answer.code


def _keep_log_apart() -> None:
    """Let the log that is set up already go to the standard error: the standard output holds the answer alone."""
    names = [None, *logging.root.manager.loggerDict]
    for handler in {handler for name in names for handler in logging.getLogger(name).handlers}:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
