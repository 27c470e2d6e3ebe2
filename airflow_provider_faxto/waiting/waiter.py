"""Waiting for one fax job: what an answer means, how long to pause, and what a deadline makes of it.

The worker (poke, reschedule, the send operator) and the poller of the triggers wait through this one class, so that
every mode ends with the same value.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxError,
    FaxInputError,
    FaxNotFoundError,
    FaxRateLimitError,
    FaxThrottledError,
)
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.registry import name_account
from airflow_provider_faxto.waiting.account import WaitAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = [
    "NOT_FOUND_GRACE",
    "NO_VENDOR",
    "SHORTEST_INTERVAL",
    "FaxWaiter",
    "confirm",
    "event_of",
    "event_of_timeout",
    "interval_of",
    "is_of_another_fax",
    "is_trigger_timeout",
    "status_at_deadline",
    "unknown_status",
]

log = logging.getLogger(__name__)

NOT_FOUND_GRACE = 60.0
"""For how many seconds without a break a vendor that does not know a job is taken to lag behind."""

SHORTEST_INTERVAL = 1.0
"""The shortest interval between two requests for one job, in seconds."""

NO_VENDOR = "unknown"
"""What a status names as its vendor where the connection could not be looked up."""

# What an event holds beside the status.
_DEADLINE = "deadline"
_NO_SUCH_JOB = "no_such_job"
_IS_REFUSED = "is_refused"
_MOST_DOUBLINGS = 4
# How often a long wait says that it goes on, in seconds.
_SAYS_EVERY = 600.0
# InterFAX locks a user out for that long; a vendor that asks for more would end the wait without another request.
_LONGEST_ASKED = 3600.0


def interval_of(seconds: float) -> float:
    """Give the interval at which a job is asked for.

    :param seconds: the interval that a DAG gives.
    :return: the same, but one second at least.
    """
    return max(seconds, SHORTEST_INTERVAL)


def unknown_status(vendor: str, job_id: str, message: str, last: FaxStatus | None = None) -> FaxStatus:
    """Make the status that says we cannot tell.

    :param vendor: the connection type.
    :param job_id: the fax job.
    :param message: why we cannot tell.
    :param last: the last status that was read, whose code and reference are kept. Default: none was.
    :return: a final status with the outcome ``unknown``.
    """
    return FaxStatus(
        vendor=vendor,
        job_id=job_id,
        outcome=FaxOutcome.UNKNOWN,
        message=message,
        code=last.code if last else None,
        cause=last.cause if last else None,
        submitted_at=last.submitted_at if last else None,
        reference=last.reference if last else None,
    )


def status_at_deadline(vendor: str, job_id: str, last: FaxStatus | None = None, *, was_found: bool = True) -> FaxStatus:
    """Make the status that says that the deadline has passed.

    :param vendor: the connection type.
    :param job_id: the fax job.
    :param last: the last status that was read. Default: none was.
    :param was_found: whether the vendor did not say in the end that it does not know the job. Default: it did not.
    :return: a final status with the outcome ``unknown``.
    """
    seen = f"its last status was: {last.message}" if last else "no status could be read"
    if not was_found:
        seen += ", and the vendor did not know the job when it was asked last"
    message = f"No permanent status by the deadline; {seen}. The fax may still go out or may have arrived."
    return unknown_status(vendor, job_id, message, last)


def is_of_another_fax(status: FaxStatus, reference: str | None) -> bool:
    """Tell whether the vendor shows a job to be another fax than the one that is waited for.

    :param status: what was read of the job.
    :param reference: the key under which the fax was sent; ``None`` if it is not known.
    :return: whether the record tells another reference. One that tells none, such as a summary, says nothing.
    """
    if reference is None or status.reference is None:
        return False
    return status.reference.strip().lower() != reference.strip().lower()


def event_of(status: FaxStatus, deadline: float | None, ended_by: FaxError | None = None) -> dict[str, Any]:
    """Make the payload of a trigger's event.

    :param status: how the wait ended.
    :param deadline: when the wait was to end, in seconds since the epoch; ``None`` for never.
    :param ended_by: what ended the wait, if that was an error. Default: none.
    :return: ``FaxStatus.to_dict()``; where that says ``unknown``, with what the worker needs to wait on. Airflow keeps
        nothing else for it in ``dag.test()``.
    """
    event = status.to_dict()
    if status.outcome is FaxOutcome.UNKNOWN:
        event |= {
            _DEADLINE: deadline,
            _NO_SUCH_JOB: isinstance(ended_by, FaxNotFoundError),
            _IS_REFUSED: isinstance(ended_by, FaxAuthenticationError),
        }
    return event


def is_trigger_timeout(next_method: str, next_kwargs: Mapping[str, Any] | None) -> bool:
    """Tell whether Airflow resumes a task since it was deferred for too long: no triggerer ran by the deadline.

    :param next_method: the method that Airflow resumes it with.
    :param next_kwargs: the arguments of it.
    :return: whether it is so.
    """
    return next_method == "__fail__" and (next_kwargs or {}).get("error") == "Trigger timeout"


def event_of_timeout(job_id: str) -> dict[str, Any]:
    """Make the payload that stands for the event of a trigger which did not run by the deadline.

    :param job_id: the fax job.
    :return: as :func:`event_of`.
    """
    return event_of(status_at_deadline(NO_VENDOR, job_id), None)


def confirm(event: Mapping[str, Any], make_waiter: Callable[[], FaxWaiter]) -> FaxStatus | float:
    """Read a trigger's event; where it says ``unknown``, ask once more from the worker.

    The trigger cannot hand on an error, since Airflow shows an event's payload unmasked. So the error, if there is one,
    is met again here, and raised as poke mode would raise it.

    :param event: the payload of the event, as :func:`event_of` makes it.
    :param make_waiter: makes the waiter that asks. Not called where the event is clear: the HTTP client and the
        connection take longer than all the rest.
    :return: the final status; or the deadline, in seconds since the epoch, where the fax is to be waited for until
        then: what ended the wait is over, and the fax is under way, or cannot be asked for just now.
    :raises FaxInputError: if the payload is no status.
    :raises FaxNotFoundError: if the vendor still does not know a job that it did not know for a minute.
    :raises FaxAuthenticationError: if it still refuses credentials that ended the wait.
    :raises FaxError: what :meth:`FaxWaiter.poll` raises.
    """
    told = FaxStatus.from_dict(event)
    if not told.is_final:
        raise FaxInputError("The trigger's event holds a status that is not final; nothing can be made of it.")
    if told.outcome is not FaxOutcome.UNKNOWN:
        return told
    waiter = make_waiter()
    seen = waiter.poll()
    if seen is not None and seen.is_final:
        return seen
    if waiter.not_found is not None and event.get(_NO_SUCH_JOB):
        raise waiter.not_found
    if waiter.refusal is not None and event.get(_IS_REFUSED):
        raise waiter.refusal
    deadline = event.get(_DEADLINE)
    if isinstance(deadline, (int, float)) and deadline > clock.now():
        log.info("Fax job %s is waited for until its deadline.", told.job_id)
        return float(deadline)
    return replace(told, vendor=waiter.vendor)


class FaxWaiter:
    """One wait for one fax job.

    :param hook: the account. Make it with ``POLLING``: the wait itself is what repeats.
    :param job_id: the fax job.
    :param poll_interval: seconds between two requests while all is well; see :func:`interval_of`.
    :param reference: the key under which the fax was sent. A job that the vendor shows under another reference is not
        this fax, and the wait ends as ``unknown``. Default: none, which takes the job as it is.
    :param make_hook: looks the connection up and makes its hook, for :meth:`poll` when the connection may have changed.
        Default: none, and the hook serves as it is.
    :param tells: whether what becomes of the job is logged; who waits for thousands tells of all together. Default:
        ``True``.
    """

    # Thousands wait at once.
    __slots__ = (
        "_account",
        "_asked_to_wait",
        "_free_in",
        "_hook",
        "_job_id",
        "_make_hook",
        "_misses",
        "_not_found_since",
        "_poll_interval",
        "_reference",
        "_said_at",
        "_tells",
        "_warned_of_credit",
        "last",
        "not_found",
    )

    def __init__(
        self,
        hook: FaxHook,
        job_id: str,
        *,
        poll_interval: float,
        reference: str | None = None,
        make_hook: Callable[[], FaxHook] | None = None,
        tells: bool = True,
    ) -> None:
        self._hook = hook
        self._tells = tells
        self._make_hook = make_hook
        self._account: WaitAccount | None = None
        self._job_id = job_id
        self._poll_interval = interval_of(poll_interval)
        self._reference = reference
        self._misses = 0
        self._asked_to_wait = 0.0
        self._free_in: float | None = None
        self._warned_of_credit = False
        self._said_at = clock.monotonic()
        self._not_found_since = 0.0
        self.last: FaxStatus | None = None
        self.not_found: FaxNotFoundError | None = None

    @property
    def vendor(self) -> str:
        """The connection type."""
        return self._hook.conn_type

    @property
    def refusal(self) -> FaxAuthenticationError | FaxConfigurationError | None:
        """Why the vendor may not be asked, if :meth:`poll` found it so."""
        return None if self._account is None else self._account.refusal

    @property
    def keeps_its_worker(self) -> bool:
        """Whether another process that went on with this wait would not know since when something is wrong."""
        return self.not_found is not None or self.refusal is not None

    def poll(self) -> FaxStatus | None:
        """Ask once. Lost contact, throttling, a refusal and "no such job" are no answer, and no failure either.

        That the vendor does not know the job is kept in :attr:`not_found`, and is an error where it says so for a whole
        minute; any other answer, and lost contact, begins that minute anew. That it refuses the credentials is kept in
        :attr:`refusal`; then :class:`~airflow_provider_faxto.waiting.account.WaitAccount` says when it is asked again.

        :return: what :meth:`update` makes of the status; ``None`` if there was no answer.
        :raises FaxNotFoundError: if the vendor has not known the job for a whole minute.
        :raises FaxInputError: if the job id has not the vendor's form.
        :raises FaxConfigurationError: if the connection cannot be used.
        :raises FaxAuthenticationError: if the key or password has been wrong for an hour, or was changed and is wrong.
        """
        if self._account is None:
            make_hook = self._make_hook or (lambda: self._hook)
            self._account = WaitAccount(self._hook.fax_conn_id, make_hook, self._hook)
        account = self._account
        hook = account.find_hook()
        if hook is None:
            return None
        self._hook = hook
        try:
            status = hook.get_status(self._job_id)
        except FaxAuthenticationError as error:
            account.note_refusal(error)
            self._misses, self._asked_to_wait, self._free_in, self.not_found = 0, 0.0, None, None
            return None
        except FaxError as error:
            if isinstance(error, FaxNotFoundError):
                account.note_answer()
            self.update_error(error)
            return None
        account.note_answer()
        return self.update(status)

    def update_error(self, error: FaxError) -> None:
        """Take note of what came instead of a status.

        :param error: what was raised when the job was asked for, by itself or among others.
        :raises FaxError: the error, if the wait cannot go on; see :meth:`poll`.
        """
        self._free_in = None
        if isinstance(error, FaxRateLimitError):
            # Nobody was asked, so nothing grows or ends.
            self._free_in = error.retry_after
            log.log(self._level(logging.INFO), "No status yet: %s", error)
        elif isinstance(error, FaxNotFoundError):
            now = clock.monotonic()
            if self.not_found is None:
                self._not_found_since = now
                log.log(
                    self._level(logging.WARNING),
                    "%s does not know fax job %s (yet). Is this the account that it was sent from?",
                    name_account(self._hook.conn_type, self._hook.fax_conn_id),
                    self._job_id,
                )
            self.not_found = error
            if now - self._not_found_since >= NOT_FOUND_GRACE:
                raise error
        elif isinstance(error, (FaxInputError, FaxConfigurationError, FaxAuthenticationError)):
            raise error
        else:
            # Contact was lost, or somebody refused: perhaps a gateway, and perhaps for a while.
            self._misses += 1
            self._asked_to_wait = (error.retry_after or 0.0) if isinstance(error, FaxThrottledError) else 0.0
            # An earlier "no such job" may have been lag, and a vendor that cannot be asked does not say it again.
            self.not_found = None
            log.log(self._level(logging.WARNING), "No status yet, asking again later: %s", error)

    def _level(self, level: int) -> int:
        """Give the level at which something is logged."""
        return level if self._tells else logging.DEBUG

    def update(self, status: FaxStatus) -> FaxStatus:
        """Take note of a status that was read, of this job alone or among others.

        :param status: the status.
        :return: the status, pending or final; ``unknown`` if it is that of another fax.
        """
        self._misses, self._asked_to_wait, self._free_in, self.not_found = 0, 0.0, None, None
        if is_of_another_fax(status, self._reference):
            log.error("The vendor shows fax job %s under another reference than it was sent with.", self._job_id)
            return unknown_status(
                self._hook.conn_type,
                self._job_id,
                f"The vendor shows job {self._job_id} under another reference, so it is another fax. What became of "
                "this one is not known; look at the vendor's own list of faxes.",
            )
        if not self._tells:
            self.last = status
            return status
        if not status.is_final and clock.monotonic() - self._said_at >= _SAYS_EVERY:
            self._said_at = clock.monotonic()
            log.info(
                "Fax job %s at %s is still waited for: %s",
                self._job_id,
                name_account(self._hook.conn_type, self._hook.fax_conn_id),
                status.message or "the vendor says no more than that it is under way.",
            )
        if status.cause is FaxCause.OUT_OF_CREDIT and not status.is_final and not self._warned_of_credit:
            self._warned_of_credit = True
            log.warning(
                "Fax job %s is held for lack of credit. It goes out once the account is topped up, and fails for "
                "good after 24 hours.",
                self._job_id,
            )
        if self.last is None or (self.last.code, self.last.outcome) != (status.code, status.outcome):
            log.info("Fax job %s is %s: %s", self._job_id, status.outcome, status.message)
        self.last = status
        return status

    @property
    def pause(self) -> float:
        """Seconds until the next request.

        The interval, doubled with each request that got no answer (up to 16 times it), and at least what the vendor
        asked for, up to an hour. While the vendor does not know the job, at most a quarter of the grace. Where the
        account could not be asked in this minute: until a request is free.
        """
        if self._free_in is not None:
            return min(max(self._free_in, 1.0), _LONGEST_ASKED)
        if self.not_found is not None:
            return min(self._poll_interval, NOT_FOUND_GRACE / 4)
        doubled: float = self._poll_interval * 2 ** min(self._misses, _MOST_DOUBLINGS)
        return max(doubled, min(self._asked_to_wait, _LONGEST_ASKED))

    def give_up(self) -> FaxStatus:
        """Say what is known when the deadline has passed.

        :return: a status with the outcome ``unknown``.
        """
        return status_at_deadline(self._hook.conn_type, self._job_id, self.last, was_found=self.not_found is None)

    def wait_until_clear(self, deadline: float) -> FaxStatus | None:
        """Ask again on the worker, for as long as the vendor does not know the job or refuses the credentials.

        :param deadline: when to give up, in seconds since the epoch.
        :return: what :meth:`poll` returned the last time; ``None`` if there was no answer.
        :raises FaxError: what :meth:`poll` raises.
        """
        status = None
        while self.keeps_its_worker and (left := deadline - clock.now()) > 0:
            clock.sleep(min(self.pause, left))
            status = self.poll()
        return status

    def wait(self, deadline: float) -> FaxStatus:
        """Wait on the worker until the status is permanent or the deadline has passed.

        :param deadline: seconds since the epoch. A request comes before the deadline is checked, so a job that
            ended in time counts as ended.
        :return: the final status; ``unknown`` at the deadline, or if the job is another fax.
        :raises FaxError: what :meth:`poll` raises.
        """
        while True:
            status = self.poll()
            if status is not None and status.is_final:
                return status
            now = clock.now()
            if now >= deadline:
                return self.give_up()
            clock.sleep(min(self.pause, deadline - now))
