"""The time scale: about a hundredth of what the provider's defaults and the vendors' habits are."""

from __future__ import annotations

SPEED = 100.0
"""How many times faster than life everything runs."""

GRACE = 1.2
"""The operator's ``lookup_grace`` in every round; 120 by default."""

TIMEOUTS = {"connect": 1.0, "read": 0.3, "upload": 0.3}
"""The connections' time-outs; 10, 30 and 120 by default."""

MOST_DELAY = 0.45
"""The latest that a send is carried out in a round of the class ``within``, in seconds."""

MOST_LAG = 0.35
"""The most that the vendor's records lag in such a round. Together with the delay it stays below the grace."""


def shrink_time() -> None:
    """Shrink the provider's own pauses in this process, which is a forked worker or triggerer.

    The trigger's floor guards against a race in Airflow's scheduler (its first event must not come while the
    worker that deferred is on its way out). No scheduler takes part here: the harness runs the trigger only once
    that worker has ended.
    """
    from airflow_provider_faxto.hooks import driver, shared_records
    from airflow_provider_faxto.http import rate_limit, shared_count, stopped_account
    from airflow_provider_faxto.operators import batch as batches
    from airflow_provider_faxto.operators import fax as operators
    from airflow_provider_faxto.sending import batch, lookup
    from airflow_provider_faxto.triggers import fax as triggers
    from airflow_provider_faxto.waiting import schedule, waiter

    for module, name, seconds in (
        (lookup, "_LOOK_UP_EVERY", GRACE / 8),
        # A process of ours takes its time whatever the scale, so this is not a hundredth.
        (operators, "_LOOK_UP_HOLDS", 1.0),
        (operators, "_TURN_MAY_TAKE", 1.0),
        (batches, "_LOOK_UP_HOLDS", 1.0),
        (batches, "_TURN_MAY_TAKE", 1.0),
        (batch, "_THROTTLED_FOR", 0.1),
        (batch, "_LONGEST_PAUSE", 0.3),
        (lookup, "_LEAVES_AFTER", 0.3),
        (shared_records, "_LOOK_EVERY", 0.01),
        (shared_records, "_COME_BACK", 0.1),
        (shared_records, "_LONGEST_TRUST", 6.0),
        (waiter, "NOT_FOUND_GRACE", 0.8),
        (waiter, "SHORTEST_INTERVAL", 0.01),
        (schedule, "_MINUTE", 0.61),
        (shared_count, "WINDOW", 0.61),
        (shared_count, "LONGEST_HOLD_OFF", 0.2),
        (shared_count, "_GIVE_BACK_EVERY", 1.0),
        (shared_count, "_SHORTEST_WAIT", 0.02),
        # A round stops processes, also while they hold the lock.
        (stopped_account, "LOG_IN_WAIT", 0.3),
        (stopped_account, "_LOOK_EVERY", 0.01),
        (stopped_account, "_IMPATIENT_FOR", 0.6),
        (rate_limit, "_HOLD_OFF", 0.1),
        (rate_limit, "LONGEST_HOLD_OFF", 0.2),
        (driver, "_LONGEST_PAUSE", 0.2),
        (triggers, "FIRST_EVENT_AFTER", 0.05),
        (triggers, "_LONGEST_SPREAD", 0.06),
    ):
        if not hasattr(module, name):
            raise RuntimeError(f"{module.__name__} has no {name} any more")
        setattr(module, name, seconds)
