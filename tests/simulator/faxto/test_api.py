from __future__ import annotations

import hashlib
from datetime import datetime

import pytest


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_upload_send_status_history_and_balance(simulator, faxto, two_pages, version):
    base = f"/api/{version}"
    upload = faxto.call("POST", f"{base}/files", files={"file": ("letter.pdf", two_pages)}).json()
    document_id = upload["document_id"]
    sent = faxto.call(
        "POST", f"{base}/fax", data={"fax_number": "+1 (202) 555-0100", "document_id": document_id}
    ).json()
    job_id = sent.pop("fax_job_id")
    assert sent == {"status": "executed", "user_cash_balance": 9999.7, "cost": 0.3}

    (fax,) = simulator.faxes()
    assert (fax["vendor"], fax["id"], fax["user"]) == ("faxto", str(job_id), "faxto-demo")
    assert (fax["recipient"], fax["pages"], fax["is_final"]) == ("+12025550100", 2, False)
    assert fax["documents"][0]["sha256"] == hashlib.sha256(two_pages).hexdigest()
    assert fax["documents"][0]["name"] == "letter.pdf"

    simulator.advance(45)
    status = faxto.call("GET", f"{base}/fax/{job_id}/status").json()
    assert status == {"status": "success", "message": "Sent! Fax Has Been Answered.", "user_cash_balance": 9999.7}
    (row,) = faxto.call("GET", f"{base}/fax-history").json()["history"]
    assert row["id"] == job_id
    assert row["document_id"] == document_id
    assert (row["document"], row["recipient"], row["status"]) == ("letter.pdf", "12025550100", "success")
    assert faxto.call("GET", f"{base}/balance").json() == {"status": "success", "balance": 9999.7}
    (fax,) = simulator.faxes("faxto")
    assert (fax["delivered"], fax["pages_sent"], fax["status_reads"]) == (True, 2, 2)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("message", {"status": "success", "message": "Fax is in the queue"}),
        ("executed", {"status": "executed", "message": "Fax is in the queue"}),
        ("empty", {"status": "success", "message": ""}),
        ("no_message", {"status": "pending"}),
    ],
)
def test_the_undocumented_answer_in_progress_has_variants(simulator, faxto, variant, expected):
    simulator.configure(faxto_progress=variant, faxto_history_progress="on its way")
    status = faxto.status(faxto.send())
    del status["user_cash_balance"]
    assert status == expected
    assert faxto.history()[0]["status"] == "on its way"


def test_a_failed_fax_can_answer_with_status_failed(simulator, faxto):
    failed, sent = faxto.send("+12025550102"), faxto.send()
    simulator.finish()
    assert faxto.status(failed)["status"] == "success"
    simulator.configure(faxto_failed_status="failed")
    assert faxto.status(failed)["status"] == "failed"
    assert faxto.status(sent)["status"] == "success"


@pytest.mark.parametrize("http_status", [200, 400])
@pytest.mark.parametrize(
    "data",
    [
        {"fax_number": "+12025550111"},
        {"fax_number": "12"},
        {"fax_number": "call me"},
        {},
        {"fax_number": "+12025550100", "document_id": "999"},
        {"fax_number": "+12025550100", "document_id": "9" * 5000},
        {"fax_number": "+12025550100", "document_id": "x"},
    ],
)
def test_a_refused_send_accepts_nothing_and_tells_no_id(simulator, faxto, http_status, data):
    simulator.configure(faxto_refusal=http_status)
    answer = faxto.post("/fax", data={"document_id": faxto.upload(), **data})
    assert answer.status_code == http_status
    assert answer.json()["status"] == "failed"
    assert set(answer.json()) == {"status", "message"}
    assert simulator.faxes() == []


def test_an_empty_account_is_refused(simulator, faxto):
    simulator.configure(faxto_balance=0.29)
    answer = faxto.post("/fax", data={"document_id": faxto.upload(), "fax_number": "+12025550100"})
    assert answer.json()["status"] == "failed"
    assert simulator.faxes() == []


def test_a_send_is_read_from_form_query_json_and_multipart(simulator, faxto):
    document_id = faxto.upload()
    wanted = {"fax_number": "+12025550100", "document_id": document_id}
    assert faxto.post("/fax", data=wanted).json()["status"] == "executed"
    assert faxto.post("/fax", params=wanted).json()["status"] == "executed"
    assert faxto.post("/fax", json=wanted).json()["status"] == "executed"
    parts = {name: (None, str(value)) for name, value in wanted.items()}
    assert faxto.post("/fax", files=parts).json()["status"] == "executed"
    # A raw plus sign in a URL arrives as a blank.
    raw = f"/fax?api_key=fake%2Bkey%2Ffor%3Dtests%26demos&fax_number=+12025550100&document_id={document_id}"
    faxto.session.params = {}
    assert faxto.post(raw).json()["status"] == "executed"
    assert [fax["recipient"] for fax in simulator.faxes()] == ["+12025550100"] * 5


def test_optional_and_mistaken_parameters_are_told_apart(simulator, faxto):
    faxto.send(tsi_number="ACME", callback_url="https://example.org")
    (fax,) = simulator.faxes()
    assert fax["parameters"] == {"tsi_number": "ACME"}
    assert fax["unknown_parameters"] == ["callback_url"]


def test_only_v1_uploads_and_sends_in_one_call(simulator, faxto, two_pages):
    request = {"data": {"fax_number": "+12025550100"}, "files": {"file": ("a.pdf", two_pages)}}
    assert faxto.call("POST", "/api/v2/fax", **request).json()["status"] == "failed"
    assert faxto.call("POST", "/api/v1/fax", **request).json()["status"] == "executed"
    assert [fax["documents"][0]["name"] for fax in simulator.faxes()] == ["a.pdf"]


def test_delete_file_deletes_the_document_when_the_fax_has_ended(simulator, faxto):
    document_id = faxto.upload()
    faxto.send(document_id=document_id, delete_file=1)
    assert [row["id"] for row in faxto.get("/files").json()] == [document_id]
    simulator.finish()
    assert faxto.get("/files").json() == []


def test_the_cost_depends_on_the_pages_and_needs_a_number(faxto):
    document_id = faxto.upload()
    path = f"/fax/{document_id}/costs"
    assert faxto.get(path, params={"fax_number": "+12025550100"}).json() == {"status": "success", "cost": 0.3}
    assert faxto.get(path).status_code == 400
    assert faxto.get("/fax/5/costs", params={"fax_number": "+12025550100"}).status_code == 404


@pytest.mark.parametrize("place", ["query", "header", "form"])
def test_the_key_is_read_in_three_places(simulator, faxto, place):
    faxto.session.params = {}
    where = {"query": "params", "header": "headers", "form": "data"}[place]
    assert faxto.post("/fax", **{where: {"api_key": faxto.key}}).status_code == 200
    assert faxto.post("/fax", **{where: {"api_key": faxto.key + "x"}}).status_code == 401
    assert [entry["user"] for entry in simulator.requests()] == ["faxto-demo", None]


def test_no_key_and_a_key_that_was_not_encoded_are_unauthorized(faxto):
    faxto.session.params = {}
    assert faxto.get("/balance").status_code == 401
    assert faxto.get(f"/balance?api_key={faxto.key}").status_code == 401


def test_a_wrong_key_sends_nothing(simulator, faxto):
    document_id = faxto.upload()
    faxto.session.params = {"api_key": "wrong"}
    answer = faxto.post("/fax", data={"document_id": document_id, "fax_number": "+12025550100"})
    assert answer.status_code == 401
    assert simulator.faxes() == []


def test_the_rate_limit_answers_403_until_the_minute_has_passed(simulator, faxto):
    simulator.configure(faxto_rate_limit=2)
    assert [faxto.get("/balance").status_code for _ in range(3)] == [200, 200, 403]
    simulator.advance(60)
    assert faxto.get("/balance").status_code == 200


def test_history_is_newest_first_and_paged_without_a_total(simulator, faxto):
    document_id = faxto.upload()
    jobs = [faxto.send(document_id=document_id) for _ in range(5)]
    newest_first = jobs[::-1]
    pages = [[row["id"] for row in faxto.history(limit=2, page=page)] for page in (1, 2, 3, 4)]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:], []]
    assert set(faxto.get("/fax-history").json()) == {"status", "history"}
    simulator.configure(faxto_page_size=3)
    assert len(faxto.history()) == 3
    simulator.configure(faxto_max_page_size=1)
    assert len(faxto.history(limit=4)) == 1


def test_history_has_dates_as_php_writes_them(simulator, faxto):
    faxto.send()
    created = faxto.history()[0]["created"]
    assert set(created) == {"date", "timezone_type", "timezone"}
    assert (created["timezone_type"], created["timezone"]) == (3, "UTC")
    moment = datetime.fromisoformat(created["date"] + "+00:00")
    assert abs(moment.timestamp() - simulator.simulator.now()) < 0.001


def test_get_fax_is_the_history_unless_it_looks_like_a_send(simulator, faxto):
    job_id = faxto.send()
    assert [row["id"] for row in faxto.get("/fax", params={"limit": 5}).json()["history"]] == [job_id]
    answer = faxto.get("/fax", params={"fax_number": "+12025550100", "document_id": 1})
    assert answer.status_code == 400
    assert len(simulator.faxes()) == 1
    assert simulator.simulator.request_counts()["faxto send_by_get 400"] == 1


def test_new_faxes_can_show_late_in_status_and_history(simulator, faxto):
    simulator.configure(faxto_history_lag=30, faxto_status_lag=10)
    old = faxto.send()
    simulator.advance(30)
    new = faxto.send()
    assert [row["id"] for row in faxto.history()] == [old]
    assert faxto.get(f"/fax/{new}/status").status_code == 404
    simulator.advance(10)
    assert faxto.get(f"/fax/{new}/status").status_code == 200
    simulator.advance(20)
    assert [row["id"] for row in faxto.history()] == [new, old]


def test_numbers_can_be_written_as_strings(simulator, faxto, two_pages):
    simulator.configure(faxto_text_numbers=True)
    upload = faxto.post("/files", files={"file": ("a.pdf", two_pages)}).json()
    assert (upload["total_pages"], upload["document"]["filesize"]) == ("2", str(len(two_pages)))
    sent = faxto.post("/fax", data={"fax_number": "+12025550100", "document_id": upload["document_id"]}).json()
    assert (sent["cost"], sent["user_cash_balance"]) == ("0.3", "9999.7")
    assert isinstance(sent["fax_job_id"], str)
    assert faxto.get("/balance").json()["balance"] == "9999.7"


@pytest.mark.parametrize("job_id", ["1", "x", "0", "9" * 30])
def test_an_unknown_job_is_404(faxto, job_id):
    answer = faxto.get(f"/fax/{job_id}/status")
    assert (answer.status_code, answer.json()["status"]) == (404, "failed")


def test_each_account_sees_only_its_own(simulator, faxto):
    from airflow_provider_faxto.simulator import Accounts, Simulator, SimulatorServer

    with SimulatorServer(Simulator(accounts=Accounts(faxto={"a": "one", "b": "two"}))) as server:
        faxto.simulator = server
        faxto.session.params = {"api_key": "one"}
        job_id = faxto.send()
        assert len(faxto.history()) == 1
        faxto.session.params = {"api_key": "two"}
        assert faxto.history() == []
        assert faxto.get("/files").json() == []
        assert faxto.get(f"/fax/{job_id}/status").status_code == 404
        assert faxto.get("/balance").json()["balance"] == 10_000


@pytest.mark.parametrize("path", ["/api/v2/user", "/api/v3/balance", "/api/v1/file-clean", "/nothing"])
def test_what_is_not_simulated_is_404_and_noted(simulator, faxto, path):
    assert faxto.call("GET", path).status_code == 404
    assert simulator.requests()[-1]["endpoint"] == "unknown"
