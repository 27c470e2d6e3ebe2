"""What the page calls things, and what it tells a person to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.exceptions import advise
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.registry import name_account

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ATTENTION", "CAUSES", "next_step", "next_step_of_batch"]

CAUSES: dict[str, str] = {
    FaxCause.BUSY: "The line was busy",
    FaxCause.NO_ANSWER: "Nothing answered",
    FaxCause.HUMAN_ANSWERED: "A person answered",
    FaxCause.HANGUP: "The far end hung up",
    FaxCause.TELEPHONY: "The call could not be set up",
    FaxCause.INCOMPATIBLE_MACHINE: "The fax machines did not agree",
    FaxCause.TRANSMISSION: "The transmission broke off",
    FaxCause.NUMBER_NOT_OPERATIONAL: "The number is not in service",
    FaxCause.NUMBER_CHANGED: "The number has changed",
    FaxCause.REJECTED: "The call was rejected",
    FaxCause.NO_ROUTE: "The vendor does not call there",
    FaxCause.INCOMPATIBLE_DESTINATION: "The destination takes no fax",
    FaxCause.CANCELED: "Canceled",
    FaxCause.RENDERING: "The vendor could not render the document",
    FaxCause.OUT_OF_CREDIT: "The account has no credit",
    FaxCause.INTERNAL: "A fault at the vendor",
    FaxCause.UNSPECIFIED: "No reason given",
    FaxCause.INVALID_NUMBER: "Not a fax number",
    FaxCause.INVALID_DOCUMENT: "The document cannot be faxed",
    FaxCause.REFUSED: "The vendor refused the send",
    FaxCause.NOT_ALLOWED: "The connection does not allow it",
}

ATTENTION: dict[str, tuple[str, str]] = {
    "unknown": (
        "Nobody can tell whether it arrived",
        "Look each one up at the vendor before anything is sent again. To send again, set resend and clear the task.",
    ),
    "credentials": (
        "The vendor refuses the log-in",
        "Correct the key or password of the connection, and test it. Tasks that have retries left go on then.",
    ),
    "credit": (
        "Held for lack of credit",
        "Top the account up. What the vendor holds goes out by itself then; a task with retries sends it then.",
    ),
    "lost": (
        "Nobody waits for it any more",
        "The task ended before its fax. Clear the task: it finds its fax at the vendor, and does not send it twice.",
    ),
    "fatal": (
        "Failed for good in the last 24 hours",
        "Correct the number, the document or the connection, then clear the task. As it is, it will fail again.",
    ),
}
"""What a person has to see to, the most urgent first: what it is, and what to do."""

_ENDED_BADLY = {"failed", "upstream_failed", "skipped", "removed"}
_WHILE_UNDER_WAY = {
    "up_for_retry": "Nothing. The next run of the task finds this fax, and goes on waiting for it.",
    "success": "Nothing, if another task waits. This one sent the fax and did not wait for its end.",
}


def next_step(fax: Mapping[str, Any]) -> str:
    """Say what becomes of a fax next, and what a person has to do.

    :param fax: the fax, as :mod:`~airflow_provider_faxto.page.records` reads it.
    :return: a sentence or two.
    """
    if fax["waits_for"] in ATTENTION:
        return ATTENTION[fax["waits_for"]][1]
    if fax["outcome"] == FaxOutcome.SUCCESS:
        return "Nothing. The receiving machine confirmed it."
    return _next_while_under_way(fax) if fax["outcome"] == FaxOutcome.PENDING else _next_after_failure(fax)


def next_step_of_batch(batch: Mapping[str, Any]) -> str:
    """Say what becomes of a batch next, and what a person has to do.

    :param batch: the batch, as :mod:`~airflow_provider_faxto.page.batches` reads it.
    :return: a few sentences, the most urgent first.
    """
    counts, is_tried_again = batch["counts"], batch["state"] == "up_for_retry"
    if counts[FaxOutcome.PENDING]:
        return _next_of_waiting_batch(batch)
    steps = []
    if batch["stopped"] is not None:
        steps.append(f"{batch['stopped']} ended the sending early; the task's log says what to mend.")
    if counts[FaxOutcome.UNKNOWN]:
        steps.append(
            "Look the unknown ones up at the vendor before they are sent again; to send one again, name its label in "
            "resend and clear the task."
        )
    if counts[FaxOutcome.FATAL]:
        steps.append(
            "Correct the numbers or documents of those that failed for good, then clear the task. As they are, they "
            "will fail again."
        )
    if counts[FaxOutcome.RETRYABLE] and is_tried_again:
        steps.append("Airflow runs the task again, which sends those that failed for now.")
    elif counts[FaxOutcome.RETRYABLE]:
        steps.append("Clear the task to send those that failed for now. What was delivered is not sent twice.")
    if not steps:
        return "Nothing. All were delivered."
    needs_nobody = is_tried_again and len(steps) == 1 and counts[FaxOutcome.RETRYABLE]
    return " ".join(["Nothing yet.", *steps] if needs_nobody else steps)


def _next_of_waiting_batch(batch: Mapping[str, Any]) -> str:
    if batch["state"] in _ENDED_BADLY:
        return "The task ended before its faxes. Clear it: it finds them at the vendor, and sends none twice."
    if batch["state"] == "up_for_retry":
        return "Nothing. The next run of the task finds these faxes, and goes on waiting for them."
    return "Nothing. The task waits for the end of its faxes, and tells then what became of each."


def _next_while_under_way(fax: Mapping[str, Any]) -> str:
    if fax["cause"] == FaxCause.OUT_OF_CREDIT:
        return ATTENTION["credit"][1]
    if fax["state"] in _ENDED_BADLY:
        return ATTENTION["lost"][1]
    return _WHILE_UNDER_WAY.get(fax["state"], "Nothing. The task waits for the end of its fax.")


def _next_after_failure(fax: Mapping[str, Any]) -> str:
    if fax["state"] == "up_for_retry":
        return "Nothing yet. Airflow runs the task again, which makes a new attempt."
    try:
        known = {name: fax[name] for name in ("vendor", "job_id", "outcome", "cause", "pages_sent")}
        advice = advise(FaxStatus.from_dict(known), account=name_account(fax["vendor"], fax["conn_id"] or "?"))
    except FaxInputError:
        return ATTENTION["unknown"][1]
    if advice.endswith("A later attempt may work."):
        return f"{advice} Clear the task to make one, unless the DAG does so itself."
    return advice
