"""Build the wheel, install it into an environment that holds nothing else, and use it as a user would.

Called by ``make wheel-test`` with the lock file, which pins what the wheel's own requirements pull in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

USE = """
import airflow_provider_faxto, pathlib
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor
from airflow_provider_faxto.triggers.fax import FaxStatusTrigger
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.simulator.server import SimulatorServer

package = pathlib.Path(airflow_provider_faxto.__file__).parent
assert (package / "py.typed").exists(), "the wheel lacks py.typed"
with SimulatorServer() as server:
    import json, os
    os.environ["AIRFLOW_CONN_INTERFAX_DEFAULT"] = json.dumps(server.connection("interfax"))
    print(FaxHook.for_connection("interfax_default").test_connection())
"""


def main(lock: str) -> int:
    """Run the check; return the exit code."""
    uv = str(Path(sys.executable).parent / "uv")
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "AIRFLOW_HOME": f"{scratch}/airflow", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        python = f"{scratch}/venv/bin/python"

        def run(*command: str, cwd: str = scratch) -> str:
            done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, env=environment)
            if done.returncode:
                sys.exit(f"{' '.join(command[:4])} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
            return done.stdout

        print("Building the wheel ...", flush=True)
        run(uv, "build", "--quiet", "--wheel", "--out-dir", scratch, cwd=str(ROOT))
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as opened:
            (name,) = (each for each in opened.namelist() if each.endswith(".dist-info/METADATA"))
            metadata = opened.read(name).decode()
        if dead := re.findall(r"\]\((?!https?:|#)[^)]*\)", metadata):
            sys.exit(f"An index would show links that lead nowhere: {dead}")
        if "](docs/" in metadata or "(`docs/" not in metadata:
            sys.exit("The text for an index does not name the files that README links to.")
        print(f"Installing {wheel.name} into an empty environment ...", flush=True)
        run(uv, "venv", "--quiet", "--python", sys.executable, f"{scratch}/venv")
        run(
            *(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python),
            *("--constraint", str(ROOT / lock), f"{wheel}[simulator]"),
        )
        print(run(python, "-c", USE).strip().splitlines()[-1])
        run(python, "-m", "airflow", "db", "migrate")
        info = run(python, "-m", "airflow", "providers", "get", "airflow-provider-faxto", "--output", "json")
        hooks = run(python, "-m", "airflow", "providers", "hooks", "--output", "json")
        for wanted, text in (("airflow-provider-faxto", info), *((name, hooks) for name in ("faxto", "interfax"))):
            if wanted not in text:
                sys.exit(f"Airflow does not show {wanted}:\n{text}")
        print("Airflow lists the provider and its hooks.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
