"""Checking a fax: every rule of the connection, pages and price, and nothing that stays at the vendor."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.hooks.faxto import FaxToHook
from airflow_provider_faxto.simulator.pdf import make_pdf

DELIVERED, PREMIUM = "+1 202 555 0100", "+1 900 555 0100"


@pytest.fixture
def check(command, simulator, vendor, monkeypatch, letter):
    """Give a function that checks a fax with rules on the connection, and gives the rows by what was looked at."""

    def run(*more, number=DELIVERED, files=(letter,), **rules):
        simulator.set_airflow_connections(monkeypatch, **rules)
        ended = command("check", number, *files, *more, "--conn-id", f"{vendor}_default", "--output", "json")
        ended.by_name = {row["check"]: row for row in ended.rows} if ended.out else {}
        assert simulator.faxes() == []
        return ended

    return run


def results(ended):
    return {name: row["result"] for name, row in ended.by_name.items()}


def documents_left():
    return FaxToHook().list_documents()


def test_a_fax_that_may_be_sent_passes(check, vendor):
    ended = check()

    assert ended.code == 0
    price = "ok" if vendor == "faxto" else "not told"
    assert results(ended) == {
        "number": "ok", "number rules": "ok", "number that answers": "ok", "DAG": "ok", "documents": "ok",
        "pages": "ok", "price": price,
    }  # fmt: skip
    assert ended.by_name["number"]["value"] == "+*******0100"
    assert ended.by_name["pages"]["value"] == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("number", {"number": "the clinic"}),
        ("number rules", {"number": PREMIUM}),
        ("number rules", {"denied_numbers": "US"}),
        ("number rules", {"allowed_numbers": "DE"}),
        ("DAG", {"allowed_dags": "billing_*"}),
        ("documents", {"files": ["/nowhere/letter.pdf"]}),
        ("documents", {"document_roots": "/srv/outbox"}),
    ],
)
def test_what_a_rule_refuses_is_named_and_nothing_is_uploaded(check, simulator, name, arguments):
    ended = check(**arguments)

    assert ended.code == 3
    assert results(ended)[name] == "refused"
    assert ended.by_name[name]["detail"]
    assert simulator.requests() == []


def test_all_rules_are_looked_at_although_one_refuses(check, tmp_path):
    path = tmp_path / "letter.pdf"
    path.write_bytes(make_pdf(3))

    ended = check(number=PREMIUM, files=[str(path)], allowed_dags="billing_*", max_pages="2")

    refused = {name for name, result in results(ended).items() if result == "refused"}
    assert refused == {"number rules", "DAG", "pages"}


def test_a_dag_may_be_named(check):
    assert results(check("--dag-id", "billing_daily", allowed_dags="billing_*"))["DAG"] == "ok"
    assert results(check("--dag-id", "other", allowed_dags="billing_*"))["DAG"] == "refused"


def test_a_rule_that_cannot_be_read_is_wrong_set_up(check):
    ended = check(max_pages="many")

    assert ended.code == 1
    assert "max_pages" in ended.err


@pytest.mark.parametrize("vendor", ["interfax"])
def test_a_rule_that_the_vendor_cannot_keep_is_wrong_set_up(check):
    assert check(max_cost="1").code == 1


# Price -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["faxto"])
def test_the_price_is_told_and_no_document_is_left(check):
    ended = check()

    assert float(ended.by_name["price"]["value"]) > 0
    assert documents_left() == []


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_fax_that_is_too_dear_is_refused_and_no_document_is_left(check):
    ended = check(max_cost="0.001")

    assert (ended.code, results(ended)["price"]) == (3, "refused")
    assert documents_left() == []


@pytest.mark.parametrize("vendor", ["faxto"])
def test_without_a_price_nothing_is_uploaded(check, simulator):
    ended = check("--no-price")

    assert ended.code == 0
    assert simulator.requests() == []


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_price_that_must_be_kept_and_is_not_asked_is_unknown(check):
    ended = check("--no-price", max_cost="10")

    assert (ended.code, results(ended)["price"]) == (4, "not checked")


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_price_that_cannot_be_read_leaves_no_document(check, simulator, fake_time):
    simulator.fault("server_error", endpoint="cost", times=None)

    ended = check()

    assert (ended.code, results(ended)["price"]) == (4, "not checked")
    assert documents_left() == []


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_document_that_may_be_left_is_told(check, simulator):
    simulator.fault("server_error", endpoint="delete", times=None)

    ended = check()

    assert ended.code == 4
    (left,) = documents_left()
    assert left.document_id in ended.by_name["uploaded document"]["detail"]


@pytest.mark.parametrize("vendor", ["faxto"])
def test_an_upload_whose_answer_is_lost_names_what_may_be_left(check, simulator):
    simulator.fault("lost_answer", endpoint="upload", times=None)

    ended = check()

    assert ended.code == 4
    (left,) = documents_left()
    assert left.filename.removesuffix(".pdf") in ended.by_name["price"]["detail"]


@pytest.mark.parametrize("vendor", ["faxto"])
def test_a_connection_for_some_dags_uploads_nothing_for_the_price(check, simulator):
    ended = check("--dag-id", "billing_daily", allowed_dags="billing_*")

    assert (ended.code, results(ended)["price"]) == (4, "not checked")
    assert simulator.requests() == []


def test_a_number_that_no_fax_machine_answered_is_refused(check, remembered):
    assert results(check(remember_bad_numbers="30"))["number that answers"] == "ok"
    remembered(DELIVERED)
    ended = check(remember_bad_numbers="30")

    assert ended.code == 3
    assert results(ended)["number that answers"] == "refused"
    assert "was not operational" in ended.by_name["number that answers"]["detail"]
