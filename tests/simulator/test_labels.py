from __future__ import annotations

import pytest

KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
REFERENCES = {
    "sent": KEY,
    "quoted": f'"{KEY}"',
    "underscores": KEY.replace("-", "_"),
    "suffix": f"{KEY} (1)",
    "cut": KEY[:20],
    "none": None,
}
RECIPIENTS = {
    "sent": "12025550100",
    "masked": "1202***0100",
    "trunk_zero": "1 (0)2025550100",
    "extension": "12025550100,,1",
    "other": "12025550101",
}
NAMES = {
    "uploaded": f"{KEY}.pdf",
    "generic": "document.pdf",
    "encoded": KEY.replace("-", "%2D") + ".pdf",
}


@pytest.mark.parametrize("form", REFERENCES)
def test_interfax_can_show_a_reference_in_another_form(simulator, interfax, form):
    simulator.configure(interfax_references=form)
    fax_id = interfax.send(reference=KEY)
    assert interfax.record(fax_id)["subject"] == REFERENCES[form]
    assert [record["subject"] for record in interfax.search(reference=KEY)] == [REFERENCES[form]]
    assert simulator.faxes()[0]["reference"] == KEY


def test_interfax_can_search_by_the_reference_that_it_shows(simulator, interfax):
    simulator.configure(interfax_references="quoted", interfax_search_by="shown")
    interfax.send(reference=KEY)
    assert interfax.search(reference=KEY) == []
    assert len(interfax.search(reference=f'"{KEY}"')) == len(interfax.search()) == 1


@pytest.mark.parametrize("form", RECIPIENTS)
def test_both_vendors_can_show_a_recipient_in_another_form(simulator, interfax, faxto, form):
    simulator.configure(interfax_recipients=form, faxto_recipients=form)
    faxto.send("+12025550100")
    assert interfax.record(interfax.send("+12025550100"))["destinationFax"] == "00" + RECIPIENTS[form]
    assert faxto.history()[0]["recipient"] == RECIPIENTS[form]


def test_a_country_code_of_two_digits_stands_before_the_trunk_zero(simulator, interfax):
    simulator.configure(interfax_recipients="trunk_zero")
    assert interfax.record(interfax.send("+442079460123"))["destinationFax"] == "0044 (0)2079460123"


@pytest.mark.parametrize("form", NAMES)
def test_faxto_can_show_a_documents_name_in_another_form(simulator, faxto, form):
    simulator.configure(faxto_document_names=form)
    faxto.send(document_id=faxto.upload(name=f"{KEY}.pdf"))
    assert faxto.history()[0]["document"] == faxto.get("/files").json()[0]["filename"] == NAMES[form]
