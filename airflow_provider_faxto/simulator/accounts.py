"""Who may use the simulated vendors, and how often: credentials, lock-out after failed log-ins, rate limits."""

from __future__ import annotations

import hmac
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MINUTE", "Accounts", "Lockout", "RollingLimit"]

MINUTE = 60.0
"""The length of the vendors' rolling windows, in simulated seconds."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of the simulated vendors. All credentials are invented.

    ``repr()`` shows no secret.

    :param faxto: Fax.to's accounts: API key by name. The name stands for the account in what the simulator
        reports. The default key has characters that a URL must percent-encode, so that a client which does not
        is found out.
    :param interfax: InterFAX's users: password by user name.
    :param extrafax: ExtraFax's users, at the same paths. Having a user of its own keeps its faxes and its
        rate limit apart from InterFAX's.
    :raises ValueError: if a name or a secret is empty, or if InterFAX and ExtraFax share a user name.
    """

    faxto: Mapping[str, str] = field(default_factory=lambda: {"faxto-demo": "fake+key/for=tests&demos"}, repr=False)
    interfax: Mapping[str, str] = field(default_factory=lambda: {"interfax-demo": "fake:password+1"}, repr=False)
    extrafax: Mapping[str, str] = field(default_factory=lambda: {"extrafax-demo": "fake:password+2"}, repr=False)

    def __post_init__(self) -> None:
        for accounts in (self.faxto, self.interfax, self.extrafax):
            if not all(name and secret for name, secret in accounts.items()):
                raise ValueError("An account needs a name and a key or password.")
        if set(self.interfax) & set(self.extrafax):
            raise ValueError("InterFAX and ExtraFax are served at the same paths, so each needs user names of its own.")

    def faxto_account(self, key: str) -> str | None:
        """Find the account of a Fax.to key.

        :param key: the key, as in the request.
        :return: the account's name, or ``None`` if no account has the key.
        """
        for name, secret in self.faxto.items():
            if hmac.compare_digest(secret.encode(), key.encode()):
                return name
        return None

    def password_of(self, user: str) -> str | None:
        """Look up the password of an InterFAX or ExtraFax user.

        :param user: the user name.
        :return: the password, or ``None`` if there is no such user.
        """
        return self.interfax.get(user) or self.extrafax.get(user)

    def vendor_of(self, user: str) -> str:
        """Give the vendor of a user.

        :param user: the user name.
        :return: ``extrafax`` for ExtraFax's users, ``interfax`` for all others, known or not.
        """
        return "extrafax" if user in self.extrafax else "interfax"


class RollingLimit:
    """Counts requests in a rolling minute of simulated time.

    A refused request does not count. Whether the vendors count refused ones is not documented.
    """

    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = {}

    def take(self, who: str, now: float, limit: int | None) -> bool:
        """Count a request, if the limit allows it.

        :param who: the user or account.
        :param now: the simulated time.
        :param limit: requests in a rolling minute; ``None`` for no limit.
        :return: whether the request is within the limit.
        """
        if limit is None:
            return True
        taken = self._taken.setdefault(who, deque())
        while taken and taken[0] <= now - MINUTE:
            taken.popleft()
        if len(taken) >= limit:
            return False
        taken.append(now)
        return True

    def clear(self) -> None:
        """Forget all requests."""
        self._taken.clear()


class Lockout:
    """Locks a user out after too many failed log-ins in a row, as InterFAX does for an hour."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, float] = {}

    def is_locked(self, user: str, now: float) -> bool:
        """Check whether a user is locked out.

        :param user: the user name.
        :param now: the simulated time.
        :return: whether log-ins are refused, right password or not.
        """
        return now < self._locked_until.get(user, now)

    def failed(self, user: str, now: float, *, after: int | None, seconds: float) -> None:
        """Count a failed log-in.

        :param user: the user name, which must exist: unknown names are not kept.
        :param now: the simulated time.
        :param after: failures in a row that lock the user out; ``None`` for never.
        :param seconds: how long the user is locked out.
        """
        self._failures[user] = self._failures.get(user, 0) + 1
        if after is not None and self._failures[user] >= after:
            self._locked_until[user] = now + seconds
            self._failures[user] = 0

    def succeeded(self, user: str) -> None:
        """Forget the failures of a user who logged in.

        :param user: the user name.
        """
        self._failures.pop(user, None)

    def clear(self) -> None:
        """Unlock all users."""
        self._failures.clear()
        self._locked_until.clear()
