"""What somebody sees who sends a fax: the trigger form, the way through the DAG, the log and the XCom."""

from __future__ import annotations

import re

from ui.site import expect


def trigger(site, recipient, *, picture=None):
    form = site.trigger_form("fax_send_and_branch", {"recipient": recipient})
    if picture:
        site.picture(picture, form)
    return site.trigger(form)


def test_a_busy_fax_goes_from_the_form_to_its_branch_and_its_status_stands_in_the_xcom(site):
    run = trigger(site, "busy-clinic", picture="trigger")
    site.open(run)

    site.wait_for_state("Success")

    states = {"send_later": "Success", "archive": "Skipped", "hand_to_person": "Skipped"}
    for task, state in states.items():
        row = site.page.get_by_role("row").filter(has=site.page.get_by_text(task, exact=True))
        expect(row.get_by_test_id("state-badge")).to_have_text(state)
    site.picture("run")
    site.open(f"{run}/tasks/send/xcom")
    # Airflow folds a value away until it is asked for.
    site.page.get_by_role("button", name="Expand").first.click()
    value = site.page.get_by_role("row").filter(has_text="return_value")
    expect(value).to_contain_text(re.compile(r'"outcome":\s*"retryable"'))
    expect(value).to_contain_text(re.compile(r'"cause":\s*"busy"'))
    site.picture("xcom")
    site.open(f"{run}/tasks/send/rendered_templates")
    expect(site.page.get_by_text("faxto_default")).to_be_visible()


def test_the_log_of_a_fax_that_nobody_knows_of_says_what_to_do(site):
    run = trigger(site, "doubtful-clinic")
    site.open(f"{run}/tasks/send")

    site.wait_for_state("Success")

    advice = re.compile("nobody can tell whether it arrived. Look it up there before anything is sent again")
    expect(site.page.get_by_text(advice).first).to_be_visible()
    site.picture("log")
