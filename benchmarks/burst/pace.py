"""A clock that runs faster for the provider, and the holds of its look-ups."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any


def speed_up(speed: float) -> None:
    """Let the provider's own pauses pass faster in this process.

    Its requests, its processor time and Airflow's stay as slow as they are, so what is measured is never better than at
    the clock's own speed.

    :param speed: how many times as fast.
    """
    from airflow_provider_faxto.hooks import driver, shared_records
    from airflow_provider_faxto.http import rate_limit, shared_count, stopped_account
    from airflow_provider_faxto.operators import fax as operators
    from airflow_provider_faxto.sending import lookup
    from airflow_provider_faxto.triggers import fax as triggers

    for module, name in (
        (lookup, "_LOOK_UP_EVERY"),
        (lookup, "_LEAVES_AFTER"),
        (operators, "_LOOK_UP_HOLDS"),
        (operators, "_TURN_MAY_TAKE"),
        (shared_records, "_LOOK_EVERY"),
        (shared_records, "_COME_BACK"),
        (shared_records, "_LONGEST_TRUST"),
        (shared_count, "WINDOW"),
        (shared_count, "LONGEST_HOLD_OFF"),
        (shared_count, "_GIVE_BACK_EVERY"),
        (shared_count, "_SHORTEST_WAIT"),
        (stopped_account, "LOG_IN_WAIT"),
        (stopped_account, "_LOOK_EVERY"),
        (stopped_account, "_IMPATIENT_FOR"),
        (rate_limit, "_HOLD_OFF"),
        (rate_limit, "LONGEST_HOLD_OFF"),
        (driver, "_LONGEST_PAUSE"),
        (triggers, "FIRST_EVENT_AFTER"),
        (triggers, "_LONGEST_SPREAD"),
    ):
        if not hasattr(module, name):
            raise RuntimeError(f"{module.__name__} has no {name} any more")
        setattr(module, name, getattr(module, name) / speed)
    operators.INTERACTIVE = replace(operators.INTERACTIVE, max_wait=operators.INTERACTIVE.max_wait / speed)


def watch_look_ups(boundaries: Any) -> None:
    """Note how long each look-up holds its worker's slot.

    :param boundaries: notes it.
    """
    from airflow_provider_faxto.sending.lookup import FaxLookUp

    decide = FaxLookUp.decide

    def decide_and_note(look: Any) -> Any:
        began = time.monotonic()
        try:
            return decide(look)
        finally:
            boundaries.note("look-up", seconds=time.monotonic() - began)

    FaxLookUp.decide = decide_and_note
