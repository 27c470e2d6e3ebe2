from __future__ import annotations

import pytest

from airflow_provider_faxto.simulator import Settings


def test_a_change_leaves_the_original_alone():
    settings = Settings()
    changed = settings.changed(interfax_status_limit=None, faxto_seconds_ok=1)
    assert (changed.interfax_status_limit, changed.faxto_seconds_ok) == (None, 1)
    assert (settings.interfax_status_limit, settings.faxto_seconds_ok) == (6, 45.0)
    assert set(settings.to_dict()) == set(changed.to_dict())


def test_an_unknown_setting_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match=r"No such setting: speling.*interfax_status_limit"):
        Settings().changed(speling=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("faxto_progress", "sent"),
        ("faxto_refusal", 404),
        ("faxto_text_numbers", 1),
        ("faxto_upload_status", 5),
        ("faxto_seconds_ok", -1),
        ("faxto_seconds_ok", "soon"),
        ("faxto_seconds_ok", float("nan")),
        ("faxto_balance", float("inf")),
        ("faxto_balance", True),
        ("faxto_page_size", 0),
        ("faxto_page_size", 2.5),
        ("faxto_rate_limit", 0),
        ("interfax_status_limit", 0),
        ("interfax_status_limit", 1.5),
        ("interfax_attempts", None),
        ("interfax_completion_pending", "never"),
        ("faxto_callback_message", None),
        ("faxto_callback_duplicates", -1),
        ("faxto_callback_duplicates", 1.5),
        ("faxto_callback_url", 5),
        ("faxto_callback_url", ""),
        ("faxto_callback_url", "127.0.0.1:8080"),
        ("faxto_callback_url", "ftp://127.0.0.1/"),
        ("faxto_callback_url", "http://example.org/"),
        ("interfax_callback_url", "http://192.0.2.1/"),
        ("interfax_callback_url", "http://[2001:db8::1]/"),
        ("faxto_clock_offset", 90_000),
        ("interfax_zone_offset", -90_000),
        ("faxto_records_seconds", -1),
        ("interfax_max_page_size", 0),
        ("faxto_document_names", "mine"),
        ("interfax_references", "mine"),
        ("interfax_recipients", None),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        Settings().changed(**{name: value})


@pytest.mark.parametrize(
    "name",
    [
        "faxto_max_page_size",
        "faxto_rate_limit",
        "faxto_callback_url",
        "interfax_status_limit",
        "interfax_lockout_after",
        "interfax_callback_url",
        "faxto_records_seconds",
        "interfax_records_seconds",
        "interfax_max_page_size",
    ],
)
def test_limits_and_callbacks_can_be_switched_off(name):
    assert getattr(Settings().changed(**{name: None}), name) is None


def test_a_clock_and_a_zone_may_be_behind():
    assert Settings().changed(faxto_clock_offset=-7200, interfax_zone_offset=-3600).faxto_clock_offset == -7200
