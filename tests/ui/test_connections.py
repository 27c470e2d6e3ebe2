"""What somebody sees who sets up a connection: the form of each vendor, and the Test button."""

from __future__ import annotations

import pytest
from ui.site import expect

from airflow_provider_faxto.get_provider_info import get_provider_info

TYPES = {entry["connection-type"]: entry for entry in get_provider_info()["connection-types"]}
# Of Airflow, in its words.
STANDARD_FIELDS = {"description": "Description", "host": "Host", "login": "Login", "password": "Password"}


def shown(form):
    """The labels in view, without the star of a required field."""
    return [label.replace("*", "").strip() for label in form.locator("label:visible").all_inner_texts()]


@pytest.mark.parametrize("conn_type", TYPES)
def test_the_form_shows_the_fields_of_the_type_and_no_others(site, conn_type):
    entry = TYPES[conn_type]
    behaviour = entry["ui-field-behaviour"]
    of_airflow = ["Connection ID", "Connection Type"]
    standard = {
        behaviour["relabeling"].get(name, label)
        for name, label in STANDARD_FIELDS.items()
        if name not in behaviour["hidden-fields"]
    }

    form = site.new_connection(entry["hook-name"])

    assert ("API key" in standard, "User name" in standard) == (conn_type == "faxto", conn_type != "faxto")
    assert set(shown(form)) == {*of_airflow, *standard}
    for placeholder in behaviour["placeholders"].values():
        expect(form.get_by_placeholder(placeholder)).to_be_visible()
    site.picture(f"form-{conn_type}", form)
    site.show_extra_fields(form)
    assert shown(form) == of_airflow + [field["label"] for field in entry["conn-fields"].values()]
    site.picture(f"form-{conn_type}-extra", form)
    # Not even folded away.
    assert not {"Port", "Schema"} & set(form.locator("label").all_inner_texts())


def test_a_connection_is_saved_with_the_form(site, connections):
    stored = connections["interfax_default"]
    form = site.new_connection("InterFAX")
    form.get_by_label("Connection ID").fill("clinic_fax")
    form.get_by_label("API host").fill(stored["host"])
    form.get_by_label("User name").fill(stored["login"])
    form.get_by_label("Password").fill(stored["password"])
    site.show_extra_fields(form)
    form.locator("[name=element_default_region]").fill("US")

    form.get_by_role("button", name="Save").click()

    row = site.page.get_by_role("row").filter(has_text="clinic_fax")
    expect(row).to_contain_text("interfax")
    row.get_by_role("button", name="Edit Connection").click()
    edited = site.page.get_by_role("dialog")
    expect(edited.get_by_label("User name")).to_have_value(stored["login"])
    expect(edited.get_by_label("Password")).not_to_have_value(stored["password"])
    site.show_extra_fields(edited)
    expect(edited.locator("[name=element_default_region]")).to_have_value("US")


@pytest.mark.parametrize("conn_type", TYPES)
def test_the_test_button_tests_a_connection_that_is_stored_with_port_0(site, connections, conn_type):
    conn_id = f"tested_{conn_type}"
    stored = {"connection_id": conn_id, **connections[f"{conn_type}_default"], "port": 0}
    stored.pop("extra", None)
    assert site.page.request.post("/api/v2/connections", data=stored).status == 201
    site.open("/connections")

    answer = site.press_test(conn_id)

    assert answer.json()["status"] is True
    expect(site.page.get_by_text("Test Connection Successful")).to_be_visible()
    if conn_type == "interfax":
        site.picture("connection-tested")


def test_the_test_button_says_that_a_password_is_wrong(site, connections):
    stored = {**connections["faxto_default"], "connection_id": "mistyped_fax", "password": "mistyped", "port": 0}
    stored.pop("extra", None)
    assert site.page.request.post("/api/v2/connections", data=stored).status == 201
    site.open("/connections")

    answer = site.press_test("mistyped_fax")

    assert answer.json()["status"] is False
    expect(site.page.get_by_text("401").first).to_be_visible()


def test_the_test_button_of_this_airflow_tests_nothing_that_is_stored_without_a_port(site, connections):
    """The page sends port 0, and the server compares that with no port: Airflow's fault, not the connection's.

    Once this fails, the button works again, and what the documentation says of it can go.
    """
    stored = {**connections["interfax_default"], "connection_id": "portless_fax", "port": None}
    stored.pop("extra", None)
    assert site.page.request.post("/api/v2/connections", data=stored).status == 201
    site.open("/connections")

    answer = site.press_test("portless_fax")

    assert (answer.status, answer.request.post_data_json["port"]) == (400, 0)
    assert "host or port to test differs" in answer.json()["detail"]
    expect(site.page.get_by_text("Test Connection Failed")).to_be_visible()
