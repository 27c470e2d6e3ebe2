"""``python -m harness``: rounds of torture, dealt to arenas that run side by side, and the sum of their verdicts."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from harness.home import load_airflow, set_environment, temporary_home, use_own_database
from harness.judge import FAULTS, MUST_NOT_BE
from harness.plan import KINDS

HERE = Path(__file__).resolve().parent


def main() -> int:
    options = _options()
    with temporary_home() as home:
        return _run(options, home)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m harness")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1, help="the first round's; the others count up from it")
    parser.add_argument("--arenas", type=int, default=2, help="how many rounds at once")
    parser.add_argument("--dags", type=Path, default=HERE / "dags", help="the folder of the DAG")
    parser.add_argument("--dag-id", default="torture")
    parser.add_argument("--no-clears", action="store_true", help="nobody clears a task: only Airflow's own retries")
    parser.add_argument("--kind", choices=KINDS, help="rounds of one kind alone")
    parser.add_argument("--report", type=Path, help="where to write the verdicts as JSON")
    parser.add_argument("--keep", type=Path, help="where to keep each round's history and log")
    return parser.parse_args()


def _run(options: argparse.Namespace, home: Path) -> int:
    began = time.monotonic()
    # Airflow's log of the harness's own doings goes to a file; what goes wrong is told on stderr.
    sys.stdout.flush()
    told = os.dup(1)
    os.dup2(os.open(home / "harness.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    set_environment(home, options.dags)
    airflow = load_airflow(options.dag_id)
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    # What is shared with the children shall stay shared.
    gc.collect()
    gc.freeze()
    arenas = [_fork_arena(airflow, home, number, options) for number in range(options.arenas)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in arenas]
    verdicts = [json.loads(line) for path in home.glob("verdicts-*") for line in path.read_text().splitlines()]
    verdicts.sort(key=lambda verdict: verdict["seed"])
    report = {"seconds": round(time.monotonic() - began, 1), "verdicts": verdicts, "arenas": codes}
    if options.report:
        options.report.write_text(json.dumps(report))
    sys.stdout.flush()
    os.dup2(told, 1)
    sys.stdout.write(summary(report) + "\n")
    return 0 if not any(codes) and len(verdicts) == options.rounds else 1


def _fork_arena(airflow: object, home: Path, number: int, options: argparse.Namespace) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        use_own_database(home, str(number))
        from harness.arena import Arena

        arena = Arena(
            airflow,
            home,
            options.keep or home,
            number,
            clears=not options.no_clears,
            has_keys=options.dag_id == "torture",
        )
        seeds = range(options.seed + number, options.seed + options.rounds, options.arenas)
        arena.run_rounds(seeds, home / f"verdicts-{number}", options.kind)
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must not go on in its parent's code
        traceback.print_exc()
    finally:
        os._exit(code)


def summary(report: dict[str, Any]) -> str:
    """Tell the figures of all rounds, and the stories of those that broke a promise.

    :param report: what the arenas have written.
    :return: many lines.
    """
    verdicts = report["verdicts"]
    counts: Counter[str] = Counter()
    for verdict in verdicts:
        counts.update(verdict["counts"])
    lines = [verdict["story"] for verdict in verdicts if verdict["story"]]
    lines += [f"{name:45} {number:8g}" for name, number in sorted(counts.items())]
    for promise in MUST_NOT_BE:
        of_class = [verdict for verdict in verdicts if verdict["promise"] == promise]
        if not of_class:
            continue
        lines.append(f"class {promise}: {len(of_class)} rounds")
        for what in FAULTS:
            seeds = [str(verdict["seed"]) for verdict in of_class if verdict[what]]
            excused = "" if what in MUST_NOT_BE[promise] else " (not promised)"
            named = f": seeds {', '.join(seeds)}" if seeds else ""
            lines.append(f"    rounds with {what.replace('_', ' ')}{excused}: {len(seeds)}{named}")
    lines.append(f"{len(verdicts)} rounds in {report['seconds']} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
