"""What Fax.to lets one set for a fax, checked before anything is sent."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.fax import SendOptions
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import ConnectionSettings, UploadedDocument
from airflow_provider_faxto.vendors.faxto import FaxToVendor

NUMBER = FaxNumber("+12025550123")
UPLOADED = UploadedDocument(document_id="300", pages=1)
VENDOR = FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password="the-key"))


def told(**options: object) -> list[tuple[str, str]]:
    """What the request that sends tells the vendor beside number and document."""
    return next(VENDOR.send_fax(NUMBER, [UPLOADED], options=SendOptions(options))).form[2:]


def refusal(**options: object) -> str:
    """What the error says; no request was made."""
    with pytest.raises(FaxInputError) as caught:
        next(VENDOR.send_fax(NUMBER, [UPLOADED], options=SendOptions(options)))
    return str(caught.value)


def test_what_is_not_set_is_not_told():
    assert told() == told(sender_id="", delete_after_sending="None") == []


def test_the_sender_is_one_line_of_at_most_32_characters():
    assert told(sender_id=" +12025550100 ") == [("tsi_number", "+12025550100")]
    assert told(sender_id="x" * 32) == [("tsi_number", "x" * 32)]
    assert refusal(sender_id="x" * 33) == "Fax.to takes sender_id with 1 to 32 characters; this one has 33."
    assert "1 to 32 characters" in refusal(sender_id=" ")
    assert "one line of printable text" in refusal(sender_id="Roe\nx")
    assert "as text, not as int" in refusal(sender_id=12025550100)


@pytest.mark.parametrize("value", [True, "True", "true", " TRUE "])
def test_the_document_is_deleted_where_that_is_said(value):
    assert told(delete_after_sending=value) == [("delete_file", "1")]


@pytest.mark.parametrize("value", [False, "False", "false"])
def test_the_document_is_kept_where_that_is_said(value):
    assert told(delete_after_sending=value) == []


@pytest.mark.parametrize("value", [1, 0, "1", "yes", " ", [], 2.0])
def test_any_other_word_for_deleting_is_refused(value):
    assert refusal(delete_after_sending=value) == "Fax.to takes delete_after_sending as true or false; this is neither."
