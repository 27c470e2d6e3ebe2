from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from airflow_provider_faxto.simulator import Accounts, Simulator, SimulatorServer

MAIN, OTHER = "+12025550150", "+12025550151"


@pytest.fixture
def inbox(simulator):
    """Five faxes at one number of the account, and one at another."""
    for number in (MAIN, OTHER):
        simulator.simulator.add_number(number)
    for page in range(1, 6):
        simulator.simulator.receive_fax(MAIN, "+12025550160", pages=page)
        simulator.advance(60)
    simulator.simulator.receive_fax(OTHER, "+12025550161")
    return simulator


def pagination(faxto, path, **params):
    answer = faxto.get(path, params=params).json()
    assert answer["status"] == "success"
    return answer["meta"]["pagination"]


@pytest.mark.parametrize(
    ("path", "name"), [("/incoming-faxes", "inbox"), ("/incoming-faxes/12025550150", "inbox"), ("/numbers", "numbers")]
)
def test_nothing_is_there_until_a_test_adds_it(faxto, path, name):
    answer = faxto.get(path).json()
    assert answer == {
        "status": "success",
        name: [],
        "meta": {
            "pagination": {
                "total": 0,
                "count": 0,
                "per_page": 20,
                "current_page": 1,
                "total_pages": 1,
                "links": {},
            }
        },
    }


def test_a_received_fax_is_a_row_in_the_vendors_shape(inbox, faxto):
    row = faxto.get("/incoming-faxes").json()["inbox"][-1]
    assert (row["number"], row["sender"], row["total_pages"]) == (MAIN, "12025550160", 1)
    assert row["filename"].endswith(".pdf")
    assert row["filesize"].endswith(" KB")
    assert set(row["created_at"]) == {"date", "timezone_type", "timezone"}
    created = datetime.fromisoformat(row["created_at"]["date"] + "+00:00").timestamp()
    assert created == pytest.approx(inbox.simulator.now() - 300, abs=1)
    (number,) = [row for row in faxto.get("/numbers").json()["numbers"] if row["did_number"] == MAIN]
    assert row["did_id"] == number["id"]


def test_the_links_of_a_received_fax_carry_the_key(inbox, faxto):
    row = faxto.get("/incoming-faxes").json()["inbox"][0]
    for name, end in (("preview_file", "preview"), ("file_url", "file")):
        link = urlsplit(row[name])
        assert row[name].startswith(faxto.simulator.url)
        assert link.path.startswith("/receivefax/api/v1/inbox/")
        assert link.path.endswith(f"/{end}")
        # The number in the link is another one than the row's.
        assert f"/{row['id']}/" not in link.path
        assert parse_qs(link.query) == {"api_key": [faxto.key]}


def test_a_number_is_a_row_in_the_vendors_shape(simulator, faxto):
    simulator.simulator.add_number("+12045550150", country_code="CAN", country="CANADA", area_code="204")
    (row,) = faxto.get("/numbers").json()["numbers"]
    assert isinstance(row.pop("id"), int)
    assert len(row.pop("expiration_date")) == len("2017-07-30")
    assert row == {
        "order_reference": None,
        "country_code": "CAN",
        "country": "CANADA",
        "city_name": None,
        "area_code": "204",
        "did_group_id": 67,
        "did_number": "+12045550150",
        "status": "Active",
    }


def test_the_newest_fax_comes_first_and_a_number_has_its_own_list(inbox, faxto):
    assert [row["total_pages"] for row in faxto.get("/incoming-faxes").json()["inbox"]] == [1, 5, 4, 3, 2, 1]
    of_main = faxto.get(f"/incoming-faxes/{MAIN.removeprefix('+')}").json()["inbox"]
    assert [row["total_pages"] for row in of_main] == [5, 4, 3, 2, 1]
    assert faxto.get("/incoming-faxes/12025550199").json()["inbox"] == []
    assert faxto.get("/incoming-faxes/mine").status_code == 404


@pytest.mark.parametrize("path", ["/incoming-faxes", "/incoming-faxes/12025550150", "/numbers"])
def test_every_row_comes_once_over_the_pages(inbox, faxto, path):
    name = "numbers" if path == "/numbers" else "inbox"
    whole = [row["id"] for row in faxto.get(path).json()[name]]
    pages = [faxto.get(path, params={"limit": 2, "page": page}).json() for page in range(1, 5)]
    assert [row["id"] for page in pages for row in page[name]] == whole
    for number, page in enumerate(pages, 1):
        told = page["meta"]["pagination"]
        assert (told["total"], told["count"]) == (len(whole), len(page[name]))
        assert (told["per_page"], told["current_page"], told["total_pages"]) == (2, number, -(-len(whole) // 2))


def test_links_lead_to_the_neighbours_and_lose_key_and_limit(inbox, faxto):
    base = f"{faxto.simulator.url}/api/v2/incoming-faxes"
    assert pagination(faxto, "/incoming-faxes", limit=2)["links"] == {"next": f"{base}?page=2"}
    assert pagination(faxto, "/incoming-faxes", limit=2, page=2)["links"] == {
        "previous": f"{base}?page=1",
        "next": f"{base}?page=3",
    }
    assert pagination(faxto, "/incoming-faxes", limit=2, page=3)["links"] == {"previous": f"{base}?page=2"}
    assert pagination(faxto, "/incoming-faxes/12025550150", limit=4)["links"] == {"next": f"{base}/12025550150?page=2"}


def test_links_of_a_single_page_are_an_object_or_a_list(inbox, faxto):
    assert pagination(faxto, "/numbers")["links"] == {}
    inbox.configure(faxto_links_list=True)
    assert pagination(faxto, "/numbers")["links"] == []
    # Where there are links, they are named.
    assert set(pagination(faxto, "/numbers", limit=1)["links"]) == {"next"}


def test_the_size_of_a_page_is_capped_as_for_every_list(inbox, faxto):
    inbox.configure(faxto_page_size=3, faxto_max_page_size=4)
    assert pagination(faxto, "/incoming-faxes")["per_page"] == 3
    assert pagination(faxto, "/incoming-faxes", limit=100)["per_page"] == 4


def test_numbers_may_be_written_as_text_here_too(inbox, faxto):
    inbox.configure(faxto_text_numbers=True)
    answer = faxto.get("/incoming-faxes").json()
    assert {type(answer["inbox"][0][name]) for name in ("id", "did_id", "total_pages")} == {str}
    assert answer["meta"]["pagination"]["total"] == "6"
    assert type(faxto.get("/numbers").json()["numbers"][0]["did_group_id"]) is str


def test_only_v2_receives_and_only_with_a_key(faxto):
    for path in ("/incoming-faxes", "/incoming-faxes/12025550150", "/numbers"):
        assert faxto.call("GET", f"/api/v1{path}").status_code == 404
        assert faxto.get(path).status_code == 200
    faxto.session.params = {}
    assert faxto.get("/numbers").status_code == 401


def test_a_reset_empties_the_inbox(inbox, faxto):
    inbox.reset()
    assert pagination(faxto, "/incoming-faxes")["total"] == pagination(faxto, "/numbers")["total"] == 0


def test_faults_strike_here_as_elsewhere(inbox, faxto):
    inbox.fault("empty_list", vendor="faxto", endpoint="incoming")
    inbox.fault("server_error", vendor="faxto", endpoint="numbers")
    assert faxto.get("/incoming-faxes").json()["inbox"] == []
    assert faxto.get("/numbers").status_code == 500
    assert inbox.simulator.request_counts() == {"faxto incoming 200": 1, "faxto numbers 500": 1}


def test_each_account_has_its_own():
    with SimulatorServer(Simulator(accounts=Accounts(faxto={"first": "a", "second": "b"}))) as server:
        server.simulator.add_number(MAIN, account="second")
        server.simulator.receive_fax(MAIN, "+12025550160", account="second")
        with pytest.raises(ValueError, match="no such number"):
            server.simulator.receive_fax(MAIN, "+12025550160")
        with pytest.raises(ValueError, match="no such account"):
            server.simulator.add_number(MAIN, account="third")
        totals = {
            (key, path): requests.get(f"{server.url}/api/v2/{path}", params={"api_key": key}, timeout=60).json()
            for key in ("a", "b")
            for path in ("numbers", "incoming-faxes")
        }
    assert {asked: answer["meta"]["pagination"]["total"] for asked, answer in totals.items()} == {
        ("a", "numbers"): 0,
        ("a", "incoming-faxes"): 0,
        ("b", "numbers"): 1,
        ("b", "incoming-faxes"): 1,
    }


def test_without_an_account_nothing_can_be_added():
    with pytest.raises(ValueError, match="no such account"):
        Simulator(accounts=Accounts(faxto={})).add_number(MAIN)


@pytest.mark.parametrize(
    ("number", "sender", "pages"),
    [("call me", "+12025550160", 1), (OTHER, "+12025550160", 1), (MAIN, "x", 1), (MAIN, "+12025550160", 0)],
)
def test_a_received_fax_that_makes_no_sense_is_an_error(simulator, faxto, number, sender, pages):
    simulator.simulator.add_number(MAIN)
    with pytest.raises(ValueError, match=r"number|pages"):
        simulator.simulator.receive_fax(number, sender, pages=pages)
    assert pagination(faxto, "/incoming-faxes")["total"] == 0


def test_rows_are_added_over_http_too(simulator, faxto):
    def add(path, **order):
        return requests.post(f"{simulator.url}/simulator/{path}", json=order, timeout=60)

    added = add("numbers", number=MAIN)
    assert added.json() == {"id": str(faxto.get("/numbers").json()["numbers"][0]["id"])}
    received = add("incoming-faxes", number=MAIN, sender="+12025550160", pages=3)
    (row,) = faxto.get("/incoming-faxes").json()["inbox"]
    assert (received.json(), row["total_pages"]) == ({"id": str(row["id"])}, 3)
    for path, order in (
        ("numbers", {"number": "x"}),
        ("numbers", {"number": 12025550152}),
        ("incoming-faxes", {}),
        ("incoming-faxes", {"number": MAIN, "sender": "x"}),
        ("incoming-faxes", {"number": MAIN, "sender": "+12025550160", "pages": "3"}),
    ):
        refused = add(path, **order)
        assert (refused.status_code, set(refused.json())) == (400, {"error"})
    assert (len(faxto.get("/numbers").json()["numbers"]), pagination(faxto, "/incoming-faxes")["total"]) == (1, 1)
