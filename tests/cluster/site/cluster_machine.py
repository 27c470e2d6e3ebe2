"""The name of the machine that a process of the cluster stands for, so that Airflow's records tell them apart."""

from __future__ import annotations

import os


def name() -> str:
    """Give the name; Airflow's ``[core] hostname_callable`` is this."""
    return os.environ["FAX_CLUSTER_MACHINE"]
