"""ExtraFax Cloud: InterFAX's twin."""

from __future__ import annotations

from airflow_provider_faxto.vendors.extrafax.vendor import ExtraFaxVendor

__all__ = ["ExtraFaxVendor"]
