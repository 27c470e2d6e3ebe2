"""Unpack the source distribution into an empty folder, and run there the tests that a missing file would break.

Called by ``make sdist-test`` with the Python of its environment. Every test is collected there; those are run that read
files of the checkout beside the package: its pages, example DAGs, benchmarks, Makefile. The rest read only the package
and ``tests``, which importing them has proven to be there, and ``make test`` runs them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# As make test leaves them out: each has an environment or a command of its own.
ELSEWHERE = ["--ignore=tests/torture", "--ignore=tests/ui", "--ignore=tests/instruments"]
READS_THE_CHECKOUT = re.compile(r"\.parent\.parent|from support\.example")


def main() -> int:
    """Run the check; return the exit code."""
    uv = str(Path(sys.executable).parent / "uv")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([uv, "build", "--quiet", "--sdist", "--out-dir", scratch, str(ROOT)], check=True)
        (archive,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(scratch, filter="data")
        root = Path(scratch) / archive.name.removesuffix(".tar.gz")
        # Before the checkout, which the environment has installed.
        path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path}

        def pytest(*arguments: str) -> None:
            command = [sys.executable, "-m", "pytest", *ELSEWHERE, *arguments]
            if code := subprocess.run(command, check=False, cwd=root, env=environment).returncode:
                sys.exit(code)

        print(f"Collecting every test of {archive.name} ...", flush=True)
        pytest("--collect-only", "--quiet", "--quiet", "--quiet")
        files = [path for path in sorted((root / "tests").rglob("test_*.py")) if _is_run_here(path)]
        print(f"Running those of {len(files)} files that read the checkout ...", flush=True)
        where = [str(path.relative_to(root)) for path in files]
        pytest("-n", "auto", "--maxprocesses", "4", "--quiet", "-m", "not airflow", *where)
    return 0


def _is_run_here(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    left_out = {Path(option.partition("=")[2]).name for option in ELSEWHERE}
    return path.parent.name not in left_out and READS_THE_CHECKOUT.search(text) is not None


if __name__ == "__main__":
    sys.exit(main())
