"""One poller for each connection in a process: it follows every fax job that waits there, within the account's limit.

A trigger adds its fax job, and removes it when it is notified or canceled; both are cheap. The requests are made in a
thread of the poller's own, which ends with the last job.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.errors import FaxAuthenticationError, FaxError
from airflow_provider_faxto.hooks.conn_id import check_conn_id
from airflow_provider_faxto.waiting.followed import FollowedJob, FollowedJobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.hooks.fax import FaxHook
    from airflow_provider_faxto.waiting.account import WaitAccount

    Resolve = Callable[[], tuple[Connection, dict[str, Any]]]

__all__ = ["FaxPoller", "follow_to_the_end"]

_registry = threading.Lock()
_living: dict[str, FaxPoller] = {}


def follow_to_the_end(jobs: FollowedJobs, account: WaitAccount) -> None:
    """Ask for fax jobs until the last of them has left.

    :param jobs: the jobs.
    :param account: the account that they are at.
    :raises FaxError: what ends every wait: credentials that stay wrong, or a connection that cannot be used.
    """
    while not jobs.is_over:
        jobs.rest(_step(jobs, account))


def _step(jobs: FollowedJobs, account: WaitAccount) -> float:
    """Do the next thing, if the account may be asked; say for how long there is nothing to do then."""
    hook = account.find_hook()
    if hook is None:
        return jobs.step_without_account()
    try:
        seconds = jobs.step(hook)
    except FaxAuthenticationError as error:
        account.note_refusal(error)
        return jobs.step_without_account()
    if jobs.has_answer:
        account.note_answer()
    return seconds


class FaxPoller:
    """Follows the fax jobs that wait on one connection. Made by :meth:`add`, which shares it.

    :param conn_id: the Airflow connection.
    :param resolve: looks the connection up, with its extra; called in the poller's thread, and again at the interval of
        the jobs if it raises.
    """

    def __init__(self, conn_id: str, resolve: Resolve) -> None:
        self._conn_id = conn_id
        self._resolve = resolve
        # What Airflow knows of who asks it for a connection is in the context of the trigger.
        self._context = contextvars.copy_context()
        self._jobs = FollowedJobs(conn_id)
        self._thread = threading.Thread(target=self._run, name=f"fax-poller-{conn_id}", daemon=True)

    @classmethod
    def add(
        cls,
        conn_id: str,
        resolve: Resolve,
        *,
        job_id: str,
        poll_interval: float,
        deadline: float | None,
        notify: Callable[[FaxStatus | BaseException], object],
        reference: str | None = None,
        tells: bool = True,
    ) -> FollowedJob:
        """Let a connection's poller follow a fax job. No input and output, and no wait for any.

        :param conn_id: the Airflow connection.
        :param resolve: looks the connection up, with its extra; called in a thread, and only if there is no poller yet.
        :param job_id: the fax job.
        :param poll_interval: seconds between two requests for its status.
        :param deadline: when to give up, in seconds since the epoch; ``None`` for never.
        :param notify: called once, from the poller's thread, with the final status; or with what ended the thread, an
            error in it. It must not raise.
        :param reference: the key under which the fax was sent; a job of another reference ends as ``unknown``. Default:
            none.
        :param tells: whether what becomes of it is logged. Default: ``True``.
        :return: the wait, for :meth:`remove`.
        :raises RuntimeError: if the thread cannot be started, as where the machine has too many. Nothing is left of it,
            so the next call tries again.
        """
        job = FollowedJob(job_id, poll_interval, deadline, notify, reference, tells=tells)
        with _registry:
            poller = _living.get(conn_id)
            if poller is None or not poller.follow(job):
                poller = cls(conn_id, resolve)
                poller.start(job)
                # Not before it runs: others would join a thread that could not be started.
                _living[conn_id] = poller
        return job

    @staticmethod
    def remove(job: FollowedJob) -> None:
        """Take a fax job off its poller; without effect where that is done. The last one out ends the thread.

        :param job: what :meth:`add` returned.
        """
        job.is_notified = True
        if job.followed_by is not None:
            job.followed_by.remove(job)

    def start(self, job: FollowedJob) -> None:
        """Start the thread, with a first job; it ends by itself when none waits any more.

        :param job: the job.
        """
        self._jobs.add(job)
        self._thread.start()

    def follow(self, job: FollowedJob) -> bool:
        """Follow one more job.

        :param job: the job.
        :return: whether it is followed; not if the thread has ended.
        """
        # After a fork the thread is not there, and what it had to do is for the other process.
        return self._thread.is_alive() and self._jobs.add(job)

    def _make_hook(self) -> FaxHook:
        """Look the connection up, and make its hook."""
        from airflow_provider_faxto.hooks.fax import POLLING, FaxHook

        connection, extra = self._context.run(self._resolve)
        return FaxHook.for_resolved_connection(connection, extra=extra, patience=POLLING)

    def _run(self) -> None:
        """Follow the jobs to the last one's end; the thread."""
        try:
            # Imported here, in the thread: it takes a sixth of a second, for which an event loop would stand still.
            from airflow_provider_faxto.waiting.account import WaitAccount

            # What cannot be an id will not become one, unlike a connection that cannot be used as it is now.
            check_conn_id(self._conn_id)
            with contextlib.closing(WaitAccount(self._conn_id, self._make_hook)) as account:
                follow_to_the_end(self._jobs, account)
        except FaxError as error:
            for job in self._jobs.close():
                self._jobs.end_wait(job, self._jobs.vendor, error)
        except BaseException as error:
            # Nothing is to wait for a thread that is gone.
            for job in self._jobs.close():
                job.notify(error)
            raise
        finally:
            with _registry:
                if _living.get(self._conn_id) is self:
                    del _living[self._conn_id]
