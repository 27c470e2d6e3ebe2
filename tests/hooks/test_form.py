"""The connection form for Airflow before 3.2: the same fields that later releases read from the provider info."""

from __future__ import annotations

import importlib.util
import json

import pytest
from support.vendors import HOOKS as HOOKS_BY_TYPE

from airflow_provider_faxto.get_provider_info import get_provider_info
from airflow_provider_faxto.hooks.faxto import FaxToHook

HOOKS = list(HOOKS_BY_TYPE.values())
HAS_FORMS = importlib.util.find_spec("flask_appbuilder") is not None


def described(hook):
    (entry,) = (each for each in get_provider_info()["connection-types"] if each["connection-type"] == hook.conn_type)
    return entry


@pytest.mark.parametrize("hook", HOOKS)
def test_both_descriptions_of_the_standard_fields_say_the_same(hook):
    behaviour = hook.get_ui_field_behaviour()

    assert set(behaviour) == {"hidden_fields", "relabeling", "placeholders"}
    for name, value in behaviour.items():
        assert value == described(hook)["ui-field-behaviour"][name.replace("_", "-")]


@pytest.mark.parametrize("hook", HOOKS)
def test_the_behaviour_fits_airflows_schema(hook):
    import airflow
    import jsonschema

    path = importlib.util.find_spec(airflow.__name__).submodule_search_locations[0]
    with open(f"{path}/customized_form_field_behaviours.schema.json") as file:  # noqa: PTH123 - short
        schema = json.load(file)
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert list(validator.iter_errors(hook.get_ui_field_behaviour())) == []


@pytest.mark.parametrize("hook", HOOKS)
def test_only_fields_that_the_type_uses_are_shown(hook):
    behaviour = hook.get_ui_field_behaviour()

    shown = {"host", "login", "password", "schema", "port", "extra"} - set(behaviour["hidden_fields"])
    assert shown == ({"host", "password"} if hook is FaxToHook else {"host", "login", "password"})
    assert set(behaviour["relabeling"]) <= shown
    assert set(behaviour["placeholders"]) <= shown


@pytest.mark.skipif(HAS_FORMS, reason="the form library is installed")
@pytest.mark.parametrize("hook", HOOKS)
def test_without_the_form_library_the_extra_is_json(hook):
    assert hook.get_connection_form_widgets() == {}


@pytest.mark.skipif(not HAS_FORMS, reason="the form library is not installed")
@pytest.mark.parametrize("hook", HOOKS)
def test_every_extra_field_has_a_widget(hook):
    from flask import Flask
    from flask_babel import Babel
    from wtforms import Form

    app = Flask("form")
    Babel(app)
    widgets = hook.get_connection_form_widgets()

    assert set(widgets) == set(described(hook)["conn-fields"])
    with app.test_request_context():
        form = type("Shown", (Form,), widgets)()
        for name, field in described(hook)["conn-fields"].items():
            assert str(form[name].label.text) == field["label"]
            assert f'name="{name}"' in form[name]()
