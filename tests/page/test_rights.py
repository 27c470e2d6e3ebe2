"""Nobody sees a fax of a DAG that Airflow would not show to them."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.page import api

DATA = [
    "/faxes/data/faxes",
    "/faxes/data/now",
    "/faxes/data/figures",
    "/faxes/data/accounts",
    "/faxes/data/faxes.csv",
    "/faxes/data/task?dag_id=clinic_letters&run_id=run&task_id=send",
]
SECRET = "secret-label"


def paths_of(routes):
    for route in routes:
        yield route.path.replace("{name}", "faxes.js")


def test_these_tests_know_every_route_that_gives_data():
    known = {path.partition("?")[0].removeprefix("/faxes") for path in DATA}

    assert {path for path in paths_of(api.routes.routes) if path.startswith("/data/")} == known


def test_without_a_log_in_nothing_is_given(visit, database):
    database.put(label=SECRET)
    paths = [f"/faxes{path}" for path in paths_of(api.routes.routes)]
    assert len(paths) > len(DATA)

    answers = {path: visit(None).get(path) for path in [*paths, *DATA, "/faxes/docs", "/faxes/openapi.json"]}

    assert {answer.status_code for answer in answers.values()} <= {401, 403}
    assert not [path for path, answer in answers.items() if SECRET in answer.text or "<script" in answer.text]


def test_a_log_in_that_is_none_is_refused(visit):
    browser = visit(None)
    browser.headers["Authorization"] = "Bearer made.up.token"

    assert {browser.get(path).status_code for path in DATA} <= {401, 403}


@pytest.mark.parametrize("path", DATA)
def test_who_may_read_no_dag_gets_no_data(visit, database, path):
    database.put(label=SECRET)

    answer = visit("stranger").get(path)

    assert answer.status_code == 403
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", [*DATA, "/faxes/data/faxes?dag=billing", "/faxes/data/faxes?search=secret-label"])
def test_who_may_read_some_dags_sees_faxes_of_no_other(visit, database, path):
    database.put(dag_id="clinic_letters", run_id="run", label="seen-label", outcome="unknown", state="failed")
    database.put(dag_id="billing", label=SECRET, conn_id="secret_connection", outcome="unknown", cost="98765.43")

    answer = visit("reader").get(path)

    assert answer.status_code == 200
    assert not [word for word in (SECRET, "billing", "secret_connection", "98765.43") if word in answer.text]
    if path in (DATA[0], DATA[1], DATA[4], DATA[5]):
        assert "seen-label" in answer.text


def test_the_tab_of_a_task_of_another_dag_is_refused(visit, database):
    whose = database.put(dag_id="billing", label=SECRET)

    answers = [visit(name).get("/faxes/data/task", params=whose) for name in ("reader", "admin")]

    assert [answer.status_code for answer in answers] == [403, 200]
    assert SECRET not in answers[0].text
    assert answers[1].json()["fax"]["label"] == SECRET


def test_a_dag_that_is_named_twice_opens_no_other(visit, database):
    database.put(dag_id="billing", run_id="run", label=SECRET)
    twice = "dag_id=billing&dag_id=clinic_letters&run_id=run&task_id=send"
    database.put(dag_id="clinic_letters", run_id="run", label="seen-label")

    answers = [visit("reader").get(f"/faxes/data/task?{query}") for query in (twice, twice.replace("billing", "~"))]

    assert not [answer.text for answer in answers if SECRET in answer.text]
    assert {answer.status_code for answer in answers} <= {200, 403}
