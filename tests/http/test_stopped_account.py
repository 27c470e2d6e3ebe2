"""One alarm for a machine: refused credentials are used once, and no file, lock or clock makes a stop of its own."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxAuthenticationError
from airflow_provider_faxto.http import account_state, shared_files, stopped_account
from airflow_provider_faxto.http.moments import Moment
from airflow_provider_faxto.http.shared_files import locked
from airflow_provider_faxto.http.stopped_account import LOCKED_OUT_FOR, LOG_IN_WAIT, STOPPED_FOR, LogInGate

ACCOUNT = "interfax https://rest.interfax.net jane"
SECRET = "correct horse"
REFUSED = FaxAuthenticationError("InterFAX answered HTTP 401.", http_status=401, vendor_code=-1003)
LOCKED_OUT = FaxAuthenticationError("blocked", is_locked_out=True, http_status=401, vendor_code=-1876)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the files of this test lie."""
    monkeypatch.setattr(shared_files, "tempfile", SimpleNamespace(gettempdir=lambda: str(tmp_path)))
    be_another_process()
    yield tmp_path / f"airflow-provider-faxto-{os.getuid()}"
    be_another_process()


def be_another_process():
    """Know no more than the files from here on."""
    account_state.forget()
    stopped_account.forget()


def gate_of(secret=SECRET, account=ACCOUNT, conn_id="clinic"):
    return LogInGate(account, secret, conn_id=conn_id, label="InterFAX")


def ask(gate, answer=None):
    """Make a request, which is refused or not."""
    asked_at = Moment.now()
    with gate.enter():
        pass
    if answer is None:
        gate.note_success(asked_at)
    else:
        gate.note_refusal(answer)


def is_stopped(gate):
    try:
        gate.check()
    except FaxAccountStoppedError:
        return True
    return False


# The stop ---------------------------------------------------------------------------------------------


def test_refused_credentials_are_not_used_again_for_ten_minutes(bare_time):
    ask(gate_of(), REFUSED)
    be_another_process()
    bare_time.pass_by(STOPPED_FOR - 1)
    with pytest.raises(FaxAccountStoppedError), gate_of().enter():
        pytest.fail("nothing was to be asked")
    bare_time.pass_by(2)

    assert not is_stopped(gate_of())


def test_a_locked_out_user_is_stopped_for_an_hour(bare_time):
    ask(gate_of(), LOCKED_OUT)
    bare_time.pass_by(LOCKED_OUT_FOR - 1)
    assert is_stopped(gate_of())
    bare_time.pass_by(2)

    assert not is_stopped(gate_of())


@pytest.mark.parametrize("of_whom", [{"secret": "battery staple"}, {"account": "interfax https://other.example jane"}])
def test_other_credentials_and_other_accounts_are_not_stopped(bare_time, of_whom):
    ask(gate_of(), REFUSED)

    assert not is_stopped(gate_of(**of_whom))
    assert is_stopped(gate_of())


def test_the_old_credentials_stay_stopped_while_new_ones_are_used(bare_time):
    ask(gate_of(), REFUSED)
    ask(gate_of(secret="battery staple"))

    assert is_stopped(gate_of())


def test_a_success_that_was_asked_for_after_the_stop_ends_it(bare_time, caplog):
    caplog.set_level(logging.INFO)
    ask(gate_of(), REFUSED)
    bare_time.pass_by(1)
    gate_of().note_success(Moment.now())
    be_another_process()

    assert not is_stopped(gate_of())
    assert "takes the credentials again" in caplog.text


def test_a_success_that_was_asked_for_before_the_stop_does_not_end_it(bare_time):
    asked_at = Moment.now()
    bare_time.pass_by(1)
    ask(gate_of(), REFUSED)
    gate_of().note_success(asked_at)

    assert is_stopped(gate_of())


def test_several_refusals_of_one_moment_are_one_stop(bare_time):
    first, is_new = gate_of().note_refusal(REFUSED)
    be_another_process()
    _, is_new_again = gate_of().note_refusal(REFUSED)

    assert (is_new, is_new_again) == (True, False)
    bare_time.pass_by(STOPPED_FOR + 1)
    second, is_new = gate_of().note_refusal(REFUSED)
    assert is_new
    assert second.since.monotonic > first.since.monotonic


def test_a_lock_out_prolongs_a_stop_and_is_no_new_one(bare_time):
    gate_of().note_refusal(REFUSED)
    _, is_new = gate_of().note_refusal(LOCKED_OUT)
    bare_time.pass_by(STOPPED_FOR + 1)

    assert not is_new
    assert is_stopped(gate_of())


def test_the_others_are_told_who_was_refused_when_and_what_to_do(bare_time):
    stop, _ = gate_of(conn_id="clinic").note_refusal(REFUSED)

    with pytest.raises(FaxAccountStoppedError) as caught:
        gate_of(conn_id="lab").check()

    said = str(caught.value)
    for words in ("with connection 'clinic'", "HTTP 401, code -1003", "has not asked", "Correct the key or password"):
        assert words in said
    assert caught.value.until == pytest.approx(stop.until)
    assert (caught.value.was_asked, caught.value.http_status, caught.value.vendor_code) == (False, 401, -1003)


def test_who_was_refused_is_told_what_the_vendor_said(bare_time):
    gate = gate_of()
    stop, _ = gate.note_refusal(REFUSED)

    error = gate.stopped_error(REFUSED, stop)

    assert str(error).startswith("InterFAX answered HTTP 401. No task of this machine asks")
    assert error.was_asked


# The clocks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [-48, -1, 1, 48])
def test_a_clock_that_is_set_makes_no_stop_longer(bare_time, hours):
    ask(gate_of(), REFUSED)
    bare_time.set_wall_clock(hours * 3600)
    bare_time.pass_by(STOPPED_FOR + 1)

    assert not is_stopped(gate_of())


@pytest.mark.parametrize("seconds", [-30, 30])
def test_a_clock_that_is_set_right_a_little_ends_no_stop(bare_time, seconds):
    ask(gate_of(), REFUSED)
    bare_time.set_wall_clock(seconds)
    bare_time.pass_by(60)

    assert is_stopped(gate_of())


def test_a_machine_that_was_started_anew_is_not_stopped_by_what_was_before(bare_time):
    ask(gate_of(), REFUSED)
    # The monotonic clock begins anew, and the wall clock goes on.
    bare_time.set_wall_clock(1000.0)
    bare_time.pass_by(-900.0)

    assert not is_stopped(gate_of())


# One asks at a time -----------------------------------------------------------------------------------


class Asker(threading.Thread):
    """Another task of the machine that tries the credentials until it is told what the vendor says."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.asks = threading.Event()
        self.may_go = threading.Event()

    def run(self):
        gate, asked_at = gate_of(), Moment.now()
        with gate.enter():
            self.asks.set()
            assert self.may_go.wait(60)
            if self.answer == "yes":
                gate.note_success(asked_at)
            elif self.answer != "lost contact":
                gate.note_refusal(self.answer)


@pytest.fixture
def other():
    """Give a function that lets another task ask, which has its answer while this one waits."""
    started = []

    def start(answer):
        asker = Asker(answer)
        started.append(asker)
        asker.start()
        assert asker.asks.wait(60)
        return asker

    yield start
    for asker in started:
        asker.may_go.set()
        asker.join(60)


def end(asker):
    asker.may_go.set()
    asker.join(60)


def test_who_waits_is_stopped_by_the_refusal_of_the_one_that_asked(bare_time, other):
    asker = other(REFUSED)
    bare_time.while_asleep = lambda: end(asker)

    with pytest.raises(FaxAccountStoppedError), gate_of().enter():
        pytest.fail("nothing was to be asked")
    assert len(bare_time.pauses) == 1


def test_who_waits_goes_on_when_the_one_that_asked_was_taken(bare_time, other):
    asker = other("yes")
    bare_time.while_asleep = lambda: end(asker)

    with gate_of().enter():
        assert len(bare_time.pauses) == 1


def test_who_waits_asks_next_where_the_one_that_asked_found_nothing_out(bare_time, other):
    asker = other("lost contact")
    bare_time.while_asleep = lambda: end(asker)

    with gate_of().enter():
        assert len(bare_time.pauses) == 1


def test_after_a_success_nobody_waits(bare_time, other):
    ask(gate_of())
    other("yes")

    with gate_of().enter():
        assert bare_time.pauses == []


def test_ten_minutes_after_the_last_success_one_asks_at_a_time_again(bare_time, other):
    ask(gate_of())
    bare_time.pass_by(601)
    asker = other(REFUSED)
    bare_time.while_asleep = lambda: end(asker)

    with pytest.raises(FaxAccountStoppedError), gate_of().enter():
        pytest.fail("nothing was to be asked")


def test_a_task_that_hangs_holds_nobody_up_for_long_and_for_once(bare_time, other):
    other("yes")

    with gate_of().enter():
        assert bare_time.slept == pytest.approx(LOG_IN_WAIT, abs=1)
    with gate_of().enter():
        assert bare_time.slept == pytest.approx(LOG_IN_WAIT, abs=1)


def test_the_handler_of_a_signal_does_not_wait_for_its_own_thread(bare_time):
    with gate_of().enter(), gate_of().enter():
        assert bare_time.pauses == []


def test_of_many_processes_with_a_wrong_password_one_asks(folder, tmp_path):
    asked = tmp_path / "asked"
    asked.touch()
    code = f"""
import sys, tempfile, time
tempfile.tempdir = {str(tmp_path)!r}
from airflow_provider_faxto.fax.errors import FaxAccountStoppedError, FaxAuthenticationError
from airflow_provider_faxto.http.stopped_account import LogInGate
gate = LogInGate({ACCOUNT!r}, {SECRET!r}, conn_id="clinic", label="InterFAX")
sys.stdin.readline()
try:
    with gate.enter():
        with open({str(asked)!r}, "a") as file:
            file.write("asked\\n")
        time.sleep(0.2)
        gate.note_refusal(FaxAuthenticationError("no", http_status=401))
except FaxAccountStoppedError:
    print("stopped")
"""
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [process.communicate("go\n", timeout=60)[0] for process in processes]

    assert asked.read_text() == "asked\n"
    assert told.count("stopped\n") == 3


# What is stored, and what is wrong with it ------------------------------------------------------------


def test_neither_the_account_nor_its_credentials_are_stored(bare_time, folder):
    ask(gate_of(), REFUSED)
    ask(gate_of(secret="battery staple"))

    for file in folder.iterdir():
        shown = file.name.encode() + file.read_bytes()
        for private in (b"jane", b"interfax.net", SECRET.encode(), b"battery"):
            assert private not in shown


def break_it(folder, how):
    if how == "folder":
        folder.chmod(0o777)
    elif how == "not a folder":
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        folder.write_text("no folder")
    else:
        [file] = folder.glob("*.account")
        file.write_bytes(how)


ODD = [
    b"{",
    b"[]",
    b"null",
    b"7",
    b"\xff\xfe",
    b'{"version": 1}',
    b'{"version": 2, "stops": {}, "logged_in": {}}',
    b'{"version": 1, "stops": {"a": {}}, "logged_in": {}}',
    b'{"version": 1, "stops": {"a": {"conn_id": 1, "since": [NaN, 1], "seconds": 1}}, "logged_in": {}}',
    b'{"version": 1, "stops": [], "logged_in": {"a": [1e999, 0]}}',
    b"[" * 100_000,
    bytes(300 * 1024),
]


@pytest.mark.parametrize("how", ["folder", "not a folder", *ODD], ids=lambda how: str(how[:30]))
def test_files_that_cannot_be_used_stop_nobody_and_are_told_once(bare_time, folder, caplog, how):
    ask(gate_of(secret="battery staple"))
    break_it(folder, how)
    be_another_process()

    for _ in range(3):
        ask(gate_of())

    assert bare_time.pauses == []
    assert caplog.text.count("does not hear whether others") == 1


@pytest.mark.parametrize("how", ["folder", "not a folder"])
def test_a_process_alone_keeps_to_its_own_refusal(bare_time, folder, how):
    ask(gate_of(secret="battery staple"))
    break_it(folder, how)
    _, is_new = gate_of().note_refusal(REFUSED)
    assert is_new
    assert is_stopped(gate_of())
    bare_time.pass_by(STOPPED_FOR + 1)

    assert not is_stopped(gate_of())


def test_what_was_found_out_alone_is_shared_when_that_can_be(bare_time, folder):
    ask(gate_of(secret="battery staple"))
    folder.chmod(0o777)
    ask(gate_of(), REFUSED)
    folder.chmod(0o700)
    ask(gate_of(secret="third"))
    be_another_process()

    assert is_stopped(gate_of())


def test_a_stopped_process_that_holds_the_guard_of_the_file_holds_nobody_up_for_long(bare_time, folder):
    ask(gate_of(secret="battery staple"))
    [guard] = folder.glob("*.guard")
    with guard.open("rb") as held, locked(held.fileno()):
        ask(gate_of(), REFUSED)
    be_another_process()

    assert bare_time.slept < 3
    assert is_stopped(gate_of())


def test_a_disk_without_space_stops_nobody(bare_time, monkeypatch, caplog):
    def full(name, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(account_state, "replace_shared", full)
    ask(gate_of())
    assert not is_stopped(gate_of())
    ask(gate_of(secret="battery staple"), REFUSED)

    assert is_stopped(gate_of(secret="battery staple"))
    assert caplog.text.count("does not hear whether others") == 1


def test_files_of_this_user_alone(bare_time, folder):
    ask(gate_of(), REFUSED)

    assert {Path(file).stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_what_nobody_uses_is_forgotten(bare_time, folder):
    for number in range(20):
        ask(gate_of(secret=f"old {number}"), REFUSED if number % 2 else None)
        bare_time.pass_by(1)
    [file] = folder.glob("*.account")
    before = file.stat().st_size
    bare_time.pass_by(8000)
    ask(gate_of())

    assert file.stat().st_size < before / 5
