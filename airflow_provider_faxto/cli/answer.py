"""What a command tells, before it is shown."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.cli.exit_codes import ExitCode
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.fax.numbers import mask_numbers_in
from airflow_provider_faxto.fax.status import FaxStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["STATUS_COLUMNS", "Answer", "answer_of", "row_of"]

STATUS_COLUMNS = tuple(field.name for field in fields(FaxStatus))
"""The columns of a row that tells of a fax."""

# What a list shows of a fax, so that a row fits into a terminal; the other forms have all.
_LISTED = (
    "submitted_at",
    "job_id",
    "outcome",
    "cause",
    "code",
    "pages_sent",
    "attempts",
    "cost",
    "reference",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command tells.

    :param rows: the rows: plain JSON types by column.
    :param columns: all columns, in their order.
    :param listed: the columns of a table. Default: all.
    :param code: how the command ends. Default: success.
    :param notes: sentences for people, which are told apart from the rows. Default: none.
    :param is_one: whether the answer is about one thing, which a table shows line by line. Default: ``False``.
    """

    rows: Sequence[dict[str, Any]]
    columns: Sequence[str]
    listed: Sequence[str] | None = None
    code: ExitCode = ExitCode.SUCCESS
    notes: Sequence[str] = ()
    is_one: bool = False


def row_of(status: FaxStatus) -> dict[str, Any]:
    """Make a row of a status.

    :param status: the status.
    :return: ``FaxStatus.to_dict()``, with a reference that is not a key of this package as stars: somebody else who
        uses the account may have named a person there.
    """
    row = status.to_dict()
    if status.reference is not None and read_key(status.reference) is None:
        row["reference"] = "***"
    if status.message is not None:
        row["message"] = mask_numbers_in(status.message)
    return row


def answer_of(
    statuses: Iterable[FaxStatus], *, code: ExitCode = ExitCode.SUCCESS, notes: Sequence[str] = (), is_one: bool = False
) -> Answer:
    """Make an answer of statuses.

    :param statuses: the statuses.
    :param code: how the command ends. Default: success.
    :param notes: sentences for people. Default: none.
    :param is_one: whether it is one fax that was asked for. Default: ``False``.
    :return: the answer.
    """
    return Answer(
        rows=[row_of(status) for status in statuses],
        columns=STATUS_COLUMNS,
        listed=_LISTED,
        code=code,
        notes=notes,
        is_one=is_one,
    )
