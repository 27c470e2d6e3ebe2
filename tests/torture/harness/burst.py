"""A burst: many busy faxes of one account are retried at once, under the limit that the vendor has in life.

Time runs a hundred times as fast here for the vendor too, so that its minute is as long as the provider's.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.boundaries import Journal
from harness.judge import Verdict
from harness.timing import GRACE, SPEED
from harness.troubles import make_pdf
from harness.vendors import VENDORS
from harness.world import Child, set_connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.plan import Plan
    from harness.world import Simulator

_TASK = "deferrable"
# With fewer, every look-up would find a free turn.
_FEWEST, _MOST = 8, 14
_ENOUGH = 60.0


class Burst:
    """One burst.

    :param airflow: this Airflow.
    :param simulator: the vendors.
    :param plan: the round; its vendor and its chance are used.
    :param folder: where the history and the logs go.
    """

    def __init__(self, airflow: Any, simulator: Simulator, plan: Plan, folder: Path) -> None:
        self.airflow = airflow
        self.simulator = simulator
        self.plan = plan
        self.journal = Journal(folder / f"{plan.seed}.jsonl")
        self.log = folder / f"{plan.seed}.log"
        self._document = folder / f"{plan.seed}.pdf"
        self._runs = [f"burst-{plan.seed}-{number}" for number in range(plan.chance.randint(_FEWEST, _MOST))]

    def faxes(self) -> list[dict[str, Any]]:
        """List all faxes that were accepted, oldest first."""
        return sorted(self.simulator.faxes(), key=lambda fax: fax["accepted_at"])

    def run(self) -> Verdict:
        """Send all, let each line be busy, retry all at once, and judge."""
        self._prepare()
        for run_id in self._runs:
            self._start_dag_run(run_id)
        self._work_at_once("first")
        self.simulator.ask("POST", "/finish")
        self._tell_all()
        before = len(self.faxes())
        self._work_until_sent("retry")
        return self._judge(before)

    def _prepare(self) -> None:
        self.simulator.ask("POST", "/reset")
        self.simulator.ask("POST", "/settings", **_settings(self.plan.vendor))
        self.simulator.ask("POST", "/clock", speed=SPEED)
        connection = self.simulator.connections[self.plan.vendor]
        extra = {name: value for name, value in connection["extra"].items() if name != "requests_per_minute"}
        set_connection(connection | {"extra": extra})
        self._document.write_bytes(make_pdf("letter", f"burst {self.plan.seed}"))

    def _start_dag_run(self, run_id: str) -> None:
        vendor = self.plan.vendor
        self.airflow.start_dag_run(
            run_id,
            {
                "fax_number": VENDORS[vendor].scenarios["busy"],
                "document": str(self._document),
                "fax_conn_id": f"{vendor}_default",
            },
        )

    def _work_at_once(self, name: str) -> None:
        """Run every task that is due, all at the same time."""
        due = [run_id for run_id in self._runs if self.airflow.row(run_id, _TASK).state != "deferred"]
        for run_id in due:
            self.airflow.queue(run_id, _TASK)
        children = [self._start(f"{name} {run_id}", run_id) for run_id in due]
        for child in children:
            if not child.wait(_ENOUGH):
                self.journal.note("hung", run=child.name)
                child.end()

    def _start(self, name: str, run_id: str) -> Child:
        changes = {"lookup_grace": GRACE, "completion_timeout": 3_600.0}
        return self._fork(name, lambda: self.airflow.run_task(run_id, _TASK, changes))

    def _fork(self, name: str, work: Callable[[], Any]) -> Child:
        return Child(self.airflow, self.journal, name, strikes=[], work=work, log=self.log)

    def _fire(self, run_ids: list[str], turn: int) -> None:
        """Run the triggers of looks that wait for their turn, until each has fired."""
        calls = {run_id: self.airflow.trigger(run_id, _TASK) for run_id in run_ids}
        children = {
            run_id: self._fork(f"trigger {turn} {run_id}", partial(self.airflow.run_trigger, run_id, _TASK, call))
            for run_id, call in calls.items()
        }
        for child in children.values():
            child.wait(_ENOUGH)
        results = {entry["run"]: entry["value"] for entry in self.journal.entries() if entry["event"] == "result"}
        for run_id, child in children.items():
            self.airflow.submit_event(calls[run_id].id, results[child.name])

    def _tell_all(self) -> None:
        """Tell each task that its line was busy, as the one poller of a triggerer does, and let it raise."""
        for run_id in self._runs:
            call = self.airflow.trigger(run_id, _TASK)
            job_id = call.kwargs["job_id"]
            self.airflow.submit_event(call.id, _busy(self.plan.vendor, job_id))
        self._work_at_once("resumed")

    def _work_until_sent(self, name: str) -> None:
        """Retry all at once; a look that had to wait goes on when its trigger fires."""
        for turn in range(20):
            waiting = [run_id for run_id in self._runs if not self._is_sent(run_id)]
            if not waiting:
                return
            self._fire([run_id for run_id in waiting if self.airflow.row(run_id, _TASK).state == "deferred"], turn)
            self._work_at_once(f"{name} {turn}")

    def _is_sent(self, run_id: str) -> bool:
        row = self.airflow.row(run_id, _TASK)
        if row.state == "failed":
            return True
        return row.state == "deferred" and "job_id" in self.airflow.trigger(run_id, _TASK).kwargs

    def _judge(self, before: int) -> Verdict:
        entries, faxes = self.journal.entries(), self.faxes()
        verdict = Verdict(self.plan.seed, self.plan.kind)
        # One of each key has failed before; two of the retries would be one too many.
        sent = Counter(_key(fax) for fax in faxes[before:])
        verdict.double_sends = [f"{times} retries of {key} were sent" for key, times in sent.items() if times > 1]
        verdict.own_limits = [
            f"{entry['run']} ended with {entry['error']}: {entry['text']}"
            for entry in entries
            if entry["event"] == "outcome" and entry["error"] not in (None, "FaxRetryableError", "TaskDeferred")
        ]
        verdict.broken = [
            f"{entry['run']}: {entry.get('error', 'hung')}" for entry in entries if entry["event"] in ("hung", "broke")
        ]
        if len(sent) < len(self._runs) and not verdict.own_limits:
            verdict.broken.append(f"only {len(sent)} of {len(self._runs)} retries were sent")
        verdict.close()
        verdict.counts = {
            "rounds": 1,
            "faxes in bursts": len(self._runs),
            "look-ups of bursts": sum(
                1 for entry in entries if entry.get("what") == "read" and entry["event"] == "before"
            ),
            "accepted faxes": len(faxes),
        }
        return verdict


def _key(fax: dict[str, Any]) -> str:
    return (fax["reference"] or fax["documents"][0]["name"] or "").partition(".")[0]


def _settings(vendor: str) -> dict[str, Any]:
    if vendor == "faxto":
        return {"faxto_rate_limit": 60}
    return {"interfax_status_limit": 6, "interfax_attempts": 1}


def _busy(vendor: str, job_id: str) -> dict[str, Any]:
    from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus

    return FaxStatus(vendor=vendor, job_id=job_id, outcome=FaxOutcome.RETRYABLE, cause=FaxCause.BUSY).to_dict()
