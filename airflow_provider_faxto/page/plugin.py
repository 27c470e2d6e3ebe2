"""What Airflow loads: where the page is, and where it stands in the menu.

Every process of Airflow loads its plugins, so nothing else is imported here; the API server imports the rest with the
first request. Airflow before 3.1 has no place for a page, and is given nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]

__all__ = ["FaxesPlugin"]

_HAS_PAGES = hasattr(AirflowPlugin, "external_views")
_PREFIX = "/faxes"
# After a hash sign, where nothing is decoded on the way: Airflow 3.1 writes a run's id as it is.
_TASK = "#dag_id={DAG_ID}&run_id={RUN_ID}&task_id={TASK_ID}&map_index={MAP_INDEX}"
# Without a leading slash, so that they hold below a path of a proxy too.
_ICONS = {"icon": "faxes/icon.svg", "icon_dark_mode": "faxes/icon-dark.svg"}


async def _serve(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer a request; the first one imports what does."""
    from airflow_provider_faxto.page.api import app

    await app(scope, receive, send)


_APPS = [{"name": "Faxes", "app": _serve, "url_prefix": _PREFIX}]
_VIEWS = [
    {"name": "Faxes", "href": "faxes/", "url_route": "faxes", "destination": "nav", "category": "browse", **_ICONS},
    {"name": "Fax", "href": f"faxes/task{_TASK}", "url_route": "fax", "destination": "task_instance", **_ICONS},
]


class FaxesPlugin(AirflowPlugin):
    """The page, its data, and the tab of a task instance."""

    name = "faxes"
    fastapi_apps = _APPS if _HAS_PAGES else []
    external_views = _VIEWS if _HAS_PAGES else []
