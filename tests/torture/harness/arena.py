"""One arena: rounds one after the other, against a simulator of its own."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.drive import Round
from harness.judge import judge
from harness.plan import make_plan
from harness.world import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.judge import Verdict


def run_rounds(
    airflow: Any, seeds: Iterable[int], folder: Path, verdicts: Path, *, clears: bool = True, has_keys: bool = True
) -> None:
    """Run rounds and write a verdict a line.

    :param airflow: this Airflow.
    :param seeds: the rounds.
    :param folder: for histories and logs.
    :param verdicts: the file for the verdicts.
    :param clears: whether users clear tasks, as they do in the suite.
    :param has_keys: whether the operator gives its faxes keys, as the provider's does.
    """
    simulator = Simulator()
    try:
        with verdicts.open("w") as file:
            for seed in seeds:
                round_ = Round(airflow, simulator, make_plan(seed), folder, clears=clears)
                began = time.monotonic()
                round_.run()
                verdict = judge(round_, has_keys=has_keys)
                verdict.counts["seconds of rounds"] = round(time.monotonic() - began, 1)
                if verdict.violations:
                    verdict.story = tell(round_, verdict)
                file.write(json.dumps(asdict(verdict)) + "\n")
                file.flush()
    finally:
        simulator.stop()


def tell(round_: Round, verdict: Verdict) -> str:
    """Tell a round's whole history, for a person.

    :param round_: the round.
    :param verdict: what came of it.
    :return: many lines. ``--seed S --rounds 1`` repeats it.
    """
    lines = [
        "",
        f"=== {round_.plan.describe()} (judged as {verdict.promise}; repeat with --seed {verdict.seed} --rounds 1)",
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
        f"delivered {fax['delivered']}{' (foreign)' if fax['id'] in round_.foreign else ''}"
        for fax in round_.simulator.faxes()
    ]
    if round_.log.exists():
        lines += [
            "  the end of the log:",
            *(f"    {line}" for line in round_.log.read_text(errors="replace").splitlines()[-30:]),
        ]
    return "\n".join(lines)
