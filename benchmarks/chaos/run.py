"""What ends a wait: each fault on for a while, in real triggerers on PostgreSQL, beside the rivals.

In each row 200 faxes wait in a triggerer of Airflow 3.3.2 with this provider's trigger, and as many with the HTTP
provider's ``HttpSensorTrigger`` and with dbt Cloud's ``DbtCloudRunJobTrigger``, each in a triggerer of its own. All ask
the same vendor (the simulator, through ``benchmarks/waiting/server.py``), each through a gateway, which lets things go
wrong for 20 seconds once all wait. Every tenth wait's deadline lies in that time, and its fax goes on. The other faxes
end one second later, long before the deadline.

What ended each wait, and when, is read from Airflow's task instances. A wait has ended *wrongly* if it ended before its
deadline and before its fax, or with something else than the success of a fax that had ended. It is *late* if it ended
more than 5 seconds after its deadline, or 45 after its fax, or not at all.

Run it with ``make bench-chaos``, which takes about half an hour; such a whole run is recorded in
``benchmarks/results/chaos.json``. ``make chaos`` runs fewer waits and rows, in three minutes, and fails unless this
provider has no wait that ended wrongly and none that did not end; how late they end is only printed. Both need
PostgreSQL, as ``make cluster-test`` does. The whole of it needs root, as which the triggerers run as a user without
rights; rows that cannot be run otherwise are left out, and said to be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
# The vendor of the waiting benchmark; PostgreSQL and processes as the cluster test has them; a quick take-over.
sys.path += [str(ROOT / folder) for folder in ("benchmarks/waiting", "tests/cluster", "tests/torture")]

import psycopg  # noqa: E402 - the folders come first
from faults import OLD_PASSWORD, ROWS, Scene  # noqa: E402
from gate import HOST, Gates  # noqa: E402
from installation import Installation, check_timeouts, migrate, prepare_environment  # noqa: E402
from server import Vendor, open_many_files  # noqa: E402
from servers import postgres  # noqa: E402
from waiting import ClusterError, say, wait_until  # noqa: E402
from waits import (  # noqa: E402
    LATE_AFTER,
    OURS,
    SEEN_WITHIN,
    WAYS,
    Group,
    Wait,
    add_connection,
    control_fired,
    count_deferred,
    defer,
    defer_control,
    end_all,
    make_dag,
    make_runs,
    read_ends,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults import Row

RESULTS = ROOT / "benchmarks" / "results" / "chaos.json"
HOME = ROOT / ".airflow-chaos"
# Seconds from the begin of the faults.
LATER = 8.0
IN_FAULT = (8.0, 16.0)
ONE_IN = 10
FAULT_FOR = 20.0
ENDS_AT = 21.0
# A triggerer that is given hundreds of triggers at once takes a while to start them.
LONGEST_START = 300.0
# From the begin of the waits with a deadline in the fault to the fault: the first look comes after 10 seconds.
SETTLES_IN = 15.0
# An exchange may take twice that time-out; by default it is 30 seconds, longer than a row's fault lasts.
OUR_EXTRA = {"requests_per_minute": 600, "timeout": 5}
OUR_INTERVAL, RIVALS_INTERVAL = 1.0, 5.0
# After the row; what has not ended SEEN_WITHIN after its fax is late anyway.
LAST_DEADLINE = 600.0
TIMEOUTS_EVERY = 15.0
# The rows of the small run: the one in which most of the machinery takes part is alone.
FEW = [row.name for row in ROWS if not row.alone] + ["triggerer_killed"]
ORDER = [row.name for row in ROWS]
SCALED = {
    "seconds_between_looks": {OURS: OUR_INTERVAL, "others": RIVALS_INTERVAL},
    "extra": OUR_EXTRA,
    "fault_seconds": FAULT_FOR,
    "deadlines_in_the_fault": {"every": ONE_IN, "seconds": IN_FAULT},
    "faxes_end_at": ENDS_AT,
    "to_be_seen_within": SEEN_WITHIN,
    "late_after": LATE_AFTER,
}


class Bench:
    """Runs rows.

    :param installation: Airflow.
    :param dag: the DAG, as Airflow's tables have it.
    :param vendor: the vendor.
    :param gates: the gateways by way.
    :param waits: how many for each row and way.
    """

    def __init__(
        self, installation: Installation, dag: Any, vendor: Vendor, gates: dict[str, Gates], waits: int
    ) -> None:
        self._installation = installation
        self._dag = dag
        self._vendor = vendor
        self._gates = gates
        self._waits = waits
        self._timeouts_at = 0.0

    def warm_up(self) -> None:
        """Wait until each triggerer works, which takes longer than to start it."""
        make_runs(self._dag, ["warm_up"])
        defer_control(self._dag, "warm_up", tuple(WAYS))
        database = self._installation.database
        wait_until(lambda: len(control_fired(database, "warm_up")) == len(WAYS), "the triggerers work", seconds=120)

    def run(self, rows: list[Row]) -> list[dict[str, Any]]:
        """Run rows side by side; return the figures of each."""
        scenes = {row.name: Scene(self._installation, self._gates, self._groups(row)) for row in rows}
        every_group = [group for scene in scenes.values() for group in scene.groups]
        for row in rows:
            if row.from_start:
                row.begin(scenes[row.name])
        begun = self._begin(rows, scenes)
        starts = dict(self._installation.starts)
        for row, moment, call in self._plan(rows):
            self._pass_time(begun + moment)
            if row is None:
                self._end_faxes(every_group)
            else:
                call(scenes[row.name])
                if row.excuses == "triggerer" and call is (row.end or row.begin):
                    defer_control(self._dag, row.name, row.ways)
        self._follow(until=begun + ENDS_AT + SEEN_WITHIN + LATE_AFTER)
        self._excuse(rows, scenes, begun + FAULT_FOR)
        now = time.time()
        read_ends(self._installation.database, every_group)
        for row in rows:
            if row.lasts and row.end is not None:
                row.end(scenes[row.name])
        end_all(self._installation.database)
        self._pass_time(time.time() + 2)
        restarts = {way: count - starts[way] for way, count in self._installation.starts.items()}
        return [self._judge(row, scenes[row.name], now, restarts) for row in rows]

    def _begin(self, rows: list[Row], scenes: dict[str, Scene]) -> float:
        """Let all wait; return the moment at which the faults are to begin."""
        make_runs(self._dag, [row.name for row in rows])
        every_group = [group for scene in scenes.values() for group in scene.groups]
        few = self._waits // ONE_IN
        for group in every_group:
            # None of these deadlines is to come: see LAST_DEADLINE.
            self._add(group, [time.time() + LAST_DEADLINE] * (self._waits - few), ends=True)
        defer(self._dag, every_group, interval=OUR_INTERVAL, rivals_interval=RIVALS_INTERVAL)
        self._until_all_asked_for([group for row in rows if not row.from_start for group in scenes[row.name].groups])
        begun = time.time() + SETTLES_IN
        first, last = IN_FAULT
        moments = [begun + first + (last - first) / few * number for number in range(few)]
        for group in every_group:
            self._add(group, moments, ends=False)
        defer(self._dag, every_group, interval=OUR_INTERVAL, rivals_interval=RIVALS_INTERVAL)
        return begun

    def _add(self, group: Group, deadlines: list[float], *, ends: bool) -> None:
        faxes = self._vendor.accept(group.account, len(deadlines), group.vendor)
        group.waits += [Wait(group.way, fax, moment, ends) for fax, moment in zip(faxes, deadlines, strict=True)]

    def _until_all_asked_for(self, groups: list[Group]) -> None:
        """Wait until every fax was asked for, as far as the vendor can tell."""
        began = time.time()
        counted = [group for group in groups if group.vendor == "interfax"]
        while left := [
            group for group in counted if self._vendor.counts(group.account)["asked_for"] < len(group.waits)
        ]:
            if time.time() > began + LONGEST_START:
                raise ClusterError(f"Not all faxes were asked for in time: {[group.account for group in left]}.")
            self._pass_time(time.time() + 1)
        say(f"All wait and were asked for, after {time.time() - began:.0f} s.")

    def _groups(self, row: Row) -> list[Group]:
        groups = []
        for way in row.ways:
            vendor = row.vendor if way == OURS else "interfax"
            group = Group(row.name, way, vendor, f"{row.name}_{way}", f"{row.name}_{way}")
            address = self._vendor.url.removeprefix("http://").partition(":")
            port = self._gates[way].open(row.name, address[0], int(address[2]))
            url = f"http://{HOST}:{port}"
            given: dict[str, Any] = {
                "faxto": {"conn_type": vendor, "host": url, "login": group.account},
                "http": {"conn_type": "http", "host": url, "login": group.account},
                "dbt": {"conn_type": "dbt_cloud", "host": f"{HOST}:{port}", "login": "1"},
            }[way]
            password = faxto_key(group.account) if vendor == "faxto" else OLD_PASSWORD
            extra = json.dumps(OUR_EXTRA) if way == OURS else None
            add_connection(group.conn_id, password=password, extra=extra, **given)
            groups.append(group)
        return groups

    def _plan(self, rows: list[Row]) -> list[tuple[Row | None, float, Any]]:
        plan: list[tuple[Row | None, float, Any]] = [(None, ENDS_AT, None)]
        for row in rows:
            if not row.from_start:
                plan.append((row, 0.0, row.begin))
            if row.later is not None:
                plan.append((row, LATER, row.later))
            if row.end is not None and not row.lasts:
                plan.append((row, FAULT_FOR, row.end))
        return sorted(plan, key=lambda planned: planned[1])

    def _end_faxes(self, groups: list[Group]) -> None:
        for group in groups:
            endless = tuple(wait.fax for wait in group.waits if not wait.ends)
            moment = time.time()
            self._vendor.schedule(group.account, 0, 0, endless)
            for wait in group.waits:
                if wait.ends:
                    wait.fax_ended_at = moment

    def _pass_time(self, until: float) -> None:
        """Do what a scheduler and a keeper of processes do, until a moment."""
        while (left := until - time.time()) > 0:
            self._installation.keep_alive()
            if time.monotonic() >= self._timeouts_at:
                self._timeouts_at = time.monotonic() + TIMEOUTS_EVERY
                check_timeouts()
            time.sleep(min(left, 0.5))

    def _follow(self, until: float) -> None:
        """Wait until all waits have ended, or should have long since."""
        while time.time() < until and count_deferred(self._installation.database):
            self._pass_time(time.time() + 0.5)

    def _excuse(self, rows: list[Row], scenes: dict[str, Scene], fault_ended_at: float) -> None:
        """Note until when nobody could have told that a deadline has passed."""
        for row in rows:
            fired = control_fired(self._installation.database, row.name) if row.excuses == "triggerer" else {}
            for group in scenes[row.name].groups:
                for wait in group.waits:
                    if row.excuses == "fault":
                        wait.excused_until = fault_ended_at
                    else:
                        wait.excused_until = fired.get(group.way, 0.0)

    def _judge(self, row: Row, scene: Scene, now: float, restarts: dict[str, int]) -> dict[str, Any]:
        figures: dict[str, Any] = {"row": row.name, "title": row.title, "ways": {}}
        for group in scene.groups:
            wrong = [wait for wait in group.waits if wait.is_wrong]
            late = [wait for wait in group.waits if wait.is_late(now)]
            ended = [
                wait.ended_at - max(wait.deadline, wait.excused_until)
                for wait in group.waits
                if wait.ended_at and not wait.says_success and not wait.ends
            ]
            seen = [wait.ended_at - wait.fax_ended_at for wait in group.waits if wait.ended_at and wait.ends]
            figures["ways"][group.way] = {
                "waits": len(group.waits),
                "right": sum(wait not in wrong and wait not in late for wait in group.waits),
                "wrong": len(wrong),
                "late": len(late),
                "never_ended": sum(wait.ended_at is None for wait in group.waits),
                "longest_past_deadline": round(max(ended, default=0.0), 1),
                "longest_until_seen": round(max(seen, default=0.0), 1),
                "requests_gone_wrong": self._gates[group.way].struck(group.row),
                "triggerer_restarts": restarts[group.way] if row.alone else 0,
                # Without the folders of the machine that it was measured on.
                "first_wrong": str(wrong[0].said).replace(f"{ROOT}/", "")[:300] if wrong else "",
            }
        tell = ", ".join(f"{way} {its['wrong']} wrong {its['late']} late" for way, its in figures["ways"].items())
        say(f"{row.title}: {tell}")
        return figures


def faxto_key(account: str) -> str:
    """Give the key of a Fax.to account."""
    return f"fake-key-of-{account}"


def batches(rows: list[Row], at_once: int) -> Iterator[list[Row]]:
    """Put rows together that run side by side."""
    together = [row for row in rows if not row.alone]
    for first in range(0, len(together), at_once):
        yield together[first : first + at_once]
    yield from ([row] for row in rows if row.alone)


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


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run everything that was asked for, and give the figures of each row."""
    chosen = [row for row in ROWS if row.name in options.rows]
    with contextlib.ExitStack() as stack:
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir()
        url = stack.enter_context(postgres(HOME / "postgres.log")).url
        changes = prepare_environment(HOME, url)
        say("Making Airflow's tables ...")
        migrate(HOME)
        database = stack.enter_context(psycopg.connect(url, autocommit=True))
        gates = {way: Gates() for way in (*WAYS, "database")}
        for each in gates.values():
            stack.callback(each.close)
        accounts = [f"{row.name}_{way}" for row in chosen for way in row.ways]
        keys = {f"{row.name}_{OURS}": faxto_key(f"{row.name}_{OURS}") for row in chosen if row.vendor == "faxto"}
        vendor = Vendor(1, [name for name in accounts if name not in keys], keys, limit=None)
        stack.callback(vendor.close)
        dag = make_dag()
        installation = Installation(HOME, list(WAYS), changes, database, gates["database"])
        stack.callback(installation.stop)
        say("Starting the triggerers ...")
        installation.start()
        bench = Bench(installation, dag, vendor, gates, options.waits)
        bench.warm_up()
        for rows in batches(chosen, options.at_once):
            able = [row for row in rows if row.needs is None or getattr(installation, row.needs)]
            for row in rows:
                if row not in able:
                    say(f"Left out, since it needs root: {row.title}")
                    yield {"row": row.name, "title": row.title, "left_out": row.needs}
            if able:
                say(f"Beginning: {', '.join(row.name for row in able)} ...")
                yield from bench.run(able)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waits", type=int, default=200, help="for each row and way (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=3, help="rows that run side by side (default: %(default)s)")
    parser.add_argument("--rows", nargs="+", choices=ORDER, default=ORDER)
    parser.add_argument("--few", action="store_true", help="the rows of the small run")
    parser.add_argument("--out", type=Path, help="where to record the figures")
    parser.add_argument("--keep", action="store_true", help="leave what is recorded there of other rows")
    options = parser.parse_args()
    if options == parser.parse_args([]):
        options.out = RESULTS
    if options.waits < ONE_IN:
        parser.error(f"Give {ONE_IN} waits at least, of which one has its deadline in the fault.")
    if options.few:
        options.rows = FEW
    return options


def main() -> int:
    """Measure, record and print; return the exit code."""
    options = arguments()
    # So that a plain kill cleans up too.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    open_many_files()
    recorded: dict[str, Any] = {"machine": machine(), "scaled": SCALED, "waits": options.waits, "results": []}
    if options.out and options.keep:
        recorded["results"] = json.loads(options.out.read_text())["results"]
    bad: dict[str, dict[str, Any]] = {}
    try:
        for one in measure(options):
            others = [each for each in recorded["results"] if each["row"] != one["row"]]
            recorded["results"] = sorted([*others, one], key=lambda each: ORDER.index(each["row"]))
            ours = one["ways"][OURS] if "ways" in one else {"wrong": 0, "late": 0, "never_ended": 0}
            # How late is a figure of the whole run on a quiet machine; the small one is a check.
            if ours["wrong"] or (ours["never_ended"] if options.few else ours["late"]):
                bad[one["title"]] = ours
            if options.out:
                # Row by row, since the whole takes long.
                options.out.parent.mkdir(exist_ok=True)
                options.out.write_text(json.dumps(recorded, indent=1) + "\n")
    except (ClusterError, psycopg.Error) as error:
        say(f"FAILED: {error}")
        return 1
    for title, ours in bad.items():
        say(f"BAR MISSED: {title}: {ours}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
