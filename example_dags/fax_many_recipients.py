"""Send one document to many recipients, a mapped task for each, and name all to whom it was not delivered.

The tasks are mapped over labels and look their number up with it, since Airflow keeps what a task is mapped over in
XCom, in the clear. The summary compares what came back with the labels, so that nobody is lost in a green run.

Each mapped task is a logical fax of its own: clearing one of them looks that one up and leaves the others alone. The
map index is part of it, so the labels keep their order. For more than a few dozen, see ``fax_batch``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowFailException, AirflowSkipException, Param, task

from airflow_provider_faxto.operators.fax import SendFaxOperator

# A minute is right for a real vendor, and two for its records to show a fax. The simulator's clock may run faster.
POLL_INTERVAL = float(os.environ.get("FAX_EXAMPLE_POLL_INTERVAL", "60"))
LOOKUP_GRACE = float(os.environ.get("FAX_EXAMPLE_LOOKUP_GRACE", "120"))

# [START fax_many_recipients]
REPORT = str(Path(__file__).parent / "files" / "report.pdf")
# Who triggers the DAG chooses labels. Numbers, files and accounts are yours; the numbers below are the simulator's.
RECIPIENTS = {
    "clinic-1": {"fax_number": "+1 202 555 0100", "document": REPORT, "fax_conn_id": "faxto_default"},
    "clinic-2": {"fax_number": "+999-9999-0", "document": REPORT, "fax_conn_id": "interfax_default"},
}

with DAG(
    "fax_many_recipients",
    schedule=None,
    params={
        "recipients": Param(
            list(RECIPIENTS),
            type="array",
            items={"type": "string", "enum": list(RECIPIENTS)},
            uniqueItems=True,
            examples=list(RECIPIENTS),
            description="To whom the report goes.",
        )
    },
    user_defined_macros={"recipients": RECIPIENTS},
    doc_md="Fax the report to each recipient. The last task fails if it was not delivered to all, and names them.",
    tags=["fax", "example"],
) as dag:

    @task
    def labels(params: dict | None = None) -> list[str]:
        return list((params or {})["recipients"])

    chosen = labels()
    send = SendFaxOperator.partial(
        task_id="send",
        fax_number="{{ recipients[task.fax_label].fax_number }}",
        document="{{ recipients[task.fax_label].document }}",
        fax_conn_id="{{ recipients[task.fax_label].fax_conn_id }}",
        poll_interval=POLL_INTERVAL,
        lookup_grace=LOOKUP_GRACE,
        # What became of one fax is for the summary to say.
        raise_on_failure=False,
        # Many calls at once to one account end as busy signals of our own making.
        max_active_tis_per_dagrun=4,
        map_index_template="{{ task.fax_label }}",
    ).expand(fax_label=chosen)

    @task(trigger_rule="all_done")
    def summarise(chosen: list[str], **context: Any) -> dict[str, str]:
        if not chosen:
            raise AirflowSkipException("No recipient was chosen: nothing was sent.")
        # One by one: a task that failed has no status, and the list of all would close up over it.
        statuses = [context["ti"].xcom_pull(task_ids="send", map_indexes=index) for index in range(len(chosen))]
        became = {
            label: (status["outcome"], status["cause"] or "no cause given") if status else ("missing", "see its task")
            for label, status in zip(chosen, statuses, strict=True)
        }
        short = [f"{label}: {what} ({why})" for label, (what, why) in became.items() if what != "success"]
        if short:
            raise AirflowFailException(
                f"Not known to be delivered to {len(short)} of {len(chosen)} recipients. {'; '.join(short)}."
            )
        return {label: what for label, (what, _) in became.items()}

    send >> summarise(chosen)
# [END fax_many_recipients]
