"""Several DAG runs with one ``idempotency_key``: the second may begin at any step of the first."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.common import Strike
from harness.drive import Round

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.plan import Plan
    from harness.world import Child, Simulator

_MOST_PROCESSES = 22
_OTHER_RECIPIENT = "+12025550155"
# What the vendor takes to carry a request out, beside what the plan delays.
_A_MOMENT = 0.05


class SharedKey(Round):
    """One round of several DAG runs of the same task, which share an ``idempotency_key``.

    One is stepped on at a time. Before another one's turn the records come to show what was sent: an
    ``idempotency_key`` is a look, not a lock. Of the kind ``idempotency key at once`` a run stands still between its
    look and its send instead, while the other goes on.

    :param airflow: this Airflow.
    :param simulator: the vendors.
    :param plan: what is to happen.
    :param folder: where the history and the logs go.
    """

    def __init__(self, airflow: Any, simulator: Simulator, plan: Plan, folder: Path) -> None:
        super().__init__(airflow, simulator, plan, folder)
        self._most_processes = _MOST_PROCESSES
        self._confs = self._make_confs()
        self._open = list(self._confs)
        self._turned_to = self.run_id
        # Once in a round one run goes on beside another that stands still.
        self._may_stand_still = plan.kind != "idempotency key reused"

    def contents(self, process: str) -> tuple[str, str]:
        """Tell what the DAG run of a process is to send.

        :param process: the process's name in the history.
        :return: the recipient, and the hash of the document.
        """
        conf = self._confs[process.partition(" of ")[2]]
        return conf["fax_number"], hashlib.sha256(Path(conf["document"]).read_bytes()).hexdigest()

    def is_resend(self, process: str) -> bool:
        """Tell whether the DAG run of a process sends on purpose.

        :param process: the process's name in the history.
        :return: whether it has ``resend``.
        """
        return bool(self._confs[process.partition(" of ")[2]]["resend"])

    def run(self) -> None:
        """Run the round to its end."""
        for run_id, conf in self._confs.items():
            self.airflow.start_dag_run(run_id, conf)
            self.journal.note("conf", dag_run=run_id, **conf)
        while self._open and self._processes < self._most_processes:
            self._step_one(self.chance.choice(self._open))
        for cancel in self._cancels:
            self._see_through(cancel, None)
        self.simulator.ask("DELETE", "/faults")
        self.journal.note("audit")
        self._most_processes += _MOST_PROCESSES
        for run_id in self._confs:
            self._turn_to(run_id)
            if self.airflow.row(run_id, self.plan.mode).state in ("success", "failed"):
                self._clear(self.plan.mode)
            self._drive(self.plan.mode, calm=True)

    def _make_confs(self) -> dict[str, dict[str, Any]]:
        """Make what each DAG run is started with."""
        chance, kind = self.chance, self.plan.kind
        number = chance.choice([2, 2, 3]) if kind == "idempotency key" else 2
        common = self._conf() | {"idempotency_key": f"claim-{self.plan.seed}", "resend": ""}
        confs = {f"{self.run_id}-{name}": dict(common) for name in ("first", "second", "third")[:number]}
        last = confs[list(confs)[-1]]
        if kind == "idempotency key" and chance.random() < 0.2:
            last["resend"] = "1"
        if kind == "idempotency key reused":
            what = chance.choice(["recipient", "document", "both"])
            if what != "document":
                last["fax_number"] = _OTHER_RECIPIENT
            if what != "recipient":
                other = {"letter": "report", "report": "letter", "large": "report"}[self.plan.document]
                last["document"] = str(self._file(other))
            if chance.random() < 0.3:
                last["resend"] = "1"
        self.run_id = next(iter(confs))
        return confs

    def _step_one(self, run_id: str) -> None:
        self._turn_to(run_id)
        if not self._step(self.plan.mode, calm=False):
            self._open.remove(run_id)

    def _turn_to(self, run_id: str) -> None:
        """Let a DAG run be the one that is stepped on, once the records show what the others have sent."""
        if run_id != self._turned_to:
            time.sleep(max(self._held_until - time.time(), 0) + self.plan.lag + _A_MOMENT)
        self._turned_to = self.run_id = run_id
        self._of_which = f" of {run_id}"

    def _draw_for_worker(self, task_id: str, tries: int) -> tuple[list[Strike], Callable[[Child], None] | None]:
        drawn = super()._draw_for_worker(task_id, tries)
        others = [run_id for run_id in self._open if run_id != self.run_id]
        at_once = self.plan.kind == "idempotency key at once"
        if not self._may_stand_still or not others or (not at_once and self.chance.random() >= 0.25):
            return drawn
        self._may_stand_still = False
        other = self.chance.choice(others)
        if not at_once:
            return [Strike("xcom", "after", "stop")], lambda child: self._go_on_beside(child, other)
        strike = Strike(self.chance.choice(["decision", "upload", "send"]), "before", "stop")
        return [strike], lambda child: self._go_on_beside(child, other)

    def _go_on_beside(self, child: Child, other: str) -> None:
        """Step another DAG run on while this one's worker stands still; then that one goes on."""
        own = self.run_id
        if self.plan.kind == "idempotency key at once":
            # Nothing is on its way that the other one would have to see.
            self._turned_to = other
        for _ in range(self.chance.randint(1, 4)):
            if other in self._open:
                self._step_one(other)
                self._stopped = child
        # The worker has looked already, so it is no turn of its own. Whatever comes next is.
        self.run_id, self._turned_to = own, ""
        self.journal.note("goes on", run=child.name)
        child.go_on()
        if not child.wait():
            self.journal.note("hung", run=child.name)
            child.end()
        self._of_which = f" of {own}"
