"""The layers: each imports only those above it, wherever in a file the import stands."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import airflow_provider_faxto

NAME = "airflow_provider_faxto"
PACKAGE = Path(airflow_provider_faxto.__file__).parent
SURFACE = {"fax", "hooks", "triggers", "sensors", "operators"}
# What each part of the package may import of the package, by the first name below it.
ALLOWED = {
    "fax": {"fax"},
    "vendors": {"fax", "vendors"},
    "hooks": {"fax", "vendors", "hooks", "get_provider_info", "__version__"},
    "triggers": SURFACE,
    "sensors": SURFACE,
    "operators": SURFACE | {"vendors.base"},
    "simulator": {"fax", "simulator"},
    "get_provider_info": set(),
    "__init__": set(),
}
HTTP_CLIENTS = {"requests", "requests_toolbelt", "urllib3", "httpx", "aiohttp", "http.client", "urllib.request"}
IO = {"socket", "ssl", "subprocess", "sqlite3", "pathlib", "os", "io", *HTTP_CLIENTS}
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def part_of(path):
    return path.parts[0].removesuffix(".py")


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


def begins(module, name):
    return module == name or module.startswith(f"{name}.")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_file_imports_only_the_layers_above_it(path):
    ours = [module.removeprefix(f"{NAME}.") for module in imports_in(path) if begins(module, NAME)]

    wrong = [module for module in ours if not any(begins(module, allowed) for allowed in ALLOWED[part_of(path)])]
    assert wrong == []


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in {"fax", "vendors", "simulator"}], ids=str)
def test_what_stands_without_airflow_imports_none(path):
    assert [module for module in imports_in(path) if begins(module, "airflow")] == []


@pytest.mark.parametrize("path", [path for path in FILES if part_of(path) in {"fax", "vendors"}], ids=str)
def test_what_does_no_input_and_output_imports_no_means_of_it(path):
    # FaxDocument.from_bytes() gives bytes in memory as a file.
    allowed = {"io"} if path == Path("fax/documents.py") else set()

    assert [module for module in imports_in(path) if any(begins(module, each) for each in IO - allowed)] == []


def test_the_network_is_touched_in_one_file_and_by_the_simulators_receipts():
    clients = {
        str(path)
        for path in FILES
        if any(begins(module, client) for module in imports_in(path) for client in HTTP_CLIENTS)
    }

    assert clients == {"http/transport.py", "simulator/callbacks/delivery.py"}


def test_modules_are_found_by_name_in_one_place():
    # There the connection's type chooses the hook, from the provider info.
    dynamic = {str(path) for path in FILES if any(module.startswith("<dynamic") for module in imports_in(path))}

    assert dynamic == {"hooks/fax.py"}


def test_every_file_belongs_to_a_layer():
    assert {part_of(path) for path in FILES} <= set(ALLOWED)


def test_the_simulator_and_the_vendors_do_not_share_their_readings():
    # Two independent readings of the vendors' documents check each other.
    for path in FILES:
        if part_of(path) == "simulator":
            assert not [module for module in imports_in(path) if begins(module, f"{NAME}.vendors")]
