"""Fax.to: what became of one fax or of many."""

from __future__ import annotations

from decimal import Decimal

import pendulum
import pytest

from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxInputError,
    FaxLostContactError,
    FaxNotFoundError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUnreadableAnswerError,
)
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.vendors.base import ConnectionSettings, RequestKind
from airflow_provider_faxto.vendors.faxto import FaxToVendor

HTML = b"<html>Bad gateway</html>"
NO_JOB = {"status": "failed", "message": "Fax job not found"}
CREATED = {"date": "2017-03-09 15:35:28.000000", "timezone_type": 3, "timezone": "UTC"}


def make(password="key", **extra) -> FaxToVendor:
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password=password, extra=extra))


@pytest.fixture
def vendor() -> FaxToVendor:
    return make()


def status_of(message, status="success", **more):
    return {"status": status, "message": message, "user_cash_balance": 100.20, **more}


def row(job_id, status="success", **more):
    return {
        "id": job_id,
        "created": CREATED,
        "document_id": 300,
        "document": "a.pdf",
        "recipient": "12025550123",
        "status": status,
        **more,
    }


def history(*rows):
    return {"status": "success", "history": list(rows)}


# Status ------------------------------------------------------------------------------------------------


def test_a_delivered_fax(vendor, run, answer):
    status = run(vendor.get_status(" 00200 "), [answer(200, status_of("Sent! Fax Has Been Answered."))])

    (request,) = run.requests
    assert (request.kind, request.method, request.path) == (RequestKind.READ, "GET", "/api/v2/fax/200/status")
    assert status == FaxStatus(
        vendor="faxto",
        job_id="200",
        outcome=FaxOutcome.SUCCESS,
        code="ok",
        message="Sent! Fax Has Been Answered.",
        balance=Decimal("100.2"),
    )


@pytest.mark.parametrize("status", ["success", "failed"])
def test_no_answer_is_not_answered(vendor, run, answer, status):
    message = "Fax Failed - No Answer from Fax machine"
    result = run(vendor.get_status("200"), [answer(200, status_of(message, status))])

    assert (result.outcome, result.cause, result.code) == (FaxOutcome.RETRYABLE, FaxCause.NO_ANSWER, "no_answer")
    assert result.message == message


def test_an_undocumented_failure_keeps_its_sentence_without_numbers(vendor, run, answer):
    status = run(vendor.get_status("200"), [answer(200, status_of("Fax Failed - +12025550123 is barred\n"))])

    assert (status.outcome, status.cause, status.code) == (FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED, None)
    assert status.message == "Fax Failed - +*******0123 is barred"
    assert status.is_final


def test_success_of_the_request_alone_is_looked_up_in_the_history(vendor, run, answer):
    status = run(
        vendor.get_status("200"),
        [
            answer(200, status_of("Job concluded")),
            answer(200, history(row(201), row(200))),
            answer(200, status_of("Job concluded")),
        ],
    )

    look = run.requests[1]
    assert (look.kind, look.method, look.path) == (RequestKind.READ, "GET", "/api/v2/fax-history")
    assert look.query == [("limit", "100"), ("page", "1")]
    assert (status.outcome, status.message) == (FaxOutcome.SUCCESS, "Job concluded")
    assert status.submitted_at == pendulum.datetime(2017, 3, 9, 15, 35, 28)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("failed", FaxOutcome.UNKNOWN),
        ("executed", FaxOutcome.PENDING),
        ("concluded", FaxOutcome.PENDING),
        (None, FaxOutcome.PENDING),
        ("Success", FaxOutcome.SUCCESS),
    ],
)
def test_a_failed_status_without_a_failed_fax_is_settled_by_the_history(vendor, run, answer, word, outcome):
    said = answer(200, status_of("Please try later", "failed"))
    again = [said] if outcome is not FaxOutcome.PENDING else []
    status = run(vendor.get_status("200"), [said, answer(200, history(row(200, word))), *again])
    assert status.outcome is outcome


@pytest.mark.parametrize(
    ("word", "sentence", "outcome", "code"),
    [
        ("failed", "Fax Failed - Line Busy", FaxOutcome.RETRYABLE, "busy"),
        ("success", "Sent! Fax Has Been Answered.", FaxOutcome.SUCCESS, "ok"),
    ],
)
def test_a_fax_that_ends_between_the_two_answers_is_asked_for_its_new_sentence(
    *, vendor, run, answer, word, sentence, outcome, code
):
    status = run(
        vendor.get_status("200"),
        [
            answer(200, status_of("Fax is in the queue")),
            answer(200, history(row(200, word))),
            answer(200, status_of(sentence)),
        ],
    )
    assert (status.outcome, status.code, status.message) == (outcome, code, sentence)


def test_a_job_that_the_history_does_not_show_is_pending(vendor, run, answer):
    status = run(
        vendor.get_status("200"),
        [answer(200, status_of("Job concluded")), answer(200, history(row(9))), answer(200, history())],
    )
    assert (status.outcome, status.message) == (FaxOutcome.PENDING, "Job concluded")


def test_a_look_into_a_long_history_ends_after_five_pages(vendor, run, answer):
    pages = [answer(200, history(row(1000 + page))) for page in range(5)]
    status = run(vendor.get_status("200"), [answer(200, status_of("Job concluded")), *pages])

    assert status.outcome is FaxOutcome.PENDING
    assert [dict(request.query)["page"] for request in run.requests[1:]] == list("12345")


def test_a_fax_in_progress_needs_no_look_into_the_history(vendor, run, answer):
    status = run(vendor.get_status("200"), [answer(200, {"status": "executed", "user_cash_balance": "99.5"})])

    assert (status.outcome, status.message, status.balance) == (FaxOutcome.PENDING, None, Decimal("99.5"))


def test_own_words_and_classes_of_the_connection_are_used(run, answer):
    vendor = make(status_messages={"pending": ["concluded"]}, code_outcomes={"busy": "fatal"})

    assert run(vendor.get_status("1"), [answer(200, status_of("Job concluded"))]).outcome is FaxOutcome.PENDING
    assert run(vendor.get_status("1"), [answer(200, status_of("Fax Failed - Line Busy"))]).outcome is FaxOutcome.FATAL


def test_an_unknown_job_is_not_found(vendor, run, answer):
    with pytest.raises(FaxNotFoundError, match="fax job 200"):
        run(vendor.get_status("200"), [answer(404, NO_JOB)])


@pytest.mark.parametrize(
    "content",
    [b"", HTML, [], "no", {}, {"message": "no Route matched"}, {"status": 404, "message": "x"}, {"status": "failed"}],
)
def test_a_not_found_that_is_not_the_vendors_own_is_lost_contact(vendor, run, answer, content):
    with pytest.raises(FaxLostContactError, match=r"may not be Fax\.to"):
        run(vendor.get_status("200"), [answer(404, content)])


@pytest.mark.parametrize(
    ("http_status", "content", "error"),
    [
        (401, b"", FaxAuthenticationError),
        (403, HTML, FaxThrottledError),
        (429, b"", FaxThrottledError),
        (400, {"status": "failed", "message": "bad"}, FaxRefusedError),
        (500, b"", FaxLostContactError),
        (302, HTML, FaxLostContactError),
        (408, b"", FaxLostContactError),
        (200, HTML, FaxUnreadableAnswerError),
        (200, {}, FaxUnreadableAnswerError),
        (200, [], FaxUnreadableAnswerError),
        (200, None, FaxUnreadableAnswerError),
    ],
)
def test_a_status_that_cannot_be_read_is_never_a_failed_fax(vendor, run, answer, *, http_status, content, error):
    with pytest.raises(error):
        run(vendor.get_status("200"), [answer(http_status, content)])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (" 7 ", 7.0),
        ("", None),
        ("soon", None),
        ("1e9", None),
        ("9" * 30, 3600.0),
        ("30.5", 30.5),
        ("-1", None),
    ],
)
def test_the_pause_that_the_vendor_asks_for(vendor, run, answer, value, seconds):
    with pytest.raises(FaxThrottledError) as caught:
        run(vendor.get_balance(), [answer(403, b"", retry_after=value)])
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("job_id", ["", "abc", "1/2", "-1", "0", "1" * 31, "²", None])
def test_a_job_id_that_is_none_is_an_error_before_any_request(vendor, run, job_id):
    with pytest.raises(FaxInputError):
        run(vendor.get_status(job_id))
    with pytest.raises(FaxInputError):
        run(vendor.get_statuses(["1", job_id]))
    assert run.requests == []


# Many statuses -----------------------------------------------------------------------------------------


def test_no_jobs_need_no_request(vendor, run):
    assert run(vendor.get_statuses([])) == {}


def test_jobs_under_way_cost_one_request_in_all(vendor, run, answer):
    statuses = run(vendor.get_statuses(["1", "02"]), [answer(200, history(row(2, "executed"), row("1", "Queued")))])

    assert {job_id: status.outcome for job_id, status in statuses.items()} == {
        "1": FaxOutcome.PENDING,
        "02": FaxOutcome.PENDING,
    }


def test_each_job_that_has_ended_is_asked_for_its_sentence(vendor, run, answer):
    statuses = run(
        vendor.get_statuses(["1", "2", "3", "4"]),
        [
            answer(200, history(row(9), row(4, "concluded"), row(3, "executed"), row(2, "failed"))),
            answer(200, history(row(1))),
            answer(200, status_of("Job concluded")),
            answer(200, status_of("Fax Failed - Early Hangup")),
            answer(200, status_of("", "success")),
        ],
    )

    assert {job_id: status.outcome for job_id, status in statuses.items()} == {
        "1": FaxOutcome.SUCCESS,  # an unknown sentence, and the row that was read already
        "2": FaxOutcome.RETRYABLE,
        "3": FaxOutcome.PENDING,
        "4": FaxOutcome.PENDING,
    }
    assert [request.path.rpartition("v2/")[2] for request in run.requests] == [
        "fax-history",
        "fax-history",
        "fax/1/status",
        "fax/2/status",
        "fax/4/status",
    ]


def test_the_history_alone_tells_who_is_under_way_and_who_has_to_be_asked_for(vendor, run, answer):
    rows = [row(5, "concluded"), row(4), row(3, "failed"), row(2, "executed")]
    statuses = run(
        vendor.get_listed_statuses(["1", "02", "3", "4", "5"]), [answer(200, history(*rows)), answer(200, history())]
    )

    assert {job_id: status.outcome for job_id, status in statuses.items()} == {
        "02": FaxOutcome.PENDING,
        "3": FaxOutcome.UNKNOWN,
        "4": FaxOutcome.SUCCESS,
        # A word that nobody has documented: only the job's own sentence may tell.
        "5": FaxOutcome.UNKNOWN,
    }
    assert {request.path.rpartition("v2/")[2] for request in run.requests} == {"fax-history"}


def test_a_history_that_is_throttled_tells_what_was_read_and_raises_where_that_is_nothing(vendor, run, answer):
    pages = [answer(200, history(row(2))), answer(403, b"")]

    assert run(vendor.get_listed_statuses(["1", "2"]), pages).keys() == {"2"}
    with pytest.raises(FaxThrottledError):
        run(vendor.get_listed_statuses(["1"]), pages)
    assert run(vendor.get_listed_statuses([]), []) == {}


def test_jobs_that_the_history_does_not_show_are_left_out(vendor, run, answer):
    pages = [answer(200, history(row(2, "executed"))), answer(200, history(row(2, "executed")))]

    assert run(vendor.get_statuses(["1", "2"]), pages).keys() == {"2"}


def test_the_history_is_read_no_further_than_the_oldest_job_that_is_missing(vendor, run, answer):
    pages = [answer(200, history(row(9), row(5, "executed"))), answer(200, history(row(4), row(2, "executed")))]

    assert run(vendor.get_statuses(["5", "3"]), pages).keys() == {"5"}


def test_the_history_is_read_as_far_as_the_oldest_job_needs_up_to_50_pages(vendor, run, answer):
    pages = [answer(200, history(row(100 - page, "executed"))) for page in range(50)]

    assert run(vendor.get_statuses(["52"]), pages[:49]).keys() == {"52"}
    assert run(vendor.get_statuses(["1"]), pages) == {}


def test_a_listed_job_that_the_status_call_does_not_know_yet_is_read_from_its_row(vendor, run, answer):
    statuses = run(
        vendor.get_statuses(["1", "2"]),
        [answer(200, history(row(2, "failed"), row(1))), answer(404, NO_JOB), answer(404, NO_JOB)],
    )

    assert statuses["1"].outcome is FaxOutcome.SUCCESS
    assert (statuses["2"].outcome, statuses["2"].cause) == (FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED)


def test_throttling_half_way_keeps_what_was_read(vendor, run, answer):
    statuses = run(
        vendor.get_statuses(["1", "2", "3"]),
        [
            answer(200, history(row(3), row(2), row(1))),
            answer(200, status_of("Sent! Fax Has Been Answered.")),
            answer(403, {"status": "failed"}),
        ],
    )
    assert statuses.keys() == {"1"}


def test_throttling_within_the_history_keeps_what_its_rows_tell(vendor, run, answer):
    statuses = run(
        vendor.get_statuses(["1", "2"]),
        [answer(200, history(row(2, "executed"))), answer(403, {"status": "failed"})],
    )

    assert {job_id: status.outcome for job_id, status in statuses.items()} == {"2": FaxOutcome.PENDING}


def test_one_job_that_cannot_be_read_does_not_hide_the_others(vendor, run, answer):
    statuses = run(
        vendor.get_statuses(["1", "2", "3"]),
        [
            answer(200, history(row(3), row(2), row(1))),
            answer(500, HTML),
            answer(400, b""),
            answer(200, status_of("Sent! Fax Has Been Answered.")),
        ],
    )
    assert statuses.keys() == {"3"}


@pytest.mark.parametrize(
    ("http_status", "error"),
    [(403, FaxThrottledError), (500, FaxLostContactError), (400, FaxRefusedError), (401, FaxAuthenticationError)],
)
def test_if_no_status_was_read_at_all_the_error_is_raised(vendor, run, answer, http_status, error):
    with pytest.raises(error):
        run(vendor.get_statuses(["1"]), [answer(200, history(row(1))), answer(http_status, b"")])
