from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_faxto.simulator.documents import PageCounter

CONTENT = b"%PDF-1.7 /Type/Page\n/Type /Pages /Type   /Page/Parent /Type/PageLabel %%EOF" * 3


@given(st.lists(st.integers(0, len(CONTENT)), max_size=12))
def test_a_document_is_hashed_and_its_pages_counted_however_it_is_cut(cuts):
    ends = sorted({*cuts, len(CONTENT)})
    counter = PageCounter()
    for start, end in zip([0, *ends], ends, strict=False):
        counter.update(CONTENT[start:end])
    facts = counter.facts("a.pdf", "application/pdf")
    assert facts.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (facts.size, facts.pages) == (len(CONTENT), 6)


def test_what_is_not_a_pdf_has_one_page():
    counter = PageCounter()
    counter.update(b"/Type /Page /Type /Page ")
    assert counter.facts("notes.txt", "text/plain").pages == 1
