"""The same document to the same number, found at every vendor whatever DAG run sent it, or no answer at all."""

from __future__ import annotations

import pendulum
import pytest

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.errors import FaxInputError, FaxLostContactError, FaxThrottledError
from airflow_provider_faxto.fax.key import logical_fax_key
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import Patience

NUMBER = "+12025550100"
DAY = 86_400


def key_of(run_id, number=NUMBER, document="ab"):
    return logical_fax_key(
        dag_id="invoices",
        task_id="send",
        run_id=run_id,
        map_index=-1,
        fax_number=FaxNumber(number),
        document_sha256=document * 32,
    )


TODAY, YESTERDAY = key_of("today"), key_of("yesterday")


@pytest.fixture
def find(hook, simulator):
    """Look for today's fax among those of the last hours."""

    def find(hours=24):
        since = pendulum.from_timestamp(simulator.simulator.now()).subtract(hours=hours)
        return hook.find_same_faxes(reference=TODAY, fax_number=NUMBER, since=since)

    return find


def search_of(vendor):
    return "history" if vendor == "faxto" else "search"


def test_the_fax_of_another_run_is_found_with_its_key_and_its_status(hook, find, simulator, letter):
    job = hook.send_fax(NUMBER, letter, reference=YESTERDAY)
    under_way = find()
    simulator.finish()
    delivered = find()

    assert [(status.job_id, status.reference) for status in under_way] == [(job.job_id, YESTERDAY)]
    assert [(status.job_id, status.reference) for status in delivered] == [(job.job_id, YESTERDAY)]
    assert [under_way[0].outcome, delivered[0].outcome] == [FaxOutcome.PENDING, FaxOutcome.SUCCESS]


def test_the_number_may_be_given_as_people_write_it(hook, simulator, letter):
    hook.send_fax(NUMBER, letter, reference=YESTERDAY)
    since = pendulum.from_timestamp(simulator.simulator.now()).subtract(hours=1)

    for number in ("+1 (202) 555-0100", FaxNumber(NUMBER)):
        assert len(hook.find_same_faxes(reference=TODAY, fax_number=number, since=since)) == 1


def test_every_run_is_found_newest_first(hook, find, letter):
    keys = [YESTERDAY, TODAY, key_of("before")]
    for key in keys:
        hook.send_fax(NUMBER, letter, reference=key)

    assert [status.reference for status in find()] == keys[::-1]


def test_another_document_and_another_number_are_not_the_same_fax(hook, find, letter):
    hook.send_fax(NUMBER, letter, reference=key_of("yesterday", document="cd"))
    hook.send_fax("+12025550199", letter, reference=key_of("yesterday", "+12025550199"))
    hook.send_fax("+12025550199", letter)
    hook.send_fax(NUMBER, letter, reference="invoice-7")

    assert find() == []


def test_an_older_fax_does_not_count(hook, find, simulator, letter):
    hook.send_fax(NUMBER, letter, reference=YESTERDAY)
    simulator.advance(2 * DAY)

    assert find(hours=24) == []
    assert [status.reference for status in find(hours=72)] == [YESTERDAY]


def test_older_faxes_do_not_hide_a_recent_one(hook, find, simulator, letter):
    for number in range(4):
        hook.send_fax(NUMBER, letter, reference=key_of(f"run {number}"))
        simulator.advance(DAY)

    # ExtraFax does not document the zone of its times, so there half a day more counts.
    assert [status.reference for status in find(hours=50)] == [key_of("run 3"), key_of("run 2")]


def test_every_page_is_read(hook, vendor, find, simulator, letter):
    simulator.configure(faxto_max_page_size=2)
    hook.send_fax(NUMBER, letter, reference=YESTERDAY)
    for number in range(30):
        hook.send_fax("+12025550199", letter, reference=f"other-{number}")

    assert [status.reference for status in find()] == [YESTERDAY]


def test_the_history_of_faxto_is_read_no_further_than_it_counts(simulator, letter):
    simulator.configure(faxto_max_page_size=2)
    hook = FaxHook.for_connection("faxto_default", patience=Patience(read_attempts=1))
    for number in range(8):
        hook.send_fax(NUMBER, letter, reference=key_of(f"run {number}"))
        simulator.advance(DAY)
    before = len(simulator.requests())
    since = pendulum.from_timestamp(simulator.simulator.now()).subtract(hours=36)

    found = hook.find_same_faxes(reference=TODAY, fax_number=NUMBER, since=since)

    assert [status.reference for status in found] == [key_of("run 7")]
    assert [request["endpoint"] for request in simulator.requests()[before:]].count("history") == 1
    hook.close()


def test_a_fax_without_reference_to_the_same_number_leaves_no_proof(hook, vendor, find, simulator, letter):
    # Where Fax.to's lists show names of its own, every fax to the number is one.
    simulator.configure(faxto_document_names="server")
    hook.send_fax(NUMBER, letter)

    with pytest.raises(FaxLostContactError):
        find()
    simulator.advance(2 * DAY)
    assert find() == []


@pytest.mark.parametrize("kind", ["server_error", "html", "redirect", "reset", "lost_answer", "truncated", "cut_json"])
@pytest.mark.parametrize("skip", [0, 1])
def test_a_list_that_fails_or_is_cut_is_no_proof(hook, vendor, find, simulator, letter, kind, skip):  # noqa: PLR0917
    hook.send_fax(NUMBER, letter, reference="invoice-7")
    simulator.fault(kind, vendor=vendor, endpoint=search_of(vendor), skip=skip)

    with pytest.raises(FaxLostContactError):
        find()


def test_a_vendor_that_is_asked_too_often_is_no_proof(vendor, find, simulator):
    simulator.fault("rate_limit", vendor=vendor, endpoint=search_of(vendor))

    with pytest.raises(FaxThrottledError):
        find()


def test_it_is_a_read_and_made_again_where_contact_was_lost(vendor, simulator, pauses, letter):
    hook = FaxHook.for_connection(f"{vendor}_default", patience=Patience(read_attempts=2))
    hook.send_fax(NUMBER, letter, reference=YESTERDAY)
    simulator.fault("reset", vendor=vendor, endpoint=search_of(vendor), skip=1)
    since = pendulum.from_timestamp(simulator.simulator.now()).subtract(hours=1)

    found = hook.find_same_faxes(reference=TODAY, fax_number=NUMBER, since=since)

    assert [status.reference for status in found] == [YESTERDAY]
    assert len(pauses) == 1
    hook.close()


def test_a_reference_that_is_no_key_is_refused_before_anything_is_asked(hook, simulator):
    with pytest.raises(FaxInputError):
        hook.find_same_faxes(reference="invoice-7", fax_number=NUMBER, since=pendulum.now("UTC"))

    assert simulator.requests() == []


def test_a_row_without_a_date_counts(vendor, connect, raw_server):
    rows = {
        "faxto": {"id": 7, "document_id": 3, "document": f"{YESTERDAY}.pdf", "recipient": NUMBER[1:]},
        "interfax": {"id": 7, "status": 0, "subject": YESTERDAY, "destinationFax": f"00{NUMBER[1:]}"},
    }
    row = rows.get(vendor, rows["interfax"])

    def behave(request, far):
        if request.path.endswith("/status"):
            return far.answer(200, {"status": "success", "message": "Sent! Fax Has Been Answered."})
        return far.answer(200, {"history": [row], "files": []} if vendor == "faxto" else [row])

    hook = connect(vendor, raw_server(behave).url)

    (status,) = hook.find_same_faxes(reference=TODAY, fax_number=NUMBER, since=pendulum.now("UTC").add(years=1))

    assert (status.job_id, status.outcome, status.reference) == ("7", FaxOutcome.SUCCESS, YESTERDAY)
