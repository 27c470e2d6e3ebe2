"""The hook for InterFAX, with the calls that InterFAX and ExtraFax Cloud offer beyond the common ones."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.frame_locals import forgets_locals
from airflow_provider_faxto.vendors.interfax import InterFaxVendor

if TYPE_CHECKING:
    from airflow_provider_faxto.vendors.base import FaxJob, FaxVendor
    from airflow_provider_faxto.vendors.interfax import FaxImage

__all__ = ["InterFaxHook"]


class InterFaxHook(FaxHook):
    """Calls an InterFAX account; see :class:`~airflow_provider_faxto.hooks.fax.FaxHook`.

    InterFAX answers six status requests a minute for an account and refuses the seventh.

    :param fax_conn_id: a connection of type ``interfax``: user name and password. Default: ``interfax_default``.
    :param patience: see ``FaxHook``.
    """

    default_conn_name: ClassVar[str] = "interfax_default"
    conn_type: ClassVar[str] = "interfax"
    hook_name: ClassVar[str] = "InterFAX"
    vendor_class: ClassVar[type[FaxVendor]] = InterFaxVendor

    @cached_property
    @forgets_locals
    def vendor(self) -> InterFaxVendor:
        """InterFAX's side of this connection, without input and output."""
        vendor = self.vendor_class.from_settings(self._settings)
        assert isinstance(vendor, InterFaxVendor)  # noqa: S101 - tells mypy what vendor_class is here
        return vendor

    @forgets_locals
    def resend_fax(self, job_id: str, fax_number: str | None = None) -> FaxJob:
        """Send the stored document of an earlier fax job again, as a new job.

        Neither options nor a reference can be passed, so the new job cannot be found by its key. Prefer
        :meth:`send_fax` wherever the document is still at hand.

        :param job_id: the earlier job; its document is kept for 14 days.
        :param fax_number: another recipient. Default: the same.
        :return: the new fax job.
        :raises FaxNotFoundError: if the job or its document is gone.
        :raises FaxNotAllowedError: if the connection does not allow it. Where it has rules for numbers or documents
            and no recipient is given, nothing tells which ones these are, so it is refused.
        :raises FaxUncertainSendError: if the request left and no readable answer came back.
        """
        number = self.parse_fax_number(fax_number) if fax_number is not None else None
        self.gatekeeper.check_stored("the stored document of an earlier fax job")
        self.gatekeeper.check_recipient(number)
        return self._once(self.vendor.resend_fax(job_id, number))

    def hide_fax(self, job_id: str) -> None:
        """Take a fax job out of InterFAX's lists and search. It cannot be undone.

        A hidden job cannot be found by its key either, so a second run of its task could no longer tell that
        the fax was sent.

        :param job_id: the job.
        :raises FaxNotFoundError: if InterFAX does not know the job.
        """
        self._once(self.vendor.hide_fax(job_id))

    def get_fax_image(self, job_id: str) -> FaxImage:
        """Fetch the pages as they were sent.

        :param job_id: the job; its image is kept for 14 days.
        :return: the image: TIFF, or PDF by the account's setting.
        :raises FaxNotFoundError: if there is no image, or none yet: rendering takes some seconds.
        """
        return self._read(lambda: self.vendor.get_fax_image(job_id))
