"""The figures as tables."""

from __future__ import annotations

from typing import Any

from follower import NAMES


def show(recorded: dict[str, Any]) -> None:
    """Print everything as tables."""
    print("\n" + ", ".join(f"{name} {value}" for name, value in recorded["machine"].items()))
    print("The account's limit of requests is on for this provider and off for the rivals.")
    follows = [result for result in recorded["results"] if result["kind"] == "follow"]
    if follows:
        print(f"\nfollowed to their ends; interval {follows[0]['interval']:g} s, ends over {follows[0]['spread']:g} s")
        print(
            f"{'':36}{'faxes':>8}{'speed':>6}{'requests':>10}{'a minute':>9}{'refused':>8}{'CPU s':>8}"
            f"{'delay s':>9}{'floor':>7}{'p99':>8}{'floor':>8}{'right':>8}{'wrong':>6}"
        )
    for one in follows:
        delay, floor = one["delay"], one["floor"]
        print(
            f"{NAMES[one['way']]:36}{one['faxes']:>8,}{one['speed']:>6g}{one['requests']:>10,}"
            f"{one['most_in_a_minute']:>9,}{one['refused']:>8,}{one['cpu_seconds']:>8.2f}{number(delay['median']):>9}"
            f"{number(floor['median']):>7}{number(delay['p99']):>8}{number(floor['p99']):>8}"
            f"{one['right']:>8,}{one['wrong']:>6,}"
        )
    holds = [result for result in recorded["results"] if result["kind"] == "hold"]
    if holds:
        print("\nheld until all were looked at, then ended at once; loop blocked, longest and 99.9th percentile, ms")
        print("outside GC: the longest one in which Python made no full garbage collection")
        print(
            f"{'':36}{'faxes':>8}{'speed':>6}{'kB a fax':>10}{'untrimmed':>10}"
            f"{'starting':>16}{'waiting':>16}{'ending':>16}{'outside GC':>11}{'wrong':>7}"
        )
    for one in holds:
        blocked = ""
        for phase in ("starting", "waiting", "ending"):
            beats = one["blocked"].get(phase)
            blocked += f"{beats['longest_ms']:.1f} / {beats['p999_ms']:.1f}".rjust(16) if beats else "".rjust(16)
        print(
            f"{NAMES[one['way']]:36}{one['faxes']:>8,}{one['speed']:>6g}{one['kb_per_fax']:>10.1f}"
            f"{one['kb_per_fax_untrimmed']:>10.1f}{blocked}"
            f"{number(one['blocked']['all'].get('longest_outside_collections_ms')):>11}{one['wrong']:>7,}"
        )
    for one in recorded["results"]:
        if one["wrong"]:
            print(f"{one['kind']}, {one['way']}, {one['faxes']:,}: {one['wrong']:,} wrong, first: {one['first_wrong']}")
    print()
    for one in recorded["bars"]:
        verdict = "holds" if one["holds"] else "does not hold"
        print(f"{one['bar']:76}{one['limit']:>8g}:{one['figure']:>9.2f}  {verdict}")


def number(value: float | None) -> str:
    """Write a delay."""
    return "-" if value is None else f"{value:.1f}"
