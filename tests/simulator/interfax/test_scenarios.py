from __future__ import annotations

import pytest

from airflow_provider_faxto.fax.codes import STATUS_CODES

PAST_ALL_ATTEMPTS, SHORTEST_CALL = 660, 14


@pytest.mark.parametrize("code", [code for code in STATUS_CODES if code > 0] + [4242, 999_998])
def test_every_code_can_be_asked_for_by_number(simulator, interfax, code):
    fax_id = interfax.send(f"+999-9999-{code}", retriesToPerform=1)
    assert interfax.record(fax_id)["status"] < 0
    simulator.finish()
    (summary,) = interfax.completed(fax_id)
    assert (summary["status"], summary["pagesSent"], summary["units"]) == (code, 0, 0)
    assert not simulator.faxes()[0]["delivered"]


@pytest.mark.parametrize(
    "number", ["+999-9999-3935", "+9999999 3935", "00999-9999-3935", "+ (999) 9999.3935", "+00999-9999-3935"]
)
def test_the_number_may_be_written_in_any_way(simulator, interfax, number):
    fax_id = interfax.send(number, retriesToPerform=1)
    simulator.finish()
    assert interfax.record(fax_id)["status"] == 3935
    assert simulator.faxes()[0]["recipient"] == "+99999993935"


@pytest.mark.parametrize(
    ("code", "asked", "made"),
    [
        # Busy is dialled again, up to the account's four or as often as asked.
        (263, None, 4),
        (263, 2, 2),
        # Nobody dials a voice line, a dead number or an unknown failure again.
        (3936, None, 1),
        (6001, None, 1),
        (4242, None, 1),
        # These end before a call.
        (204000, None, 0),
        (205000, None, 0),
        (0, None, 1),
    ],
)
def test_attempts_grow_only_for_what_a_later_call_may_mend(simulator, interfax, code, asked, made):
    params = {} if asked is None else {"retriesToPerform": asked}
    fax_id = interfax.send(f"+999-9999-{code}", **params)
    seen = set()
    for _ in range(PAST_ALL_ATTEMPTS // SHORTEST_CALL):
        record = interfax.record(fax_id)
        seen.add(record["attemptsMade"])
        assert record["attemptsToPerform"] == (asked or 4)
        simulator.advance(SHORTEST_CALL)
    assert interfax.record(fax_id)["status"] == code
    assert seen == set(range(made + 1))


def test_between_two_attempts_the_status_is_still_sending(simulator, interfax):
    fax_id = interfax.send("+999-9999-263")
    simulator.advance(10 + 14 + 100)
    record = interfax.record(fax_id)
    assert (record["status"], record["attemptsMade"]) == (-3, 1)


def test_some_pages_may_have_arrived_of_a_fax_that_failed(simulator, interfax):
    simulator.configure(interfax_partial_pages=9)
    # 3230 allows for that, busy does not; and never all pages.
    incompatible, busy = interfax.send("+999-9999-3230"), interfax.send("+999-9999-263")
    simulator.finish()
    record = interfax.record(incompatible)
    assert (record["pagesSent"], record["units"], record["duration"]) == (1, 1.0, 41)
    assert interfax.record(busy)["pagesSent"] == 0
    assert interfax.get("/accounts/self/ppcards/balance").text == "9999.8500"


def test_a_fax_held_for_credit_ends_out_of_credit_after_a_day(simulator, interfax):
    fax_id = interfax.send("+1 202 555 0122")
    simulator.advance(2)
    assert interfax.record(fax_id)["status"] == -22
    simulator.advance(86_399)
    assert interfax.record(fax_id)["status"] == -22
    simulator.advance(1)
    assert interfax.record(fax_id)["status"] == 205000


def test_a_top_up_releases_held_faxes_but_not_cancelled_ones(simulator, interfax):
    simulator.configure(interfax_hold_for_credit=True)
    held, cancelled = interfax.send(), interfax.send()
    simulator.advance(3600)
    interfax.post(f"/outbound/faxes/{cancelled}/cancel")
    simulator.simulator.top_up()
    simulator.finish()
    assert [interfax.record(fax_id)["status"] for fax_id in (held, cancelled)] == [0, 403]
    assert [fax["delivered"] for fax in simulator.faxes()] == [True, False]


def test_a_fax_can_be_sending_for_ever(simulator, interfax):
    fax_id = interfax.send("+1 202 555 0106")
    simulator.advance(10 * 365 * 86_400)
    assert interfax.record(fax_id)["status"] == -3
