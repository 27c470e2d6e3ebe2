"""The hook, the same for every vendor: the connection chooses, reads are repeated, a send never is."""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal
from types import MappingProxyType
from urllib.parse import quote, quote_plus

import pendulum
import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
from support.vendors import HOOKS, LABELS, VENDORS

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxDocumentError,
    FaxInputError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxNotFoundError,
    FaxNumberError,
    FaxRefusedError,
    FaxThrottledError,
    FaxUncertainSendError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.hooks.fax import FaxHook, Patience
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.vendors.base import UploadedDocument

DELIVERED = "+12025550100"
BUSY = {"faxto": "+12025550102", "interfax": "+99999996017", "extrafax": "+99999996017"}
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"


@pytest.fixture
def hook(vendor, simulator):
    made = FaxHook.for_connection(f"{vendor}_default")
    yield made
    made.close()


@pytest.fixture
def facing(vendor, connect, raw_server):
    """Make a server that does as it is told, and the hook that calls it."""

    def make(behave, **options):
        server = raw_server(behave)
        return server, connect(vendor, server.url, **options)

    return make


def endpoints(simulator):
    return [request["endpoint"] for request in simulator.requests()]


def search_of(vendor):
    return "history" if vendor == "faxto" else "search"


# The connection chooses -------------------------------------------------------------------------------


def test_the_type_of_the_connection_chooses_the_hook(simulator, vendor):
    hook = FaxHook.for_connection(f"{vendor}_default")

    assert type(hook) is HOOKS[vendor]
    assert hook.fax_conn_id == f"{vendor}_default"


def test_a_connection_of_another_type_is_refused_with_the_right_ones(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_WEB", json.dumps({"conn_type": "http", "host": "h", "password": "secret"}))

    with pytest.raises(FaxConfigurationError) as caught:
        FaxHook.for_connection("web")

    assert "is of type 'http'. A fax needs one of type " in str(caught.value)
    assert all(name in str(caught.value) for name in HOOKS)
    assert "secret" not in str(caught.value)


def test_a_vendors_hook_refuses_the_connection_of_another_vendor(simulator, vendor):
    other = "interfax" if vendor == "faxto" else "faxto"

    with pytest.raises(FaxConfigurationError, match=f"{HOOKS[vendor].__name__} needs '{vendor}'"):
        HOOKS[vendor](f"{other}_default").get_balance()

    assert simulator.requests() == []


def test_a_missing_connection_is_airflows_error():
    with pytest.raises(AirflowNotFoundException):
        FaxHook.for_connection("there_is_none")


def test_a_vendors_hook_has_a_default_connection(simulator, vendor):
    hook = HOOKS[vendor]()

    assert hook.fax_conn_id == f"{vendor}_default"
    assert hook.test_connection()[0]
    hook.close()


def test_a_connection_that_was_looked_up_already_is_not_looked_up_again(simulator, vendor, monkeypatch):
    connection = BaseHook.get_connection(f"{vendor}_default")
    monkeypatch.delenv(f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT")

    hook = FaxHook.for_resolved_connection(connection, extra={"timeout": 7}, patience=Patience(read_attempts=2))

    assert type(hook) is HOOKS[vendor]
    assert hook.patience.read_attempts == 2
    assert hook.test_connection()[0]
    hook.close()


def test_making_a_hook_calls_nobody(simulator, vendor):
    hook = FaxHook.for_connection(f"{vendor}_default")

    assert hook.get_conn() is hook
    hook.check_configuration()
    hook.close()
    assert simulator.requests() == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ({"password": ""}, "password|API key"),
        ({"timeout": "soon"}, "timeout"),
        ({"default_region": 1}, "'test_.*': default_region is not a country"),
        ({"default_region": "XX"}, "'test_.*': default_region is not a country"),
        ({"code_outcomes": []}, "'test_.*': code_outcomes must map"),
        ({"code_outcomes": False}, "'test_.*': code_outcomes must map"),
        ({"key_namespace": 7}, "'test_.*': key_namespace must be text"),
        ({"requests_per_minute": 0}, "'test_.*': requests_per_minute must be"),
        ({"password": "secret\n"}, "'test_.*': the .* has white space or a line break around it"),
        ({"password": "secret\x00"}, "'test_.*': the .* holds control characters"),
        ({"extra__any__timeout": "5"}, "'test_.*': the extra extra__any__timeout"),
    ],
)
def test_a_connection_that_cannot_be_used_is_told_before_anything_is_sent(connect, raw_server, vendor, missing, words):
    server = raw_server(lambda _, far: far.answer(200, b"1.0"))

    with pytest.raises(FaxConfigurationError, match=words):
        connect(vendor, server.url, **missing).check_configuration()
    worked, sentence = HOOKS[vendor](f"test_{vendor}").test_connection()
    assert not worked
    assert re.search(words, sentence)
    assert not [secret for secret in ("soon", "secret") if secret in sentence]
    assert server.connections == 0


@pytest.mark.parametrize(
    ("vendor", "extra"),
    [("faxto", {"api_version": 0}), ("faxto", {"api_key_in": False}), ("faxto", {"status_messages": []})],
    indirect=["vendor"],
)
def test_an_extra_of_a_wrong_type_does_not_count_as_not_set(connect, vendor, extra):
    [name] = extra
    with pytest.raises(FaxConfigurationError, match=f"'test_faxto': {name} must"):
        connect(vendor, "https://fax.example", **extra).check_configuration()


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
@pytest.mark.parametrize("login", [" me", "me\n", "me\x00", "\u200bme"])
def test_a_login_that_can_only_be_a_slip_is_refused_before_a_call(connect, raw_server, vendor, login):
    server = raw_server(lambda _, far: far.answer(200, b"1.0"))

    worked, sentence = connect(vendor, server.url, login=login).test_connection()
    assert not worked
    assert f"'test_{vendor}': the login" in sentence
    assert server.connections == 0


def test_a_misspelt_extra_is_a_warning_and_the_test_of_the_connection_says_it_too(
    simulator, vendor, monkeypatch, log_watch
):
    described = simulator.connection(vendor)
    described["extra"] = {**described["extra"], "timeuot": 5}
    monkeypatch.setenv("AIRFLOW_CONN_SLIP", json.dumps(described))
    told = "Connection 'slip': the extra timeuot is not known and has no effect. Did you mean timeout?"

    worked, sentence = FaxHook.for_connection("slip").test_connection()

    assert worked
    assert sentence.endswith(f". {told}")
    assert [(each.levelname, each.getMessage()) for each in log_watch.records if "timeuot" in each.getMessage()] == [
        ("WARNING", told)
    ]


def test_a_hook_without_tls_is_refused_outside_this_machine(connect, vendor):
    hook = connect(vendor, "http://fax.example")

    with pytest.raises(FaxConfigurationError, match="in the clear"):
        hook.get_balance()


# A whole round ----------------------------------------------------------------------------------------


def test_a_fax_goes_its_whole_way(hook, vendor, simulator, letter):
    before = hook.get_balance()
    job = hook.send_fax(DELIVERED, letter, reference=KEY)
    under_way = hook.get_status(job.job_id)
    simulator.finish()
    delivered = hook.get_status(job.job_id)

    assert (job.vendor, under_way.outcome) == (vendor, FaxOutcome.PENDING)
    assert (delivered.outcome, delivered.job_id, delivered.vendor) == (FaxOutcome.SUCCESS, job.job_id, vendor)
    assert hook.get_statuses([job.job_id])[job.job_id].outcome is FaxOutcome.SUCCESS
    assert [each.job_id for each in hook.find_jobs(reference=KEY, fax_number=DELIVERED)] == [job.job_id]
    assert [each.job_id for each in hook.iter_history()] == [job.job_id]
    assert hook.get_balance() < before
    (accepted,) = simulator.faxes()
    assert accepted["recipient"] == DELIVERED


def test_a_busy_line_is_told_as_such(hook, vendor, simulator, letter):
    job = hook.send_fax(BUSY[vendor], letter)
    simulator.finish()

    status = hook.get_status(job.job_id)

    assert (status.outcome, str(status.cause)) == (FaxOutcome.RETRYABLE, "busy")


def test_a_list_tells_who_has_ended_and_says_where_it_does_not_tell_how(hook, vendor, simulator, letter):
    job_id = hook.send_fax(BUSY[vendor], letter).job_id
    assert not any(status.is_final for status in hook.get_listed_statuses([job_id]).values())
    simulator.finish()

    [status] = hook.get_listed_statuses([job_id]).values()

    assert status.is_final
    assert (status.outcome is FaxOutcome.RETRYABLE) == hook.vendor.list_is_conclusive


def test_many_statuses_come_by_id_and_without_what_the_vendor_does_not_tell(hook, simulator, letter):
    jobs = [hook.send_fax(DELIVERED, letter).job_id for _ in range(3)]
    simulator.finish()

    statuses = hook.get_statuses([*jobs, "799999999"])

    assert set(statuses) == set(jobs)
    assert all(status.outcome is FaxOutcome.SUCCESS for status in statuses.values())
    assert hook.get_statuses([]) == {}


def test_nothing_found_is_an_empty_list(hook, letter):
    hook.send_fax(DELIVERED, letter, reference="airflow-" + "0f" * 12 + "-" + "0e" * 8)

    assert hook.find_jobs(reference=KEY, fax_number=DELIVERED) == []


def test_the_history_is_read_page_by_page_to_its_end(hook, simulator, letter):
    jobs = [hook.send_fax(DELIVERED, letter).job_id for _ in range(5)]

    listed = [status.job_id for status in hook.iter_history(page_size=2)]
    some = [status.job_id for status in hook.iter_history(page_size=2, max_pages=2)]

    assert listed == jobs[::-1]
    assert some == listed[:4]
    assert list(hook.iter_history(max_pages=0)) == []


def test_the_history_is_read_no_further_than_it_is_asked_for(hook, simulator, letter):
    for _ in range(4):
        hook.send_fax(DELIVERED, letter)
    before = len(simulator.requests())

    next(iter(hook.iter_history(page_size=2)))

    assert len(simulator.requests()) == before + 1


def test_the_connection_can_be_tested(hook, vendor):
    worked, sentence = hook.test_connection()

    assert worked
    assert LABELS[vendor] in sentence


def test_a_failed_test_says_why_and_is_made_once(simulator, vendor, connect, log_watch):
    worked, sentence = connect(vendor, simulator.url, login=f"{vendor}-demo", attempts=4).test_connection()

    assert not worked
    assert "401" in sentence
    assert len(simulator.requests()) == 1
    log_watch.check()


def test_a_test_that_succeeds_ends_the_stop_of_the_account(facing, vendor):
    is_wrong = [True]
    answer = {"status": "success", "balance": 1} if vendor == "faxto" else "1.0"
    server, hook = facing(lambda _, far: far.answer(401 if is_wrong else 200, "" if is_wrong else answer))
    for _ in range(3):
        with pytest.raises(FaxAccountStoppedError, match=rf"^Connection 'test_{vendor}': "):
            hook.get_balance()
    assert len(server.requests) == 1

    worked, sentence = hook.test_connection()
    assert (worked, len(server.requests)) == (False, 2)
    assert sentence.startswith(f"Connection 'test_{vendor}': ")
    is_wrong.clear()
    assert hook.test_connection()[0]
    assert hook.get_balance() == 1
    assert len(server.requests) == 4


def test_a_test_that_reaches_nobody_says_so(vendor, connect, closed_port, log_watch):
    worked, sentence = connect(vendor, closed_port, attempts=4).test_connection()

    assert not worked
    assert "no connection" in sentence
    log_watch.check()


def test_a_document_in_a_storage_is_sent(hook, simulator, letter):
    hook.send_fax(DELIVERED, f"file://{letter}")

    (accepted,) = simulator.faxes()
    assert accepted["documents"][0]["sha256"] == hook.load_documents(letter)[0].sha256


def test_the_users_file_name_does_not_reach_the_vendor(hook, simulator, named_letter):
    hook.send_fax(DELIVERED, named_letter, reference=KEY)

    assert "jane" not in json.dumps(simulator.faxes())


def test_a_number_may_be_national_where_the_connection_names_the_country(simulator, vendor, connect, letter):
    described = simulator.connection(vendor)
    hook = connect(
        vendor, simulator.url, password=described["password"], login=described.get("login"), default_region="us"
    )

    hook.send_fax("(202) 555-0100", letter)

    assert [fax["recipient"] for fax in simulator.faxes()] == ["+12025550100"]


def test_interfaxs_test_number_passes_for_interfax_and_its_twin_alone(hook, vendor, simulator, letter):
    if vendor == "faxto":
        with pytest.raises(FaxNumberError, match="country code that no country has"):
            hook.send_fax("+999-9999-0", letter)
        assert simulator.faxes() == []
    else:
        hook.send_fax("+999-9999-0", letter)
        assert [fax["recipient"] for fax in simulator.faxes()] == ["+99999990"]


# Before anything is sent ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["", "12025550100", "+1 202", "fax@fax.example", "+12025550100 ext. 5"])
def test_a_number_that_is_none_is_refused_before_anything_is_sent(hook, simulator, letter, number):
    with pytest.raises(FaxNumberError):
        hook.send_fax(number, letter)

    assert simulator.requests() == []


def test_a_document_that_cannot_be_faxed_is_refused_before_anything_is_sent(hook, simulator, tmp_path):
    empty = tmp_path / "empty.pdf"
    empty.touch()

    for document in (str(empty), str(tmp_path / "missing.pdf"), FaxDocument.from_bytes(b"", "pdf")):
        with pytest.raises(FaxDocumentError):
            hook.send_fax(DELIVERED, document)
        with pytest.raises(FaxDocumentError):
            hook.upload_document(document)
    with pytest.raises(FaxInputError, match="at least one document"):
        hook.send_fax(DELIVERED, [])

    assert simulator.requests() == []


def test_too_many_documents_are_refused_before_anything_is_sent(hook, vendor, simulator, letter):
    most = hook.vendor.max_documents

    with pytest.raises(FaxUnsupportedError, match=f"{LABELS[vendor]} takes {most} document"):
        hook.send_fax(DELIVERED, [letter] * (most + 1))

    assert simulator.requests() == []


def test_an_option_that_the_vendor_has_no_use_for_is_named_with_the_vendor(hook, vendor, simulator, letter):
    options = SendOptions(page_size="a4") if vendor == "faxto" else SendOptions(delete_after_sending=True)

    with pytest.raises(FaxUnsupportedError) as caught:
        hook.send_fax(DELIVERED, letter, options=options)

    assert LABELS[vendor] in str(caught.value)
    assert options.names_set[0] in str(caught.value)
    # It is told before a document is looked at, which may take its time.
    with pytest.raises(FaxUnsupportedError):
        hook.send_fax(DELIVERED, "missing.pdf", options=options)
    assert simulator.requests() == []


@pytest.mark.parametrize(
    ("vendor", "call"),
    [
        ("faxto", lambda hook: hook.cancel_fax("700000001")),
        ("interfax", lambda hook: hook.estimate_cost(DELIVERED, "1")),
        ("extrafax", lambda hook: hook.estimate_cost(DELIVERED, "1")),
    ],
    indirect=["vendor"],
)
def test_a_call_that_the_vendor_does_not_offer_names_the_vendor(hook, vendor, simulator, call):
    with pytest.raises(FaxUnsupportedError, match=f"^{LABELS[vendor]} offers no way to "):
        call(hook)

    assert simulator.requests() == []


@pytest.mark.parametrize("job_id", ["", "abc", "1/../2", "-1"])
def test_a_job_id_that_is_none_is_refused_before_anybody_is_asked(hook, simulator, job_id):
    for call in (hook.get_status, lambda each: hook.get_statuses([each])):
        with pytest.raises(FaxInputError):
            call(job_id)

    assert simulator.requests() == []


def test_a_job_that_the_vendor_does_not_know_is_not_found(hook):
    with pytest.raises(FaxNotFoundError):
        hook.get_status("799999999")


# Reads are repeated -----------------------------------------------------------------------------------

READS = MappingProxyType(
    {
        "status": lambda hook: hook.get_status("700000001"),
        "balance": lambda hook: hook.get_balance(),
        "search": lambda hook: hook.find_jobs(reference=KEY, fax_number=DELIVERED),
        "recent": lambda hook: hook.find_jobs(reference=KEY, fax_number=DELIVERED, since=pendulum.now("UTC")),
        "history": lambda hook: list(hook.iter_history()),
        "statuses": lambda hook: hook.get_statuses(["700000001"]),
    }
)
DEAF = MappingProxyType(
    {
        "reset": lambda _, far: far.reset(),
        "closed": lambda _, far: False,
        "500": lambda _, far: far.answer(500),
        "503": lambda _, far: far.answer(503, "<html>later</html>"),
        "html": lambda _, far: far.answer(200, "<html>maintenance</html>"),
        "redirect": lambda _, far: far.answer(302, "", {"Location": "/login"}),
    }
)


@pytest.mark.parametrize("call", READS.values(), ids=READS.keys())
@pytest.mark.parametrize("fault", DEAF.values(), ids=DEAF.keys())
def test_a_read_is_made_as_often_as_allowed_with_growing_pauses(facing, pauses, call, fault):
    server, hook = facing(fault, attempts=4)

    with pytest.raises(FaxLostContactError) as caught:
        call(hook)

    assert len(server.requests) == 4
    # Where the vendor asks for fewer requests, each pause is followed by what is left of a minute without any.
    grown = pauses[::2] if len(pauses) == 6 else pauses
    assert len(grown) == 3
    assert all(later > earlier >= 1 for earlier, later in itertools.pairwise(grown))
    assert caught.value.__cause__ is None


def test_a_read_that_is_throttled_is_made_again_when_the_account_has_been_left_alone_for_a_minute(facing, pauses):
    server, hook = facing(lambda _, far: far.answer(429, {"status": "failed"}), attempts=3)

    with pytest.raises(FaxThrottledError):
        hook.get_status("700000001")

    assert len(server.requests) == 3
    assert sum(pauses) > 119


def test_a_pause_between_reads_never_exceeds_twenty_seconds(facing, pauses):
    _, hook = facing(DEAF["500"], attempts=9)

    with pytest.raises(FaxLostContactError):
        hook.get_balance()

    assert len(pauses) == 8
    assert max(pauses) == 20
    assert pauses == sorted(pauses)


@pytest.mark.parametrize(("asked", "least", "most"), [("7", 7, 7), ("600", 20, 20), ("soon", 1, 2)])
def test_a_pause_is_what_the_vendor_asks_for_within_bounds(facing, pauses, asked, least, most):
    _, hook = facing(lambda _, far: far.answer(429, {"status": "failed"}, {"Retry-After": asked}), attempts=2)

    with pytest.raises(FaxThrottledError):
        hook.get_balance()

    assert least <= pauses[0] <= most


def test_a_read_that_works_again_gives_its_value(hook, vendor, simulator, pauses, letter):
    job = hook.send_fax(DELIVERED, letter, reference=KEY)

    simulator.fault("reset", vendor=vendor, endpoint="status", times=3)
    assert hook.get_status(job.job_id).outcome is FaxOutcome.PENDING
    simulator.fault("html", vendor=vendor, endpoint=search_of(vendor), times=2)
    assert [each.job_id for each in hook.find_jobs(reference=KEY, fax_number=DELIVERED)] == [job.job_id]
    assert len(pauses) == 5


def test_a_search_that_breaks_off_begins_anew(hook, vendor, simulator, pauses, letter):
    # Half of the records and half of another look are not the whole of them.
    for _ in range(3):
        hook.send_fax(DELIVERED, letter, reference="airflow-" + "0f" * 12 + "-" + "0e" * 8)
    simulator.fault("reset", vendor=vendor, endpoint=search_of(vendor), skip=1 if vendor == "faxto" else 0)

    assert hook.find_jobs(reference=KEY, fax_number=DELIVERED) == []
    assert len(pauses) == 1


def test_one_attempt_is_one_request(facing, pauses):
    server, hook = facing(DEAF["500"], attempts=1)

    with pytest.raises(FaxLostContactError):
        hook.get_balance()

    assert len(server.requests) == 1
    assert pauses == []


@pytest.mark.parametrize("call", READS.values(), ids=READS.keys())
def test_a_wrong_password_is_tried_once(simulator, vendor, connect, pauses, call):
    with pytest.raises(FaxAuthenticationError):
        call(connect(vendor, simulator.url, login=f"{vendor}-demo", attempts=4))

    assert len(simulator.requests()) == 1
    assert pauses == []


def test_a_refusal_is_not_repeated(facing, pauses):
    server, hook = facing(lambda _, far: far.answer(400, {"status": "failed", "message": "no"}), attempts=4)

    with pytest.raises(FaxRefusedError):
        hook.get_balance()

    assert len(server.requests) == 1
    assert pauses == []


def test_a_connection_that_is_not_made_is_tried_again_by_a_read(vendor, connect, closed_port, pauses):
    with pytest.raises(FaxNotConnectedError):
        connect(vendor, closed_port, attempts=3).get_balance()

    assert len(pauses) == 2


# A send never is --------------------------------------------------------------------------------------


def test_a_wrong_password_sends_nothing_and_is_tried_once(simulator, vendor, connect, pauses, letter):
    with pytest.raises(FaxAuthenticationError):
        connect(vendor, simulator.url, login=f"{vendor}-demo", attempts=4).send_fax(DELIVERED, letter)

    assert len(simulator.requests()) == 1
    assert simulator.faxes() == []


SPOILT_SENDS = ["lost_answer", "reset", "server_error", "html", "redirect", "garbled_id"]


@pytest.mark.parametrize(
    ("vendor", "kind"),
    # An accepted fax has a body that can be cut at Fax.to alone.
    [*itertools.product(VENDORS, SPOILT_SENDS), ("faxto", "truncated"), ("faxto", "cut_json")],
    indirect=["vendor"],
)
def test_a_send_without_a_readable_answer_is_uncertain_and_is_made_once(hook, simulator, pauses, letter, kind):
    simulator.fault(kind, endpoint="send", when="after")

    with pytest.raises(FaxUncertainSendError) as caught:
        hook.send_fax(DELIVERED, letter, reference=KEY)

    assert "may or may not be on its way" in str(caught.value)
    assert LABELS[hook.conn_type] in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert endpoints(simulator).count("send") == 1
    assert pauses == []
    (accepted,) = simulator.faxes()
    found = hook.find_jobs(reference=KEY, fax_number=DELIVERED)
    assert [job.job_id for job in found] == [str(accepted["id"])]


def stall(far):
    far.stall()


def drip_a_header(far):
    far.socket.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(300):
        if far.server.over.wait(0.02):
            return
        far.socket.sendall(b"a")


@pytest.mark.parametrize("delay", [stall, drip_a_header], ids=lambda delay: delay.__name__)
def test_a_send_whose_answer_comes_too_late_is_uncertain_and_is_made_once(facing, vendor, pauses, letter, delay):
    def behave(request, far):
        return delay(far) if request.sends else far.answer(200, {"status": "success", "document_id": 1})

    # Fax.to's upload before it shall succeed, however busy the machine is.
    timeout = {"read": 0.2, "upload": 10 if vendor == "faxto" else 0.2}
    server, hook = facing(behave, attempts=4, timeout=timeout)

    with pytest.raises(FaxUncertainSendError, match="did not answer within"):
        hook.send_fax(DELIVERED, letter, reference=KEY)

    server.wait_for_request(sends=True)
    assert server.sends == 1
    assert pauses == []


def test_a_send_whose_answer_is_encoded_is_uncertain_and_is_made_once(facing, pauses, letter):
    def behave(request, far):
        accepted = {"status": "success", "document_id": 1, "fax_job_id": 1}
        return far.answer(200, accepted, {"Content-Encoding": "br"} if request.sends else {})

    server, hook = facing(behave, attempts=4)

    with pytest.raises(FaxUncertainSendError, match="an encoding that was not asked for"):
        hook.send_fax(DELIVERED, letter, reference=KEY)

    assert server.sends == 1
    assert pauses == []


def test_a_send_that_is_not_connected_is_certain(vendor, connect, closed_port, letter):
    with pytest.raises(FaxNotConnectedError, match="Nothing was sent"):
        connect(vendor, closed_port, attempts=4).send_fax(DELIVERED, letter)


def test_a_send_that_is_throttled_is_certain_and_is_made_once(hook, vendor, simulator, pauses, letter):
    simulator.fault("rate_limit", vendor=vendor, endpoint="send")

    with pytest.raises(FaxThrottledError):
        hook.send_fax(DELIVERED, letter)

    assert endpoints(simulator).count("send") == 1
    assert simulator.faxes() == []
    assert pauses == []


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "server_error"])
@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_cancel_is_made_once(hook, simulator, pauses, letter, kind):
    job = hook.send_fax(DELIVERED, letter)
    simulator.fault(kind, endpoint="cancel", times=None)

    with pytest.raises(FaxLostContactError):
        hook.cancel_fax(job.job_id)

    assert endpoints(simulator).count("cancel") == 1
    assert pauses == []


def test_an_upload_is_made_once_and_is_no_uncertain_send(hook, vendor, simulator, pauses, letter):
    endpoint = "upload" if vendor == "faxto" else "session_chunk"
    simulator.fault("lost_answer", vendor=vendor, endpoint=endpoint, times=None)

    with pytest.raises(FaxLostContactError):
        hook.upload_document(letter)

    assert endpoints(simulator).count(endpoint) == 1
    assert pauses == []


def test_a_delete_is_made_once(hook, vendor, simulator, pauses, letter):
    uploaded = hook.upload_document(letter)
    endpoint = "delete" if vendor == "faxto" else "session_delete"
    simulator.fault("reset", vendor=vendor, endpoint=endpoint, times=None)

    with pytest.raises(FaxLostContactError):
        hook.delete_document(uploaded.document_id)

    assert endpoints(simulator).count(endpoint) == 1
    assert pauses == []


def test_a_document_that_shrinks_while_it_is_sent_is_never_faxed_cut_short(hook, vendor, simulator, tmp_path):
    path = tmp_path / "letter.pdf"
    path.write_bytes(make_pdf(size=500_000))
    (document,) = hook.load_documents(str(path))
    path.write_bytes(b"%PDF-1.4\n")

    with pytest.raises((FaxDocumentError, FaxUncertainSendError)):
        hook.send_fax(DELIVERED, document)

    assert simulator.faxes() == []


# Documents that the vendor holds ----------------------------------------------------------------------


def test_an_uploaded_document_is_sent_and_deleted(hook, vendor, simulator, letter):
    uploaded = hook.upload_document(letter)
    assert isinstance(uploaded, UploadedDocument)
    before = len(simulator.requests())

    job = hook.send_fax(DELIVERED, uploaded)

    assert hook.get_status(job.job_id).outcome is FaxOutcome.PENDING
    assert endpoints(simulator)[before : before + 1] == ["send"]
    hook.delete_document(uploaded.document_id)
    # One that is gone already counts as deleted.
    hook.delete_document(uploaded.document_id)


# Secrets ----------------------------------------------------------------------------------------------


def test_airflow_is_told_every_form_of_the_secret(connect, vendor, key):
    from airflow.providers.common.compat.sdk import redact

    hook = connect(vendor, "https://fax.example", login="me")
    hook.mask_secrets()

    for form in (key, quote(key, safe=""), quote_plus(key)):
        assert redact(f"GET /fax?api_key={form}&x=1") == "GET /fax?api_key=***&x=1"


def test_a_hook_shows_nothing_of_its_connection(connect, vendor, log_watch):
    hook = connect(vendor, "https://fax.example")
    hook.check_configuration()

    shown = [repr(each) for each in (hook, hook.vendor, hook._transport, hook._settings, vars(hook._transport))]

    assert not [text for text in shown if "k+y" in text]


@pytest.mark.parametrize(("key_in", "password"), [("query", "k+y/=&%é"), ("header", "k+y/=&%#")])
def test_a_key_that_must_be_encoded_reaches_the_vendor_as_it_is(connect, raw_server, key_in, password):
    from urllib.parse import parse_qs, urlsplit

    server = raw_server(lambda _, far: far.answer(200, {"status": "success", "balance": "12.50"}))

    assert connect("faxto", server.url, password=password, api_key_in=key_in).get_balance() == Decimal("12.50")

    (request,) = server.requests
    if key_in == "query":
        assert parse_qs(urlsplit(request.target).query)["api_key"] == [password]
        assert "api_key" not in request.headers
    else:
        assert request.headers["api_key"] == password
        assert "?" not in request.target


def test_a_key_that_no_header_can_carry_is_refused(connect):
    with pytest.raises(FaxConfigurationError, match="cannot be sent"):
        connect("faxto", "https://fax.example", api_key_in="header").check_configuration()


@pytest.mark.parametrize("vendor", ["interfax", "extrafax"], indirect=True)
def test_a_password_with_any_sign_reaches_the_vendor_as_it_is(connect, raw_server, vendor):
    import base64

    server = raw_server(lambda _, far: far.answer(200, b"12.50"))

    connect(vendor, server.url, password="p:w+/=&%é", login="me").get_balance()

    scheme, _, token = server.requests[0].headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(token).decode()) == ("Basic", "me:p:w+/=&%é")


@pytest.mark.parametrize("error", [FaxLostContactError("The note was lost."), FaxRefusedError("No.")])
def test_what_is_raised_right_before_the_send_stops_it_and_is_no_uncertain_send(fax_connections, letter, error):
    def stop(_: str | None) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        FaxHook.for_connection("faxto_default").send_fax("+1 202 555 0100", letter, before_send=stop)
    assert caught.value is error
    assert fax_connections.faxes() == []


def test_what_is_asked_right_before_the_send_is_asked_once_and_behind_the_upload(fax_connections, letter):
    seen = []
    FaxHook.for_connection("faxto_default").send_fax(
        "+1 202 555 0100",
        letter,
        before_send=lambda document_id: seen.append((document_id, len(fax_connections.requests()))),
    )
    [(document_id, requests)] = seen
    assert (document_id.isdigit(), requests) == (True, 1)
    assert [request["endpoint"] for request in fax_connections.requests()] == ["upload", "send"]
