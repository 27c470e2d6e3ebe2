"""ExtraFax Cloud: InterFAX's API at the user's host, with its own name and its own page of codes."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.codes import STATUS_CODES
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxRefusedError, FaxUnsupportedError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.vendors.base import ConnectionSettings
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor

NUMBER = FaxNumber("+12025550123")
PDF = FaxDocument.from_bytes(b"%PDF-1.4", "pdf")


@pytest.fixture
def vendor():
    return ExtraFaxVendor.from_settings(
        ConnectionSettings(conn_id="fax", host="https://fax.example.com", login="clerk", password="secret-word")
    )


def test_no_host_is_made_up_for_it():
    assert ExtraFaxVendor.default_host is None
    assert InterFaxVendor.default_host == "https://rest.interfax.net"


def test_it_is_named_as_itself(vendor, run, answer):
    job = run(vendor.send_fax(NUMBER, [PDF]), [answer(201, location="https://fax.example.com/outbound/faxes/12")])
    status = run(vendor.get_status("12"), [answer(200, {"id": 12, "status": -1})])

    assert (job.vendor, status.vendor) == ("extrafax", "extrafax")
    with pytest.raises(FaxRefusedError, match="ExtraFax Cloud answered HTTP 400"):
        run(vendor.send_fax(NUMBER, [PDF]), [answer(400, {"code": -112})])
    with pytest.raises(FaxUnsupportedError, match="ExtraFax Cloud has no use for"):
        run(vendor.send_fax(NUMBER, [PDF], options=SendOptions(delete_after_sending=True)))
    with pytest.raises(FaxConfigurationError, match="ExtraFax Cloud needs"):
        ExtraFaxVendor.from_settings(ConnectionSettings(conn_id="fax", login="clerk"))


@pytest.mark.parametrize("code", sorted(STATUS_CODES))
def test_a_code_means_the_same_and_says_where_it_is_not_listed(vendor, run, answer, code):
    interfax = InterFaxVendor(login="clerk", password="secret-word")
    response = answer(200, {"id": 12, "status": code})

    ours, theirs = run(vendor.get_status("12"), [response]), run(interfax.get_status("12"), [response])

    assert (ours.outcome, ours.cause, ours.code) == (theirs.outcome, theirs.cause, theirs.code)
    assert theirs.message == STATUS_CODES[code].label
    if STATUS_CODES[code].in_extrafax:
        assert ours.message == theirs.message
    else:
        assert ours.message == f"{theirs.message} (listed by InterFAX only, not on ExtraFax's page)"


def test_a_code_that_nobody_lists_is_said_to_be_so_by_both(vendor, run, answer):
    response = answer(200, {"id": 12, "status": 424242})
    interfax = InterFaxVendor(login="clerk", password="secret-word")

    for each in (vendor, interfax):
        status = run(each.get_status("12"), [response])
        assert status.outcome is FaxOutcome.UNKNOWN
        assert "424242" in status.message


def test_it_is_called_as_interfax_is(vendor, run, answer):
    interfax = InterFaxVendor(login="clerk", password="secret-word")
    seen = []
    for each in (vendor, interfax):
        run(each.send_fax(NUMBER, [PDF], reference="key"), [answer(201, location="/outbound/faxes/12")])
        seen.append([next(each.auth_flow(request)) for request in run.requests])

    assert seen[0] == seen[1]
