"""What tests of vendor modules share: a driver without a network, and answers made by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from airflow_provider_faxto.vendors.base import FaxResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_faxto.vendors.base import FaxRequest, Flow


class Driver:
    """Drives a flow with prepared responses: ``run(flow, [response, ...])`` returns the flow's value.

    ``run.requests`` holds what the flow asked for last, also when it raised. Every response of a list must be
    used; an endless iterator may be left behind.
    """

    def __init__(self) -> None:
        self.requests: list[FaxRequest] = []

    def __call__(self, flow: Flow[Any], responses: Iterable[FaxResponse] = ()) -> Any:
        self.requests = []
        waiting = iter(responses)
        try:
            request = next(flow)
            while True:
                self.requests.append(request)
                response = next(waiting, None)
                assert response is not None, f"no response is left for {request}"
                request = flow.send(response)
        except StopIteration as end:
            if isinstance(responses, Sequence):
                assert len(self.requests) == len(responses), "the flow ended before every response was used"
            return end.value


# For the whole session, since hypothesis allows no shorter one; each call forgets the one before.
@pytest.fixture(scope="session")
def run() -> Driver:
    """The driver."""
    return Driver()


@pytest.fixture(scope="session")
def answer():
    """Make a response: ``answer(200, {"id": 1})`` with JSON, ``answer(500, b"<html>")`` with raw bytes."""

    def make(status: int, content: Any = b"", /, **headers: str) -> FaxResponse:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        return FaxResponse(status=status, headers=names, body=body)

    return make


# What a server, a proxy or a half-mended programme puts into a body where it does not belong.
SPLINTERS = [
    b"\xff", b"\xfc", b"\x00", b"\x1f", b"\n", b"\\u0000", b"\\ud800", b"\\udc00", b"\\u202e", b"\xe2\x80\x8b",
    b"{", b"}", b"[", b",", b'"', b"0", b"9" * 30, b"-", b"null", b"NaN",
    b'"status": 0, ', b'"status": "success", ', b'"status": -3, ', b'"status": "failed", ', b'"id": 1, ',
    b'"message": "Sent! Fax Has Been Answered.", ', b'"subject": "+44 20 7946 0958", ',
]  # fmt: skip


@pytest.fixture(scope="session")
def damage() -> Callable[[st.DataObject, bytes], bytes]:
    """Damage the bytes of a body: ``damage(data, body)`` with hypothesis's ``data``."""

    def make(data: st.DataObject, body: bytes) -> bytes:
        if data.draw(st.booleans()):
            body = b"\xef\xbb\xbf" + body
        for _ in range(data.draw(st.integers(0, 4))):
            # Mostly where a name may stand.
            places = [place + 1 for place, sign in enumerate(body) if sign in b"{,"] or [0]
            place = data.draw(st.sampled_from(places) | st.integers(0, len(body)))
            taken = data.draw(st.sampled_from([0, 0, 0, 1]))
            body = body[:place] + data.draw(st.sampled_from(SPLINTERS)) + body[place + taken :]
        return body

    return make


@pytest.fixture(scope="session")
def assert_can_be_stored() -> Callable[[Any], None]:
    """Check that a value goes into PostgreSQL and through the encoder of Airflow's triggers."""
    try:
        from msgspec.msgpack import encode
    except ImportError:
        # Before 3.0 Airflow's triggers passed events on as JSON.
        encode = None

    def check(value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        # As UTF-8 neither half a pair of surrogates can be stored, nor the letter of number zero.
        assert text.encode()
        assert "\\u0000" not in text
        if encode is not None:
            assert encode(value)

    return check
