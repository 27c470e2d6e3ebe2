"""Ask a person before a fax is sent. Airflow 3.1 and later.

The question stands under "Required Actions". A fax cannot be called back, so a "Reject" skips the send.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException, Param

from airflow_provider_faxto.operators.fax import SendFaxOperator

try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # before Airflow 3.1
    ApprovalOperator = None

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_with_approval]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "pharmacy": {"fax_number": "+999-9999-0", "document": LETTER, "fax_conn_id": "interfax_default"},
}

if ApprovalOperator is not None:
    with DAG(
        "fax_with_approval",
        schedule=None,
        params={
            "recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")
        },
        user_defined_macros={"recipients": RECIPIENTS},
        doc_md="Ask a person, then fax the letter to one recipient.",
        tags=["fax", "example"],
    ) as dag:
        approve = ApprovalOperator(
            task_id="approve",
            subject="Fax the letter to {{ params.recipient }}?",
            body="It cannot be called back. Approve sends it, Reject skips it.",
        )
        send = SendFaxOperator(
            task_id="send",
            fax_number="{{ recipients[params.recipient].fax_number }}",
            document="{{ recipients[params.recipient].document }}",
            fax_conn_id="{{ recipients[params.recipient].fax_conn_id }}",
            fax_label="{{ params.recipient }}",
            poll_interval=POLL_INTERVAL,
            lookup_grace=LOOKUP_GRACE,
        )
        approve >> send
# [END fax_with_approval]
