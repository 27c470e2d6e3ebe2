"""What becomes of a fax at the simulated InterFAX: numbers that choose a status code, and the states before it.

``+999-9999-<code>`` is InterFAX's own rule for numbers that make no call. How long each state lasts is inference, and
a setting. Which codes the vendor dials again for follows the outcomes in :mod:`airflow_provider_faxto.fax.codes`.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.codes import describe_code
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.simulator.timeline import Stage, Timeline

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.settings import Settings

__all__ = [
    "CANCELED",
    "HELD",
    "HOLD_NUMBER",
    "NEVER_ENDING_NUMBER",
    "OUT_OF_CREDIT",
    "READY",
    "RECEIVED",
    "RENDERING",
    "SENDING",
    "final_code",
    "held_timeline",
    "released_timeline",
    "timeline_for",
]

RECEIVED, RENDERING, READY, SENDING, HELD = -11, -1, -2, -3, -22
CANCELED, OUT_OF_CREDIT = 403, 205000

HOLD_NUMBER = "12025550122"
"""A fax to this number is held for lack of credit (-22), which ``+999-9999-<code>`` cannot express."""
NEVER_ENDING_NUMBER = "12025550106"
"""A fax to this number is being sent for ever."""

# After a day the vendor gives up with 205000.
_HOLD_SECONDS = 24 * 3600.0
_SIMULATOR_NUMBER = re.compile(r"9999999([0-9]{1,6})")
# The fax ends before anything is dialled: it could not be rendered, or not be paid for.
_NOT_DIALLED = frozenset({204000, 204001, OUT_OF_CREDIT})


def final_code(digits: str) -> int:
    """Give the status code in which a fax ends.

    :param digits: the recipient's digits, country code first, without ``00``.
    :return: the code that the number names; 0 for every other number.
    """
    match = _SIMULATOR_NUMBER.fullmatch(digits)
    return int(match[1]) if match else 0


# Many faxes share a few timelines, so each is made once.
@lru_cache(maxsize=1024)
def timeline_for(digits: str, pages: int, attempts: int, postponed: float, settings: Settings) -> Timeline:
    """Make the timeline of a fax.

    :param digits: the recipient's digits, country code first, without ``00``.
    :param pages: the pages of all its documents.
    :param attempts: how often the vendor dials at most.
    :param postponed: how long it waits before the first call, in seconds.
    :param settings: the durations.
    :return: the timeline. A fax that ends with a retryable code is dialled ``attempts`` times, with pauses; any
        other once.
    """
    code = final_code(digits)
    waiting: tuple[Stage, ...] = (
        Stage(RECEIVED, settings.interfax_seconds_received),
        Stage(RENDERING, settings.interfax_seconds_rendering),
    )
    if code in _NOT_DIALLED:
        return Timeline(waiting, code)
    waiting += (Stage(READY, settings.interfax_seconds_ready + postponed),)
    if digits == NEVER_ENDING_NUMBER:
        return Timeline((*waiting, Stage(SENDING, math.inf, 1)), 0)
    if code == 0:
        seconds = settings.interfax_seconds_call + pages * settings.interfax_seconds_page
        return Timeline((*waiting, Stage(SENDING, seconds, 1)), 0, pages_sent=pages, delivered=True)
    dials = attempts if describe_code(code).outcome is FaxOutcome.RETRYABLE else 1
    partial = 0
    if describe_code(code).pages_may_have_arrived:
        partial = min(settings.interfax_partial_pages, max(0, pages - 1))
    failed_call = settings.interfax_seconds_call
    calls = [Stage(SENDING, failed_call + settings.interfax_retry_interval, dial) for dial in range(1, dials)]
    calls.append(Stage(SENDING, failed_call + partial * settings.interfax_seconds_page, dials))
    return Timeline((*waiting, *calls), code, pages_sent=partial)


def held_timeline(settings: Settings) -> Timeline:
    """Make the timeline of a fax that is held for lack of credit.

    :param settings: the durations.
    :return: the timeline: -22 for 24 hours, then 205000.
    """
    return Timeline((Stage(RECEIVED, settings.interfax_seconds_received), Stage(HELD, _HOLD_SECONDS)), OUT_OF_CREDIT)


def released_timeline(held: Timeline, elapsed: float, rest: Timeline) -> Timeline:
    """Let a held fax go on.

    :param held: the timeline so far.
    :param elapsed: how long ago it was accepted, in seconds.
    :param rest: the timeline that it would have had with credit.
    :return: the changed timeline, without the state -11 a second time.
    """
    stages = tuple(stage for stage in rest.stages if stage.state != RECEIVED)
    return held.continued(elapsed, replace(rest, stages=stages))
