"""Send a fax, and post to a chat what became of it if it was not delivered.

The chat's address, with its secret, is the password of the connection ``fax_alerts``:
``{"conn_type": "generic", "password": "https://chat.example.com/hooks/..."}``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseHook, Param

from airflow_provider_faxto.operators.fax import SendFaxOperator

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_tell_people]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "busy-clinic": {"fax_number": "+1 202 555 0102", "document": LETTER, "fax_conn_id": "faxto_default"},
}


def tell_people(context: dict[str, Any]) -> None:
    """Post what became of the fax. The label says which one; no number leaves."""
    import requests

    from airflow_provider_faxto.fax import FaxStatus

    # None where the error is not about this fax: a wrong password, a connection that does not exist.
    status = getattr(context.get("exception"), "status", None)
    if "exception" not in context:
        # Airflow 3.0 gives a callback no exception; the status is in XCom as well.
        told = context["ti"].xcom_pull(task_ids=context["ti"].task_id, map_indexes=context["ti"].map_index)
        status = FaxStatus.from_dict(told) if told else None
    if status is None:
        text = "its task failed, for a reason that is not about this fax. See its log."
    elif status.cause == "out_of_credit":
        text = f"the account has no credit (fax job {status.job_id or 'none'}). Top it up, then clear the task."
    else:
        why = status.cause or "no cause given"
        text = f"{status.outcome} ({why}), fax job {status.job_id or 'none'}."
    address = BaseHook.get_connection("fax_alerts").password
    requests.post(address, json={"text": f"Fax to {context['params']['recipient']}: {text}"}, timeout=10)


with DAG(
    "fax_tell_people",
    schedule=None,
    params={"recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")},
    user_defined_macros={"recipients": RECIPIENTS},
    doc_md="Fax the letter to one recipient. If it is not delivered, the chat of `fax_alerts` is told.",
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
        on_failure_callback=tell_people,
    )
# [END fax_tell_people]
