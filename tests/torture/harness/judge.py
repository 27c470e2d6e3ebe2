"""The judge: what the simulator accepted, held against what the runs reported. Nothing else counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.timing import GRACE

if TYPE_CHECKING:
    from harness.drive import Round

_FAILED_FOR_SURE = {"no_answer", "busy", "file_error", 3931, 263, 3223, 204000, 403}
"""The final states that the fates of a round may have and that say that the fax did not arrive."""


MUST_NOT_BE = {
    "within": ("double_sends", "partial_resends", "false_successes", "lost", "broken"),
    "late": ("false_successes", "broken"),
    "zombie": ("double_sends", "partial_resends", "false_successes", "lost", "broken"),
    "zombie at send": ("false_successes", "lost", "broken"),
}
"""What no round of a class may show.

``within`` is the promise: the vendor carries out and shows every send within the grace. Where it is later than
that (``late``), its records prove an absence that is none, so a fax may be doubled, and the late one stay unknown.
A run that Airflow has given up and that goes on all the same (``zombie``) is stopped by the look right before the
send, unless it stood still in the very instant between that look and the request (``zombie at send``): nothing in a
worker can close that gap."""


@dataclass
class Verdict:
    """What came of one round.

    :param seed: the round.
    :param promise: its class; ``late`` also if the machine, not the plan, was late.
    :param double_sends: pairs of faxes that were both live or delivered.
    :param too_many: the faxes that are the later one of such a pair.
    :param partial_resends: faxes sent behind one of which pages had arrived, although the user did not allow it.
    :param false_successes: faxes reported as delivered that were not.
    :param lost: faxes that nobody knows of and nobody was warned of.
    :param broken: what went wrong in the harness itself.
    :param violations: those of the above that a round of this class must not show.
    :param counts: figures for the sum.
    :param story: the whole history, if there are violations.
    """

    seed: int
    promise: str
    double_sends: list[str] = field(default_factory=list)
    partial_resends: list[str] = field(default_factory=list)
    false_successes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    too_many: int = 0
    violations: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    story: str = ""


def judge(round_: Round, *, has_keys: bool = True) -> Verdict:
    """Judge a round that has ended.

    :param round_: the round.
    :param has_keys: whether the operator gives its faxes keys; the naive one does not.
    :return: the verdict.
    """
    entries = round_.journal.entries()
    faxes = [fax for fax in round_.simulator.faxes() if fax["id"] not in round_.foreign]
    faxes.sort(key=lambda fax: fax["accepted_at"])
    verdict = Verdict(round_.plan.seed, round_.plan.promise)
    if verdict.promise == "within" and _latest_sight(entries, faxes, round_.plan.lag) > GRACE:
        verdict.promise = "late"
    verdict.double_sends, verdict.too_many = _double_sends(faxes)
    if not round_.plan.resend_partial and has_keys:
        verdict.partial_resends = _partial_resends(faxes)
    verdict.false_successes = _false_successes(entries, faxes)
    if round_.is_audited:
        verdict.lost = _lost(entries, faxes)
    verdict.broken = _broken(entries)
    if has_keys and len({_key(fax) for fax in faxes}) > 1:
        verdict.broken.append("one logical fax has several keys")
    was_late_by_itself = verdict.promise != round_.plan.promise
    verdict.violations = [text for what in MUST_NOT_BE[verdict.promise] for text in getattr(verdict, what)]
    verdict.counts = _count(round_, entries, faxes) | {"rounds late through a slow machine": int(was_late_by_itself)}
    return verdict


def _broken(entries: list[dict[str, Any]]) -> list[str]:
    # SIGTERM may strike Airflow 2.11 in the middle of a write, and then anything may be raised.
    terminated = {entry["run"] for entry in entries if entry["event"] == "terminate"}
    return [
        f"{entry['run']}: {entry.get('error', 'hung')}"
        for entry in entries
        if entry["event"] == "hung" or (entry["event"] == "broke" and entry["run"] not in terminated)
    ]


def _key(fax: dict[str, Any]) -> str:
    return (fax["reference"] or fax["documents"][0]["name"] or "").partition(".")[0]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _failed_at(fax: dict[str, Any]) -> float | None:
    if fax["final_status"] in _FAILED_FOR_SURE:
        return _moment(fax["final_at"])
    return None


def _double_sends(faxes: list[dict[str, Any]]) -> tuple[list[str], int]:
    pairs = [
        (earlier, later)
        for number, later in enumerate(faxes)
        for earlier in faxes[:number]
        if (failed_at := _failed_at(earlier)) is None or failed_at > _moment(later["accepted_at"])
    ]
    texts = [
        f"{later['id']} was accepted while {earlier['id']} ({earlier['final_status']}) was live or delivered"
        for earlier, later in pairs
    ]
    return texts, len({later["id"] for _, later in pairs})


def _partial_resends(faxes: list[dict[str, Any]]) -> list[str]:
    return [
        f"{later['id']} was accepted although {earlier['pages_sent']} page(s) of {earlier['id']} had arrived"
        for number, later in enumerate(faxes)
        for earlier in faxes[:number]
        if _failed_at(earlier) is not None and earlier["pages_sent"]
    ]


def _false_successes(entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> list[str]:
    delivered_at = {fax["id"]: _moment(fax["final_at"]) for fax in faxes if fax["delivered"]}
    false = []
    for entry in entries:
        status = _returned(entry)
        if status is not None and status["outcome"] == "success":
            ended = delivered_at.get(status["job_id"])
            if ended is None or ended > entry["t"] + 0.05:
                false.append(f"{entry['run']} reported {status['job_id']} as delivered")
    return false


def _returned(entry: dict[str, Any]) -> dict[str, Any] | None:
    if entry["event"] == "before" and entry.get("key") == "return_value" and isinstance(entry["value"], dict):
        return entry["value"]
    return None


def _lost(entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> list[str]:
    known: set[str] = set()
    warned_at = 0.0
    for entry in entries:
        if entry.get("key") == "job_id":
            known.add(entry["value"])
        if entry["event"] == "found":
            known |= {job_id for job_id, _ in entry["jobs"]}
        if (status := _returned(entry)) is not None:
            known.add(status["job_id"])
        if entry["event"] == "outcome" and entry["error"] == "FaxUnknownOutcomeError":
            warned_at = entry["t"]
    return [
        f"{fax['id']} is known to no run"
        for fax in faxes
        if fax["id"] not in known and _moment(fax["accepted_at"]) > warned_at
    ]


def _latest_sight(entries: list[dict[str, Any]], faxes: list[dict[str, Any]], lag: float) -> float:
    """How long after its sender was done with it the slowest fax showed in the records, in seconds."""
    sends: list[list[float]] = []
    for entry in entries:
        if entry.get("what") == "send" and entry["event"] == "before":
            sends.append([entry["t"], entry["t"]])
        elif entry.get("what") == "send" and entry["event"] in ("after", "failed"):
            sends[-1][1] = entry["t"]
    worst = 0.0
    for fax in faxes:
        accepted = _moment(fax["accepted_at"])
        done = [end for begin, end in sends if begin <= accepted + 0.01]
        if done:
            worst = max(worst, accepted + lag - done[-1])
    return worst


def _count(round_: Round, entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    counts["rounds"] = 1
    counts[f"rounds {round_.plan.vendor} {round_.plan.mode}"] = 1
    for entry in entries:
        event = entry["event"]
        if event == "start":
            counts[f"runs of a {entry['run'].split()[0]}"] += 1
        elif event in ("kill", "stop"):
            counts[f"{event} {entry['side']} {entry['what']}"] += 1
            counts["kills" if event == "kill" else "stops"] += 1
        elif event in ("clear", "mark", "crash", "orphan", "audit"):
            counts[" ".join([event, *entry.get("to", [])])] += 1
        elif event == "refused":
            counts["refused by Airflow"] += 1
        elif event == "outcome" and entry["error"]:
            counts[f"ended with {entry['error']}"] += 1
    counts["accepted faxes"] = len(faxes)
    counts["accepted again after a failure"] = max(len(faxes) - 1, 0)
    counts["adopted or returned without a send"] = _adopted(entries)
    for name, times in round_.faults.items():
        counts[f"fault {name}"] += times
        counts["faults"] += times
    return dict(counts)


def _adopted(entries: list[dict[str, Any]]) -> int:
    sent = {entry["run"] for entry in entries if entry.get("what") == "send"}
    told = {entry["run"] for entry in entries if entry.get("key") == "job_id" and entry["event"] == "before"}
    return len(told - sent)
