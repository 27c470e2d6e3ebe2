"""A vendor's own numbers for tests: they pass for that vendor alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.faxto import FaxToVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor


@pytest.mark.parametrize("vendor", [InterFaxVendor, ExtraFaxVendor])
@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+999-9999-0", "+99999990"),
        ("+99999990", "+99999990"),
        (" +999-9999-6017 ", "+99999996017"),
        ("+ (999) 9999.3935", "+99999993935"),
        ("00999-9999-204000", "+9999999204000"),
        ("+00999-9999-3935", "+99999993935"),
    ],
)
def test_interfax_and_extrafax_take_the_numbers_of_interfaxs_simulator(vendor, text, e164):
    assert vendor.read_test_number(text).e164 == e164


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+12025550100",
        "999-9999-0",
        "+999-9999",
        "+999-9999-1234567",
        "+999-9999-0 / 1",
        "+999-9999-x",
        "+999-9999-\u0660",
        "++999-9999-0",
    ],
)
def test_anything_else_is_not_a_test_number(text):
    assert InterFaxVendor.read_test_number(text) is None


def test_fax_to_has_no_test_numbers():
    assert FaxToVendor.read_test_number("+999-9999-0") is None


def test_reading_a_test_number_loads_no_number_library():
    program = (
        "import sys; from airflow_provider_faxto.vendors.interfax import InterFaxVendor; "
        "InterFaxVendor.read_test_number('+999-9999-0'); sys.exit('phonenumbers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
