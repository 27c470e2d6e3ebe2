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

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_faxto.operators.fax import SendFaxOperator

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))
RETRY_DELAY = float(os.environ.get("FAX_EXAMPLE_RETRY_DELAY", "600"))

# [START fax_with_retries]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+999-9999-0", "document": LETTER, "fax_conn_id": "interfax_default"},
    "busy-clinic": {"fax_number": "+999-9999-263", "document": LETTER, "fax_conn_id": "interfax_default"},
}

with DAG(
    "fax_with_retries",
    schedule=None,
    params={"recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")},
    user_defined_macros={"recipients": RECIPIENTS},
    doc_md="Fax the letter to one recipient, with another attempt where one may help.",
    tags=["fax", "example"],
) as dag:
    send = SendFaxOperator(
        task_id="send",
        fax_number="{{ recipients[params.recipient].fax_number }}",
        document="{{ recipients[params.recipient].document }}",
        fax_conn_id="{{ recipients[params.recipient].fax_conn_id }}",
        fax_label="{{ params.recipient }}",
        poll_interval=POLL_INTERVAL,
        lookup_grace=LOOKUP_GRACE,
        options={"retries_at_vendor": 2},
        retries=3,
        retry_delay=timedelta(seconds=RETRY_DELAY),
    )
# [END fax_with_retries]
