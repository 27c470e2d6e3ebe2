"""What a connection does not allow: neither a DAG nor whoever starts a run of it gets past."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_faxto.exceptions import FaxPermanentError
from airflow_provider_faxto.operators.fax import SendFaxOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

PREMIUM = "+1 900 555 0100"
WASHINGTON = "+1 202 555 0100"


@pytest.fixture
def rules(fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that sets the rules of every connection."""

    def set_rules(**extra: Any) -> None:
        fax_connections.set_airflow_connections(monkeypatch, **extra)

    return set_rules


@pytest.mark.parametrize("vendor", ["faxto", "interfax", "extrafax"])
@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        ({}, "allow_costly_numbers"),
        ({"allowed_numbers": "DE", "allow_costly_numbers": True}, "allowed_numbers"),
        ({"denied_numbers": "+1900", "allow_costly_numbers": True}, "denied_numbers"),
        ({"document_roots": "/nowhere", "allow_costly_numbers": True}, "document_roots"),
        ({"allowed_dags": "billing_*"}, "allowed_dags"),
    ],
)
def test_a_fax_that_is_not_allowed_is_a_fatal_status_or_an_error_without_a_retry(
    *, send: Any, rules: Any, fax_connections: FaxSimulator, vendor: str, extra: dict[str, Any], rule: str
) -> None:
    rules(**extra)
    told = send(vendor, fax_number=PREMIUM, raise_on_failure=False)

    assert (told["outcome"], told["cause"], told["job_id"]) == ("fatal", "not_allowed", None)
    assert rule in told["message"]
    with pytest.raises(FaxPermanentError, match=rule) as caught:
        send(vendor, fax_number=PREMIUM)
    assert caught.value.status is not None
    assert caught.value.status.to_dict() == told
    assert fax_connections.requests() == []


# One value for every parameter of the operator that a DAG could hope to loosen a rule with.
ATTEMPTS: dict[str, Any] = {
    "fax_number": ["+1(900)555-0100", "001 900 555 0100", "\uff0b1 900 555 0100", "+1-900-555-0100"],
    "document": ["file:///proc/self/environ", "/proc/self/environ", "s3://conn@bucket/a.pdf"],
    "fax_conn_id": [
        "faxto_default?allow_costly_numbers=true", "faxto_default#", "../faxto_default", " faxto_default ", "",
        '{"conn_type": "faxto", "extra": {"allow_costly_numbers": true}}', "faxto://:key@host",
    ],
    "wait_for_completion": [False],
    "deferrable": [True],
    "poll_interval": [1],
    "completion_timeout": [5],
    "raise_on_failure": [False],
    "resend": [True, "again"],
    "resend_partial": [True],
    "idempotency_key": ["claim-4711"],
    "fax_label": ["allow_costly_numbers"],
    "lookup_grace": [0],
    "cancel_on_kill": [False],
    "options": [{"allow_costly_numbers": True}, {"sender_id": "x"}, '{"allowed_numbers": "+1"}'],
}  # fmt: skip


def test_every_parameter_is_tried() -> None:
    parameters = set(inspect.signature(SendFaxOperator.__init__).parameters) - {"self", "kwargs"}

    assert set(ATTEMPTS) == parameters


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ATTEMPTS.items() for value in values])
def test_no_parameter_loosens_a_rule(
    *, send: Any, rules: Any, fax_connections: FaxSimulator, tmp_path: Path, name: str, value: Any
) -> None:
    rules(denied_numbers="+1900", document_roots=str(tmp_path), max_pages=1, allowed_dags="faxes")
    try:
        told = send("faxto", **{"fax_number": PREMIUM, name: value})
    except AirflowException:
        # A set-up error: the parameter has no such value, or there is no such connection.
        told = {"outcome": "fatal", "cause": "not_allowed"}
    assert (told["outcome"], told["cause"]) == ("fatal", "not_allowed")
    assert fax_connections.requests() == []


def test_pages_and_size_stand_in_the_log_and_the_status(send: Any, logged: Any) -> None:
    told = send("interfax", fax_number="+999-9999-0")

    assert told["pages_submitted"] == 1
    assert told["size"] > 0
    assert "1 document(s), 1 page(s)" in logged()


def results(dag_run: Any) -> dict[str, Any]:
    return {ti.task_id: ti.xcom_pull(task_ids=ti.task_id) for ti in dag_run.get_task_instances()}


@pytest.mark.parametrize("patterns", ["gates", "other, gat*", '["gates"]'])
def test_in_real_airflow_a_dag_that_is_named_may_fax(
    run_dag: Any, rules: Any, fax_connections: FaxSimulator, letter: str, patterns: str
) -> None:
    rules(allowed_dags=patterns)
    fax_connections.set_speed(1000)
    dag_run = run_dag("tests/dags/gates.py", {"number": WASHINGTON, "file": letter, "connection": "faxto_default"})

    assert results(dag_run)["operator"]["outcome"] == "success"
    assert len(fax_connections.faxes()) == 2


def test_in_real_airflow_whoever_starts_a_run_is_held_to_the_rules(
    run_dag: Any, rules: Any, fax_connections: FaxSimulator, letter: str
) -> None:
    for extra, conf in (
        ({"allowed_dags": "billing_*"}, {}),
        ({}, {"number": PREMIUM}),
        ({"document_roots": "/nowhere"}, {}),
    ):
        rules(**extra)
        base = {"number": WASHINGTON, "file": letter, "connection": "faxto_default"}
        told = results(run_dag("tests/dags/gates.py", {**base, **conf}))
        assert told["operator"]["cause"] == "not_allowed", extra
        assert "Those who manage the connection can change the rule" in told["own"]
    assert fax_connections.requests() == []
