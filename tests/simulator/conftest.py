from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import requests

if TYPE_CHECKING:
    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

TWO_PAGES = (
    b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\n2 0 obj <</Type/Pages /Count 2>> endobj\n"
    b"3 0 obj <</Type /Page /Parent 2 0 R>> endobj\n4 0 obj <</Parent 2 0 R /Type\n/Page>> endobj\n%%EOF\n"
)


@pytest.fixture
def simulator(fax_simulator: FaxSimulator) -> FaxSimulator:
    """A simulator whose clock moves only when a test moves it."""
    fax_simulator.set_speed(0)
    return fax_simulator


class Client:
    """Plain requests to one vendor: no code of the provider's own clients."""

    def __init__(self, simulator: FaxSimulator, conn_type: str) -> None:
        self.simulator = simulator
        self.connection = simulator.connection(conn_type)
        self.session = requests.Session()
        self.session.trust_env = False

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        arguments.setdefault("timeout", 10)
        arguments.setdefault("allow_redirects", False)
        return self.session.request(method, self.simulator.url + path, **arguments)


class FaxTo(Client):
    def __init__(self, simulator: FaxSimulator) -> None:
        super().__init__(simulator, "faxto")
        self.key = self.connection["password"]
        self.session.params = {"api_key": self.key}

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.call("GET", f"/api/v2{path}", **arguments)

    def post(self, path: str, **arguments: Any) -> requests.Response:
        return self.call("POST", f"/api/v2{path}", **arguments)

    def upload(self, content: bytes = TWO_PAGES, name: str = "report.pdf") -> int:
        answer = self.post("/files", files={"file": (name, content, "application/pdf")})
        assert answer.status_code == 200, answer.text
        return answer.json()["document_id"]

    def send(self, number: str = "+1 202 555 0100", document_id: int | None = None, **more: Any) -> int:
        document_id = self.upload() if document_id is None else document_id
        answer = self.post("/fax", data={"fax_number": number, "document_id": document_id, **more})
        assert answer.json()["status"] == "executed", answer.text
        return answer.json()["fax_job_id"]

    def status(self, job_id: int) -> dict[str, Any]:
        answer = self.get(f"/fax/{job_id}/status")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def history(self, **params: Any) -> list[dict[str, Any]]:
        answer = self.get("/fax-history", params=params).json()
        assert answer["status"] == "success"
        return answer["history"]


class InterFax(Client):
    def __init__(self, simulator: FaxSimulator, conn_type: str = "interfax") -> None:
        super().__init__(simulator, conn_type)
        self.session.auth = (self.connection["login"], self.connection["password"])

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return self.call("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> requests.Response:
        return self.call("POST", path, **arguments)

    def try_send(
        self, number: str = "+12025550100", content: bytes = TWO_PAGES, timeout: float = 10, **params: Any
    ) -> requests.Response:
        return self.post(
            "/outbound/faxes",
            params={"faxNumber": number, **params},
            data=content,
            headers={"Content-Type": "application/pdf"},
            timeout=timeout,
        )

    def send(self, number: str = "+12025550100", **params: Any) -> str:
        answer = self.try_send(number, **params)
        assert (answer.status_code, answer.content) == (201, b""), answer.text
        location = answer.headers["Location"]
        assert location.startswith(f"{self.simulator.url}/outbound/faxes/")
        return location.rpartition("/")[2]

    def record(self, fax_id: str) -> dict[str, Any]:
        answer = self.get(f"/outbound/faxes/{fax_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def completed(self, *ids: str) -> list[dict[str, Any]]:
        answer = self.get("/outbound/faxes/completed", params={"ids": ",".join(ids)})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def search(self, **params: Any) -> list[dict[str, Any]]:
        answer = self.get("/outbound/search", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def faxto(simulator: FaxSimulator) -> FaxTo:
    return FaxTo(simulator)


@pytest.fixture
def interfax(simulator: FaxSimulator) -> InterFax:
    """An InterFAX client without the limit of six status requests, which has tests of its own."""
    simulator.configure(interfax_status_limit=None)
    return InterFax(simulator)


@pytest.fixture
def extrafax(simulator: FaxSimulator) -> InterFax:
    return InterFax(simulator, "extrafax")


@pytest.fixture
def two_pages() -> bytes:
    return TWO_PAGES


class Receiver:
    """A web application that is told the end of a fax."""

    def __init__(self):
        self.posts = []
        self.statuses = []
        self.arrived = threading.Event()
        self.before_answer = lambda form: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
                receiver.posts.append({"path": self.path, "type": self.headers["Content-Type"], "form": form})
                receiver.arrived.set()
                receiver.before_answer(form)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?from=fax"

    def forms(self):
        return [post["form"] for post in self.posts]


@pytest.fixture
def receiver():
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()
