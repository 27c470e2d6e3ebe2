"""One listing for all who wait for one: never older than the look that uses it, and its file is never an outcome."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.waiting import wait_for

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxLostContactError,
    FaxRateLimitError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.hooks import shared_records
from airflow_provider_faxto.hooks.shared_records import SharedRecords
from airflow_provider_faxto.http import shared_files
from airflow_provider_faxto.vendors.lookup import UnfinishedRecords

ACCOUNT = "interfax https://rest.interfax.net jane"
SECRET = "correct horse"
SINCE = 1000.0
ROWS = [{"id": 700000001, "destinationFax": "+12025550187", "status": 0}]


def records_of(account=ACCOUNT, secret=SECRET):
    return SharedRecords(account, secret)


def never(*_):
    pytest.fail("nothing was to be read")


@pytest.fixture
def folder():
    """Where the listings of this test lie."""
    return Path(shared_files.tempfile.gettempdir(), f"airflow-provider-faxto-{os.getuid()}")


def listing_in(folder):
    [file] = folder.glob("*.records")
    return file


class Holder:
    """A look of another thread that holds up all others until it is let go."""

    def __init__(self):
        self.reads = threading.Event()
        self.may_go = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        def read(*_):
            self.reads.set()
            assert self.may_go.wait(60)
            return ["of the one that began before"]

        records_of().read(SINCE, read)

    def start(self):
        self.thread.start()
        assert self.reads.wait(60)

    def let_go(self):
        self.may_go.set()
        self.thread.join(60)


@pytest.fixture
def holder():
    """Give another look that was there first."""
    holder = Holder()
    holder.start()
    yield holder
    holder.let_go()


@pytest.fixture
def meanwhile(bare_time, holder):
    """Give a function that says what happens while the look of this test waits, when the one before has ended."""

    def say(happens):
        def once():
            bare_time.while_asleep = lambda: None
            holder.let_go()
            happens()

        bare_time.while_asleep = once

    return say


def another_reads(rows, since=SINCE, **who):
    return lambda: records_of(**who).read(since, lambda *_: rows)


# What is shared ---------------------------------------------------------------------------------------


def test_who_is_alone_reads_once_and_at_once(bare_time):
    reads = []

    assert records_of().read(SINCE, lambda *_: reads.append(1) or ROWS) == ROWS
    assert (reads, bare_time.pauses) == ([1], [])


def test_a_look_reads_anew_whatever_was_read_before_it(bare_time):
    records_of().read(SINCE, lambda *_: ["old"])
    bare_time.pass_by(0.001)

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


def test_who_waits_takes_what_another_one_began_to_read_meanwhile(meanwhile):
    meanwhile(another_reads(ROWS))

    assert records_of().read(SINCE, never) == ROWS


def test_a_listing_that_began_before_the_look_does_not_serve(bare_time, holder, meanwhile):
    bare_time.pass_by(0.001)
    meanwhile(lambda: None)

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


@pytest.mark.parametrize(("reaches_back_to", "serves"), [(SINCE - 1, True), (SINCE, True), (SINCE + 1, False)])
def test_a_listing_must_reach_back_far_enough(meanwhile, reaches_back_to, serves):
    meanwhile(another_reads(["of another look"], since=reaches_back_to))

    assert records_of().read(SINCE, lambda *_: ROWS) == (["of another look"] if serves else ROWS)


def test_accounts_do_not_share(meanwhile):
    meanwhile(another_reads(["of another account"], account="interfax https://rest.interfax.net john"))

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_clock_that_is_set_makes_no_listing_younger(bare_time, meanwhile, seconds):
    def another_machine_start():
        another_reads(["of the time before"])()
        bare_time.pass_by(-seconds)
        bare_time.set_wall_clock(2 * seconds)

    meanwhile(another_machine_start)

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


def test_a_read_begins_when_its_first_request_has_its_turn(bare_time, meanwhile):
    def another_waits_for_its_turn():
        def read(begin, _):
            bare_time.pass_by(40.0)
            begin()
            return ["of another look"]

        records_of().read(SINCE, read)

    asked_at = bare_time.now() + 20.0
    meanwhile(another_waits_for_its_turn)

    assert records_of().read(SINCE, never, asked_at=asked_at) == ["of another look"]


def test_who_cannot_wait_is_told_to_come_back(bare_time, holder):
    with pytest.raises(FaxRateLimitError) as raised:
        records_of().read(SINCE, never, max_wait=5.0)
    assert raised.value.retry_after > 0
    assert 5 <= bare_time.slept < 6


def test_who_comes_back_takes_what_was_read_since_it_asked_first(bare_time, holder):
    asked_at = bare_time.now()
    with pytest.raises(FaxRateLimitError):
        records_of().read(SINCE, never, max_wait=0.0)
    bare_time.pass_by(1.0)
    holder.let_go()
    another_reads(ROWS)()
    bare_time.pass_by(30.0)

    assert records_of().read(SINCE, never, asked_at=asked_at) == ROWS
    assert records_of().read(SINCE, lambda *_: ["new"], asked_at=bare_time.now()) == ["new"]


def test_one_that_stands_still_holds_nobody_up_for_ever(bare_time, holder):
    asked_at = bare_time.now() - 700.0

    assert records_of().read(SINCE, lambda *_: ROWS, asked_at=asked_at) == ROWS
    assert bare_time.pauses == []


# In parts ---------------------------------------------------------------------------------------------


def begin_to_read(so_far, retry_after=7.0):
    """Read the first part of a listing, for which no other is left."""
    with pytest.raises(FaxRateLimitError) as raised:
        records_of().read(SINCE, lambda *_: UnfinishedRecords(so_far=so_far, retry_after=retry_after))
    assert raised.value.retry_after == retry_after


def test_who_asks_next_goes_on_from_where_a_reading_stopped(bare_time):
    asked_at = bare_time.now()
    bare_time.pass_by(1.0)
    begin_to_read(["first"])
    bare_time.pass_by(30.0)

    def read(begin, so_far):
        begin()
        return [*so_far, "rest"]

    assert records_of().read(SINCE, read, asked_at=asked_at) == ["first", "rest"]


def test_a_reading_that_is_finished_for_others_does_not_serve_who_asked_after_it_began(bare_time):
    asked_before = bare_time.now()
    bare_time.pass_by(1.0)
    begin_to_read(["first"])
    bare_time.pass_by(1.0)
    asked_after = bare_time.now()

    with pytest.raises(FaxRateLimitError) as raised:
        records_of().read(SINCE, lambda _, so_far: [*so_far, "rest"], asked_at=asked_after)

    assert raised.value.retry_after <= 1
    bare_time.pass_by(1.0)
    assert records_of().read(SINCE, lambda _, so_far: [so_far], asked_at=asked_after) == [None]
    assert records_of().read(SINCE, never, asked_at=asked_before) == [None]


def test_what_was_read_before_serves_while_another_reading_is_under_way(bare_time, meanwhile):
    def two_others():
        another_reads(ROWS)()
        bare_time.pass_by(1.0)
        begin_to_read(["first"])

    meanwhile(two_others)

    assert records_of().read(SINCE, never) == ROWS


def test_nobody_goes_on_with_a_reading_that_was_left_alone(bare_time):
    begin_to_read(["first"])
    bare_time.pass_by(121.0)

    assert records_of().read(SINCE, lambda _, so_far: [so_far]) == [None]


def test_a_reading_that_is_gone_on_with_lasts(bare_time):
    asked_at = bare_time.now()
    bare_time.pass_by(1.0)
    begin_to_read(["first"])
    for part in range(5):
        bare_time.pass_by(60.0)
        begin_to_read(["first", part])

    assert records_of().read(SINCE, lambda _, so_far: so_far, asked_at=asked_at) == ["first", 4]


def test_a_reading_that_fails_is_not_gone_on_with(bare_time):
    begin_to_read(["first"])
    with pytest.raises(FaxLostContactError):
        records_of().read(SINCE, failing(FaxLostContactError("It has lost rows.")))

    assert records_of().read(SINCE, lambda _, so_far: [so_far]) == [None]


def test_what_was_read_so_far_is_encrypted_and_in_no_message(folder, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(FaxRateLimitError) as raised:
        records_of().read(SINCE, lambda *_: UnfinishedRecords(so_far=ROWS))

    told = f"{raised.value!r} {vars(raised.value)} {caplog.text}"
    [file] = folder.glob("*.unfinished")
    assert "12025550187" not in told
    assert b"2025550187" not in file.read_bytes()


# Errors -----------------------------------------------------------------------------------------------


def failing(error):
    def read(*_):
        raise error

    return read


@pytest.mark.parametrize(
    "error",
    [
        FaxLostContactError("No answer.", http_status=502, is_lasting=True),
        FaxUnreadableAnswerError("Not JSON."),
        FaxThrottledError("Too many.", retry_after=30.0, http_status=429, vendor_code=-1011),
        FaxAuthenticationError("The password is wrong.", http_status=401),
        FaxRefusedError("No.", http_status=400, vendor_code=-1062),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failed_read_fails_for_all_who_wait_and_is_not_repeated(meanwhile, error):
    def another_fails():
        with pytest.raises(type(error)) as raised:
            records_of().read(SINCE, failing(error))
        assert raised.value is error

    meanwhile(another_fails)

    with pytest.raises(type(error)) as shared:
        records_of().read(SINCE, never)
    assert (type(shared.value), str(shared.value), vars(shared.value)) == (type(error), str(error), vars(error))
    # The next look is one of its own.
    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


def test_a_turn_that_one_did_not_get_is_no_others_error(meanwhile):
    def another_fails():
        with pytest.raises(FaxRateLimitError):
            records_of().read(SINCE, failing(FaxRateLimitError("Spent.", retry_after=20.0)))

    meanwhile(another_fails)

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_any_other_error_is_of_its_own_caller_and_the_next_one_reads(bare_time, error):
    with pytest.raises(error):
        records_of().read(SINCE, failing(error()))

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS
    assert bare_time.pauses == []


# The file ---------------------------------------------------------------------------------------------


def test_the_file_tells_nothing_and_is_the_users_alone(folder):
    records_of().read(SINCE, lambda *_: ROWS)

    stored = listing_in(folder)
    assert stored.stat().st_mode & 0o777 == 0o600
    shown = stored.read_bytes() + b"".join(file.name.encode() for file in folder.iterdir())
    for private in (b"2025550187", b"700000001", b"jane", SECRET.encode()):
        assert private not in shown


def test_one_account_has_one_listing(folder):
    for _ in range(3):
        records_of().read(SINCE, lambda *_: ROWS)

    assert sorted(file.suffix for file in folder.iterdir()) == [".lock", ".records", ".unfinished"]


def test_a_listing_under_another_secret_does_not_serve(meanwhile, caplog):
    meanwhile(another_reads(["of another secret"], secret="battery staple"))

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS
    assert "reads the vendor's records by itself" in caplog.text


def test_a_listing_of_another_release_does_not_serve(meanwhile, monkeypatch):
    def another_release_reads():
        with monkeypatch.context() as patch:
            patch.setattr(shared_records, "json", SimpleNamespace(dumps=lambda *_: json.dumps({"version": 99})))
            records_of().read(SINCE, lambda *_: ["of another release"])

    meanwhile(another_release_reads)

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


def damage(kind, content, whole):
    if kind == "cut":
        return whole[: len(content) % len(whole)]
    if kind == "changed":
        at = len(content) % len(whole)
        return whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    return content


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), kind=st.sampled_from(["replaced", "cut", "changed"]))
def test_whatever_stands_in_the_file_is_no_outcome(bare_time, folder, content, kind):
    holder = Holder()
    holder.start()

    def spoil():
        bare_time.while_asleep = lambda: None
        holder.let_go()
        another_reads(["spoiled"])()
        file = listing_in(folder)
        file.write_bytes(damage(kind, content, file.read_bytes()))

    bare_time.while_asleep = spoil
    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


def test_a_listing_that_is_too_large_is_not_shared(bare_time, meanwhile, caplog):
    large = "x" * (16 * 1024 * 1024)
    meanwhile(another_reads(large))

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS
    assert "A listing cannot be shared" in caplog.text


def test_a_file_that_grows_without_end_is_not_read_to_its_end(meanwhile, folder):
    def grow():
        another_reads(ROWS)()
        with listing_in(folder).open("r+b") as file:
            file.truncate(1024**4)

    meanwhile(grow)

    assert records_of().read(SINCE, lambda *_: ROWS) == ROWS


def test_what_is_no_json_is_returned_and_not_shared(caplog):
    value = object()

    assert records_of().read(SINCE, lambda *_: value) is value
    assert "A listing cannot be shared (TypeError)" in caplog.text


def no_room(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shared_files.os, "fdopen", full)


def no_folder(folder, monkeypatch):
    monkeypatch.setattr(shared_files, "tempfile", SimpleNamespace(gettempdir=lambda: "/nonexistent"))


def no_locks(folder, monkeypatch):
    def none(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(shared_files, "fcntl", SimpleNamespace(flock=none, LOCK_EX=2, LOCK_NB=4, LOCK_UN=8))


def a_folder_in_place_of_the_file(folder, monkeypatch):
    records_of().read(SINCE, lambda *_: ["old"])
    file = listing_in(folder)
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("what", [no_room, no_folder, no_locks, a_folder_in_place_of_the_file])
def test_where_no_file_can_be_shared_each_reads_for_itself_and_it_is_said_once(
    bare_time, folder, monkeypatch, caplog, what
):
    what(folder, monkeypatch)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert records_of().read(SINCE, lambda *_: ROWS) == ROWS

    said = [record.getMessage() for record in caplog.records if "by itself" in record.getMessage()]
    assert len(said) == len(set(said)) <= 2
    assert said
    assert bare_time.pauses == []


# Many -------------------------------------------------------------------------------------------------

# Each process waits in its own sleep until all others wait as well; then whoever reads next serves all of them.
SCRIPT = """
import json, pathlib, sys, time
from airflow_provider_faxto import clock
from airflow_provider_faxto.hooks.shared_records import SharedRecords
folder, me, others = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
real_sleep = time.sleep
def sleep(seconds):
    (folder / f"waits-{me}").touch()
    real_sleep(0.01)
clock.sleep = sleep
def read(*_):
    (folder / f"read-{me}").touch()
    until = time.monotonic() + 60
    while len(list(folder.glob("waits-*")) + list(folder.glob("read-*"))) <= others and time.monotonic() < until:
        real_sleep(0.01)
    return [me, time.time()]
asked = time.time()
records = SharedRecords("shared", "secret").read(1000.0, read)
print(json.dumps([asked, *records]))
"""


def start(script, *arguments, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", script, str(tmp_path), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_processes_that_wait_together_read_twice_at_most(tmp_path):
    many = 6
    processes = [start(SCRIPT, number, many - 1, tmp_path=tmp_path) for number in range(many)]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in processes]

    # The first one's listing may have begun before the last one asked.
    assert 1 <= len(list(tmp_path.glob("read-*"))) <= 2
    assert all(read_at >= asked for asked, _, read_at in told)


DIES = """
import os, signal, sys
from airflow_provider_faxto.hooks.shared_records import SharedRecords
def read(*_):
    print("reads", flush=True)
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
SharedRecords("shared", "secret").read(1000.0, read)
"""


@pytest.mark.parametrize(("how", "waits"), [("SIGKILL", False), ("SIGSTOP", True)])
def test_a_process_that_dies_or_is_stopped_while_it_reads_holds_nobody_up(tmp_path, bare_time, monkeypatch, how, waits):
    monkeypatch.setattr(shared_files, "tempfile", SimpleNamespace(gettempdir=lambda: str(tmp_path)))
    process = start(DIES, how, tmp_path=tmp_path)
    try:
        assert process.stdout.readline() == "reads\n"
        if how == "SIGKILL":
            process.wait(60)
        records = SharedRecords("shared", "secret")
        if waits:
            with pytest.raises(FaxRateLimitError):
                records.read(SINCE, never)
        asked_at = bare_time.now() - (700.0 if waits else 0.0)
        assert records.read(SINCE, lambda *_: ROWS, asked_at=asked_at) == ROWS
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)


def test_threads_of_one_process_share_as_well():
    reads, told, everybody = [], [], threading.Barrier(8)

    def read(*_):
        reads.append(1)
        if len(reads) == 1:
            # All others have asked by then, and wait or are about to.
            wait_for(lambda: everybody.n_waiting == 0 and len(asked) == 8)
        return len(reads)

    asked = []

    def look():
        everybody.wait(60)
        asked.append(1)
        told.append(records_of().read(SINCE, read))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(told) == 8
    assert len(reads) < 8
