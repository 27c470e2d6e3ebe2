"""In a forked worker or triggerer: note each request and each write, and die or stop where the plan says so.

Nothing here changes what the provider does. It watches from outside and strikes the process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.common import Strike


class Journal:
    """A round's history, one JSON object a line; written at once, so that a kill loses nothing.

    :param path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, event: str, **details: Any) -> None:
        line = json.dumps({"t": time.time(), "event": event, **details}, default=str) + "\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


class Boundaries:
    """The boundaries of one process.

    :param journal: where to note them.
    :param run: which process of the round this is.
    :param strikes: where to strike.
    """

    def __init__(self, journal: Journal, run: str, strikes: list[Strike]) -> None:
        self._journal = journal
        self._run = run
        self._left = [[strike, strike.skip] for strike in strikes]

    @contextlib.contextmanager
    def around(self, what: str, **details: Any) -> Iterator[None]:
        self._at(what, "before", details)
        try:
            yield
        except BaseException as error:
            self.note("failed", what=what, error=type(error).__name__, **details)
            self._strike(what, "after")
            raise
        self._at(what, "after", details)

    def note(self, event: str, **details: Any) -> None:
        self._journal.note(event, run=self._run, **details)

    def _at(self, what: str, side: str, details: dict[str, Any]) -> None:
        self.note(side, what=what, **details)
        self._strike(what, side)

    def _strike(self, what: str, side: str) -> None:
        for entry in self._left:
            strike, skip = entry
            if strike.what not in (what, "any") or strike.side != side:
                continue
            if skip:
                entry[1] -= 1
                continue
            self._left.remove(entry)
            self.note(strike.action, what=what, side=side)
            os.kill(os.getpid(), signal.SIGKILL if strike.action == "kill" else signal.SIGSTOP)
            return


def watch_requests(boundaries: Boundaries) -> None:
    """Put a boundary around every HTTP request and around the decision to send, and note what look-ups find.

    :param boundaries: this process's.
    """
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.http.transport import FaxTransport

    exchange, find_jobs, send_fax = FaxTransport.exchange, FaxHook.find_jobs, FaxHook.send_fax

    def exchange_at_boundary(transport: Any, request: Any) -> Any:
        with boundaries.around(str(request.kind), path=request.path):
            return exchange(transport, request)

    def send_fax_at_boundary(hook: Any, fax_number: Any, documents: Any, **given: Any) -> Any:
        # A document that was not loaded yet (the naive operator's) has no hash.
        loaded = documents if isinstance(documents, (list, tuple)) else [documents]
        contents = [getattr(document, "sha256", None) for document in loaded]
        with boundaries.around("decision", key=given.get("reference"), contents=contents):
            return send_fax(hook, fax_number, documents, **given)

    def find_and_note(hook: Any, **given: Any) -> Any:
        jobs = find_jobs(hook, **given)
        boundaries.note("found", jobs=[[job.job_id, str(job.outcome)] for job in jobs])
        return jobs

    FaxTransport.exchange = exchange_at_boundary
    FaxHook.find_jobs = find_and_note
    FaxHook.send_fax = send_fax_at_boundary
