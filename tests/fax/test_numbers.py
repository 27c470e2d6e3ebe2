"""Fax numbers: what is accepted, and that a number is never shown whole."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxError, FaxNumberError
from airflow_provider_faxto.fax.numbers import FaxNumber, mask_number, mask_numbers_in, parse_fax_number


def shown_digits(text):
    return sum(character.isdigit() for character in text)


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("+12025550123", None, "+12025550123"),
        (" +1 (202) 555-0123 ", None, "+12025550123"),
        ("+1.202.555.0123", None, "+12025550123"),
        ("202-555-0123", "US", "+12025550123"),
        ("(202) 555 0123", "CA", "+12025550123"),
        ("+44 20 7946 0958", "US", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+442079460958", "GB", "+442079460958"),
    ],
)
def test_a_number_is_read_as_people_write_it(text, region, e164):
    assert parse_fax_number(text, region).e164 == e164


@pytest.mark.parametrize(
    ("text", "code"),
    [("+999-9999-0", 0), ("+99999990", 0), ("+999-9999-6017", 6017), ("00999-9999-204000", 204000)],
)
def test_the_vendors_simulator_numbers_pass_and_name_their_code(text, code):
    number = parse_fax_number(text)

    assert number.simulated_code == code
    assert number.e164 == f"+9999999{code}"


def test_an_ordinary_number_is_not_a_simulator_number():
    assert parse_fax_number("+12025550123").simulated_code is None


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("", None),
        ("   ", None),
        (None, None),
        (12025550123, None),
        ("202-555-0123", None),
        ("+1 202 555 01", None),
        ("+1 202 555 0123 4567 8901", None),
        ("+9999 555", None),
        ("+1 800 FLOWERS", None),
        ("+1 202 555 0123 ext. 5", None),
        ("+1 202 555 0123 x5", None),
        ("+1 202 555 0123#5", None),
        ("+", None),
        ("---", "US"),
        ("999-9999-0", None),
        ("fax me", "US"),
    ],
)
def test_what_cannot_be_dialled_is_refused(text, region):
    with pytest.raises(FaxNumberError):
        parse_fax_number(text, region)


def test_a_local_number_without_its_area_code_is_refused():
    # It is dialled inside its own area only; with a country code before it, it is somebody else's number.
    with pytest.raises(FaxNumberError):
        parse_fax_number("555-0123", "US")
    with pytest.raises(FaxNumberError):
        parse_fax_number("+1 555 0123")


def test_a_number_without_country_says_what_to_do():
    with pytest.raises(FaxNumberError, match="default_region"):
        parse_fax_number("202-555-0123")


@pytest.mark.parametrize("region", ["us", "Utopia", "", "ZZ", "+12025550123"])
def test_a_region_must_be_a_country(region):
    with pytest.raises(FaxConfigurationError) as caught:
        parse_fax_number("202-555-0123", region)
    assert shown_digits(str(caught.value)) <= 4


def test_a_number_shows_its_last_four_digits_only():
    number = FaxNumber("+12025550123")

    assert number.masked == "+*******0123"
    assert str(number) == f"{number}" == "+*******0123"
    assert repr(number) == "FaxNumber(+*******0123)"
    assert repr([number]) == "[FaxNumber(+*******0123)]"
    assert number.digits == "12025550123"


@pytest.mark.parametrize(
    ("number", "masked"),
    [("+12025550123", "+*******0123"), ("0123", "+****"), ("", "+"), ("+1 (202) 555-0123", "+*******0123")],
)
def test_masking(number, masked):
    assert mask_number(number) == masked


@given(st.text())
def test_a_mask_shows_four_digits_at_most(text):
    assert shown_digits(mask_number(text)) <= 4
    assert set(mask_number(text)) <= set("+*") | {character for character in text if character.isdigit()}


@given(
    st.text(alphabet="0123456789+-(). /#,;x", max_size=30) | st.text(max_size=30) | st.from_regex(r"\+?\d{1,20}"),
    st.sampled_from([None, "US", "DE", "GB"]),
)
def test_no_parse_error_shows_more_than_four_digits_of_the_number(text, region):
    error = None
    try:
        number = parse_fax_number(text, region)
    except FaxError as caught:
        error = caught
    if error is None:
        assert re.fullmatch(r"\+[1-9][0-9]{3,15}", number.e164)
        assert shown_digits(repr(number)) <= 4
    else:
        # "+1 202 555 0100" is the example that some messages give.
        assert shown_digits(str(error).replace("+1 202 555 0100", "")) <= 4
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize(
    ("sentence", "masked"),
    [
        ("no answer from +1 202 555 0123", "no answer from +*******0123"),
        ("(202) 555-0123 is busy", "(+******0123 is busy"),
        ("3 pages of 12, 0.15 a page", "3 pages of 12, 0.15 a page"),
        ("code 204000", "code 204000"),
    ],
)
def test_numbers_in_a_sentence_are_masked(sentence, masked):
    assert mask_numbers_in(sentence) == masked


@given(st.text(), st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True), st.text())
def test_no_long_number_survives_in_a_sentence(before, number, after):
    assert number not in mask_numbers_in(before + number + after)


def test_reading_a_simulator_number_loads_no_number_library():
    import subprocess

    program = (
        "import sys; from airflow_provider_faxto.fax.numbers import parse_fax_number; "
        "parse_fax_number('+999-9999-0'); sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
