"""dbt Cloud's trigger, whose hook speaks ``https`` alone, led to ``http``, which spares it a handshake for each request.

Airflow's triggerer can load the trigger from here, where it is the provider's own class.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.dbt.cloud.hooks.dbt import DbtCloudHook
from airflow.providers.dbt.cloud.triggers.dbt import DbtCloudRunJobTrigger

__all__ = ["DbtCloudRunJobTrigger"]

_with_tls = DbtCloudHook.get_request_url_params


def _without_tls(*args: Any) -> tuple[str, dict[str, Any]]:
    url, params = _with_tls(*args)
    return url.replace("https://", "http://", 1), params


DbtCloudHook.get_request_url_params = staticmethod(_without_tls)
