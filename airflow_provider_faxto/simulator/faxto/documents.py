"""The simulated Fax.to's documents: upload, list, delete, clean and preview."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from airflow_provider_faxto.simulator.clock import utc
from airflow_provider_faxto.simulator.documents import DocumentFacts
from airflow_provider_faxto.simulator.faxto.responses import (
    RefusedError,
    as_number,
    is_v1,
    newest_first,
    server_name,
    shown_name,
    versioned,
)
from airflow_provider_faxto.simulator.parsing import read_address, read_integer

if TYPE_CHECKING:
    from starlette.responses import Response

    from airflow_provider_faxto.simulator.dispatch import Call, Endpoint
    from airflow_provider_faxto.simulator.models import Document
    from airflow_provider_faxto.simulator.state import State

__all__ = ["Documents"]


class Documents:
    """The calls on documents.

    :param state: the simulator's state.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def endpoints(self) -> list[Endpoint]:
        """List the calls.

        :return: the calls.
        """
        return [
            versioned("upload", "POST", "/files", self._upload),
            versioned("files", "GET", "/files", self._files),
            versioned("delete", "DELETE", "/files/{document_id}", self._delete),
            versioned("clean", "GET", "/file-clean", self._clean, versions=("v2",)),
            versioned("preview", "GET", "/file-generate-preview", self._preview, versions=("v2",)),
        ]

    def find(self, call: Call, document_id: str | None) -> Document:
        """Find a document of the caller's account.

        :param call: the request.
        :param document_id: the id, as in the request.
        :return: the document.
        :raises RefusedError: if there is none.
        """
        number = read_integer(document_id)
        document = None
        if number is not None:
            document = self._state.store.document(call.user, number, call.now)
        if document is None:
            raise RefusedError(404, "Document not found")
        return document

    def keep(self, call: Call) -> Document:
        """Keep the one file that a request carries.

        :param call: the request, with the file in the field ``file``.
        :return: the document.
        :raises RefusedError: if it has no such file, several, an empty one, or one without a name.
        """
        files = [part for part in call.body.parts if part.field == "file"]
        if len(files) != 1 or not files[0].facts.size or not files[0].facts.name:
            raise RefusedError(400, "One file is needed, in the field named file, with a name and content")
        return self._state.store.add_document(call.user, files[0].facts, call.now)

    def _upload(self, call: Call) -> Response:
        address = call.body.fields.get("AddRemoteFile") or call.parameter("AddRemoteFile")
        document = self._keep_remote(call, address) if address else self.keep(call)
        settings = self._state.settings
        response: dict[str, Any] = {
            "status": settings.faxto_upload_status,
            "document_id": as_number(document.id, settings),
        }
        if not is_v1(call):
            response["total_pages"] = as_number(document.facts.pages, settings)
            response["document"] = self._record(document)
        return JSONResponse(response)

    def _keep_remote(self, call: Call, address: str) -> Document:
        url = read_address(address)
        if url is None:
            raise RefusedError(400, "AddRemoteFile is not an address")
        if self._state.settings.faxto_remote_fetch_fails:
            raise RefusedError(400, "The remote file cannot be fetched")
        # Nothing is fetched: the simulator makes no connection of its own.
        facts = DocumentFacts(PurePosixPath(url.path).name or "remote.pdf", None, None, 0, 1)
        return self._state.store.add_document(call.user, facts, call.now)

    def _files(self, call: Call) -> Response:
        settings = self._state.settings
        documents = self._state.store.documents_of(call.user, call.now)
        rows = [
            {
                "id": as_number(document.id, settings),
                "filename": shown_name(document.facts, document.id, settings),
                "pages": as_number(document.facts.pages, settings),
                "size": as_number(document.facts.size, settings),
                "uploaded": f"{utc(document.created_at):%Y-%m-%d}",
            }
            for document in newest_first(call, documents, settings.faxto_files_lag, settings)
        ]
        return JSONResponse({"status": "success", "files": rows} if settings.faxto_files_object else rows)

    def _delete(self, call: Call) -> Response:
        self.find(call, call.path["document_id"]).deleted_at = call.now
        return JSONResponse({"status": "success"})

    def _clean(self, call: Call) -> Response:
        record = self._record(self._named(call))
        # The blank in this key is the documents'.
        record["created date"] = record.pop("created_at")
        return JSONResponse({"status": "success", **record, "server_document_id": None, "team_user_id": None})

    def _preview(self, call: Call) -> Response:
        document = self._named(call)
        url = f"{call.base_url}/member/preview/{server_name(document.id)}.preview.jpg"
        return JSONResponse({"status": "success", "url": url})

    def _named(self, call: Call) -> Document:
        # The vendor's documents disagree whether these two calls take the id from the query or from a header.
        return self.find(call, call.parameter("document_id") or call.headers.get("document_id"))

    def _record(self, document: Document) -> dict[str, Any]:
        facts, settings = document.facts, self._state.settings
        created = f"{utc(document.created_at):%Y-%m-%d %H:%M:%S}"
        name = server_name(document.id)
        return {
            "filename": f"{name}.tiff",
            "filename_uploaded": facts.name,
            "orig_filename": name,
            "file_extension": PurePosixPath(facts.name or "").suffix.removeprefix("."),
            "total_pages": as_number(facts.pages, settings),
            "filesize": as_number(facts.size, settings),
            "preview_in_storage": 1,
            "preview_file": f"{name}.preview.jpg",
            "preview_image": None,
            "s3": None,
            "user_id": 2,
            "updated_at": created,
            "created_at": created,
            "id": as_number(document.id, settings),
        }
