from __future__ import annotations

from urllib.parse import quote

import pytest

from airflow_provider_faxto.simulator.accounts import Accounts, Lockout, RollingLimit


def test_the_default_key_is_spoilt_by_a_url_that_does_not_encode_it():
    key = Accounts().faxto["faxto-demo"]
    assert quote(key, safe="") != key
    assert "+" in key
    assert "&" in key


def test_no_secret_shows_in_the_repr():
    accounts = Accounts()
    for secret in (*accounts.faxto.values(), *accounts.interfax.values(), *accounts.extrafax.values()):
        assert secret not in repr(accounts)


def test_a_key_names_its_account_and_a_user_the_vendor():
    accounts = Accounts(faxto={"a": "one", "b": "two"}, interfax={"i": "p"}, extrafax={"e": "q"})
    assert [accounts.faxto_account(key) for key in ("one", "two", "three", "")] == ["a", "b", None, None]
    assert [accounts.password_of(user) for user in ("i", "e", "x")] == ["p", "q", None]
    assert [accounts.vendor_of(user) for user in ("i", "e", "x")] == ["interfax", "extrafax", "interfax"]


def test_bad_accounts_are_refused():
    with pytest.raises(ValueError, match="key or password"):
        Accounts(faxto={"a": ""})
    with pytest.raises(ValueError, match="of its own"):
        Accounts(interfax={"u": "p"}, extrafax={"u": "q"})


def test_the_seventh_request_in_a_rolling_minute_is_refused_and_does_not_count():
    limit = RollingLimit()
    assert all(limit.take("user", 10.0 * second, 6) for second in range(6))
    assert not limit.take("user", 59.9, 6)
    assert limit.take("other", 59.9, 6)
    # The first request has left the window; the refused one never was in it.
    assert limit.take("user", 60.0, 6)
    assert not limit.take("user", 60.0, 6)
    assert limit.take("user", 60.0, None)


def test_failures_in_a_row_lock_a_user_out_for_a_time():
    lockout = Lockout()
    for _ in range(2):
        lockout.failed("user", 0, after=3, seconds=3600)
    lockout.succeeded("user")
    for _ in range(2):
        lockout.failed("user", 0, after=3, seconds=3600)
    assert not lockout.is_locked("user", 0)
    lockout.failed("user", 100, after=3, seconds=3600)
    assert lockout.is_locked("user", 3699)
    assert not lockout.is_locked("other", 3699)
    assert not lockout.is_locked("user", 3700)


def test_a_lock_out_that_is_switched_off_never_strikes():
    lockout = Lockout()
    for _ in range(50):
        lockout.failed("user", 0, after=None, seconds=3600)
    assert not lockout.is_locked("user", 0)
