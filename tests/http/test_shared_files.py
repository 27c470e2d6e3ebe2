"""Small files that the processes of one user share: for that user alone, replaced whole, locked without waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from airflow_provider_faxto.http import shared_files
from airflow_provider_faxto.http.shared_files import SharedFileError, locked, open_shared, replace_shared


@pytest.fixture
def folder():
    """Where the files of this test lie."""
    return Path(shared_files.tempfile.gettempdir(), f"airflow-provider-faxto-{os.getuid()}")


@pytest.fixture
def open_file():
    """Give a function that opens a shared file for this test."""
    opened = []

    def run(name="count"):
        opened.append(open_shared(name))
        return opened[-1]

    yield run
    for file in opened:
        os.close(file)


def test_folder_and_file_are_of_this_user_alone(folder, open_file):
    open_file()

    [file] = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_file_is_opened_again_as_it_was_left(open_file):
    os.write(open_file(), b"6")

    assert os.read(open_file(), 10) == b"6"


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o755, 0o777])
def test_a_folder_that_others_could_use_is_not_used(folder, mode):
    folder.mkdir()
    folder.chmod(mode)

    with pytest.raises(SharedFileError, match="not a folder of this user's alone"):
        open_shared("count")


def test_a_link_in_place_of_the_file_is_not_followed(folder, open_file, tmp_path):
    open_file("other")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious")
    (folder / "count").symlink_to(elsewhere)

    with pytest.raises(SharedFileError):
        open_shared("count")
    assert elsewhere.read_text() == "precious"


def test_a_replaced_file_is_whole_for_who_has_it_open(folder, open_file):
    replace_shared("count", b"old")
    reader = open_file()
    replace_shared("count", b"new")

    assert (os.read(reader, 10), os.read(open_file(), 10)) == (b"old", b"new")
    assert [file.name for file in folder.iterdir()] == ["count"]


def test_a_file_that_cannot_be_replaced_is_as_it_was_and_nothing_is_left_over(folder, open_file):
    open_file()
    (folder / "listing").mkdir()

    with pytest.raises(SharedFileError):
        replace_shared("listing", b"new")
    assert sorted(file.name for file in folder.iterdir()) == ["count", "listing"]


def test_a_lock_excludes_every_other_opening_and_is_free_afterwards(open_file):
    with locked(open_file()) as first, locked(open_file()) as second:
        assert (first, second) == (True, False)
    with locked(open_file()) as third:
        assert third


def test_a_lock_is_free_although_a_forked_process_has_the_file_open(open_file):
    file = open_file()
    forked = os.dup(file)
    try:
        with locked(file):
            pass
        with locked(open_file()) as is_held:
            assert is_held
    finally:
        os.close(forked)


def test_a_lock_is_free_after_an_error(open_file):
    with pytest.raises(RuntimeError), locked(open_file()):
        raise RuntimeError
    with locked(open_file()) as is_held:
        assert is_held
