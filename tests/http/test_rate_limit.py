"""The rate limit: never more requests of an account in a minute than it takes, whoever makes them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import FakeTime

from airflow_provider_faxto import clock as clock_module
from airflow_provider_faxto.fax.errors import FaxRateLimitError, FaxThrottledError
from airflow_provider_faxto.http import shared_count as shared_count_module
from airflow_provider_faxto.http import shared_files as shared_files_module
from airflow_provider_faxto.http.rate_limit import WINDOW, RateLimit

MINUTE = 60.0


@pytest.fixture
def folder(bare_time, tmp_path, monkeypatch):
    """Where the counts of this test are shared."""
    monkeypatch.setattr(shared_files_module, "tempfile", SimpleNamespace(gettempdir=lambda: str(tmp_path)))
    return tmp_path / f"airflow-provider-faxto-{os.getuid()}"


@pytest.fixture
def forget():
    """Give a function behind which this process knows no more than the shared file, as a new one would."""
    shared_count_module.forget()
    yield shared_count_module.forget
    shared_count_module.forget()


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


# Turns ------------------------------------------------------------------------------------------------


def test_the_seventh_request_of_a_minute_is_not_made(folder, bare_time):
    limit = limit_of()
    for _ in range(6):
        ask(limit)

    with pytest.raises(FaxRateLimitError, match="takes 6 requests a minute") as spent:
        ask(limit)

    assert isinstance(spent.value, FaxThrottledError)
    assert spent.value.retry_after == pytest.approx(WINDOW)
    assert WINDOW > MINUTE


def test_a_turn_is_free_again_when_the_minute_is_over(folder, bare_time):
    limit = limit_of()
    assert ask_till_spent(limit) == 6
    bare_time.pass_by(WINDOW / 2)
    assert ask_till_spent(limit) == 0
    bare_time.pass_by(WINDOW / 2)
    assert ask_till_spent(limit) == 6


def test_a_long_request_counts_from_its_end_since_nobody_knows_when_it_arrived(folder, bare_time):
    limit = limit_of(figure=1)
    with limit.acquire(0.0):
        bare_time.pass_by(50)
    bare_time.pass_by(30)

    assert ask_till_spent(limit) == 0


def test_a_request_that_fails_has_had_its_turn(folder, bare_time):
    limit = limit_of(figure=1)
    with pytest.raises(RuntimeError), limit.acquire(0.0):
        raise RuntimeError

    assert limit.room().free == 0


def test_free_turns_are_told(folder, bare_time):
    limit = limit_of()
    assert limit.room() == (6, 6)
    ask(limit)
    assert limit.room() == (5, 6)


# Patience ---------------------------------------------------------------------------------------------


def test_who_is_patient_waits_for_the_turn(folder, bare_time):
    limit = limit_of()
    ask_till_spent(limit)
    ask(limit, max_wait=75.0)

    assert bare_time.slept == pytest.approx(WINDOW)


def test_who_would_wait_in_vain_is_told_at_once(folder, bare_time):
    limit = limit_of()
    ask_till_spent(limit)

    with pytest.raises(FaxRateLimitError):
        ask(limit, max_wait=30.0)

    assert bare_time.pauses == []


def test_who_is_patient_comes_before_who_is_not(folder, bare_time, monkeypatch):
    limit = limit_of(figure=2)
    ask_till_spent(limit)
    tried = []
    sleep = bare_time.sleep

    def sleep_while_another_polls(seconds):
        sleep(seconds)
        tried.append(ask_till_spent(limit))

    monkeypatch.setattr(clock_module, "sleep", sleep_while_another_polls)
    ask(limit, max_wait=75.0)

    # Two turns came free; one was kept for who waited.
    assert tried == [1]


def test_who_gave_up_or_died_while_waiting_holds_nobody_up(folder, bare_time, monkeypatch):
    limit = limit_of(figure=1)
    ask(limit)

    def die(seconds):
        bare_time.pass_by(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(clock_module, "sleep", die)
    with pytest.raises(KeyboardInterrupt):
        ask(limit, max_wait=75.0)
    assert limit.room().free == 1

    # Killed, so that it could not even take itself off the list.
    [file] = folder.iterdir()
    count = json.loads(file.read_text())
    file.write_text(json.dumps({**count, "waiting": {"4711.1": bare_time.monotonic() + 10}}))
    assert limit.room().free == 0
    bare_time.pass_by(11)
    assert limit.room().free == 1


# Sharing ----------------------------------------------------------------------------------------------


def test_another_process_shares_the_count(folder, bare_time, forget):
    for _ in range(4):
        ask(limit_of())
    forget()

    assert ask_till_spent(limit_of()) == 2


def test_a_real_other_process_shares_the_count(tmp_path, forget, monkeypatch):
    script = """
from airflow_provider_faxto.http.rate_limit import RateLimit
limit = RateLimit("shared", 6, label="InterFAX")
for _ in range(4):
    with limit.acquire(0.0):
        pass
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=120)
    monkeypatch.setattr(shared_files_module, "tempfile", SimpleNamespace(gettempdir=lambda: str(tmp_path)))

    assert limit_of("shared").room().free == 2


def test_accounts_do_not_share(folder, bare_time):
    ask_till_spent(limit_of())

    assert limit_of("interfax https://rest.interfax.net john").room().free == 6


def test_the_file_tells_nothing_of_the_account(folder, bare_time):
    ask(limit_of("faxto https://fax.to k+y/secret"))

    [file] = folder.iterdir()
    assert "secret" not in file.name + file.read_text()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"taken": "x"}', '{"taken": [null]}', '{"waiting": 1}'])
def test_a_file_that_cannot_be_read_counts_as_empty(folder, bare_time, content):
    ask(limit_of())
    [file] = folder.iterdir()
    file.write_text(content)

    assert limit_of().room().free == 6
    ask(limit_of())
    assert limit_of().room().free == 5


def test_what_was_counted_before_the_machine_was_started_anew_counts_no_more(folder, bare_time):
    limit = limit_of()
    ask_till_spent(limit)
    limit.slow_down(None)
    bare_time.pass_by(5.0 - bare_time.monotonic())

    assert limit.room() == (6, 6)


def make_open(folder):
    folder.mkdir()
    folder.chmod(0o755)


def make_link(folder):
    elsewhere = Path(tempfile.mkdtemp(dir=folder.parent))
    elsewhere.chmod(0o700)
    folder.symlink_to(elsewhere)


@pytest.mark.parametrize("make", [make_open, make_link, Path.touch])
def test_a_folder_that_others_could_use_is_not_used_and_the_process_counts_alone(
    folder, bare_time, forget, caplog, make
):
    make(folder)

    with caplog.at_level(logging.WARNING):
        assert ask_till_spent(limit_of()) == 6
    bare_time.pass_by(WINDOW)
    assert ask_till_spent(limit_of()) == 6
    assert caplog.text.count("counts its requests alone") == 1
    assert not folder.is_dir() or not list(folder.iterdir())


# The vendor says "too many" ---------------------------------------------------------------------------


def test_too_many_requests_hold_off_and_halve_the_pace(folder, bare_time, caplog):
    limit = limit_of()
    ask(limit)
    limit.slow_down(None)

    assert ask_till_spent(limit) == 0
    bare_time.pass_by(59)
    assert ask_till_spent(limit) == 0
    bare_time.pass_by(2)
    assert (limit.room().pace, ask_till_spent(limit)) == (3, 3)
    assert "InterFAX asks for fewer requests" in caplog.text


def test_the_vendor_may_say_how_long_to_hold_off(folder, bare_time):
    limit = limit_of()
    limit.slow_down(300.0)
    bare_time.pass_by(299)

    with pytest.raises(FaxRateLimitError) as spent:
        ask(limit, max_wait=0.5)

    assert spent.value.retry_after == pytest.approx(1.0)


def test_nobody_is_held_off_for_ever(folder, bare_time):
    limit = limit_of()
    limit.slow_down(1e9)
    bare_time.pass_by(3601)

    assert limit.room().free > 0


def test_several_answers_of_one_moment_halve_the_pace_once_and_it_never_falls_below_one(folder, bare_time):
    limit = limit_of()
    limit.slow_down(None)
    limit.slow_down(None)
    assert limit.room().pace == 3
    for _ in range(5):
        bare_time.pass_by(61)
        limit.slow_down(None)
    assert limit.room().pace == 1


def test_quiet_time_gives_the_pace_back_step_by_step(folder, bare_time):
    limit = limit_of()
    limit.slow_down(None)
    paces = []
    for _ in range(5):
        bare_time.pass_by(600)
        paces.append(limit.room().pace)

    assert paces == [4, 5, 6, 6, 6]


# The model --------------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # which process
        st.sampled_from(["ask", "ask", "ask", "wait", "cancel", "throttled", "die"]),
        st.floats(0.0, 45.0),  # seconds before it
        st.floats(0.0, 90.0),  # seconds that the request takes
        st.floats(0.0, 1.0),  # at what part of it the vendor counts it
    ),
    max_size=80,
)


@settings(deadline=None)
@given(steps=STEPS, figure=st.integers(1, 8), alone=st.booleans())
def test_never_more_than_the_figure_in_any_minute_whatever_happens(steps, figure, alone):
    arrived: list[float] = []
    bare_time = FakeTime()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        bare_time.replace(patch)
        missing = "/nonexistent" if alone else folder
        patch.setattr(shared_files_module, "tempfile", SimpleNamespace(gettempdir=lambda: missing))
        shared_count_module.forget()
        processes = [RateLimit("model", figure, label="The vendor") for _ in range(4)]
        for process, what, pause, lasts, part in steps:
            bare_time.pass_by(pause)
            if not alone and what == "die":
                # Another process takes its place, which knows the shared file alone.
                shared_count_module.forget()
            limit = processes[process]
            if what == "throttled":
                limit.slow_down(lasts)
                continue
            try:
                with limit.acquire(75.0 if what == "wait" else 0.0):
                    arrived.append(bare_time.monotonic() + lasts * part)
                    bare_time.pass_by(lasts)
                    if what == "cancel":
                        _ = 1 / 0
            except (FaxRateLimitError, ZeroDivisionError):
                continue
    shared_count_module.forget()
    arrived.sort()
    for first, beyond in zip(arrived, arrived[figure:], strict=False):
        assert beyond - first > MINUTE
