"""The page *Faxes* and the tab *Fax*, as somebody sees and uses them: with no fax, one, and 100,000 on PostgreSQL."""

from __future__ import annotations

import csv
import re
import time

import pytest
from ui.site import SECONDS, expect

MANY = 100_000
FEW = 3_000


def frame_of(page):
    return page.frame_locator("iframe")


def open_page(page):
    page.goto("/plugin/faxes")
    frame = frame_of(page)
    # Nothing is still asked for.
    expect(frame.locator("#now .card").first).to_be_visible()
    expect(frame.locator("#rows")).not_to_have_class(re.compile("loading"))
    return frame


def settle(page, frame):
    """Wait for the figures, which come last."""
    expect(frame.locator("#plots svg").first).to_be_visible()
    page.wait_for_load_state("networkidle")


# In this order: the faxes become more, and none is taken away.


def test_an_airflow_without_a_fax_says_so(filled):
    page = filled.page()

    frame = open_page(page)

    expect(frame.get_by_text("No fax in the last 7 days.")).to_be_visible()
    expect(frame.get_by_text("Nothing needs a person")).to_be_visible()
    expect(frame.locator("#plots")).to_be_hidden()
    frame.get_by_role("button", name="Look at all").click()
    expect(frame.get_by_text("No fax in this Airflow.")).to_be_visible()


def test_one_fax_stands_in_the_table_and_its_label_is_text(filled):
    filled.fill(1)
    page = filled.page()

    frame = open_page(page)

    expect(frame.get_by_text("1 fax", exact=True)).to_be_visible()
    row = frame.locator("#rows tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text('<img src=x onerror="document.title = 1"><b>clinic</b>')
    assert frame.locator("#rows img, #rows b").count() == 0
    expect(row).to_contain_text(re.compile(r"\+\*{7}\d{4}"))


def test_a_user_who_may_read_none_of_the_dags_sees_no_fax(filled):
    filled.fill(1)
    page = filled.page("reader")

    frame = open_page(page)

    expect(frame.get_by_text("No fax in the last 7 days.")).to_be_visible()
    assert "clinic" not in frame.locator("body").inner_text()


def test_without_a_log_in_nothing_is_shown(filled):
    page = filled.page(None)

    answer = page.request.get("/faxes/")

    assert answer.status == 401
    page.goto("/plugin/faxes")
    expect(page.locator("input[name=username]")).to_be_visible()


def test_it_is_found_in_the_menu_and_leads_to_the_task_and_its_tab(filled):
    filled.fill(FEW)
    page = filled.page()
    page.goto("/")
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Faxes").click()
    frame = frame_of(page)
    frame.locator("[name=outcome]").select_option("retryable")
    expect(frame.locator("#rows .badge:not(.retryable)")).to_have_count(0)
    row = frame.locator("#rows tbody tr").first
    label = row.locator("td").nth(2).locator(".cut").inner_text()

    row.get_by_role("link").first.click()

    page.wait_for_url(re.compile(r"/dags/.+/runs/.+/tasks/send/mapped/\d+"))
    page.get_by_role("link", name="Fax", exact=True).click()
    tab = frame_of(page)
    expect(tab.get_by_role("heading", name=label)).to_be_visible()
    expect(tab.get_by_text("What to do next")).to_be_visible()
    expect(tab.get_by_text("Clear the task to make one, unless the DAG does so itself.")).to_be_visible()
    tab.get_by_role("link", name="All faxes").click()
    page.wait_for_url("**/plugin/faxes**")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_light_or_dark_as_airflow_is(filled, theme):
    filled.fill(FEW)
    page = filled.page(theme=theme, height=1160)

    frame = open_page(page)
    settle(page, frame)

    colours = frame.locator("body").evaluate(
        "body => [getComputedStyle(body).backgroundColor, getComputedStyle(body).color]"
    )
    ground, text = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in colours)
    assert (ground > text) is (theme == "light")
    assert abs(ground - text) > 450
    filled.picture(page, f"page-{theme}")


def test_it_follows_when_somebody_chooses_another_theme_in_airflow(filled):
    filled.fill(FEW)
    page = filled.page(theme="light")
    frame = open_page(page)
    before = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")

    page.evaluate("document.documentElement.classList.replace('light', 'dark')")

    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    assert frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") != before


def test_everything_can_be_done_with_the_keyboard(filled):
    filled.fill(FEW)
    page = filled.page()
    page.goto("/faxes/")
    expect(page.locator("#rows tbody tr").first).to_be_visible()
    settle(page, page)
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => { const at = document.activeElement; return at.name || at.id || at.textContent.trim(); }"
            )
        )
        if "CSV" in reached and "rows" in reached:
            break

    assert reached[0] == "Skip to the table"
    wanted = ["period", "outcome", "cause", "dag", "conn_id", "search", "Search", "Reload", "Show all", "CSV", "rows"]
    assert [name for name in wanted if name not in reached] == []
    page.locator("[name=period]").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("[name=period]")).to_have_value("1d")
    expect(page.locator("[name=period]")).to_be_focused()
    page.locator("[name=search]").focus()
    page.keyboard.type("no such label")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No fax fits.")).to_be_visible()
    # A visible ring on what has the focus.
    page.locator("[name=outcome]").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_batches_are_told_with_their_counts_and_lead_to_their_tab(filled):
    filled.fill(FEW)
    page = filled.page()
    frame = open_page(page)
    row = frame.locator("#batches tbody tr").filter(has_text="interfax_default")
    expect(row).to_contain_text("delivered 286")
    expect(frame.locator("[data-kind=unknown]")).to_contain_text("1 of 300 faxes")

    row.get_by_role("link").first.click()

    page.wait_for_url(re.compile(r"/dags/.+/runs/.+/tasks/send_many"))
    page.get_by_role("link", name="Fax", exact=True).click()
    tab = frame_of(page)
    expect(tab.get_by_role("heading", name="Batch of 300 faxes")).to_be_visible()
    expect(tab.get_by_text("The line was busy")).to_be_visible()
    expect(tab.get_by_text(".jsonl")).to_be_visible()


def test_filters_and_a_cause_that_is_clicked_narrow_the_table(filled):
    filled.fill(FEW)
    page = filled.page()
    frame = open_page(page)
    settle(page, frame)
    frame.get_by_role("button", name="The line was busy").click()
    expect(frame.locator("[name=cause]")).to_have_value("busy")
    expect(frame.locator("#rows .badge.success")).to_have_count(0)
    expect(frame.locator("#rows tbody tr").first).to_contain_text("The line was busy")

    frame.get_by_role("button", name="Clear").click()

    expect(frame.locator("[name=cause]")).to_have_value("")
    expect(frame.locator("#rows .badge.success").first).to_be_visible()


def test_the_csv_is_saved_from_within_airflow(filled, tmp_path):
    filled.fill(FEW)
    page = filled.page()
    frame = open_page(page)
    frame.locator("[name=outcome]").select_option("fatal")
    expect(frame.locator("#rows .badge:not(.fatal)")).to_have_count(0)

    with page.expect_download() as saved:
        frame.get_by_role("link", name="CSV").click()

    path = tmp_path / "faxes.csv"
    saved.value.save_as(path)
    rows = list(csv.DictReader(path.open(newline="", encoding="utf-8")))
    assert {row["outcome"] for row in rows} == {"fatal"}
    assert len(rows) > 10


def test_a_hundred_thousand_faxes(filled):
    """The first answer and turning to another page, in a browser; the benchmark measures how long they take."""
    filled.fill(MANY)
    page = filled.page()
    page.goto("/faxes/")
    expect(page.locator("#plots svg").first).to_be_visible()

    page.reload()
    expect(page.locator("#rows tbody tr")).to_have_count(50)

    shown = page.locator("#count").inner_text()
    assert int(re.sub(r"\D", "", shown)) >= MANY
    expect(page.locator("#plots svg").first).to_be_visible()
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text(re.compile("^Page 2 of 2,"))).to_be_visible()
    expect(page.locator("#table")).to_be_focused()


# In make up's own Airflow, which has started some of the example DAGs.


def test_make_up_shows_the_page_filled_by_the_examples(site):
    site.open("/plugin/faxes")
    frame = frame_of(site.page)
    rows = frame.locator("#rows tbody tr")
    wanted = {
        "clinic": "Delivered", "busy-clinic": "The line was busy", "closed-clinic": "Failed for good",
        "doubtful-clinic": "Unknown", "clinic-1": "Delivered", "clinic-2": "Delivered",
    }  # fmt: skip
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        told = rows.all_inner_texts()
        if all(any(f"{label}\n" in row and words in row for row in told) for label, words in wanted.items()):
            break
        site.page.wait_for_timeout(2 * SECONDS)
        frame.get_by_role("button", name="Reload").click()
    else:
        raise AssertionError(f"not all faxes have ended: {told}")

    expect(frame.locator("[data-kind=unknown]")).to_contain_text("doubtful-clinic")
    expect(frame.locator("[data-kind=fatal]")).to_contain_text("closed-clinic")
    assert [row for row in told if "+1202555" in row.replace(" ", "")] == []


def test_the_tab_of_an_example_tells_its_fax_and_its_attempt(site):
    site.open("/plugin/faxes")
    frame = frame_of(site.page)
    row = frame.locator("#rows tbody tr").filter(has_text="closed-clinic").first
    row.get_by_role("link").first.click()
    site.page.wait_for_url(re.compile("/dags/fax_send_and_branch/runs/.+/tasks/send$"))

    site.page.get_by_role("link", name="Fax", exact=True).click()

    tab = frame_of(site.page)
    expect(tab.get_by_role("heading", name="closed-clinic")).to_be_visible()
    expect(tab.get_by_text("Sending it again as it is will fail again.")).to_be_visible()
    expect(tab.locator("table tbody tr")).to_have_count(1)
    site.picture("page-task")


def test_a_task_that_sends_no_fax_says_so(site):
    site.open("/plugin/faxes")
    row = frame_of(site.page).locator("#rows tbody tr").filter(has_text="closed-clinic").first
    run = row.get_by_role("link").nth(1).get_attribute("href").removeprefix("..")

    site.open(f"{run}/tasks/branch/plugin/fax")

    expect(frame_of(site.page).get_by_text("This task instance has no fax.")).to_be_visible()
