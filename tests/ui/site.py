"""Airflow's pages as somebody uses them: what to click for what."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page, Response

__all__ = ["SECONDS", "Site", "expect"]

# Playwright counts in milliseconds.
SECONDS = 1000.0
_LARGEST_PICTURE = 100_000


class Site:
    """Airflow's pages, in one tab.

    :param page: the tab, logged in.
    :param pictures: the folder for pictures.
    """

    def __init__(self, page: Page, pictures: Path) -> None:
        self.page = page
        self.texts: list[str] = []
        self._pictures = pictures

    def open(self, path: str) -> None:
        """Leave this page, whose text is kept, for another."""
        self.read()
        self.page.goto(path)

    def read(self) -> None:
        """Keep the text of the page as it stands."""
        self.texts.append(self.page.locator("body").inner_text())

    def picture(self, name: str, of: Locator | None = None, *, hide: Locator | None = None) -> Path:
        """Keep a picture.

        :param name: its file's name, without the ending.
        :param of: of what. Default: the page as far as it is in view.
        :param hide: what is painted over, as it is of this machine alone. Default: nothing.
        :return: the file, a PNG below 100 kB.
        """
        self.read()
        options = {"animations": "disabled", "mask": [hide] if hide else [], "mask_color": "#d4d4d8"}
        taken = self.page.screenshot(**options) if of is None else of.screenshot(**options)
        self._pictures.mkdir(parents=True, exist_ok=True)
        path = self._pictures / f"{name}.png"
        # A page has few colours, so that a palette makes a third of it.
        Image.open(io.BytesIO(taken)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < _LARGEST_PICTURE, f"{path.name} is too large for the documentation"
        return path

    def new_connection(self, type_label: str) -> Locator:
        """Open the form for a new connection of a type. Its standard fields are shown.

        :param type_label: the type, as the form calls it.
        :return: the form.
        """
        self.open("/connections")
        self.page.get_by_role("button", name="Add Connection").click()
        form = self.page.get_by_role("dialog")
        form.get_by_role("combobox").first.fill(type_label)
        self.page.get_by_role("option", name=type_label, exact=True).click()
        expect(form.get_by_label("API host")).to_be_visible()
        return form

    def show_extra_fields(self, form: Locator) -> None:
        """Open the extra fields of a connection's form, which closes the standard ones."""
        form.get_by_role("button", name="Extra Fields", exact=True).click()
        expect(form.locator("[name=host]")).to_be_hidden()
        expect(form.get_by_text("Requests a minute")).to_be_visible()

    def press_test(self, conn_id: str) -> Response:
        """Press the Test button of a stored connection, and give Airflow's response."""
        row = self.page.get_by_role("row").filter(has=self.page.get_by_text(conn_id, exact=True))
        with self.page.expect_response("**/connections/test") as response:
            row.get_by_role("button", name="Test Connection").click()
        return response.value

    def trigger_form(self, dag_id: str, fields: dict[str, str]) -> Locator:
        """Open a DAG's trigger form and fill it in.

        :param dag_id: the DAG.
        :param fields: the DAG's parameters, and what is chosen for them.
        :return: the form.
        """
        self.open(f"/dags/{dag_id}")
        self.page.get_by_role("button", name="Trigger").first.click()
        form = self.page.get_by_role("dialog")
        for name, value in fields.items():
            form.locator(f"#element_{name}").click()
            self.page.get_by_role("option", name=value, exact=True).click()
        return form

    def trigger(self, form: Locator) -> str:
        """Send a trigger form; give the address of the DAG run's page."""
        with self.page.expect_response(re.compile(r"/dags/[^/]+/dagRuns$")) as response:
            form.get_by_role("button", name="Trigger", exact=True).click()
        run = response.value.json()
        return f"/dags/{run['dag_id']}/runs/{run['dag_run_id']}"

    def wait_for_state(self, state: str, *, seconds: float = 180) -> None:
        """Wait until the run or task of this page, which Airflow keeps up to date, is in a state."""
        badge = self.page.get_by_test_id("state-badge").filter(has_text=re.compile(r"\w")).first
        expect(badge).to_have_text(state, timeout=seconds * SECONDS)
