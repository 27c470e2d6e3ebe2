"""What the gates cost a fax: checking its number and its documents, with every rule set, beside no rule at all.

Documents are loaded as the hook loads them: found, hashed, and their pages counted. The bound that the project sets
itself is 50 ms for a PDF of 20 pages.

Run it with ``make bench-gates``.
"""

from __future__ import annotations

import io
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdf
from pypdf.generic import DecodedStreamObject, NameObject

from airflow_provider_faxto.fax.numbers import FaxNumber
from airflow_provider_faxto.hooks.gatekeeper import Gatekeeper
from airflow_provider_faxto.vendors.base import ConnectionSettings
from airflow_provider_faxto.vendors.faxto import FaxToVendor

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 50
APPROVED = 10_000
# As in a task, where Airflow and the hook are loaded.
IMPORT = (
    "import time, airflow_provider_faxto.hooks.faxto; began = time.perf_counter(); import pypdf; "
    "print((time.perf_counter() - began) * 1000)"
)
NUMBER = FaxNumber("+12025550100")


def make_report(pages: int, path: Path, filling: int = 0) -> Path:
    """Write a PDF of full pages of text, compressed, and of so many bytes more in a picture that nothing shows."""
    writer = pypdf.PdfWriter()
    for number in range(pages):
        page = writer.add_blank_page(612, 792)
        text = DecodedStreamObject()
        text.set_data(b"BT /F1 10 Tf " + b"".join(b"(Line %d of page %d) Tj T* " % (n, number) for n in range(60)))
        page[NameObject("/Contents")] = writer._add_object(text.flate_encode())  # noqa: SLF001 - there is no public way
    content = io.BytesIO()
    writer.write(content)
    made = content.getvalue()
    # A comment in front of everything moves what the table names, so it stands behind the header's line.
    path.write_bytes(made.replace(b"startxref", b"%" * filling + b"\nstartxref"))
    return path


def keeper(rules: dict[str, Any]) -> Gatekeeper:
    """Make the gatekeeper of a connection, as each task makes it anew."""
    settings = ConnectionSettings(conn_id="bench", password="key", extra=rules)
    return Gatekeeper(settings, FaxToVendor.from_settings(settings), "US")


def measure(call: Callable[[], object]) -> str:
    """Time a call: the median, and the range."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        took.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(took):8.1f} ms ({min(took):.1f} to {max(took):.1f})"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        approved = top / "approved.txt"
        approved.write_text("".join(f"+1 202 55{n // 10_000:1}{n % 10_000:04}\n" for n in range(50_000, 60_000)))
        rules = {
            "allowed_numbers": "+1202",
            "denied_numbers": "+1900, CU",
            "document_roots": str(top),
            "max_pages": 100,
        }
        imports = [sys.executable, "-c", IMPORT]
        took = [float(subprocess.run(imports, check=True, capture_output=True, text=True).stdout) for _ in range(5)]
        small = make_report(20, top / "small.pdf")
        large = make_report(200, top / "large.pdf", 18_000_000)
        keeper({}).admit([small])
        print(f"Python {platform.python_version()}, {platform.machine()}, pypdf {pypdf.__version__}; ", end="")
        print(f"median (lowest to highest) of {ROUNDS}")
        print(f"{'import of pypdf':>20}, once in a task: {statistics.median(took):.0f} ms")
        for name, path in (("20 pages", small), ("200 pages, 18 MB", large)):
            print(f"{name:>20}, no rule: {measure(lambda path=path: keeper({}).admit([path]))}")
            many = {**rules, "max_pages": 1000}
            print(f"{name:>20}, rules:   {measure(lambda path=path, many=many: keeper(many).admit([path]))}")
        print(f"{'number':>20}, no rule: {measure(lambda: keeper({}).check_recipient(NUMBER))}")
        print(f"{'number':>20}, rules:   {measure(lambda: keeper(rules).check_recipient(NUMBER))}")
        listed = {"allowed_numbers_from": str(approved)}
        began = time.perf_counter()
        keeper(listed).check_recipient(FaxNumber("+12025550000"))
        print(f"a list of {APPROVED:,} numbers, first time: {(time.perf_counter() - began) * 1000:.0f} ms; ", end="")
        print(f"again: {measure(lambda: keeper(listed).check_recipient(FaxNumber('+12025550000')))}")


if __name__ == "__main__":
    main()
