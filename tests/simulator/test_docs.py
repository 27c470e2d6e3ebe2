from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_provider_faxto.simulator import Settings
from airflow_provider_faxto.simulator.__main__ import main
from airflow_provider_faxto.simulator.callbacks.receipts import Delivery, receipt_for
from airflow_provider_faxto.simulator.faults import ENDPOINTS, FaultKind
from airflow_provider_faxto.simulator.faxto.scenarios import REFUSED_NUMBER, SCENARIOS, TEST_NUMBERS
from airflow_provider_faxto.simulator.interfax.scenarios import HOLD_NUMBER, NEVER_ENDING_NUMBER
from airflow_provider_faxto.simulator.models import Fax
from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator
from airflow_provider_faxto.simulator.timeline import Timeline

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text()


def spaced(number):
    return re.sub(r"\+?1(\d{3})(\d{3})(\d{4})", r"+1 \1 \2 \3", number)


def test_the_page_tells_every_scenario_of_a_number_at_faxto():
    for number, name in TEST_NUMBERS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{spaced(number)}` |"))
        if number == f"+{REFUSED_NUMBER}":
            assert "`refused`" in row
        elif SCENARIOS[name].ends:
            assert f"| `{name}` | {SCENARIOS[name].message} | `{SCENARIOS[name].row_status}` |" in row
        else:
            assert "never" in row


def test_the_page_tells_interfaxes_special_numbers():
    for number in (HOLD_NUMBER, NEVER_ENDING_NUMBER):
        assert PAGE.count(f"`{spaced(number)}`") >= 1


@pytest.mark.parametrize("name", Settings().to_dict())
def test_the_page_tells_every_setting(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("kind", FaultKind)
def test_the_page_tells_every_kind_of_fault(kind):
    assert f"| `{kind.value}` |" in PAGE


def test_the_page_tells_every_call_and_every_control(simulator):
    for name in {*ENDPOINTS["faxto"], *ENDPOINTS["interfax"]}:
        assert f"`{name}`" in PAGE
    paths = {route.path for route in simulator.simulator.app.routes if route.path.startswith("/simulator")}
    assert len(paths) > 10
    for path in paths:
        assert path in PAGE
    for name in [name for name in vars(FaxSimulator) if not name.startswith("_")]:
        assert f"`.{name}" in PAGE


def test_the_page_tells_every_key_of_a_fax(simulator, faxto):
    faxto.send()
    for key in simulator.faxes()[0]:
        assert f"`{key}`" in PAGE


def test_the_page_tells_every_key_of_a_delivery_and_every_field_of_a_receipt():
    settings = Settings(faxto_callback_url="http://127.0.0.1/", interfax_callback_url="http://127.0.0.1/")
    ends = {"faxto": "ok", "interfax": 0}
    faxes = [Fax(vendor, 1, "u", "+12025550100", (), 0.0, Timeline((), end)) for vendor, end in ends.items()]
    fields = [field for fax in faxes for field in receipt_for(fax, settings).form()]
    for key in [*Delivery(0.0, 0.0, "faxto", 1, 1, 200).to_dict(), *fields]:
        assert f"`{key}`" in PAGE


def test_the_page_tells_what_a_receipt_says_otherwise_than_the_other_calls():
    for scenario in SCENARIOS.values():
        if scenario.msg_code is not None:
            assert f"`{scenario.msg_code}` for `{scenario.state}`" in PAGE
        if scenario.receipt_message is not None:
            assert f"`{scenario.state}`, which says *{scenario.receipt_message}*" in PAGE


def test_the_page_tells_every_option(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    for option in set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}:
        assert f"`{option}" in PAGE


@pytest.mark.airflow
def test_the_test_on_the_page_passes(fax_simulator, monkeypatch, airflow_database):
    code = re.search(r"START test_of_a_dag.*?```python\n(.*?)```", PAGE, re.DOTALL)[1]
    monkeypatch.syspath_prepend(str(Path(os.environ["AIRFLOW_HOME"]) / "dags" / "example_dags"))
    namespace = {}
    exec(compile(code, "docs/simulator.md", "exec"), namespace)
    (test,) = (value for name, value in namespace.items() if name.startswith("test_"))
    test(fax_simulator, monkeypatch)
    assert fax_simulator.faxes(), "The test on the page sends no fax."
