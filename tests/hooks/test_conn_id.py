"""The id of a connection: what cannot be one finds no account, wherever a ``fax_conn_id`` is taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from airflow.exceptions import AirflowException
from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import HOOKS

from airflow_provider_faxto.exceptions import FaxPermanentError
from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.hooks.conn_id import check_conn_id
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.operators.fax import FaxOutcomeBranchOperator, SendFaxOperator
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

NO_IDS = ["", "interfax_default?x", "interfax_default#x", "other/../interfax_default", "interfax_default\n", None, 4711]
SET_UP = (FaxConfigurationError, FaxPermanentError)


@pytest.fixture
def looked_up(fax_connections: FaxSimulator, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Let every look-up find an account, whatever it is asked for; give what was asked for."""
    asked: list[object] = []
    found = BaseHook.get_connection("interfax_default")
    monkeypatch.setattr(
        BaseHook, "get_connection", classmethod(lambda _, conn_id: asked.append(conn_id) or found), raising=True
    )
    return asked


@pytest.mark.parametrize("conn_id", ["interfax_default", "a", "A-1.b_c", "klinik_süd", "x" * 250, "None"])
def test_an_id_as_airflow_stores_it_is_taken_as_it_is(conn_id: str) -> None:
    assert check_conn_id(conn_id) == conn_id


@given(st.text() | st.none() | st.integers())
def test_only_letters_digits_dashes_underscores_and_single_dots_are_an_id(conn_id: Any) -> None:
    is_key = isinstance(conn_id, str) and re.fullmatch(r"[\w.-]{1,250}", conn_id) and ".." not in conn_id
    if is_key:
        assert check_conn_id(conn_id) == conn_id
    else:
        with pytest.raises(FaxConfigurationError, match="fax_conn_id"):
            check_conn_id(conn_id)


@given(st.from_regex(r"[\w.-]{1,20}", fullmatch=True))
def test_airflow_takes_every_id_that_is_taken(conn_id: str) -> None:
    from airflow.utils.helpers import validate_key

    try:
        validate_key(conn_id)
    except AirflowException:
        with pytest.raises(FaxConfigurationError):
            check_conn_id(conn_id)


@pytest.mark.parametrize(
    ("conn_id", "problem"),
    [
        ("", "is empty"),
        (None, "is NoneType and not text; did its template render to nothing"),
        ("a?b", r"holds '\?'"),
        ("a..b", r"holds '\.\.'"),
        ("a\x00", r"holds '\\x00'"),
        ("x" * 251, "longer than 250"),
    ],
)
def test_what_is_wrong_with_an_id_is_said_with_what_to_give(conn_id: Any, problem: str) -> None:
    with pytest.raises(FaxConfigurationError, match=f"{problem}.*such as interfax_default"):
        check_conn_id(conn_id)


def test_a_whole_uri_that_stands_for_an_id_is_not_shown() -> None:
    with pytest.raises(FaxConfigurationError) as caught:
        check_conn_id("interfax://jane:secret@rest.example")
    assert not [word for word in ("jane", "secret", "rest") if word in str(caught.value)]


@pytest.mark.parametrize("conn_id", NO_IDS)
def test_no_hook_is_made_of_what_is_no_id(conn_id: Any, looked_up: list[object]) -> None:
    with pytest.raises(FaxConfigurationError, match="fax_conn_id"):
        FaxHook.for_connection(conn_id)
    with pytest.raises(FaxConfigurationError, match="fax_conn_id"):
        FaxHook.get_connection(conn_id)
    assert looked_up == []


@pytest.mark.parametrize("conn_id", [each for each in NO_IDS if each is not None])
@pytest.mark.parametrize("hook_class", HOOKS.values())
def test_a_vendors_hook_takes_no_default_for_what_is_no_id(hook_class: type[FaxHook], conn_id: Any) -> None:
    with pytest.raises(FaxConfigurationError, match="fax_conn_id"):
        hook_class(conn_id)


@pytest.mark.parametrize("conn_id", ["", "interfax_default?x", "interfax_default#x", "other/../interfax_default"])
def test_no_task_asks_an_account_under_another_name(
    conn_id: str,
    letter: str,
    looked_up: list[object],
    task_instance: Callable[..., Any],
    fax_connections: FaxSimulator,
) -> None:
    for operator in (
        SendFaxOperator(task_id="send", fax_conn_id=conn_id, fax_number="+1 202 555 0100", document=letter),
        FaxStatusSensor(task_id="wait", fax_conn_id=conn_id, job_id="1", deferrable=True),
        FaxStatusSensor(task_id="poke", fax_conn_id=conn_id, job_id="1", deferrable=False),
    ):
        with pytest.raises(SET_UP, match="fax_conn_id"):
            operator.execute({"ti": task_instance(operator)})
    with DAG("faxes", schedule=None):
        branch = FaxOutcomeBranchOperator(
            task_id="branch",
            fax_conn_id=conn_id,
            job_id="1",
            follow_task_ids_if_success="done",
            follow_task_ids_if_retryable="done",
            follow_task_ids_if_fatal="done",
        )
        branch >> BaseOperator(task_id="done")
    with pytest.raises(SET_UP, match="fax_conn_id"):
        branch.execute({"ti": task_instance(branch)})
    assert looked_up == []
    assert fax_connections.requests() == []
