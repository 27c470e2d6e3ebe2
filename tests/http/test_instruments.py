"""Staying out of what instruments HTTP, where the real ones are not installed; tests/instruments has them."""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace

import pytest
from opentelemetry import context
from support.hooks import KEY

from airflow_provider_faxto.http import instruments
from airflow_provider_faxto.http.instruments import unseen_by_instruments
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind

REQUEST = FaxRequest(action="ask", kind=RequestKind.READ, method="GET", path="/", query=[("api_key", KEY)])
SUPPRESSED = ("suppress_instrumentation", "suppress_http_instrumentation")


def warnings_in(caplog):
    return [record.getMessage() for record in caplog.records if record.name == instruments.__name__]


def test_opentelemetry_is_told_in_the_exchange_and_not_after_it(transport, raw_server, monkeypatch):
    seen = []
    server = raw_server(lambda _, far: far.answer())
    monkeypatch.setattr(
        "airflow_provider_faxto.http.transport.read_body",
        lambda *_: seen.extend(map(context.get_value, SUPPRESSED)) or b"",
    )

    transport(server.url).exchange(REQUEST)

    assert seen == [True, True]
    assert list(map(context.get_value, SUPPRESSED)) == [None, None]


def test_it_is_told_so_no_more_after_an_exchange_that_fails(transport, closed_port):
    before = context.get_current()

    with pytest.raises(Exception, match="Nothing was sent"):
        transport(closed_port).exchange(REQUEST)

    assert context.get_current() is before


@pytest.mark.parametrize("name", ["sentry_sdk", "opentelemetry.context"])
def test_what_is_not_loaded_is_not_loaded_for_it(monkeypatch, name):
    monkeypatch.delitem(sys.modules, name, raising=False)

    with unseen_by_instruments():
        assert name not in sys.modules


@pytest.mark.parametrize("name", ["sentry_sdk", "opentelemetry.context"])
def test_a_release_that_cannot_be_told_is_a_warning_once_and_no_error(transport, raw_server, monkeypatch, caplog, name):
    monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    instruments._warn.cache_clear()
    server = raw_server(lambda _, far: far.answer())

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert transport(server.url).exchange(REQUEST).status == 200

    [warning] = warnings_in(caplog)
    assert warning.startswith(f"{name} is loaded and cannot be told")
    assert "AttributeError" in warning
