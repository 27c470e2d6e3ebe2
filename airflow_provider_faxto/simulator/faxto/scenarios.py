"""What becomes of a fax at the simulated Fax.to: the test numbers, and the words for each fate.

Fax.to has no test numbers of its own. These are from the range 555-0100 to 555-0199, which the North American
numbering plan keeps for fiction. The six messages are the documented ones of the delivery receipt; that the
status call uses the same words for failures is inference, as no document shows such an answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_faxto.simulator.timeline import Script, Stage

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.settings import Settings

__all__ = ["FATES", "IN_PROGRESS", "REFUSED_NUMBER", "TEST_NUMBERS", "Fate", "fate_of", "script_for"]

IN_PROGRESS = "in_progress"
"""The state of a fax that has not ended."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One way in which a fax ends.

    :param state: its name in scripts.
    :param message: the status call's ``message``.
    :param row_status: the ``status`` of its row in the history, and of the delivery receipt.
    :param delivered: whether the fax has arrived.
    :param ends: whether it ends at all.
    :param msg_code: the delivery receipt's ``msg_code``, if it is not the name.
    :param receipt_message: the delivery receipt's ``message``, if it is not the status call's.
    """

    state: str
    message: str
    row_status: str
    delivered: bool = False
    ends: bool = True
    msg_code: str | None = None
    receipt_message: str | None = None


_OK = Fate(
    "ok",
    "Sent! Fax Has Been Answered.",
    "success",
    delivered=True,
    receipt_message="Success! Your fax has been sent!",
)

_TEST_FATES: dict[str, Fate] = {
    "12025550100": _OK,
    "12025550101": Fate("no_answer", "Fax Failed - No Answer from Fax machine", "failed"),
    "12025550102": Fate("busy", "Fax Failed - Line Busy", "failed"),
    "12025550103": Fate("hangup", "Fax Failed - Early Hangup", "failed"),
    "12025550104": Fate("file_error", "Fax Failed - File conversion failed. Re-upload and Retry", "failed"),
    "12025550105": Fate("unknown", "Fax Failed - Unknown Error", "failed"),
    "12025550106": Fate("never_ends", "", IN_PROGRESS, ends=False),
    "12025550107": Fate("undocumented", "Job concluded with remark 17", "concluded"),
    "12025550108": Fate("undocumented_failed", "Job concluded with remark 18", "failed"),
    "12025550109": Fate("undocumented_ok", "Job concluded with remark 19", "success", delivered=True),
    "12025550110": Fate("busy_remark", "Fax Failed - Line Busy (3 attempts)", "failed", msg_code="busy"),
}

REFUSED_NUMBER = "12025550111"
"""A send to this number is refused at once; nothing is accepted."""

TEST_NUMBERS: dict[str, str] = {f"+{digits}": fate.state for digits, fate in _TEST_FATES.items()} | {
    f"+{REFUSED_NUMBER}": "refused"
}
"""What becomes of a fax to each test number, by the name of its fate. Every other number ends ``ok``."""

FATES: dict[str, Fate] = {fate.state: fate for fate in _TEST_FATES.values()}
"""Every fate by its name."""


def fate_of(digits: str) -> Fate | None:
    """Tell the fate of a fax by its recipient.

    :param digits: the recipient's digits, country code first.
    :return: the fate, or ``None`` if the send is refused.
    """
    return None if digits == REFUSED_NUMBER else _TEST_FATES.get(digits, _OK)


def script_for(fate: Fate, pages: int, settings: Settings) -> Script:
    """Write the script of a fate.

    :param fate: how it ends.
    :param pages: the pages of the document.
    :param settings: the durations.
    :return: the script. Fax.to tells nothing of attempts and pages, so the script counts no attempts.
    """
    seconds = settings.faxto_seconds_ok if fate.delivered else settings.faxto_seconds_failed
    stage = Stage(IN_PROGRESS, seconds if fate.ends else math.inf)
    return Script((stage,), fate.state, pages_sent=pages if fate.delivered else 0, delivered=fate.delivered)
