"""Posting delivery receipts: a thread that runs while the simulator is served and a callback address is set."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

import requests

from airflow_provider_faxto.simulator.callbacks.receipts import Delivery, receipt_for

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from airflow_provider_faxto.simulator.callbacks.receipts import Receipt
    from airflow_provider_faxto.simulator.models import Fax
    from airflow_provider_faxto.simulator.state import State

__all__ = ["RESPONSE_SECONDS", "CallbackSender"]

logger = logging.getLogger("airflow_provider_faxto.simulator")

RESPONSE_SECONDS = 5.0
"""How long a receiver may take to respond, in real seconds."""

# How often the thread checks whether a receipt is due, in real seconds: the clock may be moved any time. A check
# costs about a microsecond for each receipt that is still to be delivered.
_CHECK_SECONDS = 0.05


class CallbackSender:
    """Posts delivery receipts when they are due, one after the other, while it is entered as a context.

    Its thread runs only while a callback address is set, or a receipt is still to be delivered. A delivery that is
    late, because the clock was moved on or the receiver was slow, is made at once.

    :param state: the simulator's state, which tells it of each fax that is accepted.
    :param log_size: how many deliveries are kept one by one.
    """

    def __init__(self, state: State, log_size: int) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=log_size)
        """The latest deliveries, oldest first; read under the lock."""
        self._open: list[Receipt] = []
        self._state = state
        self._state.on_accept.append(self._begin)
        self._is_open = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        with self._state.lock:
            return self._thread is not None

    def clear(self) -> None:
        """Forget all receipts and deliveries."""
        with self._state.lock:
            self._open.clear()
            self.deliveries.clear()

    def start_if_needed(self) -> None:
        """Start the thread if it is needed; called whenever the settings may have changed."""
        with self._state.lock:
            if self._is_open and self._thread is None and self._is_needed():
                self._thread = threading.Thread(target=self._run, name="fax-simulator-callbacks", daemon=True)
                self._thread.start()

    def __enter__(self) -> Self:
        with self._state.lock:
            self._is_open = True
            self._closing.clear()
            self.start_if_needed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread, at the latest when the receiver it is waiting for has used up its time to respond."""
        with self._state.lock:
            self._is_open = False
            thread = self._thread
        self._closing.set()
        if thread is not None:
            thread.join(2 * RESPONSE_SECONDS)

    def _begin(self, fax: Fax) -> None:
        receipt = receipt_for(fax, self._state.settings)
        if receipt is not None:
            self._open.append(receipt)

    def _is_needed(self) -> bool:
        settings = self._state.settings
        return bool(self._open or settings.faxto_callback_url or settings.interfax_callback_url)

    def _run(self) -> None:
        while True:
            with self._state.lock:
                if self._closing.is_set() or not self._is_needed():
                    # Under the lock, so that a thread which ends is never taken for one that runs.
                    self._thread = None
                    return
                generation = self._state.generation
                due = self._take_due()
            for receipt, due_at in due:
                self._deliver(receipt, due_at, generation)
            if not due:
                self._closing.wait(_CHECK_SECONDS)

    def _take_due(self) -> list[tuple[Receipt, float]]:
        now = self._state.clock.now()
        kept: list[Receipt] = []
        due: list[tuple[Receipt, float]] = []
        for receipt in self._open:
            due_at = receipt.due_at
            if due_at is None:
                continue
            kept.append(receipt)
            if receipt.is_due(now):
                due.append((receipt, due_at))
        self._open = kept
        return sorted(due, key=lambda pair: pair[1])

    def _deliver(self, receipt: Receipt, due_at: float, generation: int) -> None:
        with self._state.lock:
            if self._state.generation != generation or self._closing.is_set():
                return
            time, form = self._state.clock.now(), receipt.form()
        # Without the lock: the receiver may ask the simulator before it responds.
        http_status = _post(receipt.url, form)
        with self._state.lock:
            if self._state.generation != generation:
                return
            receipt.responses.append(http_status)
            fax, attempt = receipt.fax, len(receipt.responses)
            self.deliveries.append(Delivery(time, due_at, fax.vendor, fax.id, attempt, http_status))
        logger.info("%s receipt, attempt %s -> %s", fax.vendor, attempt, http_status)


def _post(url: str, form: dict[str, str]) -> int | None:
    """Post a form, and give the HTTP status of the response, or ``None`` if none came in time."""
    # A new connection each time: one that the receiver has closed meanwhile would lose a delivery.
    with requests.Session() as session:
        # No proxy, which would be another machine.
        session.trust_env = False
        try:
            with session.post(url, data=form, timeout=RESPONSE_SECONDS, allow_redirects=False, stream=True) as response:
                return response.status_code
        except requests.RequestException:
            return None
