"""What a hook takes from an Airflow connection, and what it refuses before anything is sent."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import BaseHook
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.hooks.connection import (
    Timeouts,
    describe_credentials,
    describe_unknown_extras,
    read_base_url,
    read_connection,
    read_default_region,
    read_requests_per_minute,
    read_timeouts,
)
from airflow_provider_faxto.vendors.base import ConnectionSettings


@pytest.fixture
def connection(monkeypatch):
    """Make an Airflow connection, as an environment variable describes it."""

    def make(**fields):
        described = fields.pop("uri", None) or json.dumps({"conn_type": "interfax", **fields})
        monkeypatch.setenv("AIRFLOW_CONN_TESTED", described)
        return BaseHook.get_connection("tested")

    return make


def settings(**fields):
    return ConnectionSettings(conn_id="tested", **fields)


def of_connection(host="https://a.example", login="jane", password="key", **extra):
    return describe_credentials(settings(host=host, login=login, password=password, extra=extra))


@pytest.mark.parametrize("change", [{"host": "https://b.example"}, {"login": "joe"}, {"password": "another"}])
def test_other_credentials_are_told_apart(change):
    assert of_connection(**change) != of_connection() == of_connection()


@pytest.mark.parametrize("extra", [{"api_key_in": "header"}, {"api_version": "v1"}, {"client_id": "of another vendor"}])
def test_an_extra_that_may_be_about_the_log_in_makes_other_credentials(extra):
    assert of_connection(**extra) != of_connection()


@pytest.mark.parametrize("extra", [{"timeout": 5}, {"default_region": "DE"}, {"when_out_of_credit": "wait"}])
def test_an_extra_that_every_connection_may_have_makes_no_other_credentials(extra):
    assert of_connection(**extra) == of_connection()


def base_url(host, default=None):
    return read_base_url(settings(host=host), default, "The vendor")


# The connection ---------------------------------------------------------------------------------------


def test_a_connection_is_read_whole(connection):
    read = read_connection(
        connection(host="fax.example", login="me", password="secret", extra={"timeout": 5, "default_region": "US"})
    )

    assert (read.conn_id, read.host, read.login, read.password) == ("tested", "fax.example", "me", "secret")
    assert read.extra == {"timeout": 5, "default_region": "US"}


def test_a_connection_written_as_a_url_is_read_whole(connection):
    read = read_connection(connection(uri="interfax://me:s%2Fcret@fax.example:8443/?timeout=5"))

    assert (read.login, read.password, read.host) == ("me", "s/cret", "fax.example:8443")
    assert read.extra == {"timeout": "5"}


def test_what_is_empty_counts_as_not_set(connection):
    read = read_connection(connection(host="", login="", password="", extra={"timeout": "", "default_region": None}))

    assert (read.host, read.login, read.password, read.extra) == (None, None, None, {})


def test_what_a_form_stores_as_text_is_read_as_json(connection):
    read = read_connection(connection(extra={"timeout": ' {"read": 5}', "default_region": "US"}))

    assert read.extra == {"timeout": {"read": 5}, "default_region": "US"}


def test_text_that_only_begins_like_json_is_refused_without_showing_it(connection):
    with pytest.raises(FaxConfigurationError) as caught:
        read_connection(connection(extra={"code_outcomes": '{"3912": "retryable"'}))

    assert "code_outcomes" in str(caught.value)
    assert "3912" not in str(caught.value)


@pytest.mark.parametrize("extra", ['{"timeout": 5', "[1, 2]", '"text"', "5", "timeout=5"])
def test_an_extra_that_is_no_json_object_is_refused_and_not_dropped(connection, extra):
    # Airflow itself logs it and goes on with an empty extra; api_key_in or code_outcomes would be lost.
    with pytest.raises(FaxConfigurationError, match="extra"):
        read_connection(connection(extra=extra))


@pytest.mark.parametrize("extra", [None, "", "{}", "{ }"])
def test_an_empty_extra_is_none(connection, extra):
    assert read_connection(connection(extra=extra)).extra == {}


def test_an_extra_that_was_read_already_is_taken(connection):
    assert read_connection(connection(extra={"timeout": 5}), {"timeout": 7}).extra == {"timeout": 7}


@pytest.mark.parametrize(
    ("host", "joined"),
    [
        ("fax.example", "fax.example:8443"),
        ("https://fax.example", "https://fax.example:8443"),
        ("https://fax.example/", "https://fax.example:8443/"),
        ("https://fax.example/base", "https://fax.example:8443/base"),
        ("fax.example/base", "fax.example:8443/base"),
    ],
)
def test_a_port_of_its_own_joins_the_host(connection, host, joined):
    assert read_connection(connection(host=host, port=8443)).host == joined


def test_a_port_without_a_host_is_refused_and_not_dropped(connection):
    with pytest.raises(FaxConfigurationError, match="'tested' has a port and no host"):
        read_connection(connection(port=8443))


@pytest.mark.parametrize("host", [None, "fax.example"])
def test_port_0_which_airflows_form_sends_for_none_is_none(connection, host):
    assert read_connection(connection(host=host, port=0)).host == host


@pytest.mark.parametrize(
    ("schema", "host", "joined"),
    [
        ("https", None, None),
        ("https", "fax.example", "https://fax.example"),
        (" HTTPS ", "fax.example/base", "https://fax.example/base"),
        ("https", "https://fax.example", "https://fax.example"),
        ("http", "127.0.0.1", "http://127.0.0.1"),
        ("http", "HTTP://localhost", "HTTP://localhost"),
        (" ", "fax.example", "fax.example"),
    ],
)
def test_a_schema_counts_as_that_of_the_host(connection, schema, host, joined):
    assert read_connection(connection(host=host, schema=schema)).host == joined


@pytest.mark.parametrize(
    ("schema", "host"),
    [
        ("http", None),
        ("http", "https://fax.example"),
        ("https", "http://127.0.0.1"),
        ("ftp", "fax.example"),
        ("base/path", "fax.example"),
        ("s3cret", None),
    ],
)
def test_a_schema_that_would_not_be_followed_is_refused_without_showing_it(connection, schema, host):
    with pytest.raises(FaxConfigurationError, match="'tested': the schema is") as caught:
        read_connection(connection(host=host, schema=schema))

    assert "s3cret" not in str(caught.value)


def test_the_rest_of_a_password_with_a_bare_slash_is_refused_and_not_shown(connection):
    # Airflow takes what stands after the slash for the schema.
    with pytest.raises(FaxConfigurationError, match="%2F") as caught:
        read_connection(connection(uri="interfax://fax.example/s3cret@rest"))

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("conn_type", ["interfax", "faxto", "other"])
def test_an_extra_named_as_older_airflow_did_is_refused_with_its_name_of_today(connection, conn_type):
    with pytest.raises(
        FaxConfigurationError, match=rf"'tested': the extra extra__{conn_type}__timeout .* Call it timeout\."
    ):
        read_connection(connection(extra={f"extra__{conn_type}__timeout": "5"}))


# Extras that nothing reads ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("timeuot", "timeout"),
        ("Default_Region", "default_region"),
        ("code_outcome", "code_outcomes"),
        ("requests_per_minut", "requests_per_minute"),
        ("keynamespace", "key_namespace"),
    ],
)
@pytest.mark.parametrize("conn_type", ["interfax", "extrafax", "faxto", "of_another_distribution"])
def test_a_misspelt_extra_is_told_with_what_was_meant(conn_type, name, meant):
    told = describe_unknown_extras(settings(extra={name: 1, "timeout": 5}), conn_type)

    assert told == f"Connection 'tested': the extra {name} is not known and has no effect. Did you mean {meant}?"


def test_an_extra_of_another_type_is_not_known():
    assert describe_unknown_extras(settings(extra={"api_version": "v1"}), "faxto") == ""
    told = describe_unknown_extras(settings(extra={"api_version": "v1"}), "interfax")
    assert "the extra api_version is not known" in told
    assert "Known are allow_costly_numbers, allowed_dags," in told
    assert "timeout, when_out_of_credit." in told


def test_an_extra_of_a_vendor_that_is_installed_beside_this_package_is_its_own_matter():
    extra = {"token_host": "https://login.example", "timeouts_of_tokens": 1}

    assert describe_unknown_extras(settings(extra=extra), "examplefax") == ""


@given(st.dictionaries(st.text() | st.sampled_from(["timeout", "code_outcomes", "timeouts"]), st.integers()))
def test_each_extra_is_known_or_told(extra):
    known = {"timeout", "default_region", "key_namespace", "requests_per_minute", "code_outcomes"}
    told = describe_unknown_extras(settings(extra=extra), "interfax")

    assert told.count("is not known") == len(extra.keys() - known)


@pytest.mark.parametrize("name", ["+12025550187", "k+y/=&", "x" * 41])
def test_what_may_be_no_name_is_not_shown(name):
    told = describe_unknown_extras(settings(extra={name: 1}), "interfax")

    assert "is not known" in told
    assert name not in told


def test_a_connection_shows_nothing_of_itself():
    shown = repr(settings(host="https://fax.example", login="me", password="secret", extra={"a": "b"}))

    assert shown == "ConnectionSettings(conn_id='tested')"


# The host ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("fax.example", "https://fax.example"),
        ("fax.example:8443", "https://fax.example:8443"),
        ("https://fax.example", "https://fax.example"),
        ("https://fax.example/", "https://fax.example"),
        ("https://fax.example/base/", "https://fax.example/base"),
        ("fax.example/base", "https://fax.example/base"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("HTTPS://Fax.Example", "HTTPS://Fax.Example"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://localhost:8765/", "http://localhost:8765"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_every_form_of_a_host_becomes_a_base_url(host, url):
    assert base_url(host) == url


def test_the_vendors_own_host_is_the_default():
    assert base_url(None, "https://fax.to") == "https://fax.to"


def test_a_vendor_without_a_host_needs_one():
    with pytest.raises(FaxConfigurationError, match="names no host"):
        base_url(None)


@pytest.mark.parametrize(
    "host",
    [
        "http://fax.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1.fax.example",
        "http://localhost.fax.example",
        "http://[2001:db8::1]",
        "HTTP://fax.example",
    ],
)
def test_plain_http_is_for_this_machine_alone(host):
    with pytest.raises(FaxConfigurationError, match="in the clear"):
        base_url(host)


@pytest.mark.parametrize(
    "host",
    [
        "https://",
        "ftp://fax.example",
        "file:///etc/hosts",
        "https://user:secret@fax.example",
        "https://user@fax.example",
        "http://localhost@fax.example",
        "https://fax.example?api_key=secret",
        "https://fax.example/#secret",
        "https://fax example",
        "https://fax.example:port",
        "https://fax.example:99999",
        "https://fax.example:0",
        "https://[::1",
        "https://fax.example\n",
        "https://fax\t.example",
        "http://127.0.0.1\\@fax.example",
        "http://127.0.0.1:8765:8765",
        "://fax.example",
    ],
)
def test_what_is_no_base_url_is_refused_without_showing_it(host):
    with pytest.raises(FaxConfigurationError) as caught:
        base_url(host)

    assert "secret" not in str(caught.value)
    assert "fax.example" not in str(caught.value)


@given(st.text())
def test_any_host_is_a_base_url_or_refused(host):
    try:
        url = base_url(host)
    except FaxConfigurationError:
        return
    assert url.lower().startswith(("https://", "http://"))
    assert not any(sign.isspace() for sign in url)


# Time-outs and region ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "timeouts"),
    [
        (None, Timeouts(connect=10, read=30, upload=120)),
        (5, Timeouts(connect=10, read=5, upload=120)),
        (0.5, Timeouts(connect=10, read=0.5, upload=120)),
        ("7.5", Timeouts(connect=10, read=7.5, upload=120)),
        ({"connect": 1}, Timeouts(connect=1, read=30, upload=120)),
        ({"connect": "1", "read": 2, "upload": "3"}, Timeouts(connect=1, read=2, upload=3)),
    ],
)
def test_time_outs_come_from_the_extra(value, timeouts):
    extra = {} if value is None else {"timeout": value}

    assert read_timeouts(settings(extra=extra)) == timeouts


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        "soon",
        "",
        "nan",
        "inf",
        float("inf"),
        1e300,
        {},
        {"total": 5},
        {"read": 0},
        {"read": None},
        {"read": True},
        [5],
        True,
    ],
)
def test_a_time_out_that_is_none_is_refused(value):
    with pytest.raises(FaxConfigurationError, match="timeout must be"):
        read_timeouts(settings(extra={"timeout": value}))


@pytest.mark.parametrize(
    ("value", "region"), [(None, None), ("US", "US"), (" de ", "DE"), ("us", "US"), (" ", None), ("", None)]
)
def test_the_region_is_two_capital_letters(value, region):
    assert read_default_region(settings(extra={"default_region": value})) == region


@pytest.mark.parametrize("value", [0, 1, ["US"], {"US": 1}, True, "USA", "XX", "Germany", "+1"])
def test_a_region_that_is_no_country_is_refused_with_its_connection(value):
    with pytest.raises(FaxConfigurationError, match="'tested': default_region is not a country"):
        read_default_region(settings(extra={"default_region": value}))


@pytest.mark.parametrize(("value", "number"), [(None, 6), ("", 6), (1, 1), ("12", 12), (" 600 ", 600)])
def test_the_requests_a_minute_are_the_vendors_or_the_connections(connection, value, number):
    read = read_connection(connection(extra={"requests_per_minute": value}))

    assert read_requests_per_minute(read, 6) == number


@pytest.mark.parametrize("value", [0, -1, 601, 2.5, True, "six", "1e2", "²", [6], {"interfax": 6}])
def test_requests_a_minute_that_are_none_are_refused(connection, value):
    read = read_connection(connection(extra={"requests_per_minute": value}))

    with pytest.raises(FaxConfigurationError, match="requests_per_minute must be a whole number from 1 to 600"):
        read_requests_per_minute(read, 6)
