"""Looking a logical fax up: in the journal, by the ids that it notes, and in the vendor's records; then deciding.

Nothing is sent here. What to do is decided in :mod:`airflow_provider_faxto.fax.reconcile`; this module brings in what
is known, and waits where a job that was just made may not show yet, or where the account may not be asked yet.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.exceptions import FaxPermanentError
from airflow_provider_faxto.fax.errors import (
    FaxLostContactError,
    FaxNotFoundError,
    FaxRateLimitError,
    FaxRefusedError,
    FaxThrottledError,
)
from airflow_provider_faxto.fax.key import describe_difference, read_key
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import Action, Decision, find_conflict, reconcile
from airflow_provider_faxto.fax.status import FaxStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.reconcile import EarlierRuns, NotedSend
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.sending.logical_fax import LogicalFax

__all__ = ["FaxLookUp", "LookUpPostponed", "LookUpProgress"]

log = logging.getLogger(__name__)

_LOOK_UP_EVERY = 15.0
_LEAVES_AFTER = 3.0
# What lies so far before the first send that can have been made is no fax of this task, whatever the clocks say.
_ROOM = 300.0
# No vendor's clock, in whatever zone it writes, is further off.
_ANY_CLOCK = 86_400.0
_FAILED = (FaxOutcome.RETRYABLE, FaxOutcome.FATAL)


class LookUpPostponed(Exception):  # noqa: N818 - no error: the task goes on later
    """The look has to go on later, and may not wait here.

    :param seconds: after how many seconds.
    :param progress: what the look needs to go on.
    """

    def __init__(self, seconds: float, progress: LookUpProgress) -> None:
        super().__init__(f"go on after {seconds:.0f} s")
        self.seconds = seconds
        self.progress = progress


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpProgress:
    """How far a look has come that goes on later. Moments are seconds since the epoch.

    :param settled_from: from which moment on the records must show every send.
    :param asked_at: since when the look waits for the vendor's records.
    """

    settled_from: float
    asked_at: float


class FaxLookUp:
    """What is known of one logical fax, and what is to be done about it.

    :param hook: the account.
    :param fax: the fax.
    :param earlier: what is known of the runs before this one; where this run has sent, with its send.
    :param grace: for how many seconds after a send the vendor's records may not show it yet.
    :param resend_partial: whether a fax of which pages arrived may be sent again.
    :param returns_failures: whether the task returns a failure of the fax instead of raising it. Default: ``False``.
    :param progress: how far an earlier part of this look has come. Default: it begins now, and every send must show
        after the grace, counted from the last noted send or from now.
    :param hold: for how many seconds the look may wait before it raises :class:`LookUpPostponed`. Default: for ever.
    """

    def __init__(
        self,
        hook: FaxHook,
        fax: LogicalFax,
        earlier: EarlierRuns,
        *,
        grace: float,
        resend_partial: bool = False,
        returns_failures: bool = False,
        progress: LookUpProgress | None = None,
        hold: float = math.inf,
    ) -> None:
        self._hook = hook
        self._fax = fax
        self._earlier = earlier
        self._resend_partial = resend_partial
        self._returns_failures = returns_failures
        self._hold = hold
        self._sends = [send for send in earlier.sends if self._is_of_this_fax(send)]
        self._progress = progress or LookUpProgress(settled_from=self._settles_at(grace), asked_at=clock.now())
        if fax.is_users_key:
            # Another DAG run may have sent since an earlier part of this look asked for the records.
            self._progress = replace(self._progress, asked_at=clock.now())
        # Judged when a look begins: what it reads may be as old as that.
        self._is_settled = False
        self._reaches_back = True
        self.jobs: list[FaxStatus] = []
        """The fax jobs that the last look has shown, newest first."""
        self.doubt: str | None = None
        """Why it is not known what became of the fax, where that is so."""

    @property
    def progress(self) -> LookUpProgress:
        """How far the look has come."""
        return self._progress

    def decide(self) -> Decision:
        """Find out what to do, and wait as long as that may still change.

        :return: the decision, never :attr:`~airflow_provider_faxto.fax.reconcile.Action.WAIT`.
        :raises LookUpPostponed: if the wait would take longer than it may.
        :raises FaxPermanentError: if the user's ``idempotency_key`` stands for another fax already.
        :raises FaxError: what the hook raises, but for lost contact, throttling and a refusal to show the records.
        """
        began = clock.monotonic()
        while True:
            settled_from = self._progress.settled_from
            pause = min(_LOOK_UP_EVERY, max(settled_from - clock.now(), 0.0))
            self._is_settled = clock.now() >= settled_from
            try:
                decision = self._look()
            except FaxRateLimitError as error:
                # The vendor was not asked, so this says nothing about the fax, and is never the end of it.
                log.info("The vendor's records could not be read yet: %s", error)
                pause = max(error.retry_after or 0.0, 1.0)
                decision = Decision(Action.WAIT)
            except FaxRefusedError as error:
                # A vendor that refuses to show its records says nothing about the fax, and says the same again.
                log.warning("The vendor's records are not shown: %s", error)
                self.doubt = str(error)
                decision = Decision(Action.UNKNOWN)
            except (FaxLostContactError, FaxThrottledError) as error:
                log.warning("The vendor's records could not be read: %s", error)
                self.doubt = str(error)
                decision = Decision(Action.UNKNOWN if self._is_settled else Action.WAIT)
            if decision.action is not Action.WAIT:
                return decision
            if clock.monotonic() - began + pause > self._hold:
                raise LookUpPostponed(pause, self._progress)
            clock.sleep(pause)

    def find_only_open_job(self) -> FaxStatus | None:
        """Find the one job that the journal alone tells may be under way; nobody is asked.

        :return: the pending status of that job, if it is of this account, was made by the last send and the journal
            proves that there is no other that could be under way or have arrived. ``None`` otherwise.
        """
        if self._earlier.unnoted_runs or not self._sends:
            return None
        *before, last = self._sends
        if last.has_ended or last.job_id is None or last.account != self._hook.account_id:
            return None
        if not all(send.is_not_sent or (send.status is not None and send.status.outcome in _FAILED) for send in before):
            return None
        return FaxStatus(
            vendor=self._hook.conn_type,
            job_id=last.job_id,
            outcome=FaxOutcome.PENDING,
            message="Made by an earlier run.",
            reference=self._fax_key_of(last),
        )

    def _settles_at(self, grace: float) -> float:
        """Tell when every send must show: of a run that left no note it is not known when it sent."""
        moments = [send.began_at for send in self._sends if not send.has_ended]
        if self._earlier.unnoted_runs or not moments or None in moments:
            return clock.now() + grace
        return max(moment for moment in moments if moment is not None) + grace

    def _is_of_this_fax(self, send: NotedSend) -> bool:
        """Tell whether a noted send counts: of the same fax, in Airflow's own retry of any since the last clear."""
        one, other = read_key(send.key), read_key(self._fax.key)
        is_same = send.key == self._fax.key or (one is not None and other is not None and one.what == other.what)
        return is_same or (not self._earlier.user_initiated and send.run >= self._earlier.first_run)

    def _look(self) -> Decision:
        """Look once, and decide."""
        self.doubt = None
        noted = [
            replace(send.status, reference=self._fax_key_of(send)) for send in self._sends if send.status is not None
        ]
        if not self._needs_records(self._sends):
            self.jobs = _newest_first(noted)
            return self._reconcile(is_one_lost=False)
        asked, missing = self._ask_by_id()
        self.jobs = _newest_first([*asked, *noted])
        if any(job.outcome not in _FAILED for job in asked) or not self._needs_records(missing):
            # One under way or delivered settles it; failed ones do only where no other can exist.
            return self._reconcile(is_one_lost=False)
        found = [job for job in self._read_records() if self._may_count(job)]
        shown = {job.job_id for job in found}
        self.jobs = _newest_first([*found, *(job for job in self.jobs if job.job_id not in shown)])
        open_sends = [send for send in missing if send.job_id not in shown]
        decision = self._reconcile(
            is_one_lost=any(self._is_lost(send, found) for send in missing),
            is_one_open=bool(open_sends) or self._earlier.unnoted_runs > 0,
        )
        if decision.action in (Action.SEND, Action.WAIT):
            self._check_users_key()
        return decision

    def _needs_records(self, sends: Sequence[NotedSend]) -> bool:
        """Tell whether only the vendor's records can tell what there is, beside what is known of these sends."""
        is_gap = self._earlier.unnoted_runs > 0 or self._fax.is_users_key
        return is_gap or any(not send.has_ended for send in sends)

    def _ask_by_id(self) -> tuple[list[FaxStatus], list[NotedSend]]:
        """Ask for each job that is noted and has not ended; return those that are ours, and the sends left open."""
        asked, missing = [], []
        for send in self._sends:
            if send.has_ended:
                continue
            status = None
            # Where the connection leads to another account by now, the number may be that of another account's fax.
            if send.job_id is not None and send.account == self._hook.account_id:
                try:
                    status = self._hook.get_status(send.job_id)
                except FaxNotFoundError:
                    log.warning("%s does not know fax job %s of an earlier run.", self._hook.vendor.label, send.job_id)
            if status is not None and status.reference in (None, send.key):
                asked.append(replace(status, reference=self._fax_key_of(send)))
            else:
                missing.append(send)
        return asked, missing

    def _fax_key_of(self, send: NotedSend) -> str:
        """Give the key of a noted send; the fax's own if only its namespace has changed."""
        one, other = read_key(send.key), read_key(self._fax.key)
        return self._fax.key if one is not None and other is not None and one.what == other.what else send.key

    def _read_records(self) -> list[FaxStatus]:
        """Look the fax up in the vendor's records, and note whether these reach back far enough."""
        import pendulum

        moment = self._since()
        # What other DAG runs have sent under the user's key counts as far back as the records reach.
        since = None if moment is None or self._fax.is_users_key else pendulum.from_timestamp(moment)
        asked_at = self._progress.asked_at
        records = self._hook.read_records(
            since,
            asked_at=max(asked_at, self._progress.settled_from) if self._is_settled else asked_at,
            # Who can go on later leaves the reading to the others: the sooner all have asked, the fewer readings.
            max_wait=_LEAVES_AFTER if math.isfinite(self._hold) else None,
        )
        # The next look is for what has come since.
        self._progress = replace(self._progress, asked_at=clock.now())
        self._reaches_back = moment is None or self._hook.vendor.reach_back_to(moment, records, clock.now())
        return self._hook.find_jobs(
            reference=self._fax.key,
            fax_number=self._fax.fax_number,
            since=since,
            document_keys={send.document_id: send.key for send in self._sends if send.document_id is not None},
            records=records,
        )

    def _since(self) -> float | None:
        """Tell from when on this task can have sent what only the records can tell; ``None`` if that is not known."""
        moments = [send.began_at for send in self._sends if not send.has_ended]
        if self._earlier.unnoted_runs:
            moments.append(self._earlier.began_at)
        known = [moment for moment in moments if moment is not None]
        return min(known) - _ROOM if known and len(known) == len(moments) else None

    def _may_count(self, job: FaxStatus) -> bool:
        """Tell whether a job under another second part can be of the runs since the last clear."""
        if job.reference in (None, self._fax.key) or self._fax.is_users_key:
            return True
        if job.reference == self._fax.resend_of:
            return False
        runs = [send.run for send in self._earlier.sends if send.job_id == job.job_id]
        if runs and runs[0] < self._earlier.first_run:
            return False
        cleared_at, at = self._earlier.cleared_at, job.submitted_at
        return runs != [] or cleared_at is None or at is None or at.timestamp() >= cleared_at - _ANY_CLOCK

    def _is_since_clear(self) -> bool:
        """Tell whether the newest job is known to be of a run of this task since the last clear."""
        runs = [send.run for send in self._earlier.sends if self.jobs and send.job_id == self.jobs[0].job_id]
        if runs:
            return runs[0] >= self._earlier.first_run
        # Without a note only where no run of another task, and none before a clear, can have made it.
        return self._earlier.first_run <= 1 and not self._fax.is_users_key

    def _check_users_key(self) -> None:
        """Raise if the user's own key stands for another fax already."""
        is_users_key = self._fax.is_users_key and self._fax.resend_of is None
        conflict = find_conflict(self.jobs, self._fax.key) if is_users_key else None
        if conflict is None:
            return
        raise FaxPermanentError(
            f"Connection {self._hook.fax_conn_id!r}: under this idempotency_key fax job {conflict.job_id} took "
            f"{describe_difference(self._fax.key, conflict.reference or '')} ({conflict.outcome}). Nothing was sent. "
            "Give another fax another key; to send on purpose, set resend on the task."
        )

    def _is_lost(self, send: NotedSend, found: Sequence[FaxStatus]) -> bool:
        """Tell whether these records cannot account for a send that the journal notes, however long one waits."""
        is_same_account = send.account == self._hook.account_id
        if send.job_id is not None:
            is_lost = all(job.job_id != send.job_id for job in found)
        else:
            # Where it went to another account, that account's records would be the ones to show it.
            is_lost = (
                not is_same_account and send.account is not None and all(job.reference != send.key for job in found)
            )
        if is_lost:
            named = f"fax job {send.job_id}" if send.job_id is not None else "a fax"
            where = (
                f"{self._hook.vendor.label} no longer shows it"
                if is_same_account
                else "the connection leads to another account by now, or did not say to which then"
            )
            self.doubt = f"An earlier run of this task made {named}, whose end is not known, and {where}."
        return is_lost

    def _reconcile(self, *, is_one_lost: bool, is_one_open: bool = False) -> Decision:
        jobs = self.jobs
        made = sum(not send.is_not_sent for send in self._sends) + self._earlier.unnoted_runs
        if self._fax.is_users_key:
            # Other DAG runs sent some of these jobs. With another second part only those are this task's that it has
            # noted; and whatever their number, none of them accounts for a send of its own.
            own = {None, self._fax.key, *(send.key for send in self._sends)}
            jobs = [job for job in jobs if job.reference in own]
            made = len(jobs) + is_one_open
        decision = reconcile(
            jobs,
            key=self._fax.key,
            sends_made=made,
            grace_over=self._is_settled,
            absence_proves=self._reaches_back,
            is_one_lost=is_one_lost,
            resend_partial=self._resend_partial,
            user_initiated=self._earlier.user_initiated,
            returns_failures=self._returns_failures and self._is_since_clear(),
        )
        if decision.job is None and decision.action is Action.UNKNOWN and self.doubt is None:
            self.doubt = (
                f"{self._hook.vendor.label}'s records may not reach back to the first run of this task, so that they "
                "show no fax proves nothing."
            )
        return decision


def _newest_first(jobs: Sequence[FaxStatus]) -> list[FaxStatus]:
    """Put jobs in order by their ids, which rise at every vendor that counts them; else leave them as they are."""
    if all(job.require_job_id().isdecimal() for job in jobs):
        return sorted(jobs, key=lambda job: int(job.require_job_id()), reverse=True)
    return list(jobs)
