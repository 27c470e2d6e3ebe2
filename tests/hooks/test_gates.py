"""The gates of a connection, as its hook holds every fax to them: what is refused leaves no trace at the vendor."""

from __future__ import annotations

import json
import os
from decimal import Decimal

import pytest

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxDocumentError, FaxNotAllowedError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.gates import GATE_FIELDS
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.vendors.base import UploadedDocument

VENDORS = ["faxto", "interfax", "extrafax"]
WASHINGTON = "+1 202 555 0100"
BERLIN = "+49 30 23125042"
PREMIUM = "+1 900 555 0100"


@pytest.fixture
def connect(fax_connections, monkeypatch):
    """Give a function that gives a vendor's hook, with rules on its connection."""

    def make(vendor="faxto", **extra):
        fax_connections.set_airflow_connections(monkeypatch, **extra)
        return FaxHook.for_connection(f"{vendor}_default")

    return make


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a PDF of some pages below a folder."""

    def make(name="letter.pdf", pages=1, content=None):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_pdf(pages) if content is None else content)
        return path

    return make


def refusal(simulator, call, *arguments, error=FaxNotAllowedError, **named):
    """Give the message of a refusal, after which the vendor knows nothing of the fax."""
    before = len(simulator.requests())
    with pytest.raises(error) as caught:
        call(*arguments, **named)
    assert len(simulator.requests()) == before
    assert simulator.faxes() == []
    message = str(caught.value)
    for private in ("2025550100", "9005550100", "3023125042", "letter."):
        assert private not in message
    return message


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_costly_number_is_refused_unless_the_connection_allows_it(connect, fax_connections, write, vendor):
    message = refusal(fax_connections, connect(vendor).send_fax, PREMIUM, str(write()))

    assert f"Connection '{vendor}_default'" in message
    assert "allow_costly_numbers" in message
    connect(vendor, allow_costly_numbers="true").send_fax(PREMIUM, str(write()))
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("rules", ["+49, FR", '["DE", "+33"]', ["DE"], "DE\n+33"])
def test_a_list_may_be_json_or_separated_by_commas(connect, fax_connections, write, vendor, rules):
    hook = connect(vendor, allowed_numbers=rules)

    assert "allowed_numbers" in refusal(fax_connections, hook.send_fax, WASHINGTON, str(write()))
    hook.send_fax(BERLIN, str(write()))
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize(
    "extra",
    [
        {"allowed_numbers": "49"},
        {"allowed_numbers": "Germany"},
        {"allowed_numbers": "de;at"},
        {"allowed_numbers": "[DE]"},
        {"allowed_numbers": " , "},
        {"allowed_numbers": []},
        {"allowed_numbers": [49]},
        {"allowed_numbers": {"DE": True}},
        {"allowed_numbers": 49},
        {"denied_numbers": "0900"},
        {"denied_numbers": "*"},
        {"denied_numbers": False},
        {"allow_costly_numbers": "perhaps"},
        {"allow_costly_numbers": 2},
        {"allowed_numbers_from": 7},
        {"allowed_numbers_from": "approved.txt"},
        {"document_roots": "outbox"},
        {"document_roots": "/data/../etc"},
        {"document_roots": "~/outbox"},
        {"document_roots": "s3://bucket/../other"},
        {"document_roots": []},
        {"document_roots": ["/data", 5]},
        {"max_pages": "0"},
        {"max_pages": "-1"},
        {"max_pages": "ten"},
        {"max_pages": True},
        {"max_pages": 2.5},
        {"max_pages": "\u0663"},
        {"max_pages_strict": "maybe"},
        {"max_cost": "cheap"},
        {"max_cost": "NaN"},
        {"max_cost": "-1"},
        {"max_cost": True},
        {"allowed_dags": 5},
        {"allowed_dags": ","},
        {"allowed_number": "DE"},
        {"Allowed_Numbers": "DE"},
        {"allowed-numbers": "DE"},
        {"alowed_numbers": "DE"},
        {"deniednumbers": "+1"},
        {"max_page": 2},
        {"MAX_PAGES": 2},
        {"documents_roots": "/data"},
        {"allow_dags": "billing_*"},
    ],
    ids=str,
)
def test_a_rule_that_cannot_be_read_closes_the_connection(connect, fax_connections, write, extra):
    hook = connect(**extra)
    message = refusal(fax_connections, hook.send_fax, BERLIN, str(write()), error=FaxConfigurationError)

    assert "Connection 'faxto_default'" in message
    assert any(name in message for name in GATE_FIELDS)
    assert hook.test_connection() == (False, message)
    assert fax_connections.requests() == []


@pytest.mark.parametrize("days", ["always", -1, True, "3651", 1.5, "\u0663\u0660"])
def test_for_how_long_bad_numbers_are_remembered_is_checked(connect, days):
    is_good, message = connect(remember_bad_numbers=days).test_connection()

    assert not is_good
    assert "remember_bad_numbers" in message


@pytest.mark.parametrize(("days", "read"), [("0", 0), (7, 7), (" 30 ", 30)])
def test_bad_numbers_are_remembered_for_whole_days(connect, days, read):
    assert connect(remember_bad_numbers=days).bad_number_days == read


@pytest.mark.parametrize("rule", ["+49 30", "+49-30", "+49 (0)30", "+49 ( 0 ) 30", "+49/30", "de", " DE "])
def test_a_rule_may_be_written_as_people_write_numbers(connect, fax_connections, write, rule):
    assert "denied_numbers" in refusal(fax_connections, connect(denied_numbers=rule).send_fax, BERLIN, str(write()))
    connect(allowed_numbers=rule).check_recipient(BERLIN)


def test_an_empty_list_of_denied_numbers_denies_nothing(connect, fax_connections, write):
    connect(denied_numbers=[]).send_fax(BERLIN, str(write()))

    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
def test_a_limit_of_price_closes_a_connection_whose_vendor_tells_none(connect, fax_connections, write, vendor):
    hook = connect(vendor, max_cost="1")
    message = refusal(fax_connections, hook.send_fax, BERLIN, str(write()), error=FaxConfigurationError)

    assert "tells no price" in message


def test_a_fax_is_only_sent_up_to_the_price_that_is_allowed(connect, fax_connections, write):
    hook = connect(max_cost="0.14")
    with pytest.raises(FaxNotAllowedError, match=r"would cost 0\.15, and max_cost is 0\.14"):
        hook.send_fax(BERLIN, str(write()))

    assert fax_connections.faxes() == []
    endpoints = [request["endpoint"] for request in fax_connections.requests()]
    # The document does not stay at the vendor.
    assert hook.list_documents() == []
    assert not any("POST" in endpoint and endpoint.endswith("/fax") for endpoint in endpoints)

    job = connect(max_cost="0.15").send_fax(BERLIN, str(write()), reference="airflow-one")
    assert job.cost == Decimal("0.15")
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_pages_of_all_documents_count_together(connect, fax_connections, write, vendor):
    hook = connect(vendor, max_pages="3")
    many = [str(write("a.pdf", 2)), str(write("b.pdf", 2))] if vendor != "faxto" else str(write("c.pdf", 4))

    assert "has 4 pages, and max_pages is 3" in refusal(fax_connections, hook.send_fax, BERLIN, many)
    if vendor != "interfax":
        assert "max_pages" in refusal(fax_connections, hook.load_documents, many)
    hook.send_fax(BERLIN, str(write("d.pdf", 3)))
    assert len(fax_connections.faxes()) == 1


def test_a_document_whose_pages_cannot_be_counted_is_refused_where_the_rule_is_strict(connect, fax_connections, write):
    text = str(write("letter.txt", content=b"Dear all"))

    assert "max_pages_strict" in refusal(
        fax_connections, connect(max_pages=1, max_pages_strict="yes").send_fax, BERLIN, text
    )
    connect(max_pages=1).send_fax(BERLIN, text)
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("said", [None, 1])
def test_a_document_in_memory_is_counted_whatever_it_says_of_itself(connect, fax_connections, said):
    content = make_pdf(4)
    plain = FaxDocument.from_bytes(content, "pdf")
    document = FaxDocument(extension="pdf", size=plain.size, sha256=plain.sha256, open=plain.open, pages=said)

    assert "has 4 pages" in refusal(fax_connections, connect(max_pages=3).send_fax, BERLIN, document)
    connect(max_pages=4).send_fax(BERLIN, document)
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("said", [None, 1])
def test_a_document_in_memory_is_counted_each_time_it_is_given(connect, fax_connections, said):
    plain = FaxDocument.from_bytes(make_pdf(2), "pdf")
    document = FaxDocument(extension="pdf", size=plain.size, sha256=plain.sha256, open=plain.open, pages=said)
    hook = connect("interfax", max_pages=3)
    hook.load_documents(document)

    assert "has 4 pages" in refusal(fax_connections, hook.send_fax, BERLIN, [document, document])
    loaded = hook.load_documents(document)
    assert "has 4 pages" in refusal(fax_connections, hook.send_fax, BERLIN, loaded * 2)


def test_a_picture_in_memory_is_one_page(connect, fax_connections):
    picture = FaxDocument.from_bytes(b"\x89PNG\r\n\x1a\n", "png")

    connect(max_pages=1, max_pages_strict=True).send_fax(BERLIN, picture)
    assert "has 2 pages" in refusal_of_many(connect("interfax", max_pages=1), [picture, picture])


def refusal_of_many(hook, documents):
    with pytest.raises(FaxNotAllowedError) as caught:
        hook.send_fax(BERLIN, documents)
    return str(caught.value)


def test_an_uploaded_document_of_somebody_else_counts_as_not_counted(connect, fax_connections, write):
    uploaded = connect().upload_document(str(write("letter.pdf", 4)))
    strict = connect(max_pages=3, max_pages_strict=True)

    with pytest.raises(FaxNotAllowedError, match="max_pages_strict"):
        strict.send_fax(BERLIN, UploadedDocument(document_id=uploaded.document_id, pages=1))
    assert fax_connections.faxes() == []


def test_an_uploaded_document_of_this_hook_is_known_with_its_pages(connect, fax_connections, write):
    hook = connect(max_pages=3, max_pages_strict=True, document_roots=str(write().parent))
    uploaded = hook.upload_document(str(write("letter.pdf", 3)))

    hook.send_fax(BERLIN, uploaded)
    assert len(fax_connections.faxes()) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_document_lies_below_a_root_with_links_resolved(connect, fax_connections, write, tmp_path, vendor):
    inside, outside = write("outbox/deep/letter.pdf"), write("other/letter.pdf")
    (tmp_path / "outbox/link.pdf").symlink_to(outside)
    (tmp_path / "outbox/folder").symlink_to(outside.parent)
    (tmp_path / "way").symlink_to(tmp_path / "outbox")
    hook = connect(vendor, document_roots=str(tmp_path / "outbox"))

    for path in (
        outside,
        tmp_path / "outbox/link.pdf",
        tmp_path / "outbox/folder/letter.pdf",
        tmp_path / "outbox/../other/letter.pdf",
        f"file://{outside}",
    ):
        assert "document_roots" in refusal(fax_connections, hook.send_fax, BERLIN, str(path))
        if vendor == "faxto":
            assert "document_roots" in refusal(fax_connections, hook.upload_document, str(path))
    for path in (inside, tmp_path / "way/deep/letter.pdf", f"file://{inside}"):
        hook.send_fax(BERLIN, str(path))
    assert len(fax_connections.faxes()) == 3


def test_what_lies_nowhere_is_refused_where_there_are_roots(connect, fax_connections, write, tmp_path):
    uploaded = connect().upload_document(str(write()))
    hook = connect(document_roots=str(tmp_path))
    for document in (FaxDocument.from_bytes(make_pdf(), "pdf"), uploaded):
        before = len(fax_connections.requests())
        with pytest.raises(FaxNotAllowedError, match="document_roots"):
            hook.send_fax(BERLIN, document)
        assert len(fax_connections.requests()) == before
    with pytest.raises(FaxNotAllowedError, match="document_roots"):
        hook.upload_document_from_url("https://files.example.com/letter.pdf")


def test_a_url_for_the_vendor_lies_below_a_prefix(connect, fax_connections):
    hook = connect(document_roots="https://files.example.com/outbox")
    for url in (
        "https://files.example.com/other/a.pdf",
        "https://files.example.com/outbox2/a.pdf",
        "https://files.example.com/outbox/../other/a.pdf",
        "https://files.example.com/outbox/%2e%2e/other/a.pdf",
        "https://files.example.com.evil.example/outbox/a.pdf",
    ):
        assert "document_roots" in refusal(fax_connections, hook.upload_document_from_url, url)
    assert hook.upload_document_from_url("https://files.example.com/outbox/a.pdf").document_id


def test_the_stored_document_of_an_earlier_job_is_held_to_the_rules(connect, fax_connections, write, tmp_path):
    job = connect("interfax").send_fax(BERLIN, str(write())).job_id
    fax_connections.finish()

    def refused(rules, *arguments):
        with pytest.raises(FaxNotAllowedError):
            connect("interfax", **rules).resend_fax(job, *arguments)

    refused({}, PREMIUM)
    refused({"allowed_numbers": "DE"}, WASHINGTON)
    refused({"allowed_numbers": "DE"})
    refused({"denied_numbers": "US"}, WASHINGTON)
    refused({"document_roots": str(tmp_path)}, BERLIN)
    refused({"max_pages": 5, "max_pages_strict": True}, BERLIN)
    refused({"allowed_dags": "*"}, BERLIN)
    assert len(fax_connections.faxes()) == 1
    connect("interfax", allowed_numbers="DE").resend_fax(job, BERLIN)
    assert len(fax_connections.faxes()) == 2


def test_a_call_outside_of_a_dag_is_refused_where_dags_are_named(connect, fax_connections, write):
    hook = connect(allowed_dags="*")
    for call, arguments in (
        (hook.send_fax, (BERLIN, str(write()))),
        (hook.upload_document, (str(write()),)),
        (hook.upload_document_from_url, ("https://files.example.com/a.pdf",)),
        (hook.load_documents, (str(write()),)),
        (hook.check_recipient, (BERLIN,)),
    ):
        assert "allowed_dags" in refusal(fax_connections, call, *arguments)


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_the_list_of_approved_numbers_is_read_anew_when_it_changes(connect, fax_connections, write, tmp_path, prefix):
    approved = tmp_path / "approved.txt"
    approved.write_text(f"# clinics\n\n{BERLIN}  # the clinic\r\n")
    hook = connect(allowed_numbers_from=f"{prefix}{approved}")

    hook.check_recipient(BERLIN)
    assert "allowed_numbers_from" in refusal(fax_connections, hook.send_fax, WASHINGTON, str(write()))
    # As long as before, and perhaps within the same tick of the file system's clock.
    approved.write_text(f"# clinics\n\n{WASHINGTON}  # the clinic\r\n")
    hook.check_recipient(WASHINGTON)
    assert "allowed_numbers_from" in refusal(fax_connections, hook.send_fax, BERLIN, str(write()))


def test_numbers_of_the_list_without_a_plus_are_those_of_the_default_region(connect, tmp_path):
    approved = tmp_path / "approved.txt"
    approved.write_text("030 23125042\n")

    connect(allowed_numbers_from=str(approved), default_region="DE").check_recipient(BERLIN)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "cannot be loaded"),
        (b"+49 30 23125042\nthe clinic\n", "line 2"),
        (b"+49 30 23125042 / 43\n", "line 1"),
        (b"\xff\xfe+\x004\x009\x00", "UTF-8"),
    ],
)
def test_a_list_that_cannot_be_loaded_closes_the_gate(connect, fax_connections, write, content, what):
    approved = write().with_name("approved.txt")
    if content is not None:
        approved.write_bytes(content)
    hook = connect(allowed_numbers="DE", allowed_numbers_from=str(approved))
    message = refusal(fax_connections, hook.send_fax, BERLIN, str(write()), error=FaxConfigurationError)

    assert "allowed_numbers_from" in message
    assert what in message


def test_an_empty_list_approves_nothing(connect, fax_connections, write, tmp_path):
    approved = tmp_path / "approved.txt"
    approved.touch()

    assert "allowed_numbers_from" in refusal(
        fax_connections, connect(allowed_numbers_from=str(approved)).send_fax, BERLIN, str(write())
    )


@pytest.mark.parametrize("bad", ["truncated", "garbled", "empty", "without pages", "encrypted"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_pdf_that_nobody_can_print_is_not_uploaded(connect, fax_connections, write, vendor, bad):
    contents = {
        "truncated": make_pdf(3)[:300],
        "garbled": b"%PDF-1.7\n" + os.urandom(500) + b"\n%%EOF\n",
        "empty": b"",
        "without pages": make_pdf(0),
        "encrypted": encrypted("secret"),
    }
    path = str(write("letter.pdf", content=contents[bad]))

    message = refusal(fax_connections, connect(vendor).send_fax, BERLIN, path, error=FaxDocumentError)
    assert "The document is" in message


def test_a_pdf_that_opens_without_a_password_is_faxed(connect, fax_connections, write):
    connect(max_pages=2).send_fax(BERLIN, str(write("letter.pdf", content=encrypted(""))))

    assert len(fax_connections.faxes()) == 1


def encrypted(password):
    import io

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(2))))
    writer.encrypt(password, "owner", algorithm="AES-256")
    content = io.BytesIO()
    writer.write(content)
    return content.getvalue()


def test_the_form_describes_every_rule():
    from airflow_provider_faxto.get_provider_info import get_provider_info

    for entry in get_provider_info()["connection-types"]:
        missing = set(GATE_FIELDS) - set(entry["conn-fields"])
        assert missing == (set() if entry["connection-type"] == "faxto" else {"max_cost"})
        json.dumps(entry)
