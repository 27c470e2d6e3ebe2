"""``python benchmarks/naive/compare.py --rounds 200``: how many faxes go out twice, the naive way and the provider's.

Both go through the rounds of ``tests/torture`` with the same seeds: the same faults at the vendor, the same kills of
workers. No user clears or re-runs anything (``--no-clears``): each double fax is made by Airflow's own retries. Rounds
of bursts, of two installations and of several DAG runs with one ``idempotency_key`` are one task's here, since the
naive way has nothing to hold against them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TORTURE = ROOT / "tests" / "torture"
sys.path.insert(0, str(TORTURE))

from harness.judge import CLASSES, FAULTS, MUST_NOT_BE  # noqa: E402 - the torture's harness is no package of its own

WAYS = {
    "naive (posts in execute, retries=2)": ["--dag-id", "naive", "--dags", str(ROOT / "benchmarks" / "naive" / "dags")],
    "this provider (retries=2)": [],
}
LINES = {
    "rounds (logical faxes)": len,
    "faxes accepted by the vendor": lambda verdicts: sum(verdict["counts"]["accepted faxes"] for verdict in verdicts),
    "rounds with a double fax": lambda verdicts: sum(1 for verdict in verdicts if verdict["double_sends"]),
    "faxes too many": lambda verdicts: sum(verdict["too_many"] for verdict in verdicts),
    "false successes": lambda verdicts: sum(len(verdict["false_successes"]) for verdict in verdicts),
}


def main() -> None:
    """Run both ways and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    results = {way: run(arguments, options) for way, arguments in WAYS.items()}
    # Where the vendor itself is later than the grace, or a run that Airflow gave up goes on, nobody promises.
    for title, classes in (
        ("rounds with a whole promise", [name for name in CLASSES if len(MUST_NOT_BE[name]) == len(FAULTS)]),
        ("all rounds", CLASSES),
    ):
        print(f"\n{title:36}" + "".join(f"{way:>40}" for way in WAYS))
        # A round counts on both sides or on none: a machine that is late moves one into another class.
        seeds = set.intersection(
            *({one["seed"] for one in verdicts if one["promise"] in classes} for verdicts in results.values())
        )
        for line, figure in LINES.items():
            figures = [figure([one for one in verdicts if one["seed"] in seeds]) for verdicts in results.values()]
            print(f"{line:36}" + "".join(f"{one:>40}" for one in figures))


def run(arguments: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run the rounds one way.

    :param arguments: which operator.
    :param options: how many rounds, from which seed.
    :return: the verdicts.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-W", "ignore", "-m", "harness", "--no-clears", "--report", str(report)]
        command += ["--rounds", str(options.rounds), "--seed", str(options.seed), *arguments]
        environment = os.environ | {"PYTHONPATH": str(TORTURE)}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        return json.loads(report.read_text())["verdicts"]


if __name__ == "__main__":
    main()
