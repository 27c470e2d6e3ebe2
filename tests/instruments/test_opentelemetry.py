"""OpenTelemetry's instrumentations of requests and urllib3 record nothing of the requests to a vendor."""

from __future__ import annotations

import pytest
from instruments.conftest import NUMBER, assert_tells_nothing, in_thread
from opentelemetry import context, trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exported):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    instrumentors = [RequestsInstrumentor(), URLLib3Instrumentor()]
    for each in instrumentors:
        each.instrument(tracer_provider=provider)
    yield provider.get_tracer("task")
    for each in instrumentors:
        each.uninstrument()


@pytest.mark.parametrize("run", [lambda call: call(), in_thread], ids=["task", "thread"])
def test_no_request_is_in_spans_and_no_trace_goes_out(tracer, exported, calls, own_request, far, run):  # noqa: PLR0917
    with tracer.start_as_current_span("send"):
        own_request("before")
        for call in calls:
            run(call)
        own_request("after")

    assert far.sends == 1
    spans = exported.get_finished_spans()
    told = "\n".join(f"{span.name} {dict(span.attributes)} {span.events}" for span in spans)
    assert_tells_nothing(told)
    assert (told.count("/own/before"), told.count("/own/after")) == (1, 1)
    assert len(spans) == 3
    assert [request.path for request in far.requests if "traceparent" in request.headers] == [
        "/own/before",
        "/own/after",
    ]


def test_the_span_around_a_send_stays_the_current_one(tracer, calls):
    with tracer.start_as_current_span("send") as span:
        for call in calls:
            before = context.get_current()
            call()
            assert context.get_current() is before
            assert trace.get_current_span() is span


def test_an_error_in_a_span_tells_nothing(tracer, exported, vendor, connect, raw_server, document):  # noqa: PLR0917
    hook = connect(vendor, raw_server(lambda request, far: far.answer(400, request.raw[:1000])).url)

    with pytest.raises(Exception, match="Could not"), tracer.start_as_current_span("send"):
        hook.send_fax(NUMBER, document, reference="r")

    [span] = exported.get_finished_spans()
    assert span.events
    assert_tells_nothing(str([dict(event.attributes) for event in span.events]))
