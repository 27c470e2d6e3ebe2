"""ExtraFax Cloud, InterFAX's twin: what the hook and users of the package may take of it."""

from __future__ import annotations

from airflow_provider_faxto.vendors.extrafax.vendor import ExtraFaxVendor

__all__ = ["ExtraFaxVendor"]
