"""The shortest delay that any poller could have: computed, not measured.

The ideal poller knows nothing of a fax but what it asks. It asks for no fax twice within the interval; it makes its
requests evenly, one each ``60 / limit`` seconds at most; each names up to 100 faxes, those that have waited longest;
each answer comes at once, is complete, and the fax's task is told at once. It spends no request on anything else.

When it looks for the first time is chance, and with few faxes so is much of the delay. So the first look is taken at
each of some moments of one interval, from the first that Airflow allows on, and the delays of all of them count.

A poller can beat this figure a little by asking for some faxes before their interval is over, as ours does where a
request has room for them.
"""

from __future__ import annotations

import math
from collections import deque

PHASES = 20


def percentile(values: list[float], share: float) -> float:
    """Give the value that so great a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def ideal_delays(
    ends: list[float], *, interval: float, limit: float, together: float, first_look: float
) -> list[float]:
    """Give the delays of the ideal poller.

    :param ends: when each fax ends, in seconds from the start.
    :param interval: seconds between two looks at a fax.
    :param limit: requests a minute; infinite for none.
    :param together: faxes in a request; infinite for no limit.
    :param first_look: when the first look may be, in seconds from the start.
    """
    delays = []
    # Each fax with when it may be asked for again; who has waited longest stands first.
    for phase in range(PHASES):
        now = first_look + interval * phase / PHASES
        waiting = deque((end, now) for end in ends)
        while waiting:
            asked_for = 0
            while waiting and asked_for < together and waiting[0][1] <= now:
                end, _ = waiting.popleft()
                asked_for += 1
                if end <= now:
                    delays.append(now - end)
                else:
                    waiting.append((end, now + interval))
            if waiting:
                now = max(now + 60 / limit, waiting[0][1])
    return delays
