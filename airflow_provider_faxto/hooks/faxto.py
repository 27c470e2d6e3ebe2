"""The hook for Fax.to, with the calls that only Fax.to offers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.frame_locals import forgets_locals
from airflow_provider_faxto.vendors.faxto import FaxToVendor

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import FaxVendor, UploadedDocument
    from airflow_provider_faxto.vendors.faxto import StoredDocument

__all__ = ["FaxToHook"]


class FaxToHook(FaxHook):
    """Calls a Fax.to account; see :class:`~airflow_provider_faxto.hooks.fax.FaxHook`.

    :param fax_conn_id: a connection of type ``faxto``: its password is the API key. Default: ``faxto_default``.
    :param patience: see ``FaxHook``.
    """

    default_conn_name: ClassVar[str] = "faxto_default"
    conn_type: ClassVar[str] = "faxto"
    hook_name: ClassVar[str] = "Fax.to"
    vendor_class: ClassVar[type[FaxVendor]] = FaxToVendor

    @cached_property
    @forgets_locals
    def vendor(self) -> FaxToVendor:
        """Fax.to's side of this connection, without input and output."""
        return FaxToVendor.from_settings(self._settings)

    @forgets_locals
    def upload_document_from_url(self, url: str) -> UploadedDocument:
        """Let Fax.to fetch a document from a public URL.

        The URL reaches Fax.to's servers, so a presigned one gives them what it opens, and a fetch that fails
        there cannot be seen from here.

        :param url: where the document is; ``https://``.
        :return: the uploaded document.
        :raises FaxInputError: if the URL is not ``https://``.
        :raises FaxNotAllowedError: if the connection does not allow it.
        """
        self.gatekeeper.check_url(url)
        return self.gatekeeper.keep(self._once(self.vendor.upload_document_from_url(url)))

    def list_documents(self, *, page: int = 1, limit: int = 50) -> list[StoredDocument]:
        """List the documents that Fax.to holds.

        :param page: which page, counted from 1. Default: 1.
        :param limit: how many to ask for. Default: 50; the largest figure that Fax.to serves is not documented.
        :return: the documents of that page; empty after the last one.
        """
        return self._read(lambda: self.vendor.list_documents(page=page, limit=limit))
