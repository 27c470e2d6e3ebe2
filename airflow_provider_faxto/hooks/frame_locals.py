"""Emptying the frames of an error's traceback before it leaves the package.

What reports errors (Sentry, a rich traceback) shows the local variables of each frame as well, and below a call of a
hook a key, a recipient or an answer of the vendor stands there. The lines of the traceback stay as they are.
"""

from __future__ import annotations

import functools
import sys
import traceback
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["clear_frames", "forgets_locals"]

P = ParamSpec("P")
T = TypeVar("T")


def forgets_locals(call: Callable[P, T]) -> Callable[P, T]:
    """Let a function raise errors whose frames, its own and all below, hold no local variables.

    :param call: the function or method.
    :return: the same.
    """

    @functools.wraps(call)
    def calling(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exception()
        try:
            return call(*args, **kwargs)
        except BaseException as error:
            # This frame is in the traceback as well, and still runs.
            del args, kwargs
            clear_frames(error, up_to=handled)
            raise

    return calling


def clear_frames(error: BaseException, *, up_to: BaseException | None = None) -> None:
    """Take the local variables out of the frames that an error and all it came of went through and left.

    :param error: the error.
    :param up_to: an error whose frames stay as they are, such as one that the caller handles. Default: none.
    """
    seen: list[BaseException | None] = [None, up_to]
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or any(each is other for other in seen):
            continue
        seen.append(each)
        traceback.clear_frames(each.__traceback__)
        waiting += [each.__cause__, each.__context__]
