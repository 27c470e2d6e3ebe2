"""The decision about a second send: never while a job may be under way, delivered, unknown, or not yet shown."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax import FaxCause, FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.reconcile import Action, Decision, find_conflict, has_pages_delivered
from airflow_provider_faxto.fax.reconcile import reconcile as reconcile_under

KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
RENDERED_ANEW = "airflow-0123456789abcdef01234567-fedcba9876543210"
FAILED = {FaxOutcome.RETRYABLE, FaxOutcome.FATAL}
MOST_JOBS = 4
MOST_SENDS = 5


def reconcile(found, **known):
    return reconcile_under(found, key=KEY, **known)


def jobs(*outcomes):
    """Make fax jobs, newest first, each with an id of its own."""
    return [
        FaxStatus(vendor="interfax", job_id=str(len(outcomes) - place), outcome=FaxOutcome(outcome))
        for place, outcome in enumerate(outcomes)
    ]


# Every list of up to four jobs, every number of sends up to five, the grace over or not: 9,372 cases.
CASES = [
    (jobs(*outcomes), sends_made, grace_over)
    for number in range(MOST_JOBS + 1)
    for outcomes in itertools.product(FaxOutcome, repeat=number)
    for sends_made in range(MOST_SENDS + 1)
    for grace_over in (False, True)
]


def outcomes_of(found):
    return [job.outcome for job in found]


def decided(*wanted):
    """Decide every case, and yield those that end in one of the wanted actions, with the job."""
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        if decision.action in wanted:
            yield found, sends_made, grace_over, decision.job


def test_a_send_needs_every_job_to_have_failed_and_none_to_be_missing():
    for found, sends_made, grace_over, _ in decided(Action.SEND):
        assert set(outcomes_of(found)) <= FAILED
        assert grace_over or len(found) >= sends_made


def test_a_send_is_due_whenever_every_job_has_failed_and_none_is_missing():
    for found, sends_made, grace_over in CASES:
        if set(outcomes_of(found)) <= FAILED and (grace_over or len(found) >= sends_made):
            assert reconcile(found, sends_made=sends_made, grace_over=grace_over).action is Action.SEND


def test_a_job_under_way_is_adopted_whatever_else_there_is():
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        assert (decision.action is Action.ADOPT) == (FaxOutcome.PENDING in outcomes_of(found))


def test_a_delivered_job_is_returned_unless_another_is_under_way():
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        outcomes = outcomes_of(found)
        due = FaxOutcome.SUCCESS in outcomes and FaxOutcome.PENDING not in outcomes
        assert (decision.action is Action.RETURN) == due


def test_a_job_of_which_nobody_can_tell_stops_everything_but_a_wait_and_a_success():
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        outcomes = outcomes_of(found)
        due = FaxOutcome.UNKNOWN in outcomes and not {FaxOutcome.PENDING, FaxOutcome.SUCCESS} & set(outcomes)
        assert (decision.action is Action.UNKNOWN) == due


def test_a_look_is_taken_again_only_before_the_grace_is_over():
    for found, sends_made, grace_over, _ in decided(Action.WAIT):
        assert not grace_over
        assert len(found) < sends_made
        assert set(outcomes_of(found)) <= FAILED


def test_the_job_of_a_decision_is_the_newest_of_its_kind():
    # No job of these has pages, so none is raised for.
    kinds = {Action.ADOPT: FaxOutcome.PENDING, Action.RETURN: FaxOutcome.SUCCESS, Action.UNKNOWN: FaxOutcome.UNKNOWN}
    for action, outcome in kinds.items():
        for found, _, _, job in decided(action):
            assert job is next(each for each in found if each.outcome is outcome)
    for found, _, _, job in decided(Action.SEND, Action.WAIT):
        assert job is (found[0] if found else None)


def test_one_more_job_never_turns_a_no_into_a_send_unless_it_has_failed():
    for found, sends_made, grace_over, _ in decided(*(set(Action) - {Action.SEND})):
        for outcome in set(FaxOutcome) - FAILED:
            decision = reconcile(jobs(outcome, *outcomes_of(found)), sends_made=sends_made, grace_over=grace_over)
            assert decision.action is not Action.SEND


@pytest.mark.parametrize(
    ("outcomes", "action", "place"),
    [
        (["pending"], Action.ADOPT, 0),
        (["retryable", "pending"], Action.ADOPT, 1),
        (["success", "pending"], Action.ADOPT, 1),
        (["success"], Action.RETURN, 0),
        (["fatal", "success"], Action.RETURN, 1),
        (["unknown", "success"], Action.RETURN, 1),
        (["unknown"], Action.UNKNOWN, 0),
        (["retryable", "unknown"], Action.UNKNOWN, 1),
        (["retryable", "fatal"], Action.SEND, 0),
        (["fatal"], Action.SEND, 0),
    ],
)
def test_the_job_that_matters_decides(outcomes, action, place):
    found = jobs(*outcomes)

    assert reconcile(found, sends_made=len(found), grace_over=False) == Decision(action, found[place])


@pytest.mark.parametrize(
    ("sends_made", "grace_over", "action"),
    [(0, False, Action.SEND), (1, False, Action.WAIT), (1, True, Action.SEND), (0, True, Action.SEND)],
)
def test_nothing_found_is_leave_to_send_only_when_nothing_can_be_missing(sends_made, grace_over, action):
    assert reconcile([], sends_made=sends_made, grace_over=grace_over) == Decision(action, None)


def test_a_failed_job_does_not_hide_that_another_may_be_missing():
    found = jobs("retryable")

    assert reconcile(found, sends_made=2, grace_over=False) == Decision(Action.WAIT, found[0])
    assert reconcile(found, sends_made=2, grace_over=True) == Decision(Action.SEND, found[0])


def with_pages(*jobs_and_pages):
    """Make fax jobs, newest first, each with what it ended as and the pages that are known to have arrived."""
    found = jobs(*(outcome for outcome, _ in jobs_and_pages))
    return [replace(job, pages_sent=pages) for job, (_, pages) in zip(found, jobs_and_pages, strict=True)]


# Every list of up to three jobs, each without pages, with none arrived, or with two.
PAGES_CASES = [
    (with_pages(*kinds), sends_made, grace_over)
    for number in range(4)
    for kinds in itertools.product(itertools.product(FaxOutcome, [None, 0, 2]), repeat=number)
    for sends_made in (0, 1, 3)
    for grace_over in (False, True)
]


def test_pages_that_arrived_stop_a_send_and_change_nothing_else():
    for found, sends_made, grace_over in PAGES_CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        whole = reconcile(found, sends_made=sends_made, grace_over=grace_over, resend_partial=True)
        partial = [job for job in found if job.outcome in FAILED and job.pages_sent]
        if partial and whole.action in (Action.SEND, Action.WAIT):
            assert decision == Decision(Action.RAISE, partial[0])
        else:
            assert decision == whole
        assert whole.action is not Action.RAISE


def test_airflows_own_retry_does_not_send_again_what_failed_for_good_and_changes_nothing_else():
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over, user_initiated=False)
        asked_for = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        if asked_for.action in (Action.SEND, Action.WAIT) and found and found[0].outcome is FaxOutcome.FATAL:
            assert decision == Decision(Action.RAISE, found[0])
        else:
            assert decision == asked_for


def test_where_failures_are_returned_airflows_own_retry_reports_the_newest_and_changes_nothing_else():
    for found, sends_made, grace_over in CASES:
        known = {"sends_made": sends_made, "grace_over": grace_over}
        decision = reconcile(found, **known, user_initiated=False, returns_failures=True)
        asked_for = reconcile(found, **known)
        if asked_for.action in (Action.SEND, Action.WAIT) and found and found[0].outcome in FAILED:
            assert decision == Decision(Action.RAISE, found[0])
        else:
            assert decision == asked_for
        assert reconcile(found, **known, returns_failures=True) == asked_for


def test_airflows_own_retry_sends_again_what_was_canceled_with_its_run():
    canceled = [replace(job, cause=FaxCause.CANCELED) for job in jobs("fatal")]
    decision = reconcile(canceled, sends_made=1, grace_over=False, user_initiated=False)
    assert decision == Decision(Action.SEND, canceled[0])


def test_only_a_failed_fax_has_partly_arrived():
    assert [has_pages_delivered(job) for job in with_pages(("retryable", 1), ("fatal", 1))] == [True, True]
    others = [("retryable", 0), ("retryable", None), ("fatal", None), ("success", 2), ("pending", 1), ("unknown", 2)]
    assert not any(has_pages_delivered(job) for job in with_pages(*others))


# Jobs under a key with another second part: corrected, resent, or rendered anew


def under(key, job):
    return replace(job, reference=key)


# Every list of up to three jobs, each under the fax's own key or under another one of the same fax.
KEYED_CASES = [
    ([under(key, job) for key, job in zip(keys, jobs(*outcomes), strict=True)], sends_made, grace_over)
    for number in range(4)
    for outcomes in itertools.product(FaxOutcome, repeat=number)
    for keys in itertools.product([KEY, RENDERED_ANEW], repeat=number)
    for sends_made in (0, 1, 3)
    for grace_over in (False, True)
]


def test_in_airflows_own_retry_the_newest_job_is_the_fax_whatever_its_document():
    for found, sends_made, grace_over in KEYED_CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over, user_initiated=False)
        if found and found[0].outcome not in FAILED:
            assert decision.action in (Action.ADOPT, Action.RETURN, Action.UNKNOWN)
            assert decision.job in found


def test_an_older_fax_that_a_user_has_corrected_accounts_for_a_send_and_decides_nothing():
    for found, sends_made, grace_over in KEYED_CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        own = [job for job in found if job.reference == KEY]
        left = max(sends_made - len(found) + len(own), 0)
        assert decision == reconcile(own, sends_made=left, grace_over=grace_over)


def test_a_user_who_corrects_the_fax_has_it_sent():
    wrong = [under(RENDERED_ANEW, job) for job in jobs("success")]

    assert reconcile(wrong, sends_made=1, grace_over=False).action is Action.SEND
    assert reconcile(wrong, sends_made=1, grace_over=False, user_initiated=False) == Decision(Action.RETURN, wrong[0])


# Absence that proves nothing


def test_where_absence_proves_nothing_a_send_needs_every_send_to_be_accounted_for():
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over, absence_proves=False)
        proven = reconcile(found, sends_made=sends_made, grace_over=grace_over)
        if proven.action is Action.SEND and len(found) < sends_made:
            assert decision == Decision(Action.UNKNOWN)
        else:
            assert decision == proven


def test_a_job_that_the_journal_names_and_the_vendor_does_not_show_is_never_sent_again():
    for found, sends_made, grace_over in CASES:
        decision = reconcile(found, sends_made=sends_made, grace_over=grace_over, is_one_lost=True)
        shown = reconcile(found, sends_made=len(found) + 1, grace_over=grace_over, absence_proves=False)
        assert decision == shown
        assert decision.action is not Action.SEND


# The user's own key


@pytest.mark.parametrize(
    ("outcomes", "place"),
    [
        ([], None),
        (["retryable", "fatal"], None),
        (["retryable", "success"], 1),
        (["pending", "success"], 0),
        (["fatal", "unknown"], 1),
    ],
)
def test_another_fax_under_the_users_key_forbids_one_unless_it_has_failed(outcomes, place):
    others = [under(RENDERED_ANEW, job) for job in jobs(*outcomes)]

    assert find_conflict(others, KEY) == (None if place is None else others[place])
    assert find_conflict([under(KEY, job) for job in jobs(*outcomes)], KEY) is None


@given(
    st.lists(st.sampled_from(FaxOutcome), max_size=30).map(lambda outcomes: jobs(*outcomes)),
    st.integers(0, 30),
    st.booleans(),
)
def test_nothing_is_sent_unless_every_job_has_failed_and_none_is_missing(found, sends_made, grace_over):
    decision = reconcile(found, sends_made=sends_made, grace_over=grace_over)

    may_send = set(outcomes_of(found)) <= FAILED and (grace_over or len(found) >= sends_made)
    assert (decision.action is Action.SEND) == may_send
