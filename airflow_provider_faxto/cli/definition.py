"""The commands as Airflow's own ``airflow`` takes them: what the ``cli`` entry of the provider info names.

Airflow calls it at every start of ``airflow``. What a command needs is imported when it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.cli.arguments import COMMANDS, DESCRIPTION, EXIT_CODES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from airflow.cli.cli_config import CLICommand

    from airflow_provider_faxto.cli.arguments import Command

__all__ = ["get_fax_commands"]


def get_fax_commands() -> list[CLICommand]:
    """Describe ``airflow fax``.

    :return: the one group, with a command for each of ours.
    """
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    class OurArg(Arg):
        """An argument of ours. It makes the parser of its command end as ours does where an argument is wrong."""

        def add_to_parser(self, parser: argparse.ArgumentParser) -> None:
            super().add_to_parser(parser)
            _end_as_ours(parser)

    # Airflow has no types there.
    make_argument: Callable[..., Arg] = OurArg
    return [
        GroupCommand(
            name="fax",
            help="Ask about faxes, check and send them",
            description=DESCRIPTION,
            epilog=EXIT_CODES,
            subcommands=[
                ActionCommand(
                    name=command.name,
                    help=command.help,
                    description=f"{command.help[0].upper()}{command.help[1:]}.\n\n{command.details}",
                    epilog=EXIT_CODES,
                    func=_make_function(command),
                    args=[make_argument(flags=argument.flags, **argument.settings) for argument in command.arguments],
                )
                for command in COMMANDS
            ],
        )
    ]


def _make_function(command: Command) -> Callable[[argparse.Namespace], None]:
    def run(args: argparse.Namespace) -> None:
        from airflow_provider_faxto.cli.main import run_and_exit

        run_and_exit(command.name, args)

    return run


def _end_as_ours(parser: argparse.ArgumentParser) -> None:
    """Let a parser end with the exit code of wrong usage: Airflow's own, 2, is that of a fax that may be sent again."""
    if "error" in vars(parser):
        return
    parse = parser.parse_known_args

    def error(message: str) -> None:
        from airflow_provider_faxto.cli.main import exit_for_usage

        exit_for_usage(parser, message)

    def parse_all(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as argparse has it
        # Of what is left over, Airflow's outermost parser would complain.
        namespace, rest = parse(*args, **kwargs)
        if rest:
            error("there is an argument too many, or an option that is not known")
        return namespace, rest

    vars(parser).update(error=error, parse_known_args=parse_all)
