"""Who may read what: an auth manager of Airflow's own kind, with rights for each DAG."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class OneClinicEach(SimpleAuthManager):
    """The admin may read every DAG, ``reader`` those that begin with ``clinic_``, ``stranger`` none."""

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        name = user.get_name()
        if name == "admin":
            return True
        if name == "stranger":
            return False
        return details is None or details.id is None or details.id.startswith("clinic_")

    def filter_authorized_dag_ids(self, *, dag_ids: set[str], user: Any, **more: Any) -> set[str]:
        from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails

        return {
            each for each in dag_ids if self.is_authorized_dag(method="GET", user=user, details=DagDetails(id=each))
        }
