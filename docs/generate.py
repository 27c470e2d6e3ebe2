"""Write the parts of the documentation that are made from the code: ``python docs/generate.py``.

Two kinds of part are replaced, in README.md and docs/*.md:

* ``<!-- generated: NAME -->`` to ``<!-- end -->``: a table or tree of :data:`PARTS`, made from the code or from what
  the benchmarks have recorded.
* ``<!-- example: NAME -->`` and the Python block after it: the region ``[START NAME]`` of example_dags/NAME.py.

With ``--check`` nothing is written; the exit code says whether everything is current. It needs the package, but
neither Airflow nor a network.
"""

# ruff: noqa: INP001 - a script beside the pages, no package

from __future__ import annotations

import ast
import json
import re
import sys
from collections import Counter
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_faxto.fax.codes import STATUS_CODES
from airflow_provider_faxto.fax.retries import RETRY_DELAYS
from airflow_provider_faxto.figures import FIGURES
from airflow_provider_faxto.get_provider_info import get_provider_info
from airflow_provider_faxto.vendors.base import FaxVendor, LookUp
from airflow_provider_faxto.vendors.faxto import MESSAGE_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

ROOT = Path(__file__).resolve().parent.parent

CONNECTION_TYPES: Sequence[Mapping[str, Any]] = get_provider_info()["connection-types"]


def _vendor_of(connection_type: str) -> type[FaxVendor]:
    """Take a vendor's class from its package, which bears the name of the connection type. No hook is imported."""
    exported = vars(import_module(f"airflow_provider_faxto.vendors.{connection_type}")).values()
    (vendor,) = (
        each
        for each in exported
        if isinstance(each, type) and issubclass(each, FaxVendor) and getattr(each, "name", None) == connection_type
    )
    return vendor


VENDORS = [_vendor_of(entry["connection-type"]) for entry in CONNECTION_TYPES]
"""Every vendor of the provider info."""

# What is no call, or is a call that the hook makes by itself.
_NO_CALLS = frozenset(
    {
        "from_settings",
        "secrets",
        "account",
        "auth_flow",
        "get_listed_statuses",
        "read_records",
        "resume_records",
        "reach_back_to",
    }
)
# docs/gates.md tells them.
_RULES = frozenset(
    {
        "allow_costly_numbers", "allowed_dags", "allowed_numbers", "allowed_numbers_from", "denied_numbers",
        "document_roots", "max_cost", "max_pages", "max_pages_strict",
    }
)  # fmt: skip
# Extras that several vendors share: docs/connections.md tells them at more length than their form does.
_TOLD_BY_HAND = frozenset(
    {
        *_RULES,
        "remember_bad_numbers",
        "timeout",
        "default_region",
        "code_outcomes",
        "key_namespace",
        "requests_per_minute",
        "when_out_of_credit",
    }
)
# The hook calls all others as the vendors do.
_AT_THE_HOOK = {"get_history_page": "iter_history"}


def status_codes() -> str:
    """Make the table of InterFAX's and ExtraFax's status codes."""
    counts = Counter(entry.outcome for entry in STATUS_CODES.values())
    total = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    rows = [
        (
            entry.code,
            entry.label,
            entry.outcome,
            entry.cause or "",
            _yes_or_no(entry.pages_may_have_arrived),
            entry.confidence,
            "both" if entry.in_extrafax else "InterFAX",
        )
        for entry in STATUS_CODES.values()
    ]
    header = ("code", "vendor's label", "outcome", "cause", "pages may have arrived", "confidence", "listed by")
    return f"{len(STATUS_CODES)} codes: {total}.\n\n{_table(header, rows)}"


def message_codes() -> str:
    """Make the table of Fax.to's message codes."""
    rows = [(f"`{entry.code}`", entry.label, entry.outcome, entry.cause or "") for entry in MESSAGE_CODES.values()]
    return _table(("code", "meaning", "outcome", "cause"), rows)


def calls() -> str:
    """Make the table of calls by vendor."""
    rows = [
        (what, f"`{_AT_THE_HOOK.get(name, name)}`", *(_yes_or_no(_offers(vendor, name)) for vendor in VENDORS))
        for name, what in _calls().items()
    ]
    return _table(("what", "hook method", *_labels()), rows)


def _calls() -> dict[str, str]:
    """Give every call that a vendor offers, with the first sentence that is written on it: the common ones first."""
    found: dict[str, str] = {}
    for vendor in (FaxVendor, *VENDORS):
        for name, value in vars(vendor).items():
            if callable(value) and not name.startswith(("_", "check_")) and name not in _NO_CALLS | found.keys():
                sentence, _, _ = " ".join(cleandoc(value.__doc__ or "").split()).partition(". ")
                found[name] = _in_a_cell(sentence.rstrip("."))
    return found


def vendors() -> str:
    """Make the table of the vendors at a glance."""
    found = {
        LookUp.LABEL: "the vendor looks up a label of ours",
        LookUp.HISTORY: "in the pages of the vendor's records",
    }
    rows = [
        ("connection type", *(f"`{vendor.name}`" for vendor in VENDORS)),
        ("credentials", *(_needs(entry) for entry in CONNECTION_TYPES)),
        ("documents in one fax, at most", *(str(vendor.max_documents) for vendor in VENDORS)),
        ("how a fax is found again", *(found[vendor.look_up] for vendor in VENDORS)),
        (
            "counted requests a minute, unless you set another figure",
            *(f"{each.requests_per_minute}" for each in VENDORS),
        ),
        ("faxes in one status request, at most", *(str(vendor.jobs_per_request) for vendor in VENDORS)),
        ("cost before sending", *(_yes_or_no(_offers(vendor, "estimate_cost")) for vendor in VENDORS)),
        ("cancel", *("while it waits" if _offers(vendor, "cancel_fax") else "no" for vendor in VENDORS)),
    ]
    return _table(("", *_labels()), rows)


def connection_types() -> str:
    """Make the table of connection types: what each needs, and where it leads."""
    rows = [
        (
            f"`{vendor.name}`",
            vendor.label,
            f"`{vendor.name}_default`",
            _needs(entry),
            f"`{vendor.default_host}` unless you name another" if vendor.default_host else "yours to name",
        )
        for vendor, entry in zip(VENDORS, CONNECTION_TYPES, strict=True)
    ]
    return _table(("type", "vendor", "default id", "needs", "host"), rows)


def own_extras() -> str:
    """Make the table of the extras that are one vendor's own."""
    by_type = {entry["connection-type"]: entry["conn-fields"] for entry in CONNECTION_TYPES}
    names = dict.fromkeys(name for fields in by_type.values() for name in fields)
    rows = []
    for name in names:
        types = [each for each, fields in by_type.items() if name in fields]
        if name not in _TOLD_BY_HAND:
            rows.append((f"`{name}`", ", ".join(f"`{each}`" for each in types), by_type[types[0]][name]["description"]))
    return _table(("extra", "for", "meaning"), rows)


def send_options() -> str:
    """Make the table of send parameters by vendor."""
    names = sorted(frozenset[str]().union(*(vendor.send_options for vendor in VENDORS)))
    rows = [(f"`{name}`", *(_yes_or_no(name in vendor.send_options) for vendor in VENDORS)) for name in names]
    return _table(("parameter", *_labels()), rows)


def documents() -> str:
    """Make the table of what each vendor's client sends."""
    rows = [
        ("documents in one fax", *(str(vendor.max_documents) for vendor in VENDORS)),
        ("bytes, all documents together", *(f"{vendor.max_document_bytes:,}" for vendor in VENDORS)),
        ("file types", *(", ".join(sorted(vendor.document_types)) for vendor in VENDORS)),
    ]
    return _table(("sent at most", *_labels()), rows)


def retry_delays() -> str:
    """Make the table of delays before each further attempt."""
    rows = [
        (f"`{cause}`", ", ".join(f"{delay.total_seconds() / 60:g}" for delay in delays) + " min")
        for cause, delays in RETRY_DELAYS.items()
    ]
    return _table(("cause", "delay before each further attempt"), rows)


def figures() -> str:
    """Make the table of the figures that Airflow's metrics are told."""
    rows = [(f"`{each.name}`", each.kind, ", ".join(f"`{tag}`" for tag in each.tags), each.meaning) for each in FIGURES]
    return _table(("figure", "kind", "tags", "what"), rows)


def error_tree() -> str:
    """Show the tree of exceptions as the code's own docstring draws it."""
    # Read and not imported, since that module needs Airflow.
    module = (ROOT / "airflow_provider_faxto" / "exceptions.py").read_text(encoding="utf-8")
    _, _, tree = (ast.get_docstring(ast.parse(module)) or "").partition("::\n\n")
    return f"```text\n{cleandoc(tree)}\n```"


def waiting_cost() -> str:
    """Make the table of what waiting costs, beside the rivals."""
    by = _waiting()
    rows = []
    for kind, name, figure in (
        ("follow", "status requests", "{requests:,}"),
        ("follow", "CPU-seconds", "{cpu_seconds:.2f}"),
        ("hold", "kB for each", "{kb_per_fax:.1f}"),
    ):
        for faxes in sorted({faxes for _, _, faxes in by}):
            runs = [by.get((kind, way, faxes)) for way in _WAITERS if way != "bare"]
            rows.append((name, f"{faxes:,}", *(figure.format(**run) if run else "not run" for run in runs)))
    return _table(("", "faxes", *(name for way, name in _WAITERS.items() if way != "bare")), rows)


def waiting_delay() -> str:
    """Make the table of how late an ended fax is seen."""
    rows = []
    for (kind, way, faxes), run in sorted(_waiting().items()):
        if (kind, way) == ("follow", "faxto"):
            pairs = [(run["delay"][name], run["floor"][name]) for name in ("median", "p99")]
            seconds = [f"{value:,.0f} s" for pair in pairs for value in pair]
            rows.append((f"{faxes:,}", *seconds, run["most_in_a_minute"], run["refused"]))
    header = ("faxes", "median", "its floor", "99th percentile", "its floor", "most requests in a minute", "refused")
    return _table(header, rows)


def waiting_blocked() -> str:
    """Make the table of how long the event loop stands still at the largest number of faxes."""
    by = _waiting()
    most = max(faxes for _, _, faxes in by)
    rows = []
    for way, name in _WAITERS.items():
        blocked = by["hold", way, most]["blocked"]["all"]
        figures = blocked["longest_ms"], blocked["longest_outside_collections_ms"]
        rows.append((name, *(f"{figure:.0f} ms" for figure in figures)))
    return _table((f"{most:,} at once", "longest", "longest outside full garbage collections"), rows)


def whole_way() -> str:
    """Make the table of a fax's whole way through Airflow."""
    figures = _recorded("whole_dag")["figures"]
    rows = [
        (
            name,
            figures[way]["tasks_up_to_the_branch"],
            f"{figures[way]['wall_seconds']['median']:.1f} s",
            f"{figures[way]['slot_seconds']['mean']:.2f} s",
        )
        for way, name in _WAYS.items()
    ]
    return _table(("tasks", "number, up to the branch", "run's start to end, median", "worker slots held"), rows)


def bulk() -> str:
    """Make the table of what many faxes cost Airflow, in one task and mapped."""
    recorded = _recorded("bulk")
    rows = [
        (
            name,
            f"{run['faxes']:,}",
            f"{1000 * run['cpu_for_each']:.0f} ms",
            f"{run['wall'] / 60:.1f} min",
            f"{sum(run['rows'].values()) / run['faxes']:.1f}",
            f"{run['memory']['scheduler']} MB",
            f"{run['memory']['triggerer']} MB",
        )
        for way, name in (("batch", "one `SendFaxesOperator`"), ("mapped", "mapped `SendFaxOperator`"))
        for run in recorded[way]
    ]
    header = ("way", "faxes", "CPU of all Airflow for each fax", "wall time", "rows for each fax", "largest worker")
    return _table((*header, "triggerer"), rows)


def burst() -> str:
    """Make the table of what it costs to retry many busy faxes at once."""
    rows = [
        (
            f"{run['airflow']}, {'with' if run['has_journal'] else 'without'} a journal",
            f"{run['faxes']:,}",
            f"{run['speed']:g}",
            run["unknown"],
            run["requests"],
            f"{run['requests_a_look_up']:.3g}",
            f"{run['longest_hold_seconds']:.0f} s",
            f"{run['last_sent_seconds'] / 60:.1f} min",
        )
        for run in _recorded("burst")["results"]
    ]
    header = ("Airflow", "faxes", "clock", "end as unknown", "requests", "for each look", "longest hold of a slot")
    return _table((*header, "last one sent after"), rows)


def chaos() -> str:
    """Make the table of what faults do to waits: how many of each provider's ended wrongly, and how many late."""
    rows = [
        (row["title"], *(_of_chaos(row["ways"].get(way)) for way in ("faxto", "http", "dbt")))
        for row in _recorded("chaos")["results"]
    ]
    return _table(("fault", *(_WAITERS[way] for way in ("faxto", "http", "dbt"))), rows)


def _of_chaos(way: Mapping[str, Any] | None) -> str:
    """Say how many of a row's waits ended wrongly and how many were late; a fault of our own files hits us alone."""
    return "" if way is None else f"{way['wrong']}, {way['late']}"


def alarm() -> str:
    """Make the table of what many tasks with a wrong password cost."""
    how = {"processes": "the operator in processes of its own", "airflow": "real task runs"}
    rows = [
        (
            f"{run['vendor']}, {how[run['way']]}",
            f"{run['tasks']:,}",
            run["slots"],
            run["refused_log_ins"],
            run["pages"],
            run["sent"],
            run["sent_twice"],
            f"{run['longest_wait_while_wrong_seconds']:.1f} s",
        )
        for run in _recorded("alarm")["results"]
    ]
    header = ("vendor, tasks", "number", "at once", "refused log-ins", "pages", "sent when mended", "sent twice")
    return _table((*header, "longest task while wrong"), rows)


def page_answers() -> str:
    """Make the table of how long the answers of the page Faxes take."""
    databases = {result["database"]: result["answers"] for result in _recorded("page")["results"]}
    rows = [
        (
            name,
            *(
                f"{databases[kind][name]['first_seconds']:.2f} s, {databases[kind][name]['median_seconds']:.2f} s"
                for kind in ("postgresql", "sqlite")
            ),
        )
        for name in databases["postgresql"]
    ]
    return _table(("what", "PostgreSQL: first, then", "SQLite: first, then"), rows)


def page_others() -> str:
    """Make the table of what other pages of Airflow take while somebody is on the page Faxes."""
    rows = [
        (
            f"{name}, {'PostgreSQL' if result['database'] == 'postgresql' else 'SQLite'}",
            f"{found['alone_median_seconds']:.2f} s",
            f"{found['beside_median_seconds']:.2f} s",
        )
        for result in _recorded("page")["results"]
        for name, found in result["other_pages"].items()
    ]
    return _table(("another page", "alone", "beside somebody who reloads *Faxes* without a pause"), rows)


_WAITERS = {
    "faxto": "this provider",
    "http": "`HttpSensorTrigger`",
    "dbt": "`DbtCloudRunJobTrigger`",
    "bare": "a trigger that only sleeps",
}
_WAYS = {
    "ours": "`SendFaxOperator`, `FaxOutcomeBranchOperator`",
    "http": "`HttpOperator`, `HttpSensor`, `@task.branch`",
    "ours_poke": "as the first, with `deferrable=False`",
    "airflow_alone": "two that do nothing but defer once for 10 s, and branch",
}


def _waiting() -> dict[tuple[str, str, int], dict[str, Any]]:
    return {(run["kind"], run["way"], run["faxes"]): run for run in _recorded("waiting")["results"]}


def _recorded(benchmark: str) -> dict[str, Any]:
    text = (ROOT / "benchmarks" / "results" / f"{benchmark}.json").read_text(encoding="utf-8")
    recorded: dict[str, Any] = json.loads(text)
    return recorded


PARTS: Mapping[str, Callable[[], str]] = {
    "status-codes": status_codes,
    "message-codes": message_codes,
    "vendors": vendors,
    "connection-types": connection_types,
    "own-extras": own_extras,
    "calls": calls,
    "send-options": send_options,
    "documents": documents,
    "retry-delays": retry_delays,
    "figures": figures,
    "error-tree": error_tree,
    "waiting-cost": waiting_cost,
    "waiting-delay": waiting_delay,
    "waiting-blocked": waiting_blocked,
    "whole-way": whole_way,
    "burst": burst,
    "bulk": bulk,
    "chaos": chaos,
    "alarm": alarm,
    "page-answers": page_answers,
    "page-others": page_others,
}
"""What stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``, by name."""

_GENERATED = re.compile(r"(?<=<!-- generated: )([\w-]+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
_EXAMPLE = re.compile(r"(?<=<!-- example: )(\w+)( -->\n)```python\n(?:(?!```)[^\n]*\n)*```")


def pages() -> list[Path]:
    """List the pages that may hold generated parts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def render(text: str) -> str:
    """Bring all generated parts of a page up to date.

    :param text: the page.
    :return: the page with its parts as the code has them now.
    :raises KeyError: if the page names a part that there is not.
    :raises ValueError: if it names an example without such a region.
    """
    text = _GENERATED.sub(lambda match: f"{match[1]}{match[2]}{PARTS[match[1]]()}\n", text)
    return _EXAMPLE.sub(lambda match: f"{match[1]}{match[2]}```python\n{example(match[1])}\n```", text)


def example(name: str) -> str:
    """Read the quoted region of an example DAG.

    :param name: the file's name without extension, and the region's.
    :return: what stands between its two marks.
    :raises ValueError: if there is no such region.
    """
    text = (ROOT / "example_dags" / f"{name}.py").read_text(encoding="utf-8")
    region = re.search(rf"# \[START {name}\]\n(.*?)\n# \[END {name}\]", text, re.DOTALL)
    if region is None:
        raise ValueError(f"example_dags/{name}.py has no region {name}.")
    return region[1]


def main(arguments: Sequence[str]) -> int:
    """Write or check all pages.

    :param arguments: ``--check`` or nothing.
    :return: the exit code: 1 if a check finds a page that is not current.
    """
    check = "--check" in arguments
    stale = 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        current = render(text)
        if current == text:
            continue
        stale += 1
        if not check:
            page.write_text(current, encoding="utf-8")
        sys.stdout.write(f"{page.relative_to(ROOT)}: {'not current' if check else 'written'}\n")
    return int(check and stale > 0)


def _offers(vendor: type[FaxVendor], call: str) -> bool:
    # What a vendor does not offer is left as the base class has it, which refuses, or is not there at all.
    return getattr(vendor, call, None) is not getattr(FaxVendor, call, None)


def _needs(entry: Mapping[str, Any]) -> str:
    behaviour = entry["ui-field-behaviour"]
    names = {"login": "user name", "password": "password", **behaviour["relabeling"]}
    needed = [field for field in ("login", "password") if field not in behaviour["hidden-fields"]]
    if _vendor_of(entry["connection-type"]).default_host is None:
        needed.append("host")
    return ", ".join(_in_a_cell(names[field]) for field in needed)


def _in_a_cell(words: str) -> str:
    """Begin with a small letter, as the cells of the tables do, unless it is an abbreviation."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def _labels() -> list[str]:
    return [vendor.label for vendor in VENDORS]


def _yes_or_no(value: bool) -> str:  # noqa: FBT001 - its only argument
    return "yes" if value else "no"


def _table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    titles = [str(title) for title in header]
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
