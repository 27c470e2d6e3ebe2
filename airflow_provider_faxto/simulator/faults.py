"""Faults on request: which calls go wrong, how, and how often.

A fault takes effect either *before* the vendor has carried out the call (nothing happened) or *after* it (the fax was
accepted, and the client does not learn of it). That difference is what a client must be tested for.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import count
from typing import Any

__all__ = ["BODIES", "ENDPOINTS", "Fault", "FaultBoard", "FaultKind", "When"]


class FaultKind(StrEnum):
    """What goes wrong."""

    LOST_ANSWER = "lost_answer"
    """The connection is closed in good order (FIN) without a response."""
    RESET = "reset"
    """The connection is reset (RST) without a response."""
    SLOW = "slow"
    """The response comes late, by real seconds. *Before*: the call itself is carried out late, even if the
    client has gone by then. *After*: it is carried out at once and only the response is late."""
    SERVER_ERROR = "server_error"
    """An HTTP error, 500 by default, with an HTML body as a proxy would send it, or with another ``body``."""
    HTML = "html"
    """HTTP 200 with an HTML page."""
    REDIRECT = "redirect"
    """HTTP 302 to a log-in page on the same server."""
    RATE_LIMIT = "rate_limit"
    """The vendor's own response to too many requests."""
    TRUNCATED = "truncated"
    """The response's body stops before its announced length, and the connection is closed."""
    CUT_JSON = "cut_json"
    """A complete HTTP response whose JSON stops in the middle."""
    GARBLED_ID = "garbled_id"
    """The response to a send or an upload without a usable id: InterFAX's ``Location`` is not an address,
    Fax.to's ids are missing."""
    EMPTY_LIST = "empty_list"
    """A list that is empty although it should not be. Other responses stay as they are."""
    STRANGER_ID = "stranger_id"
    """The response to a send names another client's fax of the same account. Other responses stay as they are.
    *Before*: nothing is sent."""
    LOST_UPLOAD = "lost_upload"
    """What the account uploaded last is gone when the call is carried out: InterFAX's upload session, Fax.to's
    document."""


class When(StrEnum):
    """When a fault takes effect."""

    BEFORE = "before"
    """The call is not carried out (with ``slow``: not yet)."""
    AFTER = "after"
    """The call was carried out."""


BODIES = ("html", "json", "empty", "vendor")
"""What the body of a ``server_error`` may be: a proxy's page, a gateway's JSON, nothing, the vendor's own form."""

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

# These need a response, so the call must have been carried out.
_SPOILERS = frozenset(
    {FaultKind.TRUNCATED, FaultKind.CUT_JSON, FaultKind.GARBLED_ID, FaultKind.EMPTY_LIST, FaultKind.LOST_ANSWER}
)


@dataclass(slots=True)
class Fault:
    """One order for calls to go wrong.

    :param kind: what goes wrong.
    :param vendor: whose calls: ``faxto``, ``interfax``, ``extrafax``, or ``None`` for all.
    :param endpoint: which call (see :data:`ENDPOINTS`), or ``None`` for all.
    :param when: before or after the call is carried out. Default: ``after`` for what needs a response,
        ``before`` for the rest.
    :param times: how many calls it affects; ``None`` for all. Default: 1.
    :param skip: how many matching calls pass first. Default: 0.
    :param probability: the chance that it affects a matching call. Default: 1.
    :param seed: makes that chance repeatable.
    :param http_status: the status of ``server_error``. Default: 500.
    :param body: the body of ``server_error``; one of :data:`BODIES`. Default: ``html``.
    :param delay: how late ``slow`` is, in real seconds: choose more than the client's time-out.
    :raises ValueError: if an argument is out of range, or they contradict each other.
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
    body: str = "html"
    delay: float = 0.0

    def __post_init__(self) -> None:
        self.kind = FaultKind(self.kind)
        spoils = self.kind in _SPOILERS
        needs_response = spoils or self.kind is FaultKind.STRANGER_ID
        self.when = When(self.when) if self.when is not None else (When.AFTER if needs_response else When.BEFORE)
        if spoils and self.when is When.BEFORE:
            raise ValueError(f"{self.kind.value} needs a response, so it can only come after the call.")
        if self.vendor is not None and self.vendor not in ("faxto", "interfax", "extrafax"):
            raise ValueError("The vendor must be faxto, interfax, extrafax, or None for all.")
        self._check_endpoint()
        if self.times is not None and self.times < 1:
            raise ValueError("times must be 1 or more, or None for every call.")
        if self.skip < 0 or not 0 < self.probability <= 1 or self.delay < 0:
            raise ValueError("skip and delay must be zero or more, and probability above 0 and at most 1.")
        if (self.kind is FaultKind.SLOW) != (self.delay > 0):
            raise ValueError("slow needs a delay in seconds, and nothing else takes one.")
        if not 400 <= self.http_status <= 599:  # noqa: PLR2004 - the range of HTTP errors
            raise ValueError("http_status must be an HTTP error, from 400 to 599.")
        if self.body not in BODIES or (self.body != "html" and self.kind is not FaultKind.SERVER_ERROR):
            raise ValueError(f"body must be one of {', '.join(BODIES)}, and goes with server_error alone.")
        if self.kind is FaultKind.LOST_UPLOAD and self.when is When.AFTER:
            raise ValueError("lost_upload comes before the call.")

    def _check_endpoint(self) -> None:
        known = set(ENDPOINTS["faxto" if self.vendor == "faxto" else "interfax"])
        if self.vendor is None:
            known |= set(ENDPOINTS["faxto"])
        if self.endpoint is not None and self.endpoint not in known:
            raise ValueError(f"No such call: {self.endpoint}. There are: {', '.join(sorted(known))}.")

    def matches(self, vendor: str, endpoint: str) -> bool:
        """Check whether a call is one that the fault is for.

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
    """The faults that are in force. A call is affected by the first that applies, and no other.

    It has no lock of its own: the caller holds :attr:`State.lock`.
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
        # A test needs chance that repeats; nothing here is a secret.
        chance = random.Random(fault.seed)  # noqa: S311 - not for cryptography
        self._posted.append(_Posted(number, fault, chance, fault.skip))
        return number

    def clear(self) -> None:
        """Remove all faults."""
        self._posted.clear()

    def take(self, vendor: str, endpoint: str) -> Fault | None:
        """Find the fault that applies to a call, and count the call.

        :param vendor: whose call it is.
        :param endpoint: which call it is.
        :return: the fault; ``None`` if the call goes right.
        """
        for posted in self._posted:
            if not posted.is_spent and posted.fault.matches(vendor, endpoint) and posted.strikes():
                return posted.fault
        return None

    def to_dicts(self) -> list[dict[str, Any]]:
        """List all faults, used-up ones too.

        :return: one mapping of plain JSON types for each; ``struck`` counts the calls that went wrong.
        """
        return [{"number": posted.number, **asdict(posted.fault), "struck": posted.struck} for posted in self._posted]
