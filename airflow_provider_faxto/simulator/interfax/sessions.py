"""InterFAX's upload sessions: a document that comes in chunks, strictly in order, before it is faxed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES
from airflow_provider_faxto.simulator.body import MAX_CHUNK, BodyMode
from airflow_provider_faxto.simulator.dispatch import Endpoint
from airflow_provider_faxto.simulator.documents import PageCounter
from airflow_provider_faxto.simulator.interfax.responses import InterFaxError, as_time, json_response, whole_number
from airflow_provider_faxto.simulator.models import UploadSession
from airflow_provider_faxto.simulator.parsing import read_address

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.dispatch import Call
    from airflow_provider_faxto.simulator.documents import DocumentFacts
    from airflow_provider_faxto.simulator.state import State

__all__ = ["MAX_DOCUMENTS", "Sessions"]

MAX_DOCUMENTS = 20 * 1024 * 1024
"""The most bytes of all documents of a fax."""

_PATH = "/outbound/documents"
_DISPOSITIONS = ("singleUse", "multiUse", "permanent")
_SHARINGS = ("private", "shared")
_MULTI_USE_SECONDS = 3600.0
_RANGE = re.compile(r"bytes=([0-9]{1,9})-([0-9]{1,9})")


class Sessions:
    """The calls on upload sessions.

    :param state: the simulator's state.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def endpoints(self) -> list[Endpoint]:
        """List the calls.

        :return: the calls.
        """
        one = (_PATH + "/{session_id}",)
        return [
            Endpoint("session_create", "POST", (_PATH,), self._create),
            Endpoint("session_list", "GET", (_PATH,), self._list),
            Endpoint("session_status", "GET", one, self._status),
            Endpoint("session_chunk", "POST", one, self._chunk, BodyMode.CHUNK),
            Endpoint("session_delete", "DELETE", one, self._delete),
        ]

    def look_up(self, call: Call, address: str) -> UploadSession | None:
        """Find the session that a ``Content-Location`` names.

        :param call: the request.
        :param address: the address, whole or without the host.
        :return: the session; ``None`` if the address is not that of a session.
        :raises InterFaxError: if there is no such session, or its document is not complete.
        """
        url = read_address(address)
        path = url.path if url is not None else address
        if not path.startswith(f"{_PATH}/"):
            return None
        session = self._find(call, path.removeprefix(f"{_PATH}/"))
        if not session.is_complete:
            raise InterFaxError(400, -123, "The document is not complete")
        return session

    def use(self, call: Call, session: UploadSession) -> DocumentFacts:
        """Use a session's document for a fax that is accepted.

        :param call: the request.
        :param session: the session; a ``singleUse`` one is gone afterwards.
        :return: what is known of the document.
        """
        session.used_at = call.now
        if session.disposition == "singleUse":
            self._state.store.sessions.pop(session.id, None)
        return session.facts()

    def _create(self, call: Call) -> Response:
        size = whole_number(call.parameter("size"), 0, 1)
        name = call.parameter("name") or ""
        extension = name.rpartition(".")[2].lower()
        disposition = call.parameter("disposition") or "singleUse"
        # Some clients use the name "shared"; the documented one is "sharing".
        sharing = call.parameter("sharing") or "private"
        if not size or not name or disposition not in _DISPOSITIONS or sharing not in _SHARINGS:
            raise InterFaxError(400, -1008, "Size, name, disposition or sharing is missing or invalid")
        if extension not in DOCUMENT_TYPES or extension == name.lower():
            raise InterFaxError(415, -1002, "The document's type is not supported")
        if size > MAX_DOCUMENTS:
            raise InterFaxError(413, -1008, "The document is too large")
        session = UploadSession(
            id=self._state.store.new_session_id(),
            vendor=call.vendor,
            user=call.user,
            name=name,
            media_type=DOCUMENT_TYPES[extension],
            size=size,
            disposition=disposition,
            sharing=sharing,
            created_at=call.now,
            used_at=call.now,
            content=PageCounter(),
        )
        self._state.store.sessions[session.id] = session
        location = f"{call.base_url}{_PATH}/{session.id}"
        return Response(status_code=self._state.settings.interfax_session_status, headers={"location": location})

    def _chunk(self, call: Call) -> Response:
        session = self._find(call, call.path["session_id"])
        content = session.content
        if session.is_complete:
            raise InterFaxError(413, -1063, "The whole document has been uploaded already")
        if call.body.size > MAX_CHUNK:
            raise InterFaxError(413, -1008, "The chunk is too large")
        given = _RANGE.fullmatch(call.headers.get("range", ""))
        if given is None:
            raise InterFaxError(400, -1061, "The Range header is missing or invalid")
        first, last = int(given[1]), int(given[2])
        if first != content.size:
            raise InterFaxError(400, -1061, "The chunk is not the next one")
        if last - first + 1 != call.body.size or last >= session.size:
            raise InterFaxError(400, -1063, "The chunk does not fit its range or the document")
        content.update(call.body.raw)
        session.used_at = call.now
        return Response(
            status_code=200 if session.is_complete else 202,
            headers={"x-content-range": f"bytes 0-{content.size - 1}/{session.size}"},
        )

    def _list(self, call: Call) -> Response:
        limit = whole_number(call.parameter("limit"), 25, 1)
        offset = whole_number(call.parameter("offset"), 0, 0)
        sessions = [session for session in self._state.store.sessions.values() if self._is_there(call, session)]
        return json_response(call, [self._record(call, session) for session in sessions[offset : offset + limit]])

    def _status(self, call: Call) -> Response:
        return json_response(call, self._record(call, self._find(call, call.path["session_id"])))

    def _delete(self, call: Call) -> Response:
        del self._state.store.sessions[self._find(call, call.path["session_id"]).id]
        return Response()

    def _find(self, call: Call, session_id: str) -> UploadSession:
        session = self._state.store.sessions.get(session_id)
        if session is None or not self._is_there(call, session):
            settings = self._state.settings
            raise InterFaxError(
                settings.interfax_session_lost_status, settings.interfax_session_lost_code, "Wrong session ID"
            )
        return session

    def _is_there(self, call: Call, session: UploadSession) -> bool:
        lasts = session.disposition != "multiUse" or call.now < session.used_at + _MULTI_USE_SECONDS
        mine = session.user == call.user or (session.sharing == "shared" and session.vendor == call.vendor)
        return lasts and mine

    def _record(self, call: Call, session: UploadSession) -> dict[str, Any]:
        uploaded = session.content.size
        begun = "PartiallyUploaded" if uploaded else "Created"
        return {
            "userId": session.user,
            "fileName": session.name,
            "fileSize": session.size,
            "uploaded": uploaded,
            "uri": f"{call.base_url}{_PATH}/{session.id}",
            "creationTime": as_time(session.created_at),
            # The lower-case u is the vendor's.
            "lastusageTime": as_time(session.used_at),
            "status": "Ready" if session.is_complete else begun,
            "disposition": session.disposition,
            "sharing": session.sharing,
        }
