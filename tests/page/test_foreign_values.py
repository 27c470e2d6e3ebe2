"""Whatever somebody pushes to XCom, the page is there, and shows what it can."""

from __future__ import annotations

import csv
import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page.conftest import RECEIPT

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just("<script>alert(1)</script>"),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values, max_size=3),
    max_leaves=6,
)
NEARLY = st.fixed_dictionaries({}, optional={name: ANYTHING | st.just(value) for name, value in RECEIPT.items()})
PATHS = ("faxes", "faxes?outcome=success&search=a", "now", "figures", "faxes.csv")


def plain(value):
    """JSON as a database takes it: PostgreSQL's has no null character, and JSON no NaN."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "ignore").decode()
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items()}
    return value


@given(values=st.lists(ANYTHING | NEARLY, min_size=1, max_size=4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_foreign_values_break_nothing(visit, database, values):
    database.clear()
    database.put(label="the good one")
    whose = [database.put(raw=plain(value)) for value in values]

    answers = {path: visit().get(f"/faxes/data/{path}") for path in PATHS}
    tabs = [visit().get("/faxes/data/task", params=each) for each in whose]

    assert {answer.status_code for answer in [*answers.values(), *tabs]} == {200}
    assert "the good one" in {fax["label"] for fax in answers["faxes"].json()["faxes"]}
    rows = list(csv.reader(io.StringIO(answers["faxes.csv"].text, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert sum(row["success"] for row in answers["figures"].json()["outcomes"] if "success" in row) >= 1
