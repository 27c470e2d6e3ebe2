from __future__ import annotations

import pytest


@pytest.mark.parametrize("auth", [None, ("interfax-demo", "wrong"), ("nobody", "fake:password+1"), ("", "")])
def test_a_wrong_log_in_is_401_and_sends_nothing(simulator, interfax, auth):
    interfax.session.auth = auth
    answer = interfax.try_send()
    assert (answer.status_code, answer.json()["code"]) == (401, -1003)
    assert simulator.faxes() == []


@pytest.mark.parametrize(
    "header", ["basic aW50ZXJmYXgtZGVtbzpmYWtlOnBhc3N3b3JkKzE=", "Basic %%%", "Basic é", "Bearer x"]
)
def test_only_well_formed_basic_credentials_count(interfax, header):
    interfax.session.auth = None
    answer = interfax.get("/outbound/faxes", headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, -1003)


def test_repeated_failures_lock_the_user_out_for_an_hour(simulator, interfax):
    right = interfax.session.auth
    interfax.session.auth = (right[0], "wrong")
    codes = [interfax.get("/outbound/faxes").json()["code"] for _ in range(6)]
    assert codes == [-1003] * 5 + [-1876]
    interfax.session.auth = right
    answer = interfax.get("/outbound/faxes")
    assert (answer.status_code, answer.json()["code"]) == (401, -1876)
    simulator.advance(3600)
    assert interfax.get("/outbound/faxes").status_code == 200
