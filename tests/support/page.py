"""Airflow's page, as far as it calls Airflow's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Call Airflow's API as its page does."""
    pytest.importorskip("airflow.api_fastapi", reason="Airflow before 3 has another page")
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")
    client = TestClient(create_app(apps="core"), base_url="http://testserver")
    user: Any = SimpleAuthManagerUser(username="admin", role="admin")
    headers = {"Authorization": f"Bearer {get_auth_manager().generate_jwt(user)}"}
    return lambda method, path, **options: client.request(method, f"/api/v2{path}", headers=headers, **options)
