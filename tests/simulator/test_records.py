from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest


def test_a_stranger_of_the_account_can_send_a_fax(simulator, interfax, faxto):
    theirs = simulator.simulator.add_stranger("interfax", recipient="+12025550100", reference="invoice 7")
    assert interfax.record(theirs)["subject"] == "invoice 7"
    job_id = simulator.simulator.add_stranger("faxto")
    (row,) = faxto.history()
    assert (str(row["id"]), row["document"], row["recipient"]) == (job_id, "invoice.pdf", "12025550199")
    simulator.finish()
    assert [(fax["stranger"], fax["delivered"]) for fax in simulator.faxes()] == [(True, True)] * 2
    assert faxto.status(int(job_id))["message"] == "Sent! Fax Has Been Answered."


@pytest.mark.parametrize(
    "given",
    [
        {"vendor": "other"},
        {"vendor": "interfax", "account": "nobody"},
        {"vendor": "interfax", "recipient": "home"},
        {"vendor": "faxto", "recipient": "+12025550111"},
    ],
)
def test_a_stranger_that_cannot_be_is_refused(simulator, interfax, given):
    answer = interfax.call("POST", "/simulator/strangers", json=given)
    assert answer.status_code == 400
    assert simulator.faxes() == []


def test_records_can_be_dropped_at_once(simulator, interfax, faxto):
    fax_id, job_id = interfax.send(reference="mine"), faxto.send()
    simulator.finish()
    assert interfax.call("POST", "/simulator/drop-records", json={"vendor": "interfax"}).ok
    assert interfax.get(f"/outbound/faxes/{fax_id}").status_code == 404
    assert interfax.completed(fax_id) == interfax.search(reference="mine") == []
    assert interfax.get("/outbound/faxes").json() == []
    assert len(faxto.history()) == 1
    simulator.simulator.drop_records()
    assert faxto.history() == []
    assert faxto.get(f"/fax/{job_id}/status").status_code == 404
    assert [fax["dropped"] for fax in simulator.faxes()] == [True, True]
    interfax.send(reference="mine")
    assert len(interfax.search(reference="mine")) == 1


def test_an_unknown_vendor_drops_nothing(simulator, interfax):
    interfax.send()
    with pytest.raises(ValueError, match="vendor"):
        simulator.simulator.drop_records("other")
    assert not simulator.faxes()[0]["dropped"]


def test_records_can_have_an_age(simulator, interfax, faxto):
    simulator.configure(interfax_records_seconds=3600, faxto_records_seconds=7200)
    fax_id, job_id = interfax.send(), faxto.send()
    simulator.advance(3599)
    assert interfax.record(fax_id)["status"] == 0
    simulator.advance(1)
    assert interfax.get(f"/outbound/faxes/{fax_id}").status_code == 404
    assert interfax.search() == []
    assert faxto.status(job_id)["status"] == "success"
    simulator.advance(3600)
    assert faxto.get(f"/fax/{job_id}/status").status_code == 404
    assert faxto.history() == []


def test_the_history_can_move_while_it_is_read(simulator, faxto):
    job_ids = [faxto.send() for _ in range(4)]
    simulator.configure(faxto_history_shift=2, faxto_history_lag=5)
    simulator.advance(5)
    pages = [[row["id"] for row in faxto.history(limit=2, page=page)] for page in (1, 2, 3)]
    assert pages == [job_ids[:1:-1], job_ids[:1:-1], job_ids[1::-1]]
    assert len(simulator.faxes()) == 6


def test_pages_can_be_ignored(simulator, faxto):
    simulator.configure(faxto_paging_ignored=True)
    job_ids = [faxto.send() for _ in range(3)]
    for page in (1, 2, 7):
        assert [row["id"] for row in faxto.history(limit=2, page=page)] == job_ids[:0:-1]
        assert len(faxto.get("/files", params={"limit": 2, "page": page}).json()) == 2


def test_interfaxes_lists_can_be_capped(simulator, interfax):
    simulator.configure(interfax_max_page_size=2)
    for _ in range(3):
        interfax.send()
    assert len(interfax.search(limit=100)) == len(interfax.get("/outbound/faxes").json()) == 2
    assert len(interfax.search(limit=100, offset=2)) == 1


@pytest.mark.parametrize("hours", [0, 2, -3])
def test_a_vendors_clock_can_be_off(simulator, interfax, faxto, hours):
    simulator.configure(
        faxto_clock_offset=hours * 3600,
        interfax_clock_offset=hours * 3600,
        interfax_submit_skew=0,
        faxto_created="text",
    )
    simulator.advance(86_400)
    shown = simulator.simulator.now() + hours * 3600
    faxto.send()
    fax_id = interfax.send()
    for answer in (faxto.get("/balance"), interfax.get("/outbound/faxes"), interfax.get("/outbound/faxes/1")):
        assert abs(parsedate_to_datetime(answer.headers["Date"]).timestamp() - shown) < 2
    submitted = datetime.fromisoformat(interfax.record(fax_id)["submitTime"]).replace(tzinfo=UTC)
    created = datetime.fromisoformat(faxto.history()[0]["created"]).replace(tzinfo=UTC)
    assert abs(submitted.timestamp() - shown) < 2
    assert abs(created.timestamp() - shown) < 2


def test_a_vendors_times_can_be_those_of_a_zone(simulator, interfax, faxto):
    simulator.configure(interfax_zone_offset=-18_000, faxto_zone_offset=-16_200, interfax_submit_skew=0)
    fax_id = interfax.send()
    faxto.send()
    now = simulator.simulator.now()
    simulator.finish()
    record = interfax.record(fax_id)
    assert datetime.fromisoformat(record["submitTime"]).tzinfo is None
    assert abs(datetime.fromisoformat(record["submitTime"]).replace(tzinfo=UTC).timestamp() - (now - 18_000)) < 2
    ended = datetime.fromisoformat(record["completionTime"]).replace(tzinfo=UTC).timestamp()
    assert abs(ended - (simulator.simulator.now() - 18_000)) < 2
    created = faxto.history()[0]["created"]
    assert (created["timezone_type"], created["timezone"]) == (1, "-04:30")
    moment = datetime.fromisoformat(created["date"] + created["timezone"])
    assert abs(moment.timestamp() - now) < 2
    assert parsedate_to_datetime(faxto.get("/balance").headers["Date"]).timestamp() >= now - 2


def test_even_a_broken_response_has_the_vendors_date(simulator, faxto):
    simulator.advance(86_400)
    simulator.fault("html")
    date = parsedate_to_datetime(faxto.get("/balance").headers["Date"])
    assert abs(date.timestamp() - simulator.simulator.now()) < 2
