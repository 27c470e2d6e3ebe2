"""A lack of credit keeps sends back where the connection says so, and one look at the balance serves all tasks."""

from __future__ import annotations

from decimal import Decimal

import pendulum
import pytest

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxAwaitingCreditError,
    FaxConfigurationError,
    FaxLostContactError,
    FaxOutOfCreditError,
    FaxRefusedError,
)
from airflow_provider_faxto.hooks.credit import CHECKED_EVERY, LASTS, CreditWatch
from airflow_provider_faxto.hooks.fax import FaxHook

NUMBER = "+12025550100"


class Account:
    """An account whose balance is told when it is asked for."""

    def __init__(self):
        self.balance = Decimal(0)
        self.asked = 0

    def read(self):
        self.asked += 1
        if isinstance(self.balance, Exception):
            raise self.balance
        return self.balance

    def watch(self, when="wait"):
        return CreditWatch("interfax jane", when, label="Connection 'clinic' (InterFAX)", read_balance=self.read)


@pytest.fixture
def account(bare_time):
    return Account()


def status(outcome=FaxOutcome.PENDING, cause=FaxCause.OUT_OF_CREDIT, **fields):
    return FaxStatus(vendor="interfax", job_id="700000001", outcome=outcome, cause=cause, **fields)


def may_send(watch):
    try:
        watch.check_before_send()
    except FaxAwaitingCreditError:
        return False
    return True


# When it begins ---------------------------------------------------------------------------------------


def test_nothing_is_asked_while_no_lack_of_credit_was_seen(account):
    account.watch().note_statuses([status(FaxOutcome.RETRYABLE, FaxCause.BUSY)])

    assert may_send(account.watch())
    assert account.asked == 0


@pytest.mark.parametrize(("when", "error"), [("wait", FaxAwaitingCreditError), ("fail", FaxOutOfCreditError)])
def test_a_fax_that_is_held_for_lack_of_credit_keeps_the_next_one_back(account, when, error):
    account.watch(when).note_statuses([status()])

    with pytest.raises(error, match=r"nothing was sent\. Top it up"):
        account.watch(when).check_before_send()


def test_a_fax_that_ended_just_now_for_lack_of_credit_says_the_same(account):
    just_now = pendulum.from_timestamp(clock.now() - 60)
    account.watch().note_statuses([status(FaxOutcome.FATAL, completed_at=just_now)])

    assert not may_send(account.watch())


def test_a_fax_that_ended_long_ago_says_nothing(account):
    account.watch().note_statuses([status(FaxOutcome.FATAL, completed_at=pendulum.datetime(2026, 1, 1))])

    assert may_send(account.watch())
    assert account.asked == 0


@pytest.mark.parametrize(
    ("balance", "is_short"), [(Decimal(0), True), (Decimal("-1.5"), True), (Decimal("0.2"), False)]
)
def test_the_balance_that_comes_with_an_accepted_fax_counts(account, balance, is_short):
    account.watch().note_balance(balance)

    assert may_send(account.watch()) is not is_short


@pytest.mark.parametrize("balance", [Decimal(5), FaxLostContactError("reset")])
def test_a_refusal_for_another_reason_stays_what_it_is(account, balance):
    account.balance = balance
    account.watch().check_after_refusal()

    assert may_send(account.watch())


def test_a_refusal_with_nothing_left_is_one_for_lack_of_credit(account):
    with pytest.raises(FaxAwaitingCreditError):
        account.watch().check_after_refusal()

    assert not may_send(account.watch())


def test_a_connection_that_says_nothing_has_faxes_sent_as_ever(account):
    account.watch("send").note_statuses([status()])
    account.watch("send").note_balance(Decimal(0))
    account.watch("send").check_after_refusal()
    account.watch("send").check_before_send()

    assert may_send(account.watch("wait"))
    assert account.asked == 0


# When it ends -----------------------------------------------------------------------------------------


def test_one_look_at_the_balance_serves_all(account, bare_time):
    account.watch().note_statuses([status()])

    assert [may_send(account.watch()) for _ in range(100)] == [False] * 100
    assert account.asked == 1
    bare_time.pass_by(CHECKED_EVERY + 1)
    assert [may_send(account.watch()) for _ in range(100)] == [False] * 100
    assert account.asked == 2


def test_when_the_balance_is_back_all_send(account, bare_time):
    account.watch().note_statuses([status()])
    assert not may_send(account.watch())
    account.balance = Decimal(20)
    bare_time.pass_by(CHECKED_EVERY + 1)

    assert [may_send(account.watch()) for _ in range(100)] == [True] * 100
    assert account.asked == 2


def test_a_balance_that_was_too_little_for_a_fax_is_not_back_before_it_grows(account, bare_time):
    account.balance = Decimal("0.05")
    account.watch().note_statuses([status()])
    assert may_send(account.watch())
    bare_time.pass_by(120)
    # It was held as well.
    account.watch().note_statuses([status()])

    assert not may_send(account.watch())
    account.balance = Decimal("20.05")
    bare_time.pass_by(CHECKED_EVERY + 1)
    assert may_send(account.watch())


def test_an_account_without_a_balance_is_tried_after_an_hour(account, bare_time):
    account.watch().note_statuses([status()])
    bare_time.pass_by(LASTS - 1)
    assert not may_send(account.watch())
    bare_time.pass_by(2)

    assert may_send(account.watch())


def test_as_long_as_a_fax_is_held_sends_are_kept_back(account, bare_time):
    for _ in range(5):
        account.watch().note_statuses([status()])
        bare_time.pass_by(LASTS - 60)

    assert not may_send(account.watch())


def test_a_balance_that_cannot_be_read_is_not_back(account):
    account.watch().note_statuses([status()])
    account.balance = FaxLostContactError("reset")

    assert not may_send(account.watch())


def test_refused_credentials_are_told_as_such(account):
    account.watch().note_statuses([status()])
    account.balance = FaxAccountStoppedError("stopped")

    with pytest.raises(FaxAuthenticationError):
        account.watch().check_before_send()


# At the hook ------------------------------------------------------------------------------------------


@pytest.fixture
def hook_of(simulator, monkeypatch):
    made = []

    def make(vendor, **extra):
        simulator.set_airflow_connections(monkeypatch, **extra)
        made.append(FaxHook.for_connection(f"{vendor}_default"))
        return made[-1]

    yield make
    for hook in made:
        hook.close()


def test_interfax_holds_a_fax_and_the_next_one_waits_until_the_balance_is_back(simulator, hook_of, letter, bare_time):
    simulator.configure(interfax_hold_for_credit=True, interfax_balance=0.1)
    hook = hook_of("interfax", when_out_of_credit="wait")
    held = hook.send_fax(NUMBER, letter).job_id
    simulator.advance(30)
    assert hook.get_status(held).cause is FaxCause.OUT_OF_CREDIT
    simulator.configure(interfax_balance=0.0)

    with pytest.raises(FaxAwaitingCreditError):
        hook.send_fax(NUMBER, letter)
    with pytest.raises(FaxAwaitingCreditError):
        hook.send_fax(NUMBER, letter)
    assert [request["endpoint"] for request in simulator.requests()].count("balance") == 1
    assert len(simulator.faxes()) == 1

    simulator.configure(interfax_hold_for_credit=False, interfax_balance=50.0)
    bare_time.pass_by(CHECKED_EVERY + 1)
    assert hook.send_fax(NUMBER, letter).job_id != held


def test_faxto_refuses_a_send_and_the_next_one_is_not_made(simulator, hook_of, letter):
    simulator.configure(faxto_balance=0.0)
    hook = hook_of("faxto", when_out_of_credit="fail")

    with pytest.raises(FaxOutOfCreditError):
        hook.send_fax(NUMBER, letter)
    before = len(simulator.requests())
    with pytest.raises(FaxOutOfCreditError):
        hook.send_fax(NUMBER, letter)
    assert [request["endpoint"] for request in simulator.requests()][before:] == ["balance"]


@pytest.mark.parametrize("vendor", ["faxto"])
def test_without_the_extra_a_refusal_is_a_refusal(simulator, hook_of, letter, vendor):
    simulator.configure(faxto_balance=0.0)
    hook = hook_of(vendor)

    for _ in range(2):
        with pytest.raises(FaxRefusedError) as caught:
            hook.send_fax(NUMBER, letter)
        assert not isinstance(caught.value, FaxOutOfCreditError)
    assert "balance" not in {request["endpoint"] for request in simulator.requests()}


@pytest.mark.parametrize("value", ["never", "", 0, True, ["wait"]])
def test_a_word_that_is_none_of_the_three_is_refused(connect, vendor, value):
    hook = connect(vendor, "https://fax.example", when_out_of_credit=value)
    if value == "":
        hook.check_configuration()
        return

    with pytest.raises(FaxConfigurationError, match="when_out_of_credit must be send, wait or fail"):
        hook.check_configuration()
