from __future__ import annotations

import base64
import hashlib
import socket
from datetime import UTC, datetime, timedelta

import pytest


def test_send_status_completed_search_and_balance(simulator, interfax, two_pages):
    fax_id = interfax.send("+44 20 7946 0123", reference="airflow-1", contact="Ann")
    (fax,) = simulator.faxes()
    assert (fax["vendor"], fax["id"], fax["user"]) == ("interfax", fax_id, "interfax-demo")
    assert (fax["recipient"], fax["reference"]) == ("+442079460123", "airflow-1")
    assert fax["documents"][0]["sha256"] == hashlib.sha256(two_pages).hexdigest()
    assert interfax.completed(fax_id) == []

    seen = []
    for seconds in (0, 2, 3, 5, 68):
        simulator.advance(seconds)
        record = interfax.record(fax_id)
        seen.append((record["status"], record["attemptsMade"], record["pagesSent"]))
    assert seen == [(-11, 0, 0), (-1, 0, 0), (-2, 0, 0), (-3, 1, 0), (0, 1, 2)]

    record = interfax.record(fax_id)
    assert record["uri"] == f"{simulator.url}/outbound/faxes/{fax_id}"
    assert (record["id"], record["userId"]) == (int(fax_id), "interfax-demo")
    assert (record["subject"], record["contact"]) == ("airflow-1", "Ann")
    assert record["destinationFax"] == "00442079460123"
    assert (record["units"], record["costPerUnit"], record["duration"]) == (2.0, 0.15, 68)
    assert (record["pagesSubmitted"], record["attemptsToPerform"], record["pageSize"]) == (2, 4, "A4")

    (summary,) = interfax.completed(fax_id)
    assert summary["status"] == 0
    assert set(summary) < set(record)
    assert interfax.search(reference="airflow-1") == [record]
    answer = interfax.get("/accounts/self/ppcards/balance")
    assert answer.text == "9999.7000"
    assert simulator.faxes()[0]["delivered"]


def test_completed_gives_only_finished_faxes_in_ascending_order(simulator, interfax, extrafax):
    first, second = interfax.send(), interfax.send()
    others = extrafax.send()
    hidden = interfax.send()
    interfax.post(f"/outbound/faxes/{hidden}/hide")
    simulator.finish()
    pending = interfax.send()
    asked = [second, pending, others, hidden, "1", first, "x", first]
    assert [record["id"] for record in interfax.completed(*asked)] == [int(first), int(second)]
    assert interfax.completed() == []
    assert interfax.get("/outbound/faxes/completed").json() == []


@pytest.mark.parametrize("shape", ["commas", "blanks", "repeated"])
def test_ids_are_read_in_every_shape_that_clients_send(simulator, interfax, shape):
    ids = [interfax.send(), interfax.send()]
    simulator.finish()
    asked = {"commas": ",".join(ids), "blanks": ", ".join(ids), "repeated": ids}[shape]
    answer = interfax.get("/outbound/faxes/completed", params={"ids": asked})
    assert [str(record["id"]) for record in answer.json()] == ids
    assert simulator.requests()[-1]["ids"] == 2


def test_finished_and_new_faxes_can_show_late(simulator, interfax):
    simulator.configure(interfax_completed_lag=30, interfax_search_lag=20, interfax_status_lag=10)
    fax_id = interfax.send(reference="late")
    assert interfax.get(f"/outbound/faxes/{fax_id}").status_code == 404
    assert interfax.search(reference="late") == []
    assert interfax.get("/outbound/faxes").json() == []
    simulator.advance(10)
    assert interfax.record(fax_id)["status"] == -3
    simulator.advance(10)
    assert len(interfax.search(reference="late")) == len(interfax.get("/outbound/faxes").json()) == 1
    simulator.finish()
    assert interfax.record(fax_id)["status"] == 0
    assert interfax.completed(fax_id) == []
    simulator.advance(30)
    assert len(interfax.completed(fax_id)) == 1


def test_times_have_no_zone_and_submission_seems_later_than_completion(simulator, interfax):
    fax_id = interfax.send(content=b"plain")
    simulator.finish()
    record = interfax.record(fax_id)
    submitted, completed = (
        datetime.strptime(record[name], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        for name in ("submitTime", "completionTime")
    )
    assert timedelta(seconds=1) <= submitted - completed <= timedelta(seconds=7)
    assert abs(completed.timestamp() - simulator.simulator.now()) < 2


@pytest.mark.parametrize(
    ("variant", "expected"), [("null", None), ("zero", "0001-01-01T00:00:00"), ("absent", "nothing")]
)
def test_the_completion_time_of_an_unfinished_fax_has_variants(simulator, interfax, variant, expected):
    simulator.configure(interfax_completion_pending=variant)
    assert interfax.record(interfax.send()).get("completionTime", "nothing") == expected


# Finding faxes -------------------------------------------------------------------------------------------


def test_the_list_is_newest_first_and_pages_by_the_last_id(interfax):
    ids = [int(interfax.send()) for _ in range(4)]

    def listed(**params):
        return [record["id"] for record in interfax.get("/outbound/faxes", params=params).json()]

    assert listed() == ids[::-1]
    assert listed(limit=2) == [ids[3], ids[2]]
    assert listed(limit=2, lastId=ids[2]) == [ids[1], ids[0]]
    assert listed(sortOrder="asc", lastId=ids[1]) == ids[2:]
    assert interfax.get("/outbound/faxes", params={"limit": 250}).status_code == 200
    for wrong in ({"limit": 251}, {"limit": 0}, {"limit": "all"}, {"sortOrder": "up"}, {"lastId": "x"}):
        assert interfax.get("/outbound/faxes", params=wrong).status_code == 400


def test_search_filters_by_everything_documented(simulator, interfax):
    sent = interfax.send("+999-9999-0", reference="a")
    busy = interfax.send("+999-9999-263", reference="a", retriesToPerform=1)
    simulator.finish()
    simulator.advance(3600)
    waiting = interfax.send("+12025550100", reference="b")
    now = simulator.simulator.now()

    def found(**params):
        return {str(record["id"]) for record in interfax.search(**params)}

    assert found() == {sent, busy, waiting}
    assert found(reference="a") == {sent, busy}
    assert found(reference="A") == set()
    assert found(faxNumber="00999-9999-263") == {busy}
    assert found(faxNumber="nobody") == set()
    assert found(ids=f"{sent},{waiting},1") == {sent, waiting}
    assert found(status="263") == found(status="Failed") == {busy}
    assert found(status="0") == found(status="Success") == {sent}
    assert found(status="-11") == found(status="Inprocess") == {waiting}
    assert found(status="Completed") == {sent, busy}
    assert found(status="all", reference="a") == {sent, busy}
    half_an_hour_ago = f"{datetime.fromtimestamp(now - 1800, UTC):%Y-%m-%dT%H:%M:%S}"
    assert found(dateFrom=half_an_hour_ago) == {waiting}
    assert found(dateTo=half_an_hour_ago + "Z") == {sent, busy}
    assert found(userId="interfax-demo") == {sent, busy, waiting}
    assert [str(record["id"]) for record in interfax.search(limit=1, offset=1)] == [busy]
    assert [str(record["id"]) for record in interfax.search(sortOrder="asc", limit=1)] == [sent]


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"status": "Lost"}, 400, -1010),
        ({"dateFrom": "yesterday"}, 400, -1010),
        ({"limit": "-1"}, 400, -1010),
        ({"offset": "x"}, 400, -1010),
        ({"userId": "extrafax-demo"}, 403, -310),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(interfax, params, status, code):
    interfax.send()
    answer = interfax.get("/outbound/search", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_another_users_fax_is_not_found(simulator, interfax, extrafax):
    fax_id = extrafax.send(reference="theirs")
    answer = interfax.get(f"/outbound/faxes/{fax_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, -1005)
    assert interfax.search(reference="theirs") == []
    assert interfax.post(f"/outbound/faxes/{fax_id}/cancel").status_code == 404
    assert [fax["vendor"] for fax in simulator.faxes()] == ["extrafax"]


# Changing faxes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 3, 9])
def test_a_waiting_fax_can_be_cancelled(simulator, interfax, seconds):
    fax_id = interfax.send()
    simulator.advance(seconds)
    answer = interfax.post(f"/outbound/faxes/{fax_id}/cancel")
    assert (answer.status_code, answer.content) == (200, b"")
    (summary,) = interfax.completed(fax_id)
    assert (summary["status"], summary["attemptsMade"], summary["pagesSent"]) == (403, 0, 0)
    simulator.advance(3600)
    assert interfax.record(fax_id)["status"] == 403
    assert not simulator.faxes()[0]["delivered"]


def test_cancelling_while_pages_go_out_has_no_effect(simulator, interfax):
    fax_id = interfax.send()
    simulator.advance(20)
    assert interfax.post(f"/outbound/faxes/{fax_id}/cancel").status_code == 200
    assert interfax.record(fax_id)["status"] == -3
    simulator.finish()
    assert interfax.record(fax_id)["status"] == 0


def test_cancelling_a_finished_fax_is_a_conflict_or_ok(simulator, interfax):
    fax_id = interfax.send()
    simulator.finish()
    answer = interfax.post(f"/outbound/faxes/{fax_id}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, -162)
    simulator.configure(interfax_cancel_final_status=200)
    assert interfax.post(f"/outbound/faxes/{fax_id}/cancel").status_code == 200
    assert interfax.record(fax_id)["status"] == 0


def test_a_resend_is_a_new_fax_without_a_reference(simulator, interfax):
    fax_id = interfax.send("+999-9999-263", reference="once", retriesToPerform=1)
    simulator.finish()
    same = interfax.post(f"/outbound/faxes/{fax_id}/resend")
    other = interfax.post(f"/outbound/faxes/{fax_id}/resend", params={"faxNumber": "+12025550100"})
    assert (same.status_code, other.status_code, same.content) == (201, 201, b"")
    original, *resent = simulator.faxes()
    assert [fax["recipient"] for fax in resent] == ["+9999999263", "+12025550100"]
    assert [fax["resend_of"] for fax in resent] == [fax_id, fax_id]
    assert {fax["id"] for fax in resent} == {answer.headers["Location"].rpartition("/")[2] for answer in (same, other)}
    assert resent[0]["documents"] == original["documents"]
    assert [str(record["id"]) for record in interfax.search(reference="once")] == [fax_id]
    assert interfax.post(f"/outbound/faxes/{fax_id}/resend", params={"faxNumber": "x"}).json()["code"] == -112
    simulator.advance(15 * 86_400)
    assert interfax.post(f"/outbound/faxes/{fax_id}/resend").json()["code"] == -1009


def test_a_hidden_fax_is_found_nowhere_but_stays_accepted(simulator, interfax):
    fax_id = interfax.send(reference="hidden")
    assert interfax.post(f"/outbound/faxes/{fax_id}/hide").status_code == 200
    simulator.finish()
    assert interfax.search(reference="hidden") == interfax.completed(fax_id) == []
    assert interfax.get("/outbound/faxes").json() == []
    assert interfax.get(f"/outbound/faxes/{fax_id}").status_code == 404
    assert simulator.faxes()[0]["hidden"]


def test_the_image_is_there_once_rendered_and_for_two_weeks(simulator, interfax):
    path = f"/outbound/faxes/{interfax.send()}/image"
    assert interfax.get(path).json()["code"] == -1005
    simulator.advance(5)
    answer = interfax.get(path)
    assert answer.headers["Content-Type"] == "image/tiff"
    assert answer.content.startswith(b"II*\x00")
    simulator.advance(14 * 86_400)
    assert (interfax.get(path).status_code, interfax.get(path).json()["code"]) == (404, -1009)
    unrendered = interfax.send("+999-9999-204000")
    simulator.finish()
    assert interfax.get(f"/outbound/faxes/{unrendered}/image").status_code == 404


# Limits --------------------------------------------------------------------------------------------------


def test_the_seventh_status_request_in_a_minute_is_throttled(simulator, interfax, extrafax):
    simulator.configure(interfax_status_limit=6)
    fax_id = interfax.send()
    paths = [
        f"/outbound/faxes/{fax_id}",
        f"/outbound/faxes/completed?ids={fax_id}",
        "/outbound/faxes",
        "/outbound/search",
        f"/outbound/faxes/{fax_id}/image",
        f"/outbound/faxes/{fax_id}",
    ]
    assert all(interfax.get(path).status_code != 429 for path in paths)
    for path in paths:
        answer = interfax.get(path)
        assert (answer.status_code, answer.json()["code"]) == (429, -1011)
    # Sending, cancelling and the balance are not status requests, and another user has a limit of its own.
    assert interfax.try_send().status_code == 201
    assert interfax.post(f"/outbound/faxes/{fax_id}/cancel").status_code == 200
    assert interfax.get("/accounts/self/ppcards/balance").status_code == 200
    assert extrafax.get("/outbound/faxes").status_code == 200
    simulator.advance(60)
    assert interfax.get("/outbound/faxes").status_code == 200


def test_the_throttled_answer_can_have_another_http_status(simulator, interfax):
    simulator.configure(interfax_status_limit=1, interfax_throttle_status=500)
    interfax.get("/outbound/faxes")
    answer = interfax.get("/outbound/faxes")
    assert (answer.status_code, answer.json()["code"]) == (500, -1011)


# Form of answers -----------------------------------------------------------------------------------------


def test_content_types_are_as_recorded(interfax):
    json_please = {"Accept": "application/json"}
    assert interfax.get("/outbound/faxes").headers["Content-Type"] == "text/json"
    answer = interfax.get("/outbound/faxes", headers=json_please)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    error = interfax.get("/outbound/faxes/1", headers=json_please)
    assert error.headers["Content-Type"] == "text/json"
    assert set(error.json()) == {"code", "message", "moreInfo"}


def test_a_post_without_a_length_is_refused(simulator, interfax):
    # By hand, since every HTTP library adds the header.
    host, _, port = simulator.url.removeprefix("http://").partition(":")
    credentials = base64.b64encode(":".join(interfax.session.auth).encode()).decode()
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            f"POST /outbound/faxes/{interfax.send()}/hide HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n".encode()
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 411 ")
    assert not simulator.faxes()[0]["hidden"]
