"""How long an exchange may take as a whole: from the first byte of the request to the last of the answer.

A socket's own time-out is between two pieces, so an answer that drips could last for ever: in its status line, its
headers, one ``100 Continue`` after the other, the sizes of its chunks, its body or its trailers. All of them are read
through one reader, which looks at what is left of the time before each piece.
"""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto import clock

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

__all__ = ["TimeLimit", "TimedReader"]

_this_thread = threading.local()


class TimeLimit:
    """The time that is left for one exchange.

    :param seconds: how long it may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    @classmethod
    def current(cls) -> TimeLimit:
        """Give the limit of the exchange that this thread makes.

        :return: the limit.
        :raises AttributeError: if it makes none.
        """
        limit: TimeLimit = _this_thread.limit
        return limit

    @contextlib.contextmanager
    def as_current(self) -> Iterator[None]:
        """Let this be the limit of the exchange that this thread makes."""
        # The handler of a signal may make an exchange of its own in the middle of one.
        before = getattr(_this_thread, "limit", None)
        _this_thread.limit = self
        try:
            yield
        finally:
            _this_thread.limit = before

    def restart(self) -> None:
        """Begin anew: a connection stands, and the first byte of the request is about to go out."""
        self._until = clock.of_sockets() + self._seconds

    def apply(self, sock: socket.socket, pause: float | None) -> None:
        """Let a socket wait no longer than until the end.

        :param sock: the socket, before something is read from it or written to it.
        :param pause: for how many seconds it may wait for the next piece at most; ``None``: until the end.
        :raises TimeoutError: if no time is left.
        """
        left = self._until - clock.of_sockets()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left if pause is None else min(pause, left))


class TimedReader(io.RawIOBase):
    """Reads from a socket within the time limit of the exchange that this thread makes.

    :param raw: what reads from the socket without it.
    :param sock: the socket, whose time-out now is that between two pieces.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._limit = TimeLimit.current()
        self._pause = sock.gettimeout()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def fileno(self) -> int:
        """Tell the socket's number."""
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        """Read the next piece.

        :param buffer: where to put it.
        :return: how many bytes came; 0 at the end.
        :raises TimeoutError: if none came in time, or no time is left.
        """
        self._limit.apply(self._sock, self._pause)
        read: int | None = self._raw.readinto(buffer)
        return read

    def close(self) -> None:
        """Close it; the socket closes when nothing else needs it."""
        self._raw.close()
        super().close()
