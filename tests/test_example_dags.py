"""The example DAGs: they import anywhere, and end in real Airflow where their pages say."""

from __future__ import annotations

import itertools
import json
import os
import runpy
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.examples import recipient
from support.vendors import VENDORS
from support.waiting import wait_for

from airflow_provider_faxto.fax.key import is_of_same_fax

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_faxto.simulator.pytest_plugin import FaxSimulator

ROOT = Path(__file__).resolve().parent.parent
RELEASE = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
ASKS_PEOPLE = ("fax_ask_a_person", "fax_with_approval")
EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"))
# What this release can run: it has operators that ask a person from 3.1 on.
HERE = [path.stem for path in EXAMPLES if RELEASE >= (3, 1) or path.stem not in ASKS_PEOPLE]
needs_people = pytest.mark.skipif(RELEASE < (3, 1), reason="Airflow asks no person before 3.1")
BRANCHES = ("archive", "send_later", "hand_to_person", "ask_the_vendor")
FAXTO_NUMBERS = {
    "success": "+1 202 555 0100",
    "retryable": "+1 202 555 0101",
    "fatal": "+1 202 555 0104",
    "unknown": "+1 202 555 0108",
}
INTERFAX_NUMBERS = {
    "success": "+999-9999-0",
    "retryable": "+999-9999-6018",
    "fatal": "+999-9999-6001",
    "unknown": "+999-9999-4711",
}
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def number(vendor: str, outcome: str) -> str:
    return (FAXTO_NUMBERS if vendor == "faxto" else INTERFAX_NUMBERS)[outcome]


def clinic(vendor: str, outcome: str) -> dict[str, str]:
    return recipient(f"{vendor}_default", number(vendor, outcome))


def ended(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


@pytest.fixture
def fast(fax_connections: FaxSimulator) -> FaxSimulator:
    """Give the simulator with a clock at which every fax ends within a second or two."""
    fax_connections.set_speed(1000)
    return fax_connections


def test_every_example_imports_without_a_connection_a_network_and_an_http_client() -> None:
    script = """
import json, runpy, socket, sys
def refuse(*_):
    raise AssertionError("an example must not call anybody while it is parsed")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
found = {path: runpy.run_path(path) for path in sys.argv[1:]}
dags = {path: names["dag"].dag_id for path, names in found.items() if "dag" in names}
loaded = sorted({"requests", "phonenumbers", "tenacity", "requests_toolbelt"} & set(sys.modules) - before)
print(json.dumps([dags, loaded]))
"""
    # What Airflow itself brings in is not ours.
    script = (
        "import sys\nfrom airflow.providers.common.compat.sdk import DAG, Asset, task\n"
        "Asset('fax://parsed')\nbefore = set(sys.modules)\n" + script
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, EXAMPLES)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    dags, loaded = json.loads(done.stdout.splitlines()[-1])
    assert dags == {str(path): path.stem for path in EXAMPLES if path.stem in HERE}
    assert loaded == []


@pytest.mark.airflow
def test_airflow_finds_the_examples_and_nothing_else(airflow_database: None) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # Airflow 2.11
        from airflow.models.dagbag import DagBag

    bag = DagBag(str(ROOT / "example_dags"))
    assert bag.import_errors == {}
    # One example is two DAGs, of which the second starts after the first.
    assert set(bag.dags) == {*HERE, "fax_after_delivery"}


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    """Give the DAG of each example that this release of Airflow can run."""
    namespaces = {path.stem: runpy.run_path(str(path)) for path in EXAMPLES}
    return {name: namespace["dag"] for name, namespace in namespaces.items() if "dag" in namespace}


def test_no_example_takes_a_number_a_file_or_a_connection_from_whoever_triggers_it(examples: dict[str, Any]) -> None:
    for name, dag in examples.items():
        for parameter in dag.params:
            schema = dag.params.get_param(parameter).schema
            assert parameter == "job_id" or "enum" in schema.get("items", schema), f"{name}: {parameter}"


def test_every_example_says_what_it_does_and_what_it_takes(examples: dict[str, Any]) -> None:
    for name, dag in examples.items():
        assert dag.doc_md, name
        for parameter in dag.params:
            assert dag.params.get_param(parameter).description, f"{name}: {parameter}"
        for task in dag.tasks:
            if hasattr(task, "partial_kwargs"):
                assert task.partial_kwargs.get("map_index_template"), f"{name}: {task.task_id}"


def test_every_sender_of_the_examples_can_be_made_quick_for_a_test(examples: dict[str, Any]) -> None:
    kinds = ("SendFaxOperator", "SendFaxesOperator")
    senders = [task for dag in examples.values() for task in dag.tasks if task.task_type in kinds]
    assert senders
    for sender in senders:
        told = sender.partial_kwargs if hasattr(sender, "partial_kwargs") else vars(sender)
        assert told["lookup_grace"] == float(os.environ["FAX_EXAMPLE_LOOKUP_GRACE"]), sender.task_id


@pytest.mark.airflow
def test_a_number_instead_of_a_label_starts_nothing(fast: FaxSimulator, run_dag: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match="Invalid input for param recipient"):
        run_dag("example_dags/fax_send_and_branch.py", {"recipient": FAXTO_NUMBERS["success"]})
    assert fast.requests() == []


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("label", "taken"),
    [
        ("clinic", "archive"),
        ("busy-clinic", "send_later"),
        ("closed-clinic", "hand_to_person"),
        ("doubtful-clinic", "ask_the_vendor"),
    ],
)
def test_the_labels_of_send_and_branch_lead_to_each_branch(
    label: str, taken: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    states = ended(run_dag("example_dags/fax_send_and_branch.py", {"recipient": label}))
    assert [name for name in BRANCHES if states[name] == "success"] == [taken]


@pytest.mark.airflow
@every_vendor
@pytest.mark.parametrize(
    ("outcome", "taken"), [("success", "archive"), ("retryable", "send_later"), ("fatal", "hand_to_person")]
)
def test_send_wait_branch(
    *, vendor: str, outcome: str, taken: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_send_wait_branch.py", {"recipient": "clinic"}, {"clinic": clinic(vendor, outcome)}
    )
    branches = dict.fromkeys(("archive", "send_later", "hand_to_person"), "skipped")
    assert ended(dag_run) == {
        **dict.fromkeys(("send", "wait", "branch", "done"), "success"),
        **branches,
        taken: "success",
    }
    [fax] = fast.faxes()
    [behind] = [ti for ti in dag_run.get_task_instances() if ti.task_id == taken]
    assert f"Fax job {fax['id']} " in behind.xcom_pull(task_ids=taken)


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("vendor", "outcome", "taken"),
    [
        ("interfax", "success", "archive"),
        ("extrafax", "retryable", "send_later"),
        ("faxto", "fatal", "hand_to_person"),
        ("faxto", "unknown", "ask_the_vendor"),
        ("interfax", "unknown", "ask_the_vendor"),
    ],
)
def test_send_and_branch(
    *, vendor: str, outcome: str, taken: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_send_and_branch.py", {"recipient": "clinic"}, {"clinic": clinic(vendor, outcome)}
    )
    branches = dict.fromkeys(("archive", "send_later", "hand_to_person", "ask_the_vendor"), "skipped")
    assert ended(dag_run) == {**dict.fromkeys(("send", "branch", "done"), "success"), **branches, taken: "success"}
    assert len(fast.faxes()) == 1


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("vendor", "outcome", "taken"),
    [
        ("interfax", "success", "delivered"),
        ("extrafax", "retryable", "failed_for_now"),
        ("faxto", "fatal", "failed_for_good"),
        ("faxto", "unknown", "failed_for_good"),
    ],
)
def test_branch_on_job(
    *,
    vendor: str,
    outcome: str,
    taken: str,
    fast: FaxSimulator,
    fax_job: Callable[..., str],
    run_dag: Callable[..., Any],
) -> None:
    job_id = fax_job(vendor, number(vendor, outcome))
    account = {"interfax": "clinic", "extrafax": "billing", "faxto": "pharmacy"}[vendor]
    dag_run = run_dag("example_dags/fax_branch_on_job.py", {"job_id": job_id, "account": account})
    branches = dict.fromkeys(("delivered", "failed_for_now", "failed_for_good"), "skipped")
    assert ended(dag_run) == {"wait": "success", "branch": "success", **branches, taken: "success"}
    assert len(fast.faxes()) == 1


@pytest.mark.airflow
@pytest.mark.parametrize("job_id", ["", "no job"])
def test_branch_on_job_needs_a_job_id(job_id: str, fast: FaxSimulator, run_dag: Callable[..., Any]) -> None:
    dag_run = run_dag("example_dags/fax_branch_on_job.py", {"job_id": job_id})
    assert ended(dag_run) == {
        "wait": "failed",
        **dict.fromkeys(("branch", "delivered", "failed_for_now", "failed_for_good"), "upstream_failed"),
    }
    assert fast.requests() == []


SUMMARY = "example_dags/fax_many_recipients.py"


@pytest.mark.airflow
@every_vendor
def test_many_recipients_succeeds_if_each_of_them_has_it(
    vendor: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    recipients = {f"clinic-{index}": clinic(vendor, "success") for index in range(3)}
    dag_run = run_dag(SUMMARY, {"recipients": ["clinic-2", "clinic-0"]}, recipients)
    tasks = {(ti.task_id, ti.map_index): ti for ti in dag_run.get_task_instances()}
    assert {key: str(ti.state) for key, ti in tasks.items()} == dict.fromkeys(
        [("labels", -1), ("send", 0), ("send", 1), ("summarise", -1)], "success"
    )
    assert tasks["summarise", -1].xcom_pull(task_ids="summarise") == {"clinic-2": "success", "clinic-0": "success"}
    assert [tasks["send", index].rendered_map_index for index in range(2)] == ["clinic-2", "clinic-0"]
    assert len(fast.faxes()) == 2


@pytest.mark.airflow
def test_many_recipients_fails_and_names_who_does_not_have_it(
    fast: FaxSimulator, run_dag: Callable[..., Any], logged: Callable[[], str]
) -> None:
    recipients = {
        "clinic-well": clinic("faxto", "success"),
        "clinic-busy": clinic("faxto", "retryable"),
        "clinic-lost": clinic("faxto", "unknown"),
        "clinic-typo": recipient("faxto_default", "12"),
        # About the set-up: this one's task fails and has no status.
        "clinic-nowhere": recipient("no_such_connection", FAXTO_NUMBERS["success"]),
    }
    dag_run = run_dag(SUMMARY, {}, recipients)
    states = {(ti.task_id, ti.map_index): str(ti.state) for ti in dag_run.get_task_instances()}
    assert states == {
        ("labels", -1): "success",
        **{("send", index): "success" for index in range(4)},
        ("send", 4): "failed",
        ("summarise", -1): "failed",
    }
    assert (
        "Not known to be delivered to 4 of 5 recipients. clinic-busy: retryable (no_answer); clinic-lost: unknown "
        "(unspecified); clinic-typo: fatal (invalid_number); clinic-nowhere: missing (see its task)."
    ) in logged()


@pytest.mark.airflow
def test_many_recipients_says_that_nobody_was_chosen(
    fast: FaxSimulator, run_dag: Callable[..., Any], logged: Callable[[], str]
) -> None:
    dag_run = run_dag(SUMMARY, {"recipients": []})
    assert ended(dag_run) == {"labels": "success", "send": "skipped", "summarise": "skipped"}
    assert "No recipient was chosen: nothing was sent." in logged()
    assert fast.requests() == []


@pytest.mark.airflow
@pytest.mark.parametrize("conf", [{"recipients": ["+1 202 555 0100"]}, {"recipients": ["clinic-1", "clinic-1"]}])
def test_many_recipients_takes_each_label_of_its_author_once(conf: dict[str, Any], run_dag: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match="Invalid input for param recipients"):
        run_dag(SUMMARY, conf)


@pytest.mark.airflow
def test_a_batch_goes_on_if_enough_have_it_and_posts_a_letter_to_the_others(
    fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag("example_dags/fax_batch.py")
    tasks = {(ti.task_id, ti.map_index): ti for ti in dag_run.get_task_instances()}
    assert {key: str(ti.state) for key, ti in tasks.items()} == {
        **dict.fromkeys([("send", -1), ("branch", -1), ("enough_have_it", -1), ("by_letter", -1)], "success"),
        ("hand_to_person", -1): "skipped",
        ("post", 0): "success",
    }
    assert tasks["by_letter", -1].xcom_pull(task_ids="by_letter") == ["customer-4"]
    assert tasks["post", 0].rendered_map_index == "customer-4"
    told = tasks["send", -1].xcom_pull(task_ids="send")
    assert (told["total"], told["outcome"], told["causes"]) == (4, "retryable", {"busy": 1})
    assert len(fast.faxes()) == 4


@pytest.mark.airflow
@pytest.mark.parametrize("vendor", ["interfax", "extrafax"])
@pytest.mark.parametrize(
    ("outcome", "state", "tries"), [("success", "success", 1), ("retryable", "failed", 4), ("fatal", "failed", 1)]
)
def test_with_retries_another_attempt_is_made_where_it_may_help(
    *, vendor: str, outcome: str, state: str, tries: int, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag("example_dags/fax_with_retries.py", {"recipient": "clinic"}, {"clinic": clinic(vendor, outcome)})
    [send] = dag_run.get_task_instances()
    assert (str(send.state), send.try_number) == (state, tries)
    # The simulator is the judge: as many attempts as tries, one after the other, all for the same logical fax.
    faxes = fast.faxes()
    assert len(faxes) == tries
    assert len({fax["reference"] for fax in faxes}) == 1
    assert {fax["parameters"]["retriesToPerform"] for fax in faxes} == {"2"}
    assert all(earlier["final_at"] <= later["accepted_at"] for earlier, later in itertools.pairwise(faxes))


@pytest.mark.airflow
def test_with_retries_a_parameter_the_vendor_has_no_use_for_sends_nothing(
    fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag(
        "example_dags/fax_with_retries.py", {"recipient": "clinic"}, {"clinic": clinic("faxto", "success")}
    )
    [send] = dag_run.get_task_instances()
    assert (str(send.state), send.try_number) == ("failed", 1)
    assert fast.requests() == []


@pytest.mark.airflow
@pytest.mark.skipif(RELEASE < (3, 3), reason="Airflow has retry policies from 3.3 on")
@pytest.mark.parametrize(
    ("fax_number", "tries"), [("+999-9999-263", 3), ("+999-9999-6018", 2), ("+999-9999-6001", 1), ("+999-9999-0", 1)]
)
def test_send_later_gives_each_cause_attempts_of_its_own(
    fax_number: str, tries: int, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    clinics = {"clinic": recipient("interfax_default", fax_number)}
    dag_run = run_dag("example_dags/fax_send_later.py", {"recipient": "clinic"}, clinics)
    [send] = dag_run.get_task_instances()
    assert (str(send.state), send.try_number) == ("success" if fax_number.endswith("-0") else "failed", tries)
    faxes = fast.faxes()
    assert len(faxes) == tries
    assert len({fax["reference"] for fax in faxes}) == 1


@pytest.mark.airflow
@pytest.mark.skipif(RELEASE >= (3, 3), reason="a retry policy does it here")
@pytest.mark.parametrize(
    ("outcome", "ran", "faxes"),
    [
        ("success", ["archive"], 1),
        ("fatal", ["hand_to_person"], 1),
        ("unknown", ["hand_to_person"], 1),
        ("retryable", ["wait_for_a_good_time", "send_again"], 2),
    ],
)
def test_send_later_waits_and_makes_another_attempt_where_it_may_help(
    outcome: str, ran: list[str], faxes: int, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    dag_run = run_dag("example_dags/fax_send_later.py", {"recipient": "clinic"}, {"clinic": clinic("faxto", outcome)})
    states = ended(dag_run)
    later = ("archive", "hand_to_person", "wait_for_a_good_time", "send_again")
    assert {name for name in later if states[name] != "skipped"} == set(ran)
    # The simulator's number is busy for ever.
    assert states["send_again"] == ("failed" if outcome == "retryable" else "skipped")
    assert len(fast.faxes()) == faxes


@pytest.mark.skipif(RELEASE >= (3, 3), reason="a retry policy does it here")
def test_the_good_time_depends_on_why_the_fax_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAX_EXAMPLE_RETRY_DELAY", "600")
    good_time = runpy.run_path(str(ROOT / "example_dags" / "fax_send_later.py"))["good_time"]
    assert good_time({"cause": "busy"}) < good_time({"cause": "hangup"}) < good_time({"cause": "no_answer"})


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give what is posted to the chat that the connection ``fax_alerts`` leads to."""
    posted: list[str] = []

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever).start()
        address = f"http://127.0.0.1:{server.server_port}/hooks/secret"
        monkeypatch.setenv("AIRFLOW_CONN_FAX_ALERTS", json.dumps({"conn_type": "generic", "password": address}))
        yield posted
        server.shutdown()


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("to", "told"),
    [
        (clinic("faxto", "success"), []),
        (clinic("faxto", "retryable"), ["Fax to clinic: retryable (no_answer), fax job JOB."]),
        (clinic("faxto", "unknown"), ["Fax to clinic: unknown (unspecified), fax job JOB."]),
        (recipient("faxto_default", "12"), ["Fax to clinic: fatal (invalid_number), fax job none."]),
        (
            recipient("interfax_default", "+999-9999-205000"),
            ["Fax to clinic: the account has no credit (fax job JOB). Top it up, then clear the task."],
        ),
        (
            recipient("no_such_connection", FAXTO_NUMBERS["success"]),
            ["Fax to clinic: its task failed, for a reason that is not about this fax. See its log."],
        ),
    ],
)
def test_people_are_told_what_became_of_a_fax(
    to: dict[str, str], told: list[str], chat: list[str], fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    run_dag("example_dags/fax_tell_people.py", {"recipient": "clinic"}, {"clinic": to})
    job = str(fast.faxes()[0]["id"]) if fast.faxes() else "none"
    assert chat == [line.replace("JOB", job) for line in told]


@pytest.mark.airflow
@pytest.mark.airflow
@pytest.mark.skipif(RELEASE < (3, 1), reason="dag.test() makes no events of assets before 3.1")
@pytest.mark.parametrize(("label", "number"), [("clinic", "+1 202 555 0100"), ("busy-clinic", "+1 202 555 0102")])
def test_a_delivered_fax_makes_an_event_with_its_receipt_and_no_other_does(
    label: str, number: str, fast: FaxSimulator, run_dag: Callable[..., Any]
) -> None:
    to = recipient("faxto_default", number)
    before = _asset_events()
    dag_run = run_dag("example_dags/fax_start_another_dag.py", {"recipient": label}, {label: to})

    made = _asset_events()[len(before) :]
    [fax] = fast.faxes()
    if label == "clinic":
        assert dag_run.state == "success"
        [extra] = made
        assert (extra["receipt"]["job_id"], extra["receipt"]["outcome"]) == (fax["id"], "success")
        assert (extra["receipt"]["label"], extra["receipt"]["number"]) == ("clinic", "+*******0100")
    else:
        assert dag_run.state == "failed"
        assert made == []


def _asset_events() -> list[dict[str, Any]]:
    """Read what Airflow has noted of assets so far."""
    from airflow.utils.session import create_session

    try:
        from airflow.models.asset import AssetEvent
    except ImportError:  # Airflow 2
        from airflow.models.dataset import DatasetEvent as AssetEvent
    with create_session() as session:
        return [event.extra for event in session.query(AssetEvent).order_by(AssetEvent.id)]


def test_people_are_told_of_an_account_that_runs_out_of_money_and_of_faxes_that_it_holds(
    chat: list[str], fax_connections: FaxSimulator, fax_job: Callable[..., str], run_dag: Callable[..., Any]
) -> None:
    fax_job("interfax", "+1 202 555 0122")
    fax_connections.advance(120)
    dag_run = run_dag("example_dags/fax_watch_credit.py")
    looks = [ti for ti in dag_run.get_task_instances() if ti.task_id == "look"]
    assert {str(look.state) for look in looks} == {"success"}
    assert {look.rendered_map_index for look in looks} == {f"{vendor}_default" for vendor in VENDORS}
    [line] = chat
    assert line.startswith("interfax_default: ")
    assert line.endswith(" left, 1 faxes held for lack of credit.")


@contextmanager
def person(page: Callable[..., Any], dag_id: str, task_id: str, answer: str) -> Iterator[list[dict[str, Any]]]:
    """Let a person wait for a question, as Airflow's page does, and answer it; give what was asked."""
    asked: list[dict[str, Any]] = []

    def respond() -> None:
        def question() -> dict[str, Any] | None:
            shown = page("GET", f"/dags/{dag_id}/dagRuns/~/hitlDetails", params={"response_received": False}).json()
            return next((each for each in shown["hitl_details"] if each["task_instance"]["state"] in WAITS), None)

        wait_for(question)
        detail = question()
        assert detail is not None
        asked.append(detail)
        run_id = detail["task_instance"]["dag_run_id"]
        where = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        answered = page("PATCH", where, json={"chosen_options": [answer], "params_input": {}})
        assert answered.status_code == 200, answered.text

    thread = threading.Thread(target=respond)
    thread.start()
    yield asked
    thread.join()


WAITS = ("awaiting_input", "deferred", "running", "queued")


@pytest.mark.airflow
@needs_people
@pytest.mark.parametrize(
    ("answer", "taken", "state", "faxes"),
    [
        ("It arrived", "it_arrived", "success", 1),
        # The simulator's number ends in the same way again.
        ("Send again", "send_again", "failed", 2),
        ("Give up", "give_up", "failed", 1),
    ],
)
def test_a_person_decides_about_a_fax_of_which_nobody_knows_whether_it_arrived(
    *,
    answer: str,
    taken: str,
    state: str,
    faxes: int,
    fast: FaxSimulator,
    run_dag: Callable[..., Any],
    page: Callable[..., Any],
) -> None:
    with person(page, "fax_ask_a_person", "ask", answer) as asked:
        states = ended(run_dag("example_dags/fax_ask_a_person.py", {"recipient": "doubtful-clinic"}))
    assert asked[0]["subject"] == "Did the fax to doubtful-clinic arrive?"
    first, *again = sorted(fast.faxes(), key=lambda fax: fax["accepted_at"])
    assert f"Fax job {first['id']}, connection faxto_default." in asked[0]["body"]
    skipped = dict.fromkeys(("archive", "hand_to_person", "it_arrived", "send_again", "give_up"), "skipped")
    assert states == {**dict.fromkeys(("send", "branch", "ask"), "success"), **skipped, taken: state}
    # Two fax jobs of one fax: the second could only go out because a person said so.
    assert len(again) == faxes - 1
    keys = [fax["documents"][0]["name"].removesuffix(".pdf") for fax in (first, *again)]
    assert len(set(keys)) == faxes
    assert all(is_of_same_fax(keys[0], key) for key in keys)


@pytest.mark.airflow
@needs_people
def test_nobody_is_asked_about_a_fax_that_was_delivered(fast: FaxSimulator, run_dag: Callable[..., Any]) -> None:
    states = ended(run_dag("example_dags/fax_ask_a_person.py", {"recipient": "clinic"}))
    assert (states["archive"], states["ask"], states["send_again"]) == ("success", "skipped", "skipped")


@pytest.mark.airflow
@needs_people
@pytest.mark.parametrize(("answer", "state", "faxes"), [("Approve", "success", 1), ("Reject", "skipped", 0)])
def test_nothing_is_sent_that_a_person_has_not_approved(
    *,
    answer: str,
    state: str,
    faxes: int,
    fast: FaxSimulator,
    run_dag: Callable[..., Any],
    page: Callable[..., Any],
) -> None:
    with person(page, "fax_with_approval", "approve", answer) as asked:
        states = ended(run_dag("example_dags/fax_with_approval.py", {"recipient": "clinic"}))
    assert asked[0]["subject"] == "Fax the letter to clinic?"
    assert states == {"approve": "success", "send": state}
    assert len(fast.faxes()) == faxes
