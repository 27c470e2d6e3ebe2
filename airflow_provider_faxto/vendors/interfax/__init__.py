"""InterFAX: what the hook, its twin ExtraFax and users of the package may take of it."""

from __future__ import annotations

from airflow_provider_faxto.vendors.interfax.vendor import FaxImage, InterFaxVendor

__all__ = ["FaxImage", "InterFaxVendor"]
