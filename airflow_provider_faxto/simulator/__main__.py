"""``python -m airflow_provider_faxto.simulator``: the simulator on a port, for demos and for trying things out."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import sys
from typing import TYPE_CHECKING

from airflow_provider_faxto.simulator.accounts import Accounts
from airflow_provider_faxto.simulator.clock import Clock
from airflow_provider_faxto.simulator.connections import airflow_connections
from airflow_provider_faxto.simulator.faxto.scenarios import TEST_NUMBERS
from airflow_provider_faxto.simulator.interfax.scenarios import HOLD_NUMBER, NEVER_ENDING_NUMBER
from airflow_provider_faxto.simulator.server import SimulatorServer
from airflow_provider_faxto.simulator.settings import Settings
from airflow_provider_faxto.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator until it is interrupted.

    :param arguments: the command line. Default: the process's own.
    :return: the exit code.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO if given.verbose else logging.WARNING, format="%(asctime)s %(message)s")
    try:
        simulator = Simulator(
            settings=Settings().changed(**dict(given.setting)),
            clock=Clock(given.speed),
            accounts=_accounts(given),
            control_hosts=given.control_host,
        )
        server = SimulatorServer(simulator, host=given.host, port=given.port)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    sys.stdout.write(_start_block(server, given.speed))
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_faxto.simulator",
        description="Fax.to, InterFAX and ExtraFax on loopback. No fax leaves this machine.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--control-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name beside localhost under which /simulator may be called, where a proxy leads here; may be repeated",
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="simulated seconds for each real one (default: %(default)s)"
    )
    parser.add_argument(
        "--faxto-key", action="append", default=[], metavar="KEY", help="a Fax.to API key; may be repeated"
    )
    for vendor in ("interfax", "extrafax"):
        parser.add_argument(
            f"--{vendor}-user",
            action="append",
            default=[],
            type=_user,
            metavar="USER:PASSWORD",
            help="a user; may be repeated",
        )
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=JSON",
        help="change a setting, such as interfax_status_limit=null; may be repeated",
    )
    parser.add_argument("--verbose", action="store_true", help="show each request, without query and body")
    return parser


def _user(text: str) -> tuple[str, str]:
    # At the first colon, as in HTTP Basic: a password may contain more.
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("give USER:PASSWORD")
    return user, password


def _setting(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        # A bare word is text, so that it need not be quoted twice for the shell.
        return name, value


def _accounts(given: argparse.Namespace) -> Accounts:
    default = Accounts()
    keys = {f"faxto-{number}": key for number, key in enumerate(given.faxto_key, 1)}
    return Accounts(
        faxto=keys or default.faxto,
        interfax=dict(given.interfax_user) or default.interfax,
        extrafax=dict(given.extrafax_user) or default.extrafax,
    )


def _start_block(server: SimulatorServer, speed: float) -> str:
    lines = [
        f"Fax simulator at {server.url}, {speed:g} simulated seconds a second. No fax leaves this machine.",
        "",
        f"  Fax.to              {server.url}/api/v2   (and /api/v1)",
        f"  InterFAX, ExtraFax  {server.url}/outbound",
        f"  control             {server.url}/simulator   (/faxes, /requests, /receipts, /faults, /settings, ...)",
        "",
        "Airflow connections (the credentials are invented):",
    ]
    for conn_type, connection in airflow_connections(server.url, server.simulator.accounts).items():
        lines.append(f"  export AIRFLOW_CONN_{conn_type.upper()}_DEFAULT='{json.dumps(connection)}'")
    lines += ["", "Test numbers at Fax.to (every other number ends ok):"]
    lines += [f"  {number}  {scenario}" for number, scenario in TEST_NUMBERS.items()]
    lines += [
        "Test numbers at InterFAX and ExtraFax (every other number ends with 0):",
        "  +999-9999-<code>  ends with that status code",
        f"  +{NEVER_ENDING_NUMBER}  is being sent for ever (-3)",
        f"  +{HOLD_NUMBER}  is held for lack of credit (-22), and ends with 205000 after 24 simulated hours",
        "",
        "Press Ctrl-C to stop.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
