"""What the demo and the page share: an Airflow of their own below ``.airflow``, and the simulator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# A folder of one's own lets several stand side by side: make ui-test has one.
HOME = ROOT / os.environ.get("DEMO_HOME", ".airflow")
STARTED = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


def prepare(poll_interval: float) -> None:
    """Set the environment in which Airflow is then imported."""
    HOME.mkdir(exist_ok=True)
    os.environ.update(
        AIRFLOW_HOME=str(HOME),
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "example_dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME}/airflow.db",
        AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
        FAX_EXAMPLE_POLL_INTERVAL=str(poll_interval),
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    # Importing Airflow without compiled bytecode takes more than twice as long.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def airflow(*arguments: str) -> None:
    """Run one Airflow command; show what it printed only if it fails."""
    done = subprocess.run([sys.executable, "-m", "airflow", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"airflow {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-3000:]}")


def migrate() -> None:
    """Migrate the database, unless that was done for this release of Airflow."""
    done = HOME / f"migrated-{version('apache-airflow')}"
    if done.exists() and (HOME / "airflow.db").exists():
        say(f"The database below {HOME.name} is migrated already.")
        return
    say(f"Migrating Airflow's database below {HOME.name} (SQLite, about 20 s) ...")
    airflow("db", "migrate")
    done.touch()
