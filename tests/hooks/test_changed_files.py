"""A file that changes between its hash and its send: nothing of it is faxed, whichever vendor and storage it is."""

from __future__ import annotations

import io

import pytest

from airflow_provider_faxto.fax.errors import FaxDocumentError
from airflow_provider_faxto.hooks.fax import FaxHook
from airflow_provider_faxto.simulator.pdf import make_pdf

OLD = make_pdf(mark="old " * 50)
# Goes through an upload session of InterFAX, in slices.
LARGE = make_pdf(mark="old " * 600_000)
VENDORS = ["faxto", "interfax", "extrafax"]


def rewrite(path, content):
    path.write_bytes(content.replace(b"old", b"NEW"))


def grow(path, content):
    path.write_bytes(content + b"more")


def shrink(path, content):
    path.write_bytes(content[: len(content) // 2])


def replace(path, content):
    other = path.with_name("other.pdf")
    rewrite(other, content)
    other.replace(path)


class Stored:
    """An object in a storage, as ``ObjectStoragePath`` gives it."""

    suffix = ".pdf"

    def __init__(self, content):
        self.content = content

    def open(self, mode):
        return io.BytesIO(self.content)


CHANGES = [rewrite, grow, shrink, replace]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("content", [OLD, LARGE], ids=["small", "large"])
def test_a_file_that_changed_after_it_was_hashed_is_not_faxed(fax_connections, tmp_path, vendor, change, content):
    path = tmp_path / "latest.pdf"
    path.write_bytes(content)
    hook = FaxHook.for_connection(f"{vendor}_default")
    documents = hook.load_documents(str(path))
    change(path, content)

    with pytest.raises(FaxDocumentError, match="no longer what it was"):
        hook.send_fax("+12025550100", documents, reference="airflow-test")

    assert fax_connections.faxes() == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_object_that_changed_after_it_was_hashed_is_not_faxed(fax_connections, vendor):
    path = Stored(LARGE)
    hook = FaxHook.for_connection(f"{vendor}_default")
    documents = hook.load_documents(path)
    path.content = LARGE.replace(b"old", b"NEW")

    with pytest.raises(FaxDocumentError, match="no longer what it was"):
        hook.send_fax("+12025550100", documents, reference="airflow-test")

    assert fax_connections.faxes() == []


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("content", [OLD, LARGE], ids=["small", "large"])
def test_a_file_that_is_what_it_was_is_faxed(fax_connections, tmp_path, vendor, content):
    path = tmp_path / "latest.pdf"
    path.write_bytes(content)
    hook = FaxHook.for_connection(f"{vendor}_default")

    hook.send_fax("+12025550100", hook.load_documents(str(path)), reference="airflow-test")

    assert len(fax_connections.faxes()) == 1
