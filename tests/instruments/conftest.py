"""What Sentry and OpenTelemetry record in this process, and a vendor that is called meanwhile."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
import requests
from support.hooks import KEY, NAME, NUMBER
from support.vendors import VENDORS

from airflow_provider_faxto.simulator.pdf import make_pdf

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = 700000001
REFERENCE = "airflow-0123456789abcdef01234567-0123456789abcdef"
HEADER = "Ward 7 to Dr. Moe"
CONTENT = "Patient Jane Roe tested positive"


class Call:
    """A call whose arguments stand in no frame and no ``repr()``."""

    __slots__ = ("_arguments", "_function", "_named")

    def __init__(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        self._function, self._arguments, self._named = function, arguments, named

    def __call__(self) -> Any:
        return self._function(*self._arguments, **self._named)


def in_thread(call: Callable[[], Any]) -> None:
    """Make a call as the triggerer's poller does."""
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn."""
    return request.param


@pytest.fixture
def far(vendor: str, raw_server: Any) -> Any:
    """A server that takes every fax, and whatever else it is asked."""

    def behave(request: Any, far: Any) -> bool:
        if request.sends:
            told = {"status": "executed", "fax_job_id": JOB}
            return far.answer(201, told, {"Location": f"http://127.0.0.1/outbound/faxes/{JOB}"})
        told = {"document_id": 1, "message": "Success! Your fax has been sent!", "id": JOB, "destinationFax": NUMBER}
        return far.answer(200, {"status": "success" if vendor == "faxto" else 0, **told})

    return raw_server(behave)


@pytest.fixture
def document(tmp_path: Any) -> str:
    """The path of a PDF whose name and content tell whom it is about."""
    path = tmp_path / f"{NAME}.pdf"
    path.write_bytes(make_pdf(mark=CONTENT))
    return str(path)


@pytest.fixture
def calls(vendor: str, connect: Any, far: Any, document: str) -> list[Call]:
    """Calls of a hook that work: a send and a look."""
    hook = connect(vendor, far.url)
    return [
        Call(hook.send_fax, NUMBER, document, reference=REFERENCE, options={"sender_id": HEADER}),
        Call(hook.get_status, str(JOB)),
    ]


@pytest.fixture
def own_request(far: Any) -> Callable[[str], None]:
    """Make a request of the user's own, which instruments are to record: ``own_request("before")``."""

    def make(name: str) -> None:
        requests.get(f"{far.url}/own/{name}", params={"own": name}, timeout=10)

    return make


def assert_tells_nothing(recorded: str, *more: str) -> None:
    """Look for what nothing may tell, in each form in which it may stand in a URL or in JSON."""
    private = {KEY, "jane:", NUMBER[1:], NAME, HEADER, CONTENT, *more}
    forms = {form for text in private for form in (text, json.dumps(text)[1:-1], quote(text), quote(text, safe=""))}
    for form in forms | {quote_plus(text) for text in private}:
        assert form not in recorded, f"{form!r} is recorded"
