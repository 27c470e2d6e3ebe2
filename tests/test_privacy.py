"""No secret and no recipient leaves: one full run in real Airflow at DEBUG, and then a search of all it has left.

The run is a process of its own, with an Airflow of its own, so that no mask that another test has set hides
anything. Recipients and documents come from the environment, as they would from a user's own system: then nothing
at all need be left out of the search. The examples are started with recipients in the run's configuration, which
Airflow keeps for the user in ``dag_run.conf``; that column, and nothing else, is left out for them.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from support.vendors import VENDORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

pytestmark = pytest.mark.airflow

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = {
    "DELIVERED": "+1 (202) 555-0171",
    "BUSY": "+1-202-555-0102",
    "UNREADABLE": "+1-202-555-0104",
    "REFUSED": "+1 202 555 0111",
    "ENDLESS": "+1 202 555 0106",
    "QUICK": "+1 202.555.0173",
    "SLOW": "+44 20 7946 0987",
    "NO_NUMBER": "+1 202 555 017 44 55 66 77",
}
OF_THE_EXAMPLE = "+1 202 555 0100"
WRONG_KEY = "wrong+key/of=ours&more"
WRONG_PASSWORD = "wrong:pass+word/7"
DOCUMENT = "jane-doe-results"
CONTENT = "Patient Jane Doe tested positive"

SCRIPT = """
import json, logging, runpy, sys
from airflow.utils.db import initdb
initdb()
# What is logged before Airflow masks anything.
raw = logging.FileHandler(sys.argv[1])
raw.setLevel(logging.DEBUG)
raw.setFormatter(logging.Formatter("%(name)s %(message)s"))
logging.getLogger().addHandler(raw)
logging.getLogger().setLevel(logging.DEBUG)
for name in ("airflow_provider_faxto", "urllib3", "requests", "airflow.task"):
    logging.getLogger(name).setLevel(logging.DEBUG)
ended = {}
for path, conf in json.loads(sys.argv[2]):
    run = runpy.run_path(path)["dag"].test(run_conf=conf)
    for ti in run.get_task_instances():
        ended[f"{ti.dag_id}.{ti.task_id}.{ti.map_index}"] = str(ti.state)
print("ENDED", json.dumps(ended), flush=True)
"""


# What Airflow itself and a storage library write at DEBUG, and dag.test() prints without masking: dag.test()'s
# stand-in for the supervisor shows what it is told to mask (the real supervisor does not), fsspec tells the path
# it opens (which the mask hides in a task's log), and Airflow shows the configuration that the user gave a run.
NOT_OURS = ("msg=MaskSecret(", "fsspec.local", "Updating task params (")


def ours(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not any(mark in line for mark in NOT_OURS))


def spellings(number: str) -> set[str]:
    digits = "".join(character for character in number if character.isdigit())
    plain = {number, f"+{digits}", digits, f"00{digits}", f"011{digits}", digits[-7:], digits.lstrip("1")}
    return plain | {quote(each, safe="") for each in plain} | {quote_plus(each) for each in plain}


def secrets_of(simulator: FaxSimulator) -> set[str]:
    key = simulator.connection("faxto")["password"]
    found = {key, WRONG_KEY, WRONG_PASSWORD}
    for vendor in ("interfax", "extrafax"):
        connection = simulator.connection(vendor)
        found.add(connection["password"])
        for password in (connection["password"], WRONG_PASSWORD):
            found.add(base64.b64encode(f"{connection['login']}:{password}".encode()).decode().rstrip("="))
    return found | {quote(each, safe="") for each in found} | {quote(each) for each in found}


class Left:
    """All that a run has left behind, as pieces of text with the place where each was found."""

    def __init__(self, home: Path, output: str, ended: dict[str, str]) -> None:
        self.home = home
        self.output = output
        self.ended = ended

    def pieces(self) -> Iterator[tuple[str, str]]:
        yield "output", ours(self.output)
        for path in self.home.rglob("*"):
            if path.is_file() and path.suffix not in (".db", ".cfg", ".pyc") and "dags" not in path.parts:
                yield str(path.relative_to(self.home)), ours(path.read_text(errors="replace"))
        with sqlite3.connect(self.home / "airflow.db") as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                rows = database.execute(f'SELECT * FROM "{table}"')
                columns = [column[0] for column in rows.description]
                for row in rows:
                    for column, value in zip(columns, row, strict=True):
                        text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                        yield f"table {table}, column {column}", text

    def places_of(self, private: set[str]) -> set[tuple[str, str]]:
        return {(place, each) for place, text in self.pieces() for each in private if each in text}


def _write_lists(documents: Path) -> dict[str, str]:
    """Write the lists of the batches, and give where they are."""
    lines = [
        {"label": "one", "fax_number": NUMBERS["DELIVERED"]},
        {"label": "two", "fax_number": NUMBERS["BUSY"], "document": str(documents / f"{DOCUMENT}-as-path.pdf")},
    ]
    bad = [
        {"label": "three", "fax_number": NUMBERS["NO_NUMBER"]},
        {"label": "four", "fax_number": NUMBERS["QUICK"], "document": str(documents / f"{DOCUMENT}-missing.pdf")},
        {"label": "five", NUMBERS["QUICK"]: "misspelt"},
    ]
    for name, rows in (("list", lines), ("bad-list", bad)):
        (documents / f"{DOCUMENT}-{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return {
        "PRIVATE_LIST": str(documents / f"{DOCUMENT}-list.jsonl"),
        "PRIVATE_BAD_LIST": str(documents / f"{DOCUMENT}-bad-list.jsonl"),
        "PRIVATE_LIST_AS_TEXT": json.dumps(lines),
    }


@pytest.fixture(scope="module")
def left(fax_simulator_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Run the DAGs once, and give what is left of it."""
    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

    simulator = FaxSimulator(fax_simulator_server)
    simulator.reset()
    simulator.set_speed(10)
    # Quick but for the one that is waited for in the triggerer: that one takes six seconds.
    simulator.configure(
        faxto_seconds_ok=0.0, faxto_seconds_failed=0.0, interfax_status_limit=None, interfax_lockout_after=None
    )
    simulator.fault("lost_answer", vendor="extrafax", endpoint="send")
    simulator.fault("server_error", vendor="faxto", endpoint="status", times=2)
    home = tmp_path_factory.mktemp("airflow")
    documents = tmp_path_factory.mktemp("documents")
    for name in (DOCUMENT, f"{DOCUMENT}-as-path"):
        shutil.copy(ROOT / "example_dags" / "files" / "letter.pdf", documents / f"{name}.pdf")
        with (documents / f"{name}.pdf").open("a") as file:
            file.write(f"\n% {CONTENT}\n")
    lists = _write_lists(documents)
    (home / "dags").mkdir()
    (home / "dags" / "example_dags").symlink_to(ROOT / "example_dags")
    (home / "dags" / "tests").symlink_to(ROOT / "tests" / "dags")
    connections = {name: simulator.connection(name) for name in VENDORS}
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "FAX_EXAMPLE_POLL_INTERVAL": "0.5",
        "AIRFLOW_CONN_WRONG_KEY": json.dumps({**connections["faxto"], "password": WRONG_KEY}),
        "AIRFLOW_CONN_WRONG_PASSWORD": json.dumps({**connections["interfax"], "password": WRONG_PASSWORD}),
        "AIRFLOW_CONN_NOBODY_THERE": json.dumps({**connections["faxto"], "host": "http://127.0.0.1:9"}),
        "PRIVATE_DOCUMENT": str(documents / f"{DOCUMENT}.pdf"),
        "PRIVATE_OTHER": str(documents / f"{DOCUMENT}-as-path.pdf"),
        "PRIVATE_MISSING": f"file://{documents}/{DOCUMENT}-missing.pdf",
        **{f"AIRFLOW_CONN_{name.upper()}_DEFAULT": json.dumps(each) for name, each in connections.items()},
        **lists,
        **{f"PRIVATE_{name}": number for name, number in NUMBERS.items()},
    }
    runs = [
        (str(home / "dags" / "tests" / "privacy.py"), {}),
        (str(home / "dags" / "example_dags" / "fax_many_recipients.py"), {"recipients": ["clinic-1", "clinic-2"]}),
    ]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(home / "raw.log"), json.dumps(runs)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    output = done.stdout + done.stderr
    [ended] = [line.removeprefix("ENDED ") for line in done.stdout.splitlines() if line.startswith("ENDED ")]
    return Left(home, output, json.loads(ended))


def test_the_run_went_everywhere(left: Left) -> None:
    """A search proves nothing unless each task did what it is there for."""
    assert left.ended == {
        **{f"privacy.mapped.{index}": "success" for index in (0, 1)},
        **{f"privacy.{name}.-1": "success" for name in ("send", "wait", "branch", "archive", "lost_answer", "as_path")},
        **{f"privacy.{name}.-1": "success" for name in ("batch", "batch_as_text")},
        "privacy.later.-1": "skipped",
        **{
            f"privacy.{name}.-1": "failed"
            for name in (
                *("busy", "unreadable", "refused", "wrong_key", "wrong_password"),
                *("no_number", "nobody_there", "missing", "unknown", "batch_bad", "batch_busy"),
            )
        },
        "fax_many_recipients.labels.-1": "success",
        "fax_many_recipients.send.0": "success",
        "fax_many_recipients.send.1": "success",
        "fax_many_recipients.summarise.-1": "success",
    }
    raw = (left.home / "raw.log").read_text()
    assert "urllib3.connectionpool" in raw
    for told in ("FaxRetryableError", "FaxFatalError", "FaxUnknownOutcomeError", "FaxPermanentError", "+*******0171"):
        assert told in left.output
    assert {place.partition(",")[0] for place, _ in left.pieces()} >= {
        *("output", "raw.log", "table xcom", "table rendered_task_instance_fields", "table task_instance"),
    }


def test_no_key_and_no_password_is_left_in_any_spelling(left: Left, fax_simulator: FaxSimulator) -> None:
    assert left.places_of(secrets_of(fax_simulator)) == set()


def test_no_recipient_is_left_in_any_spelling(left: Left) -> None:
    assert left.places_of({each for number in NUMBERS.values() for each in spellings(number)}) == set()


def test_no_document_is_left_by_name_or_content(left: Left) -> None:
    places = {place for place, _ in left.places_of({DOCUMENT, quote_plus(CONTENT), CONTENT})}
    # One task has its path as a literal in the DAG file, and Airflow 3 keeps the DAG as it stands there.
    assert places <= {"table serialized_dag, column data"}


def test_a_recipient_of_a_dags_author_stands_in_the_dags_code_alone(left: Left) -> None:
    """What the run is triggered with, what it is mapped over and what it renders are labels."""
    assert {place for place, _ in left.places_of(spellings(OF_THE_EXAMPLE))} <= {"table dag_code, column source_code"}


def test_what_a_trigger_is_given_and_gives_is_plain(left: Left) -> None:
    """The deferred task's arguments and event, as Airflow has stored them."""
    stored = {place for place, text in left.pieces() if "poll_interval" in text and "FaxStatusTrigger" not in place}
    # Airflow 2.11's dag.test() keeps no row for a trigger that it runs itself.
    assert stored <= {"table trigger, column kwargs", "output", "table serialized_dag, column data", "raw.log"} | {
        place for place in stored if place.startswith(("table dag_code", "table rendered", "table serialized_dag"))
    }
