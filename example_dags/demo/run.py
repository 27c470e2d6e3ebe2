"""Send faxes through all three connection types, in real Airflow, and show what became of each.

Each fax is a run of the DAG ``fax_send_wait_branch``: send, wait, branch. The vendors are the simulator, so no
telephone rings. The exit code is 0 only if every fax ended at the task where it should.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from environment import HOME, ROOT, migrate, prepare, say

if TYPE_CHECKING:
    from collections.abc import Iterator

BRANCHES = ("archive", "send_later", "hand_to_person")
# A fax takes a minute or two at the simulator, and ten where the vendor redials; seconds are enough for a demo.
SPEED = 240.0


@dataclass(frozen=True)
class Fax:
    """One fax of the demo, and the task at which it has to end."""

    conn_type: str
    recipient: str
    document: str
    branch: str

    @property
    def label(self) -> str:
        """What the run is triggered with."""
        return f"{self.conn_type} {self.recipient}"

    @property
    def recipient_of_the_example(self) -> dict[str, str]:
        """The entry of the example's table."""
        document = str(ROOT / "example_dags" / "files" / self.document)
        return {"fax_number": self.recipient, "document": document, "fax_conn_id": f"{self.conn_type}_default"}


# The last part of the number is the status code that the fax ends with; 555-0100 and on stand for Fax.to's
# message codes.
INTERFAX_CODES = {
    0: "archive",  # success
    263: "send_later",  # busy
    6018: "send_later",  # no answer
    6001: "hand_to_person",  # unassigned number
    204000: "hand_to_person",  # rendering error
    3936: "hand_to_person",  # human answered
    403: "hand_to_person",  # canceled
}
FAXTO_NUMBERS = {
    "+1 202 555 0100": "archive",  # ok
    "+1 202 555 0101": "send_later",  # no_answer
    "+1 202 555 0102": "send_later",  # busy
    "+1 202 555 0103": "send_later",  # hangup
    "+1 202 555 0104": "hand_to_person",  # file_error
    "+1 202 555 0105": "send_later",  # unknown
}
FAXES = [
    *(Fax("faxto", number, "letter.pdf", branch) for number, branch in FAXTO_NUMBERS.items()),
    *(
        Fax(conn_type, f"+999-9999-{code}", "report.pdf", branch)
        for conn_type in ("interfax", "extrafax")
        for code, branch in INTERFAX_CODES.items()
    ),
]


def main() -> int:
    """Run the demo; return the exit code."""
    prepare(poll_interval=0.3)
    from airflow_provider_faxto.simulator.clock import Clock
    from airflow_provider_faxto.simulator.server import SimulatorServer
    from airflow_provider_faxto.simulator.simulator import Simulator

    migrate()
    with SimulatorServer(Simulator(clock=Clock(speed=SPEED))) as server:
        say(f"The simulator answers at {server.url}, {SPEED:g} times faster than the vendors.")
        for conn_type in ("faxto", "interfax", "extrafax"):
            os.environ[f"AIRFLOW_CONN_{conn_type.upper()}_DEFAULT"] = json.dumps(server.connection(conn_type))
        say("Loading Airflow and the example DAG ...")
        with _quiet():
            example = runpy.run_path(str(ROOT / "example_dags" / "fax_send_wait_branch.py"))
        dag = example["dag"]
        # The demo's recipients beside the example's own, as its author would add them.
        example["RECIPIENTS"].update({fax.label: fax.recipient_of_the_example for fax in FAXES})
        for holder in (dag, *dag.tasks):
            holder.params.get_param("recipient").schema["enum"] += [fax.label for fax in FAXES]
        say(f"Sending {len(FAXES)} faxes, each a run of {dag.dag_id}; Airflow's own log is .airflow/demo.log.")
        rows = [_send(dag, fax, number) for number, fax in enumerate(FAXES, 1)]
        accepted = len(server.simulator.faxes())
    _show(rows)
    wrong = [row for row in rows if row["branch"] != row["expected"]]
    for row in wrong:
        say(f"WRONG: the fax to {row['recipient']} ended at {row['branch']}, not at {row['expected']}.")
    if accepted != len(FAXES):
        say(f"WRONG: the simulator accepted {accepted} faxes, not {len(FAXES)}.")
    if wrong or accepted != len(FAXES):
        return 1
    say(f"All {len(FAXES)} faxes ended where they should, and the simulator accepted each once.")
    return 0


def _send(dag: Any, fax: Fax, number: int) -> dict[str, Any]:
    from airflow_provider_faxto.fax.numbers import mask_number

    with _quiet():
        tasks = {ti.task_id: ti for ti in dag.test(run_conf={"recipient": fax.label}).get_task_instances()}
        status = tasks["wait"].xcom_pull(task_ids="wait") or {}
        # Fax.to tells the price once, when it accepts the fax.
        status["cost"] = status.get("cost") or (tasks["send"].xcom_pull(task_ids="send") or {}).get("cost")
    taken = [task_id for task_id in BRANCHES if tasks[task_id].state == "success"]
    branch = taken[0] if len(taken) == 1 and tasks["done"].state == "success" else "nowhere"
    masked = mask_number(fax.recipient)
    say(f"{number:2}/{len(FAXES)}  {fax.conn_type:8}  {masked:17}  {status.get('outcome')!s:9}  -> {branch}")
    return {**status, "vendor": fax.conn_type, "recipient": masked, "branch": branch, "expected": fax.branch}


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = {
        "vendor": "vendor",
        "recipient": "recipient",
        "job_id": "job id",
        "code": "code",
        "cause": "cause",
        "outcome": "outcome",
        "pages_sent": "pages",
        "attempts": "attempts",
        "cost": "cost",
        "branch": "branch taken",
    }
    table = Table(title="What became of every fax", caption="-: the vendor does not report it")
    for title in columns.values():
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*("-" if row.get(name) is None else str(row[name]) for name in columns))
    console = Console()
    Console(width=None if console.is_terminal else 140).print(table)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what Airflow prints into its log file, which is shown if something goes wrong."""
    path = HOME / "demo.log"
    sys.stdout.flush()
    keep = os.dup(1), os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    except BaseException:
        os.write(keep[1], f"Something went wrong; the end of {path}:\n".encode())
        os.write(keep[1], path.read_bytes()[-4000:])
        raise
    finally:
        sys.stdout.flush()
        os.dup2(keep[0], 1)
        os.dup2(keep[1], 2)
        os.close(keep[0])
        os.close(keep[1])


if __name__ == "__main__":
    sys.exit(main())
