"""How an answer is shown: rows on the standard output, sentences and progress on the standard error."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_faxto.cli.answer import Answer

__all__ = ["progress", "show", "tell"]

# Wide enough for a row of everything, where no terminal says how wide it is.
_WIDTH_OF_A_FILE = 200
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tell(sentence: str) -> None:
    """Say a sentence to the person at the terminal.

    :param sentence: the sentence; no number and no name of a document in it.
    """
    # That it is not read must not change how a send is said to have ended.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{_writable(sentence, sys.stderr)}\n")
        sys.stderr.flush()


def show(answer: Answer, output: str) -> None:
    """Write an answer to the standard output.

    :param answer: the answer.
    :param output: ``table``, ``json`` or ``csv``.
    """
    writers: dict[str, Callable[[Answer], None]] = {"table": _write_table, "json": _write_json, "csv": _write_csv}
    try:
        writers[output](answer)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has closed the pipe; Python is not to complain of that when it exits.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        tell(f"The answer cannot be written ({type(error).__name__}).")


@contextlib.contextmanager
def progress(sentence: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal, and nowhere else, that something takes its time.

    :param sentence: what is being done.
    :return: a function that shows another sentence in its place.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.text import Text

    with Console(file=sys.stderr).status(Text(sentence)) as status:
        yield lambda text: status.update(Text(text))


def _write_json(answer: Answer) -> None:
    json.dump(list(answer.rows), sys.stdout, indent=2)
    sys.stdout.write("\n")


def _write_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    for row in answer.rows:
        writer.writerow([_writable(_cell(row[name]), sys.stdout) for name in answer.columns])


def _cell(value: object) -> str:
    """Write a value for a spreadsheet."""
    if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value):
        return f"'{value}"
    return "" if value is None else str(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write_table(answer: Answer) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def text(value: object) -> Text:
        # Text, so that brackets in a vendor's words are no markup.
        return Text("" if value is None else _writable(str(value), sys.stdout), overflow="fold")

    is_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if is_terminal else _WIDTH_OF_A_FILE)
    if answer.is_one:
        table = Table("field", "value")
        for row in answer.rows:
            for name in answer.columns:
                if row[name] is not None:
                    table.add_row(text(name), text(row[name]))
    else:
        names = [name for name in answer.listed or answer.columns if _is_told(name, answer.rows)]
        table = Table(*names)
        for row in answer.rows:
            table.add_row(*(text(row[name]) for name in names))
    console.print(table if answer.rows else "Nothing to show.")


def _is_told(name: str, rows: Any) -> bool:  # noqa: ANN401 - rows of an answer
    return any(row[name] is not None for row in rows)


def _writable(text: str, stream: Any) -> str:  # noqa: ANN401 - what stands for the standard output
    """Make a text one that a stream can encode."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
