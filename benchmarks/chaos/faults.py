"""The rows of the bench: what goes wrong, from when to when, and for whom."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waits import OURS, WAYS, add_connection, read_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate import Gates
    from installation import Installation
    from waits import Group

OLD_PASSWORD, NEW_PASSWORD = "fake-password", "fake-password-2"
_CLOCK_BACK = -3600.0
_HOLDER = (
    "import fcntl, sys, time; fcntl.flock(open(sys.argv[1], 'r+'), fcntl.LOCK_EX); print(flush=True); time.sleep(600)"
)


@dataclass
class Scene:
    """What a fault may lay hands on.

    :param installation: Airflow.
    :param gates: the gateways by way.
    :param groups: the waits of this row.
    """

    installation: Installation
    gates: dict[str, Gates]
    groups: list[Group]
    kept: dict[str, Any] = field(default_factory=dict)

    def of_gates(self, call: str, *args: Any, **given: Any) -> None:
        """Tell the row's gateways something."""
        for group in self.groups:
            getattr(self.gates[group.way], call)(group.row, *args, **given)

    def count_file(self) -> Path:
        """Find the file in which our provider counts the account's requests."""
        from airflow_provider_faxto.hooks.fax import POLLING, FaxHook

        (group,) = (group for group in self.groups if group.way == OURS)
        with tempfile.TemporaryDirectory() as folder:
            before, tempfile.tempdir = tempfile.tempdir, folder
            try:
                connection = read_connection(group.conn_id)
                hook = FaxHook.for_resolved_connection(connection, extra=connection.extra_dejson, patience=POLLING)
                with contextlib.closing(hook):
                    hook.rate_limit.room()
                (found,) = Path(folder).glob("*/*.json")
            finally:
                tempfile.tempdir = before
        (shared,) = self.installation.temporary.glob("airflow-provider-faxto-*")
        return shared / found.name


@dataclass(frozen=True)
class Row:
    """One row.

    :param name: its name, in the recorded figures.
    :param title: what happens.
    :param begin: begins the fault.
    :param end: ends it.
    :param later: what happens 8 seconds after the fault's begin.
    :param from_start: whether the fault begins before the waits do, and not after the first looks.
    :param lasts: whether it goes on until all waits have ended.
    :param ways: whom it can befall.
    :param vendor: whom our provider asks.
    :param alone: whether it befalls the whole installation, so that no other row runs beside it.
    :param excuses: until what a deadline in the fault is excused: ``fault``, its end; ``triggerer``, until a triggerer
        runs again; ``None``: not at all.
    :param needs: an attribute of the installation without which the row cannot be run.
    """

    name: str
    title: str
    begin: Callable[[Scene], object]
    end: Callable[[Scene], object] | None = None
    later: Callable[[Scene], object] | None = None
    from_start: bool = False
    lasts: bool = False
    ways: tuple[str, ...] = tuple(WAYS)
    vendor: str = "interfax"
    alone: bool = False
    excuses: str | None = None
    needs: str | None = None


def _gateway(name: str, title: str, kind: str, *, vendor: str = "interfax", lasts: bool = False, **given: Any) -> Row:
    """Make the row of a fault that the gateways know."""
    return Row(
        name,
        title,
        lambda scene: scene.of_gates("fault", kind, **given),
        lambda scene: scene.of_gates("clear"),
        vendor=vendor,
        lasts=lasts,
    )


def _hide_connections(scene: Scene) -> None:
    for group in scene.groups:
        scene.installation.database.execute(
            "UPDATE connection SET conn_id = %s WHERE conn_id = %s", [f"hidden_{group.conn_id}", group.conn_id]
        )


def _show_connections(scene: Scene) -> None:
    for group in scene.groups:
        scene.installation.database.execute(
            "UPDATE connection SET conn_id = %s WHERE conn_id = %s", [group.conn_id, f"hidden_{group.conn_id}"]
        )


def _rotate_in_airflow(scene: Scene) -> None:
    for group in scene.groups:
        add_connection(group.conn_id, password=NEW_PASSWORD)


def _spoil_count(scene: Scene) -> None:
    scene.count_file().write_bytes(b'\xff\xfe{"taken": [1e999, "\x00"' + bytes(range(256)))


def _hold_lock(scene: Scene) -> None:
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(scene.count_file())], stdout=subprocess.PIPE)
    scene.kept["holder"] = holder
    # It has the lock once it says so.
    if holder.stdout is not None:
        holder.stdout.readline()
    os.kill(holder.pid, signal.SIGSTOP)


def _release_lock(scene: Scene) -> None:
    scene.kept["holder"].kill()
    scene.kept["holder"].wait()


def _restart(scene: Scene) -> None:
    scene.installation.kill_triggerers()
    scene.installation.start_triggerers()


def _take_down(scene: Scene) -> None:
    scene.installation.kill_triggerers()


def _bring_back(scene: Scene) -> None:
    scene.installation.start_triggerers()


def _stop_database(scene: Scene) -> None:
    scene.installation.stop_database()


def _start_database(scene: Scene) -> None:
    scene.installation.start_database()


ROWS = [
    _gateway("unknown", "404 in the API's own form, for 20 s", "unknown"),
    _gateway(
        "unknown_at_times", "404 in the API's own form, for one request in ten", "unknown", chance=0.1, lasts=True
    ),
    _gateway("html_404", "404 of a gateway (HTML)", "status", status=404),
    _gateway("html_404_faxto", "404 of a gateway (HTML), at Fax.to", "status", vendor="faxto", status=404),
    _gateway("403_empty", "403 of a gateway, empty", "status", status=403, body="empty"),
    _gateway("403_json", "403 of a gateway, JSON", "status", status=403, body="json"),
    _gateway("403_html", "403 of a gateway, HTML", "status", status=403),
    _gateway("500", "500", "status", status=500),
    _gateway("502_at_times", "502, for one request in ten", "status", status=502, chance=0.1, lasts=True),
    _gateway("503", "503", "status", status=503),
    _gateway("429", "429, with `Retry-After: 5`", "status", status=429, body="json", retry_after="5"),
    _gateway("html_200", "200 with an HTML page", "status", status=200),
    _gateway("reset", "connection reset", "reset"),
    Row(
        "refused",
        "connection refused: the vendor is down",
        lambda scene: scene.of_gates("shut"),
        lambda scene: scene.of_gates("reopen"),
    ),
    _gateway("slow_status_line", "status line that drips", "slow_status_line"),
    _gateway("slow_headers", "headers that drip", "slow_headers"),
    _gateway("slow_chunks", "chunk sizes that drip", "slow_chunks"),
    _gateway("slow_trailers", "trailers that drip", "slow_trailers"),
    _gateway("endless_continue", "endless `100 Continue`", "endless_continue"),
    _gateway("endless_body", "body that never ends", "endless_body"),
    _gateway("bomb", "gzip bomb", "bomb"),
    _gateway("list_fails", "list call fails (500), single calls work", "list_fails", lasts=True),
    _gateway("bad_byte", "one bad byte in a list of a hundred", "spoil_text", text='"\xff\xfe"', lasts=True),
    _gateway("surrogate", "half a surrogate pair in `subject`", "spoil_text", text='"a\\ud800"', lasts=True),
    _gateway("nul", "U+0000 in `subject`", "spoil_text", text='"a\\u0000b"', lasts=True),
    Row(
        "connection_hidden_at_start",
        "connection not to be looked up when the waits begin",
        _hide_connections,
        _show_connections,
        from_start=True,
    ),
    Row("connection_hidden", "connection not to be looked up, later", _hide_connections, _show_connections),
    Row(
        "password",
        "password rotated at the vendor, 8 s later in Airflow",
        lambda scene: scene.of_gates("fault", "password", old=OLD_PASSWORD, new=NEW_PASSWORD),
        later=_rotate_in_airflow,
        lasts=True,
    ),
    Row("odd_bytes", "odd bytes in the shared count's file", _spoil_count, ways=(OURS,), lasts=True),
    Row(
        "lock_held",
        "lock of the shared count held by a stopped process",
        _hold_lock,
        _release_lock,
        ways=(OURS,),
        lasts=True,
    ),
    Row(
        "no_space",
        "no space for temporary files",
        lambda scene: scene.installation.fill_temporary(),
        lambda scene: scene.installation.empty_temporary(),
        ways=(OURS,),
        from_start=True,
        lasts=True,
        alone=True,
        needs="has_own_file_system",
    ),
    Row(
        "read_only",
        "temporary files on a read-only file system",
        lambda scene: scene.installation.protect_temporary(),
        lambda scene: scene.installation.unprotect_temporary(),
        ways=(OURS,),
        lasts=True,
        alone=True,
        needs="has_own_file_system",
    ),
    Row(
        "no_thread",
        "no thread can be started when the waits begin",
        lambda scene: scene.installation.limit_threads(),
        lambda scene: scene.installation.unlimit_threads(),
        from_start=True,
        alone=True,
        needs="is_root",
    ),
    Row("triggerer_killed", "triggerer killed, started again", _restart, alone=True, excuses="triggerer"),
    Row(
        "triggerer_down",
        "triggerer down past the deadline",
        _take_down,
        _bring_back,
        alone=True,
        excuses="triggerer",
    ),
    Row(
        "database_down",
        "PostgreSQL out of reach for 20 s",
        _stop_database,
        _start_database,
        alone=True,
        excuses="triggerer",
    ),
    Row(
        "clock_back",
        "clock set back an hour, and right again",
        lambda scene: scene.installation.set_clock(_CLOCK_BACK),
        lambda scene: scene.installation.set_clock(0.0),
        alone=True,
        excuses="fault",
    ),
]
"""All rows. Those that are not alone run side by side, each with connections, gateways and accounts of its own."""
