"""The command as a process of its own, beside a real Airflow: its database, its log, its own ``airflow``."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from airflow.providers_manager import ProvidersManager
from cryptography.fernet import Fernet

from airflow_provider_faxto.get_provider_info import get_provider_info

OURS = [sys.executable, "-m", "airflow_provider_faxto"]
AIRFLOWS = [sys.executable, "-m", "airflow", "fax"]
TAKES_COMMANDS = hasattr(ProvidersManager, "cli_command_functions")
needs_commands = pytest.mark.skipif(not TAKES_COMMANDS, reason="this Airflow takes no commands of providers")
pytestmark = pytest.mark.airflow


def run(*argv, check=False, stdin=None):
    argv = [str(part) for part in argv]
    return subprocess.run(argv, check=check, stdin=stdin, capture_output=True, text=True, timeout=120)


@pytest.fixture(params=[OURS, pytest.param(AIRFLOWS, marks=needs_commands)], ids=["python -m", "airflow fax"])
def program(request):
    """Give each way to start the command."""
    return request.param


@pytest.fixture(scope="module", autouse=True)
def own_airflow(airflow_database, fax_simulator_server, tmp_path_factory):
    """Set an Airflow for the commands: none for tests, which would say so, with a connection in its database alone.

    The connection has an extra that is not known, so that there is something to be logged.
    """
    told = fax_simulator_server.connection("interfax")
    told["extra"] |= {"colour": "red"}
    airflow = (sys.executable, "-m", "airflow", "connections")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
        patch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
        run(*airflow, "add", "stored_fax", "--conn-json", json.dumps(told), check=True)
        yield
        run(*airflow, "delete", "stored_fax", check=True)


def test_a_connection_in_airflows_database_is_found_and_the_log_stays_apart(program, fax_simulator):
    ended = run(*program, "balance", "--conn-id", "stored_fax", "--output", "json")

    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(ended.stdout)
    assert row["fax_conn_id"] == "stored_fax"
    assert "colour" in ended.stderr


def test_a_fax_is_sent_once_and_its_status_read(program, fax_simulator, letter):
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    fax_simulator.set_speed(600)
    conn = ("--conn-id", "stored_fax", "--output", "json")

    sent = run(*program, "send", "+1 202 555 0100", letter, "--yes", *conn)

    assert sent.returncode == 5, sent.stderr
    (row,) = json.loads(sent.stdout)
    fax_simulator.finish()
    assert run(*program, "status", row["job_id"], *conn).returncode == 0
    assert len(fax_simulator.faxes()) == 1
    assert "2025550100" not in sent.stdout + sent.stderr
    with create_session() as session:
        assert [entry.extra for entry in session.query(Log) if "2025550100" in str(entry.extra)] == []


def test_wrong_usage_ends_with_1(program):
    for argv in (["status"], ["status", "1", "2"], ["status", "1", "--colour"], ["history", "--limit", "many"]):
        ended = run(*program, *argv)

        assert ended.returncode == 1
        assert "usage" in ended.stderr.lower()


@needs_commands
@pytest.mark.parametrize("name", [None, "send", "report"])
def test_airflow_shows_the_help(name):
    ended = run(*AIRFLOWS, *([name] if name else []), "--help")

    assert ended.returncode == 0
    assert "exit codes:" in ended.stdout
    assert "pending: the vendor still works on the fax" in ended.stdout


@pytest.mark.skipif(TAKES_COMMANDS, reason="this Airflow takes commands of providers")
def test_an_airflow_that_knows_no_such_key_leaves_it_alone():
    assert get_provider_info()["cli"]
    assert run(sys.executable, "-m", "airflow", "--help").returncode == 0
    assert run(*AIRFLOWS, "balance").returncode == 2


@needs_commands
def test_airflow_starts_without_anything_that_a_command_needs():
    code = (
        "import airflow.cli.cli_config, sys\n"
        "before = set(sys.modules)\n"
        "from airflow_provider_faxto.cli.definition import get_fax_commands\n"
        "get_fax_commands()\n"
        "print('IMPORTED', *(each for each in set(sys.modules) - before if each not in sys.stdlib_module_names))\n"
    )
    (line,) = (each for each in run(sys.executable, "-c", code).stdout.splitlines() if each.startswith("IMPORTED"))

    assert set(line.split()[1:]) <= {
        "airflow_provider_faxto",
        "airflow_provider_faxto.cli",
        "airflow_provider_faxto.cli.arguments",
        "airflow_provider_faxto.cli.definition",
    }


def test_a_person_at_a_terminal_is_asked(fax_simulator, letter):
    ours, theirs = pty.openpty()
    os.write(ours, b"y\n")

    ended = run(*OURS, "send", "+1 202 555 0100", letter, "--conn-id", "stored_fax", stdin=theirs)
    os.close(theirs)
    os.close(ours)

    assert ended.returncode == 5
    assert "Send 1 document(s), 1 page(s) to +*******0100 with InterFAX (stored_fax)? [y/N]" in ended.stderr
    assert len(fax_simulator.faxes()) == 1
