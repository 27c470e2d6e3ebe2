"""Finding a logical fax again in Fax.to's records, and never taking "cannot tell" for "not there"."""

from __future__ import annotations

import json
from email.utils import formatdate
from itertools import chain, count, repeat

import pendulum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxError, FaxInputError, FaxLostContactError
from airflow_provider_faxto.fax.key import read_key
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxResponse
from airflow_provider_faxto.vendors.faxto import FaxToVendor
from airflow_provider_faxto.vendors.faxto.records import HistoryRow, read_history_rows, read_id, read_moment

NUMBER = FaxNumber("+12025550123")
KEY = "airflow-" + "0a" * 12 + "-" + "0b" * 8
CORRECTED = "airflow-" + "0a" * 12 + "-" + "2d" * 8
OTHER = "airflow-" + "1c" * 12 + "-" + "0b" * 8
SENT = {"status": "success", "message": "Sent! Fax Has Been Answered."}
BUSY = {"status": "success", "message": "Fax Failed - Line Busy"}
SINCE = pendulum.datetime(2025, 3, 1, 12)
RECENT = "2025-03-01 12:31:40.000000"
OLD = "2025-03-01 11:59:59.000000"
LONG_AGO = "2025-02-28 23:59:59"
DECORATED = ["{}", "{}.pdf", "{}.pdf.tiff", "1501763558_{}.pdf", "up/2017/{}.tif", "{}(1).pdf"]
# What a server, a person or a half-mended programme may call a document.
ANY_NAMES = ["598317a8404bd.pdf.tiff", "FAX11920.pdf", "doc_598317a8404bd.pdf", "phpA1b2C3", "document.pdf",
             "file-301.pdf", "fax_2026-11-25.pdf", "598317a8404bd_1.tiff", "Bz3Qf9Lk2mXw7RtP0aYc.pdf", "report.pdf",
             f"{KEY[:-1]}.pdf", f"{KEY.replace('-', '%2D')}.pdf", f"{KEY.replace('-', '_')}.pdf", f"1_{OTHER}.pdf",
             f"{OTHER}-2.pdf", None, 7, ".pdf"]  # fmt: skip
ELSEWHERE = "12025550199"


@pytest.fixture
def vendor() -> FaxToVendor:
    return FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password="key"))


def at(date, zone="UTC"):
    return {"date": date, "timezone_type": 3, "timezone": zone}


def file(document_id, name):
    return {"id": document_id, "filename": name, "pages": 1, "size": 1, "uploaded": "2025-03-01"}


def row(job_id, document_id=300, name="FAX1.pdf", *, recipient="12025550123", status="success", created=RECENT):
    return {
        "id": job_id,
        "created": at(created) if isinstance(created, str) else created,
        "document_id": document_id,
        "document": name,
        "recipient": recipient,
        "status": status,
    }


def others(*jobs, created="2025-03-01 12:31:40"):
    return [row(job, 7, f"{OTHER}.pdf", created=created) for job in jobs]


@pytest.fixture
def find(vendor, run, answer):
    """Look the fax up in an account with these documents, and a history of these pages."""

    def find(files, *pages, statuses=(), ends=True, reference=KEY, **given):
        answers = [answer(200, list(files)), *([answer(200, [])] if files else [])]
        answers += [answer(200, {"history": page}) for page in pages]
        answers += [answer(200, {"history": []})] if ends else []
        flow = vendor.find_jobs(reference=reference, fax_number=NUMBER, **given)
        return run(flow, [*answers, *(answer(200, status) for status in statuses)])

    return find


# Which rows are ours -----------------------------------------------------------------------------------


def test_a_fax_is_found_by_its_documents_name_in_either_list(find, run):
    (status,) = find([file(300, f"{KEY}.pdf")], [row(9, 301, f"{OTHER}.pdf"), row(8)], statuses=[SENT])

    assert (status.job_id, status.outcome, status.reference) == ("8", FaxOutcome.SUCCESS, KEY)
    assert status.submitted_at == pendulum.datetime(2025, 3, 1, 12, 31, 40)
    assert [request.path for request in run.requests] == [
        "/api/v2/files", "/api/v2/files", "/api/v2/fax-history", "/api/v2/fax-history", "/api/v2/fax/8/status",
    ]  # fmt: skip
    assert find([], [row(8, name=f"{KEY}.pdf")], statuses=[SENT])[0].job_id == "8"


@pytest.mark.parametrize("form", DECORATED)
@pytest.mark.parametrize("key", [KEY, CORRECTED, KEY.upper()])
def test_a_key_of_the_fax_is_found_whatever_the_server_adds(find, form, key):
    name = form.format(key)

    for (status,) in (
        find([file(300, name)], [row(8)], statuses=[SENT]),
        find([], [row(8, name=name)], statuses=[SENT]),
    ):
        assert (status.job_id, status.reference) == ("8", key.lower())


@pytest.mark.parametrize("name", ANY_NAMES)
@pytest.mark.parametrize("key", [KEY, CORRECTED])
def test_a_fax_is_found_by_the_id_of_its_document_whatever_it_is_called(find, name, key):
    (status,) = find([file(300, name)], [row(8, name=name)], statuses=[SENT], document_keys={"300": key})

    assert (status.job_id, status.reference) == ("8", key)


@pytest.mark.parametrize(
    "recipient",
    ["+1 (202) 555\u201101\u201123", "0012025550123", "2025550123", "1 (0)202 555 0123", "1202***0123",
     "12025550123,,1", 12025550123, 12025550123.0, "unknown", "", None],
)  # fmt: skip
def test_a_fax_under_our_key_is_ours_however_its_recipient_is_written(find, recipient):
    for given_so in ({"name": f"{KEY}.pdf"}, {"name": "FAX1.pdf", "document_id": 5}):
        rows = [row(8, recipient=recipient, **given_so)]
        assert len(find([], rows, statuses=[SENT], document_keys={"5": KEY})) == 1


def test_a_corrected_number_is_the_same_fax(find):
    (status,) = find([], [row(8, name=f"{CORRECTED}.pdf", recipient=ELSEWHERE)], statuses=[SENT])

    assert status.reference == CORRECTED


@pytest.mark.parametrize("created", [OLD, "2017-03-09 15:35:28", None])
def test_a_key_of_the_fax_counts_whenever_it_was_sent(find, created):
    assert len(find([], [row(8, name=f"{KEY}.pdf", created=created)], statuses=[SENT], since=SINCE)) == 1


@pytest.mark.parametrize("name", ["r1.pdf", "R1", "r1.pdf.tiff", "folder/r1.v2.tif"])
def test_a_reference_that_is_no_key_is_found_by_the_whole_name(find, name):
    rows = [row(8), row(7, recipient=ELSEWHERE)]

    assert [each.reference for each in find([file(300, name)], rows, statuses=[SENT], reference="r1")] == ["r1"]


def test_every_job_is_found_newest_first(find):
    files = [file(300, f"{KEY}.pdf"), file(301, f"{KEY}.pdf")]
    rows = [row(9, 300), row("10", 301, status="failed"), row(11, 301, recipient="+1 (202) 555-0123"), *others(12)]

    assert [(status.job_id, status.outcome) for status in find(files, rows, statuses=[SENT, BUSY, SENT])] == [
        ("11", FaxOutcome.SUCCESS), ("10", FaxOutcome.RETRYABLE), ("9", FaxOutcome.SUCCESS),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        ([], []),
        ([file(300, f"{KEY}.pdf")], []),
        ([file(300, f"{OTHER}.pdf")], [row(8)]),
        ([], [row(8, name=f"{OTHER}.pdf")]),
        ([], [row(8, name=f"up/{OTHER.upper()}.PDF.tiff", recipient=None)]),
        ([{"filename": "report.pdf"}, "x", None], [{"recipient": ELSEWHERE}]),
    ],
)
def test_records_that_show_other_faxes_alone_prove_absence(find, files, rows):
    assert find(files, *([rows] if rows else [])) == []


@pytest.mark.parametrize("name", ANY_NAMES)
@pytest.mark.parametrize("recipient", ["12025550123", "1202***0123", "12025550123,,1", "2025550123", "", None])
def test_any_other_name_to_a_number_that_may_be_ours_proves_nothing(find, name, recipient):
    for files, shown in (([], name), ([file(300, name)], None)):
        with pytest.raises(FaxLostContactError, match=r"to \+\*{7}0123: .* \(job 8\)") as caught:
            find(files, [*others(9), row(8, name=shown, recipient=recipient)])
        assert KEY not in str(caught.value)


@pytest.mark.parametrize("name", ANY_NAMES)
def test_any_other_name_is_another_fax_if_it_went_elsewhere_or_is_old(find, name):
    rows = [
        row(9, name=name, recipient=ELSEWHERE),
        row(8, name=name, recipient="+1 303 555 0123"),
        row(7, name=name, created=OLD),
        row(6, name=name, recipient=None, created=OLD),
    ]
    assert find([], rows, since=SINCE, ends=False) == []


@pytest.mark.parametrize("job", [{}, 7, row(None, name=f"{KEY}.pdf"), row("8a", name=f"{KEY}.pdf")])
def test_a_row_that_cannot_be_read_hides_nothing(find, job):
    with pytest.raises(FaxLostContactError):
        find([], [job], since=SINCE)


def test_the_very_key_with_another_recipient_proves_nothing(find):
    for given_so in ({"name": f"{KEY}.pdf"}, {"document_id": 5}):
        with pytest.raises(FaxLostContactError, match="with another recipient"):
            find([], [row(8, recipient=ELSEWHERE, **given_so)], document_keys={"5": KEY}, statuses=[SENT])


@pytest.mark.parametrize(
    "created",
    [at("2025-03-01 12:00:00.000000"), at("2025-03-01 11:30:00", "-01:00"), at("2025-03-01"), at("2025-03-01 11:59"),
     at("2025-03-01 08:00:00", "America/New_York"), at(OLD, None), at(OLD, "Nowhere/Atall"), {"date": OLD}, {}, [],
     {"date": "2025-02-01"}, 7, None, at("0001-01-01 00:00:00")],
)  # fmt: skip
def test_a_row_whose_time_cannot_be_told_to_be_older_proves_nothing(find, created):
    with pytest.raises(FaxLostContactError):
        find([], [row(8, created=created)], since=SINCE)


@pytest.mark.parametrize("form", [lambda text: text, lambda text: {"date": text}])
def test_a_time_without_a_zone_is_old_only_if_it_is_in_every_zone(find, form):
    assert find([], [row(8) | {"created": form(LONG_AGO)}], since=SINCE) == []
    with pytest.raises(FaxLostContactError):
        find([], [row(8) | {"created": form("2025-03-01 00:00:01")}], since=SINCE)


@pytest.mark.parametrize(("ahead", "is_doubt"), [(7200, True), (0, False), (-7200, False)])
def test_the_vendors_clock_tells_what_is_old(vendor, run, answer, ahead, is_doubt):
    header = {"date": formatdate(clock.now() - ahead, usegmt=True)}
    rows = [row(8, created="2025-03-01 11:00:00"), row(7, created="2025-03-01 09:00:00")]
    pages = [answer(200, []), answer(200, {"history": rows}, **header)]
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE)

    if is_doubt:
        with pytest.raises(FaxLostContactError):
            run(flow, pages)
    else:
        assert run(flow, pages) == []


def test_a_listed_job_that_the_status_call_does_not_know_is_read_from_its_row(vendor, run, answer):
    pages = [answer(200, []), answer(200, {"history": [row(8, name=KEY)]}), answer(200, {"history": []})]

    (status,) = run(
        vendor.find_jobs(reference=KEY, fax_number=NUMBER),
        [*pages, answer(404, {"status": "failed", "message": "Fax job not found"})],
    )

    assert (status.outcome, status.reference) == (FaxOutcome.SUCCESS, KEY)


# How far the lists are read ------------------------------------------------------------------------------


def test_a_page_that_is_short_is_not_taken_for_the_last(vendor, run, answer):
    files = [answer(200, [file(number, "x.pdf")]) for number in (1, 2)] + [answer(200, [])]
    rows = [answer(200, {"history": [row(number, name=f"{KEY}.pdf")]}) for number in (9, 8)]
    end = answer(200, {"history": []})
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER)

    found = run(flow, [*files, *rows, end, answer(200, SENT), answer(200, SENT)])

    assert [status.job_id for status in found] == ["9", "8"]
    assert [dict(request.query)["page"] for request in run.requests[:6]] == list("123123")


def test_documents_without_pages_end_where_they_repeat(vendor, run, answer):
    everything = {"files": [file(300, f"{KEY}.pdf"), file(301, "x.pdf")]}
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER)

    assert run(flow, [*repeat(answer(200, everything), 2), answer(200, {"history": []})]) == []


@pytest.mark.parametrize("repeated", [1, 2])
def test_a_page_of_the_history_that_repeats_is_not_its_end(find, repeated):
    page = others(12, 11)

    found = find([], page, *[page] * repeated, [row(8, name=f"{KEY}.pdf")], statuses=[SENT])

    assert [status.job_id for status in found] == ["8"]


def test_a_history_whose_pages_have_no_effect_proves_nothing(vendor, run, answer):
    pages = chain([answer(200, [])], repeat(answer(200, {"history": others(12, 11)})))

    with pytest.raises(FaxLostContactError, match="repeats its pages") as caught:
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER), pages)
    assert len(run.requests) == 5
    assert not caught.value.is_lasting


def test_the_history_is_read_only_as_far_back_as_it_counts(find, run):
    first = [row(9, name=f"{KEY}.pdf"), *others(8, created="2025-03-01 12:10:00")]
    second = [row(7, name=f"{KEY}.pdf", created="2025-03-01 12:05:00"), row(6, created=OLD)]

    found = find([], first, second, ends=False, statuses=[SENT, SENT], since=SINCE)

    assert [status.job_id for status in found] == ["9", "7"]
    assert [request.path for request in run.requests if "history" in request.path] == ["/api/v2/fax-history"] * 2


@pytest.mark.parametrize(
    "first",
    [
        [row(1, created="2025-02-01 00:00:00"), row(2, created=OLD)],
        [row(1, created=OLD)],
        [row(1, created=OLD), row(2, created=OLD)],
        [row(1, created=OLD), row(2, created="2025-02-01 00:00:00"), row(3, created=OLD)],
        [*others(1), row(2, created=OLD), row(3, name=f"{OTHER}.pdf", created=None)],
    ],
)  # fmt: skip
def test_a_history_that_does_not_show_its_order_is_read_to_its_end(find, first):
    assert len(find([], first, [row(9, name=f"{KEY}.pdf")], statuses=[SENT], since=SINCE)) == 1


@pytest.mark.parametrize("created", ["2025-03-01 12:31:40", None])
def test_a_history_too_long_to_be_read_proves_nothing(vendor, run, answer, created):
    rows = (answer(200, {"history": others(number, created=created)}) for number in count(1))

    with pytest.raises(FaxLostContactError, match="50 pages") as caught:
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), chain([answer(200, [])], rows))
    assert len(run.requests) == 51
    assert caught.value.is_lasting


def test_documents_too_many_to_be_read_leave_a_doubt_only_where_a_name_matters(vendor, run, answer):
    files = [answer(200, {"files": [file(number, "x.pdf")]}) for number in range(1, 51)]
    end = answer(200, {"history": []})
    flow = vendor.find_jobs(reference=KEY, fax_number=NUMBER)

    assert run(flow, [*files, answer(200, {"history": others(9)}), end]) == []
    with pytest.raises(FaxLostContactError):
        run(
            vendor.find_jobs(reference=KEY, fax_number=NUMBER),
            [*files, answer(200, {"history": [row(8, 900)]}), end],
        )


BROKEN = [(500, b""), (200, b"<html>"), (200, {"history": None}), (403, b""), (200, b'{"history": [{"id"')]


@pytest.mark.parametrize("broken", [*BROKEN, (404, {"status": "failed"}), (200, {"status": "failed"})])
@pytest.mark.parametrize("pages", [0, 1, 2])
def test_a_list_that_fails_or_is_cut_is_no_proof(vendor, run, answer, pages, broken):
    before = [answer(200, []), answer(200, {"history": others(9)})][:pages]

    with pytest.raises(FaxError):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), [*before, answer(*broken)])


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("message", [SENT, {"status": "executed"}])
def test_the_very_fax_under_way_or_delivered_is_proof_all_the_same(vendor, run, answer, broken, message):
    rows = [*others(9), row(8, name=f"{KEY}.pdf", status="executed"), row(5)]
    pages = [answer(200, []), answer(200, {"history": rows}), answer(*broken), answer(200, message)]

    (status,) = run(vendor.find_jobs(reference=KEY, fax_number=NUMBER), pages)

    assert (status.job_id, status.outcome in (FaxOutcome.PENDING, FaxOutcome.SUCCESS)) == ("8", True)


@pytest.mark.parametrize(("key", "message"), [(KEY, BUSY), (CORRECTED, SENT)])
def test_a_failed_or_a_corrected_fax_is_no_proof_where_the_history_is_not_whole(vendor, run, answer, key, message):
    # The row may say otherwise: only the status call tells.
    pages = [answer(200, []), answer(200, {"history": [row(8, name=f"{key}.pdf")]}), answer(500), answer(200, message)]

    with pytest.raises(FaxLostContactError):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER), pages)


def test_a_status_that_cannot_be_read_leaves_no_answer(vendor, run, answer):
    history = [answer(200, {"history": [row(9, name=KEY)]}), answer(200, {"history": []})]

    with pytest.raises(FaxLostContactError):
        run(vendor.find_jobs(reference=KEY, fax_number=NUMBER), [answer(200, []), *history, answer(500)])


@pytest.mark.parametrize("reference", ["", "a b", "a.b", "ä", None])
def test_a_reference_that_no_document_can_bear_is_an_error(vendor, run, reference):
    with pytest.raises(FaxInputError):
        run(vendor.find_jobs(reference=reference, fax_number=NUMBER))


# A history that moves while it is read --------------------------------------------------------------------

VENDOR = FaxToVendor.from_settings(ConnectionSettings(conn_id="fax", password="key"))


def serve(flow, content_of):
    """Drive a flow at a service that answers each request with the content that it is given for it."""
    try:
        request = next(flow)
        while True:
            request = flow.send(FaxResponse(status=200, body=json.dumps(content_of(request)).encode()))
    except StopIteration as end:
        return end.value


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_history_that_grows_while_it_is_read_loses_no_row(data):
    cap = data.draw(st.integers(1, 4), "rows a page")
    history = others(*range(20, 20 + data.draw(st.integers(0, 12), "rows")))
    ours = data.draw(st.integers(0, len(history)), "place of ours")
    history.insert(ours, row(8, name=f"{KEY}.pdf"))
    newest_first = data.draw(st.booleans(), "newest first")
    numbers = count(100)

    def page_of(request):
        if request.path.endswith("/status"):
            return SENT
        if request.path.endswith("/files"):
            return []
        start = (int(dict(request.query)["page"]) - 1) * cap
        page = history[start : start + cap]
        grown = others(*(next(numbers) for _ in range(data.draw(st.integers(0, 2 * cap), "new faxes"))))
        history[:] = [*grown[::-1], *history] if newest_first else [*history, *grown]
        return {"history": page}

    try:
        found = serve(VENDOR.find_jobs(reference=KEY, fax_number=NUMBER), page_of)
    except FaxLostContactError:
        # It grows faster than it is read: that proves nothing, and says so.
        assert len(history) > 3 * cap
    else:
        assert [status.job_id for status in found] == ["8"]


# One reading for many look-ups ---------------------------------------------------------------------------


@pytest.fixture
def records(vendor, run, answer):
    def read(files, *pages, since=SINCE):
        answers = [answer(200, files), *([answer(200, [])] if files else [])]
        answers += [answer(200, {"history": page}) for page in (*pages, [])]
        return json.loads(json.dumps(run(vendor.read_records(since), answers)))

    return read


def test_one_reading_serves_many_look_ups(vendor, run, answer, records):
    files = [file(300, f"{KEY}.pdf"), file(301, f"{OTHER}.pdf"), file(302, f"{KEY[:-1]}.pdf")]
    read = records(files, [row(9, 301), row(8), row(7, 302, recipient=ELSEWHERE)])

    def look(reference, *answers, since=SINCE):
        flow = vendor.find_jobs(reference=reference, fax_number=NUMBER, since=since, records=read)
        return [status.job_id for status in run(flow, list(answers))]

    assert look(KEY, answer(200, SENT)) == ["8"]
    assert look(OTHER, answer(200, SENT), since=SINCE.add(hours=1)) == ["9"]
    assert look(OTHER.replace("1c", "ff")) == []
    assert run.requests == []


@pytest.mark.parametrize("since", [SINCE.subtract(days=1, seconds=1), None])
def test_a_look_up_from_an_earlier_moment_reads_for_itself(find, run, records, since):
    read = records([])

    assert len(find([], [row(8, name=KEY)], statuses=[SENT], records=read, since=since)) == 1
    assert run.requests[0].path == "/api/v2/files"


def test_a_reading_that_is_too_long_is_no_proof_but_shows_what_it_holds(vendor, run, answer):
    pages = [answer(200, {"history": others(number)}) for number in range(20, 69)]
    pages.append(answer(200, {"history": [row(8, name=f"{KEY}.pdf")]}))
    read = run(vendor.read_records(), [answer(200, []), *pages])

    def look(reference):
        return vendor.find_jobs(reference=reference, fax_number=NUMBER, records=read)

    assert [status.job_id for status in run(look(KEY), [answer(200, SENT)])] == ["8"]
    with pytest.raises(FaxLostContactError, match="50 pages"):
        run(look("airflow-" + "ff" * 12 + "-" + "0b" * 8))


NAMES = st.sampled_from([f"{KEY}.pdf", f"1_{CORRECTED}.pdf", f"{OTHER}.pdf", *ANY_NAMES, "a\ud800b", "a\ufffdb"])
ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from([1, 2, "3", None, "x"]),
        document_id=st.sampled_from([300, 301, None]),
        name=NAMES,
        recipient=st.sampled_from([NUMBER.digits, NUMBER.digits[1:], ELSEWHERE, None, 7]),
        status=st.sampled_from(["success", "failed", "executed", "new word", None]),
        created=st.sampled_from([OLD, "2025-03-01 12:31:40", "2017-01-01 00:00:00.123456", None, {}]),
    )
    | st.sampled_from([None, 5, [], {}]),
    max_size=5,
)
FILES = st.lists(st.builds(file, st.sampled_from([300, 301, None]), NAMES), max_size=3)


@settings(deadline=None, max_examples=300)
@given(files=FILES, rows=ROWS, since=st.sampled_from([None, SINCE]))
def test_a_row_that_may_be_the_fax_is_found_or_nothing_is_proven(files, rows, since):
    def content_of(request):
        is_first = dict(request.query).get("page") == "1"
        if request.path.endswith("/status"):
            return BUSY
        return {"history": rows if is_first else []} if "history" in request.path else files if is_first else []

    def look(**more):
        flow = VENDOR.find_jobs(reference=KEY, fax_number=NUMBER, since=since, **more)
        try:
            found = serve(flow, content_of)
        except FaxLostContactError as error:
            return str(error)
        return {(status.job_id, status.reference) for status in found}

    found = look()
    read = serve(VENDOR.read_records(since), content_of)
    assert look(records=json.loads(json.dumps(read))) == found
    if isinstance(found, str):
        return
    names = {each["id"]: str(each["filename"]) for each in files}
    for each in rows:
        assert isinstance(each, dict)
        shown = f"{each.get('document')} {names.get(each.get('document_id'))}".lower()
        if KEY in shown or CORRECTED in shown:
            assert str(each["id"]) in {job_id for job_id, _ in found}
        elif read_key(OTHER) and OTHER not in shown:
            is_old = since is not None and each["created"] not in (at("2025-03-01 12:31:40"), None, {})
            assert each["recipient"] in (ELSEWHERE, 7) or is_old


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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([OLD, "UTC", "2025-03-01", "+02:00"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["date", "timezone"]), children),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values)
def test_a_time_is_compared_only_if_it_says_its_second(created):
    (read,) = read_history_rows({"history": [{"id": 8, "created": created}]})

    assert HistoryRow.from_json(json.loads(json.dumps(read.to_json()))) == read
    if read.dated_at is not None:
        assert read.created_at <= read.dated_at <= read.created_at.add(hours=12)
        text = created["date"] if isinstance(created, dict) else created
        assert len(text.strip()) >= len("2025-03-01 12:00:00")
