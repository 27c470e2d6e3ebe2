"""Sending from the command: once, after asking, and with a clear word where the outcome is not known."""

from __future__ import annotations

import json
import re

import pytest

from airflow_provider_faxto.cli.answer import answer_of
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.hooks.fax import FaxHook

DELIVERED, NEVER_ENDS = "+1 202 555 0100", "+1 202 555 0106"
BUSY = {"faxto": "+1 202 555 0102", "interfax": "+999-9999-6017", "extrafax": "+999-9999-6017"}


@pytest.fixture
def conn(vendor):
    return ("--conn-id", f"{vendor}_default", "--output", "json")


@pytest.fixture
def restrict(fax_connections, monkeypatch):
    """Give a function that sets rules on the connections."""
    return lambda **rules: fax_connections.set_airflow_connections(monkeypatch, **rules)


def test_an_accepted_fax_is_pending_and_bears_a_key(command, conn, simulator, letter, vendor):
    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code == 5
    (fax,) = simulator.faxes()
    row = ended.row
    assert (row["vendor"], row["job_id"], row["outcome"]) == (vendor, str(fax["id"]), "pending")
    assert row["pages_submitted"] == 1
    assert read_key(row["reference"]) is not None
    assert row["reference"] in ended.err


def test_a_fax_that_was_sent_is_found_by_its_key(command, conn, simulator, letter):
    row = command("send", DELIVERED, letter, "--yes", *conn).row
    simulator.finish()

    found = command("find", row["reference"], "--number", DELIVERED, *conn)

    assert (found.code, found.row["job_id"]) == (0, row["job_id"])


def test_two_calls_are_two_faxes(command, conn, simulator, letter):
    keys = {command("send", DELIVERED, letter, "--yes", *conn).row["reference"] for _ in range(2)}

    assert len(keys) == len(simulator.faxes()) == 2


def test_a_wait_ends_with_the_fax(command, conn, fake_time, letter):
    ended = command("send", DELIVERED, letter, "--yes", "--wait", *conn)

    assert (ended.code, ended.row["outcome"]) == (0, "success")
    assert ended.row["reference"] is not None


def test_a_wait_for_a_fax_that_fails_ends_with_its_code(command, conn, fake_time, letter, vendor):
    ended = command("send", BUSY[vendor], letter, "--yes", "--wait", *conn)

    assert (ended.code, ended.row["cause"]) == (2, "busy")


def test_a_fax_under_way_at_the_time_out_is_pending(command, conn, fake_time, fax_connections, letter):
    ended = command("send", NEVER_ENDS, letter, "--yes", "--wait", "--timeout", "100", *conn)

    assert (ended.code, ended.row["outcome"]) == (5, "pending")
    assert len(fax_connections.faxes()) == 1


def test_a_fax_that_cannot_be_asked_for_at_the_time_out_is_unknown(command, conn, fake_time, fax_connections, letter):
    fax_connections.fault("server_error", endpoint="status", times=None)

    ended = command("send", DELIVERED, letter, "--yes", "--wait", "--timeout", "100", *conn)

    assert (ended.code, ended.row["outcome"]) == (4, "unknown")
    assert ended.row["job_id"] == str(fax_connections.faxes()[0]["id"])


def test_a_refused_log_in_in_the_wait_does_not_hide_the_fax(command, conn, fake_time, fax_connections, letter):
    fax_connections.fault("server_error", endpoint="status", http_status=401, body="json", times=None)

    ended = command("send", DELIVERED, letter, "--yes", "--wait", *conn)

    assert ended.code == 4
    assert ended.row["job_id"] == str(fax_connections.faxes()[0]["id"])


# Never twice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_answer"},
        {"kind": "reset", "when": "after"},
        {"kind": "server_error", "when": "after", "http_status": 503},
        {"kind": "truncated"},
    ],
    ids=str,
)
def test_a_send_whose_answer_is_lost_is_unknown_and_not_repeated(command, conn, simulator, letter, fault):
    simulator.fault(endpoint="send", times=None, **fault)

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code == 4
    assert len(simulator.faxes()) == 1
    assert (ended.row["outcome"], ended.row["job_id"]) == ("unknown", None)
    assert f"find {ended.row['reference']} --number NUMBER" in ended.err


@pytest.mark.parametrize("status", [400, 422])
def test_a_no_of_the_vendor_is_held_against_its_records(command, conn, simulator, letter, status):
    # A proxy may have made the request twice: the first one was taken.
    simulator.fault("server_error", endpoint="send", http_status=status, body="vendor", when="after")

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert (ended.code, ended.row["job_id"]) == (5, str(simulator.faxes()[0]["id"]))
    assert "show the fax" in ended.err


def test_a_no_that_the_records_cannot_confirm_is_unknown(command, conn, fake_time, fax_connections, letter):
    fax_connections.fault("server_error", endpoint="send", http_status=400, body="vendor")
    for endpoint in ("history", "search"):
        fax_connections.fault("server_error", endpoint=endpoint, times=None)

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert (ended.code, ended.row["outcome"]) == (4, "unknown")
    assert fax_connections.faxes() == []


def test_a_no_of_the_vendor_that_its_records_confirm_is_fatal(command, conn, simulator, letter):
    simulator.fault("server_error", endpoint="send", http_status=400, body="vendor")

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert (ended.code, ended.out) == (3, "")
    assert simulator.faxes() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_no_of_a_gateway_proves_nothing(command, conn, simulator, letter, when):
    simulator.fault("server_error", endpoint="send", http_status=409, body="json", when=when)

    assert command("send", DELIVERED, letter, "--yes", *conn).code == 4
    assert len(simulator.faxes()) == (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_throttled_send_never_looks_like_one_that_may_be_repeated(command, conn, simulator, letter, when):
    simulator.fault("rate_limit", endpoint="send", when=when)

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code in (4, 5)
    assert len(simulator.faxes()) == (when == "after")


def test_a_vendor_that_cannot_be_reached_is_retryable(command, simulator, letter, vendor, monkeypatch):
    closed = simulator.connection(vendor) | {"host": "http://127.0.0.1:9"}
    monkeypatch.setenv("AIRFLOW_CONN_CLOSED_FAX", json.dumps(closed))

    assert command("send", DELIVERED, letter, "--yes", "--conn-id", "closed_fax").code == 2


def test_ctrl_c_after_the_answer_is_not_taken_for_nothing_sent(command, conn, simulator, letter, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("airflow_provider_faxto.cli.send.answer_of", Once(interrupted, answer_of))

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert (ended.code, ended.row["job_id"]) == (4, str(simulator.faxes()[0]["id"]))


class Once:
    """Another function for the first call."""

    def __init__(self, first, then):
        self.calls = [first]
        self.then = then

    def __call__(self, *args, **kwargs):
        return (self.calls.pop() if self.calls else self.then)(*args, **kwargs)


def test_what_an_uncertain_send_names_finds_the_fax(command, conn, simulator, letter):
    simulator.fault("lost_answer", endpoint="send")
    key = command("send", DELIVERED, letter, "--yes", *conn).row["reference"]
    simulator.finish()

    found = command("find", key, "--number", DELIVERED, *conn)

    assert (found.code, found.row["job_id"]) == (0, str(simulator.faxes()[0]["id"]))


def test_ctrl_c_while_the_request_is_out_is_unknown(command, conn, simulator, letter, monkeypatch):
    send_fax = FaxHook.send_fax

    def interrupted(*args, **kwargs):
        send_fax(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(FaxHook, "send_fax", interrupted)

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code == 4
    assert len(simulator.faxes()) == 1
    assert ended.row["outcome"] == "unknown"


def test_ctrl_c_before_the_request_says_that_nothing_was_sent(command, conn, simulator, letter, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(FaxHook, "send_fax", interrupted)

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code == 130
    assert "Nothing was sent" in ended.err
    assert simulator.faxes() == []


def test_ctrl_c_in_the_wait_leaves_the_fax_alone(command, conn, fake_time, fax_connections, letter):
    def interrupt():
        raise KeyboardInterrupt

    fake_time.while_asleep = interrupt

    ended = command("send", NEVER_ENDS, letter, "--yes", "--wait", *conn)

    assert (ended.code, ended.row["outcome"]) == (5, "pending")
    assert f"status {ended.row['job_id']}" in ended.err


def test_an_upload_that_fails_may_be_tried_again(command, conn, simulator, tmp_path, vendor):
    big = tmp_path / "letter.txt"
    big.write_bytes(b"word " * 300_000)
    simulator.fault("server_error", endpoint="upload" if vendor == "faxto" else "session_create", times=None)

    ended = command("send", DELIVERED, str(big), "--yes", *conn)

    assert ended.code == 2
    assert simulator.faxes() == []


# Asking ------------------------------------------------------------------------------------------------


def test_a_person_is_asked_and_shown_no_full_number(command, conn, simulator, letter, typed):
    typed("y")

    ended = command("send", DELIVERED, letter, *conn)

    assert ended.code == 5
    assert re.search(rf"1 page.* to \+\*+0100 with .*\({conn[1]}\)\? \[y/N\]", ended.err)
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("line", ["n", "", "no", "yess"])
def test_without_a_yes_nothing_is_sent(command, simulator, letter, typed, line):
    typed(line)

    ended = command("send", DELIVERED, letter, "--conn-id", "interfax_default")

    assert ended.code == 1
    assert "Nothing was sent" in ended.err
    assert simulator.requests() == []


def test_where_nobody_can_be_asked_nothing_is_sent(command, conn, simulator, letter):
    ended = command("send", DELIVERED, letter, *conn)

    assert ended.code == 1
    assert "--yes" in ended.err
    assert simulator.requests() == []


def test_the_number_may_come_from_the_standard_input(command, conn, simulator, letter, typed):
    typed(DELIVERED)

    assert command("send", "-", letter, "--yes", *conn).code == 5
    assert simulator.faxes()[0]["recipient"] == "+12025550100"


# What is not sent --------------------------------------------------------------------------------------


def test_a_number_that_the_connection_does_not_allow_is_fatal(command, conn, simulator, letter):
    ended = command("send", "+1 900 555 0100", letter, "--yes", *conn)

    assert ended.code == 3
    assert "allow_costly_numbers" in ended.err
    assert simulator.requests() == []


def test_a_connection_for_some_dags_does_not_serve_the_command(command, conn, simulator, letter, restrict):
    restrict(allowed_dags="billing_*")

    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code == 3
    assert "allowed_dags" in ended.err
    assert simulator.requests() == []


@pytest.mark.parametrize("number", ["fax of the clinic", "+1 202 555 01", "49 30 23125042"])
def test_what_is_no_number_is_fatal(command, conn, simulator, letter, number):
    assert command("send", number, letter, "--yes", *conn).code == 3
    assert simulator.requests() == []


def test_a_missing_document_is_fatal(command, conn, simulator, tmp_path):
    ended = command("send", DELIVERED, str(tmp_path / "letter-to-jane.pdf"), "--yes", *conn)

    assert ended.code == 3
    assert "does not exist" in ended.err
    assert simulator.requests() == []


@pytest.mark.parametrize("vendor", ["faxto"])
def test_more_documents_than_the_vendor_takes_are_wrong_usage(command, conn, simulator, letter):
    ended = command("send", DELIVERED, letter, letter, "--yes", *conn)

    assert ended.code == 1
    assert "Fax.to takes 1 document" in ended.err


def test_an_option_of_another_vendor_is_wrong_usage(command, conn, simulator, letter, vendor):
    option = "resolution=fine" if vendor == "faxto" else "delete_after_sending=true"

    assert command("send", DELIVERED, letter, "--yes", "--option", option, *conn).code == 1
    assert simulator.requests() == []


@pytest.mark.parametrize("vendor", ["interfax"])
def test_options_reach_the_vendor(command, conn, simulator, letter):
    command("send", DELIVERED, letter, "--yes", "--option", "resolution=fine", *conn)

    assert simulator.faxes()[0]["parameters"]["resolution"] == "fine"


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_send_that_the_vendor_refuses_is_fatal(command, conn, simulator, letter):
    ended = command("send", "+1 202 555 0111", letter, "--yes", *conn)

    assert ended.code == 3
    assert simulator.faxes() == []


KEYED = ("--idempotency-key", "claim-4711")


def test_two_calls_with_one_idempotency_key_are_one_fax(command, conn, simulator, letter):
    first = command("send", DELIVERED, letter, "--yes", *KEYED, *conn)
    second = command("send", DELIVERED, letter, "--yes", *KEYED, *conn)
    simulator.finish()
    third = command("send", DELIVERED, letter, "--yes", *KEYED, *conn)

    assert (first.code, second.code, third.code) == (5, 5, 0)
    assert {row["job_id"] for row in (first.row, second.row, third.row)} == {str(simulator.faxes()[0]["id"])}
    assert len({row["reference"] for row in (first.row, second.row, third.row)}) == len(simulator.faxes()) == 1
    assert "was accepted" in first.err
    assert "nothing was sent" in second.err
    assert "nothing was sent" in third.err


def test_a_task_with_the_same_idempotency_key_sends_no_second_one(  # noqa: PLR0917 - fixtures
    command, conn, send, simulator, letter, vendor
):
    sent = command("send", DELIVERED, letter, "--yes", *KEYED, *conn)
    told = send(vendor, fax_number=DELIVERED, document=letter, idempotency_key="claim-4711")

    assert told["job_id"] == sent.row["job_id"]
    assert len(simulator.faxes()) == 1


def test_a_fax_of_an_idempotency_key_that_failed_is_sent_again(  # noqa: PLR0917 - fixtures
    command, conn, fake_time, simulator, letter, vendor
):
    for _ in range(2):
        assert command("send", BUSY[vendor], letter, "--yes", "--wait", *KEYED, *conn).code == 2

    assert len(simulator.faxes()) == 2


def test_an_idempotency_key_of_another_fax_is_fatal(command, conn, simulator, letter):
    command("send", DELIVERED, letter, "--yes", *KEYED, *conn)
    ended = command("send", NEVER_ENDS, letter, "--yes", *KEYED, *conn)

    assert ended.code == 3
    assert "Nothing was sent" in ended.err
    assert len(simulator.faxes()) == 1


def test_records_that_cannot_be_read_send_nothing_under_an_idempotency_key(
    command, conn, fake_time, fax_connections, letter
):
    for endpoint in ("history", "search", "list"):
        fax_connections.fault("server_error", endpoint=endpoint, times=None)
    ended = command("send", DELIVERED, letter, "--yes", *KEYED, *conn)

    assert ended.code == 4
    assert fax_connections.faxes() == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_keyed_send_whose_answer_is_lost_is_found_or_proven_absent(  # noqa: PLR0917 - fixtures
    command, conn, fake_time, fax_connections, letter, when
):
    fax_connections.fault("reset", endpoint="send", when=when)
    ended = command("send", DELIVERED, letter, "--yes", *KEYED, *conn)

    made = fax_connections.faxes()
    if when == "before":
        assert (ended.code, made) == (2, [])
    else:
        assert ended.code in (0, 5)
        assert [ended.row["job_id"]] == [str(fax["id"]) for fax in made]


def test_an_empty_idempotency_key_is_wrong_usage(command, conn, simulator, letter):
    assert command("send", DELIVERED, letter, "--yes", "--idempotency-key", " ", *conn).code == 1
    assert simulator.faxes() == []


def test_a_number_that_no_fax_machine_answered_is_not_dialled(  # noqa: PLR0917 - fixtures
    command, conn, simulator, letter, restrict, remembered
):
    restrict(remember_bad_numbers="30")
    remembered(DELIVERED)
    ended = command("send", DELIVERED, letter, "--yes", *conn)

    assert ended.code == 3
    assert "--ignore-bad-number" in ended.err
    assert simulator.faxes() == []
    assert command("send", DELIVERED, letter, "--yes", "--ignore-bad-number", *conn).code == 5
