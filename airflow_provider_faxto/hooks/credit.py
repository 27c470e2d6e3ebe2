"""What becomes of sends while an account has no credit, with one look at the balance for all tasks of a machine.

No vendor documents how a lack of credit shows in the answer to a send. It is seen where InterFAX holds a fax (status
code -22) or fails it (205000), and at Fax.to where a send is refused and the balance is at nothing. A connection says
with ``when_out_of_credit`` what is done then; unless it does, nothing here is asked or kept.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax.errors import (
    FaxAuthenticationError,
    FaxAwaitingCreditError,
    FaxError,
    FaxOutOfCreditError,
)
from airflow_provider_faxto.fax.outcome import FaxCause
from airflow_provider_faxto.http.account_state import AccountState, Shortage
from airflow_provider_faxto.http.moments import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_faxto.fax.status import FaxStatus
    from airflow_provider_faxto.http.account_state import State

__all__ = ["CHECKED_EVERY", "LASTS", "CreditWatch"]

log = logging.getLogger(__name__)

CHECKED_EVERY = 60.0
"""After how many seconds a send asks for the balance again."""

LASTS = 3600.0
"""For how many seconds after a lack of credit was seen sends are kept back, whatever the balance says: an account that
is billed later has none."""

_NOTED_EVERY = 60.0
# A fax that is held so soon after the balance came back says that it was too little.
_TOO_LITTLE_FOR = 600.0


class CreditWatch:
    """Keeps sends of one account back while it has no credit.

    :param account: names the account, host and vendor included. Only a hash of it is stored.
    :param when_out_of_credit: ``send``, ``wait`` or ``fail``, as the connection says.
    :param label: the connection and the vendor, for messages.
    :param read_balance: asks the vendor for the balance.
    """

    def __init__(
        self, account: str, when_out_of_credit: str, *, label: str, read_balance: Callable[[], Decimal]
    ) -> None:
        self._shared = AccountState(hashlib.sha256(account.encode()).hexdigest())
        self._when = when_out_of_credit
        self._label = label
        self._read_balance = read_balance

    @property
    def _is_on(self) -> bool:
        return self._when != "send"

    def check_before_send(self) -> None:
        """Check that a fax may be sent: that no lack of credit is known, or that the balance is back.

        :raises FaxAwaitingCreditError: if it may not, and sends wait.
        :raises FaxOutOfCreditError: if it may not, and sends fail.
        :raises FaxAuthenticationError: if the vendor does not let the balance be read.
        """
        if not self._is_on or not _is_short(self._shared.read().shortage):
            return
        if not self._shared.change(_claim_check) or not self._is_back():
            self._refuse()

    def check_after_refusal(self) -> None:
        """Find out whether the vendor has refused a send for lack of credit: then the balance is at nothing.

        :raises FaxAwaitingCreditError: if it is, and sends wait.
        :raises FaxOutOfCreditError: if it is, and sends fail.
        """
        if not self._is_on:
            return
        balance = self._ask()
        if balance is not None and balance <= 0:
            self._note(balance)
            self._refuse()

    def note_statuses(self, statuses: Iterable[FaxStatus]) -> None:
        """Note what the status of faxes tells of the credit.

        :param statuses: the statuses. One of long ago tells nothing.
        """
        if self._is_on and any(map(_shows_shortage, statuses)):
            self._note(None)

    def note_balance(self, balance: Decimal | None) -> None:
        """Note the balance that the vendor tells when it accepts a fax.

        :param balance: the balance; ``None`` if it tells none.
        """
        if self._is_on and balance is not None and balance <= 0:
            self._note(balance)

    def _note(self, balance: Decimal | None) -> None:
        known = self._shared.read().shortage
        if known is not None and known.seen_at is not None and known.seen_at.seconds_left(_NOTED_EVERY):
            return

        def change(state: State) -> bool:
            before, told = state.shortage, None if balance is None else str(balance)
            if before is not None and (_is_short(before) or _was_too_little(before)):
                state.shortage = replace(before, seen_at=Moment.now(), balance=told or before.balance)
                return not _is_short(before)
            state.shortage = Shortage(seen_at=Moment.now(), balance=told)
            return True

        if self._shared.change(change):
            log.warning("%s: the account has no credit. Top it up; until then sends %s.", self._label, self._when)

    def _is_back(self) -> bool:
        """Ask for the balance, once for all tasks, and note what it says."""
        balance = self._ask()
        if balance is None:
            return False

        def change(state: State) -> bool:
            before = state.shortage
            if before is None or before.seen_at is None:
                return True
            lowest = _as_decimal(before.balance)
            is_back = balance > max(lowest or Decimal(0), Decimal(0))
            state.shortage = replace(
                before,
                seen_at=None if is_back else before.seen_at,
                balance=str(balance if is_back or lowest is None else min(balance, lowest)),
            )
            return is_back

        if not self._shared.change(change):
            return False
        log.info("%s: the balance is back, and faxes are sent again.", self._label)
        return True

    def _ask(self) -> Decimal | None:
        try:
            return self._read_balance()
        except FaxAuthenticationError:
            raise
        except FaxError as error:
            log.warning("%s: the balance could not be read: %s", self._label, error)
            return None

    def _refuse(self) -> None:
        what = f"{self._label}: the account has no credit, so nothing was sent."
        if self._when == "fail":
            raise FaxOutOfCreditError(f"{what} Top it up, then clear the task.")
        raise FaxAwaitingCreditError(f"{what} Top it up: a retry of the task sends once the balance is back.")


def _is_short(shortage: Shortage | None) -> bool:
    return shortage is not None and shortage.seen_at is not None and shortage.seen_at.seconds_left(LASTS) > 0


def _was_too_little(shortage: Shortage) -> bool:
    return shortage.checked_at is not None and shortage.checked_at.seconds_left(_TOO_LITTLE_FOR) > 0


def _claim_check(state: State) -> bool:
    """Take it on to ask for the balance, unless somebody has done so lately."""
    known = state.shortage
    if known is None:
        return True
    if known.checked_at is not None and known.checked_at.seconds_left(CHECKED_EVERY):
        return False
    state.shortage = replace(known, checked_at=Moment.now())
    return True


def _shows_shortage(status: FaxStatus) -> bool:
    if status.cause is not FaxCause.OUT_OF_CREDIT:
        return False
    ended = status.completed_at
    return not status.is_final or ended is None or ended.timestamp() > clock.now() - LASTS


def _as_decimal(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "NaN")
    except InvalidOperation:
        # Another process wrote it.
        return None
    return number if number.is_finite() else None
