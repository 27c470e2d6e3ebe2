"""Runs the command: ``python -m airflow_provider_faxto --help``."""

from __future__ import annotations

from airflow_provider_faxto.cli.main import main_and_exit

if __name__ == "__main__":
    main_and_exit()
