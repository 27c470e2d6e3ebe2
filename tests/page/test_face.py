"""What the browser gets: nothing of another host, nothing inline, text only as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import airflow_provider_faxto

FACE = Path(airflow_provider_faxto.__file__).parent / "page" / "face"
FILES = sorted(FACE.iterdir())
# The name of SVG itself, which nobody asks for.
SVG = "http://www.w3.org/2000/svg"


@pytest.mark.parametrize("path", ["/faxes/", "/faxes/task", "/faxes/faxes.js", "/faxes/data/faxes", "/faxes/no.js"])
def test_every_answer_keeps_foreign_content_out(visit, database, path):
    headers = visit().get(path).headers

    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] in {"no-store", "private, no-cache"}


def test_no_data_is_kept_by_the_browser(visit, database):
    paths = ("faxes", "now", "figures", "accounts", "faxes.csv")

    assert {visit().get(f"/faxes/data/{path}").headers["cache-control"] for path in paths} == {"no-store"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_names_no_other_host_and_holds_nothing_inline(path, visit):
    text = path.read_text(encoding="utf-8")

    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text.replace(SVG, ""))
    assert not re.findall(r"\b(?:src|href)=\"/|@import|url\(|innerHTML|outerHTML|insertAdjacent|eval\(|srcdoc", text)
    if path.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_served_and_no_other(path, visit):
    address = {"faxes.html": "", "task.html": "task"}.get(path.name, path.name)

    answer = visit().get(f"/faxes/{address}")

    assert (answer.status_code, answer.text) == (200, path.read_text(encoding="utf-8"))
    assert visit().get("/faxes/%2e%2e%2fplugin.py").status_code == 404
