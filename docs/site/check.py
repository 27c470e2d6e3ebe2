"""Check built pages: links inside them lead somewhere, and nothing is loaded from another host. No network."""

# ruff: noqa: INP001 - a script beside the pages, no package

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path

# Where an address in a tag is loaded with the page, and not followed by the reader.
_LOADED = {
    ("audio", "src"), ("embed", "src"), ("iframe", "src"), ("image", "href"), ("image", "xlink:href"), ("img", "src"),
    ("img", "srcset"), ("input", "src"), ("link", "href"), ("object", "data"), ("script", "src"), ("source", "src"),
    ("source", "srcset"), ("track", "src"), ("use", "href"), ("use", "xlink:href"), ("video", "poster"),
    ("video", "src"),
}  # fmt: skip
_HOST = re.compile(r"(?:https?:|wss?:)?//[\w\[]", re.IGNORECASE)
_CSS_ADDRESS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# Names of XML's own languages, which nobody loads.
_NAMESPACE = re.compile(r"https?://www\.w3\.org/(?:\d{4}/)?\w+")
_JS_ADDRESS = re.compile(r"(['\"`])((?:https?:|wss?:)?//[\w\[][^'\"`]*)\1", re.IGNORECASE)


class _Page(HTMLParser):
    """Reads the places of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Read a tag."""
        self._inside = tag
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            if name == "id" or (tag, name) == ("a", "name"):
                self.places.add(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)
            elif (tag, name) in _LOADED:
                # What a link of these kinds names is told to the reader or a search engine.
                if tag != "link" or given.get("rel") not in ("canonical", "next", "prev", "author", "license"):
                    self.loaded += [part.split()[0] for part in value.split(",")] if name == "srcset" else [value]
            elif name == "style":
                self.loaded += _addresses_of_css(value)

    def handle_data(self, data: str) -> None:
        """Read styles and scripts that stand in the page."""
        if self._inside == "style":
            self.loaded += _addresses_of_css(data)
        elif self._inside == "script":
            self.loaded += _addresses_of_script(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - as the base class has it
        """Leave a tag."""
        self._inside = ""


def check_site(site: Path) -> list[str]:
    """Find what is wrong with built pages.

    :param site: their folder.
    :return: the faults, each with the file that it is in.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not pages:
        return [f"{site}: there is no page"]
    faults = []
    for path, page in pages.items():
        name = path.relative_to(site)
        faults += [f"{name}: loads {each} from another host" for each in page.loaded if _HOST.match(each)]
        local = [each for each in page.loaded if not _HOST.match(each)]
        faults += [f"{name}: {each} leads nowhere" for each in (*page.links, *local) if not _leads(path, each, pages)]
    for path in sorted((*site.rglob("*.css"), *site.rglob("*.js"), *site.rglob("*.svg"))):
        text = path.read_text(encoding="utf-8")
        found = _addresses_of_script(text) if path.suffix == ".js" else _addresses_of_css(text)
        if path.suffix == ".svg":
            found += _Page(text).loaded
        faults += [f"{path.relative_to(site)}: loads {each} from another host" for each in found if _HOST.match(each)]
    return faults


def _addresses_of_css(text: str) -> list[str]:
    return [one or other for one, other in _CSS_ADDRESS.findall(_COMMENT.sub("", text))]


def _addresses_of_script(text: str) -> list[str]:
    """Find addresses with a host that stand as text in a script: what it loads must come from one."""
    return [found for _, found in _JS_ADDRESS.findall(_COMMENT.sub("", text)) if not _NAMESPACE.fullmatch(found)]


def _leads(path: Path, link: str, pages: dict[Path, _Page]) -> bool:
    """Tell whether a link of a page leads to a file and a place in it; a host's is not asked."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    place = unquote(parts.fragment)
    if target not in pages:
        return target.is_file()
    return not place or place in pages[target].places
