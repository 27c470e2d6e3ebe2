"""Whatever JSON a vendor sends: what is made of it goes through Airflow and into PostgreSQL, and tells no number."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.base import TriggerEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_faxto.fax import FaxStatus
from airflow_provider_faxto.fax.errors import FaxError
from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.vendors.base import ConnectionSettings, FaxResponse, HistoryPage
from airflow_provider_faxto.vendors.extrafax import ExtraFaxVendor
from airflow_provider_faxto.vendors.faxto import FaxToVendor
from airflow_provider_faxto.vendors.interfax import InterFaxVendor

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_faxto.vendors.base import FaxVendor

NUMBER = FaxNumber("+442079460958")
NAME = "Erika Mustermann"
KEY = "airflow-0123456789abcdef01234567-0123456789abcdef"
JOB = "667915751"
SETTINGS = ConnectionSettings(
    conn_id="any", host=None, login="clerk", password="p@ss-w0rd+1", extra={"default_region": "GB"}
)
VENDORS = [kind.from_settings(SETTINGS) for kind in (FaxToVendor, InterFaxVendor, ExtraFaxVendor)]
CALLS: dict[str, Callable[[FaxVendor], Any]] = {
    "status": lambda vendor: vendor.get_status(JOB),
    "statuses": lambda vendor: vendor.get_statuses([JOB, "2"]),
    "listed": lambda vendor: vendor.get_listed_statuses([JOB, "2"]),
    "history": lambda vendor: vendor.get_history_page(),
    "find": lambda vendor: vendor.find_jobs(reference=KEY, fax_number=NUMBER),
    "cancel": lambda vendor: vendor.cancel_fax(JOB),
}
# Above what a status may take up; Airflow keeps it in a row of its database.
LONGEST = 1500

# Every form in which the number is sought afterwards has these digits in this order.
NUMBERS = [
    "+442079460958", 442079460958, "442079460958", 442079460958.0, "+44 20 7946 0958", "020 7946-0958",
    "4.42079460958e11", "%2B44%2020%207946%200958", "&#43;44&#50;0 7946 0958",
    "".join(chr(0xFF10 + int(digit)) for digit in "442079460958"),
    "44\u202e2079460958", "44\x0020\x1f7946\x7f0958", "4420\u20077946\u20070958", f"{NAME} +44 (20) 7946/0958",
    f"{KEY} 442079460958", "Fax to 442079460958 Sent! Fax Has Been Answered.",
]  # fmt: skip
ODD_TEXTS = [
    "\ud800", "\udc00\ud800", "a\0b", "\x1b[31mred", "\x85\x9b", "\u202eevil\u202c", "\u2066x\u2069", "\u200b\ufeff",
    "\U000e0041", "x" * 20_000, "\ud800" * 3000, "\u0301" * 3000, "%00%ED%A0%80", "&#0;&#xD800;", "\\u0000\\ud800",
]  # fmt: skip
ODD_NUMBERS = [
    10**25, -(10**25), 10**400, 2**63, -(2**63) - 1, 2**64, float("nan"), float("inf"), -float("inf"), 1e308, -0.0,
]  # fmt: skip
FITTING = [
    JOB, int(JOB), "2", 0, "0", -2, -22, 6017, 3.85, "success", "failed", "executed", KEY, f"{KEY}.pdf", "pending",
    "Sent! Fax Has Been Answered.", "Fax Failed - Line Busy", "2025-03-01T12:31:38", "9999-12-31T23:59:59+00:00",
]  # fmt: skip
FIELDS = [
    "id", "status", "message", "user_cash_balance", "history", "recipient", "document", "document_id", "created",
    "pagesSent", "pagesSubmitted", "completionTime", "submitTime", "units", "costPerUnit", "attemptsMade", "subject",
    "reference", "destinationFax", "faxNumber", "code", "moreInfo",
]  # fmt: skip
RECORD = {
    "id": int(JOB), "status": 0, "pagesSent": 2, "pagesSubmitted": 2, "units": 2.0, "costPerUnit": 0.15,
    "subject": KEY, "destinationFax": "00442079460958", "submitTime": "2025-03-01T12:31:40",
}  # fmt: skip
ROW = {"id": int(JOB), "status": "failed", "created": "2025-03-01 12:31:40", "document": f"{KEY}.pdf"}
ANSWER = {"status": "success", "message": "Sent! Fax Has Been Answered.", "user_cash_balance": 12.5}

texts = st.text(max_size=30)
listed = st.sampled_from([*NUMBERS, *ODD_TEXTS, *ODD_NUMBERS, *FITTING])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | listed
anything = st.recursive(
    scalars,
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | texts, children, max_size=5)
    ),
    max_leaves=8,
)
changes = st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5)
changed = st.builds(lambda plain, new: {**plain, **new}, st.sampled_from([RECORD, ROW, ANSWER]), changes)
lists = st.lists(changed | anything, max_size=3)
contents = anything | changed | lists | lists.map(lambda rows: {"status": "success", "history": rows})
deep = st.sampled_from([b"[" * 10_000, b'{"message":' * 500 + b"1" + b"}" * 500, b"[" * 300 + b"]" * 300])
bodies = contents.map(lambda content: json.dumps(content).encode()) | deep
responses = st.builds(FaxResponse, status=st.sampled_from([200] * 6 + [400, 404, 409, 500]), body=bodies)


@pytest.fixture(scope="session")
def through_airflow() -> Callable[[dict[str, Any]], Any]:
    """Give a function that hands an event's payload on as Airflow does, from the trigger to the resumed task."""
    try:
        from airflow.jobs.triggerer_job_runner import TriggerEventEntry, messages
        from airflow.sdk.execution_time.comms import _RequestFrame
        from airflow.sdk.serde import deserialize, serialize
    except ImportError:  # Airflow 2.11
        from airflow.serialization.serialized_objects import BaseSerialization

        return lambda payload: BaseSerialization.deserialize(
            json.loads(json.dumps(BaseSerialization.serialize(payload), allow_nan=False))
        )
    import msgspec

    def hand_on(payload: dict[str, Any]) -> Any:
        entry = TriggerEventEntry(trigger_id=1, event=TriggerEvent(payload), persist_seq=None)
        frame = _RequestFrame(id=0, body=messages.TriggerStateChanges(events=[entry]).model_dump()).as_bytes()
        received = msgspec.msgpack.Decoder(_RequestFrame).decode(memoryview(frame)[4:]).body
        [read] = messages.TriggerStateChanges.model_validate(received).events
        return deserialize(json.loads(json.dumps(serialize(read.event.payload), allow_nan=False)))

    return hand_on


def statuses_in(value: Any) -> list[FaxStatus]:
    if isinstance(value, HistoryPage):
        return list(value.statuses)
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else [value]


def assert_harmless(text: str, limit: int) -> None:
    """A text is short, in one line, in sight, well formed, and holds neither the number nor the name."""
    assert len(text) <= limit
    # No control of C0 or C1, none that turns the order, no half of a pair, no separator but the blank.
    assert text.isprintable()
    assert "79460958" not in re.sub(r"\D", "", text)
    assert "20794609" not in re.sub(r"\D", "", text)


@pytest.fixture(scope="session")
def assert_fits(run: Any, through_airflow: Callable[[dict[str, Any]], Any]) -> Callable[..., None]:
    """Give a function that makes a call with answers, and checks what is made of them: a value, or an error of ours."""

    def check(vendor: FaxVendor, call: str, sent: list[FaxResponse]) -> None:
        try:
            value = run(CALLS[call](vendor), itertools.chain(sent, itertools.repeat(sent[-1])))
        except FaxError as error:
            assert_harmless(str(error), 600)
            return
        for status in statuses_in(value):
            payload = status.to_dict()
            assert through_airflow(payload) == payload
            assert len(json.dumps(payload)) <= LONGEST
            assert FaxStatus.from_dict(payload) == status
            # The vendor's own number for the job.
            assert payload.pop("job_id").isdigit()
            assert NAME not in (status.reference or "")
            for part in payload.values():
                assert isinstance(part, (str, int, type(None)))
                if isinstance(part, str):
                    assert_harmless(part, 250)
                elif part is not None:
                    assert abs(part) < 2**31

    return check


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("field", FIELDS)
def test_an_odd_value_in_any_field_harms_nobody(assert_fits, *, vendor, field):
    for value, plain in itertools.product(NUMBERS + ODD_TEXTS + ODD_NUMBERS, (RECORD, ROW, ANSWER)):
        changed_one = {**plain, field: value}
        for content in (changed_one, [changed_one], {"status": "success", "history": [changed_one]}):
            sent = FaxResponse(status=200, body=json.dumps(content).encode())
            for call in CALLS:
                assert_fits(vendor, call, [sent])
    for value in NUMBERS + ODD_TEXTS:
        refused = json.dumps({"status": "failed", "code": -112, field: value})
        assert_fits(vendor, "status", [FaxResponse(status=400, body=refused.encode())])


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=100, deadline=None)
@given(sent=st.lists(responses, min_size=1, max_size=3))
def test_a_status_is_what_airflow_and_postgresql_take(assert_fits, *, vendor, call, sent):
    assert_fits(vendor, call, sent)
