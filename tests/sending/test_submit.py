"""A logical fax is sent once, whatever happens: told by the simulator, which knows what it has accepted."""

from __future__ import annotations

import contextlib
import itertools
import logging

import pytest
from support.vendors import VENDORS

from airflow_provider_faxto.exceptions import FaxNotSentError, FaxPermanentError
from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.reconcile import EarlierRuns, NotedSend
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import POLLING, Patience
from airflow_provider_faxto.sending import submit
from airflow_provider_faxto.sending.logical_fax import LogicalFax
from airflow_provider_faxto.sending.lookup import LookUpPostponed
from airflow_provider_faxto.sending.submit import submit_once

KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
OTHER_TASK = "airflow-fedcba9876543210fedcba98-0123456789abcdef"
RENDERED_ANEW = "airflow-0123456789abcdef01234567-fedcba9876543210"
RESENT = "airflow-0123456789abcdef01234567-00112233445566ff"
GRACE = 60.0
# By vendor: a number whose fax is delivered, fails for now, fails for good.
DELIVERED = {"faxto": "+12025550100", "interfax": "+12025550100", "extrafax": "+12025550100"}
BUSY = {"faxto": "+12025550102", "interfax": "+99999996017", "extrafax": "+99999996017"}
DEAD = {"faxto": "+12025550104", "interfax": "+99999993912", "extrafax": "+99999993912"}


def logical_fax(number, key=KEY, pages=1, **options):
    document = FaxDocument.from_bytes(b"%PDF-1.4\n" + pages * b"<</Type /Page>>\n" + b"%%EOF\n", "pdf")
    return LogicalFax(key=key, fax_number=FaxNumber(number), documents=[document], options=SendOptions(), **options)


@pytest.fixture
def send(hook, fake_time):
    """Do what a run of the task does: ``send(number, earlier_runs=1)``.

    Each earlier run counts as one that left no note and may have sent, but for those of which sends are given
    (``noted``): these have left a journal without a gap.
    """

    def run(number, *, earlier_runs=0, noted=(), grace=GRACE, key=KEY, pages=1, fax=None, **known_and_options):
        names = {"user_initiated", "first_run", "began_at", "cleared_at", "unnoted_runs"} & known_and_options.keys()
        known = {"unnoted_runs": 0 if noted else earlier_runs, "sends": noted}
        known |= {name: known_and_options.pop(name) for name in names}
        earlier = EarlierRuns(runs=earlier_runs or len(noted), **known)
        fax = fax or logical_fax(number, key, pages)
        return submit_once(hook, fax, earlier=earlier, lookup_grace=grace, **known_and_options)

    return run


@pytest.fixture
def noted(hook, fake_time):
    """Give a send as the journal notes it."""

    def note(job_id=None, *, key=KEY, run=1, **of):
        of = {"account": hook.account_id, "began_at": fake_time.now()} | of
        return NotedSend(key=key, run=run, job_id=job_id, **of)

    return note


def calls(simulator, endpoint):
    return sum(request["endpoint"] == endpoint for request in simulator.requests())


def search_of(vendor):
    return "history" if vendor == "faxto" else "search"


# The plain cases --------------------------------------------------------------------------------------


def test_a_first_run_sends_without_a_look_at_the_records(send, simulator, vendor):
    status = send(DELIVERED[vendor])

    (accepted,) = simulator.faxes()
    assert status.outcome is FaxOutcome.PENDING
    assert (status.vendor, status.job_id, status.reference) == (vendor, str(accepted["id"]), KEY)
    assert calls(simulator, search_of(vendor)) == 0


def test_a_job_under_way_is_adopted(send, simulator, vendor):
    first = send(DELIVERED[vendor])

    second = send(DELIVERED[vendor], earlier_runs=1)

    assert (second.job_id, second.outcome) == (first.job_id, FaxOutcome.PENDING)
    assert len(simulator.faxes()) == 1


def test_a_delivered_fax_is_reported_and_not_sent_again(send, simulator, vendor, fake_time):
    first = send(DELIVERED[vendor])
    simulator.finish()

    second = send(DELIVERED[vendor], earlier_runs=3)

    assert (second.job_id, second.outcome) == (first.job_id, FaxOutcome.SUCCESS)
    assert len(simulator.faxes()) == 1
    assert fake_time.pauses == []


@pytest.mark.parametrize("numbers", [BUSY, DEAD], ids=["retryable", "fatal"])
def test_a_failed_fax_leads_to_a_new_one(send, simulator, vendor, numbers, fake_time):
    first = send(numbers[vendor])
    simulator.finish()

    second = send(numbers[vendor], earlier_runs=1)

    assert second.job_id != first.job_id
    assert second.outcome is FaxOutcome.PENDING
    assert len(simulator.faxes()) == 2
    # The only send there can have been is found, so there is nothing to wait for.
    assert fake_time.pauses == []


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_canceled_fax_leads_to_a_new_one(send, simulator, hook):
    first = send("+12025550100")
    hook.cancel_fax(first.job_id)

    assert send("+12025550100", earlier_runs=1).job_id != first.job_id
    assert len(simulator.faxes()) == 2


@pytest.mark.parametrize("vendor", ["faxto"], indirect=True)
def test_a_fax_of_which_nobody_can_tell_what_became_of_it_stops_everything(send, simulator):
    first = send("+12025550108")
    simulator.finish()

    status = send("+12025550108", earlier_runs=1)

    assert (status.outcome, status.job_id) == (FaxOutcome.UNKNOWN, first.job_id)
    assert len(simulator.faxes()) == 1


def test_a_fax_under_another_key_is_another_fax(send, simulator, vendor):
    send(DELIVERED[vendor], key="airflow-fedcba9876543210fedcba98-0123456789abcdef")

    send(DELIVERED[vendor], earlier_runs=1)

    assert len(simulator.faxes()) == 2


# Records that lag behind ------------------------------------------------------------------------------


def lag(simulator, seconds):
    simulator.configure(interfax_search_lag=seconds, faxto_history_lag=seconds)


def test_a_fax_that_shows_late_is_waited_for(send, simulator, vendor, fake_time):
    first = send(DELIVERED[vendor])
    lag(simulator, 40.0)

    second = send(DELIVERED[vendor], earlier_runs=1)

    assert second.job_id == first.job_id
    assert len(simulator.faxes()) == 1
    assert 40 <= fake_time.slept <= GRACE


def test_a_fax_that_was_never_sent_is_sent_after_the_grace(send, simulator, vendor, fake_time):
    status = send(DELIVERED[vendor], earlier_runs=1)

    assert status.outcome is FaxOutcome.PENDING
    assert len(simulator.faxes()) == 1
    assert fake_time.slept == pytest.approx(GRACE, abs=0.1)
    assert max(fake_time.pauses) <= 15


def test_the_last_look_comes_after_the_grace(send, simulator, vendor, fake_time):
    # It shows just as the grace ends: a look before that would have missed it.
    first = send(DELIVERED[vendor])
    lag(simulator, GRACE)

    assert send(DELIVERED[vendor], earlier_runs=1).job_id == first.job_id
    assert len(simulator.faxes()) == 1


def test_a_found_failure_does_not_hide_that_a_second_fax_may_be_on_its_way(send, simulator, vendor, fake_time):
    failed = send(BUSY[vendor])
    simulator.finish()
    simulator.advance(3600)
    # The second run's fax does not show yet when the third run looks.
    second = send(BUSY[vendor], earlier_runs=1)
    lag(simulator, 40.0)

    third = send(BUSY[vendor], earlier_runs=2)

    assert third.job_id == second.job_id != failed.job_id
    assert len(simulator.faxes()) == 2


# What earlier runs have noted --------------------------------------------------------------------------


def test_a_run_after_runs_that_have_noted_no_send_sends_without_a_look(send, simulator, vendor, fake_time):
    status = send(DELIVERED[vendor], earlier_runs=3, unnoted_runs=0)

    assert status.outcome is FaxOutcome.PENDING
    assert (fake_time.pauses, calls(simulator, search_of(vendor))) == ([], 0)


@pytest.mark.parametrize("user_initiated", [False, True])
@pytest.mark.parametrize("numbers", [DELIVERED, BUSY, DEAD], ids=["delivered", "retryable", "fatal"])
def test_noted_final_statuses_decide_without_a_request(
    *, send, noted, simulator, vendor, hook, numbers, user_initiated
):
    first = send(numbers[vendor])
    simulator.finish()
    end = hook.get_status(first.job_id)
    made = len(simulator.requests())

    status = send(numbers[vendor], noted=[noted(first.job_id, status=end)], user_initiated=user_initiated)

    reads = [request for request in simulator.requests()[made:] if request["endpoint"] not in ("send", "upload")]
    is_again = numbers is BUSY or (numbers is DEAD and user_initiated)
    assert reads == []
    assert (status.job_id == first.job_id, len(simulator.faxes())) == ((False, 2) if is_again else (True, 1))


@pytest.mark.parametrize("is_noted", [False, True])
@pytest.mark.parametrize("numbers", [BUSY, DEAD], ids=["retryable", "fatal"])
def test_a_task_that_returns_failures_is_given_the_one_that_a_dead_run_could_not_return(
    *, send, noted, simulator, vendor, numbers, is_noted
):
    first = send(numbers[vendor])
    simulator.finish()
    known = {"noted": [noted(first.job_id)]} if is_noted else {"earlier_runs": 1}

    status = send(numbers[vendor], **known, user_initiated=False, returns_failures=True)

    assert status.job_id == first.job_id
    assert status.is_final
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("is_noted", [False, True])
def test_a_failure_from_before_a_clear_is_sent_again_though_the_task_returns_failures(
    *, send, noted, simulator, vendor, is_noted
):
    first = send(BUSY[vendor])
    simulator.finish()
    # The run of the clear, the second, died before it could send.
    known = {"noted": [noted(first.job_id)]} if is_noted else {"earlier_runs": 1}

    status = send(BUSY[vendor], **known, user_initiated=False, first_run=2, returns_failures=True)

    assert status.job_id != first.job_id
    assert len(simulator.faxes()) == 2


def test_another_tasks_failure_under_the_users_key_is_no_failure_of_this_one(send, simulator, vendor):
    first = send(BUSY[vendor], fax=logical_fax(BUSY[vendor], is_users_key=True))
    simulator.finish()

    status = send(
        BUSY[vendor],
        fax=logical_fax(BUSY[vendor], is_users_key=True),
        earlier_runs=1,
        user_initiated=False,
        returns_failures=True,
    )

    assert status.job_id != first.job_id
    assert len(simulator.faxes()) == 2


def test_a_send_that_is_proven_not_to_have_arrived_needs_no_look(send, noted, simulator, vendor):
    send(DELIVERED[vendor], noted=[noted(is_not_sent=True)])

    assert calls(simulator, search_of(vendor)) == 0
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("is_delivered", [False, True])
def test_a_noted_job_is_asked_for_and_spares_the_search(*, send, noted, simulator, vendor, fake_time, is_delivered):
    first = send(DELIVERED[vendor])
    lag(simulator, GRACE * 10)
    if is_delivered:
        simulator.finish()

    second = send(DELIVERED[vendor], noted=[noted(first.job_id)])

    assert (second.job_id, second.is_final) == (first.job_id, is_delivered)
    assert (fake_time.pauses, calls(simulator, "search"), calls(simulator, "files")) == ([], 0, 0)
    assert len(simulator.faxes()) == 1


def test_a_noted_job_that_has_failed_leads_to_a_new_one_without_a_search(send, noted, simulator, vendor, fake_time):
    failed = send(BUSY[vendor])
    simulator.finish()

    second = send(BUSY[vendor], noted=[noted(failed.job_id)])

    assert second.job_id != failed.job_id
    assert (len(simulator.faxes()), fake_time.pauses, calls(simulator, "search")) == (2, [], 0)


def test_a_noted_job_that_has_failed_does_not_hide_the_one_of_a_run_that_left_no_note(send, noted, simulator, vendor):
    failed = send(BUSY[vendor])
    simulator.finish()
    simulator.advance(3600)
    second = send(BUSY[vendor], earlier_runs=1)

    third = send(BUSY[vendor], earlier_runs=2, noted=[noted(failed.job_id)], unnoted_runs=1)

    assert third.job_id == second.job_id
    assert len(simulator.faxes()) == 2


def test_a_noted_send_without_an_answer_is_looked_up_from_its_begin_on(send, noted, simulator, vendor, fake_time):
    note = noted()
    first = send(DELIVERED[vendor])
    fake_time.sleep(3 * GRACE)

    assert send(DELIVERED[vendor], noted=[note]).job_id == first.job_id
    assert fake_time.slept == 3 * GRACE


def test_a_noted_send_whose_grace_is_over_is_proven_absent_at_once(send, noted, simulator, vendor, fake_time):
    note = noted()
    fake_time.sleep(3 * GRACE)

    assert send(DELIVERED[vendor], noted=[note]).outcome is FaxOutcome.PENDING
    assert fake_time.slept == 3 * GRACE


def test_a_noted_job_that_the_vendor_no_longer_shows_is_never_sent_again(send, noted, simulator, vendor):
    with pytest.raises(FaxUncertainSendError, match="no longer shows it"):
        send(DELIVERED[vendor], noted=[noted("4711")])

    assert simulator.faxes() == []


def test_a_noted_job_that_shows_late_is_waited_for(send, noted, simulator, vendor):
    simulator.configure(faxto_status_lag=40.0)
    lag(simulator, 40.0)
    first = send(DELIVERED[vendor])

    assert send(DELIVERED[vendor], noted=[noted(first.job_id)]).job_id == first.job_id
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_noted_job_that_is_another_fax_is_not_reported_as_this_one(send, noted, simulator):
    # Such as a stranger's, whose id the vendor has named by mistake.
    other = send("+12025550100", key=OTHER_TASK)
    simulator.finish()

    with pytest.raises(FaxUncertainSendError):
        send("+12025550100", noted=[noted(other.job_id)])

    assert len(simulator.faxes()) == 1


def test_a_job_of_another_account_is_neither_asked_for_nor_sent_again(send, noted, simulator, vendor, hook):
    # The connection was edited: the same number means a stranger's fax there.
    stranger = send(DELIVERED[vendor], key=OTHER_TASK)
    simulator.finish()
    looked = calls(simulator, "status")

    with pytest.raises(FaxUncertainSendError, match="another account"):
        send("+12025550155" if vendor == "faxto" else "+99999990", noted=[noted(stranger.job_id, account="another")])

    assert calls(simulator, "status") == looked
    assert len(simulator.faxes()) == 1


def test_a_noted_job_whose_status_cannot_be_read_is_no_leave_to_send(send, noted, simulator, vendor):
    first = send(DELIVERED[vendor])
    simulator.fault("server_error", endpoint="status", times=None)

    with pytest.raises(FaxUncertainSendError, match="outcome is not known"):
        send(DELIVERED[vendor], noted=[noted(first.job_id)])

    assert len(simulator.faxes()) == 1


class Journal:
    """Where a run notes its send, as the journal does, in memory."""

    def __init__(self):
        self.is_not_sent = False

    def note_send(self, key, account, document_id):
        return NotedSend(key=key, account=account, run=1, began_at=0.0, document_id=document_id)

    def note_not_sent(self):
        self.is_not_sent = True

    def note_job(self, job):
        pass


def test_a_no_of_the_vendor_is_no_proof_that_nothing_was_sent(send, simulator, vendor):
    # It may be a gateway's, which had passed the request on.
    journal = Journal()
    simulator.fault("rate_limit", endpoint="send", when="after")
    with pytest.raises(FaxThrottledError):
        send(DELIVERED[vendor], journal=journal)

    assert len(simulator.faxes()) == 1
    assert not journal.is_not_sent


def test_that_no_connection_stood_is_proof_that_nothing_was_sent(vendor, fake_time, connect, closed_port):
    journal = Journal()
    with pytest.raises(FaxNotConnectedError):
        submit_once(
            connect(vendor, closed_port),
            logical_fax(DELIVERED[vendor]),
            earlier=EarlierRuns(),
            lookup_grace=GRACE,
            journal=journal,
        )

    assert journal.is_not_sent


# A document that is rendered anew, a correction, a resend -----------------------------------------------


@pytest.mark.parametrize("has_journal", [True, False], ids=["journal", "records"])
@pytest.mark.parametrize("is_delivered", [False, True])
def test_airflows_own_retry_takes_a_document_rendered_anew_for_the_same_fax(
    *, send, noted, simulator, vendor, has_journal, is_delivered
):
    first = send(DELIVERED[vendor], key=RENDERED_ANEW)
    if is_delivered:
        simulator.finish()
    known = {"noted": [noted(first.job_id, key=RENDERED_ANEW)]} if has_journal else {"earlier_runs": 1}

    second = send(DELIVERED[vendor], user_initiated=False, **known)

    assert (second.job_id, second.is_final) == (first.job_id, is_delivered)
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("has_journal", [True, False], ids=["journal", "records"])
def test_a_user_who_corrects_the_fax_has_it_sent_beside_the_wrong_one(send, noted, simulator, vendor, has_journal):
    first = send(DELIVERED[vendor], key=RENDERED_ANEW)
    known = {"noted": [noted(first.job_id, key=RENDERED_ANEW)]} if has_journal else {"earlier_runs": 1}

    assert send(DELIVERED[vendor], **known).job_id != first.job_id
    assert len(simulator.faxes()) == 2


def test_the_retry_of_a_corrected_fax_does_not_report_the_wrong_one(send, noted, simulator, vendor):
    wrong = send(DELIVERED[vendor], key=RENDERED_ANEW)
    simulator.finish()

    # Run 2 was the user's and could not send; run 3 is Airflow's own.
    notes = [noted(wrong.job_id, key=RENDERED_ANEW, run=1)]
    status = send(DELIVERED[vendor], noted=notes, earlier_runs=2, user_initiated=False, first_run=2)

    assert status.job_id != wrong.job_id
    assert len(simulator.faxes()) == 2


def test_the_retry_of_a_resend_does_not_report_the_first_fax(send, simulator, vendor):
    first = send(DELIVERED[vendor])
    simulator.finish()
    resent = logical_fax(DELIVERED[vendor], RENDERED_ANEW, resend_of=KEY)

    status = send(DELIVERED[vendor], fax=resent, earlier_runs=2, user_initiated=False)

    assert status.job_id != first.job_id
    assert len(simulator.faxes()) == 2


# The user's own key ------------------------------------------------------------------------------------


def test_the_first_run_with_the_users_own_key_looks_before_it_sends(send, simulator, vendor):
    fax = logical_fax(DELIVERED[vendor], is_users_key=True)
    first = send(DELIVERED[vendor], fax=fax)
    simulator.finish()

    second = send(DELIVERED[vendor], fax=fax)

    assert (second.job_id, second.outcome) == (first.job_id, FaxOutcome.SUCCESS)
    assert len(simulator.faxes()) == 1


def test_the_users_own_key_for_another_fax_is_an_error_that_names_what_differs(send, simulator, vendor):
    first = send(DELIVERED[vendor], key=RENDERED_ANEW)

    with pytest.raises(FaxPermanentError, match=f"{first.job_id}.*another document.*Nothing was sent"):
        send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], is_users_key=True))

    assert len(simulator.faxes()) == 1


def test_the_users_own_key_is_free_again_after_a_failure_and_at_a_resend(send, simulator, vendor):
    send(BUSY[vendor], key=RENDERED_ANEW)
    simulator.finish()
    send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], is_users_key=True))

    resent = logical_fax(DELIVERED[vendor], RESENT, is_users_key=True, resend_of=KEY)
    send(DELIVERED[vendor], fax=resent)

    assert len(simulator.faxes()) == 3


def test_the_users_own_key_returns_its_own_fax_although_it_was_resent_since(send, simulator, vendor):
    first = send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], is_users_key=True))
    simulator.finish()
    send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], RESENT, is_users_key=True, resend_of=KEY))
    simulator.finish()

    again = send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], is_users_key=True))

    assert (again.job_id, again.outcome) == (first.job_id, FaxOutcome.SUCCESS)
    assert len(simulator.faxes()) == 2


@pytest.mark.parametrize("has_journal", [True, False], ids=["journal", "records"])
def test_a_failed_fax_of_another_dag_run_does_not_hide_an_own_one_that_shows_late(
    send, noted, simulator, vendor, has_journal
):
    fax = logical_fax(BUSY[vendor], is_users_key=True)
    failed = send(BUSY[vendor], fax=fax)
    simulator.finish()
    simulator.advance(3600)
    # This DAG run's worker died with its send; what the records show is the other's alone.
    note = noted()
    own = send(BUSY[vendor], fax=fax)
    lag(simulator, 40.0)

    known = {"noted": [note]} if has_journal else {"earlier_runs": 1}
    again = send(BUSY[vendor], fax=fax, user_initiated=False, **known)

    assert again.job_id == own.job_id != failed.job_id
    assert len(simulator.faxes()) == 2


@pytest.mark.parametrize("has_journal", [True, False], ids=["journal", "records"])
def test_a_retry_does_not_report_what_another_dag_run_sent_under_the_users_own_key(
    send, noted, simulator, vendor, has_journal
):
    send(DELIVERED[vendor], key=RENDERED_ANEW)
    simulator.finish()
    known = {"noted": [noted(is_not_sent=True)]} if has_journal else {"earlier_runs": 1}

    with pytest.raises(FaxPermanentError, match=r"another document.*Nothing was sent"):
        send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], is_users_key=True), user_initiated=False, **known)

    assert len(simulator.faxes()) == 1


def test_a_retry_with_the_users_own_key_takes_its_own_document_rendered_anew_for_the_same_fax(
    send, noted, simulator, vendor
):
    first = send(DELIVERED[vendor], key=RENDERED_ANEW)
    fax = logical_fax(DELIVERED[vendor], is_users_key=True)

    notes = [noted(first.job_id, key=RENDERED_ANEW)]
    assert send(DELIVERED[vendor], fax=fax, noted=notes, user_initiated=False).job_id == first.job_id
    # A worker that died with its send has left the key alone.
    notes = [noted(key=RENDERED_ANEW)]
    assert send(DELIVERED[vendor], fax=fax, noted=notes, user_initiated=False).job_id == first.job_id
    assert len(simulator.faxes()) == 1


def test_the_retry_of_a_resend_under_the_users_own_key_sends(send, simulator, vendor):
    first = send(DELIVERED[vendor], fax=logical_fax(DELIVERED[vendor], is_users_key=True))
    simulator.finish()
    resent = logical_fax(DELIVERED[vendor], RESENT, is_users_key=True, resend_of=KEY)

    status = send(DELIVERED[vendor], fax=resent, earlier_runs=1, user_initiated=False)

    assert status.job_id != first.job_id
    assert len(simulator.faxes()) == 2


def test_a_look_with_the_users_own_key_that_goes_on_later_sees_what_was_sent_meanwhile(
    send, simulator, vendor, fake_time
):
    fax = logical_fax(DELIVERED[vendor], is_users_key=True)
    # Enough for all repetitions of this look, and for none of the next.
    simulator.fault("server_error", endpoint=search_of(vendor), times=POLLING.read_attempts)
    with pytest.raises(LookUpPostponed) as postponed:
        send(DELIVERED[vendor], fax=fax, hold=0.0)
    fake_time.sleep(1)
    # The listing of the one that sends now began after the other has asked first, and shows no fax yet.
    first = send(DELIVERED[vendor], fax=fax)
    fake_time.sleep(1)

    second = send(DELIVERED[vendor], fax=fax, hold=0.0, progress=postponed.value.progress)

    assert second.job_id == first.job_id
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize(("hours", "is_taken"), [(1, True), (23, True), (25, False)])
def test_a_retry_takes_a_fax_from_before_a_clear_for_its_own_unless_it_surely_is_older(
    *, send, simulator, vendor, fake_time, hours, is_taken
):
    # Without a journal; by the vendor's clock, which may be off and in any zone.
    first = send(DELIVERED[vendor], key=RENDERED_ANEW)
    simulator.finish()
    cleared_at = fake_time.now() + hours * 3600

    status = send(DELIVERED[vendor], earlier_runs=1, user_initiated=False, cleared_at=cleared_at)

    assert (status.job_id == first.job_id) is is_taken


# Records that do not reach back ---------------------------------------------------------------------------


@pytest.mark.parametrize("is_users_key", [False, True])
@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_absence_from_records_that_do_not_reach_back_proves_nothing(*, send, simulator, fake_time, is_users_key):
    month = 31 * 24 * 3600.0
    fax = logical_fax("+12025550100", is_users_key=is_users_key)

    with pytest.raises(FaxUncertainSendError, match="may not reach back"):
        send("+12025550100", fax=fax, earlier_runs=1, began_at=fake_time.now() - month)

    assert simulator.faxes() == []


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_what_is_found_counts_however_old_the_run_is(send, simulator, fake_time):
    first = send("+12025550100")
    month = 31 * 24 * 3600.0

    assert send("+12025550100", earlier_runs=1, began_at=fake_time.now() - month).job_id == first.job_id


# Pages that have arrived ------------------------------------------------------------------------------

# "The connection broke while a page was sent."
BROKEN_OFF = "+99999993223"


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_fax_of_which_pages_arrived_is_not_sent_again(send, simulator, fake_time):
    simulator.configure(interfax_partial_pages=2)
    first = send(BROKEN_OFF, pages=3)
    simulator.finish()

    second = send(BROKEN_OFF, pages=3, earlier_runs=1)

    assert (second.job_id, second.outcome, bool(second.pages_sent)) == (first.job_id, FaxOutcome.RETRYABLE, True)
    assert (len(simulator.faxes()), fake_time.pauses) == (1, [])


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_fax_of_which_pages_arrived_is_sent_again_on_the_users_word(send, simulator):
    simulator.configure(interfax_partial_pages=2)
    first = send(BROKEN_OFF, pages=3)
    simulator.finish()

    assert send(BROKEN_OFF, pages=3, earlier_runs=1, resend_partial=True).job_id != first.job_id
    assert len(simulator.faxes()) == 2


# Records that cannot be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["lost_answer", "reset", "server_error", "html", "truncated", "rate_limit", "redirect"]
)
def test_records_that_cannot_be_read_are_no_leave_to_send(send, simulator, vendor, kind):
    simulator.fault(kind, endpoint=search_of(vendor), times=None)

    with pytest.raises(FaxUncertainSendError, match="outcome is not known"):
        send(DELIVERED[vendor], earlier_runs=1)

    assert simulator.faxes() == []
    assert calls(simulator, "send") == 0


def test_records_that_can_be_read_again_in_time_decide(send, simulator, vendor):
    first = send(DELIVERED[vendor])
    simulator.fault("server_error", endpoint=search_of(vendor), times=2)

    assert send(DELIVERED[vendor], earlier_runs=1).job_id == first.job_id
    assert len(simulator.faxes()) == 1


def test_a_look_that_gets_no_turn_in_the_accounts_minute_is_none_and_the_grace_does_not_end_on_it(
    vendor, simulator, fake_time, fax_connections, monkeypatch
):
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=6)
    fax = logical_fax(DELIVERED[vendor])
    with contextlib.closing(FaxHook.for_connection(f"{vendor}_default", patience=POLLING)) as hook:
        job_id = submit_once(hook, fax, earlier=EarlierRuns(), lookup_grace=GRACE).job_id
        until = fake_time.now() + 5 * GRACE

        def others_are_faster():
            while fake_time.now() < until and hook.rate_limit.room().free:
                with hook.rate_limit.acquire(0):
                    pass

        fake_time.while_asleep = others_are_faster
        others_are_faster()
        found = submit_once(hook, fax, earlier=EarlierRuns(runs=1, unnoted_runs=1), lookup_grace=GRACE)

    assert found.job_id == job_id
    assert fake_time.now() >= until
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_records_of_many_pages_are_read_in_parts_and_hold_no_slot_for_a_minute(
    vendor, simulator, fake_time, fax_connections, monkeypatch
):
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=1)
    fax_connections.configure(interfax_status_limit=None)
    fax = logical_fax(DELIVERED[vendor])
    patience = Patience(read_attempts=1, max_wait=30.0)
    with contextlib.closing(FaxHook.for_connection(f"{vendor}_default", patience=patience)) as hook:
        job_id = submit_once(hook, fax, earlier=EarlierRuns(), lookup_grace=GRACE).job_id
        for number in range(210):
            hook.send_fax("+12025550199", fax.documents, reference=f"of others {number}")
        with hook.rate_limit.acquire(0):
            "The turn of this minute."
        holds, found, progress = [], None, None
        while found is None:
            began = fake_time.monotonic()
            try:
                found = submit_once(
                    hook,
                    fax,
                    earlier=EarlierRuns(runs=1, unnoted_runs=1),
                    lookup_grace=0.0,
                    progress=progress,
                    hold=10.0,
                )
            except LookUpPostponed as postponed:
                progress = postponed.progress
                holds.append(fake_time.monotonic() - began)
                fake_time.sleep(max(postponed.seconds, 10.0))

    assert found.job_id == job_id
    assert max(holds) < 60
    assert len(holds) >= 2
    assert calls(simulator, search_of(vendor)) == 3


def test_who_gets_no_turn_for_an_hour_waits_and_goes_on(vendor, fake_time, fax_connections, monkeypatch):
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=6)
    with contextlib.closing(FaxHook.for_connection(f"{vendor}_default", patience=POLLING)) as hook:
        first = submit_once(hook, logical_fax(DELIVERED[vendor]), earlier=EarlierRuns(), lookup_grace=GRACE)
        hook.rate_limit.slow_down(retry_after=3600.0)
        earlier = EarlierRuns(runs=1, unnoted_runs=1)
        found = submit_once(hook, logical_fax(DELIVERED[vendor]), earlier=earlier, lookup_grace=GRACE)

    assert found.job_id == first.job_id
    assert fake_time.slept >= 3500


def test_a_look_that_may_not_wait_here_goes_on_later_from_where_it_was(send, simulator, vendor, fake_time):
    with pytest.raises(LookUpPostponed) as postponed:
        send(DELIVERED[vendor], earlier_runs=1, hold=20.0)
    assert fake_time.slept <= 20
    fake_time.sleep(GRACE)

    status = send(DELIVERED[vendor], earlier_runs=1, hold=20.0, progress=postponed.value.progress)

    assert status.outcome is FaxOutcome.PENDING
    assert fake_time.slept <= 20 + GRACE


def test_a_wrong_password_is_told_at_once_and_nothing_is_sent(vendor, simulator, fake_time, connect):
    hook = connect(vendor, simulator.url, password="wrong", login=f"{vendor}-demo")
    after_a_run = EarlierRuns(runs=1, unnoted_runs=1)

    with pytest.raises(FaxAuthenticationError):
        submit_once(hook, logical_fax(DELIVERED[vendor]), earlier=after_a_run, lookup_grace=GRACE)

    assert fake_time.pauses == []
    assert simulator.faxes() == []
    assert len(simulator.requests()) == 1


# An uncertain send ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "kind"),
    [
        *itertools.product(VENDORS, ["lost_answer", "server_error", "html", "garbled_id", "redirect"]),
        # An accepted fax has a body here alone.
        ("faxto", "truncated"),
        ("faxto", "cut_json"),
    ],
    indirect=["vendor"],
)
def test_an_uncertain_send_that_did_arrive_is_adopted(send, simulator, vendor, kind):
    simulator.fault(kind, endpoint="send", when="after")

    status = send(DELIVERED[vendor])

    (accepted,) = simulator.faxes()
    assert (status.job_id, status.outcome) == (str(accepted["id"]), FaxOutcome.PENDING)
    assert calls(simulator, "send") == 1


def test_an_uncertain_send_that_shows_late_is_adopted(send, simulator, vendor, fake_time):
    lag(simulator, 40.0)
    simulator.fault("reset", endpoint="send", when="after")

    status = send(DELIVERED[vendor])

    (accepted,) = simulator.faxes()
    assert status.job_id == str(accepted["id"])
    assert fake_time.slept >= 40


@pytest.mark.parametrize("kind", ["reset", "server_error", "html", "redirect"])
def test_an_uncertain_send_that_did_not_arrive_is_proven_absent(send, simulator, vendor, fake_time, kind):
    simulator.fault(kind, endpoint="send", when="before")

    with pytest.raises(FaxNotSentError, match="it did not arrive") as caught:
        send(DELIVERED[vendor])

    assert caught.value.__context__ is None
    assert simulator.faxes() == []
    assert calls(simulator, "send") == 1
    assert fake_time.slept == pytest.approx(GRACE, abs=0.1)


def test_a_fax_proven_absent_is_sent_by_the_next_run(send, simulator, vendor):
    simulator.fault("reset", endpoint="send", when="before")
    with pytest.raises(FaxNotSentError):
        send(DELIVERED[vendor])

    status = send(DELIVERED[vendor], earlier_runs=1)

    assert status.outcome is FaxOutcome.PENDING
    assert len(simulator.faxes()) == 1


def test_an_uncertain_send_that_cannot_be_looked_up_stays_uncertain(send, simulator, vendor, fake_time):
    simulator.fault("lost_answer", endpoint="send")
    simulator.fault("server_error", endpoint=search_of(vendor), times=None)

    with pytest.raises(FaxUncertainSendError) as caught:
        send(DELIVERED[vendor])

    assert "Nothing was sent" not in str(caught.value)
    assert len(simulator.faxes()) == 1
    assert calls(simulator, "send") == 1
    assert fake_time.slept == pytest.approx(GRACE, abs=0.1)


@pytest.mark.parametrize("answer", [400, 401])
def test_an_uncertain_send_stays_uncertain_whatever_keeps_the_records_shut(
    vendor, fake_time, connect, raw_server, answer
):
    # Such as a password that is changed between the send and the look.
    def behave(request, far):
        if request.sends:
            return far.reset()
        if request.method == "POST":
            return far.answer(200, {"status": "success", "document_id": 1})
        return far.answer(answer, {"status": "failed", "message": "no"})

    server = raw_server(behave)

    with pytest.raises(FaxUncertainSendError) as caught:
        submit_once(
            connect(vendor, server.url), logical_fax(DELIVERED[vendor]), earlier=EarlierRuns(), lookup_grace=GRACE
        )

    assert "Nothing was sent" not in str(caught.value)
    assert server.sends == 1
    # A wrong password is never tried twice.
    assert [request.method for request in server.requests].count("GET") == 1


def test_an_uncertain_send_that_failed_meanwhile_is_reported_as_failed(send, simulator, vendor, fake_time):
    lag(simulator, 1.0)
    simulator.fault("lost_answer", endpoint="send")
    fake_time.while_asleep = simulator.finish

    status = send(BUSY[vendor])

    assert status.outcome is FaxOutcome.RETRYABLE
    assert len(simulator.faxes()) == 1


def test_an_uncertain_send_behind_a_failed_one_is_not_taken_for_it(send, simulator, vendor):
    failed = send(BUSY[vendor])
    simulator.finish()
    simulator.advance(3600)
    simulator.fault("lost_answer", endpoint="send")

    status = send(BUSY[vendor], earlier_runs=1)

    assert status.job_id != failed.job_id
    assert status.outcome is FaxOutcome.PENDING
    assert len(simulator.faxes()) == 2


def test_an_uncertain_send_behind_a_failed_one_is_waited_for(send, simulator, vendor, fake_time):
    # The failed one shows at once, which says nothing about the other.
    failed = send(BUSY[vendor])
    simulator.finish()
    simulator.advance(3600)
    lag(simulator, 40.0)
    simulator.fault("lost_answer", endpoint="send")

    status = send(BUSY[vendor], earlier_runs=1)

    assert status.job_id != failed.job_id
    assert len(simulator.faxes()) == 2
    assert fake_time.slept >= 40


def test_an_absent_send_behind_a_failed_one_is_not_reported_as_that(send, simulator, vendor):
    send(BUSY[vendor])
    simulator.finish()
    simulator.fault("reset", endpoint="send", when="before")

    with pytest.raises(FaxNotSentError):
        send(BUSY[vendor], earlier_runs=1)

    assert len(simulator.faxes()) == 1


# A clear no -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["faxto"], indirect=True)
def test_a_refusal_is_told_and_not_looked_up(send, simulator, fake_time):
    with pytest.raises(FaxRefusedError):
        send("+12025550111")

    assert simulator.faxes() == []
    assert calls(simulator, "history") == 0
    assert fake_time.pauses == []


def test_a_send_that_is_turned_away_for_now_is_told_and_not_looked_up(send, simulator, vendor, fake_time):
    simulator.fault("rate_limit", endpoint="send")

    with pytest.raises(FaxThrottledError):
        send(DELIVERED[vendor])

    assert (simulator.faxes(), fake_time.pauses) == ([], [])
    assert calls(simulator, search_of(vendor)) == 0


def test_a_connection_that_is_never_made_is_told_and_not_looked_up(vendor, simulator, fake_time, connect, closed_port):
    with pytest.raises(FaxNotConnectedError):
        submit_once(
            connect(vendor, closed_port), logical_fax(DELIVERED[vendor]), earlier=EarlierRuns(), lookup_grace=GRACE
        )

    assert fake_time.pauses == []


@pytest.mark.parametrize("vendor", ["faxto"], indirect=True)
def test_an_upload_that_is_lost_is_no_uncertain_send(send, simulator, fake_time):
    simulator.fault("lost_answer", endpoint="upload")

    with pytest.raises(FaxLostContactError):
        send("+12025550100")

    assert calls(simulator, "send") == 0
    assert fake_time.pauses == []


# What is told -----------------------------------------------------------------------------------------


def test_neither_the_log_nor_an_error_tells_the_number(send, simulator, vendor, log_watch, number):
    simulator.fault("lost_answer", endpoint="send")
    simulator.fault("server_error", endpoint=search_of(vendor), times=None)

    with pytest.raises(FaxUncertainSendError) as caught:
        send(number)

    assert "+*******0187" in log_watch.log
    log_watch.check(caught.value, secrets=(simulator.connection(vendor)["password"],))


def test_a_sent_fax_keeps_its_job_id_in_the_log(send, vendor, caplog):
    caplog.set_level(logging.INFO, logger=submit.__name__)

    status = send(DELIVERED[vendor])

    assert f"Fax job {status.job_id} was made for +*******0100" in caplog.text
