"""The command, run in this process: what it writes where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_faxto.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Whatever stands between its digits, but for the last four; times and keys hold none of these.
NUMBERS_OF_THE_TESTS = ("1202555", "9999999", "4930231", "1900555")
NAMES_OF_THE_TESTS = ("letter.", "letter-", "jane")


class Ended:
    """How a command ended, and what it wrote."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of ``--output json``."""
        return json.loads(self.out)

    @property
    def row(self) -> dict[str, Any]:
        """The only row."""
        (row,) = self.rows
        return row

    @property
    def cells(self) -> list[dict[str, str]]:
        """The rows of ``--output csv``."""
        return list(csv.DictReader(io.StringIO(self.out)))


class Typed(io.StringIO):
    """A terminal at which somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, airflow_database: None
) -> Callable[..., Ended]:
    """Give a function that runs one command, and looks for numbers in all that it wrote and logged."""

    def run(*argv: str) -> Ended:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in argv])
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        digits = re.sub(r"[^0-9A-Za-z\n]", "", out + err + caplog.text)
        assert [number for number in NUMBERS_OF_THE_TESTS if number in digits] == []
        assert [name for name in NAMES_OF_THE_TESTS if name in (out + err).lower()] == []
        assert "Traceback" not in out + err
        return Ended(code, out, err)

    return run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give a function that lets somebody type a line."""
    return lambda line: monkeypatch.setattr("sys.stdin", Typed(f"{line}\n"))


@pytest.fixture
def remembered(bad_numbers: Callable[[], dict[str, str]]) -> Iterator[Callable[[str], None]]:
    """Give a function that lets Airflow remember that no fax machine answered a number, as a task does."""
    from airflow.models.variable import Variable

    from airflow_provider_faxto.fax.numbers import parse_fax_number
    from airflow_provider_faxto.sending.bad_numbers import KEY_VARIABLE, VARIABLE_PREFIX, NumberMark

    def remember(number: str) -> None:
        Variable.set(KEY_VARIABLE, "0" * 64)
        mark = NumberMark.known(parse_fax_number(number), 30, Variable)
        assert mark is not None
        entry = {"cause": "number_not_operational", "since": "2026-11-01T00:00:00Z", "until": 4_000_000_000}
        Variable.set(f"{VARIABLE_PREFIX}{mark.mark}", json.dumps(entry))

    yield remember
    for name in (KEY_VARIABLE, *bad_numbers()):
        Variable.delete(name)
