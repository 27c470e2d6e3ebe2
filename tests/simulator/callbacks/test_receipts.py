"""When the vendors' delivery receipts are due, and what they say: without a thread, and without HTTP."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.simulator import Settings
from airflow_provider_faxto.simulator.callbacks.receipts import Receipt, receipt_for
from airflow_provider_faxto.simulator.documents import DocumentFacts
from airflow_provider_faxto.simulator.faxto.scenarios import SCENARIOS
from airflow_provider_faxto.simulator.faxto.scenarios import timeline_for as faxto_timeline
from airflow_provider_faxto.simulator.interfax.scenarios import timeline_for as interfax_timeline
from airflow_provider_faxto.simulator.models import Fax

URL = "http://127.0.0.1:9/receipts"
QUARTER = 15 * 60.0
# 2026-01-31 23:59:00 UTC: a month, a day and an hour that cannot be taken for one another.
ACCEPTED = 1_769_903_940.0
PAGE = DocumentFacts("a.pdf", "application/pdf", "0" * 64, 100, 2)

answers = st.lists(st.one_of(st.none(), st.sampled_from([200, 201, 302, 404, 500])), max_size=250)


def of_faxto(scenario="ok", **changes):
    settings = Settings(faxto_callback_url=URL, **changes)
    timeline = faxto_timeline(SCENARIOS[scenario], PAGE.pages, settings)
    return Receipt(Fax("faxto", 7, "faxto-demo", "+12025550100", (PAGE,), ACCEPTED, timeline), URL, settings)


def of_interfax(code=0, **changes):
    settings = Settings(interfax_callback_url=URL, **changes)
    timeline = interfax_timeline(f"9999999{code}", PAGE.pages, 1, 0.0, settings)
    return Receipt(Fax("interfax", 8, "interfax-demo", f"+9999999{code}", (PAGE,), ACCEPTED, timeline), URL, settings)


def due_times(receipt, answer):
    """Answer every delivery in the same way until none is due any more."""
    times = []
    while (time := receipt.due_at) is not None:
        times.append(time - receipt.fax.final_at)
        receipt.responses.append(answer)
    return times


def test_without_an_address_there_is_no_receipt():
    for receipt in (of_faxto(), of_interfax()):
        assert receipt_for(receipt.fax, Settings()) is None


def test_each_vendor_has_an_address_of_its_own_and_extrafax_has_interfaxes():
    settings = Settings(faxto_callback_url=URL + "/a", interfax_callback_url=URL + "/b")
    assert receipt_for(of_faxto().fax, settings).url == URL + "/a"
    fax = of_interfax().fax
    for vendor in ("interfax", "extrafax"):
        fax.vendor = vendor
        assert receipt_for(fax, settings).url == URL + "/b"


@pytest.mark.parametrize("answer", [None, 201, 204, 302, 404, 500])
def test_faxto_repeats_every_quarter_of_an_hour_for_two_days_unless_the_answer_is_200(answer):
    assert due_times(of_faxto(), answer) == [number * QUARTER for number in range(192)]


def test_faxto_is_content_with_one_200():
    assert due_times(of_faxto(), 200) == [0.0]


def test_faxto_can_deliver_again_what_was_answered():
    assert due_times(of_faxto(faxto_callback_duplicates=2), 200) == [0.0, QUARTER, 2 * QUARTER]


@pytest.mark.parametrize("answer", [None, 200, 500])
def test_interfax_tells_once_whatever_the_answer(answer):
    assert due_times(of_interfax(), answer) == [0.0]


@given(answers, st.integers(0, 3))
def test_a_receipt_stops_after_its_answers_or_its_tries_whichever_comes_first(given_answers, duplicates):
    receipt = of_faxto(faxto_callback_duplicates=duplicates)
    while given_answers and receipt.due_at is not None:
        receipt.responses.append(given_answers.pop(0))
    told = receipt.responses
    if receipt.due_at is None:
        assert (told.count(200) == 1 + duplicates and told[-1] == 200) or len(told) == 192
    else:
        assert told.count(200) <= duplicates
        assert len(told) < 192


@pytest.mark.parametrize("make", [of_faxto, of_interfax])
def test_a_receipt_is_due_once_the_fax_has_ended_and_not_before(make):
    receipt = make()
    ended_at = receipt.fax.final_at
    assert not receipt.is_due(ended_at - 0.01)
    assert receipt.is_due(ended_at + 0.01)
    receipt.responses.append(200)
    assert not receipt.is_due(ended_at + 10 * 86_400)


@given(st.floats(0, 1e9), st.floats(1e-3, 1e6), st.floats(1e-3, 1e6), st.floats(-1, 1))
def test_a_due_receipt_never_comes_before_the_status_call_tells_the_end(accepted, received, rendering, away):
    receipt = of_interfax(204000, interfax_seconds_received=received, interfax_seconds_rendering=rendering)
    fax = receipt.fax
    fax.accepted_at = accepted
    for now in (fax.final_at, fax.final_at + away, math.nextafter(fax.final_at, 0)):
        assert not receipt.is_due(now) or fax.at(now).is_final


def test_a_fax_that_never_ends_has_none_due():
    assert not of_faxto("never_ends").is_due(ACCEPTED + 1e9)


def test_a_cancelled_fax_is_told_as_cancelled_when_it_was():
    receipt = of_interfax()
    receipt.fax.timeline = receipt.fax.timeline.ended(3.0, 403)
    assert receipt.due_at == ACCEPTED + 3
    assert receipt.form()["Status"] == "403"


@pytest.mark.parametrize(
    ("scenario", "status", "msg_code", "message"),
    [
        ("ok", "success", "ok", "Success! Your fax has been sent!"),
        ("no_answer", "failed", "no_answer", "Fax Failed - No Answer from Fax machine"),
        ("busy", "failed", "busy", "Fax Failed - Line Busy"),
        ("busy_remark", "failed", "busy", "Fax Failed - Line Busy (3 attempts)"),
        ("hangup", "failed", "hangup", "Fax Failed - Early Hangup"),
        ("file_error", "failed", "file_error", "Fax Failed - File conversion failed. Re-upload and Retry"),
        ("unknown", "failed", "unknown", "Fax Failed - Unknown Error"),
        ("undocumented", "concluded", "undocumented", "Job concluded with remark 17"),
    ],
)
def test_faxto_tells_status_code_and_message(scenario, status, msg_code, message):
    assert of_faxto(scenario).form() == {
        "fax_job_id": "7",
        "status": status,
        "msg_code": msg_code,
        "message": message,
    }


def test_faxtos_documents_disagree_about_two_fields_so_each_can_be_left_out():
    assert set(of_faxto(faxto_callback_message=False).form()) == {"fax_job_id", "status", "msg_code"}
    assert set(of_faxto(faxto_callback_msg_code=False).form()) == {"fax_job_id", "status", "message"}


def test_interfax_tells_the_record_with_times_of_its_own():
    receipt = of_interfax()
    receipt.fax.reference = "airflow-1"
    receipt.fax.parameters = {"contact": "Ann"}
    assert receipt.form() == {
        "TransactionIDType": "Outbound",
        "TransactionID": "8",
        # 78 seconds after it was accepted; the clock behind SubmitTime is 55 seconds ahead.
        "CompletionTime": "01/02/2026 00:00:18",
        "Contact": "Ann",
        "CostPerUnit": "0.15",
        "DestinationFax": "0099999990",
        "Duration": "68",
        "PagesSent": "2",
        "PagesSubmitted": "2",
        "RemoteCSID": "SIMULATOR",
        "Status": "0",
        "Subject": "airflow-1",
        "SubmitTime": "31/01/2026 23:59:55",
        "Units": "2.0",
        "UserID": "interfax-demo",
    }


def test_what_interfax_does_not_know_is_empty_text():
    form = of_interfax(6017).form()
    assert (form["Status"], form["PagesSent"], form["Contact"], form["Subject"]) == ("6017", "0", "", "")
    assert all(isinstance(value, str) for value in form.values())


def test_a_receipt_does_not_count_as_a_read_of_the_status():
    for receipt in (of_faxto(), of_interfax()):
        receipt.form()
        assert (receipt.fax.status_reads, receipt.fax.final_read_at) == (0, None)
