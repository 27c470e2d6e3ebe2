"""``make up``'s Airflow, started once, and Debian's Chromium, driven by Playwright, to look at its pages.

``make ui-test`` runs this with an environment of its own, which holds pytest and Playwright and no Airflow: the demo
runs as a user starts it, on the Python that ``FAX_UI_PYTHON`` names. Everything listens on loopback and is stopped at
the end. Each test has a page of its own, and after each is checked that nothing private stood on it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Where Playwright is not installed, as in the suite's own environment, there is nothing to run here.
collect_ignore_glob = [] if importlib.util.find_spec("playwright") else ["test_*.py"]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from ui.filled import Filled, FilledServer
    from ui.site import Site

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".airflow-ui"
# The recipients of these tests: numbers kept for fiction and for tests.
RECIPIENTS = ("+1 202 555 0102", "+1 202 555 0108")
# Far beyond what a run takes on a slow machine. Then the demo is ended, whatever the tests wait for.
_LONGEST_RUN = 900.0


def pytest_configure() -> None:
    """Let a plain kill stop Airflow too, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of the installed Chromium. None is downloaded."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.exit(
            "Chromium is not installed, and these tests download no browser. On Debian: apt-get install chromium; "
            "elsewhere set CHROMIUM to the path of a Chromium or Chrome.",
            returncode=1,
        )
    return path


@pytest.fixture(scope="session")
def airflow(chromium: str) -> Iterator[str]:
    """Start the demo as ``make up`` does, in a folder of its own, and give its address."""
    shutil.rmtree(HOME, ignore_errors=True)
    python = os.environ.get("FAX_UI_PYTHON", str(ROOT / ".venv" / "bin" / "python"))
    process = subprocess.Popen(
        [python, "example_dags/demo/up.py"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        # Faster than somebody watches; and a task that a busy machine has failed is run again while the test waits.
        env={
            **os.environ,
            "DEMO_HOME": HOME.name,
            "DEMO_SPEED": "60",
            "FAX_EXAMPLE_RETRY_DELAY": "5",
            "PORT": "0",
        },
        # Ctrl-C is pytest's, which then ends the demo.
        start_new_session=True,
    )
    limit = threading.Timer(_LONGEST_RUN, process.terminate)
    limit.daemon = True
    limit.start()
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "Ready: " in line:
                break
        else:
            pytest.exit(f"The demo did not start:\n{''.join(said)}", returncode=1)
        yield line.partition("Ready: ")[2].split()[0]
    finally:
        limit.cancel()
        process.terminate()
        try:
            # It stops Airflow's parts by itself, for which it takes 40 s at most.
            process.wait(60)
        finally:
            process.kill()
            process.stdout.close()


@pytest.fixture(scope="session")
def connections(airflow: str) -> dict[str, dict[str, str]]:
    """Give the connections that the demo has stored, with their secrets."""
    return json.loads((HOME / "connections.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, as whom containers run; it sees no page but this machine's own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def login(browser: Browser, airflow: str) -> dict[str, object]:
    """Log in through the form, and give what the browser then knows."""
    from ui.site import SECONDS

    context = browser.new_context(base_url=airflow)
    context.set_default_timeout(60 * SECONDS)
    page = context.new_page()
    page.goto("/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill("admin")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Dags").wait_for()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def site(
    browser: Browser,
    airflow: str,
    login: dict[str, object],
    connections: dict[str, dict[str, str]],
    tmp_path: Path,
) -> Iterator[Site]:
    """Give a page of the demo's Airflow; at the end, fail if anything private stood on what it has shown."""
    from ui.privacy import Private, responses
    from ui.site import SECONDS, Site, expect

    expect.set_options(60 * SECONDS)
    private = Private(numbers=RECIPIENTS, secrets=[connection["password"] for connection in connections.values()])
    context = browser.new_context(
        base_url=airflow,
        storage_state=login,
        viewport={"width": 1280, "height": 900},
        record_har_path=tmp_path / "seen.har",
        record_har_content="embed",
    )
    context.set_default_timeout(60 * SECONDS)
    pictures = Path(os.environ.get("PICTURES") or HOME / "pictures")
    site = Site(context.new_page(), pictures)
    try:
        yield site
        site.read()
    finally:
        # Only then is the record of all responses complete.
        context.close()
    seen = [*(("the page's text", text) for text in site.texts), *responses(tmp_path / "seen.har")]
    assert len(seen) > 2, "the record of what the browser got is empty"
    assert [f"{where}: {found}" for where, text in seen for found in private.found_in(text)] == []


@pytest.fixture(scope="session")
def filled_server(chromium: str) -> Iterator[FilledServer]:
    """Start an API server on PostgreSQL, without a fax."""
    from ui.filled import FilledServer

    python = os.environ.get("FAX_UI_CLUSTER_PYTHON", str(ROOT / ".venv-cluster" / "bin" / "python"))
    server = FilledServer(python, ROOT / "benchmarks" / "page" / "server.py")
    yield server
    server.stop()


@pytest.fixture
def filled(filled_server: FilledServer, browser: Browser) -> Iterator[Filled]:
    """Give the pages of that server; at the end, fail if another host was asked or the page's own policy was broken."""
    from ui.filled import Filled
    from ui.site import SECONDS, expect

    expect.set_options(60 * SECONDS)
    filled = Filled(filled_server, browser, Path(os.environ.get("PICTURES") or HOME / "pictures"))
    try:
        yield filled
    finally:
        filled.close()
    assert filled.foreign == []
    assert filled.errors == []
