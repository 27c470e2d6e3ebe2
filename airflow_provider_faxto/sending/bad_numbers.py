"""The memory of numbers that no fax machine answers, so that no telephone rings for each DAG anew.

A number whose fax ended as *not operational*, *changed* or *answered by a person* is remembered for a time, for every
DAG and every vendor. It lies in Airflow's Variables, one for each number: of all that Airflow has on every supported
release they alone are shared by all workers, also by those that live for one task, and people can see and delete them.
A number stands there as a keyed hash. The key is a Variable too, whose name makes Airflow mask its value.

The memory is a courtesy and no gate: where Airflow does not give or take a Variable, the fax goes out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import FaxBadNumberError
from airflow_provider_faxto.fax.outcome import FaxCause, FaxOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_faxto.fax.numbers import FaxNumber
    from airflow_provider_faxto.fax.status import FaxStatus

__all__ = ["KEY_VARIABLE", "VARIABLE_PREFIX", "NumberMark"]

log = logging.getLogger(__name__)

KEY_VARIABLE = "fax_bad_numbers_secret"
"""The Variable that holds the key of the hashes. Without it, what is remembered is forgotten."""

VARIABLE_PREFIX = "fax_bad_number_"
"""What the Variable of a number is called, before the hash. To forget a number, delete its Variable."""

_CAUSES = frozenset({FaxCause.NUMBER_NOT_OPERATIONAL, FaxCause.NUMBER_CHANGED, FaxCause.HUMAN_ANSWERED})
_FAILED = frozenset({FaxOutcome.RETRYABLE, FaxOutcome.FATAL})
_SAID = {
    FaxCause.NUMBER_NOT_OPERATIONAL: "it was not operational",
    FaxCause.NUMBER_CHANGED: "the subscriber had another number",
    FaxCause.HUMAN_ANSWERED: "a person answered",
}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class NumberMark:
    """Under what a number is remembered, and for how long.

    :param mark: a keyed hash of the number, which does not tell it.
    :param days: for how many days the number is remembered if it is a bad one.
    """

    mark: str
    days: int

    @classmethod
    def of(cls, number: FaxNumber, days: int) -> NumberMark | None:
        """Find the mark of a number.

        :param number: the number.
        :param days: for how many days a bad one is remembered; 0 for not at all.
        :return: the mark; ``None`` if nothing is remembered.
        """
        return cls.of_each([number], days)[0]

    @classmethod
    def of_each(cls, numbers: Sequence[FaxNumber], days: int) -> list[NumberMark | None]:
        """Find the marks of many numbers; Airflow is asked for the key once.

        :param numbers: the numbers.
        :param days: as for :meth:`of`.
        :return: the marks, in the same order; ``None`` if nothing is remembered.
        """
        key = _find_key() if days and numbers else None
        if key is None:
            return [None] * len(numbers)
        return [cls._by(key, number, days) for number in numbers]

    @classmethod
    def known(cls, number: FaxNumber, days: int, variables: Any) -> NumberMark | None:  # noqa: ANN401 - Airflow's class
        """Find the mark of a number outside of a task, where nothing is to be remembered.

        :param number: the number.
        :param days: for how many days a bad one is remembered; 0 for not at all.
        :param variables: the class of Airflow's Variables that serves there.
        :return: the mark; ``None`` if nothing is remembered yet.
        """
        key = _get(KEY_VARIABLE, variables) if days else None
        return cls._by(key, number, days) if key is not None else None

    @classmethod
    def _by(cls, key: str, number: FaxNumber, days: int) -> NumberMark:
        return cls(hmac.new(key.encode(), number.e164.encode(), hashlib.sha256).hexdigest()[:32], days)

    def check(self, variables: Any = None, *, way_out: str = "set resend") -> None:  # noqa: ANN401 - Airflow's class
        """Refuse the number if it is remembered.

        :param variables: the class of Airflow's Variables. Default: that of a task.
        :param way_out: what to do to send all the same. Default: what a task has for it.
        :raises FaxBadNumberError: if it is, and its time is not over.
        """
        name = self._variable
        noted = _get(name, variables)
        try:
            if noted is None or float((entry := json.loads(noted))["until"]) <= clock.now():
                return
            cause, since = FaxCause(entry["cause"]), str(entry["since"])[:10]
        except (ValueError, TypeError, KeyError) as error:
            log.warning("The Variable %s cannot be read (%s), so the fax is sent.", name, type(error).__name__)
            return
        raise FaxBadNumberError(
            f"The number is not dialled: on {since} {_SAID.get(cause, cause)}. Check it against the recipient's own "
            f"paper. To send all the same, {way_out}; to forget it, delete Airflow's Variable {name}.",
            cause=cause,
        )

    def note(self, status: FaxStatus, *, is_resend: bool) -> None:
        """Remember the number if its fax ended in one of the three ways, and forget it if a resend arrived.

        :param status: the final status of its fax.
        :param is_resend: whether the fax was sent although the number may have been remembered.
        """
        if status.outcome in _FAILED and status.cause in _CAUSES:
            now = clock.now()
            entry = {"cause": status.cause, "since": _date(now), "until": round(now + self.days * _DAY)}
            _set(self._variable, json.dumps(entry), "A number that no fax machine answered. Delete this to forget it.")
        elif is_resend and status.outcome is FaxOutcome.SUCCESS:
            _call("delete", self._variable)

    @property
    def _variable(self) -> str:
        return f"{VARIABLE_PREFIX}{self.mark}"


def _find_key() -> str | None:
    """Find the key of the hashes; the first task makes it."""
    key = _get(KEY_VARIABLE)
    if key is None and _set(KEY_VARIABLE, secrets.token_hex(32), "Keeps the numbers of fax_bad_number_* hidden."):
        # Another task may have made it at the same time.
        key = _get(KEY_VARIABLE)
    return key


def _date(moment: float) -> str:
    import pendulum

    return pendulum.from_timestamp(moment).to_iso8601_string()


def _get(name: str, variables: Any = None) -> str | None:  # noqa: ANN401 - Airflow's class
    value = _call("get", name, None, variables=variables)
    return value if isinstance(value, str) and value else None


def _set(name: str, value: str, description: str) -> bool:
    return _call("set", name, value, description) is not _FAILED_CALL


_FAILED_CALL = object()


def _call(what: str, *arguments: Any, variables: Any = None) -> Any:  # noqa: ANN401 - what a Variable holds
    """Call Airflow's Variables; where that fails, say so and go on."""
    from airflow.providers.common.compat.sdk import Variable

    try:
        return getattr(variables or Variable, what)(*arguments)
    except Exception as error:  # noqa: BLE001 - a release, a backend of secrets and a database have errors of their own
        log.warning(
            "Airflow's Variable %s cannot be used (%s): which numbers no fax machine answers is not remembered.",
            arguments[0],
            type(error).__name__,
        )
        return _FAILED_CALL
