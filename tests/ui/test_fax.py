"""What somebody sees who sends a fax: the trigger form, the way through the DAG, the log and the XCom."""

from __future__ import annotations

import re

from ui.site import expect

BUSY, UNDOCUMENTED = "+1 202 555 0102", "+999-9999-4242"


def trigger(site, dag_id, number, *, picture=None):
    form = site.trigger_form(dag_id, {"fax_number": number})
    if picture:
        # The document's path is of this machine.
        site.picture(picture, form, hide=form.locator("#element_document"))
    return site.trigger(form)


def test_a_busy_fax_goes_from_the_form_to_its_branch_and_its_status_stands_in_the_xcom(site):
    run = trigger(site, "fax_send_wait_branch", BUSY, picture="trigger")
    site.open(run)

    site.wait_for_state("Success")

    states = {"send_later": "Success", "archive": "Skipped", "hand_to_person": "Skipped", "done": "Success"}
    for task, state in states.items():
        row = site.page.get_by_role("row").filter(has=site.page.get_by_text(task, exact=True))
        expect(row.get_by_test_id("state-badge")).to_have_text(state)
    site.picture("run")
    site.open(f"{run}/tasks/wait/xcom")
    # Airflow folds a value away until it is asked for.
    site.page.get_by_role("button", name="Expand").first.click()
    value = site.page.get_by_role("row").filter(has_text="return_value")
    expect(value).to_contain_text(re.compile(r'"outcome":\s*"retryable"'))
    expect(value).to_contain_text(re.compile(r'"cause":\s*"busy"'))
    site.picture("xcom")
    site.open(f"{run}/tasks/send/rendered_templates")
    expect(site.page.get_by_text("faxto_default")).to_be_visible()


def test_the_log_of_a_fax_that_nobody_knows_of_says_what_to_do(site):
    run = trigger(site, "fax_with_retries", UNDOCUMENTED)
    site.open(f"{run}/tasks/send")

    site.wait_for_state("Failed")

    expect(site.page.get_by_text(re.compile("before anything is sent again")).first).to_be_visible()
    expect(site.page.get_by_text("4242 is on neither").first).to_be_visible()
    # The frames of a traceback are of this machine alone; a click on its head folds them away. It is sent, not made
    # with the mouse, for which the page would scroll to the line's end.
    for head in site.page.get_by_text(re.compile(r"^Fax\w+Error: ")).all():
        head.dispatch_event("click")
    site.picture("log")
