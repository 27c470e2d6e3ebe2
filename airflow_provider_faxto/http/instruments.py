"""Keeping requests out of what records HTTP in a process: Sentry and OpenTelemetry.

Both record each request with its URL, where a key and a recipient may stand, and both add headers to it that tell the
vendor which trace it belongs to. They are looked for where they are loaded already, as Airflow's own integrations load
them; the package needs neither.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["unseen_by_instruments"]

log = logging.getLogger(__name__)

# The instrumentations have looked for either text at one time or another, and for the keys that stand in these names.
_SUPPRESSED = ("suppress_instrumentation", "suppress_http_instrumentation")
_SUPPRESSED_BY_NAME = ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")


@contextlib.contextmanager
def unseen_by_instruments() -> Iterator[None]:
    """Let Sentry and OpenTelemetry record nothing of this thread's requests, until the block ends.

    What they have recorded before stays as it is, and they go on after it. A release of theirs that cannot be told so
    is a warning in the log, once in a process, and no error: a fax does not fail for it.
    """
    with contextlib.ExitStack() as stack:
        for name, silence in (("sentry_sdk", _silence_sentry), ("opentelemetry.context", _silence_opentelemetry)):
            module = sys.modules.get(name)
            if module is None:
                continue
            try:
                stack.enter_context(silence(module))
            except Exception as error:  # noqa: BLE001 - whatever another release may raise
                _warn(name, type(error).__name__)
        yield


@contextlib.contextmanager
def _silence_sentry(sentry: Any) -> Iterator[None]:  # noqa: ANN401 - the module, of any release
    if not hasattr(sentry, "new_scope"):
        # Before 2.0: without a client of its own a hub records nothing.
        with sentry.Hub():
            yield
        return
    with sentry.new_scope() as scope:
        # Not set_client(): that also changes what every event of the process says of it.
        scope.client = _silent_client(sentry.client.NonRecordingClient)
        yield


@cache
def _silent_client(base: type[Any]) -> Any:  # noqa: ANN401 - Sentry's type
    """Make a client without integrations that records nothing.

    Sentry passes over a client that is not active, and takes the process's own.
    """

    class _Silent(base):  # type: ignore[misc]
        def is_active(self) -> bool:
            return True

    return _Silent()


@contextlib.contextmanager
def _silence_opentelemetry(context: Any) -> Iterator[None]:  # noqa: ANN401 - the module, of any release
    named = (getattr(context, name, None) for name in _SUPPRESSED_BY_NAME)
    current = context.get_current()
    for key in (*_SUPPRESSED, *filter(None, named)):
        current = context.set_value(key, True, current)  # noqa: FBT003 - not ours
    token = context.attach(current)
    try:
        yield
    finally:
        context.detach(token)


@cache
def _warn(name: str, reason: str) -> None:
    log.warning(
        "%s is loaded and cannot be told to leave the requests to the fax vendor out (%s): it may record their URLs, "
        "with the API key and the recipient.",
        name,
        reason,
    )
