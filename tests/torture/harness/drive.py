"""Drive one logical fax through runs and faults until it is final or the tries are used up."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from harness.boundaries import Journal
from harness.common import Strike
from harness.plan import draw_fault, draw_standstill, draw_strike
from harness.timing import GRACE
from harness.troubles import Account, Document, drop_records, make_pdf, send_foreign_faxes
from harness.world import Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.common import TriggerCall
    from harness.plan import Plan
    from harness.world import Simulator

_MOST_PROCESSES = 14
_MOST_CLEARS = 2
_FILES = Path(__file__).resolve().parents[3] / "example_dags" / "files"
LETTER = _FILES / "letter.pdf"
_FINAL = ("success", "failed")


class Round:
    """One round.

    :param airflow: this Airflow.
    :param simulator: the vendors.
    :param plan: what is to happen.
    :param folder: where the history and the logs go.
    :param clears: whether users clear tasks.
    :param elsewhere: gives the other host, which is made when it is first needed.
    :param name: what this round's history is called. Default: its seed.
    """

    def __init__(
        self,
        airflow: Any,
        simulator: Simulator,
        plan: Plan,
        folder: Path,
        *,
        clears: bool = True,
        elsewhere: Callable[[], Simulator] | None = None,
        name: str = "",
    ) -> None:
        self.airflow = airflow
        self.simulator = simulator
        self.plan = plan
        self.chance = plan.chance
        self.clears = clears and plan.kind != "told to stop"
        self.is_audited = plan.audited and clears
        self.run_id = f"round-{plan.seed}"
        name = name or str(plan.seed)
        self.journal = Journal(folder / f"{name}.jsonl")
        self.log = folder / f"{name}.log"
        self.account = Account(simulator, elsewhere, plan, self.journal)
        self.faults: dict[str, int] = {}
        self.zombie: Child | None = None
        self._elsewhere = elsewhere
        self._folder = folder
        self._document: Document | None = None
        self._cancels: list[Child] = []
        self._stopped: Child | None = None
        self._clears: Counter[tuple[str, str]] = Counter()
        self._processes = 0
        self._most_processes = _MOST_PROCESSES
        # What else the worker sets on the task.
        self._changes: dict[str, Any] = {}
        self._held_until = 0.0
        # What the name of a process ends with where a round has several DAG runs.
        self._of_which = ""

    def prepare(self) -> None:
        """Let the vendors be as the round has them."""
        places = [self.simulator]
        if self.plan.kind == "connections" and self._elsewhere is not None:
            places.append(self._elsewhere())
        for place in places:
            place.ask("POST", "/reset")
            place.ask("POST", "/settings", **self.plan.settings)
        self.simulator.use_connections()
        send_foreign_faxes(self.simulator, self.plan)

    def faxes(self) -> list[dict[str, Any]]:
        """List all faxes that were accepted in the round, strangers' too, oldest first."""
        places = [self.simulator]
        if self.account.is_elsewhere and self._elsewhere is not None:
            places.append(self._elsewhere())
        return sorted((fax for place in places for fax in place.faxes()), key=lambda fax: fax["accepted_at"])

    def run(self) -> None:
        """Run the round to its end."""
        plan = self.plan
        self.airflow.start_dag_run(self.run_id, self._conf())
        self._drive(plan.mode)
        if plan.with_sensor and self.airflow.row(self.run_id, plan.mode).state == "success":
            self._drive("wait")
        self._end_zombie()
        for cancel in self._cancels:
            self._see_through(cancel, None)
        if self.is_audited:
            self._audit()
        # What a fault still holds back is carried out before the judge looks.
        time.sleep(max(self._held_until - time.time(), 0))

    def _conf(self) -> dict[str, Any]:
        return {
            "fax_number": self.plan.fax_number,
            "document": str(self._make_document()),
            "fax_conn_id": f"{self.plan.vendor}_default",
            "resend_partial": self.plan.resend_partial,
        }

    def _make_document(self) -> Path:
        if self.plan.kind == "documents":
            self._document = Document(self.journal.path.with_suffix(".pdf"), self.plan, self.journal)
            return self._document.path
        return self._file(self.plan.document)

    def _file(self, document: str) -> Path:
        if document != "large":
            return _FILES / f"{document}.pdf"
        path = self._folder / "large.pdf"
        if not path.exists():
            # The arenas share the folder, and none may read half of it.
            own = path.with_suffix(f".{self.plan.seed}")
            own.write_bytes(make_pdf("large", "large"))
            own.replace(path)
        return path

    def _drive(self, task_id: str, *, calm: bool = False) -> None:
        """Do what Airflow and its users do next, until the task is final and nobody clears it.

        :param task_id: the task.
        :param calm: whether all is well now: no faults, no kills, no users.
        """
        while self._processes < self._most_processes and self._step(task_id, calm=calm):
            pass

    def _step(self, task_id: str, *, calm: bool) -> bool:
        """Do one thing, and tell whether there is more to do."""
        row = self.airflow.row(self.run_id, task_id)
        self.journal.note("row", task=task_id, dag_run=self.run_id, state=row.state, try_number=row.try_number)
        if row.state == "deferred":
            self._wait_in_trigger(task_id, calm=calm)
        elif row.state in ("running", "restarting"):
            # Only a process that is gone leaves these.
            how = self.chance.choice(["crash", "crash", "orphan"]) if row.state == "running" else "crash"
            self._do(how, task_id)
        elif row.state in _FINAL:
            again, task = 0.6 if row.state == "failed" else 0.1, (self.run_id, task_id)
            if calm or not self.clears or self._clears[task] >= _MOST_CLEARS or self.chance.random() >= again:
                return False
            self._clears[task] += 1
            self._clear(task_id)
        else:
            if row.state != "scheduled" and not calm:
                self._befall()
            self._work(task_id, row.try_number, calm=calm)
        return True

    def _befall(self) -> None:
        """Let happen between two runs what the round is about."""
        if self.plan.kind == "connections" and self._processes and self.chance.random() < 0.6:
            self.account.edit()
        elif self._document is not None and self.chance.random() < 0.5:
            self._document.change()
        elif self.plan.kind == "dropped early" and self._all_are_told() and self.chance.random() < 0.6:
            self._drop(after_weeks=False)

    def _all_are_told(self) -> bool:
        """Tell whether a run has told of every fax so far: one that vanishes before anybody saw it never was."""
        told = {entry["value"] for entry in self.journal.entries() if entry.get("key") == "job_id"}
        return all(fax["id"] in told or fax["stranger"] for fax in self.faxes())

    def _clear(self, task_id: str) -> None:
        if self.plan.kind == "dropped records" and self.chance.random() < 0.7:
            self._drop(after_weeks=True)
        self._do("clear", task_id)

    def _drop(self, *, after_weeks: bool) -> None:
        self.journal.note("records dropped", after_weeks=after_weeks)
        self._in_database(
            lambda: drop_records(self.simulator, self.airflow, self.run_id, self.plan, after_weeks=after_weeks)
        )

    def _do(self, what: str, task_id: str, *arguments: Any) -> None:
        self.journal.note(what, task=task_id, to=list(arguments))
        self._in_database(lambda: getattr(self.airflow, what)(self.run_id, task_id, *arguments))

    def _in_database(self, act: Callable[[], None]) -> None:
        """Do what Airflow or a user does in the database.

        Workers of Airflow 2 write there themselves. One that stands still in the middle of a write keeps everybody
        else out, so it has to go on first.
        """
        try:
            act()
        except OperationalError:
            self.journal.note("locked out")
            for child in (self.zombie, self._stopped):
                if child is not None and child.status is None:
                    child.go_on()
            act()

    def _work(self, task_id: str, tries: int, *, calm: bool) -> None:
        """Run the task once in a worker, with what chance holds ready for it."""
        strikes, on_stop = ([], None) if calm else self._draw_for_worker(task_id, tries)
        self._in_database(lambda: self.airflow.queue(self.run_id, task_id))
        changes = {"lookup_grace": GRACE, "completion_timeout": self.plan.completion_timeout, **self._changes}
        if task_id == "wait":
            changes = {"timeout": self.plan.completion_timeout}
        child = self._start("worker", strikes, lambda: self.airflow.run_task(self.run_id, task_id, changes))
        if self.zombie is not None and self.zombie.stopped and self.chance.random() < 0.5:
            # Beside its successor from the start.
            self.zombie.go_on()
        self._tell_zombie_to_stop(child)
        if self._document is not None and not calm and self.chance.random() < 0.4:
            # At any moment of the run.
            child.wait(self.chance.uniform(0.0, 0.5))
            self._document.change()
        self._see_through(child, on_stop)

    def _tell_zombie_to_stop(self, successor: Child) -> None:
        """Tell the run that was given up to stop, once its successor has its fax; see the kind ``told to stop``."""
        zombie = self.zombie
        if self.plan.kind != "told to stop" or zombie is None or zombie.status is not None:
            return
        for _ in range(300):
            if successor.name in {entry.get("run") for entry in self.journal.entries() if entry.get("key") == "job_id"}:
                break
            if successor.wait(0.01):
                # It has deferred: it waits in its trigger.
                return
        self._stop_zombie()

    def _stop_zombie(self) -> None:
        if self.zombie is not None and self.zombie.status is None:
            self.zombie.go_on()
            self.zombie.end(asked_first=2.0)

    def _draw_for_worker(self, task_id: str, tries: int) -> tuple[list[Strike], Callable[[Child], None] | None]:
        """Order what goes wrong at the vendor, and decide where the worker is struck and what follows a stop."""
        plan = self.plan
        if plan.kind == "told to stop":
            return ([draw_standstill(plan)], self._leave_as_zombie) if self.zombie is None else ([], None)
        self._order_fault(tries)
        drawn = draw_strike(plan, tries)
        if plan.kind.startswith("zombie") and self.zombie is None and tries < 2 and task_id == plan.mode:
            return [draw_standstill(plan)], self._leave_as_zombie
        if self._document is not None and self.chance.random() < 0.4:
            # While the run stands still at one of its requests, the last one included.
            what = self.chance.choice(["decision", "upload", "send", "any"])
            skip = self.chance.randrange(6) if what == "any" else self.chance.randrange(2)
            return [Strike(what, "before", "stop", skip if what != "send" else 0)], self._change_document
        if drawn is None or self.chance.random() >= 0.2:
            return [drawn] if drawn else [], None
        action = self.chance.choice(["failed", "success", "clear"] if self.clears else ["failed", "success"])
        strike = replace(drawn, action="stop")
        return [strike], lambda child: self._act_while_running(child, task_id, action)

    def _change_document(self, child: Child) -> None:
        """The file changes while the run stands still."""
        if self._document is not None:
            self._document.change()
        child.go_on()
        if not child.wait():
            self.journal.note("hung", run=child.name)
            child.end()

    def _wait_in_trigger(self, task_id: str, *, calm: bool) -> None:
        """Run the trigger once; it may be killed, or the task cleared or marked meanwhile."""
        calm = calm or self.plan.kind == "told to stop"
        if not calm and self.chance.random() < 0.08:
            action = self.chance.choice(["failed", "success", "clear"] if self.clears else ["failed", "success"])
            call = self.airflow.trigger(self.run_id, task_id)
            self._mark(task_id, action)
            self._kill_trigger(task_id, call)
            return
        strikes = []
        if not calm:
            self._order_fault(self._processes)
        if not calm and self.chance.random() < 0.25 and self._processes < _MOST_PROCESSES - 4:
            strikes = [Strike(self.chance.choice(["read", "event"]), self.chance.choice(["before", "after"]))]
        call = self.airflow.trigger(self.run_id, task_id)
        child = self._start("trigger", strikes, lambda: self.airflow.run_trigger(self.run_id, task_id, call))
        if self.plan.kind == "told to stop":
            child.wait(0.1)
            self._stop_zombie()
        self._see_through(child, None)
        for entry in self.journal.entries():
            if entry["event"] == "result" and entry["run"] == child.name:
                self.airflow.submit_event(call.id, entry["value"])

    def _kill_trigger(self, task_id: str, call: TriggerCall) -> None:
        """Do what a triggerer does (3.3) when it misses a trigger's task, at once or beside the task's next run."""
        if not self.airflow.KILLS_TRIGGERS:
            return
        cancel = self._start("cancel", [], lambda: self.airflow.kill_trigger(self.run_id, task_id, call))
        cancel.wait(self.chance.choice([0.0, 0.1, 5.0]))
        self._cancels.append(cancel)

    def _start(self, kind: str, strikes: list[Strike], work: Callable[[], Any]) -> Child:
        self._processes += 1
        name = f"{kind} {self._processes}{self._of_which}"
        if strikes:
            self.journal.note("plan", run=name, strikes=[vars(strike) for strike in strikes])
        return Child(self.airflow, self.journal, name, strikes=strikes, work=work, log=self.log)

    def _see_through(self, child: Child, on_stop: Callable[[Child], None] | None) -> None:
        # It may have been seen to stop already, which the system tells once.
        if not child.stopped and not child.wait():
            self.journal.note("hung", run=child.name)
            child.end()
        if child.stopped and on_stop is not None:
            self._stopped = child
            on_stop(child)
            self._stopped = None
        self._count_faults()

    def _leave_as_zombie(self, child: Child) -> None:
        """The worker's machine stands still, so Airflow gives the run up; the machine will go on later."""
        self.zombie = child

    def _end_zombie(self) -> None:
        """Let the zombie go on until Airflow has ended it.

        Its supervisor stood still with it. When both go on, the next heartbeat is refused (the row belongs to
        another try) and the supervisor ends the task; until then, up to five seconds by default, the task runs.
        """
        if self.zombie is None:
            return
        if self.zombie.stopped:
            self.zombie.go_on()
        self.zombie.wait(self.chance.uniform(0.05, 1.0))
        self.zombie.end(asked_first=0.3)

    def _act_while_running(self, child: Child, task_id: str, action: str) -> None:
        """A user marks or clears the task while it runs; its supervisor ends it at the next heartbeat."""
        self._mark(task_id, action)
        child.go_on()
        child.wait(self.chance.uniform(0.0, 0.3))
        child.end(asked_first=0.5)

    def _mark(self, task_id: str, action: str) -> None:
        if action == "clear":
            self._clear(task_id)
        else:
            self._do("mark", task_id, action)

    def _order_fault(self, tries: int) -> None:
        self.simulator.ask("DELETE", "/faults")
        fault = draw_fault(self.plan, tries)
        if fault is not None:
            self.simulator.ask("POST", "/faults", **fault)
            self.journal.note("fault", **fault)

    def _count_faults(self) -> None:
        for fault in self.simulator.ask("GET", "/faults"):
            if fault["struck"]:
                name = f"{fault['endpoint']} {fault['kind']} {fault['when']}"
                self.faults[name] = self.faults.get(name, 0) + fault["struck"]
                self.journal.note("struck", fault=name, times=fault["struck"])
                self._held_until = max(self._held_until, time.time() + fault["delay"])

    def _audit(self) -> None:
        """A user clears the task once all is well again, and lets it run to its end."""
        self.simulator.ask("DELETE", "/faults")
        time.sleep(max(self._held_until - time.time(), 0))
        self.journal.note("audit")
        self._most_processes = self._processes + _MOST_PROCESSES
        if self.airflow.row(self.run_id, self.plan.mode).state in _FINAL:
            self._clear(self.plan.mode)
        self._drive(self.plan.mode, calm=True)
