"""The vendor's image of a fax, beside its receipt: ``[faxto] receipt_image`` of ``airflow.cfg``.

It shows the pages as they went out, with the header line, and so all that the document holds. A vendor keeps it for
some days only. Like the receipt it is a record and no part of a send.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.figures import IMAGES_FAILED, add
from airflow_provider_faxto.receipts.store import SECTION, receipt_file, write_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["keep_image"]

log = logging.getLogger(__name__)

_SUFFIXES = {"image/tiff": ".tiff", "application/pdf": ".pdf"}


def keep_image(receipt: Mapping[str, Any], make_hook: Callable[[], Any]) -> dict[str, Any]:
    """Fetch the image of a fax and write it beside its receipt, where that is asked for and not done yet.

    :param receipt: the receipt of a fax that has ended, as it is written.
    :param make_hook: makes the hook of the account. One without ``get_fax_image`` has no images, which is no fault.
    :return: the receipt, with ``image`` and ``image_sha256`` where the image is written now.
    """
    kept = dict(receipt)
    try:
        if not _is_wanted(receipt) or any(receipt_file(receipt, suffix).exists() for suffix in _SUFFIXES.values()):
            return kept
        fetch = getattr(make_hook(), "get_fax_image", None)
        if fetch is None:
            return kept
        image = fetch(receipt["job_id"])
        file = receipt_file(receipt, _SUFFIXES[image.media_type])
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as opened:
            opened.write(image.content)
        kept |= {"image": file.name, "image_sha256": hashlib.sha256(image.content).hexdigest()}
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        log.warning(
            "The image of fax job %s is not kept (%s). The fax is not concerned; the next look at it tries again, as "
            "long as the vendor has the image.",
            receipt.get("job_id"),
            type(error).__name__,
        )
        add(IMAGES_FAILED, vendor=str(receipt.get("vendor")))
        return kept
    write_receipt(kept)
    return kept


def _is_wanted(receipt: Mapping[str, Any]) -> bool:
    """Tell whether to keep an image: where one is asked for, of a fax of which pages have arrived."""
    from airflow.providers.common.compat.sdk import conf

    if not (conf.get(SECTION, "receipts", fallback="") and conf.getboolean(SECTION, "receipt_image", fallback=False)):
        return False
    return receipt.get("outcome") == "success" or bool(receipt.get("pages_sent"))
