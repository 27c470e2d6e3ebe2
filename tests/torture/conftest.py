"""How many rounds, from which seed, and the figures at the end. Without the options the suite is a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("torture", "faxes under crashes, lost answers, retries, clears and kills")
    group.addoption("--rounds", type=int, default=12, help="how many rounds (default: 12)")
    group.addoption("--batches", type=int, default=2, help="how many rounds with a batch of faxes (default: 2)")
    group.addoption("--seed", type=int, default=1, help="the first round's seed; the others count up from it")
    group.addoption("--arenas", type=int, default=2, help="how many rounds at once (default: 2)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "torture":
                terminalreporter.section("torture")
                terminalreporter.write_line(text)
