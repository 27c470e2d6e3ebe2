"""The look for what is private finds it, in every form."""

from __future__ import annotations

import json

import pytest
from ui.privacy import Private, responses

PRIVATE = Private(numbers=["+1 202 555 0102"], secrets=['a"key/with+signs=&'])


@pytest.mark.parametrize(
    "text",
    [
        "to +12025550102.",
        "1 (202) 555-0102",
        '"+1-202-555-0102"',
        json.dumps({"key": 'a"key/with+signs=&'}),
        "?api_key=a%22key%2Fwith%2Bsigns%3D%26",
        'a"key/with+signs=&amp;',
    ],
)
def test_it_is_found_in_every_form(text):
    [found] = PRIVATE.found_in(f"before {text} after")

    assert "before" in found
    assert "key/" not in found


def test_what_is_masked_is_not_found():
    assert PRIVATE.found_in("+*******0102, *** and 2026-11-27T11:34:03.212718") == []


def test_responses_are_read_without_airflows_own_scripts(tmp_path):
    entries = [
        {"request": {"url": url}, "response": {"content": {"text": text}}}
        for url, text in (
            ("/api/v2/dags/fax/dagRuns", '{"conf": {"recipient": "clinic"}}'),
            ("/ui/log", "not JSON"),
            ("/static/assets/index.js", "a script"),
        )
    ]
    archive = tmp_path / "seen.har"
    archive.write_text(json.dumps({"log": {"entries": entries}}))

    assert list(responses(archive)) == [
        ("/api/v2/dags/fax/dagRuns", '{"conf": {"recipient": "clinic"}}'),
        ("/ui/log", "not JSON"),
    ]
