"""What must stand on no page, and where to look for it."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Private:
    """Numbers and secrets, in every form in which they may stand in a text.

    :param numbers: full numbers; found with any punctuation between their digits.
    :param secrets: keys and passwords; found as they are, in JSON, in a URL and in HTML.
    """

    def __init__(self, *, numbers: Sequence[str], secrets: Sequence[str]) -> None:
        self._patterns = {}
        for number in numbers:
            digits = re.sub(r"\D", "", number)
            self._patterns[f"the number that ends with {digits[-4:]}"] = re.compile(r"[^0-9A-Za-z]{0,3}".join(digits))
        for index, secret in enumerate(secrets, 1):
            forms = {secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret), quote_plus(secret)}
            forms.add(secret.replace("&", "&amp;"))
            self._patterns[f"secret {index}"] = re.compile("|".join(re.escape(form) for form in forms))

    def found_in(self, text: str) -> list[str]:
        """Tell what of it stands in a text, and where, without saying it."""
        found = []
        for name, pattern in self._patterns.items():
            if match := pattern.search(text):
                before = text[max(0, match.start() - 40) : match.start()]
                found.append(f"{name}, after {before!r}")
        return found


def responses(har: Path) -> Iterator[tuple[str, str]]:
    """Give each response of Airflow that a browser has recorded, as where it came from and its text.

    :param har: the record, an HTTP archive.
    """
    for entry in json.loads(har.read_text(encoding="utf-8"))["log"]["entries"]:
        content = entry["response"]["content"]
        text = content.get("text")
        url = entry["request"]["url"]
        # Airflow's own scripts and pictures are the same for everyone.
        if not text or "/assets/" in url or "/i18n/" in url:
            continue
        if content.get("encoding") == "base64":
            text = base64.b64decode(text).decode(errors="replace")
        try:
            value = json.loads(text)
        except ValueError:
            yield url, text
        else:
            yield url, json.dumps(value, ensure_ascii=False)
