"""Delivery receipts: what a vendor POSTs to its customer's address when a fax has ended, and when.

Nothing here waits or sends. When a receipt is due is a pure function of the fax's timeline and of the responses so far;
:mod:`~airflow_provider_faxto.simulator.callbacks.delivery` posts it.

Documented for Fax.to: a form with the job's id, status, reason and message, again every 15 minutes until the
response is 200, for 48 hours at most. Documented for InterFAX: one form when processing ends, with the record's
values and times as ``dd/mm/yyyy hh:mm:ss`` in GMT. That ExtraFax does the same, and what is sent where InterFAX
has no value, is inference.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.faxto.scenarios import SCENARIOS
from airflow_provider_faxto.simulator.interfax.responses import full_record, submitted_at

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.models import Fax
    from airflow_provider_faxto.simulator.settings import Settings

__all__ = ["Delivery", "Receipt", "receipt_for"]

_REPEAT_SECONDS = 15 * 60.0
_EXPIRY_SECONDS = 48 * 3600.0
_FAXTO_TRIES = int(_EXPIRY_SECONDS / _REPEAT_SECONDS)
_OK = 200
_INTERFAX_FIELDS = {
    "TransactionID": "id",
    "Contact": "contact",
    "CostPerUnit": "costPerUnit",
    "DestinationFax": "destinationFax",
    "Duration": "duration",
    "PagesSent": "pagesSent",
    "PagesSubmitted": "pagesSubmitted",
    "RemoteCSID": "remoteCSID",
    "Status": "status",
    "Subject": "subject",
    "Units": "units",
    "UserID": "userId",
}
"""The callback's names for values of the fax record."""


@dataclass(slots=True)
class Receipt:
    """The receipt of one fax.

    :param fax: the fax.
    :param url: where it goes.
    :param settings: the settings of the moment in which the fax was accepted.
    :param responses: the HTTP status of each response so far; ``None`` where none came.
    """

    fax: Fax
    url: str
    settings: Settings
    responses: list[int | None] = field(default_factory=list)

    @property
    def due_at(self) -> float | None:
        """When it is delivered next, in simulated time: infinite for a fax that never ends, ``None`` after the last."""
        tries, wanted = 1, 1
        if self.fax.vendor == "faxto":
            tries, wanted = _FAXTO_TRIES, 1 + self.settings.faxto_callback_duplicates
        if len(self.responses) >= tries or self.responses.count(_OK) >= wanted:
            return None
        return self.fax.final_at + len(self.responses) * _REPEAT_SECONDS

    def is_due(self, now: float) -> bool:
        """Check whether it is to be delivered now.

        :param now: the simulated time.
        :return: whether a delivery is due and the status call gives the final status too. Sums of durations are
            rounded, and a receiver that asks at once must not get a status in progress.
        """
        due_at = self.due_at
        return due_at is not None and due_at <= now and self.fax.at(now).is_final

    def form(self) -> dict[str, str]:
        """Write the form that is posted. A fax that never ends has none.

        :return: the form's fields.
        """
        return self._faxto_form() if self.fax.vendor == "faxto" else self._interfax_form()

    def _faxto_form(self) -> dict[str, str]:
        scenario = SCENARIOS[str(self.fax.timeline.final)]
        form = {"fax_job_id": str(self.fax.id), "status": scenario.row_status}
        if self.settings.faxto_callback_msg_code:
            form["msg_code"] = scenario.msg_code or scenario.state
        if self.settings.faxto_callback_message:
            form["message"] = scenario.receipt_message or scenario.message
        return form

    def _interfax_form(self) -> dict[str, str]:
        # Only the record's address depends on the request, and the callback does not have it.
        record = full_record("", self.fax, self.fax.timeline.end, self.settings)
        values = {"TransactionIDType": "Outbound"} | {name: record[key] for name, key in _INTERFAX_FIELDS.items()}
        values["CompletionTime"] = f"{utc(self.fax.final_at):%d/%m/%Y %H:%M:%S}"
        values["SubmitTime"] = f"{utc(submitted_at(self.fax, self.settings)):%d/%m/%Y %H:%M:%S}"
        return {name: str(value) if value is not None else "" for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a receipt, for a test to check.

    :param time: when it was sent, in simulated time.
    :param due_at: when it was due. After the clock was moved on deliveries are late; none is left out.
    :param vendor: the vendor that posts it.
    :param job_id: the id of the fax.
    :param attempt: 1 for the first delivery of this receipt.
    :param http_status: the HTTP status of the response; ``None`` if none came.
    """

    time: float
    due_at: float
    vendor: str
    job_id: int
    attempt: int
    http_status: int | None

    def to_dict(self) -> dict[str, Any]:
        """Give everything known about the delivery.

        :return: plain JSON types.
        """
        times = {"time": utc(self.time).isoformat(), "due_at": utc(self.due_at).isoformat()}
        return asdict(self) | times | {"job_id": str(self.job_id)}


def receipt_for(fax: Fax, settings: Settings) -> Receipt | None:
    """Begin the receipt of a fax that is being accepted.

    :param fax: the fax.
    :param settings: the settings in force.
    :return: the receipt; ``None`` if no callback address is set for the fax's vendor.
    """
    url = settings.faxto_callback_url if fax.vendor == "faxto" else settings.interfax_callback_url
    return Receipt(fax, url, settings) if url is not None else None
