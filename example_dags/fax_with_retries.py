"""Send a fax and leave retryable failures to Airflow's ``retries``.

Busy, no answer and the like raise ``FaxRetryableError``, and Airflow runs the task again: it looks the fax up at
the vendor and makes a new attempt only because the records show that the last one failed. A fatal failure, and an
outcome that is not known, fail the task at once, whatever ``retries`` says.

The vendor dials several times by itself before it reports a failure, and the two multiply: with
``retries_at_vendor`` at 2 and ``retries=3`` a telephone may ring 8 times.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_faxto.operators.fax import SendFaxOperator

POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
RETRY_DELAY = float(os.environ.get("FAX_EXAMPLE_RETRY_DELAY", "600"))

# [START fax_with_retries]
with DAG(
    "fax_with_retries",
    schedule=None,
    params={
        "fax_number": "+999-9999-0",
        "document": str(Path(__file__).parent / "files" / "letter.pdf"),
        "fax_conn_id": "interfax_default",
    },
    tags=["fax", "example"],
) as dag:
    send = SendFaxOperator(
        task_id="send",
        fax_number="{{ params.fax_number }}",
        document="{{ params.document }}",
        fax_conn_id="{{ params.fax_conn_id }}",
        poll_interval=POLL_INTERVAL,
        options={"retries_at_vendor": 2},
        retries=3,
        retry_delay=timedelta(seconds=RETRY_DELAY),
    )
# [END fax_with_retries]
