from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from airflow_provider_faxto.simulator.parsing import is_loopback_url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.0.0.1:8080/fax/receipts?vendor=faxto",
        "https://localhost:8443/",
        "http://127.1.2.3/",
        "http://[::1]:8080/x",
        "http://localhost?x=1",
    ],
)
def test_an_address_on_this_machine_is_taken(url):
    assert is_loopback_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "//localhost/",
        "ftp://localhost/",
        "http://example.org/",
        "http://192.0.2.1/",
        "http://0.0.0.0/",
        "http://[2001:db8::1]/",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://127.0.0.256/",
        "http://127.0.0.01/",
        "http://127.0.0.1:70000/",
        "http://127.0.0.1:/",
        "http://127.0.0.1:x/",
        # Parsers disagree about where the host of these begins.
        "http://example.org@127.0.0.1/",
        "http://127.0.0.1@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://127.0.0.1\\@example.org/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\n",
        "http://127.0.0.1/\n@example.org",
        "http://[::1/",
    ],
)
def test_an_address_elsewhere_or_none_is_not(url):
    assert not is_loopback_url(url)


pieces = st.sampled_from(
    ["http:", "/", "127.0.0.1", "localhost", "[::1]", "example.org", "@", ":", "80", "\\", "?", "#", "%", ".", "\t"]
)


@given(st.lists(pieces, max_size=6).map(lambda found: "http://" + "".join(found)))
def test_what_is_taken_leads_to_this_machine_however_it_is_parsed(url):
    if not is_loopback_url(url):
        return
    hosts = {urlsplit(url).hostname, (parse_url(url).host or "").strip("[]")}
    assert hosts <= {"127.0.0.1", "localhost", "::1"}
