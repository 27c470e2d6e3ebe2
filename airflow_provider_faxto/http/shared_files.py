"""Small files that all processes of one user on one machine share: one folder, for that user alone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_faxto import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SharedFileError", "has_shared", "locked", "open_shared", "opened", "replace_shared"]

# Between two tries of a lock that another process holds.
_LOCK_PAUSE = 0.005


class SharedFileError(OSError):
    """The folder, or a file in it, cannot be used. The message says why, and shows no account."""


def has_shared(name: str) -> bool:
    """Tell whether there is a shared file of this name, without making it.

    :param name: the file's name.
    :return: whether it is there.
    """
    try:
        return (_folder() / name).is_file()
    except OSError:
        return False


def open_shared(name: str) -> int:
    """Open a shared file for reading and writing, and make it if it is not there.

    :param name: the file's name.
    :return: the open file, which no program that this process starts inherits.
    :raises SharedFileError: if others than this user could use the folder, or it cannot be written.
    """
    return _open(name, os.O_RDWR | os.O_CREAT)


@contextlib.contextmanager
def opened(name: str) -> Iterator[int]:
    """Have a shared file open while the ``with`` lasts.

    :param name: the file's name.
    :return: the open file; see :func:`open_shared`.
    :raises SharedFileError: as :func:`open_shared`.
    """
    file = open_shared(name)
    try:
        yield file
    finally:
        # Where a file lies on a network, closing it may fail.
        with contextlib.suppress(OSError):
            os.close(file)


def replace_shared(name: str, content: bytes) -> None:
    """Give a shared file other content, at once: who reads it sees the old one or the new one, whole.

    :param name: the file's name.
    :param content: the new content.
    :raises SharedFileError: as :func:`open_shared`; the file is as it was then.
    """
    written = f"{name}.{os.getpid()}.{threading.get_ident()}"
    file = _open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    folder = _folder()
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
        (folder / written).replace(folder / name)
    except OSError as error:
        with contextlib.suppress(OSError):
            (folder / written).unlink()
        raise _unusable(error) from None


@contextlib.contextmanager
def locked(file: int, *, max_wait: float = 0.0) -> Iterator[bool]:
    """Hold the lock of an open file while the ``with`` lasts, if it is free in time.

    :param file: the open file. Each opening of it locks by itself, so threads exclude each other as processes do.
    :param max_wait: for how many seconds to wait for the lock, since a process that holds it may have been stopped.
        Default: not at all.
    :return: whether the lock is held.
    :raises SharedFileError: if the file system has no locks.
    """
    until = clock.monotonic() + max_wait
    while not (is_held := _try_to_lock(file)) and clock.monotonic() < until:
        clock.sleep(_LOCK_PAUSE)
    try:
        yield is_held
    finally:
        if is_held:
            # Closing the file would not be enough: a process that was forked meanwhile has it open, and the lock too.
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)


def _try_to_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise _unusable(error) from None
    return True


def _open(name: str, flags: int) -> int:
    try:
        folder = _folder()
        try:
            found = folder.lstat()
        except FileNotFoundError:
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077:
            return os.open(folder / name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(error) from None
    raise SharedFileError(f"The folder {folder} cannot be used (it is not a folder of this user's alone)")


def _folder() -> Path:
    return _folder_of(tempfile.gettempdir(), os.getuid())


# A poller opens a file of it for each request.
@cache
def _folder_of(temporary: str, user: int) -> Path:
    return Path(temporary, f"airflow-provider-faxto-{user}")


def _unusable(error: OSError) -> SharedFileError:
    folder = "for temporary files"
    with contextlib.suppress(OSError):
        folder = str(_folder())
    return SharedFileError(f"The folder {folder} cannot be used ({type(error).__name__})")
