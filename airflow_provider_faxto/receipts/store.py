"""Where receipts lie: below the storage path that ``[faxto] receipts`` of ``airflow.cfg`` names.

One file for each fax job, ``VENDOR/ACCOUNT/JOB.json``: a retry of the task, and a sensor, write
the same file. A receipt is a record and no part of a send: where it cannot be written, the log says so, and the fax is
not concerned.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.figures import RECEIPTS_FAILED, add
from airflow_provider_faxto.receipts.receipt import complete_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["SECTION", "read_receipts", "receipt_file", "receipts_root", "write_end", "write_receipt"]

log = logging.getLogger(__name__)

SECTION = "faxto"
"""The section of ``airflow.cfg``."""

_LARGEST = 1024 * 1024


def receipts_root() -> str | None:
    """Tell where receipts are to lie.

    :return: a path or a URL that ``ObjectStoragePath`` reads; ``None`` if none are to be written.
    """
    from airflow.providers.common.compat.sdk import conf

    root = conf.get(SECTION, "receipts", fallback="") or ""
    return root.rstrip("/") or None


def write_receipt(receipt: Mapping[str, Any]) -> bool:
    """Write the receipt of a fax job, where receipts are to be written.

    :param receipt: the receipt, as :mod:`~airflow_provider_faxto.receipts.receipt` makes it. One that is written
        already with more in it is completed, and not cut down.
    :return: whether it is written, or need not be.
    """
    if receipts_root() is None:
        return True
    try:
        file = receipt_file(receipt)
        known = _read(file)
        if known.get("seen_final_at") and not receipt.get("seen_final_at"):
            # A later run of the task has found the job that an earlier one saw to its end.
            return True
        told = {name: value for name, value in receipt.items() if value is not None or name not in known}
        _write(file, {**known, **told, "seen_final_at": known.get("seen_final_at") or receipt.get("seen_final_at")})
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        log.warning(
            "The receipt of fax job %s cannot be written (%s). The fax is not concerned; the next look at it writes "
            "the receipt anew. Check [%s] receipts and that this machine may write there.",
            receipt.get("job_id"),
            type(error).__name__,
            SECTION,
        )
        add(RECEIPTS_FAILED, vendor=str(receipt.get("vendor")))
        return False
    return True


def write_end(receipt: Mapping[str, Any], status: FaxStatus) -> dict[str, Any]:
    """Complete a receipt with a status, and write it.

    :param receipt: the receipt as it was begun.
    :param status: the status of its job.
    :return: the receipt with the status.
    """
    completed = complete_receipt(receipt, status)
    write_receipt(completed)
    return completed


def receipt_file(receipt: Mapping[str, Any], suffix: str = ".json") -> Any:  # noqa: ANN401 - ObjectStoragePath
    """Give the path of a job's receipt, or of what lies beside it.

    Its parts come from a vendor, and lead to no other folder.

    :param receipt: the receipt.
    :param suffix: the extension. Default: that of a receipt.
    :return: the path, an ``ObjectStoragePath``.
    :raises ValueError: if a part of it is not a plain word, or receipts are not to be written.
    """
    root = receipts_root()
    parts = [str(receipt[name]) for name in ("vendor", "account", "job_id")]
    if root is None or not all(part.isascii() and part.replace("_", "").replace("-", "").isalnum() for part in parts):
        raise ValueError("a part of the name is not a plain word")
    return _path_of(root) / parts[0] / parts[1] / f"{parts[2]}{suffix}"


def read_receipts() -> Iterator[dict[str, Any]]:
    """Read all receipts, one at a time; what cannot be read as one is passed over.

    :return: the receipts, in no order.
    :raises FaxConfigurationError: if receipts are not to be written.
    """
    root = receipts_root()
    if root is None:
        raise FaxConfigurationError(f"[{SECTION}] receipts of airflow.cfg names no storage, so there are no receipts.")
    for file in _path_of(root).rglob("*.json"):
        if receipt := _read(file):
            yield receipt


def _path_of(root: str) -> Any:  # noqa: ANN401 - ObjectStoragePath
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    return ObjectStoragePath(root if "://" in root else f"file://{root}")


def _read(file: Any) -> dict[str, Any]:  # noqa: ANN401 - ObjectStoragePath
    """Read a receipt that is there already; one that cannot be read is written anew."""
    try:
        with file.open("rb") as opened:
            known = json.loads(opened.read(_LARGEST))
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(file: Any, receipt: Mapping[str, Any]) -> None:  # noqa: ANN401 - ObjectStoragePath
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.write(json.dumps(receipt, indent=2, ensure_ascii=False).encode())
