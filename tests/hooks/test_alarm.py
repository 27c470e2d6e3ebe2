"""The alarm of a stopped account: once for each stop, to whom the set-up names, and never an outcome."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import ModuleType

import pendulum
import pytest
from support.waiting import wait_for

from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxError
from airflow_provider_faxto.hooks import alarm
from airflow_provider_faxto.hooks.alarm import AccountStop, sound_alarm
from airflow_provider_faxto.http.account_state import Stop
from airflow_provider_faxto.http.moments import Moment

STOP = Stop(conn_id="clinic", since=Moment(1000.0, 1_795_000_000.0), seconds=600.0, http_status=401, vendor_code=-1003)


class Pager(ModuleType):
    """What a user's module holds, which Airflow imports by its path."""

    def __init__(self):
        super().__init__("our_alarms")
        self.told = []
        self.threads = []
        self.error = None
        self.no_function = "text"

    def page(self, stop):
        self.told.append(stop)
        self.threads.append(threading.current_thread())
        if self.error is not None:
            raise self.error


@pytest.fixture
def pager(monkeypatch):
    """Have a function that is called for each stop."""
    made = Pager()
    monkeypatch.setitem(sys.modules, "our_alarms", made)
    monkeypatch.setenv("AIRFLOW__FAXTO__ON_ACCOUNT_STOPPED", "our_alarms.page")
    return made


def test_it_is_told_which_account_is_stopped_since_when_and_until_when(pager):
    sound_alarm(STOP, label="InterFAX")

    [told] = pager.told
    assert isinstance(told, AccountStop)
    assert (told.conn_id, told.vendor) == ("clinic", "InterFAX")
    assert told.until - told.since == pendulum.duration(minutes=10)
    assert told.since.timezone_name == "UTC"
    assert "HTTP 401, code -1003" in told.reason


def test_it_is_called_in_a_thread_of_its_own(pager):
    sound_alarm(STOP, label="InterFAX")

    assert pager.threads != [threading.current_thread()]


def test_without_the_option_the_log_alone_tells(caplog, monkeypatch):
    monkeypatch.delenv("AIRFLOW__FAXTO__ON_ACCOUNT_STOPPED", raising=False)
    sound_alarm(STOP, label="InterFAX")

    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "connection 'clinic'" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("https://pager.example/secret"), OSError("secret"), ValueError()])
def test_an_error_of_it_is_logged_without_its_text_and_changes_nothing(pager, caplog, error):
    pager.error = error
    sound_alarm(STOP, label="InterFAX")

    assert f"has failed ({type(error).__name__})" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("path", ["our_alarms.nobody", "no_such_module.page", "page", "our_alarms.no_function"])
def test_what_cannot_be_called_is_logged_and_changes_nothing(pager, caplog, monkeypatch, path):
    monkeypatch.setenv("AIRFLOW__FAXTO__ON_ACCOUNT_STOPPED", path)
    sound_alarm(STOP, label="InterFAX")

    assert "nothing is called" in caplog.text
    assert pager.told == []


def test_one_that_does_not_return_is_not_waited_for(pager, caplog, monkeypatch):
    monkeypatch.setattr(alarm, "_LONGEST", 0.01)
    over = threading.Event()
    pager.page = lambda _: over.wait(60)
    sound_alarm(STOP, label="InterFAX")
    over.set()

    assert "is not waited for" in caplog.text


def test_many_tasks_with_a_wrong_password_page_once(pager, vendor, simulator, connect, letter):
    for _ in range(5):
        hook = connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo")
        with pytest.raises(FaxAccountStoppedError):
            hook.send_fax("+12025550100", letter)

    assert len(simulator.requests()) == 1
    assert [told.conn_id for told in pager.told] == [f"test_{vendor}"]
    assert "wrong" not in repr(pager.told)


# Many at once, in real time ---------------------------------------------------------------------------


def run_together(calls):
    """Make calls in threads of their own, and give what they returned or raised."""
    results = []

    def run(call):
        try:
            results.append(call())
        except FaxError as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_of_many_tasks_at_once_one_is_refused(pager, vendor, connect, raw_server, letter):
    def refuse(_, far):
        time.sleep(0.1)
        return far.answer(401)

    server = raw_server(refuse)
    hooks = [connect(vendor, server.url) for _ in range(12)]

    results = run_together([lambda hook=hook: hook.send_fax("+12025550100", letter) for hook in hooks])

    assert {type(result) for result in results} == {FaxAccountStoppedError}
    assert [result.was_asked for result in results].count(True) == 1
    assert (len(server.requests), len(pager.told)) == (1, 1)


def test_of_many_tasks_at_once_all_send_side_by_side_when_one_was_taken(connect, raw_server):
    busy, most = [0], [0]

    def answer(_, far):
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        if len(server.requests) == 1:
            time.sleep(0.1)
        else:
            wait_for(lambda: most[0] > 1, seconds=5)
        busy[0] -= 1
        return far.answer(200, b"1.0")

    server = raw_server(answer)
    hooks = [connect("interfax", server.url) for _ in range(8)]

    results = run_together([lambda hook=hook: hook.get_balance() for hook in hooks])

    assert results == [1] * 8
    assert most[0] > 1
