"""The command as a whole: help, wrong usage, forms of output, and what is said of a connection that cannot be used."""

from __future__ import annotations

import re

import pytest

from airflow_provider_faxto.cli.main import main

COMMANDS = ["balance", "cancel", "check", "find", "history", "report", "send", "status"]
EVERY_CALL = [
    ["status", "1"],
    ["find", "airflow-test", "--number", "+12025550100"],
    ["history"],
    ["balance"],
    ["cancel", "1"],
    ["check", "+12025550100", "/nowhere/letter.pdf"],
    ["send", "+12025550100", "/nowhere/letter.pdf", "--yes"],
    ["report"],
]


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_tells_the_exit_codes(command, name):
    ended = command(*([name] if name else []), "--help")

    assert ended.code == 0
    codes = [int(code) for code in re.findall(r"^  (\d)  \w+", ended.out, re.MULTILINE)]
    assert codes == [0, 1, 2, 3, 4, 5]


def test_help_lists_the_commands(command):
    out = command("--help").out

    assert all(re.search(rf"^    {name} ", out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize(
    "argv",
    [
        [], ["sned"], ["status"], ["status", "1", "2"], ["status", "1", "--output", "xml"], ["history", "--limit", "0"],
        ["history", "--limit", "+12025550100"], ["balance", "+12025550100"], ["balance", "--number", "+1 202 555 0100"],
        ["send", "+12025550100"], ["send", "+12025550100", "x.pdf", "--option", "fine"],
        ["send", "+12025550100", "x.pdf", "--timeout", "never"],
    ],
    ids=str,
)  # fmt: skip
def test_wrong_usage_ends_with_1_and_shows_no_number(command, argv):
    ended = command(*argv)

    assert ended.code == 1
    assert ended.out == ""
    assert "usage:" in ended.err


@pytest.mark.parametrize("argv", EVERY_CALL, ids=lambda argv: argv[0])
def test_a_connection_that_does_not_exist_is_wrong_set_up(command, airflow_database, argv):
    ended = command(*argv, "--conn-id", "clinic_fax")

    assert ended.code == 1
    assert "Airflow knows no connection 'clinic_fax'" in ended.err


@pytest.mark.parametrize("argv", EVERY_CALL, ids=lambda argv: argv[0])
def test_a_connection_of_another_type_is_wrong_set_up(command, monkeypatch, argv):
    monkeypatch.setenv("AIRFLOW_CONN_CLINIC_DB", '{"conn_type": "postgres", "password": "letter"}')

    ended = command(*argv, "--conn-id", "clinic_db")

    assert ended.code == 1
    assert "'postgres'" in ended.err


def test_an_id_that_is_none_is_wrong_set_up_and_not_shown(command):
    ended = command("balance", "--conn-id", "+1 202 555 0100")

    assert ended.code == 1


@pytest.mark.parametrize("argv", [["balance"], ["history"], ["status", "1"]], ids=lambda argv: argv[0])
def test_a_wrong_password_is_wrong_set_up_and_not_shown(command, fax_connections, monkeypatch, argv):
    host = fax_connections.url
    monkeypatch.setenv(
        "AIRFLOW_CONN_INTERFAX_DEFAULT",
        f'{{"conn_type": "interfax", "login": "clinic", "password": "wrong-secret", "host": "{host}"}}',
    )

    ended = command(*argv, "--conn-id", "interfax_default")

    assert ended.code == 1
    assert "interfax_default" in ended.err
    assert "wrong-secret" not in ended.err


def test_the_connection_is_fax_tos_unless_another_is_named(command, fax_connections):
    assert "faxto_default" in command("balance").out


# Output ------------------------------------------------------------------------------------------------


def test_every_form_tells_the_same(command, simulator):
    simulator.simulator.add_stranger("interfax")
    simulator.simulator.add_stranger("interfax")
    conn = ("history", "--conn-id", "interfax_default", "--output")

    rows = command(*conn, "json").rows
    cells = command(*conn, "csv").cells
    table = command(*conn, "table").out

    assert len(rows) == len(cells) == 2
    for row, cell in zip(rows, cells, strict=True):
        assert cell == {name: "" if value is None else str(value) for name, value in row.items()}
        assert row["job_id"] in table


def test_a_table_of_one_fax_names_each_field(command, simulator, fax_job):
    job_id = fax_job("interfax", "+1 202 555 0100")

    out = command("status", job_id, "--conn-id", "interfax_default").out

    assert re.search(rf"job_id\W+{job_id}", out)
    assert "outcome" in out


def test_a_spreadsheet_takes_no_cell_for_a_formula(command, simulator, monkeypatch):
    from airflow_provider_faxto.fax import FaxOutcome, FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

    evil = FaxStatus(vendor="faxto", job_id="1", outcome=FaxOutcome.PENDING, code=-3, message="=HYPERLINK(1)")
    monkeypatch.setattr(FaxHook, "get_status", lambda *_: evil)

    (row,) = command("status", "1", "--output", "csv").cells

    assert (row["message"], row["code"]) == ("'=HYPERLINK(1)", "-3")


def test_brackets_in_a_vendors_words_are_no_markup(command, simulator, monkeypatch):
    from airflow_provider_faxto.fax import FaxOutcome, FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook

    words = "[red]Line busy[/red]"
    monkeypatch.setattr(
        FaxHook,
        "get_status",
        lambda *_: FaxStatus(vendor="faxto", job_id="1", outcome=FaxOutcome.PENDING, message=words),
    )

    assert words in command("status", "1").out


def test_an_output_that_nobody_reads_does_not_change_the_exit_code(simulator, letter, monkeypatch):
    class Closed:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError

        flush = write

        def fileno(self):
            raise OSError

        def isatty(self):
            return False

    monkeypatch.setattr("sys.stdout", Closed())
    monkeypatch.setattr("sys.stderr", Closed())

    assert main(["send", "+12025550100", letter, "--yes", "--output", "json"]) == 5
    assert len(simulator.faxes()) == 1


def test_progress_is_shown_on_a_terminal_alone(simulator, capsys, monkeypatch):
    assert main(["history"]) == 0
    assert capsys.readouterr().err == ""

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["history"]) == 0
    assert "Reading the vendor's list" in capsys.readouterr().err


# Numbers -----------------------------------------------------------------------------------------------

SPELLINGS = [
    "+12025550100",
    "+1 (202) 555-0100",
    "001 202.555.0100",
    "1-202-555-0100",
    "2025550100",
    "tel:+12025550100",
]
WHERE_ONE_MAY_STAND = [
    ["status", "{}"],
    ["cancel", "{}"],
    ["find", "{}", "--number", "{}"],
    ["find", "airflow-test", "--number", "{}"],
    ["check", "{}", "{}.pdf"],
    ["check", "{}", "/nowhere/letter.pdf", "--option", "{}={}"],
    ["send", "{}", "{}.pdf", "--yes"],
    ["send", "{}", "{letter}", "--yes"],
    ["send", "{}", "{letter}", "--yes", "--option", "contact={}"],
    ["send", "{}", "{letter}", "--yes", "--wait", "{}"],
    ["history", "--limit", "{}"],
    ["balance", "{}"],
    ["balance", "--conn-id", "{}"],
    ["balance", "--output", "{}"],
    ["report", "--from", "{}"],
    ["{}"],
]


@pytest.fixture
def us_connections(simulator, monkeypatch):
    """Set connections for which a number may be written without its country."""
    simulator.set_airflow_connections(monkeypatch, default_region="US")


@pytest.mark.usefixtures("us_connections")
@pytest.mark.parametrize("number", SPELLINGS)
@pytest.mark.parametrize("argv", WHERE_ONE_MAY_STAND, ids=" ".join)
@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_a_number_is_shown_nowhere_in_full(command, letter, vendor, number, argv):
    if argv[0] in ("status", "cancel") and number.isdecimal():
        pytest.skip("an id of a job looks so")
    conn = [] if "--conn-id" in argv else ["--conn-id", f"{vendor}_default"]
    filled = [part.replace("{letter}", letter).replace("{}", number) for part in argv]

    # The fixture looks for it.
    ended = command(*filled, *conn)

    assert ended.out + ended.err
    assert "2025550100" not in re.sub("[^0-9]", "", ended.out + ended.err)
