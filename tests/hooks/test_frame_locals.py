"""An error leaves the package with its traceback, and with no local variable of the frames that it went through."""

from __future__ import annotations

import inspect
import json
import traceback
from functools import partial

import pytest
from support.hooks import KEY, NAME, NUMBER, locals_of
from support.vendors import HOOKS, VENDORS

from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxError, FaxInputError, FaxNumberError
from airflow_provider_faxto.hooks.fax import FaxHook, Patience
from airflow_provider_faxto.hooks.frame_locals import clear_frames, forgets_locals

PRIVATE = "private-value"


def fail(private):
    secret = f"{private}!"
    raise ValueError(len(secret))


@forgets_locals
def call(private, error=ValueError):
    copy = [private]
    try:
        fail(copy[0])
    except ValueError as cause:
        raise error("no") from cause


def caught(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - any
        return error
    return None


def shown(error):
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The frames of this file's tests and helpers hold the value themselves.
    stacks = [report.stack, *([report.__cause__.stack] if report.__cause__ else [])]
    return [frame for stack in stacks for frame in stack if frame.name in ("calling", "call", "fail")]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_frames_keep_their_lines_and_lose_their_variables(error):
    frames = shown(caught(call, PRIVATE, error=error))

    assert [frame.name for frame in frames] == ["calling", "call", "call", "fail"]
    assert [frame.line for frame in frames][1:] == [
        'raise error("no") from cause',
        "fail(copy[0])",
        "raise ValueError(len(secret))",
    ]
    assert PRIVATE not in "".join(map(repr, (frame.locals for frame in frames)))


def test_what_returns_returns():
    assert forgets_locals(lambda one, *, two: (one, two))(1, two=2) == (1, 2)


def test_an_error_that_the_caller_handles_keeps_its_variables():
    def handle():
        try:
            fail(PRIVATE)
        except ValueError:
            call("other")

    error = caught(handle)

    behind = error.__cause__.__context__
    assert "other!" not in repr(locals_of_all(error.__cause__))
    assert f"{PRIVATE}!" in repr(locals_of_all(behind))


def locals_of_all(error):
    return [
        dict(frame.f_locals) for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code is fail.__code__
    ]


def test_errors_that_are_behind_each_other_have_an_end():
    one, other = caught(fail, PRIVATE), caught(fail, PRIVATE)
    one.__context__, other.__context__ = other, one

    clear_frames(one)

    assert locals_of_all(one) == locals_of_all(other) == [{}]


PRIVATE_ARGUMENTS = {
    *("connection", "document", "documents", "fax_number", "name", "options", "records", "sources", "text", "url"),
}


@pytest.mark.parametrize("hook_class", HOOKS.values(), ids=HOOKS)
def test_each_call_that_is_given_something_private_forgets_it(hook_class):
    members = {
        name: inspect.getattr_static(hook_class, name)
        for base in hook_class.__mro__
        if base.__module__.startswith("airflow_provider_faxto.")
        for name in vars(base)
        if not name.startswith("__")
    }
    calls = {
        name: getattr(member, "__func__", member)
        for name, member in members.items()
        if inspect.isfunction(getattr(member, "__func__", member))
    }
    remembering = {
        name
        for name, call in calls.items()
        if PRIVATE_ARGUMENTS & set(inspect.signature(call).parameters) and not hasattr(call, "__wrapped__")
    }

    assert {"send_fax", "upload_document", "for_resolved_connection"} <= set(calls)
    assert remembering == set()


# What a hook raises -------------------------------------------------------------------------------------


def assert_tells_nothing(error, *, but=()):
    told = locals_of(error)
    assert told
    for private in {KEY, "jane:", NUMBER[1:], NAME, PRIVATE} - set(but):
        assert private not in told


@pytest.fixture
def hook(vendor, connect, closed_port):
    return connect(vendor, closed_port)


@pytest.mark.parametrize(
    "number",
    [f"{NUMBER} and another", f"{NUMBER},{NUMBER}", f"{NUMBER}" * 2, f"{NUMBER}e9", f"00{NUMBER}", f"#{NUMBER}"],
)
def test_a_number_that_cannot_be_read(hook, named_letter, number):
    for attempt in (
        lambda: hook.parse_fax_number(number),
        lambda: hook.send_fax(number, named_letter),
        lambda: hook.find_jobs(reference="r", fax_number=number),
    ):
        error = caught(attempt)
        assert isinstance(error, FaxNumberError)
        assert_tells_nothing(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no PDF"),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["missing", "empty", "no PDF", "a folder"],
)
def test_a_document_that_cannot_be_read(hook, tmp_path, named_letter, make):
    make(tmp_path / f"{NAME}.pdf")

    for attempt in (
        lambda: hook.load_documents(named_letter),
        lambda: hook.upload_document(named_letter),
        lambda: hook.send_fax(NUMBER, [named_letter], reference="r"),
        lambda: hook.send_fax(NUMBER, f"file://{named_letter}"),
        lambda: hook.send_fax(NUMBER, f"nowhere://{NAME}/{NAME}.pdf"),
    ):
        error = caught(attempt)
        assert isinstance(error, FaxDocumentError)
        assert_tells_nothing(error)


def test_options_that_cannot_be_used(hook, named_letter):
    for options in ({"contact": PRIVATE * 100}, {"page_header": PRIVATE, "resolutoin": PRIVATE}, {"no_such": PRIVATE}):
        error = caught(hook.send_fax, NUMBER, named_letter, options=options)

        assert isinstance(error, FaxInputError)
        assert_tells_nothing(error)


def test_what_is_a_fault_of_the_package_itself(hook, named_letter, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("airflow_provider_faxto.http.transport.send", broken)

    for attempt in (
        lambda: hook.send_fax(NUMBER, named_letter, reference="r", options={"sender_id": PRIVATE}),
        lambda: hook.get_status("1"),
        hook.read_records,
        lambda: list(hook.iter_history()),
    ):
        error = caught(attempt)
        # InterFAX looks a label up, so it has nothing to read before.
        if error is not None:
            assert isinstance(error, ZeroDivisionError)
            assert_tells_nothing(error)


@pytest.mark.parametrize("conn_type", VENDORS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"host": f"https://jane:{KEY}@fax.example"},
        {"host": f"http://fax.example/{KEY}"},
        {"schema": f"{KEY}"},
        {"extra": {"timeout": PRIVATE, "key": KEY}},
        {"extra": {"default_region": NUMBER}},
        {"extra": {"key_namespace": [KEY]}},
        {"extra": {"requests_per_minute": PRIVATE}},
        {"extra": {"code_outcomes": {PRIVATE: KEY}}},
        {"extra": {"status_messages": {PRIVATE: KEY}}},
        {"extra": {"timeout": "{" + KEY}},
        {"extra": {"extra__faxto__timeout": KEY}},
    ],
    ids=str,
)
def test_a_connection_that_cannot_be_used(monkeypatch, conn_type, wrong):
    described = {"conn_type": conn_type, "host": "http://127.0.0.1:9", "login": "jane", "password": KEY, **wrong}
    monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(described))
    make = partial(FaxHook.for_connection, "wrong", patience=Patience(read_attempts=1))

    for attempt in (
        lambda: make().check_configuration(),
        lambda: make().vendor,
        lambda: make().send_fax(NUMBER, "letter.pdf"),
        lambda: make().get_status("1"),
    ):
        error = caught(attempt)
        # One vendor reads an extra that another does not know, and then finds nobody at the host.
        if error is not None:
            assert isinstance(error, FaxError)
            assert_tells_nothing(error)
