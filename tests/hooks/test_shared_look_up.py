"""Look-ups of an account that wait at the same time: one reading of the vendor's records answers all of them."""

from __future__ import annotations

import threading

import pendulum
import pytest

from airflow_provider_faxto.fax.errors import FaxAuthenticationError, FaxLostContactError
from airflow_provider_faxto.hooks.fax import POLLING, FaxHook

NUMBER = "+12025550106"
KEYS = [f"airflow-{n:024x}-0123456789abcdef" for n in range(5)]


def look_up(hook, *, reference, since=None):
    """Look up as a task does."""
    records = hook.read_records(since)
    return hook.find_jobs(reference=reference, fax_number=NUMBER, since=since, records=records)


@pytest.fixture
def make_hook(vendor, simulator):
    made = []

    def make(**options):
        made.append(FaxHook.for_connection(f"{vendor}_default", **options))
        return made[-1]

    yield make
    for hook in made:
        hook.close()


@pytest.fixture
def while_another_reads(make_hook, fake_time, monkeypatch):
    """Give a function that looks up while another look reads, and has a third one read when that has ended."""
    reads, may_go = threading.Event(), threading.Event()
    first = make_hook()
    read_records = first.vendor.read_records

    def read_slowly(since=None):
        reads.set()
        assert may_go.wait(60)
        return read_records(since)

    monkeypatch.setattr(first.vendor, "read_records", read_slowly)
    thread = threading.Thread(target=look_up, args=(first,), kwargs={"reference": KEYS[0]}, daemon=True)

    def run(look, third):
        def once():
            fake_time.while_asleep = lambda: None
            may_go.set()
            thread.join(60)
            third()

        thread.start()
        assert reads.wait(60)
        fake_time.while_asleep = once
        return look()

    yield run
    may_go.set()
    thread.join(60)


def requests_for_records(simulator):
    return [each for each in simulator.requests() if each["endpoint"] not in {"send", "upload", "status"}]


def test_one_reading_answers_every_look_that_waits_with_the_fax_of_each(
    make_hook, letter, simulator, while_another_reads
):
    sender, mine, third = make_hook(), make_hook(), make_hook()
    jobs = {key: sender.send_fax(NUMBER, letter, reference=key).job_id for key in KEYS}
    asked = []

    def another_looks():
        look_up(third, reference=KEYS[1])
        asked.append(len(requests_for_records(simulator)))

    found = while_another_reads(lambda: look_up(mine, reference=KEYS[2]), another_looks)

    assert [each.job_id for each in found] == [jobs[KEYS[2]]]
    # After the third one's, no request was made.
    assert asked == [len(requests_for_records(simulator))]


def test_a_look_finds_what_was_sent_right_before_it_although_another_read_had_begun(
    make_hook, letter, simulator, while_another_reads
):
    mine = make_hook()

    def send_then_look():
        job = mine.send_fax(NUMBER, letter, reference=KEYS[3])
        return job, look_up(mine, reference=KEYS[3])

    job, found = while_another_reads(send_then_look, lambda: None)
    assert [each.job_id for each in found] == [job.job_id]


def test_looks_from_different_minutes_of_an_hour_share(make_hook, letter, simulator, while_another_reads):
    mine, third = make_hook(), make_hook()
    hour = pendulum.now("UTC").start_of("hour")
    asked = []

    def another_looks():
        look_up(third, reference=KEYS[1], since=hour.add(minutes=50))
        asked.append(len(requests_for_records(simulator)))

    def look():
        return look_up(mine, reference=KEYS[2], since=hour.add(minutes=10))

    assert while_another_reads(look, another_looks) == []
    assert asked == [len(requests_for_records(simulator))]


def test_a_failed_reading_fails_for_those_who_wait_too(make_hook, simulator, vendor, while_another_reads):
    mine, third = make_hook(), make_hook(patience=POLLING)

    def another_looks():
        simulator.fault("server_error", vendor=vendor, times=None)
        with pytest.raises(FaxLostContactError):
            look_up(third, reference=KEYS[1])
        asked.append(len(simulator.requests()))

    asked = []
    with pytest.raises(FaxLostContactError):
        while_another_reads(lambda: look_up(mine, reference=KEYS[2]), another_looks)
    assert asked == [len(simulator.requests())]


def test_a_wrong_password_is_still_said_as_one(vendor, simulator, connect):
    hook = connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo")

    with pytest.raises(FaxAuthenticationError):
        look_up(hook, reference=KEYS[0])
    assert len(simulator.requests()) == 1
