"""The command that sends a fax: once, after asking, and with a word on how to look it up."""

from __future__ import annotations

import contextlib
import sys
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.cli.accounts import check_bad_number, open_account, read_number
from airflow_provider_faxto.cli.answer import answer_of
from airflow_provider_faxto.cli.exit_codes import ExitCode, code_of_error, code_of_outcome
from airflow_provider_faxto.cli.show import progress, tell
from airflow_provider_faxto.exceptions import FaxNotSentError, FaxPermanentError
from airflow_provider_faxto.fax.documents import combined_pages, combined_sha256
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxNotAllowedError,
    FaxNotConnectedError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.fax.key import logical_fax_key
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.reconcile import EarlierRuns
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.fax import POLLING
from airflow_provider_faxto.sending.submit import LogicalFax, submit_once
from airflow_provider_faxto.waiting.waiter import FaxWaiter, is_of_another_fax

if TYPE_CHECKING:
    import argparse

    from airflow_provider_faxto.cli.answer import Answer
    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["send"]

_YES = ("y", "yes")
# As SendFaxOperator has it: for so many seconds the vendor's records may not show a fax that was sent.
_LOOK_UP_GRACE = 120.0


def send(args: argparse.Namespace) -> Answer:
    """Send one fax, once.

    :param args: ``number``, ``files``, ``option``, ``idempotency_key``, ``ignore_bad_number``, ``yes``, ``wait``,
        ``timeout`` and ``poll_interval``, beside what all commands have.
    :return: what became of it so far. The exit code is that of the fax: ``PENDING`` for one that was accepted, and
        ``UNKNOWN`` where it is not known whether it was sent.
    :raises FaxError: if nothing was sent.
    """
    with open_account(args) as hook:
        options = SendOptions(dict(args.option))
        number = read_number(hook, args.number)
        hook.vendor.check_send(args.files, options)
        hook.check_recipient(number)
        if not args.ignore_bad_number:
            check_bad_number(hook, number)
        documents = hook.load_documents(args.files)
        if not args.yes:
            _ask_person(hook, number, documents)
        return _Send(args, hook, number, documents).make(options)


def _ask_person(hook: FaxHook, number: FaxNumber, documents: list[FaxDocument]) -> None:
    """Ask for a confirmation on the terminal, and raise without one."""
    pages = combined_pages(documents)
    what = f"{len(documents)} document(s), {pages if pages is not None else 'an unknown number of'} page(s)"
    if not sys.stdin.isatty():
        raise FaxInputError("There is no terminal to ask on, so nothing was sent. Give --yes to send without asking.")
    sys.stderr.write(f"Send {what} to {number.masked} with {hook.vendor.label} ({hook.fax_conn_id})? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in _YES:
        raise FaxInputError("Nothing was sent.")


class _Send:
    """One send, and what is known of it.

    :param args: the arguments of the command.
    :param hook: the account.
    :param number: the recipient.
    :param documents: the documents.
    """

    def __init__(
        self, args: argparse.Namespace, hook: FaxHook, number: FaxNumber, documents: list[FaxDocument]
    ) -> None:
        self._args = args
        self._hook = hook
        self._number = number
        self._documents = documents
        # No other call has it, so that the fax can be found whatever happens; unless the user says whose it is.
        self._key = logical_fax_key(
            dag_id="",
            task_id="airflow fax send",
            run_id=uuid.uuid4().hex,
            map_index=-1,
            fax_number=number,
            document_sha256=combined_sha256(documents),
            idempotency_key=args.idempotency_key,
            namespace=hook.key_namespace,
        )
        self._left_at: float | None = None
        self._known = FaxStatus(
            vendor=hook.conn_type,
            job_id=None,
            outcome=FaxOutcome.UNKNOWN,
            reference=self._key,
            pages_submitted=combined_pages(documents),
            size=sum(document.size for document in documents),
        )

    def make(self, options: SendOptions) -> Answer:
        """Make it."""
        try:
            self._known = self._send_anew(options) if self._args.idempotency_key is None else self._send_once(options)
            job_id = self._known.require_job_id()
            made = "was accepted" if self._left_at is not None else "has this idempotency key, and nothing was sent"
            if self._known.is_final:
                code = code_of_outcome(self._known.outcome)
                return answer_of([self._known], code=code, notes=[f"Fax job {job_id} {made}."], is_one=True)
            if self._args.wait:
                tell(f"Fax job {job_id} {made}.")
                return self._wait(job_id)
            note = f"Fax job {job_id} {made}. Whether it arrives, 'status' tells."
            return answer_of([self._known], code=ExitCode.PENDING, notes=[note], is_one=True)
        except FaxUncertainSendError as error:
            return self._uncertain(str(error))
        except FaxNotConnectedError:
            # Known by ourselves: nothing left.
            raise
        except FaxError as error:
            if self._left_at is None:
                raise
            return self._settle(error, self._left_at)
        except (Exception, KeyboardInterrupt) as error:
            if self._left_at is None:
                raise
            # Whatever it was, it must not hide that a fax may have gone out.
            return self._uncertain(f"The command was broken off ({type(error).__name__}).")

    def _send_anew(self, options: SendOptions) -> FaxStatus:
        """Send a fax that no other call knows of."""
        job = self._hook.send_fax(
            self._number, self._documents, reference=self._key, options=options, before_send=self._note_departure
        )
        return replace(self._known, job_id=job.job_id, outcome=FaxOutcome.PENDING, cost=job.cost, balance=job.balance)

    def _send_once(self, options: SendOptions) -> FaxStatus:
        """Look the fax of the user's key up, as a task does, and send only if the records show that it may be sent."""
        fax = LogicalFax(
            key=self._key, fax_number=self._number, documents=self._documents, options=options, is_users_key=True
        )
        try:
            with progress("Looking the idempotency key up in the vendor's records ..."):
                status = submit_once(
                    self._hook,
                    fax,
                    earlier=EarlierRuns(),
                    lookup_grace=_LOOK_UP_GRACE,
                    before_sending=lambda: self._note_departure(None),
                )
        except FaxPermanentError as error:
            raise FaxNotAllowedError(str(error)) from None
        except FaxNotSentError as error:
            # The records show that it did not arrive.
            self._left_at = None
            raise FaxLostContactError(str(error)) from None
        kept = {name: getattr(self._known, name) for name in ("reference", "pages_submitted", "size")}
        return replace(status, **kept)

    def _note_departure(self, _: str | None) -> None:
        """Tell the key before the request that sends, so that it is known if this process is killed."""
        tell(f"The key of the fax: {self._key}")
        self._left_at = clock.now()

    def _settle(self, error: FaxError, left_at: float) -> Answer:
        """Hold an answer that says no against the vendor's records: a gateway may have given it."""
        if isinstance(error, FaxAuthenticationError):
            # Asking again with what was refused may lock the user out.
            raise error
        import pendulum

        try:
            jobs = self._hook.find_jobs(
                reference=self._key, fax_number=self._number, since=pendulum.from_timestamp(left_at)
            )
        except FaxError as problem:
            return self._uncertain(f"{error} Whether that is so, the vendor's records do not tell: {problem}")
        if jobs:
            note = f"The vendor's records show the fax, although the answer to the send was: {error}"
            return answer_of(jobs, code=code_of_outcome(jobs[0].outcome), notes=[note], is_one=True)
        if code_of_error(error, is_send=True) is ExitCode.RETRYABLE:
            # A fax that was just sent may not show yet, and a script would send again.
            return self._uncertain(str(error))
        raise error

    def _uncertain(self, why: str) -> Answer:
        """Say that a fax may have been sent."""
        advice = (
            "A fax may have been sent, and nothing was repeated. Do not send it again before you have looked: "
            f"find {self._key} --number NUMBER --conn-id {self._args.conn_id}"
        )
        status = replace(self._known, outcome=FaxOutcome.UNKNOWN, message=why)
        return answer_of([status], code=ExitCode.UNKNOWN, notes=[why, advice], is_one=True)

    def _wait(self, job_id: str) -> Answer:
        """Wait for the fax; what goes wrong says nothing about it."""
        problem, found = "", self._known
        try:
            with progress(f"Fax job {job_id} is under way ..."):
                found = self._wait_until(clock.now() + self._args.timeout, job_id)
        except KeyboardInterrupt:
            problem = f"Fax job {job_id} goes on and is not waited for: 'status {job_id}' tells what becomes of it."
        except Exception as error:  # noqa: BLE001 - whatever it is, the fax was sent; other texts may show a secret
            why = str(error) if isinstance(error, FaxError) else type(error).__name__
            problem = f"Fax job {job_id} was accepted, and its status cannot be read: {why}"
            found = replace(found, outcome=FaxOutcome.UNKNOWN, message=why)
        # What was known before the send stays known.
        names = ("reference", "cost", "pages_submitted", "size")
        kept = {name: getattr(self._known, name) for name in names if getattr(found, name) is None}
        notes = [problem] if problem else []
        return answer_of([replace(found, **kept)], code=code_of_outcome(found.outcome), notes=notes, is_one=True)

    def _wait_until(self, deadline: float, job_id: str) -> FaxStatus:
        """Wait until the status is permanent; after the deadline give the status as it is then."""
        with open_account(self._args, POLLING) as polling:
            waiter = FaxWaiter(polling, job_id, poll_interval=self._args.poll_interval, reference=self._key)
            status = waiter.wait(deadline)
        if status.outcome is not FaxOutcome.UNKNOWN or clock.now() < deadline:
            return status
        # A task must come to an end here; a person may ask again, if the fax is really under way.
        with contextlib.suppress(FaxError):
            last = self._hook.get_status(job_id)
            if not is_of_another_fax(last, self._key):
                return last
        return status
