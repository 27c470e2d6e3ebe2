"""An API server whose database is filled while it runs, and what a browser must not see on its pages."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ui.site import SECONDS, Site

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

# Noted before a page's own scripts run, in its frames too.
_NOTE_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`POLICY ${event.violatedDirective} ${event.blockedURI}`);
});
"""


class FilledServer:
    """Starts ``benchmarks/page/server.py``; each kind of database takes a minute to be filled with 100,000 faxes.

    :param python: the Python with Airflow and PostgreSQL's driver.
    :param script: the server's file.
    """

    def __init__(self, python: str, script: Path) -> None:
        self._process = subprocess.Popen(
            [python, str(script), "--database", "postgresql"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.url = self._read_until("Ready: ")
        self._faxes = 0

    def fill(self, faxes: int) -> None:
        """Write so many faxes, unless there are as many."""
        if self._faxes >= faxes:
            return
        self._process.stdin.write(f"fill {faxes}\n")
        self._process.stdin.flush()
        self._read_until("Filled")
        self._faxes = faxes

    def stop(self) -> None:
        """Let it stop, and what it has started."""
        self._process.stdin.close()
        try:
            self._process.wait(60)
        finally:
            self._process.kill()
            self._process.stdout.close()

    def _read_until(self, mark: str) -> str:
        said = []
        for line in self._process.stdout:
            said.append(line)
            if mark in line:
                return line.partition(mark)[2].strip()
        raise AssertionError(f"the server has ended:\n{''.join(said)}")


class Filled:
    """The server's pages, each in a browser of its own.

    :param server: the server.
    :param browser: the browser.
    :param pictures: the folder for pictures.
    """

    def __init__(self, server: FilledServer, browser: Browser, pictures: Path) -> None:
        self._server = server
        self._browser = browser
        self._pictures = pictures
        self._contexts: list[BrowserContext] = []
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.fill = server.fill

    def page(self, user: str | None = "admin", *, theme: str | None = None, height: int = 900) -> Page:
        """Open a tab for somebody; for nobody with ``None``."""
        context = self._browser.new_context(
            base_url=self._server.url,
            viewport={"width": 1280, "height": height},
            color_scheme=theme,
            accept_downloads=True,
        )
        self._contexts.append(context)
        context.set_default_timeout(60 * SECONDS)
        context.add_init_script(_NOTE_VIOLATIONS)
        page = context.new_page()
        page.on("request", lambda request: self._note(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if "POLICY" in said.text else None)
        if user is not None:
            answer = context.request.post("/auth/token", data={"username": user, "password": user})
            token = json.loads(answer.text())["access_token"]
            context.add_cookies([{"name": "_token", "value": token, "url": self._server.url}])
        return page

    def picture(self, page: Page, name: str) -> None:
        """Keep a picture of a page for the documentation."""
        Site(page, self._pictures).picture(name)

    def close(self) -> None:
        """Close all tabs."""
        for context in self._contexts:
            context.close()

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != urlsplit(self._server.url).netloc:
            self.foreign.append(url)
