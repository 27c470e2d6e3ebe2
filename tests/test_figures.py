"""Figures reach whoever listens to Airflow's metrics, each attempt is counted once, and none ends a send or a wait."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from airflow.providers.common.compat.sdk import TaskDeferred
from support import batches

from airflow_provider_faxto.exceptions import FaxPermanentError, FaxRetryableError, FaxUnknownOutcomeError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.figures import ATTEMPTS, FIGURES, TIME_TO_END, add, count_attempt, take_time
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.sensors.fax import FaxStatusSensor

ROOT = Path(__file__).resolve().parent.parent
BUSY = "+999-9999-263"
DELIVERED = "+999-9999-0"


class Statsd:
    """What a StatsD server of this machine is told."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._told = []

    def told(self):
        """Every figure of this package that was told so far: ``{name: [value|kind, ...]}``."""
        try:
            while True:
                self._told += self._socket.recv(65536).decode().splitlines()
        except BlockingIOError:
            pass
        found = {}
        for line in self._told:
            name, _, value = line.partition(":")
            if name.startswith("airflow.faxto."):
                found.setdefault(name.removeprefix("airflow.faxto."), []).append(value)
        return found

    def attempts(self):
        """How many attempts of each kind were counted."""
        return {
            name.removeprefix("attempts."): sum(int(value.partition("|")[0]) for value in values)
            for name, values in self.told().items()
            if name.startswith("attempts")
        }

    def close(self):
        self._socket.close()


@pytest.fixture
def server():
    statsd = Statsd()
    yield statsd
    statsd.close()


@pytest.fixture
def statsd(server, monkeypatch):
    """A StatsD server to which this process's Airflow tells its figures."""
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.port))
    set_metrics_up()
    yield server
    monkeypatch.undo()
    set_metrics_up()


def let_pollers_end():
    """Wait for the threads of pollers that have nothing to follow any more."""
    for thread in threading.enumerate():
        if thread.name.startswith("fax-poller"):
            thread.join(60)


def set_metrics_up():
    """Let Airflow read its ``[metrics]`` again, as it does when a process of it begins."""
    # Its client would be taken from a poller that tells its last figure.
    let_pollers_end()
    from airflow.providers.common.compat.sdk import Stats, conf

    try:
        from airflow.sdk.observability import stats
        from airflow.sdk.observability.metrics import stats_utils
    except ImportError:
        from airflow.metrics import base_stats_logger, statsd_logger

        kind = type(Stats)
        is_on = conf.getboolean("metrics", "statsd_on")
        kind.factory = statsd_logger.get_statsd_logger if is_on else base_stats_logger.NoStatsLogger
        Stats.instance = None
        return
    import airflow.sdk.serde  # noqa: F401 - it reads the settings when it is imported first

    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)


class Store:
    """Airflow's task state store, in memory: it outlives the runs of a task."""

    def __init__(self):
        self.values = {}
        self.refuses = False

    def get(self, key):
        return self.values.get(key)

    def set(self, key, value):
        if self.refuses:
            raise RuntimeError("this run is not the current one")
        self.values[key] = value


def status(**told):
    return FaxStatus(**{"vendor": "interfax", "job_id": "7", "outcome": FaxOutcome.SUCCESS, **told})


def test_an_attempt_is_counted_with_its_pages_cost_and_time(statsd):
    count_attempt(status(pages_sent=3, cost=Decimal("0.0725")), 61.5)

    assert statsd.told() == {
        "attempts.interfax.success.none": ["1|c"],
        "pages.interfax": ["3|c"],
        "cost_thousandths.interfax": ["72|c"],
        "time_to_end.interfax.success": ["61500.000000|ms"],
    }


@pytest.mark.parametrize("cost", [None, Decimal(0), Decimal("NaN"), Decimal(-1)])
def test_what_is_not_known_is_not_told(statsd, cost):
    count_attempt(status(outcome=FaxOutcome.RETRYABLE, cause=FaxCause.BUSY, cost=cost), None)

    assert statsd.told() == {"attempts.interfax.retryable.busy": ["1|c"]}


def test_where_tags_go_along_the_name_has_none_of_them(statsd, monkeypatch):
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED", "True")
    set_metrics_up()

    add(ATTEMPTS, vendor="interfax", outcome="fatal", cause=None)

    assert statsd.told() == {"attempts,vendor=interfax,outcome=fatal,cause=none": ["1|c"]}


def test_a_name_has_no_more_parts_than_its_figure_has_tags(statsd):
    add(ATTEMPTS, vendor="a.b c", outcome="fatal", cause="x:1|c")

    assert statsd.told() == {"attempts.a_b_c.fatal.x_1_c": ["1|c"]}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_name_is_one_that_every_kind_of_metrics_takes(figure):
    # OpenTelemetry takes 63 characters, with the prefix.
    assert len(f"airflow.{figure.name}") <= 63
    assert figure.kind in ("counter", "timer")
    assert figure.tags[0] == "vendor"
    assert set(figure.tags) <= {"vendor", "outcome", "cause"}


def test_metrics_that_are_off_tell_nothing_and_fail_nothing(server):
    add(ATTEMPTS, vendor="interfax", outcome="success", cause=None)

    assert server.told() == {}


@pytest.mark.parametrize("vendor", ["faxto", "interfax", "extrafax"])
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("has_store", [False, True])
def test_a_fax_is_counted_once_however_it_is_waited_for(  # noqa: PLR0917 - a table
    send, fax_connections, statsd, vendor, deferrable, has_store
):
    store = Store() if has_store else None
    send(vendor, fax_number="+1 202 555 0100", deferrable=deferrable, store=store)

    assert statsd.attempts() == {f"{vendor}.success.none": 1}
    assert len(statsd.told()[f"time_to_end.{vendor}.success"]) == 1


@pytest.mark.parametrize("has_store", [False, True])
def test_each_retry_that_sends_is_an_attempt_of_its_own(send, fax_connections, statsd, has_store):
    store = Store() if has_store else None
    for run in (1, 2):
        with pytest.raises(FaxRetryableError):
            send(fax_number=BUSY, try_number=run, retries=3, store=store)

    assert statsd.attempts() == {"interfax.retryable.busy": 2}


@pytest.mark.parametrize("has_store", [False, True])
def test_a_delivered_fax_that_a_clear_returns_is_not_counted_again(send, fax_connections, statsd, has_store):
    store = Store() if has_store else None
    send(store=store)
    send(try_number=2, is_cleared=True, store=store)

    assert len(fax_connections.faxes()) == 1
    assert statsd.attempts() == {"interfax.success.none": 1}


@pytest.mark.parametrize("has_store", [False, True])
def test_a_fax_whose_worker_died_is_counted_by_the_run_that_sees_its_end(
    send, fax_connections, statsd, task_instance, has_store
):
    store = Store() if has_store else None
    operator = send.operator(deferrable=True, retries=3)
    context = {"ti": task_instance(operator)} | ({"task_state_store": store} if has_store else {})
    with pytest.raises(TaskDeferred):
        operator.execute(context)

    send(try_number=2, retries=3, store=store)

    assert len(fax_connections.faxes()) == 1
    assert statsd.attempts() == {"interfax.success.none": 1}


@pytest.mark.parametrize(("has_store", "counted"), [(False, {}), (True, {"interfax.success.none": 1})])
def test_an_end_that_may_have_been_counted_is_not_counted_without_proof(
    send, fax_connections, statsd, has_store, counted
):
    store = Store() if has_store else None

    def die():
        raise RuntimeError("the worker died when it saw the end")

    with pytest.raises(RuntimeError):
        send(deferrable=True, between=die, retries=3, store=store)
    send(try_number=2, retries=3, store=store)

    assert len(fax_connections.faxes()) == 1
    assert statsd.attempts() == counted


@pytest.mark.parametrize("has_store", [False, True])
def test_a_fax_that_was_counted_as_unknown_is_not_counted_again(send, fax_connections, statsd, has_store):
    store = Store() if has_store else None
    fax_connections.configure(interfax_seconds_call=500.0)
    with pytest.raises(FaxUnknownOutcomeError):
        send(completion_timeout=60, store=store)

    send(try_number=2, is_cleared=True, store=store)

    assert statsd.attempts() == {"interfax.unknown.none": 1}


def test_a_run_that_airflow_has_given_up_counts_nothing(send, fax_connections, statsd):
    store = Store()

    def give_up():
        store.refuses = True

    send(deferrable=True, between=give_up, store=store)

    assert statsd.attempts() == {}


def test_a_fax_that_never_became_a_job_is_counted_apart(send, fax_connections, statsd):
    with pytest.raises(FaxPermanentError):
        send(fax_number="+1 202")

    assert statsd.told() == {"without_job.interfax.fatal.invalid_number": ["1|c"]}


@pytest.mark.parametrize("has_store", [False, True])
def test_without_a_wait_it_is_the_sensor_that_counts_once(  # noqa: PLR0917 - a table
    send, fax_connections, statsd, task_instance, fake_time, has_store
):
    store = Store() if has_store else None
    job_id = send(wait_for_completion=False, store=store)["job_id"]
    assert statsd.attempts() == {}

    sensors_store = Store()
    for run in (1, 2):
        sensor = FaxStatusSensor(task_id="wait", job_id=job_id, fax_conn_id="interfax_default", deferrable=False)
        context = {"ti": task_instance(sensor, try_number=run)}
        sensor.execute(context | ({"task_state_store": sensors_store} if has_store else {}))

    assert statsd.attempts() == {"interfax.success.none": 1}
    # The task that sends is cleared, and returns the job that has ended.
    send(wait_for_completion=False, try_number=2, is_cleared=True, store=store)
    assert statsd.attempts() == {"interfax.success.none": 1}


def test_the_poller_is_timed(send, fax_connections, statsd):
    send(deferrable=True)
    let_pollers_end()

    told = statsd.told()
    assert len(told["poller_cycle.interfax"]) >= 1
    assert all(value.endswith("|ms") for value in told["poller_cycle.interfax"])


def test_a_wait_for_a_turn_is_timed_and_a_turn_at_once_is_not(fax_job, statsd, fake_time):
    job_id = fax_job("interfax", DELIVERED)
    hook = FaxHook.for_connection("interfax_default")
    # An account may be asked six times a minute.
    for _ in range(6):
        hook.get_status(job_id)
    assert "turn_wait.interfax" not in statsd.told()

    hook.get_status(job_id)

    [waited] = statsd.told()["turn_wait.interfax"]
    assert 1_000 < float(waited.partition("|")[0]) <= 61_000


def test_a_receipt_that_cannot_be_written_is_counted(send, fax_connections, statsd, tmp_path, monkeypatch):
    (tmp_path / "a_file").write_text("")
    monkeypatch.setenv("AIRFLOW__FAXTO__RECEIPTS", str(tmp_path / "a_file" / "receipts"))

    assert send()["outcome"] == "success"
    assert set(statsd.told()["receipts_failed.interfax"]) == {"1|c"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("STATSD_HOST", "no.such.host.invalid"),
        ("STATSD_PORT", "no port"),
        ("STAT_NAME_HANDLER", "no.such.function"),
        ("STATSD_CUSTOM_CLIENT_PATH", "builtins.int"),
        ("METRICS_ALLOW_LIST", "[["),
    ],
)
def test_metrics_that_do_not_work_fail_no_fax(  # noqa: PLR0917 - a table
    send, fax_connections, statsd, monkeypatch, option, value
):
    monkeypatch.setenv(f"AIRFLOW__METRICS__{option}", value)
    set_metrics_up()

    told = send(deferrable=True)

    assert told["outcome"] == "success"
    take_time(TIME_TO_END, 1.0, vendor="interfax", outcome="success")


def test_a_process_that_sets_up_only_airflows_own_metrics_tells_figures_too(server, tmp_path):
    # As a triggerer does, whose poller has figures of its own.
    code = (
        "from airflow_provider_faxto.figures import POLLER_CYCLE, take_time\n"
        "take_time(POLLER_CYCLE, 2.0, vendor='faxto')\n"
    )
    run_python(code, server, tmp_path)

    assert server.told() == {"poller_cycle.faxto": ["2000.000000|ms"]}


def run_python(code, server, home, **environment):
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(server.port),
        **environment,
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.airflow
def test_a_whole_dag_tells_what_became_of_its_fax(run_dag, fax_connections, statsd):
    fax_connections.configure(faxto_seconds_ok=0.0, faxto_seconds_failed=0.0)
    run_dag("example_dags/fax_send_and_branch.py", {"recipient": "busy-clinic"})
    run_dag("example_dags/fax_send_wait_branch.py", {"recipient": "clinic"})

    assert statsd.attempts() == {"faxto.retryable.busy": 1, "faxto.success.none": 1}


PROMETHEUS = {f"airflow_{figure.name.replace('.', '_')}": figure for figure in FIGURES}
SUFFIXES = {"counter": ("",), "timer": ("_bucket", "_count", "_sum")}


def test_the_mapping_names_each_figure_with_its_tags():
    mappings = yaml.safe_load((ROOT / "docs" / "figures-statsd-exporter.yml").read_text())["mappings"]

    assert {
        (each["match"], each["name"], tuple(each["labels"]), tuple(each["labels"].values())) for each in mappings
    } == {
        (
            f"airflow.{figure.name}" + ".*" * len(figure.tags),
            name,
            figure.tags,
            tuple(f"${place}" for place in range(1, len(figure.tags) + 1)),
        )
        for name, figure in PROMETHEUS.items()
    }
    # What is timed is mapped to buckets, which the dashboard's percentiles need.
    timed = {each["name"] for each in mappings if each.get("observer_type") == "histogram"}
    assert timed == {name for name, figure in PROMETHEUS.items() if figure.kind == "timer"}


def test_the_dashboard_asks_for_figures_and_tags_that_there_are():
    board = json.loads((ROOT / "docs" / "figures-grafana.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    exist = {name + suffix: figure for name, figure in PROMETHEUS.items() for suffix in SUFFIXES[figure.kind]}
    asked = set()

    for query in [*queries, *(each["query"] for each in board["templating"]["list"])]:
        for name, labels in re.findall(r"(airflow_\w+)(?:{([^}]*)})?", query):
            assert name in exist, query
            asked.add(exist[name].name)
            assert set(re.findall(r"(\w+)=?[=!~]", labels)) <= set(exist[name].tags), query
    for query in queries:
        if grouped := re.search(r" by \(([^)]*)\)", query):
            figure = exist[re.search(r"airflow_\w+", query)[0]]
            assert set(grouped[1].split(", ")) <= {*figure.tags, "le"}, query
    assert asked == {figure.name for figure in FIGURES}
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_each_fax_of_a_batch_is_counted_once_over_retries(statsd, send_faxes):
    # Without a journal the vendor's records tell what an earlier run has sent.
    store = None if version("apache-airflow").startswith("2.") else batches.Store()
    faxes = [
        {"label": "clinic-1", "fax_number": batches.DELIVERED["interfax"]},
        {"label": "clinic-2", "fax_number": batches.BUSY["interfax"]},
        {"label": "clinic-3", "fax_number": "+1"},
    ]
    for try_number in (1, 2):
        with pytest.raises(FaxRetryableError):
            send_faxes(faxes, try_number=try_number, store=store, on_bad_line="skip", poll_interval=1, lookup_grace=0)

    assert statsd.attempts() == {"interfax.success.none": 1, "interfax.retryable.busy": 2}
    told = statsd.told()
    assert told["without_job.interfax.fatal.invalid_number"] == ["1|c", "1|c"]
    assert len(told["time_to_end.interfax.success"]) == 1
