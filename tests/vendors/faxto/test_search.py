"""Finding a logical fax again in Fax.to's records, and never taking "cannot tell" for "not there"."""

from __future__ import annotations

from itertools import chain, count, repeat

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxInputError, FaxLostContactError, FaxRefusedError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.vendors.base import ConnectionSettings
from airflow_provider_faxto.vendors.faxto import FaxToVendor
from airflow_provider_faxto.vendors.faxto.records import HistoryRow, StoredDocument, read_id, read_moment
from airflow_provider_faxto.vendors.faxto.search import Search

NUMBER = FaxNumber("+12025550123")
KEY = "airflow-" + "0a" * 16
OTHER_KEY = "airflow-" + "0b" * 16
SENT = {"status": "success", "message": "Sent! Fax Has Been Answered."}
NAMES = [
    f"{KEY}.pdf", f"{KEY}.pdf.tiff", f"{KEY.upper()}.PDF", f"{KEY}", f"1501763558_{KEY}.pdf", f"up/2017/{KEY}.tif",
    f"{KEY}(1).pdf",
]  # fmt: skip
SERVER_NAMES = ["598317a8404bd.pdf.tiff", "FAX11920.pdf", "fax7", "0000000000300.pdf", None, 7, ".pdf",
                "f47ac10b-58cc-4372-a567-0e02b2c3d479.tif"]  # fmt: skip


@pytest.fixture
def vendor() -> FaxToVendor:
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password="key"))


def file(document_id, name):
    return {"id": document_id, "filename": name, "pages": 1, "size": 1, "uploaded": "2017-03-10"}


def row(job_id, document_id=300, name="FAX1.pdf", recipient="12025550123", status="success"):
    return {
        "id": job_id,
        "created": {"date": "2017-03-09 15:35:28.000000", "timezone_type": 3, "timezone": "UTC"},
        "document_id": document_id,
        "document": name,
        "recipient": recipient,
        "status": status,
    }


@pytest.fixture
def find(vendor, run, answer):
    """Look the key up in an account with these documents and rows, each list on one page."""

    def find(files, rows, *statuses, reference=KEY):
        pages = [
            answer(200, files),
            *([answer(200, [])] if files else []),
            answer(200, {"history": rows}),
            *([answer(200, {"history": []})] if rows else []),
        ]
        flow = vendor.find_jobs(reference=reference, fax_number=NUMBER)
        return run(flow, [*pages, *(answer(200, status) for status in statuses)])

    return find


def test_a_fax_is_found_by_its_documents_id(find, run):
    (status,) = find([file(300, f"{KEY}.pdf"), file(301, "else.pdf")], [row(9, 301), row(8)], SENT)

    assert (status.job_id, status.outcome, status.reference) == ("8", FaxOutcome.SUCCESS, KEY)
    assert status.submitted_at == pendulum.datetime(2017, 3, 9, 15, 35, 28)
    assert [request.path for request in run.requests] == [
        "/api/v2/files", "/api/v2/files", "/api/v2/fax-history", "/api/v2/fax-history", "/api/v2/fax/8/status",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_fax_is_found_by_the_documents_name_whatever_the_server_adds(find, name):
    assert find([file(300, name)], [row(8)], SENT)[0].job_id == "8"
    assert find([], [row(8, name=name)], SENT)[0].job_id == "8"


@pytest.mark.parametrize("name", ["r1.pdf", "R1", "r1.pdf.tiff", "folder/r1.v2.tif"])
def test_a_short_reference_is_found_by_the_whole_name(find, name):
    assert find([file(300, name)], [row(8)], SENT, reference="r1")[0].reference == "r1"


@pytest.mark.parametrize("name", ["r10.pdf", "xr1.pdf", "other-r1.pdf"])
def test_a_short_reference_is_not_found_inside_another(find, name):
    assert find([file(300, name)], [row(8)], reference="r1") == []


def test_every_job_is_found_newest_first(find):
    files = [file(300, f"{KEY}.pdf"), file(301, f"{KEY}.pdf")]
    rows = [row(9, 300), row("10", 301), row(11, 301, recipient="+1 (202) 555-0123"), row(12, 302, name="b.pdf")]

    statuses = find(files, rows, SENT, {"status": "success", "message": "Fax Failed - Line Busy"}, SENT)

    assert [(status.job_id, status.outcome) for status in statuses] == [
        ("11", FaxOutcome.SUCCESS), ("10", FaxOutcome.RETRYABLE), ("9", FaxOutcome.SUCCESS),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ([], []),
        ([file(300, f"{KEY}.pdf")], []),
        ([file(300, f"{OTHER_KEY}.pdf")], [row(8)]),
        ([], [row(8, name=f"{OTHER_KEY}.pdf")]),
        ([], [row(8, name="report.pdf")]),
        ([file(300, "report.pdf")], [row(8)]),
        ([file(300, f"{KEY}.pdf")], [row(8, recipient="12025550199")]),
        ([], [row(8, recipient="12025550199"), row(7, recipient="441224459292")]),
        ([{"filename": "report.pdf"}, "x", None], [{"recipient": "12025550199"}]),
        ([file(300, "report.pdf")], [row(8, recipient=None)]),
    ],
)
def test_records_that_show_other_faxes_alone_prove_absence(find, files, rows):
    assert find(files, rows) == []


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ([], [{}]),
        ([], [7]),
        ([], [row(8, recipient=None)]),
        ([], [row(8, recipient="unknown", name=f"{KEY}.pdf")]),
        ([], [row(None, name=f"{KEY}.pdf")]),
        ([], [row("8a", name=f"{KEY}.pdf")]),
        ([], [row(8, name=f"{KEY}.pdf", recipient="2025550123")]),
        ([file(300, f"{KEY}.pdf")], [row(8, recipient=[])]),
        ([file(300, f"{KEY}.pdf")], [row(8), row(7, document_id=None)]),
        ([file(None, f"{KEY}.pdf")], [row(8)]),
    ],
)
def test_a_row_that_may_be_this_fax_proves_nothing(find, files, rows):
    with pytest.raises(FaxLostContactError, match=r"earlier faxes to \+\*{7}0123") as caught:
        find(files, rows)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("listed", SERVER_NAMES)
@pytest.mark.parametrize("stored", SERVER_NAMES)
def test_a_server_that_keeps_no_names_proves_nothing_about_the_same_recipient(find, listed, stored):
    with pytest.raises(FaxLostContactError, match="job 8"):
        find([file(300, stored)], [row(8, name=listed)])


def test_a_listed_job_that_the_status_call_does_not_know_is_read_from_its_row(vendor, run, answer):
    statuses = run(
        vendor.find_jobs(reference=KEY, fax_number=NUMBER),
        [answer(200, []), *repeat(answer(200, {"history": [row(8, name=KEY)]}), 2), answer(404, b"")],
    )
    assert [(status.outcome, status.reference) for status in statuses] == [(FaxOutcome.SUCCESS, KEY)]


def test_a_page_that_is_short_is_not_taken_for_the_last(vendor, run, answer):
    files = [answer(200, [file(number, "x.pdf")]) for number in (1, 2)] + [answer(200, [])]
    rows = [answer(200, {"history": [row(number, name=f"{KEY}.pdf")]}) for number in (9, 8)]
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER)

    found = run(flow, [*files, *rows, rows[-1], answer(200, SENT), answer(200, SENT)])

    assert [status.job_id for status in found] == ["9", "8"]
    assert [dict(request.query)["page"] for request in run.requests[:6]] == list("123123")


def test_a_list_that_knows_no_pages_ends_where_it_repeats(vendor, run, answer):
    everything = {"files": [file(300, f"{KEY}.pdf"), file(301, "x.pdf")]}
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER)

    found = run(flow, [*repeat(answer(200, everything), 2), *repeat(answer(200, {"history": []}), 1)])

    assert found == []


@pytest.mark.parametrize("endless", ["files", "history"])
def test_records_too_long_to_be_read_prove_nothing(vendor, run, answer, endless):
    numbers = count(1)
    rows = (answer(200, {"history": [row(next(numbers), name="x.pdf")]}) for _ in repeat(None))
    files = (answer(200, {"files": [file(next(numbers), "x.pdf")]}) for _ in repeat(None))
    pages = files if endless == "files" else chain([answer(200, [])], rows)
    if endless == "files":
        pages = chain((next(files) for _ in range(50)), [answer(200, {"history": []})])

    with pytest.raises(FaxLostContactError, match="50 pages"):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER), pages)
    assert len(run.requests) == 51


@pytest.mark.parametrize(
    ("http_status", "content"),
    [(500, b""), (404, {"status": "failed"}), (200, {"status": "failed"}), (200, {"history": None})],
)
def test_records_that_cannot_be_read_prove_nothing(vendor, run, answer, http_status, content):
    with pytest.raises((FaxLostContactError, FaxRefusedError)):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER), [answer(200, []), answer(http_status, content)])


@pytest.mark.parametrize("reference", ["", "a b", "a.b", "ä", None])
def test_a_reference_that_no_document_can_bear_is_an_error(vendor, run, reference):
    with pytest.raises(FaxInputError):
        run(vendor.find_jobs(reference=reference, fax_number=NUMBER))


@settings(deadline=None)
@given(
    st.builds(
        HistoryRow,
        job_id=st.none() | st.sampled_from(["1", "2"]),
        document_id=st.none() | st.sampled_from(["300", "301"]),
        document_name=st.none() | st.sampled_from([f"{KEY}.pdf", "x.pdf", "fax1.pdf"]),
        recipient=st.none() | st.sampled_from([NUMBER.digits, NUMBER.digits[1:], "441224459292"]),
    ),
    st.dictionaries(st.sampled_from(["300", "301"]), st.sampled_from([f"{KEY}.pdf", "x.pdf", "fax1.pdf", None])),
)
def test_a_row_that_could_be_this_fax_is_never_passed_over(row, files):
    documents = [StoredDocument(document_id=number, filename=name) for number, name in files.items()]
    judgement = Search(KEY, NUMBER, documents).judge(row)
    names = {row.document_name, files.get(row.document_id)}

    if judgement is False:
        other_recipient = row.recipient == "441224459292"
        assert other_recipient or ("x.pdf" in names and f"{KEY}.pdf" not in names)
    if judgement is True:
        assert f"{KEY}.pdf" in names
        assert row.recipient == NUMBER.digits
        assert row.job_id is not None


# Values of the records ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), ("7", "7"), (" 007 ", "7"), (7.0, "7"), (0, None), (-7, None), (7.5, None), (1e300, None), (True, None),
     (float("nan"), None), (float("inf"), None), (None, None), ("7.0", None), ([7], None), ("9" * 40, None)],
)  # fmt: skip
def test_ids(value, text):
    assert read_id(value) == text


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ({"date": "2017-03-09 15:35:28.000000", "timezone_type": 3, "timezone": "UTC"}, "2017-03-09T15:35:28"),
        (
            {"date": "2017-03-09 15:35:28.000000", "datetime_zone": 3, "timezone": "Europe/Nicosia"},
            "2017-03-09T13:35:28",
        ),
        ({"date": "2017-03-09 15:35:28", "timezone_type": 1, "timezone": "+02:00"}, "2017-03-09T13:35:28"),
        ({"date": "2017-03-09 15:35:28"}, "2017-03-09T15:35:28"),
        ("2017-08-03 12:31:38", "2017-08-03T12:31:38"),
        ("2017-03-10", "2017-03-10T00:00:00"),
        ({"date": "2017-03-09 15:35:28", "timezone": "Nowhere/Atall"}, None),
        ({"date": "2017-03-09 15:35:28", "timezone": "../../etc/passwd"}, None),
        ({"date": "9999-12-31 23:59:59", "timezone": "America/New_York"}, None),
        ({"date": None}, None),
        ({}, None),
        ([], None),
        ("yesterday", None),
    ],
)
def test_moments(value, moment):
    read = read_moment(value)

    assert read == (moment and pendulum.parse(moment))
    assert read is None or read.timezone_name == "UTC"


@settings(deadline=None)
@given(st.text() | st.sampled_from(["Europe", "America/", "posixrules", "Etc/GMT+5", "A" * 30]))
def test_any_time_zone_gives_a_moment_or_nothing(zone):
    moment = read_moment({"date": "2017-03-09 15:35:28", "timezone": zone})
    assert moment is None or moment.timezone_name == "UTC"
