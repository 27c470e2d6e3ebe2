from __future__ import annotations

from airflow_provider_faxto.simulator.state import RequestLog


def test_the_request_log_is_bounded_and_the_counts_are_not():
    log = RequestLog(3)
    for status in (200, 200, 404, None, 200):
        log.add(
            now=0,
            vendor="faxto",
            user=None,
            method="GET",
            path="/",
            endpoint="balance",
            http_status=status,
            fault=None,
            ids=None,
        )
    assert [entry["http_status"] for entry in log.entries()] == [404, None, 200]
    assert log.counts() == {"faxto balance 200": 3, "faxto balance 404": 1, "faxto balance no response": 1}
