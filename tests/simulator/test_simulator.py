from __future__ import annotations

import ast
from pathlib import Path

import airflow_provider_faxto.simulator as package
from airflow_provider_faxto.simulator import Simulator, create_app


def test_the_application_can_be_served_elsewhere():
    assert callable(create_app())
    assert callable(Simulator().app)


def imports():
    """What each module of the simulator imports of Airflow and of this package, wherever in it the import stands."""
    folder = Path(package.__file__).parent
    found = {}
    for path in folder.rglob("*.py"):
        names = found[str(path.relative_to(folder))] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
    return {module: {name for name in names if name.startswith("airflow")} for module, names in found.items()}


def test_the_simulator_imports_the_language_of_fax_alone():
    own = set().union(*imports().values())
    assert own
    assert all(name.startswith(("airflow_provider_faxto.fax.", "airflow_provider_faxto.simulator.")) for name in own)


def test_callbacks_are_imported_where_the_routes_are_put_together_and_nowhere_else():
    callbacks = "airflow_provider_faxto.simulator.callbacks"
    modules = {module for module, names in imports().items() if any(name.startswith(callbacks) for name in names)}
    assert {module for module in modules if not module.startswith("callbacks")} == {"simulator.py"}
