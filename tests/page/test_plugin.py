"""Where the page stands in Airflow, and that it costs nothing where it is not looked at."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from page.conftest import HAS_PAGES

from airflow_provider_faxto.page.plugin import FaxesPlugin

needs_pages = pytest.mark.skipif(not HAS_PAGES, reason="Airflow has pages of plugins from 3.1 on")


def test_airflow_finds_the_plugin_by_itself():
    from airflow import plugins_manager

    (point,) = (each for each in entry_points(group="airflow.plugins") if each.dist.name == "airflow-provider-faxto")
    plugins_manager.ensure_plugins_loaded()

    assert point.load() is FaxesPlugin
    loaded = getattr(plugins_manager, "plugins", None)
    if loaded is None:
        loaded = plugins_manager._get_plugins()[0]
    assert "faxes" in {plugin.name for plugin in loaded}


def test_an_airflow_without_pages_is_given_nothing():
    assert bool(FaxesPlugin.external_views) is bool(FaxesPlugin.fastapi_apps) is HAS_PAGES


@needs_pages
def test_every_address_is_relative():
    addresses = [view[name] for view in FaxesPlugin.external_views for name in ("href", "icon", "icon_dark_mode")]

    assert addresses
    assert not [address for address in addresses if address.startswith("/") or ":" in address]


@needs_pages
def test_airflow_shows_the_page_and_the_tab(visit):
    (plugin,) = (plugin for plugin in visit().get("/api/v2/plugins").json()["plugins"] if plugin["name"] == "faxes")

    views = {view["destination"]: view for view in plugin["external_views"]}
    assert {name: view["name"] for name, view in views.items()} == {"nav": "Faxes", "task_instance": "Fax"}
    for name in ("{DAG_ID}", "{RUN_ID}", "{TASK_ID}", "{MAP_INDEX}"):
        assert name in views["task_instance"]["href"]
    for view in views.values():
        for address in (view["href"].partition("#")[0], view["icon"], view["icon_dark_mode"]):
            assert visit().get(f"/{address}").status_code == 200


def test_a_process_that_loads_plugins_imports_no_more_than_where_the_page_is():
    code = (
        "import sys\nimport airflow_provider_faxto\nfrom airflow.providers.common.compat.sdk import AirflowPlugin\n"
        "before = set(sys.modules)\n"
        "import airflow_provider_faxto.page.plugin\n"
        "print('IMPORTED', *sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)

    imported = set(done.stdout.rpartition("IMPORTED")[2].split())
    assert imported == {"airflow_provider_faxto.page", "airflow_provider_faxto.page.plugin"}
