"""What is shared of an account: whatever stands in its file, nobody fails for it."""

from __future__ import annotations

import json
import os
import threading
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.http import account_state, shared_files
from airflow_provider_faxto.http.account_state import AccountState, Shortage, State, Stop
from airflow_provider_faxto.http.moments import Moment


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the files of this test lie."""
    monkeypatch.setattr(shared_files, "tempfile", SimpleNamespace(gettempdir=lambda: str(tmp_path)))
    account_state.forget()
    yield tmp_path / f"airflow-provider-faxto-{os.getuid()}"
    account_state.forget()


def whole_state():
    now = Moment.now()
    return State(
        stops={"a": Stop(conn_id="clinic", since=now, seconds=600.0, http_status=401, vendor_code=-1003)},
        logged_in={"b": now},
        shortage=Shortage(seen_at=now, checked_at=now, balance="0.05"),
    )


def test_a_state_is_read_as_it_was_stored():
    state = whole_state()

    assert State.from_json(state.to_json()) == state
    assert State.from_json(b"") == State()


@pytest.mark.parametrize("shortage", [None, Shortage(seen_at=None, balance="-1")])
def test_what_is_not_known_is_stored_as_such(shortage):
    state = State(shortage=shortage)

    assert State.from_json(state.to_json()) == state


def test_what_one_changes_another_one_reads():
    stops = whole_state().stops
    result = AccountState("account").change(lambda state: state.stops.update(stops))
    account_state.forget()

    assert result is None
    assert AccountState("account").read().stops == stops
    assert AccountState("other").read() == State()


def test_a_state_that_was_read_is_the_callers_own():
    AccountState("account").change(lambda state: state.stops.update(whole_state().stops))
    AccountState("account").read().stops.clear()

    assert AccountState("account").read().stops


def test_no_change_of_many_threads_is_lost():
    def change(number):
        AccountState("account").change(lambda state: state.logged_in.update({str(number): Moment.now()}))

    threads = [threading.Thread(target=change, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(AccountState("account").read().logged_in) == 20


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ODD = st.binary(max_size=200) | st.fixed_dictionaries(
    {}, optional={"version": st.just(1), "stops": JSON, "logged_in": JSON, "shortage": JSON}
).map(lambda value: json.dumps(value).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ODD)
def test_whatever_stands_in_the_file_it_can_be_read_and_changed(folder, content):
    account_state.forget()
    AccountState("account").change(lambda _: None)
    (folder / "account.account").write_bytes(content)

    AccountState("account").read()
    AccountState("account").change(lambda state: state.logged_in.update({"mine": Moment.now()}))

    assert "mine" in AccountState("account").read().logged_in
