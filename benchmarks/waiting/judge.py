"""What the figures say: the floor beside each delay, and which bar holds."""

from __future__ import annotations

from typing import Any

from floor import ideal_delays, percentile
from follower import FIRST_LOOK, OURS, RIVALS
from server import LIMIT

TOGETHER = 100
TIMES_FEWER = {"requests": 50, "cpu_seconds": 10}
MOST_MEMORY_SHARE = 0.5
MOST_OVER_FLOOR = 1.5
LONGEST_BLOCK_MS = 50
COMPARED = 1000
MANY = 10_000


def summarise(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the floor beside each run's delays, and our further rounds into one."""
    kept = [result for result in results if result["kind"] == "hold"]
    first: dict[tuple[str, int], dict[str, Any]] = {}
    pooled: dict[tuple[str, int], list[list[float]]] = {}
    for result in results:
        if result["kind"] == "follow":
            key = result["way"], result["faxes"]
            is_ours = result["way"] == OURS
            floor = ideal_delays(
                result.pop("ends"),
                interval=result["interval"],
                limit=LIMIT if is_ours else float("inf"),
                together=TOGETHER if is_ours else float("inf"),
                first_look=FIRST_LOOK,
            )
            delays, floors = pooled.setdefault(key, [[], []])
            delays += result.pop("delays")
            floors += floor
            if key in first:
                for name in ("right", "wrong", "refused"):
                    first[key][name] += result[name]
                first[key]["most_in_a_minute"] = max(first[key]["most_in_a_minute"], result["most_in_a_minute"])
                first[key]["rounds"] += 1
            else:
                first[key] = result | {"rounds": 1}
    for key, result in first.items():
        for name, values in zip(("delay", "floor"), pooled[key], strict=True):
            result[name] = {
                "median": percentile(values, 0.5) if values else None,
                "p99": percentile(values, 0.99) if values else None,
            }
        kept.append(result)
    return kept


Results = dict[tuple[str, str, int], dict[str, Any]]


def bars(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hold the figures against what was asked for; what was not measured is left out."""
    by: Results = {(result["kind"], result["way"], result["faxes"]): result for result in results}
    found = []
    for rival in RIVALS:
        found += _beside(rival, by)
    for (kind, way, _), result in by.items():
        if way == OURS:
            found += _of_a_follow(result) if kind == "follow" else _of_a_hold(result)
    return found


def _bar(text: str, figure: float, limit: float, *, holds: bool) -> dict[str, Any]:
    return {"bar": text, "figure": figure, "limit": limit, "holds": holds}


def _beside(rival: str, by: Results) -> list[dict[str, Any]]:
    found = []
    ours, theirs = by.get(("follow", OURS, COMPARED)), by.get(("follow", rival, COMPARED))
    if ours and theirs:
        for name, least in TIMES_FEWER.items():
            times = theirs[name] / ours[name]
            text = f"times fewer {name} than {rival}, {COMPARED:,} faxes, at least"
            found.append(_bar(text, times, least, holds=times >= least))
    ours, theirs = by.get(("hold", OURS, MANY)), by.get(("hold", rival, MANY))
    if ours and theirs:
        for name, when in (("kb_per_fax", "trimmed"), ("kb_per_fax_untrimmed", "as it stands")):
            share = ours[name] / theirs[name]
            text = f"memory of a fax as a share of {rival}'s, {MANY:,} faxes, {when}, at most"
            found.append(_bar(text, share, MOST_MEMORY_SHARE, holds=share <= MOST_MEMORY_SHARE))
    return found


def _of_a_follow(result: dict[str, Any]) -> list[dict[str, Any]]:
    faxes, most = result["faxes"], result["most_in_a_minute"]
    is_within = most <= LIMIT and not result["refused"]
    found = [
        _bar(f"requests in any rolling minute, {faxes:,} faxes, at most, none refused", most, LIMIT, holds=is_within)
    ]
    for name in ("median", "p99"):
        if result["delay"][name] is not None:
            ratio = result["delay"][name] / result["floor"][name]
            text = f"{name} delay over its floor, {faxes:,} faxes, at most"
            found.append(_bar(text, ratio, MOST_OVER_FLOOR, holds=ratio <= MOST_OVER_FLOOR))
    all_of_them = faxes * result["rounds"]
    is_right = not result["wrong"] and result["right"] == all_of_them
    found.append(_bar(f"faxes with the right event, of {faxes:,}", result["right"], all_of_them, holds=is_right))
    return found


def _of_a_hold(result: dict[str, Any]) -> list[dict[str, Any]]:
    faxes, found = result["faxes"], []
    if faxes == MANY:
        # Beside a full garbage collection no program could hold this: one takes a tenth of a second where Airflow is in
        # memory, and ten thousand triggers that only sleep set some off. The tables show both, and those triggers.
        longest = block_outside_collections(result)
        text = f"ms that the event loop is blocked outside full collections, {faxes:,} faxes, below"
        found.append(_bar(text, longest, LONGEST_BLOCK_MS, holds=longest < LONGEST_BLOCK_MS))
    is_right = not result["wrong"] and result["looked_at"] == faxes
    found.append(_bar(f"faxes looked at while they are held, of {faxes:,}", result["looked_at"], faxes, holds=is_right))
    return found


def longest_block(result: dict[str, Any]) -> float:
    """Give the longest time that the loop was blocked in a run, in ms."""
    return result["blocked"]["all"]["longest_ms"]


def block_outside_collections(result: dict[str, Any]) -> float:
    """Give the longest time in which Python made no full garbage collection, in ms."""
    return result["blocked"]["all"]["longest_outside_collections_ms"]
