"""The alarm of a stopped account: once for each stop, to whom the set-up names, and never an outcome."""

from __future__ import annotations

import logging
import sys
import threading
from types import ModuleType

import pendulum
import pytest

from airflow_provider_faxto.fax.errors import FaxAccountStoppedError
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
    monkeypatch.setenv("AIRFLOW__FAX__ON_ACCOUNT_STOPPED", "our_alarms.page")
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
    monkeypatch.delenv("AIRFLOW__FAX__ON_ACCOUNT_STOPPED", raising=False)
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
    monkeypatch.setenv("AIRFLOW__FAX__ON_ACCOUNT_STOPPED", path)
    sound_alarm(STOP, label="InterFAX")

    assert "nobody is called" in caplog.text
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
