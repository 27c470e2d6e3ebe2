"""What a task tells the page Faxes, in one XCom: when the fax is sent, when it ends, and where it is never sent."""

from __future__ import annotations

import json

import pytest

from airflow_provider_faxto.exceptions import (
    FaxAccountStoppedError,
    FaxFatalError,
    FaxPermanentError,
    FaxUnknownOutcomeError,
)
from airflow_provider_faxto.receipts.record import RECORD


def told(send):
    return send.ti.xcoms[RECORD]


def test_a_fax_is_told_when_it_is_sent_and_again_when_it_ends(send, fax_connections):
    seen = []

    def between():
        seen.append(told(send))
        fax_connections.finish()

    send(deferrable=True, fax_label="clinic-3", between=between)

    (pending,) = seen
    ended = told(send)
    assert (pending["outcome"], pending["seen_final_at"], pending["about_seconds"]) == ("pending", None, None)
    assert (ended["outcome"], ended["label"], ended["conn_id"]) == ("success", "clinic-3", "interfax_default")
    assert (ended["job_id"], ended["sent_at"]) == (pending["job_id"], pending["sent_at"])
    assert ended["about_seconds"] >= 0
    assert ended["number"] == "+****9990"
    assert (ended["waits_for"], ended["is_of_sensor"]) == (None, False)


def test_no_number_and_no_document_is_told(send, fax_connections, letter):
    send(deferrable=False)

    text = json.dumps(told(send))
    assert "999999" not in text
    assert letter not in text
    assert "letter" not in text


def test_a_failed_fax_is_told_before_the_task_fails(send, fax_connections):
    with pytest.raises(FaxFatalError):
        send(fax_number="+999-9999-3936", deferrable=False)

    assert (told(send)["outcome"], told(send)["cause"]) == ("fatal", "human_answered")


@pytest.mark.parametrize("raises", [True, False])
def test_a_fax_that_never_became_a_job_is_told(send, fax_connections, raises):
    if raises:
        with pytest.raises(FaxPermanentError):
            send(fax_number="12", fax_label="clinic-3")
    else:
        send(fax_number="12", fax_label="clinic-3", raise_on_failure=False)

    record = told(send)
    assert (record["outcome"], record["cause"], record["job_id"]) == ("fatal", "invalid_number", None)
    assert (record["label"], record["number"], record["sent_at"]) == ("clinic-3", None, None)
    assert record["seen_final_at"] is not None


def test_a_send_of_which_nobody_knows_whether_it_arrived_is_told_with_its_number(send, fax_connections):
    fax_connections.fault("lost_answer", vendor="interfax", endpoint="send")
    fax_connections.fault("server_error", vendor="interfax", endpoint="search", times=None)
    with pytest.raises(FaxUnknownOutcomeError):
        send(lookup_grace=0)

    record = told(send)
    assert (record["outcome"], record["job_id"], record["number"]) == ("unknown", None, "+****9990")


def test_a_task_whose_account_is_stopped_is_told(send, fax_connections, monkeypatch):
    mistyped = {**fax_connections.connection("interfax"), "password": "mistyped"}
    monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps(mistyped))

    with pytest.raises(FaxAccountStoppedError):
        send(fax_label="clinic-3")

    record = told(send)
    assert (record["outcome"], record["waits_for"], record["job_id"]) == ("pending", "credentials", None)
    assert (record["conn_id"], record["label"]) == ("interfax_default", "clinic-3")


def test_a_wrong_connection_says_nothing_about_a_fax(send, fax_connections, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_INTERFAX_DEFAULT", json.dumps({"conn_type": "http", "host": "http://127.0.0.1"}))

    with pytest.raises(FaxPermanentError):
        send()

    assert RECORD not in send.ti.xcoms


def test_a_fax_is_sent_although_the_page_cannot_be_told(send, fax_connections, task_instance, monkeypatch, logged):
    push = task_instance.xcom_push

    def refuse(self, key, value):
        if key == RECORD:
            raise ConnectionError("no answer to +1 202 555 0100")
        push(self, key, value)

    monkeypatch.setattr(task_instance, "xcom_push", refuse)

    assert send(deferrable=False)["outcome"] == "success"
    text = logged()
    assert "could not be stored (ConnectionError). The fax is not concerned." in text
    assert "2025550100" not in text.replace(" ", "")
