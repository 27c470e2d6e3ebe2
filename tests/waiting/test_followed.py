"""The jobs of one account, step by step: each wait ends once, none harms another, and the account's limit holds."""

from __future__ import annotations

import logging
import math
import tempfile
from collections import defaultdict
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import FakeTime
from support.scripted import CountedHook, ScriptedHook, status

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.errors import (
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.hooks.fax import POLLING, FaxHook
from airflow_provider_faxto.http import rate_limit as rate_limit_module
from airflow_provider_faxto.http import shared_count as shared_count_module
from airflow_provider_faxto.http import shared_files as shared_files_module
from airflow_provider_faxto.http.rate_limit import RateLimit
from airflow_provider_faxto.sensors.fax import FaxStatusSensor
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.waiting import followed as followed_module
from airflow_provider_faxto.waiting.followed import FollowedJob, FollowedJobs
from airflow_provider_faxto.waiting.poller import FaxPoller
from airflow_provider_faxto.waiting.waiter import FaxWaiter

LETTER = make_pdf()
DELIVERED = {"faxto": "+12025550100", "interfax": "+99999990"}
BUSY = {"faxto": "+12025550102", "interfax": "+99999996017"}
NEVER_ENDING = "+12025550106"
LIMIT = {"faxto": 60, "interfax": 6}
DAY = 86_400.0


class Following:
    """Jobs that are followed step by step, without a thread, and what was made of them."""

    def __init__(self, time, hook):
        self.time = time
        self.hook = hook
        self.jobs = FollowedJobs(hook.fax_conn_id)
        self.waiting = {}
        self.told = defaultdict(list)
        self.told_at = {}
        self.asked = []
        for name in ("get_status", "get_listed_statuses"):
            self._note(name, getattr(hook, name))

    def _note(self, name, ask):
        def asked(whom):
            waiting = {job.job_id: job.asked_at for job in self.waiting}
            free = self.hook.rate_limit.room().free
            answer = ask(whom)
            if free:
                self.asked.append((self.time.monotonic(), [whom] if name == "get_status" else list(whom), waiting))
            return answer

        setattr(self.hook, name, asked)

    def add(self, job_id, *, interval=60.0, lasts=DAY):
        def notify(status):
            self.told[job_id].append(status)
            self.told_at[job_id] = self.time.now()
            self.waiting.pop(job, None)

        job = FollowedJob(job_id, interval, self.time.now() + lasts, notify)
        assert self.jobs.add(job)
        self.waiting[job] = None
        return job

    def remove(self, job):
        FaxPoller.remove(job)
        self.waiting.pop(job, None)

    def step(self):
        pause = self.jobs.step(self.hook)
        if pause > 0:
            self.time.sleep(pause)
        return pause

    def run(self, at_most=DAY):
        until = self.time.now() + at_most
        while len(self.jobs) and self.time.now() < until:
            self.step()

    def outcomes(self):
        assert all(len(told) == 1 for told in self.told.values())
        return {job_id: told[0].outcome for job_id, told in self.told.items()}


@pytest.fixture
def follow(fake_time, fax_connections, monkeypatch):
    """Give a function that makes a poller for a vendor, within the vendor's limit as it is live."""
    hooks = []
    fax_connections.configure(faxto_rate_limit=LIMIT["faxto"])

    def make(vendor, **extra):
        extra = {"requests_per_minute": LIMIT[vendor], **extra}
        fax_connections.set_airflow_connections(monkeypatch, **extra)
        hooks.append(FaxHook.for_connection(f"{vendor}_default", patience=POLLING))
        return Following(fake_time, hooks[-1])

    yield make
    for hook in hooks:
        hook.close()


@pytest.fixture
def send(fax_connections, tmp_path):
    """Give a function that sends faxes, as many as are asked for."""
    path = tmp_path / "letter.pdf"
    path.write_bytes(LETTER)

    def run(vendor, number, times=1):
        fax_connections.configure(faxto_rate_limit=None)
        hook = FaxHook.for_connection(f"{vendor}_default")
        # Fax.to holds the document already for all but the first.
        held = hook.upload_document(str(path)) if vendor == "faxto" else str(path)
        jobs = [hook.send_fax(number, held).job_id for _ in range(times)]
        hook.close()
        fax_connections.configure(faxto_rate_limit=LIMIT["faxto"])
        return jobs

    return run


def counts(simulator):
    """How often the vendor was asked, and how often it refused that."""
    made = simulator.simulator.request_counts()
    refused = sum(number for name, number in made.items() if name.endswith((" 429", " 403")))
    reads = sum(number for name, number in made.items() if name.split()[1] in {"status", "completed", "history"})
    return reads, refused


def endpoints(simulator):
    asked = [request["endpoint"] for request in simulator.requests()]
    return [endpoint for endpoint in asked if endpoint in {"status", "completed", "history"}]


def check_fair(following, size, interval):
    """Nobody whose turn has come was passed over for somebody who has waited less, but for one request's worth."""
    for now, asked, waiting in following.asked:
        others = [since for job_id, since in waiting.items() if job_id not in asked]
        overdue = sorted(since for since in others if now - since > 1.1 * interval)
        for job_id in asked:
            assert sum(since < waiting[job_id] for since in overdue) < size


# Whom it asks for, and how ----------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_a_few_faxes_are_asked_for_one_by_one(vendor, follow, send, fax_connections):
    following = follow(vendor)
    jobs = send(vendor, DELIVERED[vendor], 2)
    for job_id in jobs:
        following.add(job_id)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)
    assert {len(asked) for _, asked, _ in following.asked} == {1}
    assert "completed" not in endpoints(fax_connections)


def test_a_thousand_faxes_of_one_interfax_account_are_all_told_and_none_is_refused(follow, send, fax_connections):
    following = follow("interfax")
    ended = send("interfax", DELIVERED["interfax"], 900)
    failed = send("interfax", BUSY["interfax"], 60)
    endless = send("interfax", NEVER_ENDING, 40)
    for job_id in ended + failed:
        following.add(job_id)
    for job_id in endless:
        following.add(job_id, lasts=2400.0)
    following.run()

    assert following.outcomes() == {
        **dict.fromkeys(ended, FaxOutcome.SUCCESS),
        **dict.fromkeys(failed, FaxOutcome.RETRYABLE),
        **dict.fromkeys(endless, FaxOutcome.UNKNOWN),
    }
    reads, refused = counts(fax_connections)
    assert refused == 0
    # One by one, a thousand looks would take 167 minutes.
    assert reads <= 6 * 45
    check_fair(following, 100, 60.0)


def test_a_fax_is_seen_to_have_ended_within_a_cycle(follow, send, fake_time):
    following = follow("interfax")
    endless = send("interfax", NEVER_ENDING, 290)
    for job_id in endless:
        following.add(job_id)
    following.run(at_most=300.0)
    [job_id] = send("interfax", DELIVERED["interfax"])
    joined = fake_time.time()
    following.add(job_id)
    following.run(at_most=200.0)

    # The fax takes 51 s; three requests a minute are enough for all, so the interval is what counts.
    assert following.outcomes() == {job_id: FaxOutcome.SUCCESS}
    assert following.told_at[job_id] - joined < 51 + 1.1 * 60 + rate_limit_module.WINDOW


def test_faxes_of_fax_to_are_found_in_the_history(follow, send, fax_connections):
    following = follow("faxto")
    jobs = send("faxto", DELIVERED["faxto"], 150)
    endless = send("faxto", NEVER_ENDING, 20)
    for job_id in jobs:
        following.add(job_id)
    for job_id in endless:
        following.add(job_id, lasts=900.0)
    following.run()

    assert following.outcomes() == {
        **dict.fromkeys(jobs, FaxOutcome.SUCCESS),
        **dict.fromkeys(endless, FaxOutcome.UNKNOWN),
    }
    assert counts(fax_connections)[1] == 0
    assert "history" in endpoints(fax_connections)


def test_a_burst_of_faxes_of_fax_to_is_told_at_nearly_the_pace_of_the_account(follow, send, fax_connections, fake_time):
    following = follow("faxto")
    jobs = send("faxto", DELIVERED["faxto"], 300)
    fax_connections.finish()
    began = fake_time.time()
    for job_id in jobs:
        following.add(job_id)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)
    asked = endpoints(fax_connections)
    # Each needs one request, of which sixty are taken a minute. The history is read a few times, and not for each.
    assert asked.count("status") == 300
    assert asked.count("history") <= 30
    assert fake_time.time() - began <= 330 / 60 * 61 + 60
    assert counts(fax_connections)[1] == 0


@pytest.mark.parametrize("figure", [1, 2, 3])
def test_faxes_of_fax_to_are_told_even_where_the_history_takes_nearly_all_requests(
    figure, follow, send, fax_connections
):
    jobs = send("faxto", DELIVERED["faxto"], 5)
    fax_connections.finish()
    following = follow("faxto", requests_per_minute=figure)
    for job_id in jobs:
        following.add(job_id)
    following.run(at_most=3600.0)

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)


def test_what_completed_leaves_out_is_confirmed_one_by_one_as_far_as_requests_are_left(
    follow, send, fax_connections, fake_time
):
    following = follow("interfax")
    for job_id in send("interfax", NEVER_ENDING, 30):
        following.add(job_id)
    following.run(at_most=1800.0)

    asked = endpoints(fax_connections)
    assert counts(fax_connections)[1] == 0
    # Each about every ten minutes.
    assert 2 * 30 <= asked.count("status") <= 4 * 30
    assert asked.count("completed") >= 1800 / 66 - 5


def test_the_expected_delay_at_fax_to_reckons_with_the_historys_share_of_the_requests(follow, caplog):
    following = follow("faxto")
    caplog.set_level(logging.INFO, logger=followed_module.__name__)
    for job_id in range(1, 2001):
        following.add(str(job_id))
    following.step()

    # Twenty pages, of which fifteen are read in a minute.
    assert "2000 faxes wait" in caplog.text
    assert "each is seen about every 80 s" in caplog.text


def test_the_expected_delay_is_logged_once_for_each_change(follow, send, caplog):
    following = follow("interfax")
    caplog.set_level(logging.INFO, logger=followed_module.__name__)
    jobs = send("interfax", NEVER_ENDING, 601)
    jobs_added = [following.add(job_id) for job_id in jobs]
    following.run(at_most=200.0)
    for job in jobs_added[300:]:
        following.remove(job)
    following.run(at_most=200.0)

    told = [record.getMessage() for record in caplog.records if record.name == followed_module.__name__]
    assert told == [
        (
            "601 faxes wait on connection interfax_default, which takes 6 requests a minute: "
            "each is seen about every 70 s."
        ),
        "The faxes that wait on connection interfax_default are seen within their intervals again.",
    ]


# Sharing the account ----------------------------------------------------------------------------------


def test_two_pollers_in_two_processes_share_the_account(follow, send, fax_connections, fake_time):
    first, second = follow("interfax"), follow("interfax")
    jobs = send("interfax", DELIVERED["interfax"], 120)
    for number, job_id in enumerate(jobs):
        (first if number % 2 else second).add(job_id)
    while len(first.jobs) or len(second.jobs):
        pauses = []
        for following in (first, second):
            if len(following.jobs):
                # What one process knows the other does not; they share the file alone.
                shared_count_module.forget()
                pauses.append(following.jobs.step(following.hook))
        fake_time.sleep(min(pauses))

    assert {**first.outcomes(), **second.outcomes()} == dict.fromkeys(jobs, FaxOutcome.SUCCESS)
    assert counts(fax_connections)[1] == 0


def test_a_poking_sensor_in_the_same_process_keeps_to_the_budget(follow, send, fax_connections):
    following = follow("interfax")
    jobs = send("interfax", NEVER_ENDING, 8)
    sensors = [FaxStatusSensor(task_id="wait", job_id=job_id, fax_conn_id="interfax_default") for job_id in jobs]
    for job_id in jobs:
        following.add(job_id)
    for _ in range(4):
        following.step()
    assert [bool(sensor.poke({})) for sensor in sensors] == [False] * 8

    reads, refused = counts(fax_connections)
    assert (reads <= 6, refused) == (True, 0)


def test_somebody_else_who_uses_up_the_limit_slows_the_poller_down(follow, send, fax_connections):
    following = follow("interfax")
    # Another program takes four of six.
    fax_connections.configure(interfax_status_limit=2)
    jobs = send("interfax", DELIVERED["interfax"], 200)
    for job_id in jobs:
        following.add(job_id)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)
    assert counts(fax_connections)[1] <= 4


# Nobody harms another ---------------------------------------------------------------------------------


def test_a_fax_that_the_vendor_does_not_know_ends_alone(follow, send, fax_connections, fake_time):
    following = follow("interfax")
    jobs = send("interfax", NEVER_ENDING, 200)
    started = fake_time.time()
    for job_id in [*jobs, "4711"]:
        following.add(job_id)
    following.run(at_most=3600.0)

    assert following.outcomes() == {"4711": FaxOutcome.UNKNOWN}
    assert "FaxNotFoundError" in following.told["4711"][0].message
    assert following.told_at["4711"] - started < 3600
    assert counts(fax_connections)[1] == 0


@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_an_id_that_is_none_ends_alone_and_without_a_request(vendor, follow, send, fax_connections):
    following = follow(vendor)
    jobs = send(vendor, DELIVERED[vendor], 8)
    for job_id in [*jobs, "abc", "1/../2", ""]:
        following.add(job_id)
    following.run()

    unknown = dict.fromkeys(["abc", "1/../2", ""], FaxOutcome.UNKNOWN)
    assert following.outcomes() == {**dict.fromkeys(jobs, FaxOutcome.SUCCESS), **unknown}
    assert FaxInputError.__name__ in following.told["abc"][0].message


@pytest.mark.parametrize(
    "error",
    [
        FaxLostContactError("reset"),
        FaxUnreadableAnswerError("a malformed record"),
        FaxNotFoundError("no such job"),
        FaxRefusedError("not this one"),
    ],
)
def test_one_bad_answer_harms_no_other_fax(fake_time, error):
    following = Following(fake_time, ScriptedHook(lambda job_id: error if job_id == "2" else status(job_id), None))
    for job_id in ("1", "2", "3"):
        following.add(job_id, lasts=600.0)
    following.run()

    assert following.outcomes() == {"1": FaxOutcome.SUCCESS, "2": FaxOutcome.UNKNOWN, "3": FaxOutcome.SUCCESS}


def test_a_malformed_row_among_many_is_asked_for_by_itself(fake_time):
    jobs = [str(number) for number in range(1, 21)]
    hook = ScriptedHook(status, lambda job_ids: {job_id: status(job_id) for job_id in job_ids if job_id != "7"})
    following = Following(fake_time, hook)
    for job_id in jobs:
        following.add(job_id)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)


def test_a_gateway_that_refuses_lists_for_a_while_makes_no_wait_end_and_lists_are_asked_for_again(fake_time):
    jobs = [str(number) for number in range(1, 201)]
    listed = []
    refusals = 8

    def many(job_ids):
        listed.append(len(job_ids))
        return FaxRefusedError("Forbidden") if len(listed) <= refusals else {each: status(each) for each in job_ids}

    def one(job_id):
        return FaxRefusedError("Forbidden") if len(listed) < refusals else status(job_id, FaxOutcome.PENDING)

    following = Following(fake_time, ScriptedHook(one, many))
    for job_id in jobs:
        following.add(job_id)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)
    assert set(listed[:refusals]) == {100}
    # Well again, it is asked for as many as before.
    assert listed[refusals:] == [100, 100]


@pytest.mark.parametrize(
    "error", [FaxRefusedError("Forbidden"), FaxLostContactError("HTTP 500"), FaxUnreadableAnswerError("cut"),
              FaxNotFoundError("no list")],
)  # fmt: skip
@pytest.mark.parametrize("number", [20, 100])
def test_a_list_that_fails_for_long_hides_no_fax_that_can_be_asked_for_by_itself(fake_time, error, number):
    jobs = [str(each) for each in range(1, number + 1)]
    following = Following(fake_time, ScriptedHook(status, lambda _: error))
    for job_id in jobs:
        following.add(job_id, lasts=3600.0)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)


@pytest.mark.parametrize(("number", "pace", "interval"), [(20, 6, 60.0), (200, 600, 1.0)])
def test_where_lists_begin_to_fail_each_fax_is_asked_for_by_itself_as_often_as_the_minute_allows(
    fake_time, number, pace, interval
):
    jobs = [str(each) for each in range(1, number + 1)]
    fails_from = fake_time.monotonic() + 200.0
    ends_at = fails_from + 100.0

    def one(job_id):
        return status(job_id, FaxOutcome.SUCCESS if fake_time.monotonic() >= ends_at else FaxOutcome.PENDING)

    def many(job_ids):
        if fake_time.monotonic() >= fails_from:
            return FaxLostContactError("HTTP 500")
        return {job_id: status(job_id, FaxOutcome.PENDING) for job_id in job_ids}

    following = Following(fake_time, CountedHook(one, many, clock=fake_time.monotonic, pace=pace))
    for job_id in jobs:
        following.add(job_id, interval=interval, lasts=7200.0)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)
    # A quarter of the minute's requests is kept for lists; besides, some wait for the end of their pause.
    least = 60.0 * number / (0.75 * pace)
    last = max(following.told_at.values()) - (fake_time.now() - fake_time.monotonic()) - ends_at
    assert last <= 1.5 * least + 2 * interval + 10.0


@pytest.mark.parametrize("error", [FaxRefusedError("Forbidden"), FaxLostContactError("HTTP 500")])
def test_an_account_that_answers_nothing_is_asked_less_and_less(fake_time, error):
    asked = []

    def fail(_):
        asked.append(fake_time.monotonic())
        return error

    following = Following(fake_time, ScriptedHook(fail, fail))
    for each in range(1, 51):
        following.add(str(each), lasts=7200.0)
    following.run()

    assert set(following.outcomes().values()) == {FaxOutcome.UNKNOWN}
    # Of 720 that it may be asked.
    assert len(asked) < 200


def test_one_fax_whose_request_is_refused_is_waited_for_to_its_deadline(fake_time):
    following = Following(fake_time, ScriptedHook(lambda _: FaxRefusedError("no"), None))
    began = fake_time.now()
    following.add("1", lasts=3600.0)
    following.run()

    assert following.outcomes() == {"1": FaxOutcome.UNKNOWN}
    assert following.told_at["1"] - began >= 3600


def test_a_refused_list_makes_each_wait_longer(fake_time):
    following = Following(fake_time, ScriptedHook(None, lambda _: FaxRefusedError("Forbidden")))
    jobs = [following.add(str(number)) for number in range(1, 21)]
    following.step()

    assert {job.pause for job in jobs} == {120.0}
    assert following.told == {}


def test_where_every_list_is_refused_all_are_asked_for_by_themselves_in_time(fake_time):
    jobs = [str(number) for number in range(1, 101)]
    following = Following(fake_time, ScriptedHook(status, lambda _: FaxRefusedError("too many ids"), free=2))
    for job_id in jobs:
        following.add(job_id)
    following.run()

    assert following.outcomes() == dict.fromkeys(jobs, FaxOutcome.SUCCESS)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_is_set_holds_no_request_up_and_moves_the_deadlines(fake_time, hours):
    asked = []

    def one(job_id):
        asked.append(fake_time.monotonic())
        return status(job_id, FaxOutcome.PENDING)

    following = Following(fake_time, ScriptedHook(one, None))
    following.add("1", lasts=3 * 3600.0)
    following.run(at_most=200.0)
    before = len(asked)
    fake_time.set_wall_clock(hours * 3600.0)
    began = fake_time.monotonic()
    following.run()

    assert following.outcomes() == {"1": FaxOutcome.UNKNOWN}
    assert asked[before] - began < 70
    assert fake_time.monotonic() - began == pytest.approx((3 - hours) * 3600.0, abs=300)


def test_contact_lost_while_many_are_asked_for_makes_each_wait_longer(fake_time):
    following = Following(fake_time, ScriptedHook(None, lambda _: FaxLostContactError("reset")))
    jobs_added = [following.add(str(number)) for number in range(1, 21)]
    following.step()

    assert {job.pause for job in jobs_added} == {120.0}
    assert following.told == {}


def test_two_who_wait_for_the_same_fax_are_both_told(fake_time):
    hook = ScriptedHook(status, lambda job_ids: {job_id: status(job_id) for job_id in job_ids})
    following = Following(fake_time, hook)
    for number in range(1, 21):
        following.add(str(number))
    following.add("7")
    following.run()

    assert len(following.told.pop("7")) == 2
    assert len(following.outcomes()) == 19


def test_a_deadline_is_kept_to_even_where_no_turn_is_free(fake_time, follow, send):
    following = follow("interfax", requests_per_minute=1)
    [job_id] = send("interfax", NEVER_ENDING)
    following.hook.rate_limit.slow_down(3600.0)
    started = fake_time.time()
    following.add(job_id, lasts=30.0)
    following.run()

    assert following.outcomes() == {job_id: FaxOutcome.UNKNOWN}
    # Airflow would end the task three minutes behind the deadline.
    assert following.told_at[job_id] - started < 30 + 60


def test_cancel_storms_leave_the_others_alone(follow, send, fax_connections):
    following = follow("interfax")
    jobs = send("interfax", BUSY["interfax"], 60)
    gone = [following.add(str(700_000_000 + number)) for number in range(300)]
    for job_id in jobs:
        following.add(job_id)
    for job in gone:
        following.step()
        following.remove(job)
    following.run()

    outcomes = following.outcomes()
    assert {job_id: outcomes[job_id] for job_id in jobs} == dict.fromkeys(jobs, FaxOutcome.RETRYABLE)
    assert counts(fax_connections)[1] == 0


def test_a_waiter_that_finds_no_turn_asks_again_as_soon_as_there_is_one(follow, send, fax_connections):
    following = follow("interfax")
    [job_id] = send("interfax", DELIVERED["interfax"])
    for _ in range(6):
        following.hook.get_status(job_id)
    waiter = FaxWaiter(following.hook, job_id, poll_interval=600.0)

    assert waiter.poll() is None
    assert waiter.pause == pytest.approx(rate_limit_module.WINDOW, abs=1)
    assert waiter.poll() is None
    assert waiter.pause <= rate_limit_module.WINDOW
    assert len(endpoints(fax_connections)) == 6


# The model --------------------------------------------------------------------------------------------


class ModelAccount:
    """An account whose faxes end when the model says, whose requests are counted, and which says "too many" at times.

    :param ends: how many seconds after the start each fax ends; one that is not there the vendor does not know.
    :param pages: how many requests its list takes, which then tells only that a fax has ended; 0: one for each ten
        faxes, which tells all.
    """

    conn_type = "interfax"
    fax_conn_id = "model"

    def __init__(self, clock, ends, figure, throttles, pages=0):
        self.vendor = SimpleNamespace(
            jobs_per_request=10,
            jobs_per_call=None if pages else 10,
            list_is_conclusive=not pages,
            check_job_id=lambda _: None,
        )
        self._pages = pages
        self.rate_limit = RateLimit("model", figure, label="The vendor")
        self.arrived = []
        self._clock, self._ends, self._started = clock, ends, clock.now()
        self._throttles = set(throttles)

    def _arrive(self):
        with self.rate_limit.acquire(0.0):
            self.arrived.append(self._clock.now())
        if len(self.arrived) in self._throttles:
            self.rate_limit.slow_down(None)
            raise FaxThrottledError("too many")

    def get_status(self, job_id):
        self._arrive()
        if job_id not in self._ends:
            raise FaxNotFoundError("no such job")
        has_ended = self._clock.now() >= self._started + self._ends[job_id]
        return status(job_id, FaxOutcome.SUCCESS if has_ended else FaxOutcome.PENDING)

    def get_listed_statuses(self, job_ids):
        for _ in range(self._pages or 1):
            self._arrive()
        now = self._clock.now() - self._started
        if self._pages:
            return {
                job_id: status(job_id, FaxOutcome.UNKNOWN if self._ends[job_id] <= now else FaxOutcome.PENDING)
                for job_id in job_ids
                if job_id in self._ends
            }
        return {job_id: status(job_id) for job_id in job_ids if self._ends.get(job_id, math.inf) <= now}


JOBS = st.integers(1, 60).map(str)
STEPS = st.lists(
    st.tuples(st.sampled_from(["join", "join", "join", "leave", "steps"]), JOBS, st.sampled_from([10.0, 60.0, 300.0])),
    max_size=120,
)


@settings(deadline=None)
@given(
    steps=STEPS,
    ends=st.dictionaries(JOBS, st.floats(0.0, 3000.0), max_size=60),
    figure=st.integers(1, 8),
    throttles=st.lists(st.integers(1, 60), max_size=4),
    pages=st.integers(0, 4),
)
def test_whoever_comes_and_goes_the_limit_holds_and_everybody_who_stays_is_told_once(
    steps, ends, figure, throttles, pages
):
    clock = FakeTime()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_files_module, "tempfile", SimpleNamespace(gettempdir=lambda: folder))
        clock.replace(patch)
        account = ModelAccount(clock, ends, figure, throttles, pages)
        following = Following(clock, account)
        joined, left = {}, set()
        for what, job_id, interval in steps:
            if what == "join" and job_id not in joined and not following.jobs.is_over:
                joined[job_id] = following.add(job_id, interval=interval, lasts=20_000.0)
            elif what == "leave" and job_id in joined:
                following.remove(joined[job_id])
                left.add(job_id)
            elif what == "steps" and len(following.jobs):
                for _ in range(int(interval / 10)):
                    following.step()
        following.run()

    for first, beyond in zip(account.arrived, account.arrived[figure:], strict=False):
        assert beyond - first > 60
    outcomes = following.outcomes()
    assert joined.keys() - left <= outcomes.keys() <= joined.keys()
    for job_id, outcome in outcomes.items():
        assert outcome is (FaxOutcome.SUCCESS if job_id in ends else FaxOutcome.UNKNOWN)


# The fax's reference ----------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [True, False])
def test_a_job_of_another_reference_ends_as_unknown_and_harms_no_other(bare_time, together):
    def shown(job_id):
        foreign = "somebody-elses-invoice" if job_id == "2" else f"airflow-{job_id}"
        return replace(status(job_id), reference=foreign)

    jobs = ["1", "2", "3"] if together else ["2"]
    told = {}
    following = FollowedJobs("scripted")
    for job_id in jobs:
        notify = partial(told.__setitem__, job_id)
        following.add(FollowedJob(job_id, 60.0, None, notify, f"airflow-{job_id}"))
    hook = ScriptedHook(shown, lambda job_ids: {job_id: shown(job_id) for job_id in job_ids})
    while len(following):
        bare_time.sleep(following.step(hook))

    assert {job_id: each.outcome for job_id, each in told.items()} == {
        job_id: FaxOutcome.UNKNOWN if job_id == "2" else FaxOutcome.SUCCESS for job_id in jobs
    }
    assert "under another reference" in told["2"].message
