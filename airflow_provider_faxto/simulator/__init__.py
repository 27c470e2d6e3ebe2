"""Fax.to, InterFAX and ExtraFax on loopback: for demos, for this project's tests and for yours.

It needs the extra ``airflow-provider-faxto[simulator]``. It imports the language of fax
(:mod:`airflow_provider_faxto.fax`) and no vendor module: client and simulator are two readings of the vendors'
documents, and each checks the other.
"""

from __future__ import annotations

try:
    from airflow_provider_faxto.simulator.accounts import Accounts
    from airflow_provider_faxto.simulator.clock import Clock
    from airflow_provider_faxto.simulator.server import SimulatorServer
    from airflow_provider_faxto.simulator.settings import Settings
    from airflow_provider_faxto.simulator.simulator import Simulator, create_app
except ModuleNotFoundError as error:
    if error.name not in ("starlette", "uvicorn", "python_multipart"):
        raise
    raise ModuleNotFoundError(
        f"The simulator needs {error.name}: pip install 'airflow-provider-faxto[simulator]'.", name=error.name
    ) from error

__all__ = ["Accounts", "Clock", "Settings", "Simulator", "SimulatorServer", "create_app"]
