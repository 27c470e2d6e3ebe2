"""Fax.to: what the hook and users of the package may take of it."""

from __future__ import annotations

from airflow_provider_faxto.vendors.faxto.messages import MESSAGE_CODES, MessageCode
from airflow_provider_faxto.vendors.faxto.records import StoredDocument
from airflow_provider_faxto.vendors.faxto.vendor import FaxToVendor

__all__ = ["MESSAGE_CODES", "FaxToVendor", "MessageCode", "StoredDocument"]
