"""What becomes of a fax at the simulated Fax.to: the test numbers, and how a fax to each ends.

Fax.to has no test numbers of its own. These are from the range 555-0100 to 555-0199, which the North American
numbering plan keeps for fiction. The six messages are the documented ones of the delivery receipt; that the
status call uses the same words for failures is inference, as no document shows such a response.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_faxto.simulator.timeline import Stage, Timeline

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.settings import Settings

__all__ = ["IN_PROGRESS", "REFUSED_NUMBER", "SCENARIOS", "TEST_NUMBERS", "Scenario", "scenario_of", "timeline_for"]

IN_PROGRESS = "in_progress"
"""The state of a fax that has not ended."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which a fax ends.

    :param state: its name, and the final state of its timeline.
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


_OK = Scenario(
    "ok",
    "Sent! Fax Has Been Answered.",
    "success",
    delivered=True,
    receipt_message="Success! Your fax has been sent!",
)

_TEST_SCENARIOS: dict[str, Scenario] = {
    "12025550100": _OK,
    "12025550101": Scenario("no_answer", "Fax Failed - No Answer from Fax machine", "failed"),
    "12025550102": Scenario("busy", "Fax Failed - Line Busy", "failed"),
    "12025550103": Scenario("hangup", "Fax Failed - Early Hangup", "failed"),
    "12025550104": Scenario("file_error", "Fax Failed - File conversion failed. Re-upload and Retry", "failed"),
    "12025550105": Scenario("unknown", "Fax Failed - Unknown Error", "failed"),
    "12025550106": Scenario("never_ends", "", IN_PROGRESS, ends=False),
    "12025550107": Scenario("undocumented", "Job concluded with remark 17", "concluded"),
    "12025550108": Scenario("undocumented_failed", "Job concluded with remark 18", "failed"),
    "12025550109": Scenario("undocumented_ok", "Job concluded with remark 19", "success", delivered=True),
    "12025550110": Scenario("busy_remark", "Fax Failed - Line Busy (3 attempts)", "failed", msg_code="busy"),
}

REFUSED_NUMBER = "12025550111"
"""A send to this number is refused at once; nothing is accepted."""

TEST_NUMBERS: dict[str, str] = {f"+{digits}": scenario.state for digits, scenario in _TEST_SCENARIOS.items()} | {
    f"+{REFUSED_NUMBER}": "refused"
}
"""What becomes of a fax to each test number, by the name of its scenario. Every other number ends ``ok``."""

SCENARIOS: dict[str, Scenario] = {scenario.state: scenario for scenario in _TEST_SCENARIOS.values()}
"""Every scenario by its name."""


def scenario_of(digits: str) -> Scenario | None:
    """Choose the scenario of a fax by its recipient.

    :param digits: the recipient's digits, country code first.
    :return: the scenario; ``None`` if the send is refused.
    """
    return None if digits == REFUSED_NUMBER else _TEST_SCENARIOS.get(digits, _OK)


def timeline_for(scenario: Scenario, pages: int, settings: Settings) -> Timeline:
    """Make the timeline of a scenario.

    :param scenario: how it ends.
    :param pages: the pages of the document.
    :param settings: the durations.
    :return: the timeline. It counts no attempts, since Fax.to reports none.
    """
    seconds = settings.faxto_seconds_ok if scenario.delivered else settings.faxto_seconds_failed
    stage = Stage(IN_PROGRESS, seconds if scenario.ends else math.inf)
    return Timeline(
        (stage,), scenario.state, pages_sent=pages if scenario.delivered else 0, delivered=scenario.delivered
    )
