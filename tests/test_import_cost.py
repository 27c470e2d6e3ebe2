"""A DAG file is parsed often: importing what it names brings in no HTTP client and no table of numbers."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"requests", "urllib3", "requests_toolbelt", "phonenumbers", "pypdf", "starlette", "uvicorn", "tenacity"}
DAG_IMPORTS = [
    "airflow_provider_faxto.operators.fax",
    "airflow_provider_faxto.sensors.fax",
    "airflow_provider_faxto.triggers.fax",
]


def imported_by(statement, after=""):
    """Import in a process of its own, and return the modules that the statement added."""
    code = (
        f"import sys\n{after}\nbefore = set(sys.modules)\n{statement}\n"
        "print('IMPORTED', *sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("IMPORTED"))
    return set(line.split()[1:])


@pytest.fixture(scope="module")
def by_a_dag():
    """What a DAG file's imports bring in beside what Airflow has brought in itself."""
    return imported_by(
        f"import {', '.join(DAG_IMPORTS)}",
        # Airflow's own imports differ between releases, and some bring in an HTTP client themselves.
        after=(
            "import airflow.triggers.base\n"
            "from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseSensorOperator, SkipMixin, conf"
        ),
    )


@pytest.mark.parametrize("library", sorted(HEAVY))
def test_a_dag_file_brings_in_no_heavy_library(by_a_dag, library):
    assert library not in by_a_dag


def test_a_dag_file_brings_in_no_hook_and_no_vendor(by_a_dag):
    ours = {name for name in by_a_dag if name.startswith("airflow_provider_faxto.")}

    assert set(DAG_IMPORTS) <= ours
    # How long a caller waits, and what empties the frames of an error; nothing else is needed to parse one.
    small = {f"airflow_provider_faxto.hooks.{name}" for name in ("frame_locals", "patience")}
    assert {name for name in ours if ".hooks." in name} <= small
    assert not {name for name in ours if ".vendors" in name or ".simulator" in name}


def test_the_language_of_fax_needs_the_standard_library_alone():
    foreign = {
        name
        for name in imported_by("import airflow_provider_faxto.fax")
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("airflow_provider_faxto")
    }

    assert foreign == set()


def test_the_vendors_need_no_http_client():
    imported = imported_by(
        "import airflow_provider_faxto.vendors.faxto, airflow_provider_faxto.vendors.interfax, "
        "airflow_provider_faxto.vendors.extrafax"
    )

    assert not imported & {*HEAVY, "airflow"}
