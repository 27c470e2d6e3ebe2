"""Build the documentation site, and check it: ``make site``.

Sphinx is given a copy of the pages, laid out as in the checkout, so that a link between two files leads to the same
place on a code host and on the site. Beside them stand the first page, a page with the example DAGs, and the reference
made from the docstrings. A warning is an error.

What is built is then checked by itself: every link inside it leads to a page and a place on it that exist, and nothing
is loaded from another host.
"""

# ruff: noqa: INP001 - a script beside the pages, no package

from __future__ import annotations

import ast
import re
import shutil
import sys
from pathlib import Path

from check import check_site
from conf import PUBLIC
from sphinx.cmd.build import build_main

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


def stage(source: Path) -> None:
    """Copy the pages, and write those that only the site has.

    :param source: the folder that Sphinx reads; what is in it goes.
    """
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source / "docs", ignore=shutil.ignore_patterns("site", "*.py", "__pycache__"))
    shutil.copytree(ROOT / "benchmarks", source / "benchmarks", ignore=shutil.ignore_patterns("results", "__pycache__"))
    for name in (*TOP, "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    for page in source.rglob("*.md"):
        text = page.read_text(encoding="utf-8")
        text = re.sub(r"\]\(((?:\.\./)?example_dags)/(\w+)\.py\)", r"](\1/index.md#\2)", text)
        page.write_text(re.sub(r"\]\(((?:\.\./)?example_dags)\)", r"](\1/index.md)", text), encoding="utf-8")
    (source / "example_dags").mkdir()
    (source / "example_dags" / "index.md").write_text(example_dags(), encoding="utf-8")
    (source / "reference.md").write_text(reference(), encoding="utf-8")
    index = (HERE / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(f"{index}\n{contents()}", encoding="utf-8")


def example_dags() -> str:
    """Make the page with the example DAGs: what each says of itself, and its source."""
    parts = ["# Example DAGs\n\nEach is one file, to be copied and changed.\n"]
    for path in sorted((ROOT / "example_dags").glob("fax_*.py")):
        text = path.read_text(encoding="utf-8")
        (first, *_) = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")
        parts.append(f"## {path.stem}\n\n{' '.join(first.split())}\n\n````python\n{text}````\n")
    return "\n".join(parts)


def reference() -> str:
    """Make the page that leads into what is made from the docstrings: first what keeps its place."""
    at = "api/airflow_provider_faxto"
    rows = [
        f"| [`airflow_provider_faxto.{name}`]({at}/{name.replace('.', '/')}/index.rst) | {what} |"
        for name, what in PUBLIC.items()
    ]
    table = "\n".join(("| module | what |", "| --- | --- |", *rows))
    return (
        "# Reference\n\nMade from the docstrings of the code.\n\n## What you import\n\n"
        "These names stay where they are; what changes about them stands in the [changes](CHANGELOG.md).\n\n"
        f"{table}\n\n## The whole package\n\n"
        "For who changes it, or reads how it works. Its rooms are told in [Development](docs/development.md#rooms).\n\n"
        f"```{{toctree}}\n:maxdepth: 2\n\n{at}/index\n```\n"
    )


def contents() -> str:
    """Make the list of pages beside the pages, in the order and the groups of docs/index.md."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    groups = []
    for section in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        caption, _, text = section.partition("\n")
        if pages := re.findall(r"^\| \[[^]]+\]\((\w+)\.md\)", text, re.MULTILINE):
            groups.append((caption, [f"docs/{page}" for page in pages]))
    groups[0][1].extend(["example_dags/index"])
    groups.append(("The package", ["README", "reference", "CHANGELOG", "CONTRIBUTING", "SECURITY", "docs/index"]))
    return "\n".join(
        "\n".join(["```{toctree}", ":hidden:", ":maxdepth: 1", f":caption: {caption}", "", *pages, "```", ""])
        for caption, pages in groups
    )


def main(out: Path) -> int:
    """Build and check.

    :param out: the folder for the site and what is needed to make it.
    :return: the exit code.
    """
    source, site = out / "source", out / "html"
    shutil.rmtree(site, ignore_errors=True)
    stage(source)
    arguments = ["-b", "html", "-c", str(HERE), "-d", str(out / "doctrees"), "-q", "-n", "-W", "--keep-going"]
    if code := build_main([*arguments, str(source), str(site)]):
        return code
    if faults := check_site(site):
        sys.stderr.write("\n".join((*faults, f"{len(faults)} faults in {site}\n")))
        return 1
    sys.stdout.write(f"The site is in {site}: open {site / 'index.html'}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
