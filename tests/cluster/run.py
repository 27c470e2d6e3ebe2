"""``make cluster-test``: a whole Airflow cluster on this machine, two vendors' faxes, kills, outages, and a judge.

On loopback alone: PostgreSQL and Redis (servers of the run's own), an API server, a scheduler, a DAG processor, two
triggerers and two Celery workers of Airflow 3.3.2, and the vendors' simulator, with InterFAX's limit of 6 status
requests a minute. A DAG run, started through the REST API, sends ``--faxes`` faxes to InterFAX and as many to Fax.to,
a mapped task each, and waits for them in the triggerers. Meanwhile

- one worker that runs tasks and one triggerer that waits for faxes are killed with SIGKILL, all their processes at
  once, and started again;
- PostgreSQL is stopped at once (as by ``pg_ctl stop -m immediate``) and started on the same data 20 s later;
- the API server is ended and started again 30 s later.

Scheduler, DAG processor and triggerers end when their database is gone. As systemd or Kubernetes would, the run starts
again whatever ends by itself in an outage or in the minute after it; at any other time that is an error.

At the end each fax must have exactly one job at the simulator, each task the outcome of its own fax, at most 1 % of
the status requests may have been refused for the rate, and no try of a task may have failed but those that were
killed and those that Airflow could not serve in an outage: it ended the task's process, never began it, or did not
answer it. Never may a trigger have failed. The exit code is 0 only if all of that holds. Everything is stopped at the
end, whatever the end was. The logs are in ``.airflow-cluster/``.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import redis
import requests
from cluster import Cluster
from judge import Verdict
from outages import Outage
from servers import postgres, redis_server
from vendors import Simulator, make_faxes
from waiting import STARTED, ClusterError, say

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from servers import Postgres
    from vendors import Fax

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".airflow-cluster"
_MAPPED = "task_id IN ('interfax', 'faxto')"
_TELL_EVERY = 15.0
# Of fifteen minutes for a hundred faxes at each vendor; the last is for judging and stopping. More faxes take as much
# longer.
_LONGEST_RUN = 840.0
_FAXES_IN_THAT = 100


@dataclass
class Strike:
    """One kill, and the way back.

    :param kind: what is killed.
    :param victim: which, once it was.
    :param struck_at: when, on the monotonic clock.
    :param is_back: tells whether it works again.
    :param back_after: after how many seconds it did.
    """

    kind: str
    victim: str | None = None
    struck_at: float = 0.0
    is_back: Callable[[], bool] = field(default=lambda: False)
    back_after: float | None = None


class Run:
    """One run of the cluster.

    :param cluster: the cluster, started.
    :param postgres: the server of its database.
    :param simulator: the vendors.
    :param faxes: what is to be sent.
    """

    def __init__(
        self, cluster: Cluster, postgres: Postgres, simulator: Simulator, faxes: dict[str, dict[str, Fax]]
    ) -> None:
        self._cluster = cluster
        self._postgres = postgres
        self._simulator = simulator
        self._faxes = faxes
        self._count = sum(map(len, faxes.values()))
        self.worker = Strike("worker")
        self.triggerer = Strike("triggerer")
        self.killed_runs: set[tuple[str, int]] = set()
        self.waiting_at_kill = 0
        api_server = cluster.machines["api-server"]
        self.outages = [
            Outage("PostgreSQL", 20.0, 1 / 2, postgres.stop, self._start_postgres),
            Outage("the API server", 30.0, 2 / 3, api_server.stop, api_server.start),
        ]
        self.memory = (0, 0)

    @property
    def restarts(self) -> Counter[str]:
        """How often each part ended by itself and was started again."""
        return self._cluster.restarts

    def begin(self) -> None:
        """Start the DAG run through the REST API."""
        for conn_type in self._faxes:
            self._cluster.add_connection(f"{conn_type}_default", self._simulator.connections[conn_type])
        numbers = {vendor: {label: fax.number for label, fax in faxes.items()} for vendor, faxes in self._faxes.items()}
        document = str(ROOT / "example_dags" / "files" / "letter.pdf")
        conf = {"fax_numbers": numbers, "document": document}
        self._cluster.api("POST", "/dags/fax_cluster/dagRuns", {"logical_date": None, "conf": conf})

    def follow(self, until: float) -> None:
        """Kill, start again, and wait until all tasks have ended.

        :param until: when to give up, on the monotonic clock.
        :raises ClusterError: if the time is over, or a part ended by itself.
        """
        tell_at = 0.0
        while True:
            self._cluster.check()
            states = dict(
                self._cluster.rows(
                    "SELECT coalesce(state, 'to be scheduled'), count(*) FROM task_instance GROUP BY state"
                )
            )
            if time.monotonic() >= tell_at:
                tell_at = time.monotonic() + _TELL_EVERY
                self.memory = max(self.memory, self._cluster.memory())
                say(", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "the run begins")
            self._strike_worker()
            self._strike_triggerer()
            for strike in (self.worker, self.triggerer):
                self._look_for(strike)
            self._stop_a_server()
            if self._is_over():
                return
            if time.monotonic() > until:
                raise ClusterError("The time is over.")
            time.sleep(0.5)

    def _is_over(self) -> bool:
        run = self._cluster.rows("SELECT state FROM dag_run WHERE state IN ('success', 'failed')")
        # A machine that is on its way back when the last fax has ended still has to arrive.
        pending = [strike for strike in (self.worker, self.triggerer) if strike.victim and strike.back_after is None]
        return bool(run) and not pending

    def _strike_worker(self) -> None:
        """Kill the worker with the most task runs, four if there are as many, once an eighth of the faxes is sent."""
        if self.worker.victim:
            return
        busiest = self._cluster.rows(
            f"SELECT hostname, count(*) FROM task_instance WHERE state = 'running' AND {_MAPPED} "
            "GROUP BY hostname ORDER BY 2 DESC LIMIT 1"
        )
        if not busiest or busiest[0][1] < min(4, self._count // 8) or self._on_their_way() * 8 < self._count:
            return
        victim, runs = busiest[0]
        self._kill(self.worker, victim, f"which runs {runs} tasks")
        self.killed_runs = set(
            self._cluster.rows(
                "SELECT task_id, map_index FROM task_instance WHERE hostname = %s AND state = 'running'",
                victim,
            )
        )
        self._start_again(self.worker, lambda: victim in self._cluster.workers())

    def _strike_triggerer(self) -> None:
        """Kill the triggerer that waits for the most faxes, once a third of the faxes is sent."""
        if self.triggerer.victim or self.worker.back_after is None:
            return
        busiest = self._cluster.rows(
            "SELECT job.hostname, count(*) FROM trigger JOIN job ON job.id = trigger.triggerer_id "
            "GROUP BY job.hostname ORDER BY 2 DESC LIMIT 1"
        )
        if not busiest or self._on_their_way() * 3 < self._count:
            return
        victim, self.waiting_at_kill = busiest[0]
        before = self._cluster.triggerers()[victim]
        self._kill(self.triggerer, victim, f"which waits for {self.waiting_at_kill} faxes")
        self._start_again(self.triggerer, lambda: self._cluster.triggerers().get(victim, before) > before)

    def _stop_a_server(self) -> None:
        """Stop the next server, once its share of the faxes is sent and while some wait."""
        outage = next((outage for outage in self.outages if outage.began is None), None)
        if outage is None or self.triggerer.back_after is None or self._on_their_way() < self._count * outage.share:
            return
        outage.waiting = self._waiting()
        if outage.waiting:
            say(f"{outage.name} is stopped for {outage.seconds:g} s, while {outage.waiting} faxes wait.")
            outage.last(self._cluster)
            say(f"All is well again, {outage.well_after:.0f} s later.")

    def _start_postgres(self) -> None:
        self._postgres.start()
        self._cluster.reconnect()

    def _waiting(self) -> int:
        query = f"SELECT count(*) FROM task_instance WHERE state = 'deferred' AND {_MAPPED}"
        return int(self._cluster.rows(query)[0][0])

    def _on_their_way(self) -> int:
        query = f"SELECT count(*) FROM task_instance WHERE state IN ('deferred', 'success') AND {_MAPPED}"
        return int(self._cluster.rows(query)[0][0])

    def _kill(self, strike: Strike, victim: str, doing: str) -> None:
        say(f"SIGKILL to {victim}, {doing}.")
        self._cluster.machines[victim].kill()
        strike.victim = victim
        strike.struck_at = time.monotonic()

    def _start_again(self, strike: Strike, is_back: Callable[[], bool]) -> None:
        self._cluster.machines[strike.victim or ""].start()
        strike.is_back = is_back

    def _look_for(self, strike: Strike) -> None:
        if strike.victim and strike.back_after is None and strike.is_back():
            strike.back_after = time.monotonic() - strike.struck_at
            say(f"{strike.victim} is back.")


def main() -> int:
    """Run it all; return the exit code."""
    given = _arguments()
    until = STARTED + _LONGEST_RUN * max(1.0, given.faxes / _FAXES_IN_THAT)
    # So that a plain kill cleans up too, and Ctrl-C does even where the shell started this in the background.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    try:
        return _run(given, until)
    except (ClusterError, psycopg.Error, redis.RedisError, requests.RequestException) as error:
        say(f"FAILED: {error}")
        say(f"What logs there are, are in {HOME.name}/.")
        return 1
    except KeyboardInterrupt:
        say("Interrupted; everything is stopped.")
        return 130


def _run(given: argparse.Namespace, until: float) -> int:
    times = {"start": STARTED}
    with ExitStack() as stack:
        stack.enter_context(_the_only_run())
        shutil.rmtree(HOME, ignore_errors=True)
        HOME.mkdir()
        database = stack.enter_context(postgres(HOME / "postgres.log"))
        broker = stack.enter_context(redis_server(HOME))
        cluster = Cluster(HOME, database.url, broker, poll_interval=given.poll_interval, apart=given.apart)
        stack.callback(cluster.stop)
        simulator = Simulator(status_limit=given.status_limit or None, log=HOME / "simulator.log")
        stack.callback(simulator.stop)
        # Whoever is impatient while everything is stopped would leave half of it running.
        stack.callback(_ignore_signals)
        say("Making Airflow's tables ...")
        cluster.migrate()
        times["tables"] = time.monotonic()
        say("Starting an API server, a scheduler, a DAG processor, two triggerers and two workers ...")
        cluster.start()
        times["cluster"] = time.monotonic()
        faxes = make_faxes(given.faxes)
        say(f"Sending {given.faxes} faxes to InterFAX and {given.faxes} to Fax.to ...")
        run = Run(cluster, database, simulator, faxes)
        run.begin()
        try:
            run.follow(until)
            problem = None
        except ClusterError as error:
            # What came of the faxes until then helps to find out why.
            problem = str(error)
        times["faxes"] = time.monotonic()
        verdict = Verdict(
            faxes,
            cluster,
            simulator,
            killed_runs=run.killed_runs,
            outages=run.outages,
            logs=HOME / "task-logs",
        )
        if problem:
            verdict.violations.insert(0, problem)
        say("Stopping everything ...")
    times["stop"] = time.monotonic()
    return _report(run, verdict, times)


@contextlib.contextmanager
def _the_only_run() -> Iterator[None]:
    """Let one run at a time have the folder."""
    folder = os.open(Path(__file__).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ClusterError("Another cluster test runs in this checkout; wait until it has ended.") from None
    finally:
        os.close(folder)


def _ignore_signals() -> None:
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)


def _report(run: Run, verdict: Verdict, times: dict[str, float]) -> int:
    phases = ", ".join(f"{name} {times[name] - times[before]:.0f} s" for before, name in pairwise(times))
    figures = {"duration": f"{times['stop'] - times['start']:.0f} s ({phases})", **verdict.figures}
    for strike, hit in ((run.worker, len(run.killed_runs)), (run.triggerer, run.waiting_at_kill)):
        if strike.back_after is None:
            verdict.violations.append(f"No {strike.kind} was killed: none had anything to do.")
            continue
        figures[f"kill of {strike.victim}"] = f"struck {hit} tasks, back after {strike.back_after:.0f} s"
    for outage in run.outages:
        if outage.well_after is None:
            verdict.violations.append(f"{outage.name} was not stopped for {outage.seconds:g} s while faxes waited.")
            continue
        figures[f"{outage.name} stopped for {outage.seconds:g} s"] = (
            f"{outage.waiting} faxes waited, all well again after {outage.well_after:.0f} s"
        )
    restarts = ", ".join(f"{number} {name}" for name, number in sorted(run.restarts.items()))
    figures["Airflow's parts that ended for it and were started again"] = restarts or "none"
    figures["memory of Airflow's parts, most"] = f"{run.memory[0]} MB in {run.memory[1]} processes"
    width = max(map(len, figures))
    print()
    for name, value in figures.items():
        print(f"  {name:{width}}  {value}")
    print()
    for violation in verdict.violations:
        say(f"WRONG: {violation}")
    if verdict.violations:
        say(f"{len(verdict.violations)} things are wrong. The logs are in {HOME.name}/.")
        return 1
    say("Each fax has one job and the right outcome, and hardly a request was refused.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make cluster-test", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--faxes", type=_count, default=100, help="faxes for each vendor (default: %(default)s)")
    parser.add_argument(
        "--status-limit", type=int, default=6, help="InterFAX's status requests a minute; 0: no limit (default: 6)"
    )
    parser.add_argument("--poll-interval", type=float, default=60.0, help="the DAG's, in seconds (default: 60)")
    parser.add_argument(
        "--apart", action="store_true", help="no part shares temporary files with another, as on machines of their own"
    )
    return parser.parse_args()


def _count(text: str) -> int:
    # Airflow maps a task over 1,024 values at most.
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError("give a number from 1 to 1024")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
