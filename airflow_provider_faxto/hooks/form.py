"""The connection form for Airflow before 3.2, made from the same description that later releases read.

Airflow 3.2 and later read the form from the provider info and never call these.
"""

from __future__ import annotations

from typing import Any

from airflow_provider_faxto.get_provider_info import get_provider_info

__all__ = ["connection_form_widgets", "ui_field_behaviour"]


def connection_form_widgets(conn_type: str) -> dict[str, Any]:
    """Make the form's extra fields.

    :param conn_type: the connection type.
    :return: a widget for each extra field, by name. Empty where the form library is not installed (Airflow 3.0
        and 3.1): the extra is then written as JSON.
    """
    try:
        from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
        from flask_babel import lazy_gettext
        from wtforms import StringField
    except ImportError:
        return {}
    return {
        name: StringField(lazy_gettext(field["label"]), widget=BS3TextFieldWidget(), description=field["description"])
        for name, field in _describe(conn_type)["conn-fields"].items()
    }


def ui_field_behaviour(conn_type: str) -> dict[str, Any]:
    """Say which standard fields the form hides and what it calls the others.

    :param conn_type: the connection type.
    :return: the mapping that Airflow before 3.2 expects, with underscores in its keys.
    """
    described = _describe(conn_type)["ui-field-behaviour"]
    return {
        "hidden_fields": described["hidden-fields"],
        "relabeling": described["relabeling"],
        "placeholders": described["placeholders"],
    }


def _describe(conn_type: str) -> dict[str, Any]:
    (described,) = (entry for entry in get_provider_info()["connection-types"] if entry["connection-type"] == conn_type)
    return dict(described)
