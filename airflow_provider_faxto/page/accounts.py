"""What this machine knows of the accounts of connections: requests left, and whether the vendor refuses the log-in.

Workers and triggerers of one machine share a count in files. Where the API server runs beside them, as the same user,
it can be read; elsewhere it is not known, and the page says so. No vendor is asked.
"""

from __future__ import annotations

import contextlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.providers.common.compat.sdk import Connection

__all__ = ["look_at_accounts"]

log = logging.getLogger(__name__)


def look_at_accounts(conn_ids: Iterable[str]) -> list[dict[str, Any]]:
    """Tell what this machine knows of the accounts of connections.

    :param conn_ids: the connections.
    :return: for each ``conn_id``, ``requests_left``, ``requests_per_minute`` and ``stopped_until``; each ``None`` if it
        is not known.
    """
    return [{"conn_id": conn_id, **_look_at(conn_id)} for conn_id in conn_ids]


def _look_at(conn_id: str) -> dict[str, Any]:
    from airflow.models.connection import Connection as StoredConnection

    from airflow_provider_faxto.hooks.conn_id import check_conn_id
    from airflow_provider_faxto.hooks.fax import FaxHook

    view = None
    try:
        connection = StoredConnection.get_connection_from_secrets(check_conn_id(conn_id))
        with contextlib.closing(FaxHook.for_resolved_connection(cast("Connection", connection))) as hook:
            view = hook.look_around()
    except Exception as error:  # noqa: BLE001 - a secrets backend has errors of its own, and a page shows what it can
        log.info("What is known of an account cannot be read (%s).", type(error).__name__)
    stopped = view.stopped_until if view is not None else None
    return {
        "requests_left": view.requests_left if view is not None else None,
        "requests_per_minute": view.requests_per_minute if view is not None else None,
        "stopped_until": datetime.fromtimestamp(stopped, UTC).isoformat() if stopped is not None else None,
    }
