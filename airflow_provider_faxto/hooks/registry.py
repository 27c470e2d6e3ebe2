"""Which hook a connection type has: one of this distribution, or of one that is installed beside it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_faxto.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseHook

__all__ = ["find_hook_class", "name_account"]

HookT = TypeVar("HookT", bound="BaseHook")

_VENDORS_GROUP = "airflow_provider_faxto.vendors"


@cache
def find_hook_class(conn_type: str, base: type[HookT]) -> type[HookT]:
    """Find the hook of a connection type: in this distribution, else in one that is installed beside it.

    :param conn_type: the connection type.
    :param base: the class that a hook of another distribution must be made of.
    :return: the hook's class.
    :raises LookupError: if there is none, if several distributions register one, or if the one that is registered
        cannot be used. Its text is the end of a sentence that begins with the connection.
    """
    hooks = {entry["connection-type"]: entry["hook-class-name"] for entry in get_provider_info()["connection-types"]}
    if conn_type in hooks:
        module, _, name = hooks[conn_type].rpartition(".")
        built_in: type[HookT] = getattr(import_module(module), name)
        return built_in
    registered = {point.value: point for point in entry_points(group=_VENDORS_GROUP, name=conn_type)}
    if not registered:
        known = sorted({*hooks, *entry_points(group=_VENDORS_GROUP).names})
        raise LookupError(f"is of type {conn_type!r}. A fax needs one of type {', '.join(known)}.")
    paths = ", ".join(sorted(registered))
    if len(registered) > 1:
        raise LookupError(f"is of type {conn_type!r}, which several hooks are registered for: {paths}. Keep one.")
    [point] = registered.values()
    problem = "is not a FaxHook of this connection type"
    try:
        found = point.load()
        if isinstance(found, type) and issubclass(found, base) and getattr(found, "conn_type", None) == conn_type:
            return found
    except (ImportError, AttributeError, TypeError) as error:
        problem = f'cannot be imported ({type(error).__name__}); python -c "import {point.module}" says why'
    raise LookupError(f"is of type {conn_type!r}, but {paths}, the hook registered for it, {problem}.")


def name_account(conn_type: str, fax_conn_id: str) -> str:
    """Name an account for people, without looking at the connection.

    :param conn_type: the connection type, or anything else where it is not known.
    :param fax_conn_id: the connection.
    :return: the vendor and the connection, such as ``InterFAX (clinic_fax)``.
    """
    names = {entry["connection-type"]: entry["hook-name"] for entry in get_provider_info()["connection-types"]}
    return f"{names.get(conn_type, conn_type)} ({fax_conn_id})"
