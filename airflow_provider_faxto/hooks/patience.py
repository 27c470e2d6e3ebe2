"""How long a caller of a hook is ready to wait for an answer."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INTERACTIVE", "LAST_READ", "POLLING", "Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits for an answer. It concerns calls that only read: what sends, uploads, cancels or deletes
    is made once and is never held up.

    :param read_attempts: how often the call is made before lost contact or throttling is raised. Between two attempts
        lies a growing pause of at most 20 s. Default: 4.
    :param max_wait: for how many seconds a request waits, if the account has been asked as often as it may be in a
        minute. After that, and at once with 0, ``FaxRateLimitError`` is raised, a kind of ``FaxThrottledError``.
        Default: 75, a little more than a minute: after that long the first in the queue goes out.
    :param asks_again: whether the caller asks again later whatever happens. What is wrong on this machine, such as
        certificates of authorities that are missing, is lost contact to it then, since it may be put right meanwhile.
        Default: ``False``: it is raised as ``FaxConfigurationError``.
    """

    read_attempts: int = 4
    max_wait: float = 75.0
    asks_again: bool = False


INTERACTIVE = Patience()
"""For one call whose answer the caller needs to go on."""

LAST_READ = Patience(read_attempts=1)
"""For a read at the end of a wait, which no other follows: made once, when it has its turn."""

ONE_READ = Patience(read_attempts=1, max_wait=30.0)
"""For a read that the caller can do without."""

POLLING = Patience(read_attempts=1, max_wait=0.0, asks_again=True)
"""For a caller that asks again anyway."""
