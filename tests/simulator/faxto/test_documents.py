from __future__ import annotations

import hashlib

import pytest


def test_an_upload_answers_with_the_whole_record_in_v2_and_the_id_alone_in_v1(faxto, two_pages):
    upload = {"files": {"file": ("letter of June.PDF", two_pages)}}
    answer = faxto.call("POST", "/api/v2/files", **upload).json()
    assert (answer["status"], answer["total_pages"]) == ("Success", 2)
    document = answer["document"]
    assert document["id"] == answer["document_id"]
    assert document["filename_uploaded"] == "letter of June.PDF"
    assert document["filename"] == document["orig_filename"] + ".tiff"
    assert (document["file_extension"], document["filesize"], document["s3"]) == ("PDF", len(two_pages), None)
    assert set(faxto.call("POST", "/api/v1/files", **upload).json()) == {"status", "document_id"}


def test_the_spelling_of_the_uploads_status_can_be_set(simulator, faxto, two_pages):
    simulator.configure(faxto_upload_status="success")
    assert faxto.post("/files", files={"file": ("a.pdf", two_pages)}).json()["status"] == "success"


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
def test_a_large_upload_is_hashed_whole(simulator, faxto, size):
    content = b"%PDF" + b"\x00\r\n--" * (size // 5)
    faxto.send(document_id=faxto.upload(content))
    (document,) = simulator.faxes()[0]["documents"]
    assert (document["sha256"], document["size"]) == (hashlib.sha256(content).hexdigest(), len(content))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {"file": "https://example.org/a.pdf"}},
        {"files": {"other": ("a.pdf", b"x")}},
        {"files": {"file": ("a.pdf", b"")}},
        {"files": [("file", ("a.pdf", b"x")), ("file", ("b.pdf", b"y"))]},
        {"data": b"raw", "headers": {"Content-Type": "application/pdf"}},
        {"data": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=B"}},
    ],
)
def test_an_upload_without_exactly_one_file_is_refused(faxto, body):
    assert faxto.post("/files", **body).status_code == 400
    assert faxto.get("/files").json() == []


@pytest.mark.parametrize("how", ["data", "files", "params"])
def test_an_upload_by_address_fetches_nothing_and_counts_as_one_page(faxto, how):
    address = "https://example.org/reports/june.pdf"
    field = {"AddRemoteFile": (None, address) if how == "files" else address}
    answer = faxto.post("/files", **{how: field}).json()
    assert (answer["total_pages"], answer["document"]["filename_uploaded"]) == (1, "june.pdf")


@pytest.mark.parametrize("address", ["june.pdf", "ftp://example.org/june.pdf", "http://[", "https://"])
def test_what_is_no_address_is_refused(faxto, address):
    assert faxto.post("/files", data={"AddRemoteFile": address}).status_code == 400


def test_fetching_an_address_can_fail(simulator, faxto):
    simulator.configure(faxto_remote_fetch_fails=True)
    answer = faxto.post("/files", data={"AddRemoteFile": "https://example.org/june.pdf"})
    assert answer.status_code == 400
    assert faxto.get("/files").json() == []


def test_the_list_is_a_bare_array_newest_first_and_paged(simulator, faxto, two_pages):
    ids = [faxto.upload(name=f"{name}.pdf") for name in "abc"]
    rows = faxto.get("/files").json()
    assert [row["id"] for row in rows] == ids[::-1]
    assert set(rows[0]) == {"id", "filename", "pages", "size", "uploaded"}
    assert (rows[0]["filename"], rows[0]["pages"], rows[0]["size"]) == ("c.pdf", 2, len(two_pages))
    assert len(rows[0]["uploaded"]) == len("2017-03-10")
    assert [row["id"] for row in faxto.get("/files", params={"limit": 2, "page": 2}).json()] == ids[:1]
    simulator.configure(faxto_files_object=True)
    assert faxto.get("/files").json() == {"status": "success", "files": rows}


def test_new_documents_can_show_late(simulator, faxto):
    simulator.configure(faxto_files_lag=60)
    document_id = faxto.upload()
    assert faxto.get("/files").json() == []
    simulator.advance(60)
    assert [row["id"] for row in faxto.get("/files").json()] == [document_id]


def test_lists_can_show_the_servers_names_instead_of_the_uploaded_ones(simulator, faxto):
    simulator.configure(faxto_document_names="server")
    document_id = faxto.upload()
    faxto.send(document_id=document_id)
    assert faxto.get("/files").json()[0]["filename"] == f"FAX{document_id}.pdf"
    assert faxto.history()[0]["document"] == f"FAX{document_id}.pdf"
    assert simulator.faxes()[0]["documents"][0]["name"] == "report.pdf"


def test_a_deleted_document_is_gone_but_its_faxes_stay(simulator, faxto):
    document_id = faxto.upload()
    job_id = faxto.send(document_id=document_id)
    assert faxto.call("DELETE", f"/api/v2/files/{document_id}").json() == {"status": "success"}
    assert faxto.call("DELETE", f"/api/v2/files/{document_id}").status_code == 404
    assert faxto.get("/files").json() == []
    assert (
        faxto.post("/fax", data={"fax_number": "+12025550100", "document_id": document_id}).json()["status"] == "failed"
    )
    assert [row["id"] for row in faxto.history()] == [job_id]
    assert len(simulator.faxes()) == 1


@pytest.mark.parametrize("where", ["params", "headers"])
def test_clean_and_preview_take_the_document_from_query_or_header(faxto, where):
    document_id = faxto.upload()
    cleaned = faxto.get("/file-clean", **{where: {"document_id": str(document_id)}}).json()
    assert (cleaned["status"], cleaned["id"]) == ("success", document_id)
    assert "created date" in cleaned
    assert "created_at" not in cleaned
    preview = faxto.get("/file-generate-preview", **{where: {"document_id": str(document_id)}}).json()
    assert preview["url"].startswith("http://127.0.0.1:")
    assert faxto.get("/file-clean", **{where: {"document_id": "5"}}).status_code == 404
