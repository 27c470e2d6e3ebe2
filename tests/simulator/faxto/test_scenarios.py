from __future__ import annotations

import pytest

from airflow_provider_faxto.simulator.faxto.scenarios import TEST_NUMBERS


@pytest.mark.parametrize(
    ("number", "message", "row_status"),
    [
        ("+12025550100", "Sent! Fax Has Been Answered.", "success"),
        ("+12025550101", "Fax Failed - No Answer from Fax machine", "failed"),
        ("+12025550102", "Fax Failed - Line Busy", "failed"),
        ("+12025550103", "Fax Failed - Early Hangup", "failed"),
        ("+12025550104", "Fax Failed - File conversion failed. Re-upload and Retry", "failed"),
        ("+12025550105", "Fax Failed - Unknown Error", "failed"),
        ("+12025550107", "Job concluded with remark 17", "concluded"),
        ("+12025550108", "Job concluded with remark 18", "failed"),
        ("+12025550109", "Job concluded with remark 19", "success"),
        ("+12025550110", "Fax Failed - Line Busy (3 attempts)", "failed"),
        ("+442079460123", "Sent! Fax Has Been Answered.", "success"),
    ],
)
def test_the_number_decides_how_a_fax_ends(simulator, faxto, number, message, row_status):
    job_id = faxto.send(number)
    assert faxto.status(job_id)["message"] == "Fax is in the queue"
    assert faxto.history()[0]["status"] == "executed"
    simulator.finish()
    assert faxto.status(job_id)["message"] == message
    assert faxto.history()[0]["status"] == row_status
    (fax,) = simulator.faxes()
    assert fax["is_final"]
    assert fax["delivered"] == (row_status == "success")


def test_every_documented_test_number_has_a_scenario():
    assert set(TEST_NUMBERS) == {f"+120255501{number:02}" for number in range(12)}


def test_a_fax_can_be_in_progress_for_ever(simulator, faxto):
    job_id = faxto.send("+12025550106")
    simulator.advance(10 * 365 * 86_400)
    assert faxto.status(job_id)["message"] == "Fax is in the queue"
    (fax,) = simulator.faxes()
    assert (fax["is_final"], fax["final_status"], fax["final_at"]) == (False, None, None)
