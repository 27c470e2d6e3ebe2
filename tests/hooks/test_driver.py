"""The driver: a request is authorised on its own host alone, and made again only if it reads."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import replace

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_faxto.fax.documents import FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxAccountStoppedError,
    FaxAuthenticationError,
    FaxConfigurationError,
    FaxLostContactError,
    FaxNotConnectedError,
    FaxRateLimitError,
    FaxUncertainSendError,
)
from airflow_provider_faxto.hooks.driver import FlowDriver
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.hooks.patience import POLLING, Patience
from airflow_provider_faxto.http.account_state import AccountState
from airflow_provider_faxto.http.rate_limit import RateLimit
from airflow_provider_faxto.http.stopped_account import LogInGate
from airflow_provider_faxto.vendors.base import FaxRequest, RequestKind
from airflow_provider_faxto.waiting.waiter import FaxWaiter

NUMBER = "+12025550100"
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
SECRET = "a-secret-of-the-account"


def request_of(kind=RequestKind.READ, **fields):
    return FaxRequest(**{"action": "do a thing", "kind": kind, "method": "POST", "path": "/thing", **fields})


def flow_of(*requests):
    """A call that makes these requests and returns their statuses."""
    statuses = []
    for request in requests:
        response = yield request
        statuses.append(response.status)
        if response.status >= 500:
            raise FaxLostContactError(f"Could not {request.action}.")
    return statuses


class Account:
    """A vendor as far as the driver needs it, whose authorisation is given."""

    name = "vendor"
    label = "The vendor"

    def __init__(self, auth_flow, *, has_tokens=False):
        self.auth_flow = auth_flow
        self.has_tokens = has_tokens


def with_key(request):
    yield replace(request, headers={"Authorization": SECRET})


def gate_of(server):
    return LogInGate(f"driver {server.url}", SECRET, conn_id="clinic", label="The vendor")


def credentials_taken(server):
    """Tell of how many credentials the machine knows that the vendor takes them."""
    account = f"driver {server.url}"
    return len(AccountState(hashlib.sha256(account.encode()).hexdigest()).read().logged_in)


@pytest.fixture
def driver(raw_server, transport):
    """Make a driver that calls a server: ``driver(behave, auth_flow)``."""

    def make(behave=lambda _, far: far.answer(), auth_flow=with_key, *, figure=600, **options):
        server = raw_server(behave)
        made = FlowDriver(
            vendor=Account(auth_flow, has_tokens=options.pop("has_tokens", False)),
            transport=transport(server.url),
            rate_limit=RateLimit(f"driver {server.url}", figure, label="The vendor"),
            patience=options.pop("patience", POLLING),
            on_token=options.pop("on_token", lambda: None),
            log_in=gate_of(server),
            on_stopped=options.pop("on_stopped", lambda _: None),
        )
        return made, server

    return make


# Turns ------------------------------------------------------------------------------------------------


def ask_for(many):
    """A call of many requests that keeps what it has where one has no turn, and returns how many were made."""
    for number in range(many):
        try:
            yield request_of(rate_limited=True)
        except FaxRateLimitError:
            return number
    return many


def test_a_read_that_would_lose_what_it_has_waits_for_each_turn(driver, bare_time):
    made, _ = driver(figure=2, patience=Patience(max_wait=70.0))

    assert made.read(lambda: ask_for(8)) == 8
    assert bare_time.slept > 120


def test_a_read_in_parts_waits_for_all_turns_together_no_longer_than_for_one(driver, bare_time):
    made, server = driver(figure=2, patience=Patience(max_wait=70.0))

    assert made.read(lambda: ask_for(8), in_parts=True) == 4

    assert (bare_time.slept <= 70, len(server.requests)) == (True, 4)


# Authorisation ----------------------------------------------------------------------------------------


def test_the_accounts_credentials_go_to_the_accounts_host_alone(driver, raw_server):
    elsewhere = raw_server(lambda _, far: far.answer(201))
    made, server = driver()

    there = request_of(RequestKind.UPLOAD, base_url=elsewhere.url, method="PUT", path="/bucket")
    assert made.run(flow_of(request_of(), there, request_of())) == [200, 201, 200]

    assert [request.headers["authorization"] for request in server.requests] == [SECRET] * 2
    (seen,) = elsewhere.requests
    assert SECRET.encode() not in seen.raw


def asks_again(request):
    response = yield replace(request, headers={"Authorization": "stale"})
    while response.status == 401:
        response = yield replace(request, headers={"Authorization": SECRET})


def refuse_stale(request, far):
    return far.answer(401 if request.headers["authorization"] == "stale" else 200)


def test_a_request_that_reads_may_be_made_again_with_other_credentials(driver):
    made, server = driver(refuse_stale, asks_again)

    assert made.run(flow_of(request_of())) == [200]
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", [RequestKind.SEND, RequestKind.UPLOAD, RequestKind.CHANGE])
def test_any_other_request_is_made_once_whatever_the_vendor_yields(driver, kind):
    made, server = driver(refuse_stale, asks_again)

    assert made.run(flow_of(request_of(kind))) == [401]
    assert len(server.requests) == 1


@pytest.mark.parametrize("yields_token", [False, True])
def test_an_authorisation_that_leaves_the_request_out_is_a_mistake_of_the_vendor(driver, yields_token):
    def forgets(request):
        if yields_token:
            yield request_of(RequestKind.TOKEN)

    made, server = driver(auth_flow=forgets)

    with pytest.raises(TypeError, match=r"Account.auth_flow\(\) ended without the request"):
        made.run(flow_of(request_of(RequestKind.SEND)))
    assert len(server.requests) == yields_token


@pytest.mark.parametrize(
    "change",
    [
        {"kind": RequestKind.SEND},
        {"method": "DELETE"},
        {"path": "/another"},
        {"base_url": "https://evil.example"},
        {"base_url": "http://evil.example"},
        {"rate_limited": False},
    ],
)
def test_an_authorisation_that_yields_another_request_is_a_mistake_and_that_one_is_not_made(driver, change):
    made, server = driver(auth_flow=lambda request: (yield replace(request, **change)))

    with pytest.raises(TypeError, match=r"Account.auth_flow\(\) yields another request than the one to do a thing"):
        made.run(flow_of(request_of()))
    assert server.requests == []


def test_credentials_are_not_asked_for_in_the_clear(driver):
    def logs_in(request):
        yield request_of(RequestKind.TOKEN, base_url="http://evil.example", form=[("client_secret", SECRET)])
        yield request

    made, server = driver(auth_flow=logs_in)

    with pytest.raises(FaxConfigurationError, match="not a base URL with https://") as caught:
        made.run(flow_of(request_of(RequestKind.SEND)))
    assert SECRET not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("kind", [RequestKind.READ, RequestKind.TOKEN])
def test_an_authorisation_without_an_end_is_a_mistake_of_the_vendor(driver, kind):
    def for_ever(request):
        while True:
            yield replace(request, kind=kind)

    made, server = driver(auth_flow=for_ever)

    with pytest.raises(TypeError, match=r"Account.auth_flow\(\) does not come to an end"):
        made.run(flow_of(request_of()))
    assert len(server.requests) == 10


def test_an_authorisation_that_is_not_a_generator_is_a_mistake_of_the_vendor(driver):
    made, server = driver(auth_flow=lambda request: None)

    with pytest.raises(TypeError, match=r"Account.auth_flow\(\) must be a generator"):
        made.run(flow_of(request_of()))
    assert server.requests == []


def test_a_token_that_is_fetched_after_a_refusal_need_not_be_tried(driver):
    def fetches_for_the_next_one(request):
        yield request
        yield request_of(RequestKind.TOKEN, path="/token")

    made, server = driver(lambda _, far: far.answer(401), fetches_for_the_next_one)

    assert made.run(flow_of(request_of())) == [401]
    assert [request.path for request in server.requests] == ["/thing", "/token"]


def fetches(request):
    response = yield request_of(RequestKind.TOKEN, path="/token")
    if response.status != 200:
        raise FaxLostContactError("Could not log in.")
    yield replace(request, headers={"Authorization": SECRET})


@pytest.mark.parametrize("fault", ["status", "reset"])
def test_a_send_for_which_no_token_can_be_fetched_is_certain_and_is_not_announced(driver, fault):
    announced = []
    made, server = driver(lambda _, far: far.answer(503) if fault == "status" else far.reset(), fetches)

    with pytest.raises(FaxLostContactError) as caught:
        made.run(flow_of(request_of(RequestKind.SEND, path="/fax")), announced.append)

    assert not isinstance(caught.value, FaxUncertainSendError)
    assert announced == []
    assert [request.path for request in server.requests] == ["/token"]


def test_a_send_is_announced_after_the_token_and_before_the_request(driver):
    announced = []
    made, server = driver(auth_flow=fetches)

    made.run(
        flow_of(request_of(RequestKind.UPLOAD), request_of(RequestKind.SEND)),
        lambda _: announced.extend(request.path for request in server.requests),
    )

    assert announced == ["/token", "/thing", "/token"]


@pytest.mark.parametrize("document_id", ["300", None])
def test_a_send_is_announced_with_the_id_of_the_document_that_it_sends(driver, document_id):
    announced = []
    made, _ = driver()

    made.run(flow_of(request_of(RequestKind.SEND, document_id=document_id)), announced.append)

    assert announced == [document_id]


def test_a_send_after_which_contact_is_lost_is_uncertain(driver):
    made, server = driver(lambda request, far: far.answer(503 if request.path == "/fax" else 200), fetches)

    with pytest.raises(FaxUncertainSendError, match="may or may not be on its way"):
        made.run(flow_of(request_of(RequestKind.SEND, path="/fax")))
    assert [request.path for request in server.requests] == ["/token", "/fax"]


@pytest.mark.parametrize("kind", RequestKind)
def test_nothing_is_requested_after_what_sends(driver, kind):
    made, server = driver()

    with pytest.raises(FaxUncertainSendError, match="nothing is requested after what sends a fax"):
        made.run(flow_of(request_of(RequestKind.SEND, path="/fax"), request_of(kind)))
    assert [request.path for request in server.requests] == ["/fax"]


@pytest.mark.parametrize("kind", [RequestKind.SEND, RequestKind.UPLOAD, RequestKind.CHANGE])
def test_a_call_that_may_be_made_again_only_reads(driver, kind):
    made, server = driver()

    with pytest.raises(TypeError, match=f"Account asks for a request of kind {kind} to do a thing"):
        made.read(lambda: flow_of(request_of(), request_of(kind)))
    assert [request.path for request in server.requests] == ["/thing"]


# The account's minute ---------------------------------------------------------------------------------


def test_a_request_that_reads_is_counted_unless_it_says_otherwise(driver):
    made, server = driver(auth_flow=fetches, figure=2)

    uncounted = [request_of(rate_limited=False), *map(request_of, (RequestKind.CHANGE, RequestKind.UPLOAD))]
    assert made.run(flow_of(request_of(), *uncounted, request_of(), *uncounted)) == [200] * 8

    before = len(server.requests)
    with pytest.raises(FaxRateLimitError):
        made.run(flow_of(request_of()))
    # The token was fetched, and the request was not made.
    assert [request.path for request in server.requests[before:]] == ["/token"]


def test_a_send_that_waits_for_its_turn_is_not_announced(driver):
    announced = []
    made, _ = driver(figure=1)
    made.run(flow_of(request_of()))

    with pytest.raises(FaxRateLimitError):
        made.run(flow_of(request_of(RequestKind.SEND, rate_limited=True)), announced.append)

    assert announced == []


# Refused credentials ----------------------------------------------------------------------------------


def refusing_flow(request, *more):
    """A call whose client takes a 401 for what it is."""
    response = yield request
    if response.status == 401:
        raise FaxAuthenticationError("refused", http_status=401)
    for other in more:
        response = yield other
        if response.status == 401:
            raise FaxAuthenticationError("refused", http_status=401)
    return response.status


ALL_KINDS = [RequestKind.READ, RequestKind.SEND, RequestKind.UPLOAD, RequestKind.CHANGE]


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_a_refusal_stops_the_account_and_sounds_one_alarm(driver, kind):
    stops = []
    made, server = driver(lambda _, far: far.answer(401), on_stopped=stops.append)

    with pytest.raises(FaxAccountStoppedError, match=r"^refused No task of this machine asks") as caught:
        made.run(refusing_flow(request_of(kind)))
    assert caught.value.was_asked
    for again in ALL_KINDS:
        with pytest.raises(FaxAccountStoppedError, match="has not asked") as caught:
            made.run(refusing_flow(request_of(again)), lambda _: pytest.fail("nothing is sent"))
        assert not caught.value.was_asked

    assert len(server.requests) == 1
    assert [stop.http_status for stop in stops] == [401]


def test_a_read_is_not_repeated_when_it_is_refused(driver):
    made, server = driver(lambda _, far: far.answer(401))

    with pytest.raises(FaxAccountStoppedError):
        made.read(lambda: refusing_flow(request_of()))

    assert len(server.requests) == 1


def test_a_stop_that_begins_in_the_middle_of_a_call_ends_it_before_it_sends(driver):
    made, server = driver(lambda _, far: far.answer(200))

    def uploads_then_sends():
        yield request_of(RequestKind.UPLOAD)
        # Meanwhile, at another task.
        gate_of(server).note_refusal(FaxAuthenticationError("refused"))
        yield request_of(RequestKind.SEND)

    with pytest.raises(FaxAccountStoppedError):
        made.run(uploads_then_sends(), lambda _: pytest.fail("nothing is sent"))

    assert len(server.requests) == 1


def test_a_request_to_another_host_needs_no_credentials_and_begins_no_stop(driver, raw_server):
    stops = []
    elsewhere = raw_server(lambda _, far: far.answer(401))
    made, server = driver(on_stopped=stops.append)
    there = request_of(RequestKind.UPLOAD, base_url=elsewhere.url)

    with pytest.raises(FaxAuthenticationError) as caught:
        made.run(refusing_flow(request_of(), there))

    assert not isinstance(caught.value, FaxAccountStoppedError)
    assert made.run(flow_of(request_of())) == [200]
    assert (len(server.requests), stops) == (2, [])


def test_a_test_of_the_connection_asks_although_the_account_is_stopped_and_ends_the_stop(driver):
    answers = [401, 401, 200, 200]
    stops = []
    made, server = driver(lambda _, far: far.answer(answers[len(server.requests) - 1]), on_stopped=stops.append)
    with pytest.raises(FaxAccountStoppedError):
        made.run(refusing_flow(request_of()))

    with pytest.raises(FaxAuthenticationError, match=r"^refused$"):
        made.run_test(refusing_flow(request_of()))
    with pytest.raises(FaxAccountStoppedError):
        made.run(refusing_flow(request_of()))
    assert made.run_test(refusing_flow(request_of())) == 200
    assert made.run(refusing_flow(request_of())) == 200

    assert (len(server.requests), len(stops)) == (4, 1)


@pytest.mark.parametrize("behave", [lambda _, far: far.answer(503), lambda _, far: far.answer(404)])
def test_only_an_answer_that_is_understood_shows_that_the_credentials_are_right(driver, behave):
    made, server = driver(behave)

    with contextlib.suppress(FaxLostContactError):
        made.run(flow_of(request_of()))

    assert credentials_taken(server) == 0


def test_credentials_that_are_taken_are_noted_before_the_call_ends(driver):
    made, server = driver()

    seen = []

    made.run(
        flow_of(request_of(RequestKind.UPLOAD), request_of(RequestKind.SEND)),
        lambda _: seen.append(credentials_taken(server)),
    )

    assert seen == [1]


# What cannot pass is not tried again ------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_a_host_that_can_be_none_is_called_once(connect, vendor, pauses):
    with pytest.raises(FaxNotConnectedError):
        connect(vendor, "https://fax..example", attempts=4).get_status("700000001")

    assert pauses == []


def test_an_answer_that_is_too_large_is_read_once(connect, raw_server, pauses):
    server = raw_server(lambda _, far: far.answer(200, bytes(33 * 1024 * 1024)))

    with pytest.raises(FaxLostContactError, match="larger than 32 MiB"):
        connect("interfax", server.url, attempts=4).get_balance()

    assert len(server.requests) == 1
    assert pauses == []


# What is wrong on this machine ------------------------------------------------------------------------


@pytest.fixture
def without_certificates(monkeypatch, tmp_path):
    """Certificates of authorities that are missing, perhaps for a moment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    return "https://127.0.0.1:1"


CALLS = {
    "status": lambda hook: hook.get_status("700000001"),
    "balance": lambda hook: hook.get_balance(),
    "send": lambda hook: hook.send_fax("+12025550100", FaxDocument.from_bytes(b"%PDF-1.4", "pdf")),
    "check": lambda hook: hook.check_configuration(),
}


@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_certificates_that_are_missing_are_a_wrong_set_up(connect, without_certificates, pauses, vendor, call):
    with pytest.raises(FaxConfigurationError, match="REQUESTS_CA_BUNDLE"):
        call(connect(vendor, without_certificates, attempts=4))

    assert pauses == []


@pytest.mark.parametrize("vendor", ["faxto", "interfax"])
def test_certificates_that_are_missing_for_a_moment_do_not_end_a_wait(connect, without_certificates, vendor):
    hook = connect(vendor, without_certificates)
    hook.patience = POLLING

    with pytest.raises(FaxNotConnectedError, match="REQUESTS_CA_BUNDLE"):
        hook.get_status("700000001")
    assert FaxWaiter(hook, "700000001", poll_interval=60).poll() is None
    # What does more than read is no wait.
    with pytest.raises(FaxConfigurationError):
        CALLS["send"](hook)


# A token of an hour: the vendor of docs/development.md ------------------------------------------------


def tokens_used(server):
    return [request.headers["authorization"].removeprefix("Bearer ") for request in server.requests]


def test_a_token_is_fetched_once_and_serves_every_hook_of_the_account(example_hook, example_servers, example_service):
    api, login = example_servers

    example_hook.find_jobs(reference=KEY, fax_number=NUMBER)
    again = FaxHook.for_connection("examplefax_default")
    again.find_jobs(reference=KEY, fax_number=NUMBER)
    again.close()

    assert [request.path for request in login.requests] == ["/oauth/token"]
    assert tokens_used(api) == example_service.tokens * 2


def test_a_token_is_fetched_anew_before_its_time_is_over(example_hook, example_service, monkeypatch):
    from airflow_provider_faxto import clock

    monotonic = clock.monotonic
    passed = [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: monotonic() + passed[0])

    for seconds in (0, 3000, 3590, 4000):
        passed[0] = float(seconds)
        example_hook.find_jobs(reference=KEY, fax_number=NUMBER)

    assert len(example_service.tokens) == 2


def test_a_read_fetches_another_token_once_where_one_is_refused(example_hook, example_servers, example_service):
    api, _ = example_servers
    example_hook.find_jobs(reference=KEY, fax_number=NUMBER)
    example_service.refused = {"token-1-of-the-example"}

    assert example_hook.find_jobs(reference=KEY, fax_number=NUMBER) == []
    assert len(api.requests) == 3

    example_service.refused = {f"token-{number}-of-the-example" for number in range(9)}
    with pytest.raises(FaxAuthenticationError):
        example_hook.find_jobs(reference=KEY, fax_number=NUMBER)
    assert len(api.requests) == 5


def test_a_send_whose_token_is_refused_is_made_once_and_the_next_one_has_another(
    example_hook, example_servers, example_service, letter
):
    api, _ = example_servers
    example_hook.find_jobs(reference=KEY, fax_number=NUMBER)
    example_service.refused = {"token-1-of-the-example"}

    with pytest.raises(FaxAuthenticationError):
        example_hook.send_fax(NUMBER, letter)
    assert [request.method for request in api.requests].count("POST") == 1

    assert example_hook.send_fax(NUMBER, letter).job_id
    assert len(example_service.faxes) == 1


def test_credentials_that_fetch_no_other_token_stop_the_account_in_the_middle_of_a_call_too(driver):
    fetched = []

    def fetches_once_again_for_a_send(request):
        if request.kind is RequestKind.SEND:
            response = yield request_of(RequestKind.TOKEN, path="/token")
            fetched.append(response.status)
            raise FaxAuthenticationError("the client is refused", http_status=401)
        yield request

    def refuse_the_client(request, far):
        return far.answer(401 if request.path == "/token" else 200)

    made, _ = driver(refuse_the_client, fetches_once_again_for_a_send, has_tokens=True)

    with pytest.raises(FaxAccountStoppedError):
        made.run(flow_of(request_of(RequestKind.UPLOAD), request_of(RequestKind.SEND)))
    assert fetched == [401]


def test_a_token_is_masked_when_it_comes(example_hook, example_service):
    example_hook.mask_secrets()
    example_hook.find_jobs(reference=KEY, fax_number=NUMBER)
    (token,) = example_service.tokens

    assert token in example_hook.vendor.secrets
    assert redact(f"Authorization: Bearer {token}") == "Authorization: Bearer ***"


def test_the_client_is_named_to_the_host_of_the_tokens_alone(example_hook, example_servers, letter):
    api, login = example_servers
    example_hook.send_fax(NUMBER, letter, reference=KEY)

    (asked,) = login.requests
    assert b"client_secret=s3cret%2F%2B%26%3D%25" in asked.body
    assert "authorization" not in asked.headers
    assert all(b"s3cret" not in request.raw for request in api.requests)


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_login_that_is_refused_is_tried_once(example_servers, example_service, monkeypatch, attempts, pauses):
    import json
    import os

    described = json.loads(os.environ["AIRFLOW_CONN_EXAMPLEFAX_DEFAULT"])
    described["password"] = "wrong"
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLEFAX_DEFAULT", json.dumps(described))
    api, login = example_servers
    hook = FaxHook.for_connection("examplefax_default", patience=Patience(read_attempts=attempts))

    with pytest.raises(FaxAuthenticationError):
        hook.find_jobs(reference=KEY, fax_number=NUMBER)

    assert (len(login.requests), len(api.requests), pauses) == (1, 0, [])
    hook.close()
