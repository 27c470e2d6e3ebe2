"""The rules of a connection, each with values from both of its sides."""

from __future__ import annotations

from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxNotAllowedError
from airflow_provider_faxto.fax.gates import FaxGates, costly_kind, is_number_rule
from airflow_provider_faxto.fax.numbers import FaxNumber

BERLIN = "+493023125042"
WASHINGTON = "+12025550100"
JAMAICA = "+18769786014"
GUERNSEY = "+441481960111"
# Of the code that 25 countries share, in a range that no table knows.
NOBODYS = "+12115550100"


def gates(**rules):
    return FaxGates(conn_id="clinic_fax", **rules)


def refusal(check, *arguments):
    with pytest.raises(FaxNotAllowedError) as caught:
        check(*arguments)
    message = str(caught.value)
    assert message.startswith("Connection 'clinic_fax': ")
    assert "Nothing was sent." in message
    assert "Those who manage the connection" in message
    return message


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("+19005550100", "premium-rate"),
        ("+499001234567", "premium-rate"),
        ("+33899123456", "premium-rate"),
        ("+97912345678", "premium-rate"),
        ("+49180512345", "shared-cost"),
        ("+80812345678", "shared-cost"),
        ("+870773111632", "satellite"),
        ("+8816123456789", "satellite"),
        ("+882161234567", "satellite or global network"),
        ("+883510012345", "global network"),
        ("+87812345678901", "global network"),
        # In a costly range, and longer or shorter than its numbers are.
        ("+4990012345678", "premium-rate"),
        ("+4990012345", "premium-rate"),
        (BERLIN, None),
        (WASHINGTON, None),
        (JAMAICA, None),
        ("+4915112345678", None),
        ("+18005550100", None),
        ("+80012345678", None),
        ("+447012345678", None),
        # A number of InterFAX's own for tests, which no country has.
        ("+99999990", None),
    ],
)
def test_a_number_that_costs_more_than_a_usual_one_is_told_by_its_range(number, kind):
    assert costly_kind(FaxNumber(number)) == kind
    if kind is None:
        gates().check_number(FaxNumber(number))
    else:
        message = refusal(gates().check_number, FaxNumber(number))
        assert f"a {kind} number" in message
        assert "allow_costly_numbers" in message
    gates(allow_costly_numbers=True).check_number(FaxNumber(number))


@pytest.mark.parametrize(
    ("rules", "taken", "refused"),
    [
        (("+49",), [BERLIN], [WASHINGTON]),
        (("+4930",), [BERLIN], ["+498912345678"]),
        (("DE",), [BERLIN], [WASHINGTON, NOBODYS]),
        (("US",), [WASHINGTON], [JAMAICA, NOBODYS, BERLIN]),
        (("GB",), ["+442079460958"], [GUERNSEY]),
        (("GG", "+1202"), [GUERNSEY, WASHINGTON], ["+442079460958", JAMAICA]),
        ((BERLIN,), [BERLIN], ["+493023125043"]),
    ],
)
def test_only_numbers_of_the_allowed_prefixes_and_countries_are_dialled(rules, taken, refused):
    for number in taken:
        gates(allowed_numbers=rules).check_number(FaxNumber(number))
    for number in refused:
        message = refusal(gates(allowed_numbers=rules).check_number, FaxNumber(number))
        assert "allowed_numbers" in message
        assert FaxNumber(number).masked in message


def test_a_deny_beats_an_allow():
    rules = gates(allowed_numbers=("US", "DE"), denied_numbers=("+1202",))

    rules.check_number(FaxNumber(BERLIN))
    assert "denied_numbers holds +1202" in refusal(rules.check_number, FaxNumber(WASHINGTON))


@pytest.mark.parametrize("rule", ["US", "JM", "+1211"])
def test_a_number_that_may_be_of_a_denied_country_is_denied(rule):
    assert "denied_numbers" in refusal(gates(denied_numbers=(rule,)).check_number, FaxNumber(NOBODYS))
    gates(denied_numbers=(rule,)).check_number(FaxNumber(BERLIN))


def test_an_approved_number_is_allowed_beside_the_allowed_ones_and_no_other():
    rules = gates(allowed_numbers=("DE",), has_approved_list=True)

    rules.check_number(FaxNumber(BERLIN), {WASHINGTON})
    rules.check_number(FaxNumber(WASHINGTON), {WASHINGTON})
    assert "allowed_numbers and allowed_numbers_from" in refusal(rules.check_number, FaxNumber(JAMAICA), {WASHINGTON})
    only = gates(has_approved_list=True)
    only.check_number(FaxNumber(WASHINGTON), {WASHINGTON})
    refusal(only.check_number, FaxNumber(WASHINGTON), set())


def test_an_approved_number_is_still_held_to_the_other_rules():
    denied = gates(denied_numbers=("US",), has_approved_list=True)
    refusal(denied.check_number, FaxNumber(WASHINGTON), {WASHINGTON})
    refusal(gates(has_approved_list=True).check_number, FaxNumber("+19005550100"), {"+19005550100"})


@pytest.mark.parametrize(
    "text", ["12025550100", "+0012025550100", "+1 202 555 0100", "0049900123456", "+1202555010012345678", "", "+"]
)
def test_a_recipient_that_is_not_in_the_form_that_was_checked_is_refused(text):
    assert "E.164" in refusal(gates(allow_costly_numbers=True).check_number, FaxNumber(text))


@given(st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True), st.from_regex(r"\+[1-9][0-9]{0,14}", fullmatch=True))
def test_a_prefix_holds_for_what_begins_with_it_and_nothing_else(number, prefix):
    rules = gates(allowed_numbers=(prefix,), allow_costly_numbers=True)
    if number.startswith(prefix):
        rules.check_number(FaxNumber(number))
        refusal(gates(denied_numbers=(prefix,)).check_number, FaxNumber(number))
    else:
        refusal(rules.check_number, FaxNumber(number))


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)), st.sampled_from(["PREMIUM_RATE", "SHARED_COST"]))
def test_the_library_s_own_example_of_a_costly_number_is_refused_in_every_country(region, kind):
    kind = getattr(phonenumbers.PhoneNumberType, kind)
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None or phonenumbers.number_type(example) != kind:
        return
    number = FaxNumber(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))

    assert "allow_costly_numbers" in refusal(gates().check_number, number)


@given(st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)))
def test_the_library_s_own_example_of_a_fixed_line_is_dialled_in_every_country(region):
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    if example is None or phonenumbers.region_code_for_number(example) != region:
        return
    number = FaxNumber(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))

    gates(allowed_numbers=(region,)).check_number(number)
    refusal(gates(denied_numbers=(region,)).check_number, number)


@pytest.mark.parametrize("text", ["+1", "+4930", "DE", "US", "GG"])
def test_a_prefix_and_a_country_are_rules(text):
    assert is_number_rule(text)


@pytest.mark.parametrize(
    "text", ["", "+", "49", "0049", "+0", "de", "XX", "UK", "001", "DEU", "+49x", "*", "+1234567890123456"]
)
def test_anything_else_is_no_rule(text):
    assert not is_number_rule(text)


def test_pages_up_to_the_limit_are_taken_over_all_documents():
    rules = gates(max_pages=3)

    rules.check_pages([1, 2])
    assert "has 4 pages, and max_pages is 3" in refusal(rules.check_pages, [2, 2])
    gates().check_pages([10_000])


def test_pages_that_cannot_be_counted_are_an_answer_of_their_own():
    gates(max_pages=3).check_pages([2, None])
    assert "max_pages_strict" in refusal(gates(max_pages=3, max_pages_strict=True).check_pages, [2, None])
    assert "has 4 pages" in refusal(gates(max_pages=3).check_pages, [4, None])
    gates(max_pages_strict=True).check_pages([None])


@pytest.mark.parametrize(("cost", "is_taken"), [("0", True), ("2.50", True), ("2.51", False), ("1E+9", False)])
def test_a_price_up_to_the_limit_is_taken(cost, is_taken):
    rules = gates(max_cost=Decimal("2.50"))
    if is_taken:
        rules.check_cost(Decimal(cost))
    else:
        assert "max_cost is 2.50" in refusal(rules.check_cost, Decimal(cost))
    gates().check_cost(Decimal(cost))


@pytest.mark.parametrize(
    ("patterns", "dag_id", "is_taken"),
    [
        (("billing_*",), "billing_monthly", True),
        (("billing_*",), "my_billing_monthly", False),
        (("billing_*",), "Billing_monthly", False),
        (("a", "b"), "b", True),
        (("a", "b"), "c", False),
        (("*",), None, False),
        (None, None, True),
        (None, "anything", True),
    ],
)
def test_only_the_allowed_dags_may_fax(patterns, dag_id, is_taken):
    rules = gates(allowed_dags=patterns)
    if is_taken:
        rules.check_dag(dag_id)
    else:
        assert "allowed_dags" in refusal(rules.check_dag, dag_id)


def test_a_recipient_that_is_not_told_is_refused_where_numbers_have_rules():
    gates().check_unknown_number()
    for rules in (gates(allowed_numbers=("DE",)), gates(denied_numbers=("DE",)), gates(has_approved_list=True)):
        refusal(rules.check_unknown_number)
