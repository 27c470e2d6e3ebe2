"""A vendor of another distribution: found by its entry point, sent with, without a change in this package."""

from __future__ import annotations

import base64
import importlib
import importlib.metadata
import json
import sys
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowException, BaseHook
from support.vendors import HOOKS

from airflow_provider_faxto.exceptions import FaxRetryableError
from airflow_provider_faxto.fax.errors import FaxConfigurationError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.operators.fax import SendFaxOperator

NUMBER = "+1 202 555 0100"


@pytest.fixture
def send(example_servers, task_instance, letter, pauses):
    """Run a task that sends with ``examplefax_default``; its waits take no time."""

    def run(**options):
        with DAG("faxes", schedule=None):
            operator = SendFaxOperator(
                task_id="send",
                fax_conn_id="examplefax_default",
                fax_number=NUMBER,
                document=letter,
                deferrable=False,
                completion_timeout=timedelta(minutes=10),
                **{"poll_interval": 1, **options},
            )
        run.ti = task_instance(operator, try_number=options.pop("try_number", 1))
        return operator.execute({"ti": run.ti})

    return run


def test_a_fax_is_sent_and_followed_by_the_operator(send, example_service, example_servers, letter):
    status = send()

    (fax,) = example_service.faxes
    with open(letter, "rb") as file:  # noqa: PTH123 - short
        content = file.read()
    assert fax["to"] == "+12025550100"
    assert base64.b64decode(fax["document"]["content"]) == content
    assert fax["label"].startswith("airflow-")
    assert (status["vendor"], status["job_id"], status["outcome"]) == ("examplefax", str(fax["id"]), "success")
    assert send.ti.xcoms["job_id"] == status["job_id"]
    api, login = example_servers
    assert [request.path for request in login.requests] == ["/oauth/token"]
    assert [request.method for request in api.requests].count("POST") == 1


def test_what_became_of_the_fax_is_raised_as_for_every_vendor(send, example_service):
    example_service.word = "busy"

    with pytest.raises(FaxRetryableError) as caught:
        send()

    assert isinstance(caught.value, AirflowException)
    assert len(example_service.faxes) == 1


def test_a_send_whose_answer_is_lost_is_found_by_its_label_and_not_made_again(
    example_service, raw_server, send, monkeypatch
):
    lost = []

    def behave(request, far):
        if request.method == "POST" and request.path == "/v1/faxes" and not lost:
            lost.append(request)
            example_service.behave(request, Nowhere())
            return far.reset()
        return example_service.behave(request, far)

    class Nowhere:
        def answer(self, *arguments):
            pass

    described = json.loads(BaseHook.get_connection("examplefax_default").as_json())
    described["host"] = raw_server(behave).url
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLEFAX_DEFAULT", json.dumps(described))

    assert send()["outcome"] == "success"
    assert len(lost) == len(example_service.faxes) == 1


def test_the_hook_is_found_by_the_connection_and_knows_its_vendor(example_hook):
    assert type(example_hook).__name__ == "ExampleFaxHook"
    assert example_hook.vendor.label == "Example Fax"
    assert type(example_hook).get_connection_form_widgets() == {}
    assert type(example_hook).get_ui_field_behaviour() == {"hidden_fields": [], "relabeling": {}, "placeholders": {}}


def test_airflow_accepts_the_provider_info_of_the_distribution(example_distribution):
    from pathlib import Path

    import airflow
    import jsonschema

    [point] = [
        each
        for each in importlib.metadata.entry_points(group="apache_airflow_provider")
        if each.value.startswith("examplefax.")
    ]
    info = point.load()()
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())

    assert list(jsonschema.validators.validator_for(schema)(schema).iter_errors(info)) == []
    [described] = info["connection-types"]
    assert described["connection-type"] == "examplefax"


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Install a distribution with one module, and entry points for the group of vendors."""

    def install(name, module, **points):
        folder = tmp_path / name
        info = folder / f"{name}-1.dist-info"
        info.mkdir(parents=True)
        (folder / f"{name}.py").write_text(module)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        lines = [f"{conn_type} = {path}" for conn_type, path in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[airflow_provider_faxto.vendors]", *lines, ""]))
        monkeypatch.syspath_prepend(str(folder))
        importlib.invalidate_caches()

    return install


def connect(monkeypatch, conn_type):
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps({"conn_type": conn_type, "password": "secret"}))
    return FaxHook.for_connection("other")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("brokenfax:Hook", "cannot be imported"),
        ("brokenfax_is_not_there:Hook", "cannot be imported"),
        ("brokenfax:NOT_A_HOOK", "is not a FaxHook of this connection type"),
        ("airflow_provider_faxto.hooks.faxto:FaxToHook", "is not a FaxHook of this connection type"),
    ],
)
def test_a_registered_hook_that_cannot_be_used_is_a_configuration_error(distribution, monkeypatch, path, problem):
    distribution("brokenfax", "NOT_A_HOOK = object\n", brokenfax=path)

    with pytest.raises(FaxConfigurationError, match=f"'other' is of type 'brokenfax', but {path}.*{problem}") as caught:
        connect(monkeypatch, "brokenfax")

    assert "secret" not in str(caught.value)


def test_a_vendor_whose_class_lacks_something_cannot_be_imported(distribution, monkeypatch):
    module = (
        "from airflow_provider_faxto.vendors.base import FaxVendor\nclass Lacking(FaxVendor):\n    name = 'lacking'\n"
    )
    distribution("lackingfax", module, lackingfax="lackingfax:Lacking")

    with pytest.raises(FaxConfigurationError, match=r'cannot be imported \(TypeError\); python -c "import lackingfax"'):
        connect(monkeypatch, "lackingfax")


def test_two_distributions_cannot_offer_the_same_connection_type(distribution, monkeypatch):
    for name in ("onefax", "otherfax"):
        distribution(name, "", twicefax=f"{name}:Hook")

    with pytest.raises(FaxConfigurationError, match="several hooks are registered for: onefax:Hook, otherfax:Hook"):
        connect(monkeypatch, "twicefax")
    assert not {"onefax", "otherfax"} & sys.modules.keys()


def test_a_connection_type_of_this_package_cannot_be_taken_over(distribution, monkeypatch):
    distribution("takerfax", "raise AssertionError('was imported')\n", faxto="takerfax:Hook")

    assert type(connect(monkeypatch, "faxto")).__name__ == "FaxToHook"


def test_a_connection_of_an_unknown_type_is_told_the_registered_types_too(example_distribution, monkeypatch):
    known = ", ".join(sorted({"examplefax", *HOOKS}))
    with pytest.raises(FaxConfigurationError, match=f"A fax needs one of type {known}"):
        connect(monkeypatch, "web")
