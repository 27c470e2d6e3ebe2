"""The same way without the provider: Airflow's HttpOperator, HttpSensor and ``@task.branch``.

InterFAX answers a question about a fax that is under way with 200 and a negative status, as most services do. With
http 6.3.0 a deferrable HttpSensor cannot wait for that: it defers only where it has no ``response_check``, and its
trigger then fires on the first answer that is no error (a 404 alone is waited out). So there are two forms:

- ``http`` defers. It asks an address that no vendor has, which the benchmark puts in front of the simulator: 404 until
  the fax has ended. That is kinder to it than the real world.
- ``http_check`` is what somebody writes today against the vendor as it is, ``response_check`` and ``deferrable=True``.
  The sensor then does not defer, and says nothing of it: it holds a worker's slot while it waits.
"""

from __future__ import annotations

from pathlib import Path

from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

POLL_INTERVAL = 5
LETTER = Path(__file__).resolve().parents[3] / "example_dags" / "files" / "letter.pdf"
# Busy, no answer, and the like; a real DAG would need the vendor's whole table.
RETRYABLE = {263, 3931, 3935, 6017, 6018}


def job_of(response):
    return response.headers["Location"].rpartition("/")[2]


def has_ended(response):
    return response.json()["status"] >= 0


SENSORS = {
    "http": {"endpoint": "/until-final/outbound/faxes/{{ ti.xcom_pull('send') }}"},
    "http_check": {"endpoint": "/outbound/faxes/{{ ti.xcom_pull('send') }}", "response_check": has_ended},
}

for dag_id, how in SENSORS.items():
    with DAG(dag_id, schedule=None, params={"fax_number": ""}):
        send = HttpOperator(
            task_id="send",
            http_conn_id="interfax_http",
            endpoint="/outbound/faxes?faxNumber={{ params.fax_number | urlencode }}",
            data=LETTER.read_bytes(),
            headers={"Content-Type": "application/pdf"},
            response_filter=job_of,
        )
        wait = HttpSensor(
            task_id="wait",
            http_conn_id="interfax_http",
            poke_interval=POLL_INTERVAL,
            deferrable=True,
            **how,
        )

        @task.branch
        def branch(job_id: str) -> str:
            code = (
                HttpHook(method="GET", http_conn_id="interfax_http").run(f"/outbound/faxes/{job_id}").json()["status"]
            )
            if code == 0:
                return "delivered"
            return "send_later" if code in RETRYABLE else "hand_to_person"

        chosen = branch(send.output)
        send >> wait >> chosen
        chosen >> [EmptyOperator(task_id=task_id) for task_id in ("delivered", "send_later", "hand_to_person")]
