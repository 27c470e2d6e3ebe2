"""Look every hour whether an account runs out of money, or holds faxes back for lack of it, and post it to a chat.

A fax that is held for lack of credit has not failed: InterFAX and ExtraFax keep it for 24 hours, and send it once the
account is topped up. Its task waits meanwhile, so nobody would be told before it is too late.
"""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG, BaseHook, task

# [START fax_watch_credit]
# By connection, the balance below which somebody is told, in the account's own currency.
ACCOUNTS = {"faxto_default": 5, "interfax_default": 20, "extrafax_default": 20}
HELD_FOR_LACK_OF_CREDIT = -22

with DAG(
    "fax_watch_credit",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    doc_md="Tell the chat of `fax_alerts` of fax accounts that run out of money.",
    tags=["fax", "example"],
) as dag:

    @task(map_index_template="{{ task.op_kwargs['fax_conn_id'] }}")
    def look(fax_conn_id: str) -> str:
        # A DAG file is parsed often, so what calls anybody is imported here.
        import requests

        from airflow_provider_faxto.hooks.fax import FaxHook

        hook = FaxHook.for_connection(fax_conn_id)
        balance = hook.get_balance()
        # The newest hundred; Fax.to tells no codes, and holds nothing.
        held = [
            status.job_id
            for status in hook.iter_history(page_size=50, max_pages=2)
            if status.code == HELD_FOR_LACK_OF_CREDIT
        ]
        text = f"{fax_conn_id}: {balance} left, {len(held)} faxes held for lack of credit."
        if held or balance < ACCOUNTS[fax_conn_id]:
            requests.post(BaseHook.get_connection("fax_alerts").password, json={"text": text}, timeout=10)
        return text

    look.expand(fax_conn_id=list(ACCOUNTS))
# [END fax_watch_credit]
