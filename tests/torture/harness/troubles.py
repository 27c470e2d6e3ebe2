"""What befalls a round between its runs and during them: another account, another file, records that are gone."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.simulator import pdf as simulator_pdf
from harness.vendors import VENDORS
from harness.world import OTHER_ACCOUNT, set_connection

if TYPE_CHECKING:
    from pathlib import Path

    from harness.boundaries import Journal
    from harness.plan import Plan
    from harness.world import Simulator

_PAGES = {"letter": 1, "report": 3, "large": 3}
_BYTES = {"letter": 2_000, "report": 20_000, "large": 1_200_000}
_WEEKS = 31 * 86_400.0
_KEY = "airflow-{0:024x}-{0:016x}"


def make_pdf(document: str, mark: str) -> bytes:
    """Make a document.

    :param document: which of a round's documents it is like.
    :param mark: what makes its content one of its own.
    :return: a file.
    """
    return simulator_pdf.make_pdf(_PAGES[document], mark=mark, size=_BYTES[document])


class Document:
    """The round's own document, which may change.

    :param path: the file.
    :param plan: the round.
    :param journal: the round's history.
    """

    def __init__(self, path: Path, plan: Plan, journal: Journal) -> None:
        self.path = path
        self._plan = plan
        self._journal = journal
        self._version = 0
        path.write_bytes(self._next())
        self._note("made")

    def change(self) -> None:
        """Change the file in one of the ways in which files change."""
        how = self._plan.chance.choice(["rewritten", "rewritten unseen", "grown", "shrunk", "replaced", "removed"])
        if how == "removed":
            # For a moment: whoever writes it anew makes the old one go first.
            self.path.unlink()
            time.sleep(self._plan.chance.choice([0.0, 0.02]))
            self.path.write_bytes(self._next())
        elif how == "replaced":
            new = self.path.with_suffix(".new")
            new.write_bytes(self._next())
            new.replace(self.path)
        else:
            getattr(self, f"_{how.replace(' ', '_')}")()
        self._note(how)

    def _rewritten(self) -> None:
        with self.path.open("r+b") as file:
            file.write(self._next())

    def _rewritten_unseen(self) -> None:
        # At the same length, and with the times that it had.
        before = self.path.stat()
        self._rewritten()
        os.utime(self.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def _grown(self) -> None:
        with self.path.open("ab") as file:
            file.write(b"% more\n%%EOF\n")

    def _shrunk(self) -> None:
        with self.path.open("r+b") as file:
            file.truncate(self.path.stat().st_size // 2)
            file.seek(0, os.SEEK_END)
            file.write(b"\n%%EOF\n")

    def _next(self) -> bytes:
        self._version += 1
        return make_pdf(self._plan.document, f"round {self._plan.seed:08} version {self._version:04}")

    def _note(self, how: str) -> None:
        self._journal.note("document", how=how, content=hashlib.sha256(self.path.read_bytes()).hexdigest())


class Account:
    """The account that the task's connection leads to, which may be edited.

    :param home: the simulator that the round begins with.
    :param elsewhere: makes the other host, once it is needed, or gives it again.
    :param plan: the round.
    :param journal: the round's history.
    """

    def __init__(self, home: Simulator, elsewhere: Any, plan: Plan, journal: Journal) -> None:
        self._home = home
        self._elsewhere = elsewhere
        self._plan = plan
        self._journal = journal
        self.is_elsewhere = False
        self.place = "home"

    def edit(self) -> None:
        """Lead the connection to another account: to another user or another host, or back."""
        vendor = self._plan.vendor
        if self.place != "home":
            self.place = "home"
            connection = self._home.connections[vendor]
        elif self._plan.chance.random() < 0.5:
            self.place = "user"
            connection = self._home.connections[vendor] | OTHER_ACCOUNT[vendor]
            self._fill(self._home, connection.get("login", "faxto-2"))
        else:
            self.place, self.is_elsewhere = "host", True
            other = self._elsewhere()
            connection = other.connections[vendor]
            self._fill(other, None)
        set_connection(connection)
        self._journal.note("connection", place=self.place)

    def _fill(self, simulator: Simulator, account: str | None) -> None:
        """Give the other account faxes of strangers; at another host some have the ids of the round's own."""
        vendor = self._plan.vendor
        order: dict[str, Any] = {"vendor": vendor}
        if account is not None:
            simulator.ask("POST", "/strangers", **order, account=account)
            return
        last = max((int(fax["id"]) for fax in self._home.faxes() if fax["vendor"] == vendor), default=0)
        # A stranger's fax that arrives is the one that could be taken for ours.
        for _ in range(2_000):
            if int(simulator.ask("POST", "/strangers", **order)["id"]) >= last:
                return


def send_foreign_faxes(simulator: Simulator, plan: Plan) -> None:
    """Fill the records with faxes of others, some of them to the round's own number.

    :param simulator: the vendors.
    :param plan: the round.
    """
    numbers = [VENDORS[plan.vendor].scenarios["busy"], "+12025550199"]
    suffix = ".pdf" if VENDORS[plan.vendor].uploads_all else ""
    for number in range(plan.foreign_faxes):
        simulator.ask(
            "POST",
            "/strangers",
            vendor=plan.vendor,
            recipient=numbers[number % 2],
            reference=_KEY.format(plan.seed * 100 + number) + suffix,
        )


def drop_records(simulator: Simulator, airflow: Any, run_id: str, plan: Plan, *, after_weeks: bool) -> None:
    """Let the vendor drop its records.

    :param simulator: the vendors.
    :param airflow: this Airflow.
    :param run_id: the DAG run.
    :param plan: the round.
    :param after_weeks: whether the DAG run began so long ago that the vendor's own rule is the reason.
    """
    simulator.ask("POST", "/drop-records", vendor=plan.vendor)
    if after_weeks:
        airflow.age(run_id, _WEEKS)
