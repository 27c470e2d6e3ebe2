"""ExtraFax Cloud through its hook: InterFAX's calls at a host and under a name of its own."""

from __future__ import annotations

import pytest

from airflow_provider_faxto.fax import FaxOutcome
from airflow_provider_faxto.fax.errors import FaxConfigurationError, FaxUnsupportedError
from airflow_provider_faxto.hooks.interfax import InterFaxHook
from airflow_provider_faxto.hooks.patience import Patience

NUMBER = "+12025550100"


@pytest.fixture
def vendor():
    return "extrafax"


def test_a_connection_without_a_host_is_refused(connect):
    hook = connect("extrafax", None)

    with pytest.raises(FaxConfigurationError, match="ExtraFax Cloud documents none"):
        hook.check_configuration()
    assert hook.test_connection()[0] is False


def test_an_account_of_its_own_is_used(hook, simulator, letter):
    job = hook.send_fax(NUMBER, letter)
    simulator.finish()

    assert hook.get_status(job.job_id).vendor == "extrafax"
    assert len(simulator.faxes("extrafax")) == 1
    assert simulator.faxes("interfax") == []


def test_the_two_accounts_do_not_see_each_others_faxes(hook, simulator, letter):
    hook.send_fax(NUMBER, letter, reference="a-key")
    other = InterFaxHook(patience=Patience(read_attempts=1))

    assert other.find_jobs(reference="a-key", fax_number=NUMBER) == []
    assert list(other.iter_history()) == []
    other.close()


def test_a_code_that_its_own_page_does_not_list_says_so(hook, simulator, letter):
    job = hook.send_fax("+9999999488", letter)
    simulator.finish()

    status = hook.get_status(job.job_id)

    assert status.outcome is FaxOutcome.RETRYABLE
    assert "listed by InterFAX only" in status.message


def test_a_call_that_it_does_not_offer_is_named_with_its_name(hook):
    with pytest.raises(FaxUnsupportedError, match="ExtraFax Cloud offers no way"):
        hook.estimate_cost(NUMBER, "1")


def test_what_interfax_offers_beyond_the_common_calls_is_offered_here_too(hook, simulator, letter):
    job = hook.send_fax(NUMBER, letter)

    again = hook.resend_fax(job.job_id)
    hook.hide_fax(job.job_id)

    assert [status.job_id for status in hook.iter_history()] == [again.job_id]
