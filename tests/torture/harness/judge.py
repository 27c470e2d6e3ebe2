"""The judge: what the simulator accepted, held against what the runs reported. Nothing else counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness import batch
from harness.plan import KINDS
from harness.shared_key import SharedKey
from harness.timing import GRACE
from harness.vendors import CANCELED, FAILED_FOR_SURE, VENDORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.drive import Round

FAULTS = (
    "double_sends",
    "partial_resends",
    "false_successes",
    "lost",
    "foreign_jobs",
    "wrong_contents",
    "wrong_cancels",
    "own_limits",
    "broken",
)
"""What the judge counts; see :class:`Verdict`."""

# What must not be, whatever the vendor or the machine does.
_ALWAYS = ("false_successes", "foreign_jobs", "wrong_contents", "wrong_cancels", "broken")
_NOT_PROMISED: dict[str, Sequence[str]] = {
    "late": [what for what in FAULTS if what not in _ALWAYS],
    "zombie at send": ["double_sends", "partial_resends"],
    # Each takes the other's fax for its own, and two first runs do not look.
    "one key space": ["double_sends", "partial_resends", "foreign_jobs", "lost"],
    # Fax.to's status call names a job and nothing else, so a wait cannot tell whose fax it is.
    "stranger's job untold": ["false_successes", "foreign_jobs", "lost"],
    # A look, not a lock: both have looked before either has sent.
    "idempotency key at once": ["double_sends", "partial_resends"],
    # Nobody but the journal knows what the records no longer show, or what another account holds.
    "dropped early without a journal": ["double_sends", "partial_resends", "lost"],
    "connections without a journal": ["double_sends", "partial_resends", "lost"],
}
CLASSES = list(dict.fromkeys([*KINDS, *_NOT_PROMISED]))
"""The classes of rounds: the kinds, and what is told apart where a promise has a condition."""

MUST_NOT_BE = {name: tuple(what for what in FAULTS if what not in _NOT_PROMISED.get(name, ())) for name in CLASSES}
"""What no round of a class may show.

Where the vendor is later than the grace (``late``), its records prove an absence that is none, so a fax may be doubled,
and the late one stay unknown; so is a round in which the machine itself was too slow. A run that Airflow has given up
and that goes on all the same (``zombie``) is stopped by the look right before the send, unless it stood still in the
very instant between that look and the request (``zombie at send``): nothing in a worker can close that gap."""


@dataclass
class Verdict:
    """What came of one round.

    :param seed: the round.
    :param promise: its class; ``late`` also if the machine, not the plan, was late.
    :param double_sends: pairs of faxes that were both live or delivered.
    :param partial_resends: faxes sent after one of which pages had arrived, although the user did not allow it.
    :param false_successes: faxes reported as delivered that were not.
    :param lost: faxes that nobody knows of and nobody was warned of.
    :param foreign_jobs: fax jobs of others that a run reported as the end of its own.
    :param wrong_contents: faxes of which other bytes went out than the run had hashed.
    :param wrong_cancels: faxes that were canceled although a run waited for them.
    :param own_limits: runs that ended as unknown for nothing but the limit of requests.
    :param broken: what went wrong in the harness itself.
    :param too_many: how many faxes are the later one of a double send.
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
    foreign_jobs: list[str] = field(default_factory=list)
    wrong_contents: list[str] = field(default_factory=list)
    wrong_cancels: list[str] = field(default_factory=list)
    own_limits: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    too_many: int = 0
    violations: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    story: str = ""

    def close(self) -> None:
        """Say which of all that the round's class must not show."""
        self.violations = [text for what in MUST_NOT_BE[self.promise] for text in getattr(self, what)]


def judge(round_: Round, *, has_keys: bool = True, others: Sequence[Round] = ()) -> Verdict:
    """Judge a round that has ended.

    :param round_: the round.
    :param has_keys: whether the operator gives its faxes keys; the naive one does not.
    :param others: rounds of other installations at the same account. Theirs is what only they decided to send.
    :return: the verdict.
    """
    entries = round_.journal.entries()
    decided = _decided(entries)
    theirs = {key for other in others for key in _decided(other.journal.entries())} - set(decided)
    faxes = [fax for fax in round_.faxes() if not fax["stranger"] and _key(fax) not in theirs]
    verdict = Verdict(round_.plan.seed, _class(round_))
    if not _NOT_PROMISED.get(verdict.promise) and _latest_sight(entries, faxes, round_.plan.lag) > GRACE:
        verdict.promise = "late"
    if isinstance(round_, batch.Batch):
        return _judge_batch(round_, verdict, entries, faxes)
    corrections = _corrections(entries) if round_.plan.kind == "documents" else []
    pairs = [
        (earlier, later)
        for number, later in enumerate(faxes)
        for earlier in faxes[:number]
        if not _is_correction(earlier, later, decided, corrections)
        and not (isinstance(round_, SharedKey) and _is_resend(round_, earlier, later, decided))
    ]
    verdict.double_sends, verdict.too_many = _double_sends(pairs)
    if not round_.plan.resend_partial and has_keys:
        # Of a correction nothing has arrived.
        is_shared = isinstance(round_, SharedKey)
        verdict.partial_resends = _partial_resends(
            [pair for pair in pairs if not is_shared or _key(pair[0]) == _key(pair[1])]
        )
    verdict.false_successes = _false_successes(entries, faxes)
    verdict.foreign_jobs = _foreign_jobs(entries, faxes)
    if isinstance(round_, SharedKey):
        verdict.foreign_jobs += _other_contents(round_, entries, faxes)
    if round_.is_audited:
        verdict.lost = _lost(entries, faxes)
    if round_.plan.kind == "told to stop":
        verdict.wrong_cancels = [f"{fax['id']} was canceled" for fax in faxes if fax["final_status"] == CANCELED]
    verdict.broken = _broken(entries)
    if has_keys:
        verdict.wrong_contents = _wrong_contents(faxes, decided)
        is_corrected = round_.plan.kind == "documents" or isinstance(round_, SharedKey)
        verdict.broken += _broken_keys(faxes, is_corrected=is_corrected)
    was_late_by_itself = verdict.promise == "late" != round_.plan.kind
    verdict.close()
    verdict.counts = _count(round_, entries, faxes) | {"rounds late through a slow machine": int(was_late_by_itself)}
    return verdict


def _judge_batch(
    round_: batch.Batch, verdict: Verdict, entries: list[dict[str, Any]], faxes: list[dict[str, Any]]
) -> Verdict:
    """Judge each fax of a batch by itself."""
    was_late_by_itself = verdict.promise == "late"
    pairs = batch.pairs_of(faxes)
    verdict.double_sends, verdict.too_many = _double_sends(pairs)
    verdict.partial_resends = _partial_resends(pairs)
    delivered_at = {fax["id"]: _moment(fax["final_at"]) for fax in faxes if fax["delivered"]}
    verdict.false_successes = batch.false_successes(entries, delivered_at)
    verdict.foreign_jobs = batch.foreign_jobs(entries, faxes)
    if round_.is_audited:
        verdict.lost = batch.lost(entries, faxes, {fax["id"]: _moment(fax["accepted_at"]) for fax in faxes})
        verdict.lost += batch.unsettled(entries, round_)
    verdict.wrong_contents = _wrong_contents(faxes, _decided(entries))
    verdict.broken = _broken(entries)
    if len({_key(fax) for fax in faxes}) > len({batch.key_of(fax) for fax in faxes}):
        verdict.broken.append("one logical fax has several keys")
    verdict.close()
    verdict.counts = _count(round_, entries, faxes) | {"rounds late through a slow machine": int(was_late_by_itself)}
    verdict.counts |= batch.counts_of(entries, faxes)
    return verdict


def _class(round_: Round) -> str:
    kind = round_.plan.kind
    if kind == "stranger's job" and not VENDORS[round_.plan.vendor].tells_labels:
        return "stranger's job untold"
    if kind in ("dropped early", "connections") and not round_.airflow.HAS_STORE:
        return f"{kind} without a journal"
    return kind


def _broken(entries: list[dict[str, Any]]) -> list[str]:
    # SIGTERM may strike Airflow 2.11 in the middle of a write, and then anything may be raised.
    terminated = {entry["run"] for entry in entries if entry["event"] == "terminate"}
    return [
        f"{entry['run']}: {entry.get('error', 'hung')}"
        for entry in entries
        if entry["event"] == "hung" or (entry["event"] == "broke" and entry["run"] not in terminated)
    ]


def _broken_keys(faxes: list[dict[str, Any]], *, is_corrected: bool) -> list[str]:
    keys = {_key(fax) for fax in faxes}
    # A corrected fax has another second part.
    if len({key.rpartition("-")[0] for key in keys} if is_corrected else keys) > 1:
        return ["one logical fax has several keys"]
    return []


def _key(fax: dict[str, Any]) -> str:
    return (fax["reference"] or fax["documents"][0]["name"] or "").partition(".")[0]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _decided(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give the first decision to send, by key."""
    decided: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry.get("what") == "decision" and entry["event"] == "before" and entry.get("key"):
            decided.setdefault(entry["key"], entry)
    return decided


def _corrections(entries: list[dict[str, Any]]) -> list[float]:
    """Give the moments in which a user cleared the task: what goes out then may be another fax."""
    return [entry["t"] for entry in entries if entry["event"] == "clear"]


def _is_correction(
    earlier: dict[str, Any], later: dict[str, Any], decided: dict[str, dict[str, Any]], corrections: list[float]
) -> bool:
    """Tell whether a user had another document sent, which takes a clear between the two decisions."""
    keys = _key(earlier), _key(later)
    if keys[0] == keys[1] or not all(key in decided for key in keys):
        return False
    return any(decided[keys[0]]["t"] < moment < decided[keys[1]]["t"] for moment in corrections)


def _is_resend(
    round_: SharedKey, earlier: dict[str, Any], later: dict[str, Any], decided: dict[str, dict[str, Any]]
) -> bool:
    """Tell whether the later fax is one that a DAG run with ``resend`` was to send beside the earlier one."""
    key = _key(later)
    return key != _key(earlier) and key in decided and round_.is_resend(decided[key]["run"])


def _failed_at(fax: dict[str, Any]) -> float | None:
    if fax["final_status"] in FAILED_FOR_SURE:
        return _moment(fax["final_at"])
    return None


def _double_sends(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> tuple[list[str], int]:
    doubles = [
        (earlier, later)
        for earlier, later in pairs
        if (failed_at := _failed_at(earlier)) is None or failed_at > _moment(later["accepted_at"])
    ]
    texts = [
        f"{later['id']} was accepted while {earlier['id']} ({earlier['final_status']}) was live or delivered"
        for earlier, later in doubles
    ]
    return texts, len({later["id"] for _, later in doubles})


def _partial_resends(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    return [
        f"{later['id']} was accepted although {earlier['pages_sent']} page(s) of {earlier['id']} had arrived"
        for earlier, later in pairs
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


def _foreign_jobs(entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> list[str]:
    """Find what runs returned as the end of a fax, or raised for it, of a job that is not the round's."""
    own = {fax["id"] for fax in faxes}
    return [f"{run} reported {job_id}, which is somebody else's" for run, job_id in _ends(entries) if job_id not in own]


def _other_contents(round_: SharedKey, entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> list[str]:
    """Find what runs told as the end of their fax of a job that took another document, or to another recipient."""
    sent = {fax["id"]: (fax["recipient"], fax["documents"][0]["sha256"]) for fax in faxes}
    return [
        f"{run} reported {job_id}, which took something else, or to somebody else"
        for run, job_id in _ends(entries)
        if job_id in sent and sent[job_id] != round_.contents(run)
    ]


def _ends(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Give what runs told as the end of their fax: the run and the job."""
    told = []
    for entry in entries:
        status = _returned(entry)
        # A job that is only pending is what the vendor's response said, and nobody has asked for it yet.
        if status is not None and status["outcome"] in ("success", "retryable", "fatal") and status.get("job_id"):
            told.append((entry["run"], status["job_id"]))
        if entry["event"] == "outcome" and entry.get("job_id"):
            told.append((entry["run"], entry["job_id"]))
    return told


def _wrong_contents(faxes: list[dict[str, Any]], decided: dict[str, dict[str, Any]]) -> list[str]:
    wrong = []
    for fax in faxes:
        decision = decided.get(_key(fax))
        if decision is None:
            wrong.append(f"{fax['id']} went out under a key that no run had decided to send")
        elif [document["sha256"] for document in fax["documents"]] != decision["contents"]:
            wrong.append(f"{fax['id']} holds other bytes than were hashed")
    return wrong


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
        elif event in ("document", "connection", "records dropped"):
            counts[f"{event} {entry.get('how') or entry.get('place') or ''}".strip()] += 1
        elif event == "refused":
            counts["refused by Airflow"] += 1
        elif event == "outcome" and entry["error"]:
            counts[f"ended with {entry['error']}"] += 1
            if entry["error"] == "FaxUnknownOutcomeError":
                counts[f"unknown in {round_.plan.kind}"] += 1
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
