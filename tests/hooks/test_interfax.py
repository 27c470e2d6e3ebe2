"""InterFAX through its hook: what only InterFAX offers, and what only InterFAX does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_faxto.fax import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxInputError,
    FaxNotFoundError,
    FaxRateLimitError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.hooks.interfax import InterFaxHook
from airflow_provider_faxto.hooks.patience import Patience
from airflow_provider_faxto.simulator.pdf import make_pdf

NUMBER = "+12025550100"
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"


@pytest.fixture
def vendor():
    return "interfax"


def endpoints(simulator):
    return [request["endpoint"] for request in simulator.requests()]


def write_pdf(path, size):
    path.write_bytes(make_pdf(size=size))
    return str(path)


@pytest.mark.parametrize(
    ("code", "outcome", "cause"),
    [
        (0, FaxOutcome.SUCCESS, None),
        (6017, FaxOutcome.RETRYABLE, FaxCause.BUSY),
        (3935, FaxOutcome.RETRYABLE, FaxCause.NO_ANSWER),
        (6001, FaxOutcome.FATAL, FaxCause.NUMBER_NOT_OPERATIONAL),
        (204000, FaxOutcome.FATAL, FaxCause.RENDERING),
        (3936, FaxOutcome.FATAL, FaxCause.HUMAN_ANSWERED),
        (777777, FaxOutcome.UNKNOWN, FaxCause.UNSPECIFIED),
    ],
)
def test_every_end_of_a_fax_is_told(hook, simulator, letter, code, outcome, cause):  # noqa: PLR0917 - a table
    job = hook.send_fax(f"+9999999{code}", letter)
    simulator.finish()

    status = hook.get_status(job.job_id)

    assert (status.outcome, status.cause, status.code) == (outcome, cause, code)


def test_a_delivered_fax_tells_its_pages_attempts_and_price(hook, simulator, letter):
    job = hook.send_fax(NUMBER, letter, reference=KEY)
    simulator.finish()

    status = hook.get_status(job.job_id)

    assert (status.pages_sent, status.attempts, status.reference) == (1, 1, KEY)
    assert status.cost > 0
    assert status.submitted_at is not None
    assert status.completed_at is not None


@pytest.mark.parametrize("size", [1_000_000, 1_000_001, 3_500_000])
def test_a_document_above_one_megabyte_goes_in_parts(hook, simulator, tmp_path, size):
    path = write_pdf(tmp_path / "large.pdf", size)

    hook.send_fax(NUMBER, path, reference=KEY)

    (accepted,) = simulator.faxes()
    assert accepted["documents"][0]["sha256"] == hook.load_documents(path)[0].sha256
    chunks = 0 if size <= 1_000_000 else -(-size // 1_000_000)
    assert endpoints(simulator).count("session_chunk") == chunks
    assert endpoints(simulator).count("send") == 1


@pytest.mark.parametrize("sizes", [(500, 600, 700), (900_000, 900_000), (500, 2_500_000)])
def test_several_documents_are_one_fax_in_their_order(hook, simulator, tmp_path, sizes):
    paths = [write_pdf(tmp_path / f"{place}.pdf", size) for place, size in enumerate(sizes)]

    hook.send_fax(NUMBER, paths, reference=KEY)

    (accepted,) = simulator.faxes()
    wanted = [document.sha256 for document in hook.load_documents(paths)]
    assert [document["sha256"] for document in accepted["documents"]] == wanted


def test_an_uploaded_document_and_a_local_one_are_one_fax(hook, simulator, tmp_path, letter):
    path = write_pdf(tmp_path / "large.pdf", 1_200_000)
    uploaded = hook.upload_document(path)

    hook.send_fax(NUMBER, [letter, uploaded, f"file://{letter}"])

    (accepted,) = simulator.faxes()
    wanted = [document.sha256 for document in hook.load_documents([letter, path, letter])]
    assert [document["sha256"] for document in accepted["documents"]] == wanted


def test_a_lost_chunk_sends_nothing(hook, simulator, tmp_path):
    simulator.fault("lost_answer", endpoint="session_chunk", skip=1)

    with pytest.raises(Exception, match="upload a document") as caught:
        hook.send_fax(NUMBER, write_pdf(tmp_path / "large.pdf", 2_500_000))

    assert not isinstance(caught.value, FaxUncertainSendError)
    assert "send" not in endpoints(simulator)
    assert simulator.faxes() == []


def test_a_fax_that_waits_can_be_canceled(hook, letter):
    job = hook.send_fax(NUMBER, letter)

    status = hook.cancel_fax(job.job_id)

    assert (status.outcome, status.cause) == (FaxOutcome.FATAL, FaxCause.CANCELED)


@pytest.mark.parametrize("answer", [409, 200])
def test_a_cancel_that_comes_too_late_tells_what_became_of_the_fax(hook, simulator, letter, answer):
    simulator.configure(interfax_cancel_final_status=answer)
    job = hook.send_fax(NUMBER, letter)
    simulator.finish()

    assert hook.cancel_fax(job.job_id).outcome is FaxOutcome.SUCCESS


def test_a_cancel_of_an_unknown_job_is_not_found(hook):
    with pytest.raises(FaxNotFoundError):
        hook.cancel_fax("799999999")


def test_a_job_can_be_sent_again_as_a_new_one(hook, simulator, letter):
    job = hook.send_fax(NUMBER, letter)

    same, other = hook.resend_fax(job.job_id), hook.resend_fax(job.job_id, "+1 202 555 0199")

    assert len({job.job_id, same.job_id, other.job_id}) == 3
    assert [fax["recipient"] for fax in simulator.faxes()] == [NUMBER, NUMBER, "+12025550199"]


def test_a_resend_without_a_readable_answer_is_uncertain_and_made_once(hook, simulator, letter, pauses):
    job = hook.send_fax(NUMBER, letter)
    simulator.fault("lost_answer", endpoint="resend", times=None)

    with pytest.raises(FaxUncertainSendError):
        hook.resend_fax(job.job_id)

    assert len(simulator.faxes()) == 2
    assert endpoints(simulator).count("resend") == 1
    assert pauses == []


def test_a_hidden_job_is_not_listed_any_more(hook, letter):
    job = hook.send_fax(NUMBER, letter, reference=KEY)

    hook.hide_fax(job.job_id)

    assert list(hook.iter_history()) == []
    assert hook.find_jobs(reference=KEY, fax_number=NUMBER) == []


def test_the_image_of_a_fax_can_be_fetched(hook, simulator, letter):
    job = hook.send_fax(NUMBER, letter)
    simulator.finish()

    image = hook.get_fax_image(job.job_id)

    assert image.media_type in ("image/tiff", "application/pdf")
    assert image.content
    assert repr(image.content) not in repr(image)


def test_what_can_be_set_is_set(hook, simulator, letter):
    hook.send_fax(
        NUMBER,
        letter,
        reference=KEY,
        options=SendOptions(
            sender_id="Clinic",
            contact="billing",
            page_size="a4",
            page_orientation="portrait",
            resolution="fine",
            rendering="greyscale",
            page_header="To: {To}",
            reply_address="fax@clinic.example",
            retries_at_vendor=2,
        ),
    )

    (accepted,) = simulator.faxes()
    assert accepted["reference"] == KEY
    assert accepted["unknown_parameters"] == []
    assert {
        "csid": "Clinic",
        "contact": "billing",
        "pageSize": "a4",
        "pageOrientation": "portrait",
        "resolution": "fine",
        "rendering": "grayscale",
        "pageHeader": "To: {To}",
        "replyAddress": "fax@clinic.example",
        "retriesToPerform": "2",
    }.items() <= accepted["parameters"].items()


def test_a_mapping_serves_as_options_too(hook, simulator, letter):
    hook.send_fax(NUMBER, letter, options={"page_size": "A4", "contact": None})

    (accepted,) = simulator.faxes()
    assert accepted["parameters"]["pageSize"] == "a4"
    assert "contact" not in accepted["parameters"]


def test_what_cannot_be_set_is_refused_and_named(hook, simulator, letter):
    with pytest.raises(FaxUnsupportedError, match="InterFAX has no use for delete_after_sending"):
        hook.send_fax(NUMBER, letter, options=SendOptions(delete_after_sending=False))

    assert simulator.requests() == []


def test_the_limit_of_six_status_requests_a_minute_is_told_as_such(hook, simulator, letter):
    simulator.configure(interfax_status_limit=6)
    job = hook.send_fax(NUMBER, letter)
    for _ in range(6):
        hook.get_status(job.job_id)

    with pytest.raises(FaxThrottledError):
        hook.get_status(job.job_id)


def test_the_seventh_status_request_of_a_minute_is_not_made(fax_connections, letter, monkeypatch, fake_time):
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=None)
    hook = InterFaxHook(patience=Patience(4, 0.0))
    job_id = hook.send_fax(NUMBER, letter).job_id
    calls = [
        lambda: hook.get_status(job_id),
        lambda: hook.get_statuses([job_id]),
        lambda: next(hook.iter_history()),
        lambda: hook.get_status(job_id),
        lambda: hook.get_statuses([job_id]),
        lambda: hook.get_status(job_id),
    ]
    for call in calls:
        call()
    made = len(fax_connections.requests())

    for call in [*calls, lambda: hook.find_jobs(reference="x", fax_number=NUMBER)]:
        with pytest.raises(FaxRateLimitError):
            call()

    # Held back once, and not tried again and again.
    assert len(fax_connections.requests()) == made
    assert fake_time.slept == 0
    # What sends, and what the vendor does not count, is never held up.
    hook.send_fax(NUMBER, letter)
    hook.get_balance()
    with pytest.raises(FaxRateLimitError):
        hook.cancel_fax(job_id)
    assert [request["endpoint"] for request in fax_connections.requests()[made:]] == ["send", "balance", "cancel"]
    hook.close()


def test_a_call_waits_for_its_turn(fax_connections, letter, monkeypatch, fake_time):
    fax_connections.set_airflow_connections(monkeypatch, requests_per_minute=2)
    hook = InterFaxHook()
    job_id = hook.send_fax(NUMBER, letter).job_id
    for _ in range(3):
        hook.get_status(job_id)

    assert 55 < fake_time.slept < 75
    hook.close()


def test_a_hundred_jobs_are_one_request(hook, simulator, letter):
    jobs = [hook.send_fax(NUMBER, letter).job_id for _ in range(5)]
    simulator.finish()
    before = len(simulator.requests())

    statuses = hook.get_statuses([*jobs, *(str(700_000_000 + number) for number in range(95))])

    assert set(statuses) == set(jobs)
    assert endpoints(simulator)[before:] == ["completed"]


def test_the_balance_is_an_amount(hook):
    assert isinstance(hook.get_balance(), Decimal)


@pytest.mark.parametrize("reference", ["", "a" * 61])
def test_a_reference_that_the_vendor_would_cut_is_refused(hook, simulator, letter, reference):
    with pytest.raises(FaxInputError, match="reference"):
        hook.send_fax(NUMBER, letter, reference=reference)

    assert simulator.requests() == []


def test_a_locked_out_user_is_told_as_such_and_not_asked_again_for_an_hour(simulator, connect, bare_time):
    # InterFAX locks for an hour; each further try would be one too many.
    simulator.configure(interfax_lockout_after=1)
    for password in ("wrong", "wrong, too"):
        hook = connect("interfax", simulator.url, password=password, login="interfax-demo", attempts=9)
        with pytest.raises(FaxAccountStoppedError) as caught:
            hook.get_balance()

    assert (caught.value.vendor_code, caught.value.is_locked_out) == (-1876, True)
    bare_time.pass_by(3599)
    with pytest.raises(FaxAccountStoppedError, match="code -1876"):
        hook.get_balance()
    assert len(simulator.requests()) == 2

    bare_time.pass_by(2)
    with pytest.raises(FaxAccountStoppedError):
        hook.get_balance()
    assert len(simulator.requests()) == 3
    assert bare_time.pauses == []


def test_the_vendors_words_come_without_numbers_and_secrets(connect, raw_server, letter, key, number):
    said = {"code": -1001, "message": f"No fax to {number} with {key}", "moreInfo": number}
    server = raw_server(lambda _, far: far.answer(400, said))

    with pytest.raises(FaxRefusedError) as caught:
        connect("interfax", server.url).send_fax(number, letter)

    assert "No fax to +*******0187 with *** +*******0187" in str(caught.value)
