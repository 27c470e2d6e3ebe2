"""The command that sends a fax: once, after asking, and with a word on how to look it up."""

from __future__ import annotations

import contextlib
import sys
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.cli.accounts import open_account, read_number
from airflow_provider_faxto.cli.answer import answer_of
from airflow_provider_faxto.cli.exit_codes import ExitCode, code_of_outcome
from airflow_provider_faxto.cli.show import progress, tell
from airflow_provider_faxto.fax.documents import combined_pages, combined_sha256
from airflow_provider_faxto.fax.errors import FaxError, FaxInputError, FaxUncertainSendError
from airflow_provider_faxto.fax.key import logical_fax_key
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.fax import POLLING
from airflow_provider_faxto.waiting.waiter import FaxWaiter, is_of_another_fax

if TYPE_CHECKING:
    import argparse

    from airflow_provider_faxto.cli.answer import Answer
    from airflow_provider_faxto.fax.documents import FaxDocument
    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.hooks.fax import FaxHook

__all__ = ["send"]

_YES = ("y", "yes")


def send(args: argparse.Namespace) -> Answer:
    """Send one fax, once.

    :param args: ``number``, ``files``, ``option``, ``yes``, ``wait``, ``timeout`` and ``poll_interval``, beside what
        all commands have.
    :return: what became of it so far. The exit code is that of the fax: ``PENDING`` for one that was accepted, and
        ``UNKNOWN`` where nobody can tell whether it was sent.
    :raises FaxError: if nothing was sent.
    """
    with open_account(args) as hook:
        options = SendOptions(dict(args.option))
        number = read_number(hook, args.number)
        hook.vendor.check_send(args.files, options)
        hook.check_recipient(number)
        documents = hook.load_documents(args.files)
        if not args.yes:
            _ask_person(hook, number, documents)
        return _send_once(args, hook, number, documents, options)


def _ask_person(hook: FaxHook, number: FaxNumber, documents: list[FaxDocument]) -> None:
    """Let a person say yes, and raise if nobody does."""
    pages = combined_pages(documents)
    what = f"{len(documents)} document(s), {pages if pages is not None else 'an unknown number of'} page(s)"
    if not sys.stdin.isatty():
        raise FaxInputError("Nobody can be asked here, so nothing was sent. Give --yes to send without asking.")
    sys.stderr.write(f"Send {what} to {number.masked} with {hook.vendor.label} ({hook.fax_conn_id})? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in _YES:
        raise FaxInputError("Nothing was sent.")


def _send_once(
    args: argparse.Namespace, hook: FaxHook, number: FaxNumber, documents: list[FaxDocument], options: SendOptions
) -> Answer:
    """Send, under a key that no other call has, so that the fax can be found whatever happens."""
    key = logical_fax_key(
        dag_id="",
        task_id="airflow fax send",
        run_id=uuid.uuid4().hex,
        map_index=-1,
        fax_number=number,
        document_sha256=combined_sha256(documents),
        namespace=hook.key_namespace,
    )
    has_left = False

    def note_departure(_: str | None) -> None:
        nonlocal has_left
        has_left = True
        # Before the request that sends, so that it is known if this process is killed.
        tell(f"The key of the fax: {key}")

    submitted = FaxStatus(
        vendor=hook.conn_type,
        job_id=None,
        outcome=FaxOutcome.UNKNOWN,
        reference=key,
        pages_submitted=combined_pages(documents),
        size=sum(document.size for document in documents),
    )
    try:
        job = hook.send_fax(number, documents, reference=key, options=options, before_send=note_departure)
    except FaxUncertainSendError as error:
        return _uncertain(args, submitted, str(error))
    except FaxError:
        # The request left, and its answer says that no fax was made of it.
        raise
    except (Exception, KeyboardInterrupt) as error:
        if not has_left:
            raise
        # Whatever it was, it must not hide that a fax may have gone out.
        return _uncertain(args, submitted, f"The send was broken off ({type(error).__name__}).")
    submitted = replace(submitted, job_id=job.job_id, outcome=FaxOutcome.PENDING, cost=job.cost, balance=job.balance)
    if not args.wait:
        note = "The vendor accepted the fax. Whether it arrives, 'status' tells."
        return answer_of([submitted], code=ExitCode.PENDING, notes=[note], is_one=True)
    tell(f"Fax job {job.job_id} was accepted.")
    return _wait(args, hook, submitted)


def _uncertain(args: argparse.Namespace, submitted: FaxStatus, why: str) -> Answer:
    """Say that a fax may have been sent."""
    advice = (
        "A fax may have been sent, and nothing was repeated. Do not send it again before you have looked: "
        f"find {submitted.reference} --number NUMBER --conn-id {args.conn_id}"
    )
    return answer_of([replace(submitted, message=why)], code=ExitCode.UNKNOWN, notes=[why, advice], is_one=True)


def _wait(args: argparse.Namespace, hook: FaxHook, submitted: FaxStatus) -> Answer:
    """Wait for the fax; what goes wrong says nothing about it."""
    job_id = submitted.require_job_id()
    deadline = clock.now() + args.timeout
    problem = ""
    found = submitted
    try:
        with progress(f"Fax job {job_id} is under way ..."):
            found = _wait_until(deadline, args, hook, submitted)
    except KeyboardInterrupt:
        problem = (
            f"Fax job {job_id} goes on; it is not waited for any more. 'status {job_id}' tells what becomes of it."
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the fax was sent; other texts may show a secret
        why = str(error) if isinstance(error, FaxError) else type(error).__name__
        problem = f"Fax job {job_id} was accepted, and its status cannot be read: {why}"
        found = replace(submitted, outcome=FaxOutcome.UNKNOWN, message=why)
    # What was known before the send stays known.
    kept = {
        name: getattr(submitted, name)
        for name in ("reference", "cost", "pages_submitted", "size")
        if getattr(found, name) is None
    }
    found = replace(found, **kept)
    return answer_of([found], code=code_of_outcome(found.outcome), notes=[problem] if problem else [], is_one=True)


def _wait_until(deadline: float, args: argparse.Namespace, hook: FaxHook, submitted: FaxStatus) -> FaxStatus:
    """Wait until the status is permanent; after the deadline the status as it is then."""
    job_id, reference = submitted.require_job_id(), submitted.reference
    with open_account(args, POLLING) as polling:
        status = FaxWaiter(polling, job_id, poll_interval=args.poll_interval, reference=reference).wait(deadline)
    if status.outcome is not FaxOutcome.UNKNOWN or clock.now() < deadline:
        return status
    # A task must come to an end here; a person may ask again, if the fax is really under way.
    with contextlib.suppress(FaxError):
        last = hook.get_status(job_id)
        if not is_of_another_fax(last, reference):
            return last
    return status
