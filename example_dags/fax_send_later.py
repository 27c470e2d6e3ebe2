"""Send a fax, and where it failed for now, send it again at a good time: soon to a busy line, late to a closed office.

On Airflow 3.3 and later a retry policy does it in one task. On older releases the DAG waits in the triggerer, without
a worker slot, and a second task makes one more attempt.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG, AirflowOptionalProviderFeatureException, Param, task

from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

try:
    from airflow_provider_faxto.operators.retries import FaxRetryPolicy
except AirflowOptionalProviderFeatureException:  # before Airflow 3.3
    FaxRetryPolicy = None
try:
    from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
except ImportError:  # Airflow 2
    from airflow.sensors.date_time import DateTimeSensorAsync

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))
RETRY_DELAY = timedelta(seconds=float(os.environ.get("FAX_EXAMPLE_RETRY_DELAY", "600")))

# [START fax_send_later]
LETTER = str(Path(__file__).parent / "files" / "letter.pdf")
# Who triggers the DAG chooses a label. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic": {"fax_number": "+1 202 555 0100", "document": LETTER, "fax_conn_id": "faxto_default"},
    "busy-clinic": {"fax_number": "+1 202 555 0102", "document": LETTER, "fax_conn_id": "faxto_default"},
}
# A busy line is free again soon; who does not answer has closed for the day. One delay before each further attempt.
DELAYS = {"busy": [RETRY_DELAY, 2 * RETRY_DELAY], "no_answer": [24 * RETRY_DELAY]}


def good_time(status: dict) -> str:
    """Say when the next attempt may be made after the first has failed."""
    return (datetime.now(UTC) + DELAYS.get(status["cause"], [6 * RETRY_DELAY])[0]).isoformat()


with DAG(
    "fax_send_later",
    schedule=None,
    params={"recipient": Param("clinic", type="string", enum=list(RECIPIENTS), description="To whom the letter goes.")},
    user_defined_macros={"recipients": RECIPIENTS, "good_time": good_time},
    default_args={
        "fax_number": "{{ recipients[params.recipient].fax_number }}",
        "document": "{{ recipients[params.recipient].document }}",
        "fax_conn_id": "{{ recipients[params.recipient].fax_conn_id }}",
        "fax_label": "{{ params.recipient }}",
        "poll_interval": POLL_INTERVAL,
        "lookup_grace": LOOKUP_GRACE,
    },
    doc_md="Fax the letter to one recipient, and again at a good time if it failed for now.",
    tags=["fax", "example"],
) as dag:
    if FaxRetryPolicy is not None:
        # As many retries as the longest line has; a cause that DELAYS does not name has the provider's own.
        SendFaxOperator(task_id="send", retries=4, retry_policy=FaxRetryPolicy(DELAYS))
    else:
        send = SendFaxOperator(task_id="send", raise_on_failure=False)
        branch = FaxOutcomeBranchOperator(
            task_id="branch",
            status=send.output,
            follow_task_ids_if_success="archive",
            follow_task_ids_if_retryable="wait_for_a_good_time",
            follow_task_ids_if_fatal="hand_to_person",
        )
        wait = DateTimeSensorAsync(
            task_id="wait_for_a_good_time", target_time="{{ good_time(ti.xcom_pull(task_ids='send')) }}"
        )

        @task
        def archive() -> str:
            return "Delivered: file the receipt."

        @task
        def hand_to_person() -> str:
            return "No attempt will work, or it is not known whether it arrived: somebody has to look at it."

        branch >> [archive(), wait, hand_to_person()]
        wait >> SendFaxOperator(task_id="send_again")
# [END fax_send_later]
