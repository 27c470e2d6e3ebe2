"""Hand a fax of which nobody knows whether it arrived to a person, who decides. Airflow 3.1 and later.

The person finds the question under "Required Actions", looks the fax up at the vendor and answers: it arrived, send
it again, or give up. Both tasks that send have the same ``idempotency_key``, so that they are about the same fax, and
the second looks it up in the vendor's records before it sends with ``resend``.
"""

from __future__ import annotations

import os
from pathlib import Path

from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowOptionalProviderFeatureException,
    Param,
    task,
)

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

try:
    from airflow.providers.standard.operators.hitl import HITLBranchOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # before Airflow 3.1
    HITLBranchOperator = None

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_ask_a_person]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "doubtful-clinic": {"fax_number": "+1 202 555 0108", "document": LETTER, "fax_conn_id": "faxto_default"},
}

if HITLBranchOperator is not None:
    with DAG(
        "fax_ask_a_person",
        schedule=None,
        params={
            "recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")
        },
        user_defined_macros={"recipients": RECIPIENTS},
        default_args={
            "fax_number": "{{ recipients[params.recipient].fax_number }}",
            "document": "{{ recipients[params.recipient].document }}",
            "fax_conn_id": "{{ recipients[params.recipient].fax_conn_id }}",
            "fax_label": "{{ params.recipient }}",
            # The same for both tasks that send: they are about one fax.
            "idempotency_key": "{{ dag.dag_id }} {{ run_id }}",
            "poll_interval": POLL_INTERVAL,
            "lookup_grace": LOOKUP_GRACE,
        },
        doc_md="Fax the letter to one recipient. Where nobody knows whether it arrived, a person decides.",
        tags=["fax", "example"],
    ) as dag:
        send = SendFaxOperator(task_id="send", raise_on_failure=False)
        branch = FaxOutcomeBranchOperator(
            task_id="branch",
            status=send.output,
            follow_task_ids_if_success="archive",
            follow_task_ids_if_retryable="hand_to_person",
            follow_task_ids_if_fatal="hand_to_person",
            follow_task_ids_if_unknown="ask",
        )
        ask = HITLBranchOperator(
            task_id="ask",
            subject="Did the fax to {{ params.recipient }} arrive?",
            body="Fax job {{ ti.xcom_pull(task_ids='send')['job_id'] or '(none is known)' }}, connection "
            "{{ recipients[params.recipient].fax_conn_id }}. Look it up there, or ask the recipient, then answer.",
            options=["It arrived", "Send again", "Give up"],
            options_mapping={"It arrived": "it_arrived", "Send again": "send_again", "Give up": "give_up"},
        )
        send_again = SendFaxOperator(task_id="send_again", resend="a person said so")

        @task
        def archive() -> str:
            return "Delivered: file the receipt."

        @task
        def hand_to_person() -> str:
            return "It failed: somebody has to look at it."

        @task
        def it_arrived() -> str:
            return "Delivered, as a person says: file a note."

        @task
        def give_up() -> None:
            raise AirflowFailException("Nobody knows whether the fax arrived, and it is not sent again.")

        branch >> [archive(), hand_to_person(), ask]
        ask >> [it_arrived(), send_again, give_up()]
# [END fax_ask_a_person]
