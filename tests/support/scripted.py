"""A hook whose answers a test gives."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax import FaxOutcome, FaxStatus
from airflow_provider_faxto.fax.errors import FaxRateLimitError
from airflow_provider_faxto.http.rate_limit import Room

if TYPE_CHECKING:
    from collections.abc import Callable


class ScriptedHook:
    """An account whose answers the test gives: ``one(job_id)`` for one job, ``many(job_ids)`` for many.

    An error that is returned is raised.

    :param free: how many requests may go out, at any time.
    """

    conn_type = "interfax"
    fax_conn_id = "scripted"

    def __init__(self, one: Callable[[str], Any], many: Callable[[list[str]], Any], *, free: int = 6) -> None:
        self.vendor = SimpleNamespace(
            jobs_per_request=100,
            jobs_per_call=100,
            list_is_conclusive=True,
            check_job_id=lambda _: None,
        )
        self.rate_limit = SimpleNamespace(room=lambda: Room(free, free))
        self._one, self._many = one, many

    def check_settings(self) -> None:
        """The connection is as it should be."""

    def has_settings_of(self, other: ScriptedHook) -> bool:
        return self is other

    def get_status(self, job_id: str) -> FaxStatus:
        return _given(self._one(job_id))

    def get_listed_statuses(self, job_ids: list[str]) -> dict[str, FaxStatus]:
        return _given(self._many(job_ids))


class CountedHook(ScriptedHook):
    """The same with a limit of requests a minute, which are counted.

    :param clock: tells the seconds, by a clock that is never set.
    :param pace: how many requests may go out in any minute.
    """

    def __init__(
        self, one: Callable[[str], Any], many: Callable[[list[str]], Any], *, clock: Callable[[], float], pace: int
    ) -> None:
        super().__init__(self._counted(one), self._counted(many))
        self.rate_limit = SimpleNamespace(room=lambda: Room(self._free(), pace))
        self._clock, self._pace = clock, pace
        self._spent: list[float] = []

    def _free(self) -> int:
        self._spent = [moment for moment in self._spent if moment > self._clock() - 60.0]
        return self._pace - len(self._spent)

    def _counted(self, ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def asked(whom: Any) -> Any:
            if not self._free():
                return FaxRateLimitError("held back", retry_after=self._spent[0] + 60.0 - self._clock())
            self._spent.append(self._clock())
            return ask(whom)

        return asked


def _given(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def status(job_id: str, outcome: FaxOutcome = FaxOutcome.SUCCESS) -> FaxStatus:
    """Make a status of InterFAX."""
    return FaxStatus(vendor="interfax", job_id=job_id, outcome=outcome, message="told")
