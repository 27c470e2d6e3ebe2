from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pytest
import requests

from airflow_provider_faxto.simulator.__main__ import main


@pytest.fixture
def start():
    processes = []

    def run(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow_provider_faxto.simulator", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        return process, "".join(lines)

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def connections_in(block):
    return {
        name.lower(): json.loads(value)
        for name, value in re.findall(r"export AIRFLOW_CONN_(\w+)_DEFAULT='(.*)'", block)
    }


def test_the_start_block_tells_addresses_connections_and_numbers_and_they_work(start):
    process, block = start("--speed", "600")
    connections = connections_in(block)
    assert set(connections) == {"faxto", "interfax", "extrafax"}
    for number in ("+12025550102  busy", "+999-9999-<code>", "+12025550122"):
        assert number in block
    faxto = connections["faxto"]
    answer = requests.get(f"{faxto['host']}/api/v2/balance", params={"api_key": faxto["password"]}, timeout=60)
    assert answer.status_code == 200
    for name in ("interfax", "extrafax"):
        connection = connections[name]
        answer = requests.get(
            f"{connection['host']}/outbound/faxes", auth=(connection["login"], connection["password"]), timeout=10
        )
        assert answer.status_code == 200
    assert requests.get(f"{faxto['host']}/simulator", timeout=60).json()["speed"] == 600

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    # Quiet: requests are not shown, and the end is no traceback.
    assert "Traceback" not in errors
    assert "faxto" not in errors


def test_accounts_and_settings_are_chosen_on_the_command_line(start):
    process, block = start(
        "--faxto-key=k/1",
        "--faxto-key=k/2",
        "--interfax-user=ann:a:b",
        "--extrafax-user=bob:c",
        "--setting=interfax_status_limit=null",
        "--setting=faxto_progress=executed",
        "--verbose",
    )
    connections = connections_in(block)
    assert connections["faxto"]["password"] == "k/1"
    assert (connections["interfax"]["login"], connections["interfax"]["password"]) == ("ann", "a:b")
    assert (connections["extrafax"]["login"], connections["extrafax"]["password"]) == ("bob", "c")
    url = connections["faxto"]["host"]
    assert requests.get(f"{url}/api/v2/balance", params={"api_key": "k/2"}, timeout=60).status_code == 200
    settings = requests.get(f"{url}/simulator/settings", timeout=60).json()
    assert (settings["interfax_status_limit"], settings["faxto_progress"]) == (None, "executed")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert "faxto balance -> 200" in errors
    assert "k/2" not in errors
    assert "api_key" not in errors


def test_receipts_are_posted_from_the_command_line_too(start, receiver):
    _, block = start(f"--setting=interfax_callback_url={receiver.url}")
    connection = connections_in(block)["extrafax"]
    url = connection["host"]
    requests.post(
        f"{url}/outbound/faxes",
        params={"faxNumber": "+12025550100"},
        data=b"x",
        headers={"Content-Type": "text/plain"},
        auth=(connection["login"], connection["password"]),
        timeout=60,
    ).raise_for_status()
    requests.post(f"{url}/simulator/finish", timeout=60).raise_for_status()
    assert receiver.arrived.wait(10)
    assert receiver.forms()[0]["Status"] == "0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "loopback"),
        (["--speed", "-1"], "speed"),
        (["--setting", "speling=1"], "No such setting"),
        (["--setting", "faxto_callback_url=http://example.org/"], "loopback"),
        (["--interfax-user", "ann"], "USER:PASSWORD"),
        (["--interfax-user", "ann:a", "--extrafax-user", "ann:b"], "of its own"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_explained(capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(["--port", "0", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
