"""A hook that is copied or goes to another process takes no secret with it, and looks its connection up again."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from support.hooks import KEY, NUMBER
from support.vendors import HOOKS

from airflow_provider_faxto.fax.errors import FaxNotAllowedError
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.hooks.fax import POLLING, FaxHook
from airflow_provider_faxto.sending.logical_fax import LogicalFax
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.vendors.base import ConnectionSettings

WAYS = {
    "pickle": lambda each: pickle.loads(pickle.dumps(each)),
    "oldest pickle": lambda each: pickle.loads(pickle.dumps(each, protocol=0)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest.fixture
def hook(vendor, connect, closed_port):
    made = connect(vendor, closed_port, status_messages={"fatal": ["besetzt"]} if vendor == "faxto" else {})
    # All that a hook keeps is there.
    made.check_configuration()
    _ = made.account_id, made.rate_limit, made.vendor.secrets
    made.mask_secrets()
    return made


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_a_hook_holds_the_id_of_its_connection_alone(hook, vendor, protocol):
    pickled = pickle.dumps(hook, protocol)

    assert f"test_{vendor}".encode() in pickled
    for private in (KEY, KEY.encode("unicode-escape").decode(), "jane", "127.0.0.1", "besetzt"):
        assert private.encode() not in pickled
    assert b"ConnectionSettings" not in pickled


@way
def test_a_copy_is_the_same_hook_and_looks_its_connection_up_again(hook, vendor, monkeypatch, way):
    again = way(hook)

    assert type(again) is HOOKS[vendor]
    assert (again.fax_conn_id, again.patience) == (hook.fax_conn_id, hook.patience)
    assert again.account_id == hook.account_id
    described = {"conn_type": vendor, "host": "http://127.0.0.1:9", "login": "joe", "password": "other"}
    monkeypatch.setenv(f"AIRFLOW_CONN_TEST_{vendor.upper()}", json.dumps(described))
    assert way(hook).account_id != hook.account_id


@way
def test_a_hook_that_was_never_used_can_be_copied(vendor, way):
    # Nothing is looked up: there is no such connection.
    again = way(HOOKS[vendor]("nowhere", patience=POLLING))

    assert (again.fax_conn_id, again.patience) == ("nowhere", POLLING)


@way
def test_what_holds_a_secret_is_not_copied(hook, way):
    fax = LogicalFax(
        key="k", fax_number=hook.parse_fax_number(NUMBER), documents=[], options=SendOptions(contact="Ward 7, Jane Roe")
    )

    for private in (hook.vendor, ConnectionSettings(conn_id="c", password=KEY), fax):
        with pytest.raises(TypeError, match="pickled"):
            way(private)


def test_what_stands_in_frames_shows_nothing_private(hook):
    fax = LogicalFax(
        key="k",
        fax_number=hook.parse_fax_number(NUMBER),
        documents=[],
        options=SendOptions(contact="Ward 7, Jane Roe", page_header="Results"),
    )
    shown = repr([fax, hook, hook.vendor, FaxHook, ConnectionSettings(conn_id="c", login="jane", password=KEY)])

    for private in (NUMBER[1:], "Jane Roe", "Results", KEY, "login", "password"):
        assert private not in shown


def test_options_show_their_names_to_sentry_too():
    # Sentry goes through a mapping, where it is not told how to show it.
    options = SendOptions(contact="Ward 7, Jane Roe")

    assert options.__sentry_repr__() == repr(options) == "<SendOptions: contact>"


def test_a_hook_for_another_thread_asks_nobody_for_its_connection(hook, monkeypatch):
    def no_look_up(*_):
        raise AssertionError("the connection was looked up again")

    monkeypatch.setattr(FaxHook, "get_connection", no_look_up)
    other = hook.for_another_thread()

    other.check_configuration()
    assert (other.account_id, other.patience) == (hook.account_id, hook.patience)
    assert other.has_settings_of(hook)
    assert type(other) is type(hook)


def test_what_one_thread_has_checked_the_hook_of_another_takes(connect, closed_port, tmp_path):
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(make_pdf())
    hook = connect("interfax", closed_port, document_roots=[str(tmp_path)])
    [document] = hook.load_documents(str(letter))
    other = hook.for_another_thread()

    assert other.load_documents(document) == [document]
    # A hook that shares nothing with it does not take such a document at its word.
    with pytest.raises(FaxNotAllowedError):
        connect("interfax", closed_port, document_roots=[str(tmp_path)]).load_documents(document)
