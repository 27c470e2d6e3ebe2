"""Sending many logical faxes of one task, each once: look all of them up, send by a few threads, settle the uncertain.

Each step is that of a task with one fax (:mod:`airflow_provider_faxto.sending.submit`), taken for all before the next
one begins:

1. *Look.* The journal tells most. Looks that need the vendor's records begin together, so that one listing answers for
   all of them. Nothing is sent before every look is over.
2. *Send.* A few threads, each with a hook and HTTP connections of its own, take one fax after the other, at a pace if
   there is to be one. Each send is noted before it is made.
3. *Settle.* Sends without a readable answer are looked up together, after all others went out.

An error about one fax is that fax's. An error about the set-up (the connection, the password), a note that Airflow does
not take, and a vendor that cannot be reached a good many times in a row end the sending: the faxes that are left are
not sent by this run, and those that went out are still waited for.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import FaxNotSentError, FaxPermanentError
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxLostContactError,
    FaxRateLimitError,
    FaxThrottledError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.sending.lookup import LookUpPostponed, LookUpProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.sending.bad_numbers import NumberMark
    from airflow_provider_faxto.sending.run_state import SendJournal
    from airflow_provider_faxto.sending.submit import FaxSubmission

__all__ = ["BatchFax", "FaxBatch"]

log = logging.getLogger(__name__)

# A vendor that cannot be reached so often in a row will not be a second later.
_LOST_IN_A_ROW = 20
_THROTTLED_FOR = 30.0
_LONGEST_PAUSE = 300.0
_ABOUT_ALL = (FaxConfigurationError, FaxAuthenticationError)
# How long a task that is stopped waits for the requests that its threads are just making.
_LAST_REQUESTS_TAKE = 4.0
_LOOKS_EVERY = 0.2


@dataclass(slots=True, kw_only=True, eq=False)
class BatchFax:
    """One fax of a batch, and what this run knows of it.

    :param label: what the user calls it, and what tells it from the others.
    :param submission: this run's work on it.
    :param journal: its notes.
    :param mark: the mark of its number, which is not dialled if it is remembered as a bad one; ``None`` for none.
    :param status: the status of its fax job, pending or final, once there is one.
    :param error: why there is none, once that is known.
    """

    label: str
    submission: FaxSubmission
    journal: SendJournal
    mark: NumberMark | None = None
    status: FaxStatus | None = None
    error: FaxError | None = None


class FaxBatch:
    """One run's work on many faxes.

    :param hook: the account.
    :param faxes: the faxes.
    :param airflow: held by a thread that asks or tells Airflow something.
    :param threads: how many are sent at once.
    :param pace: how many may be sent in a minute; ``None`` for as many as go.
    :param tell: called with the counts of outcomes so far, after each fax. Default: nothing.
    """

    def __init__(
        self,
        hook: FaxHook,
        faxes: Sequence[BatchFax],
        *,
        airflow: AbstractContextManager[object],
        threads: int,
        pace: float | None,
        tell: Callable[[Counter[FaxOutcome]], object] = lambda _: None,
    ) -> None:
        self._hook = hook
        self._faxes = faxes
        self._airflow = airflow
        self._threads = threads
        self._interval = 60.0 / pace if pace else 0.0
        self._tell = tell
        self._lock = threading.Lock()
        self._counts: Counter[FaxOutcome] = Counter()
        self._next_at = 0.0
        self._lost_in_a_row = 0
        self._is_over = threading.Event()
        self._broken: BaseException | None = None
        self.stopped_by: FaxError | None = None
        """What ended the sending before all were sent, if something did."""

    def look_up(self, *, progress: LookUpProgress | None, hold: float) -> None:
        """Find out which are to be sent; the others have a status or an error then.

        :param progress: how far the looks have come, where an earlier part of them was postponed.
        :param hold: for how many seconds one look may wait in this process.
        :raises LookUpPostponed: if one would wait longer. All of them begin again then.
        :raises FaxError: what is about all of them: nothing was sent.
        """
        for fax in self._faxes:
            fax.submission.begin_look_up(self._hook, progress=progress, hold=hold)
        for fax in self._faxes:
            try:
                fax.status = fax.submission.look_up(self._hook, adopts_unasked=True)
            except (FaxUncertainSendError, FaxPermanentError) as error:
                fax.error = error
            except LookUpPostponed as later:
                raise LookUpPostponed(later.seconds, self._common_progress(later.progress)) from None
            if fax.status is not None or fax.error is not None:
                self._count(fax)

    def send(self) -> None:
        """Send what is to be sent. Each fax has a status or an error then, but those that :attr:`stopped_by` left.

        :raises BaseException: what stops the task, or is no error of a fax, once the threads have ended.
        """
        waiting = deque(fax for fax in self._faxes if fax.status is None and fax.error is None)
        if not waiting:
            return
        log.info("%d faxes are to be sent, %d at once.", len(waiting), min(self._threads, len(waiting)))
        threads = [
            # What Airflow knows of the task, and sorts its log by, is in the context.
            threading.Thread(
                target=contextvars.copy_context().run,
                args=(self._work, waiting),
                name=f"fax-send-{number}",
                daemon=True,
            )
            for number in range(min(self._threads, len(waiting)))
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                # In slices, so that what stops the task does so at once.
                while thread.is_alive():
                    thread.join(_LOOKS_EVERY)
        finally:
            self.stop()
            until = clock.of_sockets() + _LAST_REQUESTS_TAKE
            for thread in threads:
                # One that was never started cannot be waited for.
                with contextlib.suppress(RuntimeError):
                    thread.join(max(until - clock.of_sockets(), 0.0))
        if self._broken is not None:
            raise self._broken

    def stop(self) -> None:
        """Send no more faxes; for any thread."""
        self._is_over.set()

    def settle(self) -> None:
        """Look up what became of the sends that got no readable answer."""
        uncertain = [
            fax for fax in self._faxes if isinstance(fax.error, FaxUncertainSendError) and fax.submission.was_sent
        ]
        if uncertain:
            log.warning("%d sends got no readable answer. Looking them up.", len(uncertain))
        for fax in uncertain:
            fax.submission.begin_settling(self._hook)
        for fax in uncertain:
            try:
                fax.status, fax.error = fax.submission.settle(self._hook), None
            except (FaxUncertainSendError, FaxNotSentError) as error:
                fax.error = error

    def _common_progress(self, postponed: LookUpProgress) -> LookUpProgress:
        """Give one progress for all looks: none is settled sooner than it would be by itself."""
        known = [progress for fax in self._faxes if (progress := fax.submission.look_up_progress) is not None]
        return LookUpProgress(
            settled_from=max(progress.settled_from for progress in [*known, postponed]),
            asked_at=min(progress.asked_at for progress in [*known, postponed]),
        )

    def _work(self, waiting: deque[BatchFax]) -> None:
        """Send one fax after the other; a thread."""
        try:
            with contextlib.closing(self._hook.for_another_thread()) as hook, contextlib.suppress(IndexError):
                while not self._is_over.is_set():
                    self._send_one(hook, waiting.popleft())
        except BaseException as error:  # noqa: BLE001 - raised in the task's own thread
            self._broken = error
            self._is_over.set()

    def _send_one(self, hook: FaxHook, fax: BatchFax) -> None:
        """Send one fax, in its turn; an error is kept with it."""
        while self._take_turn():
            try:
                if fax.mark is not None:
                    with self._airflow:
                        fax.mark.check()
                fax.status = fax.submission.send(hook)
            except FaxRateLimitError as error:
                # Our own limit is never an outcome. Only what reads is held up by it, so nothing was sent.
                clock.sleep(max(error.retry_after or 0.0, 1.0))
                continue
            except FaxError as error:
                fax.error = error.with_traceback(None)
            with self._lock:
                self._judge(fax)
            self._count(fax)
            return

    def _take_turn(self) -> bool:
        """Wait until the next fax may go out; tell whether it may still."""
        while not self._is_over.is_set():
            with self._lock:
                now = clock.monotonic()
                left = self._next_at - now
                if left <= 0:
                    self._next_at = now + self._interval
                    return True
            clock.sleep(min(left, 1.0))
        return False

    def _judge(self, fax: BatchFax) -> None:
        """Tell by what came of a fax whether the others are sent."""
        error = fax.error
        if error is None:
            self._lost_in_a_row = 0
            return
        if isinstance(error, FaxThrottledError):
            pause = min(error.retry_after or _THROTTLED_FOR, _LONGEST_PAUSE)
            self._next_at = max(self._next_at, clock.monotonic() + pause)
        if isinstance(error, (FaxLostContactError, FaxUncertainSendError, FaxThrottledError)):
            self._lost_in_a_row += 1
        is_lost = self._lost_in_a_row >= _LOST_IN_A_ROW
        if self.stopped_by is None and (isinstance(error, _ABOUT_ALL) or fax.submission.is_given_up or is_lost):
            self.stopped_by = error
            self._is_over.set()
            log.error("No more faxes are sent by this run: %s", error)

    def _count(self, fax: BatchFax) -> None:
        outcome = fax.status.outcome if fax.status is not None else FaxOutcome.RETRYABLE
        with self._lock:
            self._counts[outcome] += 1
            self._tell(self._counts)
