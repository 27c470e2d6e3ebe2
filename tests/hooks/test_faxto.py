"""Fax.to through its hook: what only Fax.to offers, and what only Fax.to does."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal

import pytest

from airflow_provider_faxto.fax import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.errors import (
    FaxInputError,
    FaxLostContactError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.simulator.pdf import make_pdf

NUMBER = "+12025550100"
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"


@pytest.fixture
def vendor():
    return "faxto"


@pytest.fixture(params=["v1", "v2"])
def versioned(request, simulator, connect):
    password = simulator.connection("faxto")["password"]
    return connect("faxto", simulator.url, password=password, api_version=request.param, api_key_in="header")


def test_both_versions_and_the_header_serve(versioned, simulator, letter):
    job = versioned.send_fax(NUMBER, letter, reference=KEY)
    simulator.finish()

    assert versioned.get_status(job.job_id).outcome is FaxOutcome.SUCCESS
    assert [each.job_id for each in versioned.find_jobs(reference=KEY, fax_number=NUMBER)] == [job.job_id]
    version = versioned._settings.extra["api_version"]
    assert {request["path"].split("/")[2] for request in simulator.requests()} == {version}


@pytest.mark.parametrize(
    ("number", "outcome", "cause", "code"),
    [
        ("+12025550100", FaxOutcome.SUCCESS, None, "ok"),
        ("+12025550101", FaxOutcome.RETRYABLE, FaxCause.NO_ANSWER, "no_answer"),
        ("+12025550102", FaxOutcome.RETRYABLE, FaxCause.BUSY, "busy"),
        ("+12025550103", FaxOutcome.RETRYABLE, FaxCause.HANGUP, "hangup"),
        ("+12025550104", FaxOutcome.FATAL, FaxCause.RENDERING, "file_error"),
        ("+12025550105", FaxOutcome.RETRYABLE, FaxCause.UNSPECIFIED, "unknown"),
        ("+12025550108", FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED, None),
        ("+12025550109", FaxOutcome.SUCCESS, None, None),
        ("+12025550110", FaxOutcome.RETRYABLE, FaxCause.BUSY, "busy"),
    ],
)
def test_every_end_of_a_fax_is_told(hook, simulator, letter, number, outcome, cause, code):  # noqa: PLR0917 - a table
    job = hook.send_fax(number, letter)
    simulator.finish()

    status = hook.get_status(job.job_id)

    assert (status.outcome, status.cause, status.code) == (outcome, cause, code)


def test_a_send_tells_the_price_the_balance_and_the_document(hook, letter):
    balance = hook.get_balance()

    job = hook.send_fax(NUMBER, letter)

    assert job.cost > 0
    assert job.balance == balance - job.cost == hook.get_balance()
    assert job.document_id in {document.document_id for document in hook.list_documents()}


def test_the_price_of_a_fax_is_told_before_it_is_sent(hook, simulator, letter):
    uploaded = hook.upload_document(letter)

    cost = hook.estimate_cost(NUMBER, uploaded.document_id)

    assert isinstance(cost, Decimal)
    assert cost == hook.send_fax(NUMBER, uploaded).cost
    assert len(simulator.faxes()) == 1


def test_an_upload_is_called_as_it_is_told(hook, named_letter):
    uploaded = hook.upload_document(named_letter, name="invoice-7")

    (stored,) = hook.list_documents()
    assert (stored.document_id, stored.filename) == (uploaded.document_id, "invoice-7.pdf")
    assert uploaded.pages == 1


def test_a_document_is_called_as_the_reference_of_its_fax(hook, letter):
    hook.send_fax(NUMBER, letter, reference=KEY)

    assert [document.filename for document in hook.list_documents()] == [f"{KEY}.pdf"]


def test_documents_are_listed_page_by_page(hook, letter):
    uploaded = [hook.upload_document(letter).document_id for _ in range(3)]

    listed = [[each.document_id for each in hook.list_documents(page=page, limit=2)] for page in (1, 2, 3)]

    assert [len(page) for page in listed] == [2, 1, 0]
    assert sorted(itertools.chain(*listed)) == sorted(uploaded)


def test_a_document_can_be_fetched_by_the_vendor(hook, simulator):
    uploaded = hook.upload_document_from_url("https://files.example/letter.pdf?signature=secret")

    assert hook.send_fax(NUMBER, uploaded).job_id
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("url", ["http://files.example/letter.pdf", "ftp://files.example/a.pdf", "letter.pdf", ""])
def test_a_document_is_not_fetched_in_the_clear(hook, simulator, url):
    with pytest.raises(FaxInputError) as caught:
        hook.upload_document_from_url(url)

    assert "files.example" not in str(caught.value)
    assert simulator.requests() == []


def test_a_fetch_that_fails_at_the_vendor_is_an_error_and_tells_no_url(hook, simulator, log_watch):
    simulator.configure(faxto_remote_fetch_fails=True)
    url = "https://files.example/jane-roe-discharge-letter.pdf"

    with pytest.raises(FaxInputError) as caught:
        hook.upload_document_from_url(url)

    log_watch.check(caught.value, secrets=(simulator.connection("faxto")["password"],))


def test_what_can_be_set_is_set(hook, simulator, letter):
    hook.send_fax(NUMBER, letter, options=SendOptions(sender_id="+1 202 555 0199", delete_after_sending=True))

    (accepted,) = simulator.faxes()
    assert accepted["parameters"] == {"tsi_number": "+1 202 555 0199", "delete_file": "1"}
    assert accepted["unknown_parameters"] == []


@pytest.mark.parametrize(
    "option",
    ["contact", "page_size", "page_orientation", "resolution", "rendering", "page_header", "reply_address"],
)
def test_what_cannot_be_set_is_refused_and_named(hook, simulator, letter, option):
    with pytest.raises(FaxUnsupportedError, match=rf"^Fax\.to has no use for {option}\."):
        hook.send_fax(NUMBER, letter, options=SendOptions(**{option: "a4"}))

    assert simulator.requests() == []


@pytest.mark.parametrize("status", [200, 400])
def test_a_refused_send_is_certain(hook, simulator, letter, status):
    simulator.configure(faxto_refusal=status)

    with pytest.raises(FaxRefusedError):
        hook.send_fax("+12025550111", letter)

    assert simulator.faxes() == []


def test_the_rate_limit_is_told_as_such(hook, simulator):
    simulator.configure(faxto_rate_limit=1)
    hook.get_balance()

    with pytest.raises(FaxThrottledError) as caught:
        hook.get_balance()

    assert caught.value.http_status == 403


def test_a_403_of_somebody_else_behind_a_send_is_uncertain(connect, raw_server, letter):
    # A firewall answers so too, and can do that after it has passed the request on.
    def behave(request, far):
        if request.sends:
            return far.answer(403, "<html>blocked</html>")
        return far.answer(200, {"status": "success", "document_id": 1})

    server = raw_server(behave)

    with pytest.raises(FaxUncertainSendError):
        connect("faxto", server.url).send_fax(NUMBER, letter)

    assert server.sends == 1


def test_a_document_of_ten_megabytes_is_uploaded_whole(hook, simulator, tmp_path):
    path = tmp_path / "large.pdf"
    path.write_bytes(make_pdf(size=10_000_000))

    hook.send_fax(NUMBER, str(path))

    (accepted,) = simulator.faxes()
    assert accepted["documents"][0]["sha256"] == hook.load_documents(str(path))[0].sha256
    assert accepted["documents"][0]["size"] == path.stat().st_size


def test_records_that_may_hide_the_fax_prove_nothing(hook, simulator, letter):
    # The lists show names that only the server gave, so any fax to this number could be the one.
    hook.send_fax(NUMBER, letter, reference=KEY)
    simulator.configure(faxto_document_names="server")

    with pytest.raises(FaxLostContactError):
        hook.find_jobs(reference=KEY, fax_number=NUMBER)


def test_words_and_outcomes_of_the_connection_count(simulator, connect, letter):
    hook = connect(
        "faxto",
        simulator.url,
        password=simulator.connection("faxto")["password"],
        status_messages=json.dumps({"fatal": ["remark 18"]}),
        code_outcomes={"busy": "fatal"},
    )
    jobs = [hook.send_fax(number, letter).job_id for number in ("+12025550108", "+12025550102")]
    simulator.finish()

    assert [hook.get_status(job_id).outcome for job_id in jobs] == [FaxOutcome.FATAL] * 2


@pytest.mark.parametrize("progress", ["message", "executed", "empty", "no_message"])
def test_a_fax_in_progress_is_pending_however_it_is_said(hook, simulator, letter, progress):
    simulator.configure(faxto_progress=progress)

    assert hook.get_status(hook.send_fax(NUMBER, letter).job_id).outcome is FaxOutcome.PENDING


def test_a_history_that_gives_the_same_page_for_ever_ends(raw_server, connect):
    row = {"id": 7, "document_id": 3, "document": "letter.pdf", "recipient": "12025550100", "status": "success"}
    server = raw_server(lambda _, connection: connection.answer(200, {"history": [row]}))
    hook = connect("faxto", server.url)

    assert [status.job_id for status in hook.iter_history()] == ["7"]
