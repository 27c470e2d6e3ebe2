"""One listing of the vendor's records for all who wait for one: the tasks of an account on this machine.

Where many tasks look their faxes up at the same time, each would read the same records, and an account may be asked six
times a minute. So one of them reads, behind a lock, and leaves what it read for those who wait. Nobody uses a listing
that began before its own look did: what is not in it may have been sent since.

A long listing takes minutes, for which no task holds its worker slot: where a request has no turn, the reader stores
what it has read so far, and the next look-up continues from there.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import logging
import os
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken

from airflow_provider_faxto import clock
from airflow_provider_faxto.fax import errors
from airflow_provider_faxto.http.moments import Moment
from airflow_provider_faxto.http.shared_files import SharedFileError, locked, open_shared, replace_shared
from airflow_provider_faxto.vendors.lookup import UnfinishedRecords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Read = Callable[[Callable[[], None], object], object]

__all__ = ["SharedRecords"]

log = logging.getLogger(__name__)

# For how many seconds a look leaves the reading to another one: a long listing takes minutes. Then the other one may
# stand still, and this one reads for itself.
_LONGEST_TRUST = 600.0
# A look that could not wait here comes back after so long.
_COME_BACK = 10.0
# An unfinished listing that has not been continued for so long is dropped: the tasks that waited for it may be gone.
_ABANDONED_AFTER = 120.0
_LOOK_EVERY = 0.2
_LARGEST = 16 * 1024 * 1024
_VERSION = 2
_KEY_PREFIX = b"airflow-provider-faxto shared records\0"
# Another process wrote the file, perhaps one of another release, and perhaps not to its end.
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidToken)


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a read gave: the records, which ``repr()`` does not show, or the error that it ended with.

    :param began: when the read began.
    :param since: from when on its records count.
    :param records: the records.
    :param error: the error; ``None`` if there was none.
    :param went_on: when an unfinished read has gone on last; ``None`` for one that is finished.
    """

    began: Moment
    since: float
    records: object = field(default=None, repr=False)
    error: errors.FaxError | None = None
    went_on: Moment | None = None

    def serves(self, asked: Moment, since: float) -> bool:
        # Only what both clocks say is taken for true.
        is_newer = all(
            before < began <= now for before, began, now in zip(asked, self.began, Moment.now(), strict=True)
        )
        return is_newer and self.since <= since

    def to_json(self) -> str:
        error = self.error
        return json.dumps(
            {
                "version": _VERSION,
                "began": self.began,
                "since": self.since,
                "records": self.records,
                # Its attributes bear the names of its arguments.
                "error": None if error is None else [type(error).__name__, str(error), vars(error)],
                "went_on": self.went_on,
            }
        )

    @classmethod
    def from_json(cls, text: bytes) -> _Listing:
        raw: Any = json.loads(text)
        if raw["version"] != _VERSION:
            raise ValueError("a listing of another release")
        error = None
        if raw["error"] is not None:
            name, message, details = raw["error"]
            error = getattr(errors, name)(message, **details)
        return cls(
            _read_moment(raw["began"]),
            float(raw["since"]),
            raw["records"],
            error,
            _read_moment(raw["went_on"]) if raw["went_on"] is not None else None,
        )


def _read_moment(raw: Any) -> Moment:  # noqa: ANN401 - any JSON value
    monotonic, wall = map(float, raw)
    return Moment(monotonic, wall)


class SharedRecords:
    """The vendor's records as one listing showed them, for all look-ups of an account on this machine that wait then.

    The listing lies in a file of this user's, encrypted, since it names recipients: one file for an account, which the
    next listing replaces. Whatever is wrong with the file, a look reads for itself then.

    :param account: names the account, host and vendor included, as for the rate limit. Only a hash of it is stored.
    :param secret: the account's password or key; the file can be read with it alone.
    """

    def __init__(self, account: str, secret: str) -> None:
        self._name = hashlib.sha256(account.encode()).hexdigest()
        self._secret = secret

    def read(
        self,
        since: float,
        read: Read,
        *,
        asked_at: float | None = None,
        max_wait: float = 75.0,
    ) -> object:
        """Give the records as they are now or later, by one read for all who ask at that time.

        A read that fails fails for all of them as well, and is not repeated by each in turn; the next look reads anew.
        That an account has been asked often enough (``FaxRateLimitError``) each meets by itself: no request is made.

        :param since: from when on the records count, in seconds since the epoch.
        :param read: reads them, as a JSON value; called once at most, and only where no other read serves. It calls
            what it is given right before its first request, which may have waited for its turn. It may give an
            :class:`~airflow_provider_faxto.vendors.lookup.UnfinishedRecords`; what that holds is its second argument
            when the reading goes on, and else ``None``.
        :param asked_at: since when this one asks, in seconds since the epoch, where it has asked before and could not
            wait. Default: now.
        :param max_wait: for how many seconds to wait here for the read of another thread or process. Default: 75, a
            little more than that one may have to wait for its first request.
        :return: what the read gave: this one's, or one that another began after this one asked, and that reaches back
            at least as far.
        :raises FaxRateLimitError: if another one still reads, if the read could not be finished now, or if this one has
            finished a listing that began before it asked. Where another one reads for ten minutes it may stand still,
            and this one reads for itself.
        :raises FaxError: what that read raised.
        """
        asked = Moment.now() if asked_at is None else Moment.at(asked_at)
        with contextlib.ExitStack() as stack:
            try:
                shared = stack.enter_context(self._turn(asked, since, max_wait))
            except OSError as error:
                _say_why_alone(f"The shared listing cannot be read: {error}")
                shared = None
            if shared is None:
                return self._read(asked, since, read)
        if shared.error is not None:
            raise shared.error
        return shared.records

    @contextlib.contextmanager
    def _turn(self, asked: Moment, since: float, max_wait: float) -> Iterator[_Listing | None]:
        """Wait for the turn to read, or for a listing of another one that serves."""
        until = clock.monotonic() + max_wait
        seen: tuple[int, ...] | None = None
        with os.fdopen(open_shared(f"{self._name}.lock"), "rb") as lock:
            while True:
                with locked(lock.fileno()) as is_held:
                    # With the lock, too: who held it before may have read meanwhile.
                    mark = self._mark()
                    shared = self._served(asked, since) if mark != seen else None
                    seen = mark
                    now = clock.monotonic()
                    if is_held or shared is not None or now - asked.monotonic >= _LONGEST_TRUST:
                        yield shared
                        return
                if now >= until:
                    raise errors.FaxRateLimitError(
                        "Another task of this machine is reading the vendor's records for all that wait.",
                        retry_after=_COME_BACK,
                    )
                clock.sleep(_LOOK_EVERY)

    def _read(self, asked: Moment, since: float, read: Read) -> object:
        """Read, or go on with what another one has begun to read."""
        begun = self._unfinished()
        began = [begun.began if begun is not None else Moment.now()]
        if begun is not None:
            since = begun.since
        try:
            records = read(
                lambda: began.append(Moment.now() if begun is None else begun.began), begun and begun.records
            )
        except errors.FaxRateLimitError:
            raise
        except errors.FaxError as error:
            self._conclude(_Listing(began[-1], since, error=error))
            raise
        if isinstance(records, UnfinishedRecords):
            self._store(_Listing(began[-1], since, records.so_far, went_on=Moment.now()), self._unfinished_name)
            raise errors.FaxRateLimitError(
                "The vendor's records are many, and the rest of them is read later.", retry_after=records.retry_after
            )
        listing = _Listing(began[-1], since, records)
        self._conclude(listing)
        if begun is not None and not listing.serves(asked, since):
            raise errors.FaxRateLimitError(
                "The vendor's records were read for those who asked before.", retry_after=_LOOK_EVERY
            )
        return records

    def _conclude(self, listing: _Listing) -> None:
        """Store a listing for the look-ups that wait, and drop what was read of it so far."""
        self._store(listing, self._file_name)
        with contextlib.suppress(SharedFileError):
            replace_shared(self._unfinished_name, b"")

    @cached_property
    def _cipher(self) -> Fernet:
        digest = hashlib.sha256(_KEY_PREFIX + self._secret.encode()).digest()
        return Fernet(base64.urlsafe_b64encode(digest))

    @property
    def _file_name(self) -> str:
        return f"{self._name}.records"

    @property
    def _unfinished_name(self) -> str:
        return f"{self._name}.unfinished"

    def _mark(self) -> tuple[int, ...]:
        """Tell what changes with each listing that is stored, so that none is read in vain."""
        with os.fdopen(open_shared(self._file_name), "rb") as file:
            found = os.fstat(file.fileno())
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _served(self, asked: Moment, since: float) -> _Listing | None:
        """Read the stored listing, if it serves a look of that moment."""
        listing = self._stored(self._file_name)
        return listing if listing is not None and listing.serves(asked, since) else None

    def _unfinished(self) -> _Listing | None:
        """Read what another one has read so far, if it can be gone on with."""
        try:
            begun = self._stored(self._unfinished_name)
        except OSError:
            return None
        is_going_on = begun is not None and begun.went_on is not None and begun.went_on.seconds_left(_ABANDONED_AFTER)
        return begun if is_going_on else None

    def _stored(self, name: str) -> _Listing | None:
        """Read a file, if there is a listing in it."""
        with os.fdopen(open_shared(name), "rb") as file:
            stored = file.read(_LARGEST + 1)
        if not stored:
            return None
        try:
            if len(stored) > _LARGEST:
                raise ValueError("longer than any that is stored")
            return _Listing.from_json(self._cipher.decrypt(stored))
        except _DAMAGE as error:
            _say_why_alone(f"The shared listing cannot be read ({type(error).__name__})")
            return None

    def _store(self, listing: _Listing, name: str) -> None:
        try:
            stored = self._cipher.encrypt(listing.to_json().encode())
            if len(stored) > _LARGEST:
                raise ValueError("too long")
            replace_shared(name, stored)
        except SharedFileError as error:
            _say_why_alone(f"A listing cannot be shared: {error}")
        except _DAMAGE as error:
            _say_why_alone(f"A listing cannot be shared ({type(error).__name__})")


@cache
def _say_why_alone(reason: str) -> None:
    log.warning(
        "%s, so this process reads the vendor's records by itself. Others of this machine read them as well, which "
        "spends the account's requests.",
        reason,
    )
