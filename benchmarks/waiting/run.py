"""What it costs to wait for many faxes of one InterFAX account, beside one trigger that asks for each fax.

The rivals are the HTTP provider's ``HttpSensorTrigger`` and dbt Cloud's ``DbtCloudRunJobTrigger``, in the same run and
through the same code (``follower.py``), against the same vendor (``server.py``), with the same interval. InterFAX
takes 6 status requests a minute from an account. That limit is on for our provider and off for the rivals, which with
it would never see the end. Two kinds of runs:

- *follow*: the faxes end at random within the spread; each is followed to its event. It gives the requests, the
  processor time and the delays. All ways and numbers run side by side.
- *hold*: no fax ends until all have been looked at once. Then memory is read, all faxes end at once, and the run stops
  after little more than an interval. It gives the memory for each fax, and how long the event loop is blocked. A
  trigger that only sleeps shows what of that is Airflow's and Python's own.

Run it with ``make bench-waiting``, which takes about 20 minutes and wants a machine that has nothing else to do. Such a
whole run is recorded in ``benchmarks/results/waiting.json``; one with other arguments only where ``--out`` says.
``make bench-waiting BENCH_ARGS="--faxes 10 100 --base-speed 10 --rounds 0"`` is a trial of three minutes.

Processor time, memory and delays are those of the clock's own speed, but for two figures, where the clock of our
provider and of the vendor runs ten times as fast: what it takes to follow 10,000 faxes, and what it holds. There the
requests are as many and as large as they would be, and only come sooner after one another. The tables say which.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from follower import BARE, FIRST_LOOK, OURS, WAYS, follow
from judge import TOGETHER, bars, longest_block, summarise
from server import LIMIT, Vendor
from tables import show

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

RESULTS = Path(__file__).resolve().parents[1] / "results" / "waiting.json"
NUMBERS = [10, 100, 1000, 10_000]
# Beyond that many the rivals' requests fill a processor, and a minute of simulated time is long for our provider.
MANY = 1000
STARTED = time.monotonic()


def say(text: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


class Run:
    """One way, so many faxes, in a process of its own.

    :param vendor: whom to ask.
    :param way: one of :data:`WAYS`.
    :param label: the name of the account.
    :param faxes: how many.
    :param interval: seconds between two looks.
    """

    def __init__(
        self, vendor: Vendor, way: str, label: str, faxes: int, *, interval: float, heartbeat: bool = False
    ) -> None:
        self.vendor, self.way, self.account, self.faxes = vendor, way, label, faxes
        warm = f"warm_{label}"
        warm_fax = vendor.accept(warm, 1)[0]
        vendor.schedule(warm, 0, 0)
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=follow,
            args=(theirs, vendor.url, way, label, vendor.accept(label, faxes)),
            kwargs={"warm": (warm, warm_fax), "interval": interval, "speed": vendor.speed, "heartbeat": heartbeat},
            daemon=True,
        )
        self.process.start()
        theirs.close()

    def receive(self, seconds: float) -> Any:
        """Wait for what the process says."""
        if not self.pipe.poll(seconds):
            raise TimeoutError(f"{self.account}: nothing came for {seconds:.0f} s.")
        return self.pipe.recv()

    def close(self) -> None:
        """Wait for the process to end."""
        self.pipe.close()
        self.process.join(30)
        self.process.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def accounts_of(labels: list[str]) -> list[str]:
    """Give each label its account, and one for the warm-up."""
    return [*labels, *(f"warm_{label}" for label in labels)]


def follow_all(vendor: Vendor, way: str, label: str, faxes: int, options: argparse.Namespace) -> dict[str, Any]:
    """Follow the faxes to their ends."""
    with Run(vendor, way, label, faxes, interval=options.interval) as run:
        run.receive(180)
        first = FIRST_LOOK + 1
        ends = vendor.schedule(label, first, options.spread)
        started = time.monotonic()
        run.pipe.send("go")
        # Twice what an ideal poller takes to ask for all, and then some.
        longest = first + options.spread + 3 * options.interval + 2 * 60 * faxes / TOGETHER / LIMIT
        if not run.pipe.poll(longest / vendor.speed + 30):
            run.pipe.send("stop")
        found = run.receive(60)
    events = found["events"]
    delays = [(events[fax] - end) * vendor.speed for fax, end in ends.items() if events[fax]]
    after_start = [(end - started) * vendor.speed for end in ends.values()]
    result = {
        "kind": "follow",
        "way": way,
        "faxes": faxes,
        "speed": vendor.speed,
        "interval": options.interval,
        "spread": options.spread,
        **vendor.counts(label),
        "cpu_seconds": found["cpu_seconds"],
        "right": found["right"],
        "wrong": found["wrong"],
        "first_wrong": found["first_wrong"],
        "delays": delays,
        "ends": after_start,
    }
    say(f"followed {faxes:,} faxes, {way}: {result['requests']:,} requests, {result['cpu_seconds']:.2f} CPU-seconds")
    return result


def hold(vendor: Vendor, way: str, label: str, faxes: int, options: argparse.Namespace) -> dict[str, Any]:
    """Let all wait, read the memory, let all end at once."""
    with Run(vendor, way, label, faxes, interval=options.interval, heartbeat=True) as run:
        run.receive(180)
        run.pipe.send("go")
        started = time.monotonic()
        until = started + 300
        while way != BARE and vendor.counts(label)["asked_for"] < faxes and time.monotonic() < until:
            time.sleep(0.5)
        looked = time.monotonic() - started
        # Nobody's first look is still under way then, and the phase of the start is over.
        run.receive(300)
        time.sleep(3)
        counts = vendor.counts(label)
        run.pipe.send("memory")
        memory = run.receive(60)
        time.sleep(3)
        run.pipe.send("ending")
        run.receive(60)
        vendor.schedule(label, 0, 0)
        if not run.pipe.poll({BARE: 1, OURS: 30}.get(way, 1.1 * options.interval + 5)):
            run.pipe.send("stop")
        found = run.receive(60)
    result = {
        "kind": "hold",
        "way": way,
        "faxes": faxes,
        "speed": vendor.speed,
        "interval": options.interval,
        "looked_at": counts["asked_for"],
        "seconds_to_look_at_all": looked,
        "kb_per_fax": memory["trimmed"] / faxes,
        "kb_per_fax_untrimmed": memory["as_it_stands"] / faxes,
        "blocked": found["blocked"],
        "right": found["right"],
        "wrong": found["wrong"],
        "first_wrong": found["first_wrong"],
    }
    say(f"held {faxes:,} faxes, {way}: {result['kb_per_fax']:.1f} kB a fax, blocked {longest_block(result):.0f} ms")
    return result


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run everything that was asked for."""
    results = []
    if "hold" in options.kinds:
        ways = [BARE, *options.ways]
        small = [(way, faxes) for way in ways for faxes in options.faxes if faxes <= MANY]
        results += side_by_side(hold, small, options)
        for way in ways:
            for faxes in options.faxes:
                if faxes > MANY:
                    # Alone, since others would block the loop too.
                    results += side_by_side(hold, [(way, faxes)], options)
    if "follow" in options.kinds:
        jobs = [
            (way, faxes) for way in options.ways for faxes in options.faxes if faxes <= MANY or options.rivals_at_all
        ]
        if OURS in options.ways:
            jobs += [(OURS, faxes) for faxes in options.faxes if faxes > MANY and (OURS, faxes) not in jobs]
        results += side_by_side(follow_all, jobs, options, rounds=options.rounds)
    return results


def side_by_side(
    kind: Callable[..., dict[str, Any]],
    jobs: list[tuple[str, int]],
    options: argparse.Namespace,
    *,
    rounds: int = 0,
) -> list[dict[str, Any]]:
    """Run jobs at the same time, each at its speed, and more rounds of our fewest faxes meanwhile.

    Ten faxes tell little about delays. So our provider follows them again and again, at the higher speed.
    """
    speeds = {}
    for way, faxes in jobs:
        is_sped_up = way == OURS and (kind is hold or faxes > MANY)
        speeds[f"{way}_{faxes}"] = options.speed if is_sped_up else options.base_speed
    again = [
        f"{OURS}_{faxes}_{number}" for way, faxes in jobs if (way, faxes) == (OURS, 10) for number in range(rounds)
    ]
    speeds |= dict.fromkeys(again, options.speed)
    vendors = {
        speed: Vendor(speed, accounts_of([label for label, its in speeds.items() if its == speed]))
        for speed in set(speeds.values())
    }

    def one(label: str) -> dict[str, Any]:
        way, faxes = label.split("_")[:2]
        return kind(vendors[speeds[label]], way, label, int(faxes), options)

    with ThreadPoolExecutor(max(len(speeds), 1)) as pool:
        done = [pool.submit(one, label) for label in speeds if label not in again]
        in_turn = pool.submit(lambda: [one(label) for label in again])
        results = [each.result() for each in done] + in_turn.result()
    for vendor in vendors.values():
        vendor.close()
    return results


def machine() -> dict[str, Any]:
    """Say where this ran."""
    names = ("apache-airflow", "apache-airflow-providers-http", "apache-airflow-providers-dbt-cloud", "aiohttp")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in (*names, "requests")},
    }


def main() -> None:
    """Measure, record and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--faxes", nargs="+", type=int, default=NUMBERS, help="how many; each number is a run")
    parser.add_argument("--kinds", nargs="+", choices=["hold", "follow"], default=["hold", "follow"])
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between two looks at a fax")
    parser.add_argument("--spread", type=float, default=600.0, help="seconds over which the faxes end")
    parser.add_argument("--base-speed", type=float, default=1.0, help="of the clock, for what is compared")
    parser.add_argument(
        "--speed", type=float, default=10.0, help="of the clock, where our provider holds faxes or follows many"
    )
    parser.add_argument("--rounds", type=int, default=7, help="how often our provider follows 10 faxes again")
    parser.add_argument("--rivals-at-all", action="store_true", help="let the rivals follow more than 1,000, too")
    parser.add_argument("--out", type=Path, help="where to record the figures")
    options = parser.parse_args()
    if options == parser.parse_args([]):
        options.out = RESULTS
    recorded: dict[str, Any] = {"machine": machine(), "results": summarise(measure(options))}
    recorded["bars"] = bars(recorded["results"])
    if options.out:
        options.out.parent.mkdir(exist_ok=True)
        options.out.write_text(json.dumps(recorded, indent=1) + "\n")
    show(recorded)
    sys.exit(not all(one["holds"] for one in recorded["bars"]))


if __name__ == "__main__":
    main()
