"""Texts of a vendor: fit to be stored and shown, and without what the request and the account held."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.vendors.base import FaxRequest, MultipartPart, RequestKind
from airflow_provider_faxto.vendors.parsing import as_label, as_reference, as_text, private_texts, scrub

NUMBER = "+12025550123"
SECRET = "5up3r+s3cret/k-ey="
KEY = "airflow-" + "01" * 12 + "-" + "23" * 8


@pytest.mark.parametrize(
    ("value", "text"), [(" Busy ", "Busy"), ("", None), ("  ", None), (5, None), (None, None), (["x"], None)]
)
def test_texts(value, text):
    assert as_text(value) == text


def digits_of(text):
    return "".join(str(unicodedata.decimal(letter)) for letter in text if letter.isdecimal())


def assert_fit(text):
    """Check that PostgreSQL can store a text and that it stands in one line and can be seen."""
    assert text.encode()
    assert text.isprintable()
    assert text == text.strip()
    assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" Line  busy\r\n", "Line busy"),
        ("a\x00b\x1b[31mc\x85d", "a b [31mc d"),
        ("a\u202eb\u200bc\u2066d\ufeffe\u00adf", "abcdef"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("1\ufe0f\u20e3", "1\u20e3"),
        ("a\u2028b\u00a0c", "a b c"),
        ("M\u00fcller & S\u00f6hne 100%25 \\n &amp;", "M\u00fcller & S\u00f6hne 100%25 \\n &amp;"),
        ("\u200b\x00 ", None),
        ("", None), (None, None), (5, None), (float("nan"), None), (["x"], None),
    ],
)  # fmt: skip
def test_a_text_is_made_fit_to_be_shown(text, shown):
    assert scrub(text) == shown


def test_a_text_is_cut_after_its_numbers_are_masked():
    assert scrub("x" * 300) == "x" * 200 + "..."
    assert scrub("x" * 190 + " 12025550123") == "x" * 190 + " *******01..."
    assert scrub("abc", limit=2) == "ab..."


@pytest.mark.parametrize("shift", range(0, 400, 7))
def test_a_number_where_a_very_long_text_is_cut_does_not_show(shift):
    text = "\u200b" * (200 * 64 - shift) + "+1 202 555 0123" * 30

    assert "555" not in (scrub(text, private=[NUMBER]) or "")


def encodings(text):
    """The text in every encoding in which a server may repeat it."""
    yield text
    for layer in (
        quote(text, safe=""),
        quote(text, safe="").lower(),
        quote_plus(text),
        "".join(f"%{ord(letter):02x}" for letter in text),
        "".join(f"&#{ord(letter)};" for letter in text),
        "".join(f"&#x{ord(letter):X};" for letter in text),
        "".join(f"&#{ord(letter):07d}" for letter in text),
        text.replace("+", "&plus;").replace("/", "&sol;").replace("=", "&equals;"),
        "".join(f"\\u{ord(letter):04x}" for letter in text),
        "".join(f"\\u{ord(letter):04X}" for letter in text),
        "".join(f"%u{ord(letter):04x}" for letter in text),
        "".join(f"\\x{ord(letter):02x}" for letter in text),
        text.replace("/", "\\/").replace("+", "\\u002b"),
        text.replace("-", "\u2011").replace("+", "\uff0b"),
        "\u200b".join(text),
        "\ufe0f".join(text),
        "%E2%80%8B".join(text),
    ):
        yield layer
        yield quote(layer, safe="")
        yield layer.replace("&", "&amp;")
        yield layer.replace("\\", "\\\\")


@pytest.mark.parametrize("text", sorted(set(encodings(SECRET))))
def test_a_secret_shows_in_no_encoding(text):
    shown = scrub(f"Key {text} is not valid", secrets=[SECRET])

    assert shown is not None
    assert shown.startswith("Key ***")
    assert "s3cr" not in shown


@pytest.mark.parametrize("text", ["s3cret", "S3%43RET", "p@ss%20wo", "p@ss+wo", "p@ss wo", "p%40ss&nbsp;wo"])
def test_a_short_secret_is_found_as_it_is(text):
    shown = scrub(f"no {text}!", secrets=["s3cret", "S3CRET", "p@ss wo", "p@ss+wo"])

    assert shown == "no ***!"


@pytest.mark.parametrize(
    "text",
    [
        *sorted(set(encodings("+1 202-555-0123"))),
        "1%20202%20555%200123", "1 202 &#45; 555 &ndash; 0123", "1\u2013202\u2212555\u20100123", "1_202_555_0123",
        "1 | 202 | 555 | 0123", "(202) 555 - - 0123", "1   202      555     0123", "1\u00b7202\u2022555:0123",
        "\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0662\u0663",
        "\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13",
        "1,202,555,0123", "0012025550123", "555 0 1 2 3", "1\n202\n555\n0123", "1&nbsp;202&nbsp;555&nbsp;0123",
        "1<wbr>202<wbr>555<wbr>0123", "1\ud800202\ud8005550123", "1\u0301202\u03015550123",
    ],
)  # fmt: skip
def test_the_requests_own_number_shows_in_no_encoding(text):
    shown = scrub(f"No fax to {text}.", private=[NUMBER])

    assert shown is not None
    assert "555" not in digits_of(shown)
    assert digits_of(shown).endswith("0123")


def test_another_number_is_masked_too():
    assert scrub("call +44 20 7946 0958") == "call +********0958"
    assert scrub("call 44_20_7946_0958, or 44,20,7946:0958") == "call ********0958, or ********0958"
    assert scrub("call %2B44&#32;20%207946%200958") == "call +********0958"


def test_what_a_request_carried_does_not_show():
    shown = scrub("Contact &quot;Jane%20Roe&quot; is unknown at fine", private=["Jane Roe", NUMBER])

    assert shown == 'Contact "***" is unknown at fine'


@pytest.mark.parametrize(
    ("body", "private"),
    [
        ({}, []),
        ({"form": [("document_id", "300"), ("replyAddress", "jane@example.com")]}, ["jane@example.com"]),
        ({"json": {"to": {"mail": "jane@example.com"}, "pages": [1, "fine"]}}, ["jane@example.com"]),
        (
            {
                "parts": [
                    MultipartPart(name="AddRemoteFile", content="https://example.com/a.pdf?sig=1"),
                    MultipartPart(name="file", content=FaxDocument.from_bytes(b"x", "pdf")),
                ]
            },
            ["https://example.com/a.pdf?sig=1"],
        ),
    ],
)
def test_private_in_a_request_are_numbers_and_with_a_fax_names_and_addresses_too(body, private):
    def request(kind):
        return FaxRequest(
            action="send a fax", kind=kind, method="POST", path="/outbound/faxes", headers={"Range": "bytes=0-5"},
            query=[("faxNumber", NUMBER), ("contact", "Jane Roe"), ("resolution", "fine"), ("reference", KEY)], **body,
        )  # fmt: skip

    assert private_texts(request(RequestKind.READ)) == [NUMBER]
    assert set(private_texts(request(RequestKind.SEND))) == {NUMBER, "Jane Roe", *private}


@given(st.text() | st.text(alphabet="\\%&#;xu0123456789+-\ud83d\u200b \x00ab"), st.text(max_size=12))
def test_any_text_is_fit_to_be_shown_and_holds_no_secret(text, secret):
    assume(not secret or secret.isprintable())
    shown = scrub(text, secrets=[secret], private=[NUMBER, secret])

    if shown is not None:
        assert_fit(shown)
        assert len(shown) <= 203
        assert len(secret) < 3 or secret not in shown or secret.strip("*") == ""


letters = st.sampled_from(
    ["", " ", "-", "%20", "&#32;", "\u200b", "\\u002d", "\u2013", "(", ")", ".", "/", "\x00", "_", "\ud800"]
)


@given(st.lists(letters, min_size=11, max_size=11), st.text(alphabet="ab %&;", max_size=5))
def test_whatever_stands_between_its_digits_the_number_does_not_show(between, around):
    text = around + "".join(digit + sign for digit, sign in zip(NUMBER[1:], between, strict=True)) + around
    shown = scrub(text, private=[NUMBER])

    assert shown is not None
    assert "555" not in digits_of(shown)


# Labels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [KEY, KEY.upper(), f"{KEY}.pdf", f"{KEY}.pdf.tiff", "airflow-" + "0123456789abcdef" * 2]
)
def test_a_key_of_ours_is_shown_as_it_is(text):
    assert as_label(text) == text


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("Dr. Jane Roe +1 202 555 0123", "Dr. Jane Roe +*******0123"),
        ("letter-12025550123.pdf", "letter-*******0123.pdf"),
        (f"{KEY} +12025550123", None),
        ("a\x00b\ud800", "a b\ufffd"),
        ("  ", None), (7, None), (None, None),
    ],
)  # fmt: skip
def test_any_other_label_is_masked(label, shown):
    if shown is None and isinstance(label, str) and label.strip():
        assert "555" not in as_label(label)
    else:
        assert as_label(label) == shown


@given(st.text() | st.text(alphabet="airflow-0123456789abcdef.\x00\ud800", max_size=80) | st.integers() | st.none())
def test_any_label_is_fit_to_be_stored(label):
    shown = as_label(label)
    if shown is not None:
        assert_fit(shown)
        assert len(shown) <= 123


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        (KEY, KEY),
        (KEY.upper(), KEY.upper()),
        ("order-4711", "order-4711"),
        ("Dr. Jane Roe", "***"),
        ("Roe, Jane +1 202 555 0123", "***"),
        ("letter-12025550123.pdf", "***"),
        (f"{KEY} for Jane Roe", "***"),
        ("Jane%20Roe", "***"),
        ("J\u00e4ne\x00\ud800", "***"),
        ("x" * 300, "***"),
        (" ", None), (7, None), (None, None),
    ],
)  # fmt: skip
def test_a_reference_that_may_name_a_person_is_not_shown(reference, shown):
    assert as_reference(reference) == shown
