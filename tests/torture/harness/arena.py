"""One arena: rounds one after the other, against a simulator of its own."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.batch import Batch
from harness.burst import Burst
from harness.drive import Round
from harness.home import use_own_database
from harness.installations import run_two
from harness.judge import FAULTS, judge
from harness.plan import SHARED_KEY, make_plan
from harness.shared_key import SharedKey
from harness.world import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from harness.judge import Verdict
    from harness.plan import Plan


class Arena:
    """A place for rounds, one after the other.

    :param airflow: this Airflow.
    :param home: the harness's folder, with the database.
    :param folder: for histories and logs.
    :param number: which arena this is.
    :param clears: whether users clear tasks, as they do in the suite.
    :param has_keys: whether the operator gives its faxes keys, as the provider's does.
    """

    def __init__(
        self, airflow: Any, home: Path, folder: Path, number: int, *, clears: bool = True, has_keys: bool = True
    ) -> None:
        self._airflow = airflow
        self._home = home
        self._folder = folder
        self._number = number
        self._clears = clears
        self._has_keys = has_keys
        self._simulators: list[Simulator] = []

    def run_rounds(self, seeds: Iterable[int], verdicts: Path, kind: str | None = None) -> None:
        """Run rounds and write a verdict a line.

        :param seeds: the rounds.
        :param verdicts: the file for the verdicts.
        :param kind: the kind of all of them. Default: as each seed decides.
        """
        self._simulators.append(Simulator())
        try:
            with verdicts.open("w") as file:
                for seed in seeds:
                    began = time.monotonic()
                    verdict = self._run(make_plan(seed, kind))
                    verdict.counts["seconds of rounds"] = round(time.monotonic() - began, 1)
                    file.write(json.dumps(asdict(verdict)) + "\n")
                    file.flush()
        finally:
            for simulator in self._simulators:
                simulator.stop()

    def _elsewhere(self) -> Simulator:
        """Give the other host."""
        if len(self._simulators) == 1:
            self._simulators.append(Simulator())
        return self._simulators[1]

    def _run(self, plan: Plan) -> Verdict:
        simulator = self._simulators[0]
        simulator.ask("POST", "/clock", speed=1)
        # Without users a round is one installation's, so that other operators can go through the same.
        if plan.kind == "burst" and self._clears:
            burst = Burst(self._airflow, simulator, plan, self._folder)
            return _told(plan, [burst], burst.run())
        if plan.kind in ("two installations", "one key space") and self._clears:
            second_database = partial(use_own_database, self._home, f"{self._number}-second")
            both = run_two(self._airflow, simulator, plan, self._folder, second_database)
            first, second = (judge(one, others=[other]) for one, other in (both, both[::-1]))
            return _told(plan, both, _sum(first, second))
        round_: Round
        if plan.kind == "batch" and self._clears:
            round_ = Batch(self._airflow, simulator, plan, self._folder)
        elif plan.kind in SHARED_KEY and self._clears:
            round_ = SharedKey(self._airflow, simulator, plan, self._folder)
        else:
            round_ = Round(self._airflow, simulator, plan, self._folder, clears=self._clears, elsewhere=self._elsewhere)
        round_.prepare()
        round_.run()
        return _told(plan, [round_], judge(round_, has_keys=self._has_keys))


def _told(plan: Plan, rounds: Sequence[Round | Burst], verdict: Verdict) -> Verdict:
    if verdict.violations:
        verdict.story = "\n".join(tell(plan, one, verdict) for one in rounds)
    return verdict


def _sum(first: Verdict, second: Verdict) -> Verdict:
    """Put the verdicts on two installations together."""
    for what in FAULTS:
        getattr(first, what).extend(getattr(second, what))
    if second.promise == "late":
        first.promise = "late"
    first.too_many += second.too_many
    counts = Counter(first.counts)
    counts.update(second.counts)
    first.counts = dict(counts) | {"rounds": 1}
    first.close()
    return first


def tell(plan: Plan, round_: Round | Burst, verdict: Verdict) -> str:
    """Tell a round's whole history, for a person.

    :param plan: what was to happen.
    :param round_: the round.
    :param verdict: what came of it.
    :return: many lines. ``--seed S --rounds 1`` repeats it.
    """
    lines = [
        "",
        f"=== {plan.describe()} (judged as {verdict.promise}; repeat with --seed {verdict.seed} --rounds 1)",
    ]
    lines += [f"  {text}" for text in verdict.violations]
    entries = round_.journal.entries()
    began = entries[0]["t"]
    for entry in entries:
        details = {name: value for name, value in entry.items() if name not in ("t", "event", "run")}
        lines.append(f"  {entry['t'] - began:7.3f} {entry.get('run', ''):12} {entry['event']:10} {json.dumps(details)}")
    lines.append("  the judge's view:")
    lines += [
        f"    {fax['id']} accepted {fax['accepted_at']} ended {fax['final_at']} as {fax['final_status']}, "
        f"delivered {fax['delivered']}, {fax['reference'] or [document['name'] for document in fax['documents']]}"
        f"{' (a stranger)' if fax['stranger'] else ''}"
        for fax in round_.faxes()
    ]
    if round_.log.exists():
        lines += [
            "  the end of the log:",
            *(f"    {line}" for line in round_.log.read_text(errors="replace").splitlines()[-30:]),
        ]
    return "\n".join(lines)
