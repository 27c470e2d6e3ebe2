"""What InterFAX lets one set for a fax: told in its own words, and checked before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax import SendOptions
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxInputError, FaxUnsupportedError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor

NUMBER = FaxNumber("+442079460958")
PDF = FaxDocument.from_bytes(b"%PDF-1.4 small", "pdf")
VENDOR = InterFaxVendor(login="clerk", password="secret-word")
CHOICES = {
    "page_size": ("pageSize", ["a4", "letter", "legal", "b4"]),
    "page_orientation": ("pageOrientation", ["portrait", "landscape"]),
    "fit_to_page": ("fitToPage", ["scale", "noscale"]),
    "resolution": ("resolution", ["standard", "fine"]),
    "rendering": ("rendering", ["grayscale", "bw"]),
}
TEXTS = {"sender_id": ("csid", 20), "contact": ("contact", 254), "page_header": ("pageHeader", 254)}


def told(**options: object) -> dict[str, str]:
    """What the request that sends tells the vendor beside the number."""
    query = dict(next(VENDOR.send_fax(NUMBER, [PDF], options=SendOptions(options))).query)
    assert query.pop("faxNumber") == "+442079460958"
    return query


def refusal(**options: object) -> str:
    """What the error says; no request was made."""
    with pytest.raises(FaxInputError) as caught:
        next(VENDOR.send_fax(NUMBER, [PDF], options=SendOptions(options)))
    return str(caught.value)


def test_all_options_are_told_in_the_vendors_words():
    assert told(
        sender_id="Clinic",
        contact="billing",
        page_size="letter",
        page_orientation="landscape",
        fit_to_page="noscale",
        resolution="fine",
        rendering="greyscale",
        page_header="To: {To} Pages: {TotalPages}",
        reply_address="desk@example.com",
        retries_at_vendor=1,
        postpone_until="2026-12-01T08:00:00+01:00",
    ) == {
        "csid": "Clinic",
        "contact": "billing",
        "pageSize": "letter",
        "pageOrientation": "landscape",
        "fitToPage": "noscale",
        "resolution": "fine",
        "rendering": "grayscale",
        "pageHeader": "To: {To} Pages: {TotalPages}",
        "replyAddress": "desk@example.com",
        "retriesToPerform": "1",
        "postponeTime": "2026-12-01T07:00:00Z",
    }


def test_what_is_not_set_is_not_told():
    assert told(sender_id=None, page_size="", contact="None") == {}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (_, values) in CHOICES.items() for value in values]
)
def test_a_value_of_a_list_is_taken_in_any_case(name, value):
    parameter = CHOICES[name][0]

    assert told(**{name: value}) == told(**{name: f" {value.upper()} "}) == {parameter: value}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("value", ["a3", " ", 5, True, ["a4"], {}])
def test_a_value_that_is_not_in_the_list_is_refused_with_the_list(name, value):
    message = refusal(**{name: value})

    assert f"InterFAX takes {name} as one of " in message
    assert all(choice in message for choice in CHOICES[name][1])
    assert "a3" not in message


@pytest.mark.parametrize(("name", "parameter", "longest"), [(name, *each) for name, each in TEXTS.items()])
def test_a_text_is_bounded(name, parameter, longest):
    assert told(**{name: f" {'x' * longest} "}) == {parameter: "x" * longest}
    assert refusal(**{name: "x" * (longest + 1)}) == (
        f"InterFAX takes {name} with 1 to {longest} characters; this one has {longest + 1}."
    )
    assert f"{name} with 1 to" in refusal(**{name: "  "})


@pytest.mark.parametrize("name", [*TEXTS, "reply_address"])
@pytest.mark.parametrize("character", "\n\r\t\0\x7f\x85\u2028\u2029\u200b\u202e\ud800", ids=ascii)
def test_controls_and_line_breaks_are_refused_and_the_text_is_not_shown(name, character):
    message = refusal(**{name: f"Roe{character}x"})

    assert message == f"InterFAX takes {name} as one line of printable text; this one has other characters in it."


@pytest.mark.parametrize("name", [*TEXTS, "reply_address"])
@pytest.mark.parametrize("value", [5, True, b"text", ["text"]])
def test_what_is_not_text_is_refused(name, value):
    said = refusal(**{name: value})
    assert said.startswith(f"InterFAX takes {name} as text, not as {type(value).__name__}. ")
    assert "put the template in quotes of its own" in said


@pytest.mark.parametrize("text", ["Größe № 5", "病院", "A\N{NO-BREAK SPACE}B", "a & b = c + d"])
def test_a_text_of_any_language_is_told_as_it_is(text):
    assert told(contact=text) == {"contact": text}


@pytest.mark.parametrize(("value", "number"), [(1, "1"), (6, "6"), ("3", "3"), (" 3 ", "3"), ("03", "3")])
def test_how_often_to_dial_is_a_number_or_text_of_one(value, number):
    assert told(retries_at_vendor=value) == {"retriesToPerform": number}


@pytest.mark.parametrize("value", [0, 7, -1, True, 2.0, "2.0", "often", "", " ", "٣", 10**40, "9" * 5000, [1]])
def test_any_other_number_of_dials_is_refused(value):
    if value == "":
        assert told(retries_at_vendor=value) == {}
    else:
        assert refusal(retries_at_vendor=value) == (
            "InterFAX takes retries_at_vendor as a whole number from 1 to 6; this is not one."
        )


@pytest.mark.parametrize(
    "moment",
    [
        "2026-12-01T08:00:00+01:00",
        "2026-12-01 07:00:00Z",
        "2026-12-01T07:00Z",
        " 2026-12-01T07:00:00.987654+00:00 ",
        "20261201T070000Z",
        datetime(2026, 12, 1, 7, tzinfo=UTC),
        datetime(2026, 12, 1, 2, tzinfo=timezone(timedelta(hours=-5))),
        pendulum.datetime(2026, 12, 1, 8, tz="Europe/Berlin"),
        # What a template makes of one.
        str(pendulum.datetime(2026, 12, 1, 8, tz="Europe/Berlin")),
    ],
    ids=str,
)
def test_a_moment_is_told_in_gmt(moment):
    assert told(postpone_until=moment) == {"postponeTime": "2026-12-01T07:00:00Z"}


@pytest.mark.parametrize(
    "value",
    [
        "2026-12-01T08:00:00",
        "2026-12-01",
        "tomorrow",
        "08:00+01:00",
        "1.12.2026 08:00",
        "2026-13-01T08:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        datetime(2026, 12, 1, 8),  # noqa: DTZ001 - without a zone on purpose
        datetime(2026, 12, 1, tzinfo=UTC).date(),
        1796112000,
        True,
        " ",
    ],
    ids=str,
)
def test_what_is_not_a_moment_with_its_zone_is_refused(value):
    message = refusal(postpone_until=value)

    assert message.startswith("InterFAX takes postpone_until as a date and time of ISO 8601 with its zone")


@given(st.sampled_from(sorted(VENDOR.send_options)), st.one_of(st.text(), st.integers(), st.floats(), st.booleans()))
def test_any_value_is_told_in_one_line_or_refused(name, value):
    options = SendOptions({name: value})
    try:
        query = next(VENDOR.send_fax(NUMBER, [PDF], options=options)).query[1:]
    except FaxInputError:
        return

    assert len(query) == len(options)
    assert all(len(text) <= 254 and len(text.splitlines()) == 1 and text.encode() for _, text in query)


def test_an_option_of_another_vendor_is_refused_by_name_with_those_there_are():
    message = refusal(delete_after_sending=True)

    assert message.startswith("InterFAX has no use for delete_after_sending. It takes contact, fit_to_page, ")


def test_a_name_that_is_like_one_of_the_vendors_is_told_which():
    with pytest.raises(FaxUnsupportedError, match=r"no use for postpone_untill\. Did you mean postpone_until\?"):
        next(VENDOR.send_fax(NUMBER, [PDF], options=SendOptions(postpone_untill="x")))


def test_extrafax_cloud_takes_the_same_and_is_called_by_its_name():
    vendor = ExtraFaxVendor(login="clerk", password="secret-word")

    assert vendor.send_options == VENDOR.send_options
    with pytest.raises(FaxInputError, match="ExtraFax Cloud takes page_size as one of"):
        next(vendor.send_fax(NUMBER, [PDF], options=SendOptions(page_size="a3")))
