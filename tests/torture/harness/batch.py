"""A batch: one task sends many logical faxes, and whatever befalls its runs befalls all of them.

The list lies in a file that changes between the runs: other lines, another order. Killed and stopped are the runs of
the one task; each fax of it is judged by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.fax.packing import unpack_statuses
from harness.common import Strike
from harness.drive import Round
from harness.vendors import FAILED_FOR_SURE, VENDORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.world import Child

FAXES = 20
"""How many faxes are in the list at first."""

_MORE = 4
# Of so many boundaries of a kind in a run one is struck.
_SKIPPED = {"send": FAXES, "decision": FAXES, "upload": FAXES, "state": 2 * FAXES, "any": 4 * FAXES}
_WEIGHTS = {"ok": 12, "busy": 4, "breaks_off": 2, "no_answer": 2, "file_error": 1, "undocumented": 1, "refused": 1}


class Batch(Round):
    """One round with a batch."""

    def prepare(self) -> None:
        """Let the vendors be as the round has them, and write the list."""
        super().prepare()
        self._has_zombie = self.plan.seed % 8 == 0
        if self._has_zombie:
            # Of several threads one stands still in the very instant between its note and its request as often as not,
            # which is a class of its own and no more promised here.
            self._changes = {"send_threads": 1}
        scenarios = VENDORS[self.plan.vendor].scenarios
        names = [name for name in _WEIGHTS if name in scenarios]
        drawn = self.chance.choices(names, [_WEIGHTS[name] for name in names], k=FAXES + _MORE)
        self.lines = [
            {"label": f"customer-{number}", "fax_number": scenarios[name]} for number, name in enumerate(drawn)
        ]
        self._in_list = list(range(FAXES))
        self._list = self.journal.path.with_suffix(".list.jsonl")
        self._write()

    def _conf(self) -> dict[str, Any]:
        return {**super()._conf(), "faxes": str(self._list)}

    def _write(self) -> None:
        rows = [json.dumps(self.lines[number]) for number in self._in_list]
        self._list.write_text("\n".join(rows))
        self.journal.note("list", labels=[self.lines[number]["label"] for number in self._in_list])

    def _befall(self) -> None:
        """Change the list, as whoever makes it does between two runs."""
        super()._befall()
        if not self._processes or self.chance.random() < 0.5:
            return
        how = self.chance.choice(["order", "more", "fewer"])
        left = [number for number in range(len(self.lines)) if number not in self._in_list]
        if how == "order":
            self.chance.shuffle(self._in_list)
        elif how == "more" and left:
            self._in_list.insert(self.chance.randrange(len(self._in_list)), self.chance.choice(left))
        elif how == "fewer" and self.airflow.HAS_STORE and len(self._in_list) > FAXES - 3:
            # Without a journal nobody knows of a fax that has left the list.
            self._in_list.pop(self.chance.randrange(len(self._in_list)))
        self._write()

    def _draw_for_worker(self, task_id: str, tries: int) -> tuple[list[Strike], Callable[[Child], None] | None]:
        strikes, on_stop = super()._draw_for_worker(task_id, tries)
        if self._has_zombie and self.zombie is None and tries < 2:
            # It goes on beside its successor, which may be sending the same faxes.
            what = self.chance.choice(["decision", "state", "read"])
            return [Strike(what, "before", "stop", self.chance.randrange(FAXES))], self._leave_as_zombie
        if not strikes and self.chance.random() < (0.7, 0.6, 0.4, 0.2)[min(tries, 3)]:
            what = self.chance.choice(["send", "send", "decision", "state", "state", "upload", "read", "xcom", "any"])
            strikes = [Strike(what, self.chance.choice(["before", "after"]))]
        # At any fax of the list, and not at the first alone.
        return [
            replace(strike, skip=self.chance.randrange(_SKIPPED.get(strike.what, 4))) for strike in strikes
        ], on_stop

    def _audit(self) -> None:
        # Whoever makes the list has put back what was left out.
        self._in_list = list(range(len(self.lines)))
        self._write()
        super()._audit()


def key_of(fax: dict[str, Any]) -> str:
    """Give the first part of a fax's key: which fax of the list it is."""
    key = read_key((fax["reference"] or fax["documents"][0]["name"] or "").partition(".")[0])
    return key.whose if key is not None else ""


def pairs_of(faxes: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pair each fax with those before it that are of the same line."""
    return [
        (earlier, later)
        for number, later in enumerate(faxes)
        for earlier in faxes[:number]
        if key_of(earlier) == key_of(later)
    ]


def told_in(entries: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give each status that a run has told in its result, with the entry."""
    for entry in entries:
        value = entry.get("value")
        if entry["event"] == "before" and entry.get("key") == "return_value" and isinstance(value, dict):
            for status in value.get("faxes") or ():
                yield entry, status


def false_successes(entries: list[dict[str, Any]], delivered_at: dict[str, float]) -> list[str]:
    """Find what runs told as delivered that was not."""
    return [
        f"{entry['run']} reported {status['job_id']} of {status['label']} as delivered"
        for entry, status in told_in(entries)
        if status["outcome"] == "success" and delivered_at.get(status["job_id"], float("inf")) > entry["t"] + 0.05
    ]


def foreign_jobs(entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> list[str]:
    """Find what runs told of a job that is of another line, or of somebody else."""
    owners: dict[str, set[str]] = {}
    for _, status in told_in(entries):
        if status["job_id"] is not None:
            owners.setdefault(status["job_id"], set()).add(status["label"])
    own = {fax["id"] for fax in faxes}
    wrong = [f"{job_id} was told of {sorted(labels)}" for job_id, labels in owners.items() if len(labels) > 1]
    return wrong + [f"{job_id} is somebody else's" for job_id in owners if job_id not in own]


def lost(entries: list[dict[str, Any]], faxes: list[dict[str, Any]], moments: dict[str, float]) -> list[str]:
    """Find accepted faxes that no run has named, and of which nobody was warned."""
    known: set[str | None] = set()
    labels: dict[str, str] = {}
    warned: dict[str, float] = {}
    for entry in entries:
        if entry["event"] == "found":
            known |= {job_id for job_id, _ in entry["jobs"]}
        if str(entry.get("key", "")).startswith("submitted_") and entry["event"] == "before":
            try:
                known |= {status.job_id for status in unpack_statuses(entry["value"]["statuses"])}
            except (FaxInputError, KeyError, TypeError):
                continue
    for entry, status in told_in(entries):
        known.add(status["job_id"])
        if status["outcome"] == "unknown":
            warned[status["label"]] = entry["t"]
        if status["reference"] and (key := read_key(status["reference"])) is not None:
            labels[key.whose] = status["label"]
    return [
        f"{fax['id']} is known to no run"
        for fax in faxes
        if fax["id"] not in known and moments[fax["id"]] > warned.get(labels.get(key_of(fax), ""), 0.0)
    ]


def unsettled(entries: list[dict[str, Any]], round_: Batch) -> list[str]:
    """Find lines of which the last result says nothing, once all was well and a user has cleared the task."""
    audited_at = next((entry["t"] for entry in entries if entry["event"] == "audit"), float("inf"))
    if not any(entry["event"] == "clear" and entry["t"] > audited_at for entry in entries):
        # It waited still, for the faxes of the list before.
        return []
    results = [entry["value"] for entry in entries if entry.get("key") == "return_value" and entry["event"] == "before"]
    told = {status["label"] for status in results[-1].get("faxes") or ()} if results else set()
    return [f"the last result does not tell of {line['label']}" for line in round_.lines if line["label"] not in told]


def counts_of(entries: list[dict[str, Any]], faxes: list[dict[str, Any]]) -> Counter[str]:
    """Count what the sum tells of batches."""
    counts: Counter[str] = Counter()
    counts["faxes of batches"] = len(faxes)
    counts["faxes of batches that failed"] = sum(fax["final_status"] in FAILED_FOR_SURE for fax in faxes)
    counts["changes of a list"] = sum(entry["event"] == "list" for entry in entries)
    for _, status in told_in(entries):
        counts[f"told of a batch: {status['outcome']}"] += 1
    return counts
