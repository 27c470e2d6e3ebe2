"""The documentation says what the code does: generated parts are current, names exist, links lead somewhere."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import shlex
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_faxto import __version__
from airflow_provider_faxto.fax.codes import STATUS_CODES
from airflow_provider_faxto.fax.reconcile import Action
from airflow_provider_faxto.get_provider_info import get_provider_info

ROOT = Path(__file__).resolve().parent.parent
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in TOP), *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES}
ALL_TEXT = "\n".join(TEXTS.values())
VENDORS = get_provider_info()["connection-types"]


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(text, language):
    """The code blocks of a language, without the indent that they have inside a list."""
    return [
        textwrap.dedent(indent + code)
        for indent, code in re.findall(rf"^( *)```{language}\n(.*?)\n *```$", text, re.MULTILINE | re.DOTALL)
    ]


def rows(text):
    """The cells of each table row."""
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def anchors(text):
    """The anchors of a page's headings, as code hosts make them."""
    without_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", TEXTS)
def test_generated_parts_are_current(page):
    current = load_generator().render(TEXTS[page])

    assert current == TEXTS[page], f"{page} is not what the code says. Run: make docs (python docs/generate.py)"


def test_the_generator_leaves_everything_else_alone():
    page = "before\n<!-- generated: message-codes -->\nold\n<!-- end -->\nbetween\n<!-- example: fax_with_retries -->\n"
    page += "```python\nold\n```\nafter\n\n```python\nkept = 1\n```\n"

    rendered = load_generator().render(page)

    assert "old" not in rendered
    for kept in ("before\n<!-- ", "<!-- end -->\nbetween\n", "\n```\nafter\n\n```python\nkept = 1\n```\n"):
        assert kept in rendered
    assert load_generator().render(rendered) == rendered


def test_the_protocol_names_every_action():
    told = {cell for row in rows(TEXTS["docs/protocol.md"]) for cell in row}

    assert {f"`{action}`" for action in Action} <= told


def test_every_example_dag_is_quoted():
    names = {path.stem for path in (ROOT / "example_dags").glob("fax_*.py")}

    assert names
    assert set(re.findall(r"^<!-- example: (\w+) -->$", ALL_TEXT, re.MULTILINE)) == names


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    here = (ROOT / page).parent
    links = re.findall(r"\]\(([^)\s]+)\)", TEXTS[page])
    dead = []
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (here / path).resolve() if path else ROOT / page
        found = target.exists()
        if found and anchor:
            found = anchor in anchors(target.read_text(encoding="utf-8"))
        if not found:
            dead.append(link)

    assert not dead


def test_the_index_names_every_page():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}

    assert pages == set(re.findall(r"\]\((\w+\.md)\)", TEXTS["docs/index.md"]))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(airflow_provider_faxto(?:\.\w+)*)`", ALL_TEXT))))
def test_a_dotted_name_can_be_imported(name):
    found = importlib.import_module("airflow_provider_faxto")
    for part in name.split(".")[1:]:
        if not hasattr(found, part):
            try:
                importlib.import_module(f"{found.__name__}.{part}")
            except AirflowOptionalProviderFeatureException as error:
                pytest.skip(str(error))
        found = getattr(found, part)
    assert found.__doc__, f"{name} says nothing of itself"


def test_files_of_the_package_that_are_named_exist():
    named = set(re.findall(r"`((?:airflow_provider_faxto|docs|tests)/[\w/.]*)`", ALL_TEXT))

    assert named
    assert not [name for name in named if "examplefax" not in name and not (ROOT / name).exists()]


def test_classes_that_are_named_exist():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "airflow_provider_faxto").rglob("*.py")]
    known = set(re.findall(r"^class (\w+)", "\n".join(sources), re.MULTILINE))
    # The changelog also names what is gone.
    today = "\n".join(text for name, text in TEXTS.items() if name != "CHANGELOG.md")
    named = set(re.findall(r"`((?:Fax|SendFax|Send)[A-Z]\w+)\b", today))

    assert named
    assert not named - known


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("docs/sending.md", "operators.fax.SendFaxOperator"),
        ("docs/waiting.md", "sensors.fax.FaxStatusSensor"),
        ("docs/branching.md", "operators.fax.FaxOutcomeBranchOperator"),
    ],
)
def test_every_parameter_is_told_with_its_default(page, path):
    module, _, name = path.rpartition(".")
    operator = getattr(importlib.import_module(f"airflow_provider_faxto.{module}"), name)
    told = {row[0].strip("`"): row for row in rows(TEXTS[page]) if row[0].startswith("`")}

    for parameter in inspect.signature(operator.__init__).parameters.values():
        if parameter.name in ("self", "kwargs", "args"):
            continue
        row = told[parameter.name]
        assert ("Templated" in row[-1]) == (parameter.name in operator.template_fields), parameter.name
        if parameter.name == "deferrable" or parameter.default in (None, parameter.empty):
            continue
        assert how_it_is_told(parameter.default) in " ".join(row), parameter.name


def how_it_is_told(default):
    if isinstance(default, timedelta):
        return f"{default.total_seconds() / 3600:g} hours"
    return f"{default:g}" if isinstance(default, float) else f"`{default}`"


def test_every_field_of_a_connection_is_told():
    told = {
        name: row[1]
        for row in rows(TEXTS["docs/connections.md"])
        for name in re.findall(r"`(\w+)`", row[0])
        if len(row) > 1
    }

    for connection_type in VENDORS:
        name = connection_type["connection-type"]
        assert name in told
        for field in connection_type["conn-fields"]:
            assert told[field] == "all" or name in told[field]


def test_every_error_is_told():
    from airflow_provider_faxto import exceptions as task_errors

    told = {name for row in rows(TEXTS["docs/errors.md"]) for name in re.findall(r"`(\w+)`", row[0])}
    raised = {name for name in task_errors.__all__ if name.endswith("Error")}

    assert raised - {"FaxError"} <= told


def test_every_status_code_stands_in_the_table_once():
    codes = [row[0] for row in rows(TEXTS["docs/status_codes.md"]) if re.fullmatch(r"-?\d+", row[0])]

    assert codes == [str(code) for code in STATUS_CODES]


@pytest.mark.parametrize("table", ["vendors", "calls", "send-options", "documents"])
def test_every_vendor_has_a_column_in_every_table_of_vendors(table):
    (header, *_) = rows(load_generator().PARTS[table]())

    assert header[-len(VENDORS) :] == [entry["hook-name"] for entry in VENDORS]


def test_the_tables_of_connections_name_every_type():
    told = rows(load_generator().connection_types())

    assert [row[0] for row in told[2:]] == [f"`{entry['connection-type']}`" for entry in VENDORS]


def test_calls_that_a_vendor_offers_are_methods_of_its_hook():
    hooks = {entry["hook-name"]: entry["hook-class-name"].rpartition(".") for entry in VENDORS}
    (header, *table) = [row for row in rows(load_generator().calls()) if row[0] != "---"]

    for _, call, *offered in table:
        for vendor, answer in zip(header[2:], offered, strict=True):
            module, _, name = hooks[vendor]
            if answer == "yes":
                assert hasattr(getattr(importlib.import_module(module), name), call.strip("`"))


@pytest.mark.parametrize("page", TEXTS)
def test_code_blocks_can_be_read(page):
    for code in blocks(TEXTS[page], "python"):
        assert ast.parse(code).body
    for code in blocks(TEXTS[page], "json"):
        json.loads(code)


CONNECTIONS = [
    pytest.param(line, id=f"{page}-{number}")
    for page in ("README.md", "docs/connections.md")
    for block in blocks(TEXTS[page], "bash")
    for number, line in enumerate(block.splitlines(), 1)
    if line.startswith("export AIRFLOW_CONN_")
]
HOSTS = {
    "faxto": "https://fax.to",
    "interfax": "https://rest.interfax.net",
    "extrafax": "https://fax-api.example.com",
}


def test_each_page_shows_each_connection_as_json_and_as_uri():
    assert len(CONNECTIONS) == 12


@pytest.mark.parametrize("line", CONNECTIONS)
def test_a_connection_is_read_as_it_is_meant(line, monkeypatch):
    from airflow_provider_faxto.hooks.connection import read_base_url, read_connection
    from airflow_provider_faxto.hooks.fax import FaxHook

    name, _, value = shlex.split(line)[1].partition("=")
    monkeypatch.setenv(name, value)
    conn_id = name.removeprefix("AIRFLOW_CONN_").lower()
    hook = FaxHook.for_connection(conn_id)
    hook.check_configuration()
    settings = read_connection(FaxHook.get_connection(conn_id))

    assert conn_id == f"{hook.conn_type}_default"
    assert read_base_url(settings, hook.vendor.default_host, "") == HOSTS[hook.conn_type]
    credentials = (settings.login, settings.password)
    assert credentials == ((None, "key/with+signs=") if hook.conn_type == "faxto" else ("clinic", "p@ss/word"))


def test_numbers_are_fictional():
    for number in re.findall(r"\+\d[\d ().-]{6,}\d", ALL_TEXT):
        digits = re.sub(r"\D", "", number)
        # The last are of Berlin, where the regulator keeps them for films; some forms are shown that are refused.
        assert re.fullmatch(r"120255501\d\d|9999999\d*|49(0|49|0049)?3023125\d*", digits), number


def test_the_newest_change_is_this_version():
    assert re.search(r"^## (\S+) \(\d{4}-\d\d-\d\d\)$", TEXTS["CHANGELOG.md"], re.MULTILINE)[1] == __version__


@pytest.mark.airflow
def test_numbers_looked_up_while_rendering_are_stored_nowhere(fax_connections, run_dag, letter, tmp_path):
    source = re.search(r"<!-- dag: fax_clinics -->\n```python\n(.*?)\n```", TEXTS["docs/sending.md"], re.DOTALL)[1]
    numbers = tmp_path / "numbers.json"
    # Not the numbers of the example DAGs, which are literals and so stand in the database.
    numbers.write_text(json.dumps({"clinic-1": "+1 202 555 0143", "clinic-2": "+12025550144"}))
    source = source.replace("/srv/faxes/numbers.json", str(numbers)).replace("/srv/faxes/report.pdf", letter)
    home = Path(os.environ["AIRFLOW_HOME"])
    (home / "dags" / "fax_clinics.py").write_text(source)
    fax_connections.configure(faxto_seconds_ok=0.0, faxto_seconds_failed=0.0)

    run = run_dag("fax_clinics.py")

    assert {ti.state for ti in run.get_task_instances()} == {"success"}
    assert {fax["recipient"] for fax in fax_connections.faxes()} == {"+12025550143", "+12025550144"}
    # SQLite keeps what is new in a file of its own beside the database.
    stored = b"".join(path.read_bytes() for path in home.glob("airflow.db*"))
    assert b"clinic-1" in stored
    assert not re.search(rb"202.?555.?014[34]", stored)


def test_every_command_is_told_with_its_options_and_exit_codes():
    from airflow_provider_faxto.cli.arguments import COMMANDS
    from airflow_provider_faxto.cli.exit_codes import ExitCode

    page = TEXTS["docs/command.md"]
    told = {row[0] for row in rows(page)}
    common, _, _ = page.partition("## Exit codes")

    assert {str(code.value) for code in ExitCode} <= told
    for command in COMMANDS:
        (section,) = re.findall(rf"^## {command.name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        assert any(row.startswith(f"[`{command.name}") for row in told)
        for argument in command.arguments:
            for flag in argument.flags:
                assert not flag.startswith("-") or f"`{flag}" in section + common, (command.name, flag)
