"""What holds for every vendor: those of the provider info, and the example of docs/development.md.

Two kinds of test: the vendor alone, with answers made by hand; and its hook, with a whole service at the far side.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vendors import HOOKS, VENDORS

from airflow_provider_faxto.fax.documents import DOCUMENT_TYPES, FaxDocument
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxError,
    FaxInputError,
    FaxLostContactError,
    FaxUncertainSendError,
    FaxUnsupportedError,
)
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.fax.options import SendOptions
from airflow_provider_faxto.fax.outcome import FaxOutcome
from airflow_provider_faxto.fax.status import FaxStatus
from airflow_provider_faxto.hooks.driver import FlowDriver
from airflow_provider_faxto.hooks.fax import FaxHook, Patience
from airflow_provider_faxto.http.stopped_account import LogInGate
from airflow_provider_faxto.http.transport import FaxTransport
from airflow_provider_faxto.simulator.pdf import make_pdf
from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxResponse, FaxVendor, LookUp, RequestKind

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLE = "examplefax"
NUMBER = FaxNumber("+12025550100")
DOCUMENT = FaxDocument.from_bytes(b"%PDF-1.4\n1 0 obj <</Type /Page>> endobj\n%%EOF\n", "pdf")
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
JOB = "700000001"
PASSWORD = "p@ss/word+secret"
SINCE = pendulum.datetime(2026, 11, 1)
NO_JOB_IDS = ["", " ", "abc", "1/../2", "-1", "1?x=2", "٣"]


@pytest.fixture(params=[*HOOKS, EXAMPLE], scope="module")
def hook_class(request, example_distribution):
    if request.param != EXAMPLE:
        return HOOKS[request.param]
    from importlib import import_module

    return import_module("examplefax.hook").ExampleFaxHook


@pytest.fixture(scope="module")
def vendor(hook_class):
    settings = ConnectionSettings(
        conn_id="contract",
        host="https://fax.example",
        login="clerk",
        password=PASSWORD,
        extra={"token_host": "https://login.example"},
    )
    return hook_class.vendor_class.from_settings(settings)


def drive(flow, response, asked=None):
    """Give the same response to every request of a flow, and return its value; ``asked`` gets the requests."""
    asked = [] if asked is None else asked
    try:
        asked.append(next(flow))
        while len(asked) < 60:
            asked.append(flow.send(response))
    except StopIteration as end:
        return end.value
    raise AssertionError("the flow has no end")


def offers(vendor, call):
    return getattr(type(vendor), call) is not getattr(FaxVendor, call)


# What it declares -------------------------------------------------------------------------------------


def test_it_declares_what_it_is(hook_class):
    vendor = hook_class.vendor_class

    assert vendor.name == hook_class.conn_type
    assert vendor.label == hook_class.hook_name
    assert hook_class.default_conn_name == f"{vendor.name}_default"
    assert vendor.document_types <= DOCUMENT_TYPES.keys()
    assert "pdf" in vendor.document_types
    assert isinstance(vendor.look_up, LookUp)


def test_no_two_vendors_have_the_same_name(hook_class):
    others = [each.vendor_class for each in HOOKS.values() if each is not hook_class]

    assert hook_class.vendor_class.label not in {each.label for each in others}
    assert hook_class.vendor_class.name not in {each.name for each in others}


def test_its_secrets_are_named_and_shown_nowhere(vendor):
    assert PASSWORD in vendor.secrets

    for shown in (repr(vendor), vendor.account):
        assert not [secret for secret in vendor.secrets if secret in shown]


def test_two_accounts_are_two(hook_class):
    def account(**changes: Any) -> str:
        fields = {"login": "clerk", "password": PASSWORD, **changes}
        return hook_class.vendor_class.from_settings(
            ConnectionSettings(conn_id="contract", host="https://fax.example", **fields)
        ).account

    assert account() == account()
    # The key is the account at some vendors, the user at others.
    assert account(login="another", password="another") != account()


# What it is given is checked first --------------------------------------------------------------------


@pytest.mark.parametrize("job_id", NO_JOB_IDS)
@pytest.mark.parametrize("call", ["get_status", "get_statuses", "get_listed_statuses", "cancel_fax"])
def test_a_job_id_that_cannot_be_is_refused_before_any_request(vendor, call, job_id):
    if call == "cancel_fax" and not offers(vendor, call):
        pytest.skip(f"{vendor.label} cancels no fax")
    given_ids = job_id if call in ("get_status", "cancel_fax") else [JOB, job_id]

    with pytest.raises(FaxInputError):
        next(getattr(vendor, call)(given_ids))


@pytest.mark.parametrize("job_id", NO_JOB_IDS)
def test_a_job_id_can_be_checked_without_a_request(vendor, job_id):
    vendor.check_job_id(JOB)
    with pytest.raises(FaxInputError):
        vendor.check_job_id(job_id)


def test_what_cannot_be_sent_is_refused_before_any_request(vendor):
    for documents in ([], [DOCUMENT] * (vendor.max_documents + 1)):
        with pytest.raises(FaxInputError):
            next(vendor.send_fax(NUMBER, documents))
    for reference in ("", "x" * 200):
        with pytest.raises(FaxInputError):
            next(vendor.send_fax(NUMBER, [DOCUMENT], reference=reference))


def test_an_option_that_it_does_not_take_is_named_with_the_vendor(vendor):
    [name] = {"resolution", "delete_after_sending"} - vendor.send_options or {"contact"}

    with pytest.raises(FaxUnsupportedError, match=vendor.label) as caught:
        next(vendor.send_fax(NUMBER, [DOCUMENT], options=SendOptions(**{name: "fine"})))

    assert name in str(caught.value)


def test_what_cannot_be_looked_up_is_refused_before_any_request(vendor):
    for reference in ("", "x" * 200):
        with pytest.raises(FaxInputError):
            next(vendor.find_jobs(reference=reference, fax_number=NUMBER))


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("upload_document", {"document": DOCUMENT, "name": "document"}),
        ("cancel_fax", {"job_id": JOB}),
        ("estimate_cost", {"fax_number": NUMBER, "document_id": "1"}),
        ("get_balance", {}),
        ("get_history_page", {}),
        ("delete_document", {"document_id": "1"}),
    ],
)
def test_a_call_that_it_does_not_offer_says_so_and_names_the_vendor(vendor, call, arguments):
    if offers(vendor, call):
        assert next(getattr(vendor, call)(**arguments)).kind is not RequestKind.SEND
        return

    with pytest.raises(FaxUnsupportedError, match=f"^{vendor.label} offers no way to "):
        getattr(vendor, call)(**arguments)


# What it asks -----------------------------------------------------------------------------------------


def first_requests(vendor):
    """Give the first request of each call that reads and is counted."""
    yield next(vendor.get_status(JOB))
    yield next(vendor.get_statuses([JOB]))
    yield next(vendor.get_listed_statuses([JOB]))
    yield next(vendor.find_jobs(reference=KEY, fax_number=NUMBER))
    yield next(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE))
    if offers(vendor, "get_history_page"):
        yield next(vendor.get_history_page())


def test_status_list_and_look_up_read_and_are_counted(vendor):
    for request in first_requests(vendor):
        assert (request.kind, request.method, request.rate_limited) == (RequestKind.READ, "GET", True)
        assert request.base_url is None


def test_a_label_is_asked_for_where_the_vendor_looks_it_up(vendor):
    request = next(vendor.find_jobs(reference=KEY, fax_number=NUMBER))

    is_asked_for = any(KEY in value for _, value in request.query)
    assert is_asked_for == (vendor.look_up is LookUp.LABEL)


def test_credentials_are_added_to_the_request_and_nothing_else_of_it_is_changed(vendor):
    for request in (*first_requests(vendor), next(vendor.send_fax(NUMBER, [DOCUMENT], reference=KEY))):
        auth = vendor.auth_flow(request)
        made = next(auth)
        if made.kind is RequestKind.TOKEN:
            assert not made.rate_limited
            body = {"access_token": "a-token", "expires_in": 3600}
            made = auth.send(FaxResponse(status=200, body=json.dumps(body).encode()))
        fields = ("kind", "method", "path", "base_url", "form", "json", "document", "parts", "rate_limited")
        assert [getattr(made, name) for name in fields] == [getattr(request, name) for name in fields]
        assert set(made.query) >= set(request.query)
        assert made.headers.items() >= request.headers.items()
        assert made != request
        for shown in (repr(request), repr(made), request.action):
            assert not [secret for secret in vendor.secrets if secret in shown]
            assert "2025550100" not in shown
            assert KEY not in shown


# What it reads ----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "status", "message", "faxes", "next", "history", "code", "x"]), inner, max_size=5
        )
    ),
    max_leaves=10,
)
BODIES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())
STATUSES = st.sampled_from([200, 200, 200, 201, 202, 204, 206, 301, 302, 400, 401, 403, 404, 409, 429, 500, 503])
# Words with which one of the vendors says that a fax was delivered.
SUCCESS = ("delivered", "success", "sent", "ok")


@given(status=STATUSES, body=BODIES)
def test_garbage_is_never_a_success(vendor, status, body):
    response = FaxResponse(status=status, body=body)
    read = []
    for flow in (vendor.get_status(JOB), vendor.get_statuses([JOB]), vendor.get_listed_statuses([JOB])):
        try:
            value = drive(flow, response)
        except FaxError:
            continue
        read += value.values() if isinstance(value, dict) else [value]

    for each in read:
        assert each.job_id == JOB
        assert FaxStatus.from_dict(json.loads(json.dumps(each.to_dict()))) == each
        if each.outcome is FaxOutcome.SUCCESS:
            # InterFAX's word for it is 0.
            assert b'"status": 0' in body or any(word in body.decode().lower() for word in SUCCESS)


NO_RECORDS = [
    *((status, b"") for status in (200, 202, 204, 301, 302, 400, 401, 403, 404, 409, 410, 418, 429, 500, 502, 503)),
    *(
        (200, body)
        for body in (b"<html>maintenance</html>", b"null", b"0", b'"x"', b"[", b'{"faxes": [', b"\xff\xfe", b"{")
    ),
    (500, b"[]"),
    (404, b"[]"),
    (302, b"[]"),
    (503, b'{"faxes": [], "next": null}'),
]


@pytest.mark.parametrize(("status", "body"), NO_RECORDS)
def test_records_that_cannot_be_read_prove_nothing(vendor, status, body):
    response = FaxResponse(status=status, body=body)

    with pytest.raises(FaxError):
        drive(vendor.find_jobs(reference=KEY, fax_number=NUMBER), response)
    with pytest.raises(FaxError):
        drive(vendor.find_jobs(reference=KEY, fax_number=NUMBER, since=SINCE), response)


# What gateways, firewalls and proxies answer, which may have passed the request on.
FROM_SOMEBODY_ELSE = [
    b"", b"no", b"<html>blocked</html>", b"{}", b"[]", b"null", b"{", b'{"message": "Forbidden"}',
    b'{"error": "Bad Request", "message": "no"}', b'{"code": 400, "message": "no"}', b'{"code": "BadRequest"}',
    b'{"jsonrpc": "2.0", "error": {"code": -32600}}',
]  # fmt: skip
OWN_REFUSALS = [b'{"status": "failed", "message": "No credit"}', b'{"code": -162}', b'{"error": {"code": "exists"}}']


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 408, 410, 411, 413, 415, 418, 422, 425, 429, 451])
@pytest.mark.parametrize("body", FROM_SOMEBODY_ELSE)
def test_a_send_that_somebody_else_may_have_refused_is_uncertain(vendor, status, body):
    response = FaxResponse(status=status, body=body)
    sent = vendor.send_fax(NUMBER, [DOCUMENT], reference=KEY)
    request = next(sent)
    if request.kind is RequestKind.UPLOAD:
        request = sent.send(FaxResponse(status=200, body=b'{"status": "success", "document_id": 300}'))
    assert request.kind is RequestKind.SEND

    with pytest.raises(FaxLostContactError):
        sent.send(response)


@pytest.mark.parametrize("body", [*FROM_SOMEBODY_ELSE, *OWN_REFUSALS])
def test_a_send_that_conflicts_with_what_is_there_is_uncertain(vendor, body):
    sent = vendor.send_fax(NUMBER, [DOCUMENT], reference=KEY)
    if next(sent).kind is RequestKind.UPLOAD:
        sent.send(FaxResponse(status=200, body=b'{"status": "success", "document_id": 300}'))

    with pytest.raises(FaxLostContactError):
        sent.send(FaxResponse(status=409, body=body))


@given(status=STATUSES, body=BODIES)
def test_any_answer_to_a_send_is_a_job_or_an_error(vendor, status, body):
    asked = []
    try:
        job = drive(vendor.send_fax(NUMBER, [DOCUMENT], reference=KEY), FaxResponse(status=status, body=body), asked)
    except FaxError:
        job = None

    assert RequestKind.SEND not in [request.kind for request in asked[:-1]]
    if job is not None:
        assert (job.vendor, asked[-1].kind) == (vendor.name, RequestKind.SEND)
        assert job.job_id


def test_credentials_that_are_refused_are_an_error_of_their_own(vendor):
    calls = [
        vendor.get_status(JOB),
        vendor.get_statuses([JOB]),
        vendor.find_jobs(reference=KEY, fax_number=NUMBER),
        vendor.send_fax(NUMBER, [DOCUMENT], reference=KEY),
        vendor.check_connection(),
    ]
    for flow in calls:
        with pytest.raises(FaxAuthenticationError):
            drive(flow, FaxResponse(status=401))


@pytest.mark.parametrize("kind", [RequestKind.SEND, RequestKind.UPLOAD, RequestKind.CHANGE])
def test_a_refused_request_that_does_not_read_is_not_made_again(vendor, kind):
    from dataclasses import replace

    request = replace(next(vendor.get_status(JOB)), kind=kind, rate_limited=False)
    auth = vendor.auth_flow(request)
    made = [next(auth)]
    token = FaxResponse(status=200, body=b'{"access_token": "another-token", "expires_in": 3600}')
    while made[-1].kind is RequestKind.TOKEN:
        made.append(auth.send(token))

    with pytest.raises(StopIteration):
        auth.send(FaxResponse(status=401))


# With a service at the far side -----------------------------------------------------------------------


@pytest.fixture(params=[*VENDORS, EXAMPLE])
def far_side(request):
    """Give a vendor's hook that leads to a service; its read is tried once."""
    if request.param == EXAMPLE:
        service = request.getfixturevalue("example_service")
        service.word = "delivered"
        yield request.getfixturevalue("example_hook"), lambda: None
        return
    simulator = request.getfixturevalue("fax_connections")
    simulator.set_speed(0)
    simulator.configure(interfax_status_limit=None)
    hook = FaxHook.for_connection(f"{request.param}_default", patience=Patience(read_attempts=1))
    yield hook, simulator.finish
    hook.close()


@pytest.fixture
def made(monkeypatch) -> list[Any]:
    """Record every request that is made."""
    requests = Recorded()
    exchange = FaxTransport.exchange

    def record(transport: FaxTransport, request: Any) -> Any:
        requests.append(request)
        response = exchange(transport, request)
        requests.after(request)
        return response

    monkeypatch.setattr(FaxTransport, "exchange", record)
    return requests


class Recorded(list):
    """The requests, and what happens after each."""

    after: Callable[[Any], None] = staticmethod(lambda request: None)

    @property
    def kinds(self) -> list[RequestKind]:
        return [request.kind for request in self if request.kind is not RequestKind.TOKEN]


def large(tmp_path):
    path = tmp_path / "large.pdf"
    path.write_bytes(make_pdf(size=2_500_000))
    return str(path)


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_fax_is_sent_by_one_request_which_is_the_last(far_side, made, letter, tmp_path, size):
    hook, _ = far_side

    hook.send_fax(NUMBER, letter if size == "small" else large(tmp_path), reference=KEY)

    assert made.kinds.count(RequestKind.SEND) == 1
    assert made.kinds[-1] is RequestKind.SEND
    assert set(made.kinds[:-1]) <= {RequestKind.UPLOAD}


def test_a_fax_is_found_by_its_key_and_its_status_can_be_stored(far_side, made, letter):
    hook, finish = far_side
    assert hook.find_jobs(reference=KEY, fax_number=NUMBER) == []
    job_id = hook.send_fax(NUMBER, letter, reference=KEY).job_id
    finish()

    told = [
        hook.get_status(job_id),
        hook.get_statuses([job_id])[job_id],
        *hook.find_jobs(reference=KEY, fax_number=NUMBER),
        *hook.find_jobs(reference=KEY, fax_number=NUMBER, since=pendulum.now("UTC").subtract(days=2)),
    ]

    assert len(told) == 4
    for status in told:
        assert (status.vendor, status.job_id, status.outcome) == (hook.conn_type, job_id, FaxOutcome.SUCCESS)
        assert FaxStatus.from_dict(json.loads(json.dumps(status.to_dict()))) == status
    assert told[2].reference == told[3].reference == KEY
    assert all(request.rate_limited for request in made if request.kind is RequestKind.READ)


CORRECTED = f"{KEY[:-1]}0"
OF_ANOTHER = KEY.replace("-0123", "-fedc", 1)


def test_a_fax_that_was_corrected_is_found_and_no_other_one(far_side, letter):
    hook, _ = far_side
    hook.send_fax(NUMBER, letter, reference=OF_ANOTHER)
    first = hook.send_fax("+12025550199", letter, reference=CORRECTED)
    second = hook.send_fax(NUMBER, letter, reference=KEY)

    found = hook.find_jobs(reference=KEY, fax_number=NUMBER, since=pendulum.now("UTC").subtract(days=1))

    assert [(status.job_id, status.reference) for status in found] == [
        (second.job_id, KEY),
        (first.job_id, CORRECTED),
    ]


def test_one_reading_of_the_records_serves_many_look_ups(far_side, made, letter, transport):
    hook, _ = far_side
    driver = FlowDriver(
        vendor=hook.vendor,
        transport=transport(hook.get_connection(hook.fax_conn_id).host),
        rate_limit=hook.rate_limit,
        patience=hook.patience,
        on_token=lambda: None,
        log_in=LogInGate("account", "credentials", conn_id=hook.fax_conn_id, label=hook.vendor.label),
        on_stopped=lambda _: None,
    )
    jobs = {key: hook.send_fax(NUMBER, letter, reference=key).job_id for key in (KEY, OF_ANOTHER)}

    records = driver.read(hook.vendor.read_records)
    before = len(made)
    assert json.loads(json.dumps(records)) == records
    if records is None:
        return

    for key, job_id in jobs.items():
        found = driver.read(lambda key=key: hook.vendor.find_jobs(reference=key, fax_number=NUMBER, records=records))
        assert [status.job_id for status in found] == [job_id]
    # Fax.to tells how a fax has ended in an answer of its own.
    assert all("history" not in request.path and "search" not in request.path for request in made[before:])


def test_the_document_that_a_send_sends_is_told_before(far_side, letter):
    hook, _ = far_side
    told = []

    job = hook.send_fax(NUMBER, letter, reference=KEY, before_send=told.append)

    assert told == [job.document_id]


def test_a_send_whose_answer_is_lost_is_uncertain_made_once_and_found(far_side, made, letter):
    hook, _ = far_side

    def lose(request):
        if request.kind is RequestKind.SEND:
            raise FaxLostContactError("The answer was lost.")

    made.after = lose
    with pytest.raises(FaxUncertainSendError, match=hook.vendor.label):
        hook.send_fax(NUMBER, letter, reference=KEY)

    assert made.kinds.count(RequestKind.SEND) == 1
    assert len(hook.find_jobs(reference=KEY, fax_number=NUMBER)) == 1


def test_nothing_that_is_made_shows_a_secret_the_number_or_the_key(far_side, made, letter, log_of_requests):
    hook, _ = far_side
    hook.send_fax(NUMBER, letter, reference=KEY)
    hook.find_jobs(reference=KEY, fax_number=NUMBER)

    shown = "\n".join([*map(repr, made), *(request.action for request in made), *log_of_requests()])
    for private in (*hook.vendor.secrets, NUMBER.digits, KEY):
        assert private not in shown


@pytest.fixture
def log_of_requests(caplog):
    caplog.set_level("DEBUG")
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith("urllib3")]


def test_the_connection_can_be_tested(far_side):
    hook, _ = far_side

    worked, sentence = hook.test_connection()

    assert worked
    assert hook.vendor.label in sentence


def test_the_history_has_an_end_and_tells_each_fax_once(far_side, letter):
    hook, _ = far_side
    if not offers(hook.vendor, "get_history_page"):
        pytest.skip(f"{hook.vendor.label} has no history")
    jobs = [hook.send_fax(NUMBER, letter).job_id for _ in range(5)]

    told = [status.job_id for status in itertools.islice(hook.iter_history(page_size=2), 20)]

    assert sorted(told) == sorted(jobs)
