"""Faults on request: which calls go wrong, how, and how often.

A fault strikes either *before* the vendor has carried out the call (nothing happened) or *after* it (the fax
was accepted, and the client does not learn of it). The difference is the whole point of testing a client.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import count
from typing import Any

__all__ = ["ENDPOINTS", "Fault", "FaultBoard", "FaultKind", "When"]


class FaultKind(StrEnum):
    """What goes wrong."""

    LOST_ANSWER = "lost_answer"
    """The connection is closed in good order (FIN) without an answer."""
    RESET = "reset"
    """The connection is reset (RST) without an answer."""
    SLOW = "slow"
    """The answer comes late, by real seconds. *Before*: the call itself is carried out late, even if the
    client has gone by then. *After*: it is carried out at once and only the answer is late."""
    SERVER_ERROR = "server_error"
    """An HTTP error with an HTML body, as a proxy would send it; 500 by default."""
    HTML = "html"
    """HTTP 200 with an HTML page."""
    REDIRECT = "redirect"
    """HTTP 302 to a log-in page on the same server."""
    RATE_LIMIT = "rate_limit"
    """The vendor's own answer to too many requests."""
    TRUNCATED = "truncated"
    """The answer's body stops before its announced length, and the connection is closed."""
    CUT_JSON = "cut_json"
    """A complete HTTP answer whose JSON stops in the middle."""
    GARBLED_ID = "garbled_id"
    """The answer to a send or an upload without a usable id: InterFAX's ``Location`` is not an address,
    Fax.to's ids are missing."""
    EMPTY_LIST = "empty_list"
    """A list that is empty although it should not be. Other answers stay as they are."""


class When(StrEnum):
    """On which side of the call a fault strikes."""

    BEFORE = "before"
    """The call is not carried out (with ``slow``: not yet)."""
    AFTER = "after"
    """The call was carried out."""


ENDPOINTS: dict[str, tuple[str, ...]] = {
    "faxto": (
        "upload",
        "send",
        "cost",
        "status",
        "history",
        "files",
        "delete",
        "clean",
        "preview",
        "balance",
        "incoming",
        "numbers",
    ),
    "interfax": (
        "send",
        "list",
        "completed",
        "status",
        "image",
        "search",
        "cancel",
        "resend",
        "hide",
        "balance",
        "session_create",
        "session_list",
        "session_status",
        "session_chunk",
        "session_delete",
    ),
}
"""The names of the vendors' calls, as faults and the request log use them. ExtraFax's are InterFAX's."""

# These spoil an answer, so the call must have been carried out.
_SPOILERS = frozenset(
    {FaultKind.TRUNCATED, FaultKind.CUT_JSON, FaultKind.GARBLED_ID, FaultKind.EMPTY_LIST, FaultKind.LOST_ANSWER}
)


@dataclass(slots=True)
class Fault:
    """One order for things to go wrong.

    :param kind: what goes wrong.
    :param vendor: whose calls: ``faxto``, ``interfax``, ``extrafax``, or ``None`` for all.
    :param endpoint: which call (see :data:`ENDPOINTS`), or ``None`` for all.
    :param when: before or after the call is carried out. Default: ``after`` for what spoils an answer,
        ``before`` for the rest.
    :param times: how many calls it strikes; ``None`` for all. Default: 1.
    :param skip: how many matching calls pass first. Default: 0.
    :param probability: the chance that it strikes a matching call. Default: 1.
    :param seed: makes that chance repeatable.
    :param http_status: the status of ``server_error``. Default: 500.
    :param delay: how late ``slow`` is, in real seconds: choose more than the client's time-out.
    :raises ValueError: if something of this does not fit together.
    """

    kind: FaultKind
    vendor: str | None = None
    endpoint: str | None = None
    when: When | None = None
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seed: int | None = None
    http_status: int = 500
    delay: float = 0.0

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        spoils = self.kind in _SPOILERS
        self.when = When(self.when) if self.when is not None else (When.AFTER if spoils else When.BEFORE)
        if spoils and self.when is When.BEFORE:
            raise ValueError(f"{self.kind.value} needs an answer to spoil, so it strikes after the call only.")
        if self.vendor is not None and self.vendor not in ("faxto", "interfax", "extrafax"):
            raise ValueError("The vendor must be faxto, interfax, extrafax, or none for all.")
        known = set(ENDPOINTS["faxto" if self.vendor == "faxto" else "interfax"])
        if self.vendor is None:
            known |= set(ENDPOINTS["faxto"])
        if self.endpoint is not None and self.endpoint not in known:
            raise ValueError(f"No such call: {self.endpoint}. There are: {', '.join(sorted(known))}.")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be 1 or more, or none for every call.")
        if self.skip < 0 or not 0 < self.probability <= 1 or self.delay < 0:
            raise ValueError("skip and delay must be zero or more, and probability above 0 and at most 1.")
        if (self.kind is FaultKind.SLOW) != (self.delay > 0):
            raise ValueError("slow needs a delay in seconds, and nothing else takes one.")
        if not 400 <= self.http_status <= 599:  # noqa: PLR2004 - the range of HTTP errors
            raise ValueError("http_status must be an HTTP error, from 400 to 599.")

    def matches(self, vendor: str, endpoint: str) -> bool:
        """Tell whether a call is one of those that the fault is about.

        :param vendor: whose call it is.
        :param endpoint: which call it is.
        :return: whether both fit.
        """
        return self.vendor in (None, vendor) and self.endpoint in (None, endpoint)


@dataclass(slots=True)
class _Posted:
    """A fault on the board, with what is left of it."""

    number: int
    fault: Fault
    random: random.Random
    skip: int
    struck: int = 0

    @property
    def is_spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times

    def strikes(self) -> bool:
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.random.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True


class FaultBoard:
    """The faults that are in force. The first that strikes a call is the only one that does.

    It has no lock of its own: whoever uses it holds :attr:`State.lock`.
    """

    def __init__(self) -> None:
        self._posted: list[_Posted] = []
        self._numbers = count(1)

    def post(self, fault: Fault) -> int:
        """Put a fault in force.

        :param fault: the fault.
        :return: its number.
        """
        number = next(self._numbers)
        # Repeatable chance is what a test wants; nothing here is a secret.
        chance = random.Random(fault.seed)  # noqa: S311 - not for cryptography
        self._posted.append(_Posted(number, fault, chance, fault.skip))
        return number

    def clear(self) -> None:
        """Take all faults off."""
        self._posted.clear()

    def take(self, vendor: str, endpoint: str) -> Fault | None:
        """Ask whether a call goes wrong, and count it if so.

        :param vendor: whose call it is.
        :param endpoint: which call it is.
        :return: the fault that strikes it, if any.
        """
        for posted in self._posted:
            if not posted.is_spent and posted.fault.matches(vendor, endpoint) and posted.strikes():
                return posted.fault
        return None

    def to_dicts(self) -> list[dict[str, Any]]:
        """Give all faults in force, spent ones too.

        :return: plain JSON types; ``struck`` counts the calls that went wrong.
        """
        return [{"number": posted.number, **asdict(posted.fault), "struck": posted.struck} for posted in self._posted]
