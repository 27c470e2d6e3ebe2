"""Sentry records nothing of the requests to a vendor, and nothing private of an error; all else as always."""

from __future__ import annotations

import functools
import importlib.util
import json
from types import SimpleNamespace

import pytest
import sentry_sdk
from instruments.conftest import CONTENT, HEADER, JOB, NUMBER, REFERENCE, Call, assert_tells_nothing, in_thread
from sentry_sdk.transport import Transport
from support.vendors import VENDORS

from airflow_provider_faxto.operators.fax import SendFaxOperator

DSN = "https://public@sentry.invalid/1"
IS_OLD = sentry_sdk.VERSION.startswith("1.")


class Recorded(Transport):
    """Keeps what Sentry would send."""

    kept: list = []  # noqa: RUF012 - Sentry makes the object

    def capture_envelope(self, envelope):
        self.kept.append(envelope.serialize().decode())

    def capture_event(self, event):
        self.kept.append(json.dumps(event, default=str))

    def flush(self, *_, **__):
        pass

    @classmethod
    def text(cls):
        return "\n".join(cls.kept)

    @classmethod
    def events(cls):
        """What Sentry would show of each event and transaction."""
        parts = [json.loads(line) for text in cls.kept for line in text.splitlines()]
        return [part for part in parts if "event_id" in part and "platform" in part]


@pytest.fixture
def sentry(monkeypatch):
    """Sentry as Airflow loads it, with all that it can record."""
    monkeypatch.setattr(Recorded, "kept", [])
    sentry_sdk.init(
        dsn=DSN,
        transport=Recorded,
        traces_sample_rate=1.0,
        send_default_pii=True,
        max_breadcrumbs=1000,
        # They would record the simulator, which is served from this process.
        auto_enabling_integrations=False,
        **({} if IS_OLD else {"include_local_variables": True, "max_value_length": 100_000}),
    )
    yield Recorded
    sentry_sdk.init(dsn="", default_integrations=False)


def capture(call):
    """Tell Sentry of the error that a call ends with, as Airflow does of a task's."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - any
        sentry_sdk.capture_exception(error)
    else:
        pytest.fail("it did not fail")


@pytest.mark.parametrize("run", [lambda call: call(), in_thread], ids=["task", "thread"])
def test_no_request_is_in_breadcrumbs_and_spans_and_no_trace_goes_out(sentry, calls, own_request, far, run):
    with sentry_sdk.start_transaction(op="task", name="send"):
        sentry_sdk.add_breadcrumb(category="own", message="own crumb before")
        own_request("before")
        for call in calls:
            run(call)
        sentry_sdk.add_breadcrumb(category="own", message="own crumb after")
        own_request("after")
        sentry_sdk.capture_message("all is well")

    assert far.sends == 1
    assert_tells_nothing(sentry.text())
    message, transaction = sentry.events()
    crumbs = json.dumps(message["breadcrumbs"]["values"])
    for kept in ("/own/before", "/own/after", "own crumb before", "own crumb after"):
        assert kept in crumbs
    assert not any(path in crumbs for path in ("/outbound", "/api/v2", str(JOB)))
    assert sum("/own/" in json.dumps(span) for span in transaction["spans"]) == 2
    assert not any("/outbound" in json.dumps(span) or "/api/v2" in json.dumps(span) for span in transaction["spans"])
    traced = [request.path for request in far.requests if {"sentry-trace", "baggage"} & set(request.headers)]
    assert traced == ["/own/before", "/own/after"]


def test_a_process_in_which_sentry_was_not_started_sends_as_well(calls, far):
    for call in calls:
        call()

    assert far.sends == 1


def test_what_sentry_says_of_the_process_stays(sentry, calls):
    sentry_sdk.set_tag("own", "tag")
    for call in calls:
        call()
    sentry_sdk.capture_message("all is well")

    [event] = sentry.events()
    assert event["tags"]["own"] == "tag"
    assert event["sdk"]["name"].startswith("sentry.python")
    assert "stdlib" in event["sdk"]["integrations"]


# Errors ---------------------------------------------------------------------------------------------------


def answering(status, body):
    return lambda request, far: far.answer(status, body(request) if callable(body) else body)


def echo(request):
    """Say back all that was told."""
    return json.dumps({"status": "failed", "code": -1001, "message": f"{request.target} {request.headers}"})


FAULTS = {
    "bad answer": answering(200, "<html>no</html>"),
    "refused": answering(400, echo),
    "401": answering(401, echo),
    "500": answering(500, echo),
    "no JSON": answering(201, "{"),
    "time-out": lambda _, far: far.stall(),
    "lost contact": lambda _, far: far.reset(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_of_a_hook_shows_nothing_private_in_its_frames(sentry, vendor, connect, raw_server, document, fault):  # noqa: PLR0917
    timeout = {"connect": 10, "read": 0.2, "upload": 0.2} if fault == "time-out" else 10
    hook = connect(vendor, raw_server(FAULTS[fault]).url, timeout=timeout)
    options = {"sender_id": HEADER, **({} if vendor == "faxto" else {"contact": HEADER, "page_header": HEADER})}

    for call in (
        Call(hook.send_fax, NUMBER, document, reference=REFERENCE, options=options),
        Call(hook.find_jobs, reference=REFERENCE, fax_number=NUMBER),
    ):
        capture(call)

    assert "stacktrace" in sentry.text()
    assert "send_fax" in sentry.text()
    assert_tells_nothing(sentry.text())


@pytest.mark.parametrize("number", [f"{NUMBER},{NUMBER}", f"0{NUMBER}"])
def test_a_number_that_cannot_be_read(sentry, vendor, connect, closed_port, document, number):  # noqa: PLR0917
    capture(Call(connect(vendor, closed_port).send_fax, number, document))

    assert "FaxNumberError" in sentry.text()
    assert_tells_nothing(sentry.text())


@pytest.mark.parametrize("path", ["/nowhere/{}", "file:///nowhere/{}", "nowhere://{}"])
def test_a_document_that_cannot_be_read(sentry, vendor, connect, closed_port, named_letter, path):  # noqa: PLR0917
    name = named_letter.rpartition("/")[2]
    capture(Call(connect(vendor, closed_port).send_fax, NUMBER, path.format(name)))

    assert "FaxDocumentError" in sentry.text()
    assert_tells_nothing(sentry.text())


@pytest.fixture
def task(task_instance, document):
    """Give the task that sends: ``task("faxto", fax_number=...)`` is its call."""

    def make(vendor, **arguments):
        arguments = {"task_id": "send", "fax_number": NUMBER, "document": document, "lookup_grace": 1, **arguments}
        arguments["options"] = {"sender_id": HEADER}
        operator = SendFaxOperator(fax_conn_id=f"{vendor}_default", **arguments)
        return operator, {"ti": task_instance(operator), "dag_run": SimpleNamespace()}

    return make


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("lost_answer", {}),
        ("html", {}),
        ("server_error", {"http_status": 401, "body": "vendor"}),
        ("server_error", {"http_status": 400, "body": "vendor"}),
        ("reset", {}),
    ],
    ids=str,
)
def test_an_error_of_the_send_task(sentry, task, fax_connections, bare_time, vendor, kind, details):  # noqa: PLR0917
    fax_connections.fault(kind, vendor=vendor, times=None, **details)
    operator, context = task(vendor)

    capture(Call(operator.execute, context))

    assert "execute" in sentry.text()
    assert_tells_nothing(sentry.text(), fax_connections.connection(vendor)["password"])


@pytest.mark.skipif(IS_OLD, reason="Airflow's own integration needs 2.0")
@pytest.mark.skipif(
    not importlib.util.find_spec("airflow.sdk.execution_time.sentry"), reason="another release of Airflow"
)
@pytest.mark.parametrize(
    "wrong", [{}, {"fax_number": f"{NUMBER},{NUMBER}"}, {"document": "/nowhere/letter.pdf"}], ids=str
)
def test_airflows_own_integration(sentry, task, fax_connections, bare_time, monkeypatch, wrong):  # noqa: PLR0917
    from airflow.sdk.execution_time.sentry.configured import ConfiguredSentry

    monkeypatch.setenv("AIRFLOW__SENTRY__SENTRY_ON", "True")
    monkeypatch.setenv("AIRFLOW__SENTRY__SENTRY_DSN", DSN)
    monkeypatch.setattr(sentry_sdk, "init", functools.partial(sentry_sdk.init, transport=Recorded))
    monkeypatch.setattr(ConfiguredSentry, "add_breadcrumbs", lambda *_: None)
    monkeypatch.setattr(ConfiguredSentry, "add_tagging", lambda *_: None)
    fax_connections.fault("server_error", vendor="faxto", endpoint="send", http_status=400, body="vendor")
    operator, context = task("faxto", **wrong)
    execute = Call(operator.execute, context)

    def run(ti, context, log):
        try:
            execute()
        except Exception as error:  # noqa: BLE001 - as Airflow does
            return None, None, error

    ConfiguredSentry().enrich_errors(run)(SimpleNamespace(sentry_integration=""), {"dag_run": None}, None)

    [event] = sentry.events()
    assert event["exception"]["values"][-1]["type"] == "FaxPermanentError"
    assert_tells_nothing(sentry.text(), fax_connections.connection("faxto")["password"], CONTENT)
