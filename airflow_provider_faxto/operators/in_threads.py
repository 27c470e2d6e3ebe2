"""Calling something for many things at once, within a task."""

from __future__ import annotations

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["in_threads"]

T = TypeVar("T")
R = TypeVar("R")


def in_threads(call: Callable[[T], R], items: Sequence[T], threads: int) -> list[R]:
    """Call something for each of many things, a few at once.

    :param call: what to call.
    :param items: what to call it with.
    :param threads: how many at once.
    :return: what the calls returned, in the order of the items.
    :raises BaseException: what a call raises.
    """
    if not items:
        return []
    # By itself: what is looked up for the first and kept, such as a storage's connection, is there for the others.
    first = call(items[0])
    with ThreadPoolExecutor(threads) as pool:
        # What Airflow knows of the task is in the context; one that is in use cannot be entered again.
        return [first, *pool.map(lambda item: contextvars.copy_context().run(call, item), items[1:])]
