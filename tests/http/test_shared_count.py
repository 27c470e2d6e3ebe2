"""The shared count never stops anybody: whatever happens to its file, the process counts alone and goes on."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxRateLimitError
from airflow_provider_faxto.http import shared_count, shared_files
from airflow_provider_faxto.http.rate_limit import RateLimit
from airflow_provider_faxto.http.shared_count import LOCK_WAIT, WINDOW, Count, forget
from airflow_provider_faxto.http.shared_files import locked


@pytest.fixture(autouse=True)
def folder(bare_time, tmp_path, monkeypatch):
    """Where the counts of this test are shared."""
    monkeypatch.setattr(shared_files, "tempfile", SimpleNamespace(gettempdir=lambda: str(tmp_path)))
    forget()
    yield tmp_path / f"airflow-provider-faxto-{os.getuid()}"
    forget()


def limit_of(account="interfax https://rest.interfax.net jane", figure=6):
    return RateLimit(account, figure, label="InterFAX")


def ask(limit, max_wait=0.0):
    with limit.acquire(max_wait):
        pass


def ask_till_spent(limit):
    asked = 0
    while True:
        try:
            ask(limit)
        except FaxRateLimitError:
            return asked
        asked += 1


def of_another_process(limit, ask_it):
    """Do something with what a process of its own would know, and return to what this one knows."""
    forget()
    return ask_it(limit)


@pytest.fixture
def only_file(folder):
    """Give a function that tells where the one count lies."""

    def find():
        [file] = folder.iterdir()
        return file

    return find


# The lock ---------------------------------------------------------------------------------------------


def test_a_stopped_process_that_holds_the_lock_holds_nobody_up(bare_time, only_file, caplog):
    limit = limit_of()
    ask(limit)
    with only_file().open("r+b") as held, locked(held.fileno()):
        ask(limit, max_wait=30.0)

        # It is waited for once, and not for each step.
        assert LOCK_WAIT <= bare_time.slept < LOCK_WAIT + 1
        assert ask_till_spent(limit) == 4
        assert bare_time.slept < LOCK_WAIT + 1
    assert caplog.text.count("counts its requests alone") == 1


def test_a_lock_that_is_free_in_time_is_waited_for(bare_time, only_file, caplog):
    limit = limit_of()
    ask(limit)
    with only_file().open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        bare_time.while_asleep = lambda: fcntl.flock(held, fcntl.LOCK_UN)
        ask(limit)

    assert bare_time.slept < LOCK_WAIT
    assert of_another_process(limit, ask_till_spent) == 4
    assert caplog.text == ""


def test_what_was_counted_alone_is_shared_as_soon_as_that_can_be(bare_time, only_file):
    limit = limit_of()
    ask(limit)
    with only_file().open("r+b") as held, locked(held.fileno()):
        ask(limit)
        bare_time.pass_by(40)
        assert ask_till_spent(limit) == 4
    bare_time.pass_by(22)

    # What is still of the last minute was asked for alone.
    assert limit.room().free == 2
    assert of_another_process(limit, ask_till_spent) == 2


def test_what_the_vendor_asked_for_meanwhile_is_shared_too(bare_time, only_file):
    limit = limit_of()
    ask(limit)
    with only_file().open("r+b") as held, locked(held.fileno()):
        limit.slow_down(300.0)
    bare_time.pass_by(100)
    limit.room()

    assert of_another_process(limit, RateLimit.room).free == 0
    bare_time.pass_by(201)
    assert of_another_process(limit, RateLimit.room).pace == 3


def test_what_the_vendor_asked_for_before_still_holds_for_who_counts_alone(bare_time, only_file):
    limit = limit_of()
    limit.slow_down(300.0)
    with only_file().open("r+b") as held, locked(held.fileno()):
        assert limit.room().free == 0


def test_a_waiting_request_of_a_killed_process_keeps_its_place_for_seconds_only(bare_time, monkeypatch, only_file):
    limit = limit_of(figure=1)
    ask(limit)
    seen = []

    def look(seconds):
        seen.append(json.loads(only_file().read_text())["waiting"])
        bare_time.pass_by(seconds)

    monkeypatch.setattr("airflow_provider_faxto.clock.sleep", look)
    began = bare_time.monotonic()
    ask(limit, max_wait=3000.0)

    [until] = seen[0].values()
    assert WINDOW <= until - began < WINDOW + 30


@pytest.mark.parametrize("hours", [-1, 1, -24 * 365])
def test_a_wall_clock_that_is_set_frees_and_holds_nothing(bare_time, hours):
    limit = limit_of()
    assert ask_till_spent(limit) == 6
    bare_time.set_wall_clock(3600.0 * hours)
    assert limit.room().free == 0
    limit.slow_down(30.0)
    bare_time.set_wall_clock(3600.0 * hours)
    bare_time.pass_by(WINDOW)

    assert limit.room() == (3, 3)


# Signals, threads and forks ---------------------------------------------------------------------------


@pytest.fixture
def on_signal():
    """Give a function that has a signal handled."""
    before = signal.getsignal(signal.SIGUSR1)

    yield lambda handler: signal.signal(signal.SIGUSR1, lambda *_: handler())
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("is_alone", [False, True])
def test_the_handler_of_a_signal_that_comes_in_the_middle_is_not_held_up(
    folder, bare_time, monkeypatch, on_signal, is_alone
):
    if is_alone:
        folder.touch()
    limit = limit_of()
    handled = []
    on_signal(lambda: handled.append(ask(limit, max_wait=5.0)))
    tidy = Count.tidy

    def interrupted(count, now):
        if not handled:
            handled.append("begun")
            os.kill(os.getpid(), signal.SIGUSR1)
        tidy(count, now)

    monkeypatch.setattr(Count, "tidy", interrupted)
    ask(limit)

    assert handled == ["begun", None]
    assert bare_time.pauses == []
    assert limit.room().free == 4


@pytest.mark.parametrize("is_alone", [False, True])
def test_a_task_that_is_ended_in_the_middle_leaves_no_lock(folder, monkeypatch, on_signal, caplog, is_alone):
    if is_alone:
        folder.touch()

    class TaskTimeoutError(Exception):
        pass

    def end():
        raise TaskTimeoutError

    on_signal(end)
    limit = limit_of()
    with monkeypatch.context() as patch:
        patch.setattr(Count, "tidy", lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
        with pytest.raises(TaskTimeoutError):
            ask(limit)
    thread = threading.Thread(target=ask, args=(limit,), daemon=True)
    thread.start()
    thread.join(60)

    assert limit.room().free == 5
    assert ("does not answer" in caplog.text, "held by another" in caplog.text) == (False, False)


def test_a_thread_that_hangs_in_the_file_system_holds_no_other_up(monkeypatch, caplog):
    monkeypatch.setattr(shared_count, "LOCK_WAIT", 0.05)
    limit = limit_of()
    hangs, goes_on = threading.Event(), threading.Event()
    read = os.pread

    def hang_once(*arguments):
        if not hangs.is_set():
            hangs.set()
            goes_on.wait(60)
        return read(*arguments)

    monkeypatch.setattr(shared_count.os, "pread", hang_once)
    thread = threading.Thread(target=ask, args=(limit,), daemon=True)
    thread.start()
    try:
        assert hangs.wait(60)
        ask(limit)
        assert "counts its requests alone" in caplog.text
    finally:
        goes_on.set()
        thread.join(60)
    assert not thread.is_alive()
    ask(limit)


FORK = """
import hashlib, os, signal, sys, threading
from airflow_provider_faxto.http.rate_limit import RateLimit
from airflow_provider_faxto.http.shared_count import SharedCount

inside, leave = threading.Event(), threading.Event()

def stay():
    with SharedCount(hashlib.sha256(b"shared").hexdigest()).open():
        inside.set()
        leave.wait(120)

thread = threading.Thread(target=stay)
thread.start()
inside.wait(60)
child = os.fork()
if not child:
    signal.alarm(60)
    with RateLimit("shared", 6, label="InterFAX").acquire(0.0):
        os._exit(0)
_, status = os.waitpid(child, 0)
leave.set()
thread.join()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_process_forked_while_another_thread_counts_is_not_held_up(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    # Newer releases of Python warn of such forks; Airflow makes them.
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], env=environment, check=False, timeout=240)

    # The child's, which an alarm would have ended.
    assert done.returncode == 0


# What a file system does ------------------------------------------------------------------------------


def fail(code):
    def run(*_arguments, **_options):
        raise OSError(code, os.strerror(code))

    return run


FAULTS = {
    "no space": (shared_count.os, "pwrite", fail(errno.ENOSPC)),
    "no space for all of it": (shared_count.os, "pwrite", lambda _file, content, _place: len(content) - 1),
    "no quota": (shared_count.os, "pwrite", fail(errno.EDQUOT)),
    "a number too large": (shared_count.os, "pwrite", lambda *_: 10**400 / 1),
    "a disk that fails": (shared_count.os, "pread", fail(errno.EIO)),
    "a read-only root": (shared_files.os, "open", fail(errno.EROFS)),
    "too many open files": (shared_files.os, "open", fail(errno.EMFILE)),
    "a name that no path can have": (shared_files.os, "open", lambda *_: int("odd")),
    "no locks": (shared_files.fcntl, "flock", fail(errno.ENOLCK)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_system_that_fails_makes_the_process_count_alone(bare_time, monkeypatch, caplog, fault):
    limit = limit_of()
    ask(limit)
    with monkeypatch.context() as patch:
        patch.setattr(*FAULTS[fault])
        with caplog.at_level(logging.WARNING):
            assert ask_till_spent(limit) == 5
            bare_time.pass_by(WINDOW)
            assert ask_till_spent(limit) == 6
            limit.slow_down(0.0)
    assert caplog.text.count("counts its requests alone") == 1
    bare_time.pass_by(WINDOW)

    assert (limit.room(), of_another_process(limit, RateLimit.room)) == ((3, 3), (3, 3))


def test_no_folder_for_temporary_files_makes_the_process_count_alone(monkeypatch, caplog):
    def find_none():
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/jane']")

    monkeypatch.setattr(shared_files, "tempfile", SimpleNamespace(gettempdir=find_none))

    assert ask_till_spent(limit_of()) == 6
    assert caplog.text.count("counts its requests alone") == 1
    assert "jane" not in caplog.text


def test_a_file_that_cannot_be_closed_does_no_harm(monkeypatch):
    close = os.close

    def close_and_fail(file):
        close(file)
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patch:
        patch.setattr(shared_count.os, "close", close_and_fail)
        ask(limit_of())

    assert limit_of().room().free == 5


def test_a_pipe_in_place_of_the_file_is_not_waited_for(only_file, caplog):
    limit = limit_of()
    ask(limit)
    path = only_file()
    path.unlink()
    os.mkfifo(path)

    assert ask_till_spent(limit) == 5
    assert "counts its requests alone" in caplog.text


# Odd bytes --------------------------------------------------------------------------------------------

ODD = [
    b"\x80\xff\x00garbage",
    b"\0\0\0",
    b"[" * 100_000,
    b" " * 2_000_000,
    b'{"pace": 1e999}',
    b'{"pace": -50, "slowed_at": 1}',
    b'{"pace": 1, "slowed_at": NaN}',
    b'{"pace": 1, "slowed_at": -Infinity}',
    b'{"held_until": Infinity}',
    b'{"taken": {"a": 1}}',
    b'{"taken": [1, "x"]}',
    b'{"taken": [NaN, 1e400]}',
    b'{"taken": [1' + b"0" * 400 + b"]}",
    b'{"waiting": {"1.1": Infinity, "1.2": 1e300}}',
]


@pytest.mark.parametrize("content", ODD, ids=lambda content: repr(content[:40]))
def test_odd_bytes_hold_nobody_up_and_are_replaced(only_file, caplog, content):
    limit = limit_of()
    ask(limit)
    only_file().write_bytes(content)

    assert ask_till_spent(limit) == 6
    assert caplog.text == ""
    assert of_another_process(limit, RateLimit.room).free == 0
    assert only_file().stat().st_size < 1_100_000


NUMBERS = st.floats() | st.integers()
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "taken": st.lists(NUMBERS | st.text()) | NUMBERS,
        "waiting": st.dictionaries(st.text(), NUMBERS) | st.lists(NUMBERS),
        "pace": NUMBERS | st.text() | st.none(),
        "slowed_at": NUMBERS | st.none(),
        "held_until": NUMBERS | st.text(),
    },
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary() | NEARLY.map(lambda value: json.dumps(value).encode()))
def test_no_content_of_the_file_is_an_error_or_holds_requests_off_for_more_than_an_hour(bare_time, only_file, content):
    limit = limit_of()
    limit.slow_down(0.0)
    only_file().write_bytes(content)

    limit.room()
    bare_time.pass_by(3600 + 2 * WINDOW)
    ask(limit, max_wait=WINDOW)
    limit.slow_down(None)
    assert limit.room().pace >= 1
