"""The vendor of the benchmark, in a process of its own: our simulator, and two plain ways to ask it for one fax.

The rivals ask about the same store of faxes, each in the form that suits it best:

- ``/http/<account>/<fax>`` answers 404 until the fax is final and 200 from then on, which is what
  ``HttpSensorTrigger`` fires on;
- ``/api/v2/accounts/<number>/runs/<fax>/`` answers as dbt Cloud does, with status 3 (running), then 10 (success).

The account's limit holds for InterFAX's calls alone. Within it the rivals would never see the end.
"""

from __future__ import annotations

import base64
import json
import math
import multiprocessing
import random
import resource
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from multiprocessing.connection import Connection

    from airflow_provider_faxto.simulator.documents import DocumentFacts
    from airflow_provider_faxto.simulator.models import Fax

PASSWORD = "fake-password"
LIMIT = 6
_RUNNING, _SUCCESS = 3, 10
# The states of a fax on its way and of one that was delivered.
_SENDING = {"interfax": -3, "faxto": "in_progress"}
_SENT = {"interfax": 0, "faxto": "ok"}


def open_many_files() -> None:
    """Allow this process as many sockets as the system does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Vendor:
    """The process, as the process that started it sees it; every method may be called from any thread.

    :param speed: simulated seconds for each real second.
    :param accounts: the InterFAX users.
    :param faxto: the Fax.to accounts: key by name. Default: none.
    :param limit: how many status requests InterFAX takes in a minute; ``None`` for any number.
    """

    def __init__(
        self,
        speed: float,
        accounts: list[str],
        faxto: dict[str, str] | None = None,
        limit: int | None = LIMIT,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._lock = threading.Lock()
        self._process = context.Process(target=_serve, args=(theirs, speed, accounts, faxto or {}, limit), daemon=True)
        self._process.start()
        theirs.close()
        self.speed = speed
        self.url: str = self._pipe.recv()

    def accept(self, account: str, faxes: int, vendor: str = "interfax") -> list[int]:
        """Let an account have so many faxes that do not end yet; return their numbers."""
        return self._call("accept", account, faxes, vendor)

    def schedule(self, account: str, first: float, spread: float, but: tuple[int, ...] = ()) -> dict[int, float]:
        """Let the account's faxes end, at random between ``first`` and ``first + spread`` simulated seconds from now.

        :param but: those that do not.
        :return: when each ends, as ``time.monotonic()`` tells it, which all processes of a machine share.
        """
        return self._call("schedule", account, first, spread, but)

    def counts(self, account: str) -> dict[str, int]:
        """Tell how many requests came, how many were refused, the most in a minute, how many faxes they told of."""
        return self._call("counts", account)

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(10)

    def _call(self, name: str, *args: Any) -> Any:
        with self._lock:
            self._pipe.send((name, args))
            return self._pipe.recv()


@dataclass
class _Count:
    moments: list[float] = field(default_factory=list)
    refused: int = 0
    asked_for: set[int] = field(default_factory=set)


def most_in_a_minute(moments: list[float]) -> int:
    """Find the highest number of moments in any rolling minute."""
    most, oldest = 0, 0
    for newest, moment in enumerate(moments):
        while moments[oldest] <= moment - 60:
            oldest += 1
        most = max(most, newest - oldest + 1)
    return most


class _App:
    """Counts, answers the rivals, and leaves the rest to the simulator."""

    def __init__(self, simulator: Any) -> None:
        self._inner = simulator.app
        self._state = simulator._state  # noqa: SLF001 - faxes that no client sent have no public way in
        self._counts: dict[str, _Count] = defaultdict(_Count)
        self._faxes: dict[str, list[Fax]] = {}

    def accept(self, account: str, faxes: int, vendor: str) -> list[int]:
        from airflow_provider_faxto.simulator.documents import DocumentFacts
        from airflow_provider_faxto.simulator.models import Fax
        from airflow_provider_faxto.simulator.timeline import Stage, Timeline

        document = DocumentFacts("letter.pdf", "application/pdf", None, 1000, 1)
        endless = Timeline((Stage(_SENDING[vendor], math.inf, 1),), _SENT[vendor], pages_sent=1, delivered=True)
        with self._state.lock:
            accepted = [
                Fax(
                    vendor=vendor,
                    id=self._state.store.next_fax_id(vendor),
                    user=account,
                    recipient="+12025550100",
                    documents=(document,),
                    accepted_at=self._state.clock.now(),
                    timeline=endless,
                    document_id=self._document(account, document) if vendor == "faxto" else None,
                )
                for _ in range(faxes)
            ]
            for fax in accepted:
                self._state.accept(fax)
            self._faxes.setdefault(account, []).extend(accepted)
        return [fax.id for fax in accepted]

    def _document(self, account: str, facts: DocumentFacts) -> int:
        return self._state.store.add_document(account, facts, self._state.clock.now()).id

    def schedule(self, account: str, first: float, spread: float, but: tuple[int, ...]) -> dict[int, float]:
        from airflow_provider_faxto.simulator.timeline import Stage, Timeline

        chance = random.Random(account)
        ends = {}
        with self._state.lock:
            clock = self._state.clock
            now, real = clock.now(), time.monotonic()
            for fax in self._faxes[account]:
                if fax.id in but:
                    continue
                seconds = first + spread * chance.random()
                stage = Stage(_SENDING[fax.vendor], now + seconds - fax.accepted_at, 1)
                fax.timeline = Timeline((stage,), _SENT[fax.vendor], pages_sent=1, delivered=True)
                ends[fax.id] = real + seconds / clock.speed
        return ends

    def counts(self, account: str) -> dict[str, int]:
        count = self._counts[account]
        return {
            "requests": len(count.moments),
            "refused": count.refused,
            "most_in_a_minute": most_in_a_minute(list(count.moments)),
            "asked_for": len(count.asked_for),
        }

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        parts = scope["path"].strip("/").split("/")
        if parts[0] == "http":
            await self._answer_http(parts[1], int(parts[2]), send)
        elif parts[:3] == ["api", "v2", "accounts"]:
            await self._answer_dbt(int(parts[5]), send)
        elif parts[0] == "api":
            await self._inner(scope, receive, send)
        else:
            await self._answer_interfax(scope, parts, receive, send)

    async def _answer_http(self, account: str, fax_id: int, send: Callable[[Any], Awaitable[None]]) -> None:
        is_final = self._look(account, fax_id)
        await _answer(send, 200 if is_final else 404, {"final": is_final})

    async def _answer_dbt(self, run_id: int, send: Callable[[Any], Awaitable[None]]) -> None:
        fax = self._state.store._faxes["interfax"][run_id]  # noqa: SLF001 - dbt Cloud's path names no user
        status = _SUCCESS if self._look(fax.user, run_id) else _RUNNING
        await _answer(send, 200, {"data": {"id": run_id, "status": status}, "status": {"code": 200}})

    def _look(self, account: str, fax_id: int) -> bool:
        with self._state.lock:
            now = self._state.clock.now()
            count = self._counts[account]
            count.moments.append(now)
            count.asked_for.add(fax_id)
            return self._state.store.fax("interfax", account, fax_id).read(now).is_final

    async def _answer_interfax(self, scope: dict[str, Any], parts: list[str], receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        account = base64.b64decode(headers[b"authorization"].split()[1]).decode().partition(":")[0]
        count = self._counts[account]
        count.moments.append(self._state.clock.now())
        ids = parse_qs(scope["query_string"].decode()).get("ids", [])
        asked_for = {int(one) for many in ids for one in many.split(",")} | {int(one) for one in parts if one.isdigit()}

        async def note(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == HTTPStatus.OK:
                    count.asked_for.update(asked_for)
                else:
                    count.refused += 1
            await send(message)

        await self._inner(scope, receive, note)


async def _answer(send: Callable[[Any], Awaitable[None]], status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _serve(
    pipe: Connection, speed: float, accounts: list[str], faxto: dict[str, str], limit: int | None
) -> None:
    from airflow_provider_faxto.simulator import Clock, Settings, Simulator, SimulatorServer
    from airflow_provider_faxto.simulator.accounts import Accounts

    open_many_files()
    simulator = Simulator(
        settings=Settings(interfax_status_limit=limit),
        clock=Clock(speed),
        accounts=Accounts(interfax=dict.fromkeys(accounts, PASSWORD), faxto=faxto),
    )
    simulator.app = app = _App(simulator)
    with SimulatorServer(simulator) as server:
        pipe.send(server.url)
        while True:
            name, args = pipe.recv()
            pipe.send(getattr(app, name)(*args))
