"""The folder that a harness lives in, and the Airflow that it loads there, once for all its forks."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a folder, and remove it with all that is in it."""
    # A database in memory, where the machine has a file system for that, saves half of the time.
    memory = Path("/dev/shm")
    home = Path(tempfile.mkdtemp(prefix="fax-torture-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def set_environment(home: Path, dags: Path) -> None:
    """Point Airflow to the folder; to be called before it is imported.

    :param home: the folder.
    :param dags: the folder of the DAG.
    """
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(dags.resolve()),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL="http://in-process.invalid/",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        # Nobody is asked for a token; the in-process API wants a key all the same.
        AIRFLOW__API_AUTH__JWT_SECRET="torture" * 10,
        # No connection may be shared by a fork.
        AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_ENABLED="False",
        AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="INFO",
    )


def load_airflow(dag_id: str) -> object:
    """Make the database and import all that a task run needs.

    :param dag_id: the DAG whose tasks are run.
    :return: this release's ``Airflow``.
    """
    from importlib.metadata import version

    from airflow.utils.db import initdb

    initdb()
    if version("apache-airflow").startswith("2."):
        from harness.airflow2 import Airflow
    else:
        from harness.airflow3 import Airflow
    _import_what_children_need()
    return Airflow(dag_id)


def use_own_database(home: Path, name: str) -> None:
    """Let this process, and those that it forks, use a copy of the database.

    :param home: the folder.
    :param name: what the copy is called. One that exists already is used again.
    """
    from airflow import settings

    path = home / f"airflow-{name}.db"
    if not path.exists():
        shutil.copy(home / "airflow.db", path)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{path}"
    settings.configure_vars()
    settings.configure_orm()


def _import_what_children_need() -> None:
    from airflow_provider_faxto.fax.numbers import parse_fax_number

    parse_fax_number("+12025550100", None)
