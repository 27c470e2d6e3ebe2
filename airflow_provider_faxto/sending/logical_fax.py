"""What a task wants to happen once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.options import SendOptions

__all__ = ["LogicalFax"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicalFax:
    """One document (or several, as one fax) for one recipient from one task instance.

    ``repr()`` shows neither the options nor what the documents are called, and it cannot be pickled.

    :param key: what the vendor stores with it; see :func:`airflow_provider_faxto.fax.key.logical_fax_key`.
    :param fax_number: the recipient.
    :param documents: what to send, in order.
    :param options: what to set at the vendor.
    :param resend_of: the key that the fax would have without ``resend``, where that is set. Default: it is not.
    :param is_users_key: whether the user's ``idempotency_key`` says whose fax it is. Then other tasks and DAG runs
        may have sent it, so that the first run looks too. Default: ``False``.
    """

    key: str
    fax_number: FaxNumber
    documents: Sequence[FaxDocument]
    options: SendOptions = field(repr=False)
    resend_of: str | None = None
    is_users_key: bool = False

    def __reduce__(self) -> NoReturn:
        raise TypeError("A logical fax holds its recipient and is not pickled. Make it anew from the task.")
