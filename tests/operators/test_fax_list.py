"""The list of faxes: from what a DAG gives, or a file, to its lines."""

from __future__ import annotations

import csv
import io
import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxInputError
from airflow_provider_faxto.operators.fax_list import LINE_FIELDS, BadLine, FaxLine, read_fax_list

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = "+1 202 555 0187"
LINE = {"label": "clinic-1", "fax_number": NUMBER, "document": "/srv/jane_doe.pdf"}


def read(faxes: Any) -> list[FaxLine | BadLine]:
    return list(read_fax_list(faxes))


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> str:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return str(path)


def fields(line: FaxLine | BadLine) -> tuple[object, ...]:
    assert isinstance(line, FaxLine)
    return tuple(getattr(line, name) for name in LINE_FIELDS)


@pytest.mark.parametrize("form", [list, tuple, json.dumps, str, iter])
def test_a_list_of_mappings_is_read_in_whatever_form_it_comes(form: Any) -> None:
    [line] = read(form([LINE]))
    assert fields(line) == ("clinic-1", NUMBER, "/srv/jane_doe.pdf", None, None)
    assert line.place == "fax 1 of the list"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_file_names_its_fields_in_the_first_line(delimiter: str, encoding: str, tmp_path: Path) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["fax_number", "label", "options", "document"])
    writer.writerow([NUMBER, "clinic-1", '{"resolution": "fine"}', ""])
    writer.writerow([])
    writer.writerow([NUMBER, 'Prä "x"\nAnne', "", '["/a.pdf", "/b.pdf"]'.replace(",", ", ")])
    path = write(tmp_path, "list.csv", out.getvalue(), encoding)
    first, second = read(path)
    assert fields(first) == ("clinic-1", NUMBER, None, '{"resolution": "fine"}', None)
    # A label stands in one line of a log.
    assert isinstance(second, BadLine)
    assert (first.place, second.place) == ("line 2", "line 5")


def test_a_csv_line_may_name_several_documents(tmp_path: Path) -> None:
    path = write(tmp_path, "list.csv", 'label,document\none,"[""/a.pdf"", ""/b.pdf""]"\n')
    [line] = read(path)
    assert fields(line)[2] == ["/a.pdf", "/b.pdf"]


@pytest.mark.parametrize("name", ["list.jsonl", "LIST.NDJSON", "list.json"])
def test_a_file_of_json_lines_has_one_fax_on_each(name: str, tmp_path: Path) -> None:
    lines = [{**LINE, "options": {"resolution": "fine"}}, {**LINE, "label": 7, "idempotency_key": "claim"}]
    path = write(tmp_path, name, "\n\n".join(map(json.dumps, lines)))
    first, second = read(path)
    assert fields(first)[3] == {"resolution": "fine"}
    assert (fields(second)[0], fields(second)[4], second.place) == ("7", "claim", "line 3")


@pytest.mark.parametrize("form", [str, lambda path: f"file://{path}", lambda path: ObjectStoragePath(f"file://{path}")])
def test_a_file_is_named_by_a_path_or_a_url(form: Any, tmp_path: Path) -> None:
    path = write(tmp_path, "list.jsonl", json.dumps(LINE))
    assert [line.label for line in read(form(path))] == ["clinic-1"]


def test_a_file_may_lie_in_a_storage() -> None:
    try:
        from airflow.sdk.io import attach
    except ImportError:
        from airflow.io.store import attach
    storage = MemoryFileSystem()
    attach(protocol="memory", fs=storage)
    storage.pipe("/faxes/list.csv", f"label,fax_number\nclinic-1,{NUMBER}\nclinic-2,{NUMBER}\n".encode())
    assert [line.label for line in read("memory://faxes/list.csv")] == ["clinic-1", "clinic-2"]


def test_a_file_is_read_as_it_comes(tmp_path: Path) -> None:
    path = write(tmp_path, "list.jsonl", f"{json.dumps(LINE)}\n" + "x" * 1_000_002)
    lines = read_fax_list(path)
    assert next(lines).label == "clinic-1"
    with pytest.raises(FaxInputError, match="longer than"):
        next(lines)


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({}, "label"),
        ({"label": ""}, "label"),
        ({"label": "None"}, "label"),
        ({"label": ["a"]}, "label"),
        ({"label": "a\nb"}, "printable"),
        ({"label": "x" * 201}, "printable"),
        ({"label": "\ud800"}, "printable"),
        ({**LINE, "faxnumber": NUMBER}, "Did you mean fax_number?"),
        ({**LINE, "jane_doe": 1}, "no field"),
        ({**LINE, 1: 2}, "no field"),
        ("clinic-1", "not a mapping"),
        (None, "not a mapping"),
    ],
)
def test_what_is_wrong_with_one_line_is_told_of_that_line(entry: Any, what: str) -> None:
    bad, good = read([entry, LINE])
    assert isinstance(bad, BadLine)
    assert what in str(bad.error)
    assert str(bad).startswith("fax 1 of the list")
    assert "jane_doe" not in str(bad)
    assert NUMBER not in str(bad)
    assert good.label == "clinic-1"


def test_a_label_and_an_identity_stand_for_one_line() -> None:
    key = {**LINE, "idempotency_key": "claim"}
    first, same_label, other, same_key = read([key, LINE, {**LINE, "label": "clinic-2"}, {**key, "label": "clinic-3"}])
    assert isinstance(first, FaxLine)
    assert isinstance(other, FaxLine)
    assert "fax 1 of the list has the same label" in str(same_label)
    assert "fax 1 of the list has the same idempotency_key" in str(same_key)
    assert len({line.label for line in (first, same_label, other, same_key)}) == 4


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("jane_doe.txt", "", "is called .csv"),
        ("jane_doe.csv", "", "names its fields"),
        ("jane_doe.csv", "fax_number\n+1", "names its fields"),
        ("jane_doe.csv", "label,label\na,b", "names its fields"),
        ("jane_doe.csv", "clinic-1,+12025550187\n", "names its fields"),
        ("jane_doe.csv", "label,fax_numbr\n", "Did you mean fax_number?"),
        ("jane_doe.csv", "label\n" + "x" * 200_000, "not CSV"),
    ],
)
def test_what_is_wrong_with_the_whole_file_shows_neither_its_name_nor_its_content(
    name: str, content: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(FaxInputError, match=what) as raised:
        read(write(tmp_path, name, content))
    for private in ("jane_doe", "2025550187", "clinic-1"):
        assert private not in str(raised.value)


def test_a_file_that_is_not_utf_8_is_told_as_such(tmp_path: Path) -> None:
    path = write(tmp_path, "list.csv", "label\nPrä\n", "latin-1")
    with pytest.raises(FaxInputError, match="UTF-8"):
        read(path)


@pytest.mark.parametrize("faxes", ["/nowhere/jane_doe.csv", "s3://nowhere/jane_doe.jsonl", "nope://jane_doe.csv"])
def test_a_file_that_cannot_be_read_is_told_without_its_name(faxes: str) -> None:
    with pytest.raises(FaxInputError) as raised:
        read(faxes)
    assert "jane_doe" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("faxes", [None, "", "None", 7, {"label": "a"}, b"x", "[1, 2"])
def test_what_is_no_list_is_an_error(faxes: Any) -> None:
    with pytest.raises(FaxInputError):
        read(faxes)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
LABEL = (
    st.text(string.ascii_letters + string.digits + " ,;\"'-äé", min_size=1, max_size=20)
    .map(str.strip)
    .filter(lambda text: text and text.lower() != "none")
)


@given(st.lists(st.tuples(LABEL, TEXT), unique_by=lambda row: row[0], max_size=8))
def test_what_a_spreadsheet_writes_is_read_as_it_was(tmp_path_factory: Any, rows: list[tuple[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["label", "fax_number"])
    writer.writerows(rows)
    path = write(tmp_path_factory.mktemp("list"), "list.csv", out.getvalue())
    lines = read(path)
    assert [line.label for line in lines] == [label for label, _ in rows]
    assert all(isinstance(line, FaxLine) for line in lines)


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl"]))
def test_any_bytes_give_lines_or_one_of_our_errors(tmp_path_factory: Any, content: bytes, extension: str) -> None:
    path = tmp_path_factory.mktemp("list") / f"list.{extension}"
    path.write_bytes(content)
    try:
        lines = read(str(path))
    except FaxInputError:
        return
    assert all(isinstance(line, (FaxLine, BadLine)) for line in lines)
    assert len({line.label for line in lines}) == len(lines)
