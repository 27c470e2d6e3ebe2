"""What Fax.to's sentences are taken to mean, and above all what they are not taken to mean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.vendors.base import ConnectionSettings
from airflow_provider_faxto.vendors.faxto import MESSAGE_CODES
from airflow_provider_faxto.vendors.faxto.messages import MessageReader, Reading, is_in_progress, plain_words

PENDING = Reading(FaxOutcome.PENDING)
DELIVERED = Reading(FaxOutcome.SUCCESS, code="ok")
UNDOCUMENTED = Reading(FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED)


def reader(**extra):
    return MessageReader.from_settings(ConnectionSettings(conn_id="fax", extra=extra))


def test_the_table_holds_the_six_documented_codes():
    assert {code: (row.outcome, row.cause) for code, row in MESSAGE_CODES.items()} == {
        "ok": (FaxOutcome.SUCCESS, None),
        "no_answer": (FaxOutcome.RETRYABLE, FaxCause.NO_ANSWER),
        "busy": (FaxOutcome.RETRYABLE, FaxCause.BUSY),
        "hangup": (FaxOutcome.RETRYABLE, FaxCause.HANGUP),
        "file_error": (FaxOutcome.FATAL, FaxCause.RENDERING),
        "unknown": (FaxOutcome.RETRYABLE, FaxCause.UNSPECIFIED),
    }
    assert all(row.code == code and row.label for code, row in MESSAGE_CODES.items())


@pytest.mark.parametrize("status", ["success", "Success", "failed", "FAILED", "error", "executed", None, "", 7])
@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Fax Failed - No Answer from Fax machine", "no_answer"),
        ("FAX FAILED - NO ANSWER", "no_answer"),
        ("  fax  failed:  no-answer ", "no_answer"),
        ("Fax Failed - Line Busy", "busy"),
        ("Fax Failed - Line Busy (3 attempts)", "busy"),
        ("Fax Failed - Busy", "busy"),
        ("Fax Failed - Early Hangup", "hangup"),
        ("Fax Failed - hang up", "hangup"),
        ("Fax Failed - File conversion failed. Re-upload and Retry", "file_error"),
        ("Fax Failed - Unknown Error", "unknown"),
        ("Fax Failed - Unknown Error (has been answered)", "unknown"),
        ("Fax Failed - Unknown Error (line busy)", "unknown"),
    ],
)
def test_a_failed_fax_is_read_from_its_message_whatever_the_status(status, message, code):
    row = MESSAGE_CODES[code]

    assert reader().read(status, message) == Reading(row.outcome, row.cause, code)


@pytest.mark.parametrize(
    "message",
    [
        "Fax Failed",
        "Fax Failed - Unknown recipient",
        "Fax Failed - Busybox",
        "Fax Failed - Blocked",
        "Fax Failed - answered by a voice. Sent! Fax has been answered.",
    ],
)
def test_an_undocumented_failure_is_final_but_not_retryable(message):
    assert reader().read("success", message) == UNDOCUMENTED


@pytest.mark.parametrize(
    "message",
    [
        "Sent! Fax Has Been Answered.",
        "Success! Your fax has been sent!",
        "SENT! FAX HAS BEEN ANSWERED.",
        " Success!  Your fax has been\nsent! ",
    ],
)
@pytest.mark.parametrize("status", ["success", "Success", " SUCCESS "])
def test_the_documented_sentences_say_delivered(status, message):
    assert reader().read(status, message) == DELIVERED


@pytest.mark.parametrize("status", [None, "", "odd", 7, True, float("nan"), ["success"], "executed", "unsuccess"])
def test_a_status_that_is_missing_or_new_leaves_a_documented_sentence_undecided(status):
    reading = reader().read(status, "Sent! Fax Has Been Answered.")

    assert reading is None or reading == PENDING


@pytest.mark.parametrize("message", ["Sent! Fax Has Been Answered.", "Rate limit exceeded", "Line busy", "", None])
@pytest.mark.parametrize("status", ["failed", "Failure", "error"])
def test_a_failed_status_alone_may_be_the_requests_so_history_decides(status, message):
    assert reader().read(status, message) is None


@pytest.mark.parametrize(
    "message",
    [
        "No Answer",
        "No answer from fax machine",
        "Unanswered",
        "The call was not answered",
        "answered",
        "The call has been answered by a person",
        "Your fax has been sent to the queue.",
        "Your fax has been sent for review",
        "Fax has not been sent.",
        "Fax hasn't been sent. Fax has been answered.",
        "Your fax has been sent! Not.",
        "success",
        "ok",
        "Sent",
        "Sent to the carrier",
        "Sent! But no machine answered",
        "Sent! Fax Has Been Answered",
        "Sent! Fax Has Been Answered. Page 1 of 3.",
        "Sent! Fax Has Been Answered by a person.",
        "Sent! Fax\u200bHas Been Answered.",
        "\u017fent! Fax Has Been Answered.",
        "Sent. Fax Has Been Answered.",
        "sent! 2 pages",
        "YOUR FAX HAS BEEN SENT",
        "Your fax has been sent!",
        "",
        "  ",
        None,
        5,
        ["Sent! Fax Has Been Answered."],
        "Job concluded with remark 19",
        "delivered",
    ],
)
def test_other_sentences_are_never_taken_for_delivered(message):
    assert reader().read("success", message) is None


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("pending", None),
        ("executed", "Fax is queued"),
        ("In progress", "Dialling"),
        ("in_progress", "Dialling"),
        ("Sending", "x"),
    ],
)
def test_what_says_nothing_final_is_pending(status, message):
    assert reader().read(status, message) == PENDING


@pytest.mark.parametrize(
    ("row", "message", "reading"),
    [
        ("success", "Job concluded", Reading(FaxOutcome.SUCCESS)),
        ("failed", "Job concluded", UNDOCUMENTED),
        ("failed", None, UNDOCUMENTED),
        ("failed", "Line Busy", Reading(FaxOutcome.RETRYABLE, FaxCause.BUSY, "busy")),
        ("failed", "Sent! Fax Has Been Answered.", UNDOCUMENTED),
        ("executed", "Sent?", PENDING),
        ("concluded", "Job concluded", PENDING),
        ("", None, PENDING),
        (None, "Job concluded", PENDING),
    ],
)
def test_the_history_settles_what_the_message_does_not(row, message, reading):
    assert reader().settle(row, message) == reading


@settings(deadline=None)
@given(st.text(), st.text() | st.none() | st.integers())
def test_nothing_without_the_words_of_success_is_a_success(message, status):
    reading = reader().read(status, message)

    if reading is not None and reading.outcome is FaxOutcome.SUCCESS:
        assert plain_words(message) in {"sent fax has been answered", "success your fax has been sent"}
        assert plain_words(status) == "success"


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "sent!",
                "fax",
                "has",
                "been",
                "sent",
                "answered",
                "no",
                "not",
                "un",
                "unanswered",
                "failed",
                "busy",
                "your",
                ".",
                "!",
                "-",
                "to",
                "hangup",
                "error",
                "success",
            ]
        )
    )
)
def test_a_sentence_with_a_word_of_failure_is_never_a_success(words):
    reading = reader().read("success", " ".join(words))

    if {"no", "not", "un", "unanswered", "failed", "busy", "hangup", "error"} & set(words):
        assert reading is None or reading.outcome is not FaxOutcome.SUCCESS


# A connection's own words ------------------------------------------------------------------------------


def test_own_words_are_found_as_whole_words_in_any_case():
    own = reader(
        status_messages={"success": ["ok"], "pending": ["In Queue"], "fatal": ["blocked"], "retryable": ["congested"]}
    )

    assert own.read("success", "Job OK.") == Reading(FaxOutcome.SUCCESS)
    assert own.read("success", "Token broken") is None
    assert own.read("success", "Fax is in-queue") == PENDING
    assert own.read("success", "Route congested") == Reading(FaxOutcome.RETRYABLE, FaxCause.UNSPECIFIED)
    assert own.read("failed", "Number blocked") == Reading(FaxOutcome.FATAL, FaxCause.UNSPECIFIED)


def test_own_words_of_failure_come_before_every_word_of_success():
    own = reader(status_messages={"success": ["sent", "done"], "fatal": ["blocked"], "retryable": ["bad line"]})

    assert own.read("success", "Sent! blocked").outcome is FaxOutcome.FATAL
    assert own.read("success", "Done, bad line").outcome is FaxOutcome.RETRYABLE
    assert own.read("success", "blocked, bad line").outcome is FaxOutcome.FATAL
    assert own.read("success", "Fax Failed - Line Busy (sent 1 page)").outcome is FaxOutcome.RETRYABLE
    assert own.read("failed", "done") is None


def test_own_words_of_success_do_not_count_in_a_sentence_that_takes_them_back():
    own = reader(status_messages={"success": ["ok", "no errors"]})

    assert own.read("success", "All OK, no errors").outcome is FaxOutcome.SUCCESS
    assert own.read("success", "Not OK") is None
    assert own.read("success", "OK, but the line was busy") is None


def test_own_words_of_pending_win_over_built_in_failures_since_a_redial_may_be_under_way():
    own = reader(status_messages={"pending": ["will retry"]})

    assert own.read("failed", "Fax Failed - Line Busy (will retry)") == PENDING


def test_own_words_keep_code_and_cause_of_a_documented_failure():
    own = reader(status_messages={"fatal": ["premium number"]}, code_outcomes={"unknown": "unknown"})

    assert own.read("success", "Fax Failed - Unknown Error (premium number)") == Reading(
        FaxOutcome.FATAL, FaxCause.UNSPECIFIED, "unknown"
    )


def test_code_outcomes_change_the_class_of_failures():
    own = reader(code_outcomes={"hangup": "fatal", "unknown": "unknown"})

    assert own.read("success", "Fax Failed - Early Hangup") == Reading(FaxOutcome.FATAL, FaxCause.HANGUP, "hangup")
    assert own.read("success", "Fax Failed - Unknown Error").outcome is FaxOutcome.UNKNOWN
    assert own.settle("failed", "Early Hangup").outcome is FaxOutcome.FATAL
    assert own.read("success", "Fax Failed - Line Busy").outcome is FaxOutcome.RETRYABLE


@pytest.mark.parametrize(
    "extra",
    [
        {"status_messages": ["sent"]},
        {"status_messages": {"success": "sent"}},
        {"status_messages": {"sent": ["ok"]}},
        {"status_messages": {"fatal": [""]}},
        {"status_messages": {"fatal": ["?!"]}},
        {"status_messages": {"fatal": [3]}},
        {"status_messages": {"unknown": ["ok"]}},
        {"code_outcomes": {"ok": "fatal"}},
        {"code_outcomes": {"busy": "success"}},
        {"code_outcomes": {"no-answer": "fatal"}},
        {"code_outcomes": {"3912": "fatal"}},
        {"code_outcomes": "busy"},
    ],
)
def test_an_extra_that_cannot_be_used_is_a_configuration_error(extra):
    with pytest.raises(FaxConfigurationError, match="'fax'"):
        reader(**extra)


def test_words_of_work_under_way():
    assert is_in_progress("in progress")
    assert not is_in_progress("")
    assert not is_in_progress("success")
    assert plain_words("In_Progress!  Now") == "in progress now"
