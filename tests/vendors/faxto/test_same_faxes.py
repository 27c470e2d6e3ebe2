"""Finding the same document to the same number in Fax.to's records, whatever DAG run sent it."""

from __future__ import annotations

from itertools import count

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.errors import FaxInputError, FaxLostContactError, FaxRefusedError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import ConnectionSettings
from airflow_provider_faxto.vendors.faxto import FaxToVendor
from airflow_provider_faxto.vendors.faxto.records import HistoryRow, StoredDocument, read_history_rows
from airflow_provider_faxto.vendors.faxto.search import SameFaxSearch

NUMBER = FaxNumber("+12025550123")
KEY = "airflow-" + "0a" * 12 + "-" + "0b" * 8
OTHER_RUN = "airflow-" + "1c" * 12 + "-" + "0b" * 8
OTHER_FAX = "airflow-" + "0a" * 12 + "-" + "2d" * 8
SINCE = pendulum.datetime(2025, 3, 1, 12)
SENT = {"status": "success", "message": "Sent! Fax Has Been Answered."}
OLD = "2025-03-01 11:59:59.000000"
LONG_AGO = "2025-02-28 23:59:59"


@pytest.fixture
def vendor() -> FaxToVendor:
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password="key"))


def at(date, zone="UTC"):
    return {"date": date, "timezone_type": 3, "timezone": zone}


def file(document_id, name):
    return {"id": document_id, "filename": name, "pages": 1, "size": 1, "uploaded": "2025-03-01"}


def row(job_id, *, name=f"{OTHER_RUN}.pdf", created="2025-03-01 12:31:40.000000", recipient="12025550123"):
    return {
        "id": job_id,
        "created": at(created) if isinstance(created, str) else created,
        "document_id": 300,
        "document": name,
        "recipient": recipient,
        "status": "success",
    }


@pytest.fixture
def find(vendor, run, answer):
    """Look for the same fax in an account with these documents, and a history of these pages."""

    def find(*pages, files=(), statuses=0, ends=True, since=SINCE, reference=KEY):
        flow = vendor.find_same_faxes(reference=reference, fax_number=NUMBER, since=since)
        answers = [answer(200, list(files)), *([answer(200, [])] if files else [])]
        answers += [answer(200, {"history": page}) for page in pages]
        answers += [answer(200, {"history": []})] if ends else []
        return run(flow, [*answers, *([answer(200, SENT)] * statuses)])

    return find


def test_nothing_found_is_proof(find):
    assert find() == []


@pytest.mark.parametrize("key", [KEY, OTHER_RUN])
def test_the_same_fax_of_any_run_is_found_by_the_name_in_either_list(find, key):
    for (status,) in (
        find([row(8, name=f"{key}.pdf")], statuses=1),
        find([row(8, name="FAX300.pdf")], files=[file(300, f"{key}.pdf")], statuses=1),
    ):
        assert (status.job_id, status.outcome, status.reference) == ("8", FaxOutcome.SUCCESS, key)
        assert status.submitted_at == pendulum.datetime(2025, 3, 1, 12, 31, 40)


@pytest.mark.parametrize(
    "name", [OTHER_RUN, f"{OTHER_RUN.upper()}.PDF", f"1501763558_{OTHER_RUN}.pdf.tiff", f"up/2025/{OTHER_RUN}(1).pdf"]
)
def test_a_key_is_given_as_it_was_made_whatever_the_server_adds(find, name):
    assert [status.reference for status in find([row(8, name=name)], statuses=1)] == [OTHER_RUN]


def test_all_of_them_are_found_newest_first_each_with_its_key(find):
    first = [row("10"), row(12, name=f"{OTHER_FAX}.pdf")]
    second = [row(9, name=f"{KEY}.pdf"), row(11.0)]

    found = find(first, second, statuses=3)

    assert [(status.job_id, status.reference) for status in found] == [
        ("11", OTHER_RUN), ("10", OTHER_RUN), ("9", KEY),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"name": f"{OTHER_FAX}.pdf"},
        {"name": "report.pdf"},
        {"name": f"{OTHER_RUN[:-1]}.pdf"},
        {"recipient": "12025550199", "name": "FAX300.pdf"},
        {"recipient": "+1 303 555 0123", "name": "FAX300.pdf"},
    ],
)
def test_another_document_or_number_is_not_the_same_fax(find, changes):
    assert find([row(8, **changes)]) == []


@pytest.mark.parametrize(
    "recipient",
    ["+1 (202) 555\u201101\u201123", "0012025550123", "2025550123", "1 (0)202 555 0123", "1202***0123",
     "12025550123,,1", 12025550123, 12025550123.0, "unknown", "", None],
)  # fmt: skip
def test_a_fax_under_our_key_is_ours_however_its_recipient_is_written(find, recipient):
    assert len(find([row(8, recipient=recipient)], statuses=1)) == 1


@pytest.mark.parametrize("changes", [{}, {"name": "FAX300.pdf"}, {"name": None}, {"recipient": None, "name": None}])
def test_an_older_fax_does_not_count_even_if_it_cannot_be_told(find, changes):
    assert find([row(8, created=OLD, **changes)]) == []


@pytest.mark.parametrize(
    "created",
    [at("2025-03-01 12:00:00.000000"), at("2025-03-01 11:30:00", "-01:00"), at("2025-03-01"), at("2025-03-01 11:59"),
     at("2025-03-01 08:00:00", "America/New_York"), at(OLD, None), at(OLD, "Nowhere/Atall"), {"date": OLD}, {}, [],
     {"date": "2025-02-01"}, 7, None, at("0001-01-01 00:00:00")],
)  # fmt: skip
def test_a_fax_whose_time_cannot_be_told_to_be_older_counts(find, created):
    assert len(find([row(8, created=created)], statuses=1)) == 1


@pytest.mark.parametrize(("created", "counts"), [("2025-03-01 11:59:59", 1), ("2025-03-01 00:00:01", 1), (LONG_AGO, 0)])
@pytest.mark.parametrize("form", [lambda text: text, lambda text: {"date": text}])
def test_a_time_without_a_zone_is_old_only_if_it_is_in_every_zone(find, created, counts, form):
    rows = [row(8) | {"created": form(created)}]

    assert len(find(rows, statuses=counts)) == counts


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "FAX300.pdf"},
        {"name": "598317a8404bd.pdf.tiff"},
        {"name": None},
        {"name": None, "recipient": None},
        {"name": "FAX300.pdf", "recipient": "1202***0123"},
        {"name": "FAX300.pdf", "recipient": "12025550123,,1"},
        {"name": "FAX300.pdf", "recipient": "8 (202) 555-01-23"},
        {"recipient": "12025550199"},
        {"name": None, "created": None},
        {"name": None, "created": {"date": OLD}},
    ],
)
def test_a_recent_fax_that_may_be_the_same_leaves_no_proof(vendor, run, answer, changes):
    flow = vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE)
    pages = [answer(200, {"history": rows}) for rows in ([row(9), row(8, **changes)], [])]

    with pytest.raises(FaxLostContactError, match=r"to \+\*{7}0123: .* \(job 8\)") as caught:
        run(flow, [answer(200, []), *pages])
    assert OTHER_RUN not in str(caught.value)


@pytest.mark.parametrize("job", [{}, 7, row(None), row("8a")])
def test_a_row_that_cannot_be_read_hides_nothing(vendor, run, answer, job):
    flow = vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE)

    with pytest.raises(FaxLostContactError):
        run(flow, [answer(200, []), answer(200, {"history": [job]}), answer(200, {"history": []})])


# How far the history is read ---------------------------------------------------------------------------


def test_the_history_is_read_only_as_far_back_as_it_counts(find, run):
    first = [row(9), row(8, name="report.pdf", created="2025-03-01 12:10:00")]
    second = [row(7, created="2025-03-01 12:05:00"), row(6, created=OLD), row(5, created="2025-02-01 00:00:00")]

    assert [status.job_id for status in find(first, second, ends=False, statuses=2)] == ["9", "7"]
    assert [request.path for request in run.requests if "history" in request.path] == ["/api/v2/fax-history"] * 2


def test_old_rows_alone_are_the_end_if_they_stand_newest_first(find):
    assert find([row(9, created=OLD), row(8, created="2025-02-01 00:00:00")], ends=False) == []


@pytest.mark.parametrize(
    "first",
    [
        [row(1, created="2025-02-01 00:00:00"), row(2, created=OLD)],
        [row(1, created=OLD)],
        [row(1, created=OLD), row(2, created=OLD)],
        [row(1, created=OLD), row(2, created="2025-02-01 00:00:00"), row(3, created=OLD)],
        [row(1, created="2025-03-01 12:30:00", name="x.pdf"), row(2, created=OLD), row(3, name="x.pdf", created=None)],
    ],
)  # fmt: skip
def test_a_history_that_does_not_show_its_order_is_read_to_its_end(find, first):
    assert [status.job_id for status in find(first, [row(9)], statuses=1)] == ["9"]


@pytest.mark.parametrize(
    "broken",
    [(500, b""), (404, {"status": "failed"}), (200, {"status": "failed"}), (200, {"history": None}), (200, b"<html>"),
     (200, b'{"history": [{"id"')],
)  # fmt: skip
@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_list_that_fails_or_is_cut_is_no_proof(vendor, run, answer, pages, broken):
    before = [answer(200, []), answer(200, {"history": [row(9, name="report.pdf")]})][:pages]

    with pytest.raises((FaxLostContactError, FaxRefusedError)):
        run(
            vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE),
            [*before, answer(*broken)],
        )


def test_a_list_that_is_too_long_is_no_proof(vendor, run, answer):
    pages = (answer(200, {"history": [row(number, name="report.pdf")]}) for number in count(1))

    def answers():
        yield answer(200, [])
        yield from pages

    with pytest.raises(FaxLostContactError, match="50 pages"):
        run(vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE), answers())
    assert len(run.requests) == 51


def test_a_status_that_cannot_be_read_leaves_no_answer(vendor, run, answer):
    flow = vendor.find_same_faxes(reference=KEY, fax_number=NUMBER, since=SINCE)
    history = [answer(200, {"history": [row(9)]}), answer(200, {"history": []})]

    with pytest.raises(FaxLostContactError):
        run(flow, [answer(200, []), *history, answer(500)])


@pytest.mark.parametrize("reference", ["", "my-reference", KEY + "-2", "airflow-" + "0a" * 16, None])
def test_a_reference_that_is_no_key_is_an_error(vendor, run, reference):
    with pytest.raises(FaxInputError, match="logical_fax_key"):
        run(vendor.find_same_faxes(reference=reference, fax_number=NUMBER, since=SINCE))
    assert run.requests == []


NAMES = [f"{KEY}.pdf", f"{OTHER_RUN}.pdf", f"{OTHER_FAX}.pdf", "x.pdf", "fax1.pdf"]


@settings(deadline=None)
@given(
    st.builds(
        HistoryRow,
        job_id=st.none() | st.sampled_from(["1", "2"]),
        document_id=st.none() | st.sampled_from(["300", "301"]),
        document_name=st.none() | st.sampled_from(NAMES),
        recipient=st.none() | st.sampled_from([NUMBER.digits, NUMBER.digits[1:], "441224459292"]),
    ),
    st.dictionaries(st.sampled_from(["300", "301"]), st.none() | st.sampled_from(NAMES)),
)
def test_a_row_that_could_be_the_same_fax_is_never_passed_over(row, files):
    documents = [StoredDocument(document_id=number, filename=name) for number, name in files.items()]
    search = SameFaxSearch(KEY, NUMBER, documents)
    names = {row.document_name, files.get(row.document_id)}
    is_same = bool(names & set(NAMES[:2]))
    judgement = search.judge(row)

    if judgement is False:
        assert not is_same
        assert row.recipient == "441224459292" or names & set(NAMES[2:4])
    if judgement is True:
        assert is_same
        assert row.recipient != "441224459292"
        assert f"{search.key_of(row)}.pdf" in names


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([OLD, "UTC", "2025-03-01", "+02:00"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["date", "timezone"]), children),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values)
def test_a_time_is_compared_only_if_it_says_its_second(created):
    (read,) = read_history_rows({"history": [{"id": 8, "created": created}]})

    if read.dated_at is not None:
        assert read.created_at <= read.dated_at <= read.created_at.add(hours=12)
        text = created["date"] if isinstance(created, dict) else created
        assert len(text.strip()) >= len("2025-03-01 12:00:00")
