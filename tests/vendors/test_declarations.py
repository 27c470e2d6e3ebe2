"""A vendor's class says at import what it lacks."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.vendors.base import FaxVendor, LookUp

DECLARED = {
    "name": "examplefax",
    "label": "Example Fax",
    "default_host": "https://api.example.com/fax",
    "document_types": frozenset({"pdf"}),
    "max_document_bytes": 1000,
    "max_documents": 1,
    "send_options": frozenset(),
    "look_up": LookUp.HISTORY,
    "requests_per_minute": 60,
    "jobs_per_request": 1,
    "jobs_per_call": None,
}
METHODS = [
    "from_settings", "secrets", "account", "auth_flow", "send_fax", "get_status", "get_statuses", "find_jobs",
    "check_connection",
]  # fmt: skip


def make(**changes):
    """Make a vendor's class; what is None in ``changes`` by ``...`` is left out."""
    defined = {**DECLARED, **dict.fromkeys(METHODS, lambda self: None), **changes}
    return type("Example", (FaxVendor,), {name: value for name, value in defined.items() if value is not ...})


def test_a_vendor_that_declares_all_can_be_made():
    assert make().name == "examplefax"
    assert make(default_host=None, days_of_records=30, list_is_conclusive=False)


@pytest.mark.parametrize("name", [*DECLARED, *METHODS])
def test_what_is_missing_is_named(name):
    with pytest.raises(TypeError, match=f"^Example cannot be a vendor. {name} is missing: ") as caught:
        make(**{name: ...})

    assert str(caught.value).count("is missing") == 1


def test_all_that_is_missing_is_named_at_once():
    with pytest.raises(TypeError) as caught:
        type("Example", (FaxVendor,), {})

    assert all(f"{name} is missing" in str(caught.value) for name in [*DECLARED, *METHODS])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "Example"),
        ("name", ""),
        ("name", 7),
        ("label", " "),
        ("label", "Example\nFax"),
        ("default_host", ""),
        ("default_host", "http://api.example.com"),
        ("default_host", "api.example.com"),
        ("default_host", "https://user@api.example.com"),
        ("default_host", "https://api.example.com/"),
        ("document_types", frozenset()),
        ("document_types", {"pdf"}),
        ("document_types", frozenset({"exe"})),
        ("max_document_bytes", 0),
        ("max_document_bytes", 1e6),
        ("max_documents", True),
        ("days_of_records", 0),
        ("send_options", ["resolution"]),
        ("send_options", frozenset({"page size"})),
        ("requests_per_minute", 0),
        ("requests_per_minute", 601),
        ("jobs_per_request", None),
        ("jobs_per_call", 0),
        ("list_is_conclusive", None),
        ("look_up", "label"),
    ],
)
def test_what_cannot_be_is_told_with_what_it_must_be(name, value):
    with pytest.raises(TypeError, match=f"^Example cannot be a vendor. {name} must be "):
        make(**{name: value})


def test_a_base_of_vendors_says_that_it_is_one_and_is_not_checked():
    class Base(FaxVendor, abstract=True):
        max_documents = 3

    with pytest.raises(TypeError, match="Other cannot be a vendor") as caught:
        type("Other", (Base,), {})

    assert "max_documents" not in str(caught.value)
