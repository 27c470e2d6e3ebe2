"""The hook for ExtraFax Cloud: InterFAX's API at a host that the connection names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_faxto.hooks.interfax import InterFaxHook
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import FaxVendor

__all__ = ["ExtraFaxHook"]


class ExtraFaxHook(InterFaxHook):
    """Calls an ExtraFax Cloud account; see :class:`~airflow_provider_faxto.hooks.fax.FaxHook`.

    :param fax_conn_id: a connection of type ``extrafax``: host, user name and password. ExtraFax documents no
        API host, so the host has no default. Default: ``extrafax_default``.
    :param patience: see ``FaxHook``.
    """

    default_conn_name: ClassVar[str] = "extrafax_default"
    conn_type: ClassVar[str] = "extrafax"
    hook_name: ClassVar[str] = "ExtraFax Cloud"
    vendor_class: ClassVar[type[FaxVendor]] = ExtraFaxVendor
