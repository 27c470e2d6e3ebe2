"""The example vendor of docs/development.md: installed as a distribution, and its service on loopback."""

from __future__ import annotations

import importlib
import json
import re
import sys
import threading
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.hooks import RawConnection, RawRequest, RawServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "development.md"
CLIENT, SECRET = "clinic", "s3cret/+&=%"


def files_of_the_page() -> dict[str, str]:
    """The files that the page shows, by name."""
    shown = re.findall(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return dict(shown)


def install(folder: Path) -> None:
    """Install the page's files as pip would: the package, and what its pyproject.toml says of it."""
    files = files_of_the_page()
    project = tomllib.loads(files["pyproject.toml"])["project"]
    package = folder / "examplefax"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in files.items():
        if name.startswith("examplefax/"):
            (folder / name).write_text(text)
    described = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0.0\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (described / "entry_points.txt").write_text("\n".join([*lines, ""]))


@pytest.fixture(scope="session")
def example_distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the example, for the session: what was imported once cannot be taken back."""
    folder = tmp_path_factory.mktemp("site")
    install(folder)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield folder
    sys.path.remove(str(folder))


class ExampleService:
    """Example Fax on loopback, as far as its client needs it; it also gives out the tokens."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.refused: set[str] = set()
        self.faxes: list[dict[str, Any]] = []
        self.page = 100
        self.word = "delivered"
        self.lifetime = 3600
        self._lock = threading.Lock()

    def behave(self, request: RawRequest, far: RawConnection) -> object:
        """Answer one request."""
        with self._lock:
            return far.answer(*self._answer(request))

    def _answer(self, request: RawRequest) -> tuple[int, Any]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        if (request.method, request.path) == ("POST", "/oauth/token"):
            form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
                return 401, {"error": "invalid_client"}
            self.tokens.append(f"token-{len(self.tokens) + 1}-of-the-example")
            return 200, {"access_token": self.tokens[-1], "expires_in": self.lifetime, "token_type": "bearer"}
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens or token in self.refused:
            return 401, {"error": "invalid_token"}
        if (request.method, request.path) == ("POST", "/v1/faxes"):
            sent = json.loads(request.body)
            self.faxes.insert(0, {"id": len(self.faxes) + 81, "created_at": "2026-11-25T10:00:00Z", **sent})
            return 202, self._shown(self.faxes[0], "queued")
        if request.path == "/v1/faxes":
            return 200, self._listed(query)
        job_id = request.path.removeprefix("/v1/faxes/")
        found = [fax for fax in self.faxes if str(fax["id"]) == job_id]
        return (200, self._shown(found[0])) if found else (404, {})

    def _listed(self, query: dict[str, str]) -> dict[str, Any]:
        rows = self.faxes
        if "ids" in query:
            rows = [fax for fax in rows if str(fax["id"]) in query["ids"].split(",")]
        if "label" in query:
            rows = [fax for fax in rows if fax.get("label") == query["label"]]
        start = int(query.get("cursor", "at-0").removeprefix("at-"))
        stop = start + min(self.page, int(query.get("limit", "100")))
        return {
            "faxes": [self._shown(fax) for fax in rows[start:stop]],
            "next": f"at-{stop}" if stop < len(rows) else None,
        }

    def _shown(self, fax: dict[str, Any], word: str | None = None) -> dict[str, Any]:
        shown = {name: fax.get(name) for name in ("id", "to", "label", "created_at")}
        status = word or self.word
        return {**shown, "status": status, "pages": 1 if status == "delivered" else 0}


@pytest.fixture
def example_service() -> ExampleService:
    """Give the service without its server."""
    return ExampleService()


@pytest.fixture
def example_servers(
    example_service: ExampleService,
    raw_server: Callable[..., RawServer],
    example_distribution: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[RawServer, RawServer]:
    """Start the API and the host of the tokens; ``examplefax_default`` leads there, and no token is kept."""
    # Another test's server may have had the same port.
    monkeypatch.setattr("examplefax.vendor._TOKENS", {})
    api, login = raw_server(example_service.behave), raw_server(example_service.behave)
    connection = {
        "conn_type": "examplefax",
        "host": api.url,
        "login": CLIENT,
        "password": SECRET,
        "extra": {"token_host": login.url, "requests_per_minute": 600},
    }
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLEFAX_DEFAULT", json.dumps(connection))
    return api, login


@pytest.fixture
def example_hook(example_servers: tuple[RawServer, RawServer]) -> Iterator[FaxHook]:
    """Give the hook that the connection's type finds."""
    hook = FaxHook.for_connection("examplefax_default", patience=Patience(read_attempts=1))
    yield hook
    hook.close()
