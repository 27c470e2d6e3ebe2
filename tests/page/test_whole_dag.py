"""From a task in real Airflow to the page: what it tells is found without any setting."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow


def test_a_fax_that_a_dag_has_sent_stands_on_the_page(ask, visit, run_dag, fax_connections, database):
    fax_connections.set_speed(1000)
    run = run_dag("example_dags/fax_send_and_branch.py", {"recipient": "busy-clinic"})

    (fax,) = ask("faxes")["faxes"]
    (job,) = fax_connections.faxes()

    assert (fax["dag_id"], fax["run_id"], fax["task_id"]) == ("fax_send_and_branch", run.run_id, "send")
    assert (fax["outcome"], fax["cause"], fax["job_id"]) == ("retryable", "busy", str(job["id"]))
    assert (fax["number"][-4:], fax["state"]) == ("0102", "success")
    tab = ask("task", dag_id=fax["dag_id"], run_id=fax["run_id"], task_id="send")
    assert tab["fax"]["label"] == fax["label"] == "busy-clinic"
    assert "2025550102" not in visit().get("/faxes/data/faxes.csv").text


def test_a_sensor_completes_the_fax_of_the_task_that_did_not_wait(ask, run_dag, fax_connections, database):
    fax_connections.set_speed(1000)
    run_dag("example_dags/fax_send_wait_branch.py", {"recipient": "clinic"})

    found = ask("faxes")

    (fax,) = found["faxes"]
    assert (found["total"], fax["outcome"], fax["number"][-4:]) == (1, "success", "0100")
    assert fax["label"] == "clinic"


def test_a_batch_that_a_dag_has_sent_stands_among_the_batches(ask, run_dag, fax_connections, database):
    fax_connections.set_speed(1000)
    run = run_dag("example_dags/fax_batch.py")

    (batch,) = ask("now")["batches"]

    assert (batch["dag_id"], batch["run_id"], batch["task_id"], batch["state"]) == (
        "fax_batch", run.run_id, "send", "success",
    )  # fmt: skip
    assert (batch["total"], batch["counts"]["success"], batch["counts"]["retryable"]) == (4, 3, 1)
    assert [(cause["cause"], cause["faxes"]) for cause in batch["causes"]] == [("busy", 1)]
    assert batch["sent_at"] < batch["seen_final_at"]
    tab = ask("task", dag_id=batch["dag_id"], run_id=batch["run_id"], task_id="send")
    assert (tab["fax"], tab["batch"]["total"]) == (None, 4)
