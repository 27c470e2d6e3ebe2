"""What a round will be: everything that chance decides before it begins, from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from harness.common import Strike
from harness.timing import GRACE, MOST_DELAY, MOST_LAG
from harness.vendors import VENDORS

KINDS = {
    "plain": 29,
    "idempotency key": 5,
    "idempotency key at once": 1,
    "idempotency key reused": 2,
    "labels": 8,
    "moving lists": 5,
    "clock": 4,
    "dropped records": 5,
    "dropped early": 3,
    "documents": 9,
    "stranger's job": 5,
    "connections": 6,
    "told to stop": 3,
    "two installations": 3,
    "one key space": 1,
    "burst": 2,
    "late": 5,
    "zombie": 3,
    "zombie at send": 1,
    # Each takes as long as a dozen others, so they are counted by themselves.
    "batch": 0,
}
"""The kinds of rounds, and how often there is one. What each is stands in :class:`Plan`."""

SHARED_KEY = ("idempotency key", "idempotency key at once", "idempotency key reused")
"""The kinds in which several DAG runs have one ``idempotency_key``."""

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
_HOUR = 3600


@dataclass
class Plan:
    """One round.

    :param seed: what it was made from.
    :param kind: what is special about it. ``plain``: nothing, the vendor carries out and shows every send within the
        grace. ``idempotency key``: several DAG runs send the same fax under one key, each at any step of the others,
        but not before the records show what those have sent; sometimes the last has ``resend``. ``idempotency key at
        once``: two DAG runs, one of which stands still between its look and its send while the other sends.
        ``idempotency key reused``: the second DAG run has another document or recipient under the same key.
        ``labels``: it shows labels and recipients in another form. ``moving lists``: others' faxes come in
        while its lists are read, pages are short, or there is none but the first. ``clock``: its clock or zone is
        hours off. ``dropped records``: a user clears the task weeks later, when the vendor no longer has the fax.
        ``dropped early``: it drops the record of a fax as soon as a run has told of it. ``documents``: the file
        changes between and during the runs.
        ``stranger's job``: a send is answered with somebody else's job. ``connections``: the task's connection is
        edited between runs: another user, another host, and back. ``told to stop``: a run that was given up is told to
        stop while its successor waits for the same fax. ``two installations``: a second Airflow with equal DAG, run
        and task shares the account, with a ``key_namespace`` of its own; ``one key space``: without. ``burst``: many
        busy faxes of one account are retried at once under the vendor's live limit. ``batch``: one task sends
        twenty faxes of a list that changes between its runs. ``late``: the vendor may be later
        than the grace. ``zombie``: a run that Airflow has given up goes on beside its successor; ``zombie at send``:
        and it stood still in the very instant between its last look at anything and the first byte of the send.
    :param vendor: one of :data:`~harness.vendors.VENDORS`.
    :param mode: the task: ``poke``, ``deferrable`` or ``no_wait``; for a batch ``batch`` or ``batch_deferrable``.
    :param scenario: what becomes of each fax.
    :param document: ``letter`` (one page), ``report`` (several), or ``large`` (above 1 MB, which InterFAX takes in an
        upload session).
    :param resend_partial: whether the task has it.
    :param settings: the simulator's.
    :param foreign_faxes: how many faxes of others are in the records at the start.
    :param with_sensor: whether a sensor waits for the fax afterwards.
    :param audited: whether a user clears the task once more at the end, while all is well.
    :param completion_timeout: the operator's, in seconds.
    :param chance: what decides everything that is decided later.
    """

    seed: int
    kind: str
    vendor: str
    mode: str
    scenario: str
    document: str
    resend_partial: bool
    settings: dict[str, Any]
    foreign_faxes: int
    with_sensor: bool
    audited: bool
    completion_timeout: float
    chance: random.Random = field(repr=False)

    @property
    def lag(self) -> float:
        """Seconds until a new fax shows in every list of a look-up."""
        return max(self.settings[name] for name in VENDORS[self.vendor].lags)

    @property
    def fax_number(self) -> str:
        """Where the round's fax goes."""
        return VENDORS[self.vendor].scenarios[self.scenario]

    def describe(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items() if value not in (0, 0.0, None))
        sensor = " + sensor" if self.with_sensor else ""
        partial = ", resend_partial" if self.resend_partial else ""
        return (
            f"seed {self.seed}: {self.kind}: {self.vendor}, {self.mode}{sensor}, scenario {self.scenario}, "
            f"{self.document}{partial}, {self.foreign_faxes} foreign faxes, audited {self.audited}; {settings}"
        )


def make_plan(seed: int, kind: str | None = None) -> Plan:
    """Make a round.

    :param seed: what everything follows from.
    :param kind: one of :data:`KINDS`. Default: the seed decides.
    :return: the round.
    """
    chance = random.Random(seed)
    drawn = chance.choices(list(KINDS), list(KINDS.values()))[0]
    kind = kind or drawn
    vendor = _vendor(chance, kind)
    mode = chance.choice(["poke", "deferrable", "no_wait"])
    scenarios = list(VENDORS[vendor].scenarios)
    scenario = chance.choices(scenarios, [_WEIGHTS[name] for name in scenarios])[0]
    plan = Plan(
        seed=seed,
        kind=kind,
        vendor=vendor,
        mode=mode,
        scenario=scenario,
        document=chance.choice(["letter", "report", "report", "large"]),
        resend_partial=chance.random() < 0.3,
        settings=_settings(chance, vendor, kind),
        foreign_faxes=chance.choice([0, 0, 1, 4]),
        with_sensor=mode == "no_wait" and chance.random() < 0.6,
        audited=chance.random() < 0.85,
        completion_timeout=2.5,
        chance=chance,
    )
    _suit(plan)
    return plan


def _vendor(chance: random.Random, kind: str) -> str:
    names = [name for name, vendor in VENDORS.items() if vendor.cancels or kind != "told to stop"]
    return chance.choices(names, [VENDORS[name].weight for name in names])[0]


def _suit(plan: Plan) -> None:
    """Change what does not go with the kind of the round."""
    chance = plan.chance
    plan.settings |= _SPECIAL.get(plan.kind, lambda *_: {})(chance, plan.vendor)
    if plan.kind == "moving lists":
        plan.foreign_faxes = chance.choice([4, 6])
    if plan.kind in SHARED_KEY:
        # A sensor knows a job by its number alone, and would wait for it only once.
        plan.with_sensor, plan.audited = False, True
    if plan.kind == "stranger's job" and plan.mode == "no_wait":
        # Such a run tells a job that it has not yet asked for, and the sensor knows nothing but its number.
        plan.mode, plan.with_sensor = "poke", False
    if plan.kind == "batch":
        plan.mode, plan.with_sensor = chance.choice(["batch", "batch_deferrable"]), False
        plan.resend_partial, plan.completion_timeout = False, 6.0
    if plan.kind == "connections":
        # A sensor knows a job by its number alone, which is somebody else's at another account.
        plan.with_sensor = False
    if plan.kind == "told to stop":
        plan.mode, plan.scenario = chance.choice(["poke", "deferrable"]), chance.choice(["ok", "busy"])
        plan.audited, plan.with_sensor, plan.completion_timeout = False, False, 12.0


def _labels(chance: random.Random, vendor: str) -> dict[str, Any]:
    recipients = chance.choice(["sent", "masked", "trunk_zero", "extension", "other"])
    if recipients == "other":
        # Our own key at another number is doubt. Where the label is changed as well, nothing is left that is ours.
        return {"faxto_recipients" if vendor == "faxto" else "interfax_recipients": recipients}
    if vendor == "faxto":
        names = ["uploaded", "server", "generic", "encoded"]
        return {"faxto_document_names": chance.choice(names), "faxto_recipients": recipients}
    return {
        "interfax_references": chance.choice(["sent", "quoted", "underscores", "suffix", "cut", "none"]),
        "interfax_search_by": chance.choice(["sent", "sent", "shown"]),
        "interfax_recipients": recipients,
    }


def _moving_lists(chance: random.Random, vendor: str) -> dict[str, Any]:
    if vendor != "faxto":
        return {"interfax_max_page_size": chance.choice([1, 2, 3])}
    return {
        "faxto_max_page_size": 3,
        "faxto_history_shift": chance.choice([0, 1, 2, 3, 3]),
        "faxto_paging_ignored": chance.random() < 0.2,
    }


def _clock(chance: random.Random, vendor: str) -> dict[str, Any]:
    prefix = "faxto" if vendor == "faxto" else "interfax"
    settings: dict[str, Any] = {
        f"{prefix}_clock_offset": chance.choice([0, 2 * _HOUR, -3 * _HOUR, 10 * _HOUR]),
        f"{prefix}_zone_offset": chance.choice([0, -5 * _HOUR, 14 * _HOUR, -12 * _HOUR]),
    }
    return settings | ({"faxto_created": chance.choice(["carbon", "text"])} if vendor == "faxto" else {})


def _slow_start(chance: random.Random, vendor: str) -> dict[str, Any]:
    """Let each fax be in a state in which it can be canceled for as long as its runs take to follow each other."""
    return {"interfax_seconds_received": chance.uniform(3.0, 4.0)}


_SPECIAL: dict[str, Any] = {
    "labels": _labels,
    "moving lists": _moving_lists,
    "clock": _clock,
    "told to stop": _slow_start,
}
"""What the simulator is told for a kind of rounds."""


def _settings(chance: random.Random, vendor: str, kind: str) -> dict[str, Any]:
    takes = chance.choice([0.02, 0.2, 0.6])
    lags = [0.0, 0.0, MOST_LAG / 3, MOST_LAG]
    late = GRACE + 0.8 if kind == "late" and chance.random() < 0.5 else None
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
        "interfax_session_lost_status": chance.choice([404, 409, 410, 416]),
        "interfax_session_lost_code": chance.choice([-1061, -1062]),
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
    if plan.kind == "told to stop":
        # It knows its fax job.
        return Strike("xcom", "after", "stop")
    if plan.kind == "zombie at send":
        return Strike("send", "before", "stop")
    what = plan.chance.choices(["decision", "upload", "state", "read"], [5, 2, 1, 1])[0]
    return Strike(what, "before", "stop", plan.chance.randrange(3) if what == "read" else 0)


def draw_fault(plan: Plan, tries: int) -> dict[str, Any] | None:
    """Decide what goes wrong at the vendor in the next run, if anything."""
    chance, vendor = plan.chance, VENDORS[plan.vendor]
    if plan.kind == "stranger's job" and tries < 2:
        return {
            "kind": "stranger_id",
            "vendor": plan.vendor,
            "endpoint": "send",
            "when": chance.choice(["before", "after"]),
        }
    if chance.random() >= (0.65, 0.5, 0.3, 0.15)[min(tries, 3)]:
        return None
    places = [("send", 40), ("look_up", 30), ("status", 20)]
    if vendor.uploads_all or plan.document == "large":
        places.append(("upload", 15))
    place = chance.choices([name for name, _ in places], [weight for _, weight in places])[0]
    endpoint = {
        "send": "send",
        "upload": chance.choice(vendor.uploads),
        "look_up": chance.choice(vendor.look_ups),
        "status": chance.choice(vendor.status_calls),
    }[place]
    kinds = ["lost_answer", "reset", "slow", "server_error", "html", "redirect", "rate_limit", "truncated", "cut_json"]
    if place in ("send", "upload"):
        kinds += ["garbled_id", "refusal", "refusal", "lost_upload"]
    if place == "look_up" and plan.kind not in ("idempotency key", "idempotency key reused"):
        # Of what other DAG runs have sent a run knows nothing but what one look shows.
        kinds += ["empty_list"] * 3
    return _fault(plan, place, endpoint, chance.choice(kinds))


def _fault(plan: Plan, place: str, endpoint: str, kind: str) -> dict[str, Any]:
    """Decide the details of what goes wrong."""
    chance = plan.chance
    fault: dict[str, Any] = {"kind": kind, "vendor": plan.vendor, "endpoint": endpoint}
    if kind in ("reset", "slow", "server_error", "html", "redirect", "rate_limit", "refusal"):
        fault["when"] = chance.choice(["before", "after"])
    if kind == "server_error":
        fault["http_status"] = chance.choice([500, 502, 503])
    if kind == "refusal":
        # What stands before the vendor says no, and the fax may have been accepted all the same.
        fault |= {
            "kind": "server_error",
            "http_status": chance.choice([400, 403, 404, 409, 413, 422, 429]),
            "body": chance.choice(["html", "json", "empty"]),
        }
    if kind == "slow":
        is_late = plan.kind == "late" and place == "send"
        fault["delay"] = GRACE + 0.8 if is_late else chance.choice([0.38, MOST_DELAY])
    if place in ("look_up", "status") and kind != "empty_list":
        # Enough to use up the repetitions of a read, or the whole grace.
        fault["times"] = chance.choice([1, 3, 6, 40])
    return fault
