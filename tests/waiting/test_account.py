"""Whom a wait asks while its connection is edited, and while the vendor refuses the credentials."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_faxto.exceptions import FaxAccountStoppedError, FaxAuthenticationError, FaxConfigurationError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.waiting.account import GIVES_UP_AFTER, WaitAccount

WRONG = FaxAccountStoppedError("The vendor refuses the password.", was_asked=True)
NOT_ASKED = FaxAccountStoppedError("The vendor has refused the password.")
STOPPED_FOR = 600
FIELDS = {"conn_type": "interfax", "host": "http://127.0.0.1:1", "login": "jane", "password": "first"}


class Airflow:
    """An Airflow that stores one connection."""

    def __init__(self):
        self.fields = dict(FIELDS)
        self.looked_up = 0
        self.error = None

    def make_hook(self):
        self.looked_up += 1
        if self.error is not None:
            raise self.error
        return FaxHook.for_resolved_connection(Connection(conn_id="clinic", **self.fields))


@pytest.fixture
def airflow():
    return Airflow()


@pytest.fixture
def account(airflow, bare_time):
    return WaitAccount("clinic", airflow.make_hook)


@pytest.fixture
def refused(account):
    """An account whose vendor has just refused the credentials."""
    assert account.find_hook() is not None
    account.note_refusal(WRONG)
    return account


def asked_during(account, bare_time, seconds):
    """Ask whenever that is allowed, for a while; tell after how many seconds the vendor was."""
    began, asked, stopped_since = bare_time.now(), [], bare_time.now()
    while bare_time.now() - began < seconds:
        bare_time.sleep(60)
        if account.find_hook() is None:
            continue
        if bare_time.now() - stopped_since < STOPPED_FOR:
            account.note_refusal(NOT_ASKED)
        else:
            asked.append(bare_time.now() - began)
            stopped_since = bare_time.now()
            account.note_refusal(WRONG)
    return asked


def test_refused_credentials_are_tried_once_more_when_the_account_is_not_stopped_any_more(refused, bare_time):
    assert asked_during(refused, bare_time, GIVES_UP_AFTER - 60) == [pytest.approx(STOPPED_FOR)]


def test_a_stop_that_another_task_began_does_not_use_up_the_one_more_request(account, bare_time):
    account.find_hook()
    account.note_refusal(NOT_ASKED)

    assert asked_during(account, bare_time, GIVES_UP_AFTER - 60) == [pytest.approx(STOPPED_FOR)]


def test_a_stop_that_another_task_began_ends_the_wait_after_an_hour_and_not_before(account, bare_time):
    account.find_hook()
    account.note_refusal(NOT_ASKED)
    for _ in range(59):
        bare_time.sleep(60)
        assert account.find_hook() is not None
        account.note_refusal(NOT_ASKED)
    bare_time.sleep(60)

    assert account.find_hook() is not None
    with pytest.raises(FaxAccountStoppedError):
        account.note_refusal(NOT_ASKED)


def test_credentials_that_stay_wrong_for_an_hour_are_an_error(refused, bare_time):
    asked_during(refused, bare_time, GIVES_UP_AFTER - 60)
    bare_time.sleep(60)

    with pytest.raises(FaxAuthenticationError):
        refused.find_hook()


def test_an_hour_without_a_request_in_it_is_an_hour_too(refused, bare_time):
    bare_time.sleep(GIVES_UP_AFTER)
    assert refused.find_hook() is not None

    with pytest.raises(FaxAuthenticationError):
        refused.note_refusal(NOT_ASKED)


def test_a_user_who_was_locked_out_for_an_hour_is_tried_once_more_after_it(refused, bare_time):
    bare_time.sleep(GIVES_UP_AFTER)
    assert refused.find_hook() is not None
    refused.note_answer()

    assert refused.refusal is None
    assert refused.find_hook() is not None


def test_the_connection_is_looked_up_each_time_while_its_credentials_are_refused(refused, airflow):
    before = airflow.looked_up

    for _ in range(3):
        refused.find_hook()

    assert airflow.looked_up == before + 3


@pytest.mark.parametrize("field", ["password", "login", "host"])
def test_changed_credentials_are_tried_at_once(refused, airflow, field):
    airflow.fields[field] = "http://127.0.0.1:2" if field == "host" else "second"

    assert refused.find_hook() is not None

    refused.note_answer()
    assert refused.refusal is None
    assert refused.find_hook() is not None


@pytest.mark.parametrize("field", ["password", "login", "host"])
def test_changed_credentials_that_are_refused_are_an_error(refused, airflow, field):
    airflow.fields[field] = "http://127.0.0.1:2" if field == "host" else "second"
    refused.find_hook()

    with pytest.raises(FaxAuthenticationError):
        refused.note_refusal(WRONG)


def test_changed_credentials_that_another_task_was_refused_with_do_not_end_the_wait(refused, airflow):
    airflow.fields["password"] = "second"
    refused.find_hook()

    refused.note_refusal(NOT_ASKED)
    assert refused.find_hook() is not None

    with pytest.raises(FaxAuthenticationError):
        refused.note_refusal(WRONG)


def test_changed_credentials_that_other_tasks_are_refused_with_end_the_wait_after_the_hour(refused, airflow, bare_time):
    airflow.fields["password"] = "second"
    for _ in range(59):
        refused.find_hook()
        refused.note_refusal(NOT_ASKED)
        bare_time.sleep(60)
    bare_time.sleep(60)
    refused.find_hook()

    with pytest.raises(FaxAccountStoppedError):
        refused.note_refusal(NOT_ASKED)


def test_another_extra_is_tried_and_does_not_end_the_wait(refused, airflow):
    airflow.fields["extra"] = '{"timeout": 5}'
    assert refused.find_hook() is not None

    refused.note_refusal(WRONG)

    assert refused.find_hook() is None


def test_changed_credentials_that_are_not_answered_are_tried_again(refused, airflow):
    airflow.fields["password"] = "second"

    assert refused.find_hook() is not None
    assert refused.find_hook() is not None


def test_an_hour_begins_anew_with_each_answer(refused, airflow, bare_time):
    bare_time.sleep(STOPPED_FOR)
    assert refused.find_hook() is not None
    refused.note_answer()
    bare_time.sleep(GIVES_UP_AFTER)
    refused.find_hook()
    refused.note_refusal(WRONG)

    assert asked_during(refused, bare_time, GIVES_UP_AFTER - 60) == [pytest.approx(STOPPED_FOR)]


def test_an_edited_connection_is_noticed_within_five_minutes(account, airflow, bare_time):
    before = account.find_hook()
    airflow.fields["host"] = "http://127.0.0.1:2"
    assert account.find_hook() is before

    bare_time.sleep(300)

    assert account.find_hook() is not before


def test_a_connection_that_was_not_edited_keeps_its_hook(account, bare_time):
    before = account.find_hook()

    bare_time.sleep(300)

    assert account.find_hook() is before


def test_a_connection_that_cannot_be_looked_up_at_first_is_looked_up_again(account, airflow, caplog):
    airflow.error = RuntimeError("secret://jane:first@database")
    with caplog.at_level(logging.DEBUG):
        assert account.find_hook() is None
    airflow.error = None

    assert account.find_hook() is not None
    assert "clinic could not be looked up (RuntimeError)" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("error", [RuntimeError(), TimeoutError(), FaxConfigurationError("cannot be read")])
def test_where_a_connection_cannot_be_looked_up_any_more_the_last_hook_serves(account, airflow, bare_time, error):
    before = account.find_hook()
    airflow.error = error

    bare_time.sleep(300)

    assert account.find_hook() is before


@pytest.mark.parametrize("edit", [{"conn_type": "faxto"}, {"conn_type": "http"}, {"extra": '{"timeout": "soon"}'}])
def test_an_edit_that_cannot_serve_is_not_followed(account, airflow, bare_time, edit):
    before = account.find_hook()
    airflow.fields |= edit

    bare_time.sleep(300)

    assert account.find_hook() is before


def test_a_connection_that_cannot_be_used_from_the_first_is_an_error_after_an_hour(account, airflow, bare_time):
    airflow.fields["host"] = "ftp://127.0.0.1"
    for _ in range(59):
        assert account.find_hook() is None
        bare_time.sleep(60)
    bare_time.sleep(60)

    with pytest.raises(FaxConfigurationError):
        account.find_hook()


def test_a_connection_that_can_be_used_after_all_is_used(account, airflow):
    airflow.fields["host"] = "ftp://127.0.0.1"
    assert account.find_hook() is None
    airflow.fields = dict(FIELDS)

    assert account.find_hook() is not None
    assert account.refusal is None


def test_the_hook_of_the_caller_serves_first(airflow, bare_time):
    mine = airflow.make_hook()

    assert WaitAccount("clinic", airflow.make_hook, mine).find_hook() is mine
    assert airflow.looked_up == 1


def test_what_is_closed_closes_its_connections(bare_time):
    closed = []
    account = WaitAccount("clinic", lambda: None, SimpleNamespace(close=lambda: closed.append(True)))

    account.close()

    assert closed == [True]
