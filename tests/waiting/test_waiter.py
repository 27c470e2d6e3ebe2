"""Waiting for a fax job: lost contact is waited out, a deadline ends in "unknown", and nothing is guessed."""

from __future__ import annotations

import json
import logging

import pytest
from support.scripted import ScriptedHook, status

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRateLimitError,
    FaxThrottledError,
)
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.waiting.waiter import (
    NOT_FOUND_GRACE,
    FaxWaiter,
    confirm,
    event_of,
    event_of_timeout,
    unknown_status,
)

LETTER = make_pdf()
DELIVERED = "+12025550100"
NEVER_ENDS = "+12025550106"
INTERVAL = 10.0
LOST_CONTACT = ["lost_answer", "reset", "server_error", "html", "truncated", "cut_json", "redirect"]


@pytest.fixture
def send(hook, tmp_path):
    def run(number=DELIVERED):
        path = tmp_path / "letter.pdf"
        path.write_bytes(LETTER)
        return hook.send_fax(number, str(path)).job_id

    return run


def waiter_of(hook, job_id, interval=INTERVAL):
    return FaxWaiter(hook, job_id, poll_interval=interval)


def looks(simulator):
    return sum(request["endpoint"] == "status" for request in simulator.requests())


# One look ---------------------------------------------------------------------------------------------


def test_a_look_gives_the_status_pending_or_final(hook, send, simulator):
    waiter = waiter_of(hook, send())

    assert waiter.poll().outcome is FaxOutcome.PENDING
    simulator.finish()
    assert waiter.poll().outcome is FaxOutcome.SUCCESS
    assert waiter.last.outcome is FaxOutcome.SUCCESS


@pytest.mark.parametrize("kind", LOST_CONTACT)
def test_lost_contact_is_no_answer_and_no_failure(hook, send, simulator, vendor, kind):
    waiter = waiter_of(hook, send())
    simulator.finish()
    simulator.fault(kind, vendor=vendor, endpoint="status")

    assert waiter.poll() is None
    assert waiter.poll().outcome is FaxOutcome.SUCCESS


def test_no_connection_is_no_answer_and_no_failure(vendor, connect, closed_port):
    assert waiter_of(connect(vendor, closed_port), "700000001").poll() is None


def test_throttling_is_no_answer_and_no_failure(hook, send, simulator, vendor, fake_time):
    waiter = waiter_of(hook, send())
    simulator.fault("rate_limit", vendor=vendor, endpoint="status")

    assert waiter.poll() is None
    assert waiter.poll() is not None


@pytest.mark.parametrize("job_id", ["", "abc", "12/../13", "-1", "+12025550100"])
def test_an_id_that_is_none_is_an_error(hook, job_id):
    with pytest.raises(FaxInputError):
        waiter_of(hook, job_id).poll()


def test_a_wrong_password_is_no_answer_and_is_not_tried_again(vendor, simulator, connect):
    waiter = waiter_of(
        connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo", attempts=4), "700000001"
    )

    assert [waiter.poll() for _ in range(5)] == [None] * 5

    assert len(simulator.requests()) == 1
    assert isinstance(waiter.refusal, FaxAuthenticationError)
    assert waiter.pause == INTERVAL


def test_the_waits_of_a_machine_are_refused_once_and_each_goes_on_for_its_hour(vendor, simulator, connect, bare_time):
    hook = connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo")
    waiters = [waiter_of(hook, "700000001") for _ in range(20)]
    began, ended = bare_time.now(), []
    while waiters and bare_time.now() - began < 7200:
        for waiter in list(waiters):
            try:
                assert waiter.poll() is None
            except FaxAccountStoppedError:
                waiters.remove(waiter)
                ended.append(bare_time.now() - began)
        bare_time.sleep(60)

    assert ended == [3600.0] * 20
    # At first, and each time that the stop is over: not twenty times as often.
    assert 2 <= len(simulator.requests()) <= 7


def test_a_job_that_was_not_known_is_given_a_new_minute_after_a_refusal(bare_time):
    waiter = answering(NO_JOB, WRONG_PASSWORD)
    waiter.poll()
    assert waiter.not_found is not None

    waiter.poll()

    assert waiter.not_found is None


def test_a_connection_that_cannot_be_used_is_an_error(connect):
    with pytest.raises(FaxConfigurationError):
        waiter_of(connect("extrafax", None), "700000001").poll()


@pytest.mark.parametrize("http_status", [400, 402, 403, 405, 410, 418, 451, 499])
@pytest.mark.parametrize("body", [b"", {"status": "failed", "message": "no"}, b"<html>Forbidden</html>"])
def test_a_refusal_is_no_answer_and_no_failure(vendor, connect, raw_server, http_status, body):
    server = raw_server(lambda _, far: far.answer(http_status, body))
    waiter = waiter_of(connect(vendor, server.url), "700000001")

    assert waiter.poll() is None
    assert waiter.pause >= 2 * INTERVAL


def test_only_a_change_is_told_in_the_log(hook, send, simulator, vendor, caplog):
    caplog.set_level(logging.INFO, logger="airflow_provider_faxto.waiting.waiter")
    waiter = waiter_of(hook, send())

    for _ in range(3):
        waiter.poll()
    simulator.finish()
    for _ in range(3):
        waiter.poll()

    told = [record.getMessage() for record in caplog.records if record.name == "airflow_provider_faxto.waiting.waiter"]
    assert [" is pending: " in told[0], " is success: " in told[1], len(told)] == [True, True, 2]


# Out of credit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_fax_held_for_lack_of_credit_is_waited_for_with_one_warning(hook, send, simulator, caplog):
    simulator.configure(interfax_hold_for_credit=True)
    waiter = waiter_of(hook, send())
    simulator.advance(60)

    for _ in range(3):
        status = waiter.poll()
        assert (status.outcome, status.cause, status.code) == (FaxOutcome.PENDING, FaxCause.OUT_OF_CREDIT, -22)

    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "lack of credit" in warnings[0].getMessage()


@pytest.mark.parametrize("vendor", ["interfax"], indirect=True)
def test_a_fax_that_failed_for_lack_of_credit_is_not_said_to_be_held(hook, send, simulator, caplog):
    simulator.configure(interfax_hold_for_credit=True)
    waiter = waiter_of(hook, send())
    simulator.advance(25 * 3600)

    assert waiter.poll().is_final
    assert "is held" not in caplog.text


# Pauses -----------------------------------------------------------------------------------------------


def test_the_pause_is_the_interval_while_all_is_well(hook, send):
    waiter = waiter_of(hook, send())

    assert waiter.pause == INTERVAL
    waiter.poll()
    assert waiter.pause == INTERVAL


def test_the_pause_grows_while_contact_is_lost_and_shrinks_again(hook, send, simulator, vendor):
    waiter = waiter_of(hook, send())
    simulator.fault("reset", vendor=vendor, endpoint="status", times=7)

    pauses = []
    for _ in range(7):
        waiter.poll()
        pauses.append(waiter.pause)
    waiter.poll()

    assert pauses == [20, 40, 80, 160, 160, 160, 160]
    assert waiter.pause == INTERVAL


@pytest.mark.parametrize(
    ("asked", "pause"), [("300", 300), ("5", 2 * INTERVAL), ("soon", 2 * INTERVAL), ("99999", 3600), ("-5", 20)]
)
def test_the_pause_is_at_least_what_the_vendor_asks_for_up_to_an_hour(vendor, connect, raw_server, asked, pause):
    server = raw_server(
        lambda _, far: far.answer(429, {"status": "failed", "message": "slower"}, {"Retry-After": asked})
    )
    waiter = waiter_of(connect(vendor, server.url), "700000001")

    assert waiter.poll() is None
    assert waiter.pause == pause


def test_what_the_vendor_asked_for_is_forgotten_with_the_next_answer(vendor, connect, raw_server, fake_time):
    answers = [(429, {"Retry-After": "300"}), (500, {})]
    server = raw_server(lambda _, far: far.answer(answers[0][0], b"{}", answers.pop(0)[1]))
    waiter = waiter_of(connect(vendor, server.url), "700000001")

    waiter.poll()
    fake_time.sleep(300)
    waiter.poll()

    assert waiter.pause == 4 * INTERVAL


# A job that the vendor does not know ------------------------------------------------------------------


def test_an_unknown_job_is_looked_for_again_before_it_is_an_error(hook, vendor, fake_time, simulator):
    waiter = waiter_of(hook, "799999999", interval=60)

    with pytest.raises(FaxNotFoundError):
        waiter.wait(fake_time.now() + 86_400)

    assert fake_time.slept == pytest.approx(NOT_FOUND_GRACE, abs=1)
    assert max(fake_time.pauses) <= NOT_FOUND_GRACE / 4
    assert looks(simulator) >= 4


def test_a_job_that_shows_late_is_found(hook, send, vendor, fake_time, simulator):
    job_id = send()
    simulator.configure(interfax_status_lag=40.0, faxto_status_lag=40.0)

    status = waiter_of(hook, job_id).wait(fake_time.now() + 86_400)

    assert status.outcome is FaxOutcome.SUCCESS


def test_a_wait_that_is_over_before_the_minute_cannot_tell(hook, fake_time):
    status = waiter_of(hook, "799999999").wait(fake_time.now() + 20)

    assert status.outcome is FaxOutcome.UNKNOWN
    assert "did not know the job" in status.message
    assert fake_time.slept == pytest.approx(20, abs=1)


def answering(*answers, then=FaxOutcome.SUCCESS):
    """A waiter whose looks meet these answers in turn: an error, or ``None`` for a job that is under way."""
    coming = iter(answers)

    def one(job_id):
        answer = next(coming, then)
        return answer if isinstance(answer, Exception) else status(job_id, answer or FaxOutcome.PENDING)

    return waiter_of(ScriptedHook(one, None), "1", interval=15.0)


NO_JOB = FaxNotFoundError("no such job")
WRONG_PASSWORD = FaxAuthenticationError("wrong password")


def test_one_not_found_after_a_long_wait_ends_nothing(bare_time):
    waiter = answering(*[None] * 28, NO_JOB, None)

    assert waiter.wait(bare_time.now() + 86_400).outcome is FaxOutcome.SUCCESS


@pytest.mark.parametrize("between", [None, FaxLostContactError("reset"), FaxThrottledError("slower")])
def test_the_minute_begins_anew_with_any_other_answer_between(bare_time, between):
    waiter = answering(*[NO_JOB] * 4, between, *[NO_JOB] * 4)

    assert waiter.wait(bare_time.now() + 86_400).outcome is FaxOutcome.SUCCESS


def test_the_minute_is_not_broken_where_the_account_could_not_be_asked(bare_time):
    waiter = answering(NO_JOB, FaxRateLimitError("not now", retry_after=59.0), NO_JOB, NO_JOB, then=None)

    with pytest.raises(FaxNotFoundError):
        waiter.wait(bare_time.now() + 86_400)

    assert bare_time.slept == pytest.approx(15 + 59)


def test_the_minute_begins_with_the_first_not_found(bare_time):
    waiter = answering(*[None] * 10, *[NO_JOB] * 20)

    with pytest.raises(FaxNotFoundError):
        waiter.wait(bare_time.now() + 86_400)

    assert bare_time.slept == pytest.approx(10 * 15 + NOT_FOUND_GRACE)


def test_a_job_that_is_not_found_again_and_again_brings_up_the_account_once(bare_time, caplog):
    waiter = answering(*[NO_JOB] * 20)

    with pytest.raises(FaxNotFoundError):
        waiter.wait(bare_time.now() + 86_400)

    assert [record.message.count("the account that it was sent from?") for record in caplog.records] == [1]


def test_a_job_is_asked_for_on_the_worker_until_it_is_found(bare_time):
    waiter = answering(NO_JOB, NO_JOB, None)
    assert waiter.poll() is None

    assert waiter.wait_until_clear(bare_time.now() + 86_400).outcome is FaxOutcome.PENDING
    assert bare_time.slept == pytest.approx(30)


def test_a_job_is_not_asked_for_beyond_the_deadline(bare_time):
    waiter = answering(*[NO_JOB] * 9)
    waiter.poll()

    assert waiter.wait_until_clear(bare_time.now() + 20) is None
    assert bare_time.slept == pytest.approx(20)


def test_lost_contact_behind_an_unknown_job_is_not_an_unknown_job(hook, fake_time, simulator, vendor):
    # The first answer was lag; then the vendor cannot be reached. That is no reason to fail.
    waiter = waiter_of(hook, "799999999")
    simulator.fault("reset", vendor=vendor, endpoint="status", skip=1, times=None)

    waiter.poll()
    assert waiter.not_found is not None
    waiter.poll()

    assert waiter.not_found is None
    status = waiter.wait(fake_time.now() + 600)
    assert status.outcome is FaxOutcome.UNKNOWN


def test_a_job_that_was_found_is_not_unknown_any_more(hook, send, simulator):
    job_id = send()
    simulator.configure(interfax_status_lag=40.0, faxto_status_lag=40.0)
    waiter = waiter_of(hook, job_id)

    assert waiter.poll() is None
    simulator.advance(41)
    assert waiter.poll() is not None
    assert waiter.not_found is None


# Waiting ----------------------------------------------------------------------------------------------


def test_a_wait_ends_with_the_final_status(hook, send, fake_time):
    status = waiter_of(hook, send()).wait(fake_time.now() + 86_400)

    assert status.outcome is FaxOutcome.SUCCESS
    assert set(fake_time.pauses) == {INTERVAL}


def test_a_job_that_has_ended_costs_one_look_and_no_pause(hook, send, fake_time, simulator, vendor):
    job_id = send()
    simulator.finish()

    waiter_of(hook, job_id).wait(fake_time.now() + 86_400)

    assert fake_time.pauses == []
    assert looks(simulator) == 1


def test_a_deadline_ends_in_unknown_and_not_in_an_error(hook, send, fake_time, vendor):
    status = waiter_of(hook, send(NEVER_ENDS)).wait(fake_time.now() + 95)

    assert (status.outcome, status.vendor) == (FaxOutcome.UNKNOWN, vendor)
    assert "No permanent status by the deadline" in status.message
    assert "its last status was" in status.message
    assert fake_time.slept == pytest.approx(95, abs=1)


def test_a_job_that_ended_by_the_deadline_counts_as_ended(hook, send, fake_time, simulator):
    job_id = send()
    simulator.finish()

    assert waiter_of(hook, job_id).wait(fake_time.now() - 5).outcome is FaxOutcome.SUCCESS


@pytest.mark.parametrize("kind", ["reset", "server_error", "rate_limit"])
def test_contact_lost_till_the_deadline_ends_in_unknown(hook, send, fake_time, simulator, kind):
    job_id = send()
    simulator.fault(kind, endpoint="status", times=None)

    status = waiter_of(hook, job_id).wait(fake_time.now() + 3600)

    assert status.outcome is FaxOutcome.UNKNOWN
    assert "no status could be read" in status.message
    assert looks(simulator) < 30


def test_contact_lost_for_a_while_does_no_harm(hook, send, fake_time, simulator, vendor):
    job_id = send()
    simulator.fault("reset", vendor=vendor, endpoint="status", times=4)

    assert waiter_of(hook, job_id).wait(fake_time.now() + 3600).outcome is FaxOutcome.SUCCESS


def test_what_was_known_at_the_deadline_is_kept(hook, send, fake_time):
    last = FaxStatus(
        vendor="interfax",
        job_id="1",
        outcome=FaxOutcome.PENDING,
        cause=FaxCause.OUT_OF_CREDIT,
        code=-22,
        reference="a-key",
        message="held",
    )

    status = unknown_status("interfax", "1", "why", last)

    assert (status.outcome, status.message, status.is_final) == (FaxOutcome.UNKNOWN, "why", True)
    assert (status.code, status.cause, status.reference) == (-22, FaxCause.OUT_OF_CREDIT, "a-key")
    assert unknown_status("interfax", "1", "why").code is None


# The trigger's event ----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE, FaxOutcome.FATAL])
def test_a_clear_event_is_taken_as_it_is_and_no_connection_is_looked_up_for_it(vendor, outcome):
    told = FaxStatus(vendor=vendor, job_id="700000001", outcome=outcome, message="told")

    made = []

    assert confirm(told.to_dict(), lambda: made.append(1)) == told
    assert made == []


def test_an_unknown_event_is_looked_into_once_more(hook, send, simulator, vendor):
    job_id = send()
    simulator.finish()
    told = unknown_status(vendor, job_id, "the wait could not go on")

    assert confirm(told.to_dict(), lambda: waiter_of(hook, job_id)).outcome is FaxOutcome.SUCCESS


def test_an_unknown_event_stays_unknown_while_the_job_is_under_way(hook, send, vendor):
    job_id = send()
    told = unknown_status(vendor, job_id, "the deadline has passed")

    assert confirm(told.to_dict(), lambda: waiter_of(hook, job_id)) == told


def test_an_unknown_event_stays_unknown_while_contact_is_lost(hook, send, simulator, vendor):
    job_id = send()
    simulator.fault("reset", vendor=vendor, endpoint="status", times=None)
    told = unknown_status(vendor, job_id, "the deadline has passed")

    assert confirm(told.to_dict(), lambda: waiter_of(hook, job_id)) == told


def test_a_job_that_was_not_known_for_a_minute_is_met_again_behind_the_event(hook, vendor):
    told = unknown_status(vendor, "799999999", "no such job")
    event = json.loads(json.dumps(event_of(told, clock.now() + 3600, FaxNotFoundError("no such job"))))

    with pytest.raises(FaxNotFoundError):
        confirm(event, lambda: waiter_of(hook, "799999999"))


def test_one_not_found_behind_an_event_that_says_something_else_is_not_a_minute(hook, vendor):
    told = unknown_status(vendor, "799999999", "the deadline has passed")

    assert confirm(told.to_dict(), lambda: waiter_of(hook, "799999999")) == told


@pytest.mark.parametrize("why", ["pending", "reset", "server_error", "rate_limit", "not_found"])
def test_an_event_that_cannot_tell_before_the_deadline_leads_on_to_the_deadline(hook, send, simulator, vendor, why):
    job_id = send() if why != "not_found" else "799999999"
    if why not in ("pending", "not_found"):
        simulator.fault(why, vendor=vendor, endpoint="status", times=None)
    deadline = clock.now() + 3600
    event = json.loads(json.dumps(event_of(unknown_status(vendor, job_id, "cannot tell"), deadline)))

    assert confirm(event, lambda: waiter_of(hook, job_id)) == deadline


@pytest.mark.parametrize("deadline", [None, 1.0, "soon", True])
def test_an_event_whose_deadline_has_passed_or_is_none_leads_nowhere(hook, send, vendor, deadline):
    job_id = send()
    told = unknown_status(vendor, job_id, "cannot tell")

    assert confirm({**told.to_dict(), "deadline": deadline}, lambda: waiter_of(hook, job_id)) == told


def test_a_status_without_a_vendor_gets_one_from_the_worker(hook, send, vendor):
    job_id = send()

    assert confirm(event_of_timeout(job_id), lambda: waiter_of(hook, job_id)).vendor == vendor


@pytest.mark.parametrize("outcome", [FaxOutcome.SUCCESS, FaxOutcome.RETRYABLE, FaxOutcome.FATAL])
def test_a_clear_event_is_the_status_and_no_more(vendor, outcome):
    told = FaxStatus(vendor=vendor, job_id="1", outcome=outcome)

    assert event_of(told, 4e9) == told.to_dict()


def test_a_wrong_password_is_met_again_behind_the_event(vendor, simulator, connect):
    hook = connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo")

    event = event_of(unknown_status(vendor, "700000001", "no"), clock.now() + 3600, FaxAuthenticationError("wrong"))
    with pytest.raises(FaxAuthenticationError):
        confirm(json.loads(json.dumps(event)), lambda: waiter_of(hook, "700000001"))


def test_a_refusal_after_an_event_that_says_something_else_does_not_end_the_wait(vendor, simulator, connect):
    hook = connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo")
    deadline = clock.now() + 3600
    event = event_of(unknown_status(vendor, "700000001", "no"), deadline)

    assert confirm(event, lambda: waiter_of(hook, "700000001")) == deadline


@pytest.mark.parametrize("event", [{}, {"outcome": "success"}, {"vendor": "faxto", "job_id": "1", "outcome": "sent"}])
def test_an_event_that_is_no_status_is_an_error(hook, event):
    with pytest.raises(FaxInputError):
        confirm(event, lambda: waiter_of(hook, "1"))


def test_an_event_that_is_not_final_is_an_error(hook, vendor):
    told = FaxStatus(vendor=vendor, job_id="1", outcome=FaxOutcome.PENDING)

    with pytest.raises(FaxInputError, match="not final"):
        confirm(told.to_dict(), lambda: waiter_of(hook, "1"))


# What is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*LOST_CONTACT, "rate_limit"])
def test_no_look_tells_the_key(hook, send, simulator, log_watch, kind):
    job_id = send()
    simulator.fault(kind, endpoint="status")

    assert waiter_of(hook, job_id).poll() is None

    assert "No status yet" in log_watch.log
    log_watch.check(secrets=(simulator.connection(hook.conn_type)["password"],))


# The fax's reference ----------------------------------------------------------------------------------

OURS = "airflow-0123456789abcdef01234567-0123456789abcdef"


def held_to(reference, *shown, outcome=FaxOutcome.SUCCESS):
    answers = iter([FaxStatus(vendor="interfax", job_id="1", outcome=outcome, reference=each) for each in shown])
    hook = ScriptedHook(lambda _: next(answers), lambda _: {})
    return FaxWaiter(hook, "1", poll_interval=INTERVAL, reference=reference)


@pytest.mark.parametrize("outcome", list(FaxOutcome))
@pytest.mark.parametrize("foreign", ["somebody-elses-invoice", "***", OURS[:-1] + "0", f"{OURS}-1", "airflow-test"])
def test_a_job_that_the_vendor_shows_under_another_reference_is_not_the_fax(outcome, foreign, caplog):
    seen = held_to(OURS, foreign, outcome=outcome).poll()

    assert (seen.outcome, seen.job_id, seen.reference, seen.cause, seen.code) == (
        FaxOutcome.UNKNOWN, "1", None, None, None,
    )  # fmt: skip
    assert "under another reference" in seen.message
    if foreign != "***":
        assert foreign not in seen.message + caplog.text


@pytest.mark.parametrize("shown", [OURS, OURS.upper(), f" {OURS} ", None])
def test_a_job_under_our_reference_and_a_record_that_tells_none_are_taken(shown):
    assert held_to(OURS, shown).poll().outcome is FaxOutcome.SUCCESS


@pytest.mark.parametrize("shown", ["somebody-elses-invoice", "***", None])
def test_without_a_reference_to_hold_to_the_job_is_taken_as_it_is(shown):
    assert held_to(None, shown).poll().outcome is FaxOutcome.SUCCESS


def test_a_job_that_turns_out_to_be_another_fax_ends_the_wait(bare_time):
    answers = [None, "somebody-elses-invoice"]
    waiter = held_to(OURS, *answers, outcome=FaxOutcome.PENDING)

    assert waiter.wait(bare_time.now() + 3600).outcome is FaxOutcome.UNKNOWN
    assert bare_time.pauses == [INTERVAL]


def test_a_resumed_task_holds_the_job_to_the_same_reference():
    told = held_to(OURS, "somebody-elses-invoice").poll()
    confirmed = confirm(told.to_dict(), lambda: held_to(OURS, "somebody-elses-invoice"))

    assert confirmed == told
