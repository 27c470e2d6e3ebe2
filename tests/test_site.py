"""The check of the built documentation site finds dead links and what is loaded from another host."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def check_site():
    spec = importlib.util.spec_from_file_location("site_check", ROOT / "docs" / "site" / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.check_site


@pytest.fixture
def check(check_site, tmp_path):
    """Write files of a site and return what the check finds; there is a page ``docs/other.html`` in any case."""

    def write_and_check(**files):
        for name, text in ({"docs/other.html": '<h2 id="there">There</h2>'} | files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return check_site(tmp_path)

    return write_and_check


@pytest.mark.parametrize(
    "page",
    [
        '<a href="docs/other.html">x</a>',
        '<a href="docs/other.html#there">x</a>',
        '<p id="here"><a href="#here">x</a> <a href="#">x</a> <a href="">x</a></p>',
        '<a href="https://example.com/">a link in the text is followed by the reader</a>',
        '<code>&lt;script src="https://example.com/a.js"&gt;</code>',
        '<svg xmlns="http://www.w3.org/2000/svg"></svg><link rel="canonical" href="https://example.com/">',
        '<script>const svg = "http://www.w3.org/2000/svg"; /* "https://example.com" */</script>',
    ],
)
def test_a_page_that_keeps_to_itself_passes(check, page):
    assert check(**{"index.html": page}) == []


@pytest.mark.parametrize(
    "page",
    [
        '<a href="docs/gone.html">x</a>',
        '<a href="docs">a folder</a>',
        '<a href="docs/other.html#gone">x</a>',
        '<a href="#gone">x</a>',
        '<img src="gone.png">',
        '<script src="gone.js"></script>',
    ],
)
def test_a_link_that_leads_nowhere_is_found(check, page):
    (fault,) = check(**{"index.html": page})

    assert fault.startswith("index.html: ")
    assert fault.endswith(" leads nowhere")


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://example.com/a.js"></script>',
        '<script src="//example.com/a.js"></script>',
        '<link rel="stylesheet" href="http://example.com/a.css">',
        '<link rel="preconnect" href="https://example.com">',
        '<img src="HTTPS://example.com/a.png">',
        '<img srcset="https://example.com/a.png 2x">',
        '<iframe src="https://example.com"></iframe>',
        '<style>@import "https://example.com/a.css";</style>',
        "<p style=\"background: url('https://example.com/a.png')\">x</p>",
        "<script>fetch('https://example.com/a.json')</script>",
        "<script>new WebSocket(`wss://example.com`)</script>",
        '<svg><use href="https://example.com/a.svg#x"></use></svg>',
    ],
)
def test_what_a_page_loads_from_another_host_is_found(check, page):
    (fault,) = check(**{"index.html": page})

    assert "example.com" in fault
    assert fault.endswith("from another host")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.css", "@font-face { src: url(https://example.com/a.woff2) }"),
        ("a.css", "@import '//example.com/a.css';"),
        ("a.js", 'import("https://example.com/a.js")'),
        ("a.svg", '<svg><image href="https://example.com/a.png"/></svg>'),
    ],
)
def test_what_a_file_beside_the_pages_loads_is_found(check, name, text):
    (fault,) = check(**{name: text})

    assert fault.startswith(f"{name}: loads ")


def test_a_folder_without_a_page_is_no_site(check_site, tmp_path):
    (tmp_path / "a.css").write_text("")

    assert check_site(tmp_path) == [f"{tmp_path}: there is no page"]


def test_the_text_that_an_index_shows_has_no_link_to_a_file():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (rule,) = settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    shown = re.sub(rule["pattern"], rule["replacement"], readme)

    assert "](" in readme
    assert not re.findall(r"\]\((?!https:)[^)]*\)", shown)
    assert "Receipts (`docs/receipts.md`)" in shown
