"""The result of a task that sends many faxes: what stands in XCom, and where the rest lies.

Up to a hundred faxes stand in XCom themselves. Of more, XCom has the counts alone, and the path of a file of
JSON-lines: one line for each fax, its label and its status as ``FaxStatus.to_dict()`` writes it. The file lies below
the receipts' storage (``[faxto] receipts``), or where the task says. There is one for each task instance, and each run
writes it anew.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = [
    "INLINE_UP_TO",
    "iter_faxes",
    "labels_of",
    "make_result",
    "outcome_of_result",
    "read_result",
    "result_path",
    "worst_outcome",
    "write_faxes",
]

INLINE_UP_TO = 100
"""Up to how many faxes the result holds the status of each itself."""

_WORST_FIRST = (FaxOutcome.PENDING, FaxOutcome.UNKNOWN, FaxOutcome.FATAL, FaxOutcome.RETRYABLE)
_PLAIN = re.compile(r"[^A-Za-z0-9_.-]+")


def labels_of(
    result: Mapping[str, Any],
    outcome: FaxOutcome | str | Collection[FaxOutcome | str],
    *,
    cause: FaxCause | str | None = None,
) -> list[str]:
    """Give the labels of the faxes with an outcome, for a task downstream, which may be mapped over them.

    :param result: what ``SendFaxesOperator`` returned.
    :param outcome: the outcome, or several.
    :param cause: only those that failed for this cause. Default: whatever the cause.
    :return: the labels, in the order of the list.
    :raises FaxInputError: if this is no such result, or an outcome or the cause is none.
    """
    try:
        wanted = {FaxOutcome(each) for each in ([outcome] if isinstance(outcome, str) else outcome)}
        wanted_cause = None if cause is None else FaxCause(cause)
    except ValueError:
        raise FaxInputError(
            f"An outcome is one of {', '.join(FaxOutcome)}, and a cause one of {', '.join(FaxCause)}."
        ) from None
    return [
        str(fax["label"])
        for fax in iter_faxes(result)
        if fax["outcome"] in wanted and (wanted_cause is None or fax["cause"] == wanted_cause)
    ]


def iter_faxes(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Go through all faxes of a result, also of one whose faxes lie in a file.

    :param result: what ``SendFaxesOperator`` returned.
    :return: of each fax its ``label`` and the fields of ``FaxStatus.to_dict()``, in the order of the list.
    :raises FaxInputError: if this is no such result, or its file cannot be read.
    """
    read_result(result)
    if result.get("path") is None:
        yield from result["faxes"]
        return
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    problem = ""
    try:
        file: Any = ObjectStoragePath(result["path"])
        with file.open("rb") as opened:
            # Airflow 2's file has no lines to iterate over.
            while line := opened.readline():
                yield json.loads(line)
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        problem = type(error).__name__
    if problem:
        raise FaxInputError(f"The file with the result of a batch cannot be read ({problem}).")


def read_result(result: Mapping[str, Any]) -> Counter[FaxOutcome]:
    """Read the counts of a result.

    :param result: what ``SendFaxesOperator`` returned.
    :return: how many faxes have which outcome.
    :raises FaxInputError: if this is no such result.
    """
    try:
        counts = Counter({FaxOutcome(outcome): int(number) for outcome, number in result["counts"].items()})
        is_whole = sum(counts.values()) == result["total"]
        is_whole = is_whole and (result.get("path") is None) != (result.get("faxes") is None)
    except (KeyError, TypeError, ValueError, AttributeError):
        is_whole = False
    if not is_whole:
        raise FaxInputError("This is not a result as SendFaxesOperator returns it. Pass it on unchanged.")
    return counts


def worst_outcome(counts: Mapping[FaxOutcome, int]) -> FaxOutcome:
    """Tell the worst outcome that is among many.

    :param counts: how many have which outcome.
    :return: the first of ``pending``, ``unknown``, ``fatal`` and ``retryable`` that there is; ``success`` if there is
        none of them.
    """
    return next((outcome for outcome in _WORST_FIRST if counts.get(outcome)), FaxOutcome.SUCCESS)


def outcome_of_result(result: Mapping[str, Any], min_success: float = 1.0) -> FaxOutcome:
    """Tell the one outcome that a result stands for.

    :param result: what ``SendFaxesOperator`` returned.
    :param min_success: which share of the faxes must have been delivered for ``success``. Default: all of them.
    :return: ``success`` if so many were delivered, else the worst outcome.
    :raises FaxInputError: if this is no such result.
    """
    counts = read_result(result)
    total = sum(counts.values())
    if not counts.get(FaxOutcome.PENDING) and counts.get(FaxOutcome.SUCCESS, 0) >= min_success * total:
        return FaxOutcome.SUCCESS
    return worst_outcome(counts)


def make_result(faxes: Sequence[tuple[str, FaxStatus]], path: str | None) -> dict[str, Any]:
    """Make the result of a task.

    :param faxes: each fax by its label.
    :param path: where they lie; ``None`` for the result itself.
    :return: plain JSON types.
    """
    counts = Counter(status.outcome for _, status in faxes)
    causes = Counter(status.cause for _, status in faxes if status.cause is not None)
    result: dict[str, Any] = {
        "total": len(faxes),
        "outcome": worst_outcome(counts).value,
        "counts": {outcome.value: counts.get(outcome, 0) for outcome in FaxOutcome},
        "causes": {cause.value: number for cause, number in causes.most_common()},
    }
    if path is not None:
        return {**result, "path": path}
    return {**result, "faxes": [_row(label, status) for label, status in faxes]}


def result_path(
    root: str | None,
    ti: Any,  # noqa: ANN401 - a task instance of any release
) -> str | None:
    """Tell where the faxes of a task instance lie.

    :param root: the storage path below which results lie; ``None`` for none.
    :param ti: the task instance, as Airflow gives it.
    :return: the path of a file, of which no part but the root was chosen by a DAG; ``None`` for none.
    """
    if root is None:
        return None
    run = hashlib.sha256(str(ti.run_id).encode()).hexdigest()[:16]
    index = ti.map_index if ti.map_index is not None else -1
    parts = ["batches", _PLAIN.sub("_", ti.dag_id), _PLAIN.sub("_", ti.task_id)]
    name = f"{run}.jsonl" if index < 0 else f"{run}-{index}.jsonl"
    return "/".join([root if "://" in root else f"file://{root}", *parts, name])


def write_faxes(path: str, faxes: Sequence[tuple[str, FaxStatus]]) -> None:
    """Write the file of a result.

    :param path: where.
    :param faxes: each fax by its label.
    :raises Exception: what the storage raises, which has errors of its own.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    file: Any = ObjectStoragePath(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        for label, status in faxes:
            opened.write(json.dumps(_row(label, status), ensure_ascii=False).encode() + b"\n")


def _row(label: str, status: FaxStatus) -> dict[str, Any]:
    return {"label": label, **status.to_dict()}
