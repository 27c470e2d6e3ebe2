"""Fax numbers: what is accepted, and that a number is never shown whole."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import assume, given
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
    ("text", "region", "e164"),
    [
        ("+49 (0)30 901820", None, "+4930901820"),
        ("+49 (0) 30 / 901820", None, "+4930901820"),
        ("(+49) 30 901820", None, "+4930901820"),
        ("+39 (0)6 12345678", None, "+390612345678"),
        ("06 12345678", "IT", "+390612345678"),
        ("+49 30 901820-55", None, "+493090182055"),
        ("030/901821-55", "DE", "+493090182155"),
        ("030/901821", "DE", "+4930901821"),
        ("030 / 901821", "DE", "+4930901821"),
        ("+49/30/901820", None, "+4930901820"),
        ("04921/871234", "DE", "+494921871234"),
        ("202/555/0100", "US", "+12025550100"),
        ("02/123.45.67", "BE", "+3221234567"),
        ("01.23.45.67.89", "FR", "+33123456789"),
        ("12-34-56-78", "DK", "+4512345678"),
        ("+1.2025550100", None, "+12025550100"),
        ("+49 4921 871234", None, "+494921871234"),
        ("+46 46 812 34 56", None, "+46468123456"),
        ("046-812 34 56", "SE", "+46468123456"),
        ("044 668 18 00", "CH", "+41446681800"),
        ("+55 55 3222 1234", None, "+555532221234"),
        ("+86 20 8123 4567", None, "+862081234567"),
        ("+1 20 15550000", None, "+12015550000"),
        ("20261125", "DK", "+4520261125"),
        ("tel:+49-30-901820", None, "+4930901820"),
        ("TEL:+1-202-555-0100", "DE", "+12025550100"),
        ("fax:+12025550100", None, "+12025550100"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("011 49 30 901820", "US", "+4930901820"),
        ("1 202 555 0100", "US", "+12025550100"),
        ("+1 1 202 555 0100", None, "+12025550100"),
        ("49 30 901820", "DE", "+4930901820"),
        ("44 20 7946 0958", "GB", "+442079460958"),
        ("47123456", "NO", "+4747123456"),
        ("392 1234567", "IT", "+393921234567"),
        ("91234 56789", "IN", "+919123456789"),
        ("55 3222 1234", "BR", "+555532221234"),
    ],
)
def test_what_has_one_reading_is_accepted(text, region, e164):
    assert parse_fax_number(text, region).e164 == e164


@pytest.mark.parametrize(
    "text",
    [
        "\uff0b\uff11 \uff12\uff10\uff12 \uff15\uff15\uff15 \uff10\uff11\uff10\uff10",
        "+\u0661 \u0662\u0660\u0662 \u0665\u0665\u0665 \u0660\u0661\u0660\u0660",
        "+1\u2013202\u2014555\u22120100",
        "+1\u00a0202\u2009555\u202f0100",
        "+1 202\u200b555\u00ad0100",
        "\u202a+1 202 555 0100\u202c",
        "\ufeff+1 202 555 0100",
        "'+1 202 555 0100",
        '"+1 202 555 0100"',
        "+1 202 555 0100\n",
        "(+1 202 555 0100)",
    ],
)
def test_other_writing_systems_and_what_copying_adds_are_read_as_their_plain_forms(text):
    assert parse_fax_number(text).e164 == "+12025550100"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("49 7755 91155", "DE"),
        ("4977 5591155", "DE"),
        ("46 8 123456", "SE"),
        ("62 21 1234567", "ID"),
        ("352 123456", "LU"),
    ],
)
def test_a_national_number_that_is_also_international_without_its_plus_is_refused(text, region):
    with pytest.raises(FaxNumberError) as caught:
        parse_fax_number(text, region)

    message = str(caught.value)
    assert f"a national number of {region}, or an international one of {region} without its plus" in message
    assert shown_digits(message) == 4
    assert text.replace(" ", "")[-4:] in message


@pytest.mark.parametrize(
    ("text", "region", "words"),
    [
        ("049 30 901820", "DE", "an international one without its plus"),
        ("0049 30 901820", "JP", "an international one without its plus"),
        ("12025550100", "DE", "an international one without its plus"),
        ("+49 49 30 901820", None, "country code written twice"),
        ("+49 49 7755 91155", None, "second country code"),
        ("+49 (49) 7755 91155", None, "second country code"),
        ("0049 49 7755 91155", "DE", "second country code"),
        ("+49 44 20 7946 0958", None, "second country code"),
        ("+1 49 30 901820", None, "second country code"),
        ("049 211 123456", "DE", "an international one without its plus"),
        ("0 49 7755 91155", "DE", "an international one without its plus"),
        ("044 20 7946 0958", "DE", "an international one without its plus"),
        ("+49 049 30 901820", None, "country code written twice"),
        ("0049 49 30 901820", "DE", "country code written twice"),
        ("+352 (0)27 12 34 56", None, "the zero in brackets, or without it"),
        ("+49 30 901820 (55)", None, "digits in brackets at its end, or without them"),
        ("0 030 901820", "DE", "a zero for an outside line"),
        ("01033 030 901820", "DE", "a prefix before the number itself"),
        ("03.05.1987", "DE", "a date, or a fax number"),
    ],
)
def test_a_text_with_two_readings_is_refused_and_both_are_named(text, region, words):
    with pytest.raises(FaxNumberError, match="has two readings: ") as caught:
        parse_fax_number(text, region)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "1.2025550100E+10",
        "1.2025550100e10",
        "4.93E+11",
        "4,93E+11",
        "4.E+11",
        "1.2025550100",
        "12025550100.0",
        "12025550100.00",
        "+12025550100.0",
        "4930901820.0000",
        "030 901820.55",
        "12 025 550 100.0",
    ],
)
@pytest.mark.parametrize("region", [None, "US", "DE"])
def test_a_decimal_number_is_refused(text, region):
    with pytest.raises(FaxNumberError, match="is a decimal number"):
        parse_fax_number(text, region)


@pytest.mark.parametrize(
    "text",
    [
        "03.05.1987",
        "3.5.1987",
        "03. 05. 1987",
        "03.05.87",
        "03/05/1987",
        "12/25/2026",
        "25-12-2026",
        "03 05 1987",
        "2026-11-25",
        "2026/11/25",
        "2026.11.25.",
        "2026-11-25T10:30:00",
        "2026-11-25 10:30:00+00:00",
        "2026-11-25 103000",
        "03.05.1987 10.30",
        "12/2026",
        "05.1987",
        "25.11.",
    ],
)
@pytest.mark.parametrize("region", [None, "US", "DE", "LU"])
def test_a_date_is_refused(text, region):
    with pytest.raises(FaxNumberError, match="a date, or a fax number"):
        parse_fax_number(text, region)


@pytest.mark.parametrize(
    ("text", "region"),
    [("20261125", "DE"), ("19870503", "DE"), ("20240201", "JP"), ("25112026", "DE"), ("25112026", "NO")],
)
def test_a_date_without_separators_is_refused_where_no_number_is_written_so(text, region):
    with pytest.raises(FaxNumberError, match="a date, or a fax number"):
        parse_fax_number(text, region)


@pytest.mark.parametrize(
    "text", ["tel:+1-202-555-0100;ext=5", "tel:5550100;phone-context=+1202", "tel:", "mailto:+12025550100"]
)
def test_a_uri_that_holds_more_than_a_number_is_refused(text):
    with pytest.raises(FaxNumberError):
        parse_fax_number(text, "US")


def usual_spellings():
    """An example of a fixed line and of a mobile of each region, as its country and others write it."""
    formats = phonenumbers.PhoneNumberFormat
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                forms = (formats.NATIONAL, formats.INTERNATIONAL, formats.E164, formats.RFC3966)
                written = [phonenumbers.format_number(number, form) for form in forms]
                yield region, written[2], [*written, written[1].replace(" ", "-")]


def test_the_usual_spellings_of_every_region_are_accepted():
    refused = []
    for region, e164, written in usual_spellings():
        for text in written:
            try:
                assert parse_fax_number(text, region).e164 == e164
            except FaxNumberError:
                refused.append((region, text))

    # New Caledonia writes numbers of six digits as others write dates, and its example looks like one.
    assert refused == [("NC", "20.12.34")]


@pytest.mark.parametrize("text", ["22 10 20 34", "99.12.34.56", "45-12-2034", "8 0152 17-12-87"])
def test_pairs_of_digits_are_not_taken_for_a_date(text):
    region = "BY" if text.startswith("8") else "DE"
    assert parse_fax_number(text, region).digits.endswith(re.sub(r"\D", "", text)[-4:])


@pytest.mark.parametrize(
    "text",
    [
        "(030) 12345678 / 79",
        "+43 1 51234-56 / 57",
        "+49 30 901820/1",
        "+49 30 901820 / 21",
        "030/901821/22",
        "030 901820/901830",
        "030 901820-901829",
        "01 51234 01 51235",
        "030 12345678 + 79",
        "030 12345678 & 79",
        "030 12345678 \\ 79",
        "+1 202 555 0100 / +1 202 555 0101",
        "+1 202 555 0100 +1 202 555 0101",
        "+1 202 555 0100; +1 202 555 0101",
        "+1 202 555 0100,+1 202 555 0101",
        "+1 202 555 0100|+1 202 555 0101",
        "+1 202 555 0100\n+1 202 555 0101",
        "2025550100;2025550101",
        "12025550100,,1",
    ],
)
def test_two_numbers_in_one_text_are_refused(text):
    with pytest.raises(FaxNumberError, match=r"two numbers|several numbers|a second number"):
        parse_fax_number(text, "DE")


@pytest.mark.parametrize("word", ["or", "und", "/ Fax", "oder"])
def test_two_numbers_joined_by_a_word_are_refused(word):
    with pytest.raises(FaxNumberError):
        parse_fax_number(f"+1 202 555 0100 {word} +1 202 555 0101")


@pytest.mark.parametrize("text", ["*31*030123456", "#31#030123456", "*67 202 555 0100", "**21*030123456#"])
@pytest.mark.parametrize("region", ["DE", "US"])
def test_a_service_prefix_is_refused(text, region):
    with pytest.raises(FaxNumberError, match="service prefixes"):
        parse_fax_number(text, region)


@pytest.mark.parametrize(
    "text",
    [
        "+49 0049 30 12345678",
        "+49 (0049) 30 12345678",
        "+49 +49 30 12345678",
        "+1 +1 202 555 0100",
        "0049 0049 30 12345678",
        "0049 +49 30 12345678",
    ],
)
def test_a_second_country_code_is_refused(text):
    with pytest.raises(FaxNumberError, match="second country code"):
        parse_fax_number(text, "DE")


@pytest.mark.parametrize(
    "text", ["+1 202 555 0100\u00b2", "\u202e+1 202 555 0100", "+1\t202 555 0100", "+1 202 555 0100~1", "=12025550100"]
)
def test_other_characters_are_refused(text):
    with pytest.raises(FaxNumberError):
        parse_fax_number(text, "US")


@pytest.mark.parametrize("text", ["+999-9999-0", "+99999996017", "00999-9999-204000"])
def test_a_vendors_own_test_number_is_not_a_number(text):
    with pytest.raises(FaxNumberError):
        parse_fax_number(text, "DE")


def test_a_number_that_is_not_text_says_so():
    with pytest.raises(FaxNumberError, match="is not text"):
        parse_fax_number(12025550100, "US")


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
    [
        ("+12025550123", "+*******0123"),
        ("0123", "****"),
        ("", ""),
        ("+1 (202) 555-0123", "+*******0123"),
        # A plus that was not there would say that the number is complete.
        ("030 2025550123", "*********0123"),
    ],
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
        ("(202) 555-0123 is busy", "(******0123 is busy"),
        ("3 pages of 12, 0.15 a page", "3 pages of 12, 0.15 a page"),
        ("code 204000", "code 204000"),
    ],
)
def test_numbers_in_a_sentence_are_masked(sentence, masked):
    assert mask_numbers_in(sentence) == masked


@given(st.text(), st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True), st.text())
def test_no_long_number_survives_in_a_sentence(before, number, after):
    assert number not in mask_numbers_in(before + number + after)


def read_or_refused(text, region):
    """Give the E.164 form, or ``None`` for a number that is refused."""
    try:
        return parse_fax_number(text, region).e164
    except FaxNumberError:
        return None


REGIONS = ["AT", "AU", "BE", "BR", "CH", "DE", "FR", "GB", "ID", "IN", "IT", "JP", "LU", "NO", "SE", "US"]


@st.composite
def valid_numbers(draw):
    """A region and a valid number of it."""
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
    national = phonenumbers.national_significant_number(example)
    tail = draw(st.text("0123456789", min_size=4, max_size=4))
    number = phonenumbers.parse(f"+{example.country_code}{national[:-4]}{tail}")
    assume(phonenumbers.is_valid_number_for_region(number, region))
    return region, number


@given(valid_numbers(), st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013"]), st.data())
def test_each_way_to_write_a_valid_number_gives_that_number_or_is_refused(valid, separator, data):
    region, number = valid
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    code, national = str(number.country_code), e164[1 + len(str(number.country_code)) :]
    cut = data.draw(st.integers(2, 4))

    assert parse_fax_number(f"+{code}{separator or ' '}{national[:cut]} {national[cut:]}").e164 == e164
    for written in (
        f"{national[:cut]}{separator}{national[cut:]}",
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL),
        f"{code} {national}",
        f"00{code} {national}",
    ):
        assert read_or_refused(written, region) in {e164, None}


@pytest.mark.parametrize(("text", "region"), [("0001", "AT"), ("000 12345", "AT"), ("0001234567", "DE")])
def test_a_way_abroad_that_leads_to_no_country_is_refused(text: str, region: str) -> None:
    with pytest.raises(FaxNumberError, match="begins with a country code that no country has"):
        parse_fax_number(text, region)


@given(
    st.from_regex(r"\(?\+?[0-9]{1,5}\)?( ?[-/. ]? ?[0-9]{1,7}){1,4}", fullmatch=True), st.sampled_from([None, *REGIONS])
)
def test_what_is_accepted_is_the_same_number_when_it_is_read_again(text, region):
    e164 = read_or_refused(text, region)
    if e164 is not None:
        assert read_or_refused(e164, region) == e164
        # Nothing is dialled that was not written, but the country code.
        digits = re.sub(r"\D", "", text)
        assert len(e164) <= 1 + 3 + len(digits)
        assert e164.endswith(digits[-4:])
