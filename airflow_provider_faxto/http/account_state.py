"""What the processes of one user on one machine know of an account beside its count, in a small file.

That is: whose credentials the vendor has refused, whose it has taken, and whether it holds faxes for lack of credit. A
reader sees the file as it was or as it is, whole; who changes it holds a lock. Where the file cannot be used this
process goes by what it knows itself, says so once in the log, and shares it when the file can be used again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_faxto.http.moments import Moment
from airflow_provider_faxto.http.shared_files import SharedFileError, locked, opened, replace_shared

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AccountState", "Shortage", "State", "Stop", "forget"]

log = logging.getLogger(__name__)

T = TypeVar("T")

# Others hold the lock for less than a hundredth of a second.
_LOCK_WAIT = 2.0
_LARGEST = 256 * 1024
_VERSION = 1
# What has not been used for so long is not kept.
_KEPT_FOR = 7200.0
_UNUSABLE = (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop: no task asks with credentials that the vendor has refused.

    :param conn_id: the Airflow connection with which they were refused.
    :param since: when.
    :param seconds: for how long.
    :param http_status: the HTTP status of the refusal, if there was one.
    :param vendor_code: the vendor's own code of it, if it gave one.
    """

    conn_id: str
    since: Moment
    seconds: float
    http_status: int | None = None
    vendor_code: int | None = None

    @property
    def until(self) -> float:
        """When it ends by itself, in seconds since the epoch."""
        return self.since.wall + self.seconds

    @property
    def answer(self) -> str:
        """What the vendor answered, for messages."""
        codes = [f"HTTP {self.http_status}"] if self.http_status is not None else []
        codes += [f"code {self.vendor_code}"] if self.vendor_code is not None else []
        return ", ".join(codes) or "at the log-in"

    @property
    def is_over(self) -> bool:
        """Whether it has ended by itself."""
        return self.since.seconds_left(self.seconds) <= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """That the vendor holds or refuses faxes since the account has no credit.

    :param seen_at: when that was seen last; ``None`` if the balance is back.
    :param checked_at: when the balance was last asked for. Default: not yet.
    :param balance: the lowest that it was since then, as the vendor writes it. Default: not known.
    """

    seen_at: Moment | None
    checked_at: Moment | None = None
    balance: str | None = None


@dataclass(slots=True)
class State:
    """What is known of an account. Credentials are named by a keyed hash.

    :param stops: the stop of each credentials that were refused.
    :param logged_in: when the vendor took each credentials last.
    :param shortage: what is known of a lack of credit; ``None`` for nothing.
    """

    stops: dict[str, Stop] = field(default_factory=dict)
    logged_in: dict[str, Moment] = field(default_factory=dict)
    shortage: Shortage | None = None

    def tidy(self) -> None:
        """Forget what is over."""
        self.stops = {name: stop for name, stop in self.stops.items() if not stop.is_over}
        self.logged_in = {name: at for name, at in self.logged_in.items() if at.seconds_left(_KEPT_FOR)}

    def add(self, other: State) -> None:
        """Take in what was found out elsewhere.

        :param other: that state.
        """
        self.stops |= other.stops
        self.logged_in |= other.logged_in
        self.shortage = other.shortage or self.shortage

    def to_json(self) -> bytes:
        """Give it as the file holds it.

        :return: the content.
        """
        return json.dumps({"version": _VERSION, **asdict(self)}).encode()

    @classmethod
    def from_json(cls, content: bytes) -> State:
        """Read what a file holds.

        :param content: the content, perhaps of another release, or damaged; empty for a new file.
        :return: the state.
        :raises ValueError: if it is not one; and what else reading odd JSON raises.
        """
        if not content:
            return cls()
        raw: Any = json.loads(content)
        if raw["version"] != _VERSION:
            raise ValueError("a state of another release")
        return cls(
            stops={str(name): _read_stop(stop) for name, stop in raw["stops"].items()},
            logged_in={str(name): _read_moment(at) for name, at in raw["logged_in"].items()},
            shortage=_read_shortage(raw["shortage"]),
        )


class AccountState:
    """The state of one account; however many of these are made of it, they are one.

    :param name: the name of the account's files, without their endings.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self) -> State:
        """Tell what is known now. No failure of the file leaves.

        :return: the state, which is the caller's own.
        """
        own = _own_of(self._name)
        try:
            state = self._stored()
        except _UNUSABLE as error:
            own.go_alone(error)
            state = State()
        if own.is_unshared:
            state.add(own.state)
        state.tidy()
        return state

    def change(self, change: Callable[[State], T]) -> T:
        """Change what is known. No failure of the file leaves.

        :param change: changes the state that it is given, and is called once.
        :return: what it returns.
        """
        own = _own_of(self._name)
        with contextlib.ExitStack() as stack:
            try:
                guard = stack.enter_context(opened(f"{self._name}.guard"))
                # A process that was stopped with the lock holds no other up: at worst one change is lost.
                stack.enter_context(locked(guard, max_wait=_LOCK_WAIT))
            except OSError as error:
                own.go_alone(error)
            state = self.read()
            result = change(state)
            try:
                replace_shared(self._file, state.to_json())
                own.is_unshared = False
            except _UNUSABLE as error:
                own.go_alone(error)
            own.state = state
        return result

    @property
    def _file(self) -> str:
        return f"{self._name}.account"

    def _stored(self) -> State:
        with opened(self._file) as file:
            content = os.pread(file, _LARGEST + 1, 0)
        if len(content) > _LARGEST:
            raise ValueError("longer than any that is stored")
        return State.from_json(content)


def forget() -> None:
    """Let this process know no more than the shared files, as a new one: also what it has said in the log."""
    _own_of.cache_clear()
    _say_why_alone.cache_clear()


class _Own:
    """What this process knows of an account by itself."""

    def __init__(self) -> None:
        self.state = State()
        self.is_unshared = False

    def go_alone(self, error: Exception) -> None:
        """Go by what this process knows, until the file can be used."""
        self.is_unshared = True
        is_ours = isinstance(error, SharedFileError)
        _say_why_alone(str(error) if is_ours else f"What is shared of an account cannot be read ({_name_of(error)})")


@cache
def _own_of(name: str) -> _Own:  # noqa: ARG001 - the cache's key
    return _Own()


@cache
def _say_why_alone(reason: str) -> None:
    log.warning(
        "%s, so this process does not hear whether others of this machine were refused by the vendor, and asks by "
        "itself.",
        reason,
    )


def _name_of(error: Exception) -> str:
    return type(error).__name__


def _read_stop(raw: Any) -> Stop:  # noqa: ANN401 - any JSON value
    return Stop(
        conn_id=str(raw["conn_id"]),
        since=_read_moment(raw["since"]),
        seconds=_read_seconds(raw["seconds"]),
        http_status=_read_code(raw["http_status"]),
        vendor_code=_read_code(raw["vendor_code"]),
    )


def _read_shortage(raw: Any) -> Shortage | None:  # noqa: ANN401 - any JSON value
    if raw is None:
        return None
    seen_at, checked_at = (None if raw[name] is None else _read_moment(raw[name]) for name in ("seen_at", "checked_at"))
    return Shortage(
        seen_at=seen_at, checked_at=checked_at, balance=None if raw["balance"] is None else str(raw["balance"])
    )


def _read_moment(raw: Any) -> Moment:  # noqa: ANN401 - any JSON value
    monotonic, wall = map(_read_seconds, raw)
    return Moment(monotonic, wall)


def _read_seconds(raw: Any) -> float:  # noqa: ANN401 - any JSON value
    seconds = float(raw)
    if not math.isfinite(seconds):
        raise ValueError("no moment")
    return seconds


def _read_code(raw: Any) -> int | None:  # noqa: ANN401 - any JSON value
    return None if raw is None else int(raw)
