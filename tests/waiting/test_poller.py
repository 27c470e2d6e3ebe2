"""The shared poller's thread: who comes and goes waits for nothing, and the last one out ends it."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest
from support.scripted import ScriptedHook, status

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.waiting.poller import FaxPoller


def is_thread_gone(conn_id="shared"):
    """Wait until no poller of a connection runs."""
    for thread in threading.enumerate():
        if thread.name == f"fax-poller-{conn_id}":
            thread.join(60)
    return not any(thread.name == f"fax-poller-{conn_id}" for thread in threading.enumerate())


@pytest.fixture
def slow_account(monkeypatch):
    """An account that answers only when the test lets it, and the threads' hooks that lead to it."""
    asked, let_go = threading.Event(), threading.Event()

    def one(job_id):
        asked.set()
        assert let_go.wait(60)
        return status(job_id)

    hooks = []

    def make(connection, **_):
        hook = ScriptedHook(one, lambda job_ids: {job_id: one(job_id) for job_id in job_ids})
        hook.close = lambda: hooks.append("closed")
        hooks.append(hook)
        return hook

    monkeypatch.setattr(FaxHook, "for_resolved_connection", make)
    yield SimpleNamespace(asked=asked, let_go=let_go, hooks=hooks)
    let_go.set()


def add(job_id, notify=lambda _: None, resolve=None):
    return FaxPoller.add(
        "shared",
        resolve or (lambda: (SimpleNamespace(conn_type="interfax"), {})),
        job_id=job_id,
        poll_interval=60.0,
        deadline=None,
        notify=notify,
    )


def test_joining_and_leaving_do_not_wait_for_a_request_that_is_under_way(slow_account):
    first = add("1")
    assert slow_account.asked.wait(60)
    # The answer comes only behind these lines: had one of them waited for it, the test would stand still.
    jobs = [add(str(number)) for number in range(2, 2000)]
    for job in [first, *jobs]:
        FaxPoller.remove(job)
        FaxPoller.remove(job)
    slow_account.let_go.set()
    assert is_thread_gone()
    assert slow_account.hooks[1:] == ["closed"]


def test_the_last_one_who_is_told_ends_the_thread_and_the_next_one_starts_another(slow_account):
    slow_account.let_go.set()
    told = threading.Event()
    first = add("1", lambda _: told.set())
    assert told.wait(60)
    assert is_thread_gone()
    again = threading.Event()
    second = add("1", lambda _: again.set())
    assert again.wait(60)

    assert second.followed_by is not first.followed_by
    assert is_thread_gone()


def test_who_has_left_is_not_told(slow_account):
    told = []
    first = add("1", told.append)
    stays = threading.Event()
    add("2", lambda _: stays.set())
    assert slow_account.asked.wait(60)
    FaxPoller.remove(first)
    slow_account.let_go.set()
    assert stays.wait(60)
    assert is_thread_gone()

    assert told == []


def test_what_ends_the_thread_is_told_to_everybody(slow_account, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    everybody_joined, told, everybody_told = threading.Event(), [], threading.Event()
    broken = LookupError("an error of our own")

    def break_down(_):
        assert everybody_joined.wait(60)
        raise broken

    hook = ScriptedHook(break_down, break_down)
    hook.close = lambda: None
    monkeypatch.setattr(FaxHook, "for_resolved_connection", lambda *_, **__: hook)

    def note(result):
        told.append(result)
        if len(told) == 3:
            everybody_told.set()

    for job_id in ("1", "2", "3"):
        add(job_id, note)
    everybody_joined.set()
    assert everybody_told.wait(60)

    assert told == [broken] * 3
    assert is_thread_gone()


def test_a_password_that_stays_wrong_is_asked_twice_and_ends_every_wait_after_an_hour(
    fake_time, fax_connections, fax_job, monkeypatch, caplog
):
    jobs = [fax_job("interfax", "+999-9999-0") for _ in range(5)]
    wrong = {**fax_connections.connection("interfax"), "password": "wrong"}
    monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps(wrong))
    told = {}
    everybody_joined = threading.Event()
    everybody_told = threading.Event()

    def resolve():
        assert everybody_joined.wait(60)
        return FaxHook.get_connection("interfax_default"), None

    def note(status, job_id):
        told[job_id] = status
        if len(told) == len(jobs):
            everybody_told.set()

    for job_id in jobs:
        FaxPoller.add(
            "interfax_default",
            resolve,
            job_id=job_id,
            poll_interval=60.0,
            deadline=None,
            notify=lambda status, job_id=job_id: note(status, job_id),
        )
    everybody_joined.set()
    assert everybody_told.wait(60)

    assert {status.outcome for status in told.values()} == {FaxOutcome.UNKNOWN}
    assert all("FaxAccountStoppedError" in status.message for status in told.values())
    assert [request["endpoint"] for request in fax_connections.requests()][5:] == ["status"] * 2
    assert fake_time.slept == pytest.approx(3600, abs=90)
    assert caplog.text.count("cannot go on") == len(jobs)
    assert is_thread_gone("interfax_default")
