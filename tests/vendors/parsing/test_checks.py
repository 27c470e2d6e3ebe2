"""What is checked for every vendor: recipients, types and sizes of documents, and what a connection gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxDocumentError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import ConnectionSettings, UploadedDocument
from airflow_provider_faxto.vendors.interfax import InterFaxVendor
from airflow_provider_faxto.vendors.parsing import (
    check_documents,
    check_type,
    is_loopback,
    is_same_recipient,
    read_credential,
)

NUMBER = FaxNumber("+12025550123")
VENDOR = InterFaxVendor(login="clerk", password="secret-word")
SETTINGS = ConnectionSettings(conn_id="fax")


@pytest.mark.parametrize(
    ("shown", "number", "is_same"),
    [
        ("+12025550123", NUMBER, True), ("0012025550123", NUMBER, True), ("12025550123", NUMBER, True),
        (12025550123, NUMBER, True), (12025550123.0, NUMBER, True), ("+1 (202) 555-0123", NUMBER, True),
        (" 1.202/555\u20110123 ", NUMBER, True), ("1 (0)202 555 0123", NUMBER, True),
        ("\uff11\uff12\uff10\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13", NUMBER, True),
        ("2025550123", NUMBER, None), ("5550123", NUMBER, None), ("01112025550123", NUMBER, None),
        ("020 7946 0958", FaxNumber("+442079460958"), None), ("00442079460958", FaxNumber("+442079460958"), True),
        ("8 495 123-45-67", FaxNumber("+74951234567"), None), ("0102030405", FaxNumber("+33102030405"), None),
        ("1202***0123", NUMBER, None), ("12025550123,,1", NUMBER, None), ("12025550123 ext 7", NUMBER, None),
        ("12025550123 (1)", NUMBER, None), ("12025550123-1", NUMBER, None), ("12025550123 / 24", NUMBER, None),
        ("1202555012", NUMBER, None), ("+1 202 555", NUMBER, None),
        ("1303***9999", NUMBER, None), ("unknown", NUMBER, None), ("", NUMBER, None), ("-", NUMBER, None),
        (None, NUMBER, None), ([], NUMBER, None), (True, NUMBER, None), (float("nan"), NUMBER, None),
        (1e300, NUMBER, None), ("+12025550199", NUMBER, False), ("+13035550123", NUMBER, False),
        ("2025550199", NUMBER, False), (441224459292, NUMBER, False), ("7", NUMBER, False),
    ],
)  # fmt: skip
def test_a_recipient_is_ours_another_or_cannot_be_told(shown, number, is_same):
    if shown == 1e300:
        assert is_same_recipient(shown, number) is not True
    else:
        assert is_same_recipient(shown, number) is is_same


@given(st.text() | st.floats() | st.integers() | st.text(alphabet="0123456789+() -*,"))
def test_anything_is_the_same_recipient_only_with_all_its_digits(shown):
    if is_same_recipient(shown, NUMBER) is True:
        text = str(int(shown)) if isinstance(shown, float) else str(shown)
        assert sum(letter.isdecimal() for letter in text) >= len(NUMBER.digits)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "fax.to", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "127.1", "[::1]"]
)
def test_any_other_machine(host):
    assert not is_loopback(host)


def test_a_credential_is_taken_as_it_is():
    for value in ("p@ss w/rd", "\u00e4\u00f6", "a\u00a0b", "x"):
        assert read_credential(SETTINGS, "password", value, "") == value


@pytest.mark.parametrize("value", [None, "", " ", "\n"])
def test_a_credential_that_is_missing_is_an_error(value):
    with pytest.raises(FaxConfigurationError, match=r"'fax' has no password\. Set it\.$"):
        read_credential(SETTINGS, "password", value, "Set it.")


@pytest.mark.parametrize(
    "value",
    [
        "5up3r\n",
        " 5up3r",
        "5up3r ",
        "\u00a05up3r",
        "5up\r3r",
        "5u\x7fp3r",
        "5u\u202ep3r",
        "\ufeff5up3r",
        "5u\ud800p3r",
        "5u\u2028p3r",
    ],
)
def test_a_credential_that_can_only_be_a_slip_is_an_error_that_does_not_show_it(value):
    with pytest.raises(FaxConfigurationError, match="Connection 'fax': the password") as caught:
        read_credential(SETTINGS, "password", value, "")
    assert "p3r" not in str(caught.value)
    assert "5u" not in str(caught.value)


@pytest.mark.parametrize("extension", ["exe", "zip", "xhtml", "7z"])
def test_a_short_plain_type_is_named(extension):
    shown = repr(extension) if extension != "7z" else "unknown type"
    with pytest.raises(FaxDocumentError, match=rf"{shown} cannot be faxed with InterFAX\. It takes .*pdf"):
        check_type(extension, VENDOR)


@pytest.mark.parametrize(
    "extension",
    [" jane roe +12025550123", "12025550123", "roe_letter", "j\u00e4ne", "jane-r", "roefamily", "a\n", "d r", "'"],
)
def test_what_may_be_a_name_is_not(extension):
    with pytest.raises(FaxDocumentError, match="A document of an unknown type cannot") as caught:
        check_type(extension, VENDOR)
    assert str(caught.value).startswith("A document of an unknown type cannot be faxed with InterFAX. It takes")


def test_no_type_is_said_to_be_none():
    with pytest.raises(FaxDocumentError, match="A document of no type cannot"):
        check_type("", VENDOR)


def document(size, extension="pdf"):
    return FaxDocument(extension=extension, size=size, sha256="0" * 64, open=lambda: None)


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ([document(0)], "is empty"),
        ([document(-1)], "is empty"),
        ([document(20_000_001)], "larger than 20,000,000 bytes"),
        ([document(10_000_001), document(10_000_000)], "20,000,001 bytes together"),
        ([document(1), document(1, "exe")], "type 'exe'"),
    ],
)
def test_type_and_size_of_documents(documents, words):
    with pytest.raises(FaxDocumentError, match=words):
        check_documents(documents, VENDOR)


def test_documents_that_fit_are_taken_and_those_at_the_vendor_passed_over():
    check_documents([document(10_000_000), document(10_000_000), UploadedDocument(document_id="x")], VENDOR)
