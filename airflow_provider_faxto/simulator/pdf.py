"""A small PDF for tests: real, so that its pages can be counted, and empty but for a mark."""

from __future__ import annotations

__all__ = ["make_pdf"]


def make_pdf(pages: int = 1, *, mark: str = "", size: int = 0) -> bytes:
    """Make a PDF of blank pages in the size of a letter.

    :param pages: how many pages. Default: 1. With 0 it is a PDF that nobody can fax.
    :param mark: a line of text without line breaks, which no page shows: it makes the file another one. Default: none.
    :param size: how many bytes at least; a comment fills what is missing. Default: as few as the pages need.
    :return: the content of the file.
    """
    kids = " ".join(f"{number} 0 R" for number in range(3, 3 + pages))
    objects = [
        "<</Type /Catalog /Pages 2 0 R>>",
        f"<</Type /Pages /Kids [{kids}] /Count {pages}>>",
        *["<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792]>>"] * pages,
    ]
    content = f"%PDF-1.4\n% {mark}\n".encode()
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for number, body in enumerate(objects, start=1):
        table += f"{len(content):010} 00000 n \n".encode()
        content += f"{number} 0 obj\n{body}\nendobj\n".encode()
    trailer = f"trailer\n<</Size {len(objects) + 1} /Root 1 0 R>>\nstartxref\n".encode()
    end = "{}\n%%EOF\n"
    # The number of bytes before the table has as many digits as the whole has, or one less.
    filling = size - len(content) - 1 - len(table) - len(trailer) - len(end.format(size - len(table) - len(trailer)))
    content += b"%" * max(filling, 0) + b"\n"
    return content + table + trailer + end.format(len(content)).encode()
