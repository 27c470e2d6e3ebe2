"""Sending one logical fax once, whatever happens in between, and telling what became of it."""

from __future__ import annotations

import json
import logging
import shutil
import traceback
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    ObjectStoragePath,
    TaskDeferred,
)
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import VENDORS

from airflow_provider_faxto.exceptions import (
    FaxAccountStoppedError,
    FaxAwaitingCreditError,
    FaxFatalError,
    FaxNotSentError,
    FaxPartialError,
    FaxPermanentError,
    FaxRetryableError,
    FaxUnknownOutcomeError,
)
from airflow_provider_faxto.fax import SendOptions
from airflow_provider_faxto.fax.errors import FaxInputError, FaxNumberError, FaxUnsupportedError
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.operators.arguments import read_resend
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

NEVER_ENDING = "+1 202 555 0106"
NUMBERS = {
    ("faxto", "success"): "+1 202 555 0100",
    ("faxto", "retryable"): "+1 202 555 0102",
    ("faxto", "fatal"): "+1 202 555 0104",
    ("faxto", "unknown"): "+1 202 555 0108",
    ("interfax", "success"): "+999-9999-0",
    ("interfax", "retryable"): "+999-9999-6017",
    ("interfax", "fatal"): "+999-9999-6001",
    ("interfax", "unknown"): "+999-9999-4711",
    ("extrafax", "success"): "+999-9999-0",
    ("extrafax", "retryable"): "+999-9999-6017",
    ("extrafax", "fatal"): "+999-9999-6001",
    ("extrafax", "unknown"): "+999-9999-4711",
}
ERRORS = {"retryable": FaxRetryableError, "fatal": FaxFatalError, "unknown": FaxUnknownOutcomeError}
every_vendor = pytest.mark.parametrize("vendor", VENDORS)
waiting = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferred"])


def asked(simulator: FaxSimulator, *endpoints: str) -> int:
    return sum(request["endpoint"] in endpoints for request in simulator.requests())


# One run


@every_vendor
@waiting
def test_a_delivered_fax_is_returned_as_its_final_status(
    *, vendor: str, deferrable: bool, send: Any, fax_connections: FaxSimulator
) -> None:
    told = send(vendor, fax_number=NUMBERS[vendor, "success"], deferrable=deferrable)
    [fax] = fax_connections.faxes()
    assert (told["vendor"], told["job_id"], told["outcome"]) == (vendor, fax["id"], "success")
    assert FaxStatus.from_dict(told).to_dict() == told
    assert send.ti.xcoms["job_id"] == fax["id"]
    assert len(send.deferrals) == deferrable
    assert fax["delivered"]


@waiting
def test_the_final_status_keeps_what_the_vendor_tells_only_when_it_accepts_the_fax(deferrable: bool, send: Any) -> None:
    told = send("faxto", fax_number="+1 202 555 0100", deferrable=deferrable)
    assert told["cost"] == "0.15"
    assert told["reference"].startswith("airflow-")


@waiting
def test_a_resume_without_the_earlier_xcom_still_tells_the_outcome(deferrable: bool, send: Any) -> None:
    told = send(
        "faxto",
        fax_number="+1 202 555 0102",
        deferrable=deferrable,
        raise_on_failure=False,
        between=lambda: send.ti.xcoms.clear(),  # noqa: PLW0108 - there is no task instance yet
    )
    assert told["outcome"] == "retryable"


@every_vendor
def test_without_waiting_the_pending_status_is_returned_at_once(
    vendor: str, send: Any, fax_connections: FaxSimulator, fake_time: Any
) -> None:
    told = send(vendor, fax_number=NUMBERS[vendor, "retryable"], wait_for_completion=False)
    [fax] = fax_connections.faxes()
    assert (told["job_id"], told["outcome"]) == (fax["id"], "pending")
    assert send.ti.xcoms["job_id"] == fax["id"]
    assert (asked(fax_connections, "status"), fake_time.slept) == (0, 0.0)


@every_vendor
@waiting
@pytest.mark.parametrize("outcome", list(ERRORS))
def test_a_failed_fax_raises_the_error_of_its_outcome(
    *, vendor: str, outcome: str, deferrable: bool, send: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(ERRORS[outcome]) as raised:
        send(vendor, fax_number=NUMBERS[vendor, outcome], deferrable=deferrable)
    [fax] = fax_connections.faxes()
    assert raised.value.status.job_id == fax["id"]
    assert raised.value.status.outcome == outcome
    assert fax["id"] in str(raised.value)


@every_vendor
@waiting
@pytest.mark.parametrize("outcome", ["success", *ERRORS])
def test_without_raise_on_failure_the_status_is_returned_whatever_it_is(
    *, vendor: str, outcome: str, deferrable: bool, send: Any
) -> None:
    told = send(vendor, fax_number=NUMBERS[vendor, outcome], deferrable=deferrable, raise_on_failure=False)
    assert told["outcome"] == outcome


def test_airflow_retries_a_retryable_failure_and_no_other() -> None:
    for error in (FaxRetryableError, FaxNotSentError):
        assert issubclass(error, AirflowException)
        assert not issubclass(error, AirflowFailException)
    for error in (FaxFatalError, FaxUnknownOutcomeError, FaxPermanentError):
        assert issubclass(error, AirflowFailException)


@every_vendor
@pytest.mark.parametrize("timeout", [0, 5, 100.0, timedelta(hours=1)])
@waiting
def test_the_completion_time_out_ends_the_wait_as_unknown(
    *, vendor: str, timeout: float | timedelta, deferrable: bool, send: Any, fake_time: Any
) -> None:
    with pytest.raises(FaxUnknownOutcomeError, match="may still go out or may have arrived"):
        send(vendor, fax_number=NEVER_ENDING, completion_timeout=timeout, deferrable=deferrable)
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    assert fake_time.slept == pytest.approx(seconds, abs=1)


@every_vendor
@waiting
def test_the_job_id_is_known_before_the_wait(
    *,
    vendor: str,
    deferrable: bool,
    send: Any,
    fax_connections: FaxSimulator,
    logged: Callable[[], str],
) -> None:
    fax_connections.fault("lost_answer", endpoint="status", times=None)
    with pytest.raises(FaxUnknownOutcomeError) as raised:
        send(vendor, fax_number=NUMBERS[vendor, "success"], completion_timeout=30, deferrable=deferrable)
    [fax] = fax_connections.faxes()
    assert send.ti.xcoms["job_id"] == fax["id"]
    assert fax["id"] in str(raised.value)
    assert f"Fax job {fax['id']} was made" in logged()


def test_what_has_ended_already_is_told_with_one_look(send: Any, fax_connections: FaxSimulator, fake_time: Any) -> None:
    fax_connections.configure(faxto_seconds_ok=0.0)
    assert send("faxto", fax_number="+1 202 555 0100")["outcome"] == "success"
    assert (asked(fax_connections, "status"), fake_time.slept) == (1, 0.0)


def test_a_worker_defers_without_a_look_of_its_own(
    send: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    # A hundred workers that each looked once would spend the account's requests of many minutes.
    operator = send.operator("interfax", deferrable=True)
    with pytest.raises(TaskDeferred):
        operator.execute({"ti": task_instance(operator)})
    assert asked(fax_connections, "send") == 1
    assert asked(fax_connections, "status", "completed") == 0


def test_airflow_is_asked_to_end_a_deferred_wait_only_long_after_the_trigger_should_have(send: Any) -> None:
    send("faxto", fax_number="+1 202 555 0100", deferrable=True, completion_timeout=3600, poll_interval=60)
    [deferral] = send.deferrals
    assert timedelta(seconds=3600 + 120) < deferral.timeout < timedelta(seconds=3600 + 600)


@pytest.mark.parametrize("cancel_on_kill", [True, False])
def test_the_trigger_of_the_task_that_sent_may_cancel_its_fax_unless_told_not_to(
    *, cancel_on_kill: bool, send: Any
) -> None:
    send("faxto", fax_number="+1 202 555 0100", deferrable=True, cancel_on_kill=cancel_on_kill)
    [deferral] = send.deferrals
    _, kwargs = deferral.trigger.serialize()
    assert kwargs.keys() == {"job_id", "fax_conn_id", "poll_interval", "deadline", "cancel_on_kill", "reference"}
    assert kwargs["cancel_on_kill"] is cancel_on_kill


def test_no_number_and_no_name_of_a_document_is_logged(
    send: Any, tmp_path: Path, letter: str, logged: Callable[[], str]
) -> None:
    document = tmp_path / "jane_doe_results.pdf"
    shutil.copy(letter, document)
    send("interfax", fax_number="+1 202 555 0141", document=str(document), fax_label="clinic 7")
    log = logged()
    assert "+*******0141" in log
    assert "clinic 7" in log
    for private in ("2025550141", "202 555 0141", "jane_doe"):
        assert private not in log


# What the vendor is told


EVERY_OPTION = {
    "sender_id": "Clinic 7",
    "contact": "Records",
    "page_size": "letter",
    "page_orientation": "landscape",
    "fit_to_page": "noscale",
    "resolution": "fine",
    "rendering": "bw",
    "page_header": "To: {To}",
    "reply_address": "records@example.com",
    "retries_at_vendor": 2,
    "postpone_until": "2020-01-01T08:00:00+01:00",
}
TOLD = {
    "csid": "Clinic 7",
    "contact": "Records",
    "pageSize": "letter",
    "pageOrientation": "landscape",
    "fitToPage": "noscale",
    "resolution": "fine",
    "rendering": "bw",
    "pageHeader": "To: {To}",
    "replyAddress": "records@example.com",
    "retriesToPerform": "2",
    "postponeTime": "2020-01-01T07:00:00Z",
}


def told(fax: dict[str, Any]) -> dict[str, str]:
    """What the vendor was told beside number and key."""
    assert fax["unknown_parameters"] == []
    return {name: value for name, value in fax["parameters"].items() if name not in ("faxNumber", "reference")}


@pytest.mark.parametrize(
    "form", [dict, SendOptions, json.dumps, str, lambda options: f"  {options}\n"], ids=lambda form: form.__name__
)
def test_every_option_that_the_vendor_takes_reaches_it(form: Any, send: Any, fax_connections: FaxSimulator) -> None:
    send("interfax", options=form(EVERY_OPTION))
    [fax] = fax_connections.faxes()
    assert told(fax) == TOLD


def test_fax_to_takes_a_sender_and_deletes_afterwards(send: Any, fax_connections: FaxSimulator) -> None:
    options = {"sender_id": "+1 202 555 0199", "delete_after_sending": "True"}
    send("faxto", fax_number="+1 202 555 0100", options=options)
    [fax] = fax_connections.faxes()
    assert fax["unknown_parameters"] == []
    assert len(fax["parameters"]) == 2


@pytest.mark.parametrize(
    "options", [None, {}, "", " ", "None", "null", "{}", {"contact": None, "page_size": "", "resolution": "None"}]
)
def test_what_is_empty_sets_nothing(options: Any, send: Any, fax_connections: FaxSimulator) -> None:
    send("interfax", options=options)
    [fax] = fax_connections.faxes()
    assert told(fax) == {}


def test_a_fax_that_the_vendor_is_to_send_later_is_waited_for(send: Any, fax_connections: FaxSimulator) -> None:
    later = pendulum.now("UTC").add(hours=3)
    assert send("interfax", options={"postpone_until": str(later)})["outcome"] == "success"
    [fax] = fax_connections.faxes()
    assert told(fax) == {"postponeTime": later.format("YYYY-MM-DD[T]HH:mm:ss[Z]")}


@pytest.mark.parametrize(("vendor", "days"), [("interfax", 31), ("extrafax", 15)])
def test_a_fax_that_is_to_be_sent_too_late_is_refused_by_the_vendor_and_not_sent(
    vendor: str, days: int, send: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError, match="-114"):
        send(vendor, options={"postpone_until": pendulum.now("UTC").add(days=days)})
    assert fax_connections.faxes() == []


@pytest.mark.parametrize(
    ("vendor", "option", "value"),
    [
        *(("faxto", option, EVERY_OPTION[option]) for option in EVERY_OPTION if option != "sender_id"),
        ("interfax", "delete_after_sending", True),
        ("extrafax", "delete_after_sending", False),
        ("interfax", "colour", "red"),
    ],
)
def test_an_option_that_the_vendor_has_no_use_for_is_named_and_nothing_is_sent(
    *, vendor: str, option: str, value: object, send: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError, match=f"has no use for {option}") as raised:
        send(vendor, fax_number=NUMBERS[vendor, "success"], options={option: value})
    assert isinstance(raised.value.reason, FaxUnsupportedError)
    assert fax_connections.requests() == []


@pytest.mark.parametrize(
    ("vendor", "option", "value"),
    [
        ("interfax", "page_size", "a3"),
        ("interfax", "page_orientation", "upright"),
        ("interfax", "resolution", "best"),
        ("interfax", "rendering", "colour"),
        ("interfax", "retries_at_vendor", 0),
        ("interfax", "retries_at_vendor", "often"),
        ("interfax", "sender_id", "x" * 200),
        ("extrafax", "page_header", "Jane\nDoe"),
        ("faxto", "sender_id", "Jane\nDoe"),
        ("faxto", "delete_after_sending", "perhaps"),
    ],
)
def test_a_value_that_the_vendor_does_not_take_is_an_error_and_nothing_is_sent(
    *, vendor: str, option: str, value: object, send: Any, fax_connections: FaxSimulator
) -> None:
    label = {"faxto": "Fax.to", "interfax": "InterFAX", "extrafax": "ExtraFax Cloud"}[vendor]
    with pytest.raises(FaxPermanentError, match=f"{label} takes {option} ") as raised:
        send(vendor, fax_number=NUMBERS[vendor, "success"], options={option: value})
    assert "Jane" not in str(raised.value)
    assert fax_connections.requests() == []


def test_an_option_that_is_misspelt_is_refused_when_the_dag_is_parsed(send: Any) -> None:
    with pytest.raises(FaxInputError, match=r"no option resolutoin\. Did you mean resolution\?"):
        send.operator(options={"resolutoin": "{{ params.resolution }}"})


@pytest.mark.parametrize(
    "options", ['{"resolutoin": "fine"}', "fine", "[1]", "0", "resolution=fine", "{'a': ", 5, True, ["resolution"]]
)
def test_what_a_template_makes_of_the_options_is_read_before_anything_is_sent(
    options: Any, send: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError, match="option") as raised:
        send("interfax", options=options)
    assert isinstance(raised.value.reason, FaxInputError)
    assert fax_connections.requests() == []


@pytest.mark.airflow
def test_in_real_airflow_options_are_rendered_in_every_form(
    run_dag: Callable[..., Any], fax_connections: FaxSimulator
) -> None:
    tasks = _tasks(run_dag("tests/dags/options.py"))
    assert {key for key, ti in tasks.items() if str(ti.state) != "success"} == set()
    job_of = {key: ti.xcom_pull(task_ids=key[0], key="job_id", map_indexes=key[1]) for key, ti in tasks.items()}
    fax_of = {fax["id"]: told(fax) for fax in fax_connections.faxes()}
    letter = {"pageSize": "letter"}
    untouched = {"pageSize": "letter", "contact": "{{ 1 + 1 }}"}
    # Read from the database, the text of digits is a number on some releases.
    assert {key: fax_of[str(job_id)] for key, job_id in job_of.items() if job_id} == {
        ("mapping", -1): letter,
        ("value", -1): letter,
        ("text", -1): letter,
        ("json", -1): letter,
        ("nothing", -1): {},
        ("from_task", -1): untouched,
        ("mapped_literal", 0): letter,
        ("mapped_literal", 1): letter,
        ("mapped_literal", 2): {},
        ("mapped_task", 0): letter,
        ("mapped_task", 1): untouched,
        ("shared", 0): letter,
    }


@pytest.mark.airflow
def test_in_real_airflow_options_may_be_rendered_to_python_values(
    run_dag: Callable[..., Any], fax_connections: FaxSimulator
) -> None:
    tasks = _tasks(run_dag("tests/dags/options_native.py"))
    assert {key for key, ti in tasks.items() if str(ti.state) != "success"} == set()
    assert sorted(map(told, fax_connections.faxes()), key=len) == [
        {},
        {"pageSize": "letter"},
        {"retriesToPerform": "2", "pageSize": "letter"},
    ]


def test_several_documents_are_one_fax_in_their_order(send: Any, letter: str, fax_connections: FaxSimulator) -> None:
    report = str(Path(letter).with_name("report.pdf"))
    told = send("interfax", document=[report, letter])
    [fax] = fax_connections.faxes()
    assert [document["size"] for document in fax["documents"]] == [
        Path(each).stat().st_size for each in (report, letter)
    ]
    assert told["outcome"] == "success"


def test_several_documents_are_an_error_where_the_vendor_takes_one(
    send: Any, letter: str, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError, match="takes 1 document"):
        send("faxto", fax_number="+1 202 555 0100", document=[letter, letter])
    assert fax_connections.requests() == []


@pytest.mark.parametrize(
    "kind", [str, Path, lambda path: f"file://{path}", lambda path: ObjectStoragePath(f"file://{path}")]
)
def test_a_document_may_be_named_in_every_way_that_airflow_knows(
    kind: Callable[[str], Any], send: Any, letter: str, tmp_path: Path, fax_connections: FaxSimulator
) -> None:
    document = tmp_path / "a letter.pdf"
    shutil.copy(letter, document)
    assert send("interfax", document=kind(str(document)))["outcome"] == "success"
    [fax] = fax_connections.faxes()
    assert fax["documents"][0]["size"] == document.stat().st_size


# What is wrong before anything is sent


@pytest.mark.parametrize(
    "fax_number", ["", "   ", "fax", "555 0100", "+1 202 555", "+1 202 555 0100 ext. 7", None, 12025550100]
)
@every_vendor
def test_a_number_that_is_none_is_an_error_and_nothing_is_sent(
    vendor: str, fax_number: Any, send: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError) as raised:
        send(vendor, fax_number=fax_number)
    assert isinstance(raised.value.reason, FaxNumberError)
    assert "2025550100" not in str(raised.value)
    assert fax_connections.requests() == []


def _empty(folder: Path) -> Path:
    (folder / "jane_doe.pdf").touch()
    return folder / "jane_doe.pdf"


def _no_pdf(folder: Path) -> Path:
    (folder / "jane_doe.pdf").write_text("Dear Jane")
    return folder / "jane_doe.pdf"


def _another_type(folder: Path) -> Path:
    (folder / "jane_doe.exe").write_text("MZ")
    return folder / "jane_doe.exe"


def _too_large(folder: Path) -> Path:
    with (folder / "jane_doe.pdf").open("wb") as file:
        file.write(b"%PDF-1.4\n")
        file.truncate(200 * 1024 * 1024)
    return folder / "jane_doe.pdf"


def _folder(folder: Path) -> Path:
    (folder / "jane_doe.pdf").mkdir()
    return folder / "jane_doe.pdf"


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: folder / "jane_doe.pdf",
        lambda folder: f"file://{folder}/jane_doe.pdf",
        lambda folder: "nowhere://jane_doe.pdf",
        lambda folder: [],
        lambda folder: "",
        lambda folder: None,
        _empty,
        _no_pdf,
        _another_type,
        _too_large,
        _folder,
    ],
    ids=["missing", "missing-url", "bad-scheme", "none", "blank", "null", "empty", "no-pdf", "type", "size", "folder"],
)
@every_vendor
def test_a_document_that_cannot_be_faxed_is_an_error_and_nothing_is_sent(
    *,
    vendor: str,
    make: Callable[[Path], Any],
    tmp_path: Path,
    send: Any,
    fax_connections: FaxSimulator,
    logged: Callable[[], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    # At DEBUG it tells what it opens. In a task's log that is masked, as in the rendered fields.
    caplog.set_level(logging.INFO, "fsspec")
    with pytest.raises(FaxPermanentError) as raised:
        send(vendor, fax_number=NUMBERS[vendor, "success"], document=make(tmp_path))
    assert isinstance(raised.value.reason, FaxInputError)
    assert fax_connections.requests() == []
    error: BaseException | None = raised.value
    while error is not None:
        assert "jane_doe" not in repr(error)
        error = error.__cause__ or error.__context__
    assert "jane_doe" not in logged()


# What is about one fax has a status, also where no fax job came of it.
NEVER_SENT = {
    "no-number": ({"fax_number": "fax"}, "invalid_number"),
    "null-number": ({"fax_number": None}, "invalid_number"),
    "no-document": ({"document": "jane_doe.pdf"}, "invalid_document"),
    "null-document": ({"document": None}, "invalid_document"),
    "refused": ({"options": {"postpone_until": "2099-01-01T00:00:00Z"}}, "refused"),
}


@pytest.mark.parametrize("case", list(NEVER_SENT))
def test_a_fax_that_cannot_be_sent_is_a_fatal_status_where_failures_are_returned(
    case: str, send: Any, fax_connections: FaxSimulator, logged: Callable[[], str]
) -> None:
    kwargs, cause = NEVER_SENT[case]
    told = send("interfax", raise_on_failure=False, **kwargs)
    assert (told["vendor"], told["outcome"], told["cause"], told["job_id"]) == ("interfax", "fatal", cause, None)
    assert FaxStatus.from_dict(told).to_dict() == told
    assert told["message"]
    assert fax_connections.faxes() == []
    assert f"No fax was sent at InterFAX (interfax_default) (cause {cause})." in logged()
    assert "jane_doe" not in logged() + told["message"]


@pytest.mark.parametrize("case", list(NEVER_SENT))
def test_a_fax_that_cannot_be_sent_has_its_status_in_xcom_and_error_where_failures_raise(
    case: str, send: Any, fax_connections: FaxSimulator
) -> None:
    kwargs, cause = NEVER_SENT[case]
    with pytest.raises(FaxPermanentError) as raised:
        send("interfax", **kwargs)
    assert raised.value.status.cause == cause
    assert send.ti.xcoms["return_value"] == raised.value.status.to_dict()
    assert fax_connections.faxes() == []


@pytest.mark.parametrize("kwargs", [{"fax_number": "fax"}, {"document": "gone.pdf"}], ids=["number", "document"])
def test_a_retry_that_cannot_send_does_not_say_that_the_fax_of_an_earlier_run_has_failed(
    kwargs: Any, send: Any, fax_connections: FaxSimulator
) -> None:
    send("interfax", wait_for_completion=False)
    told = send("interfax", try_number=2, raise_on_failure=False, **kwargs)
    assert (told["outcome"], told["cause"], told["job_id"]) == ("unknown", None, None)
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize(
    "kwargs",
    [{"options": {"page_size": "a9"}}, {"idempotency_key": 1.5}, {"resend_partial": "perhaps"}],
    ids=["option", "key", "switch"],
)
def test_what_is_about_the_set_up_raises_whatever_is_asked_for(kwargs: Any, send: Any) -> None:
    with pytest.raises(FaxPermanentError) as raised:
        send("interfax", raise_on_failure=False, **kwargs)
    assert raised.value.status is None
    assert "return_value" not in send.ti.xcoms


@waiting
def test_a_job_that_the_vendor_no_longer_knows_is_unknown_where_failures_are_returned(
    *, deferrable: bool, send: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault("server_error", endpoint="status", http_status=404, body="vendor", times=None)
    told = send("interfax", deferrable=deferrable, raise_on_failure=False)
    [fax] = fax_connections.faxes()
    assert (told["outcome"], told["job_id"]) == ("unknown", fax["id"])


def test_the_log_says_what_is_sent_to_whom_and_until_when_it_waits(
    send: Any, fax_connections: FaxSimulator, logged: Callable[[], str]
) -> None:
    told = send("interfax", fax_label="clinic-3", retries=3, completion_timeout=3600)
    said = logged()
    assert "Fax clinic-3 for +****9990 at InterFAX (interfax_default): attempt 1 of 4, 1 document(s), " in said
    assert f"Fax job {told['job_id']} at InterFAX (interfax_default): waiting until " in said
    assert f"Fax job {told['job_id']} at InterFAX (interfax_default) was delivered. " in said


def test_a_long_wait_says_every_ten_minutes_that_it_goes_on(
    send: Any, fax_connections: FaxSimulator, logged: Callable[[], str]
) -> None:
    send("faxto", fax_number=NEVER_ENDING, completion_timeout=3600, raise_on_failure=False)
    assert logged().count("is still waited for: ") in (5, 6)


@pytest.mark.parametrize(
    ("kwargs", "shown"),
    [
        ({"fax_number": "+999-9999-6017", "fax_label": "clinic-3"}, "clinic-3: busy"),
        ({"fax_label": "clinic-3"}, "clinic-3: success"),
        ({"fax_number": "fax"}, "send: invalid_number"),
    ],
)
def test_a_map_index_can_show_the_label_and_what_became_of_the_fax(
    *, kwargs: Any, shown: str, send: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    operator = send.operator("interfax", raise_on_failure=False, **kwargs)
    context: Any = {"ti": task_instance(operator)}
    operator.execute(context)
    assert context["fax_result"] == shown


@every_vendor
def test_a_refused_password_names_the_connection(
    vendor: str, send: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**fax_connections.connection(vendor), "password": "wrong"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(wrong))
    with pytest.raises(FaxAccountStoppedError, match=f"^Connection '{vendor}_default': "):
        send(vendor, fax_number=NUMBERS[vendor, "success"])


def test_the_log_of_a_failed_task_shows_one_error_and_no_frames_of_the_package(send: Any) -> None:
    with pytest.raises(FaxPermanentError) as raised:
        send("interfax", fax_number="fax")
    error = raised.value
    shown = "".join(traceback.format_exception(error))
    assert shown.count("FaxNumberError") == 1
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "airflow_provider_faxto/" in one.filename]
    assert len(frames) <= 3


@every_vendor
def test_a_password_that_is_wrong_sends_nothing_and_is_tried_once(
    vendor: str, send: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**fax_connections.connection(vendor), "password": "wrong+secret/1"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(wrong))
    for raise_on_failure in (True, False, True):
        with pytest.raises(FaxAccountStoppedError) as raised:
            send(vendor, fax_number=NUMBERS[vendor, "success"], raise_on_failure=raise_on_failure)
        # Airflow retries it.
        assert not isinstance(raised.value, AirflowFailException)
        assert "wrong" not in str(raised.value)
    assert len(fax_connections.requests()) == 1
    assert fax_connections.faxes() == []
    monkeypatch.setenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT", json.dumps(fax_connections.connection(vendor)))
    send(vendor, fax_number=NUMBERS[vendor, "success"])
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("raises", [True, False])
def test_a_send_without_credit_fails_at_once_where_the_connection_says_so(
    *, raises: bool, send: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.configure(faxto_balance=0.0)
    fax_connections.set_airflow_connections(monkeypatch, when_out_of_credit="fail")
    for _ in range(2):
        if raises:
            with pytest.raises(FaxPermanentError, match="the account has no credit") as raised:
                send("faxto", fax_number=NUMBERS["faxto", "success"])
            told = raised.value.status.to_dict()
        else:
            told = send("faxto", fax_number=NUMBERS["faxto", "success"], raise_on_failure=False)
        assert (told["outcome"], told["cause"], told["job_id"]) == ("fatal", "out_of_credit", None)
    assert [request["endpoint"] for request in fax_connections.requests()].count("send") == 1


@pytest.mark.parametrize("raises", [True, False])
def test_a_send_without_credit_is_retried_by_airflow_where_the_connection_says_so(
    *, raises: bool, send: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.configure(faxto_balance=0.0)
    fax_connections.set_airflow_connections(monkeypatch, when_out_of_credit="wait")
    with pytest.raises(FaxAwaitingCreditError) as raised:
        send("faxto", fax_number=NUMBERS["faxto", "success"], raise_on_failure=raises)
    assert not isinstance(raised.value, AirflowFailException)


def test_a_missing_connection_is_airflows_own_error(send: Any, airflow_database: None) -> None:
    with pytest.raises(AirflowNotFoundException):
        send("no_such_connection")


@pytest.mark.parametrize(
    "kwargs",
    [
        {"poll_interval": 0},
        {"poll_interval": -1},
        {"poll_interval": "6O"},
        {"poll_interval": True},
        {"completion_timeout": -1},
        {"completion_timeout": float("inf")},
        {"completion_timeout": float("nan")},
        {"completion_timeout": "tomorrow"},
        {"completion_timeout": None},
        {"lookup_grace": -1},
    ],
)
def test_a_duration_that_is_none_is_refused_when_the_dag_is_parsed(kwargs: dict[str, Any]) -> None:
    with pytest.raises(FaxInputError, match=next(iter(kwargs))):
        SendFaxOperator(task_id="send", fax_number="+1 202 555 0100", document="x.pdf", **kwargs)


def _branch(task_id: str = "branch", **kwargs: Any) -> FaxOutcomeBranchOperator:
    return FaxOutcomeBranchOperator(task_id=task_id, **_branches(**kwargs))


def _branches(**kwargs: Any) -> dict[str, Any]:
    return {
        "follow_task_ids_if_success": "archive",
        "follow_task_ids_if_retryable": "later",
        "follow_task_ids_if_fatal": "person",
        **kwargs,
    }


def _send_operator(letter: str) -> SendFaxOperator:
    return SendFaxOperator(task_id="send", fax_number="+999-9999-0", document=letter, fax_conn_id="interfax_default")


def _targets() -> list[Any]:
    from airflow.providers.common.compat.sdk import BaseOperator

    return [BaseOperator(task_id=name) for name in ("archive", "later", "person")]


def _misspelt_behind(letter: str) -> SendFaxOperator:
    with DAG("faxes", schedule=None):
        send = _send_operator(letter)
        send >> _branch(status=0, follow_task_ids_if_fatal="persn") >> _targets()
    return send


def _misspelt_further_behind(letter: str) -> SendFaxOperator:
    from airflow.providers.common.compat.sdk import BaseOperator

    with DAG("faxes", schedule=None):
        send = _send_operator(letter)
        send >> BaseOperator(task_id="between") >> _branch(status=0, follow_task_ids_if_unknown="nobody") >> _targets()
    return send


def _mapped_subclass(letter: str) -> SendFaxOperator:
    class OurBranch(FaxOutcomeBranchOperator):
        pass

    with DAG("faxes", schedule=None):
        send = _send_operator(letter)
        send >> OurBranch.partial(task_id="branch", **_branches()).expand(status=[0]) >> _targets()
    return send


def _group_forgotten(letter: str) -> SendFaxOperator:
    from airflow.providers.common.compat.sdk import TaskGroup

    with DAG("faxes", schedule=None):
        send = _send_operator(letter)
        with TaskGroup("follow"):
            branch = _branch(status=0)
            branch >> _targets()
        send >> branch
    return send


def _not_wired(letter: str) -> SendFaxOperator:
    with DAG("faxes", schedule=None):
        send = _send_operator(letter)
        archive, later, person = _targets()
        send >> _branch(status=0) >> [archive, later]
        later >> person
    return send


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (_misspelt_behind, "persn"),
        (_misspelt_further_behind, "nobody"),
        (_mapped_subclass, "branch"),
        (_group_forgotten, "archive"),
        (_not_wired, "person"),
    ],
)
def test_a_branch_that_cannot_work_is_found_before_anything_is_sent(
    make: Callable[[str], SendFaxOperator],
    wrong: str,
    letter: str,
    task_instance: Any,
    fax_connections: FaxSimulator,
) -> None:
    operator = make(letter)
    with pytest.raises(FaxPermanentError, match=f"'{wrong}'"):
        operator.execute({"ti": task_instance(operator)})
    assert fax_connections.requests() == []


# A second run


@every_vendor
def test_a_pending_attempt_is_adopted(vendor: str, send: Any, fax_connections: FaxSimulator) -> None:
    first = send(vendor, fax_number=NUMBERS[vendor, "success"], wait_for_completion=False)
    again = send(vendor, fax_number=NUMBERS[vendor, "success"], try_number=2)
    assert (again["job_id"], again["outcome"]) == (first["job_id"], "success")
    assert send.ti.xcoms["job_id"] == first["job_id"]
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_without_waiting_an_adopted_attempt_is_returned_as_pending(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "success"]
    first = send(vendor, fax_number=number, wait_for_completion=False)
    again = send(vendor, fax_number=number, wait_for_completion=False, try_number=2)
    assert (again["job_id"], again["outcome"]) == (first["job_id"], "pending")
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_a_delivered_attempt_is_returned(vendor: str, send: Any, fax_connections: FaxSimulator, fake_time: Any) -> None:
    first = send(vendor, fax_number=NUMBERS[vendor, "success"])
    slept = fake_time.slept
    again = send(vendor, fax_number=NUMBERS[vendor, "success"], try_number=2)
    assert (again["job_id"], again["outcome"]) == (first["job_id"], "success")
    assert len(fax_connections.faxes()) == 1
    assert fake_time.slept == slept


@every_vendor
@pytest.mark.parametrize(("outcome", "is_cleared"), [("retryable", False), ("retryable", True), ("fatal", True)])
def test_a_failed_attempt_is_followed_by_another_at_once(
    *, vendor: str, outcome: str, is_cleared: bool, send: Any, fax_connections: FaxSimulator, fake_time: Any
) -> None:
    first = send(vendor, fax_number=NUMBERS[vendor, outcome], raise_on_failure=False)
    slept = fake_time.slept
    again = send(
        vendor,
        fax_number=NUMBERS[vendor, outcome],
        wait_for_completion=False,
        try_number=2,
        is_cleared=is_cleared,
    )
    assert again["job_id"] != first["job_id"]
    assert len(fax_connections.faxes()) == 2
    # As many jobs as runs: none can be missing, so there is nothing to wait for.
    assert fake_time.slept == slept


@every_vendor
def test_airflows_own_retry_reports_what_failed_for_good_while_its_worker_was_dead(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    first = send(vendor, fax_number=NUMBERS[vendor, "fatal"], wait_for_completion=False)
    fax_connections.finish()
    with pytest.raises(FaxFatalError):
        send(vendor, fax_number=NUMBERS[vendor, "fatal"], try_number=2)
    told = send(vendor, fax_number=NUMBERS[vendor, "fatal"], try_number=3, raise_on_failure=False)
    assert (told["job_id"], told["outcome"]) == (first["job_id"], "fatal")
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_without_raise_on_failure_airflows_own_retry_returns_what_failed_while_its_worker_was_dead(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "retryable"]
    first = send(vendor, fax_number=number, wait_for_completion=False)
    fax_connections.finish()
    told = send(vendor, fax_number=number, try_number=2, raise_on_failure=False)
    assert (told["job_id"], told["outcome"]) == (first["job_id"], "retryable")
    assert len(fax_connections.faxes()) == 1
    # A user's clear is another matter.
    again = send(vendor, fax_number=number, try_number=3, is_cleared=True, raise_on_failure=False)
    assert again["job_id"] != first["job_id"]


@every_vendor
def test_a_canceled_attempt_is_followed_by_another(vendor: str, send: Any, fax_connections: FaxSimulator) -> None:
    if vendor == "faxto":
        pytest.skip("Fax.to offers no cancel")
    from airflow_provider_faxto.hooks.fax import FaxHook

    first = send(vendor, fax_number=NUMBERS[vendor, "success"], wait_for_completion=False)
    FaxHook.for_connection(f"{vendor}_default").cancel_fax(first["job_id"])
    assert send(vendor, fax_number=NUMBERS[vendor, "success"], try_number=2)["outcome"] == "success"
    assert len(fax_connections.faxes()) == 2


@every_vendor
@pytest.mark.parametrize("wait_for_completion", [True, False])
def test_an_attempt_of_which_nobody_can_tell_stops_everything(
    *, vendor: str, wait_for_completion: bool, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "unknown"]
    with pytest.raises(FaxUnknownOutcomeError):
        send(vendor, fax_number=number)
    [fax] = fax_connections.faxes()
    with pytest.raises(FaxUnknownOutcomeError, match=f"{fax['id']}.*resend"):
        send(vendor, fax_number=number, wait_for_completion=wait_for_completion, try_number=2)
    assert send.ti.xcoms["job_id"] == fax["id"]
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_without_raise_on_failure_a_second_run_hands_on_the_unknown_outcome_too(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "unknown"]
    first = send(vendor, fax_number=number, raise_on_failure=False)
    again = send(vendor, fax_number=number, raise_on_failure=False, try_number=2)
    assert (again["outcome"], again["job_id"]) == ("unknown", first["job_id"])
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_proven_absence_leads_to_a_send_after_the_grace(
    vendor: str, send: Any, fax_connections: FaxSimulator, fake_time: Any
) -> None:
    # The first run ended before it sent anything.
    told = send(vendor, fax_number=NUMBERS[vendor, "success"], wait_for_completion=False, try_number=2)
    assert told["outcome"] == "pending"
    assert len(fax_connections.faxes()) == 1
    assert 120 <= fake_time.slept + 0.5 < 125


@every_vendor
def test_records_that_lag_behind_are_waited_for(vendor: str, send: Any, fax_connections: FaxSimulator) -> None:
    fax_connections.configure(faxto_history_lag=60.0, faxto_files_lag=60.0, interfax_search_lag=60.0)
    number = NUMBERS[vendor, "success"]
    first = send(vendor, fax_number=number, wait_for_completion=False)
    again = send(vendor, fax_number=number, wait_for_completion=False, try_number=2)
    assert again["job_id"] == first["job_id"]
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize(("vendor", "endpoint"), [("faxto", "history"), ("interfax", "search"), ("extrafax", "search")])
def test_records_that_cannot_be_read_prove_nothing(
    vendor: str, endpoint: str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "success"]
    send(vendor, fax_number=number, wait_for_completion=False)
    fax_connections.fault("server_error", vendor=vendor, endpoint=endpoint, times=None)
    with pytest.raises(FaxUnknownOutcomeError, match="may exist"):
        send(vendor, fax_number=number, try_number=2)
    assert len(fax_connections.faxes()) == 1


@every_vendor
@pytest.mark.parametrize("fault", ["lost_answer", "truncated", "garbled_id"])
@waiting
def test_a_lost_answer_is_not_a_failed_fax(
    *, vendor: str, fault: str, deferrable: bool, send: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault(fault, vendor=vendor, endpoint="send")
    told = send(vendor, fax_number=NUMBERS[vendor, "success"], deferrable=deferrable)
    [fax] = fax_connections.faxes()
    assert (told["job_id"], told["outcome"]) == (fax["id"], "success")
    assert asked(fax_connections, "send") == 1


@every_vendor
def test_a_server_error_after_the_fax_was_accepted_is_not_a_failed_fax(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault("server_error", vendor=vendor, endpoint="send", when="after")
    assert send(vendor, fax_number=NUMBERS[vendor, "success"])["outcome"] == "success"
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_a_send_that_did_not_arrive_is_told_as_such_and_the_retry_sends(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "success"]
    fax_connections.fault("reset", vendor=vendor, endpoint="send")
    with pytest.raises(FaxNotSentError, match="did not arrive"):
        send(vendor, fax_number=number)
    assert fax_connections.faxes() == []
    assert send(vendor, fax_number=number, try_number=2)["outcome"] == "success"
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_an_uncertain_send_whose_records_cannot_be_read_is_unknown(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault("lost_answer", vendor=vendor, endpoint="send")
    endpoint = "history" if vendor == "faxto" else "search"
    fax_connections.fault("server_error", vendor=vendor, endpoint=endpoint, times=None)
    with pytest.raises(FaxUnknownOutcomeError, match="may exist") as raised:
        send(vendor, fax_number=NUMBERS[vendor, "success"])
    assert (raised.value.status.outcome, raised.value.status.job_id) == ("unknown", None)
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_an_uncertain_send_is_a_status_to_branch_on_where_failures_are_returned(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    fax_connections.fault("lost_answer", vendor=vendor, endpoint="send")
    endpoint = "history" if vendor == "faxto" else "search"
    fax_connections.fault("server_error", vendor=vendor, endpoint=endpoint, times=None)
    told = send(vendor, fax_number=NUMBERS[vendor, "success"], raise_on_failure=False)
    assert (told["vendor"], told["outcome"], told["job_id"], told["cause"]) == (vendor, "unknown", None, None)
    assert "may exist" in told["message"]
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_an_uncertain_send_that_failed_is_a_failed_fax(vendor: str, send: Any, fax_connections: FaxSimulator) -> None:
    fax_connections.fault("lost_answer", vendor=vendor, endpoint="send")
    with pytest.raises(FaxRetryableError):
        send(vendor, fax_number=NUMBERS[vendor, "retryable"])
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_each_retry_of_a_busy_number_is_one_attempt(vendor: str, send: Any, fax_connections: FaxSimulator) -> None:
    for run in (1, 2, 3):
        with pytest.raises(FaxRetryableError):
            send(vendor, fax_number=NUMBERS[vendor, "retryable"], try_number=run)
        assert len(fax_connections.faxes()) == run


@every_vendor
@pytest.mark.parametrize("resend", [True, "True", "yes", "2", "because the machine had no paper"])
def test_a_delivered_fax_is_sent_again_on_the_users_word_and_once(
    *, vendor: str, resend: bool | str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "success"]
    first = send(vendor, fax_number=number)
    second = send(vendor, fax_number=number, try_number=2, resend=resend)
    assert second["job_id"] != first["job_id"]
    third = send(vendor, fax_number=number, try_number=3, resend=resend)
    assert third["job_id"] == second["job_id"]
    assert len(fax_connections.faxes()) == 2


@pytest.mark.parametrize("resend", [False, "False", "false", "", " ", "no", "None", "0", None])
def test_what_means_no_does_not_send_again(resend: Any, send: Any, fax_connections: FaxSimulator) -> None:
    send("interfax")
    send("interfax", try_number=2, resend=resend)
    assert len(fax_connections.faxes()) == 1


@given(st.text(), st.text())
def test_each_text_stands_for_one_resend(one: str, other: str) -> None:
    assert read_resend(one) == read_resend(f" {one} ")
    if one.strip().lower() == other.strip().lower():
        assert bool(read_resend(one)) == bool(read_resend(other))
    elif len(one.strip()) > 5 and len(other.strip()) > 5 and one.strip() != other.strip():
        assert read_resend(one) != read_resend(other)


@every_vendor
def test_a_corrected_number_is_a_new_fax(vendor: str, send: Any, fax_connections: FaxSimulator) -> None:
    send(vendor, fax_number="+1 202 555 0150")
    send(vendor, fax_number="+1 202 555 0151", try_number=2, is_cleared=True)
    assert [fax["recipient"] for fax in fax_connections.faxes()] == ["+12025550150", "+12025550151"]


@every_vendor
def test_the_same_number_written_otherwise_is_the_same_fax(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    send(vendor, fax_number="+1 202 555 0150")
    send(vendor, fax_number="+1 (202) 555-0150", try_number=2)
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_a_corrected_file_is_a_new_fax_and_a_renamed_one_is_not(
    *, vendor: str, send: Any, letter: str, tmp_path: Path, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "success"]
    send(vendor, fax_number=number)
    renamed = tmp_path / "renamed.pdf"
    shutil.copy(letter, renamed)
    send(vendor, fax_number=number, document=str(renamed), try_number=2)
    assert len(fax_connections.faxes()) == 1
    with renamed.open("ab") as file:
        file.write(b"\n% corrected")
    send(vendor, fax_number=number, document=str(renamed), try_number=2, is_cleared=True)
    assert len(fax_connections.faxes()) == 2


@every_vendor
def test_another_run_and_another_mapped_task_are_other_faxes(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    number = NUMBERS[vendor, "success"]
    for who in ({"run_id": "one"}, {"run_id": "two"}, {"run_id": "two", "map_index": 0}):
        send(vendor, fax_number=number, **who)
        send(vendor, fax_number=number, try_number=2, **who)
    assert len(fax_connections.faxes()) == 3


# In real Airflow


def _tasks(dag_run: Any) -> dict[tuple[str, int], Any]:
    return {(ti.task_id, ti.map_index): ti for ti in dag_run.get_task_instances()}


@pytest.mark.airflow
@every_vendor
def test_in_real_airflow_a_task_that_sent_and_then_failed_does_not_send_again(
    vendor: str, run_dag: Callable[..., Any], fax_connections: FaxSimulator
) -> None:
    fax_connections.set_speed(1000)
    number = NUMBERS[vendor, "success"]
    dag_run = run_dag("tests/dags/sends_then_fails.py", {"fax_number": number, "fax_conn_id": f"{vendor}_default"})
    tasks = _tasks(dag_run)
    assert (str(tasks["send", -1].state), tasks["send", -1].try_number) == ("success", 2)
    [fax] = fax_connections.faxes()
    # What a task downstream sees: the job id as text, under its own key and in the status.
    assert tasks["behind", -1].xcom_pull(task_ids="behind") == {
        "job_id": f"id {fax['id']}",
        "status": f"id {fax['id']}",
    }
    # Nor was anything uploaded twice.
    assert asked(fax_connections, "send") == 1
    assert asked(fax_connections, "upload") == (vendor == "faxto")


@pytest.mark.airflow
def test_in_real_airflow_the_number_and_the_document_are_hidden_in_the_rendered_fields(
    run_dag: Callable[..., Any], fax_connections: FaxSimulator, letter: str, tmp_path: Path
) -> None:
    """Each task has a number and a path of its own, since Airflow hides in all what it was told of one."""
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    documents = []
    for name in ("plain", "templated", "mapped", "listed", "as_path"):
        (tmp_path / name).mkdir()
        documents.append(tmp_path / name / "letter.pdf")
        shutil.copy(letter, documents[-1])
    dag_run = run_dag("tests/dags/rendered_fields.py", {"folder": str(tmp_path), "fax_number": "+1 202 555 0161"})
    tasks = _tasks(dag_run)
    assert {key for key, ti in tasks.items() if str(ti.state) != "success"} == set()
    with create_session() as session:
        rows = session.query(RenderedTaskInstanceFields).filter_by(run_id=dag_run.run_id).all()
        stored = {(row.task_id, row.map_index): row.rendered_fields for row in rows if row.task_id != "numbers"}
    assert set(stored) == set(tasks) - {("numbers", -1)}
    for fields in stored.values():
        assert fields["fax_number"] == "***"
        assert set(fields["document"] if isinstance(fields["document"], list) else [fields["document"]]) == {"***"}
        assert fields["fax_conn_id"] == "interfax_default"


@pytest.mark.airflow
def test_a_number_that_a_native_template_makes_an_integer_is_neither_shown_nor_sent(
    run_dag: Callable[..., Any], fax_connections: FaxSimulator
) -> None:
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.utils.session import create_session

    dag_run = run_dag("tests/dags/native_templates.py", {"fax_number": "+12025550162"})
    assert {str(ti.state) for ti in dag_run.get_task_instances()} == {"failed"}
    with create_session() as session:
        [row] = session.query(RenderedTaskInstanceFields).filter_by(run_id=dag_run.run_id).all()
        assert "2025550162" not in str(row.rendered_fields)
    assert fax_connections.requests() == []
    dag_run = run_dag("tests/dags/native_templates.py", {"fax_number": "+1 202 555 0163"})
    assert {str(ti.state) for ti in dag_run.get_task_instances()} == {"success"}
    assert [fax["recipient"] for fax in fax_connections.faxes()] == ["+12025550163"]


# Pages that have arrived


BROKEN_OFF = "+999-9999-3223"


@pytest.fixture
def report(fax_connections: FaxSimulator) -> str:
    """Give the path of a PDF of several pages, of which some arrive where a fax breaks off."""
    fax_connections.configure(interfax_partial_pages=2)
    return str(Path(__file__).parents[2] / "example_dags" / "files" / "report.pdf")


@waiting
def test_a_fax_that_broke_off_behind_some_pages_is_not_retried(
    *, deferrable: bool, send: Any, fax_connections: FaxSimulator, report: str
) -> None:
    with pytest.raises(FaxPartialError, match="resend_partial=True") as caught:
        send("interfax", fax_number=BROKEN_OFF, document=report, deferrable=deferrable)
    assert caught.value.status is not None
    assert caught.value.status.pages_sent
    # Neither is it when the task runs again.
    with pytest.raises(FaxPartialError):
        send("interfax", fax_number=BROKEN_OFF, document=report, try_number=2)
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("resend_partial", [True, "True", "yes", "1"])
def test_a_fax_that_broke_off_is_retried_where_the_user_allows_it(
    resend_partial: bool | str, send: Any, fax_connections: FaxSimulator, report: str
) -> None:
    for try_number in (1, 2):
        with pytest.raises(FaxRetryableError):
            send(
                "interfax",
                fax_number=BROKEN_OFF,
                document=report,
                try_number=try_number,
                resend_partial=resend_partial,
            )
    assert len(fax_connections.faxes()) == 2


def test_a_fax_that_broke_off_is_handed_on_as_retryable_to_a_branch(send: Any, report: str) -> None:
    told = send("interfax", fax_number=BROKEN_OFF, document=report, raise_on_failure=False)
    assert (told["outcome"], bool(told["pages_sent"])) == ("retryable", True)


def test_a_resend_partial_that_is_no_switch_is_refused_before_anything_is_sent(
    send: Any, fax_connections: FaxSimulator
) -> None:
    with pytest.raises(FaxPermanentError, match="resend_partial must be true or false; it is 'perhaps'"):
        send("interfax", resend_partial="perhaps")
    assert fax_connections.faxes() == []


def test_a_retryable_failure_tells_its_cause_and_when_to_try_again(send: Any) -> None:
    delays = []
    for try_number in (1, 2, 3):
        with pytest.raises(FaxRetryableError) as caught:
            send("interfax", fax_number=NUMBERS["interfax", "retryable"], try_number=try_number)
        assert caught.value.cause == "busy"
        delays.append(caught.value.suggested_delay)
    assert delays == [timedelta(minutes=minutes) for minutes in (5, 5, 15)]


# The user's own key, and installations that share an account


@every_vendor
def test_a_fax_with_the_users_own_key_is_sent_once_over_dag_runs_and_tasks(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    known = {"fax_number": NUMBERS[vendor, "success"], "idempotency_key": "claim-4711"}
    first = send(vendor, run_id="monday", **known)
    second = send(vendor, run_id="tuesday", task_id="renamed", map_index=3, **known)

    assert (second["job_id"], second["outcome"]) == (first["job_id"], "success")
    assert len(fax_connections.faxes()) == 1


@every_vendor
def test_the_users_own_key_for_another_recipient_is_an_error_unless_resend_says_so(
    vendor: str, send: Any, fax_connections: FaxSimulator
) -> None:
    known = {"idempotency_key": "claim-4711"}
    send(vendor, fax_number="+1 202 555 0100", run_id="monday", **known)
    with pytest.raises(FaxPermanentError, match=r"the same document to another recipient.*Nothing was sent"):
        send(vendor, fax_number="+1 202 555 0110", run_id="tuesday", **known)
    assert len(fax_connections.faxes()) == 1

    send(vendor, fax_number="+1 202 555 0110", run_id="tuesday", resend=True, wait_for_completion=False, **known)
    assert len(fax_connections.faxes()) == 2


def test_the_users_own_key_is_templated_and_without_text_it_is_none(send: Any, fax_connections: FaxSimulator) -> None:
    assert "idempotency_key" in SendFaxOperator.template_fields
    send("interfax", run_id="monday", idempotency_key="")
    send("interfax", run_id="tuesday", idempotency_key=" ")
    assert len(fax_connections.faxes()) == 2


@pytest.mark.parametrize("value", [1.5, True, ["claim"]])
def test_a_template_that_made_no_key_is_refused(value: Any, send: Any, fax_connections: FaxSimulator) -> None:
    # Every fax whose value is missing would pass for the same.
    with pytest.raises(FaxPermanentError, match="idempotency_key must be a text"):
        send("interfax", idempotency_key=value)
    assert fax_connections.faxes() == []


@every_vendor
@pytest.mark.parametrize("namespaces", [("", "staging"), ("staging", "production")], ids=str)
def test_installations_with_namespaces_of_their_own_do_not_take_each_others_fax(
    vendor: str,
    namespaces: tuple[str, str],
    send: Any,
    fax_connections: FaxSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for namespace in namespaces:
        fax_connections.set_airflow_connections(monkeypatch, key_namespace=namespace)
        # The second one's task was lost before it could send: it looks, and must not take the first one's fax.
        send(vendor, fax_number=NUMBERS[vendor, "success"], try_number=1 if namespace == namespaces[0] else 2)
    assert len(fax_connections.faxes()) == 2


def test_a_namespace_that_is_no_text_is_refused(
    send: Any, fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_connections.set_airflow_connections(monkeypatch, key_namespace=7)
    with pytest.raises(FaxPermanentError, match="key_namespace must be text"):
        send("interfax")
    assert fax_connections.faxes() == []


# A look that would hold the worker slot


@every_vendor
def test_a_task_that_can_defer_frees_its_slot_while_a_fax_may_still_show(
    vendor: str, send: Any, fax_connections: FaxSimulator, fake_time: Any
) -> None:
    told = send(vendor, fax_number=NUMBERS[vendor, "success"], try_number=2, deferrable=True)

    assert told["outcome"] == "success"
    assert len(fax_connections.faxes()) == 1
    *looks, wait = [deferral.method_name for deferral in send.deferrals]
    assert set(looks) == {"resume_look_up"}
    assert wait == "execute_complete"


def test_a_task_that_can_defer_frees_its_slot_while_its_account_may_not_be_asked(
    send: Any, fax_connections: FaxSimulator, fake_time: Any
) -> None:
    first = send("interfax", wait_for_completion=False)
    hook = FaxHook.for_connection("interfax_default")
    hook.rate_limit.slow_down(retry_after=900.0)

    second = send("interfax", try_number=2, deferrable=True)

    assert second["job_id"] == first["job_id"]
    assert len(fax_connections.faxes()) == 1
    assert [deferral.method_name for deferral in send.deferrals].count("resume_look_up") >= 1


# Being killed


def _running(send: Any, task_instance: Any, vendor: str, **kwargs: Any) -> SendFaxOperator:
    operator = send.operator(vendor, wait_for_completion=False, **kwargs)
    operator.execute({"ti": task_instance(operator)})
    return operator


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_killed_task_cancels_a_fax_that_still_waits(
    vendor: str, send: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    operator = _running(send, task_instance, vendor)
    operator.on_kill()
    assert [fax["status"] for fax in fax_connections.faxes()] == [403]


class StateStore:
    """Airflow's task state store, which the runs of a task share."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def get(self, key: str) -> Any:
        return json.loads(self._values[key]) if key in self._values else None

    def set(self, key: str, value: Any) -> None:
        self._values[key] = json.dumps(value)


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_worker_that_airflow_has_given_up_leaves_the_fax_to_its_successor(
    vendor: str, send: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    store = StateStore()
    runs = []
    for try_number in (1, 2):
        operator = send.operator(vendor, wait_for_completion=False, retries=3)
        operator.execute({"ti": task_instance(operator, try_number=try_number), "task_state_store": store})
        runs.append(operator)
    given_up, successor = runs

    given_up.on_kill()
    assert asked(fax_connections, "cancel") == 0
    successor.on_kill()
    assert [fax["status"] for fax in fax_connections.faxes()] == [403]


@pytest.mark.parametrize("is_deferrable", [False, True])
def test_a_busy_fax_is_retried_without_a_look_where_the_journal_tells_all(
    *, is_deferrable: bool, send: Any, fax_connections: FaxSimulator
) -> None:
    store = StateStore()
    for try_number in (1, 2, 3):
        with pytest.raises(FaxRetryableError) as raised:
            send(
                "interfax",
                fax_number=NUMBERS["interfax", "retryable"],
                try_number=try_number,
                deferrable=is_deferrable,
                store=store,
                retries=3,
            )
        assert raised.value.failures == try_number
    assert len(fax_connections.faxes()) == 3
    assert asked(fax_connections, "search") == 0


def test_a_cleared_fax_that_the_vendor_no_longer_shows_is_reported_from_the_journal(
    send: Any, fax_connections: FaxSimulator
) -> None:
    store = StateStore()
    first = send("interfax", store=store)
    # Thirty days later.
    fax_connections.reset()

    second = send("interfax", store=store, try_number=2, is_cleared=True)

    assert (second["job_id"], second["outcome"]) == (first["job_id"], "success")
    assert fax_connections.faxes() == []


def test_a_killed_task_that_shall_not_cancel_leaves_its_fax_alone(
    send: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    _running(send, task_instance, "interfax", cancel_on_kill=False).on_kill()
    assert asked(fax_connections, "status", "cancel") == 0


def test_a_killed_task_says_what_a_cancel_cannot_stop(
    send: Any, task_instance: Any, fax_connections: FaxSimulator, logged: Callable[[], str]
) -> None:
    operator = _running(send, task_instance, "interfax")
    fax_connections.advance(12)
    operator.on_kill()
    [fax] = fax_connections.faxes()
    assert (fax["status"], f"accepted the cancel of fax job {fax['id']} and has not confirmed it" in logged()) == (
        -3,
        True,
    )


def test_a_killed_task_says_that_fax_to_cannot_cancel(
    send: Any, task_instance: Any, fax_connections: FaxSimulator, logged: Callable[[], str]
) -> None:
    operator = _running(send, task_instance, "faxto", fax_number="+1 202 555 0100")
    operator.on_kill()
    [fax] = fax_connections.faxes()
    assert f"Fax job {fax['id']} goes on" in logged()
    fax_connections.finish()
    assert fax_connections.faxes()[0]["delivered"]


@every_vendor
def test_a_killed_task_leaves_a_fax_that_has_ended_alone(
    vendor: str, send: Any, task_instance: Any, fax_connections: FaxSimulator
) -> None:
    operator = _running(send, task_instance, vendor, fax_number=NUMBERS[vendor, "success"])
    fax_connections.finish()
    operator.on_kill()
    assert asked(fax_connections, "cancel") == 0


@every_vendor
@pytest.mark.parametrize("endpoint", ["status", "cancel"])
def test_a_killed_task_never_raises_and_does_not_linger(
    *,
    vendor: str,
    endpoint: str,
    send: Any,
    task_instance: Any,
    fax_connections: FaxSimulator,
    fake_time: Any,
    logged: Callable[[], str],
) -> None:
    if (vendor, endpoint) == ("faxto", "cancel"):
        pytest.skip("Fax.to offers no cancel")
    operator = _running(send, task_instance, vendor, fax_number=NUMBERS[vendor, "success"])
    fax_connections.fault("lost_answer", vendor=vendor, endpoint=endpoint, times=None)
    operator.on_kill()
    assert "was canceled is unknown" in logged()
    assert asked(fax_connections, endpoint) == 1
    assert fake_time.slept == 0


def test_a_task_that_is_killed_before_it_sent_has_nothing_to_cancel(send: Any, fax_connections: FaxSimulator) -> None:
    send.operator("interfax").on_kill()
    assert fax_connections.requests() == []


def test_a_task_whose_connection_is_gone_can_be_killed(
    send: Any,
    airflow_database: None,
    logged: Callable[[], str],
    task_instance: Any,
) -> None:
    # Resumed after a wait: this worker has not looked the connection up yet.
    operator = send.operator("no_such_connection")
    event = {"vendor": "interfax", "job_id": "1", "outcome": "unknown"}
    ti = task_instance(operator)
    ti.xcom_push("submitted", {**event, "run": ti.try_number})
    with pytest.raises(AirflowNotFoundException):
        operator.execute_complete({"ti": ti}, event)
    operator.on_kill()
    assert "was canceled is unknown" in logged()


def test_a_wait_whose_trigger_could_not_tell_goes_on_until_its_deadline(
    send: Any, fake_time: Any, fax_connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = fax_connections.connection("interfax")
    sleep = fake_time.sleep
    began = fake_time.now()

    def set_password(password: str) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps({**right, "password": password}))

    def break_it_for_the_first_trigger(seconds: float) -> None:
        if len(send.deferrals) == 1:
            set_password("wrong+secret/1")
        sleep(seconds)

    monkeypatch.setattr(fake_time, "sleep", break_it_for_the_first_trigger)
    told = send(
        deferrable=True,
        fax_number="+1 202 555 0106",
        completion_timeout=7200,
        raise_on_failure=False,
        between=lambda: set_password(right["password"]),
    )
    assert told["outcome"] == "unknown"
    assert fake_time.now() - began == pytest.approx(7200, abs=5)
    first, second = send.deferrals
    assert second.trigger.deadline == pytest.approx(first.trigger.deadline)
    assert second.trigger.reference == first.trigger.reference


def test_a_wait_that_airflow_has_ended_since_no_triggerer_ran_is_looked_into(
    send: Any, fake_time: Any, fax_connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_faxto.triggers.fax import FaxStatusTrigger

    async def is_never_run(_: Any) -> Any:
        fax_connections.finish()
        yield SimpleNamespace(payload={})

    monkeypatch.setattr(FaxStatusTrigger, "run", is_never_run)
    resume = SendFaxOperator.resume_execution
    monkeypatch.setattr(
        SendFaxOperator,
        "resume_execution",
        lambda operator, _, __, context: resume(operator, "__fail__", {"error": "Trigger timeout"}, context),
    )
    assert send(deferrable=True)["outcome"] == "success"
