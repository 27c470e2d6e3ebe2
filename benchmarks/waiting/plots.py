"""How the cost of waiting grows from 10 to 10,000 faxes: two small SVGs, drawn from the recorded figures alone.

``docs/scale-cost.svg`` shows requests, processor time and memory; ``docs/scale-delay.svg`` the delays with their
floors, and how long the event loop is blocked outside Python's full garbage collections. InterFAX's limit of requests
does not hold for the rivals. The same figures give the same files, byte by byte.

Run it with ``make bench-plots``.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from follower import OURS
from judge import LONGEST_BLOCK_MS, block_outside_collections
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from run import RESULTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

DOCS = Path(__file__).resolve().parents[2] / "docs"
# All are told apart on white and on black, and by colour-blind readers with the markers' help.
LOOKS = {
    "faxto": ("this provider", "#2f81f7", "o", 4),
    "http": ("HttpSensorTrigger, no limit", "#e8710a", "s", 6),
    "dbt": ("DbtCloudRunJobTrigger, no limit", "#a371f7", "^", 4),
    "bare": ("a trigger that only sleeps", "#8b949e", "x", 4),
}
FLOOR = "#8b949e"
# Below so great a range, powers of ten alone would be too few ticks.
NARROW = 300
# Stands for the colour of the text, which follows the reader's light or dark page.
INK = "#010203"
STYLE = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"
Panel = tuple[str, str, "Callable[[dict[str, Any]], float]", "Callable[[dict[str, Any]], float] | None"]

COST: list[Panel] = [
    ("status requests, to the last fax's end", "follow", lambda one: one["requests"], None),
    ("CPU-seconds of the triggerer process", "follow", lambda one: one["cpu_seconds"], None),
    ("memory for each waiting fax, kB", "hold", lambda one: one["kb_per_fax"], None),
]
DELAY: list[Panel] = [
    ("median delay of an event, s", "follow", lambda one: one["delay"]["median"], lambda one: one["floor"]["median"]),
    ("99th percentile of the delay, s", "follow", lambda one: one["delay"]["p99"], lambda one: one["floor"]["p99"]),
    ("longest block outside full collections, ms", "hold", block_outside_collections, None),
]


def plain(value: float, _: object = None) -> str:
    """Write a tick as people do: 10,000 and 0.1."""
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def draw(axes: Axes, panel: Panel, results: list[dict[str, Any]]) -> None:
    """Draw one panel: a line for each way, and a dashed one for the floor of ours."""
    title, kind, figure, floor = panel
    for way, (label, colour, marker, size) in LOOKS.items():
        runs = [one for one in results if (one["kind"], one["way"]) == (kind, way)]
        runs.sort(key=lambda one: one["faxes"])
        if not runs:
            continue
        faxes = [one["faxes"] for one in runs]
        looks = {"color": colour, "marker": marker, "markersize": size}
        axes.plot(faxes, [figure(one) for one in runs], linewidth=1.5, label=label, **looks)
        if way == OURS and floor is not None:
            axes.plot(faxes, [floor(one) for one in runs], color=FLOOR, linestyle="--", label="floor of this provider")
    if figure is block_outside_collections:
        axes.axhline(LONGEST_BLOCK_MS, color=FLOOR, linestyle=":", label=f"bar: {LONGEST_BLOCK_MS} ms")
    axes.set(xscale="log", yscale="log", xlabel="faxes that wait")
    axes.set_title(title, fontsize=10)
    axes.grid(color=INK, alpha=0.15, linewidth=0.6)
    low, high = axes.get_ylim()
    if high / low < NARROW:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(plain))
        axis.set_minor_formatter(NullFormatter())
        axis.set_minor_locator(NullLocator())


def save(name: str, title: str, panels: list[Panel], results: list[dict[str, Any]]) -> None:
    """Draw the panels side by side into one file."""
    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels)), panels, strict=True):
        draw(axes, panel, results)
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(
        handles.values(), handles, loc="outside lower center", ncols=min(len(handles), 4), frameon=False, fontsize=8.5
    )
    path = DOCS / name
    figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None, "Title": title})
    text = path.read_text()
    # The first element only: what matplotlib says about itself and the page's size in points are no use to a reader.
    text = re.sub(r"(<svg[^>]*>)", rf"\1\n {STYLE}", text, count=1).replace(INK, "currentColor")
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")
    print(f"{path.relative_to(DOCS.parent)}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Draw both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    mpl.rcParams.update(
        {
            # Text stays text, in the reader's font; the salt makes the identifiers the same each time.
            "svg.fonttype": "none",
            "svg.hashsalt": "waiting",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
            "font.size": 9,
            **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
        }
    )
    results = json.loads(options.results.read_text())["results"]
    save("scale-cost.svg", "What it costs to wait for faxes of one account", COST, results)
    save("scale-delay.svg", "How late an event is, and how long the event loop is blocked", DELAY, results)


if __name__ == "__main__":
    main()
