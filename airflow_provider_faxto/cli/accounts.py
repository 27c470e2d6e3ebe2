"""The account that a command asks, by its Airflow connection."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, cast

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.fax.numbers import mask_numbers_in
from airflow_provider_faxto.hooks.conn_id import check_conn_id
from airflow_provider_faxto.hooks.fax import INTERACTIVE, FaxHook
from airflow_provider_faxto.sending.bad_numbers import NumberMark

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.hooks.fax import Patience

__all__ = ["check_bad_number", "open_account", "read_number"]


@contextlib.contextmanager
def open_account(args: argparse.Namespace, patience: Patience = INTERACTIVE) -> Iterator[FaxHook]:
    """Give the hook of the connection that a command names, checked; its HTTP connections are closed at the end.

    :param args: the arguments of the command.
    :param patience: as for the hook. Default: that of a caller who needs the answer.
    :return: the hook.
    :raises FaxConfigurationError: if there is no such connection, or it cannot be used.
    """
    # Airflow 3 looks a task's connections up without its database; this is the way of its own commands.
    from airflow.models.connection import Connection as StoredConnection
    from airflow.providers.common.compat.sdk import AirflowException, AirflowNotFoundException

    conn_id = check_conn_id(args.conn_id)
    try:
        connection = StoredConnection.get_connection_from_secrets(conn_id)
    except AirflowNotFoundException:
        raise FaxConfigurationError(
            # A number may stand there by mistake.
            f"Airflow knows no connection {mask_numbers_in(conn_id)!r}. Name another one with --conn-id, or make it."
        ) from None
    except AirflowException as error:
        # Such as a secrets backend that says no. Its text may tell more than a person should see.
        raise FaxConfigurationError(
            f"Airflow cannot look connection {mask_numbers_in(conn_id)!r} up ({type(error).__name__})."
        ) from None
    resolved = cast("Connection", connection)
    with contextlib.closing(FaxHook.for_resolved_connection(resolved, patience=patience)) as hook:
        hook.check_configuration()
        hook.mask_secrets()
        yield hook


def read_number(hook: FaxHook, text: str) -> FaxNumber:
    """Read a fax number as a command was given it.

    :param hook: the account.
    :param text: the number; ``-`` for the next line of the standard input.
    :return: the number.
    :raises FaxNumberError: if it is not a number, or has two readings.
    """
    return hook.parse_fax_number(sys.stdin.readline().strip() if text == "-" else text)


def check_bad_number(hook: FaxHook, number: FaxNumber) -> None:
    """Refuse a number that no fax machine answered lately, as the tasks remember it.

    :param hook: the account.
    :param number: the number.
    :raises FaxBadNumberError: if it is such a number.
    """
    # As for connections: a command is no task, and asks Airflow's database.
    from airflow.models.variable import Variable

    mark = NumberMark.known(number, hook.bad_number_days, Variable)
    if mark is not None:
        mark.check(Variable, way_out="give send --ignore-bad-number")
