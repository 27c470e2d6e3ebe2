"""What tests of vendor modules share: a driver without a network, and answers made by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_faxto.vendors.base import FaxResponse

if TYPE_CHECKING:
    from collections.abc import Iterable

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
