"""What Airflow is told about the provider: valid, complete, true, and cheap to read."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points, version
from pathlib import Path

import airflow
import jsonschema
import pytest
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException, BaseOperator
from airflow.triggers.base import BaseTrigger

import airflow_provider_faxto
from airflow_provider_faxto.get_provider_info import get_provider_info
from airflow_provider_faxto.hooks.fax import FaxHook

CONNECTION_TYPES = [entry["connection-type"] for entry in get_provider_info()["connection-types"]]
MODULES = [
    module
    for kind in ("hooks", "operators", "sensors", "triggers")
    for entry in get_provider_info()[kind]
    for module in entry["python-modules"]
]
PACKAGE = Path(airflow_provider_faxto.__file__).parent


def described(connection_type):
    (entry,) = (each for each in get_provider_info()["connection-types"] if each["connection-type"] == connection_type)
    return entry


def hook_class(connection_type):
    module, _, name = described(connection_type)["hook-class-name"].rpartition(".")
    return getattr(import_module(module), name)


def test_airflows_own_schema_accepts_it():
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())

    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(get_provider_info())) == []


def test_it_is_json_and_a_value_of_its_own_each_time():
    first = get_provider_info()
    assert json.loads(json.dumps(first)) == first

    first["connection-types"].clear()

    assert get_provider_info()["connection-types"]


def test_the_installed_package_registers_it():
    (point,) = (each for each in entry_points(group="apache_airflow_provider") if "faxto" in each.value)

    assert point.load() is get_provider_info
    assert point.dist.name == get_provider_info()["package-name"]


def test_it_names_the_version_of_the_package():
    assert get_provider_info()["versions"][0] == airflow_provider_faxto.__version__ == version("airflow-provider-faxto")


@pytest.mark.parametrize("connection_type", CONNECTION_TYPES)
def test_every_hook_can_be_imported_and_says_the_same_of_itself(connection_type):
    hook = hook_class(connection_type)

    assert issubclass(hook, FaxHook)
    assert hook.conn_type == connection_type
    assert hook.hook_name == described(connection_type)["hook-name"]
    assert hook.default_conn_name == f"{connection_type}_default"
    assert hook.conn_name_attr == "fax_conn_id"
    assert hook.vendor_class.name == connection_type
    assert callable(hook.test_connection)


@pytest.mark.parametrize("connection_type", CONNECTION_TYPES)
def test_every_form_has_the_fields_that_every_connection_has(connection_type):
    assert {"timeout", "default_region", "requests_per_minute"} <= described(connection_type)["conn-fields"].keys()


@pytest.mark.parametrize("connection_type", CONNECTION_TYPES)
def test_a_form_begins_with_what_most_users_set_and_ends_with_what_few_need(connection_type):
    fields = list(described(connection_type)["conn-fields"])
    few_need = ["key_namespace", "requests_per_minute", "code_outcomes", "status_messages"]

    assert fields[:2] == ["default_region", "timeout"]
    last = [name for name in few_need if name in fields]
    assert fields[-len(last) :] == last


def test_there_is_a_connection_type_for_every_vendor():
    packages = {path.parent.name for path in (PACKAGE / "vendors").glob("*/vendor.py")}

    assert set(CONNECTION_TYPES) == packages
    assert len(CONNECTION_TYPES) == len(packages)


def test_the_module_of_every_hook_is_listed():
    listed = {module for entry in get_provider_info()["hooks"] for module in entry["python-modules"]}
    used = {entry["hook-class-name"].rpartition(".")[0] for entry in get_provider_info()["connection-types"]}

    assert listed == {"airflow_provider_faxto.hooks.fax"} | used


@pytest.mark.parametrize("module", MODULES)
def test_every_module_can_be_imported(module):
    assert import_module(module).__all__


@pytest.mark.parametrize("kind", ["operators", "sensors", "triggers"])
def test_everything_that_a_dag_can_name_is_in_a_listed_module(kind):
    def classes_in(name):
        try:
            module = import_module(name)
        except AirflowOptionalProviderFeatureException:
            # It needs a later Airflow than this one.
            return set()
        named = [getattr(module, each) for each in module.__all__]
        return {each for each in named if isinstance(each, type) and issubclass(each, (BaseOperator, BaseTrigger))}

    listed = {module for entry in get_provider_info()[kind] for module in entry["python-modules"]}
    there = {f"airflow_provider_faxto.{kind}.{path.stem}" for path in (PACKAGE / kind).glob("[!_]*.py")}

    assert listed <= there
    assert set().union(*map(classes_in, there)) == set().union(*map(classes_in, listed))


def test_every_integration_that_is_named_is_described():
    info = get_provider_info()
    known = {each["integration-name"] for each in info["integrations"]}

    for kind in ("hooks", "operators", "sensors", "triggers"):
        assert {each["integration-name"] for each in info[kind]} <= known


@pytest.mark.parametrize("connection_type", CONNECTION_TYPES)
def test_every_field_of_a_form_says_what_it_is(connection_type):
    for field in described(connection_type)["conn-fields"].values():
        assert field["label"]
        assert field["description"].endswith(".")
        # Nobody must fill it in.
        assert "null" in field["schema"]["type"]
        jsonschema.Draft7Validator.check_schema(field["schema"])


@pytest.mark.parametrize("connection_type", CONNECTION_TYPES)
def test_no_secret_is_kept_in_an_extra_field(connection_type):
    assert not {"password", "api_key", "token", "secret"} & set(described(connection_type)["conn-fields"])


def test_discovery_imports_nothing_else():
    # Airflow calls it at every start of every process.
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from airflow_provider_faxto.get_provider_info import get_provider_info\n"
        "get_provider_info()\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    imported = done.stdout.split()

    assert {name for name in imported if name.startswith("airflow_provider_faxto")} == {
        "airflow_provider_faxto",
        "airflow_provider_faxto.get_provider_info",
    }
    foreign = {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"airflow_provider_faxto", "airflow_provider_faxto.get_provider_info"}
