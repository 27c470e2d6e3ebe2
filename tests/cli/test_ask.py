"""Asking about faxes: what each vendor tells of them, and the exit code that stands for it."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.fax import FaxStatus
from airflow_provider_faxto.fax.key import logical_fax_key
from airflow_provider_faxto.fax.numbers import parse_fax_number

DELIVERED, BUSY, NEVER_ENDS, DEAD = "+1 202 555 0100", "+1 202 555 0102", "+1 202 555 0106", "+1 202 555 0104"
INTERFAX_BUSY, INTERFAX_DEAD, INTERFAX_NEW = "+999-9999-6017", "+999-9999-3912", "+999-9999-4242"


@pytest.fixture
def sent(hook, letter, simulator):
    """Give a function that sends a letter, lets it end, and gives its job id."""

    def send(number, reference="airflow-test"):
        job_id = hook.send_fax(number, letter, reference=reference).job_id
        simulator.finish()
        return job_id

    return send


@pytest.fixture
def conn(vendor):
    return ("--conn-id", f"{vendor}_default", "--output", "json")


@pytest.fixture
def job(sent, number):
    """Give the id of a fax to a number, which has ended if it ever ends."""
    return sent(number)


def key_of(number, run_id="run"):
    return logical_fax_key(
        dag_id="dag", task_id="task", run_id=run_id, map_index=-1, fax_number=parse_fax_number(number),
        document_sha256="0" * 64,
    )  # fmt: skip


# Status ------------------------------------------------------------------------------------------------


def test_the_status_of_a_delivered_fax_is_success(command, conn, sent, vendor):
    job_id = sent(DELIVERED)

    ended = command("status", job_id, *conn)

    assert ended.code == 0
    assert ended.err == ""
    status = FaxStatus.from_dict(ended.row)
    assert (status.vendor, status.job_id, status.outcome) == (vendor, job_id, "success")


@pytest.mark.parametrize(
    ("vendor", "number", "code", "outcome"),
    [
        ("faxto", BUSY, 2, "retryable"),
        ("interfax", INTERFAX_BUSY, 2, "retryable"),
        ("extrafax", INTERFAX_BUSY, 2, "retryable"),
        ("faxto", DEAD, 3, "fatal"),
        ("interfax", INTERFAX_DEAD, 3, "fatal"),
        ("extrafax", INTERFAX_DEAD, 3, "fatal"),
        ("faxto", "+1 202 555 0108", 4, "unknown"),
        ("interfax", INTERFAX_NEW, 4, "unknown"),
        ("faxto", NEVER_ENDS, 5, "pending"),
        ("interfax", NEVER_ENDS, 5, "pending"),
        ("extrafax", NEVER_ENDS, 5, "pending"),
    ],
)
def test_the_exit_code_of_a_status_is_that_of_the_fax(command, conn, job, code, outcome):
    ended = command("status", job, *conn)

    assert (ended.code, ended.row["outcome"]) == (code, outcome)


def test_a_job_that_the_vendor_does_not_know_is_unknown(command, conn, fake_time):
    ended = command("status", "424242", *conn)

    assert ended.code == 4
    assert ended.out == ""
    assert "424242" in ended.err


def test_what_is_no_job_id_is_wrong_usage(command, conn):
    assert command("status", "my fax", *conn).code == 1


@pytest.mark.usefixtures("fake_time")
@pytest.mark.parametrize("number", [DELIVERED])
@pytest.mark.parametrize("kind", ["server_error", "html", "lost_answer"])
def test_lost_contact_never_looks_like_a_fax_that_may_be_sent_again(command, conn, job, simulator, kind):
    simulator.fault(kind, endpoint="status", times=None)

    ended = command("status", job, *conn)

    assert ended.code == 4
    assert ended.out == ""


# Find --------------------------------------------------------------------------------------------------


def test_a_fax_is_found_by_its_key_and_number(command, conn, sent):
    key = key_of(DELIVERED)
    job_id = sent(DELIVERED, key)

    ended = command("find", key, "--number", DELIVERED, *conn)

    assert ended.code == 0
    assert (ended.row["job_id"], ended.row["reference"]) == (job_id, key)


def test_a_fax_is_found_by_another_reference_which_is_not_shown(command, conn, sent):
    job_id = sent(DELIVERED, "jane-doe")

    ended = command("find", "jane-doe", "--number", DELIVERED, *conn)

    assert ended.row["job_id"] == job_id
    assert "jane" not in ended.out


def test_no_fax_under_a_key_is_unknown_and_says_what_cannot_be_found(command, conn, simulator):
    ended = command("find", key_of(DELIVERED), "--number", DELIVERED, *conn)

    assert ended.code == 4
    assert ended.rows == []
    assert "label" in ended.err


def test_a_delivered_job_decides_over_a_later_one_that_is_under_way(command, conn, sent, hook, letter):
    key = key_of(DELIVERED)
    delivered = sent(DELIVERED, key)
    later = hook.send_fax(DELIVERED, letter, reference=key).job_id

    ended = command("find", key, "--number", DELIVERED, *conn)

    assert [row["job_id"] for row in ended.rows] == [later, delivered]
    assert ended.code == 0


def test_a_fax_under_way_is_pending(command, conn, hook, letter, simulator):
    hook.send_fax(DELIVERED, letter, reference=key_of(DELIVERED))

    assert command("find", key_of(DELIVERED), "--number", DELIVERED, *conn).code == 5


def test_a_look_up_needs_the_number(command, conn):
    ended = command("find", key_of(DELIVERED), *conn)

    assert ended.code == 1
    assert "--number" in ended.err


# History -----------------------------------------------------------------------------------------------


def test_the_history_lists_the_newest_faxes(command, conn, sent):
    jobs = [sent(DELIVERED) for _ in range(3)]

    ended = command("history", "--limit", "2", *conn)

    assert ended.code == 0
    assert [row["job_id"] for row in ended.rows] == [jobs[2], jobs[1]]


def test_a_long_history_is_read_page_by_page(command, conn, vendor, simulator):
    for number in range(120):
        simulator.simulator.add_stranger(vendor, reference=f"fax {number}")

    assert len(command("history", "--limit", "110", *conn).rows) == 110
    assert sum(request["endpoint"] in ("history", "list") for request in simulator.requests()) == 2


def test_the_history_does_not_show_what_others_called_their_faxes(command, conn, vendor, simulator):
    simulator.simulator.add_stranger(vendor, reference="JaneDoe")

    for output in ("table", "json", "csv"):
        assert "JaneDoe" not in command("history", *conn, "--output", output).out


def test_an_empty_history_is_an_empty_list(command, conn, simulator):
    assert command("history", *conn).rows == []
    assert "Nothing to show" in command("history", *conn, "--output", "table").out


# Balance -----------------------------------------------------------------------------------------------


def test_the_balance_is_told(command, conn, vendor, hook):
    ended = command("balance", *conn)

    assert ended.code == 0
    assert ended.row == {
        "vendor": vendor,
        "fax_conn_id": f"{vendor}_default",
        "balance": f"{hook.get_balance():f}",
    }


# Cancel ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_waiting_fax_is_canceled(command, conn, hook, letter, simulator):
    job_id = hook.send_fax(DELIVERED, letter).job_id

    ended = command("cancel", job_id, *conn)

    assert (ended.code, ended.row["cause"]) == (0, "canceled")
    simulator.finish()
    assert not simulator.faxes()[0]["delivered"]


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_fax_that_has_ended_is_not_canceled(command, conn, sent):
    ended = command("cancel", sent(DELIVERED), *conn)

    assert (ended.code, ended.row["outcome"]) == (3, "success")
    assert "not canceled" in ended.err


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_vendor_that_cannot_cancel_says_so(command, conn, sent):
    ended = command("cancel", sent(NEVER_ENDS), *conn)

    assert ended.code == 1
    assert ended.out == ""
    assert "Fax.to offers no way to cancel a fax" in ended.err
