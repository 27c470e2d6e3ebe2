"""What a round will be: everything that chance decides before it begins, from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from harness.common import Strike
from harness.timing import GRACE, MOST_DELAY, MOST_LAG

_INTERFAX_FATES = {
    "ok": "+12025550100",
    "no_answer": "+99999993931",
    "busy": "+9999999263",
    "breaks_off": "+99999993223",
    "file_error": "+9999999204000",
    "never_ends": "+12025550106",
    "undocumented": "+99999994242",
}

FATES = {
    "faxto": {
        "ok": "+12025550100",
        "no_answer": "+12025550101",
        "busy": "+12025550102",
        "file_error": "+12025550104",
        "never_ends": "+12025550106",
        "undocumented": "+12025550107",
        "refused": "+12025550111",
    },
    "interfax": _INTERFAX_FATES,
    "extrafax": _INTERFAX_FATES,
}
"""Test numbers by what becomes of the fax."""

_WEIGHTS = {
    "ok": 10,
    "busy": 5,
    "breaks_off": 3,
    "no_answer": 2,
    "file_error": 2,
    "never_ends": 1,
    "undocumented": 1,
    "refused": 1,
}

LOOK_UPS = {"faxto": ["history", "files"], "interfax": ["search"], "extrafax": ["search"]}
STATUS_CALLS = {"faxto": ["status"], "interfax": ["status", "completed"], "extrafax": ["status", "completed"]}


@dataclass
class Plan:
    """One round.

    :param seed: what it was made from.
    :param promise: the class of the round, which says what must hold: ``within`` (the vendor carries out and
        shows every send within the grace), ``late`` (it may not), ``zombie`` (a run that Airflow has given up
        goes on beside its successor), ``zombie at send`` (the same, and it stood still in the very instant
        between its last look at anything and the first byte of the send).
    :param document: ``letter`` (one page), ``report`` (several), or ``large`` (above 1 MB, which InterFAX takes in an
        upload session).
    """

    seed: int
    promise: str
    vendor: str
    mode: str
    fate: str
    document: str
    resend_partial: bool
    settings: dict[str, Any]
    foreign_faxes: int
    with_sensor: bool
    audited: bool
    chance: random.Random = field(repr=False)

    @property
    def lag(self) -> float:
        """Seconds until a new fax shows in every list of a look-up."""
        names = ["faxto_history_lag", "faxto_files_lag"] if self.vendor == "faxto" else ["interfax_search_lag"]
        return max(self.settings[name] for name in names)

    def describe(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items() if value not in (0, 0.0, None))
        sensor = " + sensor" if self.with_sensor else ""
        partial = ", resend_partial" if self.resend_partial else ""
        return (
            f"seed {self.seed}: {self.vendor}, {self.mode}{sensor}, fate {self.fate}, {self.document}{partial}, class "
            f"{self.promise}, {self.foreign_faxes} foreign faxes, audited {self.audited}; {settings}"
        )


def make_plan(seed: int) -> Plan:
    chance = random.Random(seed)
    promise = chance.choices(["within", "late", "zombie", "zombie at send"], [84, 8, 5, 3])[0]
    vendor = chance.choices(["faxto", "interfax", "extrafax"], [5, 5, 1])[0]
    mode = chance.choice(["poke", "deferrable", "no_wait"])
    fates = list(FATES[vendor])
    fate = chance.choices(fates, [_WEIGHTS[fate] for fate in fates])[0]
    return Plan(
        seed=seed,
        promise=promise,
        vendor=vendor,
        mode=mode,
        fate=fate,
        document=chance.choice(["letter", "report", "report", "large"]),
        resend_partial=chance.random() < 0.3,
        settings=_settings(chance, vendor, promise),
        foreign_faxes=chance.choice([0, 0, 1, 4]),
        with_sensor=mode == "no_wait" and chance.random() < 0.6,
        audited=chance.random() < 0.85,
        chance=chance,
    )


def _settings(chance: random.Random, vendor: str, promise: str) -> dict[str, Any]:
    takes = chance.choice([0.02, 0.2, 0.6])
    lags = [0.0, 0.0, MOST_LAG / 3, MOST_LAG]
    late = GRACE + 0.8 if promise == "late" and chance.random() < 0.5 else None
    if vendor == "faxto":
        return {
            "faxto_seconds_ok": takes,
            "faxto_seconds_failed": takes,
            "faxto_progress": chance.choice(["message", "executed", "empty", "no_message"]),
            "faxto_failed_status": chance.choice(["success", "failed"]),
            "faxto_document_names": chance.choices(["uploaded", "server"], [9, 1])[0],
            "faxto_max_page_size": chance.choice([None, 3]),
            "faxto_history_lag": late or chance.choice(lags),
            "faxto_files_lag": chance.choice(lags),
            "faxto_status_lag": chance.choice(lags),
        }
    return {
        "interfax_seconds_received": takes / 6,
        "interfax_seconds_rendering": takes / 6,
        "interfax_seconds_ready": takes / 3,
        "interfax_seconds_call": takes / 6,
        "interfax_seconds_page": takes / 6,
        "interfax_attempts": 1,
        "interfax_partial_pages": chance.choice([0, 1, 1]),
        "interfax_status_limit": None,
        "interfax_search_lag": late or chance.choice(lags),
        "interfax_completed_lag": chance.choice(lags),
        "interfax_status_lag": chance.choice(lags),
    }


def draw_strike(plan: Plan, tries: int) -> Strike | None:
    """Decide where the next worker is killed, if at all. Later tries are spared more often, so that rounds end."""
    chance = plan.chance
    if chance.random() >= (0.5, 0.4, 0.25, 0.1)[min(tries, 3)]:
        return None
    what = chance.choices(["send", "upload", "read", "xcom", "state", "any"], [35, 10, 15, 20, 10, 10])[0]
    skip = chance.choice([0, 0, 1, 2, 4]) if what in ("read", "xcom", "any") else chance.choice([0, 0, 1])
    return Strike(what, chance.choice(["before", "after"]), skip=0 if what in ("send", "upload") else skip)


def draw_standstill(plan: Plan) -> Strike:
    """Decide where the worker that becomes a zombie stands still."""
    if plan.promise == "zombie at send":
        return Strike("send", "before", "stop")
    what = plan.chance.choices(["decision", "upload", "state", "read"], [5, 2, 1, 1])[0]
    return Strike(what, "before", "stop", plan.chance.randrange(3) if what == "read" else 0)


def draw_fault(plan: Plan, tries: int) -> dict[str, Any] | None:
    """Decide what goes wrong at the vendor in the next run, if anything."""
    chance = plan.chance
    if chance.random() >= (0.65, 0.5, 0.3, 0.15)[min(tries, 3)]:
        return None
    places = [("send", 40), ("look_up", 30), ("status", 20)]
    if plan.vendor == "faxto" or plan.document == "large":
        places.append(("upload", 15))
    place = chance.choices([name for name, _ in places], [weight for _, weight in places])[0]
    endpoint = {
        "send": "send",
        "upload": "upload" if plan.vendor == "faxto" else chance.choice(["session_create", "session_chunk"]),
        "look_up": chance.choice(LOOK_UPS[plan.vendor]),
        "status": chance.choice(STATUS_CALLS[plan.vendor]),
    }[place]
    kinds = ["lost_answer", "reset", "slow", "server_error", "html", "redirect", "rate_limit", "truncated", "cut_json"]
    if place in ("send", "upload"):
        kinds.append("garbled_id")
    if place == "look_up":
        kinds += ["empty_list"] * 3
    kind = chance.choice(kinds)
    fault: dict[str, Any] = {"kind": kind, "vendor": plan.vendor, "endpoint": endpoint}
    if kind in ("reset", "slow", "server_error", "html", "redirect", "rate_limit"):
        fault["when"] = chance.choice(["before", "after"])
    if kind == "server_error":
        fault["http_status"] = chance.choice([500, 502, 503])
    if kind == "slow":
        is_late = plan.promise == "late" and place == "send"
        fault["delay"] = GRACE + 0.8 if is_late else chance.choice([0.38, MOST_DELAY])
    if place in ("look_up", "status") and kind != "empty_list":
        # Enough to use up the repetitions of a read, or the whole grace.
        fault["times"] = chance.choice([1, 3, 6, 40])
    return fault
