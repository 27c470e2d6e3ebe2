"""The vendors of the package, from its provider info: what a test means by "every vendor"."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from airflow_provider_faxto.get_provider_info import get_provider_info
from airflow_provider_faxto.simulator.accounts import Accounts
from airflow_provider_faxto.simulator.connections import airflow_connections

if TYPE_CHECKING:
    from airflow_provider_faxto.hooks.fax import FaxHook


def _hook_class(path: str) -> type[FaxHook]:
    module, _, name = path.rpartition(".")
    hook_class: type[FaxHook] = getattr(import_module(module), name)
    return hook_class


HOOKS = {
    entry["connection-type"]: _hook_class(entry["hook-class-name"]) for entry in get_provider_info()["connection-types"]
}
"""The hook of each connection type."""

LABELS = {name: hook.vendor_class.label for name, hook in HOOKS.items()}
"""Each vendor's name as people write it."""

VENDORS = [name for name in HOOKS if name in airflow_connections("", Accounts())]
"""The connection types that the simulator serves."""
