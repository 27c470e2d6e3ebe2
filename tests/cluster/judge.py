"""What a run has to show for itself: one job for each fax, the right outcomes, hardly a refused request."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cluster import Cluster
    from outages import Outage
    from vendors import Fax, Simulator

MOST_REFUSED = 0.01
"""The share of the status requests that may be refused for the rate, at each vendor by itself: Fax.to's many would
hide InterFAX's few."""

_STATUS_CALLS = {"interfax": {"list", "completed", "status", "image", "search"}, "faxto": {"status", "history"}}
_REFUSED = {"interfax": "429", "faxto": "403"}
_MINUTE = timedelta(minutes=1)
# What ends a try whose questions Airflow's API server cannot answer: Airflow's own error; the same taken by Airflow for
# the lack of a connection; and the refusal to send what Airflow cannot be told of first, which is what it shall be.
_UNANSWERED = (
    "AirflowRuntimeError: API_SERVER_ERROR",
    "AirflowNotFoundException: The conn_id",
    "FaxNotSentError: Airflow does not take a note",
)


class Verdict:
    """The judge's view of a run.

    :param faxes: what was to be sent, by vendor and label.
    :param cluster: where the tasks ran.
    :param simulator: where the faxes arrived.
    :param killed_runs: the task runs, as task and map index, that were at a worker when it was killed.
    :param outages: the servers that stood still meanwhile.
    :param logs: the folder of the tasks' logs.
    """

    def __init__(
        self,
        faxes: dict[str, dict[str, Fax]],
        cluster: Cluster,
        simulator: Simulator,
        *,
        killed_runs: set[tuple[str, int]],
        outages: list[Outage],
        logs: Path,
    ) -> None:
        self.violations: list[str] = []
        self.figures: dict[str, str] = {}
        self._cluster = cluster
        self._outages = outages
        self._logs = logs
        accepted = simulator.ask("/faxes")
        log = simulator.ask("/requests")
        for vendor, wanted in faxes.items():
            jobs = {fax["id"]: fax for fax in accepted if fax["vendor"] == vendor}
            self._judge_jobs(vendor, wanted, jobs)
            self._judge_requests(vendor, log)
        self._judge_tries(killed_runs)

    def _judge_jobs(self, vendor: str, wanted: dict[str, Fax], jobs: dict[str, dict[str, Any]]) -> None:
        """See that each fax has one job, and each task the outcome of its own fax."""
        tasks = {
            map_index: (state, status, ended)
            for map_index, state, status, ended in self._cluster.rows(
                "SELECT ti.map_index, ti.state, xcom.value, ti.end_date FROM task_instance ti "
                "LEFT JOIN xcom ON xcom.dag_id = ti.dag_id AND xcom.run_id = ti.run_id AND xcom.task_id = ti.task_id "
                "AND xcom.map_index = ti.map_index AND xcom.key = 'return_value' WHERE ti.task_id = %s",
                vendor,
            )
        }
        claimed: Counter[str] = Counter()
        delays = []
        for map_index, (label, fax) in enumerate(sorted(wanted.items())):
            state, status, ended = tasks.get(map_index, (None, None, None))
            if state != "success":
                # Which _judge_tries tells.
                continue
            claimed[status["job_id"]] += 1
            if (status["outcome"], status["cause"]) != (fax.outcome, fax.cause):
                self.violations.append(
                    f"{label} is {status['outcome']} ({status['cause']}), not {fax.outcome} ({fax.cause})."
                )
            job = jobs.get(status["job_id"])
            if job is None:
                self.violations.append(f"{label} has job {status['job_id']}, which the simulator does not know.")
            elif _digits(job["recipient"]) != _digits(fax.number):
                self.violations.append(f"{label} has job {status['job_id']}, which went to another number.")
            else:
                delays.append((ended - datetime.fromisoformat(job["final_at"])).total_seconds())
        # As many jobs as faxes, and each claimed by one task: so each fax has one job.
        self.violations += [
            f"{number} tasks at {vendor} claim job {job}." for job, number in claimed.items() if number > 1
        ]
        self.violations += [
            f"No task claims job {job} at {vendor}: accepted {fax['accepted_at']}, its end {fax['final_at']} as "
            f"{fax['final_status']}; jobs of the same fax: {', '.join(_same_fax(fax, jobs))}."
            for job, fax in jobs.items()
            if job not in claimed
        ]
        self.figures[f"{vendor}: faxes, jobs at the simulator"] = f"{len(wanted)}, {len(jobs)}"
        if len(delays) > 1:
            percentiles = statistics.quantiles(delays, n=100, method="inclusive")
            self.figures[f"{vendor}: from a fax's end to its task's end, median and 99th percentile"] = (
                f"{percentiles[49]:.0f} s, {percentiles[98]:.0f} s"
            )

    def _judge_requests(self, vendor: str, log: dict[str, Any]) -> None:
        """See that hardly any status request was refused for the rate."""
        total, refused = 0, 0
        by_call: Counter[str] = Counter()
        for name, number in log["counts"].items():
            asked, call, status = name.split(" ", 2)
            if asked == vendor and call in _STATUS_CALLS[vendor]:
                total += number
                by_call[call] += number
                refused += number if status == _REFUSED[vendor] else 0
        calls = ", ".join(f"{number} {call}" for call, number in by_call.most_common())
        share = refused / total if total else 0.0
        self.figures[f"{vendor}: status requests"] = f"{total} ({calls})" if total else "0"
        self.figures[f"{vendor}: most status requests in a minute"] = str(_most_in_a_minute(vendor, log["requests"]))
        self.figures[f"{vendor}: refused for the rate"] = f"{refused} ({share:.1%})"
        if share > MOST_REFUSED:
            self.violations.append(
                f"{vendor} refused {refused} of {total} status requests for the rate: {share:.1%}, where "
                f"{MOST_REFUSED:.0%} is the most."
            )

    def _judge_tries(self, killed: set[tuple[str, int]]) -> None:
        """See that no try failed but those that were killed, and those that Airflow could not serve in an outage."""
        again = self._cluster.rows(
            "SELECT task_id, map_index, try_number, hostname, coalesce(was, 'unscheduled'), started, ended "
            "FROM failed_try ORDER BY 1, 2, 3"
        )
        unseen = set(killed)
        by_outage: Counter[str] = Counter()
        for task_id, map_index, try_number, hostname, was, started, ended in again:
            if (task_id, map_index) in unseen:
                # A kill explains one try.
                unseen.remove((task_id, map_index))
                continue
            errors = self._errors_of(task_id, map_index, try_number)
            struck = any(outage.has_struck(started, ended) for outage in self._outages)
            if struck and all(error.startswith(_UNANSWERED) for error in errors):
                by_outage[was] += 1
                continue
            self.violations.append(
                f"Try {try_number} of {task_id} {map_index}, {was}, failed at {hostname}, though neither a kill nor an "
                f"outage explains it: begun {started}, ended {ended}; {'; '.join(errors) or 'its log has no error'}."
            )
        self.violations += [
            f"Task {task_id} {map_index} is {state}."
            for task_id, map_index, state in self._cluster.rows(
                "SELECT task_id, map_index, state FROM task_instance "
                "WHERE state IS DISTINCT FROM 'success' ORDER BY 1, 2"
            )
        ]
        self.figures["task runs killed with their worker"] = str(len(killed))
        self.figures["tries that failed because Airflow did not answer in an outage"] = (
            ", ".join(f"{number} {was}" for was, number in sorted(by_outage.items())) or "none"
        )

    def _errors_of(self, task_id: str, map_index: int, try_number: int) -> list[str]:
        """Read the exceptions, chained ones included, that ended a try; none where its process was ended."""
        errors: list[str] = []
        pattern = f"dag_id=*/run_id=*/task_id={task_id}/map_index={map_index}/attempt={try_number}.log"
        for log in self._logs.glob(pattern):
            for line in log.read_text(errors="replace").splitlines():
                if '"error_detail"' in line:
                    chain = json.loads(line).get("error_detail") or []
                    errors += [f"{error['exc_type']}: {error['exc_value'][:200]}" for error in chain]
        return errors


def _most_in_a_minute(vendor: str, requests: list[dict[str, Any]]) -> int:
    times = [
        datetime.fromisoformat(request["time"])
        for request in requests
        if request["vendor"] == vendor and request["endpoint"] in _STATUS_CALLS[vendor]
    ]
    most, first = 0, 0
    for last, time in enumerate(times):
        while time - times[first] >= _MINUTE:
            first += 1
        most = max(most, last - first + 1)
    return most


def _same_fax(fax: dict[str, Any], jobs: dict[str, dict[str, Any]]) -> list[str]:
    # The provider gives each logical fax a key: InterFAX's reference, and the name of Fax.to's document.
    return [job for job, other in jobs.items() if _key(other) == _key(fax)]


def _key(fax: dict[str, Any]) -> object:
    return fax["reference"] or fax["documents"][0]["name"]


def _digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdigit())
