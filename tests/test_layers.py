"""The rooms of the package: each imports only what its row allows, and no two modules import each other.

Counted are all imports, also those inside functions and those for type checking alone.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from support.example_vendor import files_of_the_page

import airflow_provider_faxto

NAME = "airflow_provider_faxto"
PACKAGE = Path(airflow_provider_faxto.__file__).parent
SURFACE = {"clock", "exceptions", "fax", "figures", "hooks", "receipts", "sending", "triggers", "waiting"}
VENDORS = sorted(path.parent.name for path in (PACKAGE / "vendors").glob("*/vendor.py"))
# A vendor whose API is another one's builds on that one; nothing else may cross from vendor to vendor.
TWINS = {"extrafax": "interfax"}
# What each room may import of the package. A row of a part of a room comes before the row of the room.
ROOMS = {
    "fax": {"fax"},
    "vendors": set(),
    "vendors.exchange": {"fax"},
    "vendors.declarations": {"fax"},
    "vendors.base": {"fax", "vendors.declarations", "vendors.exchange"},
    "vendors.parsing": {"fax", "vendors.base", "vendors.parsing"},
    # Our clock is compared with the vendor's.
    "vendors.lookup": {"clock", "fax", "vendors.base", "vendors.parsing"},
    **{
        f"vendors.{name}": {
            # A token has an end, by the clock.
            "clock",
            "fax",
            "vendors.base",
            "vendors.lookup",
            "vendors.parsing",
            f"vendors.{name}",
            *([f"vendors.{TWINS[name]}"] if name in TWINS else []),
        }
        for name in VENDORS
    },
    "http": {"__version__", "clock", "fax.documents", "fax.errors", "http", "vendors.base", "vendors.parsing"},
    "figures": {"fax"},
    "hooks": {"clock", "fax", "figures", "get_provider_info", "hooks", "http", "vendors"},
    "sending": {"clock", "exceptions", "fax", "hooks", "sending"},
    "receipts": {"clock", "fax", "figures", "receipts"},
    "waiting": {"clock", "fax", "figures", "hooks", "waiting"},
    "triggers": SURFACE - {"sending"},
    # What a task tells, and how it reads its arguments, is the same for both.
    "sensors": SURFACE - {"sending"} | {"sensors", "operators.arguments", "operators.outcomes", "operators.rendered"},
    "operators": SURFACE | {"operators"},
    # It makes a send where a person says so, and knows no task, so nothing of what the runs of one leave each other.
    "cli": {
        "cli",
        "clock",
        "exceptions",
        "fax",
        "hooks",
        "receipts",
        "sending.bad_numbers",
        "sending.submit",
        "waiting",
    },
    # It reads what tasks have told, and asks no vendor.
    "page": {"clock", "exceptions", "fax", "hooks", "page", "receipts", "sending"},
    "page.plugin": {"page.api"},
    "__main__": {"cli"},
    "exceptions": {"fax"},
    "clock": set(),
    "get_provider_info": set(),
    "__init__": set(),
    "simulator": {"fax", "simulator"},
}
HTTP_CLIENTS = {"requests", "requests_toolbelt", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
IO = {"socket", "ssl", "subprocess", "sqlite3", "pathlib", "os", "io", *HTTP_CLIENTS}
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def module_of(path):
    """Tell the name of a file's module below the package, such as ``vendors.interfax.send``."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_of(path): path for path in FILES}


def room_of(module):
    """Find the row of the table that holds for a module: the longest that fits."""
    return max((room for room in ROOMS if begins(module, room)), key=len, default=None)


def begins(module, name):
    return module == name or module.startswith(f"{name}.")


def imports_in(path):
    """Yield every module that a file imports, also inside functions and for type checking."""
    package = [NAME, *path.parts[:-1]]
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            # "from package import module" imports the module.
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in {
            "import_module",
            "__import__",
        }:
            yield f"<dynamic at line {node.lineno}>"


def own_imports_in(path):
    """Find what a file imports of the package, by its name below it."""
    return {module.removeprefix(f"{NAME}.") for module in imports_in(path) if begins(module, NAME)}


def arrows_from(module):
    """Find the modules of the package that a module imports."""
    arrows = set()
    for imported in own_imports_in(MODULES[module]):
        name = imported
        while name not in MODULES and "." in name:
            name = name.rpartition(".")[0]
        arrows.add(name if name in MODULES else "__init__")
    return arrows - {module}


ARROWS = {module: arrows_from(module) for module in MODULES}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_what_its_room_may_touch(path):
    allowed = ROOMS[room_of(module_of(path))]

    assert [module for module in own_imports_in(path) if not any(begins(module, each) for each in allowed)] == []


def test_the_vendor_of_the_page_could_stand_among_ours(tmp_path):
    path = tmp_path / "vendor.py"
    path.write_text(files_of_the_page()["examplefax/vendor.py"])
    # Every vendor without a twin has this row.
    allowed = ROOMS["vendors.faxto"] - {"vendors.faxto"}

    assert [module for module in own_imports_in(path) if not any(begins(module, each) for each in allowed)] == []


def test_every_file_belongs_to_a_room():
    assert [module for module in MODULES if room_of(module) is None] == []


def test_no_module_imports_itself_by_way_of_others():
    try:
        TopologicalSorter(ARROWS).prepare()
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_has_one_door(name):
    inside = f"vendors.{name}"
    through_the_wall = {
        module: arrows
        for module in MODULES
        if not begins(module, inside) and (arrows := {each for each in ARROWS[module] if each.startswith(f"{inside}.")})
    }

    assert through_the_wall == {}


def test_only_the_simulators_routes_know_its_callbacks():
    inside = "simulator.callbacks"
    importers = {
        module
        for module in MODULES
        if not begins(module, inside) and any(begins(each, inside) for each in ARROWS[module])
    }

    assert importers == {"simulator.simulator"}


@pytest.mark.parametrize("room", ["fax", "vendors", "simulator", "http", "clock", "get_provider_info"])
def test_what_stands_without_airflow_imports_none(room):
    airflows = {
        module: [name for name in imports_in(path) if begins(name, "airflow")]
        for module, path in MODULES.items()
        if begins(module, room)
    }

    assert {module: names for module, names in airflows.items() if names} == {}


@pytest.mark.parametrize("module", [module for module in MODULES if module.partition(".")[0] in {"fax", "vendors"}])
def test_what_does_no_input_and_output_imports_no_means_of_it(module):
    # FaxDocument.from_bytes() gives bytes in memory as a file.
    allowed = {"io"} if module == "fax.documents" else set()

    assert [name for name in imports_in(MODULES[module]) if any(begins(name, each) for each in IO - allowed)] == []


def test_the_network_is_touched_in_one_room_and_by_the_simulators_callbacks():
    clients = {
        module
        for module, path in MODULES.items()
        if any(begins(name, client) for name in imports_in(path) for client in HTTP_CLIENTS)
    }

    assert clients == {"http.session", "http.transport", "http.unconnected", "simulator.callbacks.delivery"}


def test_modules_are_found_by_name_in_one_place():
    # There the connection's type chooses the hook, from the provider info.
    dynamic = {
        module for module, path in MODULES.items() if any(name.startswith("<dynamic") for name in imports_in(path))
    }

    assert dynamic == {"hooks.registry"}


def test_time_passes_in_one_place():
    # So that a test replaces one clock. The simulator has one of its own, which its users move.
    tellers = {
        f"{module}: {node.value.id}.{node.attr}"
        for module, path in MODULES.items()
        if not begins(module, "simulator") and module != "clock"
        for node in ast.walk(ast.parse((PACKAGE / path).read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if (node.value.id, node.attr)
        in {("time", "time"), ("time", "monotonic"), ("time", "sleep"), ("asyncio", "sleep")}
    }

    assert tellers == set()


def test_the_simulator_and_the_vendors_do_not_share_their_readings():
    # Two independent readings of the vendors' documents check each other.
    shared = [
        module
        for module in MODULES
        if begins(module, "simulator") and any(begins(each, "vendors") for each in ARROWS[module])
    ]

    assert shared == []


@pytest.mark.parametrize(
    "path",
    [
        "hooks.fax", "hooks.faxto", "hooks.interfax", "hooks.extrafax", "operators.fax", "sensors.fax", "triggers.fax",
        "fax", "vendors.faxto", "vendors.interfax", "simulator", "simulator.pytest_plugin", "exceptions",
    ],
)  # fmt: skip
def test_the_public_paths_stay(path):
    assert path in MODULES
