"""What `[faxto] on_account_stopped` names in this benchmark: it writes a line for each stop."""

from __future__ import annotations

import os
from typing import Any


def page(stop: Any) -> None:
    """Note a stop.

    :param stop: what the provider tells of it.
    """
    with open(os.environ["FAX_BENCH_PAGES"], "a", encoding="utf-8") as file:  # noqa: PTH123 - one line, whole
        file.write(f"{stop.conn_id}\n")
