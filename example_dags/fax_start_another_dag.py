"""Send a fax, and start another DAG when it was delivered, with its receipt."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Asset, Param, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_start_another_dag]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "busy-clinic": {"fax_number": "+1 202 555 0102", "document": LETTER, "fax_conn_id": "faxto_default"},
}
DELIVERED = Asset("fax://letters/delivered")

with DAG(
    "fax_start_another_dag",
    schedule=None,
    params={"recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")},
    user_defined_macros={"recipients": RECIPIENTS},
    doc_md="Fax the letter to one recipient. If it is delivered, `fax_after_delivery` starts with the fax's receipt.",
    tags=["fax", "example"],
) as dag:
    SendFaxOperator(
        task_id="send",
        fax_number="{{ recipients[params.recipient].fax_number }}",
        document="{{ recipients[params.recipient].document }}",
        fax_conn_id="{{ recipients[params.recipient].fax_conn_id }}",
        fax_label="{{ params.recipient }}",
        poll_interval=POLL_INTERVAL,
        lookup_grace=LOOKUP_GRACE,
        # The task fails unless the fax was delivered, and only a task that succeeds makes an event.
        outlets=[DELIVERED],
    )

with DAG(
    "fax_after_delivery",
    schedule=[DELIVERED],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    doc_md="Starts when a letter was delivered, and says which one.",
    tags=["fax", "example"],
) as after_delivery:

    @task
    def file_receipts(**context: Any) -> list[str]:
        """Say of each letter that it was delivered. Airflow 2 calls the events those of datasets."""
        said = []
        found = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
        for events in found.values():
            for event in events:
                receipt = event.extra["receipt"]
                said.append(f"{receipt['label']}: {receipt['pages_sent'] or receipt['pages']} page(s)")
        return said

    file_receipts()
# [END fax_start_another_dag]
