"""What a template made of an argument: hidden in the rendered fields where it is private, then read.

Airflow stores the rendered fields of a task and shows them to everybody who may see the DAG. It masks texts alone, so
what is private and not a text must not stay there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from airflow.providers.common.compat.sdk import mask_secret

from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxInputError, FaxNumberError

__all__ = ["NATIVE_HINT", "hide", "is_unset", "read_documents", "read_number_text", "read_text"]

NATIVE_HINT = (
    "With render_template_as_native_obj Airflow makes a number of digits alone: put the template in quotes of its own, "
    "such as \"'{{ params.value }}'\"."
)
_NOTHING = {"", "none"}


class Hidden(str):
    """What stands in a field in place of a value that Airflow would show in the clear: the name of its type."""

    __slots__ = ()


def is_unset(value: object) -> bool:
    """Tell whether a value, or what a template made of it, stands for nothing: ``None``, ``"None"`` or no text.

    :param value: the value.
    :return: whether it is so.
    """
    return value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def hide(value: Any) -> Any:  # noqa: ANN401 - whatever a template or another task gave
    """Mask every text in a value, and take out what Airflow cannot mask.

    :param value: the value: a text, a path, or any nesting of them.
    :return: the same, with a list for what a mapped task returned, and :class:`Hidden` for all that is neither text nor
        path.
    """
    if is_unset(value):
        return value
    if isinstance(value, (str, os.PathLike)) or hasattr(value, "open"):
        text = str(value)
        # A storage library may log a path in another form than it was given, so its last part is masked as well.
        for private in (text, text.rstrip("/").rpartition("/")[2]):
            if private:
                mask_secret(private)
        return value
    if isinstance(value, Mapping):
        hide([*value, *value.values()])
    elif isinstance(value, Collection) and not isinstance(value, (bytes, bytearray)):
        return [hide(each) for each in value]
    else:
        mask_secret(str(value))
    return Hidden(type(value).__name__)


def read_text(argument: str, value: object, *, is_required: bool = False) -> str | None:
    """Read an argument that is a text, which a template may have turned into something else.

    :param argument: the operator's argument, for the message.
    :param value: what was given for it.
    :param is_required: whether there must be one. Default: ``False``.
    :return: the text; that of a whole number, which loses nothing by it; ``None`` where it is not set.
    :raises FaxInputError: if it is something else, or is required and not set.
    """
    if is_unset(value):
        if is_required:
            raise FaxInputError(_nothing(argument, value))
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise FaxInputError(f"{argument} must be a text; it was rendered as {type(value).__name__}. {NATIVE_HINT}")


def read_number_text(value: object) -> str:
    """Read the fax number, which a template may have turned into something else than text.

    :param value: what was given for it, after :func:`hide`.
    :return: the text.
    :raises FaxNumberError: if it is not a text.
    """
    if is_unset(value):
        raise FaxNumberError(_nothing("fax_number", value))
    if isinstance(value, str) and not isinstance(value, Hidden):
        return value
    kind = str(value) if isinstance(value, Hidden) else type(value).__name__
    lost = " A number has lost its plus sign." if kind in ("int", "float") else ""
    raise FaxNumberError(f"fax_number must be a text; it was rendered as {kind}.{lost} {NATIVE_HINT}")


def read_documents(value: Any) -> Any:  # noqa: ANN401 - the hook reads each
    """Read the document or documents, which a template may have turned into something else.

    :param value: what was given for them, after :func:`hide`.
    :return: the same.
    :raises FaxDocumentError: if there is none, or one is neither a text nor a path.
    """
    for place, each in enumerate(value if isinstance(value, list) else [value], start=1):
        which = f"document (number {place} of {len(value)})" if isinstance(value, list) else "document"
        if is_unset(each):
            raise FaxDocumentError(_nothing(which, each))
        if isinstance(each, (Hidden, list)):
            kind = str(each) if isinstance(each, Hidden) else "list"
            raise FaxDocumentError(f"{which} must be a path or a storage URL; it was rendered as {kind}.")
    if isinstance(value, list) and not value:
        raise FaxDocumentError("document is an empty list; did the task upstream return one?")
    return value


def _nothing(argument: str, value: object) -> str:
    """Say that a required argument is not set."""
    what = "None" if value is None or str(value).strip() else "an empty text"
    return f"The template of {argument} rendered to {what}; did the task upstream return a value?"
