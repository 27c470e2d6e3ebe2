"""What a template made of an argument: nothing, a number, a list, what a mapped task returned."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_faxto.exceptions import FaxPermanentError
from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxInputError, FaxNumberError
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.operators.fax import SendFaxOperator
from airflow_provider_faxto.operators.rendered import hide, read_documents, read_number_text, read_text
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

NOTHING = [None, "None", "", "  ", "none"]
UPSTREAM = "did the task upstream return a value?"


@pytest.mark.parametrize("value", NOTHING)
def test_nothing_is_not_set_for_an_optional_text_and_an_error_for_a_required_one(value: Any) -> None:
    assert read_text("fax_label", value) is None
    with pytest.raises(FaxInputError) as raised:
        read_text("fax_conn_id", value, is_required=True)
    assert str(raised.value).startswith("The template of fax_conn_id rendered to ")
    assert UPSTREAM in str(raised.value)


def test_a_whole_number_loses_nothing_as_a_text_and_any_other_value_names_the_way_out() -> None:
    assert read_text("fax_label", 4711) == "4711"
    for value in (1.10, True, ["a"], {"a": 1}, b"a"):
        with pytest.raises(FaxInputError, match=r"fax_label must be a text.*in quotes of its own"):
            read_text("fax_label", value)


@pytest.mark.parametrize("value", NOTHING)
def test_a_required_argument_that_is_nothing_says_which_and_is_not_retried(value: Any, send: Any) -> None:
    for argument, kind in (("fax_number", FaxNumberError), ("document", FaxDocumentError)):
        with pytest.raises(FaxPermanentError, match=f"template of {argument} rendered to") as raised:
            send("interfax", **{argument: value})
        assert isinstance(raised.value.reason, kind)


@pytest.mark.parametrize("value", NOTHING)
def test_a_job_id_that_is_nothing_says_so(value: Any, send: Any, task_instance: Any) -> None:
    sensor = FaxStatusSensor(task_id="wait", job_id=value, fax_conn_id="interfax_default")
    with pytest.raises(FaxPermanentError, match=f"template of job_id rendered to .*{UPSTREAM[:8]}"):
        sensor.execute({"ti": task_instance(sensor)})


@pytest.mark.parametrize("value", NOTHING)
def test_an_idempotency_key_that_a_template_made_nothing_of_is_not_set(
    value: Any, send: Any, fax_connections: Any
) -> None:
    send("interfax", run_id="monday", idempotency_key=value)
    send("interfax", run_id="tuesday", idempotency_key=value)
    assert len(fax_connections.faxes()) == 2


def test_every_leaf_is_masked_or_taken_out() -> None:
    assert hide([12025550100, "+1 202 555 0101", [1.5, {"to": "+1 202 555 0102"}]]) == [
        "int",
        "+1 202 555 0101",
        ["float", "dict"],
    ]
    assert hide(("a.pdf", "b.pdf")) == ["a.pdf", "b.pdf"]
    assert (hide(None), hide(""), hide("None")) == (None, "", "None")


@pytest.mark.parametrize("value", [12025550100, 1.5, {"to": 1}, b"1"])
def test_a_number_that_is_no_text_is_refused_with_its_type_alone(value: Any) -> None:
    for given in (value, hide(value)):
        with pytest.raises(FaxNumberError, match=f"rendered as {type(value).__name__}"):
            read_number_text(given)


@pytest.mark.parametrize(
    ("value", "which"),
    [
        ([], "an empty list"),
        (["a.pdf", None], r"document \(number 2 of 2\) rendered to None"),
        (["a.pdf", 7], r"document \(number 2 of 2\) must be a path"),
        ([["a.pdf"]], "rendered as list"),
        ({"a": "b.pdf"}, "rendered as dict"),
    ],
)
def test_documents_that_are_no_paths_are_refused_and_it_is_said_which(value: Any, which: str) -> None:
    with pytest.raises(FaxDocumentError, match=which):
        read_documents(hide(value))


def test_switches_and_durations_may_be_text(send: Any, fax_connections: Any) -> None:
    told = send(
        "interfax",
        fax_number="+999-9999-6017",
        raise_on_failure="False",
        wait_for_completion="True",
        deferrable="False",
        cancel_on_kill="no",
        poll_interval="60",
        completion_timeout="3600",
        lookup_grace="120.5",
    )
    assert FaxStatus.from_dict(told).outcome == "retryable"
    pending = send("interfax", run_id="another", wait_for_completion="false")
    assert pending["outcome"] == "pending"


@pytest.mark.parametrize("argument", ["wait_for_completion", "deferrable", "raise_on_failure", "cancel_on_kill"])
def test_a_switch_that_is_neither_yes_nor_no_is_refused_when_the_dag_is_parsed(argument: str) -> None:
    with pytest.raises(FaxInputError, match=argument):
        SendFaxOperator(task_id="send", fax_number="+1 202 555 0100", document="x.pdf", **{argument: "perhaps"})


def test_a_sensor_takes_switches_and_durations_as_text() -> None:
    sensor = FaxStatusSensor(
        task_id="wait", job_id="1", deferrable="False", raise_on_failure="True", poke_interval="30", timeout="600"
    )
    assert (sensor.deferrable, sensor.raise_on_failure, sensor.poke_interval, sensor.timeout) == (False, True, 30, 600)


def test_in_real_airflow_nothing_of_any_type_stands_in_the_clear_and_a_mapped_tasks_pages_are_one_fax(
    run_dag: Any, fax_connections: Any
) -> None:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    dag_run = run_dag("tests/dags/template_types.py", {})
    states = {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances() if ti.task_id != "page"}
    assert {task_id for task_id, state in states.items() if state == "success"} == {"mapped_pages"}
    [fax] = fax_connections.faxes()
    assert (fax["recipient"], len(fax["documents"])) == ("+12025550177", 2)
    with create_session() as session:
        rows = session.query(RenderedTaskInstanceFields).filter_by(run_id=dag_run.run_id).all()
        shown = " ".join(str(row.rendered_fields) for row in rows)
    for number in range(170, 178):
        assert f"2025550{number}" not in shown
        assert f"202 555 0{number}" not in shown
