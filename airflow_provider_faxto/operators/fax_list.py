"""The list of faxes of ``SendFaxesOperator``: from what a DAG gives, or a file, to its lines, one by one.

A file is read as it comes, so that ten thousand lines take no more memory than one. No message tells a number or a
document, nor what the file is called: a line is named by its place and its label.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.fax.options import did_you_mean
from airflow_provider_faxto.operators.rendered import is_unset, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_faxto.fax.errors import FaxError

__all__ = ["LINE_FIELDS", "BadLine", "FaxLine", "read_fax_list"]

LINE_FIELDS = ("label", "fax_number", "document", "options", "idempotency_key")
"""What a line of the list may hold."""

_JSON_LINES = (".jsonl", ".ndjson", ".json")
_LONGEST_LABEL = 200
_LONGEST_LINE = 1_000_000
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class FaxLine:
    """One line of the list. ``repr()`` shows its place and its label alone.

    :param place: where it stands: ``line 4``.
    :param label: what the user calls the fax, and what tells it from the others.
    :param fax_number: the recipient, not read yet.
    :param document: the document or documents, not read yet; ``None`` for the task's own.
    :param options: what to set for this fax, not read yet; ``None`` for nothing beside the task's own.
    :param idempotency_key: the user's own identity of the fax, not read yet; ``None`` for none.
    """

    place: str
    label: str
    fax_number: object = field(default=None, repr=False)
    document: object = field(default=None, repr=False)
    options: object = field(default=None, repr=False)
    idempotency_key: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of which no fax can be made.

    :param place: where it stands.
    :param label: its label; the place again where it has none of its own.
    :param error: what is wrong with it.
    """

    place: str
    label: str
    error: FaxError

    def __str__(self) -> str:
        """Say what is wrong, and where."""
        named = self.place if self.label.startswith(self.place) else f"{self.place} ({self.label})"
        return f"{named}: {self.error}"


def read_fax_list(faxes: object) -> Iterator[FaxLine | BadLine]:
    """Read the list of faxes.

    :param faxes: a list of mappings, JSON or a printed list of them; or the path of a file that ``ObjectStoragePath``
        reads, with a line for each fax: CSV with the names of the fields in its first line, or JSON-lines.
    :return: its lines, in order. Each label and each ``idempotency_key`` stands for one line: the second one with the
        same is a bad line.
    :raises FaxInputError: if it is none of these, or the file cannot be read to its end.
    """
    labels: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in _lines_of(faxes):
        if isinstance(line, FaxLine):
            twin = _find_twin(line, labels, keys)
            if twin is not None:
                # Two entries of the result bear two labels.
                yield BadLine(line.place, f"{line.place} ({line.label})", FaxInputError(twin))
                continue
            labels[line.label] = line.place
        yield line


def _find_twin(line: FaxLine, labels: Mapping[str, str], keys: dict[str, str]) -> str | None:
    """Say which line before has the same identity; note this one's if none has."""
    if line.label in labels:
        return f"{labels[line.label]} has the same label; a label stands for one fax."
    key = None if is_unset(line.idempotency_key) else str(line.idempotency_key).strip()
    if key is None:
        return None
    if key in keys:
        return f"{keys[key]} has the same idempotency_key, which stands for one fax."
    keys[key] = line.place
    return None


def _lines_of(faxes: object) -> Iterator[FaxLine | BadLine]:
    if is_unset(faxes):
        raise FaxInputError("faxes rendered to nothing; did the task upstream return a list?")
    if isinstance(faxes, str) and faxes.lstrip().startswith("["):
        faxes = _read_list_text(faxes)
    if isinstance(faxes, (str, os.PathLike)) or hasattr(faxes, "open"):
        yield from _lines_of_file(str(faxes))
    elif isinstance(faxes, Iterable) and not isinstance(faxes, (Mapping, bytes, bytearray)):
        for number, entry in enumerate(faxes, start=1):
            yield _line(f"fax {number} of the list", entry)
    else:
        raise FaxInputError(
            f"faxes must be a list of mappings or the path of a file; it is of type {type(faxes).__name__}."
        )


def _read_list_text(text: str) -> list[Any]:
    """Read a list that a template has turned into text, as JSON or as Python prints it."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list):
            return value
    raise FaxInputError("faxes rendered to a text that begins as a list and is none.")


def _lines_of_file(path: str) -> Iterator[FaxLine | BadLine]:
    """Read a file as it comes; whatever ends that is an error about the whole list."""
    from airflow_provider_faxto.hooks.document_files import open_source

    extension = PurePosixPath(path).suffix.lower()
    read = _csv_lines if extension == ".csv" else _json_lines if extension in _JSON_LINES else None
    if read is None:
        raise FaxInputError("A file of faxes is called .csv, .jsonl, .ndjson or .json (JSON-lines); this one is not.")
    problem = ""
    try:
        with open_source(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            yield from read(text)
    except FaxInputError as error:
        problem = str(error)
    except UnicodeDecodeError:
        problem = "The file of faxes is not UTF-8. Save it as UTF-8."
    except csv.Error as error:
        problem = f"The file of faxes is not CSV as Python reads it ({error})."
    except Exception as error:  # noqa: BLE001 - each storage library has errors of its own
        problem = f"The file of faxes cannot be read ({type(error).__name__}). Check that the worker may read it."
    if problem:
        # Outside the handler, so that the library's error, which tells the name, does not stay attached.
        raise FaxInputError(problem)


def _csv_lines(text: io.TextIOWrapper) -> Iterator[FaxLine | BadLine]:
    head = text.readline(_LONGEST_LINE)
    delimiter = max(_DELIMITERS, key=head.count)
    names = [name.strip() for name in next(csv.reader([head], delimiter=delimiter), [])]
    problem = _check_names(names)
    if "label" not in names or problem or len(set(names)) < len(names):
        raise FaxInputError(
            f"The first line of a CSV file of faxes names its fields, label among them, each once.{problem or ''} "
            f"There are {', '.join(LINE_FIELDS)}."
        )
    rows = csv.reader(text, delimiter=delimiter)
    for row in rows:
        place = f"line {rows.line_num + 1}"
        if not row or not any(value.strip() for value in row):
            continue
        if len(row) > len(names):
            yield BadLine(place, place, FaxInputError(f"It has {len(row)} fields, and the first line {len(names)}."))
            continue
        entry: dict[str, Any] = dict(zip(names, row, strict=False))
        document = entry.get("document", "")
        if document.lstrip().startswith("["):
            try:
                entry["document"] = _read_list_text(document)
            except FaxInputError:
                entry["document"] = document
        yield _line(place, entry)


def _json_lines(text: io.TextIOWrapper) -> Iterator[FaxLine | BadLine]:
    number = 0
    while line := text.readline(_LONGEST_LINE + 1):
        number += 1
        place = f"line {number}"
        if len(line) > _LONGEST_LINE:
            raise FaxInputError(f"Line {number} of the file of faxes is longer than {_LONGEST_LINE} characters.")
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            yield BadLine(place, place, FaxInputError("It is not JSON. JSON-lines has one object on each line."))
            continue
        yield _line(place, entry)


def _line(place: str, entry: object) -> FaxLine | BadLine:
    """Make a line of what stands in it."""
    if not isinstance(entry, Mapping):
        return BadLine(place, place, FaxInputError(f"It is of type {type(entry).__name__}, not a mapping."))
    problem = _check_names(entry)
    if problem:
        return BadLine(place, place, FaxInputError(problem.strip()))
    try:
        label = _read_label(entry.get("label"))
    except FaxInputError as error:
        return BadLine(place, place, error)
    given = {name: None if is_unset(entry.get(name)) else entry.get(name) for name in LINE_FIELDS[1:]}
    return FaxLine(place, label, **given)


def _read_label(value: object) -> str:
    label = (read_text("label", value, is_required=True) or "").strip()
    if len(label) > _LONGEST_LABEL or not label.isprintable():
        raise FaxInputError(f"A label has 1 to {_LONGEST_LABEL} printable characters.")
    return label


def _check_names(names: Iterable[object]) -> str | None:
    """Say that there are names which are no fields of a fax; they may be a person's, so they are not shown."""
    unknown = [(number, name) for number, name in enumerate(names, start=1) if name not in LINE_FIELDS]
    if not unknown:
        return None
    likely = did_you_mean([name for _, name in unknown if isinstance(name, str)], LINE_FIELDS)
    return f" Name {', '.join(str(number) for number, _ in unknown)} of it is no field of a fax.{likely}"
