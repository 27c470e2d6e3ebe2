from __future__ import annotations

import pytest


@pytest.fixture
def control(simulator, faxto):
    def call(method, path="", **arguments):
        faxto.session.params = {}
        answer = faxto.call(method, f"/simulator{path}", **arguments)
        faxto.session.params = {"api_key": faxto.key}
        return answer

    return call


def test_faxes_and_requests_are_told_over_http(simulator, control, faxto, interfax):
    faxto.send()
    interfax.send(reference="r")
    assert control("GET", "/faxes").json() == simulator.faxes()
    assert [fax["reference"] for fax in control("GET", "/faxes", params={"vendor": "interfax"}).json()] == ["r"]
    told = control("GET", "/requests").json()
    assert told["counts"] == {"faxto upload 200": 1, "faxto send 200": 1, "interfax send 201": 1}
    assert [(entry["endpoint"], entry["http_status"]) for entry in told["requests"]] == [
        ("upload", 200),
        ("send", 200),
        ("send", 201),
    ]
    summary = control("GET").json()
    assert summary["faxes"] == {"faxto": {"in_progress": 1}, "interfax": {"-11": 1}}
    assert summary["speed"] == 0


def test_the_request_log_holds_no_query_no_key_and_no_number(control, faxto):
    faxto.send()
    text = control("GET", "/requests").text
    assert "?" not in text
    assert "api_key" not in text
    assert "2025550100" not in text


def test_faults_are_ordered_told_and_cleared_over_http(control, faxto):
    order = {"kind": "server_error", "vendor": "faxto", "endpoint": "balance", "http_status": 502, "times": 2}
    assert control("POST", "/faults", json=order).status_code == 200
    assert faxto.get("/balance").status_code == 502
    (told,) = control("GET", "/faults").json()
    assert (told["kind"], told["when"], told["struck"]) == ("server_error", "before", 1)
    assert control("DELETE", "/faults").status_code == 200
    assert faxto.get("/balance").status_code == 200


def test_settings_and_clock_are_changed_over_http(simulator, control, faxto):
    changed = control("POST", "/settings", json={"faxto_seconds_ok": 5, "interfax_status_limit": None}).json()
    assert (changed["faxto_seconds_ok"], changed["interfax_status_limit"]) == (5, None)
    assert control("GET", "/settings").json() == changed
    faxto.send()
    before = simulator.simulator.now()
    assert control("POST", "/clock", json={"advance": 5}).status_code == 200
    assert simulator.simulator.now() == before + 5
    assert simulator.faxes()[0]["is_final"]
    assert control("POST", "/clock", json={"speed": 60}).json()["speed"] == 60


def test_finish_top_up_and_reset_work_over_http(simulator, control, faxto, interfax):
    simulator.configure(interfax_hold_for_credit=True)
    interfax.send()
    faxto.send("+12025550101")
    faxto.send("+12025550106")
    simulator.advance(10)
    control("POST", "/top-up")
    control("POST", "/finish")
    assert [fax["status"] for fax in simulator.faxes()] == ["no_answer", "in_progress", 0]
    simulator.fault("html")
    control("POST", "/reset")
    assert simulator.faxes() == simulator.requests() == simulator.simulator.faults() == []
    assert simulator.simulator.settings()["interfax_hold_for_credit"] is False


def test_numbers_are_not_used_again_after_a_reset(simulator, faxto, interfax):
    first = (faxto.upload(), faxto.send(), interfax.send())
    simulator.reset()
    second = (faxto.upload(), faxto.send(), interfax.send())
    assert all(int(new) > int(old) for old, new in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", b'{"kind": "explosion"}'),
        ("/faults", b'{"kind": "html", "surprise": 1}'),
        ("/faults", b"{}"),
        ("/faults", b"[]"),
        ("/faults", b"{"),
        ("/faults", b"[" * 100_000),
        ("/settings", b'{"speling": 1}'),
        ("/settings", b'{"faxto_balance": Infinity}'),
        ("/clock", b'{"advance": -1}'),
        ("/clock", b'{"advance": "soon"}'),
        ("/clock", b'{"advance": NaN}'),
        ("/clock", b'{"rewind": 1}'),
        ("/clock", b'{"speed": null}'),
    ],
)
def test_an_order_that_does_not_fit_is_400_and_changes_nothing(simulator, control, path, body):
    settings, now = simulator.simulator.settings(), simulator.simulator.now()
    answer = control("POST", path, data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert simulator.simulator.faults() == []
    assert (simulator.simulator.settings(), simulator.simulator.now()) == (settings, now)


def test_an_unknown_vendor_is_an_error_and_not_an_empty_list(simulator, control):
    assert control("GET", "/faxes", params={"vendor": "fax.to"}).status_code == 400
    with pytest.raises(ValueError, match="faxto, interfax or extrafax"):
        simulator.faxes("fax.to")
