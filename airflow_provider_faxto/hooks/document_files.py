"""Where documents lie: a file of this machine or a path of a storage, and whether the connection allows the place.

A file is opened, and then what was opened is looked at: the system tells where the open file really lies, after every
link and ``..``. So it cannot be swapped between the check and the reading.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast
from urllib.parse import unquote

from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.fax.gates import refusal
from airflow_provider_faxto.fax.numbers import mask_numbers_in
from airflow_provider_faxto.vendors.parsing import is_plain_type

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DocumentPath",
    "DocumentRoots",
    "as_path",
    "describe_place",
    "is_local",
    "needed_for",
    "open_path",
    "open_source",
]

DocumentPath: TypeAlias = Any
"""A ``Path`` of this machine, or an ``ObjectStoragePath``, which is told by what it can do: its class differs between
releases of Airflow."""

# Which package reads a scheme; the extras are those of the packages' own documentation.
_STORAGE_PACKAGES = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
    "sftp": "apache-airflow-providers-sftp",
    "ssh": "apache-airflow-providers-sftp",
}
# Where ObjectStoragePath leads to this machine's own files.
_LOCAL = frozenset({"", "file", "local"})
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<conn_id>[^/@]*)@)?(?P<path>.*)", re.IGNORECASE | re.DOTALL)
# What the kernel makes up as it is read (proc(5), sysfs(5)): a process's environment, with its keys, is a file there.
_MADE_UP = frozenset(
    {
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "mqueue",
        "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
    }
)  # fmt: skip
_MOUNTS = Path("/proc/self/mountinfo")
_MADE_UP_FOLDERS = ("/proc", "/sys")
_F_GETPATH: int | None = getattr(fcntl, "F_GETPATH", None)
_LONGEST_PATH = 1024


@dataclass(frozen=True, slots=True)
class DocumentRoots:
    """The folders and storage prefixes below which the documents of a connection must lie.

    :param conn_id: the connection, for the messages.
    :param roots: the folders and prefixes. Default: every file of this machine, and every storage path that brings no
        connection of its own (``s3://conn@bucket``).
    """

    conn_id: str
    roots: tuple[str, ...] | None = None

    @staticmethod
    def is_root(text: str) -> bool:
        """Tell whether a text can be a root.

        :param text: the text.
        :return: whether it is an absolute folder or a storage prefix, without ``..``.
        """
        if ".." in PurePosixPath(text).parts or "\0" in text:
            return False
        return text.startswith("/") or (_URL.fullmatch(text) is not None and "::" not in text)

    def check_file(self, real_path: str) -> None:
        """Check where a file of this machine lies.

        :param real_path: its path, without links.
        :raises FaxNotAllowedError: if it does not lie below a root.
        """
        if self.roots is None:
            return
        folders = filter(None, map(_real_folder, self._local_roots()))
        if not any(Path(real_path).is_relative_to(folder) for folder in folders):
            raise refusal(
                self.conn_id,
                f"the document ({describe_place(Path(real_path))}) does not lie below a folder of document_roots, with "
                "links resolved",
            )

    def check_storage(self, path: DocumentPath) -> None:
        """Check where a document of a storage lies.

        :param path: its path.
        :raises FaxNotAllowedError: if it does not lie below a root, or brings a connection that no root names.
        """
        if self.roots is None:
            if _conn_id_of(path) is not None:
                raise refusal(
                    self.conn_id,
                    "the document's URL brings a connection of its own (conn@), which only a prefix of document_roots "
                    "can allow",
                )
            return
        # A storage with folders would follow the dots.
        climbs = any(part in ("..", ".") for part in re.split(r"[/\\]", str(getattr(path, "path", ".."))))
        if climbs or not any(_is_below(path, root) for root in self._storage_roots()):
            raise refusal(self.conn_id, "the document does not lie below a prefix of document_roots")

    def check_url(self, url: str) -> None:
        """Check a URL that a vendor shall fetch.

        :param url: the URL.
        :raises FaxNotAllowedError: if there are roots, and it does not lie below one of them.
        """
        if self.roots is None:
            return
        climbs = any(part in ("..", ".") for part in re.split(r"[/\\?#]", unquote(unquote(url))))
        prefixes = [f"{root.rstrip('/')}/" for root in self.roots if "://" in root]
        if climbs or not url.startswith(tuple(prefixes)):
            raise refusal(self.conn_id, "the document's URL does not lie below a prefix of document_roots")

    def refuse_unplaced(self, what: str) -> None:
        """Refuse a document that lies nowhere, where there are roots.

        :param what: what it is, for the message.
        :raises FaxNotAllowedError: if there are roots.
        """
        if self.roots is not None:
            raise refusal(self.conn_id, f"{what} does not lie below a folder or prefix of document_roots")

    def _local_roots(self) -> Iterator[str]:
        for root in self.roots or ():
            parts = _URL.fullmatch(root)
            if parts is None:
                yield root
            elif parts["scheme"].lower() in _LOCAL and not parts["conn_id"]:
                yield parts["path"]

    def _storage_roots(self) -> Iterator[DocumentPath]:
        for root in self.roots or ():
            # One whose storage cannot be used allows nothing.
            with contextlib.suppress(FaxDocumentError):
                path = _as_any_path(root)
                if not is_local(path):
                    yield path


_ANYWHERE = DocumentRoots("")


def _conn_id_of(path: DocumentPath) -> str | None:
    """Tell which connection a storage path brings: an attribute, or an option of older releases."""
    named = getattr(path, "conn_id", None) or getattr(path, "storage_options", {}).get("conn_id")
    return str(named) if named else None


def _is_below(path: DocumentPath, root: DocumentPath) -> bool:
    """Tell whether a storage path lies below another one of the same storage and connection."""
    prefix = str(root.path).rstrip("/")
    return (
        # A class of a DAG's own could tell one place and open another.
        type(path) is type(root)
        and path.protocol == root.protocol
        and _conn_id_of(path) == _conn_id_of(root)
        and str(path.path).startswith(f"{prefix}/")
    )


def as_path(source: str | os.PathLike[str], roots: DocumentRoots = _ANYWHERE) -> DocumentPath:
    """Give what a DAG names as a path, and check where a storage path leads.

    :param source: a local path, a URL that ``ObjectStoragePath`` reads, or an ``ObjectStoragePath``.
    :param roots: the places that the connection allows. Default: every one.
    :return: the path.
    :raises FaxDocumentError: if it is something else, or its storage cannot be used.
    :raises FaxNotAllowedError: if it is a storage path that the connection does not allow.
    """
    path = _as_any_path(source)
    if not is_local(path):
        roots.check_storage(path)
    return path


def is_local(path: DocumentPath) -> bool:
    """Tell whether a path is one of this machine.

    :param path: the path.
    :return: whether it is.
    """
    # On Airflow 2 an ObjectStoragePath is a Path too, whatever its storage.
    return isinstance(path, Path) and not hasattr(path, "protocol")


def describe_place(path: DocumentPath) -> str:
    """Tell where a document lies and of what type it is, without its name, which often tells a person's.

    :param path: the path.
    :return: such as ``a .pdf file in /srv/outbox``; of a storage without the place, since a bucket may be called
        after a person as well.
    """
    kind = path.suffix.lower()
    what = f"a {kind} file" if is_plain_type(kind[1:]) else "a file"
    # The folders of this machine are an administrator's.
    return f"{what} in {mask_numbers_in(str(path.parent))}" if is_local(path) else what


def needed_for(scheme: str) -> str:
    """Ask for the package that reads a scheme.

    :param scheme: the scheme, such as ``s3``.
    :return: a question for people.
    """
    package = _STORAGE_PACKAGES.get(scheme.lower(), f"the provider of its storage ({scheme}://)")
    return f"Is {package} installed on the worker?"


def open_path(path: DocumentPath, roots: DocumentRoots = _ANYWHERE, *, size: int | None = None) -> tuple[BinaryIO, str]:
    """Open a document for reading.

    :param path: the path.
    :param roots: the places that the connection allows. Default: every one.
    :param size: the size in bytes that a file of this machine must have. Default: any.
    :return: the open file, which the caller closes, and the extension of the file itself, with its dot.
    :raises FaxDocumentError: if a file of this machine is not a regular one, is one that the kernel makes up, or has
        another size.
    :raises FaxNotAllowedError: if it lies where the connection does not allow it.
    :raises OSError: if it cannot be opened. A storage library may raise errors of its own.
    """
    if not is_local(path):
        return cast("BinaryIO", path.open("rb")), str(path.suffix)
    with contextlib.ExitStack() as unless_good:
        found = _open_found(path)
        unless_good.callback(os.close, found)
        facts = os.fstat(found)
        if not stat.S_ISREG(facts.st_mode):
            raise FaxDocumentError(
                "The document cannot be read: it is not a regular file, but a directory, a pipe, a socket or a device."
            )
        real_path = _real_path_of(found)
        if _is_made_up(real_path, facts):
            raise FaxDocumentError(
                "The document cannot be read: it is not a file of a disk, but one that the system makes up, such as "
                "those below /proc."
            )
        roots.check_file(real_path)
        if size is not None and facts.st_size != size:
            raise FaxDocumentError("The document is no longer what it was when it was loaded.")
        return os.fdopen(_reopen_to_read(found), "rb", buffering=0), Path(real_path).suffix


def open_source(source: str) -> BinaryIO:
    """Open what an administrator has named in a connection.

    :param source: a local path or a storage URL.
    :return: the open file, which the caller closes.
    :raises OSError: if it cannot be opened. A storage library may raise errors of its own.
    """
    return open_path(_as_any_path(source))[0]


def _as_any_path(source: str | os.PathLike[str]) -> DocumentPath:
    """Give what a DAG names as a path, wherever it leads."""
    if isinstance(source, str) and "://" in source:
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        problem = ""
        try:
            return _as_local(ObjectStoragePath(source))
        except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
            problem = type(error).__name__
        raise FaxDocumentError(
            f"The document's storage cannot be used ({problem}). {needed_for(source.partition('://')[0])}"
        )
    if isinstance(source, str) or is_local(source):
        return Path(source)
    if hasattr(source, "suffix") and hasattr(source, "open"):
        return _as_local(source)
    if isinstance(source, os.PathLike):
        return Path(source)
    raise FaxDocumentError(
        f"A document must be a path, a storage URL or an ObjectStoragePath, not {type(source).__name__}."
    )


def _as_local(path: DocumentPath) -> DocumentPath:
    """Give a file of this machine as a ``Path``, however it is named."""
    return Path(path.path) if getattr(path, "protocol", None) in _LOCAL else path


def _open_found(path: Path) -> int:
    """Open a file without reading it, where the system can: opening a device may do something."""
    if hasattr(os, "O_PATH"):
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    # A pipe without a writer would hold up who opens it, for ever.
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def _reopen_to_read(found: int) -> int:
    """Open for reading what is open already: the same file, whatever its path leads to now."""
    if hasattr(os, "O_PATH"):
        return os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.dup(found)


def _real_path_of(opened: int) -> str:
    """Ask the system where an open file lies."""
    if _F_GETPATH is not None:
        real = os.fsdecode(fcntl.fcntl(opened, _F_GETPATH, bytes(_LONGEST_PATH)).rstrip(b"\0"))
    else:
        try:
            real = os.readlink(f"/proc/self/fd/{opened}")  # noqa: PTH115 - a text, as the system gave it
        except OSError:
            raise FaxDocumentError(
                "The document cannot be read: this system does not tell where an open file lies (no /proc)."
            ) from None
    with contextlib.suppress(OSError):
        if os.path.samestat(os.stat(real), os.fstat(opened)):  # noqa: PTH116 - as above
            return real
    raise FaxDocumentError("The document was moved or deleted while it was opened.")


def _real_folder(folder: str) -> str:
    """Tell where a folder lies without links, as the system names it; empty if it is not there."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return _real_path_of(opened)
    finally:
        os.close(opened)


def _is_made_up(real_path: str, facts: os.stat_result) -> bool:
    """Tell whether a file is one that the kernel makes up as it is read."""
    if any(Path(real_path).is_relative_to(folder) for folder in _MADE_UP_FOLDERS):
        return True
    device = f"{os.major(facts.st_dev)}:{os.minor(facts.st_dev)}"
    with contextlib.suppress(OSError), _MOUNTS.open(encoding="utf-8", errors="replace") as mounts:
        for mount in mounts:
            # "36 35 98:0 /root /mount/point options - type source options"; see proc(5).
            before, _, after = mount.partition(" - ")
            if before.split(" ", 3)[2] == device:
                return after.split(" ", 1)[0] in _MADE_UP
    return False
