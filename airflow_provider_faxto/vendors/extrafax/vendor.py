"""ExtraFax Cloud: InterFAX's service under another name, at a host that the user names.

Its help pages have InterFAX's status codes, limits and words, so it is called as InterFAX is. No page names an API
host or describes an API: that it is InterFAX's is our inference, and the host must come from ExtraFax itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_faxto.vendors.interfax import InterFaxVendor

if TYPE_CHECKING:
    from airflow_provider_faxto.fax.codes import StatusCode

__all__ = ["ExtraFaxVendor"]


class ExtraFaxVendor(InterFaxVendor):
    """ExtraFax Cloud's account of one connection; see
    :class:`~airflow_provider_faxto.vendors.interfax.InterFaxVendor`.
    """

    name: ClassVar[str] = "extrafax"
    label: ClassVar[str] = "ExtraFax Cloud"
    default_host: ClassVar[str | None] = None
    times_are_utc: ClassVar[bool] = False

    @classmethod
    def _describe_code(cls, entry: StatusCode) -> str:
        # Says so where the code is on InterFAX's page but not on ExtraFax's.
        return entry.description
