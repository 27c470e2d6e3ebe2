"""The report: what it counts, and what it says that it does not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_faxto.exceptions import FaxRetryableError

DELIVERED = "+1 202 555 0100"
BUSY = {"faxto": "+1 202 555 0102", "interfax": "+999-9999-6017", "extrafax": "+999-9999-6017"}
DAY = 86_400


@pytest.fixture
def conn(vendor):
    return ("--conn-id", f"{vendor}_default", "--output", "json")


@pytest.fixture
def sent(hook, letter, simulator):
    """Give a function that sends a letter and lets it end."""

    def send(number):
        hook.send_fax(number, letter)
        simulator.finish()

    return send


def test_faxes_are_counted_by_outcome_and_cause(command, conn, sent, vendor, simulator):
    sent(DELIVERED)
    sent(DELIVERED)
    sent(BUSY[vendor])

    ended = command("report", "--to", "2100-01-01", "--from", "2000-01-01", *conn)

    assert ended.code == 0
    counted = {(row["outcome"], row["cause"]): row for row in ended.rows}
    assert {what: row["faxes"] for what, row in counted.items()} == {("success", None): 2, ("retryable", "busy"): 1}
    assert {row["fax_conn_id"] for row in ended.rows} == {f"{vendor}_default"}
    assert "3 fax(es)" in ended.err


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_pages_and_cost_are_the_vendors_own(command, conn, sent, hook):
    sent(DELIVERED)
    (fax,) = hook.iter_history()

    (row,) = command("report", "--from", "2000-01-01", "--to", "2100-01-01", *conn).rows

    assert row["pages_sent"] == fax.pages_sent == 1
    assert Decimal(row["cost"]) == fax.cost
    assert row["faxes_without_cost"] == 0


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_cost_that_no_record_tells_is_not_zero(command, conn, sent):
    sent(DELIVERED)

    (row,) = command("report", "--from", "2000-01-01", "--to", "2100-01-01", *conn).rows

    assert (row["cost"], row["faxes_without_cost"]) == (None, 1)


def test_only_the_time_that_was_asked_for_counts(command, conn, hook, letter, simulator):
    for _ in range(3):
        hook.send_fax(DELIVERED, letter)
        simulator.advance(DAY)
    begin = next(iter(hook.iter_history(page_size=10))).submitted_at

    def count(*arguments):
        return sum(row["faxes"] for row in command("report", *arguments, *conn).rows)

    day = begin.subtract(days=1).to_date_string()
    assert count("--from", day, "--to", day) == 1
    assert count("--from", day, "--to", "2100-01-01") == 2
    assert count("--from", "2000-01-01", "--to", begin.isoformat()) == 2


def test_old_faxes_are_not_read_to_their_end(command, conn, vendor, simulator, hook):
    for number in range(250):
        simulator.simulator.add_stranger(vendor, reference=f"fax {number}")
    simulator.advance(40 * DAY)

    ended = command("report", "--from", "2100-01-01", "--to", "2100-02-01", *conn)

    assert ended.rows == []
    assert sum(request["endpoint"] in ("history", "list") for request in simulator.requests()) == 1


@pytest.mark.usefixtures("fake_time")
@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_failure_whose_reason_cannot_be_read_is_unknown(command, conn, sent, simulator):
    sent(BUSY["faxto"])
    simulator.fault("server_error", endpoint="status", times=None)

    ended = command("report", "--from", "2000-01-01", "--to", "2100-01-01", *conn)

    (row,) = ended.rows
    assert (row["outcome"], row["faxes"]) == ("unknown", 1)
    assert "1 of them failed, and the reason could not be read" in ended.err


def test_a_time_that_ends_before_it_begins_is_wrong_usage(command, conn):
    assert command("report", "--from", "2026-11-02", "--to", "2026-11-01", *conn).code == 1


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "+12025550100", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_wrong_usage(command, conn, day):
    assert command("report", f"--from={day}", *conn).code == 1
    assert command("report", f"--to={day}", *conn).code == 1


ALL = ("--from", "2000-01-01", "--to", "2100-01-01", "--output", "json")


@pytest.fixture
def receipts(tmp_path, monkeypatch):
    """The folder where receipts lie."""
    monkeypatch.setenv("AIRFLOW__FAXTO__RECEIPTS", str(tmp_path / "receipts"))
    return tmp_path / "receipts"


@pytest.mark.usefixtures("receipts")
def test_receipts_are_counted_by_dag_and_no_vendor_is_asked(command, send, fax_connections):
    send("interfax")
    send("interfax", run_id="another")
    send("faxto", fax_number=DELIVERED)
    with pytest.raises(FaxRetryableError):
        send("interfax", fax_number="+999-9999-263")
    asked = len(fax_connections.requests())

    ended = command("report", "--by-dag", *ALL)

    assert ended.code == 0
    assert {
        (row["dag_id"], row["vendor"], row["fax_conn_id"], row["outcome"], row["cause"]): row["faxes"]
        for row in ended.rows
    } == {
        ("faxes", "interfax", "interfax_default", "success", None): 2,
        ("faxes", "faxto", "faxto_default", "success", None): 1,
        ("faxes", "interfax", "interfax_default", "retryable", "busy"): 1,
    }
    assert sum(Decimal(row["cost"] or 0) for row in ended.rows) > 0
    assert "4 fax(es)" in ended.err
    assert len(fax_connections.requests()) == asked


@pytest.mark.usefixtures("receipts")
def test_receipts_of_one_connection_and_of_a_time_are_counted_alone(command, send):
    send("interfax")
    send("faxto", fax_number=DELIVERED)

    (row,) = command("report", "--by-dag", "--conn-id", "faxto_default", *ALL).rows
    assert row["fax_conn_id"] == "faxto_default"
    assert command("report", "--by-dag", "--from", "2000-01-01", "--to", "2000-02-01", "--output", "json").rows == []


def test_a_receipt_that_cannot_be_read_is_told(command, send, receipts):
    send("interfax")
    (receipts / "interfax" / "other.json").write_text('{"sent_at": "yesterday"}')
    (receipts / "interfax" / "none.json").write_text("[]")

    ended = command("report", "--by-dag", *ALL)

    assert [row["faxes"] for row in ended.rows] == [1]
    assert "1 receipt(s) could not be read" in ended.err


def test_without_receipts_there_is_no_report_by_dag(command):
    ended = command("report", "--by-dag", *ALL)

    assert ended.code == 1
    assert "[faxto] receipts" in ended.err
