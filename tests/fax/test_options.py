"""What one may set for a fax: a mapping by name, whose values the vendor checks."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax import SendOptions
from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.options import COMMON_OPTIONS, did_you_mean


def test_what_is_set_is_an_attribute_and_an_item():
    options = SendOptions(resolution="fine", retries_at_vendor=2)

    assert (options.resolution, options["resolution"], options.retries_at_vendor) == ("fine", "fine", 2)
    assert dict(options) == {"resolution": "fine", "retries_at_vendor": 2}
    assert options.names_set == ["resolution", "retries_at_vendor"]


@pytest.mark.parametrize("name", COMMON_OPTIONS)
def test_a_common_option_that_is_not_set_is_none(name):
    assert getattr(SendOptions(), name) is None
    assert name not in SendOptions()


def test_a_name_that_no_vendor_shares_is_taken_and_left_to_the_vendor():
    options = SendOptions({"postpone_until": "2026-12-01T08:00Z"}, priority="low")

    assert options.names_set == ["postpone_until", "priority"]
    assert options.priority == "low"
    with pytest.raises(AttributeError, match="no option 'colour'"):
        _ = options.colour


@pytest.mark.parametrize("unset", [None, "", "None"])
def test_none_and_empty_text_mean_not_set(unset):
    options = SendOptions(contact=unset, page_size="a4")

    assert options == SendOptions(page_size="a4")
    assert options.contact is None


@pytest.mark.parametrize("value", [False, 0, " ", "none of it"])
def test_anything_else_is_set(value):
    assert SendOptions(contact=value).names_set == ["contact"]


def test_options_equal_what_sets_the_same():
    assert SendOptions({"page_size": "a4"}) == SendOptions(page_size="a4") == {"page_size": "a4"}
    assert SendOptions(page_size="a4") != SendOptions(page_size="b4")


def test_options_cannot_be_changed():
    given = {"page_size": "a4"}
    options = SendOptions(given)
    given["page_size"] = "b4"

    assert options.page_size == "a4"
    with pytest.raises(AttributeError):
        options.page_size = "b4"
    with pytest.raises(TypeError):
        options["page_size"] = "b4"


def test_options_survive_the_way_between_processes_and_a_copy():
    options = SendOptions(page_size="a4")

    assert pickle.loads(pickle.dumps(options)) == copy.deepcopy(options) == copy.copy(options) == options


def test_the_representation_shows_the_names_alone():
    shown = repr(SendOptions(contact="Jane Doe", page_header="To: Dr. Roe", sender_id="+1 202 555 0100"))

    assert shown == "<SendOptions: contact, page_header, sender_id>"
    assert repr(SendOptions()) == "<SendOptions: nothing set>"


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("resolutoin", "resolution"),
        ("Resolution", "resolution"),
        ("pageSize", "page_size"),
        ("retries_by_vendor", "retries_at_vendor"),
        ("contacts", "contact"),
    ],
)
def test_a_common_name_that_is_misspelt_is_refused_and_the_right_one_is_named(slip, meant):
    with pytest.raises(FaxInputError, match=rf"no option {slip}\. Did you mean {meant}\?"):
        SendOptions({slip: "x"})


@pytest.mark.parametrize("name", ["sender_name", "page_width", "page_footer", "reply_to", "retries", "fit_to_page"])
def test_a_name_that_is_only_similar_to_a_common_one_is_free_for_a_vendor(name):
    assert SendOptions({name: "x"}).names_set == [name]


@pytest.mark.parametrize("name", [5, None, "", "Jane Doe", "+12025550100", "a-b", "x" * 41, "page\nsize", "größe"])
def test_what_cannot_be_a_name_is_refused_and_not_shown(name):
    with pytest.raises(FaxInputError) as caught:
        SendOptions({name: "x"})

    assert not name or str(name) not in str(caught.value)


@given(st.dictionaries(st.one_of(st.text(), st.integers(), st.none()), st.text()))
def test_any_mapping_is_read_or_refused(mapping):
    try:
        options = SendOptions(mapping)
    except FaxInputError:
        return

    assert options.names_set == [name for name, value in mapping.items() if value not in ("", "None")]


def test_what_was_meant_is_named_where_a_known_name_is_alike():
    assert did_you_mean(["postpone_untill", "colour"], {"postpone_until", "page_size"}) == (
        " Did you mean postpone_until?"
    )
    assert did_you_mean(["colour"], {"page_size"}) == ""
