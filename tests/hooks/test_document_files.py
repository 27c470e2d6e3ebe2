"""Where a document lies: whatever leads out of the roots, nothing behind it is read."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.fax.errors import FaxDocumentError, FaxInputError, FaxNotAllowedError
from airflow_provider_faxto.hooks.document_files import DocumentRoots, as_path, open_path

INSIDE, OUTSIDE = b"inside", b"outside"
SAME_SIZE = {"in.txt": b"inside!", "out.txt": b"outside"}


def read(source, roots):
    """Read what a hook would read of a document."""
    file, _ = open_path(as_path(source, roots), roots)
    with file:
        return file.read()


def roots_of(*roots):
    return DocumentRoots("clinic_fax", tuple(map(str, roots)) if roots else None)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Give a folder with a root ``in``, whose every file says so, and an ``out`` beside it, with links between both."""
    top = tmp_path_factory.mktemp("tree")
    for name, content in (("in", INSIDE), ("out", OUTSIDE), ("in2", OUTSIDE), ("IN", OUTSIDE), ("i\u0308n", OUTSIDE)):
        folder = top / name / "deep"
        folder.mkdir(parents=True)
        (folder / "a.txt").write_bytes(content)
        (folder.parent / "a.txt").write_bytes(content)
    for folder in (top / "in", top / "in/deep"):
        (folder / "to_out").symlink_to(top / "out")
        (folder / "up").symlink_to("..")
        (folder / "out.txt").symlink_to(os.path.relpath(top / "out/a.txt", folder))
        (folder / "loop").symlink_to("loop")
        (folder / "proc").symlink_to("/proc")
    (top / "out/to_in").symlink_to(top / "in")
    return top


parts = st.sampled_from(
    ["in", "out", "deep", "..", ".", "", "to_out", "to_in", "up", "a.txt", "out.txt", "loop", "in2", "IN", "i\u0308n",
     "\u00efn", "proc", "self", "environ", "A.TXT", "a.txt\u200b"]
)  # fmt: skip


@given(st.lists(parts, max_size=7), st.booleans())
def test_no_path_leads_out_of_a_root(tree, names, as_url):
    path = f"{tree}/{'/'.join(names)}"
    try:
        content = read(f"file://{path}" if as_url else path, roots_of(tree / "in"))
    except (FaxInputError, OSError):
        return
    assert content == INSIDE


@given(st.lists(parts, max_size=5))
def test_a_path_that_stays_in_a_root_is_read(tree, names):
    path = Path(tree, "in", *names)
    try:
        expected = path.read_bytes()
        stays = path.resolve().is_relative_to(tree / "in")
    except (OSError, RuntimeError, ValueError):
        return
    if stays:
        assert read(path, roots_of(tree / "out", tree / "in")) == expected


@given(st.text(max_size=30))
def test_any_text_is_read_below_the_root_or_refused(tree, text):
    try:
        content = read(f"{tree}/in/{text}", roots_of(tree / "in"))
    except (FaxInputError, OSError, ValueError):
        return
    assert content == INSIDE


@pytest.mark.parametrize("root", ["in/..", "in/../in", "inn"])
def test_a_root_that_is_no_folder_of_its_own_allows_nothing_or_what_it_names(tree, root):
    if root == "inn":
        with pytest.raises(FaxNotAllowedError):
            read(tree / "in/a.txt", roots_of(tree / root))
    else:
        assert not DocumentRoots.is_root(f"{tree}/{root}")


def test_a_root_may_be_a_link_itself(tree):
    assert read(tree / "in/a.txt", roots_of(tree / "out/to_in")) == INSIDE


def test_a_root_of_storage_allows_no_local_file(tree):
    with pytest.raises(FaxNotAllowedError):
        read(tree / "in/a.txt", roots_of("s3://bucket"))


def test_a_file_that_is_swapped_all_the_time_never_shows_what_lies_outside(tree, tmp_path):
    path = tmp_path / "root/a.txt"
    path.parent.mkdir()
    (tmp_path / "out.txt").write_bytes(OUTSIDE)
    (path.parent / "in.txt").write_bytes(INSIDE)
    roots, stop = roots_of(path.parent), threading.Event()

    def swap():
        names = ["in.txt", "../out.txt"]
        while not stop.is_set():
            names.reverse()
            link = path.with_name("new")
            link.symlink_to(names[0])
            link.replace(path)

    swapper = threading.Thread(target=swap)
    path.symlink_to("in.txt")
    swapper.start()
    seen = set()
    try:
        for _ in range(2000):
            try:
                seen.add(read(path, roots))
            except (FaxNotAllowedError, FaxDocumentError):
                seen.add(None)
    finally:
        stop.set()
        swapper.join()
    assert OUTSIDE not in seen


@pytest.mark.parametrize(
    "path",
    ["/proc/self/environ", "/proc/self/cmdline", "/proc/version", "/sys/kernel/notes", "/proc/self/root/etc/hostname"],
)
@pytest.mark.parametrize("roots", [(), ("/",), ("/proc",)])
def test_what_the_kernel_makes_up_is_never_read(path, roots):
    if not Path(path).exists():
        pytest.skip("this machine has no such file")
    if path.startswith("/proc/self/root") and roots != ("/proc",):
        pytest.skip("leads to a file of the disk")
    with pytest.raises(FaxInputError):
        read(path, roots_of(*roots))


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/dev/tty", "/dev/stdin"])
def test_a_device_is_never_read(path):
    with pytest.raises((FaxDocumentError, OSError)):
        read(path, roots_of())


def test_a_file_behind_proc_is_known_by_where_it_really_lies(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(INSIDE)
    with path.open("rb") as file:
        assert read(f"/proc/self/fd/{file.fileno()}", roots_of(tmp_path)) == INSIDE
        with pytest.raises(FaxNotAllowedError):
            read(f"/proc/self/fd/{file.fileno()}", roots_of("/proc"))


def test_a_file_that_is_gone_while_it_is_open_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(INSIDE)
    with path.open("rb") as file:
        path.unlink()
        with pytest.raises(FaxDocumentError, match="moved or deleted"):
            read(f"/proc/self/fd/{file.fileno()}", roots_of(tmp_path))


@pytest.mark.parametrize(
    ("url", "root", "is_allowed"),
    [
        ("s3://bucket/in/a.pdf", "s3://bucket/in", True),
        ("s3://bucket/in/deep/a.pdf", "s3://bucket/in/", True),
        ("s3://bucket/a.pdf", "s3://bucket", True),
        ("s3://bucket/in2/a.pdf", "s3://bucket/in", False),
        ("s3://bucket/in", "s3://bucket/in", False),
        ("s3://bucket2/in/a.pdf", "s3://bucket/in", False),
        ("s3://bucket/IN/a.pdf", "s3://bucket/in", False),
        ("s3://bucket/in/../out/a.pdf", "s3://bucket/in", False),
        ("s3://bucket/in\\..\\a.pdf", "s3://bucket/in", False),
        ("gs://bucket/in/a.pdf", "s3://bucket/in", False),
        ("s3://conn@bucket/in/a.pdf", "s3://bucket/in", False),
        ("s3://conn@bucket/in/a.pdf", "s3://conn@bucket/in", True),
        ("s3://other@bucket/in/a.pdf", "s3://conn@bucket/in", False),
        ("s3://bucket/in/a.pdf", "s3://conn@bucket/in", False),
        ("s3://bucket/in/a.pdf", "/in", False),
        ("file:///in/a.pdf", "s3://bucket/in", False),
    ],
)
def test_a_storage_path_lies_below_a_prefix_of_the_same_storage_and_connection(url, root, is_allowed):
    for source in (url, ObjectStoragePath(url)):
        if is_allowed:
            as_path(source, roots_of("/data", root))
        else:
            with pytest.raises((FaxNotAllowedError, OSError)):
                read(source, roots_of("/data", root))


@pytest.mark.parametrize("source", ["s3://conn@bucket/a.pdf", "file://conn@/etc/a.pdf"])
def test_a_connection_in_a_url_is_refused_where_no_root_names_it(source):
    with pytest.raises((FaxNotAllowedError, OSError)):
        read(source, roots_of())


def test_a_connection_that_a_path_object_brings_is_refused_too():
    for roots in (roots_of(), roots_of("s3://bucket")):
        with pytest.raises(FaxNotAllowedError):
            as_path(ObjectStoragePath("s3://bucket/a.pdf", conn_id="conn"), roots)
    as_path(ObjectStoragePath("s3://bucket/a.pdf", conn_id="conn"), roots_of("s3://conn@bucket"))


def test_an_object_that_only_looks_like_a_path_is_refused_where_there_are_roots():
    class Disguise:
        suffix, protocol, conn_id, path = ".pdf", "s3", None, "bucket/a.pdf"

        def open(self, mode):
            raise AssertionError("opened")

    with pytest.raises(FaxNotAllowedError):
        as_path(Disguise(), roots_of("s3://bucket"))
    as_path(Disguise(), roots_of())


@pytest.mark.parametrize(
    "text", ["/data", "/", "/data/a b", "s3://bucket", "s3://conn@bucket/in", "file:///data", "https://x/y"]
)
def test_a_folder_and_a_prefix_can_be_roots(text):
    assert DocumentRoots.is_root(text)


@pytest.mark.parametrize(
    "text", ["", "data", "./data", "~/data", "/data/..", "s3://bucket/..", "s3:", "s3:/b", "zip::s3://b", "/a\0b"]
)
def test_anything_else_cannot(text):
    assert not DocumentRoots.is_root(text)
