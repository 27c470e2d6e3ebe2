"""What a vendor may let one set for a fax."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["SendOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """What a vendor may let one set for a fax. ``None`` leaves the account's own setting.

    A vendor takes some of these (``FaxVendor.send_options``); setting another one is an error, since a
    setting that is silently dropped is worse than none.

    :param sender_id: the text or number that the receiving machine shows as the sender (TSI, CSID).
    :param contact: a free text for the vendor's own lists, such as a department; it is not sent.
    :param page_size: ``a4``, ``letter``, ``legal`` or ``b4``.
    :param page_orientation: ``portrait`` or ``landscape``.
    :param resolution: ``standard`` or ``fine``.
    :param rendering: ``greyscale`` or ``bw``.
    :param page_header: the line at the top of each page, with the vendor's placeholders.
    :param reply_address: the e-mail address that the vendor reports to.
    :param retries_at_vendor: how often the vendor dials in all for this job, at least 1. It multiplies with
        Airflow's ``retries``: 4 here and 2 retries there ring one telephone up to 12 times.
    :param delete_after_sending: whether the vendor deletes the document once the fax has ended.
    """

    sender_id: str | None = None
    contact: str | None = None
    page_size: str | None = None
    page_orientation: str | None = None
    resolution: str | None = None
    rendering: str | None = None
    page_header: str | None = None
    reply_address: str | None = None
    retries_at_vendor: int | None = None
    delete_after_sending: bool | None = None

    @property
    def names_set(self) -> list[str]:
        """The names of the options that are set."""
        return [option.name for option in fields(self) if getattr(self, option.name) is not None]
